//! What a meter answers (sections 3.1 and 3.4).

use std::fmt;

use super::command::take_digits;
use super::frame::Frame;

/// An error that a meter names: `(ERR5)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagError(pub u8);

impl FlagError {
    /// The command was not understood.
    pub const COMMAND: Self = Self(1);
    /// There is no such identity.
    pub const IDENTITY: Self = Self(2);
    /// The packet number is none of this identity.
    pub const PACKET: Self = Self(3);
    /// Locked: the password is missing or its time has run out.
    pub const LOCKED: Self = Self(5);
    /// A communications error; while firmware is loaded, authenticate and repeat.
    pub const COMMUNICATION: Self = Self(6);

    /// Whether the meter says that it does not have what was asked for.
    #[must_use]
    pub const fn is_absence(self) -> bool {
        matches!(self, Self::IDENTITY | Self::PACKET)
    }
}

impl fmt::Display for FlagError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            1 => "it does not understand the command",
            2 => "it does not know the identity",
            3 => "the packet number is not valid",
            5 => "it is locked: the password is missing, or its time has run out",
            6 => "a communications error",
            _ => "an error that nobody has published",
        };
        write!(out, "ERR{}: {words}", self.0)
    }
}

/// What a meter answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// It did what it was told.
    Ack,
    /// Parity, block check or form were wrong.
    Nak,
    /// What was asked for.
    Data(Vec<u8>),
    /// It names an error.
    Error(FlagError),
    /// The seed for the password.
    Operand([u8; 8]),
    /// It ends the session.
    Break,
    /// An answer that is built like none of these.
    Other(String),
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ack => out.write_str("ACK"),
            Self::Nak => out.write_str("NAK"),
            Self::Data(data) => write!(out, "{} octets", data.len()),
            Self::Error(error) => fmt::Display::fmt(error, out),
            Self::Operand(_) => out.write_str("P0(…)"),
            Self::Break => out.write_str("B0"),
            Self::Other(text) => write!(out, "{text:?}"),
        }
    }
}

impl Answer {
    /// What a frame means to a host; nothing where it is a host's own command, come back as an echo.
    #[must_use]
    pub fn read(frame: &Frame) -> Option<Self> {
        let (command, body) = match frame {
            Frame::Ack => return Some(Self::Ack),
            Frame::Nak => return Some(Self::Nak),
            Frame::Message { command, body } => (command.as_ref(), body),
        };
        let inside = body.strip_prefix(b"(").and_then(|body| body.strip_suffix(b")"));
        match command {
            Some(b"B0") => Some(Self::Break),
            Some(b"P0") => {
                let seed = inside.and_then(take_digits).and_then(|seed| <[u8; 8]>::try_from(seed).ok());
                Some(seed.map_or_else(|| Self::Other("a seed of another length".to_owned()), Self::Operand))
            }
            Some(_) => None,
            None => Some(inside.and_then(Self::inside).unwrap_or_else(|| {
                let text: String = String::from_utf8_lossy(body).chars().take(40).collect();
                Self::Other(text)
            })),
        }
    }

    fn inside(inside: &[u8]) -> Option<Self> {
        if let Some(number) = inside.strip_prefix(b"ERR") {
            let number = std::str::from_utf8(number).ok()?.parse().ok()?;
            return Some(Self::Error(FlagError(number)));
        }
        take_digits(inside).map(Self::Data)
    }
}
