//! The wrapper over TCP and UDP (IEC 62056-47).
//!
//! Over UDP an answer may be lost, doubled, late, or overtake another. What keeps them apart:
//! * Each client of each session has a socket of its own: what is late for an earlier session finds nobody.
//! * A message that came before, octet for octet, is dropped here. Refusals are not: two may be equal.
//! * Requests and answers bear invoke ids, which `protocol::dlms` matches.
//!
//! What is not answered in time is asked again by `protocol::dlms` in a new envelope, unless it writes: a meter that
//! got the first one takes its counter for a replay otherwise (`facts/dlms-quirks.md`, 41).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::cancel::Cancel;
use super::millis;
use super::wire::Wire;
use crate::model::template::Timing;
use crate::model::{ServerAddress, Template};
use crate::protocol::dlms::apdu::tag;
use crate::protocol::gateway::{self, Prefix};
use crate::protocol::link::{Link, LinkError};
use crate::protocol::wrapper::{WrapperDecoder, WrapperFrame};
use crate::transport::{Counters, Pipe};

/// A link over the wrapper. One connection serves all clients: only the source SAP changes.
#[derive(Debug)]
pub struct WrapperLink {
    wire: Wire,
    server: u16,
    timing: Timing,
    gateway: Option<Prefix>,
    decoder: WrapperDecoder,
    client: Option<u16>,
    oddities: u32,
    /// How often an unanswered request may be sent again; `None` over a connection.
    resends: Option<u32>,
    /// The last messages, where they may come twice.
    seen: VecDeque<Vec<u8>>,
}

/// Keeps a careless caller's wait within what a clock can hold.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// Time for a whole message once it has begun: whoever takes longer will never end.
const LONGEST_MESSAGE: Duration = Duration::from_secs(600);
/// Long enough for the runtime to ask the system about a connection.
const GLANCE: Duration = Duration::from_millis(20);
/// Messages among which a double is looked for: fewer than there are invoke ids.
const MOST_SEEN: usize = 8;
/// Remarks about odd headers are not repeated endlessly.
const MOST_REMARKS: u32 = 3;

impl WrapperLink {
    /// A link over a pipe; of the server's address the logical part travels.
    #[must_use]
    pub fn new(
        pipe: Pipe,
        address: ServerAddress,
        template: &Template,
        gateway: Option<Prefix>,
        cancel: Cancel,
    ) -> Self {
        Self {
            wire: Wire::new(pipe, cancel),
            server: address.logical,
            timing: template.timing.clone(),
            gateway,
            decoder: WrapperDecoder::new(template.association.max_pdu),
            client: None,
            oddities: 0,
            resends: None,
            seen: VecDeque::new(),
        }
    }

    /// The same link over a pipe of datagrams, on which an unanswered request may be sent again so often.
    #[must_use]
    pub fn over_datagrams(mut self, resends: u32) -> Self {
        self.resends = Some(resends);
        self
    }

    fn take_in(&mut self, octets: &[u8]) {
        match self.resends {
            Some(_) => self.decoder.push_datagram(octets),
            None => self.decoder.push(octets),
        }
    }

    /// Whether this message came before.
    fn is_double(&mut self, apdu: &[u8]) -> bool {
        let may_be_equal = [tag::AARE, tag::RLRE, tag::EXCEPTION_RESPONSE, tag::CONFIRMED_SERVICE_ERROR];
        if self.resends.is_none() || apdu.first().is_some_and(|first| may_be_equal.contains(first)) {
            return false;
        }
        if self.seen.iter().any(|seen| seen == apdu) {
            return true;
        }
        if self.seen.len() == MOST_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(apdu.to_vec());
        false
    }

    /// What has passed the line.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.wire.counters()
    }

    /// Puts a remark into the trace.
    pub fn note(&mut self, text: &str) {
        self.wire.note(text);
    }

    fn remark(&mut self, text: &str) {
        self.oddities += 1;
        if self.oddities <= MOST_REMARKS {
            self.wire.note(text);
        }
    }

    /// Looks whether the meter closed the connection after its last answer, as some do when a client leaves.
    async fn still_there(&mut self) -> Result<(), LinkError> {
        match self.wire.read(Instant::now() + GLANCE).await {
            Ok(octets) => {
                self.take_in(&octets.unwrap_or_default());
                Ok(())
            }
            Err(LinkError::Cancelled) => Err(LinkError::Cancelled),
            Err(_) => {
                let pause = millis(self.timing.reconnect_pause_ms);
                self.wire.pause(Instant::now() + pause).await
            }
        }
    }

    fn next_apdu(&mut self) -> Option<Vec<u8>> {
        let frame = self.decoder.next_frame();
        let skipped = self.decoder.take_skipped();
        if skipped > 0 {
            self.remark(&format!("{skipped} octets belong to no wrapper header"));
        }
        let frame = frame?;
        // Gateways swap or rewrite the SAPs; which association it belongs to is known without them.
        if Some(frame.destination) != self.client || frame.source != self.server {
            self.remark(&format!("the wrapper header says from {} to {}", frame.source, frame.destination));
        }
        let (prefix, apdu) = gateway::unwrap(&frame.apdu);
        let apdu = apdu.to_vec();
        if let (Some(prefix), Some(own)) = (&prefix, &self.gateway)
            && !own.is_answered_by(prefix)
        {
            self.remark("the gateway names another meter in its answer");
        }
        Some(apdu)
    }
}

impl Link for WrapperLink {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        if self.client.is_some_and(|before| before != client) && self.wire.is_open() {
            match self.resends {
                Some(_) => self.wire.close().await,
                None => self.still_there().await?,
            }
        }
        if !self.wire.is_open() {
            self.wire.open(millis(self.timing.connect_ms)).await?;
            self.decoder.clear();
            self.seen.clear();
        }
        self.client = Some(client);
        Ok(())
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        let source = self.client.ok_or(LinkError::Closed)?;
        let apdu = self.gateway.as_ref().map_or_else(|| apdu.to_vec(), |gateway| gateway.wrap(apdu));
        let frame = WrapperFrame { source, destination: self.server, apdu };
        let octets = frame.encode().map_err(|error| LinkError::Io(error.to_string()))?;
        self.wire.write(&octets).await
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        let mut limit = Instant::now() + wait.min(LONGEST_WAIT);
        let end = limit + LONGEST_MESSAGE;
        let mut heard = None;
        loop {
            if let Some(apdu) = self.next_apdu() {
                if self.is_double(&apdu) {
                    self.remark("a message came twice and was dropped");
                    continue;
                }
                return Ok(apdu);
            }
            let may_go_on = self.resends.is_none() && self.decoder.is_mid_message();
            if let Some(heard) = heard.take().filter(|_| may_go_on) {
                limit = end.min(heard + millis(self.timing.inter_frame_ms));
            }
            let octets = if Instant::now() < limit { self.wire.read(limit).await? } else { None };
            if let Some(octets) = octets {
                self.take_in(&octets);
                heard = Some(Instant::now());
                continue;
            }
            // Half a message in a datagram is a lost one.
            let begun = self.resends.is_none() && self.decoder.is_mid_message();
            self.decoder.clear();
            if begun {
                return Err(LinkError::Garbled("the meter stopped in the middle of a message".to_owned()));
            }
            let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return Err(LinkError::Timeout { what: "a request", waited_ms });
        }
    }

    fn resends(&self) -> u32 {
        self.resends.unwrap_or(0)
    }

    async fn disconnect(&mut self) {
        self.client = None;
        self.wire.close().await;
    }
}
