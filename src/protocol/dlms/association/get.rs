//! Reading attributes: one, many, in blocks.

use std::fmt::Display;

use crate::protocol::link::Link;

use super::super::apdu::{
    Apdu, Conformance, Encoded, GetRequest, GetResponse, GetResult, InvokeId, decode_get_results,
};
use super::super::data::{Data, DataAccessResult};
use super::super::reference::AttributeRef;
use super::blocks::Collected;
use super::session::{Doubt, Session, State, senseless, unexpected};
use super::{Association, DlmsError};

/// Bytes of a GET-Request-With-List beside its attributes, and of one attribute without selection.
const LIST_OVERHEAD: usize = 1 + 1 + 1 + 3;
/// Blocks that may repeat what came before one is given up on.
const REPEATS_MAX: usize = 8;

type Results<T> = Vec<Result<T, DataAccessResult>>;
/// Makes of an answer's bytes what the caller wants of it.
type Made<'m, T> = &'m dyn Fn(&mut State, Encoded, &AttributeRef) -> Result<T, DlmsError>;

/// What a meter gave of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A value.
    Value(Data),
    /// Its bytes, for a buffer that is read as a [`Table`](super::super::Table).
    Buffer(Encoded),
}

impl<L: Link> Session<'_, L> {
    /// Collects the blocks of a GET answer, of which `first` is the first.
    async fn get_blocks(
        &mut self,
        invoke: InvokeId,
        first: Apdu,
        what: &dyn Display,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Result<Vec<u8>, DataAccessResult>, DlmsError> {
        let mut collected = Collected::default();
        let mut due = None;
        let mut repeats = 0;
        let mut answer = first;
        loop {
            let Apdu::GetResponse(GetResponse::WithDatablock { last, number, result, .. }) = answer else {
                return Err(unexpected(what, "a block was due", &answer));
            };
            if due.is_some_and(|due: u32| number == due.wrapping_sub(1)) && repeats < REPEATS_MAX {
                repeats += 1;
                self.state.remark(format!("{what}: block {number} came twice"));
                answer = self.answer(invoke, what).await?;
                continue;
            }
            match due {
                // Some meters begin at nought, some go on where an abandoned transfer stood.
                None if number > 1 => {
                    self.state.remark(format!("{what}: the first block bears the number {number}"));
                }
                Some(due) if number != due => {
                    let apdu = Apdu::GetResponse(GetResponse::WithDatablock { invoke, last, number, result });
                    return Err(unexpected(what, &format!("block {due} was due, {number} came"), &apdu));
                }
                _ => {}
            }
            match result {
                Ok(raw) => collected.take(&raw, what)?,
                Err(reason) => return Ok(Err(reason)),
            }
            progress(collected.bytes.len());
            if last {
                return Ok(Ok(collected.bytes));
            }
            due = Some(number.wrapping_add(1));
            let next = Apdu::GetRequest(GetRequest::Next { invoke, block: number });
            answer = self.request(&next, invoke, what).await?;
        }
    }

    /// Reads one attribute as bytes.
    async fn get_one(
        &mut self,
        attribute: &AttributeRef,
        progress: &mut dyn FnMut(usize),
    ) -> Result<GetResult, DlmsError> {
        let invoke = self.state.next_invoke();
        let request = Apdu::GetRequest(GetRequest::Normal { invoke, attribute: attribute.clone() });
        match self.request(&request, invoke, attribute).await? {
            Apdu::GetResponse(GetResponse::Normal { result, .. }) => Ok(result),
            Apdu::GetResponse(GetResponse::WithList { mut results, .. }) if results.len() == 1 => {
                results.pop().ok_or_else(|| DlmsError::Protocol {
                    reason: format!("{attribute}: an empty list came"),
                    raw: Vec::new(),
                })
            }
            first => Ok(self.get_blocks(invoke, first, attribute, progress).await?.map(Encoded)),
        }
    }

    /// Reads many attributes in one exchange; the error where the answer is not one result for each.
    async fn get_list<T>(
        &mut self,
        attributes: &[AttributeRef],
        made: Made<'_, T>,
    ) -> Result<Results<T>, DlmsError> {
        let what = format!("a list of {} attributes", attributes.len());
        let invoke = self.state.next_invoke();
        let request = Apdu::GetRequest(GetRequest::WithList { invoke, attributes: attributes.to_vec() });
        let results = match self.request(&request, invoke, &what).await? {
            Apdu::GetResponse(GetResponse::WithList { results, .. }) => results,
            first => {
                let blocks = self.get_blocks(invoke, first, &what, &mut |_| {}).await?;
                let bytes = blocks.map_err(|result| DlmsError::Access { what: what.clone(), result })?;
                let (results, used) =
                    decode_get_results(&bytes).map_err(|error| senseless(&what, &error, &bytes))?;
                if used < bytes.len() {
                    let extra = bytes.len() - used;
                    self.state.remark(format!("{what}: {extra} bytes follow the results and were ignored"));
                }
                results
            }
        };
        if results.len() != attributes.len() {
            let reason = format!("{what}: {} results came", results.len());
            return Err(DlmsError::Protocol { reason, raw: Vec::new() });
        }
        let values = results.into_iter().zip(attributes);
        values
            .map(|(result, attribute)| match result {
                Ok(encoded) => made(&mut self.state, encoded, attribute).map(Ok),
                Err(reason) => Ok(Err(reason)),
            })
            .collect()
    }
}

impl<L: Link> Association<'_, L> {
    /// Reads one attribute; a refusal is [`DlmsError::Access`].
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn get(&mut self, attribute: &AttributeRef) -> Result<Data, DlmsError> {
        let encoded = self.get_encoded(attribute, &mut |_| {}).await?;
        self.session.state.value(&encoded, attribute)
    }

    /// Reads one attribute and leaves it as bytes: for buffers too large to make a tree of. `progress` is told how
    /// many bytes have come after each block.
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn get_encoded(
        &mut self,
        attribute: &AttributeRef,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Encoded, DlmsError> {
        let result = self.session.get_one(attribute, progress).await?;
        result.map_err(|result| DlmsError::Access { what: attribute.to_string(), result })
    }

    /// Reads many attributes in as few exchanges as the meter allows; each has its own result, in order.
    ///
    /// Lists hold as many attributes as the template, the meter's largest PDU and the agreed services allow. A list
    /// that the meter refuses or garbles is read again one by one, and so is all that follows. An attribute that
    /// the meter answers with an exception or with bytes that are no value counts as refused for "other reason",
    /// and a remark says what came.
    ///
    /// # Errors
    /// The conversation as a whole failed.
    pub async fn get_many(&mut self, attributes: &[AttributeRef]) -> Result<Results<Data>, DlmsError> {
        self.read_many(attributes, &|state, encoded, what| state.value(&encoded, what)).await
    }

    /// Reads like [`Association::get_many`], and leaves those answers as bytes that are buffers.
    ///
    /// # Errors
    /// As [`Association::get_many`].
    pub async fn get_answers(
        &mut self,
        attributes: &[AttributeRef],
        is_buffer: fn(&AttributeRef) -> bool,
    ) -> Result<Results<Answer>, DlmsError> {
        let made = |state: &mut State, encoded: Encoded, what: &AttributeRef| {
            if is_buffer(what) {
                return Ok(Answer::Buffer(encoded));
            }
            state.value(&encoded, what).map(Answer::Value)
        };
        self.read_many(attributes, &made).await
    }

    async fn read_many<T>(
        &mut self,
        attributes: &[AttributeRef],
        made: Made<'_, T>,
    ) -> Result<Results<T>, DlmsError> {
        let mut out = Vec::with_capacity(attributes.len());
        let mut rest = attributes;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(self.list_length(rest));
            rest = after;
            if chunk.len() > 1 {
                match self.session.get_list(chunk, made).await {
                    Ok(results) => {
                        out.extend(results);
                        continue;
                    }
                    Err(error) => self.give_up_lists(error)?,
                }
            }
            for attribute in chunk {
                out.push(self.get_tolerant(attribute, made).await?);
            }
        }
        Ok(out)
    }

    /// How many of the attributes go into the next request; at least one.
    fn list_length(&self, attributes: &[AttributeRef]) -> usize {
        let most = if self.lists_refused || !self.negotiated.allows(Conformance::MULTIPLE_REFERENCES) {
            1
        } else {
            usize::from(self.config.requests.list_max)
        };
        let mut left = self.session.state.room().saturating_sub(LIST_OVERHEAD);
        let fitting = attributes.iter().take(most).take_while(|attribute| {
            let mut bytes = Vec::new();
            attribute.write(&mut bytes);
            let fits = bytes.len() <= left;
            left = left.saturating_sub(bytes.len());
            fits
        });
        fitting.count().max(1)
    }

    /// Whether a failed list can be read one by one: the meter refused or garbled it, and the link still stands.
    pub(super) fn give_up_lists(&mut self, error: DlmsError) -> Result<(), DlmsError> {
        let passable = match &error {
            DlmsError::Protocol { .. } | DlmsError::Access { .. } => true,
            DlmsError::Exception(_) => self.session.state.doubt == Doubt::None,
            _ => false,
        };
        if !passable {
            return Err(error);
        }
        self.lists_refused = true;
        self.session.state.remark(format!("lists are not used any more: {error}"));
        Ok(())
    }

    async fn get_tolerant<T>(
        &mut self,
        attribute: &AttributeRef,
        made: Made<'_, T>,
    ) -> Result<Result<T, DataAccessResult>, DlmsError> {
        let encoded = self.get_encoded(attribute, &mut |_| {}).await;
        let error = match encoded.and_then(|encoded| made(&mut self.session.state, encoded, attribute)) {
            Ok(value) => return Ok(Ok(value)),
            Err(DlmsError::Access { result, .. }) => return Ok(Err(result)),
            Err(error) => error,
        };
        let passable = match &error {
            DlmsError::Protocol { .. } => true,
            DlmsError::Exception(_) => self.session.state.doubt == Doubt::None,
            _ => false,
        };
        if !passable {
            return Err(error);
        }
        self.session.state.remark(error.to_string());
        Ok(Err(DataAccessResult::OTHER_REASON))
    }
}
