//! Information frames both ways, and who speaks next.

use std::time::{Duration, Instant};

use super::{ClientEvent, FIRST_PAUSE, HdlcClient, Turn};
use crate::protocol::hdlc::transfer::Accepted;
use crate::protocol::hdlc::{Control, Frame, without_llc};
use crate::protocol::link::LinkError;

/// The longest pause before a meter that is still thinking is polled again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl HdlcClient {
    /// Gives the meter the turn, saying what has arrived so far.
    pub(super) fn poll(&mut self, now: Instant) {
        let receive = self.transfer.next_number();
        let frame = self.frame(Control::Rr { receive, poll: true }, false, Vec::new());
        self.speak(vec![frame], now);
    }

    /// Sends what the window leaves room for.
    pub(super) fn burst(&mut self, now: Instant) {
        let receive = self.transfer.next_number();
        let pieces = self.transfer.burst();
        let last = pieces.len().saturating_sub(1);
        let frames = pieces.into_iter().enumerate().map(|(at, piece)| {
            let control = Control::I { send: piece.send, receive, poll: at == last };
            self.frame(control, piece.more, piece.info)
        });
        let frames = frames.collect::<Vec<_>>();
        self.speak(frames, now);
    }

    pub(super) fn exchange(&mut self, frame: &Frame, now: Instant) {
        let acknowledged = match frame.control {
            Control::I { receive, .. } => receive,
            Control::Rr { receive, .. } | Control::Rej { receive, .. } => {
                self.meter_busy = false;
                receive
            }
            Control::Rnr { receive, .. } => {
                self.meter_busy = true;
                receive
            }
            Control::Dm { .. } => {
                return self.fail(LinkError::Refused("DM: it knows of no connection".to_owned()));
            }
            Control::Frmr { .. } => return self.fail(LinkError::Refused(frame_reject(&frame.info))),
            _ => return,
        };
        // A number of a frame that was never sent stands in a frame that comes very late.
        let Some(settled) = self.transfer.acknowledge(acknowledged) else { return };
        self.progress |= settled > 0;
        if let Control::I { send, .. } = frame.control {
            match self.transfer.accept(send, frame.segmented, &frame.info) {
                Accepted::InOrder(message) => {
                    self.progress = true;
                    self.due = self.due.and_then(|_| now.checked_add(self.wait));
                    if let Some(message) = message {
                        self.due = None;
                        self.events.push_back(ClientEvent::Apdu(without_llc(&message).to_vec()));
                    }
                }
                // The last answer once more, because the meter was polled twice for it: no answer to what was said
                // since. To take the turn now would have both sides say everything twice from here on.
                Accepted::NotNext if settled == 0 && self.transfer.has_outgoing() => return,
                Accepted::NotNext => {}
                Accepted::TooLong => {
                    let limit = self.config.max_message;
                    return self.fail(LinkError::Garbled(format!("a message of more than {limit} octets")));
                }
            }
        }
        match &mut self.turn {
            Turn::Ours => {}
            Turn::Pausing { .. } if !self.progress => {}
            Turn::Pausing { .. } | Turn::Theirs { .. } if frame.control.poll() => self.take_turn(now),
            Turn::Theirs { heard, .. } if !self.progress => *heard = Some(now),
            turn => *turn = Turn::Theirs { since: now, heard: Some(now) },
        }
    }

    /// The meter gave the turn back.
    pub(super) fn take_turn(&mut self, now: Instant) {
        if self.progress {
            self.silences = 0;
            self.stalls = 0;
            self.garbled = false;
            self.pause = FIRST_PAUSE;
        }
        if !self.transfer.has_outgoing() {
            self.silences = 0;
        }
        self.transfer.rewind();
        if self.transfer.has_outgoing() && !self.meter_busy {
            self.stalls += 1;
            if self.stalls > self.config.retries + 2 {
                return self.fail(LinkError::Garbled("the meter answers but never gets further".to_owned()));
            }
            self.burst(now);
        } else if self.transfer.is_assembling() && self.progress {
            self.poll(now);
        } else if self.due.is_some() || self.transfer.has_outgoing() || self.transfer.is_assembling() {
            let until = now + self.pause;
            self.due = self.due.or_else(|| now.checked_add(self.wait));
            self.turn = Turn::Pausing { until: self.due.map_or(until, |due| until.min(due)) };
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else {
            self.turn = Turn::Ours;
        }
    }

    pub(super) fn lost_patience(&mut self) {
        if self.transfer.is_assembling() || self.transfer.has_outgoing() {
            return self.fail(LinkError::Garbled("the meter stopped in the middle of a message".to_owned()));
        }
        self.turn = Turn::Ours;
        if self.due.take().is_some() {
            self.events.push_back(ClientEvent::NothingYet(self.timeout("a request")));
        }
    }
}

/// FRMR in words (ISO/IEC 13239: the rejected control octet, both counters, the bits W, X, Y and Z).
fn frame_reject(info: &[u8]) -> String {
    let reason = |bits: u8| match bits & 0x0F {
        bits if bits & 8 != 0 => "a wrong sequence number",
        bits if bits & 4 != 0 => "an information field that is too long",
        bits if bits & 2 != 0 => "an information field that is not permitted",
        bits if bits & 1 != 0 => "a frame it does not know",
        _ => "no reason given",
    };
    match *info {
        [control, _, bits, ..] => {
            format!("FRMR to {}: {}", Control::from_octet(control).name(), reason(bits))
        }
        _ => "FRMR without a reason".to_owned(),
    }
}
