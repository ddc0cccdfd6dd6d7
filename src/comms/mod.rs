//! The background communications thread (floor 4).
//!
//! One thread owns every line, every session and all writing of readings. Windows and command line speak to it
//! through [`Comms`]: `submit`, `cancel`, `edit`, and a stream of [`Event`]s.

pub mod link;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use crate::drivers::ReadRequest;
use crate::model::{Fault, MeterConfig, MeterId, MeterSecrets, Secret, SecretKind, Step};
use crate::store::JobResult;

/// A job's number: the one in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// Something to do with meters.
#[derive(Clone, Debug)]
pub enum Job {
    /// Read meters into the store.
    Read {
        /// Which.
        meters: Vec<MeterId>,
        /// What.
        request: ReadRequest,
    },
    /// Try a meter that need not be in the store; nothing but counters is stored.
    Test {
        /// The meter as entered.
        config: Box<MeterConfig>,
        /// Its secrets as entered; those of the stored meter are taken where one is missing.
        secrets: MeterSecrets,
        /// The stored meter that is being edited.
        meter: Option<MeterId>,
    },
}

/// A change of the store's own data, by a person.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Add meters, all or none.
    AddMeters(Vec<(MeterConfig, MeterSecrets)>),
    /// Change a meter; secrets that are named are replaced, or removed where `None`.
    UpdateMeter {
        /// Which.
        id: MeterId,
        /// New settings.
        config: Box<MeterConfig>,
        /// New secrets.
        secrets: BTreeMap<SecretKind, Option<Secret>>,
    },
    /// Remove meters.
    RemoveMeters(Vec<MeterId>),
    /// Keep a setting of the program.
    Setting {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
}

/// What an edit gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The new meters' numbers.
    Added(Vec<MeterId>),
    /// Done.
    Done,
}

/// What happens, in this order for each job: `Submitted`; for each meter `MeterStarted`, any number of `MeterStep`,
/// `MeterEnded`; then `Ended`. Meters of one job interleave. Nothing follows `Ended`. A job that is cancelled ends
/// each meter that had started, then itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The job waits for its lines.
    Submitted {
        /// Job.
        job: JobId,
        /// In words.
        title: String,
        /// How many meters.
        meters: usize,
    },
    /// A meter's session begins.
    MeterStarted {
        /// Job.
        job: JobId,
        /// Meter; `None` in a test of one that is not stored.
        meter: Option<MeterId>,
        /// Its name.
        name: String,
    },
    /// A meter's session goes on.
    MeterStep {
        /// Job.
        job: JobId,
        /// Meter.
        meter: Option<MeterId>,
        /// Step.
        step: Step,
    },
    /// A remark worth a line.
    MeterRemark {
        /// Job.
        job: JobId,
        /// Meter.
        meter: Option<MeterId>,
        /// Text.
        text: String,
    },
    /// A meter's session is over and what it gave is on disk.
    MeterEnded {
        /// Job.
        job: JobId,
        /// Meter.
        meter: Option<MeterId>,
        /// Its name.
        name: String,
        /// The result.
        result: Box<JobResult>,
        /// The result in words.
        words: String,
    },
    /// The job is over.
    Ended {
        /// Job.
        job: JobId,
        /// Meters that went well.
        ok: usize,
        /// Meters that failed.
        failed: usize,
        /// Whether it was cancelled.
        cancelled: bool,
    },
    /// The store's own data were changed.
    StoreChanged,
}

/// How to start.
#[derive(Clone, Debug)]
pub struct CommsOptions {
    /// The store's file.
    pub store: PathBuf,
    /// Most sessions at once.
    pub sessions: usize,
    /// Whether traffic is kept in the store.
    pub trace: bool,
}

/// The handle to the communications thread; clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Comms {}

impl Comms {
    /// Opens the store and the vault and starts the thread.
    ///
    /// # Errors
    /// The store or the vault cannot be opened.
    pub fn start(options: CommsOptions) -> Result<Self, Fault> {
        let _ = options;
        unimplemented!()
    }

    /// Submits a job.
    ///
    /// # Errors
    /// The thread has stopped.
    pub fn submit(&self, job: Job) -> Result<JobId, Fault> {
        let _ = job;
        unimplemented!()
    }

    /// Cancels a job: sessions end at their next wait.
    pub fn cancel(&self, job: JobId) {
        let _ = job;
    }

    /// Asks for a change; the answer comes through the receiver, so that a window need not wait.
    #[must_use]
    pub fn edit(&self, edit: Edit) -> Receiver<Result<Edited, Fault>> {
        let _ = edit;
        unimplemented!()
    }

    /// A stream of what happens from now on. `wake` is called after each event was put there (the windows ask for a
    /// repaint in it). Steps are coalesced when the listener is slow; nothing else is ever left out.
    pub fn listen(&self, wake: impl Fn() + Send + 'static) -> Receiver<Event> {
        let _ = wake;
        unimplemented!()
    }

    /// Cancels everything and waits for the thread's end.
    pub fn stop(&self) {}
}
