//! `store check`

use clap::Args;
use serde_json::json;

use super::chore;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::comms::Chore;

/// Looks at every page, every block of intervals and the audit chain; a damage is named and ends with code 2.
#[derive(Args, Debug)]
pub(in crate::cli) struct Check {}

impl Check {
    #[allow(clippy::unused_self, reason = "a command like the others")]
    pub(super) fn run(&self, app: &App) -> Outcome {
        let words = chore::run(app, Chore::Check)?;
        app.print(|| json!({ "sound": true, "words": words }), |out| writeln!(out, "{words}"))?;
        Ok(DONE)
    }
}
