//! Profiles of meters with oddities, billing and logs.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::model::template::Selection;
use crate::model::{CaptureObject, Fault, Quality, What};
use crate::protocol::dlms::{Conformance, Data};

use super::fake_meter::{Access, Beyond, FakeProfile, clock_column, column, obis};
use super::recorder::{Bench, Recorder, at};

const PROFILE: &str = "1-0:99.1.0";

fn days(bench: &Bench, days: i64) -> (Option<Timestamp>, Option<Timestamp>) {
    (Some(bench.now - SignedDuration::from_hours(24 * days)), None)
}

fn rows(got: &Recorder) -> usize {
    got.rows.get(&obis(PROFILE)).map_or(0, Vec::len)
}

fn is_clean(got: &Recorder) -> bool {
    let ends: Vec<Timestamp> = got.rows.values().flatten().map(|row| row.end).collect();
    got.faults.is_empty() && ends.windows(2).all(|pair| pair[0] < pair[1])
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_range_access_entries_are_asked_for_and_the_refusal_is_remembered() {
    // facts/dlms-quirks.md, 76.
    for refusal in [13, 250] {
        let mut bench = Bench::new();
        bench.meter.load_profile().range = Access::Refused(refusal);
        let got = bench.read(&[What::Profile], days(&bench, 2)).await;
        assert!(rows(&got) == 96 && is_clean(&got), "{} rows, {:?}", rows(&got), got.faults);
        bench.meter.count_anew();
        assert_eq!(rows(&bench.read(&[What::Profile], days(&bench, 2)).await), 96);
        let selectors: Vec<u8> =
            bench.meter.asked.iter().filter_map(|one| Some(one.selective.as_ref()?.selector)).collect();
        assert_eq!(selectors, [2]);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_long_profile_comes_by_entries_in_windows_and_every_row_once() {
    for newest_first in [false, true] {
        let mut bench = Bench::new();
        let profile = bench.meter.load_profile();
        profile.range = Access::Refused(13);
        profile.newest_first = newest_first;
        let got = bench.read(&[What::Profile], (None, None)).await;
        assert!(got.deliveries > 1);
        let ends: BTreeSet<_> = got.rows[&obis(PROFILE)].iter().map(|row| row.end).collect();
        assert_eq!((ends.len(), got.faults.len()), (60 * 48, 0), "newest first: {newest_first}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_any_selective_access_everything_is_read_and_filtered() {
    // facts/dlms-quirks.md, 76.
    let mut bench = Bench::new();
    let profile = bench.meter.load_profile();
    (profile.range, profile.entry) = (Access::Refused(13), Access::Refused(13));
    let got = bench.read(&[What::Profile], days(&bench, 2)).await;
    assert!(rows(&got) == 96 && is_clean(&got));

    let mut bench = Bench::new();
    bench.meter.conformance.remove(Conformance::SELECTIVE_ACCESS);
    let got = bench.read(&[What::Profile], days(&bench, 2)).await;
    assert!(rows(&got) == 96 && is_clean(&got));
    assert!(bench.meter.asked.iter().all(|one| one.selective.is_none()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_ignores_the_range_is_not_asked_window_by_window() {
    // facts/dlms-quirks.md, 76.
    let mut bench = Bench::new();
    bench.meter.load_profile().range = Access::Ignored;
    let got = bench.read(&[What::Profile], days(&bench, 50)).await;
    assert!(rows(&got) == 2400 && is_clean(&got));
    assert_eq!(bench.meter.times_asked(7, PROFILE, 2), 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_range_that_only_a_list_spoils_is_asked_for_alone_from_then_on() {
    let mut bench = Bench::new();
    bench.meter.load_profile().range = Access::RefusedInList(250);
    let what = [What::Registers, What::Profile];
    assert_eq!(rows(&bench.read(&what, days(&bench, 1)).await), 48);
    bench.meter.count_anew();
    assert_eq!(rows(&bench.read(&what, days(&bench, 1)).await), 48);
    assert_eq!(bench.meter.times_asked(7, PROFILE, 2), 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_template_says_which_form_of_access_comes_first() {
    let mut bench = Bench::new();
    bench.access.template.requests.selective_access = vec![Selection::Entry];
    assert_eq!(rows(&bench.read(&[What::Profile], days(&bench, 1)).await), 48);
    assert!(bench.meter.asked.iter().filter_map(|one| one.selective.as_ref()).all(|one| one.selector == 2));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn every_form_of_an_empty_profile_is_no_rows_and_no_failure() {
    // facts/dlms-quirks.md, 77.
    for empty in [Ok(Data::Array(Vec::new())), Ok(Data::Null), Err(250), Err(11)] {
        let mut bench = Bench::new();
        let profile = bench.meter.load_profile();
        profile.rows.clear();
        profile.empty = empty.clone();
        let got = bench.read(&[What::Profile], days(&bench, 1)).await;
        assert_eq!((rows(&got), got.faults), (0, Vec::<Fault>::new()), "{empty:?}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_gap_that_is_answered_by_a_refusal_does_not_unlearn_the_range() {
    // facts/dlms-quirks.md, 77.
    let mut bench = Bench::new();
    bench.meter.load_profile().empty = Err(250);
    bench.read(&[What::Profile], days(&bench, 1)).await;
    let gap = (Some(at("2020-01-01T00:00:00Z")), Some(at("2020-01-02T00:00:00Z")));
    let got = bench.read(&[What::Profile], gap).await;
    assert_eq!((rows(&got), got.faults.len()), (0, 0));
    assert!(bench.knowledge.no_range.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_number_of_entries_that_is_wrong_costs_no_rows() {
    // facts/dlms-quirks.md, 78.
    for claimed in [1, 2882, 100_000] {
        let mut bench = Bench::new();
        bench.meter.load_profile().entries_in_use = Some(claimed);
        let got = bench.read(&[What::Profile], (None, None)).await;
        assert!(rows(&got) == 2880 && is_clean(&got), "{claimed}: {} rows", rows(&got));
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_number_of_entries_that_no_meter_holds_is_not_asked_for_piece_by_piece() {
    let mut bench = Bench::new();
    let profile = bench.meter.load_profile();
    profile.range = Access::Refused(13);
    profile.entries_in_use = Some(u32::MAX);
    let got = bench.read(&[What::Profile], (None, None)).await;
    assert!(rows(&got) == 2880 && is_clean(&got), "{} rows", rows(&got));
    let requests = bench.meter.asked.iter().filter(|one| one.class_id == 7 && one.attribute == 2).count();
    assert!(requests < 5, "{requests} requests for rows");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_read_goes_on_where_the_store_ends_and_reads_the_last_interval_again() {
    // facts/dlms-quirks.md, 81.
    let mut bench = Bench::new();
    let mut sink = bench.recorder();
    bench.read_into(&[What::Profile], days(&bench, 2), &mut sink).await.unwrap();
    bench.now = at("2026-11-22T17:10:00Z");
    sink.now = bench.now;
    let fresh = FakeProfile::load(bench.now, 1).rows.split_off(46);
    bench.meter.load_profile().rows.extend(fresh);
    let before = rows(&sink);
    bench.read_into(&[What::Profile], (None, None), &mut sink).await.unwrap();
    let came: Vec<String> =
        sink.rows[&obis(PROFILE)][before..].iter().map(|row| row.end.to_string()).collect();
    assert_eq!(came, ["2026-11-22T16:00:00Z", "2026-11-22T16:30:00Z", "2026-11-22T17:00:00Z"]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_captures_while_it_is_read_by_entry_loses_no_row() {
    // facts/dlms-quirks.md, 81.
    let mut bench = Bench::new();
    bench.now = at("2026-11-22T16:31:00Z");
    let fresh = FakeProfile::load(bench.now, 1).rows.split_off(47);
    let profile = bench.meter.load_profile();
    profile.range = Access::Refused(13);
    profile.newest_first = true;
    profile.captures_while_reading = fresh;
    let got = bench.read(&[What::Profile], (None, None)).await;
    let ends: BTreeSet<_> = got.rows[&obis(PROFILE)].iter().map(|row| row.end).collect();
    assert_eq!(ends.len(), 2881);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn columns_that_were_captured_anew_are_learnt_in_the_same_session() {
    let mut bench = Bench::new();
    bench.read(&[What::Profile], days(&bench, 1)).await;
    let profile = bench.meter.load_profile();
    profile.captured.truncate(3);
    let got = bench.read(&[What::Profile], days(&bench, 1)).await;
    assert_eq!(rows(&got), 48);
    assert_eq!(got.layouts.last().unwrap().channels.len(), 2);
    assert!(got.remarks[0].contains("captures other objects"), "{:?}", got.remarks);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_profile_without_a_clock_is_not_guessed_at() {
    let mut bench = Bench::new();
    bench.meter.load_profile().captured.remove(0);
    let got = bench.read(&[What::Profile], days(&bench, 1)).await;
    assert!(got.faults[0].message.contains("no clock"), "{:?}", got.faults);
    assert_eq!(rows(&got), 0);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_refused_profile_fails_the_read_each_time_and_the_rest_is_read() {
    let mut bench = Bench::new();
    bench.meter.refuse(7, PROFILE, 2, 3);
    for _read in 0..2 {
        let got = bench.read(&[What::Registers, What::Profile], days(&bench, 1)).await;
        assert!(got.faults[0].message.contains(PROFILE), "{:?}", got.faults);
        assert_eq!(got.registers.len(), 12);
    }
    bench.meter.refuse(7, PROFILE, 3, 3);
    bench.knowledge = crate::model::Knowledge::default();
    for _read in 0..2 {
        let got = bench.read(&[What::Registers, What::Profile], days(&bench, 1)).await;
        assert!(got.faults[0].message.contains("columns"), "{:?}", got.faults);
    }
    assert_eq!(bench.meter.times_asked(7, PROFILE, 3), 2, "at the first read before and after");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn billing_sets_and_events_are_read_whole_and_then_from_where_the_store_ends() {
    let mut bench = Bench::new();
    let code = CaptureObject { ..column(1, "0-0:96.11.0") };
    let month = |text: &str, value: u32| (at(text), vec![Data::U32(value)]);
    bench.meter.profiles.insert(
        obis("0-0:98.1.0"),
        FakeProfile::of(
            vec![clock_column(), column(3, "1.8.0")],
            0,
            vec![month("2026-09-30T22:00:00Z", 90), month("2026-10-31T23:00:00Z", 100)],
        ),
    );
    let event = |text: &str, code: u8| (at(text), vec![Data::U8(code)]);
    bench.meter.profiles.insert(
        obis("0-0:99.98.0"),
        FakeProfile::of(
            vec![clock_column(), code],
            0,
            vec![event("2026-11-03T04:00:00Z", 1), event("2026-11-03T04:10:00Z", 2)],
        ),
    );
    let mut sink = bench.recorder();
    bench.read_into(&[What::Billing, What::Events], (None, None), &mut sink).await.unwrap();
    let sets: Vec<String> = sink.billing.iter().map(|set| set.at.to_string()).collect();
    assert_eq!(sets, ["2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"]);
    assert_eq!(sink.billing[1].registers[0].value.text().unwrap(), "100");
    let texts: Vec<&str> = sink.events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(texts, ["Supply failed", "Supply returned"]);
    let more = event("2026-11-04T04:00:00Z", 3);
    bench.meter.profiles.get_mut(&obis("0-0:99.98.0")).unwrap().rows.push(more);
    bench.read_into(&[What::Events], (None, None), &mut sink).await.unwrap();
    let codes: Vec<u32> = sink.events.iter().filter_map(|event| event.code).collect();
    assert_eq!(codes, [1, 2, 2, 3], "the last one again, for the store to recognise");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn rows_that_a_fast_clock_left_in_the_future_do_not_hide_those_captured_since() {
    let mut bench = Bench::new();
    let mut sink = bench.recorder();
    let newest = FakeProfile::load(at("2026-11-22T18:10:00Z"), 1).rows.split_off(47);
    bench.meter.load_profile().rows.extend(newest);
    let span = (Some(at("2026-11-22T15:00:00Z")), Some(at("2026-11-22T19:00:00Z")));
    bench.read_into(&[What::Profile], span, &mut sink).await.unwrap();
    let before = rows(&sink);
    bench.read_into(&[What::Profile], (None, None), &mut sink).await.unwrap();
    assert!(sink.rows[&obis(PROFILE)][before..].iter().any(|row| row.end == at("2026-11-22T16:00:00Z")));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn gaps_are_asked_for_oldest_first_with_the_intervals_around_them_and_then_what_is_new() {
    for range in [Access::Works, Access::Refused(13)] {
        let mut bench = Bench::new();
        bench.meter.load_profile().range = range;
        let (from, to) = days(&bench, 1);
        let mut sink = bench.recorder();
        bench.read_into(&[What::Profile], (from, to), &mut sink).await.unwrap();
        let (read, new) = (rows(&sink), at("2026-11-20T00:00:00Z"));
        // The second one begins before the meter's record does.
        let held = bench.meter.load_profile().rows.len();
        bench.meter.load_profile().rows.drain(..held - 400);
        sink.gaps =
            vec![(at("2026-09-01T00:00:00Z"), at("2026-09-02T00:00:00Z")), (new, at("2026-11-20T03:00:00Z"))];
        sink.asked.clear();
        bench.read_into(&[What::Profile], (None, None), &mut sink).await.unwrap();
        let came: Vec<Timestamp> = sink.rows[&obis(PROFILE)][read..].iter().map(|row| row.end).collect();
        assert!(came.contains(&at("2026-11-20T01:30:00Z")), "{came:?}");
        let firsts: Vec<Option<Timestamp>> = sink.asked.iter().map(|asked| asked.first).collect();
        assert_eq!(firsts[..2], [None, Some(new)], "the meter no longer holds the first one");
        assert_eq!(firsts.len(), 3);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_range_that_was_refused_for_being_empty_is_not_given_up() {
    // facts/dlms-quirks.md, 77.
    let mut bench = Bench::new();
    bench.meter.load_profile().empty = Err(250);
    let gap = (Some(at("2020-01-01T00:00:00Z")), Some(at("2020-01-02T00:00:00Z")));
    let got = bench.read(&[What::Profile], gap).await;
    assert_eq!((rows(&got), got.faults.len()), (0, 0));
    assert!(bench.knowledge.no_range.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_answer_that_makes_no_sense_fails_the_profile_and_unlearns_nothing() {
    // facts/dlms-quirks.md, 71.
    let mut bench = Bench::new();
    let what = [What::Registers, What::Profile];
    bench.read(&what, days(&bench, 1)).await;
    bench.meter.garbled = Some(obis(PROFILE));
    let got = bench.read(&what, days(&bench, 1)).await;
    assert_eq!((rows(&got), got.registers.len(), got.faults.len()), (0, 12, 1));
    assert!(got.faults[0].message.contains("makes no sense") && got.faults[0].passing, "{:?}", got.faults);
    assert!(got.remarks.iter().any(|text| text.contains("offset")), "{:?}", got.remarks);
    bench.meter.garbled = None;
    assert_eq!(rows(&bench.read(&what, days(&bench, 1)).await), 48);
    assert!(bench.knowledge.no_range.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_end_of_a_span_is_included_and_its_beginning_belongs_to_the_day_before() {
    let mut bench = Bench::new();
    let span = (Some(at("2026-11-20T23:00:00Z")), Some(at("2026-11-21T23:00:00Z")));
    let got = bench.read(&[What::Profile], span).await;
    let rows = &got.rows[&obis(PROFILE)];
    assert_eq!(rows.len(), 48);
    assert_eq!(rows[0].end, at("2026-11-20T23:30:00Z"));
    assert_eq!(rows[47].end, at("2026-11-21T23:00:00Z"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn days_of_25_hours_are_read_whole_whichever_rule_the_meter_keeps() {
    use crate::model::ZonePolicy;
    for policy in [ZonePolicy::Deviation, ZonePolicy::MeterZone, ZonePolicy::StandardTime] {
        let mut bench = Bench::new();
        bench.access.template.clock.zone_policy = policy;
        bench.meter.rule.policy = policy;
        let span = (Some(at("2026-10-24T22:00:00Z")), Some(at("2026-10-25T23:00:00Z")));
        let got = bench.read(&[What::Profile], span).await;
        assert!(rows(&got) == 50 && is_clean(&got), "{policy:?}: {} rows", rows(&got));
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_column_of_words_is_remarked_once_with_its_first_word() {
    let mut bench = Bench::new();
    bench.access.template.profiles.days_per_request = 1;
    for (at, values) in &mut bench.meter.load_profile().rows {
        values[4] = Data::Visible(format!("N{}", at.as_second()).into_bytes());
        values[1] = Data::Null;
    }
    let got = bench.read(&[What::Profile], days(&bench, 3)).await;
    assert!(got.deliveries > 1 && rows(&got) == 144);
    let [remark] = &got.remarks[..] else { panic!("{:?}", got.remarks) };
    let first = at("2026-11-19T16:30:00Z");
    for part in ["32.7.0", PROFILE, &format!("\"N{}\" at {first}", first.as_second()), "value-unreadable"] {
        assert!(remark.contains(part), "{part}: {remark}");
    }
    assert!(got.rows[&obis(PROFILE)].iter().all(|row| row.quality == Quality::Suspect));
    assert!(got.faults.is_empty(), "{:?}", got.faults);
}

fn distinct(got: &Recorder) -> usize {
    got.rows.get(&obis(PROFILE)).into_iter().flatten().map(|row| row.end).collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_range_access_a_number_of_entries_that_is_too_small_costs_no_rows_and_is_remarked() {
    // facts/dlms-quirks.md, 78.
    for newest_first in [false, true] {
        for (told, beyond) in
            [(0, Beyond::Empty), (1, Beyond::Empty), (100, Beyond::Empty), (2000, Beyond::All)]
        {
            let mut bench = Bench::new();
            let profile = bench.meter.load_profile();
            (profile.range, profile.entries_in_use) = (Access::Refused(250), Some(told));
            (profile.newest_first, profile.beyond) = (newest_first, beyond);
            for (span, wanted) in [((None, None), 2880), (days(&bench, 50), 2400)] {
                bench.meter.count_anew();
                let got = bench.read(&[What::Profile], span).await;
                assert_eq!(
                    (distinct(&got), got.faults.len()),
                    (wanted, 0),
                    "{newest_first} {told} {beyond:?}"
                );
                let is_told =
                    |text: &&String| text.contains(&format!("tells of {told} entries in use and has 2880"));
                let remarks = got.remarks.iter().filter(is_told).count();
                assert_eq!(remarks, 1, "{newest_first} {told}: {:?}", got.remarks);
                let asked = bench.meter.times_asked(7, PROFILE, 2);
                assert!(asked < 40, "{asked} requests");
            }
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_true_number_of_entries_is_doubted_only_where_a_row_may_be_missing() {
    for newest_first in [false, true] {
        for beyond in [Beyond::Empty, Beyond::Last, Beyond::All] {
            let mut bench = Bench::new();
            let profile = bench.meter.load_profile();
            (profile.range, profile.newest_first, profile.beyond) =
                (Access::Refused(13), newest_first, beyond);
            bench.read(&[What::Profile], days(&bench, 2)).await;
            bench.meter.count_anew();
            let got = bench.read(&[What::Profile], days(&bench, 2)).await;
            assert_eq!((rows(&got), bench.meter.times_asked(7, PROFILE, 2)), (96, 1));
            // Half a day without a capture: the meter was off, or tells of too few.
            let held = bench.meter.load_profile().rows.len();
            bench.meter.load_profile().rows.truncate(held - 24);
            bench.meter.count_anew();
            let got = bench.read(&[What::Profile], days(&bench, 2)).await;
            assert_eq!((distinct(&got), got.remarks.len()), (72, 0), "{beyond:?}: {:?}", got.remarks);
            let times = bench.meter.times_asked(7, PROFILE, 2);
            assert_eq!(times, if newest_first { 1 } else { 2 }, "{beyond:?}");
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_sort_method_that_is_the_other_way_round_costs_no_rows_by_entry() {
    for newest_first in [false, true] {
        let mut bench = Bench::new();
        let profile = bench.meter.load_profile();
        (profile.range, profile.newest_first, profile.sort_lies) = (Access::Refused(13), newest_first, true);
        let got = bench.read(&[What::Profile], days(&bench, 2)).await;
        assert_eq!((distinct(&got), got.faults.len()), (96, 0), "newest first: {newest_first}");
    }
}
