//! Flashes by the real binary over real sockets that are cut once: each meter's line at another exchange, so that
//! one campaign meets every exchange of the procedure, in the wrapper and in HDLC.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod cli_support;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use cli_support::Program;
use meterwright::model::{HostPort, LinePath};
use meterwright::simulator::{Fleet, FleetOptions, Framing, lock};
use serde_json::json;

const VERSION: &str = "MTW 1.5.0";

/// Where a line is cut: before a request arrives, or before its answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Request,
    Answer,
}

/// A line between the program and a meter that breaks once.
struct Wire {
    meter: SocketAddr,
    at: usize,
    before: Before,
    requests: AtomicUsize,
    was_cut: AtomicBool,
}

impl Wire {
    /// Listens on a port of its own for as long as the test runs.
    fn start(meter: SocketAddr, at: usize, before: Before) -> (SocketAddr, Arc<Self>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listener.local_addr().unwrap();
        let wire = Arc::new(Self {
            meter,
            at,
            before,
            requests: AtomicUsize::new(0),
            was_cut: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&wire);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), wire) = (client, Arc::clone(&of_thread)) else { return };
                thread::spawn(move || wire.carry(client));
            }
        });
        (own, wire)
    }

    fn carry(&self, mut client: TcpStream) {
        let Ok(mut meter) = TcpStream::connect(self.meter) else { return };
        let (mut to_client, mut from_meter) = (client.try_clone().unwrap(), meter.try_clone().unwrap());
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = from_meter.read(&mut bytes) {
                    let is_due = self.before == Before::Answer && self.is_due();
                    if is_due || to_client.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                let _gone = (to_client.shutdown(Shutdown::Both), from_meter.shutdown(Shutdown::Both));
            });
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = client.read(&mut bytes) {
                self.requests.fetch_add(1, Ordering::SeqCst);
                let is_due = self.before == Before::Request && self.is_due();
                if is_due || meter.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _gone = (client.shutdown(Shutdown::Both), meter.shutdown(Shutdown::Both));
        });
    }

    /// Whether it is to break now; once.
    fn is_due(&self) -> bool {
        self.requests.load(Ordering::SeqCst) > self.at && !self.was_cut.swap(true, Ordering::SeqCst)
    }
}

fn image() -> Vec<u8> {
    let mut image = format!("MTWFW {VERSION}\n").into_bytes();
    image.extend((0..1100u32).map(|at| u8::try_from(at * 7 % 251).unwrap()));
    image
}

/// Flashes as many meters as there are exchanges, each with its line cut at another one, by one command.
fn cut_each(framing: Framing, exchanges: usize) {
    let options = FleetOptions { meters: u32::try_from(exchanges).unwrap(), framing, ..FleetOptions::demo() };
    let fleet = Fleet::start(&options).unwrap();
    let mut program = Program::new();
    let mut wires = Vec::new();
    for (at, meter) in fleet.meters().iter().enumerate() {
        let mut config = meter.config.clone();
        let before = if at % 2 == 0 { Before::Request } else { Before::Answer };
        let (LinePath::Tcp(place) | LinePath::TcpHdlc(place)) = &mut config.line.path else {
            panic!("no socket")
        };
        let to = format!("{}:{}", place.host, place.port).parse().unwrap();
        let (own, wire) = Wire::start(to, at, before);
        *place = HostPort { host: own.ip().to_string(), port: own.port() };
        program.add(&config, &meter.secrets);
        wires.push(wire);
    }
    let path = |name: &str| program.path(name).display().to_string();
    std::fs::write(path("image"), image()).unwrap();
    program.ok(&["firmware", "keygen", "-o", &path("key"), "--trust"]);
    let words =
        ["firmware", "pack", "--image", &path("image"), "--key", &path("key"), "-o", &path("package")];
    program.ok(&[words.as_slice(), &["--version", VERSION, "--identifier", "4D5457"]].concat());
    let words = ["firmware", "flash", "--all", "--package", &path("package"), "--short-backup", "--quiet"];
    let done = program.json(&words, 0);
    assert_eq!(done["summary"]["ok"], json!(exchanges), "{done}");
    let mut cuts = 0;
    for (at, wire) in wires.iter().enumerate() {
        let mut meter = lock(fleet.meter(at).unwrap());
        let firmware = meter.record().firmware();
        let what = format!("{framing:?}, cut before {:?} {at}", wire.before);
        assert!(firmware.version() == VERSION && firmware.active() == image(), "{what}");
        // Only where the answer to the first one was lost it is initiated again.
        assert!(firmware.initiations() <= 2, "{what}: {}", firmware.initiations());
        let twice: u32 = firmware.came().iter().map(|times| times - 1).sum();
        assert!(twice <= 1, "{what}: {:?}", firmware.came());
        cuts += usize::from(wire.was_cut.load(Ordering::SeqCst));
    }
    assert_eq!(cuts, exchanges, "a whole flash has more exchanges than lines were cut");
}

#[test]
fn a_wrapper_line_that_is_cut_at_each_exchange_in_turn_leaves_every_meter_flashed() {
    cut_each(Framing::Wrapper, 44);
}

#[test]
fn an_hdlc_line_that_is_cut_at_each_exchange_in_turn_leaves_every_meter_flashed() {
    cut_each(Framing::Hdlc, 60);
}
