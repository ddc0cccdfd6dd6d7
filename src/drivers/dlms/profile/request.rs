//! What to ask a profile for: spans of time in the meter's own rule, and entries by number.

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::model::{CaptureObject, ClockRule, Obis, ZonePolicy};
use crate::protocol::dlms::{AttributeRef, CosemDateTime, Data, Selective};

use super::super::objects::class;

/// Before any interval that a meter may hold: an open beginning, for meters that want one.
pub(super) const LONG_AGO: Timestamp = Timestamp::constant(946_684_800, 0);

/// Attribute 2 of a profile.
const BUFFER: i8 = 2;

/// Which rows are wanted, by the instants of their own stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First instant; nothing asks for everything that the meter holds.
    pub(super) from: Option<Timestamp>,
    /// Whether a row at `from` itself is wanted: not where `from` is the beginning of the first interval.
    pub(super) from_included: bool,
    /// Last instant, included.
    pub(super) to: Timestamp,
}

impl Span {
    /// Whether a row of that instant was asked for.
    pub(super) fn wants(&self, at: Timestamp) -> bool {
        at <= self.to && self.from.is_none_or(|from| if self.from_included { at >= from } else { at > from })
    }
}

/// Cuts a span into windows of so many days, oldest first, without a gap or an overlap. Where the span has no
/// beginning, `oldest` is when the oldest row is thought to be; the first window reaches back to [`LONG_AGO`]
/// nevertheless, since a meter that stood still holds rows that are older than their number tells.
pub(super) fn windows(span: &Span, oldest: Option<Timestamp>, days: u16) -> Vec<(Timestamp, Timestamp)> {
    let begin = span.from.unwrap_or(LONG_AGO);
    let mut windows = Vec::new();
    let mut from = begin;
    let mut mark = span.from.or(oldest).unwrap_or(span.to);
    let width = SignedDuration::from_hours(24 * i64::from(days));
    while from <= span.to {
        let end = match mark.checked_add(width) {
            Ok(end) if days > 0 && end < span.to => end.max(from),
            _ => span.to,
        };
        windows.push((from, end));
        mark = end;
        let Ok(next) = end.checked_add(SignedDuration::from_secs(1)) else { break };
        from = next;
    }
    windows
}

/// Whether a wall time at the meter may be taken for another instant.
fn is_unclear(zone: &TimeZone, at: Timestamp) -> bool {
    let local = zone.to_datetime(at);
    !matches!(zone.to_ambiguous_timestamp(local).offset(), AmbiguousOffset::Unambiguous { .. })
}

/// A limit of a range as the meter wants it. In an hour that the zone doubles, wall time alone does not tell which one
/// is meant: the limit is moved outwards, and what comes too much is left out on arrival.
fn limit(rule: &ClockRule, at: Timestamp, outwards: SignedDuration) -> Data {
    let unclear = rule.policy == ZonePolicy::MeterZone && is_unclear(&rule.zone, at);
    let at = if unclear { at.checked_add(outwards).unwrap_or(at) } else { at };
    Data::Octets(CosemDateTime::from_stamp(&rule.to_stamp(at)).0.to_vec())
}

/// The buffer's rows between two instants, both included, by the clock column as the meter lists it
/// (`facts/dlms-quirks.md`, 64 and 74); all columns.
pub(super) fn by_range(
    profile: Obis,
    clock: &CaptureObject,
    rule: &ClockRule,
    (from, to): (Timestamp, Timestamp),
) -> AttributeRef {
    let hour = SignedDuration::from_hours(1);
    let restricting = Data::Structure(vec![
        Data::U16(clock.class_id),
        Data::Octets(clock.obis.0.to_vec()),
        Data::I8(clock.attribute),
        Data::U16(clock.data_index),
    ]);
    let is_unix = clock.class_id != class::CLOCK && (clock.obis.c(), clock.obis.d()) == (1, 1);
    let (from, to) = if is_unix {
        let unix = |at: Timestamp| Data::U32(u32::try_from(at.as_second()).unwrap_or(0));
        (unix(from), unix(to))
    } else {
        (limit(rule, from, -hour), limit(rule, to, hour))
    };
    selective(profile, 1, vec![restricting, from, to, Data::Array(Vec::new())])
}

/// The buffer's rows by number, from 1, both included; all columns.
pub(in crate::drivers::dlms) fn by_entry(profile: Obis, first: u32, last: u32) -> AttributeRef {
    selective(profile, 2, vec![Data::U32(first), Data::U32(last), Data::U16(1), Data::U16(0)])
}

/// The whole buffer.
pub(super) const fn everything(profile: Obis) -> AttributeRef {
    AttributeRef::new(class::PROFILE, profile, BUFFER)
}

fn selective(profile: Obis, selector: u8, parameters: Vec<Data>) -> AttributeRef {
    AttributeRef {
        selective: Some(Selective { selector, parameters: Data::Structure(parameters) }),
        ..everything(profile)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::DeviationSign;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rule(zone: &str) -> ClockRule {
        ClockRule::standard(TimeZone::get(zone).unwrap())
    }

    fn clock() -> CaptureObject {
        let obis = Obis::new(0, 0, 1, 0, 0, 255);
        CaptureObject { class_id: 8, obis, attribute: 2, data_index: 0 }
    }

    fn limits(rule: &ClockRule, from: &str, to: &str) -> [[u8; 12]; 2] {
        let asked = by_range("1-0:99.1.0".parse().unwrap(), &clock(), rule, (at(from), at(to)));
        let parameters = asked.selective.unwrap().parameters;
        let fields = parameters.elements().unwrap();
        [1, 2].map(|place| fields[place].date_time().unwrap().0)
    }

    #[test]
    fn a_range_names_the_clock_column_as_the_meter_lists_it() {
        // facts/dlms-quirks.md, 74.
        let odd = CaptureObject { attribute: 0, data_index: 1, ..clock() };
        let window = (at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z"));
        let asked = by_range("1-0:99.1.0".parse().unwrap(), &odd, &rule("Europe/London"), window);
        let Data::Structure(fields) = asked.selective.unwrap().parameters else { panic!() };
        let restricting = [Data::U16(8), Data::Octets(vec![0, 0, 1, 0, 0, 255]), Data::I8(0), Data::U16(1)];
        assert_eq!(fields[0].elements().unwrap(), restricting);
        assert_eq!(fields[3], Data::Array(Vec::new()));
    }

    #[test]
    fn a_ranges_limits_are_in_the_meters_own_rule() {
        // facts/dlms-quirks.md, 62 and 64: 2026-07-01T10:00Z is 12:00 in Berlin.
        let berlin = rule("Europe/Berlin");
        let (from, to) = ("2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z");
        let [standard, _] = limits(&berlin, from, to);
        assert_eq!(standard[5..12], [12, 0, 0, 0, 0xFF, 0x88, 0x80]);
        let [inverted, _] = limits(&ClockRule { sign: DeviationSign::Inverted, ..berlin.clone() }, from, to);
        assert_eq!(inverted[5..12], [12, 0, 0, 0, 0x00, 0x78, 0x80]);
        let [zone, _] = limits(&ClockRule { policy: ZonePolicy::MeterZone, ..berlin.clone() }, from, to);
        assert_eq!(zone[5..11], [12, 0, 0, 0, 0x80, 0x00]);
        let [standard_time, _] = limits(&ClockRule { policy: ZonePolicy::StandardTime, ..berlin }, from, to);
        assert_eq!(standard_time[5..11], [11, 0, 0, 0, 0x80, 0x00]);
    }

    #[test]
    fn a_limit_in_a_doubled_hour_is_moved_outwards() {
        let zone = ClockRule { policy: ZonePolicy::MeterZone, ..rule("Europe/Berlin") };
        let [from, to] = limits(&zone, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
        assert_eq!((from[5], to[5]), (1, 3), "02:30 becomes 01:30, 02:30 becomes 03:30");
    }

    #[test]
    fn a_long_span_is_asked_for_in_windows_that_meet_without_a_gap() {
        let span = Span {
            from: Some(at("2026-01-01T00:00:00Z")),
            from_included: false,
            to: at("2026-03-01T12:00:00Z"),
        };
        let got = windows(&span, None, 31);
        assert_eq!(
            got,
            [
                (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")),
                (at("2026-02-01T00:00:01Z"), at("2026-03-01T12:00:00Z")),
            ]
        );
        assert_eq!(windows(&span, None, 0).len(), 1);
    }

    #[test]
    fn a_first_read_reaches_back_to_whatever_the_meter_holds() {
        let span = Span { from: None, from_included: true, to: at("2026-11-22T00:00:00Z") };
        let got = windows(&span, Some(at("2026-09-20T00:00:00Z")), 31);
        assert_eq!(got[0], (LONG_AGO, at("2026-10-21T00:00:00Z")));
        assert_eq!(got.len(), 3);
        assert_eq!(windows(&span, None, 31), [(LONG_AGO, span.to)]);
    }

    #[test]
    fn an_empty_span_asks_for_nothing() {
        let span = Span {
            from: Some(at("2026-11-22T00:00:00Z")),
            from_included: true,
            to: at("2026-11-21T00:00:00Z"),
        };
        assert_eq!(windows(&span, None, 31), []);
    }

    #[test]
    fn the_interval_that_ended_where_the_span_begins_belongs_to_the_day_before() {
        let midnight = at("2026-11-22T00:00:00Z");
        let later = at("2026-11-23T00:00:00Z");
        let span = Span { from: Some(midnight), from_included: false, to: later };
        assert!(!span.wants(midnight) && span.wants(later));
        assert!(Span { from_included: true, ..span }.wants(midnight));
    }

    proptest! {
        #[test]
        fn windows_cover_a_span_once_each(start in 0i64..2_000_000_000, hours in 0i64..100_000, days in 1u16..400) {
            let from = Timestamp::from_second(start).unwrap();
            let to = from + SignedDuration::from_hours(hours);
            let got = windows(&Span { from: Some(from), from_included: true, to }, None, days);
            prop_assert_eq!(got.first().unwrap().0, from);
            prop_assert_eq!(got.last().unwrap().1, to);
            for pair in got.windows(2) {
                prop_assert_eq!(pair[1].0.duration_since(pair[0].1), SignedDuration::from_secs(1));
            }
        }
    }
}
