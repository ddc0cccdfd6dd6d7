//! The client's side of an association, as straight-line conversations over a link.

use crate::model::template::{AssociationTuning, RequestTuning, Timing};
use crate::model::{Auth, MeterSecrets, Security, Step, SystemTitle};
use crate::protocol::link::{Link, LinkError};

use super::data::{Data, DataAccessResult};
use super::reference::{AttributeRef, MethodRef};

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

/// An open association.
pub struct Association<'a, L: Link> {
    link: &'a mut L,
    counter: &'a mut dyn CounterStore,
    negotiated: Negotiated,
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
        let _ = (link, config, counter, step);
        unimplemented!()
    }

    /// What both ends agreed on.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// Reads one attribute; a refusal is [`DlmsError::Access`].
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn get(&mut self, attribute: &AttributeRef) -> Result<Data, DlmsError> {
        let _ = (attribute, &mut self.link, &mut self.counter);
        unimplemented!()
    }

    /// Reads many attributes in as few exchanges as the meter allows; each has its own result, in order.
    ///
    /// # Errors
    /// The conversation as a whole failed.
    pub async fn get_many(
        &mut self,
        attributes: &[AttributeRef],
    ) -> Result<Vec<Result<Data, DataAccessResult>>, DlmsError> {
        let _ = attributes;
        unimplemented!()
    }

    /// Writes one attribute.
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn set(&mut self, attribute: &AttributeRef, value: &Data) -> Result<(), DlmsError> {
        let _ = (attribute, value);
        unimplemented!()
    }

    /// Writes many attributes; each has its own result, in order.
    ///
    /// # Errors
    /// The conversation as a whole failed.
    pub async fn set_many(
        &mut self,
        writes: &[(AttributeRef, Data)],
    ) -> Result<Vec<Result<(), DataAccessResult>>, DlmsError> {
        let _ = writes;
        unimplemented!()
    }

    /// Invokes a method; gives what it returned, if anything.
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn action(
        &mut self,
        method: &MethodRef,
        parameter: Option<&Data>,
    ) -> Result<Option<Data>, DlmsError> {
        let _ = (method, parameter);
        unimplemented!()
    }

    /// Releases the association and closes the link. Its failure is nobody's loss.
    pub async fn release(self) {
        unimplemented!()
    }
}
