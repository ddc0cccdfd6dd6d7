//! `meterwright template …`: what differs between meter models, as data. Templates that ship with the program, and the
//! store's own.

mod check;
mod keep;
mod learn;
mod list;
mod show;

use std::path::Path;

use clap::Subcommand;

use super::app::{App, Outcome};
use super::failure::Failure;
use crate::model::Catalogue;
use crate::model::template::Entry;

/// Keeps templates.
#[derive(Subcommand, Debug)]
pub(super) enum Template {
    /// Show all templates, with how many meters use each
    List(list::List),
    /// Show what a template says
    Show(show::Show),
    /// Check a template file
    Check(check::Check),
    /// Copy a template into the store under another name, to be changed
    Copy(keep::Copy),
    /// Take a template file into the store
    Import(keep::Import),
    /// Write a template to a file
    Export(keep::Export),
    /// Remove a template of the store that no meter uses
    Remove(keep::Remove),
    /// Look at all that a DLMS meter shows of itself and propose a template for it
    Learn(learn::Learn),
}

impl Template {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::List(list) => list.run(app),
            Self::Show(show) => show.run(app),
            Self::Check(check) => check.run(app),
            Self::Copy(copy) => copy.run(app),
            Self::Import(import) => import.run(app),
            Self::Export(export) => export.run(app),
            Self::Remove(remove) => remove.run(app),
            Self::Learn(learn) => learn.run(app),
        }
    }
}

/// The entry of a name.
fn entry<'c>(templates: &'c Catalogue, name: &str) -> Result<Entry<'c>, Failure> {
    templates.entry(name).ok_or_else(|| match templates.shared(name) {
        Err(error) => Failure::usage(error.to_string()),
        Ok(_) => Failure::internal(format!("the template {name} has no entry")),
    })
}

/// Writes a file, whole or not at all; over one that is there only where that is wanted.
fn write_file(path: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    if path.exists() && !replace {
        return Err(Failure::usage(format!(
            "{} is there already: choose another name, or take it away first",
            path.display()
        )));
    }
    crate::export::write_whole(path, |out| out.write_all(text.as_bytes())).map_err(|error: std::io::Error| {
        Failure::usage(format!("{} cannot be written: {error}", path.display()))
    })
}
