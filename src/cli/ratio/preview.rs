//! What a change of ratio does to last month's energy, on paper.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::stamps;
use crate::cli::table::Table;
use crate::export::{JoinedProfile, MonthEnergy, Preview};
use crate::model::{Decimal, MeterId};
use crate::store::StoreReader;

/// A warning where a change falls into an interval of the meter's profile.
pub(super) fn off_grid(
    store: &StoreReader,
    meter: MeterId,
    from: Timestamp,
) -> Result<Option<String>, Failure> {
    let joined = JoinedProfile::load(store, meter, None)?;
    let period = joined.map_or(0, |joined| i64::from(joined.period_seconds));
    let is_inside = period > 0 && (from.as_second().rem_euclid(period) != 0 || from.subsec_nanosecond() != 0);
    Ok(is_inside.then(|| {
        format!(
            "{from} is not the end of an interval of {} min: the interval in which the ratio changes cannot be converted",
            period / 60
        )
    }))
}

fn energy_document(energy: &MonthEnergy) -> Value {
    let text = |value: Option<Decimal>| value.map(|value| value.to_string());
    json!({
        "obis": energy.obis.to_string(),
        "name": energy.name,
        "unit": energy.unit.symbol(),
        "side": "primary",
        "before": text(energy.stands),
        "after": text(energy.would_be),
        "all_month": text(energy.all_month),
        "not_converted": { "before": energy.left_out[0], "after": energy.left_out[1] },
    })
}

/// The preview in JSON; null where nothing of last month is stored.
pub(super) fn document(preview: Option<&Preview>) -> Value {
    match preview {
        None => Value::Null,
        Some(preview) => json!({
            "from": preview.from.to_string(),
            "to": preview.to.to_string(),
            "intervals": preview.intervals,
            "intervals_of_month": preview.expected,
            "energies": preview.energies.iter().map(energy_document).collect::<Vec<_>>(),
        }),
    }
}

/// The preview for people.
pub(super) fn write(
    preview: Option<&Preview>,
    from: Timestamp,
    zone: &TimeZone,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(preview) = preview else {
        return writeln!(out, "Nothing of last month is stored: there is no preview of its energy");
    };
    let Preview { from: begin, to, intervals, expected, energies } = preview;
    writeln!(
        out,
        "Last month, {} to {} ({intervals} of {expected} intervals), primary:",
        stamps::for_eyes(*begin, zone),
        stamps::for_eyes(*to, zone)
    )?;
    let mut table =
        Table::new(&["OBIS", "name", "as it stands", "with the change", "had it held all month", "unit"])
            .numbers(&[2, 3, 4]);
    let text = |value: Option<Decimal>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    for energy in energies {
        table.row(vec![
            energy.obis.to_string(),
            energy.name.clone(),
            text(energy.stands),
            text(energy.would_be),
            text(energy.all_month),
            energy.unit.symbol(),
        ]);
    }
    table.write(out)?;
    let left_out = energies.iter().map(|energy| energy.left_out[1]).max().unwrap_or(0);
    if left_out > 0 {
        writeln!(
            out,
            "{left_out} intervals cannot be converted: no ratio is known for them, or it changes in them"
        )?;
    }
    if from >= *to {
        writeln!(out, "The change begins after last month: it leaves last month as it is")?;
    }
    Ok(())
}
