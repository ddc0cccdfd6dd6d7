//! `list history NAME`

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::named;
use super::show::{run_document, run_words};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::model::Blame;
use crate::store::{Outcome as MeterOutcome, RunRow};

/// Shows a list's runs.
#[derive(Args, Debug)]
pub(in crate::cli) struct History {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
    /// How each meter of this run ended [default: of the last one]
    #[arg(long, value_name = "RUN")]
    run: Option<i64>,
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 30)]
    most: u32,
}

fn outcome_document((name, outcome): &(String, MeterOutcome)) -> Value {
    json!({
        "meter": name,
        "state": outcome.state.word(),
        "tries": outcome.tries,
        "at": outcome.at.map(|at| at.to_string()),
        "fault": outcome.blame.map(Blame::name),
        "words": outcome.words,
        "stored": {
            "registers": outcome.registers, "intervals": outcome.intervals, "events": outcome.events,
        },
    })
}

impl History {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let row = named(&store, &self.name)?;
        let runs = store.list_runs(row.id, self.most)?;
        let shown: Option<RunRow> = match self.run {
            None => runs.iter().find(|run| run.meters > 0).cloned(),
            Some(number) => {
                let run = store.list_run(number)?.filter(|run| run.list == row.id);
                Some(run.ok_or_else(|| Failure::usage(format!("{} has no run {number}", self.name)))?)
            }
        };
        let outcomes = shown.as_ref().map(|run| store.outcomes(run.id)).transpose()?.unwrap_or_default();
        app.print(
            || {
                json!({
                    "list": self.name,
                    "runs": runs.iter().map(run_document).collect::<Vec<_>>(),
                    "outcomes_of": shown.as_ref().map(|run| run.id),
                    "outcomes": outcomes.iter().map(outcome_document).collect::<Vec<_>>(),
                })
            },
            |out| {
                if runs.is_empty() {
                    return writeln!(out, "{} has not run yet", self.name);
                }
                let zone = TimeZone::system();
                for run in &runs {
                    writeln!(out, "run {} ({}): {}", run.id, run.cause.word(), run_words(run, &zone))?;
                }
                if let Some(run) = &shown {
                    writeln!(out, "meters of run {}:", run.id)?;
                }
                outcomes.iter().try_for_each(|(name, outcome)| {
                    writeln!(
                        out,
                        "  {name}: {}, {} tries: {}",
                        outcome.state.word(),
                        outcome.tries,
                        outcome.words
                    )
                })
            },
        )?;
        Ok(DONE)
    }
}
