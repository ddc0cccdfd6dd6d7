//! APDUs in words.

use crate::model::plain_name;
use crate::protocol::dlms::apdu::{
    Aare, Aarq, ActionOutcome, ActionRequest, ActionResponse, ApplicationContext, AssociateResult, Ciphered,
    DataBlock, Diagnostic, Encoded, GeneralKey, GetRequest, GetResponse, GetResult, InitiateRequest,
    InitiateResponse, InvokeId, Protected, Release, ServiceKey, SetRequest, SetResponse,
};
use crate::protocol::dlms::{Apdu, AttributeRef, Conformance, Data, MethodRef};

use super::framing::without_prefix;
use super::{Layer, value};

/// What stands in place of a secret.
const MASKED: &str = "******** (masked)";
/// The class of associations by logical names.
const ASSOCIATION: u16 = 15;
/// The class of security setups.
const SECURITY_SETUP: u16 = 64;

/// The layers of a whole message: the gateway's prefix where there is one, then the APDU.
pub(super) fn message(octets: &[u8]) -> Vec<Layer> {
    let (prefix, rest) = without_prefix(octets);
    let mut layers: Vec<Layer> = prefix.into_iter().collect();
    layers.push(layer(rest));
    layers
}

fn layer(octets: &[u8]) -> Layer {
    match Apdu::decode(octets) {
        Ok((apdu, took)) => {
            let (summary, details) = words(&apdu);
            let mut layer = Layer { name: "DLMS", summary, details };
            if took < octets.len() {
                layer.details.push(format!("{} octets follow that do not belong to it", octets.len() - took));
            }
            layer
        }
        Err(error) => Layer::new("DLMS", format!("not understood: {} octets, {error}", octets.len())),
    }
}

type Words = (String, Vec<String>);

fn words(apdu: &Apdu) -> Words {
    match apdu {
        Apdu::Aarq(aarq) => aarq_words(aarq),
        Apdu::Aare(aare) => aare_words(aare),
        Apdu::Rlrq(release) => ("release request (RLRQ)".to_owned(), release_lines(release)),
        Apdu::Rlre(release) => ("release response (RLRE)".to_owned(), release_lines(release)),
        Apdu::InitiateRequest(request) => ("initiate request".to_owned(), initiate_request(request)),
        Apdu::InitiateResponse(response) => ("initiate response".to_owned(), initiate_response(response)),
        Apdu::ConfirmedServiceError(error) => (format!("confirmed service error: {error}"), Vec::new()),
        Apdu::ExceptionResponse(error) => (format!("exception: {error}"), Vec::new()),
        Apdu::DataNotification(note) => {
            (format!("data notification {}", note.invoke), value::lines(&note.body))
        }
        Apdu::EventNotification(note) => {
            let mut details = vec![attribute(&note.attribute)];
            details.extend(value::lines(&note.value));
            ("event notification".to_owned(), details)
        }
        Apdu::GetRequest(request) => get_request(request),
        Apdu::GetResponse(response) => get_response(response),
        Apdu::SetRequest(request) => set_request(request),
        Apdu::SetResponse(response) => set_response(response),
        Apdu::ActionRequest(request) => action_request(request),
        Apdu::ActionResponse(response) => action_response(response),
        Apdu::GeneralBlock(block) => {
            let last = if block.last { ", last" } else { "" };
            let streaming = if block.streaming { ", streaming" } else { "" };
            let summary = format!(
                "general block {}{last}{streaming}, acknowledges {}, window {}, {} octets",
                block.number,
                block.acknowledged,
                block.window,
                block.raw.len()
            );
            (summary, Vec::new())
        }
        Apdu::Ciphered(ciphered) => ciphered_words(ciphered),
    }
}

fn release_lines(release: &Release) -> Vec<String> {
    let mut details: Vec<String> =
        release.reason.map(|reason| format!("reason {reason}")).into_iter().collect();
    user_information(release.user_information.as_deref(), &mut details);
    details
}

fn context_words(context: ApplicationContext) -> String {
    match context {
        ApplicationContext::LOGICAL_NAMES => "logical names".to_owned(),
        ApplicationContext::SHORT_NAMES => "short names".to_owned(),
        ApplicationContext::LOGICAL_NAMES_CIPHERED => "logical names, ciphered".to_owned(),
        ApplicationContext::SHORT_NAMES_CIPHERED => "short names, ciphered".to_owned(),
        ApplicationContext(other) => format!("context {other}"),
    }
}

fn mechanism_words(mechanism: Option<u8>) -> String {
    match mechanism {
        None | Some(0) => "no authentication".to_owned(),
        Some(1) => "low-level authentication".to_owned(),
        Some(2) => "high-level authentication of the maker's own".to_owned(),
        Some(3) => "high-level authentication with MD5".to_owned(),
        Some(4) => "high-level authentication with SHA-1".to_owned(),
        Some(5) => "high-level authentication with GMAC".to_owned(),
        Some(6) => "high-level authentication with SHA-256".to_owned(),
        Some(7) => "high-level authentication with ECDSA".to_owned(),
        Some(other) => format!("authentication mechanism {other}"),
    }
}

/// What the user information of an association holds.
fn user_information(octets: Option<&[u8]>, details: &mut Vec<String>) {
    let Some(octets) = octets else { return };
    match Apdu::decode(octets) {
        Ok((apdu, _)) => {
            let (summary, inner) = words(&apdu);
            details.push(summary);
            details.extend(inner.into_iter().map(|line| format!("  {line}")));
        }
        Err(error) => details.push(format!("user information of {} octets: {error}", octets.len())),
    }
}

fn aarq_words(aarq: &Aarq) -> Words {
    let mut details = vec![context_words(aarq.context), mechanism_words(aarq.mechanism)];
    if let Some(title) = &aarq.calling_title {
        details.push(format!("client's system title {}", value::hex(title)));
    }
    if let Some(authentication) = &aarq.authentication {
        // Only a challenge is no secret, and only of the mechanisms that the standard names.
        details.push(match aarq.mechanism {
            Some(3..=7) => format!("challenge {}", value::hex(authentication.expose())),
            _ => format!("password {MASKED}"),
        });
    }
    user_information(aarq.user_information.as_deref(), &mut details);
    ("association request (AARQ)".to_owned(), details)
}

fn aare_words(aare: &Aare) -> Words {
    let result = match aare.result {
        AssociateResult::ACCEPTED => "accepted",
        AssociateResult::REJECTED_PERMANENT => "rejected for good",
        AssociateResult::REJECTED_TRANSIENT => "rejected for now",
        AssociateResult(_) => "with a result that the standard does not name",
    };
    let mut details: Vec<String> = aare.context.map(context_words).into_iter().collect();
    details.push(match aare.diagnostic {
        Diagnostic::User(number) => format!("diagnostic {number} of the service user"),
        Diagnostic::Provider(number) => format!("diagnostic {number} of the service provider"),
    });
    if let Some(title) = &aare.responding_title {
        details.push(format!("meter's system title {}", value::hex(title)));
    }
    if aare.mechanism.is_some() {
        details.push(mechanism_words(aare.mechanism));
    }
    if let Some(challenge) = &aare.authentication {
        details.push(format!("challenge {}", value::hex(challenge.expose())));
    }
    user_information(aare.user_information.as_deref(), &mut details);
    (format!("association response (AARE): {result}"), details)
}

fn conformance_words(conformance: Conformance) -> String {
    let names: Vec<&str> = Conformance::NAMES
        .iter()
        .filter(|(bit, _)| conformance.contains(*bit))
        .map(|(_, name)| *name)
        .collect();
    format!("conformance: {}", names.join(", "))
}

fn initiate_request(request: &InitiateRequest) -> Vec<String> {
    let mut details = Vec::new();
    if request.dedicated_key.is_some() {
        details.push(format!("dedicated key {MASKED}"));
    }
    details.push(format!("DLMS version {}, messages up to {} octets", request.dlms_version, request.max_pdu));
    details.push(conformance_words(request.conformance));
    details
}

fn initiate_response(response: &InitiateResponse) -> Vec<String> {
    vec![
        format!("DLMS version {}, messages up to {} octets", response.dlms_version, response.max_pdu),
        conformance_words(response.conformance),
    ]
}

fn attribute(attribute: &AttributeRef) -> String {
    let name = plain_name(attribute.obis);
    match &attribute.selective {
        None => format!("{attribute}: {name}"),
        Some(selective) => {
            let kind = match selective.selector {
                1 => "by range",
                2 => "by entry",
                _ => "in a way of its own",
            };
            format!("{attribute}: {name}, selected {kind}")
        }
    }
}

/// An attribute with the parameters of its selection.
fn attribute_lines(one: &AttributeRef) -> Vec<String> {
    let mut lines = vec![attribute(one)];
    if let Some(selective) = &one.selective {
        lines.extend(value::lines(&selective.parameters).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

fn method(method: MethodRef) -> String {
    format!("{method}: {}", plain_name(method.obis))
}

fn block_words(block: &DataBlock) -> String {
    let last = if block.last { ", last" } else { "" };
    format!("block {}{last}, {} octets", block.number, block.raw.len())
}

fn result_lines(result: &GetResult) -> Vec<String> {
    match result {
        Ok(encoded) => encoded_lines(encoded),
        Err(reason) => vec![format!("refused: {}", reason.words())],
    }
}

fn encoded_lines(encoded: &Encoded) -> Vec<String> {
    match encoded.decode() {
        Ok(data) => value::lines(&data),
        Err(error) => vec![format!("a value of {} octets that is not understood: {error}", encoded.0.len())],
    }
}

fn invoked(what: &str, invoke: InvokeId) -> String {
    format!("{what} {}", invoke.number())
}

fn get_request(request: &GetRequest) -> Words {
    let summary = invoked("GET request", request.invoke());
    match request {
        GetRequest::Normal { attribute, .. } => (summary, attribute_lines(attribute)),
        GetRequest::Next { block, .. } => (format!("{summary}, next after block {block}"), Vec::new()),
        GetRequest::WithList { attributes, .. } => {
            let lines = attributes.iter().flat_map(attribute_lines).collect();
            (format!("{summary}, list of {}", attributes.len()), lines)
        }
    }
}

fn get_response(response: &GetResponse) -> Words {
    let summary = invoked("GET response", response.invoke());
    match response {
        GetResponse::Normal { result, .. } => (summary, result_lines(result)),
        GetResponse::WithDatablock { last, number, result, .. } => {
            let last = if *last { ", last" } else { "" };
            match result {
                Ok(raw) => (format!("{summary}, block {number}{last}, {} octets", raw.len()), Vec::new()),
                Err(reason) => (format!("{summary}, block {number}{last}: {}", reason.words()), Vec::new()),
            }
        }
        GetResponse::WithList { results, .. } => {
            (format!("{summary}, list of {}", results.len()), results.iter().flat_map(result_lines).collect())
        }
    }
}

/// Whether what is written to an attribute is a secret.
const fn takes_secret(attribute: &AttributeRef) -> bool {
    attribute.class_id == ASSOCIATION && attribute.attribute == 7
}

/// Whether a method's parameter is a secret or a key under another.
const fn method_takes_secret(method: MethodRef) -> bool {
    matches!((method.class_id, method.method), (ASSOCIATION, 2) | (SECURITY_SETUP, 2))
}

fn written(attribute: &AttributeRef, value: &Data) -> Vec<String> {
    if takes_secret(attribute) { vec![MASKED.to_owned()] } else { value::lines(value) }
}

fn set_request(request: &SetRequest) -> Words {
    let summary = invoked("SET request", request.invoke());
    match request {
        SetRequest::Normal { attribute, value, .. } => {
            let mut details = attribute_lines(attribute);
            details.extend(written(attribute, value));
            (summary, details)
        }
        SetRequest::FirstDatablock { attribute, block, .. } => {
            (format!("{summary}, {}", block_words(block)), attribute_lines(attribute))
        }
        SetRequest::Datablock { block, .. } => (format!("{summary}, {}", block_words(block)), Vec::new()),
        SetRequest::WithList { attributes, values, .. } => {
            let mut details = Vec::new();
            for (attribute, value) in attributes.iter().zip(values) {
                details.extend(attribute_lines(attribute));
                details.extend(written(attribute, value));
            }
            (format!("{summary}, list of {}", attributes.len()), details)
        }
        SetRequest::WithListAndFirstDatablock { attributes, block, .. } => {
            let details = attributes.iter().flat_map(attribute_lines).collect();
            (format!("{summary}, list of {}, {}", attributes.len(), block_words(block)), details)
        }
    }
}

fn set_response(response: &SetResponse) -> Words {
    let summary = invoked("SET response", response.invoke());
    match response {
        SetResponse::Normal { result, .. } => (format!("{summary}: {}", result.words()), Vec::new()),
        SetResponse::Datablock { block, .. } => (format!("{summary}, block {block} taken"), Vec::new()),
        SetResponse::LastDatablock { result, block, .. } => {
            (format!("{summary}, last block {block} taken: {}", result.words()), Vec::new())
        }
        SetResponse::LastDatablockWithList { results, .. } | SetResponse::WithList { results, .. } => {
            let lines = results.iter().map(|result| result.words().to_owned()).collect();
            (format!("{summary}, list of {}", results.len()), lines)
        }
    }
}

fn action_request(request: &ActionRequest) -> Words {
    let summary = invoked("ACTION request", request.invoke());
    let parameter_lines = |one: MethodRef, parameter: &Data| {
        if method_takes_secret(one) { vec![MASKED.to_owned()] } else { value::lines(parameter) }
    };
    match request {
        ActionRequest::Normal { method: one, parameter, .. } => {
            let mut details = vec![method(*one)];
            details.extend(parameter.iter().flat_map(|parameter| parameter_lines(*one, parameter)));
            (summary, details)
        }
        ActionRequest::NextPblock { block, .. } => {
            (format!("{summary}, next after block {block}"), Vec::new())
        }
        ActionRequest::WithList { methods, parameters, .. } => {
            let mut details = Vec::new();
            for (one, parameter) in methods.iter().zip(parameters) {
                details.push(method(*one));
                details.extend(parameter_lines(*one, parameter));
            }
            (format!("{summary}, list of {}", methods.len()), details)
        }
        ActionRequest::WithFirstPblock { method: one, block, .. } => {
            (format!("{summary}, {}", block_words(block)), vec![method(*one)])
        }
        ActionRequest::WithListAndFirstPblock { methods, block, .. } => {
            let details = methods.iter().map(|one| method(*one)).collect();
            (format!("{summary}, list of {}, {}", methods.len(), block_words(block)), details)
        }
        ActionRequest::WithPblock { block, .. } => (format!("{summary}, {}", block_words(block)), Vec::new()),
    }
}

fn outcome_lines(outcome: &ActionOutcome) -> Vec<String> {
    let mut lines = vec![outcome.result.words().to_owned()];
    lines.extend(outcome.returned.iter().flat_map(result_lines));
    lines
}

fn action_response(response: &ActionResponse) -> Words {
    let summary = invoked("ACTION response", response.invoke());
    match response {
        ActionResponse::Normal { outcome, .. } => (summary, outcome_lines(outcome)),
        ActionResponse::WithPblock { block, .. } => {
            (format!("{summary}, {}", block_words(block)), Vec::new())
        }
        ActionResponse::WithList { outcomes, .. } => {
            let lines = outcomes.iter().flat_map(outcome_lines).collect();
            (format!("{summary}, list of {}", outcomes.len()), lines)
        }
        ActionResponse::NextPblock { block, .. } => (format!("{summary}, block {block} taken"), Vec::new()),
    }
}

fn protection(body: &Protected, details: &mut Vec<String>) {
    let control = body.control;
    let how = match (control.is_authenticated(), control.is_encrypted()) {
        (true, true) => "authenticated and encrypted",
        (true, false) => "authenticated",
        (false, true) => "encrypted",
        (false, false) => "not protected",
    };
    details.push(format!("security suite {}, {how}, invocation counter {}", control.suite(), body.counter));
    // Authenticated only: the APDU stands there in the clear, before the tag of twelve octets.
    let plain = body.payload.len().checked_sub(12).and_then(|length| body.payload.get(..length));
    match plain.filter(|_| control.is_authenticated() && !control.is_encrypted()) {
        Some(plain) => {
            let inner = layer(plain);
            details.push(inner.summary);
            details.extend(inner.details.into_iter().map(|line| format!("  {line}")));
        }
        None => details.push(format!("{} octets inside", body.payload.len())),
    }
}

fn ciphered_words(ciphered: &Ciphered) -> Words {
    let mut details = Vec::new();
    let summary = match ciphered {
        Ciphered::Service { tag, .. } => match ServiceKey::of(*tag) {
            Some((ServiceKey::Global, plain)) => format!("{} under the global key", service_words(plain)),
            Some((ServiceKey::Dedicated, plain)) => {
                format!("{} under the dedicated key", service_words(plain))
            }
            None => format!("envelope {tag:02X}h"),
        },
        Ciphered::General { key, title, .. } => {
            details.push(match title[..] {
                [] => "no system title".to_owned(),
                _ => format!("sender's system title {}", value::hex(title)),
            });
            match key {
                GeneralKey::Global => "general ciphering under the global key".to_owned(),
                GeneralKey::Dedicated => "general ciphering under the dedicated key".to_owned(),
            }
        }
        Ciphered::GeneralCiphering { originator, recipient, .. } => {
            details.push(format!("from {} to {}", value::hex(originator), value::hex(recipient)));
            "general ciphering".to_owned()
        }
    };
    protection(ciphered.body(), &mut details);
    (summary, details)
}

fn service_words(plain: u8) -> &'static str {
    use crate::protocol::dlms::apdu::tag;
    match plain {
        tag::INITIATE_REQUEST => "initiate request",
        tag::INITIATE_RESPONSE => "initiate response",
        tag::CONFIRMED_SERVICE_ERROR => "confirmed service error",
        tag::GET_REQUEST => "GET request",
        tag::SET_REQUEST => "SET request",
        tag::EVENT_NOTIFICATION => "event notification",
        tag::ACTION_REQUEST => "ACTION request",
        tag::GET_RESPONSE => "GET response",
        tag::SET_RESPONSE => "SET response",
        tag::ACTION_RESPONSE => "ACTION response",
        _ => "an APDU",
    }
}
