//! Many sessions' writes in one transaction, so that one wait for the disk serves all of them.
//!
//! What a driver reads, traffic and results gather ([`Store::gather`]) and are settled a few milliseconds later, by
//! the thread between two sessions' steps. Nothing is reported as done before it is settled: the end of a meter is
//! held back until then, and a session whose writes were lost has failed. What must be on disk before something else
//! happens (counters before they are used, what stood in a meter before it is changed) is written outside of this or
//! waits for it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::model::Fault;
use crate::store::{Store, StoreError};

use super::shared::{Shared, store_fault};

/// Writes gather so many times as long as the last wait for the disk took: then little of the time is the disk's.
const DISK_TIMES: u32 = 8;
/// The longest that writes gather beside a fast disk, and beside a slow one.
const LONGEST: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(100));

/// When what has gathered goes to disk, and who waits for it.
pub(super) struct Settling {
    due: Cell<Option<Instant>>,
    window: Cell<Duration>,
    sessions: Arc<AtomicUsize>,
    /// How long the last wait for the disk took.
    disk: Cell<Duration>,
    begun: Notify,
    settled: watch::Sender<u64>,
}

impl Default for Settling {
    fn default() -> Self {
        Self {
            due: Cell::new(None),
            window: Cell::new(Duration::ZERO),
            sessions: Arc::default(),
            disk: Cell::new(Duration::ZERO),
            begun: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }
}

impl Settling {
    /// How many sessions run: the more, the longer it is worth to wait for company.
    pub(super) fn set_sessions(&self, sessions: usize) {
        let window = Duration::from_millis(u64::try_from(sessions / 2).unwrap_or(u64::MAX));
        let longest = (self.disk.get() * DISK_TIMES).clamp(LONGEST.0, LONGEST.1);
        self.window.set(window.min(longest));
        self.sessions.store(sessions, Ordering::Relaxed);
    }

    /// How many sessions run, for whoever is to leave them the store.
    pub(super) fn sessions(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.sessions)
    }

    /// When to settle; nothing where nothing has gathered.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    /// Something has begun to gather.
    pub(super) async fn begun(&self) {
        self.begun.notified().await;
    }
}

impl Shared {
    /// Writes together with others; on disk once it is settled.
    pub(super) fn gather<T>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError>,
    ) -> Result<T, Fault> {
        let mut store = self.store.borrow_mut();
        let done = store.gather(work).map_err(|error| store_fault(&error));
        if store.is_unsettled() && self.settling.due.get().is_none() {
            self.settling.due.set(Some(Instant::now() + self.settling.window.get()));
            self.settling.begun.notify_one();
        }
        done
    }

    /// Brings what has gathered to disk. A failure shows in [`Store::losses`].
    pub(super) fn settle(&self) {
        let began = Instant::now();
        if let Err(error) = self.store.borrow_mut().settle() {
            tracing::error!("what several sessions had read could not be stored: {error}");
        }
        self.settling.disk.set(began.elapsed());
        self.settling.due.set(None);
        self.settling.settled.send_modify(|count| *count += 1);
    }

    /// Waits until what has gathered so far is on disk.
    ///
    /// # Errors
    /// It was lost.
    pub(super) async fn settled(&self) -> Result<(), Fault> {
        let losses = self.store.borrow().losses();
        let mut settled = self.settling.settled.subscribe();
        if self.settling.due.get().is_some() && settled.changed().await.is_err() {
            return Err(Fault::internal("the communications thread has stopped"));
        }
        self.check_losses(losses)
    }

    /// Whether all that was written since a count of losses was taken is in the store.
    ///
    /// # Errors
    /// Some of it may be lost.
    pub(super) fn check_losses(&self, before: u64) -> Result<(), Fault> {
        if self.store.borrow().losses() == before {
            return Ok(());
        }
        let mut fault = Fault::internal("what this session read could not be stored");
        fault.advice =
            "check the free space and the permissions of the store's folder, then read the meter again"
                .to_owned();
        Err(fault)
    }
}
