//! `list run NAME`

use clap::Args;
use serde_json::json;

use super::{meters_of, named};
use crate::cli::app::{App, Outcome};
use crate::cli::jobs::{self, Done};
use crate::comms::Job;

/// Runs a list now and waits for its end.
#[derive(Args, Debug)]
pub(in crate::cli) struct Run {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
}

fn line(done: &Done) -> String {
    let result = &done.result;
    match &result.fault {
        Some(fault) => format!("{}: failed: {fault}", done.name),
        None => format!(
            "{}: ok, {} registers, {} intervals, {} events",
            done.name, result.registers, result.intervals, result.events
        ),
    }
}

impl Run {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let row = named(&store, &self.name)?;
        let meters = meters_of(&store, &row.list)?;
        drop(store);
        let comms = app.comms()?;
        let results = jobs::follow(app, &comms, vec![(Job::RunList(row.id), meters)]);
        comms.stop();
        let results = results?;
        app.print(
            || {
                let mut document = results.document();
                document["list"] = json!(self.name);
                document
            },
            |out| {
                results.all.iter().try_for_each(|done| writeln!(out, "{}", line(done)))?;
                let good = results.all.len() - results.failed();
                writeln!(out, "{}: {good} of {} meters went well", self.name, results.all.len())
            },
        )?;
        Ok(results.exit_code())
    }
}
