//! Frames in a stream of octets, and their block check (section 3; `facts/iec62056-21.md`, section 5).

use crate::model::hex;

const SOH: u8 = 0x01;
const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// Longest frame: a full packet has 128 digits; what is longer has lost its end.
const LONGEST: usize = 512;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A single ACK.
    Ack,
    /// A single NAK.
    Nak,
    /// A message, with its command letters where it has any (`R1`, `P0`), and what stands behind STX.
    Message {
        /// The letters behind SOH; `None` for an answer, which begins with STX.
        command: Option<[u8; 2]>,
        /// Everything between STX and ETX; empty where there is no STX.
        body: Vec<u8>,
    },
}

/// Why something that began like a frame is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The block check is wrong.
    #[error("the block check is wrong")]
    Check,
    /// It has no end.
    #[error("a message without an end")]
    Endless,
    /// It is not built like a message.
    #[error("a message that is built like none")]
    Form,
}

/// Exclusive-or of everything behind the first SOH or STX up to and including ETX, in seven bits (section 3.3).
#[must_use]
pub fn bcc(behind_first: &[u8]) -> u8 {
    behind_first.iter().fold(0, |sum, octet| sum ^ octet) & 0x7F
}

impl Frame {
    /// An answer with data, as a meter sends it.
    #[must_use]
    pub fn data(data: &[u8]) -> Self {
        Self::Message { command: None, body: [b"(", hex(data).as_bytes(), b")"].concat() }
    }

    /// An answer with a text in brackets: an error.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Message { command: None, body: format!("({text})").into_bytes() }
    }

    /// The octets, without parity.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (command, body) = match self {
            Self::Ack => return vec![ACK],
            Self::Nak => return vec![NAK],
            Self::Message { command, body } => (command, body),
        };
        let mut octets = Vec::with_capacity(body.len() + 6);
        if let Some(letters) = command {
            octets.push(SOH);
            octets.extend(letters);
        }
        if command.is_none() || !body.is_empty() {
            octets.push(STX);
            octets.extend(body);
        }
        octets.push(ETX);
        let check = bcc(octets.get(1..).unwrap_or_default());
        octets.push(check);
        octets
    }
}

/// Cuts a stream of octets into frames. Bit 7 is a parity bit and does not count; what stands between frames is
/// skipped: noise, NULs, line ends.
#[derive(Clone, Debug, Default)]
pub struct FrameDecoder {
    waiting: Vec<u8>,
}

impl FrameDecoder {
    /// Takes octets from the line.
    pub fn push(&mut self, octets: &[u8]) {
        self.waiting.extend(octets.iter().map(|octet| octet & 0x7F));
    }

    /// Forgets what has not become whole.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Whether a frame has begun and not ended.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next frame, or what is wrong with it; nothing while it has not come whole.
    pub fn next_frame(&mut self) -> Option<Result<Frame, Damage>> {
        let start = self.waiting.iter().position(|octet| matches!(*octet, SOH | STX | ACK | NAK));
        self.waiting.drain(..start.unwrap_or(self.waiting.len()));
        match *self.waiting.first()? {
            ACK => {
                self.waiting.drain(..1);
                return Some(Ok(Frame::Ack));
            }
            NAK => {
                self.waiting.drain(..1);
                return Some(Ok(Frame::Nak));
            }
            _ => {}
        }
        let behind = self.waiting.get(1..).unwrap_or_default();
        // A frame that begins inside another one: the end of the first was lost.
        if let Some(again) = behind.iter().position(|octet| *octet == SOH)
            && !behind.iter().take(again).any(|octet| *octet == ETX)
        {
            self.waiting.drain(..=again);
            return Some(Err(Damage::Endless));
        }
        let Some(end) = behind.iter().position(|octet| *octet == ETX) else {
            if self.waiting.len() <= LONGEST {
                return None;
            }
            self.waiting.clear();
            return Some(Err(Damage::Endless));
        };
        let check = *behind.get(end + 1)?;
        let whole: Vec<u8> = self.waiting.drain(..end + 3).collect();
        Some(read(&whole, check))
    }
}

/// Reads a frame from its first octet to its check.
fn read(whole: &[u8], check: u8) -> Result<Frame, Damage> {
    let inside = whole.get(1..whole.len().saturating_sub(1)).unwrap_or_default();
    if bcc(inside) != check {
        return Err(Damage::Check);
    }
    let text = inside.strip_suffix(&[ETX]).ok_or(Damage::Form)?;
    if whole.first() == Some(&STX) {
        return Ok(Frame::Message { command: None, body: text.to_vec() });
    }
    let (letters, rest) = text.split_first_chunk::<2>().ok_or(Damage::Form)?;
    let body = match rest {
        [] => Vec::new(),
        [STX, body @ ..] => body.to_vec(),
        _ => return Err(Damage::Form),
    };
    Ok(Frame::Message { command: Some(*letters), body })
}
