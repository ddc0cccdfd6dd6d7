//! AARQ, the passes of high-level authentication, RLRQ.

use crate::model::{Auth, Secret, SystemTitle};
use crate::protocol::dlms::Apdu;
use crate::protocol::dlms::apdu::{
    Aare, Aarq, ActionOutcome, ActionResult, ApplicationContext, AssociateResult, Ciphered,
    ConfirmedServiceError, Diagnostic, Encoded, InitiateRequest, InitiateResponse, Release,
    authentication_mechanism, tag,
};
use crate::protocol::dlms::security::{Handshake, SuiteKey, random};
use crate::protocol::dlms::{Conformance, Data};

use super::super::PASSWORD;
use super::super::meter::Rights;
use super::super::objects::AssociationView;
use super::super::quirks::Quirk;
use super::protect::{Protection, SessionKeys, global_keys};
use super::{CLIENTS, Refusal, Server, Session, lock};

/// Length of the meter's challenge.
const CHALLENGE_BYTES: usize = 16;

/// The two challenges of a high-level authentication under way.
#[derive(Clone, Debug)]
pub(super) struct Handover {
    auth: Auth,
    own_challenge: Vec<u8>,
    client_challenge: Vec<u8>,
    client_title: Option<SystemTitle>,
}

/// Why an AARQ is rejected: diagnostic of the service user, and an initiate error where there is one.
struct Rejection {
    diagnostic: u8,
    initiate_error: Option<u8>,
}

impl Rejection {
    const NO_REASON: Self = Self::user(1);
    const CONTEXT: Self = Self::user(2);
    const CALLING_TITLE: Self = Self::user(3);
    const MECHANISM: Self = Self::user(11);
    const AUTHENTICATION_FAILED: Self = Self::user(13);
    const AUTHENTICATION_REQUIRED: Self = Self::user(14);

    const fn user(diagnostic: u8) -> Self {
        Self { diagnostic, initiate_error: None }
    }

    const fn initiate(value: u8) -> Self {
        Self { diagnostic: 1, initiate_error: Some(value) }
    }
}

/// What the meter can do by the book.
fn conformance() -> Conformance {
    Conformance::GENERAL_PROTECTION
        | Conformance::GENERAL_BLOCK_TRANSFER
        | Conformance::PRIORITY
        | Conformance::BLOCK_TRANSFER_GET
        | Conformance::BLOCK_TRANSFER_SET
        | Conformance::BLOCK_TRANSFER_ACTION
        | Conformance::MULTIPLE_REFERENCES
        | Conformance::DATA_NOTIFICATION
        | Conformance::GET
        | Conformance::SET
        | Conformance::SELECTIVE_ACCESS
        | Conformance::EVENT_NOTIFICATION
        | Conformance::ACTION
}

impl Server {
    fn conformance(&self) -> Conformance {
        if self.quirks.has(Quirk::PoorConformance) {
            conformance() - Conformance::MULTIPLE_REFERENCES - Conformance::SELECTIVE_ACCESS
        } else {
            conformance()
        }
    }

    pub(super) fn associate(&mut self, request: &Aarq) -> Result<Vec<u8>, Refusal> {
        if self.quirks.has(Quirk::AarqException) && self.requests == 1 {
            return Err(Refusal::not_allowed());
        }
        self.closed();
        match self.accept(request)? {
            Ok(aare) => Ok(self.write_aare(aare)),
            Err(rejection) => {
                self.session = None;
                Ok(self.write_aare(self.reject(request, &rejection)))
            }
        }
    }

    fn accept(&mut self, request: &Aarq) -> Result<Result<Aare, Rejection>, Refusal> {
        let context = request.context;
        if !matches!(context, ApplicationContext::LOGICAL_NAMES | ApplicationContext::LOGICAL_NAMES_CIPHERED)
        {
            return Ok(Err(Rejection::CONTEXT));
        }
        let Some(rule) = CLIENTS.iter().find(|rule| rule.client == self.client) else {
            return Ok(Err(Rejection::NO_REASON));
        };
        let wanted = request.mechanism.unwrap_or(0);
        let auth = match rule.auths.iter().find(|auth| authentication_mechanism(**auth) == wanted) {
            Some(auth) => *auth,
            None if wanted == 0 => return Ok(Err(Rejection::AUTHENTICATION_REQUIRED)),
            None => return Ok(Err(Rejection::MECHANISM)),
        };
        let title = request.calling_title.as_deref().and_then(|title| <[u8; 8]>::try_from(title).ok());
        let title = title.map(SystemTitle);
        if title.is_none() && (context.is_ciphered() || matches!(auth, Auth::HighGmac | Auth::HighSha256)) {
            return Ok(Err(Rejection::CALLING_TITLE));
        }
        let given = request.authentication.as_ref().map(Secret::expose).unwrap_or_default();
        if auth == Auth::Low && given != PASSWORD {
            return Ok(Err(Rejection::AUTHENTICATION_FAILED));
        }
        let (initiate, protection) = match self.read_initiate(request, title)? {
            Ok(found) => found,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let proposed = Conformance::from_bits_truncate(initiate.conformance.bits());
        let agreed = proposed & self.conformance();
        if initiate.dlms_version < 6 {
            return Ok(Err(Rejection::initiate(1)));
        }
        if !agreed.intersects(Conformance::GET | Conformance::SET | Conformance::ACTION) {
            return Ok(Err(Rejection::initiate(2)));
        }
        if (1..64).contains(&initiate.max_pdu) {
            return Ok(Err(Rejection::initiate(3)));
        }
        let handover = match self.begin_handover(auth, given, title) {
            Ok(handover) => handover,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let challenge = handover.as_ref().map(|handover| handover.own_challenge.clone());
        let session = self.session(auth, context, agreed, &initiate, title, rule.rights, handover);
        self.session = Some(session);
        let response = self.initiate_response(agreed);
        let user_information = Some(self.protect(response, protection.as_ref()));
        let titled = context.is_ciphered() || matches!(auth, Auth::HighGmac | Auth::HighSha256);
        let own_title = lock(&self.meter).settings().system_title();
        Ok(Ok(Aare {
            context: Some(context),
            result: AssociateResult::ACCEPTED,
            diagnostic: Diagnostic::User(if challenge.is_some() { 14 } else { 0 }),
            responding_title: titled.then(|| own_title.0.to_vec()),
            mechanism: request.mechanism.filter(|_| !self.quirks.has(Quirk::NoMechanism)),
            authentication: challenge.map(Secret::new),
            user_information,
        }))
    }

    #[allow(clippy::too_many_arguments, reason = "one place puts the parts of an association together")]
    fn session(
        &self,
        auth: Auth,
        context: ApplicationContext,
        agreed: Conformance,
        initiate: &InitiateRequest,
        title: Option<SystemTitle>,
        rights: Rights,
        handover: Option<Handover>,
    ) -> Session {
        let dedicated = initiate.dedicated_key.as_ref().and_then(Secret::key);
        let keys = title.filter(|_| context.is_ciphered()).map(|client_title| SessionKeys {
            client_title,
            dedicated: dedicated.map(|key| SuiteKey::with_encryption(&global_keys(), key)),
            least_dedicated: 0,
            own_dedicated: 0,
        });
        let meter = lock(&self.meter);
        let view = AssociationView {
            client: self.client,
            server: self.server,
            auth,
            context: context.0,
            conformance: agreed.bits(),
            max_receive: meter.settings().max_pdu,
            max_send: initiate.max_pdu,
            client_title: title.map(|title| title.0.to_vec()).unwrap_or_default(),
            last_counter: meter.least_counter.saturating_sub(1),
        };
        // No limit is the wrapper's.
        let client_max = if initiate.max_pdu == 0 { u16::MAX } else { initiate.max_pdu }.into();
        Session { view, rights, conformance: agreed, client_max, keys, handover }
    }

    /// The InitiateRequest, and how it was protected.
    #[allow(clippy::type_complexity, reason = "two kinds of refusal: by AARE and by exception")]
    fn read_initiate(
        &mut self,
        request: &Aarq,
        title: Option<SystemTitle>,
    ) -> Result<Result<(InitiateRequest, Option<Protection>), Rejection>, Refusal> {
        let Some(information) = &request.user_information else { return Ok(Err(Rejection::NO_REASON)) };
        let (plain, protection) = match Apdu::decode(information) {
            Ok((Apdu::Ciphered(ciphered), _)) if request.context.is_ciphered() => {
                let (plain, protection) = self.unprotect(&ciphered, title)?;
                (plain, Some(protection))
            }
            Ok((Apdu::InitiateRequest(_), _)) => (information.clone(), None),
            _ => return Ok(Err(Rejection::NO_REASON)),
        };
        match Apdu::decode(&plain) {
            Ok((Apdu::InitiateRequest(initiate), _)) => Ok(Ok((initiate, protection))),
            _ => Ok(Err(Rejection::NO_REASON)),
        }
    }

    fn begin_handover(
        &self,
        auth: Auth,
        given: &[u8],
        client_title: Option<SystemTitle>,
    ) -> Result<Option<Handover>, Rejection> {
        if matches!(auth, Auth::None | Auth::Low) {
            return Ok(None);
        }
        if !(8..=64).contains(&given.len()) {
            return Err(Rejection::AUTHENTICATION_FAILED);
        }
        let own_challenge = if self.quirks.has(Quirk::ReflectedChallenge) {
            given.to_vec()
        } else {
            random(CHALLENGE_BYTES).map_err(|_| Rejection::NO_REASON)?
        };
        Ok(Some(Handover { auth, own_challenge, client_challenge: given.to_vec(), client_title }))
    }

    fn initiate_response(&self, agreed: Conformance) -> Vec<u8> {
        let max_pdu = lock(&self.meter).settings().max_pdu;
        Apdu::InitiateResponse(InitiateResponse {
            quality: None,
            dlms_version: 6,
            conformance: agreed,
            max_pdu: if self.quirks.has(Quirk::NoPduLimit) { 0 } else { max_pdu },
            vaa_name: 7,
        })
        .encode()
    }

    fn reject(&self, request: &Aarq, rejection: &Rejection) -> Aare {
        let value = rejection.initiate_error.unwrap_or(4);
        let error = Apdu::ConfirmedServiceError(ConfirmedServiceError { service: 1, class: 6, value });
        let user_information = if self.quirks.has(Quirk::RejectBare) {
            None
        } else if self.quirks.has(Quirk::RejectGarbled) {
            Some(vec![0xFE, 0x01])
        } else {
            Some(error.encode())
        };
        Aare {
            context: Some(request.context),
            result: AssociateResult::REJECTED_PERMANENT,
            diagnostic: Diagnostic::User(rejection.diagnostic),
            responding_title: None,
            mechanism: None,
            authentication: None,
            user_information,
        }
    }

    fn write_aare(&self, aare: Aare) -> Vec<u8> {
        let mut bytes = Apdu::Aare(aare).encode();
        if self.quirks.has(Quirk::ProtocolVersion)
            && let [_, length, rest @ ..] = bytes.as_slice()
            && *length < 0x7C
        {
            // protocol-version with a bit that no version has.
            bytes = [&[tag::AARE, length + 4, 0x80, 0x02, 0x02, 0x84], rest].concat();
        }
        bytes
    }

    /// Passes 3 and 4: the client's proof, and ours.
    pub(super) fn reply_to_challenge(&mut self, parameter: Option<&Data>) -> ActionOutcome {
        let refused = ActionOutcome { result: ActionResult(3), returned: None };
        let Some(handover) = self.session.as_mut().and_then(|session| session.handover.take()) else {
            return refused;
        };
        let keys = global_keys();
        let own_title = lock(&self.meter).settings().system_title();
        let handshake = Handshake {
            auth: handover.auth,
            secret: PASSWORD,
            key: Some(&keys),
            own_title: Some(own_title),
            peer_title: handover.client_title,
            own_challenge: &handover.own_challenge,
            peer_challenge: &handover.client_challenge,
        };
        let proof = parameter.and_then(Data::bytes).unwrap_or_default();
        let counter = if handover.auth == Auth::HighGmac { self.next_global_counter() } else { 0 };
        let (Ok(()), Ok(mut answer)) = (handshake.verify(proof), handshake.answer(counter)) else {
            self.session = None;
            return refused;
        };
        if self.quirks.has(Quirk::ShortChallenges) && handover.client_challenge.len() > 16 {
            answer.reverse();
        }
        let returned = (!self.quirks.has(Quirk::NoProof)).then(|| Ok(Encoded::from(&Data::Octets(answer))));
        ActionOutcome { result: ActionResult::SUCCESS, returned }
    }

    pub(super) fn release(&mut self, request: &Release) -> Result<Option<Vec<u8>>, Refusal> {
        if self.quirks.has(Quirk::ReleaseSilent) {
            return Ok(None);
        }
        if self.quirks.has(Quirk::ReleaseException) {
            return Err(Refusal::not_supported());
        }
        let user_information = match &request.user_information {
            None => None,
            Some(information) => Some(self.release_information(information)?),
        };
        self.session = None;
        self.forget_transfers();
        let mut bytes = Apdu::Rlre(Release { reason: Some(0), user_information }).encode();
        if self.quirks.has(Quirk::ReleaseLengths)
            && let Some(length) = bytes.get_mut(1)
        {
            *length = length.saturating_add(5);
        }
        Ok(Some(bytes))
    }

    /// An InitiateResponse, protected as the request's InitiateRequest was.
    fn release_information(&mut self, information: &[u8]) -> Result<Vec<u8>, Refusal> {
        let agreed = self.session.as_ref().map_or(Conformance::empty(), |session| session.conformance);
        let ciphered = information.first().is_some_and(|first| Ciphered::knows(*first));
        let protection = if ciphered { self.open(information)?.1 } else { None };
        let response = self.initiate_response(agreed);
        Ok(self.protect(response, protection.as_ref()))
    }

    /// The association that needs no AARQ.
    pub(super) fn pre_establish(&mut self) {
        if !self.quirks.has(Quirk::PreEstablished) {
            return;
        }
        let Some(rule) = CLIENTS.iter().find(|rule| rule.client == self.client) else { return };
        let initiate = InitiateRequest {
            dedicated_key: None,
            response_allowed: true,
            quality: None,
            dlms_version: 6,
            conformance: conformance(),
            max_pdu: u16::MAX,
        };
        let context = ApplicationContext::LOGICAL_NAMES_CIPHERED;
        let title = Some(super::super::CLIENT_TITLE);
        let auth = rule.auths.first().copied().unwrap_or(Auth::None);
        let session = self.session(auth, context, self.conformance(), &initiate, title, rule.rights, None);
        self.session = Some(session);
    }
}
