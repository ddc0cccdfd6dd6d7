//! The energy of last month, and what a change of the transformer ratio would make of it.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::{
    Channel, ChannelKind, Decimal, Factor, MeterId, NotConverted, Obis, PointId, ProfileRow, RatioHistory,
    RatioPeriod, Side, Span, Unit, span_of_channel,
};
use crate::store::{StoreError, StoreReader};

use super::JoinedProfile;

/// One energy of a month on the primary side, in three ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthEnergy {
    /// The channel.
    pub obis: Obis,
    /// Plain name.
    pub name: String,
    /// Unit.
    pub unit: Unit,
    /// By the ratios as they stand; nothing where none is known.
    pub stands: Option<Decimal>,
    /// By the ratios as they would be.
    pub would_be: Option<Decimal>,
    /// If the new ratio had held all month.
    pub all_month: Option<Decimal>,
    /// Intervals that could not be converted in the first and in the second.
    pub left_out: [u64; 2],
}

/// Last month's energy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Its first instant.
    pub from: Timestamp,
    /// Its last.
    pub to: Timestamp,
    /// Intervals that are stored of it.
    pub intervals: u64,
    /// Intervals that it has.
    pub expected: u64,
    /// Its energies.
    pub energies: Vec<MonthEnergy>,
}

/// The calendar month before the one of `now`, in a zone.
fn last_month(now: Timestamp, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let first: Date = now.to_zoned(zone.clone()).date().first_of_month();
    let begin = first.checked_sub(1.month()).ok()?;
    let instant = |date: Date| date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    Some((instant(begin)?, instant(first)?))
}

/// Sums that are multiplied only when all of them are there.
#[derive(Default)]
struct Sum {
    parts: Vec<(Factor, Decimal)>,
    left_out: u64,
}

impl Sum {
    fn add(&mut self, factor: Result<Factor, NotConverted>, value: Decimal) {
        let Ok(factor) = factor else {
            self.left_out += 1;
            return;
        };
        match self.parts.iter_mut().find(|(known, _)| *known == factor) {
            Some((_, sum)) => match sum.checked_add(value) {
                Some(more) => *sum = more,
                None => self.left_out += 1,
            },
            None => self.parts.push((factor, value)),
        }
    }

    /// The sum, times hours where it was one of powers.
    fn total(&self, hours: Option<Factor>) -> Option<Decimal> {
        if self.parts.is_empty() {
            return None;
        }
        let one = |(factor, sum): &(Factor, Decimal)| match hours {
            Some(hours) => factor.checked_mul(hours)?.apply(*sum),
            None => factor.apply(*sum),
        };
        self.parts.iter().map(one).try_fold(Decimal::ZERO, |all, part| all.checked_add(part?))
    }
}

/// The energy that each interval used of a channel, with its span.
fn used(
    channel: &Channel,
    column: usize,
    rows: &[ProfileRow],
    before: Option<&ProfileRow>,
    period_seconds: u32,
) -> Vec<(Span, Decimal)> {
    let value = |row: &ProfileRow| row.values.get(column).copied().flatten();
    let is_count = ChannelKind::of(channel) == ChannelKind::Cumulative;
    let earlier = before.into_iter().chain(rows).map(Some);
    let earlier: Vec<Option<&ProfileRow>> = match before {
        Some(_) => earlier.collect(),
        None => std::iter::once(None).chain(earlier).collect(),
    };
    let mut all = Vec::new();
    for (row, earlier) in rows.iter().zip(earlier) {
        let Some(now) = value(row) else { continue };
        if !is_count {
            all.push((span_of_channel(channel, row.end, period_seconds), now));
            continue;
        }
        let difference = earlier.and_then(|earlier| Some((earlier.end, now.checked_sub(value(earlier)?)?)));
        if let Some((start, used)) = difference.filter(|(_, used)| !used.is_negative()) {
            all.push((Span::Interval { start, end: row.end }, used));
        }
    }
    all
}

/// What a change of ratio would make of last month's energy on the primary side; nothing where no interval of it is
/// stored, or the profile has no energy.
///
/// # Errors
/// The store cannot be read.
pub fn preview(
    store: &StoreReader,
    meter: MeterId,
    when: (Timestamp, &TimeZone),
    stands: &RatioHistory,
    new: &RatioPeriod,
) -> Result<Option<Preview>, StoreError> {
    let all_month = RatioHistory::new(vec![RatioPeriod { from: Timestamp::MIN, until: None, ..new.clone() }]);
    three_ways(store, meter, when, [stands, &stands.with(new.clone()), &all_month])
}

/// What taking away the ratio of a point that begins at an instant would make of last month's energy of a meter there.
/// The third way is the second: there is no new ratio that could have held all month.
///
/// # Errors
/// The store cannot be read.
pub fn preview_without(
    store: &StoreReader,
    meter: MeterId,
    when: (Timestamp, &TimeZone),
    (point, from): (PointId, Timestamp),
) -> Result<Option<Preview>, StoreError> {
    let (stands, left) = (store.ratio_history(meter)?, store.ratio_history_without(meter, point, from)?);
    three_ways(store, meter, when, [&stands, &left, &left])
}

fn three_ways(
    store: &StoreReader,
    meter: MeterId,
    (now, zone): (Timestamp, &TimeZone),
    histories: [&RatioHistory; 3],
) -> Result<Option<Preview>, StoreError> {
    let Some((from, to)) = last_month(now, zone) else { return Ok(None) };
    let Some(joined) = JoinedProfile::load(store, meter, None)? else { return Ok(None) };
    let rows = joined.rows(store, from, to)?;
    let Some(first) = rows.first() else { return Ok(None) };
    let period = i64::from(joined.period_seconds.max(1));
    let earlier = first.end.checked_sub(jiff::SignedDuration::from_secs(period.saturating_mul(2)));
    let before = joined.rows(store, earlier.unwrap_or(from), from)?.pop();
    let mut energies: Vec<MonthEnergy> = Vec::new();
    for (column, channel) in joined.channels.iter().enumerate() {
        let unit = channel.scaler_unit.unit;
        let (energy, hours) = match ChannelKind::of(channel) {
            ChannelKind::Energy | ChannelKind::Cumulative => (Some(unit), None),
            ChannelKind::Power => {
                let energy = [Unit::WH, Unit::VARH, Unit::VAH].into_iter();
                let hours = Factor::new(Decimal::from(period), Decimal::from(3600), 0);
                (energy.into_iter().find(|energy| energy.power_of_energy() == Some(unit)), hours)
            }
            ChannelKind::Level => (None, None),
        };
        let Some(energy) = energy else { continue };
        let mut sums: [Sum; 3] = Default::default();
        for (span, value) in used(channel, column, &rows, before.as_ref(), joined.period_seconds) {
            for (sum, history) in sums.iter_mut().zip(histories) {
                sum.add(history.factor(unit, channel.side, span, Side::Primary), value);
            }
        }
        let [stood, new, whole] = &sums;
        energies.push(MonthEnergy {
            obis: channel.obis,
            name: channel.name.clone(),
            unit: energy,
            stands: stood.total(hours),
            would_be: new.total(hours),
            all_month: whole.total(hours),
            left_out: [stood.left_out, new.left_out],
        });
    }
    let seconds = to.as_second().saturating_sub(from.as_second());
    Ok((!energies.is_empty()).then(|| Preview {
        from,
        to,
        intervals: rows.len() as u64,
        expected: u64::try_from(seconds / period).unwrap_or(0),
        energies,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_month_is_a_month_of_the_calendar_in_the_meters_zone() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let (from, to) = last_month("2026-11-22T12:00:00Z".parse().unwrap(), &zone).unwrap();
        assert_eq!(
            (from.to_string().as_str(), to.to_string().as_str()),
            ("2026-09-30T23:00:00Z", "2026-11-01T00:00:00Z")
        );
        // The clocks go back in it: it is an hour longer.
        assert_eq!((to.as_second() - from.as_second()) / 3600, 31 * 24 + 1);
    }

    #[test]
    fn a_sum_is_multiplied_once_when_it_is_whole() {
        let third = Factor::new(Decimal::from(1), Decimal::from(3), 0).unwrap();
        let mut sum = Sum::default();
        (0..3).for_each(|_| sum.add(Ok(third), Decimal::from(1)));
        sum.add(Err(NotConverted::TooLarge), Decimal::from(1));
        assert_eq!((sum.total(None).unwrap().to_string().as_str(), sum.left_out), ("1", 1));
    }
}
