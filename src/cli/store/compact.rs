//! `store compact`

use clap::Args;
use serde_json::json;

use super::chore;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::comms::Chore;

/// Puts the days of months that are over into one block each, and gives free pages back to the disk. Everything that
/// the store holds reads the same before and after.
#[derive(Args, Debug)]
pub(in crate::cli) struct Compact {}

impl Compact {
    #[allow(clippy::unused_self, reason = "a command like the others")]
    pub(super) fn run(&self, app: &App) -> Outcome {
        let words = chore::run(app, Chore::Compact)?;
        app.print(|| json!({ "done": true, "words": words }), |out| writeln!(out, "{words}"))?;
        Ok(DONE)
    }
}
