//! The list of meters, and wrong usage, by the real binary.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use cli_support::Program;
use serde_json::{Value, json};

#[test]
fn meters_are_added_listed_changed_and_removed() {
    let program = Program::new();
    let line = "serial:/dev/ttyUSB0?baud=9600&format=8n1";
    program.ok(&[
        "meter",
        "add",
        "A",
        "--line",
        line,
        "--serial",
        "123",
        "--address",
        "1/17@4",
        "--point",
        "P",
    ]);
    let listed = program.json(&["meter", "list"], 0);
    assert_eq!(
        listed,
        json!({ "meters": [{ "name": "A", "serial": "123", "line": line, "template": "dlms-generic",
            "group": null, "last_read": null, "last_result": null, "point": "P" }] })
    );
    program.ok(&["meter", "set", "A", "--rename", "B", "--serial", "", "--group", "x/y", "--auth", "low"]);
    let shown = program.json(&["meter", "show", "B"], 0);
    assert_eq!(
        (&shown["serial"], &shown["group"], &shown["auth"]),
        (&Value::Null, &json!("x/y"), &json!("low"))
    );
    assert_eq!((&shown["address"], &shown["point"]), (&json!("1/17@4"), &json!("P")), "the rest stays");
    program.ok(&["meter", "remove", "B"]);
    assert_eq!(program.json(&["meter", "list"], 0), json!({ "meters": [] }));
}

#[test]
fn what_cannot_be_is_refused_with_what_to_write() {
    let program = Program::new();
    program.ok(&["meter", "add", "Main street", "--line", "tcp://a"]);
    for (words, told) in [
        (&["meter", "add", "B", "--line", "tty:/dev/x"] as &[&str], "serial:PORT"),
        (&["meter", "add", "B", "--line", "tcp://a", "--auth", "highest"], "high-gmac"),
        (&["meter", "add", "B", "--line", "tcp://a", "--security", "all"], "both"),
        (&["meter", "add", "B", "--line", "tcp://a", "--address", "1/x"], "1/17"),
        (&["meter", "add", "B", "--line", "tcp://a", "--template", "x9000"], "dlms-generic"),
        (&["meter", "add", "B", "--line", "tcp://a", "--time-zone", "Mars"], "Europe/London"),
        (&["meter", "add", "B", "--line", "tcp://a", "--client-title", "12"], "16 hex digits"),
        (&["meter", "add", "B"], "--line"),
        (&["meter", "add", "Main street", "--line", "tcp://b"], "Main street"),
        (&["meter", "add", "B", "--line", "tcp://a", "--secret", "signing-key=env:HOME"], "signing-key"),
        (&["meter", "show", "Main stret"], "Main street"),
        (&["read", "Main stret"], "Main street"),
        (&["read", "Main street", "--what", "everything"], "registers"),
        (&["read", "Main street", "--from", "yesterday"], "2026-11-01"),
        (&["read"], "--all"),
        (&["show", "profile", "Nobody"], "Nobody"),
        (&["export", "profile", "Main street", "--format", "nem12"], "csv-wide"),
        (&["export", "profile", "Main street", "--format", "espi"], "csv-wide"),
        (&["firmware", "flash"], "firmware"),
        (&["--demo", "meter", "list"], "--demo"),
    ] {
        let ended = program.run(words);
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.err);
        assert!(ended.err.contains(told), "{words:?} does not tell `{told}`: {}", ended.err);
        assert_eq!(ended.out, "", "{words:?}");
    }
    assert_eq!(program.json(&["meter", "list"], 0)["meters"].as_array().unwrap().len(), 1);
}

#[test]
fn a_list_is_exported_and_imported_again_all_or_nothing() {
    let program = Program::new();
    program.ok(&["meter", "add", "A, \"x\"", "--line", "tcp://a", "--group", "g", "--client", "3"]);
    program.ok(&["meter", "add", "B", "--line", "tcp+hdlc://ts:8000", "--address", "1/17"]);
    let file = program.path("meters.csv");
    let path = file.to_str().unwrap();
    program.ok(&["meter", "export", "-o", path]);
    let other = Program::new();
    assert_eq!(other.json(&["meter", "import", path], 0), json!({ "added": 2 }));
    let both = [program.ok(&["meter", "export"]), other.ok(&["meter", "export"])];
    assert_eq!(both[0], both[1]);

    let bad = program.path("bad.csv");
    std::fs::write(&bad, "name,line,client\nC,tcp://c,1\nD,wire://d,1\nE,tcp://e,many\n").unwrap();
    let ended = other.run(&["meter", "import", bad.to_str().unwrap()]);
    assert_eq!(ended.code, 2);
    for told in ["row 3, column line", "row 4, column client", "nothing was added"] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    std::fs::write(&bad, "name,line\nC,tcp://c\nB,tcp://b\n").unwrap();
    assert_eq!(other.run(&["meter", "import", bad.to_str().unwrap()]).code, 2, "B is there already");
    assert_eq!(other.json(&["meter", "list"], 0)["meters"].as_array().unwrap().len(), 2);
}

#[test]
fn an_import_changes_what_is_listed_saves_what_it_rejects_and_tries_first() {
    let program = Program::new();
    program.ok(&["meter", "add", "A", "--line", "tcp://a", "--serial", "11"]);
    let file = program.path("list.csv");
    std::fs::write(&file, "Serial no.;name;line;Colour\n11;A new;;red\n12;B;tcp://b;blue\n13;C;nowhere;\n")
        .unwrap();
    let path = file.to_str().unwrap();
    let base =
        ["meter", "import", path, "--by", "serial", "--update", "also", "--column", "Colour=field:Colour"];
    let tried = program.json(&[&base[..], &["--dry-run"]].concat(), 1);
    let counts =
        |document: &Value| ["added", "changed", "unchanged", "rejected"].map(|key| document[key].clone());
    assert_eq!(counts(&tried), [json!(1), json!(1), json!(0), json!(1)]);
    assert_eq!(
        program.json(&["meter", "list"], 0)["meters"].as_array().unwrap().len(),
        1,
        "nothing was done"
    );
    assert_eq!(program.run(&base).code, 2, "all or none, unless the rejected rows have a place");
    let rejected = program.path("rejected.csv");
    let done = program.json(&[&base[..], &["--rejected", rejected.to_str().unwrap()]].concat(), 1);
    assert_eq!(counts(&done), [json!(1), json!(1), json!(0), json!(1)]);
    let text = std::fs::read_to_string(&rejected).unwrap();
    assert!(
        text.starts_with("rejected_row;rejected_because;Serial no.;") && text.contains("nowhere"),
        "{text}"
    );
    let listed = program.json(&["meter", "list"], 0);
    let names: Vec<&str> =
        listed["meters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["A new", "B"]);
    let point = program.json(&["point", "show", "B"], 0);
    assert_eq!(point["fields"]["Colour"], "blue", "{point}");
    std::fs::write(&file, text.replace("nowhere", "tcp://c")).unwrap();
    let mended = program.json(&base, 0);
    assert_eq!(counts(&mended), [json!(1), json!(0), json!(0), json!(0)]);
    // A column that nobody knows is an error, a list of one's own changes nothing.
    std::fs::write(program.path("odd.csv"), "name,line,weight\nX,tcp://x,3\n").unwrap();
    let odd = program.run(&["meter", "import", program.path("odd.csv").to_str().unwrap()]);
    assert!(odd.code == 2 && odd.err.contains("the column `weight` is not known"), "{}", odd.err);
    program.ok(&["meter", "export", "-o", path]);
    let same = program.json(&["meter", "import", path, "--update", "also", "--empty", "clear"], 0);
    assert_eq!(counts(&same), [json!(0), json!(0), json!(3), json!(0)]);
}

#[test]
fn a_store_that_is_none_is_a_bad_file() {
    let program = Program::new();
    let missing = program.run(&["meter", "list"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("there is no store"), "{}", missing.err);
    std::fs::write(program.path("test.db"), "no database").unwrap();
    for words in [&["meter", "list"] as &[&str], &["meter", "add", "A", "--line", "tcp://a"]] {
        let ended = program.run(words);
        assert_eq!(ended.code, 2, "{}", ended.err);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let program = Program::new();
    assert!(program.ok(&["--help"]).contains("Exit codes"));
    assert!(program.ok(&["--version"]).starts_with("meterwright "));
    assert!(program.ok(&["read", "--help"]).contains("--what"));
}

#[test]
fn windows_without_a_display_say_so() {
    let program = Program::new();
    let ended = program.run(&[]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("display"), "{}", ended.err);
}
