//! Secrets at rest (floor 2): XChaCha20-Poly1305 under a vault key.
//!
//! Single-user mode: the key lies in a file of its own beside the store (`NAME.key` for a store `NAME`), readable by
//! its owner alone; no prompt comes.
//!
//! The vault cannot see into the store. Where the store holds sealed secrets
//! (`StoreReader::has_secrets` says so), open its vault with [`Vault::open_existing`]:
//! a missing key file is then an error, not a reason to make a new key that opens none of them. Where it holds none,
//! [`Vault::beside`] opens the key file or makes it.
//!
//! Once people are set up, the key lies in no file: each person has a share of it that the person's passphrase opens
//! (`person`).
//!
//! A sealed secret is one byte of format (2), the number of the key (8 bytes), the nonce (24 bytes), the ciphertext and
//! its tag (16 bytes). The place that it was sealed for is authenticated with it. Format 1 had no number.

mod key_file;
mod person;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::model::{MeterId, Secret, SecretKind};

#[cfg(test)]
pub(crate) use person::tests::CHEAP;
pub use person::{Cost, SHORTEST_PASSPHRASE, check_passphrase, make_lock};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const FORMAT: u8 = 2;
/// Without the key's number.
const OLD_FORMAT: u8 = 1;
const NUMBER_BYTES: usize = 8;
/// Keeps these seals apart from any other use of the key.
const DOMAIN: &[u8] = b"meterwright vault 1\0";
const NUMBER_DOMAIN: &[u8] = b"meterwright vault key's number 1\0";

/// What tells one vault key from another; it gives nothing of the key away.
pub type KeyNumber = [u8; NUMBER_BYTES];

/// Seals and opens secrets.
#[derive(Debug)]
pub struct Vault {
    key: Secret,
}

/// Why the vault failed. No variant holds any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file.
    #[error("the vault's key file {path}: {reason}")]
    KeyFile {
        /// Which file.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Sealed bytes that this key does not open.
    #[error(
        "a stored secret cannot be opened with this vault's key: was the key file replaced, or the store copied without it?"
    )]
    CannotOpen,
    /// Bytes that were sealed with another key than this vault's.
    #[error("a stored secret was sealed with another key than the one that is open here")]
    OtherKey,
    /// A person's passphrase.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A person's entry does not fit together.
    #[error("the person's entry in the store was changed by something else than this program")]
    Altered,
    /// The system gives no random numbers.
    #[error("this computer gives no random numbers: {0}")]
    NoRandomness(String),
    /// Not enough memory for hashing a passphrase.
    #[error("this computer has not enough memory to seal a passphrase")]
    NotMade,
}

impl Vault {
    /// The key file that belongs to a store's file.
    #[must_use]
    pub fn key_file(store: &Path) -> PathBuf {
        let mut name = store.as_os_str().to_owned();
        name.push(".key");
        PathBuf::from(name)
    }

    /// The place of a meter's secret, for [`Vault::seal`] and [`Vault::open`]: `meter/7/password`.
    #[must_use]
    pub fn place(meter: MeterId, kind: SecretKind) -> String {
        format!("meter/{}/{}", meter.0, kind.word())
    }

    /// Opens the vault that belongs to a store's file, and makes one where there is none. Only for a store that
    /// holds no sealed secret yet; otherwise [`Vault::open_existing`].
    ///
    /// # Errors
    /// The key file cannot be read or made, or others can read it.
    pub fn beside(store: &Path) -> Result<Self, VaultError> {
        let path = Self::key_file(store);
        match key_file::read(&path)? {
            Some(key) => Ok(Self { key }),
            None => key_file::create(&path).map(|key| Self { key }),
        }
    }

    /// Opens the vault that belongs to a store's file.
    ///
    /// # Errors
    /// The key file is missing, cannot be read, or others can read it.
    pub fn open_existing(store: &Path) -> Result<Self, VaultError> {
        let path = Self::key_file(store);
        let missing = || {
            VaultError::KeyFile {
            path: path.display().to_string(),
            reason: "it is missing, and the store holds secrets that only this key opens: copy it here from where the store was, or from a backup".to_owned(),
        }
        };
        key_file::read(&path)?.map(|key| Self { key }).ok_or_else(missing)
    }

    /// Makes the vault of a new store. A key file that is there already is never overwritten.
    ///
    /// # Errors
    /// The key file is there already or cannot be made.
    pub fn create(store: &Path) -> Result<Self, VaultError> {
        let path = Self::key_file(store);
        if key_file::read(&path)?.is_some() {
            let reason = "it is there already, and is not overwritten".to_owned();
            return Err(VaultError::KeyFile { path: path.display().to_string(), reason });
        }
        key_file::create(&path).map(|key| Self { key })
    }

    /// Opens the vault whose key has this number, from the file that belongs to a store's file; finishes a change of
    /// keys that was cut short after the store had the new one.
    ///
    /// # Errors
    /// No file holds that key.
    pub fn open_numbered(store: &Path, number: &[u8]) -> Result<Self, VaultError> {
        let path = Self::key_file(store);
        let kept = key_file::read(&path)?.map(|key| Self { key });
        if let Some(vault) = kept.filter(|vault| vault.number() == number) {
            return Ok(vault);
        }
        let next = key_file::next(&path, number);
        let found = key_file::read(&next)?.map(|key| Self { key }).filter(|vault| vault.number() == number);
        let vault = found.ok_or_else(|| {
            let reason = "it is not the one that the store's secrets are sealed with: copy the right one here from where the store was, or from a backup";
            VaultError::KeyFile { path: path.display().to_string(), reason: reason.to_owned() }
        })?;
        key_file::take_place(&next, &path)?;
        Ok(vault)
    }

    /// Puts this vault's key into a file that [`Vault::open_numbered`] finds, beside the one in use: the first step of
    /// a change of keys. The store is told of the new key next, and then [`Vault::settle_beside`] ends it.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn prepare_beside(&self, store: &Path) -> Result<(), VaultError> {
        key_file::place(&key_file::next(&Self::key_file(store), &self.number()), &self.key)
    }

    /// Makes the prepared file the one in use.
    ///
    /// # Errors
    /// It cannot be; opening the vault by its number does it later.
    pub fn settle_beside(&self, store: &Path) -> Result<(), VaultError> {
        let path = Self::key_file(store);
        key_file::take_place(&key_file::next(&path, &self.number()), &path)
    }

    /// Takes the prepared file away again, where the store did not take the new key.
    pub fn abandon_beside(&self, store: &Path) {
        key_file::remove(&key_file::next(&Self::key_file(store), &self.number()));
    }

    /// Takes the key file away: the key is in people's shares, or in use no more.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove_beside(store: &Path) -> Result<(), VaultError> {
        key_file::wipe(&Self::key_file(store))
    }

    /// The number of this vault's key.
    #[must_use]
    pub fn number(&self) -> KeyNumber {
        let sum: [u8; 32] =
            Sha256::new().chain_update(NUMBER_DOMAIN).chain_update(self.key.expose()).finalize().into();
        let mut number = [0; NUMBER_BYTES];
        number.iter_mut().zip(sum).for_each(|(slot, byte)| *slot = byte);
        number
    }

    /// The number of the key that some bytes were sealed with; nothing for those of an older version.
    #[must_use]
    pub fn number_of(sealed: &[u8]) -> Option<KeyNumber> {
        match sealed.split_first()? {
            (&FORMAT, rest) => rest.first_chunk().copied(),
            _ => None,
        }
    }

    fn cipher(&self) -> Option<XChaCha20Poly1305> {
        XChaCha20Poly1305::new_from_slice(self.key.expose()).ok()
    }

    /// A nonce that no other secret gets: random, and bound to the secret besides, so that it stays good even where
    /// the system's randomness fails.
    fn nonce(&self, place: &str, secret: &Secret) -> XNonce {
        let mut random = [0; NONCE_BYTES];
        // Without randomness the nonce depends on key, place and secret alone: only equal messages share it.
        let _ = getrandom::fill(&mut random);
        let mut sum: [u8; 32] = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update(self.key.expose())
            .chain_update(random)
            .chain_update((place.len() as u64).to_be_bytes())
            .chain_update(place)
            .chain_update(secret.expose())
            .finalize()
            .into();
        let mut nonce = XNonce::default();
        nonce.iter_mut().zip(sum).for_each(|(slot, byte)| *slot = byte);
        sum.zeroize();
        nonce
    }

    /// Seals a secret for one place (`meter/7/password`): sealed bytes do not open for another place.
    #[must_use]
    pub fn seal(&self, place: &str, secret: &Secret) -> Vec<u8> {
        let nonce = self.nonce(place, secret);
        let bound = bound_to(place);
        let payload = Payload { msg: secret.expose(), aad: &bound };
        // Invariant: the key has 32 bytes (`key_file` makes no other), and a secret is far below the cipher's limit
        // of 256 GiB. Bytes that do not open would be the outcome if it were broken, never a secret in the clear.
        let sealed =
            self.cipher().and_then(|cipher| cipher.encrypt(&nonce, payload).ok()).unwrap_or_default();
        let mut out = vec![FORMAT];
        out.extend(self.number());
        out.extend(nonce);
        out.extend(sealed);
        out
    }

    /// Opens sealed bytes.
    ///
    /// # Errors
    /// They were sealed by another key, for another place, or altered.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Secret, VaultError> {
        let (format, rest) = sealed.split_first().ok_or(VaultError::CannotOpen)?;
        let rest = match *format {
            OLD_FORMAT => rest,
            FORMAT => {
                let (number, rest) =
                    rest.split_first_chunk::<NUMBER_BYTES>().ok_or(VaultError::CannotOpen)?;
                if *number != self.number() {
                    return Err(VaultError::OtherKey);
                }
                rest
            }
            _ => return Err(VaultError::CannotOpen),
        };
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::CannotOpen)?;
        let bound = bound_to(place);
        let payload = Payload { msg: ciphertext, aad: &bound };
        let cipher = self.cipher().ok_or(VaultError::CannotOpen)?;
        let opened = cipher.decrypt(&XNonce::from(*nonce), payload);
        opened.map(Secret::new).map_err(|_| VaultError::CannotOpen)
    }
}

fn bound_to(place: &str) -> Vec<u8> {
    [DOMAIN, place.as_bytes()].concat()
}
