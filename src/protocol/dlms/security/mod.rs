//! Security suite 0 (Green Book 9.2): AES-GCM-128 with a tag of twelve bytes, and the functions of high-level
//! authentication. Both ends of an association use the same code.

mod context;
mod handshake;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, Nonce, Tag, aes::Aes128};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::model::{Security, SystemTitle};

use super::apdu::{Protected, SecurityControl};

pub use context::{CipherContext, Envelope};
pub use handshake::{Handshake, random};

type Gcm = AesGcm<Aes128, U12, U12>;

/// Bytes of an authentication tag.
pub const TAG_BYTES: usize = 12;

/// Why ciphering failed. No text holds any part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecurityError {
    /// The tag is not the one that the keys give.
    #[error(
        "an answer does not fit the keys: the encryption or authentication key is wrong, or it was altered"
    )]
    Tag,
    /// It is too short to be what it claims to be.
    #[error("a ciphered answer is too short")]
    Short,
    /// It is protected in a way that is not spoken.
    #[error("a ciphered answer is protected in a way that is not supported: {0}")]
    Unsupported(String),
    /// It is protected less than what was agreed.
    #[error("an answer is not authenticated although the association is")]
    Weaker,
    /// Its counter did not rise: somebody may be playing back old answers.
    #[error(
        "security event: the meter's invocation counter went from {last} to {found}; an old answer may have been \
         played back"
    )]
    Replay {
        /// The last one.
        last: u32,
        /// This one.
        found: u32,
    },
    /// The other end's system title is not known.
    #[error("the meter's system title is not known: it gave none, and none is set")]
    NoTitle,
    /// No dedicated key was agreed.
    #[error("an answer is ciphered with a dedicated key that was never agreed")]
    NoDedicatedKey,
    /// High-level authentication: the other end's proof is wrong.
    #[error("the meter's proof is wrong: it does not know the secret, or somebody is in between")]
    Proof,
    /// High-level authentication: the other end sent our own challenge back.
    #[error("the meter sent our own challenge back: that proves nothing, and somebody may be in between")]
    Reflected,
    /// No random numbers.
    #[error("the operating system gave no random numbers")]
    Random,
}

impl SecurityControl {
    /// Suite 0 with this protection.
    #[must_use]
    pub const fn of(security: Security) -> Self {
        Self(match security {
            Security::None => 0,
            Security::Authenticated => Self::AUTHENTICATED,
            Security::Encrypted => Self::ENCRYPTED,
            Security::Both => Self::AUTHENTICATED | Self::ENCRYPTED,
        })
    }
}

/// An encryption key with its authentication key. Wiped when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SuiteKey {
    encryption: [u8; 16],
    authentication: [u8; 16],
}

impl std::fmt::Debug for SuiteKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SuiteKey(…)")
    }
}

impl SuiteKey {
    /// Block-cipher key and authentication key.
    #[must_use]
    pub const fn new(encryption: [u8; 16], authentication: [u8; 16]) -> Self {
        Self { encryption, authentication }
    }

    /// The same authentication key with another encryption key: a dedicated key.
    #[must_use]
    pub const fn with_encryption(&self, encryption: [u8; 16]) -> Self {
        Self { encryption, authentication: self.authentication }
    }

    fn gcm(&self) -> Gcm {
        Gcm::new(&self.encryption.into())
    }

    fn associated(&self, control: SecurityControl, parts: [&[u8]; 2]) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(vec![control.0]);
        out.extend(self.authentication);
        out.extend(parts.concat());
        out
    }

    /// Authenticates `data` without hiding it (GMAC).
    fn mac(&self, control: SecurityControl, title: SystemTitle, counter: u32, data: [&[u8]; 2]) -> Tag<U12> {
        let aad = self.associated(control, data);
        // GCM fails on messages beyond 64 GiB alone, and this one is empty.
        self.gcm()
            .encrypt_inout_detached(&nonce(title, counter), &aad, (&mut [][..]).into())
            .unwrap_or_default()
    }

    /// Adds or takes away the key stream, which is the same; gives the tag over what was hidden.
    fn stream(&self, title: SystemTitle, counter: u32, aad: &[u8], buffer: &mut [u8]) -> Tag<U12> {
        self.gcm().encrypt_inout_detached(&nonce(title, counter), aad, buffer.into()).unwrap_or_default()
    }

    /// Protects a plain APDU. `header` is what general-ciphering authenticates in addition; empty otherwise.
    #[must_use]
    pub fn seal(
        &self,
        control: SecurityControl,
        title: SystemTitle,
        counter: u32,
        header: &[u8],
        plain: &[u8],
    ) -> Protected {
        let mut payload = plain.to_vec();
        match (control.is_encrypted(), control.is_authenticated()) {
            (false, false) => {}
            (false, true) => payload.extend(self.mac(control, title, counter, [header, plain])),
            (true, false) => {
                self.stream(title, counter, &[], &mut payload);
            }
            (true, true) => {
                let aad = self.associated(control, [header, &[]]);
                let tag = self.stream(title, counter, &aad, &mut payload);
                payload.extend(tag);
            }
        }
        Protected { control, counter, payload }
    }

    /// Takes the protection off again.
    ///
    /// # Errors
    /// The tag does not fit, or the protection is of a kind that suite 0 does not have.
    pub fn open(
        &self,
        body: &Protected,
        title: SystemTitle,
        header: &[u8],
    ) -> Result<Vec<u8>, SecurityError> {
        let control = body.control;
        if control.suite() != 0 {
            return Err(SecurityError::Unsupported(format!("security suite {}", control.suite())));
        }
        if control.0 & SecurityControl::COMPRESSED != 0 {
            return Err(SecurityError::Unsupported("compression".to_owned()));
        }
        if control.0 & SecurityControl::BROADCAST != 0 {
            return Err(SecurityError::Unsupported("the broadcast key".to_owned()));
        }
        let tag_bytes = if control.is_authenticated() { TAG_BYTES } else { 0 };
        let length = body.payload.len().checked_sub(tag_bytes).ok_or(SecurityError::Short)?;
        let (contents, tag) = body.payload.split_at_checked(length).ok_or(SecurityError::Short)?;
        let mut plain = contents.to_vec();
        match (control.is_encrypted(), control.is_authenticated()) {
            (false, false) => {}
            (false, true) => {
                if !same(&self.mac(control, title, body.counter, [header, contents]), tag) {
                    return Err(SecurityError::Tag);
                }
            }
            (true, false) => {
                self.stream(title, body.counter, &[], &mut plain);
            }
            (true, true) => {
                let aad = self.associated(control, [header, &[]]);
                let tag = Tag::<U12>::try_from(tag).map_err(|_| SecurityError::Short)?;
                self.gcm()
                    .decrypt_inout_detached(
                        &nonce(title, body.counter),
                        &aad,
                        plain.as_mut_slice().into(),
                        &tag,
                    )
                    .map_err(|_| SecurityError::Tag)?;
            }
        }
        Ok(plain)
    }
}

fn nonce(title: SystemTitle, counter: u32) -> Nonce<U12> {
    let mut out = Nonce::<U12>::default();
    let bytes = title.0.into_iter().chain(counter.to_be_bytes());
    out.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    out
}

/// Compares without telling by its duration where two differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
