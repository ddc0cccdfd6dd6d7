//! A program that is killed in the middle of writing loses nothing that it had reported as stored.
//!
//! This test starts itself again as a writer, reads the writer's reports, kills it at a random moment, opens the
//! store and compares; many times over, on one store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use meterwright::model::{
    Channel, Decimal, IntervalStatus, Line, MeterConfig, MeterId, MeterStamp, Obis, ProfileLayout,
    ProfileRow, Quality, ReadingValue, RegisterReading, ScalerUnit, Side, Unit,
};
use meterwright::store::{Store, StoreReader};

const STORE: &str = "METERWRIGHT_TEST_WRITES_TO";
const FIRST_BATCH: &str = "METERWRIGHT_TEST_FIRST_BATCH";
const KILLS: u64 = 40;
const CHANNELS: u8 = 4;
/// A batch of rows goes over midnight and lies over the half of the one before.
const ROWS: i64 = 60;
const STEP: i64 = 30;
const COUNTERS: u32 = 3;

fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn interval_end(interval: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + interval * 1800).unwrap()
}

/// Interval number `interval`: the same content whoever makes it.
fn row(interval: i64) -> ProfileRow {
    let end = interval_end(interval);
    let bits = mixed(interval.cast_unsigned());
    let value = |channel: u8| {
        let digits = i128::from(mixed(bits ^ u64::from(channel)) % 5000);
        (bits % 50 != u64::from(channel)).then(|| Decimal::new(digits, -3))
    };
    ProfileRow {
        end,
        stamp: Some(MeterStamp {
            local: jiff::tz::Offset::constant(1).to_datetime(end),
            deviation_minutes: Some(-60),
            clock_status: Some(0),
        }),
        status: if bits.is_multiple_of(40) { IntervalStatus::POWER_DOWN } else { IntervalStatus::empty() },
        raw_status: Some(bits % 3),
        quality: Quality::Actual,
        values: (0..CHANNELS).map(value).collect(),
    }
}

fn batch_rows(batch: i64) -> Vec<ProfileRow> {
    (batch * STEP..batch * STEP + ROWS).map(row).collect()
}

fn batch_register(batch: i64) -> RegisterReading {
    RegisterReading {
        obis: Obis::new(1, 0, 1, 8, 0, 255),
        attribute: 2,
        name: "Active import energy".to_owned(),
        value: ReadingValue::Number(Decimal::new(batch.into(), -3)),
        unit: Unit::WH,
        side: Side::Secondary,
        read_at: interval_end(batch),
        stamp: None,
    }
}

fn layout() -> ProfileLayout {
    let channel = |number: u8| Channel {
        obis: Obis::new(1, 0, number + 1, 29, 0, 255),
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: format!("Channel {number}"),
        scaler_unit: ScalerUnit { scaler: -3, unit: Unit::WH },
        side: Side::Secondary,
    };
    ProfileLayout {
        obis: Obis::new(1, 0, 99, 1, 0, 255),
        name: "Load profile".to_owned(),
        period_seconds: 1800,
        channels: (0..CHANNELS).map(channel).collect(),
    }
}

fn the_meter(store: &StoreReader) -> MeterId {
    store.meter_named("House 1").unwrap().unwrap().id
}

/// Not a test of its own: the writer that the test below starts and kills. It reports each batch after it was stored.
#[test]
fn writer_that_is_killed() {
    let (Ok(path), Ok(first)) = (std::env::var(STORE), std::env::var(FIRST_BATCH)) else { return };
    let mut store = Store::open(Path::new(&path)).unwrap();
    let meter = the_meter(&store);
    let mut out = std::io::stdout();
    for batch in first.parse::<i64>().unwrap().. {
        let counter = store.reserve_counters(meter, "client/1", COUNTERS).unwrap();
        writeln!(out, "\ncounters {counter}").unwrap();
        out.flush().unwrap();
        store.merge_profile(meter, &layout(), &batch_rows(batch), interval_end(batch)).unwrap();
        store.put_registers(meter, &[batch_register(batch)], false).unwrap();
        writeln!(out, "stored {batch}").unwrap();
        out.flush().unwrap();
    }
}

/// What a writer reported before its end: the last batch, and the first of each run of counters.
#[derive(Default)]
struct Reported {
    last_batch: Option<i64>,
    counters: Vec<u32>,
}

impl Reported {
    /// Takes a line that came whole; the last one may have been cut by the kill.
    fn take(&mut self, line: &str) {
        let Some(line) = line.strip_suffix('\n') else { return };
        if let Some(batch) = line.strip_prefix("stored ") {
            self.last_batch = Some(batch.parse().unwrap());
        } else if let Some(counter) = line.strip_prefix("counters ") {
            self.counters.push(counter.parse().unwrap());
        }
    }
}

/// Starts a writer and kills it somewhere after its `reports`-th report.
fn write_and_kill(path: &Path, first_batch: i64, reports: u64, idle_turns: u64) -> Reported {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer_that_is_killed", "--nocapture"])
        .env(STORE, path)
        .env(FIRST_BATCH, first_batch.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap());
    let mut reported = Reported::default();
    let mut line = String::new();
    let mut seen = 0;
    while seen < reports && lines.read_line(&mut line).unwrap() > 0 {
        seen += u64::from(line.starts_with("stored") || line.starts_with("counters"));
        reported.take(&line);
        line.clear();
    }
    // The writer is on its way into the next step; how far it gets differs from kill to kill.
    for _ in 0..idle_turns {
        std::thread::yield_now();
    }
    writer.kill().unwrap();
    assert!(!writer.wait().unwrap().success(), "the writer ended by itself");
    while lines.read_line(&mut line).unwrap() > 0 {
        reported.take(&line);
        line.clear();
    }
    reported
}

fn assert_batches_are_there(store: &StoreReader, meter: MeterId, batches: std::ops::RangeInclusive<i64>) {
    let profile = store.profiles(meter).unwrap().remove(0);
    let (from, to) = (batches.start() * STEP, batches.end() * STEP + ROWS - 1);
    let rows = store.profile_rows(profile.id, interval_end(from - 1), interval_end(to)).unwrap();
    let wanted: Vec<ProfileRow> = (from..=to).map(row).collect();
    assert_eq!(rows, wanted, "batches {batches:?}");
    for (found, wanted) in rows.iter().zip(&wanted) {
        let digits = |row: &ProfileRow| -> Vec<_> {
            row.values.iter().map(|value| value.map(|value| (value.mantissa(), value.exponent()))).collect()
        };
        assert_eq!(digits(found), digits(wanted));
    }
}

#[test]
fn what_was_reported_as_stored_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meters.db");
    let line: Line = "tcp://meter.example:4059".parse().unwrap();
    let meter = Store::open(&path).unwrap().add_meter(&MeterConfig::new("House 1", line)).unwrap();

    let mut next_batch = 0;
    let mut counters_used_up_to = 0;
    let mut kills_inside_a_batch = 0;
    for round in 0..KILLS {
        let reported = write_and_kill(&path, next_batch, 1 + mixed(round) % 14, mixed(!round) % 8000);
        for first in reported.counters {
            assert!(first > counters_used_up_to, "counter {first} was given before");
            counters_used_up_to = first + COUNTERS - 1;
        }

        let store = Store::open(&path).unwrap();
        store.check().unwrap();
        let next_counter = store.counter(meter, "client/1").unwrap().unwrap_or(1);
        assert!(next_counter > counters_used_up_to, "counters that were given are free again");
        let Some(last) = reported.last_batch else { continue };
        assert_batches_are_there(&store, meter, next_batch..=last);
        next_batch = last + 1;
        let (code, read_at) = (batch_register(last).obis, batch_register(last).read_at);
        let readings = store.register_history(meter, code, read_at, read_at).unwrap();
        // Twice where a writer stored it, was killed before it could report it, and the next one began there.
        assert!(!readings.is_empty() && readings.iter().all(|reading| *reading == batch_register(last)));
        let unreported = batch_rows(next_batch).pop().unwrap();
        let last_end = store.last_end(meter, layout().obis).unwrap().unwrap();
        kills_inside_a_batch += u64::from(last_end >= unreported.end);
    }

    let store = StoreReader::open(&path).unwrap();
    assert!(next_batch > 20, "the writers were killed too early to have written anything: {next_batch}");
    assert_batches_are_there(&store, meter, 0..=next_batch - 1);
    let profile = store.profiles(meter).unwrap().remove(0);
    let superseded = store.superseded_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap();
    assert!(superseded.is_empty(), "writing the same again makes no versions");
    println!("{next_batch} batches, {KILLS} kills, {kills_inside_a_batch} between a commit and its report");
}
