//! The file itself: making, opening, upgrading, sharing, filling up.

use rusqlite::Connection;

use crate::store::{StoreError, StoreReader, schema};

use super::*;

#[test]
fn a_new_store_is_made_with_the_folders_that_lead_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/meters.db");
    let store = Store::open(&path).unwrap();
    assert!(store.meters().unwrap().is_empty());
    store.check().unwrap();
}

#[test]
fn what_was_stored_is_there_when_the_store_is_opened_again() {
    let (scratch, id) = Scratch::with_meter();
    let path = scratch.path();
    drop(scratch.store);
    assert_eq!(Store::open(&path).unwrap().meter(id).unwrap().unwrap().config, config("House 1"));
    assert_eq!(StoreReader::open(&path).unwrap().meters().unwrap().len(), 1);
}

#[test]
fn a_commit_waits_for_the_disk() {
    let scratch = Scratch::new();
    let pragma =
        |name| -> i64 { scratch.store.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    let mode: String =
        scratch.store.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(pragma("synchronous"), 2i64, "full");
    assert_eq!(pragma("secure_delete"), 1i64);
    assert_eq!(pragma("foreign_keys"), 1i64);
}

#[cfg(unix)]
#[test]
fn the_file_and_its_side_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (scratch, _) = Scratch::with_meter();
    let files = std::fs::read_dir(scratch.folder.path()).unwrap();
    for file in files {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[test]
fn a_reader_of_no_file_says_so_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let error = StoreReader::open(&path).unwrap_err().to_string();
    assert!(error.contains("no such file"), "{error}");
    assert!(!path.exists());
}

#[test]
fn another_programs_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear customer, ".repeat(100)).unwrap();
    let base = folder.path().join("other.db");
    Connection::open(&base).unwrap().execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    for path in [text, base] {
        let before = std::fs::read(&path).unwrap();
        for error in [Store::open(&path).unwrap_err(), StoreReader::open(&path).unwrap_err()] {
            assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
            assert!(error.to_string().contains("choose another file"), "{error}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_store_of_a_newer_version_is_refused_in_words() {
    let scratch = Scratch::new();
    scratch.store.connection.pragma_update(None, "user_version", 99).unwrap();
    let path = scratch.path();
    drop(scratch.store);
    for error in [Store::open(&path).unwrap_err(), StoreReader::open(&path).unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("newer version") && text.contains("99") && text.contains("update"), "{text}");
    }
}

#[test]
fn a_store_of_every_earlier_version_is_brought_up_to_date_with_its_meters() {
    for version in 1..=schema::LADDER.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meters.db");
        let mut old = Connection::open(&path).unwrap();
        schema::bring_up_to_date(&mut old, "old", &schema::LADDER[..version]).unwrap();
        let document = serde_json::to_string(&config("House 1")).unwrap();
        old.execute("INSERT INTO meter (name, config) VALUES ('House 1', ?1)", [document]).unwrap();
        drop(old);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.meter_named("House 1").unwrap().unwrap().config, config("House 1"));
        assert!(StoreReader::open(&path).is_ok());
    }
}

#[test]
fn a_later_step_of_the_ladder_is_taken_whole_or_not_at_all() {
    let (scratch, _) = Scratch::with_meter();
    let mut connection = Connection::open(scratch.path()).unwrap();
    let broken = [schema::LADDER, &["CREATE TABLE added (a); INSERT INTO nowhere VALUES (1)"]].concat();
    assert!(schema::bring_up_to_date(&mut connection, "x", &broken).is_err());
    assert!(connection.prepare("SELECT * FROM added").is_err(), "nothing is left of the step");
    let good = [schema::LADDER, &["CREATE TABLE added (a)"]].concat();
    schema::bring_up_to_date(&mut connection, "x", &good).unwrap();
    assert!(connection.prepare("SELECT * FROM added").is_ok());
    let error = Store::open(&scratch.path()).unwrap_err().to_string();
    assert!(error.contains("newer version"), "{error}");
}

#[test]
fn a_reader_of_an_older_store_says_who_can_bring_it_up_to_date() {
    let scratch = Scratch::new();
    let next = [schema::LADDER, &["SELECT 1"]].concat();
    let error = schema::refuse_unready(&scratch.store.connection, "x", &next).unwrap_err().to_string();
    assert!(error.contains("open it once for writing"), "{error}");
}

#[test]
fn programs_that_open_a_new_store_at_once_all_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meters.db");
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (path, barrier) = (&path, &barrier);
            scope.spawn(move || {
                barrier.wait();
                Store::open(path).unwrap().add_meter(&config(&format!("House {number}"))).unwrap();
            });
        }
    });
    let store = Store::open(&path).unwrap();
    assert_eq!(store.meters().unwrap().len(), 8);
    assert_eq!(store.verify_audit().unwrap(), 8);
}

#[test]
fn a_reader_works_while_a_writer_writes_and_cannot_write_itself() {
    let mut scratch = Scratch::new();
    let reader = StoreReader::open(&scratch.path()).unwrap();
    let writing = scratch.store.reader.connection.transaction().unwrap();
    writing.execute("INSERT INTO setting VALUES ('a', 'b')", ()).unwrap();
    assert_eq!(reader.setting("a").unwrap(), None);
    writing.commit().unwrap();
    assert_eq!(reader.setting("a").unwrap().as_deref(), Some("b"));
    assert!(reader.connection.execute("INSERT INTO setting VALUES ('c', 'd')", ()).is_err());
}

#[test]
fn the_version_moves_for_every_change_and_only_then() {
    let mut scratch = Scratch::new();
    let reader = StoreReader::open(&scratch.path()).unwrap();
    let mut other = scratch.again();
    let mut seen = (reader.version().unwrap(), scratch.store.version().unwrap());
    for round in 0..6 {
        let still = (reader.version().unwrap(), scratch.store.version().unwrap());
        assert_eq!(still, seen, "nothing changed");
        let writer = if round % 2 == 0 { &mut scratch.store } else { &mut other };
        writer.put_setting("round", &round.to_string()).unwrap();
        let now = (reader.version().unwrap(), scratch.store.version().unwrap());
        assert!(now.0 > seen.0, "the reader sees it");
        assert!(now.1 > seen.1, "the writer sees its own changes and those of others");
        seen = now;
    }
}

#[test]
fn two_stores_have_two_titles_and_each_keeps_its_own() {
    let (one, two) = (Scratch::new(), Scratch::new());
    let title = one.store.own_title().unwrap();
    assert_eq!(title.0[..3], *b"MTW");
    assert_ne!(title, two.store.own_title().unwrap());
    assert_eq!(one.again().own_title().unwrap(), title);
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing_that_was_stored() {
    let (mut scratch, id) = Scratch::with_meter();
    let pages: i64 =
        scratch.store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let most: i64 = scratch
        .store
        .connection
        .pragma_update_and_check(None, "max_page_count", pages + 20, |row| row.get(0))
        .unwrap();
    assert_eq!(most, pages + 20);
    let layout = profiles::layout(4);
    let mut stored = Vec::new();
    let error = (0..10_000)
        .find_map(|day| {
            let rows = profiles::rows(
                at("2026-01-01T00:00:00Z") + jiff::SignedDuration::from_hours(24 * day),
                48,
                4,
            );
            let merged = scratch.store.merge_profile(id, &layout, &rows, at("2026-12-01T00:00:00Z"));
            merged.map(|_| stored.extend(rows)).err()
        })
        .expect("the disk fills up");
    let text = error.to_string();
    assert!(text.contains("full") && text.contains("free some space"), "{text}");
    assert!(stored.len() > 48);
    let store = scratch.again();
    store.check().unwrap();
    let profile = store.profiles(id).unwrap().remove(0);
    assert_eq!(store.profile_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap(), stored);
}

#[test]
fn a_log_that_a_power_cut_tore_anywhere_keeps_every_commit_before_the_tear() {
    let (mut scratch, id) = Scratch::with_meter();
    let log = scratch.folder.path().join("meters.db-wal");
    let length = || std::fs::metadata(&log).unwrap().len();
    let layout = profiles::layout(4);
    let rows = profiles::rows(at("2026-01-01T00:00:00Z"), 48 * 12, 4);
    let mut committed = vec![(length(), 0)];
    for end in (36..=rows.len()).step_by(36) {
        scratch.store.merge_profile(id, &layout, &rows[end - 36..end], at("2026-12-01T00:00:00Z")).unwrap();
        committed.push((length(), end));
    }
    let (base, log) = (std::fs::read(scratch.path()).unwrap(), std::fs::read(&log).unwrap());
    let start = usize::try_from(committed[0].0).unwrap();
    for tear in (start..=log.len()).step_by(1777).chain([log.len()]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meters.db");
        std::fs::write(&path, &base).unwrap();
        let mut torn = log[..tear].to_vec();
        torn.resize(torn.len().max(log.len() - 500), 0xA5);
        std::fs::write(folder.path().join("meters.db-wal"), torn).unwrap();
        let store = Store::open(&path).unwrap();
        store.check().unwrap();
        let kept = committed.iter().rev().find(|(length, _)| *length <= tear as u64).unwrap().1;
        let held = store.profiles(id).unwrap().first().map_or(Vec::new(), |profile| {
            store.profile_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap()
        });
        assert_eq!(held, rows[..kept], "torn at {tear}");
    }
}

#[test]
fn a_full_disk_does_not_give_a_counter_that_is_not_kept() {
    let mut scratch = Scratch::new();
    let pages: i64 =
        scratch.store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let _: i64 = scratch
        .store
        .connection
        .pragma_update_and_check(None, "max_page_count", pages, |row| row.get(0))
        .unwrap();
    let mut given = Vec::new();
    for meter in 0..10_000 {
        match scratch.store.reserve_counters(MeterId(meter), "client/1", 1) {
            Ok(first) => given.push((MeterId(meter), first)),
            Err(error) => {
                assert!(error.to_string().contains("full"), "{error}");
                break;
            }
        }
    }
    let store = scratch.again();
    for (meter, first) in given {
        assert_eq!(store.counter(meter, "client/1").unwrap(), Some(first + 1));
    }
}
