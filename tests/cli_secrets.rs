//! Marked secrets are looked for wherever they must not be: the store's files, logs, traces, errors, the process list.

#![allow(clippy::unwrap_used, reason = "tests: a failure is a panic")]

mod cli_support;

use std::io::{Read, Write};
use std::net::TcpListener;

use cli_support::Program;
use meterwright::protocol::dlms::Apdu;
use meterwright::protocol::dlms::apdu::{Aare, AssociateResult, Diagnostic};

const PASSWORD: &str = "MARKED-PASSWORD-7391";
/// Two keys of sixteen bytes whose text can be looked for.
const ENCRYPTION_KEY: &[u8; 16] = b"MARKED-ENC-KEY-1";
const AUTHENTICATION_KEY: &[u8; 16] = b"MARKED-AUT-KEY-2";

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Every form in which a secret might be found.
fn marks() -> Vec<Vec<u8>> {
    let secrets = [PASSWORD.as_bytes(), ENCRYPTION_KEY, AUTHENTICATION_KEY];
    let mut marks = vec![b"MARKED".to_vec()];
    for secret in secrets {
        let spaced: Vec<String> = secret.iter().map(|octet| format!("{octet:02X}")).collect();
        let numbers: Vec<String> = secret.iter().map(u8::to_string).collect();
        marks.extend([secret.to_vec(), hex(secret).into_bytes(), hex(secret).to_lowercase().into_bytes()]);
        marks.extend([spaced.join(" ").into_bytes(), numbers.join(", ").into_bytes()]);
    }
    marks
}

fn assert_clean(place: &str, bytes: &[u8]) {
    for mark in marks() {
        let found = bytes.windows(mark.len()).any(|window| window == mark);
        assert!(!found, "{place} holds a secret as {:?}", String::from_utf8_lossy(&mark));
    }
}

/// A meter that takes one association request, and refuses it for good.
fn refusing_meter(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut header = [0; 8];
    stream.read_exact(&mut header).unwrap();
    let mut request = vec![0; usize::from(u16::from_be_bytes([header[6], header[7]]))];
    stream.read_exact(&mut request).unwrap();
    let aare = Apdu::Aare(Aare {
        context: None,
        result: AssociateResult::REJECTED_PERMANENT,
        diagnostic: Diagnostic::User(13),
        responding_title: None,
        mechanism: None,
        authentication: None,
        user_information: None,
    })
    .encode();
    let answer = [&[0, 1, 0, 1, 0, 1, 0, aare.len() as u8][..], &aare].concat();
    stream.write_all(&answer).unwrap();
    request
}

fn program_with_marked_secrets(line: &str) -> Program {
    let mut program = Program::new();
    program.set("RUST_LOG", "trace");
    program.set("THE_PASSWORD", PASSWORD);
    std::fs::write(program.path("encryption.hex"), hex(ENCRYPTION_KEY)).unwrap();
    program.set("THE_KEY", hex(AUTHENTICATION_KEY));
    let from_file = format!("encryption-key=file:{}", program.path("encryption.hex").display());
    let ended = program.run(&[
        "meter",
        "add",
        "A",
        "--line",
        line,
        "--auth",
        "low",
        "--secret",
        "password=env:THE_PASSWORD",
        "--secret",
        &from_file,
        "--secret",
        "authentication-key=env:THE_KEY",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    std::fs::remove_file(program.path("encryption.hex")).unwrap();
    assert_clean("the log of adding", ended.err.as_bytes());
    assert_clean("what adding says", ended.out.as_bytes());
    program
}

#[test]
fn no_secret_is_in_files_logs_traces_or_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = program_with_marked_secrets(&format!("tcp://{}", listener.local_addr().unwrap()));
    let meter = std::thread::spawn(move || refusing_meter(&listener));
    let read = program.run(&["read", "A", "--what", "clock", "--json"]);
    assert_eq!(read.code, 1, "{}", read.err);
    let request = meter.join().unwrap();
    let wire = String::from_utf8_lossy(&request).into_owned();
    assert!(
        wire.contains(PASSWORD),
        "the password did go over the line, so that there was something to mask"
    );
    assert_clean("the log of reading", read.err.as_bytes());
    assert_clean("the result", read.out.as_bytes());
    for words in [
        &["trace", "show"] as &[&str],
        &["trace", "show", "--json"],
        &["meter", "show", "A"],
        &["meter", "show", "A", "--json"],
        &["meter", "export"],
        &["meter", "list", "--json"],
    ] {
        let ended = program.run(words);
        assert_eq!(ended.code, 0, "{words:?}: {}", ended.err);
        assert_clean(&format!("{words:?}"), ended.out.as_bytes());
        assert_clean(&format!("the log of {words:?}"), ended.err.as_bytes());
    }
    let told = program.ok(&["trace", "show"]);
    assert!(told.contains("** **") && told.contains("password ********"), "{told}");
    let mut files = 0;
    for file in std::fs::read_dir(program.folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files >= 2, "the store and its key file were looked at");
}

#[test]
#[cfg(target_os = "linux")]
fn no_secret_is_in_the_process_list_or_the_write_ahead_log_while_a_meter_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = program_with_marked_secrets(&format!("tcp://{}", listener.local_addr().unwrap()));
    let mut child = program.command(&["read", "A", "--what", "clock"]).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut first = [0; 8];
    stream.read_exact(&mut first).unwrap();
    // The request has been sent, so that the session is at its wait for an answer that never comes.
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    assert!(String::from_utf8_lossy(&cmdline).contains("read"));
    assert_clean("the process list", &cmdline);
    for file in std::fs::read_dir(program.folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_secret_given_as_an_argument_is_refused_and_not_repeated() {
    let program = Program::new();
    for argument in ["password=MARKED", "MARKED", "encryption-key=MARKED", "password=env:MARKED=x"] {
        let ended = program.run(&["meter", "add", "A", "--line", "tcp://a", "--secret", argument]);
        assert_eq!(ended.code, 2);
        let said = ended.err.replace("variable MARKED=x", "");
        assert!(!said.contains("MARKED"), "{said}");
    }
    let elsewhere = program.run(&["meter", "list", "--secret", "password=env:HOME"]);
    assert_eq!(elsewhere.code, 2);
}
