//! The ciphering context of one association: which keys, which titles, which counters came last.

use crate::model::template::CipheringForm;
use crate::model::{Security, SystemTitle};

use super::super::apdu::{Apdu, Ciphered, GeneralKey, SecurityControl, ServiceKey};
use super::super::axdr::put_octets;
use super::{SecurityError, SuiteKey};

/// How an APDU goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Under which key.
    pub key: ServiceKey,
    /// Service-specific or general; a service without an envelope of its own goes in a general one.
    pub form: CipheringForm,
    /// Leave our title out of a general envelope although it enters the nonce.
    pub omit_title: bool,
}

/// The ciphering context of one end of an association.
#[derive(Clone, Debug)]
pub struct CipherContext {
    /// Protection of what goes out, and the least of what comes in.
    pub security: Security,
    /// Our system title.
    pub own_title: SystemTitle,
    /// The other end's, once it is known.
    pub peer_title: Option<SystemTitle>,
    /// The meter's global keys.
    pub global: SuiteKey,
    /// The association's own keys.
    pub dedicated: Option<SuiteKey>,
    /// Counter last received under the global and the dedicated key.
    received: [Option<u32>; 2],
}

impl CipherContext {
    /// A context in which nothing was received yet.
    #[must_use]
    pub const fn new(security: Security, own_title: SystemTitle, global: SuiteKey) -> Self {
        Self { security, own_title, peer_title: None, global, dedicated: None, received: [None; 2] }
    }

    fn key(&self, key: ServiceKey) -> Result<&SuiteKey, SecurityError> {
        match key {
            ServiceKey::Global => Ok(&self.global),
            ServiceKey::Dedicated => self.dedicated.as_ref().ok_or(SecurityError::NoDedicatedKey),
        }
    }

    /// Bytes that the envelope adds to a plain APDU of any length, at most.
    #[must_use]
    pub const fn overhead(form: CipheringForm) -> usize {
        // Tag, length in up to five bytes, control, counter, authentication tag; a title with its length.
        match form {
            CipheringForm::ServiceSpecific => 1 + 5 + 1 + 4 + super::TAG_BYTES,
            CipheringForm::General => 1 + 5 + 1 + 4 + super::TAG_BYTES + 9,
        }
    }

    /// Puts a plain APDU into its envelope.
    ///
    /// # Errors
    /// The dedicated key is wanted and was never agreed.
    pub fn protect(&self, plain: &[u8], counter: u32, envelope: Envelope) -> Result<Vec<u8>, SecurityError> {
        let control = SecurityControl::of(self.security);
        let body = self.key(envelope.key)?.seal(control, self.own_title, counter, &[], plain);
        let own_tag = plain.first().and_then(|tag| envelope.key.envelope(*tag));
        let ciphered = match (envelope.form, own_tag) {
            (CipheringForm::ServiceSpecific, Some(tag)) => Ciphered::Service { tag, body },
            _ => Ciphered::General {
                key: match envelope.key {
                    ServiceKey::Global => GeneralKey::Global,
                    ServiceKey::Dedicated => GeneralKey::Dedicated,
                },
                title: if envelope.omit_title { Vec::new() } else { self.own_title.0.to_vec() },
                body,
            },
        };
        Ok(Apdu::Ciphered(ciphered).encode())
    }

    /// Takes a plain APDU out of its envelope, whichever form that has. The counter must rise; the first one may be
    /// anything (`facts/dlms-quirks.md`, 44 to 47).
    ///
    /// # Errors
    /// The keys do not fit, the counter did not rise, or the protection is less than agreed.
    pub fn unprotect(&mut self, ciphered: &Ciphered) -> Result<Vec<u8>, SecurityError> {
        let own = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).ok().map(SystemTitle);
        let key = ciphered.key().ok_or(SecurityError::Short)?;
        let (title, header) = match ciphered {
            Ciphered::Service { .. } => (self.peer_title, Vec::new()),
            Ciphered::General { title, .. } => (own(title).or(self.peer_title), Vec::new()),
            Ciphered::GeneralCiphering {
                transaction, originator, recipient, stamp, other, key_id, ..
            } => {
                if key_id.is_some_and(|id| id != 0) {
                    return Err(SecurityError::Unsupported("the broadcast key".to_owned()));
                }
                let mut header = Vec::new();
                for part in [transaction, originator, recipient, stamp, other] {
                    put_octets(&mut header, part);
                }
                (own(originator).or(self.peer_title), header)
            }
        };
        let title = title.ok_or(SecurityError::NoTitle)?;
        let body = ciphered.body();
        let wants_tag = matches!(self.security, Security::Authenticated | Security::Both);
        if wants_tag && !body.control.is_authenticated() {
            return Err(SecurityError::Weaker);
        }
        let plain = self.key(key)?.open(body, title, &header)?;
        let [global, dedicated] = &mut self.received;
        let last = match key {
            ServiceKey::Global => global,
            ServiceKey::Dedicated => dedicated,
        };
        if let Some(last) = last.filter(|last| body.counter <= *last) {
            return Err(SecurityError::Replay { last, found: body.counter });
        }
        *last = Some(body.counter);
        self.peer_title = self.peer_title.or(Some(title));
        Ok(plain)
    }
}
