//! A program that is killed in the middle of compaction or disposal leaves every interval as it was, or whole months
//! gone that were to go; nothing in between.
//!
//! This test starts itself again as a keeper, reads how far it is, kills it, opens the store and compares.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use meterwright::model::{
    Channel, Decimal, IntervalStatus, Line, MeterConfig, MeterId, Obis, ProfileLayout, ProfileRow, Quality,
    ScalerUnit, Side, Unit,
};
use meterwright::store::{Kind, Pace, Store, StoreReader};

const STORE: &str = "METERWRIGHT_TEST_KEEPS";
const METERS: i64 = 12;
const DAYS: i64 = 130;
const KILLS: u32 = 24;

fn now() -> Timestamp {
    "2026-08-01T00:00:00Z".parse().unwrap()
}

fn cutoff() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn layout() -> ProfileLayout {
    let channel = Channel {
        obis: Obis::new(1, 0, 1, 29, 0, 255),
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: "Active import".to_owned(),
        scaler_unit: ScalerUnit { scaler: 0, unit: Unit::WH },
        side: Side::Secondary,
    };
    let obis = Obis::new(1, 0, 99, 1, 0, 255);
    ProfileLayout { obis, name: "Load profile".to_owned(), period_seconds: 3600, channels: vec![channel] }
}

fn rows(meter: i64) -> Vec<ProfileRow> {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let row = |hour: i64| ProfileRow {
        end: start + SignedDuration::from_hours(hour),
        stamp: None,
        status: IntervalStatus::empty(),
        raw_status: None,
        quality: Quality::Actual,
        values: vec![Some(Decimal::new(i128::from(hour * 37 % 1009 + meter), 0))],
    };
    (1..=DAYS * 24).map(row).collect()
}

/// Not a test of its own: the keeper that the test below starts and kills.
#[test]
fn keeper_that_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let mut store = Store::open(Path::new(&path)).unwrap();
    let mut out = std::io::stdout();
    let mut tell = |_: Pace| {
        writeln!(out, "\nstep").unwrap();
        out.flush().unwrap();
        true
    };
    store.compact(now(), &mut tell).unwrap();
    store.dispose(Kind::Intervals, cutoff(), now(), &mut tell).unwrap();
}

fn all(store: &StoreReader, meter: MeterId) -> Vec<ProfileRow> {
    let profile = store.profiles(meter).unwrap().remove(0);
    store.profile_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap()
}

#[test]
fn upkeep_that_is_killed_at_any_moment_loses_nothing_that_was_to_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meters.db");
    let mut store = Store::open(&path).unwrap();
    let line = || -> Line { "tcp://meter.example:4059".parse().unwrap() };
    let meters: Vec<(i64, MeterId)> = (0..METERS)
        .map(|meter| {
            let id = store.add_meter(&MeterConfig::new(format!("House {meter}"), line())).unwrap();
            store.merge_profile(id, &layout(), &rows(meter), now()).unwrap();
            (meter, id)
        })
        .collect();
    drop(store);

    for kill in 0..KILLS {
        let mut keeper = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "keeper_that_is_killed", "--nocapture"])
            .env(STORE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap());
        let (mut line, mut seen) = (String::new(), 0);
        while seen < 1 + kill % 5 && lines.read_line(&mut line).unwrap() > 0 {
            seen += u32::from(line == "step\n");
            line.clear();
        }
        (0..(kill * 977) % 4000).for_each(|_| std::thread::yield_now());
        keeper.kill().unwrap();
        keeper.wait().unwrap();

        let store = Store::open(&path).unwrap();
        store.check().unwrap();
        for (meter, id) in &meters {
            let (held, wanted) = (all(&store, *id), rows(*meter));
            let gone = wanted.len() - held.len();
            assert_eq!(held, wanted[gone..], "meter {meter} after kill {kill}");
            assert!(gone == 0 || wanted[gone - 1].end <= cutoff(), "meter {meter} lost what was to stay");
        }
    }
    let mut store = Store::open(&path).unwrap();
    store.compact(now(), &mut |_| true).unwrap();
    store.dispose(Kind::Intervals, cutoff(), now(), &mut |_| true).unwrap();
    for (meter, id) in &meters {
        let wanted: Vec<ProfileRow> = rows(*meter).into_iter().filter(|row| row.end > cutoff()).collect();
        assert_eq!(all(&store, *id), wanted);
    }
    store.check().unwrap();
    let taken: u64 = store
        .audit_rows(500)
        .unwrap()
        .iter()
        .filter(|row| row.what == "retention ended")
        .map(|row| row.detail.split(' ').nth(3).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(taken, METERS as u64 * 59 * 24, "what went was counted once, whatever was cut off");
}
