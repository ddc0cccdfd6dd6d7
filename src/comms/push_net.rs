//! Sockets on which pushes come in: the wrapper over TCP and UDP.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::model::Fault;
use crate::protocol::wrapper::{WrapperDecoder, WrapperFrame};

use super::push::Pushes;

/// Meters that are connected at a time; a further one is closed at once and comes again.
const MOST_CONNECTIONS: usize = 512;
/// A connection without a word for so long is closed.
const IDLE: Duration = Duration::from_secs(300);
/// An answer that is not taken for so long is given up.
const WRITE: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
const LONGEST: usize = 65_507;

/// Where to listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushPlaces {
    /// Over TCP.
    pub tcp: Vec<SocketAddr>,
    /// Over UDP.
    pub udp: Vec<SocketAddr>,
}

/// Opens every socket and serves it for as long as the runtime lives; gives the addresses that they have.
///
/// # Errors
/// One cannot be opened; then none is served.
pub(super) async fn listen(pushes: Rc<Pushes>, places: &PushPlaces) -> Result<PushPlaces, Fault> {
    let cannot = |address: &SocketAddr, error: std::io::Error| {
        Fault::user(format!("listening on {address}: {error}"), "choose another port, or end who holds it")
    };
    let mut bound = PushPlaces::default();
    let (mut listeners, mut sockets) = (Vec::new(), Vec::new());
    for address in &places.tcp {
        let listener = TcpListener::bind(address).await.map_err(|error| cannot(address, error))?;
        bound.tcp.push(listener.local_addr().map_err(|error| cannot(address, error))?);
        listeners.push(listener);
    }
    for address in &places.udp {
        let socket = UdpSocket::bind(address).await.map_err(|error| cannot(address, error))?;
        bound.udp.push(socket.local_addr().map_err(|error| cannot(address, error))?);
        sockets.push(socket);
    }
    for listener in listeners {
        tokio::task::spawn_local(accept(listener, Rc::clone(&pushes)));
    }
    for socket in sockets {
        tokio::task::spawn_local(datagrams(socket, Rc::clone(&pushes)));
    }
    Ok(bound)
}

async fn accept(listener: TcpListener, pushes: Rc<Pushes>) {
    let open = Rc::new(());
    loop {
        match listener.accept().await {
            Ok((stream, from)) if Rc::strong_count(&open) <= MOST_CONNECTIONS => {
                let (held, pushes) = (Rc::clone(&open), Rc::clone(&pushes));
                tokio::task::spawn_local(async move {
                    if let Err(error) = converse(stream, from, &pushes).await {
                        tracing::debug!("a push from {from} broke off: {error}");
                    }
                    drop(held);
                });
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("no push can be taken: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The answers to all whole messages that have come.
fn answers(decoder: &mut WrapperDecoder, from: SocketAddr, pushes: &Pushes) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    while let Some(frame) = decoder.next_frame() {
        if let Some(apdu) = pushes.take(from, &frame.apdu) {
            let answer = WrapperFrame { source: frame.destination, destination: frame.source, apdu };
            answers.extend(answer.encode());
        }
    }
    answers
}

async fn converse(mut stream: TcpStream, from: SocketAddr, pushes: &Pushes) -> std::io::Result<()> {
    let mut decoder = WrapperDecoder::new(0);
    let mut buffer = [0; 4096];
    loop {
        let count =
            timeout(IDLE, stream.read(&mut buffer)).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        if count == 0 {
            return Ok(());
        }
        decoder.push(buffer.get(..count).unwrap_or_default());
        for answer in answers(&mut decoder, from, pushes) {
            timeout(WRITE, stream.write_all(&answer)).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        }
    }
}

async fn datagrams(socket: UdpSocket, pushes: Rc<Pushes>) {
    let mut buffer = vec![0; LONGEST];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((count, from)) => {
                // Each datagram by itself: pieces of different meters must not be put together.
                let mut decoder = WrapperDecoder::new(0);
                decoder.push_datagram(buffer.get(..count).unwrap_or_default());
                for answer in answers(&mut decoder, from, &pushes) {
                    // One that is lost is asked for again: the meter sends its push once more.
                    let _lost = socket.send_to(&answer, from).await;
                }
            }
            Err(error) => {
                tracing::debug!("a datagram could not be taken: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
