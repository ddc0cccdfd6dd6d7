//! One connection to a virtual meter, sans-IO: octets in, octets out, with the line's faults on the way.

use std::rc::Rc;
use std::time::Instant;

use crate::model::{AddressBytes, ServerAddress};
use crate::protocol::gateway::{self, Prefix};
use crate::protocol::hdlc::{
    Control, FLAG, Frame, FrameDecoder, HdlcServer, ServerConfig, ServerEvent, ServerHabits,
};
use crate::protocol::wrapper::{WrapperDecoder, WrapperFrame};

use super::emulator::{Due, LineEmulator};
use super::flag::FlagStation;
use super::modem::Modem;
use super::quirks::{Quirk, Quirks};
use super::server::{Reply, Server, SharedMeter, lock, notification};
use super::sign_on::{Heard, SignOn};

/// The management logical device, the only one.
const SERVER: u16 = 1;
/// Client SAPs that one connection may use.
const MOST_CLIENTS: usize = 8;

/// What goes on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// Octets.
    Octets(Vec<u8>),
    /// The end of the connection.
    Close,
}

/// What lies under the APDUs.
enum Layer {
    Wrapper(WrapperDecoder),
    Hdlc(Box<HdlcServer>),
    Flag(Box<FlagStation>),
    Modem(Box<Modem>),
}

/// Who is asked through a connection.
#[derive(Clone)]
pub(crate) enum Household {
    /// One meter, whatever prefix stands in front.
    Meter(SharedMeter),
    /// The meters behind a concentrator, each by its physical device address.
    Behind(Rc<[(Vec<u8>, SharedMeter, bool)]>),
}

/// The last datagram and what it was answered with.
#[derive(Default)]
struct LastAnswer {
    asked: Vec<u8>,
    answers: Vec<Vec<u8>>,
}

/// One connection.
pub(crate) struct Port {
    house: Household,
    quirks: Quirks,
    layer: Layer,
    line: LineEmulator,
    sign_on: SignOn,
    /// No other meter hangs on the line: one that does not name a meter is meant for this one.
    is_alone: bool,
    /// The number on the plate, for the sign-on.
    serial: String,
    servers: Vec<((u16, usize), Server)>,
    /// Octets of the request that is being answered.
    asked: usize,
    now: Instant,
    /// Over datagrams: what came last.
    last: Option<LastAnswer>,
    out: Vec<Due>,
}

impl Port {
    /// A connection that speaks the wrapper.
    #[must_use]
    pub(crate) fn wrapper(house: Household, line: LineEmulator) -> Self {
        Self::new(house, line, Layer::Wrapper(WrapperDecoder::new(0)))
    }

    /// The wrapper over datagrams: one that comes twice is answered as before, and nothing is done twice.
    #[must_use]
    pub(crate) fn datagrams(house: Household, line: LineEmulator) -> Self {
        Self { last: Some(LastAnswer::default()), ..Self::wrapper(house, line) }
    }

    /// A connection that speaks HDLC, as the station with this address.
    #[must_use]
    pub(crate) fn hdlc(meter: SharedMeter, address: ServerAddress, line: LineEmulator) -> Self {
        let quirks = lock(&meter).settings().faults.quirks;
        let is_alone = address.physical.is_none();
        let mut config = ServerConfig::new(address);
        config.habits = ServerHabits {
            ignores_parameters: quirks.has(Quirk::SnrmIgnoresParameters),
            refuses_parameters: quirks.has(Quirk::SnrmRefusesParameters),
            demands_parameters: quirks.has(Quirk::SnrmNeedsParameters),
            bare_ua: quirks.has(Quirk::BareUa),
            wants_disconnect_first: quirks.has(Quirk::StaysConnected),
            swaps_addresses_in_ua: quirks.has(Quirk::SwappedUa),
            own_address_bytes: if quirks.has(Quirk::FourByteAnswers) {
                Some(AddressBytes::Four)
            } else if quirks.has(Quirk::TwoByteAnswers) {
                Some(AddressBytes::Two)
            } else {
                None
            },
            omits_llc: quirks.has(Quirk::NoLlc),
        };
        let station = Layer::Hdlc(Box::new(HdlcServer::new(config)));
        Self { is_alone, ..Self::new(Household::Meter(meter), line, station) }
    }

    /// A connection to an Elster meter.
    #[must_use]
    pub(crate) fn flag(station: FlagStation, line: LineEmulator) -> Self {
        Self::new(Household::Behind(Rc::default()), line, Layer::Flag(Box::new(station)))
    }

    /// A modem's port.
    #[must_use]
    pub(crate) fn modem(modem: Modem, line: LineEmulator) -> Self {
        Self::new(Household::Behind(Rc::default()), line, Layer::Modem(Box::new(modem)))
    }

    fn new(house: Household, line: LineEmulator, layer: Layer) -> Self {
        let first = match &house {
            Household::Meter(meter) => Some(meter),
            Household::Behind(meters) => meters.first().map(|(_, meter, _)| meter),
        };
        let (quirks, serial) = first.map_or_else(Default::default, |meter| {
            let meter = lock(meter);
            (meter.settings().faults.quirks, meter.settings().serial())
        });
        Self {
            house,
            quirks,
            layer,
            line,
            sign_on: SignOn::default(),
            is_alone: true,
            serial,
            servers: Vec::new(),
            asked: 0,
            now: Instant::now(),
            last: None,
            out: Vec::new(),
        }
    }

    /// When to call [`Port::handle_timeout`] if nothing comes before.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.layer {
            Layer::Wrapper(_) | Layer::Flag(_) => None,
            Layer::Hdlc(station) => station.deadline(),
            Layer::Modem(modem) => modem.deadline(),
        }
    }

    /// Tells that the deadline has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant, true_ms: i64) {
        (self.now, self.asked) = (now, 0);
        if let Layer::Modem(modem) = &mut self.layer {
            modem.handle_timeout(now, true_ms);
            self.out.extend(modem.take());
        }
        if let Layer::Hdlc(station) = &mut self.layer {
            station.handle_timeout(now);
        }
        self.work(true_ms);
    }

    /// Takes octets from the line.
    pub(crate) fn handle_octets(&mut self, octets: &[u8], now: Instant, true_ms: i64) {
        (self.now, self.asked) = (now, octets.len());
        if self.quirks.has(Quirk::Echo) {
            self.emit_plain(Outgoing::Octets(octets.to_vec()));
        }
        if let Some(last) = &mut self.last {
            if self.line.loses() {
                return;
            }
            if last.asked == octets {
                for answer in last.answers.clone() {
                    self.send(answer);
                }
                return;
            }
            *last = LastAnswer { asked: octets.to_vec(), answers: Vec::new() };
        }
        match &mut self.layer {
            Layer::Modem(modem) => {
                modem.handle_octets(octets, now, true_ms);
                self.out.extend(modem.take());
                return;
            }
            Layer::Flag(station) => {
                if self.line.loses() {
                    return;
                }
                for answer in station.take(octets, now, true_ms) {
                    self.emit(answer);
                }
                return;
            }
            Layer::Wrapper(decoder) if self.last.is_some() => decoder.push_datagram(octets),
            Layer::Wrapper(decoder) => decoder.push(octets),
            Layer::Hdlc(station) => {
                if self.line.loses() {
                    return;
                }
                let is_idle = self.is_alone && station.client().is_none() && station.deadline().is_none();
                match self.sign_on.take(octets, is_idle, &self.serial) {
                    Heard::Other(octets) => station.handle_bytes(&octets, now),
                    Heard::Silence => return,
                    Heard::Answer(answer) => return self.emit(answer),
                }
            }
        }
        self.work(true_ms);
    }

    /// What goes on the line, and when.
    pub(crate) fn take(&mut self) -> Vec<Due> {
        std::mem::take(&mut self.out)
    }

    fn work(&mut self, true_ms: i64) {
        match self.layer {
            Layer::Wrapper(_) => self.work_wrapper(true_ms),
            Layer::Hdlc(_) => self.work_hdlc(true_ms),
            // They answer at once.
            Layer::Flag(_) | Layer::Modem(_) => {}
        }
    }

    /// The meter that a request is for, with its place; nobody answers for one that is not there.
    fn meter_for(&self, prefix: Option<&Prefix>) -> Option<(usize, SharedMeter)> {
        match &self.house {
            Household::Meter(meter) => Some((0, meter.clone())),
            Household::Behind(meters) => {
                let address = &prefix?.address;
                let place = meters.iter().position(|(known, _, dead)| known == address && !dead)?;
                meters.get(place).map(|(_, meter, _)| (place, meter.clone()))
            }
        }
    }

    fn answer(&mut self, client: u16, apdu: &[u8], true_ms: i64) -> Reply {
        let (prefix, apdu) = gateway::unwrap(apdu);
        let Some((number, meter)) = self.meter_for(prefix.as_ref()) else { return Reply::default() };
        let key = (client, number);
        let place = match self.servers.iter().position(|(known, _)| *known == key) {
            Some(place) => place,
            None => {
                if self.servers.len() >= MOST_CLIENTS {
                    self.servers.remove(0);
                }
                self.servers.push((key, Server::new(meter, client, SERVER)));
                self.servers.len() - 1
            }
        };
        let Some((_, server)) = self.servers.get_mut(place) else { return Reply::default() };
        let mut reply = server.handle(apdu, true_ms);
        if let Some(prefix) = prefix {
            let answer = prefix.answer();
            reply.apdus.iter_mut().for_each(|apdu| *apdu = answer.wrap(apdu));
        }
        reply
    }

    fn work_wrapper(&mut self, true_ms: i64) {
        loop {
            let Layer::Wrapper(decoder) = &mut self.layer else { return };
            let Some(frame) = decoder.next_frame() else { return };
            if frame.destination != SERVER {
                continue;
            }
            let reply = self.answer(frame.source, &frame.apdu, true_ms);
            let (source, destination) = if self.quirks.has(Quirk::WrapperSwapped) {
                (frame.source, frame.destination)
            } else {
                (frame.destination, frame.source)
            };
            for apdu in reply.apdus {
                // An answer beyond the wrapper's 16 bits was cut into blocks long before.
                if let Ok(octets) = (WrapperFrame { source, destination, apdu }).encode() {
                    self.emit(octets);
                }
            }
            if reply.close {
                self.emit_plain(Outgoing::Close);
            }
        }
    }

    fn work_hdlc(&mut self, true_ms: i64) {
        loop {
            let Layer::Hdlc(station) = &mut self.layer else { return };
            let Some(event) = station.poll_event() else { break };
            match event {
                ServerEvent::Connected { .. } | ServerEvent::Disconnected => {
                    self.servers.iter_mut().for_each(|(_, server)| server.closed());
                }
                ServerEvent::Apdu(apdu) => {
                    if let Some(client) = station.client() {
                        self.answer_hdlc(client, &apdu, true_ms);
                    }
                }
            }
        }
        self.transmit_hdlc();
    }

    fn transmit_hdlc(&mut self) {
        loop {
            let Layer::Hdlc(station) = &mut self.layer else { return };
            let Some(frame) = station.poll_transmit() else { return };
            let frame = if self.quirks.has(Quirk::WideUa) { with_wide_ua(frame) } else { frame };
            if self.quirks.has(Quirk::LineNoise) {
                // A short frame of a meter bus, and a few octets of nothing.
                let noise = vec![0x10, 0x40, 0x01, 0x41, 0x16, 0xFF, 0x00, 0xA0];
                self.emit_plain(Outgoing::Octets(noise));
            }
            self.emit(frame);
        }
    }

    fn answer_hdlc(&mut self, client: u16, apdu: &[u8], true_ms: i64) {
        let reply = self.answer(client, apdu, true_ms);
        let push = self.quirks.has(Quirk::UiPush);
        let Layer::Hdlc(station) = &mut self.layer else { return };
        if push {
            station.notify(client, &notification(true_ms));
        }
        if reply.apdus.is_empty() {
            station.no_answer();
        }
        for apdu in &reply.apdus {
            station.send(apdu);
        }
        if reply.close {
            // What was answered goes ahead of the end.
            self.transmit_hdlc();
            self.emit_plain(Outgoing::Close);
        }
    }

    /// Something that no fault befalls.
    fn emit_plain(&mut self, what: Outgoing) {
        let due = self.line.plain(what, self.now);
        self.out.push(due);
    }

    fn emit(&mut self, octets: Vec<u8>) {
        if let Some(last) = &mut self.last {
            last.answers.push(octets.clone());
        }
        self.send(octets);
    }

    fn send(&mut self, octets: Vec<u8>) {
        let asked = std::mem::take(&mut self.asked);
        self.out.extend(self.line.answer(octets, asked, self.now));
    }
}

/// A UA whose parameters are all written, each length in two octets and each window in four.
fn with_wide_ua(octets: Vec<u8>) -> Vec<u8> {
    let mut decoder = FrameDecoder::default();
    decoder.push(&octets);
    let Some(frame) = decoder.next_frame() else { return octets };
    let parameters = crate::protocol::hdlc::Parameters::decode(&frame.info).unwrap_or_default();
    if !matches!(frame.control, Control::Ua { .. }) {
        return octets;
    }
    let mut info = vec![0x81, 0x80, 0x14];
    for (number, value) in [(5, parameters.info_transmit), (6, parameters.info_receive)] {
        info.extend([number, 2]);
        info.extend(value.to_be_bytes());
    }
    for (number, value) in [(7, parameters.window_transmit), (8, parameters.window_receive)] {
        info.extend([number, 4, 0, 0, 0, value]);
    }
    debug_assert_eq!(octets.first(), Some(&FLAG));
    Frame { info, ..frame }.encode()
}

#[cfg(test)]
mod tests;
