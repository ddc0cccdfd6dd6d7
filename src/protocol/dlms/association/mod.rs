//! The client's side of an association, as straight-line conversations over a link.

mod action;
mod blocks;
mod get;
mod open;
mod session;
mod set;
mod synchronise;

use crate::model::template::{AssociationTuning, CipheringForm, RequestTuning, Timing};
use crate::model::{Auth, MeterSecrets, Secret, SecretKind, Security, Step, SystemTitle};
use crate::protocol::link::{Link, LinkError, LinkTerms};

use super::apdu::{Conformance, DataNotification, EventNotification};
use super::data::DataAccessResult;
use super::security::{SecurityError, SuiteKey};
pub use get::Answer;
use session::Session;

/// Everything that an association needs to know beforehand.
#[derive(Clone, Debug)]
pub struct AssociationConfig {
    /// Client SAP.
    pub client: u16,
    /// Authentication.
    pub auth: Auth,
    /// Protection of APDUs.
    pub security: Security,
    /// Our system title.
    pub client_title: SystemTitle,
    /// The meter's system title, where it is known beforehand.
    pub server_title: Option<SystemTitle>,
    /// Client SAP that may read the invocation counter without authentication.
    pub public_client: u16,
    /// Settings of the template.
    pub tuning: AssociationTuning,
    /// Settings of the template.
    pub requests: RequestTuning,
    /// Settings of the template.
    pub timing: Timing,
    /// Password and keys.
    pub secrets: MeterSecrets,
}

impl AssociationConfig {
    /// The encryption key with the authentication key, where both or the first alone are needed.
    pub(super) fn suite_key(&self) -> Result<SuiteKey, DlmsError> {
        let key = |kind: SecretKind| -> Result<Option<[u8; 16]>, DlmsError> {
            let Some(secret) = self.secrets.get(kind) else { return Ok(None) };
            let wrong = || DlmsError::Setting(format!("the {} does not have 16 bytes", kind.word()));
            secret.key().ok_or_else(wrong).map(Some)
        };
        let missing = |kind: SecretKind| {
            DlmsError::Setting(format!("the {} is missing: this association needs it", kind.word()))
        };
        let encryption = key(SecretKind::EncryptionKey)?;
        let authentication = key(SecretKind::AuthenticationKey)?;
        let needs_authentication = self.security != Security::Encrypted || self.auth == Auth::HighGmac;
        let authentication = match authentication {
            None if needs_authentication => return Err(missing(SecretKind::AuthenticationKey)),
            given => given.unwrap_or_default(),
        };
        Ok(SuiteKey::new(encryption.ok_or_else(|| missing(SecretKind::EncryptionKey))?, authentication))
    }

    /// Password of low-level authentication, or the shared secret of high-level.
    pub(super) fn password(&self) -> Result<Secret, DlmsError> {
        let missing =
            || DlmsError::Setting(format!("the password is missing: authentication {} needs it", self.auth));
        self.secrets.password.clone().ok_or_else(missing)
    }

    /// What is proposed to the meter.
    pub(super) fn proposal(&self) -> Conformance {
        let mut bits = Conformance::BLOCK_TRANSFER_GET
            | Conformance::BLOCK_TRANSFER_SET
            | Conformance::BLOCK_TRANSFER_ACTION
            | Conformance::GET
            | Conformance::SET
            | Conformance::ACTION
            | Conformance::SELECTIVE_ACCESS
            | Conformance::MULTIPLE_REFERENCES
            | Conformance::PRIORITY
            | Conformance::GENERAL_BLOCK_TRANSFER
            | Conformance::DATA_NOTIFICATION
            | Conformance::EVENT_NOTIFICATION;
        if self.security != Security::None && self.tuning.ciphering == CipheringForm::General {
            bits |= Conformance::GENERAL_PROTECTION;
        }
        self.tuning
            .without
            .iter()
            .filter_map(|name| Conformance::named(name))
            .fold(bits, |bits, one| bits - one)
    }
}

/// Hands out invocation counters. What it gives was made durable before.
pub trait CounterStore {
    /// The next counter, never given before, already persisted.
    ///
    /// # Errors
    /// The store failed, or the counter is used up.
    fn next(&mut self) -> Result<u32, CounterError>;

    /// Never give one below `at_least` from now on. A value below what is stored changes nothing.
    ///
    /// # Errors
    /// The store failed.
    fn raise(&mut self, at_least: u32) -> Result<(), CounterError>;
}

/// Why no invocation counter could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no invocation counter: {0}")]
pub struct CounterError(pub String);

/// What both ends agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Conformance bits, as the 24-bit number of the standard (bit 0 of the standard is the highest).
    pub conformance: u32,
    /// Largest APDU that the meter takes; 0 is no limit.
    pub server_max_pdu: u16,
    /// DLMS version.
    pub dlms_version: u8,
    /// The meter's system title.
    pub server_title: Option<SystemTitle>,
}

/// Why a conversation failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DlmsError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The meter refused the association.
    #[error("the meter refused the association: {reason}")]
    Refused {
        /// In words.
        reason: String,
        /// What to try.
        advice: &'static str,
        /// It may pass by itself.
        passing: bool,
    },
    /// The meter refused an attribute or method.
    #[error("the meter refused {what}: {}", .result.words())]
    Access {
        /// Which.
        what: String,
        /// The result.
        result: DataAccessResult,
    },
    /// The meter answered with an exception or a confirmed-service-error.
    #[error("the meter answered with an exception: {0}")]
    Exception(String),
    /// The meter could not decipher a request: the keys differ, or the invocation counter did not suit it.
    #[error("the meter could not decipher {0}")]
    Undeciphered(String),
    /// The meter broke the protocol.
    #[error("the meter's answer makes no sense: {reason}")]
    Protocol {
        /// Where and what.
        reason: String,
        /// The bytes as received.
        raw: Vec<u8>,
    },
    /// Ciphering failed.
    #[error("{0}")]
    Security(String),
    /// A key or password is missing, or a setting cannot be.
    #[error("{0}")]
    Setting(String),
    /// No counter.
    #[error(transparent)]
    Counter(#[from] CounterError),
}

impl From<SecurityError> for DlmsError {
    fn from(error: SecurityError) -> Self {
        Self::Security(error.to_string())
    }
}

/// What the meter said unasked.
#[derive(Clone, Debug, PartialEq)]
pub enum Notification {
    /// data-notification.
    Data(DataNotification),
    /// event-notification.
    Event(EventNotification),
}

impl Negotiated {
    /// Whether both ends can do this.
    #[must_use]
    pub const fn allows(&self, service: Conformance) -> bool {
        Conformance::from_bits_retain(self.conformance).contains(service)
    }
}

/// An open association.
///
/// A conversation that fails in its middle leaves the association usable where the link still is: every request has
/// a number of its own, and late answers to an abandoned one are dropped.
pub struct Association<'a, L: Link> {
    session: Session<'a, L>,
    config: AssociationConfig,
    negotiated: Negotiated,
    lists_refused: bool,
}

impl<'a, L: Link> Association<'a, L> {
    /// Opens the link for the client and associates; synchronises the invocation counter once where the meter says
    /// that it is stale.
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn open(
        link: &'a mut L,
        config: &AssociationConfig,
        counter: &'a mut dyn CounterStore,
        step: &mut dyn FnMut(Step),
    ) -> Result<Self, DlmsError> {
        let (state, negotiated) = open::establish(link, config, counter, step).await?;
        let session = Session { link, counters: counter, state };
        Ok(Self { session, config: config.clone(), negotiated, lists_refused: false })
    }

    /// What both ends agreed on.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// What both ends agreed on of the data link.
    #[must_use]
    pub fn link_terms(&self) -> Option<LinkTerms> {
        self.session.link.terms()
    }

    /// Whether the meter refused or garbled a list, so that attributes are asked for one by one from then on.
    #[must_use]
    pub const fn lists_refused(&self) -> bool {
        self.lists_refused
    }

    /// What the meter said unasked since this was last called, oldest first.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        self.session.state.notifications.drain(..).collect()
    }

    /// Oddities of the meter that were put up with since this was last called, each once.
    pub fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.session.state.remarks)
    }

    /// Releases the association and closes the link. Its failure is nobody's loss.
    pub async fn release(mut self) {
        self.session.release(&self.config).await;
    }
}

#[cfg(test)]
mod tests;
