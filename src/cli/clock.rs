//! `meterwright clock get NAME…`

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::jobs::{self, Batch, Done, fault_document};
use super::select::Select;
use super::stamps;
use super::table::Table;
use crate::drivers::ReadRequest;
use crate::export::zone_of;
use crate::model::{ClockReading, What};
use crate::store::{MeterRow, StoreError, StoreReader};

/// The clock.
#[derive(Subcommand, Debug)]
pub(super) enum Clock {
    /// Read clocks and compare them with this computer's
    Get(Get),
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

/// The clock that a meter gave in this job.
fn fresh(store: &StoreReader, done: &Done, since: Timestamp) -> Result<Option<ClockReading>, StoreError> {
    Ok(store.clock_readings(done.meter, 1)?.into_iter().find(|clock| clock.read_at >= since))
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
        let Self::Get(get) = self;
        get.run(app)
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
            .map(|done| fresh(&store, done, since))
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
