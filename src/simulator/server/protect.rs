//! Ciphering of a meter's side: opens requests, checks their counters, and protects answers as the request was.

use crate::model::template::CipheringForm;
use crate::model::{Security, SystemTitle};
use crate::protocol::dlms::Apdu;
use crate::protocol::dlms::apdu::{
    Ciphered, ExceptionResponse, GeneralKey, SecurityControl, ServiceKey, tag,
};
use crate::protocol::dlms::security::{SuiteKey, TAG_BYTES};

use super::super::AUTHENTICATION_KEY;
use super::super::ENCRYPTION_KEY;
use super::super::quirks::Quirk;
use super::{Refusal, Server, Session, lock};

/// How a request came, and so how its answer goes.
#[derive(Clone, Debug)]
pub(super) struct Protection {
    control: SecurityControl,
    key: ServiceKey,
    form: CipheringForm,
}

/// Keys and titles of an association.
#[derive(Clone, Debug)]
pub(super) struct SessionKeys {
    pub(super) client_title: SystemTitle,
    pub(super) dedicated: Option<SuiteKey>,
    /// The lowest counter that may still come under the dedicated key.
    pub(super) least_dedicated: u32,
    /// Our own counter under the dedicated key.
    pub(super) own_dedicated: u32,
}

/// The global keys of every virtual meter.
pub(super) fn global_keys() -> SuiteKey {
    SuiteKey::new(ENCRYPTION_KEY, AUTHENTICATION_KEY)
}

impl Session {
    /// Whether a request is protected as the association demands.
    pub(super) fn demand(&self, protection: Option<&Protection>, least: Security) -> Result<(), Refusal> {
        if self.keys.is_none() {
            return Ok(());
        }
        let control = protection.map_or(SecurityControl(0), |protection| protection.control);
        let enough = match least {
            Security::None => true,
            Security::Authenticated => control.is_authenticated(),
            Security::Encrypted => control.is_encrypted(),
            Security::Both => control.is_authenticated() && control.is_encrypted(),
        };
        if enough { Ok(()) } else { Err(Refusal::not_supported()) }
    }
}

impl Server {
    /// Takes an APDU out of its envelope, if it has one.
    pub(super) fn open(&mut self, apdu: &[u8]) -> Result<(Vec<u8>, Option<Protection>), Refusal> {
        let Some(first) = apdu.first() else { return Err(Refusal::unknown()) };
        if !Ciphered::knows(*first) {
            return Ok((apdu.to_vec(), None));
        }
        let Apdu::Ciphered(ciphered) = Apdu::decode(apdu)?.0 else { return Err(Refusal::unknown()) };
        let Some(Session { keys: Some(_), .. }) = &self.session else { return Err(Refusal::not_allowed()) };
        self.unprotect(&ciphered, None).map(|(plain, protection)| (plain, Some(protection)))
    }

    /// Takes a plain APDU out of its envelope; `title` is the client's where no association is open yet.
    pub(super) fn unprotect(
        &mut self,
        ciphered: &Ciphered,
        title: Option<SystemTitle>,
    ) -> Result<(Vec<u8>, Protection), Refusal> {
        let deciphering = Refusal::new(1, ExceptionResponse::DECIPHERING_ERROR);
        let own = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).ok().map(SystemTitle);
        let (key, form, sent_title) = match ciphered {
            Ciphered::Service { tag, .. } => {
                let (key, _) = ServiceKey::of(*tag).ok_or(Refusal::unknown())?;
                (key, CipheringForm::ServiceSpecific, None)
            }
            Ciphered::General { key: GeneralKey::Global, title, .. } => {
                (ServiceKey::Global, CipheringForm::General, own(title))
            }
            Ciphered::General { key: GeneralKey::Dedicated, title, .. } => {
                (ServiceKey::Dedicated, CipheringForm::General, own(title))
            }
            Ciphered::GeneralCiphering { .. } => return Err(Refusal::unknown()),
        };
        let keys = self.session.as_ref().and_then(|session| session.keys.as_ref());
        let title = sent_title.or(title).or(keys.map(|keys| keys.client_title));
        let dedicated = keys.and_then(|keys| keys.dedicated.clone());
        let suite = match key {
            ServiceKey::Global => Some(global_keys()),
            ServiceKey::Dedicated => dedicated,
        };
        let body = ciphered.body();
        let (Some(title), Some(suite)) = (title, suite) else { return Err(deciphering) };
        let plain = suite.open(body, title, &[]).map_err(|_| deciphering)?;
        self.take_counter(key, body.counter)?;
        Ok((plain, Protection { control: body.control, key, form }))
    }

    fn take_counter(&mut self, key: ServiceKey, counter: u32) -> Result<(), Refusal> {
        let mut meter = lock(&self.meter);
        let keys = self.session.as_mut().and_then(|session| session.keys.as_mut());
        let least = match (key, keys) {
            (ServiceKey::Dedicated, Some(keys)) => &mut keys.least_dedicated,
            _ => &mut meter.least_counter,
        };
        if counter < *least {
            return Err(if self.quirks.has(Quirk::CounterCloses) {
                Refusal::Close
            } else if self.quirks.has(Quirk::CounterUnsaid) {
                Refusal::new(2, ExceptionResponse::DECIPHERING_ERROR)
            } else {
                Refusal::Exception(ExceptionResponse {
                    state: 1,
                    service: ExceptionResponse::COUNTER_ERROR,
                    counter: Some(*least),
                })
            });
        }
        *least = counter.saturating_add(1);
        if key == ServiceKey::Global
            && let Some(session) = &mut self.session
        {
            session.view.last_counter = counter;
        }
        Ok(())
    }

    /// Puts an answer into an envelope like its request's.
    pub(super) fn protect(&mut self, plain: Vec<u8>, protection: Option<&Protection>) -> Vec<u8> {
        let Some(protection) = protection else { return plain };
        let (key, control) = (protection.key, protection.control);
        let Some((suite, counter)) = self.next_key(key) else { return plain };
        let title = lock(&self.meter).settings().system_title();
        let body = suite.seal(control, title, counter, &[], &plain);
        let form = match (protection.form, self.quirks.has(Quirk::OtherCiphering)) {
            (form, false) => form,
            (CipheringForm::General, true) => CipheringForm::ServiceSpecific,
            (CipheringForm::ServiceSpecific, true) => CipheringForm::General,
        };
        let own_tag = plain.first().and_then(|tag| key.envelope(*tag));
        let envelope = match (form, own_tag) {
            (CipheringForm::ServiceSpecific, Some(tag)) => Ciphered::Service { tag, body },
            // An exception or a release has no envelope of its own.
            (CipheringForm::ServiceSpecific, None) if plain.first() != Some(&tag::DATA_NOTIFICATION) => {
                return plain;
            }
            _ => Ciphered::General {
                key: match key {
                    ServiceKey::Global => GeneralKey::Global,
                    ServiceKey::Dedicated => GeneralKey::Dedicated,
                },
                title: if self.quirks.has(Quirk::NoTitle) { Vec::new() } else { title.0.to_vec() },
                body,
            },
        };
        Apdu::Ciphered(envelope).encode()
    }

    fn next_key(&mut self, key: ServiceKey) -> Option<(SuiteKey, u32)> {
        match key {
            ServiceKey::Global => Some((global_keys(), self.next_global_counter())),
            ServiceKey::Dedicated => {
                let keys = self.session.as_mut()?.keys.as_mut()?;
                let counter = keys.own_dedicated;
                keys.own_dedicated = counter.saturating_add(1);
                Some((keys.dedicated.clone()?, counter))
            }
        }
    }

    /// The meter's own counter under the global key.
    pub(super) fn next_global_counter(&self) -> u32 {
        let mut meter = lock(&self.meter);
        let counter = meter.own_counter;
        meter.own_counter = counter.saturating_add(1);
        counter
    }

    /// Octets that protection adds to an answer, at most.
    pub(super) fn overhead(&self) -> usize {
        let ciphered = self.session.as_ref().is_some_and(|session| session.keys.is_some());
        // Tag, length, control, counter, tag of authentication; the title with its length.
        if ciphered { 1 + 5 + 1 + 4 + TAG_BYTES + 9 } else { 0 }
    }
}
