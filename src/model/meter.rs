//! A meter as this program knows it: where it hangs and how to be let in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::{serde_as_text, words};
use super::{Line, ServerAddress, Side};

/// A meter's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeterId(pub i64);

words! {
    /// How the association is authenticated (Green Book, mechanism ids 0 to 7).
    Auth: "an authentication" {
        /// Mechanism 0: lowest level.
        None = "none",
        /// Mechanism 1: low level, a password in the clear.
        Low = "low",
        /// Mechanism 3.
        HighMd5 = "high-md5",
        /// Mechanism 4.
        HighSha1 = "high-sha1",
        /// Mechanism 5.
        HighGmac = "high-gmac",
        /// Mechanism 6.
        HighSha256 = "high-sha256",
        /// Mechanism 7.
        HighEcdsa = "high-ecdsa",
    }
}

serde_as_text!(Auth);

words! {
    /// How APDUs are protected under security suite 0.
    Security: "a security level" {
        /// In the clear.
        None = "none",
        /// Authenticated.
        Authenticated = "auth",
        /// Encrypted.
        Encrypted = "encrypt",
        /// Authenticated and encrypted.
        Both = "both",
    }
}

serde_as_text!(Security);

/// Eight bytes that name one end of a ciphered association: three letters of the maker, five of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SystemTitle(pub [u8; 8]);

impl fmt::Display for SystemTitle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02X}"))
    }
}

impl fmt::Debug for SystemTitle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for SystemTitle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("`{text}` is not a system title: write 16 hex digits, or 8 characters");
        if text.len() == 8 && text.is_ascii() && text.parse::<u64>().is_err() {
            return text.as_bytes().try_into().map(Self).map_err(|_| fail());
        }
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fail());
        }
        let bits = u64::from_str_radix(text, 16).map_err(|_| fail())?;
        Ok(Self(bits.to_be_bytes()))
    }
}

super::text::serde_as_text!(SystemTitle);

/// Everything about a meter that a person enters, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterConfig {
    /// The name it goes by; unique in a store.
    pub name: String,
    /// Serial number on its plate; filled in by the first read where it was left empty.
    pub serial: Option<String>,
    /// Where it hangs.
    pub line: Line,
    /// Template name.
    pub template: String,
    /// Server address; the template's where it is `None`.
    pub address: Option<ServerAddress>,
    /// Client address (SAP); the template's where it is `None`.
    pub client: Option<u16>,
    /// This program's own system title towards this meter; one is made from the store where it is `None`.
    pub client_title: Option<SystemTitle>,
    /// The meter's system title, for pre-established associations.
    pub server_title: Option<SystemTitle>,
    /// Authentication.
    pub auth: Auth,
    /// Protection of APDUs.
    pub security: Security,
    /// Metering point.
    pub point: Option<String>,
    /// Group; `/` makes a tree.
    pub group: Option<String>,
    /// IANA time zone; this computer's where it is `None`.
    pub time_zone: Option<String>,
    /// Which side of the transformers the meter's registers stand for.
    pub registers_in: Side,
    /// Free text.
    pub note: String,
}

impl MeterConfig {
    /// Whether its APDUs are ciphered, or its authentication uses a key: either takes invocation counters.
    #[must_use]
    pub fn is_ciphered(&self) -> bool {
        self.security != Security::None || self.auth == Auth::HighGmac
    }

    /// A meter with the usual settings.
    #[must_use]
    pub fn new(name: impl Into<String>, line: Line) -> Self {
        Self {
            name: name.into(),
            serial: None,
            line,
            template: "dlms-generic".to_owned(),
            address: None,
            client: None,
            client_title: None,
            server_title: None,
            auth: Auth::None,
            security: Security::None,
            point: None,
            group: None,
            time_zone: None,
            registers_in: Side::default(),
            note: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_contract() {
        let auth: Vec<&str> = Auth::ALL.iter().map(|auth| auth.word()).collect();
        assert_eq!(auth.join("|"), "none|low|high-md5|high-sha1|high-gmac|high-sha256|high-ecdsa");
        let security: Vec<&str> = Security::ALL.iter().map(|security| security.word()).collect();
        assert_eq!(security.join("|"), "none|auth|encrypt|both");
        assert!("HIGH".parse::<Auth>().unwrap_err().to_string().contains("high-gmac"));
    }

    #[test]
    fn a_system_title_is_hex_or_eight_characters() {
        assert_eq!("4D4D4D0000BC614E".parse::<SystemTitle>().unwrap().0[..3], *b"MMM");
        assert_eq!("MTWABCDE".parse::<SystemTitle>().unwrap().0, *b"MTWABCDE");
        assert!("4D4D".parse::<SystemTitle>().is_err());
        assert!("éééé".parse::<SystemTitle>().is_err());
    }
}
