//! Keys that sign packages, as files, and keys that are trusted.
//!
//! A signing key's file has three lines: `meterwright signing key 1`, the key's name, and `plain` or `sealed` with
//! hexadecimal digits. Plain digits are the 32 bytes of the Ed25519 secret. Sealed ones are salt (16), nonce (24) and
//! the secret with its tag, under XChaCha20-Poly1305 with a key that Argon2id (its crate's defaults: 19 MiB, 2 passes)
//! makes of a passphrase and the salt. The file is readable by its owner alone. The public key's file has
//! `meterwright public key 1`, the name, and 64 digits.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use argon2::Argon2;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::model::Secret;

use super::manifest::Hex;

const SECRET_HEADER: &str = "meterwright signing key 1";
const PUBLIC_HEADER: &str = "meterwright public key 1";
/// A key's file is not longer than this.
const MOST_BYTES: u64 = 4096;
/// A key's name is not longer than this.
const LONGEST_NAME: usize = 200;
const SALT: usize = 16;
const NONCE: usize = 24;

/// Why a key's file was not taken or not made. No variant holds any part of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key file {path}: {reason}")]
pub struct KeyError {
    /// Which file.
    pub path: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// A key's short name: the first eight bytes of the SHA-256 of its public half, shown as sixteen hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// The id of a public key.
    #[must_use]
    pub fn of(public: &[u8; 32]) -> Self {
        Self::of_bytes(public)
    }

    /// The id of a public key of any kind.
    pub(super) fn of_bytes(public: &[u8]) -> Self {
        let sum: [u8; 32] = Sha256::digest(public).into();
        let [a, b, c, d, e, f, g, h, ..] = sum;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02X}"))
    }
}

/// A public key that packages may be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The Ed25519 key.
    pub public: [u8; 32],
    /// For people.
    pub name: String,
}

impl TrustedKey {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.public)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PUBLIC_HEADER}\n{}\n{}\n", self.name, Hex(self.public.to_vec()))
    }

    /// Reads a public key's file.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = read_text(path)?;
        let none = || fail(path, "it is no public key of this program");
        let mut lines = text.lines();
        if lines.next() != Some(PUBLIC_HEADER) {
            if text.starts_with(SECRET_HEADER) {
                return Err(fail(
                    path,
                    "it is a signing key: what is trusted is the public key beside it (.pub)",
                ));
            }
            return Err(none());
        }
        let name = lines.next().filter(|name| is_name(name)).ok_or_else(none)?.to_owned();
        let digits: Hex = lines.next().and_then(|line| line.parse().ok()).ok_or_else(none)?;
        let public: [u8; 32] = digits.0.try_into().map_err(|_| none())?;
        VerifyingKey::from_bytes(&public).map_err(|_| none())?;
        Ok(Self { public, name })
    }
}

/// A key that signs.
pub struct SigningKeyFile {
    key: SigningKey,
    name: String,
}

impl fmt::Debug for SigningKeyFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKeyFile({}, {})", self.name, self.public().id())
    }
}

pub(super) fn fail(path: &Path, reason: impl Into<String>) -> KeyError {
    KeyError { path: path.display().to_string(), reason: reason.into() }
}

/// The bytes of a key's file.
pub(super) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = File::open(path).map_err(|error| fail(path, error.to_string()))?;
    // Of full size from the start: a buffer that grew would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MOST_BYTES as usize));
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| fail(path, error.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(fail(path, "it is too long for a key's file"));
    }
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let bytes = read_bytes(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| fail(path, "it is no key's file of this program"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whether a key can bear a name: one line of text that shows as what it is.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(super::manifest::hides)
}

#[cfg(unix)]
fn refuse_shared(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = std::fs::metadata(path).map_err(|error| fail(path, error.to_string()))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = mode & 0o777;
    Err(fail(path, format!("others than its owner can use it (mode {shown:03o}): run chmod 600 on it")))
}

/// On Windows a file is as private as the folder that it lies in.
#[cfg(not(unix))]
fn refuse_shared(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str, is_private: bool) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _the_folder_guards_it = is_private;
    let write = |mut file: File| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    options.open(path).and_then(write).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => fail(path, "it is there already, and is not overwritten"),
        _ => fail(path, error.to_string()),
    })
}

/// A file that could not be finished is taken away again.
fn write_pair(path: &Path, secret: &str, public_path: &Path, public: &str) -> Result<(), KeyError> {
    if public_path.exists() {
        return Err(fail(public_path, "it is there already, and is not overwritten"));
    }
    write_new(path, secret, true)?;
    write_new(public_path, public, false).inspect_err(|_| {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!("{} stays behind: {error}", path.display());
        }
    })
}

fn cipher(passphrase: &Secret, salt: &[u8]) -> Option<XChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; 32]);
    Argon2::default().hash_password_into(passphrase.expose(), salt, key.as_mut()).ok()?;
    XChaCha20Poly1305::new_from_slice(key.as_ref()).ok()
}

fn seal(secret: &[u8; 32], passphrase: &Secret) -> Option<Vec<u8>> {
    let mut sealed = vec![0; SALT + NONCE];
    getrandom::fill(&mut sealed).ok()?;
    let (salt, nonce) = sealed.split_at_checked(SALT)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    let payload = Payload { msg: secret, aad: SECRET_HEADER.as_bytes() };
    let boxed = cipher(passphrase, salt)?.encrypt(&XNonce::from(nonce), payload).ok()?;
    sealed.extend(boxed);
    Some(sealed)
}

fn open(sealed: &[u8], passphrase: &Secret) -> Option<Zeroizing<[u8; 32]>> {
    let (salt, rest) = sealed.split_at_checked(SALT)?;
    let (nonce, boxed) = rest.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: boxed, aad: SECRET_HEADER.as_bytes() };
    let plain = Zeroizing::new(cipher(passphrase, salt)?.decrypt(&XNonce::from(*nonce), payload).ok()?);
    plain.as_slice().try_into().ok().map(Zeroizing::new)
}

impl SigningKeyFile {
    /// A key from its secret alone: 32 bytes, which were kept elsewhere.
    ///
    /// # Errors
    /// It has not 32 bytes.
    pub fn of_secret(secret: &Secret, name: &str) -> Result<Self, String> {
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(secret.expose()).map_err(|_| {
            "the signing key has not 32 bytes: write the 64 hexadecimal digits of an Ed25519 secret"
                .to_owned()
        })?);
        Ok(Self { key: SigningKey::from_bytes(&bytes), name: name.to_owned() })
    }

    /// Makes a key and its two files, `path` and `path.pub`; neither is overwritten.
    ///
    /// # Errors
    /// A file is there already or cannot be made, or the name cannot be kept.
    pub fn create(path: &Path, name: &str, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(fail(path, "a key's name is a line of up to 200 characters"));
        }
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut())
            .map_err(|error| fail(path, format!("this computer gives no random numbers: {error}")))?;
        let kept = match passphrase {
            None => format!("plain {}", Hex(secret.to_vec())),
            Some(passphrase) => {
                let sealed = seal(&secret, passphrase)
                    .ok_or_else(|| fail(path, "the key cannot be sealed on this computer"))?;
                format!("sealed {}", Hex(sealed))
            }
        };
        let text = Zeroizing::new(format!("{SECRET_HEADER}\n{name}\n{}\n", Zeroizing::new(kept).as_str()));
        let made = Self { key: SigningKey::from_bytes(&secret), name: name.to_owned() };
        write_pair(path, &text, &Self::public_path(path), &made.public().to_text())?;
        Ok(made)
    }

    /// The file of the public half beside a signing key's.
    #[must_use]
    pub fn public_path(path: &Path) -> std::path::PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".pub");
        name.into()
    }

    /// Whether a signing key's file asks for a passphrase.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_sealed(path: &Path) -> Result<bool, KeyError> {
        Ok(read_text(path)?.lines().nth(2).is_some_and(|line| line.starts_with("sealed ")))
    }

    /// Reads a signing key's file.
    ///
    /// # Errors
    /// It cannot be read, others can read it, it is none, or the passphrase is missing or wrong.
    pub fn read(path: &Path, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let text = read_text(path)?;
        let none = || fail(path, "it is no signing key of this program, or was cut short");
        let mut lines = text.lines();
        if lines.next() != Some(SECRET_HEADER) {
            return Err(none());
        }
        refuse_shared(path)?;
        let name = lines.next().ok_or_else(none)?.to_owned();
        let (form, digits) = lines.next().and_then(|line| line.split_once(' ')).ok_or_else(none)?;
        let bytes = Zeroizing::new(digits.parse::<Hex>().map_err(|_| none())?.0);
        let secret = match (form, passphrase) {
            ("plain", _) => Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| none())?),
            ("sealed", None) => {
                return Err(fail(path, "it asks for a passphrase: give --secret passphrase=…"));
            }
            ("sealed", Some(passphrase)) => open(&bytes, passphrase)
                .ok_or_else(|| fail(path, "the passphrase is wrong, or the file was altered"))?,
            _ => return Err(none()),
        };
        Ok(Self { key: SigningKey::from_bytes(&secret), name })
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> TrustedKey {
        TrustedKey { public: self.key.verifying_key().to_bytes(), name: self.name.clone() }
    }

    /// Signs.
    #[must_use]
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_its_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = SigningKeyFile::create(&path, "Release", None).unwrap();
        let read = SigningKeyFile::read(&path, None).unwrap();
        assert_eq!(read.public(), made.public());
        assert_eq!(TrustedKey::read(&SigningKeyFile::public_path(&path)).unwrap(), made.public());
        assert!(SigningKeyFile::create(&path, "Release", None).unwrap_err().reason.contains("already"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(SigningKeyFile::read(&path, None).unwrap_err().reason.contains("chmod 600"));
        }
    }

    #[test]
    fn a_sealed_key_wants_its_own_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let made = SigningKeyFile::create(&path, "Release", Some(&secret("right"))).unwrap();
        assert!(SigningKeyFile::is_sealed(&path).unwrap());
        assert_eq!(SigningKeyFile::read(&path, Some(&secret("right"))).unwrap().public(), made.public());
        assert!(SigningKeyFile::read(&path, Some(&secret("wrong"))).is_err());
        assert!(SigningKeyFile::read(&path, None).unwrap_err().reason.contains("passphrase"));
    }

    #[test]
    fn a_signing_key_is_not_taken_for_a_public_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        SigningKeyFile::create(&path, "Release", None).unwrap();
        assert!(TrustedKey::read(&path).unwrap_err().reason.contains(".pub"));
        std::fs::write(folder.path().join("none"), "none").unwrap();
        assert!(TrustedKey::read(&folder.path().join("none")).is_err());
    }
}
