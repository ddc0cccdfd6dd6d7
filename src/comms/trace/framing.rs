//! HDLC frames, wrapper messages and sign-on lines in a stream of octets.

use crate::model::hex;
use crate::protocol::elster_flag::{Answer, Command, FrameDecoder};
use crate::protocol::gateway;
use crate::protocol::hdlc::{
    Control, FLAG, FrameError, HdlcAddress, Header, LLC_COMMAND, LLC_RESPONSE, Parameters, is_intact,
};
use crate::protocol::wrapper;

use super::{Layer, apdu};

/// Most octets of an unfinished message that are kept.
const MOST_WAITING: usize = 1 << 18;
/// Longest sign-on line.
const LONGEST_LINE: usize = 128;

/// One direction of the traffic.
#[derive(Debug, Default)]
pub(super) struct Stream {
    waiting: Vec<u8>,
    /// Which of the waiting octets were masked.
    masked: Vec<bool>,
    /// Information of HDLC segments so far.
    segments: Vec<u8>,
}

/// What stands at the front of the waiting octets.
enum Front {
    /// So many octets are one frame or message, and this is what they mean.
    Whole(usize, Vec<Layer>),
    /// More has to come.
    Unfinished,
    /// No framing begins here.
    Bare,
}

impl Stream {
    /// Takes octets; gives the layers of what became whole.
    pub(super) fn push(&mut self, octets: &[u8], masked: &[(u32, u32)]) -> Vec<Layer> {
        let base = self.waiting.len();
        self.waiting.extend_from_slice(octets);
        self.masked.resize(self.waiting.len(), false);
        for (start, length) in masked {
            let start = base.saturating_add(usize::try_from(*start).unwrap_or(usize::MAX));
            let end = start.saturating_add(usize::try_from(*length).unwrap_or(usize::MAX));
            if let Some(part) = self.masked.get_mut(start..end.min(self.waiting.len())) {
                part.fill(true);
            }
        }
        let mut layers = Vec::new();
        while !self.waiting.is_empty() {
            match self.front() {
                Front::Whole(length, found) => {
                    layers.extend(found);
                    self.drop_front(length);
                }
                Front::Unfinished if self.waiting.len() <= MOST_WAITING => break,
                // What begins nothing known is decoded as it came: an APDU without framing.
                Front::Unfinished | Front::Bare => layers.extend(self.take_bare()),
            }
        }
        layers
    }

    /// The layers of what never became whole.
    pub(super) fn finish(&mut self) -> Vec<Layer> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let length = self.waiting.len();
        let cut = format!("{length} octets of a message that is cut short");
        let name = if matches!(self.waiting.first(), Some(&FLAG | 0xA0..=0xAF)) { "HDLC" } else { "Wrapper" };
        self.drop_front(length);
        vec![Layer::new(name, cut)]
    }

    fn drop_front(&mut self, length: usize) {
        let length = length.min(self.waiting.len());
        self.waiting.drain(..length);
        self.masked.drain(..length);
    }

    fn take_bare(&mut self) -> Vec<Layer> {
        // Up to the next flag: behind noise a frame may follow.
        let end = self.waiting.iter().position(|octet| *octet == FLAG).filter(|at| *at > 0);
        let whole = behind_llc(&self.waiting);
        let is_understood = whole.iter().all(|layer| !layer.summary.starts_with("not understood"));
        let end = end.filter(|_| !is_understood).unwrap_or(self.waiting.len());
        let layers =
            if is_understood { whole } else { behind_llc(self.waiting.get(..end).unwrap_or_default()) };
        self.drop_front(end);
        layers
    }

    fn front(&mut self) -> Front {
        match self.waiting[..] {
            [FLAG, 0xA0..=0xAF, ..] => self.frame(1),
            [FLAG, FLAG, ..] => Front::Whole(1, Vec::new()),
            [FLAG] => Front::Unfinished,
            [0xA0..=0xAF, ..] => self.frame(0),
            [FLAG, ..] => Front::Whole(1, Vec::new()),
            [0, 1, ..] => self.wrapper(),
            [0] => Front::Unfinished,
            [0x01, b'P' | b'R' | b'W' | b'B', b'0'..=b'9', ..] | [0x02, b'(', ..] => self.flag(),
            [0x06] | [0x06, 0x01 | 0x02, ..] => Front::Whole(1, vec![Layer::new("FLAG", "ACK")]),
            [0x15, ..] => Front::Whole(1, vec![Layer::new("FLAG", "NAK")]),
            [b'/' | 0x06, ..] => self.sign_on(),
            _ => Front::Bare,
        }
    }

    fn sign_on(&self) -> Front {
        let Some(end) = self.waiting.iter().position(|octet| octet & 0x7F == b'\n') else {
            return if self.waiting.len() > LONGEST_LINE { Front::Bare } else { Front::Unfinished };
        };
        if end > LONGEST_LINE {
            return Front::Bare;
        }
        let line = self.waiting.iter().take(end).map(|octet| char::from(octet & 0x7F));
        let text: String = line.filter(|letter| !letter.is_control()).collect();
        let summary = match self.waiting.first() {
            Some(0x06) => format!("acknowledgement and option select {text}"),
            _ if text.starts_with("/?") => format!("sign-on request {text}"),
            _ => format!("identification {text}"),
        };
        Front::Whole(end + 1, vec![Layer::new("IEC 62056-21", summary)])
    }

    /// A message of IEC 62056-21 in programming mode.
    fn flag(&self) -> Front {
        let Some(end) = self.waiting.iter().position(|octet| *octet == 0x03) else {
            return Front::Unfinished;
        };
        let Some(whole) = self.waiting.get(..end + 2) else { return Front::Unfinished };
        let is_masked = self.masked.get(..end + 2).is_some_and(|part| part.contains(&true));
        let mut layer = if is_masked {
            let letters = whole.get(1..3).map(String::from_utf8_lossy).unwrap_or_default();
            let mut layer = Layer::new("FLAG", if letters == "P0" { "P0, the seed" } else { "a password" });
            layer.details.push("a secret in it is masked".to_owned());
            layer
        } else {
            Layer::new("FLAG", flag_words(whole))
        };
        if whole.first() == Some(&0x01) && !is_masked {
            layer.details.push(String::from_utf8_lossy(whole.get(1..3).unwrap_or_default()).into_owned());
        }
        Front::Whole(end + 2, vec![layer])
    }

    fn wrapper(&self) -> Front {
        let Some((header, rest)) = self.waiting.split_first_chunk::<{ wrapper::HEADER }>() else {
            return Front::Unfinished;
        };
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let length = usize::from(word(6));
        let Some(message) = rest.get(..length) else { return Front::Unfinished };
        let summary = format!("from {} to {}, {length} octets", word(2), word(4));
        let mut layers = vec![Layer::new("Wrapper", summary)];
        layers.extend(apdu::message(message));
        Front::Whole(wrapper::HEADER + length, layers)
    }

    /// A frame whose format field stands at `start`.
    fn frame(&mut self, start: usize) -> Front {
        let octets = self.waiting.get(start..).unwrap_or_default();
        let header = match Header::read(octets) {
            Ok(header) => header,
            Err(FrameError::Incomplete) => return Front::Unfinished,
            Err(error) => {
                let layer = Layer::new("HDLC", format!("damaged: {error}"));
                let end = octets.iter().position(|octet| *octet == FLAG).unwrap_or(octets.len());
                return Front::Whole(start + end.max(1), vec![layer]);
            }
        };
        let Some(frame) = octets.get(..header.length) else { return Front::Unfinished };
        let end = start + header.length;
        let is_masked = self.masked.get(start..end).is_some_and(|part| part.contains(&true));
        let info = frame.get(header.info_at..header.length - 2).unwrap_or_default().to_vec();
        let mut layer = Layer::new("HDLC", frame_words(&header));
        if is_masked {
            layer.details.push("a secret in it is masked".to_owned());
        } else if !is_intact(frame) {
            layer.details.push("its check sequence is wrong".to_owned());
        }
        // The closing flag may open the next frame too.
        let closed = usize::from(octets.get(header.length) == Some(&FLAG));
        let mut layers = vec![layer];
        layers.extend(self.information(&header, info));
        Front::Whole(end + closed, layers)
    }

    fn information(&mut self, header: &Header, info: Vec<u8>) -> Vec<Layer> {
        match header.control {
            Control::Snrm { .. } | Control::Ua { .. } => {
                let parameters = Parameters::decode(&info).filter(|_| !info.is_empty());
                parameters.map(|found| vec![Layer::new("HDLC", parameter_words(&found))]).unwrap_or_default()
            }
            Control::I { .. } | Control::Ui { .. } if !info.is_empty() => {
                if self.segments.len() <= MOST_WAITING {
                    self.segments.extend(info);
                }
                if header.segmented {
                    return Vec::new();
                }
                let message = std::mem::take(&mut self.segments);
                behind_llc(&message)
            }
            _ => Vec::new(),
        }
    }
}

fn flag_words(whole: &[u8]) -> String {
    let mut decoder = FrameDecoder::default();
    decoder.push(whole);
    let frame = match decoder.next_frame() {
        Some(Ok(frame)) => frame,
        Some(Err(damage)) => return format!("damaged: {damage}"),
        None => return "not understood".to_owned(),
    };
    match (Command::read(&frame), Answer::read(&frame)) {
        (Some(Command::Read { place, bytes }), _) => {
            format!("read {bytes} octets of table {:03}, packet {}", place.identity, place.packet)
        }
        (Some(Command::Write { place, digits }), _) => {
            format!("write table {:03}, packet {}: {digits}", place.identity, place.packet)
        }
        (Some(Command::Break), _) | (None, Some(Answer::Break)) => "break".to_owned(),
        (Some(Command::Password { level, .. }), _) => format!("a password of level {level}"),
        (None, Some(Answer::Data(data))) => format!("{} octets: {}", data.len(), hex(&data)),
        (None, Some(Answer::Error(error))) => error.to_string(),
        (None, other) => other.map_or_else(|| "another command".to_owned(), |other| format!("{other:?}")),
    }
}

/// The LLC header, where there is one, and the message behind it.
fn behind_llc(message: &[u8]) -> Vec<Layer> {
    for (llc, words) in [(LLC_COMMAND, "command"), (LLC_RESPONSE, "response")] {
        if let Some(behind) = message.strip_prefix(llc.as_slice()) {
            let mut layers = vec![Layer::new("LLC", words)];
            layers.extend(apdu::message(behind));
            return layers;
        }
    }
    apdu::message(message)
}

fn parameter_words(parameters: &Parameters) -> String {
    format!(
        "information field {} sent, {} received; window {} sent, {} received",
        parameters.info_transmit,
        parameters.info_receive,
        parameters.window_transmit,
        parameters.window_receive
    )
}

fn frame_words(header: &Header) -> String {
    let control = header.control;
    let mut words = control.name().to_owned();
    match control {
        Control::I { send, receive, .. } => words.push_str(&format!(", send {send}, receive {receive}")),
        Control::Rr { receive, .. } | Control::Rnr { receive, .. } | Control::Rej { receive, .. } => {
            words.push_str(&format!(", receive {receive}"));
        }
        Control::Unknown(octet) => words.push_str(&format!(" control {octet:02X}h")),
        _ => {}
    }
    if control.poll() {
        words.push_str(", final");
    }
    if header.segmented {
        words.push_str(", goes on in the next frame");
    }
    format!("{words}; from {} to {}", address_words(header.source), address_words(header.destination))
}

/// A client's address cannot be told from a short server's: one number stands for both.
fn address_words(address: HdlcAddress) -> String {
    match address.lower() {
        None => address.upper().to_string(),
        Some(lower) => format!("{}/{lower}", address.upper()),
    }
}

/// The gateway's prefix, where there is one, and what stands behind it.
pub(super) fn without_prefix(message: &[u8]) -> (Option<Layer>, &[u8]) {
    let (prefix, rest) = gateway::unwrap(message);
    let layer = prefix.map(|prefix| {
        let way = match prefix.direction {
            gateway::Direction::Request => "request to",
            gateway::Direction::Response => "answer from",
        };
        let address = hex(&prefix.address);
        Layer::new("Gateway", format!("{way} network {}, address {address}", prefix.network))
    });
    (layer, rest)
}
