use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::super::{SimulationClock, lock};
use super::*;
use crate::model::{LinePath, Obis};
use crate::protocol::dlms::{AttributeRef, Data};

fn options(meters: u32, framing: Framing, faults: &[&str]) -> FleetOptions {
    FleetOptions {
        meters,
        template: "dlms-generic".to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        framing,
        seed: 11,
        faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
    }
}

fn fixed() -> World {
    World { clock: SimulationClock::Fixed("2026-11-01T12:15:00Z".parse().unwrap()), ..World::default() }
}

fn address(meter: &SimulatedMeter) -> String {
    match &meter.config.line.path {
        LinePath::Tcp(host) | LinePath::TcpHdlc(host) | LinePath::Udp(host) => host.to_string(),
        other => panic!("{other:?}"),
    }
}

fn connect(meter: &SimulatedMeter) -> TcpStream {
    let stream = TcpStream::connect(address(meter)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Wrapper, client 16 to server 1: an AARQ without authentication, and the answer's first octets.
fn aarq(stream: &mut TcpStream) -> Vec<u8> {
    let apdu = [
        0x60, 0x1D, 0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xBE, 0x10, 0x04, 0x0E,
        0x01, 0x00, 0x00, 0x00, 0x06, 0x5F, 0x1F, 0x04, 0x00, 0x00, 0x7E, 0x1F, 0xFF, 0xFF,
    ];
    stream.write_all(&[0, 1, 0, 16, 0, 1, 0, apdu.len() as u8]).unwrap();
    stream.write_all(&apdu).unwrap();
    let mut answer = [0; 9];
    match stream.read_exact(&mut answer) {
        Ok(()) => answer.to_vec(),
        Err(_) => Vec::new(),
    }
}

#[test]
fn a_fleet_of_200_is_up_at_once_and_every_meter_answers_on_several_connections() {
    let fleet = Fleet::start_in(&options(200, Framing::Wrapper, &[]), &fixed()).unwrap();
    assert_eq!(fleet.meters().len(), 200);
    for meter in fleet.meters().iter().step_by(40) {
        let mut streams: Vec<TcpStream> = (0..3).map(|_| connect(meter)).collect();
        for stream in &mut streams {
            assert_eq!(aarq(stream)[8], 0x61, "{}", meter.config.name);
        }
    }
}

#[test]
fn meters_have_names_serials_groups_and_keys() {
    let fleet = Fleet::start_in(&options(12, Framing::Wrapper, &[]), &fixed()).unwrap();
    let first = &fleet.meters()[0];
    assert_eq!(first.config.name, "Household 0001");
    assert_eq!(first.config.serial.as_deref(), Some("26000001"));
    assert_eq!(first.config.group.as_deref(), Some("Households"));
    assert!(first.secrets.encryption_key.is_some() && first.secrets.authentication_key.is_some());
    let groups: Vec<&str> = fleet.meters().iter().filter_map(|meter| meter.config.group.as_deref()).collect();
    assert!(groups.contains(&"Shops") && groups.contains(&"Factories"));
    let mut names: Vec<&String> = fleet.meters().iter().map(|meter| &meter.config.name).collect();
    names.dedup();
    assert_eq!(names.len(), 12);
}

#[test]
fn a_dropped_fleet_is_gone() {
    let fleet = Fleet::start_in(&options(1, Framing::Wrapper, &[]), &fixed()).unwrap();
    let mut stream = connect(&fleet.meters()[0]);
    let gone = address(&fleet.meters()[0]);
    assert_eq!(aarq(&mut stream)[8], 0x61);
    drop(fleet);
    assert!(TcpStream::connect(gone).is_err());
    assert!(is_at_its_end(&mut stream));
}

fn is_at_its_end(stream: &mut TcpStream) -> bool {
    // What is left of the first answer, then the end.
    stream.read_to_end(&mut Vec::new()).is_ok_and(|left| left < 100)
}

#[test]
fn the_same_seed_makes_the_same_fleet_and_its_records_can_be_looked_at() {
    let import = |seed| {
        let options = FleetOptions { seed, ..options(3, Framing::Wrapper, &[]) };
        let fleet = Fleet::start_in(&options, &fixed()).unwrap();
        let register = AttributeRef::new(3, Obis::new(1, 0, 1, 8, 0, 255), 2);
        let now_ms = fleet.now_ms();
        let mut meter = lock(fleet.meter(2).unwrap());
        meter.look(&register, now_ms).unwrap()
    };
    assert_eq!(import(5), import(5));
    assert_ne!(import(5), import(6));
}

#[test]
fn a_standing_clock_is_moved_by_hand() {
    let fleet = Fleet::start_in(&options(1, Framing::Wrapper, &[]), &fixed()).unwrap();
    let register = AttributeRef::new(3, Obis::new(1, 0, 1, 8, 0, 255), 2);
    let read = || lock(fleet.meter(0).unwrap()).look(&register, fleet.now_ms()).unwrap();
    let before = read();
    assert_eq!(read(), before);
    fleet.set_time("2026-11-02T12:15:00Z".parse().unwrap());
    let (Data::U32(before), Data::U32(after)) = (before, read()) else { panic!() };
    assert!(after > before);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let refused = |options: &FleetOptions, world: &World| Fleet::start_in(options, world).unwrap_err();
    let plain = options(1, Framing::Wrapper, &[]);
    assert!(refused(&options(1, Framing::Wrapper, &["slow"]), &fixed()).contains("late=MS"));
    let unknown = FleetOptions { template: "x9000".to_owned(), ..plain.clone() };
    assert!(refused(&unknown, &fixed()).contains("dlms-generic"));
    let nowhere = World { time_zone: "Moon/Tycho".to_owned(), ..fixed() };
    assert!(refused(&plain, &nowhere).contains("Moon/Tycho"));
    assert!(refused(&plain, &World { period: 7, ..fixed() }).contains("hour"));
    let crowded = FleetOptions { listen: ([127, 0, 0, 1], 65_535).into(), meters: 2, ..plain.clone() };
    assert!(refused(&crowded, &fixed()).contains("65535") || refused(&crowded, &fixed()).contains("in use"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = FleetOptions { listen: taken.local_addr().unwrap(), ..plain };
    assert!(refused(&busy, &fixed()).contains("in use"));
}

#[cfg(unix)]
#[test]
fn a_pseudo_terminal_carries_hdlc_to_one_client_after_another() {
    let fleet = Fleet::start_in(&options(1, Framing::Pty, &[]), &fixed()).unwrap();
    let LinePath::Serial(line) = &fleet.meters()[0].config.line.path else { panic!() };
    for _ in 0..2 {
        let mut port =
            serialport::new(&line.port, line.baud).timeout(Duration::from_secs(20)).open().unwrap();
        // SNRM from client 16 to server 1, without parameters.
        let snrm = crate::protocol::hdlc::Frame {
            segmented: false,
            destination: crate::protocol::hdlc::HdlcAddress::server(&ServerAddress::MANAGEMENT).unwrap(),
            source: crate::protocol::hdlc::HdlcAddress::client(16).unwrap(),
            control: crate::protocol::hdlc::Control::Snrm { poll: true },
            info: Vec::new(),
        };
        port.write_all(&snrm.encode()).unwrap();
        let mut answer = vec![0; 6];
        port.read_exact(&mut answer).unwrap();
        assert_eq!((answer[0], answer[5]), (0x7E, 0x73), "UA: {answer:02X?}");
        let mut octet = [0];
        while octet != [0x7E] {
            port.read_exact(&mut octet).unwrap();
        }
    }
}
