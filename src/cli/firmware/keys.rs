//! `meterwright firmware keygen|trust|untrust|keys`

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::app::{App, Outcome};
use super::super::failure::{DONE, Failure};
use super::super::table::Table;
use crate::comms::Edit;
use crate::firmware::{Hex, MakerKey, PublicKeyFile, SigningKeyFile, TrustedKey, is_key_name};
use crate::store::StoreReader;

/// Makes a key.
#[derive(Args, Debug)]
pub(in crate::cli) struct Keygen {
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
pub(in crate::cli) struct Trust {
    /// The public key's file: one of `keygen`, or a maker's P-256 key (PEM, DER, or its point in hexadecimal), which
    /// signs images themselves
    key: PathBuf,
    /// Its name here [default: the name in the file; for a maker's key the file's name]
    #[arg(long, value_name = "N")]
    name: Option<String>,
}

/// Trusts a key no longer.
#[derive(Args, Debug)]
pub(in crate::cli) struct Untrust {
    /// The key's name or id
    key: String,
}

fn key_document(key: &PublicKeyFile) -> Value {
    let (signs, public) = match key {
        PublicKeyFile::Packages(key) => ("packages", key.public.to_vec()),
        PublicKeyFile::Images(key) => ("images", key.public.to_vec()),
    };
    json!({
        "name": key.name(), "id": key.id().to_string(), "public": Hex(public).to_string(), "signs": signs,
    })
}

impl Keygen {
    pub(super) fn run(&self, app: &App) -> Outcome {
        // Where somebody has to sign in to trust the key, `passphrase` is that person's.
        let passphrase = match self.trust && app.has_people() {
            true if app.has_new_passphrase() => Some(app.new_passphrase("the key")?),
            true => None,
            false => app.passphrase()?,
        };
        let made = SigningKeyFile::create(&self.output, &self.name, passphrase.as_ref())?.public();
        if self.trust {
            app.edit(Edit::TrustKey { public: made.public, name: made.name.clone() })?;
        }
        let public = SigningKeyFile::public_path(&self.output);
        app.print(
            || {
                let mut document = key_document(&PublicKeyFile::Packages(made.clone()));
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
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let mut key = PublicKeyFile::read(&self.key)?;
        if let Some(name) = &self.name {
            match &mut key {
                PublicKeyFile::Packages(key) => key.name.clone_from(name),
                PublicKeyFile::Images(key) => key.name.clone_from(name),
            }
        }
        if !is_key_name(key.name()) {
            return Err(Failure::usage(
                "a key's name is a line of up to 200 characters: give one with --name",
            ));
        }
        let name = key.name().to_owned();
        let (edit, signs) = match &key {
            PublicKeyFile::Packages(key) => (Edit::TrustKey { public: key.public, name }, "packages"),
            PublicKeyFile::Images(key) => {
                (Edit::TrustMakerKey { public: key.public, name }, "images, as the key of their maker")
            }
        };
        app.edit(edit)?;
        app.print(
            || key_document(&key),
            |out| writeln!(out, "{} ({}) is trusted to sign {signs}", key.name(), key.id()),
        )?;
        Ok(DONE)
    }
}

impl Untrust {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let store = app.reader()?;
        let wanted = self.key.to_ascii_uppercase();
        let all: Vec<PublicKeyFile> = all_keys(&store)?.into_iter().map(|(key, _)| key).collect();
        let found: Vec<&PublicKeyFile> =
            all.iter().filter(|key| key.name() == self.key || key.id().to_string() == wanted).collect();
        let key = match found.as_slice() {
            [] => {
                let none = format!("no key `{}` is trusted: `firmware keys` lists them", self.key);
                return Err(Failure::usage(none));
            }
            [one] => *one,
            _ => {
                return Err(Failure::usage(format!("two keys are named `{}`: give the id of one", self.key)));
            }
        };
        app.edit(match key {
            PublicKeyFile::Packages(key) => Edit::UntrustKey { public: key.public },
            PublicKeyFile::Images(key) => Edit::UntrustMakerKey { public: key.public },
        })?;
        app.print(
            || key_document(key),
            |out| writeln!(out, "{} ({}) is trusted no longer", key.name(), key.id()),
        )?;
        Ok(DONE)
    }
}

/// Every key that a store trusts, and since when.
fn all_keys(store: &StoreReader) -> Result<Vec<(PublicKeyFile, Timestamp)>, Failure> {
    let packages = store.trusted_keys()?.into_iter().map(|row| {
        (PublicKeyFile::Packages(TrustedKey { public: row.public, name: row.name }), row.trusted_at)
    });
    let images = store
        .maker_keys()?
        .into_iter()
        .map(|row| (PublicKeyFile::Images(MakerKey { public: row.public, name: row.name }), row.trusted_at));
    Ok(packages.chain(images).collect())
}

pub(super) fn keys(app: &App) -> Outcome {
    app.no_secrets()?;
    let rows = all_keys(&app.reader()?)?;
    app.print(
        || {
            let each = rows.iter().map(|(key, since)| {
                let mut document = key_document(key);
                document["trusted_at"] = json!(since.to_string());
                document
            });
            json!({ "keys": each.collect::<Vec<_>>() })
        },
        |out| {
            let mut table = Table::new(&["name", "signs", "id", "trusted since"]);
            for (key, since) in &rows {
                let signs = match key {
                    PublicKeyFile::Packages(_) => "packages",
                    PublicKeyFile::Images(_) => "images",
                };
                let texts = [key.name(), signs, &key.id().to_string(), &since.to_string()];
                table.row(texts.map(str::to_owned).to_vec());
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}
