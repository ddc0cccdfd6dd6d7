//! Runs meter lists when their time comes.
//!
//! One process at a time does so on a store: it holds a lease, and renews it. A run makes passes: all meters, then,
//! after a pause that doubles, those whose failure may pass, as long as the window lasts and the retries are not used
//! up. How each meter stands is in the store a second later, so that a program that starts anew goes on where the last
//! one ended; nothing is begun twice. `plan` decides what is due; `run` is a run under way; this file holds them
//! together, and leaves [`Order`]s for the thread, which owns jobs and sessions.

mod plan;
mod run;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::model::{Blame, Calendar, Fault, ListId, MeterId, Missed};
use crate::store::{Cause, JobResult, ListRow, MeterRow, NewRun, Outcome, RunRow, RunState, StoreError};

use super::queue::Urgency;
use super::session::{Work, cancelled_fault};
use super::shared::{Shared, store_fault};
use super::{Event, JobId, backoff};

use plan::Decision;
use run::{Phase, Run};

/// How often the lease is renewed and the lists are looked at anew.
const BEAT: Duration = Duration::from_secs(30);
/// The first look, after those who want to hear of it have had time to listen.
const FIRST: Duration = Duration::from_millis(250);
/// How long a lease lasts.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// How long outcomes gather before they are written.
const GATHER: Duration = Duration::from_secs(1);
/// A run by hand that has been open for so long was left behind by a program that broke off.
const LEFT_BEHIND: SignedDuration = SignedDuration::from_hours(24);

/// Which run of which list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKey {
    /// The run's number.
    pub run: i64,
    /// The list.
    pub id: ListId,
    /// Its name.
    pub name: String,
}

/// What happens to runs of lists: `Started`; for each meter one `Meter`, when it went well, when it is left out, or at
/// the end when it failed as often as it was tried; `Ended`.
#[derive(Clone, Debug, PartialEq)]
pub enum ListEvent {
    /// A run begins, or goes on after the program started anew.
    Started {
        /// Which.
        list: ListKey,
        /// Why.
        cause: Cause,
        /// How many meters.
        meters: usize,
    },
    /// How a meter of the run ended.
    Meter {
        /// Which run.
        list: ListKey,
        /// The meter's name.
        name: String,
        /// How it ended.
        outcome: Box<Outcome>,
    },
    /// The run is over and in the store.
    Ended {
        /// Which.
        list: ListKey,
        /// How it ended.
        row: Box<RunRow>,
    },
}

/// What the scheduler wants of the thread.
#[allow(clippy::large_enum_variant, reason = "a few at a time")]
pub(super) enum Order {
    /// A job for the pass of a run.
    Pass { run: i64, title: String, work: Work, meters: Vec<MeterId>, urgency: Urgency },
    /// Take the job's meters that have not begun out of the queue.
    Withdraw(JobId),
    /// Cancel the job.
    Cancel(JobId),
}

/// A list with its calendar.
struct Planned {
    row: ListRow,
    calendar: Calendar,
    missed: Missed,
    next: Option<Timestamp>,
}

impl Planned {
    /// Nothing where the list is not to run by itself, or cannot.
    fn new(row: ListRow) -> Option<Self> {
        let schedule = row.list.schedule.as_ref().filter(|_| !row.list.paused)?;
        let calendar = match schedule.calendar() {
            Ok(calendar) => calendar,
            Err(reason) => {
                tracing::error!("the meter list {} does not run: {reason}", row.list.name);
                return None;
            }
        };
        let next = calendar.next_after(row.handled);
        let next = next.into_iter().chain(row.deferred).min();
        Some(Self { missed: schedule.missed, calendar, next, row })
    }
}

/// Runs the lists.
pub(super) struct Scheduler {
    /// Whether lists run by themselves here.
    is_on: bool,
    holder: String,
    has_lease: bool,
    is_stopping: bool,
    lists: Vec<Planned>,
    runs: Vec<Run>,
    beat_at: Instant,
    wake_at: Instant,
}

/// A name for this process that no other has.
fn holder() -> String {
    let mut bytes = [0; 8];
    // Without a source of chance the process number alone has to do.
    let number = getrandom::fill(&mut bytes).map_or(0, |()| u64::from_le_bytes(bytes));
    format!("{} {number:016x}", std::process::id())
}

impl Scheduler {
    pub(super) fn new(is_on: bool) -> Self {
        let now = Instant::now();
        Self {
            is_on,
            holder: holder(),
            has_lease: false,
            is_stopping: false,
            lists: Vec::new(),
            runs: Vec::new(),
            beat_at: now + FIRST,
            wake_at: now + FIRST,
        }
    }

    /// When to call [`Scheduler::tick`]; nothing where it has nothing to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        (self.is_on || !self.runs.is_empty()).then_some(self.wake_at)
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, shared: &Shared) -> Vec<Order> {
        let now = shared.now();
        let mut orders = Vec::new();
        if self.is_on && Instant::now() >= self.beat_at {
            self.beat_at = Instant::now() + BEAT;
            if let Err(error) = self.beat(shared, now, &mut orders) {
                tracing::error!("the meter lists cannot be looked at: {error}");
            }
        }
        if self.has_lease
            && let Err(error) = self.begin_due(shared, now)
        {
            tracing::error!("a meter list cannot begin: {error}");
            self.beat_at = Instant::now() + BEAT;
        }
        self.advance(shared, now, &mut orders);
        if let Err(error) = self.write_outcomes(shared) {
            tracing::warn!("how meters of a list ended cannot be stored yet: {error}");
        }
        self.wake_at = self.next_wake(now);
        orders
    }

    /// Lists were changed: look at them at once.
    pub(super) fn look_again(&mut self) {
        (self.beat_at, self.wake_at) = (Instant::now(), Instant::now());
    }

    fn next_wake(&self, now: Timestamp) -> Instant {
        let mut wake = if self.is_on { self.beat_at } else { Instant::now() + BEAT };
        let mut no_later_than = |at: Timestamp| {
            let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            wake = wake.min(Instant::now() + wait.min(BEAT));
        };
        for run in &self.runs {
            match run.phase {
                Phase::Due(at) => no_later_than(at),
                Phase::Passing(_, false) if run.passes > 1 => no_later_than(run.until),
                Phase::Passing(..) | Phase::Passed | Phase::Ending(_) => {}
            }
        }
        let waiting = |planned: &&Planned| self.has_lease && !self.is_running(planned.row.id);
        for next in self.lists.iter().filter(waiting).filter_map(|planned| planned.next) {
            // What is past could not begin just now: the next beat tries again.
            if next > now {
                no_later_than(next);
            }
        }
        if self.runs.iter().any(Run::is_dirty) {
            wake = wake.min(Instant::now() + GATHER);
        }
        wake
    }

    fn is_running(&self, list: ListId) -> bool {
        self.runs.iter().any(|run| run.key.id == list)
    }

    /// Renews the lease and looks at the lists anew.
    fn beat(&mut self, shared: &Shared, now: Timestamp, orders: &mut Vec<Order>) -> Result<(), StoreError> {
        let rows = shared.store.borrow().lists()?;
        self.lists = rows.into_iter().filter_map(Planned::new).collect();
        let is_wanted = !self.lists.is_empty() || self.runs.iter().any(|run| run.cause != Cause::Hand);
        if !is_wanted {
            if self.has_lease {
                shared.store.borrow_mut().drop_lease(&self.holder)?;
                self.has_lease = false;
            }
            return Ok(());
        }
        let has_lease = shared.store.borrow_mut().take_lease(&self.holder, now, LEASE)?;
        let had_lease = std::mem::replace(&mut self.has_lease, has_lease);
        match (had_lease, has_lease) {
            (false, true) => self.adopt(shared, now),
            (true, false) => {
                self.abandon(orders);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Another process runs the lists: it goes on with the runs that are open.
    fn abandon(&mut self, orders: &mut Vec<Order>) {
        tracing::warn!("another process runs the meter lists from now on");
        for run in self.runs.extract_if(.., |run| run.cause != Cause::Hand) {
            if let Phase::Passing(job, _) = run.phase {
                orders.push(Order::Cancel(job));
            }
        }
    }

    /// Goes on with the runs that were left open, or ends them where their window is over.
    fn adopt(&mut self, shared: &Shared, now: Timestamp) -> Result<(), StoreError> {
        let mut open = shared.store.borrow().open_runs()?;
        open.retain(|row| self.runs.iter().all(|run| run.key.run != row.id));
        for row in open {
            let is_left_behind = now.duration_since(row.started) > LEFT_BEHIND;
            if row.cause == Cause::Hand && !is_left_behind {
                continue;
            }
            let planned = self.lists.iter().find(|planned| planned.row.id == row.list);
            match planned.filter(|_| row.cause != Cause::Hand && now < row.until) {
                Some(planned) => {
                    let list = planned.row.clone();
                    self.resume(shared, &list, &row, now)?;
                }
                None => self.end_interrupted(shared, &row, now)?,
            }
        }
        Ok(())
    }

    fn resume(
        &mut self,
        shared: &Shared,
        list: &ListRow,
        row: &RunRow,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let outcomes = shared.store.borrow().outcomes(row.id)?;
        let mut meters = members(shared, list)?;
        meters.retain(|meter| outcomes.iter().any(|(_, outcome)| outcome.meter == meter.id));
        let new = NewRun { list: row.list, cause: row.cause, due: row.due, until: row.until, decided: None };
        let key = ListKey { run: row.id, id: row.list, name: list.list.name.clone() };
        let rests = shared.store.borrow().rests()?;
        match Run::new(key, &list.list, &new, &meters, &rests, now) {
            Ok(mut run) => {
                run.resume(outcomes);
                self.add(shared, run);
            }
            Err(fault) => tracing::error!("the meter list {} does not go on: {fault}", list.list.name),
        }
        Ok(())
    }

    /// A run whose window ended while the program did not run is made up for as a missed one.
    fn end_interrupted(&mut self, shared: &Shared, row: &RunRow, now: Timestamp) -> Result<(), StoreError> {
        let ended = shared.store.borrow_mut().end_run(row.id, RunState::Interrupted, now, &plan::rest)?;
        let Some(planned) = self.lists.iter_mut().find(|planned| planned.row.id == row.list) else {
            return Ok(());
        };
        let deferred = match planned.missed {
            _ if ended.ok + ended.resting == ended.meters => None,
            Missed::Skip => None,
            Missed::Once => Some(now),
            Missed::NextWindow => planned.calendar.next_window(row.due, now),
        };
        if deferred.is_some() {
            planned.row.deferred = deferred;
            planned.next = planned.next.into_iter().chain(deferred).min();
            let handled = planned.row.handled;
            shared.store.borrow_mut().handle_list(row.list, handled, deferred)?;
        }
        Ok(())
    }

    /// Begins the lists whose time has come.
    fn begin_due(&mut self, shared: &Shared, now: Timestamp) -> Result<(), StoreError> {
        let is_due = |planned: &Planned| {
            planned.next.is_some_and(|next| next <= now)
                || planned.row.handled.duration_since(now) > SignedDuration::from_hours(1)
        };
        let mut due: Vec<usize> = (0..self.lists.len()).collect();
        due.retain(|at| self.lists.get(*at).is_some_and(|one| is_due(one) && !self.is_running(one.row.id)));
        for at in due {
            let Some(planned) = self.lists.get(at) else { continue };
            let row = planned.row.clone();
            match plan::decide(&row, &planned.calendar, planned.missed, now) {
                Decision::Nothing => {}
                Decision::Settle(handled) => shared.store.borrow_mut().handle_list(row.id, handled, None)?,
                Decision::Miss(missed) => shared.store.borrow_mut().put_missed_run(&missed, now)?,
                Decision::Begin(new) => {
                    if let Err(fault) = self.begin(shared, &row, &new, now)? {
                        tracing::error!("the meter list {} does not run: {fault}", row.list.name);
                        shared.store.borrow_mut().put_missed_run(&new, now)?;
                    }
                }
            }
            let fresh = shared.store.borrow().list(row.id)?;
            if let (Some(slot), Some(planned)) = (self.lists.get_mut(at), fresh.and_then(Planned::new)) {
                *slot = planned;
            }
        }
        Ok(())
    }

    fn begin(
        &mut self,
        shared: &Shared,
        row: &ListRow,
        new: &NewRun,
        now: Timestamp,
    ) -> Result<Result<i64, Fault>, StoreError> {
        let meters = members(shared, row)?;
        let rests = shared.store.borrow().rests()?;
        let key = ListKey { run: 0, id: row.id, name: row.list.name.clone() };
        let mut run = match Run::new(key, &row.list, new, &meters, &rests, now) {
            Ok(run) => run,
            Err(fault) => return Ok(Err(fault)),
        };
        run.key.run = shared.store.borrow_mut().begin_run(new, &meters, now)?;
        let number = run.key.run;
        self.add(shared, run);
        Ok(Ok(number))
    }

    fn add(&mut self, shared: &Shared, run: Run) {
        let (list, cause, meters) = (run.key.clone(), run.cause, run.meters());
        tracing::info!("meter list {} begins with {meters} meters", list.name);
        shared.emit(&Event::List(ListEvent::Started { list, cause, meters }));
        for told in run.resting() {
            shared.emit(&Event::List(told));
        }
        self.runs.push(run);
    }

    /// Begins a run by hand; the job of its only pass is the thread's to begin.
    ///
    /// # Errors
    /// There is no such list, it has no meters, it is running, or it cannot be written down.
    pub(super) fn run_by_hand(&mut self, shared: &Shared, id: ListId) -> Result<Order, Fault> {
        let now = shared.now();
        let row = shared.store.borrow().list(id).map_err(|error| store_fault(&error))?;
        let row = row.ok_or_else(|| Fault::user("the meter list was removed", ""))?;
        if self.is_running(id) {
            return Err(Fault::user(
                format!("the meter list {} is running", row.list.name),
                "wait for its end, or cancel it first",
            ));
        }
        if members(shared, &row).map_err(|error| store_fault(&error))?.is_empty() {
            return Err(Fault::user(
                format!("the meter list {} has no meters", row.list.name),
                "add meters, a group or all to it",
            ));
        }
        let new = NewRun { list: id, cause: Cause::Hand, due: now, until: now, decided: None };
        let number = self.begin(shared, &row, &new, now).map_err(|error| store_fault(&error))??;
        let run = self.runs.iter().find(|run| run.key.run == number);
        let pass = run.and_then(Run::pass).ok_or_else(|| Fault::internal("a run by hand without a meter"))?;
        let (title, work, meters, urgency) = pass;
        Ok(Order::Pass { run: number, title, work, meters, urgency })
    }

    /// The job of a pass has begun, or could not.
    pub(super) fn pass_began(&mut self, shared: &Shared, number: i64, job: Result<JobId, &Fault>) {
        let Some(run) = self.runs.iter_mut().find(|run| run.key.run == number) else { return };
        match job {
            Ok(job) => {
                run.passes += 1;
                run.phase = Phase::Passing(job, false);
            }
            Err(fault) => {
                tracing::error!("the meter list {} cannot go on yet: {fault}", run.key.name);
                let later = shared.now().checked_add(BEAT).unwrap_or(Timestamp::MAX);
                let is_over = run.cause == Cause::Hand || later >= run.until;
                run.phase = if is_over { Phase::Ending(RunState::Interrupted) } else { Phase::Due(later) };
            }
        }
        self.wake_at = Instant::now();
    }

    /// A meter's session is over and stored.
    pub(super) fn meter_ended(
        &mut self,
        shared: &Shared,
        job: JobId,
        meter: MeterId,
        result: &JobResult,
        words: &str,
    ) {
        if result.fault.as_ref() == Some(&cancelled_fault()) {
            return;
        }
        let is_of_job = |run: &&mut Run| matches!(run.phase, Phase::Passing(of, _) if of == job);
        let is_of_store = result.fault.as_ref().is_some_and(|fault| fault.blame == Blame::Internal)
            && shared.turned_away().is_some();
        match self.runs.iter_mut().find(is_of_job) {
            Some(run) => {
                if let Some(told) = run.ended(meter, result, words, !is_of_store) {
                    shared.emit(&Event::List(told));
                }
                self.wake_at = self.wake_at.min(Instant::now() + GATHER);
            }
            None if result.fault.is_none() => {
                if let Err(error) = shared.store.borrow_mut().wake_meter(meter) {
                    tracing::warn!("a meter that was read well goes on resting: {error}");
                }
            }
            None => {}
        }
    }

    /// Whether a job is the pass of a run that nobody waits for.
    pub(super) fn is_scheduled(&self, job: JobId) -> bool {
        let is_pass = |run: &Run| matches!(run.phase, Phase::Passing(of, _) if of == job);
        self.runs.iter().any(|run| is_pass(run) && run.cause != Cause::Hand)
    }

    /// A job is over.
    pub(super) fn job_ended(&mut self, job: JobId, is_cancelled: bool) {
        let is_of_job = |run: &&mut Run| matches!(run.phase, Phase::Passing(of, _) if of == job);
        let Some(run) = self.runs.iter_mut().find(is_of_job).filter(|_| !self.is_stopping) else { return };
        run.phase = if is_cancelled { Phase::Ending(RunState::Cancelled) } else { Phase::Passed };
        self.wake_at = Instant::now();
    }

    /// A person stops a run.
    ///
    /// # Errors
    /// It is not under way in this process.
    pub(super) fn stop_run(&mut self, number: i64) -> Result<Option<Order>, Fault> {
        let run = self.runs.iter_mut().find(|run| run.key.run == number);
        let run = run.ok_or_else(|| {
            Fault::user("the run is over, or another process runs the lists", "stop it there")
        })?;
        self.wake_at = Instant::now();
        if let Phase::Passing(job, _) = run.phase {
            return Ok(Some(Order::Cancel(job)));
        }
        run.phase = Phase::Ending(RunState::Cancelled);
        Ok(None)
    }

    /// Takes every run as far as it can go now.
    fn advance(&mut self, shared: &Shared, now: Timestamp, orders: &mut Vec<Order>) {
        for run in &mut self.runs {
            if run.phase == Phase::Passed {
                run.settle_pass(now, backoff::chance());
            }
            match run.phase {
                Phase::Due(at) if at <= now => match run.pass() {
                    Some((title, work, meters, urgency)) => {
                        orders.push(Order::Pass { run: run.key.run, title, work, meters, urgency });
                    }
                    None => run.phase = Phase::Ending(RunState::Done),
                },
                Phase::Passing(job, false) if run.passes > 1 && run.until <= now => {
                    run.phase = Phase::Passing(job, true);
                    orders.push(Order::Withdraw(job));
                }
                _ => {}
            }
        }
        let mut at = 0;
        while let Some(run) = self.runs.get_mut(at) {
            let Phase::Ending(state) = run.phase else {
                at += 1;
                continue;
            };
            match end(shared, run, state, now) {
                Ok(()) => {
                    self.runs.remove(at);
                }
                Err(error) => {
                    tracing::error!("the end of a run of {} cannot be stored yet: {error}", run.key.name);
                    at += 1;
                }
            }
        }
    }

    fn write_outcomes(&mut self, shared: &Shared) -> Result<(), StoreError> {
        for run in self.runs.iter_mut().filter(|run| run.is_dirty()) {
            write(shared, run)?;
        }
        Ok(())
    }

    /// The thread is about to cancel everything because it stops: runs stay open for the next start.
    pub(super) fn stopping(&mut self) {
        self.is_stopping = true;
    }

    /// The thread's last call.
    pub(super) fn stop(&mut self, shared: &Shared) {
        let now = shared.now();
        if let Err(error) = self.write_outcomes(shared) {
            tracing::error!("how the last meters of a list ended could not be stored: {error}");
        }
        for run in self.runs.iter_mut().filter(|run| run.cause == Cause::Hand) {
            let state = match run.phase {
                Phase::Passed => RunState::Done,
                Phase::Ending(state) => state,
                Phase::Due(_) | Phase::Passing(..) => RunState::Cancelled,
            };
            if let Err(error) = end(shared, run, state, now) {
                tracing::error!("the end of a run of {} could not be stored: {error}", run.key.name);
            }
        }
        if self.has_lease
            && let Err(error) = shared.store.borrow_mut().drop_lease(&self.holder)
        {
            tracing::warn!("the next process waits a minute before it runs the lists: {error}");
        }
    }
}

/// The meters of a list, those first that were not read for longest.
fn members(shared: &Shared, row: &ListRow) -> Result<Vec<MeterRow>, StoreError> {
    let mut meters = shared.store.borrow().meters()?;
    meters.retain(|meter| row.list.contains(meter.id, &meter.config));
    meters.sort_by_key(|meter| meter.last_read);
    Ok(meters)
}

fn write(shared: &Shared, run: &mut Run) -> Result<(), StoreError> {
    shared.store.borrow_mut().put_outcomes(run.unwritten())?;
    run.is_written();
    Ok(())
}

/// Writes a run's end down and tells of it.
fn end(shared: &Shared, run: &mut Run, state: RunState, now: Timestamp) -> Result<(), StoreError> {
    run.close();
    write(shared, run)?;
    let row = shared.store.borrow_mut().end_run(run.key.run, state, now, &plan::rest)?;
    for told in run.unwell() {
        shared.emit(&Event::List(told));
    }
    tracing::info!("meter list {}: {} of {} meters well", run.key.name, row.ok, row.meters);
    shared.emit(&Event::List(ListEvent::Ended { list: run.key.clone(), row: Box::new(row) }));
    Ok(())
}
