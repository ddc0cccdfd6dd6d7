//! `meter remove NAME…`

use clap::Args;
use serde_json::json;

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::select;
use crate::comms::Edit;

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
        let found: Result<Vec<_>, Failure> =
            self.names.iter().map(|name| select::one(&store, name).map(|row| row.id)).collect();
        drop(store);
        app.edit(Edit::RemoveMeters(found?))?;
        app.print(
            || json!({ "removed": self.names }),
            |out| writeln!(out, "Removed {}; readings stay in the store", self.names.join(", ")),
        )?;
        Ok(DONE)
    }
}
