//! Virtual meters behind ways in memory, with the emulator in between: for paused and for flying time.

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
pub async fn serve_packets(meter: SharedMeter, way: Packets, faults: Faults, seed: u64, at: Timestamp) {
    let time = TrueTime::new(SimulationClock::Fixed(at));
    let line = LineEmulator::new(faults, Carrier::Datagrams, seed);
    packets(Bus::new(vec![Port::datagrams(Household::Meter(meter), line)]), way, &time).await;
}

/// Serves one client over a stream that carries the wrapper until it is gone.
pub async fn serve_stream(meter: SharedMeter, way: DuplexStream, faults: Faults, seed: u64, at: Timestamp) {
    let time = TrueTime::new(SimulationClock::Fixed(at));
    let line = LineEmulator::new(faults, Carrier::Stream, seed);
    stream(&mut Bus::new(vec![Port::wrapper(Household::Meter(meter), line)]), way, &time).await;
}

/// Serves a line over datagrams until the client is gone.
pub(in super::super) async fn packets(mut bus: Bus, mut way: Packets, time: &TrueTime) {
    loop {
        let heard = match bus.deadline() {
            Some(deadline) => timeout_at(deadline, way.receive()).await.ok(),
            None => Some(way.receive().await),
        };
        match heard {
            Some(None) => return,
            Some(Some(octets)) => bus.hear(&octets, time),
            None => bus.tick(time),
        }
        for one in bus.take() {
            if let Outgoing::Octets(octets) = one {
                way.send(&octets).await;
            }
        }
    }
}

/// Serves a line over a stream until the client is gone or the line cuts it.
pub(in super::super) async fn stream(bus: &mut Bus, mut way: DuplexStream, time: &TrueTime) {
    let mut buffer = [0; 4096];
    loop {
        let reading = way.read(&mut buffer);
        let heard = match bus.deadline() {
            Some(deadline) => timeout_at(deadline, reading).await.ok(),
            None => Some(reading.await),
        };
        match heard {
            Some(Ok(0) | Err(_)) => return,
            Some(Ok(count)) => bus.hear(buffer.get(..count).unwrap_or_default(), time),
            None => bus.tick(time),
        }
        for one in bus.take() {
            let Outgoing::Octets(octets) = one else { return };
            if way.write_all(&octets).await.is_err() {
                return;
            }
        }
    }
}
