//! `meterwright list …`: meter lists: which meters, what to do, when.

mod create;
mod history;
mod members;
mod rate;
mod run;
mod schedule;
mod show;

use clap::Subcommand;

use super::app::{App, Outcome};
use super::failure::Failure;
use crate::comms::Edit;
use crate::model::{ListId, MeterList};
use crate::store::{ListRow, MeterRow, StoreReader};

/// Keeps and runs meter lists.
#[derive(Subcommand, Debug)]
pub(super) enum List {
    /// Make a meter list
    Create(create::Create),
    /// Put meters on a list
    Add(members::Add),
    /// Take meters off a list, or remove the list
    Remove(members::Remove),
    /// Show a list with its meters and its next runs
    Show(show::Show),
    /// Show all lists
    #[command(name = "list")]
    All(show::All),
    /// Run a list now and wait for its end
    Run(run::Run),
    /// Say when a list runs by itself: while the windows are open, or under `meterwright run`
    Schedule(schedule::Schedule),
    /// Go on with a list that was paused
    Resume(schedule::Resume),
    /// Let a list's schedule rest
    Pause(schedule::Pause),
    /// Show a list's runs and how each meter of the last one ended
    History(history::History),
    /// How many meters went well, by line, group or template
    Rate(rate::Rate),
}

impl List {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Create(command) => command.run(app),
            Self::Add(command) => command.run(app),
            Self::Remove(command) => command.run(app),
            Self::Show(command) => command.run(app),
            Self::All(command) => command.run(app),
            Self::Run(command) => command.run(app),
            Self::Schedule(command) => command.run(app),
            Self::Resume(command) => command.run(app),
            Self::Pause(command) => command.run(app),
            Self::History(command) => command.run(app),
            Self::Rate(command) => command.run(app),
        }
    }
}

/// The list of a name.
fn named(store: &StoreReader, name: &str) -> Result<ListRow, Failure> {
    let lists = store.lists()?;
    let names: Vec<String> = lists.iter().map(|row| row.list.name.clone()).collect();
    lists.into_iter().find(|row| row.list.name == name).ok_or_else(|| {
        Failure::usage(if names.is_empty() {
            format!("there is no meter list `{name}`: `meterwright list create` makes one")
        } else {
            format!("there is no meter list `{name}`; there are: {}", names.join(", "))
        })
    })
}

/// The meters that are on a list now, by name.
fn meters_of(store: &StoreReader, list: &MeterList) -> Result<Vec<MeterRow>, Failure> {
    let mut rows = store.meters()?;
    rows.retain(|row| list.contains(row.id, &row.config));
    Ok(rows)
}

/// Keeps a list as it is now.
fn put(app: &App, id: ListId, list: MeterList) -> Result<(), Failure> {
    app.edit(Edit::PutList { id: Some(id), list: Box::new(list) }).map(|_| ())
}
