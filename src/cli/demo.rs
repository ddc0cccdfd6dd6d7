//! `meterwright --demo`: a simulated fleet in the windows, or polled headless where there is no display.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::jobs::{self, Batch, Done, Results};
use super::read::usual;
use crate::comms::{Comms, Edit};
use crate::drivers::ReadRequest;
use crate::gui::{self, RunOptions};
use crate::simulator::{Fleet, FleetOptions};
use crate::store::StoreReader;

/// How far back the headless poll goes: a fleet of full profiles takes minutes and shows no more.
const DAYS: SignedDuration = SignedDuration::from_hours(24 * 3);

/// Sessions at once: few, because the meters live in this program too and share its processors.
const SESSIONS: usize = 8;

/// A folder that is gone when it is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("meterwright-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .map_err(|error| Failure::usage(format!("{} cannot be made: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{} is left behind: {error}", self.0.display());
        }
    }
}

pub(super) fn run(app: &App) -> Outcome {
    app.no_secrets()?;
    let folder = TemporaryFolder::new()?;
    let store = folder.0.join("demo.db");
    if !app.global.json {
        match gui::run(RunOptions { store: store.clone(), demo: true }) {
            Ok(()) => return Ok(DONE),
            Err(reason) => app.tell(&format!("{reason}; the demo runs without windows")),
        }
    }
    headless(app, &store)
}

/// Polls the fleet once and prints a summary.
fn headless(app: &App, path: &Path) -> Outcome {
    let fleet = Fleet::start(&FleetOptions::demo()).map_err(Failure::internal)?;
    let meters = fleet.meters().iter().map(|meter| (meter.config.clone(), meter.secrets.clone())).collect();
    let comms = app.comms_on(path, SESSIONS)?;
    let added = comms.edit(Edit::AddMeters(meters)).recv();
    added.map_err(|_| Failure::internal("the communications thread has stopped"))??;
    let results = poll(app, &comms, path);
    comms.stop();
    let results = results?;
    let total = |count: fn(&crate::store::JobResult) -> u64| -> u64 {
        results.all.iter().map(|done| count(&done.result)).sum()
    };
    let (registers, intervals) = (total(|result| result.registers), total(|result| result.intervals));
    let (events, exchanges) = (total(|result| result.events), total(|result| result.exchanges));
    app.print(
        || {
            let mut document = results.document();
            if let Some(fields) = document.as_object_mut() {
                fields.insert(
                    "stored".to_owned(),
                    json!({ "registers": registers, "intervals": intervals, "events": events }),
                );
            }
            document
        },
        |out| {
            let failed = results.failed();
            writeln!(out, "{} of {} simulated meters read", results.all.len() - failed, fleet.meters().len())?;
            for (premises, of_kind) in by_premises(&results) {
                let intervals: u64 = of_kind.iter().map(|done| done.result.intervals).sum();
                let registers: u64 = of_kind.iter().map(|done| done.result.registers).sum();
                writeln!(
                    out,
                    "  {premises}: {} meters, {registers} registers, {intervals} intervals",
                    of_kind.len()
                )?;
            }
            writeln!(
                out,
                "{registers} registers, {intervals} intervals and {events} events of the last {} days stored in {exchanges} exchanges",
                DAYS.as_hours() / 24
            )?;
            results.write_failed(out)
        },
    )?;
    Ok(results.exit_code())
}

/// The meters by what they serve, which is the first word of their names.
fn by_premises(results: &Results) -> BTreeMap<&str, Vec<&Done>> {
    let mut kinds: BTreeMap<&str, Vec<&Done>> = BTreeMap::new();
    for done in &results.all {
        kinds.entry(done.name.split(' ').next().unwrap_or_default()).or_default().push(done);
    }
    kinds
}

fn poll(app: &App, comms: &Comms, path: &Path) -> Result<Results, Failure> {
    let meters = StoreReader::open(path)?.meters()?;
    let from = Timestamp::now().checked_sub(DAYS).ok();
    let request = ReadRequest { what: usual(), from, to: None };
    jobs::run(app, comms, vec![Batch { request, meters }])
}
