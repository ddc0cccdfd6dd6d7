//! What a metering point used, through all its meters and ratios.
//!
//! A register's differences are added up from reading to reading, meter after meter: from what a meter showed when it
//! came (else its first reading) to what it showed when it went (else its latest). Each difference is converted by
//! the ratio that held from one reading to the next, so that a change of ratio costs nothing where there is a reading
//! of that moment. A difference that cannot be converted, or that is below nought, leaves no total.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    Decimal, ExchangeReading, Factor, Obis, RatioHistory, ReadingValue, RegisterReading, Side, Span, Unit,
};
use crate::store::{Placement, PointRow, StoreError, StoreReader};

/// One meter's part of a total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalPart {
    /// The meter.
    pub meter: String,
    /// Its serial number.
    pub serial: Option<String>,
    /// When it showed `begin`, and when `end`.
    pub span: (Timestamp, Timestamp),
    /// What it showed first, on its own side.
    pub begin: Decimal,
    /// What it showed last, on its own side.
    pub end: Decimal,
    /// What was used, on the side that is wanted.
    pub used: Option<Decimal>,
    /// Why `used` is not there, in words.
    pub missing: Option<String>,
}

/// What a point used of one energy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointTotal {
    /// The register.
    pub obis: Obis,
    /// Plain name.
    pub name: String,
    /// Unit.
    pub unit: Unit,
    /// Meter by meter.
    pub parts: Vec<TotalPart>,
    /// All of them together; nothing where a part is missing.
    pub total: Option<Decimal>,
}

/// A register's standing at an instant, and the side that it was stored with.
type Standing = (Timestamp, Decimal, Side);

/// Whether it is an energy register of the present, in its value.
fn counts(reading: &RegisterReading) -> bool {
    reading.unit.is_energy() && reading.obis.d() == 8 && reading.obis.f() == 255 && reading.attribute == 2
}

fn at_exchange(readings: &[ExchangeReading], obis: Obis, unit: Unit) -> Option<Decimal> {
    readings.iter().find(|one| one.obis == obis && one.unit == unit).map(|one| one.value)
}

/// A register's standings while a meter hung at the point, oldest first.
fn standings(
    store: &StoreReader,
    placed: &Placement,
    (obis, unit): (Obis, Unit),
) -> Result<Vec<Standing>, StoreError> {
    let from = placed.from.unwrap_or(Timestamp::MIN);
    let until = placed.until.unwrap_or(Timestamp::MAX);
    let history = store.register_history(placed.meter, obis, from, until)?;
    let stored = history.iter().filter(|one| counts(one) && one.unit == unit);
    let mut all: Vec<Standing> = stored
        .filter_map(|one| match one.value {
            ReadingValue::Number(value) => Some((one.read_at, value, one.side)),
            _ => None,
        })
        .collect();
    let side = all.first().map_or(Side::Secondary, |first| first.2);
    if let (Some(from), Some(first)) = (placed.from, at_exchange(&placed.first, obis, unit)) {
        all.insert(0, (from, first, side));
    }
    if let (Some(until), Some(last)) = (placed.until, at_exchange(&placed.last, obis, unit)) {
        all.push((until, last, side));
    }
    Ok(all)
}

fn part(
    placed: &Placement,
    unit: Unit,
    all: &[Standing],
    history: &RatioHistory,
    wanted: Side,
) -> Option<TotalPart> {
    let (first, last) = (all.first()?, all.last()?);
    let mut sums: Vec<(Factor, Decimal)> = Vec::new();
    let mut missing = None;
    for (one, next) in all.iter().zip(all.iter().skip(1)) {
        let Some(used) = next.1.checked_sub(one.1) else {
            missing = missing.or_else(|| Some("the figures are too large".to_owned()));
            continue;
        };
        if used.is_negative() {
            missing = missing.or_else(|| Some(format!("the register went back before {}", next.0)));
        }
        let factor = history.factor(unit, one.2, Span::Interval { start: one.0, end: next.0 }, wanted);
        match factor {
            _ if used == Decimal::ZERO => {}
            Err(reason) => missing = missing.or_else(|| Some(reason.to_string())),
            Ok(factor) => match sums.iter_mut().find(|(known, _)| *known == factor) {
                Some((_, sum)) => *sum = sum.checked_add(used)?,
                None => sums.push((factor, used)),
            },
        }
    }
    let sum = sums.iter().try_fold(Decimal::ZERO, |all, (factor, sum)| all.checked_add(factor.apply(*sum)?));
    Some(TotalPart {
        meter: placed.name.clone(),
        serial: placed.serial.clone(),
        span: (first.0, last.0),
        begin: first.1,
        end: last.1,
        used: sum.filter(|_| missing.is_none()),
        missing,
    })
}

/// What a point used of each energy, on one side, as far as readings of its meters are stored.
///
/// # Errors
/// The store cannot be read.
pub fn point_totals(
    store: &StoreReader,
    point: &PointRow,
    wanted: Side,
) -> Result<Vec<PointTotal>, StoreError> {
    let mut registers: BTreeMap<(Obis, u8), (String, Unit)> = BTreeMap::new();
    for placed in &point.meters {
        for reading in store.registers(placed.meter, false)?.into_iter().filter(counts) {
            registers.insert((reading.obis, reading.unit.0), (reading.name, reading.unit));
        }
        for reading in placed.first.iter().chain(&placed.last) {
            let name = crate::model::plain_name(reading.obis);
            registers.entry((reading.obis, reading.unit.0)).or_insert((name, reading.unit));
        }
    }
    let mut totals = Vec::new();
    for ((obis, _), (name, unit)) in registers {
        let mut parts = Vec::new();
        for placed in &point.meters {
            let all = standings(store, placed, (obis, unit))?;
            parts.extend(part(placed, unit, &all, &point.ratios, wanted));
        }
        let total = parts.iter().try_fold(Decimal::ZERO, |all, part| all.checked_add(part.used?));
        if !parts.is_empty() {
            totals.push(PointTotal { obis, name, unit, parts, total });
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccuracyClasses, MeterConfig, Ratio, RatioPeriod, Transformers};
    use crate::store::{Exchange, NewMeter, Store};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn obis() -> Obis {
        "1.8.0".parse().unwrap()
    }

    fn reading(value: i64, when: &str) -> RegisterReading {
        RegisterReading {
            obis: obis(),
            attribute: 2,
            name: "Import".to_owned(),
            value: ReadingValue::Number(Decimal::from(value)),
            unit: Unit::WH,
            side: Side::Secondary,
            read_at: at(when),
            stamp: None,
        }
    }

    fn shown(value: i64) -> Vec<ExchangeReading> {
        vec![ExchangeReading { obis: obis(), value: Decimal::from(value), unit: Unit::WH }]
    }

    fn ratio(from: &str, ct: &str) -> RatioPeriod {
        let transformers =
            Transformers { ct: ct.parse().unwrap(), vt: Ratio::ONE, registers_in: Side::Secondary };
        RatioPeriod { from: at(from), until: None, transformers, classes: AccuracyClasses::default() }
    }

    #[test]
    fn a_total_stays_right_over_an_exchange_and_a_change_of_ratio_with_a_reading() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("meters.db")).unwrap();
        let old = store.add_meter(&MeterConfig::new("Old", "tcp://a".parse().unwrap())).unwrap();
        let point = store.point_of(old).unwrap().unwrap().id;
        store.set_ratio(point, &ratio("2026-01-01T00:00:00Z", "400/5")).unwrap();
        store.put_registers(old, &[reading(1000, "2026-01-02T00:00:00Z")], false).unwrap();
        let exchange = Exchange {
            old,
            new: NewMeter::Added(Box::new(MeterConfig::new("New", "tcp://b".parse().unwrap()))),
            at: at("2026-03-01T00:00:00Z"),
            last: shown(1500),
            first: shown(20),
        };
        let new = store.exchange(&exchange, |_| Vec::new()).unwrap();
        store.set_ratio(point, &ratio("2026-05-01T00:00:00Z", "600/5")).unwrap();
        store.put_registers(new, &[reading(120, "2026-05-01T00:00:00Z")], false).unwrap();
        store.put_registers(new, &[reading(220, "2026-06-01T00:00:00Z")], false).unwrap();
        let totals = |store: &Store, side| {
            let point = store.point_of(new).unwrap().unwrap();
            point_totals(store, &point, side).unwrap().remove(0)
        };
        let own = totals(&store, Side::Secondary);
        assert_eq!(own.total, Some(Decimal::from(500 + 200)), "{own:?}");
        let primary = totals(&store, Side::Primary);
        let used: Vec<_> = primary.parts.iter().map(|part| part.used).collect();
        assert_eq!(used, [Some(Decimal::from(500 * 80)), Some(Decimal::from(100 * 80 + 100 * 120))]);
        assert_eq!(primary.total, Some(Decimal::from(60_000)));
        // Without a reading of that moment there is no telling.
        store.set_ratio(point, &ratio("2026-05-15T00:00:00Z", "800/5")).unwrap();
        let unknown = totals(&store, Side::Primary);
        assert_eq!(unknown.total, None);
        assert!(unknown.parts[1].missing.as_ref().unwrap().contains("the ratio changed at 2026-05-15"));
    }
}
