//! `scheme write`, `read`, `compare --meter` and `restore` by the real binary against virtual meters.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use cli_support::{Program, fleet};
use meterwright::scheme;
use meterwright::simulator::{Fleet, Framing};
use meterwright::store::{AuditRow, StoreReader};
use serde_json::json;

const SCHEME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programmed.scheme.json");

fn with_meter(framing: Framing) -> (Fleet, Program, String) {
    let fleet = fleet(1, framing);
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    let name = meter.config.name.clone();
    (fleet, program, name)
}

#[test]
fn a_scheme_that_is_written_reads_back_as_the_same_file() {
    for framing in [Framing::Wrapper, Framing::Hdlc] {
        let (_fleet, program, name) = with_meter(framing);
        let written = program.json(&["scheme", "write", SCHEME, "--meter", &name], 0);
        assert_eq!((&written["ok"], &written["activate"]), (&json!(true), &json!("now")), "{written}");

        assert!(written["remarks"].to_string().contains("not taken by this meter"), "{written}");

        let compared = program.json(&["scheme", "compare", SCHEME, "--meter", &name], 0);
        assert_eq!(compared["differences"], json!([]), "{compared}");
        assert!(compared["not_compared"].to_string().contains("clock_failure"), "{compared}");

        let back = program.path("back.scheme.json");
        let back = back.to_str().unwrap();
        program.ok(&["scheme", "read", "--meter", &name, "-o", back]);
        let read = |path: &str| scheme::read(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(scheme::compare(&read(SCHEME), &read(back)), []);
    }
}

#[test]
fn what_a_meter_cannot_take_is_told_before_anything_is_written() {
    let (_fleet, program, name) = with_meter(Framing::Wrapper);
    let ended = program.run(&["scheme", "write", SCHEME, "--meter", &name]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("not taken by this meter: clock_failure.response"), "{}", ended.err);
    assert!(ended.out.contains("the tariff is in force") && ended.out.contains("not taken"), "{}", ended.out);
}

#[test]
fn what_stood_there_before_is_restored() {
    let (_fleet, program, name) = with_meter(Framing::Wrapper);
    program.ok(&["scheme", "write", SCHEME, "--meter", &name]);
    let other = program.path("other.scheme.json");
    let text =
        std::fs::read_to_string(SCHEME).unwrap().replace("TWORATE1", "OTHER1").replace("07:00", "06:00");
    std::fs::write(&other, text).unwrap();
    let other = other.to_str().unwrap();
    program.ok(&["scheme", "write", other, "--meter", &name]);
    let differences = program.json(&["scheme", "compare", SCHEME, "--meter", &name], 0);
    assert!(differences["differences"].to_string().contains("06:00"), "{differences}");
    let store = StoreReader::open(&program.path("test.db")).unwrap();
    let activated = |row: &AuditRow| row.what == "meter programmed" && row.detail.contains("activated");
    assert_eq!(store.audit_rows(1000).unwrap().iter().filter(|row| activated(row)).count(), 2);
    store.verify_audit().unwrap();
    program.ok(&["scheme", "restore", "--meter", &name]);
    let differences = program.json(&["scheme", "compare", SCHEME, "--meter", &name], 0);
    assert_eq!(differences["differences"], json!([]), "{differences}");
}

#[test]
fn a_scheme_that_waits_leaves_the_tariff_in_force() {
    let (_fleet, program, name) = with_meter(Framing::Wrapper);
    program.ok(&["scheme", "write", SCHEME, "--meter", &name]);
    let other = program.path("other.scheme.json");
    let text = std::fs::read_to_string(SCHEME).unwrap().replace("07:00", "06:00");
    std::fs::write(&other, text).unwrap();
    let written = program
        .json(&["scheme", "write", other.to_str().unwrap(), "--meter", &name, "--activate", "never"], 0);
    assert_eq!(written["activate"], json!("never"));
    let differences = program.json(&["scheme", "compare", SCHEME, "--meter", &name], 0);
    assert_eq!(differences["differences"], json!([]), "{differences}");
}

#[test]
fn a_bad_file_a_bad_time_and_an_empty_meter_are_refused_in_words() {
    let (_fleet, program, name) = with_meter(Framing::Wrapper);
    let bad = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemes/season-cover.bad.scheme.json");
    assert_eq!(program.run(&["scheme", "write", bad, "--meter", &name]).code, 2);
    assert_eq!(program.run(&["scheme", "write", SCHEME, "--meter", &name, "--activate", "soon"]).code, 2);
    let past = program.json(&["scheme", "write", SCHEME, "--meter", &name, "--activate", "2020-01-01"], 1);
    assert!(past["error"]["message"].as_str().unwrap().contains("has gone by"), "{past}");
    let back = program.path("back.scheme.json");
    let read = program.json(&["scheme", "read", "--meter", &name, "-o", back.to_str().unwrap()], 1);
    assert!(read["error"]["message"].as_str().unwrap().contains("no tariff stands in it"), "{read}");
    assert!(!back.exists());
    assert_eq!(program.run(&["scheme", "restore", "--meter", &name]).code, 2);
    assert_eq!(program.run(&["scheme", "compare", SCHEME]).code, 2);
}
