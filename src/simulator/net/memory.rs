//! A virtual meter behind a way in memory, with the emulator in between: for tests in paused time.

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout_at;

use super::super::emulator::{Carrier, LineEmulator};
use super::super::faults::Faults;
use super::super::port::{Household, Outgoing, Port};
use super::super::server::SharedMeter;
use super::super::world::{SimulationClock, TrueTime};
use super::Bus;
use crate::transport::Packets;

/// Serves one client over datagrams until it is gone. The meter's time stands at `at`.
pub async fn serve_packets(meter: SharedMeter, mut way: Packets, faults: Faults, seed: u64, at: Timestamp) {
    let time = TrueTime::new(SimulationClock::Fixed(at));
    let line = LineEmulator::new(faults, Carrier::Datagrams, seed);
    let mut bus = Bus::new(vec![Port::datagrams(Household::Meter(meter), line)]);
    loop {
        let heard = match bus.deadline() {
            Some(deadline) => timeout_at(deadline, way.receive()).await.ok(),
            None => Some(way.receive().await),
        };
        match heard {
            Some(None) => return,
            Some(Some(octets)) => bus.hear(&octets, &time),
            None => bus.tick(&time),
        }
        for one in bus.take() {
            if let Outgoing::Octets(octets) = one {
                way.send(&octets).await;
            }
        }
    }
}

/// Serves one client over a stream that carries the wrapper until it is gone.
pub async fn serve_stream(
    meter: SharedMeter,
    mut way: DuplexStream,
    faults: Faults,
    seed: u64,
    at: Timestamp,
) {
    let time = TrueTime::new(SimulationClock::Fixed(at));
    let line = LineEmulator::new(faults, Carrier::Stream, seed);
    let mut bus = Bus::new(vec![Port::wrapper(Household::Meter(meter), line)]);
    let mut buffer = [0; 4096];
    loop {
        let reading = way.read(&mut buffer);
        let heard = match bus.deadline() {
            Some(deadline) => timeout_at(deadline, reading).await.ok(),
            None => Some(reading.await),
        };
        match heard {
            Some(Ok(0) | Err(_)) => return,
            Some(Ok(count)) => bus.hear(buffer.get(..count).unwrap_or_default(), &time),
            None => bus.tick(&time),
        }
        for one in bus.take() {
            let Outgoing::Octets(octets) = one else { return };
            if way.write_all(&octets).await.is_err() {
                return;
            }
        }
    }
}
