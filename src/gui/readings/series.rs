//! From rows to figures: what each interval used, exactly, and what is missing.

use jiff::Timestamp;

use crate::gui::data::Slice;
pub(in crate::gui) use crate::model::ChannelKind as Kind;
use crate::model::{Decimal, IntervalStatus, ProfileLayout, Quality, Unit};

/// In which terms energy is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::gui) enum Measure {
    /// Energy of each interval.
    Energy,
    /// Mean power of each interval.
    Demand,
}

/// One channel's figures, one for each row.
#[derive(Clone, Debug)]
pub(in crate::gui) struct Series {
    /// Which channel of the layout.
    pub channel: usize,
    /// Its name.
    pub name: String,
    /// In what unit the figures are.
    pub unit: Unit,
    /// Whether the figures are energy of intervals, so that they add up.
    pub adds_up: bool,
    /// One a row; nothing where there is none.
    pub values: Vec<Option<Decimal>>,
}

/// `numerator / denominator` as an exact decimal, where it has one.
fn fraction(numerator: u32, denominator: u32) -> Option<Decimal> {
    if denominator == 0 {
        return None;
    }
    let mut mantissa = i128::from(numerator);
    let mut rest = i128::from(denominator);
    let (mut a, mut b) = (mantissa, rest);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    mantissa /= a;
    rest /= a;
    let mut exponent = 0i8;
    while rest != 1 {
        let factor = if rest % 10 == 0 {
            rest /= 10;
            1
        } else if rest % 2 == 0 {
            rest /= 2;
            5
        } else if rest % 5 == 0 {
            rest /= 5;
            2
        } else {
            return None;
        };
        mantissa *= factor;
        exponent -= 1;
    }
    Some(Decimal::new(mantissa, exponent))
}

/// The figures of a channel. Where energy and power cannot be turned into one another without rounding, they are
/// shown as the meter gives them.
#[must_use]
pub(in crate::gui) fn series(
    slice: &Slice,
    layout: &ProfileLayout,
    channel: usize,
    measure: Measure,
) -> Option<Series> {
    let described = layout.channels.get(channel)?;
    let kind = Kind::of(described);
    let unit = described.scaler_unit.unit;
    let value = |row: &crate::model::ProfileRow| row.values.get(channel).copied().flatten();
    let raw: Vec<Option<Decimal>> = match kind {
        Kind::Cumulative => {
            let before = std::iter::once(slice.before.as_ref().map(|row| (row.end, value(row))));
            let earlier = before.chain(slice.rows.iter().map(|row| Some((row.end, value(row)))));
            let step = |(row, earlier): (&crate::model::ProfileRow, Option<(Timestamp, Option<Decimal>)>)| {
                let (end, then) = earlier?;
                let apart = row.end.as_second() - end.as_second();
                // A difference over a gap belongs to no one interval.
                let adjacent = layout.period_seconds == 0 || apart == i64::from(layout.period_seconds);
                let used = value(row)?.checked_sub(then?)?;
                (adjacent && !used.is_negative()).then_some(used)
            };
            slice.rows.iter().zip(earlier).map(step).collect()
        }
        Kind::Energy | Kind::Power | Kind::Level => slice.rows.iter().map(value).collect(),
    };
    let is_energy = matches!(kind, Kind::Energy | Kind::Cumulative);
    let (factor, unit, adds_up) = match (measure, unit.power_of_energy()) {
        (Measure::Demand, Some(power)) if is_energy => match fraction(3600, layout.period_seconds) {
            Some(factor) => (Some(factor), power, false),
            None => (None, unit, true),
        },
        (Measure::Energy, _) if kind == Kind::Power => {
            let energy =
                [Unit::WH, Unit::VARH, Unit::VAH].into_iter().find(|one| one.power_of_energy() == Some(unit));
            match (energy, fraction(layout.period_seconds, 3600)) {
                (Some(energy), Some(factor)) => (Some(factor), energy, true),
                _ => (None, unit, false),
            }
        }
        _ => (None, unit, is_energy),
    };
    let values = raw
        .into_iter()
        .map(|value| match factor {
            Some(factor) => value.and_then(|value| value.checked_mul(factor)).map(trimmed),
            None => value,
        })
        .collect();
    Some(Series { channel, name: described.name.clone(), unit, adds_up, values })
}

/// Without the noughts that a factor such as 0.5 brings, but with no fewer places than none.
fn trimmed(value: Decimal) -> Decimal {
    let normal = value.normalized();
    if normal.exponent() > 0 { normal.with_exponent(0).unwrap_or(value) } else { normal }
}

/// A stretch in which intervals are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// Where the first missing interval begins.
    pub from: Timestamp,
    /// Where the last missing interval ends.
    pub to: Timestamp,
    /// How many are missing.
    pub intervals: u64,
}

/// Gaps between `from` and `to`. What lies before the first stored interval of the profile is not missing: it was
/// never there.
#[must_use]
pub(super) fn gaps(slice: &Slice, period_seconds: u32, from: Timestamp, to: Timestamp) -> Vec<Gap> {
    let period = i64::from(period_seconds);
    if period == 0 {
        return Vec::new();
    }
    let ends = slice.rows.iter().map(|row| row.end.as_second()).chain([to.as_second() + period]);
    let mut last = from.as_second();
    let mut gaps = Vec::new();
    for end in ends {
        let missing = (end - last) / period - 1;
        if missing > 0 {
            let instant = |second: i64| Timestamp::from_second(second).unwrap_or(from);
            gaps.push(Gap {
                from: instant(last),
                to: instant(last + missing * period),
                intervals: missing.unsigned_abs(),
            });
        }
        last = last.max(end);
    }
    gaps
}

/// What stands beside the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Sum, where the figures add up; nothing where it leaves 38 digits.
    pub total: Option<Decimal>,
    /// The highest figure, and the end of its interval.
    pub highest: Option<(Decimal, Timestamp)>,
    /// The lowest.
    pub lowest: Option<(Decimal, Timestamp)>,
    /// Mean over highest, in tenths of a percent, rounded for the eye.
    pub load_factor: Option<i128>,
    /// Intervals with a figure.
    pub intervals: u64,
    /// Intervals with a flag.
    pub flagged: u64,
    /// Intervals by quality.
    pub quality: Vec<(Quality, u64)>,
}

/// Sums up a series.
#[must_use]
pub(super) fn summary(slice: &Slice, series: &Series) -> Summary {
    let mut summary = Summary { total: Some(Decimal::ZERO), ..Summary::default() };
    for (row, value) in slice.rows.iter().zip(&series.values) {
        summary.flagged += u64::from(row.status.is_flagged());
        match summary.quality.iter_mut().find(|(quality, _)| *quality == row.quality) {
            Some((_, count)) => *count += 1,
            None => summary.quality.push((row.quality, 1)),
        }
        let Some(value) = *value else { continue };
        summary.intervals += 1;
        summary.total = summary.total.and_then(|total| total.checked_add(value));
        if summary.highest.is_none_or(|(highest, _)| value > highest) {
            summary.highest = Some((value, row.end));
        }
        if summary.lowest.is_none_or(|(lowest, _)| value < lowest) {
            summary.lowest = Some((value, row.end));
        }
    }
    summary.load_factor = load_factor(&summary);
    summary.quality.sort_unstable();
    if !series.adds_up {
        summary.total = None;
    }
    summary
}

fn load_factor(summary: &Summary) -> Option<i128> {
    let (sum, (highest, _)) = (summary.total?, summary.highest?);
    let exponent = sum.exponent().min(highest.exponent());
    let sum = sum.with_exponent(exponent)?.mantissa();
    let most = highest.with_exponent(exponent)?.mantissa().checked_mul(i128::from(summary.intervals))?;
    if most <= 0 || sum < 0 {
        return None;
    }
    Some((sum.checked_mul(2_000)? + most) / (2 * most))
}

/// Flags of a row that are worth a mark.
#[must_use]
pub(super) fn letters(status: IntervalStatus) -> String {
    status.difference(IntervalStatus::DAYLIGHT_SAVING).letters()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, ProfileRow, ScalerUnit, Side};

    fn layout(obis: &str, unit: Unit, period_seconds: u32) -> ProfileLayout {
        let channel = Channel {
            obis: obis.parse().unwrap(),
            attribute: 2,
            data_index: 0,
            class_id: 3,
            name: "x".to_owned(),
            scaler_unit: ScalerUnit { scaler: 0, unit },
            side: Side::Secondary,
        };
        ProfileLayout {
            obis: "1-0:99.1.0*255".parse().unwrap(),
            name: String::new(),
            period_seconds,
            channels: vec![channel],
        }
    }

    fn row(minute: i64, value: i128) -> ProfileRow {
        ProfileRow {
            end: Timestamp::from_second(minute * 60).unwrap(),
            stamp: None,
            status: IntervalStatus::empty(),
            raw_status: None,
            quality: Quality::Actual,
            values: vec![Some(Decimal::new(value, 0))],
        }
    }

    fn slice(before: Option<ProfileRow>, rows: Vec<ProfileRow>) -> Slice {
        Slice { before, rows, superseded: Vec::new() }
    }

    fn texts(series: &Series) -> Vec<String> {
        series.values.iter().map(|value| value.map_or("-".to_owned(), |value| value.to_string())).collect()
    }

    #[test]
    fn a_cumulative_channel_shows_what_each_interval_used() {
        let layout = layout("1-0:1.8.0*255", Unit::WH, 1800);
        let rows = vec![row(30, 1_100), row(60, 1_350), row(120, 2_000), row(150, 1_900)];
        let shown = series(&slice(Some(row(0, 1_000)), rows), &layout, 0, Measure::Energy).unwrap();
        // Over the gap and after the roll-back nobody can tell.
        assert_eq!(texts(&shown), ["100", "250", "-", "-"]);
        assert!(shown.adds_up);
    }

    #[test]
    fn energy_becomes_demand_exactly() {
        let rows = || slice(None, vec![row(15, 123)]);
        let shown = series(&rows(), &layout("1-0:1.29.0*255", Unit::WH, 900), 0, Measure::Demand).unwrap();
        assert_eq!((texts(&shown), shown.unit), (vec!["492".to_owned()], Unit::W));
        let shown = series(&rows(), &layout("1-0:1.29.0*255", Unit::WH, 420), 0, Measure::Demand).unwrap();
        assert_eq!((texts(&shown), shown.unit), (vec!["123".to_owned()], Unit::WH), "3600 / 420 has no end");
    }

    #[test]
    fn power_becomes_energy_exactly_or_stays() {
        let rows = || slice(None, vec![row(15, 123)]);
        let shown = series(&rows(), &layout("1-0:1.5.0*255", Unit::W, 900), 0, Measure::Energy).unwrap();
        assert_eq!((texts(&shown), shown.unit), (vec!["30.75".to_owned()], Unit::WH));
        let shown = series(&rows(), &layout("1-0:1.5.0*255", Unit::W, 300), 0, Measure::Energy).unwrap();
        assert_eq!(shown.unit, Unit::W, "a twelfth has no end");
    }

    #[test]
    fn a_voltage_stays_a_voltage_and_does_not_add_up() {
        let slice = slice(None, vec![row(30, 230), row(60, 232)]);
        let shown = series(&slice, &layout("1-0:32.27.0*255", Unit::V, 1800), 0, Measure::Demand).unwrap();
        let summary = summary(&slice, &shown);
        assert_eq!((shown.unit, summary.total), (Unit::V, None));
        assert_eq!(summary.highest.unwrap().0, Decimal::from(232));
    }

    #[test]
    fn gaps_are_counted_in_intervals() {
        let slice = slice(None, vec![row(30, 1), row(120, 1)]);
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let found = gaps(&slice, 1800, at(0), at(180));
        assert_eq!(
            found,
            [
                Gap { from: at(30), to: at(90), intervals: 2 },
                Gap { from: at(120), to: at(180), intervals: 2 },
            ]
        );
        assert!(gaps(&slice, 0, at(0), at(180)).is_empty(), "a profile without a period has no gaps");
    }

    #[test]
    fn the_load_factor_is_mean_over_highest() {
        let slice = slice(None, vec![row(30, 100), row(60, 300), row(90, 200)]);
        let shown = series(&slice, &layout("1-0:1.29.0*255", Unit::WH, 1800), 0, Measure::Energy).unwrap();
        let summary = summary(&slice, &shown);
        assert_eq!((summary.total, summary.load_factor), (Some(Decimal::from(600)), Some(667)));
    }
}
