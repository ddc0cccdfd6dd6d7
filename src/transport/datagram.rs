//! Datagrams: each is handed over whole, or not at all.

use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};

use super::TransportError;
use crate::model::HostPort;

/// The most that a datagram carries, over IPv4 and IPv6.
const LONGEST: usize = 65_507;
/// Datagrams in memory that wait for whoever reads them.
const WAITING: usize = 64;

/// A way for datagrams, for tests: one end of [`packets`].
#[derive(Debug)]
pub struct Packets {
    to: mpsc::Sender<Vec<u8>>,
    from: mpsc::Receiver<Vec<u8>>,
}

/// Both ends of a way for datagrams in memory.
#[must_use]
pub fn packets() -> (Packets, Packets) {
    let (to_far, at_far) = mpsc::channel(WAITING);
    let (to_near, at_near) = mpsc::channel(WAITING);
    (Packets { to: to_far, from: at_near }, Packets { to: to_near, from: at_far })
}

impl Packets {
    /// Sends one datagram; lost where nobody takes them.
    pub async fn send(&mut self, octets: &[u8]) {
        // As on any such line, nobody says that it was lost.
        let _lost = self.to.send(octets.to_vec()).await;
    }

    /// The next datagram; nothing when the other end is gone.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        self.from.recv().await
    }
}

/// A socket of our own towards one address: what others send there is not seen.
#[derive(Debug)]
pub(super) enum Datagrams {
    Socket(UdpSocket),
    Memory(Packets),
}

impl Datagrams {
    /// Binds a fresh port: late answers to an earlier connection go to the earlier port and are seen by nobody.
    pub(super) async fn open(host: &HostPort, wait: Duration) -> Result<Self, TransportError> {
        let finding = lookup_host((host.host.as_str(), host.port));
        let found = timeout(wait, finding).await.map_err(|_| TransportError::Timeout {
            place: host.to_string(),
            waited_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        })?;
        let cannot =
            |error: &std::io::Error| TransportError::Open(format!("no way to {host} over UDP: {error}"));
        let mut last = None;
        for address in found.map_err(|error| cannot(&error))? {
            let own = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
            let bound = async {
                let socket = UdpSocket::bind(own).await?;
                socket.connect(address).await?;
                Ok(socket)
            };
            match bound.await {
                Ok(socket) => return Ok(Self::Socket(socket)),
                Err(error) => last = Some(cannot(&error)),
            }
        }
        Err(last.unwrap_or_else(|| TransportError::Open(format!("the host {host} has no address"))))
    }

    /// Sends octets, in as many datagrams as they take.
    pub(super) async fn send(&mut self, octets: &[u8]) -> Result<(), TransportError> {
        for piece in octets.chunks(LONGEST) {
            match self {
                Self::Socket(socket) => match socket.send(piece).await {
                    Ok(_) => {}
                    // Nobody answers, then: the wait for the answer ends by itself, and the way may come back.
                    Err(error) if is_on_the_way(&error) => {}
                    Err(error) => return Err(failed(&error)),
                },
                Self::Memory(packets) => packets.send(piece).await,
            }
        }
        Ok(())
    }

    /// The next datagram. It may be given up at any time without losing any.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, TransportError> {
        let socket = match self {
            Self::Memory(packets) => return packets.receive().await.ok_or(TransportError::Closed),
            Self::Socket(socket) => socket,
        };
        loop {
            // No buffer is held while nothing comes: a thousand sessions wait at a time.
            socket.readable().await.map_err(|error| failed(&error))?;
            let mut octets = Vec::with_capacity(LONGEST);
            match socket.try_recv_buf(&mut octets) {
                Ok(0) => {}
                Ok(_) => {
                    octets.shrink_to_fit();
                    return Ok(octets);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) if is_on_the_way(&error) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}

/// A router has no way at the moment, as a mesh that looks for a new one says.
fn is_on_the_way(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)
}

fn failed(error: &std::io::Error) -> TransportError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            TransportError::Io("nothing listens on this UDP port: the host says so".to_owned())
        }
        _ => TransportError::Io(format!("UDP failed: {error}")),
    }
}
