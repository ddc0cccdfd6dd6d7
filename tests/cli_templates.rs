//! Templates, by the real binary: checked, kept, used by meters, learnt from one.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use std::fs;

use cli_support::{Program, fleet};
use meterwright::simulator::Framing;
use serde_json::{Value, json};

const LINE: &str = "tcp://meter.example:4059";

fn names(program: &Program) -> Vec<String> {
    let listed = program.json(&["template", "list"], 0);
    let all = listed["templates"].as_array().unwrap();
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// The file of a template that differs from the shipped one in a little.
fn write_file(program: &Program, name: &str, more: &str) -> String {
    let path = program.path(&format!("{name}.json"));
    let text = format!(
        "{{\n  \"format\": \"meterwright.template/1\",\n  \"name\": \"{name}\",\n  \"title\": \"ACME\",\n  \
         \"family\": \"dlms\",\n  \"limits\": {{ \"seasons\": 2 }}{more}\n}}\n"
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

const SHIPPED: [&str; 6] =
    ["dlms-generic", "dlms-idis", "dlms-meterwright", "elster-a1140", "elster-a1700", "elster-as230"];

#[test]
fn templates_are_listed_and_shown_without_a_store() {
    let program = Program::new();
    assert_eq!(names(&program), SHIPPED);
    let words = program.ok(&["template", "show", "dlms-idis"]);
    assert!(words.contains("Event texts") && words.contains("Terminal cover removed"), "{words}");
    assert!(words.contains("Seasons: 4") && words.contains("No meter uses it"), "{words}");
    let shown = program.json(&["template", "show", "dlms-idis"], 0);
    assert_eq!(shown["template"]["limits"]["seasons"], json!(4));
    assert!(!program.path("test.db").exists(), "looking makes no store");
    let ended = program.run(&["template", "show", "dlms-idi"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("dlms-idis"), "{}", ended.err);
}

#[test]
fn a_check_names_every_problem_with_its_place_and_ends_with_2() {
    let program = Program::new();
    let file = write_file(
        &program,
        "acme",
        ",\n  \"hdlc\": { \"window\": 9 },\n  \"association\": { \"max_pud\": 512 }",
    );
    let checked = program.json(&["template", "check", &file], 2);
    let problems = checked["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{checked}");
    assert_eq!((&problems[0]["pointer"], &problems[0]["code"]), (&json!("/hdlc/window"), &json!("range")));
    assert_eq!((&problems[0]["line"], &problems[0]["column"]), (&json!(7), &json!(23)));
    assert_eq!(problems[1]["pointer"], json!("/association/max_pud"));
    assert!(problems[1]["advice"].as_str().unwrap().contains("max_pdu"), "{checked}");
    let ended = program.run(&["template", "check", &file]);
    assert!(ended.out.contains(":7:23: error: range: /hdlc/window"), "{}", ended.out);
    let good = write_file(&program, "good", "");
    assert_eq!(program.json(&["template", "check", &good], 0)["errors"], json!(0));
    assert_eq!(program.run(&["template", "check", "/nonexistent.json"]).code, 2);
}

#[test]
fn an_own_template_is_kept_used_and_removed_only_when_no_meter_uses_it() {
    let program = Program::new();
    let file = write_file(&program, "acme", "");
    assert_eq!(program.json(&["template", "import", &file], 0), json!({ "added": "acme" }));
    assert_eq!(program.run(&["template", "import", &file]).code, 2);
    program.ok(&["meter", "add", "Kiln", "--line", LINE, "--template", "acme"]);
    program.ok(&["meter", "add", "Mill", "--line", LINE]);
    program.ok(&["meter", "set", "Mill", "--template", "acme"]);
    let listed = program.json(&["template", "list"], 0);
    let acme = &listed["templates"][SHIPPED.len()];
    assert_eq!((&acme["name"], &acme["meters"], &acme["own"]), (&json!("acme"), &json!(2), &json!(true)));
    let refused = program.run(&["template", "remove", "acme"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("2 meters (Kiln, Mill)"), "{}", refused.err);
    program.ok(&["template", "import", &write_file(&program, "acme", ",\n  \"note\": \"two\""), "--replace"]);
    assert_eq!(program.json(&["template", "show", "acme"], 0)["version"], json!(2));
    for name in ["Kiln", "Mill"] {
        program.ok(&["meter", "set", name, "--template", "dlms-generic"]);
    }
    program.ok(&["template", "remove", "acme"]);
    assert_eq!(names(&program).len(), SHIPPED.len());
    assert_eq!(program.run(&["meter", "set", "Mill", "--template", "acme"]).code, 2);
}

#[test]
fn a_shipped_name_is_not_to_be_had_and_a_shipped_template_not_removed() {
    let program = Program::new();
    let file = write_file(&program, "dlms-idis", "");
    let ended = program.run(&["template", "import", &file]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("ships with the program"), "{}", ended.err);
    assert_eq!(program.run(&["template", "copy", "dlms-idis", "dlms-generic"]).code, 2);
    assert_eq!(program.run(&["template", "remove", "dlms-idis"]).code, 2);
    assert_eq!(program.run(&["template", "copy", "dlms-idis", "a b"]).code, 2);
}

#[test]
fn a_copy_knows_what_it_was_copied_from_and_travels_as_a_file() {
    let program = Program::new();
    program.ok(&["template", "copy", "dlms-idis", "acme", "--title", "ACME X100"]);
    let shown = program.json(&["template", "show", "acme"], 0);
    assert_eq!((&shown["copied_from"], &shown["title"]), (&json!("dlms-idis"), &json!("ACME X100")));
    let found = program.json(&["template", "show", "acme", "--against", ""], 0);
    let pointers: Vec<&Value> =
        found["differences"].as_array().unwrap().iter().map(|one| &one["pointer"]).collect();
    assert_eq!(pointers, [&json!("/title")]);
    let file = program.path("acme.json").display().to_string();
    program.ok(&["template", "export", "acme", "-o", &file]);
    let other = Program::new();
    other.ok(&["template", "import", &file]);
    assert_eq!(other.json(&["template", "show", "acme"], 0)["template"], shown["template"]);
}

#[test]
fn a_scheme_is_checked_against_the_limits_of_an_own_template() {
    let program = Program::new();
    program.ok(&["template", "import", &write_file(&program, "acme", "")]);
    let scheme = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programmed.scheme.json");
    let text = fs::read_to_string(scheme).unwrap();
    let mut scheme: Value = serde_json::from_str(&text).unwrap();
    scheme["template"] = json!("acme");
    let path = program.path("x.scheme.json");
    fs::write(&path, scheme.to_string()).unwrap();
    let ended = program.run(&["scheme", "check", path.to_str().unwrap(), "--json"]);
    assert!(!ended.out.contains("there is no template"), "{}", ended.out);
    let other = Program::new();
    let ended = other.run(&["scheme", "check", path.to_str().unwrap(), "--json"]);
    assert!(ended.out.contains("undefined-reference"), "{}", ended.out);
}

/// Registers without what changes from read to read.
fn registers(program: &Program, name: &str) -> Vec<(Value, Value, Value)> {
    let shown = program.json(&["show", "registers", name], 0);
    let all = shown["registers"].as_array().unwrap();
    all.iter().map(|one| (one["obis"].clone(), one["unit"].clone(), one["name"].clone())).collect()
}

fn learn_and_read(framing: Framing) {
    let fleet = fleet(1, framing);
    let mut program = Program::new();
    for meter in fleet.meters() {
        program.add(&meter.config, &meter.secrets);
    }
    let name = program.json(&["meter", "list"], 0)["meters"][0]["name"].as_str().unwrap().to_owned();
    let file = program.path("learnt.json").display().to_string();
    let learnt = program.json(&["template", "learn", &name, "-o", &file], 0);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(program.json(&["template", "check", &file], 0)["errors"], json!(0), "{text}");
    let template = &learnt["template"];
    let bases: Vec<&str> =
        learnt["remarks"].as_array().unwrap().iter().map(|one| one["basis"].as_str().unwrap()).collect();
    for basis in ["observed", "guessed", "by-hand"] {
        assert!(bases.contains(&basis), "{learnt}");
    }
    assert_eq!(template["objects"]["load_profiles"][0], json!("1-0:99.1.0*255"), "{text}");
    assert!(template["objects"]["registers"].as_array().unwrap().len() > 5, "{text}");
    assert!(template["objects"]["identity"].to_string().contains("serial"), "{text}");
    if framing == Framing::Hdlc {
        let all = learnt["remarks"].to_string();
        assert!(all.contains("the meter agreed to"), "{all}");
    }

    let from = "2026-11-21T00:00:00Z";
    program.ok(&[
        "read",
        &name,
        "--what",
        "identity,clock,registers,instantaneous,billing,profile,events",
        "--from",
        from,
    ]);
    let before = registers(&program, &name);
    let profile = |name: &str| program.json(&["show", "profile", name], 0);
    let rows = profile(&name);
    program.ok(&["template", "import", &file]);
    let own = template["name"].as_str().unwrap();
    program.ok(&["meter", "set", &name, "--template", own]);
    program.ok(&[
        "read",
        &name,
        "--what",
        "identity,clock,registers,instantaneous,billing,profile,events",
        "--from",
        from,
    ]);
    assert_eq!(registers(&program, &name), before);
    let again = profile(&name);
    assert_eq!(again["channels"], rows["channels"]);
    let common = rows["rows"].as_array().unwrap();
    assert_eq!(&again["rows"].as_array().unwrap()[..common.len()], common.as_slice());
}

#[test]
fn a_template_is_learnt_from_a_meter_and_reads_the_same_values() {
    learn_and_read(Framing::Wrapper);
}

#[test]
fn a_template_is_learnt_over_hdlc_with_what_the_link_agreed_on() {
    learn_and_read(Framing::Hdlc);
}

#[test]
fn nothing_is_learnt_of_a_meter_that_does_not_answer() {
    let program = Program::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    program.ok(&["meter", "add", "dead", "--line", &format!("tcp://{free}")]);
    let file = program.path("x.json").display().to_string();
    let ended = program.run(&["template", "learn", "dead", "-o", &file]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(!program.path("x.json").exists());
    assert_eq!(program.run(&["template", "learn", "nobody"]).code, 2);
}

/// Starts virtual meters, takes what they say of themselves, and stops them.
fn simulated(program: &Program, words: &[&str]) -> Value {
    let words = [&["simulate", "--json", "--quiet"], words].concat();
    let mut child = program.command(&words).spawn().unwrap();
    let mut out = serde_json::Deserializer::from_reader(child.stdout.take().unwrap()).into_iter::<Value>();
    let document = out.next();
    child.kill().unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(document.is_some(), "{}", String::from_utf8_lossy(&ended.stderr));
    document.unwrap().unwrap()
}

#[test]
fn virtual_meters_play_own_templates_and_those_of_files() {
    let program = Program::new();
    let file = write_file(&program, "acme-x1", "");
    let document = simulated(&program, &["--template", &file]);
    assert_eq!(document["meters"][0]["template"], "acme-x1");
    assert!(!program.path("test.db").exists(), "a file needs no store");
    let refused = program.run(&["simulate", "--template", &file, "--add"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("template import"), "{}", refused.err);
    program.ok(&["template", "import", &file]);
    let document = simulated(&program, &["--template", "acme-x1", "--add"]);
    let name = document["meters"][0]["name"].as_str().unwrap();
    assert_eq!(program.json(&["meter", "show", name], 0)["template"], "acme-x1");
    program.ok(&["template", "copy", "elster-a1700", "works-a1700"]);
    let line = simulated(&program, &["--template", "works-a1700"])["meters"][0]["line"].clone();
    assert!(line.as_str().unwrap().starts_with("tcp+flag://"), "an Elster meter speaks IEC 62056-21: {line}");
    let bad = write_file(&program, "bad", ",\n  \"hdlc\": { \"window\": 9 }");
    for (template, why) in
        [(bad.as_str(), "allowed is 1 to 7"), ("acme-x2", "acme-x1"), ("none.json", "none.json")]
    {
        let refused = program.run(&["simulate", "--template", template]);
        assert_eq!(refused.code, 2, "{template}");
        assert!(refused.err.contains(why), "{template}: {}", refused.err);
    }
}
