//! Upkeep: months, disposal, checks, copies, status, and older versions brought up to date.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use rusqlite::Connection;

use crate::model::{Decimal, Obis, ProfileRow, ReadingValue, RegisterReading, Side, Unit};
use crate::store::{
    Age, Kind, Pace, RETENTION_SETTING, Retention, StoreError, StoreReader, Upgrade, Upkeep, UpkeepState,
    schema,
};

use super::profiles::{layout, rows};
use super::*;

const START: &str = "2026-01-01T00:00:00Z";
const NOW: &str = "2026-06-20T10:00:00Z";

fn on(_: Pace) -> bool {
    true
}

/// A row, and its values digit by digit.
type Digits = (ProfileRow, Vec<Option<(i128, i8)>>);

/// Digits too: equal numbers may have others.
fn digits(rows: &[ProfileRow]) -> Vec<Digits> {
    let part = |value: &Option<Decimal>| value.map(|value| (value.mantissa(), value.exponent()));
    rows.iter().map(|row| (row.clone(), row.values.iter().map(part).collect())).collect()
}

fn all(store: &StoreReader, id: MeterId) -> Vec<ProfileRow> {
    let profiles = store.profiles(id).unwrap();
    let of = |profile: &crate::store::StoredProfile| {
        store.profile_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap()
    };
    profiles.iter().flat_map(of).collect()
}

fn replaced(store: &StoreReader, id: MeterId) -> Vec<ProfileRow> {
    let Some(profile) = store.profiles(id).unwrap().pop() else { return Vec::new() };
    let versions = store.superseded_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap();
    versions.into_iter().map(|version| version.row).collect()
}

fn blocks(store: &Store) -> (i64, i64) {
    let sql = "SELECT (SELECT count(*) FROM day_block), (SELECT count(*) FROM month_block)";
    store.connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

/// A store with half-hours from the first of January on.
fn with_days(days: i64) -> (Scratch, MeterId, Vec<ProfileRow>) {
    let (mut scratch, id) = Scratch::with_meter();
    let rows = rows(at(START), days * 48, 2);
    scratch.store.merge_profile(id, &layout(2), &rows, at(NOW)).unwrap();
    (scratch, id, rows)
}

#[test]
fn months_that_are_over_become_one_block_each_and_read_the_same() {
    let (mut scratch, id, rows) = with_days(165);
    let before = scratch.store.gaps(id, at(NOW)).unwrap();
    let done = scratch.store.compact(at(NOW), &mut on).unwrap();
    // January to April; May ended less than forty days ago.
    assert_eq!((done.months, done.days, done.left, done.is_stopped), (4, 120, 0, false));
    assert_eq!(blocks(&scratch.store), (45, 4));
    assert!(done.bytes_after < done.bytes_before);
    assert_eq!(digits(&all(&scratch.store, id)), digits(&rows));
    assert_eq!(scratch.store.gaps(id, at(NOW)).unwrap(), before);
    let profile = scratch.store.profiles(id).unwrap().remove(0);
    assert_eq!((profile.intervals, profile.span), (165 * 48, Some((rows[0].end, rows[165 * 48 - 1].end))));
    let some = scratch.store.profile_rows(profile.id, rows[1000].end, rows[2000].end).unwrap();
    assert_eq!(some, rows[1001..=2000]);
    scratch.store.check().unwrap();
    assert_eq!(scratch.store.compact(at(NOW), &mut on).unwrap().months, 0, "there is nothing left to do");
}

#[test]
fn what_comes_late_goes_into_its_month_with_the_version_beside_it() {
    let (mut scratch, id, rows) = with_days(100);
    scratch.store.compact(at(NOW), &mut on).unwrap();
    let again = scratch.store.merge_profile(id, &layout(2), &rows[..3000], at(NOW)).unwrap();
    assert_eq!((again.new, again.same, again.changed), (0, 3000, 0));
    let changed = ProfileRow { values: vec![Some(Decimal::new(1, 0)); 2], ..rows[700].clone() };
    let merged =
        scratch.store.merge_profile(id, &layout(2), std::slice::from_ref(&changed), at(NOW)).unwrap();
    assert_eq!(merged.changed, 1);
    assert_eq!(replaced(&scratch.store, id), [rows[700].clone()]);
    let mut wanted = rows;
    wanted[700] = changed;
    assert_eq!(all(&scratch.store, id), wanted);
    scratch.store.check().unwrap();
}

#[test]
fn a_month_with_holes_keeps_its_gaps() {
    let (mut scratch, id) = Scratch::with_meter();
    let mut rows = rows(at(START), 90 * 48, 1);
    rows.retain(|row| row.end.as_second() / 1800 % 977 != 5);
    // The clock ran off the grid for a while.
    for row in &mut rows[500..520] {
        row.end += SignedDuration::from_mins(7);
    }
    scratch.store.merge_profile(id, &layout(1), &rows, at(NOW)).unwrap();
    let before = scratch.store.gaps(id, at(NOW)).unwrap();
    assert!(before.len() > 3);
    scratch.store.compact(at(NOW), &mut on).unwrap();
    assert!(blocks(&scratch.store).1 >= 2);
    assert_eq!(scratch.store.gaps(id, at(NOW)).unwrap(), before);
}

#[test]
fn compaction_that_is_stopped_goes_on_where_it_was() {
    let (mut scratch, id, rows) = with_days(165);
    for months in 1..=4 {
        let done = scratch.store.compact(at(NOW), &mut |_| false).unwrap();
        assert_eq!((done.months, done.is_stopped), (1, true));
        assert_eq!(blocks(&scratch.store).1, months);
        assert_eq!(all(&scratch.store, id), rows);
    }
}

#[test]
fn a_month_that_holds_too_much_stays_in_days() {
    let (mut scratch, id) = Scratch::with_meter();
    let second = |second: i64| ProfileRow {
        end: at(START) + SignedDuration::from_secs(second),
        stamp: None,
        ..rows(at(START), 1, 1).remove(0)
    };
    let layout = layout(1);
    for day in 0..2 {
        let rows: Vec<ProfileRow> = (0..30_000).map(|n| second(day * 86_400 + n + 1)).collect();
        scratch.store.merge_profile(id, &layout, &rows, at(NOW)).unwrap();
    }
    assert_eq!(scratch.store.compact(at(NOW), &mut on).unwrap().months, 0);
    assert_eq!(blocks(&scratch.store), (2, 0));
}

#[test]
fn a_month_that_grows_too_large_becomes_days_again() {
    let (mut scratch, id) = Scratch::with_meter();
    let second = |second: i64| ProfileRow {
        end: at(START) + SignedDuration::from_secs(second),
        stamp: None,
        ..rows(at(START), 1, 1).remove(0)
    };
    let mut wanted = Vec::new();
    for day in 0..3 {
        let rows: Vec<ProfileRow> = (0..15_000).map(|n| second(day * 86_400 + n * 2 + 2)).collect();
        scratch.store.merge_profile(id, &layout(1), &rows, at(NOW)).unwrap();
        wanted.extend(rows);
    }
    assert_eq!(scratch.store.compact(at(NOW), &mut on).unwrap().months, 1);
    let more: Vec<ProfileRow> = (0..15_000).map(|n| second(n * 2 + 1)).collect();
    scratch.store.merge_profile(id, &layout(1), &more, at(NOW)).unwrap();
    wanted.extend(more);
    wanted.sort_by_key(|row| row.end);
    assert_eq!(blocks(&scratch.store), (3, 0));
    assert_eq!(all(&scratch.store, id), wanted);
}

#[test]
fn intervals_go_in_whole_blocks_with_their_versions_and_the_newest_stays() {
    let (mut scratch, id, rows) = with_days(100);
    let changed = ProfileRow { values: vec![Some(Decimal::new(1, 0)); 2], ..rows[70].clone() };
    scratch.store.merge_profile(id, &layout(2), &[changed], at(NOW)).unwrap();
    scratch.store.compact(at(NOW), &mut on).unwrap();
    let cutoff = at("2026-02-10T00:00:00Z");
    let gone = scratch.store.dispose(Kind::Intervals, cutoff, at(NOW), &mut on).unwrap();
    // January is a block; February stays, since a part of it is younger.
    assert_eq!((gone.items, gone.is_stopped), (31 * 48, false));
    assert_eq!(all(&scratch.store, id), rows[31 * 48..]);
    assert!(replaced(&scratch.store, id).is_empty());
    let rest = scratch.store.dispose(Kind::Intervals, at("9000-01-01T00:00:00Z"), at(NOW), &mut on).unwrap();
    assert!(rest.items > 0);
    assert_eq!(all(&scratch.store, id), rows[90 * 48..], "the next reading goes on in April");
    let words: Vec<String> = scratch
        .store
        .audit_rows(4)
        .unwrap()
        .into_iter()
        .map(|row| format!("{}: {}", row.what, row.detail))
        .collect();
    assert!(
        words[2].starts_with("retention ended: intervals before 2026-02-10T00:00:00Z: 1488 went"),
        "{words:?}"
    );
    assert!(words[3].starts_with("retention began: intervals before 2026-02-10"), "{words:?}");
    scratch.store.verify_audit().unwrap();
    scratch.store.check().unwrap();
}

fn reading(read_at: &str, value: i128) -> RegisterReading {
    RegisterReading {
        obis: Obis::new(1, 0, 1, 8, 0, 255),
        attribute: 2,
        name: "Active import energy".to_owned(),
        value: ReadingValue::Number(Decimal::new(value, 0)),
        unit: Unit::WH,
        side: Side::Secondary,
        read_at: at(read_at),
        stamp: None,
    }
}

#[test]
fn readings_go_only_by_disposal_and_the_newest_of_each_register_stays() {
    let (mut scratch, id) = Scratch::with_meter();
    for (month, instantaneous) in (1..=6).flat_map(|month| [(month, false), (month, true)]) {
        let one = reading(&format!("2024-0{month}-01T00:00:00Z"), i128::from(month));
        scratch.store.put_registers(id, &[one], instantaneous).unwrap();
    }
    assert!(scratch.store.connection.execute("DELETE FROM reading", ()).is_err(), "not by the way");
    let mut retention = Retention::default();
    retention.set(Kind::Registers, Some(Age::Months(12))).unwrap();
    let previews = scratch.store.expiries(&retention, at(NOW)).unwrap();
    let preview = previews.iter().find(|one| one.kind == Kind::Registers).unwrap();
    assert_eq!((preview.items, preview.oldest), (5, Some(at("2024-01-01T00:00:00Z"))));
    let gone = scratch.store.dispose(Kind::Registers, preview.cutoff, at(NOW), &mut on).unwrap();
    assert_eq!(gone.items, 5);
    assert_ne!(gone.hash, [0; 32]);
    let left =
        scratch.store.register_history(id, reading(NOW, 1).obis, Timestamp::MIN, Timestamp::MAX).unwrap();
    assert_eq!(left.len(), 1 + 6, "instantaneous values have a setting of their own");
    assert_eq!(scratch.store.registers(id, false).unwrap(), [reading("2024-06-01T00:00:00Z", 6)]);
    assert!(scratch.store.connection.execute("DELETE FROM reading", ()).is_err());
}

#[test]
fn traffic_and_jobs_go_by_the_age_of_their_job() {
    let (mut scratch, id) = Scratch::with_meter();
    let record = crate::store::TraceRecord {
        at: at(NOW),
        sent: true,
        bytes: vec![1; 100],
        masked: Vec::new(),
        note: None,
    };
    for day in ["2025-01-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-06-19T00:00:00Z"] {
        let job = scratch.store.begin_job("Read", at(day)).unwrap();
        scratch.store.put_trace(job, id, &vec![record.clone(); 300]).unwrap();
    }
    let previews = scratch.store.expiries(&Retention::default(), at(NOW)).unwrap();
    let items = |kind| previews.iter().find(|one| one.kind == kind).unwrap().items;
    assert_eq!((items(Kind::Traces), items(Kind::Jobs)), (600, 1));
    for preview in &previews {
        let gone = scratch.store.dispose(preview.kind, preview.cutoff, at(NOW), &mut on).unwrap();
        assert_eq!(gone.items, preview.items, "{:?}", preview.kind);
    }
    let jobs = scratch.store.jobs(10).unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [3, 2]);
    assert_eq!([2, 3].map(|job| scratch.store.trace(job).unwrap().len()), [0, 300]);
}

#[test]
fn a_disposal_that_was_cut_off_is_ended_with_its_count_by_the_next() {
    let (mut scratch, id, rows) = with_days(60);
    scratch.store.audit(at(NOW), "x", "before", "").unwrap();
    let mut disposals = 0;
    // What a kill leaves: the row of a disposal that took something and was not ended.
    scratch
        .store
        .connection
        .execute(
            "INSERT INTO disposal (kind, cutoff, began, items, bytes, hash) VALUES ('intervals', 0, 0, 7, 70, zeroblob(32))",
            (),
        )
        .unwrap();
    let gone = scratch
        .store
        .dispose(Kind::Intervals, at("2026-02-01T00:00:00Z"), at(NOW), &mut |_| {
            disposals += 1;
            false
        })
        .unwrap();
    assert!(gone.is_stopped && gone.items > 0 && disposals == 1);
    assert!(all(&scratch.store, id).len() < rows.len());
    let details: Vec<String> =
        scratch.store.audit_rows(3).unwrap().into_iter().map(|row| row.detail).collect();
    assert!(details[0].ends_with("stopped before its end"), "{details:?}");
    assert!(details[2].contains("7 went") && details[2].ends_with("cut off before its end"), "{details:?}");
}

#[test]
fn runs_that_lose_their_outcomes_keep_their_counts() {
    use crate::model::{Action, MeterList, What};
    use crate::store::{Cause, NewRun, Outcome, OutcomeState, RunState};
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    let list = MeterList::new("Night", Action::Read { what: [What::Registers].into(), from: None });
    let list = store.add_list(&list, at(NOW)).unwrap();
    for day in ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"] {
        let new = NewRun { list, cause: Cause::Hand, due: at(day), until: at(day), decided: None };
        let meters = store.meters().unwrap();
        let run = store.begin_run(&new, &meters, at(day)).unwrap();
        let mut outcome = Outcome::waiting(id);
        outcome.state = OutcomeState::Ok;
        store.put_outcomes([(run, &outcome)]).unwrap();
        store.end_run(run, RunState::Done, at(day), &|_| None).unwrap();
    }
    let before = store.list_runs(list, 10).unwrap();
    let gone = store.dispose(Kind::Outcomes, at("2025-01-01T00:00:00Z"), at(NOW), &mut on).unwrap();
    assert_eq!(gone.items, 1, "those of the last run stay for the success rates");
    assert_eq!(store.list_runs(list, 10).unwrap(), before);
    assert_eq!([before[0].id, before[1].id].map(|run| store.outcomes(run).unwrap().len()), [1, 0]);
}

#[test]
fn events_and_billing_periods_keep_their_newest() {
    use crate::model::{BillingSet, MeterEvent};
    let (mut scratch, id) = Scratch::with_meter();
    let log: Obis = "0-0:99.98.0*255".parse().unwrap();
    let event = |day: &str| MeterEvent {
        log,
        code: Some(1),
        text: "Supply failed".to_owned(),
        at: at(day),
        stamp: None,
        until: None,
        detail: Vec::new(),
    };
    let days = ["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z"];
    let events: Vec<MeterEvent> = days.iter().map(|day| event(day)).collect();
    scratch.store.put_events(id, &events).unwrap();
    let sets: Vec<BillingSet> = days
        .iter()
        .map(|day| BillingSet {
            profile: "0-0:98.1.0*255".parse().unwrap(),
            at: at(day),
            stamp: None,
            registers: vec![reading(day, 5)],
        })
        .collect();
    scratch.store.put_billing(id, &sets).unwrap();
    for kind in [Kind::Events, Kind::Billing] {
        let gone = scratch.store.dispose(kind, at(NOW), at(NOW), &mut on).unwrap();
        assert_eq!(gone.items, 2, "{kind:?}");
    }
    assert_eq!(scratch.store.events(id, Timestamp::MIN, Timestamp::MAX).unwrap(), events[2..]);
    assert_eq!(scratch.store.billing(id, Timestamp::MIN, Timestamp::MAX).unwrap().len(), 1);
}

#[test]
fn free_pages_go_back_to_the_disk() {
    let (mut scratch, _) = Scratch::with_meter();
    let store = &mut scratch.store;
    let job = store.begin_job("Read", at("2025-01-01T00:00:00Z")).unwrap();
    let record = crate::store::TraceRecord {
        at: at(NOW),
        sent: true,
        bytes: vec![7; 20_000],
        masked: Vec::new(),
        note: None,
    };
    store.put_trace(job, MeterId(1), &vec![record; 400]).unwrap();
    let full = store.status().unwrap();
    store.dispose(Kind::Traces, at(NOW), at(NOW), &mut on).unwrap();
    let done = store.compact(at(NOW), &mut on).unwrap();
    let after = store.status().unwrap();
    assert!(after.gives_back && done.given_back > 5 << 20, "{done:?}");
    assert!(after.bytes + (6 << 20) < full.bytes && after.free_bytes <= 256 * 4096, "{after:?}");
    assert_eq!(after.log_bytes, 0, "the log was brought into the file");
    store.check().unwrap();
}

#[test]
fn the_status_counts_every_page_once() {
    let (scratch, _, rows) = with_days(60);
    let status = scratch.store.status().unwrap();
    let sum: u64 = status.kinds.iter().map(|kind| kind.bytes).sum();
    assert!(sum <= status.bytes && sum + status.free_bytes + (64 << 10) > status.bytes, "{status:?}");
    let intervals = status.kinds.iter().find(|kind| kind.name == "Intervals").unwrap();
    assert_eq!((intervals.items, intervals.oldest), (rows.len() as u64, Some(rows[0].end)));
    assert_eq!((status.blocks, status.version), ((60, 0), schema::LADDER.len() as u64));
}

#[test]
fn a_check_goes_on_after_a_damage_and_names_it() {
    let (mut scratch, _, _) = with_days(165);
    scratch.store.compact(at(NOW), &mut on).unwrap();
    let sound = scratch.store.check_all(&mut on).unwrap();
    assert!(sound.problems.is_empty() && sound.blocks > 30 && sound.audit_rows > 0, "{sound:?}");
    assert!(scratch.store.check_all(&mut |_| false).unwrap().is_stopped);
    for table in ["day_block", "month_block"] {
        let sql = format!(
            "UPDATE {table} SET block = CAST(substr(block, 1, 20) || X'5A' || substr(block, 22) AS BLOB)
             WHERE day = (SELECT max(day) FROM {table})"
        );
        scratch.store.connection.execute(&sql, ()).unwrap();
    }
    let found = scratch.store.check_all(&mut on).unwrap().problems;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|words| words.contains("House 1") && words.contains("checksum")), "{found:?}");
}

#[test]
fn a_backup_is_a_whole_store_and_takes_no_other_files_place() {
    let (scratch, id, rows) = with_days(40);
    let target = scratch.folder.path().join("copy.db");
    assert!(!scratch.store.back_up(&target, &mut |_| false).unwrap_or(false) || target.exists());
    let _stopped = std::fs::remove_file(&target);
    assert!(scratch.store.back_up(&target, &mut on).unwrap());
    let copy = StoreReader::open(&target).unwrap();
    copy.check().unwrap();
    assert_eq!(all(&copy, id), rows);
    assert_eq!(copy.own_title().unwrap(), scratch.store.own_title().unwrap());
    let error =
        StoreReader::open(&scratch.path()).unwrap().back_up(&target, &mut on).unwrap_err().to_string();
    assert!(error.contains("choose another name"), "{error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn one_piece_of_upkeep_goes_on_at_a_time_and_one_that_broke_off_is_told() {
    let mut scratch = Scratch::new();
    let mut other = scratch.again();
    let first = scratch.store.begin_upkeep(Upkeep::Compact, at("2026-06-01T00:00:00Z")).unwrap();
    let refused = other.begin_upkeep(Upkeep::Check, at("2026-06-01T00:01:00Z")).unwrap_err().to_string();
    assert!(refused.contains("store compact") && refused.contains("under way"), "{refused}");
    scratch.store.beat_upkeep(first, at("2026-06-01T00:05:00Z")).unwrap();
    assert!(other.begin_upkeep(Upkeep::Check, at("2026-06-01T00:06:00Z")).is_err());
    let second = other.begin_upkeep(Upkeep::Check, at("2026-06-01T00:08:00Z")).unwrap();
    other.end_upkeep(second, UpkeepState::Done, "All is well", at("2026-06-01T00:09:00Z")).unwrap();
    let told: Vec<_> =
        scratch.store.last_upkeep().unwrap().into_iter().map(|row| (row.what, row.state)).collect();
    assert_eq!(told, [(Upkeep::Check, UpkeepState::Done), (Upkeep::Compact, UpkeepState::Interrupted)]);
}

#[test]
fn what_is_kept_for_how_long_is_audited() {
    let mut scratch = Scratch::new();
    let mut retention = scratch.store.retention().unwrap();
    retention.set(Kind::Traces, Some(Age::Days(7))).unwrap();
    scratch.store.put_retention(&retention, at(NOW)).unwrap();
    scratch.store.put_retention(&retention, at(NOW)).unwrap();
    assert_eq!(scratch.again().retention().unwrap(), retention);
    let rows = scratch.store.audit_rows(10).unwrap();
    assert_eq!(rows.len(), 1, "nothing changed the second time");
    assert_eq!(rows[0].detail, "traces: 7 days instead of 30 days");
    assert!(scratch.store.setting(RETENTION_SETTING).unwrap().is_some());
}

#[test]
fn changes_elsewhere_are_those_of_other_connections() {
    let mut scratch = Scratch::new();
    let mut other = scratch.again();
    let seen = scratch.store.changes_elsewhere().unwrap();
    scratch.store.put_setting("a", "1").unwrap();
    assert_eq!(scratch.store.changes_elsewhere().unwrap(), seen);
    other.put_setting("a", "2").unwrap();
    assert_ne!(scratch.store.changes_elsewhere().unwrap(), seen);
}

/// A store as an older version left it, with a meter and two months of intervals.
fn old_store(path: &std::path::Path, version: usize) -> (MeterId, Vec<ProfileRow>) {
    let mut old = Connection::open(path).unwrap();
    schema::bring_up_to_date(&mut old, "old", &schema::LADDER[..version]).unwrap();
    let document = serde_json::to_string(&config("House 1")).unwrap();
    old.execute("INSERT INTO meter (name, config) VALUES ('House 1', ?1)", [document]).unwrap();
    let (scratch, _, rows) = with_days(60);
    drop(scratch.store);
    old.execute("ATTACH ?1 AS new", [scratch.folder.path().join("meters.db").to_str().unwrap()]).unwrap();
    old.execute_batch(
        "INSERT INTO profile SELECT * FROM new.profile; INSERT INTO day_block SELECT * FROM new.day_block;
         INSERT INTO reading (register_id, read_at, value) SELECT 1, 0, '' WHERE 0;",
    )
    .unwrap();
    (MeterId(1), rows)
}

#[test]
fn a_store_of_every_earlier_version_is_copied_and_then_brought_up_to_date() {
    for version in 1..schema::LADDER.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let (id, rows) = old_store(&path, version);
        let mut told = Vec::new();
        let store = Store::open_watched(&path, &mut |upgrade| told.push(upgrade)).unwrap();
        assert_eq!(all(&store, id), rows, "version {version}");
        store.check().unwrap();
        let to = schema::LADDER.len() as u64;
        assert!(matches!(told.first(), Some(Upgrade::Copying(_))));
        assert_eq!(told[told.len() - 2..], [Upgrade::Changing { from: version as u64, to }, Upgrade::Done]);
        let copy = Connection::open(folder.path().join(format!("old.db.version-{version}"))).unwrap();
        let kept: i64 = copy.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(kept, version as i64);
        let blocks: i64 = copy.query_row("SELECT count(*) FROM day_block", (), |row| row.get(0)).unwrap();
        assert_eq!(blocks, 60);
        let mut again = 0;
        drop(Store::open_watched(&path, &mut |_| again += 1).unwrap());
        assert_eq!(again, 0, "one that is up to date tells nothing");
    }
}

/// Not a test of its own: the program that the test below starts and kills while it brings a store up to date.
#[test]
fn upgrader_that_is_killed() {
    use std::io::Write;
    let Ok(path) = std::env::var("METERWRIGHT_TEST_UPGRADES") else { return };
    let mut out = std::io::stdout();
    let mut tell = |upgrade: Upgrade| {
        writeln!(out, "\ntold {upgrade:?}").unwrap();
        out.flush().unwrap();
    };
    drop(Store::open_watched(std::path::Path::new(&path), &mut tell).unwrap());
}

#[test]
fn a_store_whose_upgrade_was_killed_is_of_its_old_version_or_of_the_new_one() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let mut ended = [0, 0];
    for kill in 0..12u32 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let (id, rows) = old_store(&path, 5);
        let mut upgrader = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::upkeep::upgrader_that_is_killed", "--nocapture"])
            .env("METERWRIGHT_TEST_UPGRADES", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(upgrader.stdout.take().unwrap());
        let (mut line, mut seen) = (String::new(), 0);
        while seen < kill % 3 && lines.read_line(&mut line).unwrap() > 0 {
            seen += u32::from(line.starts_with("told"));
            line.clear();
        }
        (0..kill * 300).for_each(|_| std::thread::yield_now());
        upgrader.kill().unwrap();
        upgrader.wait().unwrap();
        let version: i64 = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert!(version == 5 || version == schema::LADDER.len() as i64, "version {version}");
        ended[usize::from(version != 5)] += 1;
        let store = Store::open(&path).unwrap();
        assert_eq!(all(&store, id), rows);
        store.check().unwrap();
    }
    println!("{} old, {} new", ended[0], ended[1]);
}

/// What is done to a store.
#[derive(Clone, Debug)]
enum Deed {
    /// So many half-hours from a day on, the values of which are of this version.
    Merge(i64, i64, i128),
    Compact,
    /// Compaction that is stopped after so many months.
    CompactSome(u32),
    /// What is before a day goes.
    Dispose(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0i64..150, 1i64..400, 0i128..3).prop_map(|(day, count, version)| Deed::Merge(day, count, version)),
        2 => Just(Deed::Compact),
        1 => (1u32..4).prop_map(Deed::CompactSome),
        1 => (0i64..150).prop_map(Deed::Dispose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_written_packed_and_disposed_of_reads_as_in_a_plain_map(deeds in prop::collection::vec(deed(), 1..14)) {
        let (mut scratch, id) = Scratch::with_meter();
        let store = &mut scratch.store;
        let day = |day: i64| at(START) + SignedDuration::from_hours(24 * day);
        let mut held: BTreeMap<Timestamp, ProfileRow> = BTreeMap::new();
        let mut versions: Vec<ProfileRow> = Vec::new();
        for deed in deeds {
            match deed {
                Deed::Merge(from, count, version) => {
                    let mut part = rows(day(from), count, 2);
                    for row in &mut part {
                        row.values[0] = Some(Decimal::new(version, 1));
                    }
                    store.merge_profile(id, &layout(2), &part, at(NOW)).unwrap();
                    for row in part {
                        let before = held.insert(row.end, row.clone());
                        versions.extend(before.filter(|before| *before != row));
                    }
                }
                Deed::Compact => {
                    store.compact(at(NOW), &mut on).unwrap();
                }
                Deed::CompactSome(mut months) => {
                    store.compact(at(NOW), &mut |_| { months -= 1; months > 0 }).unwrap();
                }
                Deed::Dispose(before) => {
                    store.dispose(Kind::Intervals, day(before), at(NOW), &mut on).unwrap();
                    let left: BTreeMap<_, _> =
                        all(store, id).into_iter().map(|row| (row.end, row)).collect();
                    for (end, row) in &held {
                        match left.get(end) {
                            Some(kept) => prop_assert_eq!(kept, row),
                            None => prop_assert!(*end <= day(before), "{} went", end),
                        }
                    }
                    versions.retain(|version| left.contains_key(&version.end));
                    held = left;
                }
            }
            prop_assert_eq!(digits(&all(store, id)), digits(&held.values().cloned().collect::<Vec<_>>()));
        }
        let mut found = replaced(store, id);
        let key = |row: &ProfileRow| (row.end, row.values[0].map(|value| value.mantissa()));
        found.sort_by_key(key);
        versions.sort_by_key(key);
        prop_assert_eq!(found, versions);
        store.check().unwrap();
        let gaps = store.gaps(id, at(NOW)).unwrap();
        let missing: u64 = gaps.iter().filter(|gap| gap.before < at(NOW) - SignedDuration::from_hours(1)).map(|gap| gap.intervals).sum();
        if let (Some(first), Some(last)) = (held.keys().next(), held.keys().next_back()) {
            let fit = (last.as_second() - first.as_second()) / 1800 + 1;
            prop_assert_eq!(missing, u64::try_from(fit).unwrap() - held.len() as u64);
        }
    }
}

#[test]
fn an_error_of_upkeep_leaves_all_as_it_was() {
    let (mut scratch, id, rows) = with_days(100);
    scratch
        .store
        .connection
        .execute_batch(
            "CREATE TRIGGER fails BEFORE DELETE ON day_block BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END",
        )
        .unwrap();
    let error: StoreError = scratch.store.compact(at(NOW), &mut on).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(blocks(&scratch.store), (100, 0));
    assert_eq!(all(&scratch.store, id), rows);
}
