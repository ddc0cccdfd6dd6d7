//! `meterwright user add|list|set`

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::stamps;
use super::table::Table;
use crate::comms::Edit;
use crate::model::Role;
use crate::store::PersonRow;

/// People and their roles.
#[derive(Subcommand, Debug)]
pub(super) enum User {
    /// Add a person; with the first one, an administrator, the store has people and everybody signs in
    Add(Add),
    /// List people
    List,
    /// Change a person: role, passphrase, whether this person may sign in
    Set(Set),
}

/// Adds a person. The new passphrase is asked for, or comes from --secret new-passphrase=…; the first person's may
/// come from --secret passphrase=… as well.
#[derive(Args, Debug)]
pub(super) struct Add {
    /// The person's name
    name: String,
    /// viewer, reader, technician, designer, engineer or administrator
    #[arg(long)]
    role: Role,
}

/// Changes a person. Anybody may set a new passphrase of their own; the rest is an administrator's.
#[derive(Args, Debug)]
pub(super) struct Set {
    /// The person's name
    name: String,
    /// The new role
    #[arg(long)]
    role: Option<Role>,
    /// Set a new passphrase: asked for, or from --secret new-passphrase=…
    #[arg(long)]
    passphrase: bool,
    /// Let the person sign in no more; what the person did stays in the audit chain
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Let the person sign in again
    #[arg(long)]
    enable: bool,
}

impl User {
    pub(super) fn run(&self, app: &App) -> Outcome {
        match self {
            Self::Add(command) => command.run(app),
            Self::List => list(app),
            Self::Set(command) => command.run(app),
        }
    }
}

impl Add {
    fn run(&self, app: &App) -> Outcome {
        let is_first = !app.has_people();
        let passphrase = if is_first && !app.has_new_passphrase() { app.passphrase()? } else { None };
        let (comms, _) = app.comms_and_person()?;
        let passphrase = match passphrase {
            Some(passphrase) => passphrase,
            None => app.new_passphrase(&self.name)?,
        };
        let edit = Edit::AddPerson { name: self.name.clone(), role: self.role, passphrase };
        app.edit_through(&comms, edit)?;
        app.print(
            || json!({ "user": self.name, "role": self.role.word(), "first": is_first }),
            |out| {
                writeln!(out, "{} is {} here", self.name, self.role.one())?;
                if is_first {
                    writeln!(
                        out,
                        "The store has people now: whoever reads or changes anything signs in, and the vault's key is in no file. A passphrase that is forgotten can be replaced by another administrator and by nobody else: add a second one"
                    )?;
                }
                Ok(())
            },
        )?;
        Ok(DONE)
    }
}

impl Set {
    fn run(&self, app: &App) -> Outcome {
        let wants_passphrase = self.passphrase || app.has_new_passphrase();
        let active = self.enable.then_some(true).or(self.disable.then_some(false));
        if self.role.is_none() && !wants_passphrase && active.is_none() {
            return Err(Failure::usage(
                "nothing to change: give --role, --passphrase, --disable or --enable",
            ));
        }
        if !app.has_people() {
            return Err(Failure::usage("this store has no people: `user add` adds the first one"));
        }
        let (comms, acting) = app.comms_and_person()?;
        let passphrase = wants_passphrase.then(|| app.new_passphrase(&self.name)).transpose()?;
        let is_own = |name: &str| name.eq_ignore_ascii_case(&self.name);
        let edit = match (passphrase, acting) {
            (Some(new), Some(acting)) if is_own(&acting.name) && self.role.is_none() && active.is_none() => {
                Edit::OwnPassphrase { old: acting.passphrase, new }
            }
            (passphrase, _) => {
                Edit::SetPerson { name: self.name.clone(), role: self.role, passphrase, active }
            }
        };
        app.edit_through(&comms, edit)?;
        let row = app.reader()?.people()?.into_iter().find(|row| is_own(&row.name));
        let row = row.ok_or_else(|| Failure::internal("the person is not in the store"))?;
        app.print(
            || document(&row),
            |out| {
                let may = if row.is_active() { "may sign in" } else { "may not sign in" };
                writeln!(out, "{} is {} and {may}", row.name, row.role.one())
            },
        )?;
        Ok(DONE)
    }
}

fn document(row: &PersonRow) -> serde_json::Value {
    json!({
        "name": row.name,
        "role": row.role.word(),
        "active": row.is_active(),
        "added": row.added.to_string(),
        "last_sign_in": row.signed_in.map(|at| at.to_string()),
        "failed_attempts": row.failures,
    })
}

fn list(app: &App) -> Outcome {
    app.no_secrets()?;
    let people = app.reader()?.people()?;
    let zone = TimeZone::system();
    app.print(
        || json!({ "users": people.iter().map(document).collect::<Vec<_>>() }),
        |out| {
            if people.is_empty() {
                return writeln!(out, "No people: this store has one user, who may do everything");
            }
            let mut table =
                Table::new(&["name", "role", "may sign in", "last sign-in", "failed since"]).numbers(&[4]);
            for row in &people {
                table.row(vec![
                    row.name.clone(),
                    row.role.to_string(),
                    if row.is_active() { "yes" } else { "no" }.to_owned(),
                    row.signed_in.map(|at| stamps::for_eyes(at, &zone)).unwrap_or_default(),
                    row.failures.to_string(),
                ]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}
