//! `show registers NAME` and `show instantaneous NAME`

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Which;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::table::Table;
use crate::cli::{select, stamps};
use crate::export::{SidedReading, zone_of};
use crate::model::{MeterId, RegisterReading};
use crate::store::{StoreError, StoreReader};

/// One attribute of a register in JSON.
fn attribute_document(SidedReading { reading, missing }: &SidedReading) -> Value {
    let stamp = reading.stamp.as_ref().map(|(stamp, at)| stamps::meter_stamp(stamp, *at));
    let mut document = json!({
        "name": reading.name,
        "value": reading.value.text(),
        "unit": reading.unit.symbol(),
        "read_at": reading.read_at.to_string(),
        "meter_stamp": stamp,
        "attribute": reading.attribute,
    });
    if let Some(missing) = missing {
        document["not_converted"] = json!(missing.to_string());
    }
    document
}

/// One register in JSON: its value, with what else was read of the same object (the last average of a demand
/// register, a status) under `more`, so that a script finds each OBIS code once in a reading.
fn document(register: &[SidedReading]) -> Value {
    let Some((value, more)) = register.split_first() else { return Value::Null };
    let mut document = attribute_document(value);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("obis".to_owned(), json!(value.reading.obis.to_string()));
        fields.insert("side".to_owned(), json!(value.reading.side.name()));
        fields.insert("more".to_owned(), more.iter().map(attribute_document).collect());
    }
    document
}

/// Registers in JSON. Attributes of an object that follow each other in rising order are one reading of it.
pub(super) fn documents(readings: &[SidedReading]) -> Vec<Value> {
    let is_one = |SidedReading { reading: one, .. }: &SidedReading,
                  SidedReading { reading: next, .. }: &SidedReading| {
        one.obis == next.obis && one.attribute < next.attribute
    };
    readings.chunk_by(is_one).map(document).collect()
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

/// Tells on standard error what could not be converted, and why.
pub(super) fn tell_missing(app: &App, readings: &[SidedReading]) {
    for SidedReading { reading, missing } in readings {
        if let Some(missing) = missing {
            app.tell(&format!("note: {} {} is not converted: {missing}", reading.obis, reading.name));
        }
    }
}

pub(super) fn run(app: &App, which: &Which, instantaneous: bool) -> Outcome {
    let store = app.reader()?;
    let row = select::one(&store, &which.name)?;
    let zone = zone_of(&row.config);
    let readings = readings(&store, row.id, which.period.bounds(&zone)?, instantaneous)?;
    let view = which.on.view(&store, row.id)?;
    let readings: Vec<SidedReading> = readings.iter().map(|reading| view.register(reading)).collect();
    tell_missing(app, &readings);
    app.print(
        || {
            json!({
                "meter": row.config.name,
                "serial": row.config.serial,
                "registers": documents(&readings),
            })
        },
        |out| {
            if readings.is_empty() {
                return writeln!(out, "Nothing is stored: `meterwright read` reads it");
            }
            let header = ["OBIS", "name", "value", "unit", "side", "meter's stamp", "read at"];
            let mut table = Table::new(&header).numbers(&[2]);
            for SidedReading { reading, .. } in &readings {
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
