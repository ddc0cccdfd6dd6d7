//! `meter exchange NAME --new NEW --at T --last … --first …`

use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::settings::{Settings, has, missing_note};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::period::When;
use crate::cli::select;
use crate::comms::Edit;
use crate::export::zone_of;
use crate::model::{
    Decimal, ExchangeReading, Line, MeterConfig, MeterId, MeterSecrets, Obis, ReadingValue, Unit,
};
use crate::store::{self, NewMeter, StoreReader};

/// Exchanges a meter for another at its metering point: the point, its ratios and its totals go on.
#[derive(Args, Debug)]
pub(in crate::cli) struct Exchange {
    /// The meter that goes; it stays on the list with its readings
    name: String,
    /// The meter that comes: one that is listed, or a new name, which is added with the old meter's settings
    #[arg(long, value_name = "NEW")]
    new: String,
    /// When: RFC 3339, or local
    #[arg(long, value_name = "T")]
    at: When,
    /// What the old meter showed last, as often as needed: 1.8.0=12345.6kWh [default: its latest stored readings]
    #[arg(long, value_name = "OBIS=VALUE")]
    last: Vec<Reading>,
    /// What the new meter showed first: 1.8.0=0kWh [default: its latest stored readings, if it is listed]
    #[arg(long, value_name = "OBIS=VALUE")]
    first: Vec<Reading>,
    /// Exchange without readings that are not there; totals then begin with the new meter's first reading
    #[arg(long)]
    without_readings: bool,
    /// Where a meter that is added hangs [default: the old meter's line]
    #[arg(long)]
    line: Option<Line>,
    #[command(flatten)]
    settings: Settings,
}

/// A reading as typed: `1.8.0=12345.6kWh`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading(ExchangeReading);

impl FromStr for Reading {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (code, figure) = text.split_once('=').ok_or("write OBIS=VALUE, such as 1.8.0=12345.6kWh")?;
        let obis: Obis = code.trim().parse().map_err(|error| format!("{error}"))?;
        let figure = figure.trim();
        let split = figure.find(|c: char| c.is_alphabetic()).ok_or("write the unit too: 1.8.0=12345.6kWh")?;
        let (number, symbol) = figure.split_at(split);
        let number: Decimal = number.trim().parse().map_err(|error| format!("{error}"))?;
        let (power, symbol) = match symbol.strip_prefix('k').map(|rest| (3, rest)) {
            Some(kilo) => kilo,
            None => symbol.strip_prefix('M').map_or((0, symbol), |rest| (6, rest)),
        };
        let unit = Unit::from_symbol(symbol).filter(|unit| unit.is_energy());
        let unit = unit.ok_or("the unit is none of an energy: write Wh, kWh, MWh, kvarh, kVAh, …")?;
        let value = number.scaled(power).ok_or("the figure is too large")?;
        // 12.5 kWh are 12500 Wh, not 125e2.
        let value = if value.exponent() > 0 { value.with_exponent(0).unwrap_or(value) } else { value };
        Ok(Self(ExchangeReading { obis, value, unit }))
    }
}

/// The latest stored standing of each energy register up to an instant.
fn stored(store: &StoreReader, meter: MeterId, until: Timestamp) -> Result<Vec<ExchangeReading>, Failure> {
    let mut all = Vec::new();
    for latest in store.registers(meter, false)? {
        let counts = latest.unit.is_energy()
            && latest.obis.d() == 8
            && latest.obis.f() == 255
            && latest.attribute == 2;
        if !counts {
            continue;
        }
        let history = store.register_history(meter, latest.obis, Timestamp::MIN, until)?;
        let last = history.iter().rev().find(|one| one.attribute == 2 && one.unit == latest.unit);
        if let Some(ReadingValue::Number(value)) = last.map(|one| &one.value) {
            all.push(ExchangeReading { obis: latest.obis, value: *value, unit: latest.unit });
        }
    }
    Ok(all)
}

fn documents(readings: &[ExchangeReading]) -> Vec<Value> {
    let one = |reading: &ExchangeReading| {
        json!({
            "obis": reading.obis.to_string(),
            "value": reading.value.to_string(),
            "unit": reading.unit.symbol(),
        })
    };
    readings.iter().map(one).collect()
}

impl Exchange {
    fn given(typed: &[Reading]) -> Option<Vec<ExchangeReading>> {
        (!typed.is_empty()).then(|| typed.iter().map(|reading| reading.0.clone()).collect())
    }

    fn readings(
        &self,
        typed: &[Reading],
        (what, option): (&str, &str),
        stored: Vec<ExchangeReading>,
    ) -> Result<Vec<ExchangeReading>, Failure> {
        match Self::given(typed) {
            Some(given) => Ok(given),
            None if !stored.is_empty() || self.without_readings => Ok(stored),
            None => Err(Failure::usage(format!(
                "{what} is not known: give {option} OBIS=VALUE, or read the meter first, or say --without-readings"
            ))),
        }
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let old = select::one(&store, &self.name)?;
        let at = self.at.at(&zone_of(&old.config))?;
        if at > Timestamp::now() {
            return Err(Failure::usage(format!(
                "{at} is still to come: an exchange is noted when it is done"
            )));
        }
        let listed = store.meter_named(self.new.trim())?;
        let last = self.readings(
            &self.last,
            ("what the old meter showed last", "--last"),
            stored(&store, old.id, at)?,
        )?;
        let of_new = match &listed {
            Some(row) => stored(&store, row.id, Timestamp::MAX)?,
            None => Vec::new(),
        };
        let first = self.readings(&self.first, ("what the new meter showed first", "--first"), of_new)?;
        let (new, secrets) = match &listed {
            Some(row) => {
                app.no_secrets()?;
                (NewMeter::Listed(row.id), MeterSecrets::default())
            }
            None => {
                let mut config = MeterConfig { serial: None, ..old.config.clone() };
                self.new.trim().clone_into(&mut config.name);
                self.settings.apply(&mut config, self.line.as_ref());
                let secrets = app.meter_secrets()?;
                if let Some(note) = missing_note(&config, has(&secrets)) {
                    app.tell(&note);
                }
                (NewMeter::Added(Box::new(config)), secrets)
            }
        };
        drop(store);
        let exchange = store::Exchange { old: old.id, new, at, last: last.clone(), first: first.clone() };
        app.edit(Edit::Exchange { exchange: Box::new(exchange), secrets })?;
        let store = app.reader()?;
        let new = select::one(&store, self.new.trim())?;
        let point = store.point_of(new.id)?.map(|point| point.name).unwrap_or_default();
        app.print(
            || {
                json!({
                    "point": point,
                    "old": self.name,
                    "new": new.config.name,
                    "at": at.to_string(),
                    "last": documents(&last),
                    "first": documents(&first),
                })
            },
            |out| {
                writeln!(out, "{} hangs at {point} in place of {} since {at}", new.config.name, self.name)?;
                for (whose, readings) in [("last", &last), ("first", &first)] {
                    for reading in readings {
                        writeln!(out, "  {whose:<5} {} = {} {}", reading.obis, reading.value, reading.unit)?;
                    }
                }
                Ok(())
            },
        )?;
        Ok(DONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_typed_with_its_unit_and_kept_in_plain_units() {
        let read = |text: &str| text.parse::<Reading>().map(|reading| reading.0);
        let one = read("1.8.0=12345.6kWh").unwrap();
        assert_eq!((one.value.to_string().as_str(), one.unit), ("12345600", Unit::WH));
        assert_eq!(read("3.8.0 = 7 varh").unwrap().unit, Unit::VARH);
        assert_eq!(read("1.8.0=0.0005MWh").unwrap().value.to_string(), "500");
        for (text, why) in
            [("1.8.0", "OBIS=VALUE"), ("1.8.0=5", "unit"), ("1.8.0=5V", "energy"), ("x=5Wh", "x")]
        {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
