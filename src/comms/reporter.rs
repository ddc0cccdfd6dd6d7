//! Tells of one session: to the listeners, and in what is kept of it.

use std::cell::RefCell;
use std::rc::Rc;

use crate::model::{Fault, MeterId, Step};

use super::progress::Progress;
use super::shared::Shared;
use super::trace_log::TraceLog;
use super::{Event, JobId};

/// What outlives a session that panics.
#[derive(Clone, Default)]
pub(super) struct Remains {
    pub(super) progress: Rc<RefCell<Progress>>,
    pub(super) trace: Rc<RefCell<TraceLog>>,
}

impl Remains {
    /// What to do with the answer to a write of the session that counts for nothing but must not be lost.
    pub(super) fn hears(&self) -> impl FnOnce(Result<(), Fault>) + use<> {
        let progress = Rc::clone(&self.progress);
        move |done| {
            if let Err(fault) = done {
                progress.borrow_mut().note_unstored(fault);
            }
        }
    }
}

/// Tells of one session.
#[derive(Clone)]
pub(super) struct Reporter {
    pub(super) shared: Rc<Shared>,
    pub(super) remains: Remains,
    pub(super) job: JobId,
    pub(super) meter: Option<MeterId>,
}

impl Reporter {
    /// A step.
    pub(super) fn step(&self, step: Step) {
        self.shared.emit(&Event::MeterStep { job: self.job, meter: self.meter, step });
    }

    /// A remark, once.
    pub(super) fn remark(&self, text: String) {
        if self.remains.progress.borrow_mut().remark(&text) {
            self.remains.trace.borrow_mut().remark(self.shared.now(), &text);
            self.shared.emit(&Event::MeterRemark { job: self.job, meter: self.meter, text });
        }
    }
}
