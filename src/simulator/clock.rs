//! The meter's own clock: right, late, drifting, set; and the moments at which it captures.
//!
//! *True* time is the simulation's; *meter* time is what the meter's clock makes of it. Both are Unix time.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::model::{ClockRule, MeterStamp};
use crate::scheme::{DaylightSaving, DstRule, WallClock, WeekOfMonth};

/// Settings of the clock that are remembered.
const MOST_SEGMENTS: usize = 400;

/// Since when the clock has gone as it goes.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// True time in milliseconds.
    from: i64,
    /// Meter minus true time at `from`, in milliseconds.
    offset: i64,
    /// How much too fast, in parts a thousand million.
    ppb: i64,
    /// Somebody set the clock at `from`.
    set: bool,
}

/// The clock of one meter.
#[derive(Clone, Debug)]
pub struct MeterClock {
    rule: ClockRule,
    segments: Vec<Segment>,
    /// The zone that it came with, whose name it still bears where the rule is the zone's.
    home: TimeZone,
    /// The rule that was programmed in place of the zone's: standard time in seconds ahead of UTC, and summer.
    programmed: Option<(i32, Option<DaylightSaving>)>,
}

/// When a profile captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grid {
    /// Every so many seconds of local time.
    Period(u32),
    /// At the beginning of each local day.
    Midnight,
    /// At the beginning of each local month.
    MonthStart,
}

/// When daylight saving begins and ends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transitions {
    /// Minutes from local standard time to UTC, with the standard's sign.
    pub standard_minutes: i16,
    /// Wall time at which summer begins.
    pub summer_begins: Option<MeterStamp>,
    /// Wall time at which summer ends.
    pub summer_ends: Option<MeterStamp>,
    /// How much the clock is put forward in summer, in minutes.
    pub summer_minutes: i8,
}

/// One capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The meter's clock at the capture, in seconds: the interval's end.
    pub meter_end: i64,
    /// True time of the capture before it, in seconds.
    pub true_from: i64,
    /// True time of the capture, in seconds.
    pub true_end: i64,
    /// The clock was set in the interval.
    pub adjusted: bool,
}

impl MeterClock {
    /// A clock that has always been `offset_ms` fast, and drifts by `ppb` parts a thousand million from `since` on.
    #[must_use]
    pub fn new(rule: ClockRule, offset_ms: i64, ppb: i64, since: Timestamp) -> Self {
        let always = Segment { from: i64::MIN, offset: offset_ms, ppb: 0, set: false };
        let drifting = Segment { from: since.as_millisecond(), offset: offset_ms, ppb, set: false };
        let home = rule.zone.clone();
        Self { rule, segments: vec![always, drifting], home, programmed: None }
    }

    /// The meter's time zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.rule.zone
    }

    /// What the clock shows at a true time, both in milliseconds.
    #[must_use]
    pub fn meter_ms(&self, true_ms: i64) -> i64 {
        let place = self.segments.partition_point(|segment| segment.from <= true_ms).saturating_sub(1);
        self.segments.get(place).map_or(true_ms, |segment| segment.meter_ms(true_ms))
    }

    /// What the clock shows at a true time, both in seconds.
    #[must_use]
    pub fn meter_second(&self, true_second: i64) -> i64 {
        self.meter_ms(true_second.saturating_mul(1000)).div_euclid(1000)
    }

    /// Sets the clock at a true time; both in milliseconds.
    pub fn set(&mut self, true_ms: i64, meter_ms: i64) {
        let ppb = self.segments.last().map_or(0, |segment| segment.ppb);
        self.segments.retain(|segment| segment.from < true_ms);
        if self.segments.len() >= MOST_SEGMENTS {
            // The two oldest settings become one; the stretch before all of them stays.
            self.segments.remove(1);
        }
        self.segments.push(Segment { from: true_ms, offset: meter_ms - true_ms, ppb, set: true });
    }

    /// What a tariff goes by: the zone where the clock follows one.
    #[must_use]
    pub fn wall(&self) -> Option<WallClock> {
        match &self.programmed {
            Some((standard, dst)) => Some(WallClock::of_meter(*standard, dst.as_ref())),
            None => WallClock::of_zone(self.home.iana_name().unwrap_or("UTC")).ok(),
        }
    }

    /// Takes a rule of daylight saving at a true second; true where that is another than before. Past stamps are told
    /// by the new one, too.
    pub fn set_daylight_saving(&mut self, dst: Option<&DaylightSaving>, second: i64) -> bool {
        let standard = -i32::from(self.transitions(self.meter_second(second)).standard_minutes) * 60;
        let Some(zone) = posix(standard, dst) else { return false };
        let Ok(from) = Timestamp::from_second(second) else { return false };
        // Ten years of changes tell whether two zones are the same.
        let changes = |zone: &TimeZone| -> Vec<(Timestamp, Offset)> {
            let following = zone.following(from).take(20);
            following.map(|change| (change.timestamp(), change.offset())).collect()
        };
        if changes(&zone) == changes(&self.rule.zone) {
            return false;
        }
        let is_home = changes(&zone) == changes(&self.home);
        self.programmed = (!is_home).then(|| (standard, dst.cloned()));
        self.rule.zone = if is_home { self.home.clone() } else { zone };
        true
    }

    /// The stamp that the meter gives a second of its own time.
    #[must_use]
    pub fn stamp(&self, meter_second: i64) -> Option<MeterStamp> {
        Timestamp::from_second(meter_second).ok().map(|at| self.rule.to_stamp(at))
    }

    /// The second of its own time that a stamp means to the meter.
    #[must_use]
    pub fn second_of(&self, stamp: &MeterStamp) -> Option<i64> {
        self.rule.to_utc(stamp, None).ok().map(|at| at.as_second())
    }

    /// Whether daylight saving is on at a second of meter time.
    #[must_use]
    pub fn daylight_saving(&self, meter_second: i64) -> bool {
        Timestamp::from_second(meter_second).is_ok_and(|at| self.rule.zone.to_offset_info(at).dst().is_dst())
    }

    /// The daylight saving of the coming year, as class 8 shows it.
    #[must_use]
    pub fn transitions(&self, meter_second: i64) -> Transitions {
        let zone = &self.rule.zone;
        let Ok(at) = Timestamp::from_second(meter_second) else { return Transitions::default() };
        let mut found = Transitions::default();
        let minutes = |second: i32| i16::try_from(-second / 60).unwrap_or(0);
        let present = zone.to_offset_info(at);
        let mut standard = (!present.dst().is_dst()).then(|| present.offset().seconds());
        let mut summer = present.dst().is_dst().then(|| present.offset().seconds());
        for switch in zone.following(at).take(2) {
            let seconds = switch.offset().seconds();
            let before = zone.to_offset(switch.timestamp() - 1.second());
            let stamp = MeterStamp {
                local: before.to_datetime(switch.timestamp()),
                deviation_minutes: Some(minutes(before.seconds())),
                clock_status: None,
            };
            if switch.dst().is_dst() {
                found.summer_begins = Some(stamp);
                summer = Some(seconds);
            } else {
                found.summer_ends = Some(stamp);
                standard = Some(seconds);
            }
        }
        let standard = standard.unwrap_or_else(|| present.offset().seconds());
        found.standard_minutes = minutes(standard);
        found.summer_minutes = i8::try_from((summer.unwrap_or(standard) - standard) / 60).unwrap_or(0);
        found
    }

    /// The newest `most` captures not after true second `now` and after `since`, oldest first.
    #[must_use]
    pub fn captures(&self, grid: Grid, most: usize, since: i64, now: i64) -> Vec<Capture> {
        let mut ends: Vec<(i64, i64)> = Vec::new();
        for (place, segment) in self.segments.iter().enumerate().rev() {
            let last = match self.segments.get(place + 1) {
                Some(next) => now.min(next.from.div_euclid(1000)),
                None => now,
            };
            let mut meter_end = self.at_or_before(grid, segment.meter_ms(last * 1000).div_euclid(1000));
            loop {
                let true_end = segment.true_second(meter_end);
                let too_late = ends.last().is_some_and(|(_, later)| *later <= true_end);
                if true_end <= since || true_end.saturating_mul(1000) <= segment.from || ends.len() > most {
                    break;
                }
                if !too_late {
                    ends.push((meter_end, true_end));
                }
                meter_end = self.at_or_before(grid, meter_end - 1);
            }
        }
        ends.reverse();
        let mut before = since;
        if ends.len() > most {
            before = ends.remove(0).1;
        }
        ends.into_iter()
            .map(|(meter_end, true_end)| {
                let true_from = std::mem::replace(&mut before, true_end);
                let within = |segment: &Segment| {
                    segment.set && (true_from..true_end).contains(&segment.from.div_euclid(1000))
                };
                Capture { meter_end, true_from, true_end, adjusted: self.segments.iter().any(within) }
            })
            .collect()
    }

    /// The last point of a grid that is not after a second of meter time.
    fn at_or_before(&self, grid: Grid, second: i64) -> i64 {
        let Ok(at) = Timestamp::from_second(second) else { return second };
        let zone = &self.rule.zone;
        let day_start = |date: Date| {
            date.to_zoned(zone.clone()).map_or(second, |midnight| midnight.timestamp().as_second())
        };
        match grid {
            Grid::Period(period) => {
                let period = i64::from(period.max(1));
                let offset = i64::from(zone.to_offset(at).seconds());
                (second + offset).div_euclid(period) * period - offset
            }
            Grid::Midnight => day_start(zone.to_datetime(at).date()),
            Grid::MonthStart => day_start(zone.to_datetime(at).date().first_of_month()),
        }
    }

    /// The first point of a grid after a second of meter time.
    #[must_use]
    pub fn next(&self, grid: Grid, second: i64) -> i64 {
        let begun = self.at_or_before(grid, second);
        let Ok(at) = Timestamp::from_second(begun) else { return begun };
        let date = self.rule.zone.to_datetime(at).date();
        let span = match grid {
            Grid::Period(period) => return begun + i64::from(period.max(1)),
            Grid::Midnight => 1.day(),
            Grid::MonthStart => 1.month(),
        };
        date.checked_add(span)
            .and_then(|date| date.to_zoned(self.rule.zone.clone()))
            .map_or(begun, |midnight| midnight.timestamp().as_second())
    }
}

/// A zone without a name, by its rule; nothing where no zone can have it.
fn posix(standard_seconds: i32, dst: Option<&DaylightSaving>) -> Option<TimeZone> {
    // POSIX counts west of Greenwich.
    let offset = |seconds: i32| {
        let sign = if seconds > 0 { "-" } else { "" };
        format!("{sign}{}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
    };
    let mut text = format!("STD{}", offset(standard_seconds));
    if let Some(dst) = dst {
        let shift = i32::try_from(dst.shift_hours).ok()?.checked_mul(3600)?;
        let rule = |rule: &DstRule| {
            let week = match rule.week {
                WeekOfMonth::First => 1,
                WeekOfMonth::Second => 2,
                WeekOfMonth::Third => 3,
                WeekOfMonth::Fourth => 4,
                WeekOfMonth::Last => 5,
            };
            format!("M{}.{week}.{}/{}", rule.month, rule.weekday.to_sunday_zero_offset(), rule.hour)
        };
        let summer = offset(standard_seconds.checked_add(shift)?);
        text = format!("{text}DST{summer},{},{}", rule(&dst.starts), rule(&dst.ends));
    }
    TimeZone::posix(&text).ok()
}

impl Segment {
    fn meter_ms(&self, true_ms: i64) -> i64 {
        true_ms.saturating_add(self.offset).saturating_add(self.drift(true_ms))
    }

    fn drift(&self, true_ms: i64) -> i64 {
        if self.ppb == 0 {
            return 0;
        }
        let drift = i128::from(true_ms.saturating_sub(self.from)) * i128::from(self.ppb) / 1_000_000_000;
        i64::try_from(drift).unwrap_or(0)
    }

    /// True second at which the clock shows a second; the drift is taken where the true time would be without it,
    /// which errs by less than a millisecond a month.
    fn true_second(&self, meter_second: i64) -> i64 {
        let without = meter_second.saturating_mul(1000).saturating_sub(self.offset);
        without.saturating_sub(self.drift(without)).div_euclid(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn clock(zone: &str, offset_s: i64) -> MeterClock {
        let rule = ClockRule::standard(TimeZone::get(zone).unwrap());
        MeterClock::new(rule, offset_s * 1000, 0, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_right_clock_captures_on_the_grid() {
        let clock = clock("Europe/Berlin", 0);
        let now = second("2026-06-01T12:10:00Z");
        let captures = clock.captures(Grid::Period(1800), 3, 0, now);
        let ends: Vec<i64> = captures.iter().map(|one| one.meter_end).collect();
        assert_eq!(
            ends,
            [second("2026-06-01T11:00:00Z"), second("2026-06-01T11:30:00Z"), second("2026-06-01T12:00:00Z")]
        );
        assert_eq!(captures[0].true_from, second("2026-06-01T10:30:00Z"));
    }

    #[test]
    fn days_of_23_and_25_hours_have_46_and_50_half_hours() {
        let clock = clock("Europe/London", 0);
        for (from, until, count) in [
            ("2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", 46),
            ("2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z", 50),
        ] {
            let captures = clock.captures(Grid::Period(1800), 1000, second(from), second(until));
            assert_eq!(captures.len(), count);
            assert_eq!(clock.captures(Grid::Midnight, 1000, second(from), second(until)).len(), 1);
        }
    }

    #[test]
    fn a_late_clock_captures_late() {
        let clock = clock("UTC", -90);
        let capture = clock.captures(Grid::Period(900), 1, 0, second("2026-06-01T12:02:00Z"))[0];
        assert_eq!(capture.meter_end, second("2026-06-01T12:00:00Z"));
        assert_eq!(capture.true_end, second("2026-06-01T12:01:30Z"));
    }

    #[test]
    fn a_clock_that_is_set_back_captures_the_same_stamp_twice_and_says_so() {
        let mut clock = clock("UTC", 0);
        let at = second("2026-06-01T12:20:00Z");
        clock.set(at * 1000, (at - 3000) * 1000);
        let captures = clock.captures(Grid::Period(900), 10, at - 7200, at + 3600);
        let twice: Vec<&Capture> =
            captures.iter().filter(|one| one.meter_end == second("2026-06-01T12:00:00Z")).collect();
        assert_eq!(twice.len(), 2);
        assert_eq!(captures.iter().filter(|one| one.adjusted).count(), 1);
        for pair in captures.windows(2) {
            assert_eq!(pair[0].true_end, pair[1].true_from, "no energy between intervals is lost");
        }
    }

    #[test]
    fn a_drifting_clock_gains() {
        let rule = ClockRule::standard(TimeZone::UTC);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = MeterClock::new(rule, 0, 20_000, start);
        let day_later = start.as_millisecond() + 86_400_000;
        assert_eq!(clock.meter_ms(day_later), day_later + 1728);
        assert_eq!(clock.meter_ms(start.as_millisecond() - 5000), start.as_millisecond() - 5000);
    }

    #[test]
    fn a_rule_that_is_the_zones_changes_nothing_and_another_moves_the_change() {
        let mut clock = clock("Europe/London", 0);
        let rule = |month, hour| DstRule {
            month,
            week: WeekOfMonth::Last,
            weekday: jiff::civil::Weekday::Sunday,
            hour,
        };
        let mut dst = DaylightSaving { shift_hours: 1, starts: rule(3, 1), ends: rule(10, 2) };
        let now = second("2026-06-01T12:00:00Z");
        assert!(!clock.set_daylight_saving(Some(&dst), now));
        dst.ends = rule(9, 2);
        assert!(clock.set_daylight_saving(Some(&dst), now));
        assert!(clock.daylight_saving(second("2026-09-26T12:00:00Z")));
        assert!(!clock.daylight_saving(second("2026-10-01T12:00:00Z")));
        assert!(clock.set_daylight_saving(None, now));
        assert!(!clock.daylight_saving(now));
        dst.ends = rule(10, 2);
        assert!(clock.set_daylight_saving(Some(&dst), now) && clock.zone().iana_name().is_some());
    }

    #[test]
    fn months_begin_at_local_midnight() {
        let clock = clock("Europe/Berlin", 0);
        let captures = clock.captures(Grid::MonthStart, 2, 0, second("2026-11-22T00:00:00Z"));
        assert_eq!(captures[1].meter_end, second("2026-10-31T23:00:00Z"));
        assert_eq!(captures[0].meter_end, second("2026-09-30T22:00:00Z"));
        assert_eq!(clock.next(Grid::MonthStart, captures[0].meter_end), captures[1].meter_end);
    }
}
