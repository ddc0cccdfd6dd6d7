//! `meterwright clock get NAME…`, `clock set NAME…` and `clock adjust NAME…`

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::jobs::{self, Batch, Done, fault_document};
use super::select::Select;
use super::stamps;
use super::table::Table;
use crate::comms::Job;
use crate::drivers::{ClockOrder, ClockWay, ReadRequest};
use crate::export::zone_of;
use crate::model::{ClockReading, What};
use crate::store::{MeterRow, StoreError, StoreReader};

/// The clock.
#[derive(Subcommand, Debug)]
pub(super) enum Clock {
    /// Read clocks and compare them with this computer's
    Get(Get),
    /// Set clocks to this computer's time
    Set(Change),
    /// Adjust clocks as gently as each meter can, and set those that cannot be adjusted
    Adjust(Change),
}

/// Sets or adjusts clocks.
#[derive(Args, Debug)]
pub(super) struct Change {
    #[command(flatten)]
    select: Select,
    /// Also where that crosses the end of an interval of the load profile, which then comes out short or long
    #[arg(long)]
    across_interval: bool,
}

/// Reads clocks.
#[derive(Args, Debug)]
pub(super) struct Get {
    #[command(flatten)]
    select: Select,
}

/// Milliseconds as exact seconds: `-3.250`.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let plain = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03}", plain / 1000, plain % 1000)
}

/// More readings of one clock than any job makes.
const MOST_READINGS: u32 = 100;

/// The clocks that a meter gave in this job, newest first.
fn fresh(store: &StoreReader, done: &Done, since: Timestamp) -> Result<Vec<ClockReading>, StoreError> {
    let mut clocks = store.clock_readings(done.meter, MOST_READINGS)?;
    clocks.retain(|clock| clock.read_at >= since);
    Ok(clocks)
}

fn document(done: &Done, clock: Option<&ClockReading>) -> Value {
    json!({
        "meter": done.name,
        "ok": done.result.fault.is_none(),
        "error": fault_document(done.result.fault.as_ref()),
        "meter_stamp": clock.map(|clock| stamps::meter_stamp(&clock.stamp, clock.meter_utc)),
        "utc": clock.map(|clock| clock.meter_utc.to_string()),
        "read_at": clock.map(|clock| clock.read_at.to_string()),
        "drift_seconds": clock.map(|clock| seconds(clock.drift_ms())),
        "uncertainty_seconds": clock.map(|clock| seconds(clock.uncertainty_ms.into())),
        "sign_looks_inverted": clock.map(|clock| clock.sign_looks_inverted),
    })
}

impl Clock {
    pub(super) fn run(&self, app: &App) -> Outcome {
        match self {
            Self::Get(get) => get.run(app),
            Self::Set(change) => change.run(app, ClockWay::Set),
            Self::Adjust(change) => change.run(app, ClockWay::Adjust),
        }
    }
}

impl Get {
    fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let store = app.reader()?;
        let meters: Vec<MeterRow> = self.select.meters(&store)?;
        let zones: Vec<_> = meters.iter().map(|row| zone_of(&row.config)).collect();
        let since = Timestamp::now();
        let comms = app.comms()?;
        let request = ReadRequest { what: [What::Clock].into(), from: None, to: None };
        let results = jobs::run(app, &comms, vec![Batch { request, meters }]);
        comms.stop();
        let results = results?;
        let clocks = results
            .all
            .iter()
            .map(|done| Ok(fresh(&store, done, since)?.into_iter().next()))
            .collect::<Result<Vec<_>, StoreError>>()?;
        app.print(
            || {
                let each = results.all.iter().zip(&clocks);
                let documents: Vec<Value> =
                    each.map(|(done, clock)| document(done, clock.as_ref())).collect();
                json!({ "results": documents, "summary": results.summary() })
            },
            |out| {
                let mut table =
                    Table::new(&["meter", "its clock", "drift s", "±", "result"]).numbers(&[2, 3]);
                for ((done, clock), zone) in results.all.iter().zip(&clocks).zip(&zones) {
                    let fault = done.result.fault.as_ref().map(ToString::to_string);
                    table.row(vec![
                        done.name.clone(),
                        clock
                            .as_ref()
                            .map(|clock| stamps::for_eyes(clock.meter_utc, zone))
                            .unwrap_or_default(),
                        clock.as_ref().map(|clock| seconds(clock.drift_ms())).unwrap_or_default(),
                        clock.as_ref().map(|clock| seconds(clock.uncertainty_ms.into())).unwrap_or_default(),
                        fault.unwrap_or_else(|| "ok".to_owned()),
                    ]);
                }
                table.write(out)
            },
        )?;
        Ok(results.exit_code())
    }
}

/// The document of `clock get` for what the clock shows now, with what it showed before and what was done.
fn change_document(done: &Done, clocks: &[ClockReading]) -> Value {
    let is_ok = done.result.fault.is_none();
    let mut document = document(done, clocks.first());
    let before = clocks.last().map(|clock| seconds(clock.drift_ms()));
    document["drift_before_seconds"] = json!(before);
    document["done"] = json!(is_ok.then_some(&done.words));
    document
}

impl Change {
    fn run(&self, app: &App, way: ClockWay) -> Outcome {
        app.no_secrets()?;
        let store = app.reader()?;
        let rows: Vec<MeterRow> = self.select.meters(&store)?;
        let since = Timestamp::now();
        let order = ClockOrder { way, across_interval: self.across_interval };
        let job = Job::SetClock { meters: rows.iter().map(|row| row.id).collect(), order };
        let comms = app.comms()?;
        let results = jobs::follow(app, &comms, vec![(job, rows)]);
        comms.stop();
        let results = results?;
        let clocks = results
            .all
            .iter()
            .map(|done| fresh(&store, done, since))
            .collect::<Result<Vec<_>, StoreError>>()?;
        app.print(
            || {
                let each = results.all.iter().zip(&clocks);
                let documents: Vec<Value> =
                    each.map(|(done, clocks)| change_document(done, clocks)).collect();
                json!({ "results": documents, "summary": results.summary(), "remarks": results.remarks })
            },
            |out| {
                let mut table = Table::new(&["meter", "was s", "is s", "±", "result"]).numbers(&[1, 2, 3]);
                for (done, clocks) in results.all.iter().zip(&clocks) {
                    let drift = |clock: Option<&ClockReading>| {
                        clock.map(|clock| seconds(clock.drift_ms())).unwrap_or_default()
                    };
                    let uncertainty = clocks.first().map(|clock| seconds(clock.uncertainty_ms.into()));
                    let fault = done.result.fault.as_ref().map(ToString::to_string);
                    table.row(vec![
                        done.name.clone(),
                        drift(clocks.last()),
                        drift(clocks.first()),
                        uncertainty.unwrap_or_default(),
                        fault.unwrap_or_else(|| done.words.clone()),
                    ]);
                }
                table.write(out)
            },
        )?;
        Ok(results.exit_code())
    }
}
