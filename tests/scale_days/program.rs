//! The program, as one life of it: from a start to its end or to its being killed.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use meterwright::comms::{CommsOptions, Event, JobId, LocalComms, Surroundings};
use meterwright::model::{MeterId, Step};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the program told since it started.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Whether the store takes writes, whenever that changed.
    pub(crate) store: Vec<bool>,
    /// Sessions that failed.
    pub(crate) failed: u64,
    /// Attempts that were repeated within their sessions.
    pub(crate) retried: u64,
    jobs: BTreeSet<JobId>,
    /// Meters that were told as read well and stored, and when.
    pub(crate) well: BTreeMap<MeterId, Timestamp>,
}

impl Told {
    /// Jobs that have not ended.
    pub(crate) fn open_jobs(&self) -> usize {
        self.jobs.len()
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Store { fault } => self.store.push(fault.is_none()),
            Event::MeterEnded { meter: Some(meter), result, .. } if result.fault.is_none() => {
                self.well.insert(*meter, result.at);
            }
            Event::MeterEnded { .. } => self.failed += 1,
            Event::MeterStep { step: Step::Retrying { .. }, .. } => self.retried += 1,
            Event::Submitted { job, .. } => {
                self.jobs.insert(*job);
            }
            Event::Ended { job, .. } => {
                self.jobs.remove(job);
            }
            _ => {}
        }
    }
}

pub(crate) struct Program {
    pub(crate) comms: LocalComms,
    told: Rc<RefCell<Told>>,
    listening: JoinHandle<()>,
}

impl Program {
    pub(crate) async fn start(store: &Path, surroundings: Surroundings) -> Self {
        let options = CommsOptions { store: store.to_owned(), sessions: 1000, trace: true, schedule: true };
        let comms = LocalComms::start(options, surroundings).unwrap();
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let events = comms.listen(move || wake.notify_one()).await.unwrap();
        let told = Rc::new(RefCell::new(Told::default()));
        let kept = Rc::clone(&told);
        let listening = tokio::task::spawn_local(async move {
            loop {
                woken.notified().await;
                events.try_iter().for_each(|event| kept.borrow_mut().take(&event));
            }
        });
        Self { comms, told, listening }
    }

    pub(crate) fn told(&self) -> Ref<'_, Told> {
        self.told.borrow()
    }

    pub(crate) async fn stop(self) {
        self.comms.stop().await;
        self.listening.abort();
    }
}
