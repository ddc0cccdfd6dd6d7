//! How long the hops take behind which several meters lie: what one meter's answers teach of a gateway or a mesh serves
//! those that were never asked.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::model::{Line, LinePath, Medium, RoundTrip};

/// The round trips of hops, by their sockets.
#[derive(Debug, Default)]
pub(super) struct Hops(RefCell<HashMap<String, RoundTrip>>);

/// The socket that a meter shares with others; nothing where it has its own.
fn socket(line: &Line) -> Option<String> {
    let is_shared = line.gateway.is_some() || line.medium != Medium::Direct;
    match &line.path {
        LinePath::Tcp(host) | LinePath::Udp(host) if is_shared => Some(host.to_string()),
        LinePath::TcpHdlc(host) | LinePath::TcpFlag(host) => Some(host.to_string()),
        _ => None,
    }
}

impl Hops {
    /// What is known of the hop before a meter.
    pub(super) fn known(&self, line: &Line) -> RoundTrip {
        let hops = self.0.borrow();
        socket(line).and_then(|socket| hops.get(&socket).copied()).unwrap_or_default()
    }

    /// A meter's answers came after this time.
    pub(super) fn learn(&self, line: &Line, trip: RoundTrip) {
        if let Some(socket) = socket(line).filter(|_| trip.answers > 0) {
            self.0.borrow_mut().entry(socket).or_default().measured(trip.smoothed_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_that_was_never_asked_begins_with_what_its_neighbours_behind_the_gateway_took() {
        let hops = Hops::default();
        let slow = RoundTrip { smoothed_us: 8_000_000, variation_us: 100, answers: 9 };
        hops.learn(&"tcp://10.0.0.1:4059#gateway=1/7".parse().unwrap(), slow);
        let neighbour = "tcp://10.0.0.1:4059#gateway=1/8".parse().unwrap();
        assert_eq!(hops.known(&neighbour).overdue_ms(), Some(24_000));
        let elsewhere = "tcp://10.0.0.2:4059#gateway=1/8".parse().unwrap();
        assert_eq!(hops.known(&elsewhere), RoundTrip::default());
        hops.learn(&"tcp://10.0.0.3:4059".parse().unwrap(), slow);
        assert_eq!(hops.known(&"tcp://10.0.0.3:4059".parse().unwrap()), RoundTrip::default());
    }
}
