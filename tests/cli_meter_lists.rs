//! Meter lists on the command line, over virtual meters: made, filled, run, scheduled, summed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli_support;

use std::io::{BufRead, BufReader};
use std::process::Command;

use cli_support::{Program, fleet};
use meterwright::simulator::{Fleet, Framing};
use meterwright::store::Store;
use serde_json::{Value, json};

/// A store with the meters of a fleet, the last of which nobody answers for.
fn program() -> (Program, Fleet) {
    let fleet = fleet(2, Framing::Wrapper);
    let mut program = Program::new();
    for (number, meter) in fleet.meters().iter().enumerate() {
        let mut config = meter.config.clone();
        (config.name, config.group) = (format!("M{number}"), Some("North/Mill Lane".to_owned()));
        program.add(&config, &meter.secrets);
    }
    (program, fleet)
}

#[test]
fn a_list_is_made_filled_run_and_remembered() {
    let (program, _fleet) = program();
    program.ok(&["list", "create", "Nightly", "--what", "clock,registers"]);
    assert_eq!(program.run(&["list", "create", "Nightly"]).code, 2, "the name is taken");
    let added = program.json(&["list", "add", "Nightly", "--group", "North"], 0);
    assert_eq!(added, json!({ "list": "Nightly", "meters": 2 }));
    assert_eq!(program.json(&["list", "remove", "Nightly", "M1"], 0)["meters"], 1);
    assert_eq!(program.json(&["list", "add", "Nightly", "M1"], 0)["meters"], 2);
    let document = program.json(&["list", "run", "Nightly"], 0);
    assert_eq!(document["summary"], json!({ "meters": 2, "ok": 2, "failed": 0 }));
    assert!(document["results"][0]["stored"]["registers"].as_u64().unwrap() > 0);
    let history = program.json(&["list", "history", "Nightly"], 0);
    let run = &history["runs"][0];
    assert_eq!(
        (&run["cause"], &run["state"], &run["ok"], &run["meters"]),
        (&json!("hand"), &json!("done"), &json!(2), &json!(2))
    );
    assert_eq!(history["outcomes"][1]["state"], "ok");
    let rate = program.json(&["list", "rate", "Nightly", "--by", "group"], 0);
    assert_eq!(rate["rates"][0]["last_run"], json!({ "ok": 2, "meters": 2, "percent": "100.00" }), "{rate}");
    assert_eq!(rate["rates"][0]["group"], "North/Mill Lane");
    program.ok(&["list", "remove", "Nightly"]);
    assert_eq!(program.json(&["list", "list"], 0), json!({ "lists": [] }));
}

#[test]
fn a_run_with_a_meter_that_fails_ends_with_1_and_a_line_for_each() {
    let (program, _fleet) = program();
    program.ok(&["meter", "add", "Dead", "--line", "tcp://127.0.0.1:1"]);
    program.ok(&["list", "create", "All of them", "--what", "clock", "--all"]);
    let ended = program.run(&["list", "run", "All of them", "--quiet"]);
    assert_eq!(ended.code, 1, "{}{}", ended.err, ended.out);
    assert!(ended.out.contains("M0: ok,"), "{}", ended.out);
    assert!(ended.out.contains("Dead: failed: "), "{}", ended.out);
    assert!(ended.out.contains("2 of 3 meters went well"), "{}", ended.out);
    let shown = program.json(&["list", "show", "All of them"], 0);
    assert_eq!(shown["last_run"]["failed"], 1);
    assert_eq!(shown["meters"], json!(["Dead", "M0", "M1"]));
}

#[test]
fn a_schedule_is_taken_as_written_and_shows_its_next_runs() {
    let program = Program::new();
    program.ok(&["meter", "add", "A", "--line", "tcp://a"]);
    program.ok(&["list", "create", "Nightly"]);
    let of = |words: &[&str]| program.json(&[&["list", "schedule", "Nightly"], words].concat(), 0);
    std::fs::write(program.path("holidays.txt"), "# Christmas\n2026-12-25 Christmas day\n2026-12-26\n")
        .unwrap();
    let holidays = program.path("holidays.txt");
    let document = of(&[
        "--daily",
        "02:00",
        "--weekdays",
        "mon,tue",
        "--zone",
        "Europe/Berlin",
        "--window",
        "3h",
        "--priority",
        "7",
        "--missed",
        "skip",
        "--holidays",
        holidays.to_str().unwrap(),
    ]);
    let words = document["schedule_words"].as_str().unwrap();
    let wanted = "at 02:00 on Mon, Tue (Europe/Berlin), retries for 3 h, not on 2 holidays";
    assert_eq!(words, wanted);
    assert_eq!(document["next_runs"].as_array().unwrap().len(), 5);
    std::fs::write(program.path("holidays.txt"), "2026-12-25\nsome day\n").unwrap();
    let wrong = program.run(&["list", "schedule", "Nightly", "--holidays", holidays.to_str().unwrap()]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("line 2"), "{}", wrong.err);
    let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20201225\nRRULE:FREQ=YEARLY\n\
        SUMMARY:Christmas Day\nEND:VEVENT\nEND:VCALENDAR\n";
    std::fs::write(program.path("holidays.txt"), calendar).unwrap();
    let document = of(&["--holidays", holidays.to_str().unwrap()]);
    assert!(document["schedule_words"].as_str().unwrap().ends_with("not on 10 holidays"), "{document}");
    let document = of(&["--every", "15m"]);
    assert!(document["schedule_words"].as_str().unwrap().starts_with("every 15 minutes (Europe/Berlin)"));
    assert_eq!(document["schedule"]["priority"], 7, "what is not named stays");
    assert_eq!(of(&["--monthly", "1", "--daily", "00:30"])["next_runs"].as_array().unwrap().len(), 5);
    assert_eq!(program.json(&["list", "pause", "Nightly"], 0)["next_runs"], json!([]));
    assert_eq!(program.json(&["list", "resume", "Nightly"], 0)["next_runs"].as_array().unwrap().len(), 5);
    assert_eq!(of(&["--off"])["schedule"], Value::Null);
    let schedule = |words: &[&str]| program.run(&[&["list", "schedule"], words].concat());
    for wrong in [
        &["Nightly"][..],
        &["Nightly", "--every", "2d"],
        &["Nightly", "--daily", "25:00"],
        &["Nightly", "--daily", "02:00", "--zone", "Berlin"],
        &["Nightly", "--daily", "02:00", "--every", "15m"],
        &["Nobody", "--daily", "02:00"],
    ] {
        let ended = schedule(wrong);
        assert_eq!(ended.code, 2, "{wrong:?}: {}{}", ended.err, ended.out);
    }
    assert_eq!(program.run(&["list", "run", "Nightly"]).code, 2, "an empty list");
}

#[test]
fn gaps_are_listed_with_their_reasons() {
    let (program, _fleet) = program();
    assert!(program.ok(&["show", "gaps", "M0"]).contains("No profile of M0 is stored"));
    let days = |back: i64| {
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * back);
        at.strftime("%Y-%m-%d").to_string()
    };
    for (from, to) in [(days(9), days(8)), (days(2), days(1))] {
        program.ok(&["read", "M0", "--what", "profile", "--from", &from, "--to", &to, "--quiet"]);
    }
    let document = program.json(&["show", "gaps", "M0"], 0);
    let gaps = document["gaps"].as_array().unwrap();
    assert_eq!(gaps[0]["reason"], "not-asked", "{document}");
    assert_eq!(gaps.last().unwrap()["reason"], "not-read");
    program.ok(&["read", "M0", "--what", "profile", "--quiet"]);
    let document = program.json(&["show", "gaps", "M0"], 0);
    let left = document["gaps"].as_array().unwrap().iter().filter(|gap| gap["final"] != json!(true));
    assert!(
        left.map(|gap| gap["intervals"].as_u64().unwrap()).sum::<u64>() <= 1,
        "the read closes it: {document}"
    );
}

#[cfg(unix)]
#[test]
fn the_service_runs_a_list_tells_of_each_meter_in_json_lines_and_ends_cleanly() {
    let (program, _fleet) = program();
    program.ok(&["list", "create", "Often", "--what", "clock", "--all"]);
    program.ok(&["list", "schedule", "Often", "--every", "24h", "--window", "1d"]);
    // Nothing was decided on since yesterday: it is due at once.
    let mut store = Store::open(&program.path("test.db")).unwrap();
    let list = store.lists().unwrap().remove(0);
    let yesterday = list.handled - jiff::SignedDuration::from_hours(24);
    store.handle_list(list.id, yesterday, None).unwrap();
    drop(store);
    let mut service = program.command(&["run", "--json", "--quiet"]).spawn().unwrap();
    let lines = BufReader::new(service.stdout.take().unwrap()).lines().take(2);
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let mut meters: Vec<&str> = lines.iter().map(|line| line["meter"].as_str().unwrap()).collect();
    meters.sort_unstable();
    assert_eq!(meters, ["M0", "M1"]);
    assert!(lines.iter().all(|line| line["ok"] == true && line["list"] == "Often"), "{lines:?}");
    let killed = Command::new("kill").arg("-TERM").arg(service.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(service.wait().unwrap().code(), Some(0));
    let history = program.json(&["list", "history", "Often"], 0);
    assert_eq!(history["runs"][0]["cause"], "schedule");
}
