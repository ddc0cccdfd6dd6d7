//! The meter's side against a small client of its own.

mod association;
mod profiles;
mod quirks;
mod services;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::template::CipheringForm;
use crate::model::{Auth, Obis, Secret, Security, SystemTitle};
use crate::protocol::dlms::apdu::{
    Aare, Aarq, ActionRequest, ActionResponse, ApplicationContext, Encoded, GetRequest, GetResponse,
    GetResult, InitiateRequest, InvokeId, Release, ServiceKey, SetRequest, SetResponse,
    authentication_mechanism, decode_get_results,
};
use crate::protocol::dlms::security::{CipherContext, Envelope, Handshake, SuiteKey};
use crate::protocol::dlms::{Apdu, AttributeRef, Conformance, Data, DataAccessResult, MethodRef, Selective};

use super::super::faults::Faults;
use super::super::quirks::{Quirk, Quirks};
use super::super::{AUTHENTICATION_KEY, CLIENT_TITLE, ENCRYPTION_KEY, PASSWORD, Settings};
use super::{Reply, Server, SharedMeter, VirtualMeter, lock};

/// Sunday, 1 November 2026, a quarter past noon in London.
const NOW: &str = "2026-11-01T12:15:00Z";
const CHALLENGE: &[u8] = b"K56iVagYK56iVagY";

fn millis(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn obis(text: &str) -> Obis {
    text.parse().unwrap()
}

fn attribute(class_id: u16, name: &str, number: i8) -> AttributeRef {
    AttributeRef::new(class_id, obis(name), number)
}

fn clock() -> AttributeRef {
    attribute(8, "0-0:1.0.0", 2)
}

fn settings(quirks: &[Quirk]) -> Settings {
    let zone = TimeZone::get("Europe/London").unwrap();
    let mut settings = Settings::household(7, zone, NOW.parse().unwrap());
    settings.faults = Faults { quirks: quirks.iter().copied().collect::<Quirks>(), ..Faults::default() };
    settings
}

/// A client as plain as can be.
struct Bench {
    meter: SharedMeter,
    server: Server,
    now_ms: i64,
    cipher: Option<CipherContext>,
    envelope: Envelope,
    counter: u32,
    max_pdu: u16,
    conformance: Conformance,
    context: ApplicationContext,
    dedicated: Option<[u8; 16]>,
}

fn keys() -> SuiteKey {
    SuiteKey::new(ENCRYPTION_KEY, AUTHENTICATION_KEY)
}

impl Bench {
    fn new(client: u16, settings: Settings) -> Self {
        let meter = SharedMeter::new(VirtualMeter::new(settings).into());
        let server = Server::new(meter.clone(), client, 1);
        Self {
            meter,
            server,
            now_ms: millis(NOW),
            cipher: None,
            envelope: Envelope {
                key: ServiceKey::Global,
                form: CipheringForm::ServiceSpecific,
                omit_title: false,
            },
            counter: 1,
            max_pdu: 0xFFFF,
            conformance: Conformance::all(),
            context: ApplicationContext::LOGICAL_NAMES,
            dedicated: None,
        }
    }

    /// Client 32, associated.
    fn low(quirks: &[Quirk]) -> Self {
        Self::low_with(settings(quirks), |_| {})
    }

    fn low_with(settings: Settings, with: impl FnOnce(&mut Self)) -> Self {
        let mut bench = Self::new(32, settings);
        with(&mut bench);
        let aare = bench.aarq(Auth::Low, Some(PASSWORD)).unwrap();
        assert_eq!(aare.result.0, 0, "{aare:?}");
        bench
    }

    /// The management client with full rights, not ciphered.
    fn full(quirks: &[Quirk]) -> Self {
        let mut bench = Self::new(1, settings(quirks));
        assert_eq!(bench.aarq(Auth::Low, Some(PASSWORD)).unwrap().result.0, 0);
        bench
    }

    /// Client 36, associated by GMAC, ciphered.
    fn ciphered(settings: Settings, security: Security, with: impl FnOnce(&mut Self)) -> Self {
        let mut bench = Self::new(36, settings);
        let mut cipher = CipherContext::new(security, CLIENT_TITLE, keys());
        cipher.peer_title = Some(lock(&bench.meter).settings().system_title());
        bench.cipher = Some(cipher);
        bench.context = ApplicationContext::LOGICAL_NAMES_CIPHERED;
        with(&mut bench);
        let aare = bench.aarq(Auth::HighGmac, Some(CHALLENGE)).unwrap();
        assert_eq!(aare.result.0, 0, "{aare:?}");
        bench.prove(Auth::HighGmac, &aare).unwrap();
        bench
    }

    fn raw(&mut self, apdu: &[u8]) -> Reply {
        self.server.handle(apdu, self.now_ms)
    }

    /// Sends as the association demands, gives the one answer opened.
    fn exchange(&mut self, apdu: &Apdu) -> Apdu {
        let plain = apdu.encode();
        let sent = match &self.cipher {
            Some(cipher) if cipher.security != Security::None => {
                let counter = self.counter;
                self.counter += 1;
                cipher.protect(&plain, counter, self.envelope).unwrap()
            }
            _ => plain,
        };
        let reply = self.raw(&sent);
        let [answer] = reply.apdus.as_slice() else { panic!("{} answers", reply.apdus.len()) };
        self.opened(answer)
    }

    fn opened(&mut self, answer: &[u8]) -> Apdu {
        match Apdu::decode(answer).unwrap().0 {
            Apdu::Ciphered(ciphered) => {
                let plain = self.cipher.as_mut().unwrap().unprotect(&ciphered).unwrap();
                Apdu::decode(&plain).unwrap().0
            }
            other => other,
        }
    }

    fn initiate(&self) -> InitiateRequest {
        InitiateRequest {
            dedicated_key: self.dedicated.map(|key| Secret::new(key.to_vec())),
            response_allowed: true,
            quality: None,
            dlms_version: 6,
            conformance: self.conformance,
            max_pdu: self.max_pdu,
        }
    }

    fn aarq_with(&mut self, auth: Auth, value: Option<&[u8]>, initiate: InitiateRequest) -> Vec<u8> {
        let plain = Apdu::InitiateRequest(initiate).encode();
        let ciphered = self.context.is_ciphered();
        let information = match &self.cipher {
            Some(cipher) if cipher.security != Security::None && ciphered => {
                let counter = self.counter;
                self.counter += 1;
                let envelope = Envelope { key: ServiceKey::Global, ..self.envelope };
                cipher.protect(&plain, counter, envelope).unwrap()
            }
            _ => plain,
        };
        let titled = ciphered || matches!(auth, Auth::HighGmac | Auth::HighSha256);
        let request = Apdu::Aarq(Aarq {
            context: self.context,
            calling_title: titled.then(|| CLIENT_TITLE.0.to_vec()),
            user_id: None,
            mechanism: (auth != Auth::None).then(|| authentication_mechanism(auth)),
            authentication: value.map(|value| Secret::new(value.to_vec())),
            user_information: Some(information),
        });
        let mut reply = self.raw(&request.encode());
        assert_eq!(reply.apdus.len(), 1);
        reply.apdus.remove(0)
    }

    fn aarq(&mut self, auth: Auth, value: Option<&[u8]>) -> Result<Aare, Box<Apdu>> {
        let initiate = self.initiate();
        let answer = self.aarq_with(auth, value, initiate);
        if let (Some(key), Some(cipher)) = (self.dedicated, &mut self.cipher) {
            cipher.dedicated = Some(cipher.global.with_encryption(key));
        }
        match Apdu::decode(&answer).unwrap().0 {
            Apdu::Aare(aare) => Ok(aare),
            other => Err(other.into()),
        }
    }

    /// Passes 3 and 4.
    fn prove(&mut self, auth: Auth, aare: &Aare) -> Result<Option<Data>, u8> {
        let challenge = aare.authentication.as_ref().unwrap().expose().to_vec();
        let title = aare.responding_title.as_deref().map(|title| SystemTitle(title.try_into().unwrap()));
        let keys = keys();
        let handshake = Handshake {
            auth,
            secret: PASSWORD,
            key: Some(&keys),
            own_title: Some(CLIENT_TITLE),
            peer_title: title,
            own_challenge: CHALLENGE,
            peer_challenge: &challenge,
        };
        let proof = handshake.answer(9).unwrap();
        let method = self.reply_method();
        let parameter = Some(Data::Octets(proof));
        let invoke = InvokeId::confirmed(1);
        let answer = self.exchange(&Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter }));
        let Apdu::ActionResponse(ActionResponse::Normal { outcome, .. }) = answer else {
            panic!("{answer:?}")
        };
        if outcome.result.0 != 0 {
            return Err(outcome.result.0);
        }
        let returned = outcome.returned.map(|returned| returned.unwrap().decode().unwrap());
        if let Some(value) = &returned {
            handshake.verify(value.bytes().unwrap()).unwrap();
        }
        Ok(returned)
    }

    fn reply_method(&self) -> MethodRef {
        MethodRef { class_id: 15, obis: lock(&self.meter).association_name(), method: 1 }
    }

    fn get(&mut self, attribute: &AttributeRef) -> Result<Data, DataAccessResult> {
        self.get_encoded(attribute).map(|encoded| encoded.decode().unwrap())
    }

    /// Reads an attribute, its blocks put together.
    fn get_encoded(&mut self, attribute: &AttributeRef) -> GetResult {
        let invoke = InvokeId::confirmed(1);
        let request = GetRequest::Normal { invoke, attribute: attribute.clone() };
        match self.exchange(&Apdu::GetRequest(request)) {
            Apdu::GetResponse(GetResponse::Normal { result, .. }) => result,
            Apdu::GetResponse(GetResponse::WithDatablock { last, number, result, .. }) => {
                self.rest_of(last, number, result?).map(Encoded)
            }
            other => panic!("{other:?}"),
        }
    }

    fn rest_of(
        &mut self,
        mut last: bool,
        mut number: u32,
        mut bytes: Vec<u8>,
    ) -> Result<Vec<u8>, DataAccessResult> {
        let invoke = InvokeId::confirmed(1);
        while !last {
            match self.exchange(&Apdu::GetRequest(GetRequest::Next { invoke, block: number })) {
                Apdu::GetResponse(GetResponse::WithDatablock {
                    last: end, number: found, result, ..
                }) => {
                    bytes.extend(result?);
                    assert_eq!(found, number + 1);
                    (last, number) = (end, found);
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(bytes)
    }

    fn get_list(&mut self, attributes: &[AttributeRef]) -> Vec<GetResult> {
        let invoke = InvokeId::confirmed(1);
        let request = GetRequest::WithList { invoke, attributes: attributes.to_vec() };
        match self.exchange(&Apdu::GetRequest(request)) {
            Apdu::GetResponse(GetResponse::WithList { results, .. }) => results,
            Apdu::GetResponse(GetResponse::WithDatablock { last, number, result, .. }) => {
                let bytes = self.rest_of(last, number, result.unwrap()).unwrap();
                decode_get_results(&bytes).unwrap().0
            }
            other => panic!("{other:?}"),
        }
    }

    fn set(&mut self, attribute: &AttributeRef, value: &Data) -> u8 {
        let (invoke, attribute, value) = (InvokeId::confirmed(1), attribute.clone(), value.clone());
        match self.exchange(&Apdu::SetRequest(SetRequest::Normal { invoke, attribute, value })) {
            Apdu::SetResponse(SetResponse::Normal { result, .. }) => result.0,
            other => panic!("{other:?}"),
        }
    }

    /// What the meter itself says that an attribute holds.
    fn look(&self, attribute: &AttributeRef) -> Data {
        lock(&self.meter).look(attribute, self.now_ms).unwrap()
    }

    fn exception(&mut self, request: &Apdu) -> Vec<u8> {
        let reply = self.raw(&request.encode());
        reply.apdus.into_iter().next().unwrap_or_default()
    }
}

fn get_normal(attribute: AttributeRef) -> Apdu {
    Apdu::GetRequest(GetRequest::Normal { invoke: InvokeId::confirmed(1), attribute })
}

fn release() -> Apdu {
    Apdu::Rlrq(Release { reason: Some(0), user_information: None })
}

/// A range of the load profile's clock, as stamps in UTC.
fn range(profile: &str, from: &str, to: &str) -> AttributeRef {
    let stamp = |text: &str| {
        let at: Timestamp = text.parse().unwrap();
        let local = jiff::tz::Offset::UTC.to_datetime(at);
        let stamp = crate::model::MeterStamp { local, deviation_minutes: Some(0), clock_status: Some(0) };
        Data::Octets(crate::protocol::dlms::CosemDateTime::from_stamp(&stamp).0.to_vec())
    };
    let clock = Data::Structure(vec![
        Data::U16(8),
        Data::Octets(obis("0-0:1.0.0").0.to_vec()),
        Data::I8(2),
        Data::U16(0),
    ]);
    let parameters = Data::Structure(vec![clock, stamp(from), stamp(to), Data::Array(Vec::new())]);
    selected(profile, 1, parameters)
}

fn entries(profile: &str, numbers: [u32; 4]) -> AttributeRef {
    let [from, to, first, last] = numbers;
    let column = |number: u32| Data::U16(number as u16);
    let parameters = Data::Structure(vec![Data::U32(from), Data::U32(to), column(first), column(last)]);
    selected(profile, 2, parameters)
}

fn selected(profile: &str, selector: u8, parameters: Data) -> AttributeRef {
    AttributeRef { selective: Some(Selective { selector, parameters }), ..attribute(7, profile, 2) }
}

fn rows(value: &Data) -> Vec<Vec<Data>> {
    value.elements().unwrap().iter().map(|row| row.elements().unwrap().to_vec()).collect()
}
