//! `store backup FILE`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::chore;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::comms::Chore;

/// Copies the store, as it is now, to a new file. Secrets in it stay sealed: the key that opens them lies beside the
/// store and is not copied.
#[derive(Args, Debug)]
pub(in crate::cli) struct Backup {
    /// The new file
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, app: &App) -> Outcome {
        if self.file.exists() {
            return Err(Failure::usage(format!(
                "{}: there is a file of that name: choose another name",
                self.file.display()
            )));
        }
        let words = chore::run(app, Chore::BackUp(self.file.clone()))?;
        let bytes = std::fs::metadata(&self.file).map_or(0, |found| found.len());
        app.print(
            || json!({ "file": self.file.display().to_string(), "bytes": bytes }),
            |out| {
                writeln!(out, "{words}: {}", super::size(bytes))?;
                writeln!(
                    out,
                    "Secrets in it stay sealed: keep the key that lies beside the store, apart from it"
                )
            },
        )?;
        Ok(DONE)
    }
}
