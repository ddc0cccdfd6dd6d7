//! Writing attributes: one, many, in blocks.

use std::fmt::Display;

use crate::protocol::link::Link;

use super::super::apdu::{Apdu, Conformance, DataBlock, InvokeId, SetRequest, SetResponse, encode_values};
use super::super::data::{Data, DataAccessResult};
use super::super::reference::AttributeRef;
use super::session::{Doubt, Session, unexpected};
use super::{Association, DlmsError};

/// Bytes of a first block beside attributes and piece: tag, kind, number, last, block number, length, list count.
pub(super) const FIRST_BLOCK_OVERHEAD: usize = 1 + 1 + 1 + 1 + 4 + 3 + 3;

/// Cuts what goes in blocks: the first has less room, because it names what is written.
pub(super) fn blocks(bytes: &[u8], first_room: usize, room: usize) -> Vec<DataBlock> {
    let (first, rest) = bytes.split_at(first_room.max(1).min(bytes.len()));
    let pieces = std::iter::once(first).chain(rest.chunks(room.max(1)));
    let mut out: Vec<DataBlock> = (1u32..)
        .zip(pieces)
        .map(|(number, piece)| DataBlock { last: false, number, raw: piece.to_vec() })
        .collect();
    if let Some(block) = out.last_mut() {
        block.last = true;
    }
    out
}

impl<L: Link> Session<'_, L> {
    /// Sends the blocks after `first` as the meter takes them; gives the answer to the last.
    async fn set_blocks(
        &mut self,
        invoke: InvokeId,
        first: SetRequest,
        rest: Vec<DataBlock>,
        what: &dyn Display,
    ) -> Result<SetResponse, DlmsError> {
        let mut answer = self.set_request(first, invoke, what).await?;
        for block in rest {
            let wanted = block.number - 1;
            match answer {
                SetResponse::Datablock { block: taken, .. } => {
                    if taken != wanted {
                        self.state
                            .remark(format!("{what}: the meter acknowledged block {taken}, not {wanted}"));
                    }
                }
                // It refused before it had everything.
                other => return Ok(other),
            }
            answer = self.set_request(SetRequest::Datablock { invoke, block }, invoke, what).await?;
        }
        Ok(answer)
    }

    async fn set_request(
        &mut self,
        request: SetRequest,
        invoke: InvokeId,
        what: &dyn Display,
    ) -> Result<SetResponse, DlmsError> {
        match self.request(&Apdu::SetRequest(request), invoke, what).await? {
            Apdu::SetResponse(response) => Ok(response),
            other => Err(unexpected(what, "another kind of answer came", &other)),
        }
    }
}

impl<L: Link> Association<'_, L> {
    /// Writes one attribute; a refusal is [`DlmsError::Access`].
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn set(&mut self, attribute: &AttributeRef, value: &Data) -> Result<(), DlmsError> {
        let what = format!("writing {attribute}");
        let invoke = self.session.state.next_invoke();
        let whole = SetRequest::Normal { invoke, attribute: attribute.clone(), value: value.clone() };
        let answer = if self.fits(&Apdu::SetRequest(whole.clone()))
            || !self.in_blocks(Conformance::BLOCK_TRANSFER_SET)
        {
            self.session.set_request(whole, invoke, &what).await?
        } else {
            let mut named = Vec::new();
            attribute.write(&mut named);
            let room = self.session.state.room().saturating_sub(FIRST_BLOCK_OVERHEAD);
            let mut pieces = blocks(&value.to_bytes(), room.saturating_sub(named.len()), room).into_iter();
            let Some(block) = pieces.next() else { return Ok(()) };
            let first = SetRequest::FirstDatablock { invoke, attribute: attribute.clone(), block };
            self.session.set_blocks(invoke, first, pieces.collect(), &what).await?
        };
        let result = match &answer {
            SetResponse::Normal { result, .. } | SetResponse::LastDatablock { result, .. } => *result,
            SetResponse::WithList { results, .. } | SetResponse::LastDatablockWithList { results, .. }
                if results.len() == 1 =>
            {
                results.first().copied().unwrap_or(DataAccessResult::OTHER_REASON)
            }
            _ => return Err(unexpected(&what, "no result came", &Apdu::SetResponse(answer))),
        };
        if result == DataAccessResult::SUCCESS { Ok(()) } else { Err(DlmsError::Access { what, result }) }
    }

    /// Writes many attributes; each has its own result, in order. Lists are used as in
    /// [`Association::get_many`]; a list that the meter refuses as a whole is written one by one.
    ///
    /// # Errors
    /// The conversation as a whole failed. What was written by then stays written.
    pub async fn set_many(
        &mut self,
        writes: &[(AttributeRef, Data)],
    ) -> Result<Vec<Result<(), DataAccessResult>>, DlmsError> {
        let mut out = Vec::with_capacity(writes.len());
        let lists = self.negotiated.allows(Conformance::MULTIPLE_REFERENCES);
        let most = usize::from(self.config.requests.list_max.max(1));
        for chunk in writes.chunks(if lists { most } else { 1 }) {
            if chunk.len() > 1 && !self.lists_refused {
                match self.set_list(chunk).await {
                    Ok(results) => {
                        out.extend(results);
                        continue;
                    }
                    Err(error @ DlmsError::Exception(_)) => self.give_up_lists(error)?,
                    Err(error) => return Err(error),
                }
            }
            for (attribute, value) in chunk {
                out.push(match self.set(attribute, value).await {
                    Ok(()) => Ok(()),
                    Err(DlmsError::Access { result, .. }) => Err(result),
                    Err(DlmsError::Exception(words)) if self.session.state.doubt == Doubt::None => {
                        self.session.state.remark(words);
                        Err(DataAccessResult::OTHER_REASON)
                    }
                    Err(error) => return Err(error),
                });
            }
        }
        Ok(out)
    }

    async fn set_list(
        &mut self,
        writes: &[(AttributeRef, Data)],
    ) -> Result<Vec<Result<(), DataAccessResult>>, DlmsError> {
        let what = format!("writing a list of {} attributes", writes.len());
        let invoke = self.session.state.next_invoke();
        let (attributes, values): (Vec<_>, Vec<_>) = writes.iter().cloned().unzip();
        let raw = encode_values(values.iter());
        let whole = SetRequest::WithList { invoke, attributes: attributes.clone(), values };
        let answer = if self.fits(&Apdu::SetRequest(whole.clone()))
            || !self.in_blocks(Conformance::BLOCK_TRANSFER_SET)
        {
            self.session.set_request(whole, invoke, &what).await?
        } else {
            let mut named = Vec::new();
            attributes.iter().for_each(|attribute| attribute.write(&mut named));
            let room = self.session.state.room().saturating_sub(FIRST_BLOCK_OVERHEAD);
            let mut pieces = blocks(&raw, room.saturating_sub(named.len()), room).into_iter();
            let Some(block) = pieces.next() else { return Ok(Vec::new()) };
            let first = SetRequest::WithListAndFirstDatablock { invoke, attributes, block };
            self.session.set_blocks(invoke, first, pieces.collect(), &what).await?
        };
        match answer {
            SetResponse::WithList { results, .. } | SetResponse::LastDatablockWithList { results, .. }
                if results.len() == writes.len() =>
            {
                let judge = |result| if result == DataAccessResult::SUCCESS { Ok(()) } else { Err(result) };
                Ok(results.into_iter().map(judge).collect())
            }
            other => Err(unexpected(&what, "not one result for each came", &Apdu::SetResponse(other))),
        }
    }

    /// Whether an APDU reaches the meter in one piece.
    pub(super) fn fits(&self, apdu: &Apdu) -> bool {
        apdu.encode().len() <= self.session.state.room()
    }

    /// Whether what does not fit goes in blocks of its service. General block transfer does it below otherwise; and
    /// without either it is sent whole, for the meter to judge.
    pub(super) fn in_blocks(&self, service: Conformance) -> bool {
        self.negotiated.allows(service)
    }
}
