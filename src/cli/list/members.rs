//! `list add NAME METER… | --group G | --all` and `list remove NAME [METER… | --group G | --all]`

use clap::Args;
use serde_json::json;

use super::{meters_of, named, put};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::select;
use crate::comms::Edit;
use crate::model::{Member, MeterList};
use crate::store::StoreReader;

/// Which meters; any of these may be given together.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Which {
    /// Meters by name
    #[arg(value_name = "METER")]
    names: Vec<String>,
    /// A group with all groups under it, and what comes into it later
    #[arg(long, value_name = "G")]
    group: Vec<String>,
    /// All meters of a template
    #[arg(long, value_name = "T")]
    template: Vec<String>,
    /// All meters whose line begins with this
    #[arg(long, value_name = "LINE")]
    line: Vec<String>,
    /// All meters of the store
    #[arg(long)]
    all: bool,
}

impl Which {
    pub(super) fn names_any(&self) -> bool {
        let Self { names, group, template, line, all } = self;
        *all || [names, group, template, line].iter().any(|words| !words.is_empty())
    }

    /// What was named, checked against the store.
    pub(super) fn members(&self, store: &StoreReader) -> Result<Vec<Member>, Failure> {
        let mut members = Vec::new();
        for name in &self.names {
            members.push(Member::Meter(select::one(store, name)?.id));
        }
        let templates = store.catalogue()?;
        for template in &self.template {
            templates.shared(template).map_err(|error| Failure::usage(error.to_string()))?;
            members.push(Member::Template(template.clone()));
        }
        members.extend(self.group.iter().map(|group| Member::Group(group.trim_end_matches('/').to_owned())));
        members.extend(self.line.iter().cloned().map(Member::Line));
        members.extend(self.all.then_some(Member::All));
        Ok(members)
    }
}

/// Puts meters on a list.
#[derive(Args, Debug)]
pub(in crate::cli) struct Add {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: Which,
}

/// Takes meters off a list; without any, removes the list. Its history stays in the store.
#[derive(Args, Debug)]
pub(in crate::cli) struct Remove {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: Which,
}

/// Says how many meters are on the list now.
fn tell(app: &App, list: &MeterList) -> Outcome {
    let count = meters_of(&app.reader()?, list)?.len();
    app.print(
        || json!({ "list": list.name, "meters": count }),
        |out| writeln!(out, "{} has {count} meters now", list.name),
    )?;
    Ok(DONE)
}

impl Add {
    pub(super) fn run(&self, app: &App) -> Outcome {
        if !self.which.names_any() {
            return Err(Failure::usage("name meters, --group, --template, --line or --all"));
        }
        let store = app.reader()?;
        let row = named(&store, &self.name)?;
        let mut list = row.list;
        for member in self.which.members(&store)? {
            list.add(member);
        }
        drop(store);
        put(app, row.id, list.clone())?;
        tell(app, &list)
    }
}

impl Remove {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let row = named(&store, &self.name)?;
        if !self.which.names_any() {
            drop(store);
            app.edit(Edit::RemoveList(row.id))?;
            app.print(
                || json!({ "removed": self.name }),
                |out| writeln!(out, "Removed {}; its history stays in the store", self.name),
            )?;
            return Ok(DONE);
        }
        let mut list = row.list;
        for member in self.which.members(&store)? {
            list.remove(&member);
        }
        drop(store);
        put(app, row.id, list.clone())?;
        tell(app, &list)
    }
}
