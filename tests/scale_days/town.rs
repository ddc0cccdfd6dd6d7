//! A town: meters on every kind of line that the program knows, some of them trouble.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use meterwright::model::{Auth, LinePath, Medium, MeterConfig, MeterSecrets, Security};
use meterwright::simulator::{
    FleetOptions, Framing, Lines, MemoryFleet, SharedMeter, SimulationClock, World,
};
use meterwright::transport::{Dialer, Near, TransportError};

/// The group of the meters that are trouble.
pub(crate) const DOUBTFUL: &str = "Doubtful";
/// Capture period in seconds.
pub(crate) const PERIOD: u32 = 1800;

/// A part of the town.
struct Quarter {
    host: &'static str,
    /// Of a hundred meters; at least one.
    share: u32,
    framing: Framing,
    per_line: u16,
    faults: &'static str,
    medium: Medium,
}

const fn quarter(host: &'static str, share: u32, framing: Framing, faults: &'static str) -> Quarter {
    Quarter { host, share, framing, per_line: 1, faults, medium: Medium::Direct }
}

/// In each, 1 of a hundred frames is lost and 0.5 of a hundred meters are dead. The first takes what is left over.
const QUARTERS: [Quarter; 8] = [
    quarter("ip", 0, Framing::Wrapper, "latency=120,jitter=60,loss=1"),
    quarter("plain", 8, Framing::Wrapper, "latency=80,jitter=200,loss=1"),
    quarter("hdlc", 10, Framing::Hdlc, "latency=150,jitter=50,loss=1"),
    Quarter { per_line: 6, ..quarter("rs485", 16, Framing::Pty, "latency=20,rate=960,loss=1") },
    Quarter { per_line: 10, ..quarter("gate", 14, Framing::Wrapper, "latency=600,jitter=300,loss=1") },
    quarter("udp", 12, Framing::Udp, "latency=150,jitter=400,loss=1,duplicate=2,reorder=2"),
    Quarter { per_line: 6, medium: Medium::Plc, ..quarter("plc", 8, Framing::Wrapper, "plc-fast,loss=1") },
    Quarter { medium: Medium::Mesh, ..quarter("mesh", 8, Framing::Udp, "mesh,loss=1") },
];

/// Trouble, one meter in five hundred each; at least one.
const TROUBLE: [Quarter; 8] = [
    quarter("dead", 0, Framing::Wrapper, "dead=100"),
    quarter("dead-hdlc", 0, Framing::Hdlc, "dead=100"),
    quarter("garbage", 0, Framing::Wrapper, "latency=100,loss=1,garbage=10"),
    quarter("garbage-hdlc", 0, Framing::Hdlc, "latency=100,loss=1,garbage=10"),
    quarter("half-open", 0, Framing::Wrapper, "latency=100,loss=1,half-open=40"),
    quarter("reset", 0, Framing::Wrapper, "latency=100,loss=1,reset=9"),
    quarter("fast", 0, Framing::Wrapper, "latency=100,loss=1,clock=10817"),
    quarter("slow", 0, Framing::Wrapper, "latency=100,loss=1,clock=-7243"),
];

/// A meter as the town knows it.
pub(crate) struct Citizen {
    pub(crate) config: MeterConfig,
    secrets: MeterSecrets,
    pub(crate) meter: SharedMeter,
    pub(crate) is_dead: bool,
}

impl Citizen {
    pub(crate) fn is_doubtful(&self) -> bool {
        self.config.group.as_deref() == Some(DOUBTFUL)
    }
}

/// The way to every meter of the town.
#[derive(Debug)]
struct Exchange(Vec<MemoryFleet>);

impl Dialer for Exchange {
    fn dial(&self, path: &LinePath) -> Result<Near, TransportError> {
        let fleet = self.0.iter().find(|fleet| fleet.is_at(path));
        fleet.ok_or_else(|| TransportError::Open("nobody is there".to_owned()))?.dial(path)
    }
}

/// All meters.
pub(crate) struct Town {
    pub(crate) citizens: Vec<Citizen>,
    pub(crate) zone: TimeZone,
    exchange: Arc<Exchange>,
}

impl Town {
    pub(crate) fn new(meters: u32, seed: u64, start: Timestamp, installed: Timestamp) -> Self {
        let world = World {
            clock: SimulationClock::Running { start, speed: 1 },
            period: PERIOD,
            installed: Some(installed),
            outage_days: 2,
            ..World::default()
        };
        let mut exchange = Vec::new();
        let mut citizens: Vec<Citizen> = Vec::new();
        let shares: Vec<u32> =
            QUARTERS.iter().skip(1).map(|quarter| (meters * quarter.share / 100).max(1)).collect();
        let trouble = (meters / 500).max(1);
        let used = shares.iter().sum::<u32>() + trouble * u32::try_from(TROUBLE.len()).unwrap();
        let counts = [meters.saturating_sub(used).max(1)].into_iter().chain(shares);
        let counts = counts.chain([trouble; TROUBLE.len()]);
        let places = QUARTERS.iter().chain(&TROUBLE).zip(counts).enumerate();
        for (place, (quarter, count)) in places {
            let first = u32::try_from(citizens.len()).unwrap() + 1;
            let mut faults = vec![quarter.faults.to_owned()];
            if place < QUARTERS.len() {
                faults.push("dead=0.5".to_owned());
            }
            let options = FleetOptions {
                meters: count,
                framing: quarter.framing,
                seed: seed * 1000 + u64::from(first),
                faults,
                ..FleetOptions::demo()
            };
            let lines = Lines { meters_per_line: quarter.per_line, ..Lines::default() };
            let fleet = MemoryFleet::new(&options, &world, &lines, (quarter.host, first)).unwrap();
            for (seat, meter) in fleet.meters().iter().enumerate() {
                let mut config = meter.config.clone();
                config.line.medium = quarter.medium;
                if quarter.host == "plain" {
                    (config.client, config.auth, config.security) = (Some(17), Auth::Low, Security::None);
                }
                if place >= QUARTERS.len() {
                    config.group = Some(DOUBTFUL.to_owned());
                }
                citizens.push(Citizen {
                    config,
                    secrets: meter.secrets.clone(),
                    meter: Arc::clone(fleet.meter(seat).unwrap()),
                    is_dead: fleet.is_dead(seat),
                });
            }
            exchange.push(fleet);
        }
        let zone = TimeZone::get(&world.time_zone).unwrap();
        Self { citizens, zone, exchange: Arc::new(Exchange(exchange)) }
    }

    pub(crate) fn dialer(&self) -> Arc<dyn Dialer> {
        Arc::clone(&self.exchange) as Arc<dyn Dialer>
    }

    pub(crate) fn entries(&self) -> Vec<(MeterConfig, MeterSecrets)> {
        self.citizens.iter().map(|one| (one.config.clone(), one.secrets.clone())).collect()
    }
}
