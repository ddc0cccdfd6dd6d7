//! Meters, their secrets, their counters, and the audit chain that tells of them.

use rusqlite::params;

use crate::model::{Knowledge, Obis, SecretKind, SystemTitle};
use crate::store::{COUNTER_WARNING, StoreError};

use super::*;

fn told(store: &Store) -> Vec<(String, String, String)> {
    let mut rows = store.audit_rows(100).unwrap();
    rows.reverse();
    rows.into_iter().map(|row| (row.who, row.what, row.detail)).collect()
}

/// What is kept of one secret.
fn sealed(store: &Store, id: MeterId, kind: SecretKind) -> Option<Vec<u8>> {
    store.sealed_secrets(id).unwrap().into_iter().find(|(of, _)| *of == kind).map(|(_, sealed)| sealed)
}

#[test]
fn a_meter_is_found_by_number_and_name_and_listed_by_name() {
    let mut scratch = Scratch::new();
    let second = scratch.store.add_meter(&config("B")).unwrap();
    let first = scratch.store.add_meter(&config("A")).unwrap();
    let names: Vec<String> = scratch.store.meters().unwrap().into_iter().map(|row| row.config.name).collect();
    assert_eq!(names, ["A", "B"]);
    assert_eq!(scratch.store.meter(second).unwrap().unwrap().config, config("B"));
    assert_eq!(scratch.store.meter_named("A").unwrap().unwrap().id, first);
    assert_eq!(scratch.store.meter_named("C").unwrap(), None);
}

#[test]
fn a_name_is_given_once_among_the_meters_that_are_listed() {
    let (mut scratch, first) = Scratch::with_meter();
    let error = scratch.store.add_meter(&config("House 1")).unwrap_err();
    assert!(matches!(&error, StoreError::Request(text) if text.contains("House 1")), "{error}");
    let second = scratch.store.add_meter(&config("House 2")).unwrap();
    assert!(scratch.store.update_meter(second, &config("House 1")).is_err());
    scratch.store.update_meter(first, &config("House 1")).unwrap();
    scratch.store.remove_meter(first).unwrap();
    scratch.store.update_meter(second, &config("House 1")).unwrap();
    assert!(scratch.store.add_meter(&config("  ")).is_err(), "an empty name");
}

#[test]
fn an_import_adds_all_meters_or_none() {
    let (mut scratch, _) = Scratch::with_meter();
    let list = [config("House 2"), config("House 3"), config("House 1")];
    assert!(scratch.store.add_meters(&list).is_err());
    assert_eq!(scratch.store.meters().unwrap().len(), 1);
    assert_eq!(scratch.store.verify_audit().unwrap(), 1, "nothing is told of what was not done");
    let ids = scratch.store.add_meters(&list[..2]).unwrap();
    assert_eq!(ids.len(), 2);
}

#[test]
fn an_import_with_secrets_seals_each_for_the_number_that_its_meter_gets() {
    let mut scratch = Scratch::new();
    let list = [config("A"), config("B")];
    let seal = |position: usize, id: MeterId| {
        let sealed = format!("{position} sealed for {}", id.0).into_bytes();
        if position == 1 { vec![(SecretKind::Password, sealed)] } else { Vec::new() }
    };
    let ids = scratch.store.add_meters_sealed(&list, seal).unwrap();
    assert_eq!(scratch.store.secret_kinds(ids[0]).unwrap(), []);
    let sealed = sealed(&scratch.store, ids[1], SecretKind::Password).unwrap();
    assert_eq!(sealed, format!("1 sealed for {}", ids[1].0).into_bytes());
}

#[test]
fn settings_that_would_not_read_back_are_refused_before_they_are_stored() {
    let mut scratch = Scratch::new();
    let mut odd = config("House 1");
    odd.line.path = crate::model::LinePath::Tcp(crate::model::HostPort { host: String::new(), port: 0 });
    let error = scratch.store.add_meter(&odd).unwrap_err().to_string();
    assert!(error.contains("House 1"), "{error}");
    assert!(scratch.store.meters().unwrap().is_empty());
}

#[test]
fn a_removed_meter_is_off_the_list_and_its_secrets_are_off_the_disk() {
    let (mut scratch, id) = Scratch::with_meter();
    scratch.store.put_secret(id, SecretKind::Password, Some(b"SEALED-BYTES-OF-A-SECRET")).unwrap();
    let holds =
        |scratch: &Scratch| scratch.bytes().windows(24).any(|part| part == b"SEALED-BYTES-OF-A-SECRET");
    assert!(holds(&scratch));
    scratch.store.remove_meter(id).unwrap();
    assert_eq!(scratch.store.meter(id).unwrap(), None);
    assert_eq!(scratch.store.meter_named("House 1").unwrap(), None);
    assert_eq!(sealed(&scratch.store, id, SecretKind::Password), None);
    assert!(!holds(&scratch));
    for error in [
        scratch.store.remove_meter(id).unwrap_err(),
        scratch.store.update_meter(id, &config("x")).unwrap_err(),
        scratch.store.put_secret(id, SecretKind::Password, Some(b"x")).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Request(_)), "{error}");
    }
    assert_ne!(scratch.store.add_meter(&config("House 1")).unwrap(), id, "numbers are not used again");
}

#[test]
fn secrets_are_kept_replaced_and_taken_away() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    assert!(!store.has_secrets().unwrap());
    store.put_secret(id, SecretKind::MasterKey, Some(b"one")).unwrap();
    store.put_secret(id, SecretKind::Password, Some(b"two")).unwrap();
    store.put_secret(id, SecretKind::Password, Some(b"three")).unwrap();
    assert!(store.has_secrets().unwrap());
    assert_eq!(store.secret_kinds(id).unwrap(), [SecretKind::Password, SecretKind::MasterKey]);
    assert_eq!(sealed(store, id, SecretKind::Password).unwrap(), b"three");
    let changes = [(SecretKind::Password, None), (SecretKind::EncryptionKey, Some(b"four".to_vec()))];
    store.update_meter_sealed(id, &config("House 1"), &changes).unwrap();
    assert_eq!(store.secret_kinds(id).unwrap(), [SecretKind::EncryptionKey, SecretKind::MasterKey]);
}

#[test]
fn what_was_learnt_of_a_meter_is_kept_until_it_is_replaced() {
    let (mut scratch, id) = Scratch::with_meter();
    assert_eq!(scratch.store.knowledge(id).unwrap(), Knowledge::default());
    let learnt = Knowledge {
        list_max: Some(8),
        no_range: [Obis::new(1, 0, 99, 1, 0, 255)].into(),
        ..Knowledge::default()
    };
    scratch.store.put_knowledge(id, &learnt).unwrap();
    assert_eq!(scratch.store.knowledge(id).unwrap(), learnt);
    scratch.store.put_knowledge(id, &Knowledge::default()).unwrap();
    assert_eq!(scratch.store.knowledge(id).unwrap(), Knowledge::default());
}

#[test]
fn counters_go_out_in_order_and_are_never_lowered() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    assert_eq!(store.reserve_counters(id, "client/1", 3).unwrap(), 1);
    assert_eq!(store.reserve_counters(id, "client/1", 1).unwrap(), 4);
    assert_eq!(store.reserve_counters(id, "client/2", 1).unwrap(), 1, "each key row counts for itself");
    store.raise_counter(id, "client/1", 1000).unwrap();
    store.raise_counter(id, "client/1", 10).unwrap();
    assert_eq!(store.reserve_counters(id, "client/1", 1).unwrap(), 1000);
    assert_eq!(store.counter(id, "client/1").unwrap(), Some(1001));
    assert!(store.reserve_counters(id, "client/1", 0).is_err());
}

#[test]
fn a_counter_ends_in_an_error_before_it_wraps() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    store.raise_counter(id, "client/1", u32::MAX - 2).unwrap();
    assert_eq!(store.reserve_counters(id, "client/1", 2).unwrap(), u32::MAX - 2);
    for _ in 0..2 {
        let error = store.reserve_counters(id, "client/1", 1).unwrap_err().to_string();
        assert!(error.contains("new keys"), "{error}");
    }
}

#[test]
fn a_counter_that_nears_its_end_is_warned_about() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    store.raise_counter(id, "client/1", COUNTER_WARNING - 1).unwrap();
    assert_eq!(store.counter_warning(id, "client/1").unwrap(), None);
    store.reserve_counters(id, "client/1", 1).unwrap();
    let warning = store.counter_warning(id, "client/1").unwrap().unwrap();
    assert!(warning.contains("2000000000") && warning.contains("new keys"), "{warning}");
}

#[test]
fn programs_that_count_at_once_never_get_the_same_number() {
    let (scratch, id) = Scratch::with_meter();
    let path = scratch.path();
    let mut given: Vec<u32> = std::thread::scope(|scope| {
        let count = || {
            scope.spawn(|| {
                let mut store = Store::open(&path).unwrap();
                let take = |_| store.reserve_counters(id, "client/1", 2).unwrap();
                (0..50).map(take).collect::<Vec<u32>>()
            })
        };
        let threads: Vec<_> = (0..4).map(|_| count()).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    given.sort_unstable();
    assert_eq!(given, (0..200).map(|step| 1 + 2 * step).collect::<Vec<u32>>());
}

#[test]
fn a_meter_that_is_removed_and_added_again_goes_on_with_its_counters() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    store.reserve_counters(id, "client/1", 500).unwrap();
    store.remove_meter(id).unwrap();
    let again = store.add_meter(&config("House 1")).unwrap();
    assert_eq!(store.reserve_counters(again, "client/1", 1).unwrap(), 501);
    let mut other = config("House 9");
    other.line = "tcp://elsewhere.example:4059".parse().unwrap();
    let other = store.add_meter(&other).unwrap();
    assert_eq!(store.reserve_counters(other, "client/1", 1).unwrap(), 1, "another meter starts afresh");
}

#[test]
fn every_change_of_a_meter_and_its_secrets_is_told_with_who_did_it() {
    let mut scratch = Scratch::new();
    let store = &mut scratch.store;
    store.set_actor("ada");
    let id = store.add_meter(&config("House 1")).unwrap();
    let mut changed = config("House 1");
    changed.serial = Some("123456".to_owned());
    changed.client_title = Some(SystemTitle(*b"MTWABCDE"));
    changed.note = "PIN-IN-A-NOTE".to_owned();
    store.update_meter(id, &changed).unwrap();
    store.update_meter(id, &changed).unwrap();
    store.put_secret(id, SecretKind::Password, Some(b"SEALED")).unwrap();
    store.put_secret(id, SecretKind::Password, None).unwrap();
    store.put_secret(id, SecretKind::Password, None).unwrap();
    store.remove_meter(id).unwrap();
    store.audit(at("2026-11-22T10:00:00Z"), "bob", "clock set", "meter 1").unwrap();
    let told = told(store);
    let what: Vec<&str> = told.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(
        what,
        ["meter added", "meter changed", "secret set", "secret removed", "meter removed", "clock set"],
        "and what changed nothing is not told"
    );
    assert!(told[..5].iter().all(|row| row.0 == "ada") && told[5].0 == "bob");
    assert!(told[1].2.contains(r#""serial":[null,"123456"]"#), "{}", told[1].2);
    assert!(told.iter().all(|row| !row.2.contains("SEALED") && !row.2.contains("PIN-IN-A-NOTE")));
    assert_eq!(store.verify_audit().unwrap(), 6);
}

#[test]
fn the_audit_chain_refuses_changes_and_shows_those_that_were_forced() {
    let forced = [
        "UPDATE audit SET detail = 'nothing' WHERE number = 2",
        "UPDATE audit SET who = 'eve' WHERE number = 3",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit WHERE number = 3",
        "DELETE FROM audit",
    ];
    for force in forced {
        let mut scratch = Scratch::new();
        for name in ["A", "B", "C"] {
            scratch.store.add_meter(&config(name)).unwrap();
        }
        let connection = &scratch.store.connection;
        assert!(connection.execute(force, ()).is_err(), "{force}");
        assert_eq!(scratch.store.verify_audit().unwrap(), 3);
        connection
            .execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted")
            .unwrap();
        connection.execute(force, ()).unwrap();
        let error = scratch.store.verify_audit().unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{force}: {error}");
        assert!(error.to_string().contains("audit chain"), "{error}");
    }
}

#[test]
fn a_row_put_into_the_audit_chain_from_outside_is_noticed() {
    let (scratch, _) = Scratch::with_meter();
    let row = params![2, 0, "eve", "nothing", "", [0u8; 32]];
    scratch.store.connection.execute("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).unwrap();
    assert!(scratch.store.verify_audit().unwrap_err().to_string().contains("row 2"));
}
