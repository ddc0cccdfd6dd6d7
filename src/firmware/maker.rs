//! The maker's own signature within an image (ECDSA, P-256, SHA-256), and the keys that are trusted to make it.
//!
//! A package says who answers for it in this program; a maker's signature is what the meter itself will hold the image
//! to. Where a template describes it, an image is refused whose signature the meter would refuse as well, before
//! anything is sent.

use std::fmt;
use std::path::Path;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{DerSignature, Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use sha2::{Digest, Sha256};

use crate::model::{ImageSignature, SignatureForm};

use super::keys::{KeyError, KeyId, TrustedKey, fail, read_bytes};
use super::manifest::Hex;
use super::package::{Package, PackageError};

/// Bytes of a point that is written out: 04h, x and y.
pub const POINT_BYTES: usize = 65;
/// Bytes that are hashed at once.
const PIECE: usize = 64 << 10;

/// A P-256 public key of a maker of meters, whose signatures within images are believed.
#[derive(Clone, PartialEq, Eq)]
pub struct MakerKey {
    /// The point, written out.
    pub public: [u8; POINT_BYTES],
    /// For people.
    pub name: String,
}

impl fmt::Debug for MakerKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MakerKey({}, {})", self.name, self.id())
    }
}

impl MakerKey {
    /// Its id: of the point as it is written out.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of_bytes(&self.public)
    }

    fn of(key: &VerifyingKey, name: &str) -> Option<Self> {
        let public = key.to_sec1_point(false).as_bytes().try_into().ok()?;
        Some(Self { public, name: name.to_owned() })
    }

    /// The key of a point: 04h, x and y; x and y alone; or compressed, 02h or 03h and x.
    fn of_point(bytes: &[u8], name: &str) -> Option<Self> {
        let whole = match bytes.len() {
            64 => [&[4], bytes].concat(),
            33 | POINT_BYTES => bytes.to_vec(),
            _ => return None,
        };
        Self::of(&VerifyingKey::from_sec1_bytes(&whole).ok()?, name)
    }
}

/// A public key, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKeyFile {
    /// It signs packages.
    Packages(TrustedKey),
    /// A maker signs images with it.
    Images(MakerKey),
}

impl PublicKeyFile {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        match self {
            Self::Packages(key) => key.id(),
            Self::Images(key) => key.id(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Packages(key) => &key.name,
            Self::Images(key) => &key.name,
        }
    }

    /// Reads a public key: one of this program's, or a maker's P-256 key as PEM, as DER, or as a point in hexadecimal
    /// digits. A maker's key bears the file's name.
    ///
    /// # Errors
    /// It cannot be read, is none, or is a secret one.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let bytes = read_bytes(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let of = |key: Option<MakerKey>| {
            key.map(Self::Images).ok_or_else(|| fail(path, "it is no public key on the curve P-256"))
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            let key = VerifyingKey::from_public_key_der(&bytes).ok();
            return of(key.and_then(|key| MakerKey::of(&key, &name)));
        };
        let text = text.trim();
        if text.starts_with("-----BEGIN") {
            if text.contains("PRIVATE KEY") {
                let reason = "it is a private key: what is trusted is the public key, which \
                              `openssl pkey -pubout` gives; keep the private one where nobody gets at it";
                return Err(fail(path, reason));
            }
            let key = VerifyingKey::from_public_key_pem(text).ok();
            return of(key.and_then(|key| MakerKey::of(&key, &name)));
        }
        if let Some(point) = text.parse::<Hex>().ok().filter(|hex| !hex.0.is_empty()) {
            return of(MakerKey::of_point(&point.0, &name));
        }
        TrustedKey::read(path).map(Self::Packages)
    }
}

fn read_signature(form: SignatureForm, field: &[u8]) -> Option<Signature> {
    match form {
        SignatureForm::Raw => Signature::from_slice(field).ok(),
        SignatureForm::Der => {
            // The sequence says how long it is; what fills the field behind it is all the same byte.
            let length = match field {
                [0x30, length @ 0..0x80, ..] => usize::from(*length) + 2,
                _ => return None,
            };
            let (signature, filler) = field.split_at_checked(length)?;
            let is_filler = |filler: &[u8], with: u8| filler.iter().all(|byte| *byte == with);
            if !is_filler(filler, 0) && !is_filler(filler, 0xFF) {
                return None;
            }
            DerSignature::try_from(signature).ok()?.try_into().ok()
        }
    }
}

/// Checks the maker's signature within a package's image as a template describes it; the key that made it.
///
/// # Errors
/// [`PackageError::Refused`] where it is not there or not right, or no trusted key made it; [`PackageError::Broken`]
/// where the package's file does not read any more.
pub fn check_image<'k>(
    package: &Package,
    described: &ImageSignature,
    keys: &'k [MakerKey],
) -> Result<&'k MakerKey, PackageError> {
    let refused = |reason: String| PackageError::Refused(format!("the signature within its image: {reason}"));
    let may_be = |key: &&MakerKey| {
        described.key.as_ref().is_none_or(|id| key.id().to_string().eq_ignore_ascii_case(id))
    };
    let able: Vec<&MakerKey> = keys.iter().filter(may_be).collect();
    if able.is_empty() {
        return Err(refused(match &described.key {
            Some(id) => format!("it has to be checked by the maker's key {id}, which is not trusted here"),
            None => "it cannot be checked, because no maker's key is trusted here".to_owned(),
        }));
    }
    let size = package.image_size();
    let found = described.place(size).map_err(refused)?;
    let field = package.image(found.field.start, usize::from(described.length))?;
    let signature = read_signature(described.form, &field)
        .ok_or_else(|| refused("it does not read as one".to_owned()))?;
    let mut sum = Sha256::new();
    for part in found.signed {
        let mut at = part.start;
        while at < part.end {
            let length = usize::try_from(part.end - at).unwrap_or(PIECE).min(PIECE);
            let piece = package.image(at, length)?;
            at += piece.len() as u64;
            sum.update(&piece);
        }
    }
    let digest: [u8; 32] = sum.finalize().into();
    let made_it = |key: &&&MakerKey| {
        let key = VerifyingKey::from_sec1_bytes(&key.public);
        key.is_ok_and(|key| key.verify_prehash(&digest, &signature).is_ok())
    };
    able.iter().find(made_it).copied().ok_or_else(|| {
        refused(
            "no trusted maker's key made it: the image was altered, or its maker is not trusted here"
                .to_owned(),
        )
    })
}

#[cfg(test)]
mod tests;
