//! Profiles: merging, versions, layouts, damage.

use jiff::SignedDuration;
use proptest::prelude::*;

use crate::model::{
    Channel, Decimal, IntervalStatus, Obis, ProfileLayout, ProfileRow, Quality, ScalerUnit, Side, Unit,
};
use crate::store::{Merged, StoreError};

use super::*;

const PROFILE: Obis = Obis::new(1, 0, 99, 1, 0, 255);
const NOW: &str = "2026-11-22T10:00:00Z";
const START: &str = "2026-11-01T00:00:00Z";

pub(super) fn layout(channels: u8) -> ProfileLayout {
    let channel = |number: u8| Channel {
        obis: Obis::new(1, 0, number, 29, 0, 255),
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: format!("Channel {number}"),
        scaler_unit: ScalerUnit { scaler: -1, unit: Unit::WH },
        side: Side::Secondary,
    };
    ProfileLayout {
        obis: PROFILE,
        name: "Load profile".to_owned(),
        period_seconds: 1800,
        channels: (1..=channels).map(channel).collect(),
    }
}

/// Half-hours from an instant on, the first of which ends half an hour later.
pub(super) fn rows(from: Timestamp, count: i64, channels: i64) -> Vec<ProfileRow> {
    let row = |step: i64| {
        let end = from + SignedDuration::from_mins(30 * step);
        let number = end.as_second() / 1800 % 977;
        let value = |channel: i64| Some(Decimal::new(i128::from(number * 7 + channel), -1));
        ProfileRow {
            end,
            stamp: Some(MeterStamp {
                local: jiff::tz::Offset::constant(1).to_datetime(end),
                deviation_minutes: Some(-60),
                clock_status: Some(0),
            }),
            status: IntervalStatus::empty(),
            raw_status: Some(0),
            quality: Quality::Actual,
            values: (1..=channels).map(value).collect(),
        }
    };
    (1..=count).map(row).collect()
}

fn merged(new: u64, same: u64, changed: u64) -> Merged {
    Merged { new, same, changed }
}

struct House {
    scratch: Scratch,
    id: MeterId,
}

impl House {
    fn new() -> Self {
        let (scratch, id) = Scratch::with_meter();
        Self { scratch, id }
    }

    fn merge(&mut self, rows: &[ProfileRow]) -> Merged {
        let channels = u8::try_from(rows[0].values.len()).unwrap();
        self.scratch.store.merge_profile(self.id, &layout(channels), rows, at(NOW)).unwrap()
    }

    fn profile(&self) -> i64 {
        self.scratch.store.profiles(self.id).unwrap()[0].id
    }

    fn all(&self) -> Vec<ProfileRow> {
        self.scratch.store.profile_rows(self.profile(), Timestamp::MIN, Timestamp::MAX).unwrap()
    }

    fn superseded(&self) -> Vec<ProfileRow> {
        let store = &self.scratch.store;
        let rows = store.superseded_rows(self.profile(), Timestamp::MIN, Timestamp::MAX).unwrap();
        assert!(rows.iter().all(|superseded| superseded.replaced_at == at(NOW)));
        rows.into_iter().map(|superseded| superseded.row).collect()
    }
}

fn with_value(row: &ProfileRow, value: i128) -> ProfileRow {
    ProfileRow { values: vec![Some(Decimal::new(value, -1)); row.values.len()], ..row.clone() }
}

fn without_stamp(row: &ProfileRow) -> ProfileRow {
    ProfileRow { stamp: None, status: row.status | IntervalStatus::STAMP_RECKONED, ..row.clone() }
}

#[test]
fn rows_come_back_as_they_were_across_days() {
    let mut house = House::new();
    let month = rows(at(START), 30 * 48, 4);
    assert_eq!(house.merge(&month), merged(1440, 0, 0));
    assert_eq!(house.all(), month);
    let blocks: i64 = house
        .scratch
        .store
        .connection
        .query_row("SELECT count(*) FROM day_block", (), |row| row.get(0))
        .unwrap();
    assert_eq!(blocks, 30, "one a day: the interval that ends at midnight lies in the day before");
    house.scratch.store.check().unwrap();
}

#[test]
fn a_period_is_open_at_its_start_and_closed_at_its_end() {
    let mut house = House::new();
    let month = rows(at(START), 3 * 48, 2);
    house.merge(&month);
    let profile = house.profile();
    for (from, to) in [(0usize, 1usize), (47, 48), (47, 49), (10, 140), (143, 143), (50, 20)] {
        let got = house.scratch.store.profile_rows(profile, month[from].end, month[to].end).unwrap();
        let wanted = month.get(from + 1..=to).unwrap_or_default();
        assert_eq!(got, wanted, "{from} to {to}");
    }
}

#[test]
fn a_profile_is_listed_with_its_span_and_number_of_intervals() {
    let mut house = House::new();
    let month = rows(at(START), 100, 2);
    house.merge(&month[20..60]);
    house.merge(&month[40..100]);
    let profile = house.scratch.store.profiles(house.id).unwrap().remove(0);
    assert_eq!(profile.layout, layout(2));
    assert_eq!(profile.intervals, 80);
    assert_eq!(profile.span, Some((month[20].end, month[99].end)));
    assert_eq!(house.scratch.store.last_end(house.id, PROFILE).unwrap(), Some(month[99].end));
    assert_eq!(house.scratch.store.last_end(house.id, Obis::new(1, 0, 99, 2, 0, 255)).unwrap(), None);
}

#[test]
fn reading_the_same_again_changes_nothing() {
    let mut house = House::new();
    let month = rows(at(START), 100, 2);
    house.merge(&month[..60]);
    assert_eq!(house.merge(&month), merged(40, 60, 0));
    assert_eq!(house.merge(&month), merged(0, 100, 0));
    assert_eq!(house.all(), month);
    assert!(house.superseded().is_empty());
}

#[test]
fn rows_in_any_order_end_up_in_theirs() {
    let mut house = House::new();
    let month = rows(at(START), 100, 2);
    let mut backwards = month.clone();
    backwards.reverse();
    assert_eq!(house.merge(&backwards), merged(100, 0, 0));
    assert_eq!(house.all(), month);
}

#[test]
fn a_changed_row_is_a_new_version_and_the_old_one_is_kept() {
    let mut house = House::new();
    let day = rows(at(START), 48, 2);
    house.merge(&day);
    let second = with_value(&day[5], 11);
    let third = ProfileRow { raw_status: Some(4), ..second.clone() };
    assert_eq!(house.merge(std::slice::from_ref(&second)), merged(0, 0, 1));
    assert_eq!(house.merge(std::slice::from_ref(&third)), merged(0, 0, 1));
    assert_eq!(house.all()[5], third);
    assert_eq!(house.superseded(), [day[5].clone(), second]);
    let store = &house.scratch.store;
    assert_eq!(store.profiles(house.id).unwrap()[0].intervals, 48);
    assert!(store.superseded_rows(house.profile(), day[5].end, day[40].end).unwrap().is_empty());
    store.check().unwrap();
}

#[test]
fn two_stamps_of_one_end_are_two_intervals() {
    // The clock was set back, or a deviation went wrong: facts/dlms-quirks.md, line 80.
    let mut house = House::new();
    let day = rows(at(START), 48, 1);
    let other_stamp = ProfileRow { stamp: Some(stamp("2026-11-01T03:07:00")), ..with_value(&day[3], 5) };
    house.merge(&day);
    assert_eq!(house.merge(std::slice::from_ref(&other_stamp)), merged(1, 0, 0));
    assert_eq!(house.all()[3..5], [day[3].clone(), other_stamp.clone()]);
    assert_eq!(house.merge(&[other_stamp, day[3].clone()]), merged(0, 2, 0));
    assert_eq!(house.all().len(), 49);
}

#[test]
fn a_row_at_a_clock_adjustment_stands_beside_the_regular_row_of_that_stamp() {
    // facts/dlms-quirks.md, line 80: de-duplicate by stamp and status.
    let mut house = House::new();
    let day = rows(at(START), 48, 1);
    let adjusted = ProfileRow { status: IntervalStatus::CLOCK_ADJUSTED, ..with_value(&day[3], 5) };
    house.merge(&day);
    assert_eq!(house.merge(&[adjusted]), merged(1, 0, 0));
    assert!(house.superseded().is_empty());
}

#[test]
fn two_different_rows_of_one_stamp_in_one_reading_are_two_intervals() {
    let mut house = House::new();
    let day = rows(at(START), 48, 1);
    let twice = [day[0].clone(), with_value(&day[0], 5), day[0].clone()];
    assert_eq!(house.merge(&twice), merged(2, 1, 0));
    assert_eq!(house.merge(&twice), merged(0, 3, 0));
    let changed = [day[0].clone(), with_value(&day[0], 6)];
    assert_eq!(house.merge(&changed), merged(0, 1, 1), "the one that is not there any more has changed");
    assert_eq!(house.superseded(), [with_value(&day[0], 5)]);
}

#[test]
fn a_row_without_a_stamp_is_the_stamped_one_of_its_end() {
    // facts/dlms-quirks.md, line 73: whether a row carries its stamp depends on where the reading began.
    let mut house = House::new();
    let day = rows(at(START), 48, 1);
    let bare: Vec<ProfileRow> = day.iter().map(without_stamp).collect();
    assert_eq!(house.merge(&bare), merged(48, 0, 0));
    assert_eq!(house.merge(&day[10..20]), merged(0, 10, 0));
    assert_eq!(house.all()[10..20], day[10..20], "the stamp is kept once it is known");
    assert_eq!(house.superseded(), bare[10..20]);
    assert_eq!(house.merge(&bare), merged(0, 48, 0));
    assert_eq!(house.all()[10..20], day[10..20], "and not lost again");
    let changed = without_stamp(&with_value(&day[12], 5));
    assert_eq!(house.merge(std::slice::from_ref(&changed)), merged(0, 0, 1));
    assert_eq!(house.all().len(), 48);
}

#[test]
fn a_changed_layout_starts_a_new_profile_and_returns_to_the_old_one() {
    let mut house = House::new();
    house.merge(&rows(at(START), 48, 2));
    house.merge(&rows(at("2026-11-02T00:00:00Z"), 48, 3));
    let mut scaled = layout(2);
    scaled.channels[0].scaler_unit.scaler = 0;
    let store = &mut house.scratch.store;
    store.merge_profile(house.id, &scaled, &rows(at("2026-11-03T00:00:00Z"), 48, 2), at(NOW)).unwrap();
    store.merge_profile(house.id, &layout(2), &rows(at("2026-11-04T00:00:00Z"), 48, 2), at(NOW)).unwrap();
    let held: Vec<(ProfileLayout, u64)> = store
        .profiles(house.id)
        .unwrap()
        .into_iter()
        .map(|profile| (profile.layout, profile.intervals))
        .collect();
    assert_eq!(held, [(layout(2), 96), (layout(3), 48), (scaled, 48)]);
    assert_eq!(store.last_end(house.id, PROFILE).unwrap(), Some(at("2026-11-05T00:00:00Z")));
}

#[test]
fn better_words_for_a_channel_do_not_start_a_new_profile() {
    let mut house = House::new();
    house.merge(&rows(at(START), 48, 2));
    let mut renamed = layout(2);
    renamed.channels[1].name = "Active export, energy of the interval".to_owned();
    let store = &mut house.scratch.store;
    let again = store.merge_profile(house.id, &renamed, &rows(at(START), 48, 2), at(NOW)).unwrap();
    assert_eq!(again, merged(0, 48, 0));
    let profiles = store.profiles(house.id).unwrap();
    assert_eq!((profiles.len(), &profiles[0].layout), (1, &renamed));
}

#[test]
fn rows_with_too_few_values_are_refused_and_nothing_is_stored() {
    let mut house = House::new();
    let mut day = rows(at(START), 48, 2);
    day[47].values.pop();
    let store = &mut house.scratch.store;
    let error = store.merge_profile(house.id, &layout(2), &day, at(NOW)).unwrap_err();
    assert!(matches!(&error, StoreError::Request(text) if text.contains("1-0:99.1.0*255")), "{error}");
    assert!(store.profiles(house.id).unwrap().is_empty());
}

#[test]
fn a_damaged_block_is_named_by_meter_profile_and_day() {
    let mut house = House::new();
    house.merge(&rows(at(START), 96, 2));
    let connection = &house.scratch.store.connection;
    connection
        .execute(
            "UPDATE day_block SET block = CAST(substr(block, 1, 20) || X'00' || substr(block, 22) AS BLOB)
             WHERE day = (SELECT max(day) FROM day_block)",
            (),
        )
        .unwrap();
    let profile = house.profile();
    let store = &mut house.scratch.store;
    let read = store.profile_rows(profile, Timestamp::MIN, Timestamp::MAX).unwrap_err();
    let checked = store.check().unwrap_err();
    let again = store.merge_profile(house.id, &layout(2), &rows(at(START), 96, 2), at(NOW)).unwrap_err();
    for error in [read, checked, again] {
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("House 1") && text.contains("1-0:99.1.0*255") && text.contains("2026-11-02"),
            "{text}"
        );
    }
    let whole = store.profile_rows(profile, Timestamp::MIN, at("2026-11-02T00:00:00Z")).unwrap();
    assert_eq!(whole.len(), 48, "the other day still reads");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn however_a_profile_is_cut_up_and_read_again_it_is_the_same_in_the_end(
        parts in prop::collection::vec((0usize..200, 1usize..80), 1..12),
    ) {
        let mut house = House::new();
        let month = rows(at(START), 240, 2);
        let mut wanted = std::collections::BTreeMap::new();
        for (from, count) in parts {
            let part = &month[from..(from + count).min(month.len())];
            let merged = house.merge(part);
            prop_assert_eq!(merged.new + merged.same, part.len() as u64);
            prop_assert_eq!(merged.changed, 0);
            wanted.extend(part.iter().map(|row| (row.end, row.clone())));
        }
        prop_assert_eq!(house.all(), wanted.into_values().collect::<Vec<_>>());
    }
}
