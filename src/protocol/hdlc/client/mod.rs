//! The primary station: this program's side of the link.
//!
//! Recovery follows the checkpoint rule of normal response mode: after a silence the client polls with RR, whose
//! answer shows what arrived, and sends again what did not. REJ is understood but never sent, because IEC 62056-46
//! does not list it; an RR with the number that is missing says the same.

mod config;
mod exchange;
mod setup;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use config::ClientConfig;

use super::address::HdlcAddress;
use super::decoder::FrameDecoder;
use super::frame::{Control, Frame};
use super::parameters::{LLC_COMMAND, Parameters, without_llc};
use super::transfer::Transfer;
use crate::protocol::link::LinkError;

/// First pause before a meter that is still thinking is polled again; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Keeps a careless caller's wait within what a clock can hold.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// Seven frames of 2030 octets take eight minutes at 300 baud: whoever speaks for longer without getting further will
/// never end.
const LONGEST_TURN: Duration = Duration::from_secs(600);
/// Fewer stray octets are what a bus makes when its direction turns, and no sign of a garbled answer.
const TELLING_NOISE: u64 = 8;

/// What a primary station tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The meter answered SNRM.
    Connected(Parameters),
    /// A whole message came, without its LLC header.
    Apdu(Vec<u8>),
    /// A message came in an UI frame: a notification.
    Unsolicited(Vec<u8>),
    /// The meter answered DISC, or never will.
    Disconnected,
    /// Nothing came although the meter answers polls; the link stays up.
    NothingYet(LinkError),
    /// The link is lost.
    Failed(LinkError),
    /// Something worth a line in the trace.
    Remark(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Disconnected,
    Disconnecting { then_connect: bool },
    Connecting,
    Connected,
}

/// Whose turn it is on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Ours,
    /// We polled; the time runs from `since`. `heard` is when the last frame of an unfinished answer ended.
    Theirs {
        since: Instant,
        heard: Option<Instant>,
    },
    /// The meter is thinking; poll again then.
    Pausing {
        until: Instant,
    },
}

/// The primary station.
#[derive(Debug)]
pub struct HdlcClient {
    config: ClientConfig,
    phase: Phase,
    turn: Turn,
    decoder: FrameDecoder,
    transfer: Transfer,
    out: VecDeque<Frame>,
    /// Frames of this turn, to know their echo by.
    spoken: Vec<Frame>,
    events: VecDeque<ClientEvent>,
    last_octet: Option<Instant>,
    /// An answer is due until then.
    due: Option<Instant>,
    wait: Duration,
    pause: Duration,
    /// Silences in a row.
    silences: u32,
    /// Turns that came back without anything new, in a row.
    stalls: u32,
    progress: bool,
    meter_busy: bool,
    /// The meter writes its UA with the addresses of a command.
    swapped: bool,
    /// The line repeats what is sent.
    echoes: bool,
    /// Octets that belonged to no frame, since the last remark about them.
    skipped: u64,
    garbled: bool,
    goodbyes: u32,
    /// The last thing said was RR.
    polled: bool,
}

impl HdlcClient {
    /// A station that is not connected.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            phase: Phase::Disconnected,
            turn: Turn::Ours,
            decoder: FrameDecoder::default(),
            transfer: Transfer::new(Parameters::default(), config.max_message),
            out: VecDeque::new(),
            spoken: Vec::new(),
            events: VecDeque::new(),
            last_octet: None,
            due: None,
            wait: config.response,
            pause: FIRST_PAUSE,
            silences: 0,
            stalls: 0,
            progress: false,
            meter_busy: false,
            swapped: false,
            echoes: false,
            skipped: 0,
            garbled: false,
            goodbyes: 0,
            polled: false,
            config,
        }
    }

    /// Whether the link is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    /// Connects; `Connected` or `Failed` follows.
    pub fn connect(&mut self, now: Instant) {
        self.forget();
        self.events.clear();
        self.wait = self.config.response.min(LONGEST_WAIT);
        if self.config.disconnect_first {
            self.say_disc(true, now);
        } else {
            self.say_snrm(now);
        }
    }

    /// Disconnects, saying so at most `times`; `Disconnected` follows, whether the meter answers or not.
    pub fn disconnect(&mut self, wait: Duration, times: u32, now: Instant) {
        self.forget();
        self.events.clear();
        self.wait = wait.min(LONGEST_WAIT);
        self.goodbyes = times;
        self.say_disc(false, now);
    }

    /// Sends a message as soon as it is this side's turn. Without a connection it is lost.
    pub fn send(&mut self, apdu: &[u8], now: Instant) {
        if self.phase != Phase::Connected {
            return;
        }
        self.transfer.queue(&[&LLC_COMMAND, apdu].concat());
        self.wait = self.config.response.min(LONGEST_WAIT);
        self.due = now.checked_add(self.wait);
        self.pause = FIRST_PAUSE;
        if !matches!(self.turn, Turn::Theirs { .. }) && !self.meter_busy {
            self.burst(now);
        }
    }

    /// Whether a message has not gone out whole.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.phase == Phase::Connected && (self.transfer.has_unsent() || !self.out.is_empty())
    }

    /// Waits for a message, `wait` for its first octet. Where nothing is due, the meter is given the turn.
    pub fn listen(&mut self, wait: Duration, now: Instant) {
        if self.phase != Phase::Connected {
            return;
        }
        self.wait = wait.min(LONGEST_WAIT);
        let since = if let Turn::Theirs { since, .. } = self.turn { since } else { now };
        self.due = since.checked_add(self.wait);
        if self.turn == Turn::Ours {
            self.pause = FIRST_PAUSE;
            self.poll(now);
        }
    }

    /// Takes octets as they come.
    pub fn handle_bytes(&mut self, octets: &[u8], now: Instant) {
        self.last_octet = Some(now);
        self.decoder.push(octets);
        self.read_frames(now);
    }

    /// When to call [`HdlcClient::handle_timeout`] if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.turn {
            Turn::Ours => None,
            Turn::Pausing { until } => Some(until),
            Turn::Theirs { since, heard } => {
                let answer = heard.map_or_else(
                    || since.checked_add(self.wait),
                    |heard| heard.checked_add(self.config.inter_frame),
                );
                // A frame that is arriving is never cut off by a limit for its beginning.
                let ends = self.octet_limit().or(answer);
                ends.min(since.checked_add(self.wait + LONGEST_TURN))
            }
        }
    }

    /// Tells that `deadline` has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.octet_limit().is_some_and(|limit| limit <= now) {
            self.decoder.silence();
            self.read_frames(now);
        }
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.turn {
            Turn::Ours => {}
            Turn::Pausing { .. } if self.due.is_none_or(|due| due <= now) => self.lost_patience(),
            Turn::Pausing { .. } => self.poll(now),
            Turn::Theirs { .. } => self.silence(now),
        }
    }

    /// The next frame to put on the line, with its flags.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front().map(|frame| frame.encode())
    }

    /// Tells that all that [`HdlcClient::poll_transmit`] gave is on the line: waits run from now.
    pub fn transmitted(&mut self, now: Instant) {
        if let Turn::Theirs { since, .. } = &mut self.turn {
            *since = now;
        }
        if self.due.is_some() && !self.polled {
            self.due = now.checked_add(self.wait);
        }
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Whether something happened that [`HdlcClient::poll_event`] has not told.
    #[must_use]
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    fn octet_limit(&self) -> Option<Instant> {
        self.last_octet.filter(|_| self.decoder.is_mid_frame())?.checked_add(self.config.inter_octet)
    }

    fn forget(&mut self) {
        let agreed = Parameters::default();
        self.phase = Phase::Disconnected;
        self.turn = Turn::Ours;
        self.transfer = Transfer::new(agreed, self.config.max_message);
        self.decoder = FrameDecoder::default();
        self.out.clear();
        self.spoken.clear();
        self.due = None;
        self.silences = 0;
        self.stalls = 0;
        self.meter_busy = false;
        self.swapped = false;
        self.echoes = false;
        self.garbled = false;
    }

    fn fail(&mut self, error: LinkError) {
        self.remark_skipped();
        self.forget();
        self.events.push_back(ClientEvent::Failed(error));
    }

    fn timeout(&self, what: &'static str) -> LinkError {
        let waited_ms = u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX);
        LinkError::Timeout { what, waited_ms }
    }

    fn frame(&self, control: Control, segmented: bool, info: Vec<u8>) -> Frame {
        Frame { segmented, destination: self.config.server, source: self.config.client, control, info }
    }

    /// Puts frames on the line, the last of which gives the turn away.
    fn speak(&mut self, frames: Vec<Frame>, now: Instant) {
        self.polled = matches!(frames.last(), Some(Frame { control: Control::Rr { .. }, .. }));
        self.spoken.clone_from(&frames);
        self.out.extend(frames);
        self.turn = Turn::Theirs { since: now, heard: None };
        self.progress = false;
        self.remark_skipped();
    }

    fn remark_skipped(&mut self) {
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            self.events.push_back(ClientEvent::Remark(format!("{skipped} octets belong to no frame")));
        }
    }

    fn read_frames(&mut self, now: Instant) {
        while let Some(frame) = self.decoder.next_frame() {
            if self.is_for_us(&frame) {
                self.take(&frame, now);
            }
        }
        self.skipped += self.decoder.take_skipped();
        self.garbled |= self.skipped >= TELLING_NOISE;
        let ours = |(destination, source): &(HdlcAddress, HdlcAddress)| {
            destination.is_client(self.config.client.upper()) && self.config.server.means(*source)
        };
        if self.decoder.take_damaged().as_ref().is_some_and(ours)
            && let Turn::Theirs { heard, .. } = &mut self.turn
        {
            self.garbled = true;
            *heard = Some(now);
        }
    }

    /// Own echo and other people's frames are dropped here (`facts/dlms-quirks.md`, 3, 5 and 7).
    fn is_for_us(&mut self, frame: &Frame) -> bool {
        let client = self.config.client.upper();
        let straight = frame.destination.is_client(client) && self.config.server.means(frame.source);
        let turned = frame.source.is_client(client) && self.config.server.means(frame.destination);
        let command = matches!(frame.control, Control::Snrm { .. } | Control::Disc { .. });
        // Where client and server have the same number, RR and its answer may be equal octet for octet. There a
        // command, which no meter sends, shows first whether the line has an echo.
        let own = self.spoken.iter().position(|spoken| spoken == frame);
        if let Some(at) = own.filter(|_| turned && (!straight || command || self.echoes)) {
            self.spoken.remove(at);
            self.echoes = true;
            return false;
        }
        if straight || !turned {
            return straight && !command;
        }
        if matches!(frame.control, Control::Ua { .. }) && !self.swapped {
            self.swapped = true;
            self.events
                .push_back(ClientEvent::Remark("the meter swaps the addresses in its answer".to_owned()));
        }
        self.swapped || matches!(frame.control, Control::Dm { .. } | Control::Frmr { .. })
    }

    fn take(&mut self, frame: &Frame, now: Instant) {
        if matches!(frame.control, Control::Ui { .. }) {
            self.events.push_back(ClientEvent::Unsolicited(without_llc(&frame.info).to_vec()));
            return;
        }
        match self.phase {
            Phase::Disconnected => {}
            Phase::Disconnecting { then_connect } => {
                if matches!(frame.control, Control::Ua { .. } | Control::Dm { .. }) {
                    self.closed(then_connect, now);
                }
            }
            Phase::Connecting => self.answer_to_snrm(frame, now),
            Phase::Connected => self.exchange(frame, now),
        }
    }

    /// The meter did not answer, or not to the end.
    fn silence(&mut self, now: Instant) {
        self.silences += 1;
        let more = self.silences <= self.config.retries;
        match self.phase {
            Phase::Disconnected => self.turn = Turn::Ours,
            Phase::Disconnecting { then_connect: true } => self.closed(true, now),
            Phase::Disconnecting { then_connect: false } if self.silences < self.goodbyes => {
                self.say_disc(false, now);
            }
            Phase::Disconnecting { then_connect: false } => self.closed(false, now),
            // The last attempt proposes nothing: some meters say nothing to parameters.
            Phase::Connecting => {
                if self.silences >= self.config.retries && self.without_parameters() || more {
                    self.say_snrm(now);
                } else {
                    self.give_up("SNRM");
                }
            }
            Phase::Connected if !more => self.give_up("a request"),
            Phase::Connected => {
                if self.polled && self.transfer.has_outgoing() && !self.meter_busy {
                    self.transfer.rewind();
                    self.burst(now);
                } else {
                    self.poll(now);
                }
            }
        }
    }

    fn give_up(&mut self, what: &'static str) {
        let error = if self.garbled {
            LinkError::Garbled(format!("the answer to {what} came damaged"))
        } else {
            self.timeout(what)
        };
        self.fail(error);
    }
}
