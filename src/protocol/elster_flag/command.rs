//! What a host asks of a meter (section 3).

use std::fmt;

use super::frame::Frame;
use crate::model::hex;

/// Octets in a full packet (section 3.2).
pub const PACKET_BYTES: u16 = 64;
/// The most packets that three hexadecimal digits number.
const MOST_PACKETS: u16 = 0xFFF;

/// A packet of a table in the meter: the table's identity, and which packet of it, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Data identity, 0 to 999.
    pub identity: u16,
    /// Packet, 1 to FFFh.
    pub packet: u16,
}

impl Place {
    /// The first packet of a table.
    #[must_use]
    pub const fn first(identity: u16) -> Self {
        Self { identity, packet: 1 }
    }

    fn read(text: &str) -> Option<Self> {
        let (identity, packet) = text.split_at_checked(3)?;
        let is_number = |text: &str| text.len() == 3 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
        if !is_number(identity) || !is_number(packet) {
            return None;
        }
        Some(Self { identity: identity.parse().ok()?, packet: u16::from_str_radix(packet, 16).ok()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:03}{:03x}", self.identity, self.packet)
    }
}

/// The packets that hold `bytes` octets, from a packet on, and how many octets to ask of each (section 3.2). Beyond the
/// last packet that has a number there are none.
pub fn packets(identity: u16, first: u16, bytes: u16) -> impl Iterator<Item = (Place, u8)> {
    let count = bytes.div_ceil(PACKET_BYTES);
    (0..count).filter_map(move |number| {
        let packet = first.checked_add(number).filter(|packet| *packet <= MOST_PACKETS)?;
        let left = bytes.checked_sub(number.checked_mul(PACKET_BYTES)?)?;
        let asked = u8::try_from(left.min(PACKET_BYTES)).ok()?;
        Some((Place { identity, packet }, asked))
    })
}

/// Octets of hexadecimal digits; an odd number of digits has a nought in front. Nothing where they are none.
#[must_use]
pub fn take_digits(digits: &[u8]) -> Option<Vec<u8>> {
    let nibble = |octet: &u8| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut nibbles: Vec<u8> = Vec::with_capacity(digits.len() + 1);
    if digits.len() % 2 == 1 {
        nibbles.push(0);
    }
    for digit in digits {
        nibbles.push(nibble(digit)?);
    }
    Some(
        nibbles
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |octet: u8, nibble| octet << 4 | nibble))
            .collect(),
    )
}

/// What a host sends in programming mode.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// A password of a level (section 2): level 1 plain, level 2 transformed, as the digits that go on the line.
    Password {
        /// 1 or 2.
        level: u8,
        /// What stands in the brackets.
        text: String,
    },
    /// Reads octets of a packet.
    Read {
        /// Which packet.
        place: Place,
        /// How many octets, at most 64.
        bytes: u8,
    },
    /// Writes a packet; the data are hexadecimal digits, as the line carries them, since some identities want a single
    /// digit (section 12).
    Write {
        /// Which packet.
        place: Place,
        /// Hexadecimal digits.
        digits: String,
    },
    /// Ends the session; nothing answers.
    Break,
}

impl fmt::Debug for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { level, .. } => write!(out, "P{level}(…)"),
            Self::Read { place, bytes } => write!(out, "R1 {place}({bytes:02X})"),
            Self::Write { place, digits } => write!(out, "W1 {place}({digits})"),
            Self::Break => out.write_str("B0"),
        }
    }
}

impl Command {
    /// Writes octets.
    #[must_use]
    pub fn write(place: Place, data: &[u8]) -> Self {
        Self::Write { place, digits: hex(data) }
    }

    /// The password command of level 2 with a transformed password.
    #[must_use]
    pub fn transformed(proof: [u8; 8]) -> Self {
        Self::Password { level: 2, text: hex(&proof) }
    }

    /// The frame that carries it.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let (command, body) = match self {
            Self::Password { level, text } => ([b'P', b'0' + level % 10], format!("({text})")),
            Self::Read { place, bytes } => (*b"R1", format!("{place}({bytes:02X})")),
            Self::Write { place, digits } => (*b"W1", format!("{place}({digits})")),
            Self::Break => (*b"B0", String::new()),
        };
        Frame::Message { command: Some(command), body: body.into_bytes() }
    }

    /// What a frame asks for, as a meter reads it; nothing where it is no command that these meters know.
    #[must_use]
    pub fn read(frame: &Frame) -> Option<Self> {
        let Frame::Message { command: Some(letters), body } = frame else { return None };
        if letters == b"B0" {
            return Some(Self::Break);
        }
        let body = std::str::from_utf8(body).ok()?;
        let (place, inside) = body.strip_suffix(')')?.split_once('(')?;
        match letters {
            [b'P', level @ b'1'..=b'9'] if place.is_empty() => {
                Some(Self::Password { level: level - b'0', text: inside.to_owned() })
            }
            b"R1" => {
                let is_length = (1..=2).contains(&inside.len());
                let bytes = u8::from_str_radix(inside, 16).ok().filter(|_| is_length)?;
                Some(Self::Read { place: Place::read(place)?, bytes })
            }
            b"W1" if inside.bytes().all(|octet| octet.is_ascii_hexdigit()) => {
                Some(Self::Write { place: Place::read(place)?, digits: inside.to_owned() })
            }
            _ => None,
        }
    }
}
