//! `meterwright` without a command: the windows.

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use crate::gui::{self, RunOptions};

pub(super) fn run(app: &App) -> Outcome {
    app.no_secrets()?;
    if app.global.json {
        return Err(Failure::usage("the windows give no JSON: name a command"));
    }
    gui::run(RunOptions { store: app.store_path()?, demo: false }).map(|()| DONE).map_err(Failure::usage)
}
