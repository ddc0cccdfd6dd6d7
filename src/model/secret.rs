//! Passwords and keys while they are in memory.

use std::fmt;
use std::str::FromStr;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A password or key. It is wiped when dropped and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Whoever calls this answers for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A 128-bit key, if it has that length.
    #[must_use]
    pub fn key(&self) -> Option<[u8; 16]> {
        self.0.as_slice().try_into().ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// What a secret is for: the KIND of `--secret KIND=…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// Low-level password, or the shared secret of high-level MD5, SHA-1 and SHA-256.
    Password,
    /// Global unicast encryption key (DLMS GUEK).
    EncryptionKey,
    /// Authentication key (DLMS GAK).
    AuthenticationKey,
    /// Master key that wraps new keys (DLMS KEK).
    MasterKey,
    /// Key that signs.
    SigningKey,
    /// Passphrase of a person.
    Passphrase,
}

impl SecretKind {
    /// All kinds with their words.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Password, "password"),
        (Self::EncryptionKey, "encryption-key"),
        (Self::AuthenticationKey, "authentication-key"),
        (Self::MasterKey, "master-key"),
        (Self::SigningKey, "signing-key"),
        (Self::Passphrase, "passphrase"),
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether it is written as hex.
    #[must_use]
    pub const fn is_key(self) -> bool {
        matches!(self, Self::EncryptionKey | Self::AuthenticationKey | Self::MasterKey | Self::SigningKey)
    }

    /// Reads a secret of this kind from text: hex for keys, the text itself otherwise; a password may be given
    /// as `hex:…`. A trailing line end is dropped.
    ///
    /// # Errors
    /// A key that is not hex, or an encryption, authentication or master key that is not 16 bytes. The message
    /// never repeats the text.
    pub fn parse(self, text: &str) -> Result<Secret, SecretError> {
        let text = text.trim_end_matches(['\r', '\n']);
        let hex = match (self.is_key(), text.strip_prefix("hex:")) {
            (_, Some(hex)) => hex,
            (true, None) => text,
            (false, None) => return Ok(Secret::new(text.as_bytes().to_vec())),
        };
        let hex: String = hex.chars().filter(|c| !c.is_whitespace() && *c != ':' && *c != '-').collect();
        let bytes = (0..hex.len())
            .step_by(2)
            .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .ok_or(SecretError::NotHex(self.word()))?;
        let wanted = match self {
            Self::EncryptionKey | Self::AuthenticationKey | Self::MasterKey => Some(16),
            Self::SigningKey => Some(32),
            Self::Password | Self::Passphrase => None,
        };
        match wanted {
            Some(wanted) if bytes.len() != wanted => {
                Err(SecretError::Length { kind: self.word(), wanted, found: bytes.len() })
            }
            _ => Ok(Secret::new(bytes)),
        }
    }
}

impl FromStr for SecretKind {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let found = Self::ALL.iter().find(|(_, word)| *word == text);
        found.map(|(kind, _)| *kind).ok_or(SecretError::UnknownKind)
    }
}

/// Why a secret was not taken. No variant holds any part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not hexadecimal.
    #[error("the {0} is not hexadecimal: write two hex digits a byte")]
    NotHex(&'static str),
    /// A key of another length.
    #[error("the {kind} has {found} bytes and must have {wanted}")]
    Length {
        /// Which kind.
        kind: &'static str,
        /// Bytes wanted.
        wanted: usize,
        /// Bytes found.
        found: usize,
    },
    /// A kind that does not exist. The text is not repeated: a secret may have been typed in its place.
    #[error(
        "a secret's kind is password, encryption-key, authentication-key, master-key, signing-key or passphrase"
    )]
    UnknownKind,
}

/// A meter's secrets, as the vault hands them out for one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterSecrets {
    /// Low-level password or high-level shared secret.
    pub password: Option<Secret>,
    /// Global unicast encryption key.
    pub encryption_key: Option<Secret>,
    /// Authentication key.
    pub authentication_key: Option<Secret>,
    /// Master key.
    pub master_key: Option<Secret>,
}

impl MeterSecrets {
    /// The secret of a kind.
    #[must_use]
    pub const fn get(&self, kind: SecretKind) -> Option<&Secret> {
        match kind {
            SecretKind::Password => self.password.as_ref(),
            SecretKind::EncryptionKey => self.encryption_key.as_ref(),
            SecretKind::AuthenticationKey => self.authentication_key.as_ref(),
            SecretKind::MasterKey => self.master_key.as_ref(),
            SecretKind::SigningKey | SecretKind::Passphrase => None,
        }
    }

    /// Puts a secret in its place; false for a kind that no meter has.
    pub fn set(&mut self, kind: SecretKind, secret: Secret) -> bool {
        let slot = match kind {
            SecretKind::Password => &mut self.password,
            SecretKind::EncryptionKey => &mut self.encryption_key,
            SecretKind::AuthenticationKey => &mut self.authentication_key,
            SecretKind::MasterKey => &mut self.master_key,
            SecretKind::SigningKey | SecretKind::Passphrase => return false,
        };
        *slot = Some(secret);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = SecretKind::Password.parse("MARKED").unwrap();
        let meter = MeterSecrets { password: Some(secret), ..MeterSecrets::default() };
        assert!(!format!("{meter:?}").contains("MARKED"));
    }

    #[test]
    fn keys_are_hex_of_the_right_length_and_errors_do_not_repeat_them() {
        let key = SecretKind::EncryptionKey.parse("00112233445566778899AABBCCDDEEFF\n").unwrap();
        assert_eq!(key.key().unwrap()[15], 0xFF);
        for text in ["00112233", "zz112233445566778899AABBCCDDEEFF", "é0"] {
            let error = SecretKind::EncryptionKey.parse(text).unwrap_err().to_string();
            assert!(!error.contains(text), "{error}");
        }
    }
}
