//! `show billing NAME`

use serde_json::json;

use super::Which;
use super::registers::{documents, tell_missing};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::table::Table;
use crate::cli::{select, stamps};
use crate::export::{SidedReading, zone_of};
use crate::model::BillingSet;

pub(super) fn run(app: &App, which: &Which) -> Outcome {
    let store = app.reader()?;
    let row = select::one(&store, &which.name)?;
    let zone = zone_of(&row.config);
    let (from, to) = which.period.span(&zone)?;
    let sets = store.billing(row.id, from, to)?;
    let view = which.on.view(&store, row.id)?;
    let sets: Vec<(BillingSet, Vec<SidedReading>)> =
        sets.into_iter().map(|set| (set.clone(), view.billing(&set))).collect();
    sets.iter().for_each(|(_, registers)| tell_missing(app, registers));
    let one = |(set, registers): &(BillingSet, Vec<SidedReading>)| {
        json!({
            "profile": set.profile.to_string(),
            "at": set.at.to_string(),
            "local": stamps::local(set.at, &zone),
            "meter_stamp": set.stamp.as_ref().map(|stamp| stamps::meter_stamp(stamp, set.at)),
            "registers": documents(registers),
        })
    };
    app.print(
        || {
            json!({
                "meter": row.config.name,
                "serial": row.config.serial,
                "billing": sets.iter().map(one).collect::<Vec<_>>(),
            })
        },
        |out| {
            if sets.is_empty() {
                return writeln!(out, "Nothing is stored: `meterwright read --what billing` reads it");
            }
            for (set, registers) in &sets {
                writeln!(out, "Period that ended {}", stamps::for_eyes(set.at, &zone))?;
                let mut table = Table::new(&["OBIS", "name", "value", "unit", "side"]).numbers(&[2]);
                for SidedReading { reading, .. } in registers {
                    table.row(vec![
                        reading.obis.to_string(),
                        reading.name.clone(),
                        reading.value.text().unwrap_or_else(|| "–".to_owned()),
                        reading.unit.symbol(),
                        reading.side.name().to_owned(),
                    ]);
                }
                table.write(out)?;
                writeln!(out)?;
            }
            Ok(())
        },
    )?;
    Ok(DONE)
}
