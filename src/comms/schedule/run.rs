//! A run of a list: its passes, and how each of its meters stands.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;

use crate::drivers::{Activation, ClockOrder, ClockWay, ReadRequest};
use crate::model::{Action, Activate, Blame, Fault, MeterId, MeterList, Schedule};
use crate::store::{Cause, JobResult, MeterRow, NewRun, Outcome, OutcomeState, Rest, RunState};

use super::super::JobId;
use super::super::queue::Urgency;
use super::super::session::Work;
use super::plan;
use super::{ListEvent, ListKey};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its next pass begins then.
    Due(Timestamp),
    /// This job is its pass; whether its waiting meters were taken out because the window is over.
    Passing(JobId, bool),
    /// Its pass is over.
    Passed,
    /// It is over and wants to be written down so.
    Ending(RunState),
}

/// A meter of a run.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    outcome: Outcome,
    /// Whether the last failure may pass.
    again: bool,
    /// How often it may be tried again.
    retries: u32,
}

/// A run under way.
pub(in crate::comms) struct Run {
    pub(super) key: ListKey,
    pub(super) cause: Cause,
    pub(super) until: Timestamp,
    pub(super) phase: Phase,
    pub(super) passes: u32,
    work: Work,
    priority: u8,
    entries: BTreeMap<MeterId, Entry>,
    /// In which order they are tried.
    order: Vec<MeterId>,
    /// What is not in the store yet.
    dirty: BTreeSet<MeterId>,
}

/// What a list's action is to the sessions.
///
/// # Errors
/// The scheme that it writes does not read.
fn work(action: &Action, now: Timestamp) -> Result<Work, Fault> {
    Ok(match action {
        Action::Read { what, from } => {
            let from = from.map(|from| from.at(now));
            Work::Read(Rc::new(ReadRequest { what: what.clone(), from, to: None }))
        }
        Action::WriteScheme { scheme, activate, .. } => {
            let document = crate::scheme::read(scheme.as_bytes()).map_err(|problems| {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                Fault::user(
                    format!("the list's scheme does not read: {first}"),
                    "make the list anew with a sound one",
                )
            })?;
            let activation = match activate {
                Activate::Now => Activation::Now,
                Activate::At(at) => Activation::At(*at),
                Activate::Never => Activation::Never,
            };
            Work::WriteScheme(Rc::new(document), activation)
        }
        Action::AdjustClock => Work::SetClock(ClockOrder { way: ClockWay::Adjust, across_interval: false }),
    })
}

impl Run {
    /// A run of a list, all its meters waiting but those that rest.
    ///
    /// # Errors
    /// What the list does cannot be done.
    pub(super) fn new(
        key: ListKey,
        list: &MeterList,
        new: &NewRun,
        rows: &[MeterRow],
        rests: &BTreeMap<MeterId, Rest>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let is_by_hand = new.cause == Cause::Hand;
        let (most, priority) = list.schedule.as_ref().map_or((0, Schedule::USUAL_PRIORITY), |schedule| {
            (u32::from(schedule.retries), schedule.priority)
        });
        let mut run = Self {
            key,
            cause: new.cause,
            until: new.until,
            phase: Phase::Due(now),
            passes: 0,
            work: work(&list.action, now)?,
            priority,
            entries: BTreeMap::new(),
            order: rows.iter().map(|row| row.id).collect(),
            dirty: BTreeSet::new(),
        };
        for row in rows {
            let mut outcome = Outcome::waiting(row.id);
            let rest = rests.get(&row.id).filter(|_| !is_by_hand);
            if let Some((rest, until)) =
                rest.and_then(|rest| Some((rest, rest.until.filter(|until| *until > now)?)))
            {
                outcome.state = OutcomeState::Resting;
                outcome.words = format!(
                    "Rests until {} UTC after {} failed runs",
                    until.strftime("%Y-%m-%d %H:%M"),
                    rest.failed_runs
                );
                run.dirty.insert(row.id);
            }
            // One that fails all the time gets one try.
            let is_doubtful = rest.is_some_and(|rest| rest.failed_runs >= plan::RESTS_AFTER);
            let retries = if is_by_hand || is_doubtful { 0 } else { most };
            let name = row.config.name.clone();
            run.entries.insert(row.id, Entry { name, outcome, again: false, retries });
        }
        Ok(run)
    }

    /// Goes on with a run that another process, or this program before its end, had begun.
    pub(super) fn resume(&mut self, outcomes: Vec<(String, Outcome)>) {
        for (_, outcome) in outcomes {
            let Some(entry) = self.entries.get_mut(&outcome.meter) else { continue };
            // A meter that rests by now was tried in this run.
            entry.again = outcome.state == OutcomeState::Failed;
            self.dirty.remove(&outcome.meter);
            entry.outcome = outcome;
        }
    }

    /// The meters of the next pass.
    fn next(&self) -> Vec<MeterId> {
        let wants = |entry: &Entry| match entry.outcome.state {
            OutcomeState::Waiting => self.passes == 0,
            OutcomeState::Failed => entry.again && entry.outcome.tries <= entry.retries,
            OutcomeState::Ok | OutcomeState::Resting => false,
        };
        let order = self.order.iter().copied();
        order.filter(|meter| self.entries.get(meter).is_some_and(wants)).collect()
    }

    /// Begins a pass: title, what to do, with which meters; nothing where none is left to do.
    pub(super) fn pass(&self) -> Option<(String, Work, Vec<MeterId>, Urgency)> {
        let meters = self.next();
        if meters.is_empty() {
            return None;
        }
        let name = &self.key.name;
        let title = match self.passes {
            0 => format!("{name}: {{}}"),
            again => format!("{name}, try {}: {{}}", again + 1),
        };
        let urgency = match (self.cause, meters.len()) {
            (Cause::Hand, 1) => Urgency::ONE,
            (Cause::Hand, _) => Urgency::MANY,
            _ => Urgency::scheduled(self.priority),
        };
        Some((title, self.work.clone(), meters, urgency))
    }

    /// A pass is over: another one after a pause, if that begins within the window, or the end.
    pub(super) fn settle_pass(&mut self, now: Timestamp, chance: u8) {
        let pause = plan::pause(self.passes, chance);
        let next = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        let goes_on = self.cause != Cause::Hand && next < self.until && !self.next().is_empty();
        self.phase = if goes_on { Phase::Due(next) } else { Phase::Ending(RunState::Done) };
    }

    /// A meter's session is over; whether it counts as a try of the meter: not where this program's disk was full.
    pub(super) fn ended(
        &mut self,
        meter: MeterId,
        result: &JobResult,
        words: &str,
        counts: bool,
    ) -> Option<ListEvent> {
        let entry = self.entries.get_mut(&meter)?;
        let outcome = &mut entry.outcome;
        let fault = result.fault.as_ref();
        outcome.tries += u32::from(counts);
        outcome.at = Some(result.at);
        outcome.state = if fault.is_none() { OutcomeState::Ok } else { OutcomeState::Failed };
        outcome.blame = fault.map(|fault| fault.blame);
        words.clone_into(&mut outcome.words);
        outcome.registers += result.registers;
        outcome.intervals += result.intervals;
        outcome.events += result.events;
        // A store that could not be written may be written later: a full disk is emptied.
        entry.again = fault.is_some_and(|fault| fault.passing || fault.blame == Blame::Internal);
        self.dirty.insert(meter);
        fault.is_none().then(|| self.told(meter)).flatten()
    }

    fn told(&self, meter: MeterId) -> Option<ListEvent> {
        let entry = self.entries.get(&meter)?;
        Some(ListEvent::Meter {
            list: self.key.clone(),
            name: entry.name.clone(),
            outcome: Box::new(entry.outcome.clone()),
        })
    }

    /// The meters that are left out from the beginning.
    pub(super) fn resting(&self) -> Vec<ListEvent> {
        self.told_where(|state| state == OutcomeState::Resting)
    }

    /// The meters that did not go well, for the end of the run.
    pub(super) fn unwell(&self) -> Vec<ListEvent> {
        self.told_where(|state| matches!(state, OutcomeState::Failed | OutcomeState::Waiting))
    }

    fn told_where(&self, which: impl Fn(OutcomeState) -> bool) -> Vec<ListEvent> {
        let told = self.entries.iter().filter(|(_, entry)| which(entry.outcome.state));
        told.filter_map(|(meter, _)| self.told(*meter)).collect()
    }

    /// How many meters it has.
    pub(super) fn meters(&self) -> usize {
        self.entries.len()
    }

    /// Whether something of it is not in the store yet.
    pub(super) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// What is not in the store yet.
    pub(super) fn unwritten(&self) -> Vec<(i64, &Outcome)> {
        let entries = self.dirty.iter().filter_map(|meter| self.entries.get(meter));
        entries.map(|entry| (self.key.run, &entry.outcome)).collect()
    }

    /// All of it is.
    pub(super) fn is_written(&mut self) {
        self.dirty.clear();
    }

    /// Meters that never had their turn say so at the end.
    pub(super) fn close(&mut self) {
        for (meter, entry) in &mut self.entries {
            if entry.outcome.state == OutcomeState::Waiting && entry.outcome.words.is_empty() {
                "Not tried: the run ended before its turn".clone_into(&mut entry.outcome.words);
                self.dirty.insert(*meter);
            }
        }
    }
}
