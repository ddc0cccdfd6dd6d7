//! `meterwright firmware keygen|trust|untrust|keys|pack|inspect|flash|status`

mod keys;

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure, REFUSED, USAGE};
use super::flash::{Flash, Status};
use super::period::When;
use super::secrets::Signing;
use super::vendor::{self, VendorAllow};
use crate::firmware::{
    Draft, Hex, KeyError, MakerKey, Package, PackageError, PublicKeyFile, SigningKeyFile, TrustedKey,
    check_image, package,
};
use crate::store::StoreReader;

use keys::{Keygen, Trust, Untrust};

/// Firmware of meters: signed packages, and flashing.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "made once, when the program starts")]
pub(super) enum Firmware {
    /// Make a key that signs packages; its public half lies beside it as KEY.pub
    Keygen(Keygen),
    /// Trust a public key: packages, or a maker's images, that it signed may be flashed
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

/// Makes a package.
#[derive(Args, Debug)]
pub(super) struct Pack {
    /// The image
    #[arg(long, value_name = "F")]
    image: PathBuf,
    /// The manifest as JSON; what options say goes ahead of it
    #[arg(long, value_name = "M.json")]
    manifest: Option<PathBuf>,
    /// The key that signs [default: the one of --secret signing-key=…]
    #[arg(long, value_name = "KEY")]
    key: Option<PathBuf>,
    /// The package's file
    #[arg(short, long, value_name = "PKG")]
    output: PathBuf,
    /// Check the maker's own signature within the image as this template describes it
    #[arg(long, value_name = "T")]
    template: Option<String>,
    /// Check it by this public key of the maker instead of those that the store trusts
    #[arg(long, value_name = "PUBKEY", requires = "template")]
    maker_key: Option<PathBuf>,
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
    /// Check the maker's own signature within the image as well, as this template describes it
    #[arg(long, value_name = "T")]
    template: Option<String>,
    /// Check it by this public key of the maker instead of those that the store trusts
    #[arg(long, value_name = "PUBKEY", requires = "template")]
    maker_key: Option<PathBuf>,
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

/// The makers' keys that a store trusts.
fn makers(store: &StoreReader) -> Result<Vec<MakerKey>, Failure> {
    let keys = store.maker_keys()?;
    Ok(keys.into_iter().map(|key| MakerKey { public: key.public, name: key.name }).collect())
}

/// Checks the maker's signature within a package's image; the key that made it, or nothing where the template
/// describes none.
fn check_maker(
    app: &App,
    package: &Package,
    template: &str,
    key: Option<&PathBuf>,
) -> Result<Result<Option<MakerKey>, PackageError>, Failure> {
    let template = app.catalogue()?.named(template).map_err(|error| Failure::usage(error.to_string()))?;
    let Some(described) = &template.firmware.image_signature else { return Ok(Ok(None)) };
    let keys = match key {
        Some(path) => match PublicKeyFile::read(path)? {
            PublicKeyFile::Images(key) => vec![key],
            PublicKeyFile::Packages(_) => {
                return Err(Failure::usage(format!("{}: it is no maker's key", path.display())));
            }
        },
        None if app.store_path()?.exists() => makers(&app.reader()?)?,
        None => Vec::new(),
    };
    Ok(check_image(package, described, &keys).map(|key| Some(key.clone())))
}

impl Firmware {
    pub(super) fn run(&self, app: &App) -> Outcome {
        match self {
            Self::Keygen(command) => command.run(app),
            Self::Trust(command) => command.run(app),
            Self::Untrust(command) => command.run(app),
            Self::Keys => keys::keys(app),
            Self::Pack(command) => command.run(app),
            Self::Inspect(command) => command.run(app),
            Self::Flash(command) => command.run(app),
            Self::VendorAllow(command) => command.run(app),
            Self::VendorForbid => vendor::forbid(app),
            Self::Status(command) => command.run(app),
        }
    }
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

    /// The key that signs: of a file, or given as a secret.
    fn key(&self, signing: &Signing) -> Result<SigningKeyFile, Failure> {
        match (&self.key, &signing.key) {
            (Some(_), Some(_)) => Err(Failure::usage("give --key or --secret signing-key=…, not both")),
            (Some(path), None) => Ok(SigningKeyFile::read(path, signing.passphrase.as_ref())?),
            (None, Some(secret)) => {
                SigningKeyFile::of_secret(secret, "the given key").map_err(Failure::usage)
            }
            (None, None) => Err(Failure::usage(
                "say who signs: --key KEY, which `firmware keygen` makes, or --secret signing-key=…",
            )),
        }
    }

    /// What goes into a package is not overwritten by it.
    fn spare_sources(&self) -> Result<(), Failure> {
        let Ok(place) = self.output.canonicalize() else { return Ok(()) };
        let sources = [Some(&self.image), self.manifest.as_ref(), self.key.as_ref()];
        let is_it = |path: &&PathBuf| path.canonicalize().is_ok_and(|path| path == place);
        match sources.into_iter().flatten().find(is_it) {
            None => Ok(()),
            Some(path) => Err(Failure::usage(format!(
                "{}: the package would overwrite what it is made of; give another file to -o",
                path.display()
            ))),
        }
    }

    fn run(&self, app: &App) -> Outcome {
        let signing = app.signing()?;
        let draft = self.draft()?;
        self.spare_sources()?;
        let image = || open_file(&self.image, "image").map(BufReader::new);
        let fail =
            |error: std::io::Error| Failure::usage(format!("the image {}: {error}", self.image.display()));
        let (size, sha256) = package::digest(image()?).map_err(fail)?;
        let manifest =
            draft.finish(size, sha256).map_err(|reason| Failure::usage(format!("the manifest: {reason}")))?;
        let key = self.key(&signing)?;
        let (whole, maker) = self.write(app, &manifest, image()?, &key)?;
        app.print(
            || {
                json!({
                    "file": self.output.display().to_string(),
                    "signer": whole.signer().map(|id| id.to_string()),
                    "maker_key": maker.as_ref().map(|key| key.id().to_string()),
                    "manifest": manifest,
                })
            },
            |out| {
                let (file, by) = (self.output.display(), key.public());
                writeln!(out, "{file}: version {}, {size} bytes, signed by {}", manifest.version, by.name)?;
                match &maker {
                    Some(key) => {
                        writeln!(out, "The image is signed by its maker {} ({})", key.name, key.id())
                    }
                    None => Ok(()),
                }
            },
        )?;
        Ok(DONE)
    }

    /// Writes beside the package's place and moves it there when it is whole, and its maker's signature is right.
    fn write(
        &self,
        app: &App,
        manifest: &crate::firmware::Manifest,
        image: BufReader<File>,
        key: &SigningKeyFile,
    ) -> Result<(Package, Option<MakerKey>), Failure> {
        let fail =
            |error: std::io::Error| Failure::usage(format!("the package {}: {error}", self.output.display()));
        let mut name = self.output.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let file = File::create(&part).map_err(fail)?;
        let written = package::write(std::io::BufWriter::new(&file), manifest, image, key);
        let check = || match &self.template {
            None => Ok(None),
            Some(template) => {
                let checked = check_maker(app, &Package::open(&part)?, template, self.maker_key.as_ref())?;
                checked.map_err(Failure::from)
            }
        };
        let placed = written.map_err(Failure::from).and_then(|()| {
            file.sync_all().map_err(fail)?;
            let maker = check()?;
            std::fs::rename(&part, &self.output).map_err(fail)?;
            Ok(maker)
        });
        if placed.is_err() {
            // What is left of a package that failed is of no use; the failure is what is told.
            let _gone = std::fs::remove_file(&part);
        }
        let maker = placed?;
        Ok((Package::open(&self.output)?, maker))
    }
}

impl Inspect {
    /// Without a store no key is trusted.
    fn keys(&self, app: &App) -> Result<Vec<TrustedKey>, Failure> {
        match &self.key {
            Some(path) => match PublicKeyFile::read(path)? {
                PublicKeyFile::Packages(key) => Ok(vec![key]),
                PublicKeyFile::Images(_) => Err(Failure::usage(format!(
                    "{}: it is a maker's key, which signs no packages: give it as --maker-key, with --template",
                    path.display()
                ))),
            },
            None if app.store_path()?.exists() => trusted(&app.reader()?),
            None => Ok(Vec::new()),
        }
    }

    fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let keys = self.keys(app)?;
        let opened = Package::open(&self.package).map(Arc::new);
        let mut judged = match &opened {
            Ok(package) => package.judge(&keys, Timestamp::now()).cloned(),
            Err(error) => Err(error.clone()),
        };
        let mut maker = None;
        if let (Ok(package), Ok(_), Some(template)) = (&opened, &judged, &self.template) {
            match check_maker(app, package, template, self.maker_key.as_ref())? {
                Ok(key) => maker = key,
                Err(error) => judged = Err(error),
            }
        }
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
                    "maker_key": maker.as_ref().map(|key| key.id().to_string()),
                })
            },
            |out| {
                match &judged {
                    Ok(key) => writeln!(out, "valid: signed by {} ({})", key.name, key.id())?,
                    Err(error) => writeln!(out, "not valid: {error}")?,
                }
                if let Some(key) = &maker {
                    writeln!(out, "the image is signed by its maker {} ({})", key.name, key.id())?;
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
