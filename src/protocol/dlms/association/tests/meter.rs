//! A small ciphering meter behind a scripted link: one register, one counter that it expects, and its quirks.

use std::cell::RefCell;
use std::rc::Rc;

use crate::model::Obis;
use crate::model::template::CipheringForm;
use crate::protocol::dlms::apdu::{
    Aare, Aarq, ActionOutcome, ActionRequest, ActionResponse, ActionResult, ApplicationContext,
    AssociateResult, Ciphered, Diagnostic, Encoded, ExceptionResponse, GetRequest, GetResponse,
    InitiateResponse, Release, ServiceKey,
};
use crate::protocol::dlms::security::{CipherContext, Envelope, Handshake, SuiteKey};
use crate::protocol::dlms::{Apdu, Data};

use super::*;

/// What the meter does where it does not like the counter.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stale {
    /// D8 01 06 and the counter that it expects.
    Says,
    /// D8 02 05.
    Deciphering,
    /// Nothing.
    Silent,
}

/// The meter's settings and what it saw.
pub(super) struct Meter {
    pub(super) auth: Auth,
    pub(super) security: Security,
    /// Form of its answers.
    pub(super) form: CipheringForm,
    pub(super) omit_title: bool,
    pub(super) stale: Stale,
    /// The lowest client counter that it takes.
    pub(super) expects: u32,
    /// Its own next counter.
    pub(super) counter: u32,
    /// What replaces its challenge: `Some(empty)` reflects ours.
    pub(super) challenge: Vec<u8>,
    pub(super) reflects: bool,
    pub(super) gives_proof: bool,
    pub(super) in_the_clear: bool,
    /// The dedicated key has no row of counters of its own.
    pub(super) one_row: bool,
    /// Client counters that it saw, and those of GMAC.
    pub(super) seen: Vec<u32>,
    pub(super) gmac_seen: Vec<u32>,
    pub(super) tags: Vec<u8>,
    /// Whether the public client is associated.
    pub(super) public: bool,
    pub(super) asked: Vec<u8>,
    pub(super) cipher: Option<CipherContext>,
    pub(super) dedicated_counter: u32,
}

impl Meter {
    pub(super) fn new(auth: Auth, security: Security) -> Self {
        Self {
            auth,
            security,
            form: CipheringForm::ServiceSpecific,
            omit_title: false,
            stale: Stale::Says,
            expects: 0,
            counter: 0,
            challenge: b"challenge of the meter".to_vec(),
            reflects: false,
            gives_proof: true,
            in_the_clear: false,
            one_row: false,
            seen: Vec::new(),
            gmac_seen: Vec::new(),
            tags: Vec::new(),
            public: false,
            asked: Vec::new(),
            cipher: None,
            dedicated_counter: 0,
        }
    }

    /// Puts the meter behind a link; both stay in view.
    pub(super) fn link(self) -> (ScriptedLink, Rc<RefCell<Self>>) {
        let meter = Rc::new(RefCell::new(self));
        let behind = Rc::clone(&meter);
        (ScriptedLink::meter(move |apdu| behind.borrow_mut().answer(apdu)), meter)
    }

    fn keys() -> SuiteKey {
        open_config().suite_key().unwrap()
    }

    fn protect(&mut self, apdu: &Apdu, key: ServiceKey) -> Vec<u8> {
        let counter = match key {
            ServiceKey::Global => &mut self.counter,
            ServiceKey::Dedicated => &mut self.dedicated_counter,
        };
        let envelope = Envelope { key, form: self.form, omit_title: self.omit_title };
        let cipher = self.cipher.as_ref().unwrap();
        let bytes = cipher.protect(&apdu.encode(), *counter, envelope).unwrap();
        *counter += 1;
        bytes
    }

    /// Opens an envelope of the client; an answer where the counter or the tag is not liked.
    fn open(&mut self, ciphered: &Ciphered) -> Result<Apdu, Vec<Vec<u8>>> {
        let counter = ciphered.body().counter;
        if self.one_row || ciphered.key() == Some(ServiceKey::Global) {
            if counter < self.expects {
                return Err(self.dislike());
            }
            self.expects = counter + 1;
        }
        self.seen.push(counter);
        let plain = self.cipher.as_mut().unwrap().unprotect(ciphered).unwrap();
        Ok(Apdu::decode(&plain).unwrap().0)
    }

    fn dislike(&self) -> Vec<Vec<u8>> {
        let exception = |state, service, counter| {
            vec![Apdu::ExceptionResponse(ExceptionResponse { state, service, counter }).encode()]
        };
        match self.stale {
            Stale::Says => exception(1, 6, Some(self.expects)),
            Stale::Deciphering => exception(2, 5, None),
            Stale::Silent => Vec::new(),
        }
    }

    fn answer(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.tags.push(bytes[0]);
        let (apdu, used) = Apdu::decode(bytes).unwrap();
        assert_eq!(used, bytes.len());
        match apdu {
            Apdu::Aarq(aarq) => self.associate(&aarq),
            Apdu::Rlrq(_) => {
                vec![Apdu::Rlre(Release { reason: Some(0), user_information: None }).encode()]
            }
            Apdu::Ciphered(ciphered) => match self.open(&ciphered) {
                Ok(request) => {
                    let key = ciphered.key().unwrap();
                    let answer = self.serve(request);
                    if self.in_the_clear {
                        return vec![answer.encode()];
                    }
                    vec![self.protect(&answer, key)]
                }
                Err(answer) => answer,
            },
            request => vec![self.serve(request).encode()],
        }
    }

    fn associate(&mut self, aarq: &Aarq) -> Vec<Vec<u8>> {
        let is_guarded = self.auth != Auth::None || self.security != Security::None;
        self.public = is_guarded && aarq.mechanism.is_none() && !aarq.context.is_ciphered();
        let mut cipher = None;
        if aarq.context.is_ciphered() {
            let title: [u8; 8] = aarq.calling_title.clone().unwrap().try_into().unwrap();
            let mut context = CipherContext::new(self.security, METER, Self::keys());
            context.peer_title = Some(SystemTitle(title));
            cipher = Some(context);
        }
        self.cipher = cipher;
        self.asked = aarq.authentication.as_ref().map(|value| value.expose().to_vec()).unwrap_or_default();
        let (mut request, _) = Apdu::decode(aarq.user_information.as_ref().unwrap()).unwrap();
        if let Apdu::Ciphered(ciphered) = &request {
            request = match self.open(ciphered) {
                Ok(request) => request,
                Err(answer) => return answer,
            };
        }
        let Apdu::InitiateRequest(request) = request else { panic!("{request:?}") };
        let response = Apdu::InitiateResponse(InitiateResponse {
            quality: None,
            dlms_version: 6,
            conformance: request.conformance - Conformance::GENERAL_BLOCK_TRANSFER,
            max_pdu: 0,
            vaa_name: 7,
        });
        let user_information = if self.cipher.is_some() {
            self.protect(&response, ServiceKey::Global)
        } else {
            response.encode()
        };
        if let (Some(key), Some(cipher)) = (request.dedicated_key, &mut self.cipher) {
            cipher.dedicated = Some(Self::keys().with_encryption(key.key().unwrap()));
        }
        let is_high = !self.public && !matches!(self.auth, Auth::None | Auth::Low);
        let challenge = if self.reflects { self.asked.clone() } else { self.challenge.clone() };
        vec![
            Apdu::Aare(Aare {
                context: Some(ApplicationContext(1)),
                result: AssociateResult::ACCEPTED,
                diagnostic: Diagnostic::User(if is_high { 14 } else { 0 }),
                responding_title: Some(METER.0.to_vec()),
                mechanism: None,
                authentication: is_high.then(|| Secret::new(challenge)),
                user_information: Some(user_information),
            })
            .encode(),
        ]
    }

    fn serve(&mut self, request: Apdu) -> Apdu {
        match request {
            Apdu::GetRequest(GetRequest::Normal { invoke, attribute }) => {
                let value = match attribute.obis {
                    Obis([0, 0, 43, 1, 1, 255]) if self.public => Ok(Data::U32(self.expects)),
                    Obis([1, 0, 1, 8, 0, 255]) if !self.public => Ok(Data::U32(42)),
                    _ => Err(DataAccessResult(4)),
                };
                let result = value.as_ref().map(Encoded::from).map_err(|reason| *reason);
                Apdu::GetResponse(GetResponse::Normal { invoke, result })
            }
            Apdu::ActionRequest(ActionRequest::Normal { invoke, parameter, .. }) => {
                let outcome = self.prove(parameter.as_ref().and_then(Data::bytes).unwrap());
                Apdu::ActionResponse(ActionResponse::Normal { invoke, outcome })
            }
            other => panic!("{other:?}"),
        }
    }

    fn prove(&mut self, proof: &[u8]) -> ActionOutcome {
        let keys = Self::keys();
        let handshake = Handshake {
            auth: self.auth,
            secret: b"12345678",
            key: Some(&keys),
            own_title: Some(METER),
            peer_title: Some(CLIENT),
            own_challenge: &self.challenge,
            peer_challenge: &self.asked,
        };
        if handshake.verify(proof).is_err() {
            return ActionOutcome { result: ActionResult(3), returned: None };
        }
        if self.auth == Auth::HighGmac {
            self.gmac_seen.push(u32::from_be_bytes(proof[1..5].try_into().unwrap()));
        }
        let returned = self.gives_proof.then(|| {
            let answer = handshake.answer(self.counter).unwrap();
            self.counter += 1;
            Ok(Encoded::from(&Data::Octets(answer)))
        });
        ActionOutcome { result: ActionResult::SUCCESS, returned }
    }
}
