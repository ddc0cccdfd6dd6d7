//! `meterwright meter …`: the list of meters.

mod add;
mod exchange;
mod export;
mod import;
mod list;
mod remove;
mod set;
mod settings;
mod show;

use clap::Subcommand;

use super::app::{App, Outcome};

/// Keeps the list of meters.
#[derive(Subcommand, Debug)]
pub(super) enum Meter {
    /// Add a meter
    Add(add::Add),
    /// List the meters
    List(list::List),
    /// Show a meter's settings and what is known of it
    Show(show::Show),
    /// Change a meter's settings or secrets
    Set(set::Set),
    /// Take meters off the list; their readings stay in the store
    Remove(remove::Remove),
    /// Exchange a meter for another at its metering point
    Exchange(Box<exchange::Exchange>),
    /// Add or change all meters of a CSV file, or none
    Import(Box<import::Import>),
    /// Write the list of meters as CSV, without secrets
    Export(export::Export),
}

impl Meter {
    pub(super) fn run(&self, app: &App) -> Outcome {
        match self {
            Self::Add(command) => command.run(app),
            Self::List(command) => command.run(app),
            Self::Show(command) => command.run(app),
            Self::Set(command) => command.run(app),
            Self::Remove(command) => command.run(app),
            Self::Exchange(command) => command.run(app),
            Self::Import(command) => command.run(app),
            Self::Export(command) => command.run(app),
        }
    }
}
