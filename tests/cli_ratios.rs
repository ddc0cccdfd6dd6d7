//! Metering points, transformer ratios and exchanges by the real binary against virtual meters.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use cli_support::{Program, fleet};
use meterwright::model::Decimal;
use meterwright::simulator::{Fleet, Framing};
use serde_json::{Value, json};

fn with_meter() -> (Fleet, Program, String) {
    let fleet = fleet(1, Framing::Wrapper);
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    let name = meter.config.name.clone();
    (fleet, program, name)
}

fn find<'a>(document: &'a Value, obis: &str) -> &'a Value {
    document["registers"].as_array().unwrap().iter().find(|one| one["obis"] == obis).unwrap()
}

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_ratio_is_set_with_its_validity_and_got_again() {
    let (_fleet, program, name) = with_meter();
    let got = program.json(&["ratio", "get", &name], 0);
    assert_eq!((&got["ratios"], &got["now"], &got["point"]), (&json!([]), &Value::Null, &json!(name)));
    let set = ["ratio", "set", &name, "--ct", "400/5", "--vt", "11000/110", "--from", "2026-01-01T00:00:00Z"];
    let set = program.json(&[&set[..], &["--ct-class", "0.2S"]].concat(), 0);
    assert_eq!((&set["changed"], &set["set"]["energy_factor"]), (&json!(true), &json!("8000")));
    program.ok(&["ratio", "set", &name, "--vt", "110000/sqrt3:100/sqrt3", "--from", "2026-06-01T00:00:00Z"]);
    let got = program.json(&["ratio", "get", &name], 0);
    let first = &got["ratios"][0];
    assert_eq!((&first["ct"], &first["vt"]), (&json!("400/5"), &json!("11000/110")));
    assert_eq!(
        (&first["from"], &first["until"]),
        (&json!("2026-01-01T00:00:00Z"), &json!("2026-06-01T00:00:00Z"))
    );
    let now = &got["now"];
    assert_eq!((&now["ct"], &now["vt"]), (&json!("400/5"), &json!("110000/√3:100/√3")));
    assert_eq!((&now["energy_factor"], &now["classes"]["ct"]), (&json!("88000"), &json!("0.2S")));
    assert_eq!(now["applied_by_meter"], json!(false));
    let tried = program.json(&["ratio", "remove", &name, "--from", "2026-06-01T00:00:00Z", "--preview"], 0);
    assert_eq!((&tried["changed"], tried["ratios"].as_array().unwrap().len()), (&json!(false), 2));
    let nothing = program.run(&["ratio", "remove", &name, "--from", "2026-06-02T00:00:00Z", "--preview"]);
    assert_eq!(nothing.code, 2, "{}", nothing.err);
    program.ok(&["ratio", "remove", &name, "--from", "2026-06-01T00:00:00Z"]);
    assert_eq!(program.json(&["ratio", "get", &name], 0)["ratios"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_wrong_is_refused_with_what_to_write() {
    let (_fleet, program, name) = with_meter();
    for (words, why) in [
        (&["--ct", "400", "--from", "2026-01-01"][..], "400/5"),
        (&["--ct", "0/5", "--from", "2026-01-01"], "above 0"),
        (&["--ct", "400/5"], "--from"),
        (&["--from", "2026-01-01"], "--ct"),
    ] {
        let ended = program.run(&[&["ratio", "set", &name][..], words].concat());
        assert_eq!(ended.code, 2, "{words:?}");
        assert!(ended.err.contains(why), "{words:?}: {}", ended.err);
    }
    let reversed = program.json(&["ratio", "set", &name, "--ct", "5/400", "--from", "2026-01-01"], 0);
    assert!(reversed["warnings"][0].as_str().unwrap().contains("wrong way round"), "{reversed}");
}

#[test]
fn figures_are_shown_and_exported_on_the_side_that_is_wanted() {
    let (_fleet, program, name) = with_meter();
    let since = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24)).to_string();
    program.ok(&["read", &name, "--what", "registers,profile,instantaneous", "--from", &since]);
    program.ok(&["read", &name, "--what", "billing"]);
    let plain = program.json(&["show", "registers", &name], 0);
    let none = program.json(&["show", "registers", &name, "--side", "primary"], 0);
    let energy = find(&none, "1-0:1.8.0*255");
    assert_eq!(energy["value"], Value::Null, "without a ratio nothing is made up");
    assert!(energy["not_converted"].as_str().unwrap().contains("no transformer ratio is known"));

    program.ok(&["ratio", "set", &name, "--ct", "4000/5", "--vt", "1/1", "--from", "2020-01-01T00:00:00Z"]);
    let primary = program.json(&["show", "registers", &name, "--side", "primary"], 0);
    let (before, after) = (find(&plain, "1-0:1.8.0*255"), find(&primary, "1-0:1.8.0*255"));
    assert_eq!((&before["side"], &after["side"]), (&json!("secondary"), &json!("primary")));
    let factor = Decimal::from(800);
    assert_eq!(number(&after["value"]), number(&before["value"]).checked_mul(factor).unwrap());
    let billing = program.json(&["show", "billing", &name, "--side", "primary"], 0);
    let closed = billing["billing"][0]["registers"].as_array().unwrap();
    let energy = closed.iter().find(|one| one["unit"] == "Wh").unwrap();
    assert_eq!((&energy["side"], energy["value"].is_string()), (&json!("primary"), true));

    let rows = |side: Option<&str>| {
        let more: Vec<&str> = side.map_or_else(Vec::new, |side| vec!["--side", side]);
        program.json(&[&["show", "profile", &name][..], &more].concat(), 0)
    };
    let (plain, primary) = (rows(None), rows(Some("primary")));
    assert_eq!(primary["not_converted"], json!(0));
    for (one, other) in plain["rows"].as_array().unwrap().iter().zip(primary["rows"].as_array().unwrap()) {
        let channels = primary["channels"].as_array().unwrap();
        for (at, channel) in channels.iter().enumerate() {
            let wanted = match channel["unit"].as_str().unwrap() {
                "Wh" | "varh" | "A" | "W" => factor,
                _ => Decimal::from(1),
            };
            assert_eq!(number(&other["values"][at]), number(&one["values"][at]).checked_mul(wanted).unwrap());
        }
    }
    let file = program.path("out.csv");
    program.ok(&["export", "profile", &name, "--side", "primary", "-o", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# side: primary\n"), "{text:.600}");
    assert!(
        text.contains(
            "# ratio: CT 4000/5 VT 1/1 from 2020-01-01T00:00:00Z to now, applied by this program\n"
        )
    );
}

#[test]
fn a_change_of_ratio_splits_the_profile_and_leaves_registers_whole_or_not_at_all() {
    let (_fleet, program, name) = with_meter();
    let now = jiff::Timestamp::now();
    let since = (now - jiff::SignedDuration::from_hours(24)).to_string();
    program.ok(&["read", &name, "--what", "registers,profile", "--from", &since]);
    let change = jiff::Timestamp::from_second((now.as_second() / 1800 - 12) * 1800 + 600).unwrap();
    program.ok(&["ratio", "set", &name, "--ct", "400/5", "--from", "2020-01-01T00:00:00Z"]);
    let warned = program.run(&["ratio", "set", &name, "--ct", "600/5", "--from", &change.to_string()]);
    assert!(warned.err.contains("not the end of an interval"), "{}", warned.err);
    let shown = program.json(&["show", "profile", &name, "--side", "primary"], 0);
    assert_eq!(shown["not_converted"], json!(1));
    let plain = program.json(&["show", "profile", &name], 0);
    for (one, other) in plain["rows"].as_array().unwrap().iter().zip(shown["rows"].as_array().unwrap()) {
        let end: jiff::Timestamp = other["utc"].as_str().unwrap().parse().unwrap();
        let at = shown["channels"].as_array().unwrap().iter().position(|one| one["unit"] == "Wh").unwrap();
        let spans = end > change && end - jiff::SignedDuration::from_mins(30) < change;
        if spans {
            assert_eq!(other["values"][at], Value::Null);
            assert!(other["status"].as_array().unwrap().contains(&json!("ratio-change")));
            continue;
        }
        let factor = Decimal::from(if end <= change { 80 } else { 120 });
        assert_eq!(number(&other["values"][at]), number(&one["values"][at]).checked_mul(factor).unwrap());
    }
    let registers = program.json(&["show", "registers", &name, "--side", "primary"], 0);
    let energy = find(&registers, "1-0:1.8.0*255");
    assert!(energy["not_converted"].as_str().unwrap().contains("the ratio changed at"), "{energy}");
}

#[test]
fn a_meter_that_applies_the_ratio_itself_is_never_multiplied() {
    let (_fleet, program, name) = with_meter();
    program.ok(&["read", &name, "--what", "registers"]);
    let plain = program.json(&["show", "registers", &name], 0);
    program.ok(&[
        "ratio",
        "set",
        &name,
        "--ct",
        "400/5",
        "--applied-by-meter",
        "yes",
        "--from",
        "2020-01-01T00:00:00Z",
    ]);
    let raw = program.json(&["show", "registers", &name], 0);
    let primary = program.json(&["show", "registers", &name, "--side", "primary"], 0);
    let secondary = program.json(&["show", "registers", &name, "--side", "secondary"], 0);
    let value = |document: &Value| number(&find(document, "1-0:1.8.0*255")["value"]);
    assert_eq!(find(&raw, "1-0:1.8.0*255")["side"], json!("primary"), "the ratio says it");
    assert_eq!((value(&raw), value(&primary)), (value(&plain), value(&plain)));
    assert_eq!(value(&secondary).checked_mul(Decimal::from(80)).unwrap(), value(&plain));
    let refused = program.run(&["meter", "set", &name, "--registers-in", "secondary"]);
    assert!(refused.code != 0 && refused.err.contains("--applied-by-meter"), "{}", refused.err);
}

#[test]
fn a_preview_shows_last_months_energy_before_and_after_and_changes_nothing() {
    let (_fleet, program, name) = with_meter();
    let from = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 62)).to_string();
    program.ok(&["read", &name, "--what", "profile", "--from", &from]);
    program.ok(&["ratio", "set", &name, "--ct", "400/5", "--from", "2020-01-01T00:00:00Z"]);
    let words = ["ratio", "set", &name, "--ct", "600/5", "--from", "2021-01-01T00:00:00Z", "--preview"];
    let shown = program.json(&words, 0);
    assert_eq!(shown["changed"], json!(false));
    let energy =
        shown["preview"]["energies"].as_array().unwrap().iter().find(|one| one["unit"] == "Wh").unwrap();
    let (before, after) = (number(&energy["before"]), number(&energy["after"]));
    assert_eq!(before.checked_mul(Decimal::from(3)).unwrap(), after.checked_mul(Decimal::from(2)).unwrap());
    assert_eq!((&energy["after"], &energy["side"]), (&energy["all_month"], &json!("primary")));
    assert_eq!(shown["preview"]["intervals"], shown["preview"]["intervals_of_month"]);
    assert_eq!(program.json(&["ratio", "get", &name], 0)["ratios"].as_array().unwrap().len(), 1);
    let text = program.ok(&words);
    assert!(text.contains("with the change") && text.contains("would hold"), "{text}");
}

#[test]
fn the_meter_is_programmed_and_read_back_and_differences_are_told() {
    let (_fleet, program, name) = with_meter();
    let set = ["ratio", "set", &name, "--ct", "400/5", "--vt", "11000/110", "--from", "2026-01-01T00:00:00Z"];
    let set = program.json(&[&set[..], &["--write"]].concat(), 0);
    assert_eq!((&set["written"]["ok"], &set["meter_value"]["ct"]), (&json!(true), &json!("400/5")), "{set}");
    assert_eq!(set["meter_value"]["vt"], json!("11000/110"));
    assert_eq!(set["warnings"], json!([]));
    program.ok(&[
        "ratio",
        "set",
        &name,
        "--ct",
        "600/5",
        "--plate-ct",
        "800/5",
        "--from",
        "2026-02-01T00:00:00Z",
    ]);
    let got = program.json(&["ratio", "get", &name, "--read"], 0);
    assert_eq!((&got["nameplate"]["ct"], &got["meter_value"]["ct"]), (&json!("800/5"), &json!("400/5")));
    let warnings = got["warnings"].to_string();
    assert!(
        warnings.contains("the nameplate says 800/5") && warnings.contains("the meter holds 400/5"),
        "{warnings}"
    );
    // A √3 that does not cancel fits no meter: the store stays as it was.
    let refused = program.json(
        &["ratio", "set", &name, "--vt", "110000/√3:100", "--from", "2026-03-01T00:00:00Z", "--write"],
        1,
    );
    assert_eq!(refused["changed"], json!(false));
    assert!(
        refused["written"]["error"]["message"].as_str().unwrap().contains("does not cancel"),
        "{refused}"
    );
    assert_eq!(program.json(&["ratio", "get", &name], 0)["ratios"].as_array().unwrap().len(), 2);
}

#[test]
fn an_exchange_keeps_the_point_and_its_totals() {
    let (_fleet, program, name) = with_meter();
    program.ok(&["ratio", "set", &name, "--ct", "400/5", "--from", "2020-01-01T00:00:00Z"]);
    program.ok(&["read", &name, "--what", "registers"]);
    let first = number(&find(&program.json(&["show", "registers", &name], 0), "1-0:1.8.0*255")["value"]);
    let missing = program.run(&["meter", "exchange", &name, "--new", "New", "--at", "2026-01-01"]);
    assert_eq!(missing.code, 2);
    let at = jiff::Timestamp::now().to_string();
    let last = first.checked_add(Decimal::from(1000)).unwrap();
    let exchanged = program.json(
        &[
            "meter",
            "exchange",
            &name,
            "--new",
            "New",
            "--at",
            &at,
            "--last",
            &format!("1.8.0={last}Wh"),
            "--first",
            "1.8.0=0.5kWh",
            "--secret",
            "encryption-key=env:SECRET_encryption_key",
            "--secret",
            "authentication-key=env:SECRET_authentication_key",
        ],
        0,
    );
    assert_eq!((&exchanged["point"], &exchanged["new"]), (&json!(name), &json!("New")));
    assert_eq!(exchanged["first"][0]["value"], json!("500"));
    program.ok(&["read", "New", "--what", "registers"]);
    let now = number(&find(&program.json(&["show", "registers", "New"], 0), "1-0:1.8.0*255")["value"]);
    let point = program.json(&["point", "show", &name], 0);
    assert_eq!(point["meters"].as_array().unwrap().len(), 2);
    let total =
        point["totals"].as_array().unwrap().iter().find(|one| one["obis"] == "1-0:1.8.0*255").unwrap();
    let used = Decimal::from(1000).checked_add(now).unwrap().checked_sub(Decimal::from(500)).unwrap();
    assert_eq!(number(&total["total"]), used.checked_mul(Decimal::from(80)).unwrap(), "{total}");
    assert_eq!(total["side"], json!("primary"));
    let list = program.json(&["meter", "list"], 0);
    let points: Vec<&Value> = list["meters"].as_array().unwrap().iter().map(|one| &one["point"]).collect();
    assert!(points.contains(&&Value::Null) && points.contains(&&json!(name)), "{points:?}");
}

#[test]
fn a_point_is_described_and_shown() {
    let (_fleet, program, name) = with_meter();
    program.ok(&[
        "point",
        "set",
        &name,
        "--rename",
        "Works 7",
        "--location",
        "Cubicle 2",
        "--customer",
        "K-1042",
        "--photo",
        "https://example.org/plate.jpg",
        "--field",
        "EAN=541448",
    ]);
    let shown = program.json(&["point", "show", "Works 7"], 0);
    assert_eq!((&shown["location"], &shown["fields"]["EAN"]), (&json!("Cubicle 2"), &json!("541448")));
    assert_eq!(program.json(&["meter", "show", &name], 0)["point"], json!("Works 7"));
    program.ok(&["point", "set", "Works 7", "--field", "EAN="]);
    assert_eq!(program.json(&["point", "show", "Works 7"], 0)["fields"], json!({}));
    assert_eq!(program.run(&["point", "show", "Nowhere"]).code, 2);
}

#[test]
fn ratios_go_out_with_the_list_and_come_into_an_empty_store_as_they_were() {
    let (_fleet, program, name) = with_meter();
    for (from, ct, vt, applied, class) in [
        ("2026-01-01T00:00:00Z", "4000/5", "110000/sqrt3:100/sqrt3", "no", "0.2S"),
        ("2026-06-01", "1/3", "20000/100", "yes", ""),
    ] {
        let ratio = ["ratio", "set", &name, "--from", from, "--ct", ct, "--vt", vt];
        program.ok(&[&ratio[..], &["--applied-by-meter", applied, "--ct-class", class]].concat());
    }
    let file = program.path("list.csv");
    program.ok(&["meter", "export", "-o", file.to_str().unwrap()]);
    let empty = Program::new();
    let import = ["meter", "import", file.to_str().unwrap()];
    assert_eq!(empty.json(&import, 0), json!({ "added": 1 }));
    let [there, here] = [&program, &empty].map(|one| one.json(&["ratio", "get", &name], 0)["ratios"].clone());
    assert_eq!(here, there);
    assert_eq!((&here[0]["vt"], &here[1]["applied_by_meter"]), (&json!("110000/√3:100/√3"), &json!(true)));
    // Once more: nothing to change. A later period alone leaves those before it.
    let again = empty.json(&[&import[..], &["--update", "also"]].concat(), 0);
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!(0), &json!(1)));
    std::fs::write(&file, format!("name,ratio_from,ratio_ct\n{name},2026-11-01T00:00:00Z,600/5\n")).unwrap();
    empty.ok(&[&import[..], &["--update", "only"]].concat());
    let got = empty.json(&["ratio", "get", &name], 0);
    let ratios = got["ratios"].as_array().unwrap();
    assert_eq!((ratios.len(), &ratios[2]["ct"], &ratios[2]["vt"]), (3, &json!("600/5"), &json!("20000/100")));
    std::fs::write(&file, format!("name,ratio_from,ratio_ct\n{name},,600/5\n")).unwrap();
    let wrong = empty.run(&[&import[..], &["--update", "only"]].concat());
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("row 2, column ratio_from: it is empty"), "{}", wrong.err);
}
