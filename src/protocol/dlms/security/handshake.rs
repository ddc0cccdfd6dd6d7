//! Passes 3 and 4 of high-level authentication (Green Book 9.2.7.4).

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::model::{Auth, SystemTitle};

use super::super::apdu::SecurityControl;
use super::{SecurityError, SuiteKey, TAG_BYTES, same};

/// Control byte of the GMAC over a challenge: authenticated, whatever protects APDUs.
const GMAC: SecurityControl = SecurityControl(SecurityControl::AUTHENTICATED);

/// Random bytes from the operating system, for challenges and keys.
///
/// # Errors
/// The system has none.
pub fn random(count: usize) -> Result<Vec<u8>, SecurityError> {
    let mut out = vec![0; count];
    getrandom::fill(&mut out).map_err(|_| SecurityError::Random)?;
    Ok(out)
}

/// What one end knows when both challenges are on the table.
#[derive(Clone, Copy)]
pub struct Handshake<'a> {
    /// Mechanism.
    pub auth: Auth,
    /// Shared secret of MD5, SHA-1 and SHA-256.
    pub secret: &'a [u8],
    /// Keys of GMAC.
    pub key: Option<&'a SuiteKey>,
    /// Our system title.
    pub own_title: Option<SystemTitle>,
    /// The other end's system title.
    pub peer_title: Option<SystemTitle>,
    /// The challenge that we sent.
    pub own_challenge: &'a [u8],
    /// The challenge that we were given.
    pub peer_challenge: &'a [u8],
}

impl Handshake<'_> {
    /// Our answer to the other end's challenge. `counter` is for GMAC alone.
    ///
    /// # Errors
    /// The challenge is our own, GMAC lacks its keys or title, or the mechanism has no answer.
    pub fn answer(&self, counter: u32) -> Result<Vec<u8>, SecurityError> {
        if self.own_challenge == self.peer_challenge {
            return Err(SecurityError::Reflected);
        }
        self.proof(self.own_title, self.peer_title, self.peer_challenge, self.own_challenge, counter)
    }

    /// Checks the other end's answer to our challenge.
    ///
    /// # Errors
    /// It is not the one that the secret gives.
    pub fn verify(&self, proof: &[u8]) -> Result<(), SecurityError> {
        let counter = match (self.auth, proof) {
            (Auth::HighGmac, [control, a, b, c, d, ..]) if proof.len() == 5 + TAG_BYTES => {
                if *control != GMAC.0 {
                    return Err(SecurityError::Proof);
                }
                u32::from_be_bytes([*a, *b, *c, *d])
            }
            (Auth::HighGmac, _) => return Err(SecurityError::Proof),
            _ => 0,
        };
        let wanted =
            self.proof(self.peer_title, self.own_title, self.own_challenge, self.peer_challenge, counter)?;
        if same(&wanted, proof) { Ok(()) } else { Err(SecurityError::Proof) }
    }

    /// What `from` answers `to` on `asked`, having asked `other` itself.
    fn proof(
        &self,
        from: Option<SystemTitle>,
        to: Option<SystemTitle>,
        asked: &[u8],
        other: &[u8],
        counter: u32,
    ) -> Result<Vec<u8>, SecurityError> {
        let title = |title: Option<SystemTitle>| title.map(|title| title.0).into_iter().flatten();
        match self.auth {
            Auth::HighMd5 => Ok(Md5::new().chain_update(asked).chain_update(self.secret).finalize().to_vec()),
            Auth::HighSha1 => {
                Ok(Sha1::new().chain_update(asked).chain_update(self.secret).finalize().to_vec())
            }
            Auth::HighSha256 => {
                let titles: Vec<u8> = title(from).chain(title(to)).collect();
                let hash = Sha256::new().chain_update(self.secret).chain_update(titles);
                Ok(hash.chain_update(asked).chain_update(other).finalize().to_vec())
            }
            Auth::HighGmac => {
                let (Some(key), Some(from)) = (self.key, from) else { return Err(SecurityError::NoTitle) };
                let mut out = vec![GMAC.0];
                out.extend(counter.to_be_bytes());
                out.extend(key.mac(GMAC, from, counter, [asked, &[]]));
                Ok(out)
            }
            Auth::None | Auth::Low | Auth::HighEcdsa => {
                Err(SecurityError::Unsupported(format!("{} has no proof of suite 0", self.auth)))
            }
        }
    }
}
