//! Exchanges and octets of whole sessions, counted at the socket between our client and a virtual meter.
//!
//! The job is that of `facts/dlms-peers.md`, section 4: associate, clock, ten registers, a day or thirty of
//! 48 × 6 intervals (rows of 42 octets), release; a meter that was read before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic")]

#[path = "quirks/bench.rs"]
#[allow(dead_code, reason = "shared with the tests of meters' habits")]
mod bench;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bench::Bench;
use jiff::{SignedDuration, Timestamp};
use meterwright::model::{Auth, Line, LinePath, Security, What};
use meterwright::simulator::{Framing, World};

const NOW: &str = "2026-11-22T16:07:00Z";
const JOB: [What; 3] = [What::Clock, What::Registers, What::Profile];

const REGISTERS: [&str; 10] = [
    "1-0:1.8.0*255",
    "1-0:1.8.1*255",
    "1-0:1.8.2*255",
    "1-0:2.8.0*255",
    "1-0:3.8.0*255",
    "1-0:4.8.0*255",
    "1-0:5.8.0*255",
    "1-0:6.8.0*255",
    "1-0:7.8.0*255",
    "1-0:8.8.0*255",
];

/// What went through a wire tap.
#[derive(Default)]
struct Count {
    exchanges: AtomicU64,
    octets: AtomicU64,
    client_spoke_last: AtomicBool,
}

impl Count {
    fn note(&self, from_client: bool, octets: usize) {
        self.octets.fetch_add(octets as u64, Ordering::SeqCst);
        let client_spoke_last = self.client_spoke_last.swap(from_client, Ordering::SeqCst);
        if from_client && !client_spoke_last {
            self.exchanges.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &Count, from_client: bool) {
    let mut octets = [0; 65_536];
    while let Ok(taken @ 1..) = from.read(&mut octets) {
        count.note(from_client, taken);
        if to.write_all(&octets[..taken]).is_err() {
            break;
        }
    }
    // The other side may have closed first.
    let _closed = to.shutdown(Shutdown::Write);
}

/// Puts a tap in front of a meter; gives where to connect and what it counts.
fn tap(meter: SocketAddr) -> (SocketAddr, Arc<Count>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(Count::default());
    let kept = Arc::clone(&count);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(meter).unwrap();
            let (back_from, back_to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let (there, back) = (Arc::clone(&kept), Arc::clone(&kept));
            std::thread::spawn(move || pass(client, server, &there, true));
            std::thread::spawn(move || pass(back_from, back_to, &back, false));
        }
    });
    (address, count)
}

/// A meter whose load profile has rows of 42 octets, of which ten registers are read.
fn reference_meter(habits: &[&str], framing: Framing) -> Bench {
    let world = World { drift: false, outages: false, captures_status: false, ..World::default() };
    let mut bench = Bench::in_world(habits, framing, NOW, world);
    let objects = &mut bench.access.template.objects;
    objects.registers = REGISTERS.iter().map(|code| code.parse().unwrap()).collect();
    objects.complete = true;
    objects.load_profiles = vec!["1-0:99.1.0*255".parse().unwrap()];
    bench
}

/// A meter, how it is spoken to, and what may be spent.
struct Case {
    framing: Framing,
    gmac: bool,
    pdu: u16,
    hdlc: (u16, u8),
    habits: &'static [&'static str],
    days: i64,
    exchanges: u64,
    octets: u64,
}

impl Case {
    const DAY: Self = Self {
        framing: Framing::Wrapper,
        gmac: false,
        pdu: 1024,
        hdlc: (2030, 7),
        habits: &[],
        days: 1,
        exchanges: 5,
        octets: 2600,
    };
    const MONTH: Self = Self { days: 30, exchanges: 63, octets: 63_100, ..Self::DAY };

    /// Reads twice and holds the second read to the budget.
    fn run(self) {
        let mut bench = reference_meter(self.habits, self.framing);
        let config = &mut bench.access.config;
        if self.gmac {
            config.client = Some(36);
            (config.auth, config.security) = (Auth::HighGmac, Security::Both);
        } else {
            config.client = Some(17);
            (config.auth, config.security) = (Auth::Low, Security::None);
        }
        let (LinePath::Tcp(target) | LinePath::TcpHdlc(target)) = &config.line.path else {
            panic!("a virtual meter on TCP")
        };
        let meter = SocketAddr::new(target.host.parse().unwrap(), target.port);
        let (address, count) = tap(meter);
        let scheme = if self.framing == Framing::Hdlc { "tcp+hdlc" } else { "tcp" };
        config.line = format!("{scheme}://{address}").parse::<Line>().unwrap();
        let template = &mut bench.access.template;
        template.association.max_pdu = self.pdu;
        (template.hdlc.info, template.hdlc.window) = self.hdlc;

        let from: Timestamp = NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_hours(24 * self.days);
        let (outcome, ..) = bench.read(&JOB, Some(from), None);
        outcome.unwrap();
        let before = (count.exchanges.load(Ordering::SeqCst), count.octets.load(Ordering::SeqCst));
        let (outcome, got, _) = bench.read(&JOB, Some(from), None);
        outcome.unwrap();
        let spent = (
            count.exchanges.load(Ordering::SeqCst) - before.0,
            count.octets.load(Ordering::SeqCst) - before.1,
        );

        assert_eq!((got.registers.len(), got.clock.is_some()), (10, true));
        let rows: usize = got.rows.values().map(Vec::len).sum();
        assert_eq!(rows, 48 * usize::try_from(self.days).unwrap());
        assert!(spent.0 <= self.exchanges, "{} exchanges, {} are the budget", spent.0, self.exchanges);
        assert!(spent.1 <= self.octets, "{} octets, {} are the budget", spent.1, self.octets);
    }
}

const GBT: &[&str] = &["quirk:gbt-unasked"];

#[test]
fn a_day_over_the_wrapper_takes_five_exchanges_and_three_in_large_messages() {
    Case::DAY.run();
    Case { pdu: u16::MAX, exchanges: 3, ..Case::DAY }.run();
}

#[test]
fn a_day_over_the_wrapper_under_gmac_takes_six_exchanges_and_four_in_large_messages() {
    Case { gmac: true, exchanges: 6, octets: 3000, ..Case::DAY }.run();
    Case { gmac: true, pdu: u16::MAX, exchanges: 4, octets: 3000, ..Case::DAY }.run();
}

#[test]
fn a_day_over_hdlc_takes_eight_exchanges_and_six_in_large_messages() {
    Case { framing: Framing::Hdlc, exchanges: 8, octets: 2750, ..Case::DAY }.run();
    Case { framing: Framing::Hdlc, pdu: u16::MAX, exchanges: 6, octets: 2750, ..Case::DAY }.run();
}

#[test]
fn thirty_days_over_the_wrapper_take_sixty_three_exchanges_and_four_in_large_messages() {
    Case::MONTH.run();
    Case { pdu: u16::MAX, exchanges: 4, ..Case::MONTH }.run();
}

#[test]
fn thirty_days_by_general_block_transfer_take_ten_exchanges() {
    Case { habits: GBT, exchanges: 10, ..Case::MONTH }.run();
}

#[test]
fn thirty_days_over_hdlc_take_sixty_six_exchanges_thirty_six_in_large_messages_and_twelve_with_a_window() {
    let month = Case { framing: Framing::Hdlc, octets: 64_000, ..Case::MONTH };
    Case { exchanges: 66, ..month }.run();
    let month = Case { framing: Framing::Hdlc, octets: 64_000, pdu: u16::MAX, ..Case::MONTH };
    Case { exchanges: 36, hdlc: (2030, 1), ..month }.run();
    let month = Case { framing: Framing::Hdlc, octets: 64_000, pdu: u16::MAX, ..Case::MONTH };
    Case { exchanges: 12, hdlc: (2030, 7), ..month }.run();
}

#[test]
fn blocks_that_are_lost_are_sent_again_and_cost_no_more_than_their_windows() {
    Case { habits: &["quirk:gbt-unasked", "quirk:gbt-loses"], exchanges: 16, octets: 95_000, ..Case::MONTH }
        .run();
}
