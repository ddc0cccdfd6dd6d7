//! A job that a window submitted: its number once it has come, or why the job was refused.

use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use egui::Ui;

use crate::comms::JobId;
use crate::model::Fault;

use super::context::stopped;
use super::data::Later;

/// How long it takes until an answer that has not come is looked for again.
const AGAIN: Duration = Duration::from_millis(100);

/// A job that was submitted, or none yet.
#[derive(Debug, Default)]
pub(super) struct Submission {
    answer: Option<Later<JobId>>,
    job: Option<JobId>,
    refused: Option<Fault>,
}

impl Submission {
    /// A job was submitted.
    pub(super) const fn new(answer: Later<JobId>) -> Self {
        Self { answer: Some(answer), job: None, refused: None }
    }

    /// Takes the number, where it has come; looks again in a moment where it has not.
    pub(super) fn step(&mut self, ui: &Ui) {
        let Some(answer) = &self.answer else { return };
        match answer.try_recv() {
            Err(TryRecvError::Empty) => {
                ui.ctx().request_repaint_after(AGAIN);
                return;
            }
            Err(TryRecvError::Disconnected) => self.refused = Some(stopped()),
            Ok(Err(fault)) => self.refused = Some(fault),
            Ok(Ok(job)) => self.job = Some(job),
        }
        self.answer = None;
    }

    /// Whether its number has not come yet.
    #[must_use]
    pub(super) const fn is_waiting(&self) -> bool {
        self.answer.is_some()
    }

    /// Its number.
    #[must_use]
    pub(super) const fn job(&self) -> Option<JobId> {
        self.job
    }

    /// Why it was refused.
    #[must_use]
    pub(super) const fn refused(&self) -> Option<&Fault> {
        self.refused.as_ref()
    }
}
