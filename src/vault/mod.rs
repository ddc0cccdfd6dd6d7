//! Secrets at rest (floor 2): XChaCha20-Poly1305 under a vault key.
//!
//! Single-user mode: the key lies in a file of its own beside the store (`NAME.key`), readable by its owner alone;
//! no prompt comes.

use std::path::Path;

use crate::model::Secret;

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
}

impl Vault {
    /// Opens the vault that belongs to a store's file, and makes one where there is none.
    ///
    /// # Errors
    /// The key file cannot be read or made, or others can read it.
    pub fn beside(store: &Path) -> Result<Self, VaultError> {
        let _ = store;
        unimplemented!()
    }

    /// Seals a secret for one place (`meter/7/password`): sealed bytes do not open for another place.
    #[must_use]
    pub fn seal(&self, place: &str, secret: &Secret) -> Vec<u8> {
        let _ = (place, secret, &self.key);
        unimplemented!()
    }

    /// Opens sealed bytes.
    ///
    /// # Errors
    /// They were sealed by another key, for another place, or altered.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Secret, VaultError> {
        let _ = (place, sealed);
        unimplemented!()
    }
}
