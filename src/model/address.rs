//! Server addresses as the meter wants them: `1`, `1/17`, with `@1`, `@2` or `@4` bytes.

use std::fmt;
use std::str::FromStr;

/// A DLMS server's address (IEC 62056-46 for HDLC; over the wrapper only the logical part travels).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    /// Logical device (upper HDLC address), 1 is the management logical device.
    pub logical: u16,
    /// Physical device (lower HDLC address).
    pub physical: Option<u16>,
    /// Bytes on an HDLC line; `None` takes the fewest that hold the parts.
    pub bytes: Option<AddressBytes>,
}

/// How many bytes an HDLC server address takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressBytes {
    /// One: logical only, below 128.
    One,
    /// Two: one for each part.
    Two,
    /// Four: two for each part.
    Four,
}

/// Why a text is not a server address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a server address: {reason}; write 1, 1/17 (logical/physical) or 1/17@4 (in four bytes)"
)]
pub struct AddressError {
    /// What was given.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl ServerAddress {
    /// The management logical device alone.
    pub const MANAGEMENT: Self = Self { logical: 1, physical: None, bytes: None };

    /// The bytes that an HDLC frame gives this address: as asked, or the fewest that do.
    #[must_use]
    pub fn hdlc_bytes(&self) -> AddressBytes {
        self.bytes.unwrap_or(match self.physical {
            None if self.logical < 0x80 => AddressBytes::One,
            physical if self.logical < 0x80 && physical.unwrap_or(0) < 0x80 => AddressBytes::Two,
            _ => AddressBytes::Four,
        })
    }
}

impl Default for ServerAddress {
    fn default() -> Self {
        Self::MANAGEMENT
    }
}

fn parse(text: &str) -> Result<ServerAddress, &'static str> {
    let (parts, bytes) = match text.trim().split_once('@') {
        None => (text.trim(), None),
        Some((parts, "1")) => (parts, Some(AddressBytes::One)),
        Some((parts, "2")) => (parts, Some(AddressBytes::Two)),
        Some((parts, "4")) => (parts, Some(AddressBytes::Four)),
        Some(_) => return Err("after @ stands 1, 2 or 4"),
    };
    let number = |part: &str| part.parse::<u16>().map_err(|_| "a part is not a number from 0 to 65535");
    let (logical, physical) = match parts.split_once('/') {
        None => (number(parts)?, None),
        Some((logical, physical)) => (number(logical)?, Some(number(physical)?)),
    };
    let largest = logical.max(physical.unwrap_or(0));
    match bytes {
        Some(AddressBytes::One) if physical.is_some() => {
            return Err("one byte has no room for a physical part");
        }
        Some(AddressBytes::One | AddressBytes::Two) if largest > 0x7F => {
            return Err("a part above 127 needs four bytes");
        }
        // Without a physical part the wrapper's 16 bits may be meant.
        _ if physical.is_some() && largest > 0x3FFF => {
            return Err("a part of an HDLC address is above 16383");
        }
        Some(AddressBytes::Four) if largest > 0x3FFF => {
            return Err("a part of an HDLC address is above 16383");
        }
        _ => {}
    }
    Ok(ServerAddress { logical, physical, bytes })
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).map_err(|reason| AddressError { text: text.to_owned(), reason })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.logical)?;
        if let Some(physical) = self.physical {
            write!(out, "/{physical}")?;
        }
        match self.bytes {
            None => Ok(()),
            Some(AddressBytes::One) => out.write_str("@1"),
            Some(AddressBytes::Two) => out.write_str("@2"),
            Some(AddressBytes::Four) => out.write_str("@4"),
        }
    }
}

super::text::serde_as_text!(ServerAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_contract_is_read_and_written_back() {
        for text in ["1", "16", "1/17", "1@1", "1/17@2", "1/17@4", "1@4", "1/2836"] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_fewest_bytes_that_hold_the_parts_are_taken() {
        for (text, bytes) in [
            ("1", AddressBytes::One),
            ("1/17", AddressBytes::Two),
            ("1/2836", AddressBytes::Four),
            ("200", AddressBytes::Four),
            ("1/17@4", AddressBytes::Four),
        ] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().hdlc_bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in ["", "x", "1/", "1/17@1", "1/200@2", "1/20000", "1@3", "70000"] {
            assert!(text.parse::<ServerAddress>().is_err(), "{text}");
        }
    }
}
