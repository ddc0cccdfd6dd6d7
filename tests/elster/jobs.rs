//! Whole jobs by the real binary.

use meterwright::simulator::flag::firmware::vendor_file;
use meterwright::simulator::{Fleet, FleetOptions, Framing};
use serde_json::{Value, json};

use crate::cli_support::Program;

fn fleet(template: &str, framing: Framing, meters: u32, faults: &[&str]) -> Fleet {
    let faults = faults.iter().map(|one| (*one).to_owned()).collect();
    let options = FleetOptions {
        meters,
        template: template.to_owned(),
        framing,
        seed: 7,
        faults,
        ..FleetOptions::demo()
    };
    Fleet::start(&options).unwrap()
}

fn with_fleet(fleet: &Fleet) -> (Program, Vec<String>) {
    let mut program = Program::new();
    for meter in fleet.meters() {
        program.add(&meter.config, &meter.secrets);
    }
    (program, fleet.meters().iter().map(|meter| meter.config.name.clone()).collect())
}

fn find<'a>(document: &'a Value, obis: &str) -> &'a Value {
    document["registers"].as_array().unwrap().iter().find(|one| one["obis"] == obis).unwrap()
}

const WHAT: [&str; 2] = ["--what", "identity,clock,registers"];

#[test]
fn a_meter_behind_a_terminal_server_is_read_shown_and_its_trace_hides_the_password() {
    let fleet = fleet("elster-a1700", Framing::Flag, 1, &[]);
    let (program, names) = with_fleet(&fleet);
    assert!(fleet.meters()[0].config.line.to_string().starts_with("tcp+flag://"));
    let read = program.json(&[&["read", &names[0]][..], &WHAT].concat(), 0);
    let result = &read["results"][0];
    assert_eq!(result["ok"], json!(true), "{read}");
    assert!(result["stored"]["registers"].as_u64().unwrap() > 15, "{read}");
    let shown = program.json(&["show", "registers", &names[0]], 0);
    let energy = find(&shown, "1-0:1.8.0*255");
    assert_eq!((&energy["unit"], &energy["side"]), (&json!("Wh"), &json!("secondary")));
    assert_eq!(shown["serial"], json!(fleet.meters()[0].config.serial));
    let trace = program.ok(&["trace", "show", "1"]);
    assert!(trace.contains("** **"), "seeds and passwords are masked: {trace}");
    assert!(!trace.contains("not understood"), "{trace}");
}

#[test]
fn the_meters_own_ratio_is_read_and_writing_one_is_refused_in_words() {
    let fleet = fleet("elster-a1700", Framing::Flag, 1, &[]);
    let (program, names) = with_fleet(&fleet);
    let got = program.json(&["ratio", "get", &names[0], "--read"], 0);
    let text = got.to_string();
    assert!(text.contains("200/5"), "{text}");
    let set = ["ratio", "set", &names[0], "--ct", "400/5", "--from", "2026-01-01", "--write"];
    let ended = program.run(&set);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("no published source writes them"), "{}", ended.out);
}

#[test]
fn a_wrong_password_fails_once_and_names_itself() {
    let fleet = fleet("elster-a1140", Framing::Flag, 1, &[]);
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    let mut secrets = meter.secrets.clone();
    secrets.password = Some(meterwright::model::Secret::new(b"WRONG123".to_vec()));
    program.add(&meter.config, &secrets);
    let read = program.json(&["read", &meter.config.name, "--what", "clock"], 1);
    let error = &read["results"][0]["error"];
    assert_eq!(error["fault"], json!("meter"));
    assert!(error["message"].as_str().unwrap().contains("refuses the password"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_meter_on_a_pseudo_terminal_is_read() {
    let fleet = fleet("elster-a1140", Framing::Pty, 1, &[]);
    let (program, names) = with_fleet(&fleet);
    let read = program.json(&[&["read", &names[0]][..], &WHAT].concat(), 0);
    assert_eq!(read["results"][0]["ok"], json!(true), "{read}");
}

#[test]
#[cfg(target_os = "linux")]
fn two_meters_behind_a_modem_are_dialled_one_after_the_other_and_a_busy_number_is_told_as_that() {
    let fleet = fleet("elster-a1140", Framing::Modem, 2, &[]);
    let (program, names) = with_fleet(&fleet);
    let line = fleet.meters()[0].config.line.to_string();
    assert!(line.starts_with("modem:") && line.ends_with("dial=26000001"), "{line}");
    let read = program.json(&["read", "--all", "--what", "identity"], 0);
    assert_eq!(read["summary"], json!({ "meters": 2, "ok": 2, "failed": 0 }), "{read}");
    let shown = program.json(&["meter", "show", &names[1]], 0);
    assert!(shown.to_string().contains("26000002"), "{shown}");
    let busy = line.replace("dial=26000001", "dial=0");
    program.ok(&["meter", "set", &names[0], "--line", &busy, "--template", "elster-a1140"]);
    let read = program.json(&["read", &names[0], "--what", "identity"], 1);
    let error = &read["results"][0]["error"];
    assert_eq!(error["fault"], json!("line"));
    assert!(error["message"].as_str().unwrap().contains("line: the number is busy"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_dlms_meter_behind_a_modem_is_read_in_hdlc() {
    let fleet = fleet("dlms-generic", Framing::Modem, 1, &[]);
    let (program, names) = with_fleet(&fleet);
    let read = program.json(&["read", &names[0], "--what", "identity,clock"], 0);
    assert_eq!(read["results"][0]["ok"], json!(true), "{read}");
}

#[test]
fn a_vendors_file_is_refused_until_the_risk_is_accepted_in_words_and_then_loads_the_meter() {
    let fleet = fleet("elster-as230", Framing::Flag, 1, &["image:restart=1"]);
    let (program, names) = with_fleet(&fleet);
    let file = program.path("firmware.xml");
    std::fs::write(&file, vendor_file("AS230 V02.00", 1)).unwrap();
    let path = file.to_str().unwrap();
    let flash = ["firmware", "flash", &names[0], "--vendor-file", path, "--confirm", "26000001"];
    let ended = program.run(&flash);
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains("vendor-allow"), "{}", ended.err);
    let ended = program.run(&["firmware", "vendor-allow"]);
    assert!(ended.code == 3 && ended.err.contains("only its maker can repair"), "{}", ended.err);
    assert_eq!(program.run(&["firmware", "vendor-allow", "--accept", "yes"]).code, 3);
    program.ok(&["firmware", "vendor-allow", "--accept", "a meter can be lost"]);
    let wrong = ["firmware", "flash", &names[0], "--vendor-file", path, "--confirm", "26000002"];
    assert_eq!(program.run(&wrong).code, 3);
    let loaded = program.json(&[&flash[..], &["--expect", "V02.00"]].concat(), 0);
    let result = &loaded["results"][0];
    assert_eq!(
        (&result["outcome"], &result["firmware_after"]),
        (&json!("flashed"), &json!("AS230 V02.00")),
        "{loaded}"
    );
    program.ok(&["firmware", "vendor-forbid"]);
    assert_eq!(program.run(&flash).code, 3);
}
