//! `meterwright vault status|rekey|single-user`

use clap::Subcommand;
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use crate::comms::Edit;
use crate::model::Role;
use crate::vault::{Cost, Vault};

/// The vault that keeps secrets.
#[derive(Subcommand, Debug)]
pub(super) enum VaultCommand {
    /// Say who can open it, and how many secrets are in it
    Status,
    /// Give it a new key, and seal every secret with it: whoever knew the old key opens nothing that is kept from now on
    Rekey,
    /// Take all people off: one user, no passphrase, and the key in a file beside the store
    SingleUser,
}

impl VaultCommand {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Status => status(app),
            Self::Rekey => {
                // A store that is not there has no vault to change.
                let secrets = app.reader()?.count_secrets()?;
                app.edit(Edit::RekeyVault)?;
                app.print(
                    || json!({ "rekeyed": true, "secrets": secrets }),
                    |out| {
                        writeln!(out, "The vault has a new key; {secrets} secrets are sealed with it")?;
                        writeln!(out, "Copies of the store from before can still be opened with the old one")
                    },
                )?;
                Ok(DONE)
            }
            Self::SingleUser => {
                if !app.has_people() {
                    return Err(Failure::usage("this store has one user already"));
                }
                app.edit(Edit::SingleUser)?;
                let file = Vault::key_file(&app.store_path()?).display().to_string();
                app.print(
                    || json!({ "mode": "single-user", "key_file": file }),
                    |out| {
                        writeln!(
                            out,
                            "One user, and no passphrase; the key is in {file}: keep it with the store"
                        )
                    },
                )?;
                Ok(DONE)
            }
        }
    }
}

fn status(app: &App) -> Outcome {
    let store = app.reader()?;
    let people = store.people()?;
    let secrets = store.count_secrets()?;
    let key = store.vault_key()?.map(|number| crate::firmware::Hex(number).to_string());
    let file = Vault::key_file(&app.store_path()?);
    let (has_people, has_file) = (!people.is_empty(), file.exists());
    let active: Vec<_> = people.iter().filter(|row| row.is_active()).collect();
    let administrators = active.iter().filter(|row| row.role == Role::Administrator).count();
    let cost = Cost::USUAL;
    app.print(
        || {
            json!({
                "mode": if has_people { "people" } else { "single-user" },
                "secrets": secrets,
                "key_file": (!has_people).then(|| file.display().to_string()),
                "key_file_exists": has_file,
                "key": key,
                "people": people.len(),
                "may_sign_in": active.len(),
                "administrators": administrators,
                "argon2id": {
                    "memory_kib": cost.memory_kib, "passes": cost.passes, "lanes": cost.lanes,
                },
            })
        },
        |out| {
            writeln!(out, "{secrets} secrets, sealed with XChaCha20-Poly1305")?;
            if has_people {
                writeln!(
                    out,
                    "{} people, {} of whom may sign in, {administrators} administrators; the key is in no file, each has a share of it behind a passphrase (Argon2id, {} MiB, {} passes)",
                    people.len(),
                    active.len(),
                    cost.memory_kib / 1024,
                    cost.passes
                )?;
                if has_file {
                    writeln!(out, "{} is left over, and goes when somebody signs in", file.display())?;
                }
                Ok(())
            } else {
                let there = if has_file { "" } else { ", which is not there" };
                writeln!(out, "One user; the key is in {}{there}", file.display())
            }
        },
    )?;
    Ok(DONE)
}
