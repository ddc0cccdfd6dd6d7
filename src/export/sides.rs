//! Figures on the primary or the secondary side of the instrument transformers.
//!
//! The store keeps figures as the meter gave them. Where a point's ratios are known, they say which side those are
//! on; where not, the side does that was stored with them. Nothing is multiplied twice.
//!
//! What is converted how:
//!
//! * an interval's energy or demand, by the ratio that held from its start to its end. An interval in which the ratio
//!   changed is not converted: it has no value on the other side and the flag `ratio-change`. Change ratios at the
//!   end of an interval;
//! * a value of the moment, by the ratio of that moment; a maximum demand, by that of its own stamp;
//! * a register that counts for ever, by the only ratio that it ever counted through. One that counted over a change
//!   cannot be converted as a whole: its differences, interval by interval, can.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{
    BillingSet, Channel, IntervalStatus, NotConverted, ProfileRow, RatioHistory, ReadingValue,
    RegisterReading, Side, Span, Transformers, span_of, span_of_channel,
};

/// Shows figures on one side, or on whichever they are.
#[derive(Clone, Debug, Default)]
pub struct SideView {
    /// The ratios of the meter.
    pub history: RatioHistory,
    /// The side that is wanted; figures as the meter gave them where it is `None`.
    pub wanted: Option<Side>,
}

/// The columns of a profile on the sides that are shown.
#[derive(Clone, Debug, Default)]
pub struct SidedColumns {
    /// The columns.
    pub channels: Vec<Channel>,
    /// For each column of the profile and each side, where it went.
    places: Vec<Vec<(Side, usize)>>,
}

/// A register that could not be converted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidedReading {
    /// The reading on the side that it is shown on; without a value where it could not be converted.
    pub reading: RegisterReading,
    /// Why it has no value.
    pub missing: Option<NotConverted>,
}

impl SideView {
    /// The sides on which a column's figures stand between two instants.
    fn sides(&self, channel: &Channel, from: Timestamp, to: Timestamp) -> BTreeSet<bool> {
        if let Some(wanted) = self.wanted {
            return [wanted == Side::Primary].into();
        }
        let periods = self.history.periods();
        let inside =
            periods.iter().filter(|period| period.from < to && period.until.is_none_or(|until| from < until));
        let mut sides: BTreeSet<bool> =
            inside.clone().map(|period| period.transformers.registers_in == Side::Primary).collect();
        let is_covered = inside.clone().next().is_some_and(|first| first.from <= from)
            && periods.windows(2).all(|pair| match pair {
                [one, next] => one.until == Some(next.from),
                _ => true,
            })
            && periods.last().is_some_and(|last| last.until.is_none_or(|until| to <= until));
        if !is_covered {
            sides.insert(channel.side == Side::Primary);
        }
        sides
    }

    /// The columns of a profile whose rows end after `from` and up to `to`. Columns of one quantity that differ by
    /// their sides alone become one where a side is wanted.
    #[must_use]
    pub fn columns(&self, stored: &[Channel], from: Timestamp, to: Timestamp) -> SidedColumns {
        let mut columns = SidedColumns::default();
        let mut members: Vec<Vec<Side>> = Vec::new();
        for channel in stored {
            let mut places = Vec::new();
            for is_primary in self.sides(channel, from, to) {
                let side = if is_primary { Side::Primary } else { Side::Secondary };
                let shown = Channel { side, ..channel.clone() };
                let known = columns.channels.iter().position(|other| {
                    let key = |one: &Channel| {
                        (one.obis, one.attribute, one.data_index, one.scaler_unit.unit, one.side)
                    };
                    key(other) == key(&shown)
                });
                // What one layout captures twice keeps two columns.
                let known =
                    known.filter(|at| members.get(*at).is_some_and(|sides| !sides.contains(&channel.side)));
                let at = known.unwrap_or_else(|| {
                    columns.channels.push(shown);
                    members.push(Vec::new());
                    columns.channels.len() - 1
                });
                if let Some(sides) = members.get_mut(at) {
                    sides.push(channel.side);
                }
                places.push((side, at));
            }
            columns.places.push(places);
        }
        columns
    }

    /// A row in those columns; with the first reason why a value is not there.
    #[must_use]
    pub fn row(
        &self,
        stored: &[Channel],
        columns: &SidedColumns,
        row: &ProfileRow,
        period_seconds: u32,
    ) -> (ProfileRow, Option<NotConverted>) {
        let mut values = vec![None; columns.channels.len()];
        let mut status = row.status;
        let mut missing = None;
        for ((channel, places), value) in stored.iter().zip(&columns.places).zip(&row.values) {
            let Some(value) = value else { continue };
            let span = span_of_channel(channel, row.end, period_seconds);
            let unit = channel.scaler_unit.unit;
            let side = self.wanted.unwrap_or_else(|| self.history.side(channel.side, span));
            let converted = self.history.convert(*value, unit, channel.side, span, side);
            if let Err(reason) = converted
                && self.wanted.is_some()
            {
                missing = missing.or(Some(reason));
                if matches!((reason, span), (NotConverted::Changed(_), Span::Interval { .. })) {
                    status |= IntervalStatus::RATIO_CHANGE;
                }
            }
            // As the meter gave it, nothing is converted.
            let shown = if self.wanted.is_some() { converted.ok() } else { Some(*value) };
            let place = places.iter().find(|(known, _)| *known == side).or_else(|| places.first());
            if let (Some(shown), Some(slot)) = (shown, place.and_then(|(_, at)| values.get_mut(*at))) {
                *slot = Some(shown);
            }
        }
        (ProfileRow { status, values, ..row.clone() }, missing)
    }

    /// A register on the side that is wanted.
    #[must_use]
    pub fn register(&self, reading: &RegisterReading) -> SidedReading {
        let stamp = reading.stamp.map(|(_, at)| at);
        self.sided(reading, span_of(reading.obis, reading.unit, reading.read_at, stamp))
    }

    /// The registers of a billing period, which stood so at its end.
    #[must_use]
    pub fn billing(&self, set: &BillingSet) -> Vec<SidedReading> {
        let one = |reading: &RegisterReading| {
            let stamp = reading.stamp.map(|(_, at)| at);
            self.sided(reading, span_of(reading.obis, reading.unit, set.at, stamp))
        };
        set.registers.iter().map(one).collect()
    }

    fn sided(&self, reading: &RegisterReading, span: Span) -> SidedReading {
        let mut shown = reading.clone();
        let ReadingValue::Number(value) = reading.value else {
            return SidedReading { reading: shown, missing: None };
        };
        let Some(wanted) = self.wanted else {
            shown.side = self.history.side(reading.side, span);
            return SidedReading { reading: shown, missing: None };
        };
        if Transformers::change(reading.unit) {
            shown.side = wanted;
        }
        match self.history.convert(value, reading.unit, reading.side, span, wanted) {
            Ok(value) => {
                shown.value = ReadingValue::Number(value);
                SidedReading { reading: shown, missing: None }
            }
            Err(reason) => {
                shown.value = ReadingValue::Absent;
                SidedReading { reading: shown, missing: Some(reason) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccuracyClasses, Decimal, Obis, Quality, Ratio, RatioPeriod, ScalerUnit, Unit};

    const JULY: &str = "2026-07-01T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn history() -> RatioHistory {
        let period = |from: &str, ct: &str| RatioPeriod {
            from: at(from),
            until: None,
            transformers: Transformers {
                ct: ct.parse().unwrap(),
                vt: Ratio::ONE,
                registers_in: Side::Secondary,
            },
            classes: AccuracyClasses::default(),
        };
        RatioHistory::new(vec![period("2026-01-01T00:00:00Z", "400/5"), period(JULY, "600/5")])
    }

    fn channel(name: &str, unit: Unit, side: Side) -> Channel {
        Channel {
            obis: name.parse::<Obis>().unwrap(),
            attribute: 2,
            data_index: 0,
            class_id: 3,
            name: name.to_owned(),
            scaler_unit: ScalerUnit { scaler: 0, unit },
            side,
        }
    }

    fn row(end: &str, values: &[i64]) -> ProfileRow {
        ProfileRow {
            end: at(end),
            stamp: None,
            status: IntervalStatus::empty(),
            raw_status: None,
            quality: Quality::Actual,
            values: values.iter().map(|value| Some(Decimal::from(*value))).collect(),
        }
    }

    fn shown(
        view: &SideView,
        stored: &[Channel],
        end: &str,
        values: &[i64],
    ) -> (Vec<Option<String>>, ProfileRow) {
        let columns = view.columns(stored, Timestamp::MIN, Timestamp::MAX);
        let (row, _) = view.row(stored, &columns, &row(end, values), 1800);
        (row.values.iter().map(|value| value.map(|one| one.to_string())).collect(), row)
    }

    #[test]
    fn each_kind_of_channel_is_converted_by_its_own_rule() {
        let view = SideView { history: history(), wanted: Some(Side::Primary) };
        let stored = [
            channel("1-0:1.29.0", Unit::WH, Side::Secondary),
            channel("1-0:1.8.0", Unit::WH, Side::Secondary),
            channel("1-0:31.7.0", Unit::A, Side::Secondary),
            channel("1-0:14.7.0", Unit::HZ, Side::Secondary),
        ];
        let text = |values: [Option<&str>; 4]| values.map(|one| one.map(str::to_owned)).to_vec();
        let before = shown(&view, &stored, "2026-06-30T12:00:00Z", &[1, 10, 2, 50]);
        assert_eq!(before.0, text([Some("80"), Some("800"), Some("160"), Some("50")]));
        let after = shown(&view, &stored, "2026-07-01T12:00:00Z", &[1, 10, 2, 50]);
        assert_eq!(after.0, text([Some("120"), None, Some("240"), Some("50")]), "a count over a change");
        let spans = shown(&view, &stored, "2026-07-01T00:10:00Z", &[1, 10, 2, 50]);
        assert_eq!(spans.0, text([None, None, Some("240"), Some("50")]));
        assert!(spans.1.status.contains(IntervalStatus::RATIO_CHANGE));
        assert!(!after.1.status.contains(IntervalStatus::RATIO_CHANGE));
    }

    #[test]
    fn as_the_meter_gave_them_figures_keep_their_values_and_say_their_side() {
        let view = SideView { history: history(), wanted: None };
        let stored = [channel("1-0:1.29.0", Unit::WH, Side::Primary)];
        let columns = view.columns(&stored, at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        assert_eq!(columns.channels.len(), 1);
        assert_eq!(columns.channels[0].side, Side::Secondary, "the ratio says it");
        let (row, _) = view.row(&stored, &columns, &row("2026-02-02T00:00:00Z", &[7]), 1800);
        assert_eq!(row.values, [Some(Decimal::from(7))]);
        // Before the first ratio, the side that was stored.
        let wider = view.columns(&stored, Timestamp::MIN, Timestamp::MAX);
        assert_eq!(wider.channels.len(), 2);
    }

    #[test]
    fn layouts_that_differ_by_their_side_alone_become_one_column() {
        let stored = [
            channel("1-0:1.29.0", Unit::WH, Side::Primary),
            channel("1-0:1.29.0", Unit::WH, Side::Secondary),
            channel("1-0:1.29.0", Unit::WH, Side::Secondary),
        ];
        let view = SideView { history: history(), wanted: Some(Side::Primary) };
        let columns = view.columns(&stored, Timestamp::MIN, Timestamp::MAX);
        assert_eq!(columns.channels.len(), 2, "what is captured twice keeps two");
    }
}
