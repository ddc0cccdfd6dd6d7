//! Many sessions' writes in one transaction, beside the thread that talks to the meters.
//!
//! What a driver reads, traffic and results wait here for a few milliseconds ([`Shared::defer`]); then all of it is
//! written in one transaction, on a blocking thread of the runtime and through a connection of its own, while the
//! sessions go on. One wait for the disk serves all of them, and none of them waits for it. One batch is under way at
//! a time, and batches are written in the order in which they waited. A batch one of whose writes fails is taken back
//! and written again, each write by itself, so that only that one is lost.
//!
//! Nothing is reported as done before it is on disk: the end of a meter is held back until its writes have been
//! answered, and a session one of whose writes was lost has failed. What must be on disk before something else happens
//! (counters before they are used, what stood in a meter before it is changed) is written at once through the thread's
//! own connection, or waits for its answer ([`Shared::written`]). What a session reads of its meter from the store is
//! what was settled: who goes on with a meter waits for what is still under way of it ([`Shared::settled`]).

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use crate::model::{Fault, MeterId};
use crate::store::{Store, StoreError};

use super::shared::{Shared, store_fault};

/// Writes gather so many times as long as the last batch took: then waits for the disk are few.
const BATCH_TIMES: u32 = 2;
/// The longest that writes gather beside a fast disk, and beside a slow one.
const LONGEST: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(100));
/// Deferred writes of one batch: what is urgent waits no longer than they take.
const MOST_TOGETHER: usize = 256;
/// The same beside what a session waits for.
const MOST_WITH_URGENT: usize = 64;
/// Rows that may wait before no further session begins: about what a thousand sessions have of a day each.
const MOST_ROWS_WAITING: usize = 200_000;
/// What a write costs beside its rows, in rows.
const ROWS_OF_A_WRITE: usize = 8;

/// How often a write may be tried: with the whole batch, then by itself.
const TRIES: usize = 2;

/// It may be called again, where a batch that failed as a whole is written one by one.
type Work = Box<dyn Fn(&mut Store) -> Result<(), StoreError> + Send>;
type Then = Box<dyn FnOnce(Result<(), Fault>)>;

/// What comes back from the thread that writes.
#[derive(Default)]
struct Written {
    store: Option<Store>,
    results: Vec<Result<(), Fault>>,
    turned_away: Option<String>,
    took: Duration,
}

/// A batch that is being written.
pub(super) struct Batch {
    written: JoinHandle<Written>,
    thens: Vec<Then>,
    until: u64,
}

/// A write, and whom to tell of it.
struct Write {
    work: Work,
    then: Then,
    /// How much waits with it, in rows.
    rows: usize,
}

impl Write {
    fn new<T: Send + 'static>(
        rows: usize,
        work: impl Fn(&mut Store) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(Result<T, Fault>) + 'static,
    ) -> Self {
        let (give, take) = mpsc::sync_channel(TRIES);
        let work = move |store: &mut Store| {
            // Whoever waits for it is there until the batch is over.
            let _taken = give.try_send(work(store)?);
            Ok(())
        };
        let then = move |result: Result<(), Fault>| {
            // Where the batch was tried twice the last answer counts.
            let answer = || take.try_iter().last().ok_or_else(|| Fault::internal("the store did not answer"));
            then(result.and_then(|()| answer()));
        };
        Self { work: Box::new(work), then: Box::new(then), rows: rows + ROWS_OF_A_WRITE }
    }
}

/// What waits for its batch.
#[derive(Default)]
struct Waiting {
    /// What a session cannot go on without: its batch begins at once.
    urgent: VecDeque<Write>,
    deferred: VecDeque<Write>,
    /// How much was deferred and has not begun to be written, in rows.
    rows: usize,
    /// Writes that were deferred since the thread began.
    asked: u64,
    due: Option<Instant>,
    /// The last write of each meter that is not settled.
    meters: HashMap<MeterId, u64>,
}

/// What waits to be written, how long, and who waits for it.
pub(super) struct Settling {
    path: PathBuf,
    actor: String,
    waiting: RefCell<Waiting>,
    /// The connection that writes, while no batch is under way.
    store: RefCell<Option<Store>>,
    is_under_way: Cell<bool>,
    window: Cell<Duration>,
    sessions: Arc<AtomicUsize>,
    /// How long the last batch took.
    took: Cell<Duration>,
    begun: Notify,
    settled: watch::Sender<u64>,
    /// Why the disk turned a write of a batch away.
    turned_away: RefCell<Option<String>>,
    #[cfg(test)]
    most_pages: Cell<Option<u32>>,
}

impl Settling {
    /// Writes to the store at `path`, in whose audit chain `actor` stands.
    pub(super) fn new(path: PathBuf, actor: String) -> Self {
        Self {
            path,
            actor,
            waiting: RefCell::default(),
            store: RefCell::default(),
            is_under_way: Cell::new(false),
            window: Cell::new(Duration::ZERO),
            sessions: Arc::default(),
            took: Cell::new(Duration::ZERO),
            begun: Notify::new(),
            settled: watch::Sender::new(0),
            turned_away: RefCell::default(),
            #[cfg(test)]
            most_pages: Cell::new(None),
        }
    }

    /// How many sessions run: the more, the longer it is worth to wait for company.
    pub(super) fn set_sessions(&self, sessions: usize) {
        let window = Duration::from_millis(u64::try_from(sessions / 2).unwrap_or(u64::MAX));
        let longest = (self.took.get() * BATCH_TIMES).clamp(LONGEST.0, LONGEST.1);
        self.window.set(window.min(longest));
        self.sessions.store(sessions, Ordering::Relaxed);
        if sessions == 0 {
            self.hurry();
        }
    }

    /// How many sessions run, for whoever is to leave them the store.
    pub(super) fn sessions(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.sessions)
    }

    /// When to begin a batch; nothing where nothing waits or one is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = self.waiting.borrow();
        let is_urgent = !waiting.urgent.is_empty();
        let due = if is_urgent { Some(Instant::now()) } else { waiting.due };
        due.filter(|_| !self.is_under_way.get())
    }

    /// Something has begun to wait.
    pub(super) async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Nobody else is coming: what waits need not.
    fn hurry(&self) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.due = waiting.due.map(|due| due.min(Instant::now()));
    }

    /// So much waits that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.borrow().rows >= MOST_ROWS_WAITING
    }

    /// The number of the last write that was deferred.
    pub(super) fn asked(&self) -> u64 {
        self.waiting.borrow().asked
    }

    /// The number of the last deferred write that was answered: all up to it are on disk or lost.
    pub(super) fn answered(&self) -> u64 {
        *self.settled.borrow()
    }

    /// What `StoreReader::changes_elsewhere` says of the connection that writes batches; nothing while it does.
    pub(super) fn changes_elsewhere(&self) -> Result<Option<i64>, StoreError> {
        if self.is_under_way.get() {
            return Ok(None);
        }
        let store = self.store.take().map_or_else(|| open(&self.path, &self.actor), Ok)?;
        let seen = store.changes_elsewhere();
        self.store.replace(Some(store));
        seen
    }

    /// Takes what is urgent, and the rest with it where its time has come, and begins to write it.
    pub(super) fn begin_batch(&self) -> Option<Batch> {
        if self.is_under_way.get() {
            return None;
        }
        let mut waiting = self.waiting.borrow_mut();
        let mut writes = std::mem::take(&mut waiting.urgent);
        let mut until = self.answered();
        if writes.is_empty() || waiting.due.is_some_and(|due| due <= Instant::now()) {
            let most = if writes.is_empty() { MOST_TOGETHER } else { MOST_WITH_URGENT };
            let together = waiting.deferred.len().min(most);
            waiting.rows -= waiting.deferred.range(..together).map(|write| write.rows).sum::<usize>();
            writes.extend(waiting.deferred.drain(..together));
            until += together as u64;
            waiting.due = waiting.due.filter(|_| !waiting.deferred.is_empty());
        }
        if writes.is_empty() {
            return None;
        }
        let (works, thens): (Vec<_>, _) = writes.into_iter().map(|write| (write.work, write.then)).unzip();
        self.is_under_way.set(true);
        let (store, path, actor) = (self.store.take(), self.path.clone(), self.actor.clone());
        #[cfg(test)]
        let most_pages = self.most_pages.get();
        let written = tokio::task::spawn_blocking(move || {
            let began = std::time::Instant::now();
            match store.map_or_else(|| open(&path, &actor), Ok) {
                Ok(mut store) => {
                    #[cfg(test)]
                    most_pages.iter().for_each(|most| store.allow_pages(*most));
                    let results = write_all(&mut store, &works);
                    let turned_away = store.take_turned_away();
                    Written { store: Some(store), results, turned_away, took: began.elapsed() }
                }
                Err(error) => {
                    let results = works.iter().map(|_| Err(store_fault(&error))).collect();
                    Written { results, ..Written::default() }
                }
            }
        });
        Some(Batch { written, thens, until })
    }

    /// Tells everybody whose write was in a batch what became of it.
    fn end_batch(&self, written: Result<Written, JoinError>, thens: Vec<Then>, until: u64) {
        let Written { store, results, turned_away, took } = written.unwrap_or_else(|error| {
            tracing::error!("writing to the store broke off: {error}");
            let fault = Fault::internal("this program broke off while it stored what was read");
            Written { results: vec![Err(fault); thens.len()], ..Written::default() }
        });
        if turned_away.is_some() {
            *self.turned_away.borrow_mut() = turned_away;
        }
        tracing::trace!("{} writes to the store took {} ms", thens.len(), took.as_millis());
        self.store.replace(store);
        self.took.set(took);
        self.is_under_way.set(false);
        self.waiting.borrow_mut().meters.retain(|_, last| *last > until);
        for (then, result) in thens.into_iter().zip(results) {
            then(result);
        }
        self.settled.send_replace(until);
    }

    /// Lets the connection that writes have so many pages at most, as on a disk that is full.
    #[cfg(test)]
    pub(super) fn allow_pages(&self, most: u32) {
        self.most_pages.set(Some(most));
    }
}

fn open(path: &Path, actor: &str) -> Result<Store, StoreError> {
    let mut store = Store::open(path)?;
    store.set_actor(actor);
    Ok(store)
}

/// Waits until a batch is written.
pub(super) async fn written(batch: &mut Option<Batch>, shared: &Shared) {
    let Some(under_way) = batch else { return std::future::pending().await };
    let result = (&mut under_way.written).await;
    if let Some(Batch { thens, until, .. }) = batch.take() {
        shared.settling.end_batch(result, thens, until);
    }
}

/// Writes all in one transaction. A write that fails leaves the others; what is lost with the transaction fails.
fn write_all(store: &mut Store, works: &[Work]) -> Vec<Result<(), Fault>> {
    if store.all_or_nothing(|store| works.iter().try_for_each(|work| work(store))) {
        return vec![Ok(()); works.len()];
    }
    let mut results: Vec<Result<(), Fault>> = Vec::with_capacity(works.len());
    let mut losses = store.losses();
    for work in works {
        let done = store.gather(work).map_err(|error| store_fault(&error));
        if std::mem::replace(&mut losses, store.losses()) != losses {
            lose(&mut results);
        }
        results.push(done);
    }
    if let Err(error) = store.settle() {
        tracing::error!("what several sessions had read could not be stored: {error}");
        lose(&mut results);
    }
    results
}

fn lose(results: &mut [Result<(), Fault>]) {
    for result in results.iter_mut().filter(|result| result.is_ok()) {
        let mut fault = Fault::internal("what this session read could not be stored");
        fault.advice =
            "check the free space and the permissions of the store's folder, then read the meter again"
                .to_owned();
        *result = Err(fault);
    }
}

impl Shared {
    /// Writes together with others, soon; `then` hears on this thread what came of it once that is on disk, or why it
    /// is not. `meter` is whose it is, and `rows` how much.
    pub(super) fn defer<T: Send + 'static>(
        &self,
        (meter, rows): (MeterId, usize),
        work: impl Fn(&mut Store) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(Result<T, Fault>) + 'static,
    ) {
        let mut waiting = self.settling.waiting.borrow_mut();
        let write = Write::new(rows, work, then);
        waiting.rows += write.rows;
        waiting.deferred.push_back(write);
        waiting.asked += 1;
        let number = waiting.asked;
        waiting.meters.insert(meter, number);
        if waiting.due.is_none() {
            waiting.due = Some(Instant::now() + self.settling.window.get());
            self.settling.begun.notify_one();
        }
    }

    /// Writes what a session cannot go on without, together with that of others and ahead of what is deferred; waits
    /// until it is on disk.
    ///
    /// # Errors
    /// It could not be written.
    pub(super) async fn written<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Fault> {
        let (give, take) = oneshot::channel();
        let write = Write::new(0, work, move |result| {
            // Whoever waited may have been cut off.
            let _gone = give.send(result);
        });
        self.settling.waiting.borrow_mut().urgent.push_back(write);
        self.settling.begun.notify_one();
        take.await.map_err(|_| Fault::internal("the communications thread has stopped"))?
    }

    /// Waits until what was deferred for a meter is on disk or lost.
    pub(super) async fn settled(&self, meter: MeterId) {
        let Some(last) = self.settling.waiting.borrow().meters.get(&meter).copied() else { return };
        // The thread that writes has stopped: nobody reads any more.
        let mut settled = self.settling.settled.subscribe();
        let _stopped = settled.wait_for(|answered| *answered >= last).await;
    }

    /// Why the disk turned a write away, until a trial finds room.
    pub(super) fn turned_away(&self) -> Option<String> {
        let own = self.store.borrow().turned_away().map(str::to_owned);
        own.or_else(|| self.settling.turned_away.borrow().clone())
    }

    /// Tries whether the disk takes writes again.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn try_room(&self) -> Result<(), StoreError> {
        self.store.borrow_mut().try_room()?;
        *self.settling.turned_away.borrow_mut() = None;
        Ok(())
    }
}
