//! Keeping the list of meters, where a careless user or file would trip it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli_support;

use cli_support::{Program, fleet};
use meterwright::simulator::Framing;
use serde_json::{Value, json};

#[test]
fn every_setting_is_taken_away_by_an_empty_text() {
    let program = Program::new();
    program.ok(&[
        "meter",
        "add",
        "A",
        "--line",
        "tcp://a",
        "--serial",
        "1",
        "--address",
        "1/17@4",
        "--client",
        "2",
        "--client-title",
        "4D54570000000001",
        "--server-title",
        "4D54570000000002",
        "--point",
        "P",
        "--group",
        "G",
        "--time-zone",
        "Europe/Berlin",
        "--note",
        "N",
    ]);
    let fields =
        ["serial", "address", "client", "client-title", "server-title", "point", "group", "time-zone"];
    let shown = |field: &str| program.json(&["meter", "show", "A"], 0)[field.replace('-', "_")].clone();
    for field in fields {
        assert_ne!(shown(field), Value::Null, "{field}");
        program.ok(&["meter", "set", "A", &format!("--{field}"), ""]);
        assert_eq!(shown(field), Value::Null, "{field}");
    }
    program.ok(&["meter", "set", "A", "--note", ""]);
    assert_eq!(shown("note"), "");
    assert_eq!(program.run(&["meter", "set", "A", "--client", "70000"]).code, 2);
}

#[test]
fn a_meter_named_twice_is_removed_once() {
    let program = Program::new();
    program.ok(&["meter", "add", "A", "--line", "tcp://a"]);
    assert_eq!(program.json(&["meter", "remove", "A", "A"], 0), json!({ "removed": ["A"] }));
    assert_eq!(program.json(&["meter", "list"], 0), json!({ "meters": [] }));
}

#[test]
fn a_name_that_the_store_has_already_is_named_by_its_row() {
    let program = Program::new();
    let file = program.path("list.csv").display().to_string();
    std::fs::write(&file, "Name,Line\nA,tcp://a\nB,tcp://b\n").unwrap();
    program.ok(&["meter", "add", "B", "--line", "tcp://other"]);
    let failed = program.json(&["meter", "import", &file], 2);
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("row 3, column name: there is a meter `B`"), "{message}");
    assert_eq!(program.json(&["meter", "list"], 0)["meters"].as_array().unwrap().len(), 1);
    program.ok(&["meter", "remove", "B"]);
    assert_eq!(program.json(&["meter", "import", &file], 0), json!({ "added": 2 }));
}

#[test]
fn a_folder_is_no_store_and_none_is_made_for_one() {
    let program = Program::new();
    for store in [program.path(""), program.path("no/such/folder.db")] {
        let store = store.display().to_string();
        for words in [&["meter", "list"] as &[&str], &["meter", "add", "A", "--line", "tcp://a"]] {
            let ended = program.run(&[words, &["--store", &store]].concat());
            assert_eq!(ended.code, 2, "{}", ended.err);
            assert!(ended.err.contains("folder"), "{}", ended.err);
        }
    }
    assert!(!program.path("no").exists());
}

#[test]
fn a_register_stands_once_in_a_reading_with_what_belongs_to_it_under_it() {
    let fleet = fleet(1, Framing::Wrapper);
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    program.ok(&["read", "--all", "--what", "registers,billing"]);
    let name = meter.config.name.as_str();
    let shown = program.json(&["show", "registers", name], 0);
    let billing = program.json(&["show", "billing", name], 0);
    for registers in [&shown["registers"], &billing["billing"][0]["registers"]] {
        let registers = registers.as_array().unwrap();
        let mut codes: Vec<&str> = registers.iter().map(|one| one["obis"].as_str().unwrap()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for key in ["obis", "name", "value", "unit", "read_at", "meter_stamp", "side"] {
            assert!(registers.iter().all(|one| one.get(key).is_some()), "{key}");
        }
    }
    let maximum =
        shown["registers"].as_array().unwrap().iter().find(|one| one["obis"] == "1-0:1.6.0*255").unwrap();
    assert_eq!((&maximum["attribute"], &maximum["unit"]), (&json!(2), &json!("W")));
    assert!(maximum["meter_stamp"].is_string());
    assert_eq!(maximum["more"][0]["attribute"], 4);
}

#[cfg(target_os = "linux")]
#[test]
fn a_store_that_cannot_be_written_is_no_fault_of_the_program() {
    let program = Program::new();
    let ended = program.run(&["meter", "add", "A", "--line", "tcp://a", "--store", "/proc/meterwright.db"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("/proc/meterwright.db"), "{}", ended.err);
}
