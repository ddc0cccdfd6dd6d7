//! Writes that gather in one transaction.

use crate::store::{Store, StoreReader};

use super::{Scratch, config};

fn knows(store: &StoreReader, name: &str) -> bool {
    store.meter_named(name).unwrap().is_some()
}

fn gathered(store: &mut Store, name: &str) {
    store.gather(|store| store.add_meter(&config(name))).unwrap();
}

#[test]
fn what_has_gathered_is_seen_by_its_writer_alone_until_it_is_settled() {
    let mut scratch = Scratch::new();
    let other = StoreReader::open(&scratch.path()).unwrap();
    gathered(&mut scratch.store, "one");
    gathered(&mut scratch.store, "two");
    assert!(scratch.store.is_unsettled());
    assert!(knows(&scratch.store, "one") && knows(&scratch.store, "two"));
    assert!(!knows(&other, "one"));
    scratch.store.settle().unwrap();
    assert!(!scratch.store.is_unsettled());
    assert!(knows(&other, "one") && knows(&other, "two"));
}

#[test]
fn a_write_that_fails_leaves_the_others_that_have_gathered() {
    let mut scratch = Scratch::new();
    gathered(&mut scratch.store, "one");
    scratch.store.gather(|store| store.add_meter(&config("one"))).unwrap_err();
    gathered(&mut scratch.store, "two");
    scratch.store.settle().unwrap();
    let again = scratch.again();
    assert!(knows(&again, "one") && knows(&again, "two"));
    assert_eq!((again.meters().unwrap().len(), scratch.store.losses()), (2, 0));
}

#[test]
fn a_write_that_does_not_gather_settles_what_has() {
    let mut scratch = Scratch::new();
    gathered(&mut scratch.store, "one");
    scratch.store.add_meter(&config("two")).unwrap();
    assert!(!scratch.store.is_unsettled());
    let again = scratch.again();
    assert!(knows(&again, "one") && knows(&again, "two"));
}

#[test]
fn all_is_written_together_or_nothing_is() {
    let mut scratch = Scratch::new();
    let both = |store: &mut Store, one: &str, other: &str| {
        store.all_or_nothing(|store| {
            store.add_meter(&config(one))?;
            store.add_meter(&config(other)).map(|_| ())
        })
    };
    assert!(both(&mut scratch.store, "one", "two"));
    assert!(!both(&mut scratch.store, "three", "one"), "there is one already");
    assert!(!scratch.store.is_unsettled());
    let again = scratch.again();
    assert!(knows(&again, "one") && knows(&again, "two") && !knows(&again, "three"));
    assert!(both(&mut scratch.store, "three", "four"), "nothing is left of what failed");
}

#[test]
fn a_failure_that_is_passed_over_still_takes_all_with_it() {
    let mut scratch = Scratch::new();
    let is_written = scratch.store.all_or_nothing(|store| {
        store.add_meter(&config("one"))?;
        store.add_meter(&config("one")).unwrap_err();
        store.gather(|store| store.add_meter(&config("two"))).map(|_| ())
    });
    assert!(!is_written);
    assert!(!knows(&scratch.again(), "one") && !knows(&scratch.again(), "two"));
}

#[test]
fn a_full_disk_loses_what_has_gathered_and_says_so() {
    let mut scratch = Scratch::new();
    gathered(&mut scratch.store, "one");
    // As many pages as the file has now are all that it may have.
    let connection = &scratch.store.reader.connection;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages).unwrap();
    let filled = (0..10_000).find_map(|number| {
        let config = config(&format!("meter {number}"));
        scratch.store.gather(|store| store.add_meter(&config)).err()
    });
    assert!(filled.is_some(), "the file never was full");
    let settled = scratch.store.settle();
    let connection = &scratch.store.reader.connection;
    connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    // SQLite may keep what went before the write that found no room, or may not; it never keeps it unsaid.
    let lost = !knows(&scratch.again(), "one");
    assert_eq!(lost, scratch.store.losses() > 0, "{settled:?}");
    gathered(&mut scratch.store, "after");
    scratch.store.settle().unwrap();
    assert!(knows(&scratch.again(), "after"));
}

#[test]
fn a_store_that_goes_away_unsettled_has_written_nothing_of_it() {
    let mut scratch = Scratch::new();
    gathered(&mut scratch.store, "one");
    let path = scratch.path();
    drop(scratch.store);
    assert!(!knows(&StoreReader::open(&path).unwrap(), "one"));
}

#[test]
fn a_disk_that_turned_a_write_away_is_full_until_a_trial_finds_room() {
    let mut scratch = Scratch::new();
    scratch.store.put_setting("small", "1").unwrap();
    assert_eq!(scratch.store.turned_away(), None);
    scratch.store.allow_pages(1);
    let much = "0".repeat(100_000);
    scratch.store.put_setting("much", &much).unwrap_err();
    assert!(scratch.store.turned_away().unwrap().contains("full"));
    scratch.store.put_setting("small", "2").unwrap();
    assert!(scratch.store.turned_away().is_some(), "what is small may find room all the same");
    scratch.store.try_room().unwrap_err();
    scratch.store.allow_pages(1 << 30);
    scratch.store.try_room().unwrap();
    assert_eq!(scratch.store.turned_away(), None);
    assert_eq!(scratch.store.setting("store.trial").unwrap(), None);
    assert_eq!(scratch.again().setting("small").unwrap().as_deref(), Some("2"));
}
