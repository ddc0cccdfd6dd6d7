//! A change on its way to the store.

use std::sync::mpsc::{Receiver, TryRecvError};

use crate::comms::{Edit, Edited};
use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::Query;
use crate::model::Fault;

/// A change on its way to the store.
#[derive(Debug, Default)]
pub(super) struct Saving {
    answer: Option<Receiver<Result<Edited, Fault>>>,
    /// Why the last one was refused.
    pub(super) refused: Option<Fault>,
}

impl Saving {
    /// Asks for a change.
    pub(super) fn begin(&mut self, cx: &AppCtx, edit: Edit) {
        self.refused = None;
        self.answer = Some(cx.backend.edit(edit));
    }

    /// Whether it is still on its way.
    pub(super) const fn is_waiting(&self) -> bool {
        self.answer.is_some()
    }

    /// What it gave, once.
    pub(super) fn take(&mut self, cx: &mut AppCtx) -> Option<Edited> {
        let result = match self.answer.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(stopped()),
            Ok(result) => result,
        };
        self.answer = None;
        match result {
            Ok(edited) => {
                cx.data.expire(|query| {
                    matches!(
                        query,
                        Query::Meters
                            | Query::Roster
                            | Query::Details(_)
                            | Query::Point(_)
                            | Query::Preview(..)
                            | Query::PreviewWithout(..)
                            | Query::Setting(_)
                    )
                });
                Some(edited)
            }
            Err(fault) => {
                self.refused = Some(fault);
                None
            }
        }
    }
}
