//! Invoking methods, with parameters and return values of any length.

use crate::protocol::link::Link;

use super::super::apdu::{
    ActionOutcome, ActionRequest, ActionResponse, Apdu, Conformance, DataBlock, Encoded, InvokeId,
};
use super::super::data::{Data, DataAccessResult};
use super::super::reference::MethodRef;
use super::blocks::Collected;
use super::session::{Session, unexpected};
use super::set::{FIRST_BLOCK_OVERHEAD, blocks};
use super::{Association, DlmsError};

impl<L: Link> Session<'_, L> {
    async fn action_request(
        &mut self,
        request: ActionRequest,
        invoke: InvokeId,
        what: &str,
    ) -> Result<ActionResponse, DlmsError> {
        match self.request(&Apdu::ActionRequest(request), invoke, &what).await? {
            Apdu::ActionResponse(response) => Ok(response),
            other => Err(unexpected(&what, "another kind of answer came", &other)),
        }
    }

    /// Sends the blocks after `first` as the meter takes them; gives the answer to the last.
    async fn action_blocks(
        &mut self,
        invoke: InvokeId,
        first: ActionRequest,
        rest: Vec<DataBlock>,
        what: &str,
    ) -> Result<ActionResponse, DlmsError> {
        let mut answer = self.action_request(first, invoke, what).await?;
        for block in rest {
            if !matches!(answer, ActionResponse::NextPblock { .. }) {
                // It refused before it had everything.
                return Ok(answer);
            }
            answer = self.action_request(ActionRequest::WithPblock { invoke, block }, invoke, what).await?;
        }
        Ok(answer)
    }

    /// Collects an outcome that comes in blocks.
    async fn outcome_blocks(
        &mut self,
        invoke: InvokeId,
        first: DataBlock,
        what: &str,
    ) -> Result<Vec<u8>, DlmsError> {
        let mut block = first;
        let mut collected = Collected::default();
        loop {
            collected.take(&block.raw, &what)?;
            if block.last {
                return Ok(collected.bytes);
            }
            let due = block.number.wrapping_add(1);
            let next = ActionRequest::NextPblock { invoke, block: block.number };
            block = match self.action_request(next, invoke, what).await? {
                ActionResponse::WithPblock { block, .. } if block.number == due => block,
                other => {
                    let reason = format!("block {due} was due");
                    return Err(unexpected(&what, &reason, &Apdu::ActionResponse(other)));
                }
            };
        }
    }
}

/// What blocks carried: an outcome as the standard has it, or, from some meters, the returned value alone.
fn outcome(bytes: Vec<u8>) -> ActionOutcome {
    match ActionOutcome::decode(&bytes) {
        Ok((outcome, used)) if used == bytes.len() => outcome,
        _ => ActionOutcome {
            result: super::super::apdu::ActionResult::SUCCESS,
            returned: Some(Ok(Encoded(bytes))),
        },
    }
}

impl<L: Link> Association<'_, L> {
    /// Whether an invocation with this parameter fits into one message to the meter.
    #[must_use]
    pub fn takes(&self, (method, parameter): (MethodRef, Data)) -> bool {
        let whole = ActionRequest::Normal { invoke: InvokeId(0), method, parameter: Some(parameter) };
        self.fits(&Apdu::ActionRequest(whole))
    }

    /// Invokes a method; gives what it returned, if anything. A refusal is [`DlmsError::Access`].
    ///
    /// # Errors
    /// See [`DlmsError`].
    pub async fn action(
        &mut self,
        method: &MethodRef,
        parameter: Option<&Data>,
    ) -> Result<Option<Data>, DlmsError> {
        let what = method.to_string();
        let invoke = self.session.state.next_invoke();
        let whole = ActionRequest::Normal { invoke, method: *method, parameter: parameter.cloned() };
        let fits = self.fits(&Apdu::ActionRequest(whole.clone()));
        let answer = match parameter {
            Some(parameter) if !fits && self.in_blocks(Conformance::BLOCK_TRANSFER_ACTION) => {
                let room = self.session.state.room().saturating_sub(FIRST_BLOCK_OVERHEAD);
                let mut named = Vec::new();
                method.write(&mut named);
                let mut pieces =
                    blocks(&parameter.to_bytes(), room.saturating_sub(named.len()), room).into_iter();
                let Some(block) = pieces.next() else { return Ok(None) };
                let first = ActionRequest::WithFirstPblock { invoke, method: *method, block };
                self.session.action_blocks(invoke, first, pieces.collect(), &what).await?
            }
            _ => self.session.action_request(whole, invoke, &what).await?,
        };
        let outcome = match answer {
            ActionResponse::Normal { outcome, .. } => outcome,
            ActionResponse::WithPblock { block, .. } => {
                outcome(self.session.outcome_blocks(invoke, block, &what).await?)
            }
            ActionResponse::WithList { mut outcomes, .. } if outcomes.len() == 1 => outcomes.remove(0),
            other => return Err(unexpected(&what, "no outcome came", &Apdu::ActionResponse(other))),
        };
        if outcome.result.0 != 0 {
            return Err(DlmsError::Access { what, result: DataAccessResult(outcome.result.0) });
        }
        match outcome.returned {
            None => Ok(None),
            Some(Ok(encoded)) => self.session.state.value(&encoded, &what).map(Some),
            Some(Err(result)) => Err(DlmsError::Access { what, result }),
        }
    }
}
