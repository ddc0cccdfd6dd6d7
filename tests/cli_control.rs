//! `clock set`, `clock adjust`, `billing-reset` and `contactor` by the real binary against virtual meters.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use std::net::{Ipv4Addr, SocketAddr};

use cli_support::{Program, fleet};
use meterwright::simulator::{Fleet, FleetOptions, Framing};
use meterwright::store::StoreReader;
use serde_json::{Value, json};

fn late_fleet() -> Fleet {
    Fleet::start(&FleetOptions {
        meters: 2,
        template: "dlms-generic".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        framing: Framing::Wrapper,
        seed: 7,
        faults: vec!["clock=-20".to_owned()],
    })
    .unwrap()
}

fn with(fleet: &Fleet) -> (Program, Vec<String>, String) {
    let mut program = Program::new();
    for meter in fleet.meters() {
        program.add(&meter.config, &meter.secrets);
    }
    let names = fleet.meters().iter().map(|meter| meter.config.name.clone()).collect();
    let serial = fleet.meters()[0].config.serial.clone().unwrap();
    (program, names, serial)
}

fn audit(program: &Program) -> Vec<String> {
    let store = StoreReader::open(&program.path("test.db")).unwrap();
    store.verify_audit().unwrap();
    let rows = store.audit_rows(1000).unwrap();
    rows.into_iter().filter(|row| row.what == "meter programmed").map(|row| row.detail).collect()
}

fn milliseconds(value: &Value) -> i64 {
    value.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn clocks_are_set_and_adjusted_and_read_back() {
    for word in ["set", "adjust"] {
        let fleet = late_fleet();
        let (program, names, _) = with(&fleet);
        // Whatever the time of day is when this test runs.
        let words = ["clock", word, "--across-interval", &names[0], &names[1]];
        let done = program.json(&words, 0);
        assert_eq!(done["summary"], json!({ "meters": 2, "ok": 2, "failed": 0 }), "{done}");
        for one in done["results"].as_array().unwrap() {
            assert!((-22_000..-17_000).contains(&milliseconds(&one["drift_before_seconds"])), "{one}");
            assert!(milliseconds(&one["drift_seconds"]).abs() < 2_500, "{one}");
            assert!(one["done"].as_str().unwrap().contains("was −"), "{one}");
        }
        assert!(audit(&program).iter().any(|row| row.contains("drift −") && row.contains(&names[1])));
        let got = program.json(&["clock", "get", &names[0]], 0);
        assert!(milliseconds(&got["results"][0]["drift_seconds"]).abs() < 2_500, "{got}");
    }
}

#[test]
fn a_wrong_serial_number_sends_nothing_and_exits_with_3() {
    let fleet = fleet(1, Framing::Wrapper);
    let (program, names, serial) = with(&fleet);
    for words in [["billing-reset", &names[0]].to_vec(), ["contactor", "open", &names[0]].to_vec()] {
        let ended = program.run(&words);
        assert_eq!(ended.code, 3, "{}", ended.err);
        assert!(ended.err.contains("--confirm") && ended.err.contains("nothing was sent"), "{}", ended.err);
        let wrong = format!("{serial}0");
        let refused = program.json(&[&words[..], &["--confirm", &wrong]].concat(), 3);
        assert!(refused["error"]["message"].as_str().unwrap().contains("nothing was sent"), "{refused}");
    }
    assert!(audit(&program).is_empty());
    assert_eq!(program.run(&["contactor", "open", "nobody", "--confirm", "1"]).code, 2);
    assert_eq!(program.run(&["clock", "set", "nobody"]).code, 2);
    assert_eq!(program.run(&["contactor", "ajar", &names[0]]).code, 2);
}

#[test]
fn a_billing_period_is_ended_and_a_contactor_moved() {
    for framing in [Framing::Wrapper, Framing::Hdlc] {
        let fleet = fleet(1, framing);
        let (program, names, serial) = with(&fleet);
        let confirmed = ["--confirm", &serial];
        let reset = program.json(&[&["billing-reset", &names[0]][..], &confirmed].concat(), 0);
        assert_eq!(reset["results"][0]["ok"], json!(true), "{reset}");
        assert!(reset["results"][0]["done"].as_str().unwrap().contains("confirmed"), "{reset}");

        let contactor = |word: &str, code: i32| {
            program.json(&[&["contactor", word, &names[0]][..], &confirmed].concat(), code)
        };
        let opened = contactor("open", 0);
        assert!(opened["results"][0]["done"].as_str().unwrap().contains("not supplied"), "{opened}");
        let armed = contactor("arm", 1);
        let error = &armed["results"][0]["error"];
        assert_eq!(error["fault"], json!("meter"), "{armed}");
        assert!(error["message"].as_str().unwrap().contains("control mode 4"), "{armed}");
        assert_eq!(armed["summary"], json!({ "meters": 1, "ok": 0, "failed": 1 }));
        let closed = contactor("close", 0);
        assert!(closed["results"][0]["done"].as_str().unwrap().contains("are supplied"), "{closed}");
        let rows = audit(&program);
        assert!(rows.iter().any(|row| row.contains("opening the contactor")), "{rows:?}");
        assert!(rows.iter().any(|row| row.contains("ending the billing period")), "{rows:?}");
    }
}

#[test]
fn the_serial_number_of_a_meter_that_was_never_read_is_read_before_it_is_compared() {
    let fleet = fleet(1, Framing::Wrapper);
    let meter = &fleet.meters()[0];
    let mut program = Program::new();
    let serial = meter.config.serial.clone().unwrap();
    let mut config = meter.config.clone();
    config.serial = None;
    program.add(&config, &meter.secrets);
    let name = &config.name;
    assert_eq!(program.run(&["contactor", "open", name, "--confirm", "1"]).code, 3);
    assert!(audit(&program).is_empty());
    program.ok(&["contactor", "open", name, "--confirm", &serial]);
}
