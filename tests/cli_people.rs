//! People by the real binary: who is let in, who may what, and that no passphrase shows anywhere.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use cli_support::{Ended, Program, fleet};
use meterwright::simulator::{Fleet, Framing};
use serde_json::{Value, json};

const ALICE: &str = "MARKED tin cup 7";
const TOM: &str = "MARKED paper hat 8";
const VIC: &str = "MARKED look and see";

/// A store with one meter of a fleet, and with people: alice, an administrator, tom, a technician, vic, a viewer.
struct Desk {
    program: Program,
    fleet: Fleet,
    meter: String,
    serial: String,
}

impl Desk {
    fn new() -> Self {
        let fleet = fleet(1, Framing::Wrapper);
        let mut program = Program::new();
        let config = fleet.meters()[0].config.clone();
        program.add(&config, &fleet.meters()[0].secrets.clone());
        for (variable, phrase) in [("ALICE", ALICE), ("TOM", TOM), ("VIC", VIC)] {
            program.set(variable, phrase);
        }
        program.ok(&["user", "add", "alice", "--role", "administrator", "--secret", "passphrase=env:ALICE"]);
        let desk = Self { program, fleet, meter: config.name, serial: config.serial.unwrap() };
        for (name, role, variable) in [("tom", "technician", "TOM"), ("vic", "viewer", "VIC")] {
            let new = format!("new-passphrase=env:{variable}");
            desk.by("alice", &["user", "add", name, "--role", role, "--secret", &new], 0);
        }
        desk
    }

    fn run_by(&self, name: &str, words: &[&str]) -> Ended {
        let passphrase = format!("passphrase=env:{}", name.to_uppercase());
        self.program.run(&[words, &["--user", name, "--secret", &passphrase]].concat())
    }

    /// Runs a command as somebody; gives the document.
    fn by(&self, name: &str, words: &[&str], code: i32) -> Value {
        let ended = self.run_by(name, &[words, &["--json", "--quiet"]].concat());
        assert_eq!(ended.code, code, "{words:?}: {}{}", ended.err, ended.out);
        serde_json::from_str(&ended.out).unwrap()
    }

    fn refused(&self, name: &str, words: &[&str]) -> String {
        let document = self.by(name, words, 3);
        assert_eq!(document["error"]["fault"], json!("user"), "{document}");
        document["error"]["message"].as_str().unwrap().to_owned()
    }
}

#[test]
fn the_first_person_is_an_administrator_and_from_then_on_everybody_signs_in() {
    let mut program = Program::new();
    program.set("P", ALICE);
    program.ok(&["meter", "add", "A", "--line", "tcp://127.0.0.1:1", "--secret", "password=env:P"]);
    let words = ["user", "add", "tom", "--role", "technician", "--secret", "passphrase=env:P"];
    assert_eq!(program.run(&words).code, 2);
    let first = ["user", "add", "alice", "--role", "administrator", "--secret", "passphrase=env:P"];
    program.ok(&first);
    assert!(!program.path("test.db.key").exists());
    let status = program.json(&["vault", "status"], 0);
    assert_eq!((&status["mode"], &status["administrators"]), (&json!("people"), &json!(1)));
    let ended = program.run(&["meter", "remove", "A"]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains("passphrase="), "{}", ended.err);
    program.set("WRONG", "tin cup number 9");
    let wrong = program.json(&["meter", "remove", "A", "--secret", "passphrase=env:WRONG"], 3);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("passphrase is wrong"), "{wrong}");
    let stranger =
        program.json(&["meter", "remove", "A", "--user", "eve", "--secret", "passphrase=env:P"], 3);
    assert!(!stranger["error"]["message"].as_str().unwrap().contains("eve"), "{stranger}");
    // What is stored can be looked at; the file is not enciphered.
    assert_eq!(program.json(&["meter", "list"], 0)["meters"][0]["name"], json!("A"));
    // The only person need not be named.
    program.ok(&["meter", "remove", "A", "--secret", "passphrase=env:P"]);
    let users = program.json(&["user", "list"], 0);
    assert_eq!(users["users"][0]["role"], json!("administrator"));
}

#[test]
fn a_viewer_reads_no_meter_and_a_technician_overrides_no_downgrade() {
    let desk = Desk::new();
    let (meter, serial) = (desk.meter.as_str(), desk.serial.as_str());
    let contactor = ["contactor", "open", meter, "--confirm", serial];
    let ratio = ["ratio", "set", meter, "--ct", "400/5", "--from", "2026-11-01", "--write"];
    for words in [&["read", meter, "--what", "clock"][..], &contactor, &ratio, &["clock", "set", meter]] {
        let message = desk.refused("vic", words);
        assert!(message.contains("vic is a viewer") && message.contains("ask alice"), "{message}");
    }
    desk.by("tom", &["read", meter, "--what", "clock,registers"], 0);
    desk.by("tom", &contactor, 0);
    for words in [&["meter", "remove", meter][..], &["vault", "rekey"], &["vault", "single-user"]] {
        desk.refused("tom", words);
    }
    let key = desk.program.path("key").display().to_string();
    let package = desk.program.path("p.mtwfw").display().to_string();
    let image = desk.program.path("image").display().to_string();
    std::fs::write(&image, [7; 500]).unwrap();
    desk.program.ok(&["firmware", "keygen", "-o", &key, "--name", "Release"]);
    let public = format!("{key}.pub");
    desk.refused("tom", &["firmware", "trust", &public]);
    desk.by("alice", &["firmware", "trust", &public], 0);
    let pack = ["firmware", "pack", "--image", &image, "--key", &key, "-o", &package, "--version", "0.1.0"];
    desk.program.ok(&[&pack[..], &["--identifier", "4D5457", "--maker", "MTW"]].concat());
    let flash = ["firmware", "flash", meter, "--package", &package, "--short-backup"];
    assert!(desk.refused("vic", &flash).contains("flashing firmware"));
    let message = desk.refused("tom", &[&flash[..], &["--allow-downgrade", "it counts twice"]].concat());
    assert!(message.contains("downgrade") && message.contains("administrators"), "{message}");
    // Without the override the package's own check refuses, and so it does for everybody.
    desk.by("tom", &flash, 3);
    let audit = desk.program.json(&["audit", "list"], 0);
    let rows = audit["rows"].as_array().unwrap();
    let by_tom = |row: &&Value| row["who"] == "tom" && row["what"] == "meter programmed";
    assert!(rows.iter().any(|row| by_tom(&row)), "{audit}");
    assert!(!rows.iter().any(|row| row["what"] == "firmware downgrade allowed"), "{audit}");
    assert_eq!(desk.program.json(&["audit", "verify"], 0)["valid"], json!(true));
    drop(desk.fleet);
}

#[test]
fn people_are_changed_by_administrators_and_a_passphrase_by_its_owner() {
    let mut desk = Desk::new();
    desk.program.set("NEXT", "MARKED feather and pin");
    desk.refused("tom", &["user", "set", "vic", "--role", "engineer"]);
    desk.by("tom", &["user", "set", "tom", "--secret", "new-passphrase=env:NEXT"], 0);
    assert_eq!(desk.run_by("tom", &["read", &desk.meter, "--what", "clock"]).code, 3);
    desk.program.set("TOM", "MARKED feather and pin");
    desk.by("tom", &["read", &desk.meter, "--what", "clock"], 0);
    let set = desk.by("alice", &["user", "set", "tom", "--disable"], 0);
    assert_eq!((&set["active"], &set["role"]), (&json!(false), &json!("technician")));
    assert_eq!(desk.run_by("tom", &["read", &desk.meter, "--what", "clock"]).code, 3);
    let last = desk.by("alice", &["user", "set", "alice", "--role", "engineer"], 2);
    assert!(last["error"]["message"].as_str().unwrap().contains("last administrator"), "{last}");
    desk.program.set("SHORT", "pin");
    let short = desk.by("alice", &["user", "set", "tom", "--secret", "new-passphrase=env:SHORT"], 2);
    assert!(short["error"]["message"].as_str().unwrap().contains("at least 8"), "{short}");
}

#[test]
fn the_vault_gets_a_new_key_and_goes_back_to_one_user_with_every_secret() {
    let desk = Desk::new();
    let read = ["read", desk.meter.as_str(), "--what", "clock"];
    desk.by("alice", &["vault", "rekey"], 0);
    desk.by("tom", &read, 0);
    desk.by("alice", &["vault", "single-user"], 0);
    assert!(desk.program.path("test.db.key").exists());
    desk.program.ok(&read);
    desk.program.ok(&["vault", "rekey"]);
    desk.program.ok(&read);
    assert_eq!(desk.program.run(&["read", "x", "--user", "alice"]).code, 2);
}

#[test]
fn no_passphrase_shows_in_the_store_its_files_the_output_or_the_log() {
    let mut desk = Desk::new();
    desk.program.set("RUST_LOG", "trace");
    std::fs::write(desk.program.path("phrase"), format!("{TOM}\n")).unwrap();
    let file = format!("passphrase=file:{}", desk.program.path("phrase").display());
    let read =
        desk.program.run(&["read", &desk.meter, "--what", "clock", "--user", "tom", "--secret", &file]);
    assert_eq!(read.code, 0, "{}", read.err);
    let typed = desk.program.run(&["read", &desk.meter, "--user", "tom", "--secret", "passphrase=MARKED"]);
    assert_eq!(typed.code, 2, "{}", typed.err);
    let trace = desk.program.run(&["trace", "show", "1"]);
    let audit = desk.program.run(&["audit", "list", "--json"]);
    for ended in [&read, &typed, &trace, &audit] {
        assert!(!ended.out.contains("MARKED") && !ended.err.contains("MARKED"), "{}{}", ended.out, ended.err);
    }
    std::fs::remove_file(desk.program.path("phrase")).unwrap();
    for entry in std::fs::read_dir(desk.program.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"MARKED"), "{}", path.display());
    }
}

#[test]
fn a_row_of_the_audit_chain_that_was_altered_is_found() {
    let desk = Desk::new();
    let connection = rusqlite::Connection::open(desk.program.path("test.db")).unwrap();
    let alter = "DROP TRIGGER audit_is_not_changed; UPDATE audit SET who = 'eve' WHERE number = 2;";
    connection.execute_batch(alter).unwrap();
    let verified = desk.program.json(&["audit", "verify"], 3);
    assert_eq!(verified["valid"], json!(false));
    assert!(verified["reason"].as_str().unwrap().contains("row 2"), "{verified}");
}
