//! `meterwright read (NAME… | --group G | --all) [--what …] [--from T] [--to T]`

use std::collections::BTreeSet;

use clap::Args;

use super::app::{App, Outcome};
use super::failure::Failure;
use super::jobs::{self, Batch};
use super::period::Period;
use super::select::Select;
use crate::drivers::ReadRequest;
use crate::export::zone_of;
use crate::model::What;
use crate::store::MeterRow;

/// Reads meters into the store.
#[derive(Args, Debug)]
pub(super) struct Read {
    #[command(flatten)]
    select: Select,
    /// What to read, joined by commas: identity, clock, registers, billing, profile, instrumentation, events,
    /// instantaneous, objects [default: all but instrumentation and objects]
    #[arg(long, value_delimiter = ',', value_parser = what)]
    what: Vec<What>,
    #[command(flatten)]
    period: Period,
}

/// One of the things that can be read.
pub(super) fn what(word: &str) -> Result<What, String> {
    What::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = What::ALL.iter().map(|(_, word)| *word).collect();
        format!("write one or more of {}", words.join(", "))
    })
}

/// What is read where nothing is said: all that people look at every day.
pub(super) fn usual() -> BTreeSet<What> {
    let all = What::ALL.iter().map(|(what, _)| *what);
    all.filter(|what| !matches!(what, What::Instrumentation | What::Objects)).collect()
}

/// Puts meters with the same period in one job: a local date is another instant in another zone.
fn batches(rows: Vec<MeterRow>, what: &BTreeSet<What>, period: &Period) -> Result<Vec<Batch>, Failure> {
    let mut batches: Vec<Batch> = Vec::new();
    for row in rows {
        let (from, to) = period.bounds(&zone_of(&row.config))?;
        let request = ReadRequest { what: what.clone(), from, to };
        match batches.iter_mut().find(|batch| batch.request == request) {
            Some(batch) => batch.meters.push(row),
            None => batches.push(Batch { request, meters: vec![row] }),
        }
    }
    Ok(batches)
}

impl Read {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let rows = self.select.meters(&app.reader()?)?;
        let what = if self.what.is_empty() { usual() } else { self.what.iter().copied().collect() };
        let batches = batches(rows, &what, &self.period)?;
        let comms = app.comms()?;
        let results = jobs::run(app, &comms, batches);
        comms.stop();
        let results = results?;
        app.print(
            || results.document(),
            |out| {
                let failed = results.failed();
                writeln!(out, "{} of {} meters read", results.all.len() - failed, results.all.len())?;
                results.write_failed(out)
            },
        )?;
        Ok(results.exit_code())
    }
}
