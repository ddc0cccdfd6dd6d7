//! A fleet without sockets: its meters are reached through a [`Dialer`], inside a runtime whose time may be let fly.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use super::fleet::{Population, Station, populate};
use super::lines::Lines;
use super::net::Bus;
use super::net::memory;
use super::server::SharedMeter;
use super::world::{TrueTime, World};
use super::{FleetOptions, Framing, SimulatedMeter};
use crate::model::LinePath;
use crate::transport::{Dialer, Near, TransportError, packets};

/// Octets on their way in either direction.
const IN_FLIGHT: usize = 64 * 1024;
/// Port of the first meter of a host.
const FIRST_PORT: u32 = 4059;

/// Virtual meters in memory. It is made and dialled inside a `LocalSet`, where each connection is a task.
pub struct MemoryFleet {
    meters: Vec<SimulatedMeter>,
    inside: Vec<SharedMeter>,
    dead: Vec<bool>,
    time: TrueTime,
    places: HashMap<String, Place>,
}

impl fmt::Debug for MemoryFleet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MemoryFleet({} meters)", self.meters.len())
    }
}

/// The end of a line.
struct Place {
    station: Station,
    /// Held by each open connection.
    open: Arc<()>,
    connections: AtomicU64,
    /// A bus stays as it is when who spoke on it goes away: it takes one client after another.
    bus: OnceLock<mpsc::Sender<DuplexStream>>,
}

/// What tells a line's end from others.
fn name(path: &LinePath) -> String {
    match path {
        LinePath::Serial(serial) | LinePath::Modem { serial, .. } => serial.port.clone(),
        LinePath::Tcp(host) | LinePath::TcpHdlc(host) | LinePath::TcpFlag(host) | LinePath::Udp(host) => {
            host.to_string()
        }
    }
}

impl MemoryFleet {
    /// Makes meters whose numbers begin with `first`, behind a host of this name (a port each; for
    /// [`Framing::Pty`] serial ports of that name). `options.listen` is not looked at.
    ///
    /// # Errors
    /// As [`Fleet::start_on`](super::Fleet::start_on), but for the sockets.
    pub fn new(
        options: &FleetOptions,
        world: &World,
        lines: &Lines,
        (host, first): (&str, u32),
    ) -> Result<Self, String> {
        let time = TrueTime::new(world.clock);
        let mut names = Vec::new();
        let population = populate(options, world, lines, (&time, first), &mut |place| {
            let (name, line) = match options.framing {
                Framing::Pty => {
                    let port = format!("{host}-{place}");
                    (port.clone(), format!("serial:{port}?baud=9600&format=8n1"))
                }
                framing => {
                    let name = format!("{host}:{}", FIRST_PORT + place);
                    let scheme = match framing {
                        Framing::Hdlc => "tcp+hdlc",
                        Framing::Udp => "udp",
                        Framing::Flag => "tcp+flag",
                        Framing::Modem => return Err("there is no modem in memory".to_owned()),
                        Framing::Wrapper | Framing::Pty => "tcp",
                    };
                    (name.clone(), format!("{scheme}://{name}"))
                }
            };
            names.push(name);
            Ok(line)
        })?;
        let Population { meters, inside, stations, .. } = population;
        let dead =
            stations.iter().flat_map(|station| station.meters.iter().map(|housed| housed.dead)).collect();
        let place = |station| Place {
            station,
            open: Arc::default(),
            connections: AtomicU64::new(0),
            bus: OnceLock::new(),
        };
        let places = names.into_iter().zip(stations.into_iter().map(place)).collect();
        Ok(Self { meters, inside, dead, time, places })
    }

    /// The meters, as this program would be told of them.
    #[must_use]
    pub fn meters(&self) -> &[SimulatedMeter] {
        &self.meters
    }

    /// The meter at a place of [`MemoryFleet::meters`] from the inside.
    #[must_use]
    pub fn meter(&self, place: usize) -> Option<&SharedMeter> {
        self.inside.get(place)
    }

    /// Whether the meter at a place never answers.
    #[must_use]
    pub fn is_dead(&self, place: usize) -> bool {
        self.dead.get(place).copied().unwrap_or(false)
    }

    /// The true time of the simulation in milliseconds of Unix time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    /// Whether a line leads here.
    #[must_use]
    pub fn is_at(&self, path: &LinePath) -> bool {
        self.places.contains_key(&name(path))
    }
}

impl Place {
    /// The next client of a bus.
    fn take_turn(&self, near: DuplexStream, time: &TrueTime) -> Result<(), TransportError> {
        let turns = self.bus.get_or_init(|| {
            let (turns, mut next) = mpsc::channel(1);
            let mut bus = Bus::new(self.station.ports(1));
            let time = time.clone();
            tokio::task::spawn_local(async move {
                while let Some(way) = next.recv().await {
                    memory::stream(&mut bus, way, &time).await;
                }
            });
            turns
        });
        let is_taken = || TransportError::Open("the port is in use by another program".to_owned());
        turns.try_send(near).map_err(|_| is_taken())
    }

    /// A connection of its own; where there are as many as may be, it is closed at once.
    fn connect(&self, time: &TrueTime) -> Near {
        let is_full = Arc::strong_count(&self.open) > self.station.most_connections();
        let held = Arc::clone(&self.open);
        let bus = Bus::new(self.station.ports(1 + self.connections.fetch_add(1, Ordering::Relaxed)));
        let time = time.clone();
        if self.station.framing == Framing::Udp {
            let (near, far) = packets();
            tokio::task::spawn_local(async move {
                memory::packets(bus, far, &time).await;
                drop(held);
            });
            return Near::Packets(near);
        }
        let (near, far) = duplex(IN_FLIGHT);
        if !is_full {
            let mut bus = bus;
            tokio::task::spawn_local(async move {
                memory::stream(&mut bus, far, &time).await;
                drop(held);
            });
        }
        Near::Stream(near)
    }
}

impl Dialer for MemoryFleet {
    fn dial(&self, path: &LinePath) -> Result<Near, TransportError> {
        let name = name(path);
        let place = self.places.get(&name);
        let place = place.ok_or_else(|| TransportError::Open(format!("nothing is at {name}")))?;
        if place.station.framing == Framing::Pty {
            let (near, far) = duplex(IN_FLIGHT);
            place.take_turn(far, &self.time)?;
            return Ok(Near::Stream(near));
        }
        Ok(place.connect(&self.time))
    }
}
