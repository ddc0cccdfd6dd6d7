//! `meterwright scheme …` as a script sees it: documents on standard output, exit codes.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests, which may")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn fixture(name: &str) -> String {
    in_repository(&format!("tests/schemes/{name}.scheme.json")).display().to_string()
}

fn ready_made(name: &str) -> String {
    in_repository(&format!("schemes/{name}.scheme.json")).display().to_string()
}

fn scheme(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterwright"));
    command.arg("scheme").args(words).env_remove("RUST_LOG");
    command.output().expect("the program runs")
}

/// The exit code and the one JSON document.
fn json_of(words: &[&str]) -> (i32, Value) {
    let output = scheme(&[words, &["--json"]].concat());
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("it was not killed"), document)
}

/// The exit code and standard error of a command that has nothing to print.
fn failure_of(words: &[&str]) -> (i32, String) {
    let output = scheme(words);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (output.status.code().expect("it was not killed"), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn check_gives_each_problem_and_fails_on_errors() {
    let file = fixture("switch-order.bad");
    let (code, document) = json_of(&["check", &file, "--today", "2026-11-22"]);
    assert_eq!(code, 2);
    assert_eq!(document["file"], file);
    let problem = &document["problems"][0];
    assert_eq!(
        *problem,
        json!({
            "code": "switch-order",
            "severity": "error",
            "place": "tariff.day_types[0].switches[2].at",
            "line": 30,
            "column": 19,
            "message": "16:00 stands after 16:00: times must rise"
        })
    );
}

#[test]
fn check_is_content_with_warnings() {
    let (code, document) = json_of(&["check", &fixture("double-count.bad"), "--today", "2026-11-22"]);
    assert_eq!((code, &document["problems"][0]["severity"]), (0, &json!("warning")));
    let (code, document) = json_of(&["check", &ready_made("single-rate")]);
    assert_eq!((code, &document["problems"]), (0, &json!([])));
}

#[test]
fn rate_names_what_is_on_in_local_time() {
    let file = ready_made("evenings-and-weekends");
    let (code, document) = json_of(&["rate", &file, "--at", "2027-07-01T06:30:00Z"]);
    assert_eq!(code, 0);
    assert_eq!(
        document,
        json!({ "at": "2027-07-01T06:30:00Z", "on": ["R2"], "season": "S1", "day_type": "D1", "special_day": false })
    );
    let (_, document) = json_of(&["rate", &file, "--at", "2029-12-25"]);
    assert_eq!(document["at"], "2029-12-25T00:00:00+00:00");
    assert_eq!((&document["on"], &document["special_day"]), (&json!(["R1"]), &json!(true)));
}

#[test]
fn rate_of_a_bad_scheme_or_at_no_time_is_refused() {
    let (code, message) = failure_of(&["rate", &fixture("day-start.bad"), "--at", "2027-07-01"]);
    assert_eq!(code, 2);
    assert!(message.contains("tariff.day_types[1].switches"), "{message}");
    let (code, message) = failure_of(&["rate", &ready_made("export"), "--at", "noon"]);
    assert_eq!(code, 2);
    assert!(message.contains("--at noon"), "{message}");
    assert_eq!(failure_of(&["rate", "no such file", "--at", "2027-07-01"]).0, 2);
}

#[test]
fn a_scheme_that_no_meter_of_its_template_can_hold_can_be_tried_out() {
    let output = scheme(&["rate", &fixture("ratio.bad"), "--at", "2027-07-01"]);
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("transformers.vt.primary"), "{told}");
}

/// A day of 1000 Wh each half hour, but for the hours from `from` to `to`.
fn day(folder: &Path, from: usize, to: usize) -> String {
    let mut csv = String::from("end,active_import\n");
    for index in 1..=48 {
        let energy = if index > from * 2 && index <= to * 2 { 0 } else { 1000 };
        let (date, hour) = if index == 48 { ("2027-01-13", 0) } else { ("2027-01-12", index / 2) };
        csv.push_str(&format!("{date}T{hour:02}:{:02}:00Z,{energy}\n", index % 2 * 30));
    }
    let path = folder.join("profile.csv");
    std::fs::write(&path, csv).expect("a file");
    path.display().to_string()
}

#[test]
fn dry_run_gives_registers_totals_demand_billing_sets_and_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = day(folder.path(), 6, 8);
    let events = folder.path().join("events.csv");
    let lines = "at,event\n2027-01-12T06:00:00Z,supply_fail\n2027-01-12T06:30:00Z,battery_fail\n\
                 2027-01-12T08:00:00Z,supply_return\n";
    std::fs::write(&events, lines).expect("a file");
    let events = events.display().to_string();
    let scheme = ready_made("industrial-three-rate");
    let (code, document) = json_of(&["dry-run", &scheme, "--profile", &profile, "--events", &events]);
    assert_eq!(code, 0);
    // The clock is late by two hours: 07:00 comes at 09:00, the peak at 18:00 to 21:00.
    assert_eq!(
        document["registers"],
        json!([
            { "id": "R1", "value": "14000", "unit": "Wh" },
            { "id": "R2", "value": "24000", "unit": "Wh" },
            { "id": "R3", "value": "6000", "unit": "Wh" },
            { "id": "Q1", "value": null, "unit": "varh" },
            { "id": "Q2", "value": null, "unit": "varh" }
        ])
    );
    assert_eq!(document["totals"], json!([{ "source": "active_import", "value": "44000", "unit": "Wh" }]));
    assert_eq!(
        document["demand"][0],
        json!({
            "id": "M1",
            "highest": [
                { "value": "2000", "unit": "W", "at": "2027-01-12T18:30:00+00:00" },
                { "value": "2000", "unit": "W", "at": "2027-01-12T19:00:00+00:00" },
                { "value": "2000", "unit": "W", "at": "2027-01-12T19:30:00+00:00" }
            ]
        })
    );
    let set = &document["billing_sets"][0];
    assert_eq!((&set["at"], &set["cause"]), (&json!("2027-01-12T08:00:00+00:00"), &json!("clock_failure")));
    assert_eq!(set["registers"][0], json!({ "id": "R1", "value": "12000", "unit": "Wh" }));
    assert_eq!(set["demand"][1]["highest"][0]["value"], "2000");
    assert_eq!(
        document["log"],
        json!([
            { "at": "2027-01-12T06:00:00+00:00", "event": "supply_fail" },
            { "at": "2027-01-12T06:30:00+00:00", "event": "battery_fail" },
            { "at": "2027-01-12T08:00:00+00:00", "event": "supply_return" },
            { "at": "2027-01-12T08:00:00+00:00", "event": "clock_failed" },
            { "at": "2027-01-12T08:00:00+00:00", "event": "billing_reset" }
        ])
    );
}

#[test]
fn dry_run_names_the_rows_that_it_cannot_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.csv");
    std::fs::write(&path, "end,active_import\n2027-01-12T06:00:00Z,x\nyesterday,1\n").expect("a file");
    let path = path.display().to_string();
    let (code, message) = failure_of(&["dry-run", &ready_made("export"), "--profile", &path]);
    assert_eq!(code, 2);
    assert!(message.contains("line 2: active_import") && message.contains("line 3: end"), "{message}");
}

#[test]
fn compare_tells_differences_in_words() {
    let (code, document) = json_of(&["compare", &ready_made("single-rate"), &ready_made("day-night")]);
    assert_eq!(code, 0);
    let messages: Vec<&str> = document["differences"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|difference| difference["message"].as_str())
        .collect();
    assert!(messages.contains(&"Energy register R2 is only in the second"), "{messages:?}");
    assert!(messages.contains(&"Day type D1 from 00:00 to 00:30: R1 becomes R2"), "{messages:?}");
    let same = scheme(&["compare", &ready_made("export"), &ready_made("export")]);
    assert_eq!(String::from_utf8_lossy(&same.stdout), "no differences\n");
}

#[test]
fn holidays_are_added_to_a_scheme_and_what_is_left_out_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [list, into] = ["holidays.csv", "x.scheme.json"].map(|name| folder.path().join(name));
    std::fs::copy(ready_made("industrial-three-rate"), &into).expect("the scheme is copied");
    std::fs::write(&list, "date,name\n2027-03-26,Good Friday\n2027-12-25,Christmas\n1/2/2027,Which?\n")
        .expect("the list is written");
    let [list, into] = [list, into].map(|path| path.display().to_string());
    let words = ["holidays", &list, "--into", &into, "--day-type", "D2"];
    let (code, document) = json_of(&words);
    assert_eq!(code, 0);
    assert_eq!(document["added"], json!([{ "date": "2027-03-26", "name": "Good Friday" }]));
    assert_eq!(document["ruled_already"][0]["by"], "*-12-25");
    assert_eq!(document["skipped"][0]["line"], 4);
    let (_, rate) = json_of(&["rate", &into, "--at", "2027-03-26T12:00:00Z"]);
    assert_eq!((&rate["day_type"], &rate["special_day"]), (&json!("D2"), &json!(true)));
    let (code, message) = failure_of(&["holidays", &list, "--into", &into, "--day-type", "D9"]);
    assert!(code == 2 && message.contains("there is D1, D2"), "{code} {message}");
}

#[test]
fn print_writes_a_pdf_and_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("scheme.pdf").display().to_string();
    let (code, document) = json_of(&["print", &ready_made("four-seasons"), "-o", &out]);
    assert_eq!((code, &document["errors"]), (0, &json!(0)));
    let pdf = std::fs::read(&out).expect("it was written");
    assert!(pdf.starts_with(b"%PDF-") && document["bytes"] == json!(pdf.len()));
}

#[test]
fn print_of_a_scheme_with_errors_is_written_and_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("scheme.pdf");
    let (code, document) =
        json_of(&["print", &fixture("switch-order.bad"), "-o", &out.display().to_string()]);
    assert_eq!((code, &document["errors"]), (2, &json!(2)), "two times stand out of order in that file");
    assert!(out.exists());
}

#[test]
fn print_of_what_is_no_scheme_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("scheme.pdf");
    let (code, error) = failure_of(&["print", &fixture("syntax.bad"), "-o", &out.display().to_string()]);
    assert_eq!(code, 2);
    assert!(error.contains("syntax") && !out.exists(), "{error}");
}

/// A load profile of two days, half an hour each row, and the prices of two contracts.
fn priced(folder: &Path) -> (String, String, String) {
    let path = |name: &str| folder.join(name);
    let start: jiff::Timestamp = "2026-01-30T00:00:00Z".parse().expect("an instant");
    let rows = (1..=4 * 48).map(|number| {
        let end = start + jiff::SignedDuration::from_mins(30 * number);
        format!("{end},{}\n", 400 + number % 7)
    });
    let csv: String = std::iter::once("end,active_import\n".to_owned()).chain(rows).collect();
    let prices = |rate: &str| {
        json!({
            "format": "meterwright.prices/1", "currency": "GBP", "decimals": 2, "tax_percent": "5",
            "standing_per_day": "0.61", "standing_per_billing_period": "0",
            "energy": [{ "register": "R1", "price": rate }], "demand": [],
        })
        .to_string()
    };
    for (name, text) in
        [("load.csv", csv), ("a.prices.json", prices("0.2467")), ("b.prices.json", prices("0.25"))]
    {
        std::fs::write(path(name), text).expect("the folder takes files");
    }
    let text = |name: &str| path(name).display().to_string();
    (text("load.csv"), text("a.prices.json"), text("b.prices.json"))
}

#[test]
fn bill_prices_a_load_profile_under_several_contracts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (load, first, second) = priced(folder.path());
    let scheme = ready_made("single-rate");
    let words =
        ["bill", &scheme, "--prices", &first, "--profile", &load, "--against", &scheme, "--prices2", &second];
    let (code, document) = json_of(&words);
    assert_eq!(code, 0, "{document}");
    let of = |at: usize, key: &str| document["bills"][at][key].clone();
    let number = |value: &Value| {
        value.as_str().expect("a text").parse::<meterwright::model::Decimal>().expect("exact")
    };
    for at in 0..2 {
        let periods = of(at, "periods");
        let periods = periods.as_array().expect("periods");
        let sum = |values: &mut dyn Iterator<Item = meterwright::model::Decimal>| {
            values.fold(meterwright::model::Decimal::ZERO, |sum, one| sum.checked_add(one).expect("it fits"))
        };
        assert_eq!(sum(&mut periods.iter().map(|period| number(&period["due"]))), number(&of(at, "due")));
        for period in periods {
            let lines = period["lines"].as_array().expect("lines");
            assert_eq!(sum(&mut lines.iter().map(|line| number(&line["amount"]))), number(&period["net"]));
            let parts = ["net", "tax", "rounding"].map(|key| number(&period[key]));
            assert_eq!(sum(&mut parts.into_iter()), number(&period["due"]));
        }
    }
    assert_eq!(of(0, "difference"), Value::Null);
    let more = number(&of(1, "due")).checked_sub(number(&of(0, "due")));
    assert_eq!(Some(number(&of(1, "difference"))), more);
    let text = scheme_text(&words);
    assert!(text.contains("against the first") && text.contains("rounding"), "{text}");
}

/// What a command prints for people.
fn scheme_text(words: &[&str]) -> String {
    let output = scheme(words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn prices_with_slips_end_with_their_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let (load, first, _) = priced(folder.path());
    let broken = folder.path().join("c.prices.json").display().to_string();
    std::fs::write(&broken, "{\n  \"format\": \"meterwright.prices/1\",\n  \"vat\": 1\n}")
        .expect("it is written");
    let scheme = ready_made("single-rate");
    let (code, error) = failure_of(&["bill", &scheme, "--prices", &broken, "--profile", &load]);
    assert_eq!(code, 2);
    assert!(error.contains("c.prices.json:3:3: error: unknown-key: vat"), "{error}");
    let (code, error) =
        failure_of(&["bill", &scheme, "--prices", &first, "--profile", &load, "--prices2", &first]);
    assert_eq!(code, 2, "{error}");
    let (code, error) = failure_of(&["bill", &scheme, "--profile", &load]);
    assert_eq!(code, 2);
    assert!(error.contains("single-rate.prices.json cannot be read"), "{error}");
}
