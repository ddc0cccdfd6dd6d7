//! `meterwright firmware keygen|trust|untrust|keys|pack|inspect|flash|status`

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure, REFUSED, USAGE};
use super::flash::{Flash, Status};
use super::period::When;
use super::table::Table;
use super::vendor::{self, VendorAllow};
use crate::comms::Edit;

use crate::firmware::{Draft, Hex, KeyError, Package, PackageError, SigningKeyFile, TrustedKey, package};
use crate::store::StoreReader;

/// Firmware of meters: signed packages, and flashing.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "made once, when the program starts")]
pub(super) enum Firmware {
    /// Make a key that signs packages; its public half lies beside it as KEY.pub
    Keygen(Keygen),
    /// Trust a public key: packages that it signed may be flashed
    Trust(Trust),
    /// Trust a key no longer
    Untrust(Untrust),
    /// List the keys that are trusted
    Keys,
    /// Make a signed package of an image
    Pack(Pack),
    /// Say what a package holds, and whether it may be flashed
    Inspect(Inspect),
    /// Bring a package into meters; what broke off goes on
    Flash(Flash),
    /// Allow vendors' own firmware files in this store, which names the risk and wants it accepted
    VendorAllow(VendorAllow),
    /// Forbid vendors' own firmware files in this store
    VendorForbid,
    /// Say how campaigns and their meters stand
    Status(Status),
}

/// Makes a key.
#[derive(Args, Debug)]
pub(super) struct Keygen {
    /// The key's file, readable by its owner alone; sealed where --secret passphrase=… is given
    #[arg(short, long, value_name = "KEY")]
    output: PathBuf,
    /// The key's name, for people
    #[arg(long, value_name = "N", default_value = "Firmware")]
    name: String,
    /// Trust it in this store at once
    #[arg(long)]
    trust: bool,
}

/// Trusts a key.
#[derive(Args, Debug)]
pub(super) struct Trust {
    /// The public key's file
    key: PathBuf,
    /// Its name here [default: the name in the file]
    #[arg(long, value_name = "N")]
    name: Option<String>,
}

/// Trusts a key no longer.
#[derive(Args, Debug)]
pub(super) struct Untrust {
    /// The key's name or id
    key: String,
}

/// Makes a package.
#[derive(Args, Debug)]
pub(super) struct Pack {
    /// The image
    #[arg(long, value_name = "F")]
    image: PathBuf,
    /// The manifest as JSON; what options say goes ahead of it
    #[arg(long, value_name = "M.json")]
    manifest: Option<PathBuf>,
    /// The key that signs
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// The package's file
    #[arg(short, long, value_name = "PKG")]
    output: PathBuf,
    /// The maker: its three letters, or its name
    #[arg(long)]
    maker: Option<String>,
    /// A model that the image is for, as often as needed; `*` stands for anything
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// A hardware revision that the image is for, as often as needed
    #[arg(long = "hardware", value_name = "REVISION")]
    hardware: Vec<String>,
    /// A version that it may replace, as often as needed [default: any earlier one]
    #[arg(long = "replaces", value_name = "VERSION")]
    replaces: Vec<String>,
    /// The version that the meter says when it runs the image
    #[arg(long = "version", value_name = "VERSION")]
    brings: Option<String>,
    /// Image identifier for the image transfer, in hexadecimal
    #[arg(long, value_name = "HEX")]
    identifier: Option<Hex>,
    /// Image signature that the meter names before activation, in hexadecimal
    #[arg(long, value_name = "HEX")]
    image_signature: Option<Hex>,
    /// Not to be flashed before
    #[arg(long, value_name = "T")]
    not_before: Option<When>,
    /// Not to be flashed from then on
    #[arg(long, value_name = "T")]
    expires: Option<When>,
    /// For people
    #[arg(long)]
    notes: Option<String>,
}

/// Looks into a package.
#[derive(Args, Debug)]
pub(super) struct Inspect {
    /// The package
    package: PathBuf,
    /// Judge it by this public key instead of those that the store trusts
    #[arg(long, value_name = "PUBKEY")]
    key: Option<PathBuf>,
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Broken { .. } => Self::usage(error.to_string()),
            PackageError::Refused(_) => Self::refused(error.to_string()),
        }
    }
}

/// The keys that a store trusts.
pub(super) fn trusted(store: &StoreReader) -> Result<Vec<TrustedKey>, Failure> {
    let keys = store.trusted_keys()?;
    Ok(keys.into_iter().map(|key| TrustedKey { public: key.public, name: key.name }).collect())
}

fn key_document(key: &TrustedKey) -> Value {
    json!({ "name": key.name, "id": key.id().to_string(), "public": Hex(key.public.to_vec()).to_string() })
}

impl Firmware {
    pub(super) fn run(&self, app: &App) -> Outcome {
        match self {
            Self::Keygen(command) => command.run(app),
            Self::Trust(command) => command.run(app),
            Self::Untrust(command) => command.run(app),
            Self::Keys => keys(app),
            Self::Pack(command) => command.run(app),
            Self::Inspect(command) => command.run(app),
            Self::Flash(command) => command.run(app),
            Self::VendorAllow(command) => command.run(app),
            Self::VendorForbid => vendor::forbid(app),
            Self::Status(command) => command.run(app),
        }
    }
}

impl Keygen {
    fn run(&self, app: &App) -> Outcome {
        let passphrase = app.passphrase()?;
        let made = SigningKeyFile::create(&self.output, &self.name, passphrase.as_ref())?.public();
        if self.trust {
            app.edit(Edit::TrustKey { public: made.public, name: made.name.clone() })?;
        }
        let public = SigningKeyFile::public_path(&self.output);
        app.print(
            || {
                let mut document = key_document(&made);
                document["file"] = json!(self.output.display().to_string());
                document["public_file"] = json!(public.display().to_string());
                document["sealed"] = json!(passphrase.is_some());
                document["trusted"] = json!(self.trust);
                document
            },
            |out| {
                writeln!(
                    out,
                    "{}: key {} made; keep it where nobody else gets at it",
                    self.output.display(),
                    made.id()
                )?;
                writeln!(out, "{}: its public half, for `firmware trust`", public.display())
            },
        )?;
        Ok(DONE)
    }
}

impl Trust {
    fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let mut key = TrustedKey::read(&self.key)?;
        if let Some(name) = &self.name {
            key.name.clone_from(name);
        }
        app.edit(Edit::TrustKey { public: key.public, name: key.name.clone() })?;
        app.print(|| key_document(&key), |out| writeln!(out, "{} ({}) is trusted", key.name, key.id()))?;
        Ok(DONE)
    }
}

impl Untrust {
    fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let all = trusted(&app.reader()?)?;
        let wanted = self.key.to_ascii_uppercase();
        let is_it = |key: &&TrustedKey| key.name == self.key || key.id().to_string() == wanted;
        let key = all.iter().find(is_it).ok_or_else(|| {
            Failure::usage(format!("no key `{}` is trusted: `firmware keys` lists them", self.key))
        })?;
        app.edit(Edit::UntrustKey { public: key.public })?;
        app.print(
            || key_document(key),
            |out| writeln!(out, "{} ({}) is trusted no longer", key.name, key.id()),
        )?;
        Ok(DONE)
    }
}

fn keys(app: &App) -> Outcome {
    app.no_secrets()?;
    let rows = app.reader()?.trusted_keys()?;
    app.print(
        || {
            let each = rows.iter().map(|row| {
                let mut document = key_document(&TrustedKey { public: row.public, name: row.name.clone() });
                document["trusted_at"] = json!(row.trusted_at.to_string());
                document
            });
            json!({ "keys": each.collect::<Vec<_>>() })
        },
        |out| {
            let mut table = Table::new(&["name", "id", "trusted since"]);
            for row in &rows {
                let key = TrustedKey { public: row.public, name: row.name.clone() };
                table.row(vec![row.name.clone(), key.id().to_string(), row.trusted_at.to_string()]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}

fn open_file(path: &Path, what: &str) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::usage(format!("the {what} {}: {error}", path.display())))
}

/// Longest manifest that a person writes.
const LONGEST_DRAFT: u64 = 1 << 20;

impl Pack {
    fn draft(&self) -> Result<Draft, Failure> {
        let mut draft = match &self.manifest {
            None => Draft::default(),
            Some(path) => {
                let wrong =
                    |error: String| Failure::usage(format!("the manifest {}: {error}", path.display()));
                let mut text = String::new();
                let mut file = open_file(path, "manifest")?.take(LONGEST_DRAFT);
                file.read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
                serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?
            }
        };
        let text = |slot: &mut String, given: &Option<String>| {
            if let Some(given) = given {
                slot.clone_from(given);
            }
        };
        let list = |slot: &mut Vec<String>, given: &Vec<String>| {
            if !given.is_empty() {
                slot.clone_from(given);
            }
        };
        text(&mut draft.maker, &self.maker);
        text(&mut draft.version, &self.brings);
        text(&mut draft.notes, &self.notes);
        list(&mut draft.models, &self.models);
        list(&mut draft.hardware_revisions, &self.hardware);
        list(&mut draft.replaces, &self.replaces);
        let zone = TimeZone::system();
        let at = |when: &Option<When>| when.as_ref().map(|when| when.at(&zone)).transpose();
        draft.not_before = at(&self.not_before)?.or(draft.not_before);
        draft.expires = at(&self.expires)?.or(draft.expires);
        draft.image_signature = self.image_signature.clone().or(draft.image_signature);
        if let Some(identifier) = &self.identifier {
            draft.image_identifier = identifier.clone();
        }
        if draft.image_identifier.0.is_empty() {
            return Err(Failure::usage(
                "the manifest has no image identifier: give `image_identifier`, or --identifier HEX",
            ));
        }
        Ok(draft)
    }

    fn run(&self, app: &App) -> Outcome {
        let passphrase = app.passphrase()?;
        let draft = self.draft()?;
        let image = || open_file(&self.image, "image").map(BufReader::new);
        let fail =
            |error: std::io::Error| Failure::usage(format!("the image {}: {error}", self.image.display()));
        let (size, sha256) = package::digest(image()?).map_err(fail)?;
        let manifest =
            draft.finish(size, sha256).map_err(|reason| Failure::usage(format!("the manifest: {reason}")))?;
        let key = SigningKeyFile::read(&self.key, passphrase.as_ref())?;
        let whole = self.write(&manifest, image()?, &key)?;
        app.print(
            || json!({ "file": self.output.display().to_string(), "signer": whole.signer().map(|id| id.to_string()), "manifest": manifest }),
            |out| writeln!(out, "{}: version {}, {size} bytes, signed by {}", self.output.display(), manifest.version, key.public().name),
        )?;
        Ok(DONE)
    }

    /// Writes beside the package's place and moves it there when it is whole.
    fn write(
        &self,
        manifest: &crate::firmware::Manifest,
        image: BufReader<File>,
        key: &SigningKeyFile,
    ) -> Result<Package, Failure> {
        let fail =
            |error: std::io::Error| Failure::usage(format!("the package {}: {error}", self.output.display()));
        let mut name = self.output.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let file = File::create(&part).map_err(fail)?;
        let written = package::write(std::io::BufWriter::new(&file), manifest, image, key);
        let placed = written
            .map_err(Failure::from)
            .and_then(|()| file.sync_all().and_then(|()| std::fs::rename(&part, &self.output)).map_err(fail));
        if placed.is_err() {
            // What is left of a package that failed is of no use; the failure is what is told.
            let _gone = std::fs::remove_file(&part);
        }
        placed?;
        Ok(Package::open(&self.output)?)
    }
}

impl Inspect {
    /// Without a store no key is trusted.
    fn keys(&self, app: &App) -> Result<Vec<TrustedKey>, Failure> {
        match &self.key {
            Some(path) => Ok(vec![TrustedKey::read(path)?]),
            None if app.store_path()?.exists() => trusted(&app.reader()?),
            None => Ok(Vec::new()),
        }
    }

    fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let keys = self.keys(app)?;
        let opened = Package::open(&self.package).map(Arc::new);
        let judged = match &opened {
            Ok(package) => package.judge(&keys, Timestamp::now()).cloned(),
            Err(error) => Err(error.clone()),
        };
        let package = opened.as_ref().ok();
        let signer = package.and_then(|package| package.signer());
        app.print(
            || {
                json!({
                    "valid": judged.is_ok(),
                    "reason": judged.as_ref().err().map(ToString::to_string),
                    "manifest": package.map(|package| package.manifest()),
                    "package": package.map(|package| Hex(package.id().to_vec()).to_string()),
                    "signer": signer.map(|id| id.to_string()),
                    "signer_name": judged.as_ref().ok().map(|key| key.name.clone()),
                })
            },
            |out| {
                match &judged {
                    Ok(key) => writeln!(out, "valid: signed by {} ({})", key.name, key.id())?,
                    Err(error) => writeln!(out, "not valid: {error}")?,
                }
                let Some(package) = package else { return Ok(()) };
                let document =
                    serde_json::to_string_pretty(package.manifest()).map_err(std::io::Error::from)?;
                writeln!(out, "{document}")
            },
        )?;
        Ok(match judged {
            Ok(_) => DONE,
            Err(PackageError::Refused(_)) => REFUSED,
            Err(PackageError::Broken { .. }) => USAGE,
        })
    }
}
