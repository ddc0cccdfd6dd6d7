//! The package's file: written, read as a stream, judged.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `MTWFWPK1` |
//! | 4 | length of the manifest, big-endian, at most 64 KiB |
//! | … | the manifest: JSON in the order of [`Manifest`], without blanks |
//! | 8 | length of the image, big-endian, at most 1 GiB |
//! | … | the image |
//! | 32 | the Ed25519 public key that signed |
//! | 64 | the signature |
//!
//! Signed is `meterwright firmware package 1`, a nought, the length of the manifest and the manifest as they stand in
//! the file, the length of the image, and the SHA-256 of the image. A file that ends behind the image is a package
//! that nobody signed.
//!
//! Nothing is believed of a length before the file was seen to be that long. The image is never held as a whole: it is
//! hashed once when the file is opened, in pieces whose digests are kept, and each piece is checked against its digest
//! when it is read again: what goes to a meter is what was signed, whatever becomes of the file meanwhile.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ed25519_dalek::{Signature, VerifyingKey};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::keys::{KeyId, SigningKeyFile, TrustedKey};
use super::manifest::{Hex, Manifest};

const MAGIC: &[u8; 8] = b"MTWFWPK1";
const DOMAIN: &[u8] = b"meterwright firmware package 1\0";
const LONGEST_MANIFEST: u32 = 64 << 10;
const LONGEST_IMAGE: u64 = 1 << 30;
/// Bytes of a piece whose digest is kept.
const PIECE: usize = 64 << 10;

/// Why a package was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The file cannot be read or written, or is no package, or a broken one.
    #[error("the package {path}: {reason}")]
    Broken {
        /// Which file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// It is a package, and must not be used: unsigned, altered, foreign, expired.
    #[error("the package is refused: {0}")]
    Refused(String),
}

/// Who signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seal {
    public: [u8; 32],
    signature: [u8; 64],
}

impl Seal {
    fn is_sound(&self, message: &[u8]) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        VerifyingKey::from_bytes(&self.public).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

const ALTERED: &str = "it was altered after it was signed";

/// Why a file was not taken, before its name is put beside it.
enum Flaw {
    Broken(String),
    Altered,
}

impl From<String> for Flaw {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

impl Flaw {
    fn of(self, path: &Path) -> PackageError {
        match self {
            Self::Broken(reason) => PackageError::Broken { path: path.display().to_string(), reason },
            Self::Altered => PackageError::Refused(ALTERED.to_owned()),
        }
    }
}

fn read_manifest(json: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest =
        serde_json::from_slice(json).map_err(|error| format!("its manifest does not read: {error}"))?;
    match manifest.problem() {
        Some(problem) => Err(format!("its manifest is not sound: {problem}")),
        None => Ok(manifest),
    }
}

/// A package on disk, whole and read through once.
pub struct Package {
    path: PathBuf,
    manifest: Manifest,
    seal: Option<Seal>,
    /// SHA-256 of the image as it lies in the file.
    sha256: [u8; 32],
    message: Vec<u8>,
    image_size: u64,
    pieces: Vec<[u8; 32]>,
    source: Mutex<Source>,
}

/// The open file, and the piece that was read last.
struct Source {
    file: Box<dyn ReadSeek>,
    image_at: u64,
    last: Option<(usize, Vec<u8>)>,
}

/// What a package is read from.
trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

impl std::fmt::Debug for Package {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Package")
            .field("path", &self.path)
            .field("manifest", &self.manifest)
            .finish_non_exhaustive()
    }
}

fn signed_message(manifest: &[u8], image_size: u64, sha256: &[u8; 32]) -> Vec<u8> {
    // Manifests longer than 64 KiB are refused before this.
    let length = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
    [DOMAIN, &length.to_be_bytes(), manifest, &image_size.to_be_bytes(), sha256].concat()
}

/// A reader's SHA-256 and length.
///
/// # Errors
/// It cannot be read.
pub fn digest(mut from: impl Read) -> io::Result<(u64, [u8; 32])> {
    let (mut sum, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; PIECE];
    loop {
        let count = from.read(&mut buffer)?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return Ok((size, sum.finalize().into()));
        }
        sum.update(piece);
        size += piece.len() as u64;
    }
}

/// Writes a package.
///
/// # Errors
/// The image is not the manifest's, or the file cannot be written.
pub fn write(
    mut out: impl Write,
    manifest: &Manifest,
    mut image: impl Read,
    key: &SigningKeyFile,
) -> Result<(), PackageError> {
    let broken = |reason: String| PackageError::Broken { path: "to be written".to_owned(), reason };
    if let Some(problem) = manifest.problem() {
        return Err(broken(problem));
    }
    let json = serde_json::to_vec(manifest).map_err(|error| broken(error.to_string()))?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length <= LONGEST_MANIFEST);
    let length = length.ok_or_else(|| broken("the manifest is longer than 64 KiB".to_owned()))?;
    if manifest.size > LONGEST_IMAGE {
        return Err(broken("the image is longer than 1 GiB".to_owned()));
    }
    let mut sum = Sha256::new();
    let mut body = || -> io::Result<u64> {
        out.write_all(MAGIC)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&json)?;
        out.write_all(&manifest.size.to_be_bytes())?;
        let mut buffer = vec![0; PIECE];
        let mut written = 0;
        loop {
            let count = image.read(&mut buffer)?;
            let piece = buffer.get(..count).unwrap_or_default();
            if piece.is_empty() {
                return Ok(written);
            }
            sum.update(piece);
            out.write_all(piece)?;
            written += piece.len() as u64;
        }
    };
    let written = body().map_err(|error| broken(error.to_string()))?;
    let sha256: [u8; 32] = sum.finalize().into();
    if written != manifest.size || manifest.sha256.0 != sha256 {
        return Err(broken("the image changed while it was packed".to_owned()));
    }
    let signature = key.sign(&signed_message(&json, manifest.size, &sha256));
    let mut end = || -> io::Result<()> {
        out.write_all(&key.public().public)?;
        out.write_all(&signature)?;
        out.flush()
    };
    end().map_err(|error| broken(error.to_string()))
}

/// Reads a fixed number of bytes; `what` stands there.
fn exactly<const N: usize>(from: &mut dyn ReadSeek, what: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|error| cut_short(&error, what))?;
    Ok(bytes)
}

fn cut_short(error: &io::Error, what: &str) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("it ends within {what}"),
        _ => error.to_string(),
    }
}

/// Hashes the image piece by piece.
fn hash_image(from: &mut dyn ReadSeek, size: u64) -> Result<([u8; 32], Vec<[u8; 32]>), String> {
    let (mut whole, mut pieces) = (Sha256::new(), Vec::new());
    let mut buffer = vec![0; PIECE];
    let mut left = size;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let piece = buffer.get_mut(..count).unwrap_or_default();
        from.read_exact(piece).map_err(|error| cut_short(&error, "the image"))?;
        whole.update(&*piece);
        pieces.push(Sha256::digest(&*piece).into());
        left -= count as u64;
    }
    Ok((whole.finalize().into(), pieces))
}

/// Whether a signature stands behind the image, by how many bytes there are.
fn is_signed(behind: u64) -> Result<bool, String> {
    match behind {
        0 => Ok(false),
        96 => Ok(true),
        1..96 => Err("it ends within the signature".to_owned()),
        _ => Err("there is more behind the signature".to_owned()),
    }
}

impl Package {
    /// Opens a package and reads it through once.
    ///
    /// # Errors
    /// [`PackageError::Broken`]; whether it may be used is [`Package::judge`]'s to say.
    pub fn open(path: &Path) -> Result<Self, PackageError> {
        let broken = |reason: String| PackageError::Broken { path: path.display().to_string(), reason };
        // Opening a pipe would wait for whoever writes into it.
        let about = std::fs::metadata(path).map_err(|error| broken(error.to_string()))?;
        if !about.is_file() {
            return Err(broken("it is no file".to_owned()));
        }
        let file = File::open(path).map_err(|error| broken(error.to_string()))?;
        Self::read(path, Box::new(file)).map_err(|flaw| flaw.of(path))
    }

    /// A package in memory: for tests and fuzzing.
    ///
    /// # Errors
    /// As [`Package::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, PackageError> {
        let path = Path::new("in memory");
        Self::read(path, Box::new(io::Cursor::new(bytes))).map_err(|flaw| flaw.of(path))
    }

    fn read(path: &Path, mut from: Box<dyn ReadSeek>) -> Result<Self, Flaw> {
        let length = from.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
        from.rewind().map_err(|error| error.to_string())?;
        let from_file = from.as_mut();
        if exactly::<8>(from_file, "its first eight bytes").is_ok_and(|magic| magic != *MAGIC) || length < 8 {
            return Err("it is no firmware package of this program".to_owned().into());
        }
        let manifest_length = u32::from_be_bytes(exactly(from_file, "the manifest's length")?);
        let mut left = length.saturating_sub(12);
        if manifest_length > LONGEST_MANIFEST || u64::from(manifest_length) > left {
            let reason =
                format!("its manifest would have {manifest_length} bytes, more than there are or may be");
            return Err(reason.into());
        }
        let mut json = vec![0; usize::try_from(manifest_length).unwrap_or(0)];
        from_file.read_exact(&mut json).map_err(|error| cut_short(&error, "the manifest"))?;
        left -= u64::from(manifest_length);
        let image_size = u64::from_be_bytes(exactly(from_file, "the image's length")?);
        left = left.saturating_sub(8);
        if image_size > LONGEST_IMAGE || image_size > left {
            let reason = format!("its image would have {image_size} bytes, more than there are or may be");
            return Err(reason.into());
        }
        let image_at = length - left;
        // Before anything long is hashed.
        let is_signed = is_signed(left - image_size)?;
        let (sha256, pieces) = hash_image(from_file, image_size)?;
        let seal = if is_signed {
            Some(Seal {
                public: exactly(from_file, "the public key")?,
                signature: exactly(from_file, "the signature")?,
            })
        } else {
            None
        };
        let message = signed_message(&json, image_size, &sha256);
        let manifest = read_manifest(&json).map_err(|reason| match &seal {
            Some(seal) if !seal.is_sound(&message) => Flaw::Altered,
            _ => Flaw::Broken(reason),
        })?;
        let source = Mutex::new(Source { file: from, image_at, last: None });
        let path = path.to_owned();
        Ok(Self { path, manifest, seal, sha256, message, image_size, pieces, source })
    }

    /// What it says.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of all that is signed: what tells this package from every other.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(&self.message).into()
    }

    /// The key that signed it; nothing where nobody did.
    #[must_use]
    pub fn signer(&self) -> Option<KeyId> {
        self.seal.as_ref().map(|seal| KeyId::of(&seal.public))
    }

    /// Whether it may be used now, under these keys; the key that signed it.
    ///
    /// # Errors
    /// [`PackageError::Refused`]: it is unsigned, altered, foreign, expired, or not to be used yet.
    pub fn judge<'a>(
        &self,
        trusted: &'a [TrustedKey],
        now: Timestamp,
    ) -> Result<&'a TrustedKey, PackageError> {
        let refused = |reason: String| Err(PackageError::Refused(reason));
        let Some(seal) = &self.seal else { return refused("it is not signed".to_owned()) };
        if !seal.is_sound(&self.message)
            || self.manifest.size != self.image_size
            || self.manifest.sha256.0 != self.sha256
        {
            return refused(ALTERED.to_owned());
        }
        let Some(key) = trusted.iter().find(|key| key.public == seal.public) else {
            let id = KeyId::of(&seal.public);
            return refused(format!("it is signed by the key {id}, which is not trusted here"));
        };
        if let Some(from) = self.manifest.not_before.filter(|from| now < *from) {
            return refused(format!("it is not to be used before {from}"));
        }
        if let Some(end) = self.manifest.expires.filter(|end| now >= *end) {
            return refused(format!("it expired at {end}"));
        }
        Ok(key)
    }

    /// Bytes of the image from an offset on; fewer where the image ends.
    ///
    /// # Errors
    /// The file cannot be read any more, or was altered since it was opened.
    pub fn image(&self, at: u64, length: usize) -> Result<Vec<u8>, PackageError> {
        let fail = |reason: String| PackageError::Broken { path: self.path.display().to_string(), reason };
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let end = at.saturating_add(length as u64).min(self.image_size);
        let mut bytes = Vec::new();
        let mut place = at;
        while place < end {
            let number = usize::try_from(place / PIECE as u64).map_err(|error| fail(error.to_string()))?;
            let piece = self.piece(&mut source, number).map_err(fail)?;
            let skip = usize::try_from(place % PIECE as u64).unwrap_or(0);
            let want = usize::try_from(end - place).unwrap_or(usize::MAX);
            let part = piece.get(skip..).unwrap_or_default();
            let part = part.get(..want.min(part.len())).unwrap_or_default();
            if part.is_empty() {
                return Err(fail("its image is shorter than it was".to_owned()));
            }
            bytes.extend_from_slice(part);
            place += part.len() as u64;
        }
        Ok(bytes)
    }

    fn piece<'a>(&self, source: &'a mut Source, number: usize) -> Result<&'a [u8], String> {
        if source.last.as_ref().is_none_or(|(last, _)| *last != number) {
            let start = number as u64 * PIECE as u64;
            let length = usize::try_from(self.image_size.saturating_sub(start)).unwrap_or(PIECE).min(PIECE);
            let mut piece = vec![0; length];
            let seek = source.file.seek(SeekFrom::Start(source.image_at + start));
            seek.and_then(|_| source.file.read_exact(&mut piece)).map_err(|error| error.to_string())?;
            let found: [u8; 32] = Sha256::digest(&piece).into();
            if self.pieces.get(number) != Some(&found) {
                return Err("it was altered while it was in use".to_owned());
            }
            source.last = Some((number, piece));
        }
        source.last.as_ref().map(|(_, piece)| piece.as_slice()).ok_or_else(|| "no piece".to_owned())
    }

    /// Bytes of the image.
    #[must_use]
    pub const fn image_size(&self) -> u64 {
        self.image_size
    }

    /// SHA-256 of the image in hexadecimal.
    #[must_use]
    pub fn image_sha256(&self) -> Hex {
        Hex(self.sha256.to_vec())
    }
}

#[cfg(test)]
mod tests;
