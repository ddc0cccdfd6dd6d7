//! Rows of every kind of buffer, without a link.

use jiff::Timestamp;
use jiff::civil::{DateTime, datetime};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::model::template::NullValue;
use crate::model::{
    CaptureObject, ClockRule, Decimal, IntervalStatus, Knowledge, MeterStamp, ProfileColumns, ProfileRow,
    Quality, ReadingValue, ScalerUnit, Side, Template, Unit, What, ZonePolicy,
};
use crate::protocol::dlms::table::unfolded;
use crate::protocol::dlms::{CosemDateTime, Data, TypeDescription};

use super::super::registers::Maker;
use super::columns::tests::captured;
use super::columns::{Described, describe};
use super::rows::{Reader, Rows};
use super::{billing, events, intervals};

const HALF_HOUR: u32 = 1800;

fn generic() -> Template {
    Template::named("dlms-generic").unwrap()
}

fn zone(name: &str) -> ClockRule {
    ClockRule::standard(TimeZone::get(name).unwrap())
}

fn local_only(name: &str) -> ClockRule {
    ClockRule { policy: ZonePolicy::MeterZone, ..zone(name) }
}

struct Profile {
    columns: ProfileColumns,
    template: Template,
    rule: ClockRule,
    knowledge: Knowledge,
}

impl Profile {
    fn new(what: What, obis: &str, list: Vec<CaptureObject>, period: u32) -> Self {
        let mut knowledge = Knowledge::default();
        knowledge.scalers.insert("1.8.0".parse().unwrap(), ScalerUnit { scaler: 1, unit: Unit::WH });
        knowledge.scalers.insert("2.8.0".parse().unwrap(), ScalerUnit { scaler: -2, unit: Unit::WH });
        let template = generic();
        let described = Described {
            captured: list,
            period: Some(&Data::U32(period)),
            sort_method: None,
            sort_object: None,
        };
        let profile = (what, obis.parse().unwrap());
        let columns = describe(profile, described, &knowledge, &template, Side::Secondary);
        Self { columns, template, rule: zone("Europe/Berlin"), knowledge }
    }

    /// Clock, status, import, export, every half hour.
    fn load() -> Self {
        let list = vec![
            captured(8, "0-0:1.0.0", 2),
            captured(1, "0-0:96.10.1", 2),
            captured(3, "1.8.0", 2),
            captured(3, "2.8.0", 2),
        ];
        Self::new(What::Profile, "1-0:99.1.0", list, HALF_HOUR)
    }

    /// Clock and import only.
    fn narrow(rule: ClockRule) -> Self {
        let list = vec![captured(8, "0-0:1.0.0", 2), captured(3, "1.8.0", 2)];
        Self { rule, ..Self::new(What::Profile, "1-0:99.1.0", list, HALF_HOUR) }
    }

    fn rows(&self, buffer: &Data) -> Rows<'static> {
        let null_value = self.template.profiles.null_value;
        let bytes = buffer.to_bytes();
        let plain = unfolded(&bytes).unwrap().unwrap_or(bytes);
        // A test may keep what it reads for good.
        Reader { columns: &self.columns, rule: &self.rule, null_value }.rows(plain.leak())
    }

    fn intervals(&self, buffer: &Data) -> Vec<ProfileRow> {
        let rows = self.rows(buffer);
        assert_eq!(rows.lost, Vec::<String>::new());
        let made = rows.rows.iter();
        made.map(|row| intervals::interval(row, &self.columns, &self.template.profiles).unwrap()).collect()
    }
}

fn wire(local: DateTime, deviation: Option<i16>, status: Option<u8>) -> Data {
    let stamp = MeterStamp { local, deviation_minutes: deviation, clock_status: status };
    Data::Octets(CosemDateTime::from_stamp(&stamp).0.to_vec())
}

fn bare(local: DateTime) -> Data {
    wire(local, None, None)
}

fn row(fields: Vec<Data>) -> Data {
    Data::Structure(fields)
}

fn buffer(rows: Vec<Data>) -> Data {
    Data::Array(rows)
}

fn ends(intervals: &[ProfileRow]) -> Vec<String> {
    intervals.iter().map(|one| one.end.to_string()).collect()
}

fn value(interval: &ProfileRow, channel: usize) -> Option<String> {
    interval.values[channel].map(|value| value.to_string())
}

#[test]
fn a_row_becomes_an_interval_with_its_status_and_exact_values() {
    let profile = Profile::load();
    let stamp = wire(datetime(2026, 7, 1, 12, 30, 0, 0), Some(-120), Some(0x80));
    let rows = buffer(vec![row(vec![stamp, Data::U8(0x82), Data::U32(123), Data::U64(u64::MAX)])]);
    let got = &profile.intervals(&rows)[0];
    assert_eq!(got.end.to_string(), "2026-07-01T10:30:00Z");
    assert_eq!(got.stamp.unwrap().deviation_minutes, Some(-120));
    assert_eq!(got.raw_status, Some(0x82));
    assert_eq!(got.status, IntervalStatus::POWER_DOWN | IntervalStatus::CLOCK_INVALID);
    assert_eq!(got.quality, Quality::Suspect);
    assert_eq!(value(got, 0).unwrap(), "1230");
    assert_eq!(value(got, 1).unwrap(), "184467440737095516.15");
}

#[test]
fn a_null_stamp_is_the_one_before_plus_the_period_and_minus_it_where_the_newest_comes_first() {
    // facts/dlms-quirks.md, 73.
    let start = bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let rows = |stamps: Vec<Data>| {
        buffer(
            stamps.into_iter().enumerate().map(|(n, stamp)| row(vec![stamp, Data::U32(n as u32)])).collect(),
        )
    };
    let data = rows(vec![start, Data::Null, Data::Null]);
    let mut profile = Profile::narrow(zone("Europe/Berlin"));
    let got = profile.intervals(&data);
    assert_eq!(ends(&got), ["2026-10-31T23:30:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:30:00Z"]);
    assert!(!got[0].status.contains(IntervalStatus::STAMP_RECKONED));
    assert!(got[1].status.contains(IntervalStatus::STAMP_RECKONED) && got[1].stamp.is_none());
    profile.columns.newest_first = true;
    let got = profile.intervals(&data);
    assert_eq!(ends(&got), ["2026-10-31T22:30:00Z", "2026-10-31T23:00:00Z", "2026-10-31T23:30:00Z"]);
    assert_eq!(value(&got[2], 0).unwrap(), "0", "the first row of the buffer is the newest");
}

#[test]
fn the_stamps_themselves_tell_the_order_where_the_sort_method_lies() {
    let data = buffer(vec![
        row(vec![bare(datetime(2026, 11, 1, 2, 0, 0, 0)), Data::U32(3)]),
        row(vec![Data::Null, Data::U32(2)]),
        row(vec![bare(datetime(2026, 11, 1, 1, 0, 0, 0)), Data::U32(1)]),
    ]);
    let got = Profile::narrow(ClockRule::standard(TimeZone::UTC)).intervals(&data);
    assert_eq!(ends(&got), ["2026-11-01T01:00:00Z", "2026-11-01T01:30:00Z", "2026-11-01T02:00:00Z"]);
}

#[test]
fn a_null_stamp_with_nothing_before_it_is_no_interval_and_is_told() {
    let data = buffer(vec![row(vec![Data::Null, Data::U32(1)])]);
    let got = Profile::narrow(zone("Europe/Berlin")).rows(&data);
    assert!(got.rows.is_empty() && got.lost[0].contains("no stamp"), "{:?}", got.lost);
}

#[test]
fn a_row_after_one_whose_stamp_makes_no_time_is_not_reckoned_from_an_older_one() {
    // facts/dlms-quirks.md, 65: every field "not specified".
    let data = buffer(vec![
        row(vec![bare(datetime(2026, 11, 1, 1, 0, 0, 0)), Data::U32(1)]),
        row(vec![Data::Octets(CosemDateTime::UNSPECIFIED.0.to_vec()), Data::U32(2)]),
        row(vec![Data::Null, Data::U32(3)]),
        row(vec![bare(datetime(2026, 11, 1, 2, 30, 0, 0)), Data::U32(4)]),
    ]);
    let got = Profile::narrow(ClockRule::standard(TimeZone::UTC)).rows(&data);
    assert_eq!((got.rows.len(), got.lost.len()), (2, 2));
}

#[test]
fn null_in_a_value_column_is_nothing_unless_the_template_says_that_it_repeats() {
    // facts/dlms-quirks.md, 73.
    let start = bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let data = buffer(vec![
        row(vec![start, Data::U8(0x80), Data::U32(10), Data::U32(7)]),
        row(vec![Data::Null, Data::Null, Data::Null, Data::U32(8)]),
    ]);
    let mut profile = Profile::load();
    let absent = profile.intervals(&data);
    assert_eq!((value(&absent[1], 0), absent[1].raw_status), (None, None));
    profile.template.profiles.null_value = NullValue::Repeat;
    let repeated = profile.intervals(&data);
    assert_eq!((value(&repeated[1], 0), repeated[1].raw_status), (Some("100".into()), Some(0x80)));
}

#[test]
fn a_row_that_holds_nothing_is_missing_and_not_nought() {
    let start = bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let data = buffer(vec![row(vec![start, Data::U8(0), Data::Null, Data::Null])]);
    let got = &Profile::load().intervals(&data)[0];
    assert_eq!((got.quality, &got.values), (Quality::Missing, &vec![None, None]));
}

#[test]
fn what_is_no_number_is_told_from_nothing_and_never_called_actual() {
    let profile = Profile::load();
    let stamp = || bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let texts = [
        Data::Visible(b"n/a".to_vec()),
        Data::Octets(vec![0, 1]),
        Data::Utf8("–".as_bytes().to_vec()),
        Data::Bool(true),
        Data::F32(f32::NAN),
        stamp(),
        Data::DeltaUnsigned(8, 7),
    ];
    for text in texts {
        let both = buffer(vec![row(vec![stamp(), Data::U8(0), text.clone(), Data::U32(7)])]);
        let got = &profile.intervals(&both)[0];
        assert_eq!((value(got, 0), value(got, 1)), (None, Some("0.07".into())), "{text:?}");
        assert!(got.status.contains(IntervalStatus::VALUE_UNREADABLE), "{text:?}");
        assert_eq!(got.quality, Quality::Suspect, "{text:?}");
        let alone = buffer(vec![row(vec![stamp(), Data::U8(0), text.clone(), Data::Null])]);
        assert_eq!(profile.intervals(&alone)[0].quality, Quality::Suspect, "{text:?}");
    }
    for nothing in [Data::Null, Data::DontCare, Data::Octets(Vec::new()), Data::Visible(Vec::new())] {
        let data = buffer(vec![row(vec![stamp(), Data::U8(0), nothing.clone(), Data::U32(7)])]);
        let got = &profile.intervals(&data)[0];
        assert_eq!((got.status, got.quality), (IntervalStatus::empty(), Quality::Actual), "{nothing:?}");
    }
}

#[test]
fn words_in_a_data_objects_column_cast_no_doubt_on_the_figures_beside_them() {
    let list = vec![captured(8, "0-0:1.0.0", 2), captured(3, "1.8.0", 2), captured(1, "0-0:96.14.0", 2)];
    let profile = Profile::new(What::Profile, "1-0:99.1.0", list, HALF_HOUR);
    let stamp = bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let data = buffer(vec![row(vec![stamp, Data::U32(5), Data::Visible(b"peak".to_vec())])]);
    let got = &profile.intervals(&data)[0];
    assert_eq!((value(got, 0), got.quality), (Some("50".into()), Quality::Actual));
    assert_eq!(got.status, IntervalStatus::VALUE_UNREADABLE);
}

#[test]
fn deltas_add_to_the_value_before_them() {
    let start = bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let data = buffer(vec![
        row(vec![start, Data::U8(0), Data::U32(1000), Data::U32(5)]),
        row(vec![Data::Null, Data::U8(0), Data::DeltaUnsigned(8, 7), Data::DeltaSigned(8, -2)]),
        row(vec![Data::Null, Data::U8(0), Data::DeltaUnsigned(16, 300), Data::DeltaSigned(8, -3)]),
    ]);
    let got = Profile::load().intervals(&data);
    assert_eq!((value(&got[2], 0), value(&got[2], 1)), (Some("13070".into()), Some("0.00".into())));
}

#[test]
fn a_compact_array_gives_the_same_rows_as_an_array_of_structures() {
    // facts/dlms-quirks.md, 79.
    let fields = || vec![bare(datetime(2026, 11, 1, 0, 30, 0, 0)), Data::U8(0), Data::U32(10), Data::U32(7)];
    let compact = Data::CompactArray {
        element: TypeDescription::Structure(
            vec![9, 17, 6, 6].into_iter().map(TypeDescription::Simple).collect(),
        ),
        values: vec![row(fields())],
    };
    let profile = Profile::load();
    assert_eq!(profile.intervals(&compact), profile.intervals(&buffer(vec![row(fields())])));
}

#[test]
fn every_form_of_an_empty_buffer_is_no_rows_and_no_trouble() {
    // facts/dlms-quirks.md, 77.
    for empty in [buffer(Vec::new()), Data::Null, Data::Octets(Vec::new())] {
        assert_eq!(Profile::load().rows(&empty), Rows::default(), "{empty:?}");
    }
    assert_eq!(Profile::load().rows(&Data::U8(1)).lost.len(), 1);
}

#[test]
fn a_row_that_came_twice_is_kept_once_and_rows_that_differ_are_both_kept() {
    // facts/dlms-quirks.md, 80 and 81.
    let at = |n: u32, status: u8| {
        row(vec![bare(datetime(2026, 11, 1, 0, 30, 0, 0)), Data::U8(status), Data::U32(n), Data::U32(n)])
    };
    let data = buffer(vec![at(1, 0), at(1, 0), at(1, 0x20), at(2, 0x20)]);
    assert_eq!(Profile::load().intervals(&data).len(), 3);
}

#[test]
fn a_stamp_off_the_periods_grid_is_flagged() {
    // facts/dlms-quirks.md, 80.
    let at = |minute| row(vec![bare(datetime(2026, 11, 1, 0, minute, 0, 0)), Data::U32(1)]);
    let got = Profile::narrow(zone("Europe/Berlin")).intervals(&buffer(vec![at(30), at(47)]));
    assert!(!got[0].status.contains(IntervalStatus::OFF_GRID));
    assert!(got[1].status.contains(IntervalStatus::OFF_GRID));
}

#[test]
fn days_of_23_and_25_hours_give_each_half_hour_its_own_instant() {
    let summer_ends = ("2026-10-24T22:00:00Z", 50);
    let summer_begins = ("2026-03-28T23:00:00Z", 46);
    for (begin, intervals) in [summer_ends, summer_begins] {
        let begin: Timestamp = begin.parse().unwrap();
        let expected: Vec<Timestamp> =
            (1..=intervals).map(|n| begin + jiff::SignedDuration::from_mins(30 * n)).collect();
        for rule in [zone("Europe/Berlin"), local_only("Europe/Berlin")] {
            let rows = expected.iter().enumerate().map(|(n, at)| {
                let stamp = CosemDateTime::from_stamp(&rule.to_stamp(*at));
                row(vec![Data::Octets(stamp.0.to_vec()), Data::U32(n as u32)])
            });
            let data = buffer(rows.collect());
            let got = Profile::narrow(rule).intervals(&data);
            let found: Vec<Timestamp> = got.iter().map(|one| one.end).collect();
            assert_eq!(found, expected);
            assert!(got.iter().all(|one| one.status.is_empty()), "nothing is doubtful");
        }
    }
}

#[test]
fn without_deviation_and_status_the_order_of_rows_tells_the_doubled_hour_apart() {
    let times = [(1, 30), (2, 0), (2, 30), (2, 0), (2, 30), (3, 0)];
    let rows =
        times.map(|(hour, minute)| row(vec![bare(datetime(2026, 10, 25, hour, minute, 0, 0)), Data::U32(1)]));
    for newest_first in [false, true] {
        let mut rows = rows.to_vec();
        if newest_first {
            rows.reverse();
        }
        let got = Profile::narrow(zone("Europe/Berlin")).intervals(&buffer(rows));
        assert_eq!(
            ends(&got),
            [
                "2026-10-24T23:30:00Z",
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z",
            ]
        );
        assert!(got.iter().all(|one| !one.status.contains(IntervalStatus::STAMP_AMBIGUOUS)));
    }
}

#[test]
fn a_daily_profile_with_null_stamps_keeps_to_midnight_across_daylight_saving() {
    let mut profile = Profile::narrow(zone("Europe/Berlin"));
    profile.columns.layout.period_seconds = 86_400;
    let first = wire(datetime(2026, 10, 24, 0, 0, 0, 0), Some(-120), Some(0x80));
    let rows = [first, Data::Null, Data::Null].map(|stamp| row(vec![stamp, Data::U32(1)]));
    let got = profile.intervals(&buffer(rows.to_vec()));
    assert_eq!(ends(&got), ["2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
}

#[test]
fn a_stamp_in_a_doubled_hour_that_nothing_settles_is_flagged() {
    let data = buffer(vec![
        row(vec![bare(datetime(2026, 10, 24, 12, 0, 0, 0)), Data::U32(1)]),
        row(vec![bare(datetime(2026, 10, 25, 2, 30, 0, 0)), Data::U32(2)]),
    ]);
    let got = Profile::narrow(zone("Europe/Berlin")).intervals(&data);
    assert!(got[1].status.contains(IntervalStatus::STAMP_AMBIGUOUS));
    assert_eq!(got[1].quality, Quality::Suspect);
}

#[test]
fn a_meter_that_stamps_the_start_of_an_interval_is_shown_by_its_end() {
    let mut profile = Profile::narrow(zone("Europe/Berlin"));
    profile.template.profiles.stamp_is_start = true;
    let data = buffer(vec![row(vec![bare(datetime(2026, 11, 1, 0, 0, 0, 0)), Data::U32(1)])]);
    assert_eq!(ends(&profile.intervals(&data)), ["2026-10-31T23:30:00Z"]);
}

#[test]
fn a_doubtful_clock_status_makes_the_interval_suspect() {
    let stamp = wire(datetime(2026, 11, 1, 0, 30, 0, 0), Some(-60), Some(0x02));
    let got =
        &Profile::narrow(zone("Europe/Berlin")).intervals(&buffer(vec![row(vec![stamp, Data::U32(1)])]))[0];
    assert!(got.status.contains(IntervalStatus::CLOCK_INVALID));
    assert_eq!(got.quality, Quality::Suspect);
}

#[test]
fn the_clock_may_stand_last_and_bring_all_its_attributes() {
    // facts/dlms-quirks.md, 74 and 75.
    let list = vec![captured(3, "1.8.0", 0), captured(8, "0-0:1.0.0", 0)];
    let profile = Profile::new(What::Profile, "1-0:99.1.0", list, HALF_HOUR);
    let register = row(vec![
        Data::Octets(vec![1, 0, 1, 8, 0, 255]),
        Data::U32(12),
        row(vec![Data::I8(1), Data::Enum(30)]),
    ]);
    let clock = row(vec![
        Data::Octets(vec![0, 0, 1, 0, 0, 255]),
        wire(datetime(2026, 11, 1, 0, 30, 0, 0), Some(-60), Some(0)),
        Data::I16(-60),
    ]);
    let got = &profile.intervals(&buffer(vec![row(vec![register, clock])]))[0];
    assert_eq!(
        (got.end.to_string().as_str(), value(got, 0).unwrap().as_str()),
        ("2026-10-31T23:30:00Z", "120")
    );
}

#[test]
fn an_element_of_a_structured_attribute_is_picked_by_its_index() {
    // facts/dlms-quirks.md, 75.
    let second = CaptureObject { data_index: 2, ..captured(1, "0-0:96.50.0", 2) };
    let list = vec![captured(8, "0-0:1.0.0", 2), second, CaptureObject { data_index: 1, ..second }];
    let profile = Profile::new(What::Profile, "1-0:99.1.0", list, HALF_HOUR);
    let whole = row(vec![Data::U8(1), Data::U8(2)]);
    let stamp = bare(datetime(2026, 11, 1, 0, 30, 0, 0));
    let got = &profile.intervals(&buffer(vec![row(vec![stamp, whole, Data::U8(9)])]))[0];
    assert_eq!((value(got, 0), value(got, 1)), (Some("2".into()), Some("9".into())));
}

#[test]
fn a_unix_time_stamps_a_row_as_well() {
    let list = vec![captured(1, "0-0:1.1.0", 2), captured(3, "1.8.0", 2)];
    let profile = Profile::new(What::Profile, "1-0:99.1.0", list, HALF_HOUR);
    let got = &profile.intervals(&buffer(vec![row(vec![Data::U32(1_793_493_000), Data::U32(1)])]))[0];
    assert_eq!(got.end.as_second(), 1_793_493_000);
    assert!(got.stamp.is_none());
}

#[test]
fn rows_with_another_number_of_fields_show_that_the_columns_changed() {
    let data = buffer(vec![row(vec![bare(datetime(2026, 11, 1, 0, 30, 0, 0)), Data::U32(1)])]);
    let got = Profile::load().rows(&data);
    assert!(got.columns_changed && got.rows.is_empty() && got.lost.len() == 1);
}

#[test]
fn events_have_the_templates_words_and_unknown_codes_are_told_as_such() {
    let list = vec![
        captured(8, "0-0:1.0.0", 2),
        captured(1, "0-0:96.11.0", 2),
        captured(3, "2.8.0", 2),
        captured(1, "0-0:96.1.0", 2),
    ];
    let profile = Profile::new(What::Events, "0-0:99.98.0", list, 0);
    let at = |minute, code, status| {
        let stamp = wire(datetime(2026, 11, 1, 0, minute, 0, 0), Some(-60), Some(status));
        row(vec![stamp, Data::U8(code), Data::U16(412), Data::Octets(b"A7".to_vec())])
    };
    let data = buffer(vec![at(1, 2, 0), at(2, 199, 1)]);
    let rows = profile.rows(&data).rows;
    let made: Vec<_> =
        rows.iter().map(|row| events::event(row, &profile.columns, &profile.template)).collect();
    assert_eq!((made[0].code, made[0].text.as_str()), (Some(2), "Supply returned"));
    assert_eq!(made[0].detail, ["Active export energy: 4.12 Wh", "Serial number: A7"]);
    assert_eq!(made[1].text, "Event 199, which the template does not name");
    assert!(made[1].detail.last().unwrap().contains("doubted its clock"));
    assert_eq!(made[0].at.to_string(), "2026-10-31T23:01:00Z");
}

#[test]
fn a_supply_failure_ends_at_its_stamp_and_began_its_duration_before() {
    let list = vec![captured(8, "0-0:1.0.0", 2), captured(3, "0-0:96.7.19", 2)];
    let profile = Profile::new(What::Events, "1-0:99.97.0", list, 0);
    let stamp = wire(datetime(2026, 11, 1, 1, 0, 0, 0), Some(-60), Some(0));
    let data = buffer(vec![row(vec![stamp, Data::U32(600)])]);
    let event = events::event(&profile.rows(&data).rows[0], &profile.columns, &profile.template);
    assert_eq!((event.text.as_str(), event.detail), ("Supply failure", vec!["Duration: PT10M".to_owned()]));
    assert_eq!(event.at.to_string(), "2026-10-31T23:50:00Z");
    assert_eq!(event.until.unwrap().to_string(), "2026-11-01T00:00:00Z");
}

#[test]
fn a_billing_set_holds_the_periods_registers_and_stamps_its_maxima() {
    let list = vec![
        captured(8, "0-0:1.0.0", 2),
        captured(3, "1.8.0", 2),
        captured(4, "1.6.0", 2),
        captured(4, "1.6.0", 5),
        captured(3, "2.8.0", 2),
    ];
    let profile = Profile::new(What::Billing, "0-0:98.1.0", list, 0);
    let data = buffer(vec![row(vec![
        bare(datetime(2026, 11, 1, 0, 0, 0, 0)),
        Data::U32(123),
        Data::U32(4250),
        bare(datetime(2026, 10, 12, 18, 15, 0, 0)),
        Data::Null,
    ])]);
    let maker = Maker {
        knowledge: &profile.knowledge,
        template: &profile.template,
        rule: &profile.rule,
        side: Side::Primary,
        read_at: Timestamp::UNIX_EPOCH,
    };
    let set = billing::set(&profile.rows(&data).rows[0], &profile.columns, &maker);
    assert_eq!(set.at.to_string(), "2026-10-31T23:00:00Z");
    let shown: Vec<String> = set.registers.iter().map(|one| one.obis.short()).collect();
    assert_eq!(shown, ["1-0:1.8.0", "1-0:1.6.0", "1-0:2.8.0"]);
    assert_eq!(set.registers[0].value, ReadingValue::Number(Decimal::new(123, 1)));
    assert_eq!(set.registers[1].stamp.unwrap().1.to_string(), "2026-10-12T16:15:00Z");
    assert_eq!(set.registers[2].value, ReadingValue::Absent, "null is no reading, and never nought");
}

fn any_field() -> impl Strategy<Value = Data> {
    prop_oneof![
        Just(Data::Null),
        any::<u32>().prop_map(Data::U32),
        any::<i32>().prop_map(Data::I32),
        any::<f32>().prop_map(Data::F32),
        any::<[u8; 12]>().prop_map(|bytes| Data::Octets(bytes.to_vec())),
        proptest::collection::vec(any::<u8>(), 0..16).prop_map(Data::Octets),
        any::<i32>().prop_map(|delta| Data::DeltaSigned(32, delta)),
        any::<u8>().prop_map(Data::U8),
    ]
}

proptest! {
    #[test]
    fn no_buffer_makes_the_reader_panic(
        rows in proptest::collection::vec(proptest::collection::vec(any_field(), 0..6), 0..12),
    ) {
        let profile = Profile::load();
        let count = rows.len();
        let data = buffer(rows.into_iter().map(row).collect());
        let got = profile.rows(&data);
        prop_assert!(got.rows.len() + got.lost.len() <= count);
        for row in &got.rows {
            let _ = intervals::interval(row, &profile.columns, &profile.template.profiles);
            let _ = events::event(row, &profile.columns, &profile.template);
        }
        prop_assert!(got.rows.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn whatever_is_left_out_by_null_stamps_and_deltas_is_put_back(
        start in 800_000i64..1_100_000,
        values in proptest::collection::vec(0u32..1_000_000, 1..60),
        keep in proptest::collection::vec(any::<bool>(), 60),
        newest_first: bool,
    ) {
        let mut profile = Profile::narrow(zone("Europe/Berlin"));
        profile.columns.newest_first = newest_first;
        let begin = Timestamp::from_second(start * 1800).unwrap();
        let mut expected: Vec<(Timestamp, u32)> = values
            .iter()
            .enumerate()
            .map(|(n, value)| (begin + jiff::SignedDuration::from_mins(30 * n as i64), *value))
            .collect();
        if newest_first {
            expected.reverse();
        }
        let mut before = None;
        let rows = expected.iter().zip(&keep).enumerate().map(|(n, ((at, value), keep))| {
            let stamp = if n == 0 || *keep {
                Data::Octets(CosemDateTime::from_stamp(&profile.rule.to_stamp(*at)).0.to_vec())
            } else {
                Data::Null
            };
            let field = match before.replace(i64::from(*value)) {
                Some(last) => Data::DeltaSigned(32, (i64::from(*value) - last) as i32),
                None => Data::U32(*value),
            };
            row(vec![stamp, field])
        });
        let data = buffer(rows.collect());
        let got = profile.intervals(&data);
        expected.sort();
        for (got, (at, value)) in got.iter().zip(&expected) {
            prop_assert_eq!(got.end, *at);
            prop_assert_eq!(got.values[0].unwrap(), Decimal::new(i128::from(*value), 1));
        }
        prop_assert_eq!(got.len(), expected.len());
    }
}
