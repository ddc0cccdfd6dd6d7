//! The command line over shared lines, UDP, and what meters push.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli_support;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Child;
use std::thread::JoinHandle;

use cli_support::Program;
use meterwright::simulator::{Fleet, FleetOptions, Framing, Lines, World};

fn fleet(meters: u32, framing: Framing, listen: &str, meters_per_line: u16) -> Fleet {
    let listen: SocketAddr = listen.parse().unwrap();
    let options = FleetOptions { meters, listen, framing, ..FleetOptions::demo() };
    let lines = Lines { meters_per_line, ..Lines::default() };
    Fleet::start_on(&options, &World::default(), &lines).unwrap()
}

fn read_all(fleet: &Fleet) -> serde_json::Value {
    let mut program = Program::new();
    for meter in fleet.meters() {
        program.add(&meter.config, &meter.secrets);
    }
    program.json(&["read", "--all", "--what", "identity,clock,registers", "--quiet"], 0)
}

#[test]
fn meters_are_read_over_udp_and_ipv6() {
    for (framing, listen) in
        [(Framing::Udp, "127.0.0.1:0"), (Framing::Udp, "[::1]:0"), (Framing::Wrapper, "[::1]:0")]
    {
        let read = read_all(&fleet(2, framing, listen, 1));
        assert_eq!(read["summary"]["ok"], 2, "{framing:?} {listen}: {read}");
        assert!(read["results"][0]["stored"]["registers"].as_u64().unwrap() > 5);
    }
}

#[test]
fn meters_behind_one_concentrator_and_on_one_bus_are_told_apart() {
    for framing in [Framing::Wrapper, Framing::Udp, Framing::Hdlc] {
        let read = read_all(&fleet(6, framing, "127.0.0.1:0", 6));
        assert_eq!(read["summary"]["ok"], 6, "{framing:?}: {read}");
    }
}

#[test]
fn a_bus_is_searched_and_what_answers_is_added_once() {
    let fleet = fleet(3, Framing::Hdlc, "127.0.0.1:0", 3);
    let line = fleet.meters()[0].config.line.to_string();
    let program = Program::new();
    let words = ["discover", &line, "--addresses", "18-20", "--add", "--group", "Found", "--quiet"];
    let found = program.json(&words, 0);
    let serials: Vec<&str> =
        found["found"].as_array().unwrap().iter().map(|one| one["serial"].as_str().unwrap()).collect();
    assert_eq!(serials, ["26000002", "26000003"]);
    assert_eq!(found["silent"][0]["address"], "1/20");
    assert_eq!(found["silent"][0]["layer"], "snrm");
    assert_eq!(found["summary"]["added"], 2);
    assert_eq!(program.json(&words, 0)["summary"]["added"], 0, "they are there already");
    let listed = program.json(&["meter", "list"], 0);
    assert_eq!(listed["meters"][0]["group"], "Found");
}

#[test]
fn a_gateway_is_searched_by_its_addresses_and_a_line_that_is_not_there_ends_the_search() {
    let fleet = fleet(2, Framing::Wrapper, "127.0.0.1:0", 2);
    let line = fleet.meters()[0].config.line.to_string();
    let program = Program::new();
    let found = program.json(&["discover", &line, "--addresses", "0x0002-0x0003", "--quiet"], 0);
    assert_eq!(found["found"][0]["serial"], "26000002");
    assert_eq!(found["silent"][0]["layer"], "aarq");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("tcp+hdlc://{gone}");
    let found = program.json(&["discover", &nobody, "--addresses", "16-99", "--quiet"], 1);
    assert_eq!(found["silent"][0]["layer"], "connect");
    assert_eq!(found["summary"]["probed"], 1);
    assert_eq!(program.run(&["discover", &line]).code, 2, "which addresses, nobody said");
}

/// A listener that ends after some messages, where it listens, and the rest of what it tells.
fn listener(program: &Program, words: &[&str]) -> (Child, SocketAddr, JoinHandle<String>) {
    use std::io::{BufRead, BufReader, Read};
    let mut child = program.command(words).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let address = line.trim().rsplit("//").next().unwrap().parse().unwrap();
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        told.read_to_string(&mut rest).unwrap();
        rest
    });
    (child, address, rest)
}

/// Wrapper from server 1 to client 1: a confirmed data-notification with the device's name and one register.
fn push(serial: &str) -> Vec<u8> {
    let mut body = vec![0x02, 5, 0x09, 6, 0, 0, 96, 1, 0, 255, 0x0A, serial.len() as u8];
    body.extend(serial.as_bytes());
    // 1-0:1.8.0, 123456, scaler -1, watt-hours.
    body.extend([0x09, 6, 1, 0, 1, 8, 0, 255, 0x06, 0, 1, 0xE2, 0x40, 0x02, 2, 0x0F, 0xFF, 0x16, 30]);
    let apdu = [&[0x0F, 0x40, 0, 0, 7, 0][..], &body].concat();
    [&[0, 1, 0, 1, 0, 1, 0, apdu.len() as u8][..], &apdu].concat()
}

#[test]
fn what_a_meter_pushes_is_stored_once_and_confirmed_and_a_strangers_is_kept_aside() {
    let program = Program::new();
    program.ok(&["meter", "add", "Mill", "--line", "tcp://192.0.2.1:4059", "--serial", "77001", "--quiet"]);
    let (child, address, told) =
        listener(&program, &["listen", "--udp", "127.0.0.1:0", "--count", "3", "--json"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    for _ in 0..2 {
        socket.send_to(&push("77001"), address).unwrap();
        let mut answer = [0; 64];
        let count = socket.recv(&mut answer).unwrap();
        assert_eq!(answer[..count], [0, 1, 0, 1, 0, 1, 0, 6, 0x10, 0x40, 0, 0, 7, 0]);
    }
    socket.send_to(&push("99"), address).unwrap();
    let output = child.wait_with_output().unwrap();
    told.join().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["pushes"][0]["meter"], "Mill");
    assert!(document["pushes"][1]["result"].as_str().unwrap().contains("not stored again"));
    assert!(document["pushes"][2]["meter"].is_null());
    let shown = program.json(&["show", "registers", "Mill"], 0);
    assert_eq!(shown["registers"][0]["value"], "12345.6");
    assert_eq!(shown["registers"].as_array().unwrap().len(), 1);
    let aside = program.json(&["listen", "--aside"], 0);
    assert!(aside["aside"][0]["hex"].as_str().unwrap().starts_with("0F40000007"));
}

/// Bare values that no push setup explains: not lost, and not told as if they were stored.
#[test]
fn a_push_that_nothing_explains_is_kept_aside_with_its_meters_name() {
    let program = Program::new();
    program.ok(&["meter", "add", "Mill", "--line", "tcp://127.0.0.1:4059", "--quiet"]);
    let (child, address, told) =
        listener(&program, &["listen", "--udp", "127.0.0.1:0", "--count", "1", "--json"]);
    let body = [0x00, 0x02, 0x02, 0x06, 0, 0, 0, 5, 0x06, 0, 0, 0, 6];
    let apdu = [&[0x0F, 0, 0, 0, 9][..], &body].concat();
    let message = [&[0, 1, 0, 1, 0, 16, 0, apdu.len() as u8][..], &apdu].concat();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&message, address).unwrap();
    let output = child.wait_with_output().unwrap();
    told.join().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let result = document["pushes"][0]["result"].as_str().unwrap();
    assert!(result.contains("kept aside: Mill sent values without codes"), "{result}");
    let aside = program.json(&["listen", "--aside"], 0);
    assert!(aside["aside"][0]["hex"].as_str().unwrap().starts_with("0F0000000900"), "{aside}");
}

#[test]
fn a_push_over_tcp_in_the_clear_is_not_believed_of_a_meter_that_ciphers() {
    let mut program = Program::new();
    let fleet = fleet(1, Framing::Wrapper, "127.0.0.1:0", 1);
    program.add(&fleet.meters()[0].config, &fleet.meters()[0].secrets);
    let (child, address, told) = listener(&program, &["listen", "--tcp", "127.0.0.1:0", "--count", "1"]);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&push("26000001")).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let told = told.join().unwrap();
    assert!(told.contains("in the clear"), "{told}");
}

/// The first message of a fleet's only meter, by its push setup's list.
fn pushed_by_list(meters: &FleetOptions) -> (Fleet, Vec<u8>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let to = format!("udp://{}", socket.local_addr().unwrap()).parse().unwrap();
    let lines = Lines { push: Some(to), push_list: true, ..Lines::default() };
    let fleet = Fleet::start_on(meters, &World::default(), &lines).unwrap();
    let mut message = vec![0; 4096];
    let count = socket.recv(&mut message).unwrap();
    message.truncate(count);
    (fleet, message)
}

#[test]
fn a_push_by_list_is_stored_each_value_in_its_place_once_and_hides_nothing_that_was_not_read() {
    let options = FleetOptions { meters: 1, ..FleetOptions::demo() };
    let (fleet, message) = pushed_by_list(&options);
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    let name = meter.config.name.as_str();
    let hours_ago = |hours| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string();
    let (from, to) = (hours_ago(48), hours_ago(24));
    let what = "identity,registers,profile,events";
    program.json(&["read", name, "--what", what, "--from", &from, "--to", &to, "--quiet"], 0);
    let rows = |program: &Program, what: &str, of: &str| {
        program.json(&["show", what, name], 0)[of].as_array().unwrap().len()
    };
    let before = rows(&program, "profile", "rows");
    // A listener each, as if the program were started anew in between.
    let mut told = Vec::new();
    for _ in 0..2 {
        let (child, address, rest) =
            listener(&program, &["listen", "--udp", "127.0.0.1:0", "--count", "1", "--json"]);
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&message, address).unwrap();
        let output = child.wait_with_output().unwrap();
        rest.join().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["pushes"][0]["meter"], name, "{document}");
        told.push(document["pushes"][0]["result"].as_str().unwrap().to_owned());
    }
    // The maximum bears its own stamp and was read a moment ago.
    assert!(told[0].contains("of 3 values stored") && told[0].contains("1 interval"), "{told:?}");
    assert!(told[0].contains("1 event") && !told[0].contains("left out"), "{told:?}");
    assert!(told[1].contains("not stored again"), "{told:?}");
    assert_eq!(rows(&program, "profile", "rows"), before + 1);
    let of_log = rows(&program, "events", "events");
    program.json(&["read", name, "--what", "profile,events", "--quiet"], 0);
    assert!(rows(&program, "profile", "rows") >= before + 47, "the day between is read");
    assert!(rows(&program, "events", "events") > of_log + 1, "the log is read from its beginning");
}

/// Two programs on one store, each with a meter of its own on the same terminal server: one conversation at a time.
#[test]
fn another_program_on_the_store_waits_for_the_line_and_not_only_for_the_meter() {
    use meterwright::comms::{Comms, CommsOptions, Event, Job};
    use meterwright::drivers::ReadRequest;
    use meterwright::model::{Step, What};
    use meterwright::store::Store;

    let program = Program::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("tcp+hdlc://{}", server.local_addr().unwrap());
    for (name, address) in [("Mill", "1/17"), ("Farm", "1/18")] {
        program.ok(&["meter", "add", name, "--line", &line, "--address", address, "--quiet"]);
    }
    let mut first = program.command(&["read", "Mill", "--what", "clock", "--quiet"]).spawn().unwrap();
    let held = server.accept().unwrap();

    let store = program.path("test.db");
    let farm =
        Store::open(&store).unwrap().meters().unwrap().into_iter().find(|row| row.config.name == "Farm");
    let comms = Comms::start(CommsOptions { store, sessions: 2, trace: false, schedule: false }).unwrap();
    let events = comms.listen(|| {});
    let request = ReadRequest { what: [What::Clock].into(), from: None, to: None };
    let job = comms.submit(Job::Read { meters: vec![farm.unwrap().id], request }).unwrap();
    let is_step = |event: &Event| matches!(event, Event::MeterStep { .. } | Event::MeterEnded { .. });
    let step = events.iter().find(is_step).unwrap();
    assert!(matches!(step, Event::MeterStep { step: Step::WaitingForLine, .. }), "{step:?}");
    server.set_nonblocking(true).unwrap();
    assert_eq!(server.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);

    first.kill().unwrap();
    first.wait().unwrap();
    drop(held);
    server.set_nonblocking(false).unwrap();
    server.accept().unwrap();
    comms.cancel(job);
    comms.stop();
}
