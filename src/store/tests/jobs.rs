//! Jobs, results and traffic.

use crate::model::Fault;
use crate::store::{JobResult, TRACE_MIB_SETTING, TraceRecord};

use super::*;

fn result(meter: MeterId, fault: Option<Fault>) -> JobResult {
    JobResult {
        meter,
        at: at("2026-11-22T10:00:00Z"),
        fault,
        registers: 20,
        intervals: 48,
        events: 3,
        exchanges: 17,
        bytes_sent: 1000,
        bytes_received: u64::from(u32::MAX) * 4,
        duration_ms: 1234,
    }
}

fn record(bytes: usize, note: Option<&str>) -> TraceRecord {
    TraceRecord {
        at: at("2026-11-22T10:00:00Z"),
        sent: note.is_none(),
        bytes: vec![0x7E; bytes],
        masked: vec![(3, 8)],
        note: note.map(str::to_owned),
    }
}

#[test]
fn a_job_is_listed_with_its_results_and_sets_the_meters_last_one() {
    let (mut scratch, id) = Scratch::with_meter();
    let other = scratch.store.add_meter(&config("House 2")).unwrap();
    let store = &mut scratch.store;
    let job = store.begin_job("Read 2 meters", at("2026-11-22T09:59:00Z")).unwrap();
    let (well, ill) =
        (result(id, None), result(other, Some(Fault::line("nothing answered", "check the line"))));
    store.put_result(job, &well, "read: 48 intervals").unwrap();
    store.put_result(job, &ill, "nothing answered").unwrap();
    assert_eq!(store.jobs(5).unwrap()[0].ended, None);
    store.end_job(job, at("2026-11-22T10:01:00Z")).unwrap();
    let listed = store.jobs(5).unwrap().remove(0);
    assert_eq!((listed.id, listed.title.as_str()), (job, "Read 2 meters"));
    assert_eq!(listed.ended, Some(at("2026-11-22T10:01:00Z")));
    assert_eq!(listed.results, [well.clone(), ill]);
    let row = store.meter(id).unwrap().unwrap();
    assert_eq!((row.last_read, row.last_ok), (Some(well.at), Some(true)));
    assert_eq!(row.last_result.as_deref(), Some("read: 48 intervals"));
    assert_eq!(store.meter(other).unwrap().unwrap().last_ok, Some(false));
    assert_eq!(store.history(id, 10).unwrap(), [(job, well)]);
}

#[test]
fn the_last_jobs_come_newest_first() {
    let mut scratch = Scratch::new();
    let jobs: Vec<i64> = (0..3)
        .map(|number| scratch.store.begin_job(&number.to_string(), at("2026-11-22T10:00:00Z")).unwrap())
        .collect();
    let listed: Vec<i64> = scratch.store.jobs(2).unwrap().iter().map(|job| job.id).collect();
    assert_eq!(listed, [jobs[2], jobs[1]]);
}

#[test]
fn traffic_comes_back_per_meter_in_order() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    let job = store.begin_job("Read", at("2026-11-22T10:00:00Z")).unwrap();
    let other = MeterId(0);
    store.put_trace(job, id, &[record(0, Some("connected")), record(30, None)]).unwrap();
    store.put_trace(job, other, &[record(5, None)]).unwrap();
    store.put_trace(job, id, &[record(7, None)]).unwrap();
    let trace = store.trace(job).unwrap();
    assert_eq!(
        trace,
        [
            (other, record(5, None)),
            (id, record(0, Some("connected"))),
            (id, record(30, None)),
            (id, record(7, None))
        ]
    );
    assert!(store.put_trace(job + 1, id, &[]).is_err(), "a job that never was");
}

#[test]
fn the_oldest_traffic_makes_room_for_the_newest() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    store.put_setting(TRACE_MIB_SETTING, "1").unwrap();
    let jobs: Vec<i64> = (0..3)
        .map(|number| {
            let job = store.begin_job(&number.to_string(), at("2026-11-22T10:00:00Z")).unwrap();
            store.put_trace(job, id, &vec![record(1000, None); 400]).unwrap();
            job
        })
        .collect();
    let kept: Vec<usize> = jobs.iter().map(|job| store.trace(*job).unwrap().len()).collect();
    assert_eq!(kept, [0, 400, 400], "whole jobs go");
    assert_eq!(store.jobs(5).unwrap().len(), 3, "the jobs themselves stay");
}

#[test]
fn a_job_with_more_traffic_than_is_kept_keeps_its_last() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    store.put_setting(TRACE_MIB_SETTING, "1").unwrap();
    let job = store.begin_job("Read", at("2026-11-22T10:00:00Z")).unwrap();
    for size in 1..=30usize {
        store.put_trace(job, id, &vec![record(1000 + size, None); 100]).unwrap();
    }
    let trace = store.trace(job).unwrap();
    assert!((800..1100).contains(&trace.len()), "{}", trace.len());
    assert_eq!(trace.last().unwrap().1.bytes.len(), 1030);
    assert!(trace[0].1.bytes.len() > 1015, "the first are gone");
}

#[test]
fn a_meter_without_intervals_says_why() {
    let (mut scratch, id) = Scratch::with_meter();
    assert_eq!(scratch.store.unread(id).unwrap().as_deref(), Some("it was never read"));
    let job = scratch.store.begin_job("Read", at("2026-11-22T12:00:00Z")).unwrap();
    let silent = result(id, Some(Fault::line("nothing answered", "")));
    scratch.store.put_result(job, &silent, "Nothing answered").unwrap();
    assert_eq!(scratch.store.unread(id).unwrap().as_deref(), Some("Nothing answered"));
    scratch.store.put_result(job, &result(id, None), "Read: 14 registers").unwrap();
    assert_eq!(scratch.store.unread(id).unwrap(), None);
}

#[test]
fn a_result_that_is_put_in_the_place_of_another_is_the_only_one() {
    let (mut scratch, id) = Scratch::with_meter();
    let job = scratch.store.begin_job("Read", at("2026-11-22T12:00:00Z")).unwrap();
    scratch.store.put_result(job, &result(id, None), "Read: 14 registers").unwrap();
    let lost = result(id, Some(Fault::internal("the disk is full")));
    scratch.store.replace_result(job, &lost, "The disk is full").unwrap();
    let results = scratch.store.jobs(1).unwrap().remove(0).results;
    assert_eq!(results, [lost]);
    assert!(!scratch.store.is_unsettled());
}
