//! `meter remove NAME…`

use clap::Args;
use serde_json::json;

use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::select;
use crate::comms::Edit;
use crate::model::MeterId;

/// Takes meters off the list.
#[derive(Args, Debug)]
pub(in crate::cli) struct Remove {
    /// The meters
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

impl Remove {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let store = app.reader()?;
        let mut names: Vec<&str> = Vec::new();
        let mut meters: Vec<MeterId> = Vec::new();
        for name in &self.names {
            let row = select::one(&store, name)?;
            if !meters.contains(&row.id) {
                names.push(name);
                meters.push(row.id);
            }
        }
        drop(store);
        app.edit(Edit::RemoveMeters(meters))?;
        app.print(
            || json!({ "removed": names }),
            |out| writeln!(out, "Removed {}; readings stay in the store", names.join(", ")),
        )?;
        Ok(DONE)
    }
}
