//! Meters on a socket for datagrams: each sender is a connection of its own.

use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::super::fleet::Station;
use super::super::port::Outgoing;
use super::super::world::TrueTime;
use super::{ACCEPT_PAUSE, Bus, IDLE_LIMIT};

/// The most that a datagram carries.
const LONGEST: usize = 65_507;

struct Peer {
    address: SocketAddr,
    heard: Instant,
    line: Bus,
}

/// Serves a socket for ever.
pub(super) async fn serve(socket: &UdpSocket, station: &Rc<Station>, time: &TrueTime) {
    let mut peers: Vec<Peer> = Vec::new();
    let mut connection = 0;
    loop {
        let next = peers.iter().filter_map(|peer| peer.line.deadline()).min();
        let readable = socket.readable();
        let ready = match next {
            Some(deadline) => tokio::time::timeout_at(deadline, readable).await,
            None => Ok(readable.await),
        };
        match ready {
            Ok(Ok(())) => {
                let mut octets = Vec::with_capacity(LONGEST);
                // An error is a sender's port that is gone, or nothing after all.
                if let Ok((_, from)) = socket.try_recv_buf_from(&mut octets) {
                    let peer = peer(&mut peers, from, || {
                        connection += 1;
                        Bus::new(station.ports(connection))
                    });
                    peer.line.hear(&octets, time);
                }
            }
            Ok(Err(_)) => tokio::time::sleep(ACCEPT_PAUSE).await,
            Err(_) => peers.iter_mut().for_each(|peer| peer.line.tick(time)),
        }
        send(socket, &mut peers).await;
        peers.retain(|peer| peer.heard.elapsed() < IDLE_LIMIT);
        let most = station.most_connections();
        while peers.len() > most {
            let oldest = peers.iter().enumerate().min_by_key(|(_, peer)| peer.heard).map(|(place, _)| place);
            peers.swap_remove(oldest.unwrap_or(0));
        }
    }
}

fn peer(peers: &mut Vec<Peer>, from: SocketAddr, line: impl FnOnce() -> Bus) -> &mut Peer {
    let heard = Instant::now();
    let place = match peers.iter().position(|peer| peer.address == from) {
        Some(place) => place,
        None => {
            peers.push(Peer { address: from, heard, line: line() });
            peers.len() - 1
        }
    };
    let peer = &mut peers[place];
    peer.heard = heard;
    peer
}

async fn send(socket: &UdpSocket, peers: &mut Vec<Peer>) {
    let mut gone = Vec::new();
    for peer in peers.iter_mut() {
        for one in peer.line.take() {
            match one {
                // Who is gone misses nothing, and a message too long for a datagram goes in two.
                Outgoing::Octets(octets) => {
                    for piece in octets.chunks(LONGEST) {
                        let _lost = socket.send_to(piece, peer.address).await;
                    }
                }
                Outgoing::Close => gone.push(peer.address),
            }
        }
    }
    peers.retain(|peer| !gone.contains(&peer.address));
}
