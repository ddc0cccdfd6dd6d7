//! How commands end when they do not end well: one document with `--json` all the same, and Ctrl-C.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli_support;

use cli_support::{Program, fleet};
use meterwright::simulator::Framing;

#[test]
fn a_command_that_stops_gives_one_document_and_says_why_on_standard_error_too() {
    let program = Program::new();
    std::fs::write(program.path("list.csv"), "name,line\nA,nowhere\n").unwrap();
    let list = program.path("list.csv").display().to_string();
    for words in [
        &["meter", "list"] as &[&str],
        &["frobnicate"],
        &["meter", "add", "A", "--line", "nowhere"],
        &["meter", "import", &list],
        &["read", "--all"],
        &["read"],
        &["show", "profile", "A", "--from", "2026-13-01"],
        &["show", "profile", "A", "--profile", "1.2.x"],
        &["trace", "decode", "xyz"],
        &[],
    ] {
        let ended = program.run(&[words, &["--json"]].concat());
        assert_eq!(ended.code, 2, "{words:?}");
        let document: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(document["error"]["fault"], "user", "{words:?}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.starts_with("error"), "{words:?}: {message}");
        assert!(ended.err.contains(message), "{words:?}: {message}");
    }
    let plain = program.run(&["meter", "list"]);
    assert_eq!((plain.code, plain.out.as_str()), (2, ""));
}

/// As with `2>&1 | head`, or when a terminal is lost in the middle of a long job.
#[test]
fn nobody_at_the_other_end_of_standard_error_stops_nothing() {
    let fleet = fleet(1, Framing::Wrapper);
    let mut program = Program::new();
    program.add(&fleet.meters()[0].config, &fleet.meters()[0].secrets);
    let unread = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    for (words, code) in [
        (&["read", "--all", "--what", "clock"] as &[&str], 0),
        (&["read", "nobody"], 2),
        (&["scheme", "check", "nothing.json", "--json"], 2),
    ] {
        let mut command = program.command(words);
        command.env("RUST_LOG", "debug").stderr(unread());
        assert_eq!(command.output().unwrap().status.code(), Some(code), "{words:?}");
    }
}

/// A disk that is full, where standard output goes to, is no fault of this program.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_bad_file() {
    let program = Program::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = program.command(&["trace", "decode", "C001C100080000010000FF0200"]);
    command.stdout(full);
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}

#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpListener;
    use std::process::Command;

    use meterwright::simulator::Framing;
    use serde_json::Value;

    use super::cli_support::{Program, fleet};

    #[test]
    fn ctrl_c_ends_a_read_and_keeps_what_was_stored() {
        let fleet = fleet(1, Framing::Wrapper);
        let mut program = Program::new();
        let good = &fleet.meters()[0];
        program.add(&good.config, &good.secrets);
        let mute = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = format!("tcp://{}", mute.local_addr().unwrap());
        program.ok(&["meter", "add", "mute", "--line", &line]);

        let mut read = program.command(&["read", "--all", "--what", "registers", "--json"]).spawn().unwrap();
        // Both have had their turn: the good one is read, the other one is waited for.
        let mut err = BufReader::new(read.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        assert!(line.starts_with(&good.config.name), "{line}");
        let _held = mute.accept().unwrap();
        assert!(Command::new("kill").args(["-INT", &read.id().to_string()]).status().unwrap().success());

        let mut out = String::new();
        read.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        err.read_to_string(&mut line).unwrap();
        assert_eq!(read.wait().unwrap().code(), Some(1), "{line}");
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["summary"]["ok"], 1);
        assert_eq!(document["results"][1]["error"]["message"], "cancelled");
        let shown = program.json(&["show", "registers", &good.config.name], 0);
        assert!(!shown["registers"].as_array().unwrap().is_empty());
    }
}
