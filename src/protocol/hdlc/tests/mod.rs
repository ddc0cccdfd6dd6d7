//! Client against server over a line that loses, damages and repeats, in virtual time.
//!
//! No independent peer exercises windows above one (`facts/dlms-quirks.md`, 11), so both stations prove it here.

mod exchange;
mod line;
mod setup;

use std::time::{Duration, Instant};

use super::*;
use crate::model::template::{HdlcTuning, Timing};
use crate::protocol::link::LinkError;

/// What becomes of a frame on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    Lost,
    Damaged,
    Twice,
}

/// A line in virtual time with a client at one end and a server at the other.
struct Bench {
    client: HdlcClient,
    server: HdlcServer,
    now: Instant,
    /// Next fates of frames, either way; they all arrive once it is empty.
    fates: Vec<Fate>,
    /// Frames as they went over the line: from the client or not, and the frame.
    log: Vec<(bool, Frame)>,
    /// Requests that the server's application has seen.
    requests: Vec<Vec<u8>>,
    events: Vec<ClientEvent>,
    /// How the application answers.
    answer: fn(&[u8]) -> Vec<u8>,
    echo: bool,
}

fn tuning(info: u16, window: u8) -> HdlcTuning {
    HdlcTuning { info, window, ..HdlcTuning::default() }
}

fn client_config(tuning: &HdlcTuning) -> ClientConfig {
    ClientConfig::new(16, &"1/17".parse().unwrap(), tuning, &Timing::default(), 65535).unwrap()
}

fn server_config() -> ServerConfig {
    ServerConfig::new("1/17".parse().unwrap())
}

impl Bench {
    fn new(client: ClientConfig, server: ServerConfig) -> Self {
        Self {
            client: HdlcClient::new(client),
            server: HdlcServer::new(server),
            now: Instant::now(),
            fates: Vec::new(),
            log: Vec::new(),
            requests: Vec::new(),
            events: Vec::new(),
            answer: |request| request.to_vec(),
            echo: false,
        }
    }

    fn plain(info: u16, window: u8) -> Self {
        Self::new(client_config(&tuning(info, window)), server_config())
    }

    fn with_habits(habits: ServerHabits) -> Self {
        Self::new(client_config(&HdlcTuning::default()), ServerConfig { habits, ..server_config() })
    }

    fn carry(&mut self, from_client: bool, octets: &[u8]) -> Vec<u8> {
        self.log.push((from_client, Frame::decode(&octets[1..octets.len() - 1]).unwrap()));
        self.now += Duration::from_millis(1);
        match if self.fates.is_empty() { Fate::Arrives } else { self.fates.remove(0) } {
            Fate::Arrives => octets.to_vec(),
            Fate::Lost => Vec::new(),
            Fate::Twice => [octets, octets].concat(),
            Fate::Damaged => {
                let mut damaged = octets.to_vec();
                damaged[octets.len() / 2] ^= 0x40;
                damaged
            }
        }
    }

    /// Lets the line run until nobody has anything to say before a deadline.
    fn settle(&mut self) {
        loop {
            let mut spoke = false;
            while let Some(octets) = self.client.poll_transmit() {
                let arrives = self.carry(true, &octets);
                if self.echo {
                    self.client.handle_bytes(&octets, self.now);
                }
                self.server.handle_bytes(&arrives, self.now);
                spoke = true;
            }
            if spoke {
                self.client.transmitted(self.now);
            }
            while let Some(event) = self.server.poll_event() {
                if let ServerEvent::Apdu(apdu) = event {
                    self.server.send(&(self.answer)(&apdu));
                    self.requests.push(apdu);
                }
            }
            while let Some(octets) = self.server.poll_transmit() {
                let arrives = self.carry(false, &octets);
                self.client.handle_bytes(&arrives, self.now);
                spoke = true;
            }
            self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
            if !spoke {
                return;
            }
        }
    }

    /// Lets time pass as well, until the client is at rest.
    fn run(&mut self) {
        for _ in 0..10_000 {
            self.settle();
            let Some(deadline) = self.client.deadline() else { return };
            self.now = self.now.max(deadline);
            self.client.handle_timeout(self.now);
            if self.server.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.server.handle_timeout(self.now);
            }
        }
        panic!("the client never came to rest: {:?}", self.client);
    }

    fn connect(&mut self) {
        self.client.connect(self.now);
        self.run();
        assert!(self.client.is_connected(), "{:?}", self.events);
        self.events.clear();
        self.log.clear();
    }

    /// One request and its answer, or why there is none.
    fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.client.send(request, self.now);
        self.run();
        for event in std::mem::take(&mut self.events) {
            match event {
                ClientEvent::Apdu(apdu) => return Ok(apdu),
                ClientEvent::Failed(error) | ClientEvent::NothingYet(error) => return Err(error),
                _ => {}
            }
        }
        panic!("neither an answer nor an error");
    }

    fn turns(&self) -> Vec<String> {
        let word = |(from_client, frame): &(bool, Frame)| {
            let arrow = if *from_client { '>' } else { '<' };
            let number = |control| match control {
                Control::I { send, receive, .. } => format!("{send}{receive}"),
                Control::Rr { receive, .. } | Control::Rej { receive, .. } => receive.to_string(),
                _ => String::new(),
            };
            let poll = if frame.control.poll() { "P" } else { "" };
            format!("{arrow}{}{}{poll}", frame.control.name(), number(frame.control))
        };
        self.log.iter().map(word).collect()
    }
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}
