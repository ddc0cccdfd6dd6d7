//! The secondary station: a meter's side of the link, for virtual meters.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::address::HdlcAddress;
use super::decoder::FrameDecoder;
use super::frame::{Control, Frame};
use super::parameters::{LLC_RESPONSE, Parameters, without_llc};
use super::transfer::{Accepted, Transfer};
use crate::model::{AddressBytes, ServerAddress};

/// How a secondary station is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Its address; a missing physical part answers to any.
    pub address: ServerAddress,
    /// What it can do at most, as it would say in UA.
    pub most: Parameters,
    /// Longest message taken, in octets.
    pub max_message: usize,
    /// Silence after which the connection is forgotten.
    pub inactivity: Option<Duration>,
    /// Silence that ends a frame which has not come whole.
    pub inter_octet: Duration,
    /// What it does unlike others.
    pub habits: ServerHabits,
}

impl ServerConfig {
    /// A station that takes the largest fields and windows, drops dead connections after two minutes, and has no
    /// strange habits.
    #[must_use]
    pub fn new(address: ServerAddress) -> Self {
        Self {
            address,
            most: Parameters::both_ways(super::MAX_INFO as u16, 7),
            max_message: usize::from(u16::MAX) + super::MESSAGE_SLACK,
            inactivity: Some(Duration::from_secs(120)),
            inter_octet: Duration::from_millis(1500),
            habits: ServerHabits::default(),
        }
    }
}

/// Habits seen in the field, for tests of the other side (`facts/dlms-quirks.md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerHabits {
    /// Says nothing to an SNRM with parameters (8).
    pub ignores_parameters: bool,
    /// Says DM to an SNRM with parameters (8).
    pub refuses_parameters: bool,
    /// Says DM to an SNRM without parameters (8).
    pub demands_parameters: bool,
    /// Sends UA without parameters (8).
    pub bare_ua: bool,
    /// Says nothing to an SNRM while it is connected: DISC must go ahead (13).
    pub wants_disconnect_first: bool,
    /// Sends UA with the two addresses in the order of the command (5).
    pub swaps_addresses_in_ua: bool,
    /// Writes its own address in this many octets, whatever it was called by (2, 3).
    pub own_address_bytes: Option<AddressBytes>,
    /// Leaves the LLC header out of its messages.
    pub omits_llc: bool,
}

/// What a secondary station tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A client connected.
    Connected {
        /// The client's address.
        client: u16,
        /// What was agreed on, as the server sees it.
        agreed: Parameters,
    },
    /// A whole message came, without its LLC header. The client now waits: answer with [`HdlcServer::send`] or say
    /// [`HdlcServer::no_answer`].
    Apdu(Vec<u8>),
    /// The client said DISC, or was silent for too long.
    Disconnected,
}

#[derive(Clone, Debug)]
struct Connection {
    client: u16,
    /// Addresses of our frames, as the SNRM called us.
    destination: HdlcAddress,
    source: HdlcAddress,
    transfer: Transfer,
    agreed: Parameters,
    /// The client gave us the turn and the application has not answered.
    holding: bool,
    /// The client said RNR.
    client_busy: bool,
    /// An I frame came that was not the next one.
    gap: bool,
    /// Set after FRMR: nothing but SNRM and DISC is heard.
    rejected: Option<[u8; 3]>,
}

/// The secondary station.
#[derive(Debug)]
pub struct HdlcServer {
    config: ServerConfig,
    own: Option<HdlcAddress>,
    decoder: FrameDecoder,
    connection: Option<Connection>,
    out: VecDeque<Frame>,
    events: VecDeque<ServerEvent>,
    heard: Option<Instant>,
}

impl HdlcServer {
    /// A station that waits for its SNRM. An address that does not fit an HDLC frame is never called.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            own: HdlcAddress::server(&config.address),
            config,
            decoder: FrameDecoder::default(),
            connection: None,
            out: VecDeque::new(),
            events: VecDeque::new(),
            heard: None,
        }
    }

    /// The connected client's address.
    #[must_use]
    pub fn client(&self) -> Option<u16> {
        self.connection.as_ref().map(|connection| connection.client)
    }

    /// Takes octets as they come; frames for other stations are left alone.
    pub fn handle_bytes(&mut self, octets: &[u8], now: Instant) {
        self.heard = Some(now);
        self.decoder.push(octets);
        self.read_frames();
    }

    /// Tells that `deadline` has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let silent = self.heard.map(|heard| now.saturating_duration_since(heard)).unwrap_or_default();
        if self.decoder.is_mid_frame() && silent >= self.config.inter_octet {
            self.decoder.silence();
            self.read_frames();
        }
        if self.connection.is_some() && self.config.inactivity.is_some_and(|limit| silent >= limit) {
            self.forget();
        }
    }

    /// When to call [`HdlcServer::handle_timeout`] if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let octet = self.decoder.is_mid_frame().then_some(self.config.inter_octet);
        let link = self.connection.as_ref().and(self.config.inactivity);
        let wait = [octet, link].into_iter().flatten().min()?;
        self.heard?.checked_add(wait)
    }

    /// Sends a message as soon as it is this station's turn, right away where the client waits for it. Without a
    /// connection it is lost.
    pub fn send(&mut self, apdu: &[u8]) {
        let Some(connection) = &mut self.connection else { return };
        let header: &[u8] = if self.config.habits.omits_llc { &[] } else { &LLC_RESPONSE };
        connection.transfer.queue(&[header, apdu].concat());
    }

    /// Gives the turn back without an answer to the last message.
    pub fn no_answer(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if std::mem::take(&mut connection.holding) {
            self.respond();
        }
    }

    /// Sends a message as an UI frame, whoever's turn it is: a notification.
    pub fn notify(&mut self, client: u16, apdu: &[u8]) {
        if let (Some(destination), Some(source)) = (HdlcAddress::client(client), self.own) {
            let info = [&LLC_RESPONSE, apdu].concat();
            let control = Control::Ui { poll: false };
            self.out.push_back(Frame { segmented: false, destination, source, control, info });
        }
    }

    /// The next frame to put on the line, with its flags.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if self.out.is_empty()
            && let Some(connection) = &mut self.connection
            && connection.holding
            && connection.transfer.has_outgoing()
        {
            connection.holding = false;
            self.respond();
        }
        self.out.pop_front().map(|frame| frame.encode())
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    fn read_frames(&mut self) {
        while let Some(frame) = self.decoder.next_frame() {
            if self.own.is_some_and(|own| own.means(frame.destination)) {
                self.take(&frame);
            }
        }
    }

    fn take(&mut self, frame: &Frame) {
        let Some(client) = client_of(frame.source) else { return };
        match frame.control {
            Control::Snrm { .. } => self.set_up(frame, client),
            Control::Disc { .. } => {
                let connected = self.connection.is_some();
                self.forget();
                let answer = if connected { Control::Ua { poll: true } } else { Control::Dm { poll: true } };
                self.reply(frame, answer, Vec::new());
            }
            control if self.client() != Some(client) => {
                if control.poll() && self.connection.is_none() {
                    self.reply(frame, Control::Dm { poll: true }, Vec::new());
                }
            }
            _ => self.exchange(frame),
        }
    }

    fn set_up(&mut self, frame: &Frame, client: u16) {
        let habits = self.config.habits;
        let proposed = Parameters::decode(&frame.info);
        let silent = habits.ignores_parameters && proposed.is_some()
            || habits.wants_disconnect_first && self.connection.is_some();
        if silent {
            return;
        }
        if habits.refuses_parameters && proposed.is_some() || habits.demands_parameters && proposed.is_none()
        {
            self.reply(frame, Control::Dm { poll: true }, Vec::new());
            return;
        }
        let most = if habits.bare_ua { Parameters::default() } else { self.config.most };
        let agreed = most.limited_by(proposed.unwrap_or_default());
        let info = if habits.bare_ua { Vec::new() } else { agreed.encode() };
        self.reply(frame, Control::Ua { poll: true }, info);
        self.connection = Some(Connection {
            client,
            destination: frame.source,
            source: self.own_name(frame.destination),
            transfer: Transfer::new(agreed, self.config.max_message),
            agreed,
            holding: false,
            client_busy: false,
            gap: false,
            rejected: None,
        });
        self.events.push_back(ServerEvent::Connected { client, agreed });
    }

    fn exchange(&mut self, frame: &Frame) {
        let Some(connection) = &mut self.connection else { return };
        let poll = frame.control.poll();
        if connection.rejected.is_some() {
            if poll {
                self.reject();
            }
            return;
        }
        let too_long = frame.info.len() > usize::from(connection.agreed.info_receive);
        let mut complete = None;
        let acknowledged = match frame.control {
            Control::Ui { .. } => {
                self.events.push_back(ServerEvent::Apdu(without_llc(&frame.info).to_vec()));
                return;
            }
            Control::I { send, receive, .. } if !too_long => {
                match connection.transfer.accept(send, frame.segmented, &frame.info) {
                    Accepted::InOrder(message) => complete = message,
                    Accepted::NotNext => connection.gap = true,
                    Accepted::TooLong => return self.fail(frame.control, 0x04),
                }
                receive
            }
            Control::I { .. } => return self.fail(frame.control, 0x04),
            Control::Rr { receive, .. } | Control::Rej { receive, .. } => {
                connection.client_busy = false;
                receive
            }
            Control::Rnr { receive, .. } => {
                connection.client_busy = true;
                receive
            }
            other => return self.fail(other, 0x01),
        };
        if connection.transfer.acknowledge(acknowledged).is_none() {
            return self.fail(frame.control, 0x08);
        }
        let whole = complete.is_some();
        if let Some(message) = complete {
            self.events.push_back(ServerEvent::Apdu(without_llc(&message).to_vec()));
        }
        match poll {
            true if whole => connection.holding = true,
            true => {
                connection.holding = false;
                self.respond();
            }
            false => {}
        }
    }

    /// Uses the turn: what is not acknowledged, else how far the client's frames have come.
    fn respond(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let gap = std::mem::take(&mut connection.gap);
        connection.transfer.rewind();
        let pieces = if connection.client_busy { Vec::new() } else { connection.transfer.burst() };
        let receive = connection.transfer.next_number();
        let frame = |control, segmented, info| Frame {
            segmented,
            destination: connection.destination,
            source: connection.source,
            control,
            info,
        };
        if pieces.is_empty() {
            let control =
                if gap { Control::Rej { receive, poll: true } } else { Control::Rr { receive, poll: true } };
            self.out.push_back(frame(control, false, Vec::new()));
            return;
        }
        let last = pieces.len() - 1;
        self.out.extend(pieces.into_iter().enumerate().map(|(at, piece)| {
            frame(Control::I { send: piece.send, receive, poll: at == last }, piece.more, piece.info)
        }));
    }

    /// Goes into the frame reject condition; `why` has the bits W, X, Y and Z (ISO/IEC 13239).
    fn fail(&mut self, control: Control, why: u8) {
        if let Some(connection) = &mut self.connection {
            connection.rejected = Some([control.octet(), connection.transfer.next_number() << 5, why]);
            if control.poll() {
                self.reject();
            }
        }
    }

    fn reject(&mut self) {
        if let Some(connection) = &self.connection {
            self.out.push_back(Frame {
                segmented: false,
                destination: connection.destination,
                source: connection.source,
                control: Control::Frmr { poll: true },
                info: connection.rejected.unwrap_or_default().to_vec(),
            });
        }
    }

    fn forget(&mut self) {
        self.out.clear();
        if self.connection.take().is_some() {
            self.events.push_back(ServerEvent::Disconnected);
        }
    }

    fn own_name(&self, called: HdlcAddress) -> HdlcAddress {
        let bytes = self.config.habits.own_address_bytes;
        bytes.and_then(|bytes| self.own.unwrap_or(called).resized(bytes)).unwrap_or(called)
    }

    fn reply(&mut self, command: &Frame, control: Control, info: Vec<u8>) {
        if !command.control.poll() {
            return;
        }
        let mut destination = command.source;
        let mut source = self.own_name(command.destination);
        if self.config.habits.swaps_addresses_in_ua && matches!(control, Control::Ua { .. }) {
            std::mem::swap(&mut destination, &mut source);
        }
        self.out.push_back(Frame { segmented: false, destination, source, control, info });
    }
}

fn client_of(source: HdlcAddress) -> Option<u16> {
    match source.lower() {
        None | Some(0) => Some(source.upper()),
        Some(lower) if source.upper() == 0 => Some(lower),
        Some(_) => None,
    }
}
