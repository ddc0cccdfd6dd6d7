//! `show registers NAME` and `show instantaneous NAME`

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Which;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::table::Table;
use crate::cli::{select, stamps};
use crate::export::zone_of;
use crate::model::{MeterId, RegisterReading};
use crate::store::{StoreError, StoreReader};

/// One register in JSON.
pub(super) fn document(reading: &RegisterReading) -> Value {
    let stamp = reading.stamp.as_ref().map(|(stamp, at)| stamps::meter_stamp(stamp, *at));
    json!({
        "obis": reading.obis.to_string(),
        "name": reading.name,
        "value": reading.value.text(),
        "unit": reading.unit.symbol(),
        "read_at": reading.read_at.to_string(),
        "meter_stamp": stamp,
        "side": reading.side.name(),
        "attribute": reading.attribute,
    })
}

/// The latest of each register; all between two instants where a period is given.
fn readings(
    store: &StoreReader,
    meter: MeterId,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    instantaneous: bool,
) -> Result<Vec<RegisterReading>, StoreError> {
    let latest = store.registers(meter, instantaneous)?;
    if from.is_none() && to.is_none() {
        return Ok(latest);
    }
    let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
    let mut codes: Vec<_> = latest.iter().map(|reading| reading.obis).collect();
    codes.dedup();
    let mut all = Vec::new();
    for obis in codes {
        all.extend(store.register_history(meter, obis, from, to)?);
    }
    Ok(all)
}

pub(super) fn run(app: &App, which: &Which, instantaneous: bool) -> Outcome {
    let store = app.reader()?;
    let row = select::one(&store, &which.name)?;
    let zone = zone_of(&row.config);
    let readings = readings(&store, row.id, which.period.bounds(&zone)?, instantaneous)?;
    app.print(
        || {
            json!({
                "meter": row.config.name,
                "serial": row.config.serial,
                "registers": readings.iter().map(document).collect::<Vec<_>>(),
            })
        },
        |out| {
            if readings.is_empty() {
                return writeln!(out, "Nothing is stored: `meterwright read` reads it");
            }
            let header = ["OBIS", "name", "value", "unit", "side", "meter's stamp", "read at"];
            let mut table = Table::new(&header).numbers(&[2]);
            for reading in &readings {
                let stamp =
                    reading.stamp.as_ref().map(|(stamp, _)| stamp.local.to_string().replacen('T', " ", 1));
                table.row(vec![
                    reading.obis.to_string(),
                    reading.name.clone(),
                    reading.value.text().unwrap_or_else(|| "–".to_owned()),
                    reading.unit.symbol(),
                    reading.side.name().to_owned(),
                    stamp.unwrap_or_default(),
                    stamps::for_eyes(reading.read_at, &zone),
                ]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}
