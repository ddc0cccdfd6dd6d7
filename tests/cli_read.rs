//! `read`, `show`, `export`, `clock` and `trace` by the real binary against virtual meters.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use cli_support::{Program, fleet};
use meterwright::simulator::{Fleet, FleetOptions, Framing};
use serde_json::{Value, json};

fn since() -> String {
    let day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    day.to_string()
}

/// A program with the meters of a fleet added; gives their names.
fn with_fleet(fleet: &Fleet) -> (Program, Vec<String>) {
    let mut program = Program::new();
    for meter in fleet.meters() {
        program.add(&meter.config, &meter.secrets);
    }
    (program, fleet.meters().iter().map(|meter| meter.config.name.clone()).collect())
}

fn rows(document: &Value) -> &Vec<Value> {
    document["rows"].as_array().unwrap()
}

#[test]
fn a_meter_is_added_read_shown_and_exported() {
    let fleet = fleet(1, Framing::Wrapper);
    let (program, names) = with_fleet(&fleet);
    let name = names[0].as_str();
    let read = program
        .json(&["read", name, "--what", "identity,clock,registers,profile,events", "--from", &since()], 0);
    let result = &read["results"][0];
    assert_eq!(
        (&result["meter"], &result["ok"], &result["error"]),
        (&json!(name), &json!(true), &Value::Null)
    );
    assert!(result["stored"]["registers"].as_u64().unwrap() > 5, "{read}");
    assert!(result["stored"]["intervals"].as_u64().unwrap() >= 47, "{read}");
    assert!(result["exchanges"].as_u64().unwrap() > 3 && result["bytes_received"].as_u64().unwrap() > 1000);
    assert_eq!(read["summary"], json!({ "meters": 1, "ok": 1, "failed": 0 }));

    let shown = program.json(&["show", "registers", name], 0);
    let energy =
        shown["registers"].as_array().unwrap().iter().find(|one| one["obis"] == "1-0:1.8.0*255").unwrap();
    assert_eq!((&energy["unit"], &energy["side"]), (&json!("Wh"), &json!("secondary")));
    assert!(energy["value"].as_str().unwrap().parse::<u64>().unwrap() > 0, "a decimal string");
    assert_eq!(shown["serial"], json!(fleet.meters()[0].config.serial));

    let profile = program.json(&["show", "profile", name], 0);
    assert_eq!((&profile["stamp"], &profile["period_minutes"]), (&json!("interval-end"), &json!(30)));
    let channels = profile["channels"].as_array().unwrap().len();
    assert!(rows(&profile).iter().all(|row| row["values"].as_array().unwrap().len() == channels));
    // The meter has a daily profile beside the load profile; both count.
    let intervals = result["stored"]["intervals"].as_u64().unwrap();
    assert!((47..=intervals).contains(&(rows(&profile).len() as u64)), "{intervals}");

    let file = program.path("out.csv");
    let path = file.to_str().unwrap();
    let written = program.json(&["export", "profile", name, "--format", "csv", "-o", path], 0);
    assert_eq!(written["rows"], json!(rows(&profile).len() * channels));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# stamp: interval-end\n"));
    let first = &rows(&profile)[0];
    let line = text.lines().find(|line| line.starts_with(first["utc"].as_str().unwrap())).unwrap();
    assert!(line.contains(&format!(",{},", first["values"][0].as_str().unwrap())), "{line}");
}

/// Sessions of one client that run side by side would use invocation counters out of turn, which the meter refuses.
#[test]
fn programs_that_read_one_ciphered_meter_at_once_take_turns() {
    let slow = FleetOptions { meters: 1, faults: vec!["late=15".to_owned()], ..FleetOptions::demo() };
    let fleet = Fleet::start(&slow).unwrap();
    let (program, names) = with_fleet(&fleet);
    let words = ["read", names[0].as_str(), "--what", "clock,registers", "--json", "--quiet"];
    let read = || program.command(&words).spawn().unwrap();
    for one in [read(), read(), read()] {
        let ended = one.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stdout));
    }
}

#[test]
fn a_second_read_asks_for_the_gap_only() {
    let fleet = fleet(1, Framing::Wrapper);
    let (program, names) = with_fleet(&fleet);
    let name = names[0].as_str();
    program.ok(&["read", name, "--what", "profile", "--from", &since()]);
    let again = program.json(&["read", name, "--what", "profile"], 0);
    assert!(again["results"][0]["stored"]["intervals"].as_u64().unwrap() <= 1, "{again}");
    let before = program.json(&["show", "profile", name], 0);
    assert!(rows(&before).len() < 60, "and not the whole");
}

#[test]
fn hdlc_over_tcp_gives_the_same_values_as_the_wrapper() {
    let registers = |framing: Framing| {
        let fleet = fleet(1, framing);
        let (program, names) = with_fleet(&fleet);
        program.ok(&["read", &names[0], "--what", "identity,billing"]);
        program.json(&["show", "billing", &names[0]], 0)["billing"].clone()
    };
    let strip = |mut sets: Value| {
        for set in sets.as_array_mut().unwrap() {
            for register in set["registers"].as_array_mut().unwrap() {
                register["read_at"] = Value::Null;
            }
        }
        sets
    };
    let wrapper = strip(registers(Framing::Wrapper));
    assert!(!wrapper.as_array().unwrap().is_empty());
    assert_eq!(wrapper, strip(registers(Framing::Hdlc)));
}

#[test]
#[cfg(target_os = "linux")]
fn a_meter_on_a_pseudo_terminal_is_read() {
    let fleet = fleet(1, Framing::Pty);
    let (program, names) = with_fleet(&fleet);
    let read = program.json(&["read", &names[0], "--what", "identity,clock"], 0);
    assert_eq!(read["results"][0]["ok"], json!(true), "{read}");
}

#[test]
fn a_dead_meter_fails_alone_with_whose_fault_it_was() {
    let fleet = fleet(1, Framing::Wrapper);
    let (program, names) = with_fleet(&fleet);
    // A port that was just given back: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    program.ok(&["meter", "add", "dead", "--line", &format!("tcp://{free}")]);
    let read = program.json(&["read", &names[0], "dead", "--what", "clock"], 1);
    assert_eq!(read["summary"], json!({ "meters": 2, "ok": 1, "failed": 1 }));
    assert_eq!(read["results"][0]["ok"], json!(true));
    assert_eq!(read["results"][1]["meter"], json!("dead"));
    assert_eq!(read["results"][1]["error"]["fault"], json!("line"));
    let listed = program.json(&["meter", "list"], 0);
    let dead = listed["meters"].as_array().unwrap().iter().find(|meter| meter["name"] == "dead").unwrap();
    assert!(dead["last_result"].is_string() && dead["last_read"].is_string(), "{listed}");
}

#[test]
fn progress_is_plain_lines_off_a_terminal_and_silent_when_quiet() {
    let fleet = fleet(1, Framing::Wrapper);
    let (program, names) = with_fleet(&fleet);
    let loud = program.run(&["read", &names[0], "--what", "clock"]);
    assert!(loud.err.contains(&format!("{}: Read: the clock is right", names[0])), "{}", loud.err);
    assert!(!loud.err.contains('\r'));
    assert_eq!(program.run(&["read", &names[0], "--what", "clock", "--quiet"]).err, "");
}

#[test]
fn a_group_is_read_with_all_groups_under_it() {
    let fleet = fleet(3, Framing::Wrapper);
    let (program, names) = with_fleet(&fleet);
    program.ok(&["meter", "set", &names[0], "--group", "north"]);
    program.ok(&["meter", "set", &names[1], "--group", "north/east"]);
    program.ok(&["meter", "set", &names[2], "--group", "northern"]);
    let read = program.json(&["read", "--group", "north", "--what", "clock"], 0);
    assert_eq!(read["summary"]["meters"], json!(2));
    assert_eq!(program.json(&["read", "--all", "--what", "clock"], 0)["summary"]["meters"], json!(3));
    assert_eq!(program.run(&["read", "--group", "south"]).code, 2);
}

#[test]
fn clocks_are_compared_with_this_computers() {
    let fleet = fleet(1, Framing::Wrapper);
    let (program, names) = with_fleet(&fleet);
    let clock = &program.json(&["clock", "get", &names[0]], 0)["results"][0];
    let drift: f64 = clock["drift_seconds"].as_str().unwrap().parse().unwrap();
    assert!(drift.abs() < 5.0, "{clock}");
}

#[test]
fn traffic_is_shown_layer_by_layer() {
    let fleet = fleet(1, Framing::Hdlc);
    let (program, names) = with_fleet(&fleet);
    program.ok(&["read", &names[0], "--what", "clock"]);
    let text = program.ok(&["trace", "show"]);
    for word in ["HDLC     SNRM", "LLC      command", "association request (AARQ)", "release"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    let document = program.json(&["trace", "show", "1"], 0);
    assert!(document["records"].as_array().unwrap().len() > 4);
    assert_eq!(program.run(&["trace", "show", "99"]).code, 2);
}

#[test]
fn octets_are_decoded_without_a_store() {
    let program = Program::new();
    let text = program.ok(&["trace", "decode", "7E A0 07 03 21 93 0F 01 7E"]);
    assert_eq!(text, "HDLC     SNRM, final; from 16 to 1\n");
    assert_eq!(program.run(&["trace", "decode", "7E A"]).code, 2);
}
