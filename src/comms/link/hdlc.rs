//! HDLC on a serial line, behind an optical probe, or through a terminal server (IEC 62056-46).

use std::time::Duration;

use tokio::time::Instant;

use super::cancel::Cancel;
use super::wire::Wire;
use super::{millis, optical};
use crate::model::template::{HdlcParameters, HdlcTuning, Timing};
use crate::model::{SerialFormat, SerialLine, ServerAddress, Template};
use crate::protocol::gateway::{self, Prefix};
use crate::protocol::hdlc::{ClientConfig, ClientEvent, Control, Frame, HdlcClient, Parameters};
use crate::protocol::link::{Link, LinkError, LinkTerms};
use crate::transport::{Counters, Pipe};

/// Times a DISC is said before another client's SNRM.
const GOODBYES: u32 = 2;

/// A link over HDLC.
#[derive(Debug)]
pub struct HdlcLink {
    wire: Wire,
    server: ServerAddress,
    tuning: HdlcTuning,
    timing: Timing,
    max_pdu: u16,
    gateway: Option<Prefix>,
    optical: Option<SerialLine>,
    /// Speed of the last sign-on.
    speed: Option<u32>,
    session: Option<Session>,
    /// The last session broke off: the meter may think that it is still on.
    broken: bool,
}

#[derive(Debug)]
struct Session {
    client: u16,
    config: ClientConfig,
    station: HdlcClient,
    agreed: Parameters,
}

impl HdlcLink {
    /// A link over a pipe. `optical` is the line of an optical probe, where one is in between.
    #[must_use]
    pub fn new(
        pipe: Pipe,
        address: ServerAddress,
        template: &Template,
        gateway: Option<Prefix>,
        optical: Option<SerialLine>,
        cancel: Cancel,
    ) -> Self {
        Self {
            wire: Wire::new(pipe, cancel),
            server: address,
            tuning: template.hdlc.clone(),
            timing: template.timing.clone(),
            max_pdu: template.association.max_pdu,
            gateway,
            optical,
            speed: None,
            session: None,
            broken: false,
        }
    }

    /// Waits at least so long for each answer from the next connection on.
    pub fn be_patient(&mut self, wait: Duration) {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        self.timing.response_ms = self.timing.response_ms.max(wait_ms);
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

    /// What was agreed on with the meter, while it is connected.
    #[must_use]
    pub fn agreed(&self) -> Option<Parameters> {
        self.session.as_ref().map(|session| session.agreed)
    }

    fn station(&mut self) -> Result<&mut HdlcClient, LinkError> {
        self.session.as_mut().map(|session| &mut session.station).ok_or(LinkError::Closed)
    }

    /// Lets the station speak and listen until something happens; nothing when it is at rest.
    async fn step(&mut self) -> Result<Option<ClientEvent>, LinkError> {
        loop {
            self.flush().await?;
            match self.station()?.poll_event() {
                Some(ClientEvent::Remark(text)) => self.wire.note(&text),
                Some(ClientEvent::Failed(error)) => return Err(error),
                Some(event) => return Ok(Some(event)),
                None if self.listen_once().await? => {}
                None => return Ok(None),
            }
        }
    }

    /// Waits until octets come or the station's deadline passes; false when it waits for nothing.
    async fn listen_once(&mut self) -> Result<bool, LinkError> {
        let Some(deadline) = self.station()?.deadline() else { return Ok(false) };
        let octets = self.wire.read(Instant::from_std(deadline)).await?;
        let now = Instant::now().into_std();
        let station = self.station()?;
        if let Some(octets) = octets {
            station.handle_bytes(&octets, now);
        }
        // Also when octets came: a line that never falls silent must not keep a deadline from passing.
        station.handle_timeout(now);
        Ok(true)
    }

    async fn flush(&mut self) -> Result<(), LinkError> {
        let mut octets = Vec::new();
        let station = self.station()?;
        while let Some(frame) = station.poll_transmit() {
            octets.extend(frame);
        }
        if !octets.is_empty() {
            self.wire.quiet_for(millis(self.tuning.turnaround_ms)).await?;
            self.wire.write(&octets).await?;
            self.station()?.transmitted(Instant::now().into_std());
        }
        Ok(())
    }

    /// As [`HdlcLink::step`]; a failure ends the session.
    async fn next_event(&mut self) -> Result<Option<ClientEvent>, LinkError> {
        let outcome = self.step().await;
        outcome.inspect_err(|failure| self.break_off(failure))
    }

    fn break_off(&mut self, failure: &LinkError) {
        let tired = matches!(failure, LinkError::Timeout { .. } | LinkError::Garbled(_));
        let large = self.agreed().is_some_and(|agreed| agreed != Parameters::default());
        if tired && large && self.tuning.parameters == HdlcParameters::Propose {
            // The meter takes large frames, but something between here and there may not.
            self.tuning.parameters = HdlcParameters::Omit;
            self.wire.note("the next session asks for short frames");
        }
        self.broken = true;
    }

    /// Sends all that the windows let out; the last frame's acknowledgement comes with the answer.
    async fn push_out(&mut self) -> Result<(), LinkError> {
        loop {
            self.flush().await?;
            if !self.station()?.is_sending() || !self.listen_once().await? {
                return Ok(());
            }
        }
    }

    async fn set_up(&mut self, client: u16) -> Result<(), LinkError> {
        let mut config = ClientConfig::new(client, &self.server, &self.tuning, &self.timing, self.max_pdu)?;
        config.disconnect_first |= self.broken;
        let mut station = HdlcClient::new(config.clone());
        station.connect(Instant::now().into_std());
        self.session = Some(Session { client, config, station, agreed: Parameters::default() });
        loop {
            match self.next_event().await? {
                Some(ClientEvent::Connected(agreed)) => {
                    self.broken = false;
                    if let Some(session) = &mut self.session {
                        session.agreed = agreed;
                    }
                    return Ok(());
                }
                Some(_) => {}
                None => return Err(LinkError::Closed),
            }
        }
    }

    /// Opens the line, with the sign-on of an optical probe.
    async fn open(&mut self) -> Result<(), LinkError> {
        let fresh = !self.wire.is_open();
        self.wire.open(millis(self.timing.connect_ms)).await?;
        let Some(line) = &self.optical else { return Ok(()) };
        match optical::sign_on(&mut self.wire, line, self.timing.frame_retries).await {
            Ok(speed) => {
                self.speed = Some(speed);
                Ok(())
            }
            // After DISC some meters stay in HDLC until they get bored.
            Err(LinkError::Timeout { .. }) if !fresh && self.speed.is_some() => {
                let speed = self.speed.unwrap_or(line.baud);
                self.wire.note("no answer to the sign-on; the meter may still be in HDLC");
                self.wire.set_format(speed, SerialFormat::Eight).await
            }
            Err(error) => Err(error),
        }
    }

    async fn leave(&mut self, wait: Duration, times: u32) -> Result<(), LinkError> {
        self.station()?.disconnect(wait, times, Instant::now().into_std());
        while !matches!(self.next_event().await?, Some(ClientEvent::Disconnected) | None) {}
        self.session = None;
        Ok(())
    }

    fn without_prefix(&mut self, apdu: Vec<u8>) -> Vec<u8> {
        let (prefix, rest) = gateway::unwrap(&apdu);
        let Some(prefix) = prefix else { return apdu };
        if self.gateway.as_ref().is_some_and(|own| !own.is_answered_by(&prefix)) {
            self.wire.note("the gateway names another meter in its answer");
        }
        rest.to_vec()
    }

    async fn try_connect(&mut self, client: u16) -> Result<(), LinkError> {
        let connected = self.session.as_ref().is_some_and(|session| session.station.is_connected());
        if connected && self.wire.is_open() {
            match self.leave(millis(self.timing.response_ms), GOODBYES).await {
                // A meter that closed the connection has said goodbye in its own way.
                Ok(()) | Err(LinkError::Closed) => {}
                Err(error) => return Err(error),
            }
            let pause = millis(self.timing.reconnect_pause_ms);
            self.wire.pause(Instant::now() + pause).await?;
        }
        self.session = None;
        self.open().await?;
        self.set_up(client).await
    }
}

impl Link for HdlcLink {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        let same = |session: &Session| session.client == client && session.station.is_connected();
        if self.wire.is_open() && self.session.as_ref().is_some_and(same) {
            return Ok(());
        }
        self.try_connect(client).await
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        let apdu = self.gateway.as_ref().map_or_else(|| apdu.to_vec(), |gateway| gateway.wrap(apdu));
        let station = self.station()?;
        if !station.is_connected() {
            return Err(LinkError::Closed);
        }
        station.send(&apdu, Instant::now().into_std());
        let outcome = self.push_out().await;
        outcome.inspect_err(|failure| self.break_off(failure))
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        let mut listening = false;
        loop {
            let station = self.station()?;
            if !listening && !station.has_event() {
                if !station.is_connected() {
                    return Err(LinkError::Closed);
                }
                station.listen(wait, Instant::now().into_std());
                listening = true;
            }
            match self.next_event().await? {
                Some(ClientEvent::Apdu(apdu) | ClientEvent::Unsolicited(apdu)) => {
                    return Ok(self.without_prefix(apdu));
                }
                Some(ClientEvent::NothingYet(error)) => return Err(error),
                Some(_) => {}
                None => listening = false,
            }
        }
    }

    fn terms(&self) -> Option<LinkTerms> {
        let agreed = self.session.as_ref().filter(|session| session.station.is_connected())?.agreed;
        Some(LinkTerms {
            info: agreed.info_transmit.min(agreed.info_receive),
            window: agreed.window_transmit.min(agreed.window_receive),
        })
    }

    async fn disconnect(&mut self) {
        let connected = self.session.as_ref().is_some_and(|session| session.station.is_connected());
        if self.wire.is_cancelled() || self.broken {
            if let Some(session) = &self.session {
                let disc = Frame {
                    segmented: false,
                    destination: session.config.server,
                    source: session.config.client,
                    control: Control::Disc { poll: true },
                    info: Vec::new(),
                };
                self.wire.last_word(&disc.encode()).await;
            }
        } else if connected {
            // The meter forgets a dead session by itself, so nobody needs to know how the goodbye went.
            let _ = self.leave(millis(self.timing.release_ms), 1).await;
        }
        self.session = None;
        self.wire.close().await;
    }
}
