//! `meterwright` without a command: the windows.

use std::path::Path;
use std::sync::Arc;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::meter;
use crate::gui::data::live::Importer;
use crate::gui::{self, RunOptions};

/// How the windows read a CSV file of meters: as `meter import` does.
pub(super) fn importer() -> Importer {
    Arc::new(|path: &Path| meter::read_list(path))
}

pub(super) fn run(app: &App) -> Outcome {
    app.no_secrets()?;
    if app.global.json {
        return Err(Failure::usage("the windows give no JSON: name a command"));
    }
    gui::run(RunOptions { store: app.store_path()?, demo: false }, importer())
        .map(|()| DONE)
        .map_err(Failure::usage)
}
