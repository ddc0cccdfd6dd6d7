//! The store's own upkeep on the command line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli_support;

use cli_support::{Program, fleet};
use meterwright::simulator::Framing;
use meterwright::store::{Store, StoreReader};
use serde_json::{Value, json};

/// A store with a meter that was read, and traffic of a job of long ago.
fn program() -> Program {
    let fleet = fleet(1, Framing::Wrapper);
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    let mut config = meter.config.clone();
    config.name = "M0".to_owned();
    program.add(&config, &meter.secrets);
    program.ok(&["read", "M0", "--what", "registers,profile"]);
    let mut store = Store::open(&program.path("test.db")).unwrap();
    let then = "2020-01-01T00:00:00Z".parse().unwrap();
    store.begin_job("Read", then).unwrap();
    program
}

#[test]
fn the_status_tells_what_the_file_holds_and_a_check_that_it_is_sound() {
    let program = program();
    let status = program.json(&["store", "status"], 0);
    assert!(status["bytes"].as_u64().unwrap() > 100_000, "{status}");
    let intervals = status["kinds"].as_array().unwrap().iter().find(|kind| kind["name"] == "Intervals");
    assert!(intervals.unwrap()["items"].as_u64().unwrap() > 0);
    assert_eq!(status["upkeep"], json!([]));
    let checked = program.json(&["store", "check"], 0);
    assert_eq!(checked["sound"], true);
    program.ok(&["store", "compact", "--quiet"]);
    let whats: Vec<Value> = program.json(&["store", "status"], 0)["upkeep"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["what"], row["state"]]))
        .collect();
    assert_eq!(whats, [json!(["compact", "done"]), json!(["check", "done"])]);
}

#[test]
fn a_damaged_store_is_named_and_ends_with_2() {
    let program = program();
    let connection = rusqlite::Connection::open(program.path("test.db")).unwrap();
    connection.execute("UPDATE day_block SET intervals = intervals + 1", ()).unwrap();
    drop(connection);
    let checked = program.run(&["store", "check"]);
    assert_eq!(checked.code, 2, "{}{}", checked.out, checked.err);
    assert!(checked.err.contains("M0") && checked.err.contains("number of intervals"), "{}", checked.err);
}

#[test]
fn a_backup_is_a_store_and_takes_no_other_files_place() {
    let program = program();
    let copy = program.path("copy.db");
    let name = copy.to_str().unwrap();
    let made = program.json(&["store", "backup", name], 0);
    assert_eq!(made["file"], name);
    let registers = |path: &std::path::Path| {
        let store = StoreReader::open(path).unwrap();
        store.registers(store.meter_named("M0").unwrap().unwrap().id, false).unwrap()
    };
    assert_eq!(registers(&copy), registers(&program.path("test.db")));
    let again = program.run(&["store", "backup", name]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("choose another name"), "{}", again.err);
}

#[test]
fn what_is_kept_is_set_and_what_is_old_goes_when_its_number_is_confirmed() {
    let program = program();
    let kept = program.json(&["store", "keep"], 0);
    assert_eq!(
        kept["keep"][0],
        json!({ "kind": "intervals", "name": "Intervals", "age": null, "by_itself": false })
    );
    assert_eq!(program.run(&["store", "keep", "registers=3d"]).code, 2, "too short");
    assert_eq!(program.run(&["store", "keep", "audit=3y"]).code, 2, "no such kind");
    let preview = program.json(&["store", "retain", "--dry-run"], 0);
    assert_eq!((&preview["readings"], &preview["disposed"]), (&json!(0), &json!(false)));
    let jobs = preview["expired"].as_array().unwrap().iter().find(|one| one["kind"] == "jobs").unwrap();
    assert_eq!(jobs["items"], 1);
    let gone = program.json(&["store", "retain"], 0);
    assert_eq!(gone["words"], "Disposed of 1 results of jobs");

    let mut store = Store::open(&program.path("test.db")).unwrap();
    let id = store.meter_named("M0").unwrap().unwrap().id;
    let mut old = store.registers(id, false).unwrap().remove(0);
    old.read_at = "2019-01-01T00:00:00Z".parse().unwrap();
    let newer = store.registers(id, false).unwrap().remove(0);
    store.put_registers(id, &[old, newer], false).unwrap();
    drop(store);
    program.ok(&["store", "keep", "registers=13m"]);
    let refused = program.run(&["store", "retain"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("--confirm 1") && refused.err.contains("nothing went"), "{}", refused.err);
    assert_eq!(program.run(&["store", "retain", "--confirm", "2"]).code, 3);
    program.ok(&["store", "retain", "--confirm", "1"]);
    assert_eq!(program.json(&["store", "retain", "--dry-run"], 0)["readings"], 0);
}
