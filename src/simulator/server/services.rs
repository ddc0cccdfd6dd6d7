//! GET, SET and ACTION with their lists and blocks.

use crate::protocol::dlms::apdu::{
    ActionOutcome, ActionRequest, ActionResponse, ActionResult, DataBlock, Encoded, GetRequest, GetResponse,
    GetResult, InvokeId, SetRequest, SetResponse, decode_values, encode_get_results,
};
use crate::protocol::dlms::{Apdu, AttributeRef, Conformance, Data, DataAccessResult, MethodRef};

use super::super::objects::refusal;
use super::super::quirks::Quirk;
use super::{Refusal, Server, lock};

/// Most octets that a client may send in blocks.
const MOST_GATHERED: usize = 1 << 20;
const SUCCESS: DataAccessResult = DataAccessResult(0);
const BLOCK_UNAVAILABLE: DataAccessResult = DataAccessResult(14);
const NO_LONG_GET: DataAccessResult = DataAccessResult(16);
const LONG_SET_ABORTED: DataAccessResult = DataAccessResult(17);
const NO_LONG_SET: DataAccessResult = DataAccessResult(18);
const BLOCK_NUMBER_INVALID: DataAccessResult = DataAccessResult(19);

/// A GET or an ACTION's outcome that goes out in blocks.
#[derive(Debug)]
pub(super) struct LongGet {
    bytes: Vec<u8>,
    first: u32,
    size: usize,
    sent: u32,
}

/// A SET that comes in blocks.
#[derive(Debug)]
pub(super) struct LongSet {
    attributes: Vec<AttributeRef>,
    with_list: bool,
    gathered: Pieces,
}

/// An ACTION whose parameter comes in blocks, or whose outcome goes out in them.
#[derive(Debug)]
pub(super) enum LongAction {
    Coming { methods: Vec<MethodRef>, with_list: bool, gathered: Pieces },
    Going(LongGet),
}

/// Blocks put together.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    next: Option<u32>,
}

impl Pieces {
    /// Takes a block; false where it is not the next one, or too much.
    fn take(&mut self, block: &DataBlock) -> bool {
        let expected = self.next.is_none_or(|next| next == block.number);
        let fits = self.bytes.len().saturating_add(block.raw.len()) <= MOST_GATHERED;
        if expected && fits {
            self.bytes.extend(&block.raw);
            self.next = Some(block.number.wrapping_add(1));
        }
        expected && fits
    }
}

impl LongGet {
    /// The block with a number: whether it is the last, and its bytes.
    fn block(&self, number: u32) -> Option<(bool, &[u8])> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let start = place.checked_mul(self.size)?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(rest.get(..self.size).map_or((true, rest), |block| (rest.len() == self.size, block)))
    }
}

impl LongGet {
    fn data_block(&self, number: u32) -> Option<DataBlock> {
        self.block(number).map(|(last, raw)| DataBlock { last, number, raw: raw.to_vec() })
    }
}

impl Server {
    fn negotiated(&self, wanted: Conformance) -> Result<(), Refusal> {
        let agreed = self.session.as_ref().map_or(Conformance::empty(), |session| session.conformance);
        if agreed.contains(wanted) { Ok(()) } else { Err(Refusal::not_supported()) }
    }

    fn ready(&self) -> Result<(), Refusal> {
        match &self.session {
            Some(session) if session.handover.is_none() => Ok(()),
            _ => Err(Refusal::not_allowed()),
        }
    }

    /// The largest plain answer.
    fn limit(&self) -> usize {
        let most = self.session.as_ref().map_or(usize::MAX, |session| session.client_max);
        most.saturating_sub(self.overhead())
    }

    /// Contents of one block, when `around` octets go around it.
    fn block_size(&self, around: usize) -> usize {
        let overshoot = if self.quirks.has(Quirk::PduOvershoot) { 6 } else { 0 };
        self.limit().saturating_sub(around).saturating_add(overshoot).clamp(16, 65_000)
    }

    fn transfer(&mut self, bytes: Vec<u8>, around: usize) -> LongGet {
        let by_the_book = if self.quirks.has(Quirk::BlocksFromZero) { 0 } else { 1 };
        let first = by_the_book + if self.quirks.has(Quirk::StaleBlocks) { self.stale_block } else { 0 };
        LongGet { bytes, first, size: self.block_size(around), sent: first }
    }

    // ── GET ──

    pub(super) fn get(&mut self, request: GetRequest, now_ms: i64) -> Result<Vec<u8>, Refusal> {
        self.ready()?;
        self.negotiated(Conformance::GET)?;
        let invoke = request.invoke();
        match request {
            GetRequest::Normal { attribute, .. } => {
                self.long_get = None;
                let result = self.get_one(&attribute, now_ms)?;
                let value = result.as_ref().ok().map(|value| value.0.clone());
                let answer = Apdu::GetResponse(GetResponse::Normal { invoke, result }).encode();
                match value {
                    Some(value) if self.is_too_long(&answer) => Ok(self.begin_get(invoke, value)),
                    _ => Ok(self.with_trailing_value(answer, &attribute)),
                }
            }
            GetRequest::WithList { attributes, .. } => {
                self.negotiated(Conformance::MULTIPLE_REFERENCES)?;
                if self.quirks.has(Quirk::NoList) {
                    return Err(Refusal::unknown());
                }
                self.long_get = None;
                let mut results =
                    attributes.iter().map(|one| self.get_one(one, now_ms)).collect::<Result<Vec<_>, _>>()?;
                if self.quirks.has(Quirk::ListMalformed) {
                    results.pop();
                }
                let bytes = encode_get_results(&results);
                let answer = Apdu::GetResponse(GetResponse::WithList { invoke, results }).encode();
                Ok(if self.is_too_long(&answer) { self.begin_get(invoke, bytes) } else { answer })
            }
            GetRequest::Next { block, .. } => Ok(self.next_get(invoke, block)),
        }
    }

    fn is_too_long(&self, answer: &[u8]) -> bool {
        answer.len() > self.limit() && !self.prefers_general_blocks()
    }

    fn get_one(&self, attribute: &AttributeRef, now_ms: i64) -> Result<GetResult, Refusal> {
        if attribute.selective.is_some() {
            self.negotiated(Conformance::SELECTIVE_ACCESS)?;
        }
        let Some(session) = &self.session else { return Err(Refusal::not_allowed()) };
        let value = lock(&self.meter).get(attribute, &session.view, session.rights, now_ms);
        Ok(value.map(|value| {
            let bytes = value.to_bytes();
            if self.quirks.has(Quirk::ArrayCounts) && attribute.class_id == 15 && attribute.attribute == 2 {
                Encoded(with_two_more(&bytes))
            } else {
                Encoded(bytes)
            }
        }))
    }

    fn with_trailing_value(&self, mut answer: Vec<u8>, attribute: &AttributeRef) -> Vec<u8> {
        if self.quirks.has(Quirk::ValueTrailing) && attribute.class_id == 8 && attribute.attribute == 2 {
            let value = answer.get(4..).unwrap_or_default().to_vec();
            answer.extend(value);
        }
        answer
    }

    fn begin_get(&mut self, invoke: InvokeId, bytes: Vec<u8>) -> Vec<u8> {
        if self.negotiated(Conformance::BLOCK_TRANSFER_GET).is_err() {
            let result = Err(BLOCK_UNAVAILABLE);
            return Apdu::GetResponse(GetResponse::Normal { invoke, result }).encode();
        }
        // Tag, kind, invoke, last, number, choice, length.
        let transfer = self.transfer(bytes, 3 + 1 + 4 + 1 + 3);
        let first = transfer.first;
        self.long_get = Some(transfer);
        self.get_block(invoke, first)
    }

    fn next_get(&mut self, invoke: InvokeId, received: u32) -> Vec<u8> {
        let failed = |reason| {
            let (last, number, result) = (true, received, Err(reason));
            Apdu::GetResponse(GetResponse::WithDatablock { invoke, last, number, result }).encode()
        };
        let Some(transfer) = &self.long_get else { return failed(NO_LONG_GET) };
        // A client that missed an answer may ask for it again.
        if received > transfer.sent || received < transfer.first {
            self.long_get = None;
            return failed(BLOCK_NUMBER_INVALID);
        }
        self.get_block(invoke, received.wrapping_add(1))
    }

    fn get_block(&mut self, invoke: InvokeId, number: u32) -> Vec<u8> {
        let Some(transfer) = &mut self.long_get else { return Vec::new() };
        let (last, result) = match transfer.block(number) {
            Some((last, raw)) => (last, Ok(raw.to_vec())),
            None => (true, Err(BLOCK_NUMBER_INVALID)),
        };
        transfer.sent = number;
        if last {
            self.stale_block = number;
        }
        let mut bytes =
            Apdu::GetResponse(GetResponse::WithDatablock { invoke, last, number, result }).encode();
        if self.quirks.has(Quirk::BlockTrailing) {
            bytes.extend([0xA5; 20]);
        }
        bytes
    }

    // ── SET ──

    pub(super) fn set(&mut self, request: SetRequest, now_ms: i64) -> Result<Vec<u8>, Refusal> {
        self.ready()?;
        self.negotiated(Conformance::SET)?;
        let answer = match request {
            SetRequest::Normal { invoke, attribute, value } => {
                SetResponse::Normal { invoke, result: self.set_one(&attribute, &value, now_ms) }
            }
            SetRequest::WithList { invoke, attributes, values } => {
                self.negotiated(Conformance::MULTIPLE_REFERENCES)?;
                SetResponse::WithList { invoke, results: self.set_many(&attributes, &values, now_ms) }
            }
            SetRequest::FirstDatablock { invoke, attribute, block } => {
                self.begin_set(invoke, vec![attribute], false, &block, now_ms)?
            }
            SetRequest::WithListAndFirstDatablock { invoke, attributes, block } => {
                self.negotiated(Conformance::MULTIPLE_REFERENCES)?;
                self.begin_set(invoke, attributes, true, &block, now_ms)?
            }
            SetRequest::Datablock { invoke, block } => self.continue_set(invoke, &block, now_ms),
        };
        Ok(Apdu::SetResponse(answer).encode())
    }

    fn set_one(&self, attribute: &AttributeRef, value: &Data, now_ms: i64) -> DataAccessResult {
        let Some(session) = &self.session else { return refusal::DENIED };
        let done = lock(&self.meter).set(attribute, value, &session.view, session.rights, now_ms);
        done.err().unwrap_or(SUCCESS)
    }

    fn set_many(&self, attributes: &[AttributeRef], values: &[Data], now_ms: i64) -> Vec<DataAccessResult> {
        let mut values = values.iter();
        attributes
            .iter()
            .map(|attribute| match values.next() {
                Some(value) => self.set_one(attribute, value, now_ms),
                None => refusal::TYPE_UNMATCHED,
            })
            .collect()
    }

    fn begin_set(
        &mut self,
        invoke: InvokeId,
        attributes: Vec<AttributeRef>,
        with_list: bool,
        block: &DataBlock,
        now_ms: i64,
    ) -> Result<SetResponse, Refusal> {
        self.negotiated(Conformance::BLOCK_TRANSFER_SET)?;
        self.long_set = Some(LongSet { attributes, with_list, gathered: Pieces::default() });
        Ok(self.continue_set(invoke, block, now_ms))
    }

    fn continue_set(&mut self, invoke: InvokeId, block: &DataBlock, now_ms: i64) -> SetResponse {
        let number = block.number;
        let failed = |result| SetResponse::LastDatablock { invoke, result, block: number };
        let Some(mut coming) = self.long_set.take() else { return failed(NO_LONG_SET) };
        if !coming.gathered.take(block) {
            return failed(LONG_SET_ABORTED);
        }
        if !block.last {
            self.long_set = Some(coming);
            return SetResponse::Datablock { invoke, block: number };
        }
        let bytes = &coming.gathered.bytes;
        if coming.with_list {
            let values = decode_values(bytes).map(|(values, _)| values).unwrap_or_default();
            let results = self.set_many(&coming.attributes, &values, now_ms);
            return SetResponse::LastDatablockWithList { invoke, results, block: number };
        }
        let result = match (Data::decode(bytes), coming.attributes.first()) {
            (Ok((value, _)), Some(attribute)) => self.set_one(attribute, &value, now_ms),
            _ => refusal::TYPE_UNMATCHED,
        };
        failed(result)
    }

    // ── ACTION ──

    pub(super) fn action(&mut self, request: ActionRequest, now_ms: i64) -> Result<Vec<u8>, Refusal> {
        self.negotiated(Conformance::ACTION)?;
        let invoke = request.invoke();
        match request {
            ActionRequest::Normal { method, parameter, .. } => {
                let outcome = if self.is_reply_to_challenge(&method) {
                    self.reply_to_challenge(parameter.as_ref())
                } else {
                    self.ready()?;
                    self.act(&method, parameter.as_ref(), now_ms)
                };
                Ok(self.answer_action(invoke, outcome))
            }
            ActionRequest::WithList { methods, parameters, .. } => {
                self.ready()?;
                self.negotiated(Conformance::MULTIPLE_REFERENCES)?;
                Ok(self.answer_actions(invoke, &methods, &parameters, now_ms))
            }
            ActionRequest::NextPblock { block, .. } => self.next_action_block(invoke, block),
            ActionRequest::WithFirstPblock { method, block, .. } => {
                self.begin_action(vec![method], false)?;
                self.continue_action(invoke, &block, now_ms)
            }
            ActionRequest::WithListAndFirstPblock { methods, block, .. } => {
                self.negotiated(Conformance::MULTIPLE_REFERENCES)?;
                self.begin_action(methods, true)?;
                self.continue_action(invoke, &block, now_ms)
            }
            ActionRequest::WithPblock { block, .. } => self.continue_action(invoke, &block, now_ms),
        }
    }

    fn is_reply_to_challenge(&self, method: &MethodRef) -> bool {
        let own = lock(&self.meter).association_name();
        method.class_id == 15 && method.obis == own && method.method == 1
    }

    fn act(&self, method: &MethodRef, parameter: Option<&Data>, now_ms: i64) -> ActionOutcome {
        let failed =
            |result: DataAccessResult| ActionOutcome { result: ActionResult(result.0), returned: None };
        let Some(session) = &self.session else { return failed(refusal::DENIED) };
        let done = lock(&self.meter).invoke(method, parameter, &session.view, session.rights, now_ms);
        match done {
            Ok(returned) => ActionOutcome {
                result: ActionResult::SUCCESS,
                returned: returned.map(|value| Ok(Encoded::from(&value))),
            },
            Err(reason) => failed(reason),
        }
    }

    fn answer_action(&mut self, invoke: InvokeId, outcome: ActionOutcome) -> Vec<u8> {
        let (outcome_bytes, is_bare) = (outcome.to_bytes(), outcome.returned.is_none());
        let mut answer = Apdu::ActionResponse(ActionResponse::Normal { invoke, outcome }).encode();
        if is_bare && self.quirks.has(Quirk::ActionBare) {
            // Not even the flag that nothing was returned.
            answer.pop();
        }
        if !self.is_too_long(&answer) || self.negotiated(Conformance::BLOCK_TRANSFER_ACTION).is_err() {
            return answer;
        }
        // Tag, kind, invoke, last, number, length.
        let going = self.transfer(outcome_bytes, 3 + 1 + 4 + 3);
        let first = going.first;
        let block = going.data_block(first);
        self.long_action = Some(LongAction::Going(going));
        block.map_or(answer, |block| {
            Apdu::ActionResponse(ActionResponse::WithPblock { invoke, block }).encode()
        })
    }

    fn answer_actions(
        &mut self,
        invoke: InvokeId,
        methods: &[MethodRef],
        parameters: &[Data],
        now_ms: i64,
    ) -> Vec<u8> {
        let mut parameters = parameters.iter();
        let outcomes: Vec<ActionOutcome> = methods
            .iter()
            .map(|method| {
                let parameter = parameters.next().filter(|parameter| **parameter != Data::Null);
                self.act(method, parameter, now_ms)
            })
            .collect();
        Apdu::ActionResponse(ActionResponse::WithList { invoke, outcomes }).encode()
    }

    fn begin_action(&mut self, methods: Vec<MethodRef>, with_list: bool) -> Result<(), Refusal> {
        self.ready()?;
        self.negotiated(Conformance::BLOCK_TRANSFER_ACTION)?;
        self.long_action = Some(LongAction::Coming { methods, with_list, gathered: Pieces::default() });
        Ok(())
    }

    fn continue_action(
        &mut self,
        invoke: InvokeId,
        block: &DataBlock,
        now_ms: i64,
    ) -> Result<Vec<u8>, Refusal> {
        let failed = |code| ActionOutcome { result: ActionResult(code), returned: None };
        let Some(LongAction::Coming { methods, with_list, mut gathered }) = self.long_action.take() else {
            return Ok(self.answer_action(invoke, failed(NO_LONG_SET.0)));
        };
        if !gathered.take(block) {
            return Ok(self.answer_action(invoke, failed(LONG_SET_ABORTED.0)));
        }
        if !block.last {
            self.long_action = Some(LongAction::Coming { methods, with_list, gathered });
            let block = block.number;
            return Ok(Apdu::ActionResponse(ActionResponse::NextPblock { invoke, block }).encode());
        }
        if with_list {
            let values = decode_values(&gathered.bytes).map(|(values, _)| values).unwrap_or_default();
            return Ok(self.answer_actions(invoke, &methods, &values, now_ms));
        }
        let outcome = match (Data::decode(&gathered.bytes), methods.first()) {
            (Ok((value, _)), Some(method)) if self.is_reply_to_challenge(method) => {
                self.reply_to_challenge(Some(&value))
            }
            (Ok((value, _)), Some(method)) => self.act(method, Some(&value), now_ms),
            _ => failed(refusal::TYPE_UNMATCHED.0),
        };
        Ok(self.answer_action(invoke, outcome))
    }

    fn next_action_block(&mut self, invoke: InvokeId, received: u32) -> Result<Vec<u8>, Refusal> {
        let Some(LongAction::Going(going)) = &self.long_action else { return Err(Refusal::not_allowed()) };
        let block = going.data_block(received.wrapping_add(1)).ok_or(Refusal::not_allowed())?;
        Ok(Apdu::ActionResponse(ActionResponse::WithPblock { invoke, block }).encode())
    }
}

/// An array whose count claims two elements more than it has.
fn with_two_more(bytes: &[u8]) -> Vec<u8> {
    match *bytes {
        [1, count @ 0..=0x7D, ref rest @ ..] => [&[1, count + 2], rest].concat(),
        [1, 0x81, count @ 0..=0xFD, ref rest @ ..] => [&[1, 0x81, count + 2], rest].concat(),
        _ => bytes.to_vec(),
    }
}
