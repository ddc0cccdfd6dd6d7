//! Upkeep of the store as jobs: compaction, retention, checks, copies; at night by itself.
//!
//! The work is done on a thread of its own with a connection of its own, in steps of a few milliseconds; between two
//! steps it makes room for sessions. It is cancelled as any other job. One piece goes on at a time, in all programs
//! that have the store open.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::sync::mpsc;

use crate::model::{Fault, Step, counted};
use crate::store::{
    Checked, Compacted, Disposed, Kind, Pace, Store, StoreError, Upkeep, UpkeepRow, UpkeepState,
};

use super::link::Cancel;
use super::reporter::{Remains, Reporter};
use super::session::{Item, cancelled_fault};
use super::shared::Shared;

/// The setting for when the store is looked after by itself: `03:30` in this computer's time, or `off`.
pub const NIGHTLY_SETTING: &str = "upkeep.nightly";
/// What holds without the setting.
pub const NIGHTLY_USUAL: &str = "03:30";

/// How often it is looked whether the time of the night has come.
const LOOK: Duration = Duration::from_secs(300);
/// After so long something that goes on is waited for no more.
const PATIENCE: SignedDuration = SignedDuration::from_hours(6);
/// Progress is told so often.
const TELL: Duration = Duration::from_millis(250);
/// What is left to sessions between two steps.
const ROOM: Duration = Duration::from_millis(20);
/// How often it is written down that the work goes on.
const BEAT: Duration = Duration::from_secs(20);

/// A piece of upkeep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Put the days of months that are over into one block each, and give free pages back to the disk.
    Compact,
    /// Dispose of what is older than these instants, kind by kind. Whoever asks has seen how much that is.
    Retain(Vec<(Kind, Timestamp)>),
    /// Look at every page and every block.
    Check,
    /// Copy the store into a new file.
    BackUp(PathBuf),
    /// Dispose of traffic and histories that are older than they are kept, then compact.
    Nightly,
}

impl Chore {
    /// The job's title.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Compact => "Compact the store".to_owned(),
            Self::Retain(_) => "Dispose of what is old".to_owned(),
            Self::Check => "Check the store".to_owned(),
            Self::BackUp(path) => format!("Back the store up to {}", path.display()),
            Self::Nightly => "Look after the store".to_owned(),
        }
    }

    const fn upkeep(&self) -> Upkeep {
        match self {
            Self::Compact => Upkeep::Compact,
            Self::Retain(_) => Upkeep::Retain,
            Self::Check => Upkeep::Check,
            Self::BackUp(_) => Upkeep::Backup,
            Self::Nightly => Upkeep::Nightly,
        }
    }
}

/// What comes from the thread that works.
enum Told {
    Step(Step),
    Ended(Result<String, Fault>),
}

/// Does a chore.
///
/// # Errors
/// Cancelled, another piece of upkeep goes on, or what went wrong.
pub(super) async fn run(
    shared: Rc<Shared>,
    item: &Item,
    remains: Remains,
    cancel: &Cancel,
    chore: &Chore,
) -> Result<(), Fault> {
    let reporter =
        Reporter { shared: Rc::clone(&shared), remains: remains.clone(), job: item.job, meter: None };
    let (to, mut told) = mpsc::channel(16);
    let keeper = Keeper {
        path: shared.options.store.clone(),
        actor: shared.store.borrow().actor().to_owned(),
        cancel: cancel.clone(),
        sessions: shared.settling.sessions(),
        now: shared.now(),
        began: Instant::now(),
        to: to.clone(),
        told_at: None,
        beat_at: Instant::now(),
    };
    let chore = chore.clone();
    let work = move || {
        let ended = keeper.work(&chore);
        // Whoever waits is there until the program ends.
        let _waits = to.blocking_send(Told::Ended(ended));
    };
    // What became of it is told through the channel.
    let _told = tokio::task::spawn_blocking(work);
    loop {
        match told.recv().await {
            Some(Told::Step(step)) => reporter.step(step),
            Some(Told::Ended(Ok(words))) => {
                remains.progress.borrow_mut().outcome = Some(words);
                return Ok(());
            }
            Some(Told::Ended(Err(fault))) => return Err(fault),
            None => return Err(Fault::internal("upkeep broke off: what it had done stays done")),
        }
    }
}

/// Works on a thread of its own.
struct Keeper {
    path: PathBuf,
    actor: String,
    cancel: Cancel,
    sessions: Arc<AtomicUsize>,
    /// What time it was when this began.
    now: Timestamp,
    began: Instant,
    to: mpsc::Sender<Told>,
    told_at: Option<Instant>,
    beat_at: Instant,
}

/// How a chore ended: its state, and that in words.
type Came = (UpkeepState, String);

fn fault(error: &StoreError) -> Fault {
    match error {
        StoreError::Sqlite { .. } => Fault::internal(error.to_string()),
        _ => Fault::user(error.to_string(), ""),
    }
}

impl Keeper {
    fn now(&self) -> Timestamp {
        self.now.checked_add(self.began.elapsed()).unwrap_or(self.now)
    }

    fn work(mut self, chore: &Chore) -> Result<String, Fault> {
        let mut store = Store::open(&self.path).map_err(|error| fault(&error))?;
        store.set_actor(&self.actor);
        let id = store.begin_upkeep(chore.upkeep(), self.now).map_err(|error| fault(&error))?;
        let came = self.chore(&mut store, id, chore);
        let (state, words) = match &came {
            Ok((state, words)) => (*state, words.clone()),
            Err(error) => (UpkeepState::Failed, error.to_string()),
        };
        if let Err(error) = store.end_upkeep(id, state, &words, self.now()) {
            tracing::error!("how upkeep ended could not be stored: {error}");
        }
        match came {
            Ok((UpkeepState::Done, words)) => Ok(words),
            Ok((UpkeepState::Cancelled, _)) => Err(cancelled_fault()),
            Ok((_, words)) => Err(Fault::user(words, "restore the store from a copy")),
            Err(error) => Err(fault(&error)),
        }
    }

    fn chore(&mut self, store: &mut Store, id: i64, chore: &Chore) -> Result<Came, StoreError> {
        match chore {
            Chore::Compact => self.compact(store, id).map(|done| (compacted_state(&done), compacted(&done))),
            Chore::Retain(cutoffs) => self.retain(store, id, cutoffs),
            Chore::Check => {
                let done = store.check_all(&mut |pace| self.goes_on("Checking", pace))?;
                Ok(checked(&done))
            }
            Chore::BackUp(path) => {
                let is_whole = store.back_up(path, &mut |pace| self.goes_on("Copying", pace))?;
                let state = if is_whole { UpkeepState::Done } else { UpkeepState::Cancelled };
                Ok((state, format!("Backed up to {}", path.display())))
            }
            Chore::Nightly => {
                let mut cutoffs = store.retention()?.cutoffs(self.now);
                cutoffs.retain(|(kind, _)| !kind.is_reading());
                let (state, gone) = self.retain(store, id, &cutoffs)?;
                if state != UpkeepState::Done {
                    return Ok((state, gone));
                }
                let done = self.compact(store, id)?;
                Ok((compacted_state(&done), format!("{gone}; {}", lower(&compacted(&done)))))
            }
        }
    }

    fn compact(&mut self, store: &mut Store, id: i64) -> Result<Compacted, StoreError> {
        self.beat(store, id)?;
        store.compact(self.now, &mut |pace| self.goes_on("Putting days into months", pace))
    }

    fn retain(
        &mut self,
        store: &mut Store,
        id: i64,
        cutoffs: &[(Kind, Timestamp)],
    ) -> Result<Came, StoreError> {
        let mut gone: Vec<Disposed> = Vec::new();
        for (kind, cutoff) in cutoffs {
            self.beat(store, id)?;
            let doing = format!("Disposing of {}", lower(kind.name()));
            let disposed =
                store.dispose(*kind, *cutoff, self.now(), &mut |pace| self.goes_on(&doing, pace))?;
            let is_stopped = disposed.is_stopped;
            gone.push(disposed);
            if is_stopped {
                return Ok((UpkeepState::Cancelled, disposed_words(&gone)));
            }
        }
        Ok((UpkeepState::Done, disposed_words(&gone)))
    }

    fn beat(&mut self, store: &mut Store, id: i64) -> Result<(), StoreError> {
        self.beat_at = Instant::now();
        store.beat_upkeep(id, self.now())
    }

    /// Between two steps: makes room for sessions, tells how far it is, and says whether to go on.
    fn goes_on(&mut self, doing: &str, Pace { done, of }: Pace) -> bool {
        // The chore itself is one of those that run.
        if self.sessions.load(Ordering::Relaxed) > 1 {
            #[allow(clippy::disallowed_methods, reason = "a thread of its own, which no test lets fly")]
            std::thread::sleep(ROOM);
        }
        if self.beat_at.elapsed() > BEAT {
            self.beat_at = Instant::now();
            // A second connection, since the first one is at work.
            let beat = Store::open(&self.path).and_then(|mut store| store.beat_all_upkeep(self.now()));
            if let Err(error) = beat {
                tracing::warn!("that upkeep goes on could not be written down: {error}");
            }
        }
        if self.told_at.is_none_or(|then| then.elapsed() >= TELL) {
            self.told_at = Some(Instant::now());
            // Where there is no room, the next one tells more.
            let _full = self.to.try_send(Told::Step(Step::Upkeep { doing: doing.to_owned(), done, of }));
        }
        !self.cancel.is_cancelled()
    }
}

/// Bytes for people: `12 KiB`, `3.4 MiB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

const fn compacted_state(done: &Compacted) -> UpkeepState {
    if done.is_stopped { UpkeepState::Cancelled } else { UpkeepState::Done }
}

fn compacted(done: &Compacted) -> String {
    let mut words = match done.months {
        0 => "Nothing to put together".to_owned(),
        months => format!(
            "Put {} into {}: {} instead of {}",
            counted(done.days, "day"),
            counted(months, "month"),
            size(done.bytes_after),
            size(done.bytes_before)
        ),
    };
    if done.left > 0 {
        words.push_str(&format!(", {} left for the next time", counted(done.left, "month")));
    }
    if done.given_back > 0 {
        words.push_str(&format!(", {} given back to the disk", size(done.given_back)));
    }
    words
}

fn disposed_words(gone: &[Disposed]) -> String {
    let parts: Vec<String> = gone
        .iter()
        .filter(|one| one.items > 0)
        .map(|one| format!("{} {}", one.items, lower(one.kind.name())))
        .collect();
    if parts.is_empty() { "Nothing was old".to_owned() } else { format!("Disposed of {}", parts.join(", ")) }
}

fn checked(done: &Checked) -> Came {
    let looked = format!(
        "{}, {} and {} looked at",
        counted(done.tables, "table"),
        counted(done.blocks, "block"),
        counted(done.audit_rows, "audit row")
    );
    match (done.problems.as_slice(), done.is_stopped) {
        ([], false) => (UpkeepState::Done, format!("All is well: {looked}")),
        ([], true) => (UpkeepState::Cancelled, format!("{looked}, no damage so far")),
        (problems, _) => {
            let some = problems.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            let count = counted(problems.len() as u64, "damage");
            (UpkeepState::Failed, format!("The store is damaged, {count}: {some}"))
        }
    }
}

/// When the store is looked after by itself.
pub(super) struct Nightly {
    wake_at: Option<tokio::time::Instant>,
}

/// The last instant at which the clock showed a time, up to now.
fn last_at(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let on = |date: jiff::civil::Date| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
    on(today).filter(|at| *at <= now).or_else(|| on(today.checked_sub(1.day()).ok()?))
}

impl Nightly {
    pub(super) fn new(is_on: bool) -> Self {
        Self { wake_at: is_on.then(|| tokio::time::Instant::now() + LOOK) }
    }

    /// When to look again.
    pub(super) const fn wake_at(&self) -> Option<tokio::time::Instant> {
        self.wake_at
    }

    /// Whether to begin now.
    pub(super) fn is_due(&mut self, shared: &Shared, is_idle: bool) -> bool {
        self.wake_at = Some(tokio::time::Instant::now() + LOOK);
        let store = shared.store.borrow();
        let found = store.setting(NIGHTLY_SETTING).and_then(|setting| Ok((setting, store.last_upkeep()?)));
        let (setting, last) = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!("whether the store is to be looked after cannot be told: {error}");
                return false;
            }
        };
        let time = setting.as_deref().unwrap_or(NIGHTLY_USUAL).parse::<Time>().ok();
        let now = shared.now();
        let due = time.and_then(|time| last_at(time, now, &TimeZone::system()));
        let is_of_night = |row: &&UpkeepRow| row.what == Upkeep::Nightly;
        let last = last.iter().find(is_of_night).map(|row| row.began);
        due.is_some_and(|due| {
            last.is_none_or(|last| last < due) && (is_idle || now.duration_since(due) > PATIENCE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_night_is_found_on_days_of_23_and_25_hours() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let last = |now: &str| last_at(jiff::civil::time(2, 30, 0, 0), now.parse().unwrap(), &zone).unwrap();
        assert_eq!(last("2026-11-22T10:00:00Z").to_string(), "2026-11-22T01:30:00Z");
        assert_eq!(last("2026-11-22T01:00:00Z").to_string(), "2026-11-21T01:30:00Z");
        // 02:30 is skipped in March: 03:30 stands for it. In October the first one counts.
        assert_eq!(last("2026-03-29T10:00:00Z").to_string(), "2026-03-29T01:30:00Z");
        assert_eq!(last("2026-10-25T10:00:00Z").to_string(), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn sizes_are_told_as_people_say_them() {
        assert_eq!([size(900), size(2_048), size(3_565_158)], ["900 bytes", "2 KiB", "3.3 MiB"]);
    }
}
