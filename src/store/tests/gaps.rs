//! Gaps: found, asked for, final, and what a clock that ran ahead leaves behind.

use jiff::{SignedDuration, Timestamp};

use super::profiles::{layout, rows as half_hours};
use super::{Scratch, at};
use crate::model::{Asked, GapReason, IntervalStatus, MeterId, Obis, ProfileLayout, ProfileRow};
use crate::store::Store;

fn obis() -> Obis {
    layout(1).obis
}

/// Half-hourly rows with `from < end <= to`.
fn rows(from: &str, to: &str) -> Vec<ProfileRow> {
    half_hours(at(from), at(to).duration_since(at(from)).as_secs() / 1800, 1)
}

fn put(store: &mut Store, id: MeterId, rows: &[ProfileRow], now: &str) {
    store.merge_profile(id, &layout(1), rows, at(now)).unwrap();
}

/// Each gap as `after before intervals reason`.
fn gaps(store: &Store, id: MeterId, now: &str) -> Vec<String> {
    let all = store.gaps(id, at(now)).unwrap();
    let words =
        all.iter().map(|gap| format!("{} {} {} {}", gap.after, gap.before, gap.intervals, gap.reason.word()));
    words.collect()
}

fn to_ask(store: &Store, id: MeterId, now: &str) -> Vec<(Timestamp, Timestamp)> {
    store.gaps_to_ask(id, obis(), at(now)).unwrap()
}

const NOW: &str = "2026-11-22T12:00:00Z";

#[test]
fn holes_within_a_day_across_days_and_what_was_not_read_yet_are_gaps() {
    let (mut scratch, id) = Scratch::with_meter();
    put(&mut scratch.store, id, &rows("2026-11-18T00:00:00Z", "2026-11-18T10:00:00Z"), NOW);
    put(&mut scratch.store, id, &rows("2026-11-18T11:30:00Z", "2026-11-19T00:00:00Z"), NOW);
    put(&mut scratch.store, id, &rows("2026-11-21T00:00:00Z", "2026-11-22T11:00:00Z"), NOW);
    assert_eq!(
        gaps(&scratch.store, id, NOW),
        [
            "2026-11-18T10:00:00Z 2026-11-18T12:00:00Z 3 not-asked",
            "2026-11-19T00:00:00Z 2026-11-21T00:30:00Z 96 not-asked",
            "2026-11-22T11:00:00Z 2026-11-22T12:00:00Z 2 not-read",
        ]
    );
    let asked = to_ask(&scratch.store, id, NOW);
    assert_eq!(asked[0], (at("2026-11-18T10:00:00Z"), at("2026-11-18T12:00:00Z")), "oldest first");
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_whole_profile_has_no_gap_on_days_of_23_and_25_hours_either() {
    let (mut scratch, id) = Scratch::with_meter();
    put(&mut scratch.store, id, &rows("2026-10-20T00:00:00Z", "2026-10-30T00:00:00Z"), NOW);
    assert_eq!(to_ask(&scratch.store, id, NOW), []);
    // Daily values at local midnight: a period of a day that is 25 hours long once.
    let midnights =
        ["2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z"];
    let daily: Vec<ProfileRow> = midnights
        .iter()
        .map(|end| half_hours(at(end) - SignedDuration::from_mins(30), 1, 1).remove(0))
        .collect();
    let layout =
        ProfileLayout { obis: "1-0:99.2.0*255".parse().unwrap(), period_seconds: 86_400, ..layout(1) };
    scratch.store.merge_profile(id, &layout, &daily, at(NOW)).unwrap();
    assert_eq!(scratch.store.gaps_to_ask(id, layout.obis, at(NOW)).unwrap(), []);
}

#[test]
fn a_doubled_interval_does_not_hide_a_hole_of_the_same_day() {
    let (mut scratch, id) = Scratch::with_meter();
    let mut day = rows("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z");
    day.remove(20);
    let mut doubled = day[4].clone();
    doubled.status |= IntervalStatus::CLOCK_ADJUSTED;
    day.push(doubled);
    put(&mut scratch.store, id, &day, NOW);
    assert_eq!(to_ask(&scratch.store, id, NOW), [(at("2026-11-18T10:00:00Z"), at("2026-11-18T11:00:00Z"))]);
}

#[test]
fn two_layouts_of_one_profile_cover_each_others_time() {
    let (mut scratch, id) = Scratch::with_meter();
    put(&mut scratch.store, id, &rows("2026-11-18T00:00:00Z", "2026-11-18T10:00:00Z"), NOW);
    let later = half_hours(at("2026-11-18T10:00:00Z"), 28, 2);
    scratch.store.merge_profile(id, &layout(2), &later, at(NOW)).unwrap();
    assert_eq!(to_ask(&scratch.store, id, NOW), []);
}

fn asked(from: &str, to: &str, first: Option<&str>) -> [Asked; 1] {
    [Asked { from: at(from), to: at(to), first: first.map(at) }]
}

#[test]
fn what_a_meter_does_not_give_when_asked_is_final_with_its_reason() {
    let (mut scratch, id) = Scratch::with_meter();
    for (from, to) in [
        ("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z"),
        ("2026-11-18T00:00:00Z", "2026-11-18T10:00:00Z"),
        ("2026-11-18T14:00:00Z", "2026-11-22T12:00:00Z"),
    ] {
        put(&mut scratch.store, id, &rows(from, to), NOW);
    }
    let outage = asked("2026-11-18T10:00:00Z", "2026-11-18T14:30:00Z", Some("2026-11-18T10:00:00Z"));
    scratch.store.note_asked(id, obis(), &outage, at(NOW)).unwrap();
    assert_eq!(to_ask(&scratch.store, id, NOW).len(), 1, "the other one was not asked for");
    let old = asked("2026-09-02T00:00:00Z", "2026-11-18T00:30:00Z", Some("2026-11-18T00:30:00Z"));
    scratch.store.note_asked(id, obis(), &old, at(NOW)).unwrap();
    assert_eq!(to_ask(&scratch.store, id, NOW), []);
    let reasons: Vec<GapReason> =
        scratch.store.gaps(id, at(NOW)).unwrap().into_iter().map(|gap| gap.reason).collect();
    assert_eq!(reasons, [GapReason::NotHeld(Some(at("2026-11-18T00:30:00Z"))), GapReason::NotRecorded]);
    assert!(reasons.iter().all(GapReason::is_final));
}

#[test]
fn intervals_that_come_after_all_close_a_final_gap() {
    let (mut scratch, id) = Scratch::with_meter();
    put(&mut scratch.store, id, &rows("2026-11-22T00:00:00Z", "2026-11-22T04:00:00Z"), NOW);
    put(&mut scratch.store, id, &rows("2026-11-22T06:00:00Z", "2026-11-22T12:00:00Z"), NOW);
    let whole = asked("2026-11-22T04:00:00Z", "2026-11-22T06:30:00Z", None);
    scratch.store.note_asked(id, obis(), &whole, at(NOW)).unwrap();
    put(&mut scratch.store, id, &rows("2026-11-22T04:00:00Z", "2026-11-22T05:00:00Z"), NOW);
    assert_eq!(gaps(&scratch.store, id, NOW), ["2026-11-22T05:00:00Z 2026-11-22T06:30:00Z 2 not-held"]);
    put(&mut scratch.store, id, &rows("2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z"), NOW);
    assert!(gaps(&scratch.store, id, NOW).is_empty());
}

#[test]
fn a_clock_that_ran_ahead_neither_hides_what_comes_nor_keeps_its_stamps_for_good() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    put(store, id, &rows("2026-11-21T00:00:00Z", "2026-11-22T12:00:00Z"), NOW);
    // The meter's clock says the 24th.
    put(store, id, &rows("2026-11-24T00:00:00Z", "2026-11-24T02:00:00Z"), NOW);
    let last = |store: &Store, now: &str| store.last_end_until(id, obis(), at(now)).unwrap().unwrap();
    assert_eq!(last(store, NOW), at(NOW), "what is asked for next begins where it should");
    assert_eq!(to_ask(store, id, NOW), [], "the gap up to the false stamps is none");
    assert_eq!(gaps(store, id, NOW), ["2026-11-24T00:00:00Z 2026-11-24T02:00:00Z 4 clock-ahead"]);
    // The clock was set right, and the time of the false stamps comes.
    put(store, id, &rows("2026-11-22T12:00:00Z", "2026-11-24T00:00:00Z"), "2026-11-24T00:10:00Z");
    let later = "2026-11-24T01:15:00Z";
    assert_eq!(last(store, later), at("2026-11-24T01:00:00Z"));
    assert_eq!(to_ask(store, id, later), [(at("2026-11-24T00:00:00Z"), at(later))]);
    let again = asked("2026-11-24T00:00:00Z", later, Some("2026-11-24T00:30:00Z"));
    store.note_asked(id, obis(), &again, at(later)).unwrap();
    let end = "2026-11-24T03:00:00Z";
    assert_eq!(
        to_ask(store, id, end),
        [(at("2026-11-24T00:45:00Z") + SignedDuration::from_micros(1), at("2026-11-24T02:00:00Z"))]
    );
    let rest = asked("2026-11-24T00:30:00Z", end, Some("2026-11-24T00:30:00Z"));
    store.note_asked(id, obis(), &rest, at(end)).unwrap();
    assert_eq!(to_ask(store, id, end), []);
}

#[test]
fn a_hole_between_false_stamps_and_now_is_found_within_a_day_too() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    // One day block that holds both what is past and what is ahead.
    put(store, id, &rows("2026-11-22T00:00:00Z", "2026-11-22T12:00:00Z"), NOW);
    put(store, id, &rows("2026-11-22T20:00:00Z", "2026-11-22T22:00:00Z"), NOW);
    assert_eq!(store.last_end_until(id, obis(), at(NOW)).unwrap(), Some(at(NOW)));
    assert_eq!(to_ask(store, id, NOW), []);
}

#[test]
fn intervals_that_came_unasked_hide_none_that_were_not_asked_for() {
    let (mut scratch, id) = Scratch::with_meter();
    let pushed = rows("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z");
    scratch.store.merge_pushed(id, &layout(1), &pushed, at(NOW)).unwrap();
    let last = |store: &Store| store.last_end_until(id, obis(), at(NOW)).unwrap();
    assert_eq!(last(&scratch.store), None, "nothing was asked for yet");
    put(&mut scratch.store, id, &rows("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"), NOW);
    assert_eq!(last(&scratch.store), Some(at("2026-11-20T00:00:00Z")));
    scratch.store.merge_pushed(id, &layout(1), &rows("2026-11-22T11:00:00Z", NOW), at(NOW)).unwrap();
    assert_eq!(last(&scratch.store), Some(at("2026-11-20T00:00:00Z")));
    put(&mut scratch.store, id, &rows("2026-11-20T00:00:00Z", NOW), NOW);
    assert_eq!(last(&scratch.store), Some(at(NOW)));
    assert_eq!(to_ask(&scratch.store, id, NOW), []);
}
