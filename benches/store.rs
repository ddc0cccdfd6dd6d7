//! Interval values into a real file, its size, and a year of one channel out of it, beside plain SQLite rows in the
//! same run: `cargo bench --bench store`. `METERS=5000` (and some patience) makes the whole fleet's year.
//!
//! Each value is one channel of one half hour: what a household draws and feeds in, active and reactive, in Wh and
//! varh as a meter of 1 Wh counts them.

#![allow(clippy::expect_used, reason = "a bench fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use meterwright::model::{
    Channel, Decimal, IntervalStatus, MeterConfig, MeterId, Obis, ProfileLayout, ProfileRow, Quality,
    ScalerUnit, Side, Unit,
};
use meterwright::store::Store;
use rusqlite::{Connection, params};

const CHANNELS: usize = 4;
const PERIOD_MINUTES: i64 = 30;
const ROWS_A_DAY: i64 = 48;
const DAYS: i64 = 365;
/// Days that one reading brings: the first read of a meter, in the windows in which the driver hands it over.
const DAYS_A_READING: i64 = 31;

/// Readings that go to disk together, in both files: what sessions of a fleet bring in twenty milliseconds.
const TOGETHER: i64 = 20;

/// Bits that follow from a place (splitmix64).
fn bits(place: u64) -> u64 {
    let mut x = place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ x >> 31
}

/// Watt-hours of a half hour: a base load, a morning, an evening, and appliances that come and go.
fn values(meter: i64, row: i64) -> [i64; CHANNELS] {
    let noise = bits((meter as u64) << 32 | row as u64);
    let slot = row % ROWS_A_DAY;
    let shape = match slot {
        13..=17 => 350,
        33..=44 => 600,
        _ => 60,
    };
    let appliance = if noise.is_multiple_of(11) { (noise >> 8) % 900 } else { 0 } as i64;
    let import = shape + (noise >> 20) as i64 % 90 + appliance;
    let export = if meter % 4 == 0 && (18..32).contains(&slot) { (noise >> 30) as i64 % 700 } else { 0 };
    [import, export, import / 5 + (noise >> 40) as i64 % 15, (noise >> 50) as i64 % 3]
}

fn start() -> Timestamp {
    "2025-01-01T00:00:00Z".parse().expect("an instant")
}

fn end_of(row: i64) -> Timestamp {
    start() + SignedDuration::from_mins(PERIOD_MINUTES * (row + 1))
}

fn layout() -> ProfileLayout {
    let channel = |place: u8| Channel {
        obis: Obis::new(1, 0, place + 1, 29, 0, 255),
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: format!("channel {place}"),
        scaler_unit: ScalerUnit { scaler: 0, unit: Unit::WH },
        side: Side::Secondary,
    };
    ProfileLayout {
        obis: Obis::new(1, 0, 99, 1, 0, 255),
        name: "Load profile".to_owned(),
        period_seconds: 1800,
        channels: (0..CHANNELS as u8).map(channel).collect(),
    }
}

fn rows(meter: i64, from_day: i64, to_day: i64) -> Vec<ProfileRow> {
    let row = |row: i64| ProfileRow {
        end: end_of(row),
        stamp: None,
        status: IntervalStatus::empty(),
        raw_status: None,
        quality: Quality::Actual,
        values: values(meter, row).iter().map(|value| Some(Decimal::new((*value).into(), 0))).collect(),
    };
    (from_day * ROWS_A_DAY..to_day * ROWS_A_DAY).map(row).collect()
}

/// Size of a SQLite file with what stands beside it.
fn file_bytes(path: &Path) -> u64 {
    ["", "-wal"]
        .iter()
        .filter_map(|ending| fs::metadata(format!("{}{ending}", path.display())).ok())
        .map(|found| found.len())
        .sum()
}

struct Figures {
    million_a_second: f64,
    bytes_a_value: f64,
    year_ms: f64,
}

fn ours(folder: &Path, meters: i64, days_a_reading: i64, days: i64) -> Figures {
    let path = folder.join(format!("store-{days_a_reading}.db"));
    let mut store = Store::open(&path).expect("a store");
    let line = || "tcp://127.0.0.1:4059".parse().expect("a line");
    let configs: Vec<_> =
        (0..meters).map(|meter| MeterConfig::new(format!("Meter {meter}"), line())).collect();
    let ids: Vec<MeterId> = store.add_meters(&configs).expect("meters");
    let (layout, mut seconds) = (layout(), 0.0);
    for from in (0..days).step_by(usize::try_from(days_a_reading).unwrap_or(1)) {
        for (meter, id) in (0..).zip(&ids) {
            let rows = rows(meter, from, (from + days_a_reading).min(days));
            let began = Instant::now();
            let now = end_of(days * ROWS_A_DAY);
            store.gather(|store| store.merge_profile(*id, &layout, &rows, now)).expect("stored");
            if meter % TOGETHER == TOGETHER - 1 {
                store.settle().expect("on disk");
            }
            seconds += began.elapsed().as_secs_f64();
        }
        let began = Instant::now();
        store.settle().expect("on disk");
        seconds += began.elapsed().as_secs_f64();
    }
    // Closing a store brings the log into the file.
    drop(store);
    let store = Store::open(&path).expect("a store");
    let count = (meters * days * ROWS_A_DAY * CHANNELS as i64) as f64;
    let bytes = file_bytes(&path);
    let profile = ids.first().and_then(|id| store.profiles(*id).expect("profiles").first().map(|one| one.id));
    let profile = profile.expect("a profile");
    let year = (0..20).map(|_| {
        let began = Instant::now();
        let rows = store.profile_rows(profile, start(), end_of(days * ROWS_A_DAY)).expect("rows");
        assert_eq!(rows.len() as i64, days * ROWS_A_DAY);
        began.elapsed().as_secs_f64() * 1e3
    });
    let year_ms = year.fold(f64::INFINITY, f64::min);
    Figures { million_a_second: count / seconds / 1e6, bytes_a_value: bytes as f64 / count, year_ms }
}

fn plain(folder: &Path, meters: i64, days_a_reading: i64, days: i64) -> Figures {
    let path = folder.join(format!("plain-{days_a_reading}.db"));
    let connection = Connection::open(&path).expect("a file");
    connection
        .execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = full;
             CREATE TABLE value (meter INTEGER, channel INTEGER, at INTEGER, value INTEGER, status INTEGER,
                                 PRIMARY KEY (meter, channel, at)) WITHOUT ROWID;",
        )
        .expect("a table");
    let mut seconds = 0.0;
    for from in (0..days).step_by(usize::try_from(days_a_reading).unwrap_or(1)) {
        for meter in 0..meters {
            let rows = rows(meter, from, (from + days_a_reading).min(days));
            let began = Instant::now();
            if meter % TOGETHER == 0 {
                connection.execute_batch("BEGIN").expect("a transaction");
            }
            {
                let mut insert = connection
                    .prepare_cached("INSERT OR REPLACE INTO value VALUES (?1, ?2, ?3, ?4, 0)")
                    .expect("a statement");
                for row in &rows {
                    for (channel, value) in (0i64..).zip(&row.values) {
                        let value = value.and_then(|value| i64::try_from(value.mantissa()).ok());
                        insert.execute(params![meter, channel, row.end.as_second(), value]).expect("a row");
                    }
                }
            }
            if meter % TOGETHER == TOGETHER - 1 || meter == meters - 1 {
                connection.execute_batch("COMMIT").expect("on disk");
            }
            seconds += began.elapsed().as_secs_f64();
        }
    }
    drop(connection);
    let connection = Connection::open(&path).expect("the file");
    let count = (meters * days * ROWS_A_DAY * CHANNELS as i64) as f64;
    let bytes = file_bytes(&path);
    let year = (0..20).map(|_| {
        let began = Instant::now();
        let mut select = connection
            .prepare_cached("SELECT at, value, status FROM value WHERE meter = 0 ORDER BY channel, at")
            .expect("a statement");
        let read = select
            .query_map((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
            .expect("rows")
            .count();
        assert_eq!(read as i64, days * ROWS_A_DAY * CHANNELS as i64);
        began.elapsed().as_secs_f64() * 1e3
    });
    let year_ms = year.fold(f64::INFINITY, f64::min);
    Figures { million_a_second: count / seconds / 1e6, bytes_a_value: bytes as f64 / count, year_ms }
}

fn main() {
    let meters = std::env::var("METERS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().expect("a folder");
    for (title, days_a_reading, days) in
        [("a month a reading, a year", DAYS_A_READING, DAYS), ("a day a reading, a month", 1, DAYS_A_READING)]
    {
        let ours = ours(folder.path(), meters, days_a_reading, days);
        let plain = plain(folder.path(), meters, days_a_reading, days);
        println!("{meters} meters, {title}:");
        println!(
            "  stored: {:.2} million values a second, plain rows {:.2}: {:.1} times as fast",
            ours.million_a_second,
            plain.million_a_second,
            ours.million_a_second / plain.million_a_second
        );
        println!(
            "  file: {:.2} bytes a value, plain rows {:.1}: {:.1} times as small; 350 million values in {:.0} MiB",
            ours.bytes_a_value,
            plain.bytes_a_value,
            plain.bytes_a_value / ours.bytes_a_value,
            ours.bytes_a_value * 350e6 / 1024.0 / 1024.0
        );
        println!(
            "  all intervals of a meter: {:.1} ms with four channels, plain rows {:.1} ms: {:.1} times as fast",
            ours.year_ms,
            plain.year_ms,
            plain.year_ms / ours.year_ms
        );
    }
}
