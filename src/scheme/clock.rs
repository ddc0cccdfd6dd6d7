//! What the clock on the wall shows at an instant.
//!
//! Two clocks matter. `time_zone` is the customer's: dry runs, previews and `scheme rate` follow it. `clock.dst` is
//! the rule that is programmed into the meter: a virtual meter follows that. Where both are right they agree;
//! [`disagreement`] finds the first instant at which they do not.
//!
//! A tariff follows the wall: what is on is a function of what the clock shows. A switch inside a skipped hour takes
//! effect at the end of the gap, with the first instant that shows a later time. In a doubled hour the same times
//! come twice, and so do the switches between them. What must happen once (a change of tariff, the end of a billing
//! period) happens at the first instant that shows its time or a later one.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::document::{DaylightSaving, DstRule, FIRST_YEAR, LAST_YEAR, WeekOfMonth};

/// Why a name is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a time zone: write an IANA name such as {example}")]
pub struct ZoneError {
    /// What was given.
    pub name: String,
    /// A name that would do.
    pub example: String,
}

/// From `at` on, the wall is `offset_s` ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    /// Unix seconds.
    at: i64,
    /// Seconds to add to UTC.
    offset_s: i32,
    /// Seconds to add to UTC for standard time.
    standard_s: i32,
}

/// A clock on the wall, for the years that a scheme may name ([`FIRST_YEAR`] to [`LAST_YEAR`]). Outside them it goes
/// on as at their edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// In order; the first holds from the beginning of time.
    changes: Vec<Change>,
}

/// Unix seconds of a wall time read as UTC.
pub(super) fn seconds_of(local: DateTime) -> i64 {
    Offset::UTC.to_timestamp(local).map_or(i64::MAX, Timestamp::as_second)
}

/// The wall time that these Unix seconds are in UTC.
pub(super) fn civil_of(seconds: i64) -> DateTime {
    let clamped = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Offset::UTC.to_datetime(instant_of(clamped))
}

/// The Unix second that an instant falls into.
pub(super) fn second_of(at: Timestamp) -> i64 {
    at.as_second().saturating_sub(i64::from(at.subsec_nanosecond() < 0))
}

/// The instant of Unix seconds; the nearest one that there is.
pub(super) fn instant_of(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The time zone of that name, spelled as the IANA database spells it.
pub(super) fn zone(name: &str) -> Result<TimeZone, ZoneError> {
    let found = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown());
    match found.as_ref().and_then(TimeZone::iana_name) {
        Some(spelled) if spelled == name => {}
        other => {
            let example = other.unwrap_or("Europe/London").to_owned();
            return Err(ZoneError { name: name.chars().take(60).collect(), example });
        }
    }
    found.ok_or_else(|| ZoneError { name: name.to_owned(), example: "Europe/London".to_owned() })
}

impl WallClock {
    /// The clock of a time zone.
    ///
    /// # Errors
    /// The IANA database has no zone of this name.
    pub fn of_zone(name: &str) -> Result<Self, ZoneError> {
        let zone = zone(name)?;
        let first = instant_of(seconds_of(Date::constant(FIRST_YEAR, 1, 1).at(0, 0, 0, 0)));
        let last = instant_of(seconds_of(Date::constant(LAST_YEAR, 12, 31).at(23, 59, 59, 0)));
        let info = zone.to_offset_info(first);
        let mut raw = vec![(i64::MIN, info.offset().seconds(), info.dst().is_dst())];
        for change in zone.following(first).take_while(|change| change.timestamp() <= last) {
            raw.push((change.timestamp().as_second(), change.offset().seconds(), change.dst().is_dst()));
        }
        let mut changes: Vec<Change> = Vec::with_capacity(raw.len());
        for (index, &(at, offset_s, is_dst)) in raw.iter().enumerate() {
            // Ireland calls its winter daylight saving, with a negative shift: the lower of two offsets is standard.
            let around = [index.checked_sub(1), index.checked_add(1)];
            let others = around.into_iter().flatten().filter_map(|other| raw.get(other));
            let lowest = others.filter(|other| other.2 != is_dst).map(|other| other.1).min();
            let change = Change { at, offset_s, standard_s: lowest.unwrap_or(offset_s).min(offset_s) };
            let same = |last: &Change| (last.offset_s, last.standard_s) == (offset_s, change.standard_s);
            if !changes.last().is_some_and(same) {
                changes.push(change);
            }
        }
        Ok(Self { changes })
    }

    /// The clock of a meter that adds its own daylight saving to a standard time, `standard_s` seconds ahead of UTC.
    #[must_use]
    pub fn of_meter(standard_s: i32, dst: Option<&DaylightSaving>) -> Self {
        let mut changes = Vec::new();
        if let Some(dst) = dst {
            let shift_s = i32::try_from(dst.shift_hours.min(2)).unwrap_or(0) * 3600;
            for year in FIRST_YEAR..=LAST_YEAR {
                // The rule's hour is by the clock before the change.
                for (rule, before, after) in [(&dst.starts, 0, shift_s), (&dst.ends, shift_s, 0)] {
                    if let Some(local) = rule.in_year(year) {
                        let at = seconds_of(local) - i64::from(standard_s) - i64::from(before);
                        changes.push(Change { at, offset_s: standard_s + after, standard_s });
                    }
                }
            }
        }
        changes.sort_by_key(|change| change.at);
        // Before the first change the other half of the year holds.
        let first = changes.first().is_some_and(|change| change.offset_s == standard_s);
        let summer_s = changes.iter().map(|change| change.offset_s).max().unwrap_or(standard_s);
        let offset_s = if first { summer_s } else { standard_s };
        changes.insert(0, Change { at: i64::MIN, offset_s, standard_s });
        Self { changes }
    }

    fn change_at(&self, second: i64) -> Change {
        let after = self.changes.partition_point(|change| change.at <= second);
        let none = Change { at: i64::MIN, offset_s: 0, standard_s: 0 };
        after.checked_sub(1).and_then(|index| self.changes.get(index)).copied().unwrap_or(none)
    }

    /// Seconds that the wall is ahead of UTC.
    pub(super) fn offset_s(&self, second: i64) -> i64 {
        i64::from(self.change_at(second).offset_s)
    }

    /// What the wall shows, as seconds.
    pub(super) fn wall(&self, second: i64) -> i64 {
        second.saturating_add(self.offset_s(second))
    }

    /// When the clock is next put forward or back.
    pub(super) fn next_change(&self, second: i64) -> Option<i64> {
        let after = self.changes.partition_point(|change| change.at <= second);
        self.changes.get(after).map(|change| change.at)
    }

    /// The first second at which the wall shows `wall` or later.
    pub(super) fn first_second(&self, wall: i64) -> i64 {
        // No zone is two days from UTC, so the search begins before that time.
        let mut from = wall.saturating_sub(2 * 86_400);
        loop {
            let candidate = wall.saturating_sub(self.offset_s(from)).max(from);
            match self.next_change(from) {
                Some(change) if change <= candidate => from = change,
                _ => return candidate,
            }
        }
    }

    /// What the wall shows.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> DateTime {
        self.offset(at).to_datetime(at)
    }

    /// How far the wall is ahead of UTC.
    #[must_use]
    pub fn offset(&self, at: Timestamp) -> Offset {
        let offset_s = self.change_at(second_of(at)).offset_s;
        Offset::from_seconds(offset_s).unwrap_or(Offset::UTC)
    }

    /// Whether daylight saving is on.
    #[must_use]
    pub fn is_daylight_saving(&self, at: Timestamp) -> bool {
        let change = self.change_at(second_of(at));
        change.offset_s != change.standard_s
    }

    /// What a clock shows that stays in standard time.
    #[must_use]
    pub fn standard(&self, at: Timestamp) -> DateTime {
        let standard_s = self.change_at(second_of(at)).standard_s;
        Offset::from_seconds(standard_s).unwrap_or(Offset::UTC).to_datetime(at)
    }

    /// Standard time's offset from UTC in seconds, which is what a meter's clock is given.
    #[must_use]
    pub fn standard_offset_s(&self, at: Timestamp) -> i32 {
        self.change_at(second_of(at)).standard_s
    }

    /// The first instant at which the wall shows this time or a later one: the end of the gap for a time that is
    /// skipped, the first of the two for one that comes twice.
    #[must_use]
    pub fn first_instant(&self, local: DateTime) -> Timestamp {
        instant_of(self.first_second(seconds_of(local)))
    }
}

impl DstRule {
    /// The wall time of the rule in a year; nothing where its month or hour is none.
    pub(super) fn in_year(&self, year: i16) -> Option<DateTime> {
        let month = i8::try_from(self.month).ok()?;
        let hour = i8::try_from(self.hour).ok().filter(|hour| *hour < 24)?;
        let first = Date::new(year, month, 1).ok()?;
        let on_or_after = |date: Date, weekday: Weekday| {
            let days = weekday.since(date.weekday());
            date.checked_add(i64::from(days).days()).ok()
        };
        let weeks = match self.week {
            WeekOfMonth::First => 0,
            WeekOfMonth::Second => 1,
            WeekOfMonth::Third => 2,
            WeekOfMonth::Fourth => 3,
            WeekOfMonth::Last => {
                let seven_left = Date::new(year, month, first.days_in_month() - 6).ok()?;
                return Some(on_or_after(seven_left, self.weekday)?.at(hour, 0, 0, 0));
            }
        };
        let date = on_or_after(first, self.weekday)?.checked_add((7 * weeks).days()).ok()?;
        Some(date.at(hour, 0, 0, 0))
    }
}

/// Where the meter's clock and the customer's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The first instant.
    pub at: Timestamp,
    /// What `time_zone` shows.
    pub zone: DateTime,
    /// What the meter shows.
    pub meter: DateTime,
}

/// The first instant of the ten years from `from` at which a meter with the scheme's `clock.dst` shows another time
/// than the scheme's `time_zone`. Nothing where they agree, or where the zone does not exist.
#[must_use]
pub fn disagreement(document: &super::Document, from: Date) -> Option<Disagreement> {
    let zone = WallClock::of_zone(&document.time_zone).ok()?;
    let start = zone.first_second(seconds_of(from.at(0, 0, 0, 0)));
    let meter = WallClock::of_meter(zone.standard_offset_s(instant_of(start)), document.dst.as_ref());
    let end = start.saturating_add(3653 * 86_400);
    let mut second = start;
    while second < end {
        if zone.offset_s(second) != meter.offset_s(second) {
            let at = instant_of(second);
            return Some(Disagreement { at, zone: zone.local(at), meter: meter.local(at) });
        }
        second = [zone.next_change(second), meter.next_change(second)].into_iter().flatten().min()?;
    }
    None
}

/// A change of the meter's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// When.
    pub at: Timestamp,
    /// What it shows, or would show, without the change.
    pub before: DateTime,
    /// What it shows instead.
    pub after: DateTime,
}

/// The next changes of a meter's clock by the scheme's `clock.dst`, in the standard time of its `time_zone`; at most so
/// many. Nothing where the zone does not exist, and for a clock that stays in standard time.
#[must_use]
pub fn clock_changes(document: &super::Document, from: Timestamp, most: usize) -> Vec<ClockChange> {
    let Ok(zone) = WallClock::of_zone(&document.time_zone) else { return Vec::new() };
    let meter = WallClock::of_meter(zone.standard_offset_s(from), document.dst.as_ref());
    let mut second = second_of(from);
    let mut changes = Vec::new();
    while changes.len() < most
        && let Some(at) = meter.next_change(second)
    {
        // The second before the change knows the offset that ends with it.
        let before = civil_of(at.saturating_add(meter.offset_s(at.saturating_sub(1))));
        changes.push(ClockChange { at: instant_of(at), before, after: civil_of(meter.wall(at)) });
        second = at;
    }
    changes
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::scheme::Document;
    use crate::scheme::testing;

    fn european() -> DaylightSaving {
        let rule = |month, hour| DstRule { month, week: WeekOfMonth::Last, weekday: Weekday::Sunday, hour };
        DaylightSaving { shift_hours: 1, starts: rule(3, 1), ends: rule(10, 2) }
    }

    #[test]
    fn the_rule_of_the_format_page_is_london_s_clock() {
        let zone = WallClock::of_zone("Europe/London").unwrap();
        let meter = WallClock::of_meter(0, Some(&european()));
        for year in 2000..2037 {
            for month in 1..=12 {
                let at = instant_of(seconds_of(date(year, month, 28).at(12, 0, 0, 0)));
                assert_eq!(zone.local(at), meter.local(at));
                assert_eq!(zone.is_daylight_saving(at), meter.is_daylight_saving(at));
            }
        }
    }

    #[test]
    fn a_southern_summer_begins_in_one_year_and_ends_in_the_next() {
        let rule = |month, hour| DstRule { month, week: WeekOfMonth::First, weekday: Weekday::Sunday, hour };
        let sydney = DaylightSaving { shift_hours: 1, starts: rule(10, 2), ends: rule(4, 3) };
        let document = Document {
            time_zone: "Australia/Sydney".to_owned(),
            dst: Some(sydney),
            ..Document::blank("dlms-generic", "")
        };
        assert_eq!(disagreement(&document, date(2026, 1, 1)), None);
    }

    #[test]
    fn a_meter_that_stays_in_standard_time_parts_from_london_in_march() {
        let document =
            Document { time_zone: "Europe/London".to_owned(), ..Document::blank("dlms-generic", "") };
        let parting = disagreement(&document, date(2026, 1, 1)).unwrap();
        assert_eq!(parting.at.to_string(), "2026-03-29T01:00:00Z");
        assert_eq!(parting.zone.hour() - parting.meter.hour(), 1);
    }

    #[test]
    fn irish_winter_is_standard_time() {
        let zone = WallClock::of_zone("Europe/Dublin").unwrap();
        assert!(!zone.is_daylight_saving("2026-01-15T12:00:00Z".parse().unwrap()));
        assert!(zone.is_daylight_saving("2026-07-15T12:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_skipped_time_begins_at_the_end_of_its_gap_and_a_doubled_one_at_its_first() {
        let zone = WallClock::of_zone("Europe/London").unwrap();
        let first = |local: DateTime| zone.first_instant(local).to_string();
        assert_eq!(first(date(2026, 3, 29).at(1, 30, 0, 0)), "2026-03-29T01:00:00Z");
        assert_eq!(first(date(2026, 10, 25).at(1, 30, 0, 0)), "2026-10-25T00:30:00Z");
        assert_eq!(first(date(2026, 7, 1).at(0, 0, 0, 0)), "2026-06-30T23:00:00Z");
        assert_eq!(first(date(2026, 1, 1).at(0, 0, 0, 0)), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_zone_that_is_misspelled_names_the_right_one() {
        assert_eq!(WallClock::of_zone("europe/london").unwrap_err().example, "Europe/London");
        for name in ["UTC", "Etc/UTC", "Etc/GMT+5", "Asia/Calcutta", "America/Argentina/Buenos_Aires"] {
            assert!(WallClock::of_zone(name).is_ok(), "{name}");
        }
        for name in ["", "Europe/Lundun", "GMT+1:00", "Etc/Unknown", "../../etc/passwd"] {
            assert!(WallClock::of_zone(name).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn the_table_shows_what_the_database_shows(name in testing::zone_name(), second in 0i64..7_000_000_000) {
            let zone = WallClock::of_zone(name).unwrap();
            let at = instant_of(second);
            prop_assert_eq!(zone.local(at), TimeZone::get(name).unwrap().to_datetime(at));
        }

        #[test]
        fn the_first_second_of_a_time_is_the_first_to_show_it(name in testing::zone_name(), wall in 86_400i64 * 365..7_000_000_000) {
            let zone = WallClock::of_zone(name).unwrap();
            let first = zone.first_second(wall);
            prop_assert!(zone.wall(first) >= wall);
            prop_assert!(zone.wall(first - 1) < wall);
        }
    }
}
