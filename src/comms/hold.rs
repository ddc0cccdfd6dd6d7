//! Waits with sessions while the store takes no writes: a full disk, most often.
//!
//! Sessions whose figures could not be stored would only cost the meters' time: those of meter lists wait until a trial
//! write goes through, with a doubling pause before each; what people asked for fails at once. What ended meanwhile is
//! written down then. Sessions that were under way when the disk filled up have failed: lists try their meters once
//! more.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::{Fault, MeterId};
use crate::store::{JobResult, StoreError};

use super::Event;
use super::shared::Shared;

/// The pause before the first trial.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

struct Trial {
    at: Instant,
    pause: Duration,
    fault: Fault,
}

/// Whether sessions may begin, and what is still to be written down.
#[derive(Default)]
pub(super) struct Hold {
    trial: Option<Trial>,
    results: BTreeMap<(i64, MeterId), (JobResult, String)>,
    ends: BTreeMap<i64, Timestamp>,
}

fn told(reason: &str) -> Fault {
    Fault {
        advice: "meter lists wait, and go on by themselves when there is room".to_owned(),
        passing: true,
        ..Fault::internal(format!("the store takes no more writes: {reason}"))
    }
}

impl Hold {
    /// Whether no session may begin.
    pub(super) const fn is_on(&self) -> bool {
        self.trial.is_some()
    }

    /// When to call [`Hold::try_again`]; nothing where all is well.
    pub(super) fn due(&self) -> Option<Instant> {
        self.trial.as_ref().map(|trial| trial.at)
    }

    /// Why no session begins.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.trial.as_ref().map(|trial| &trial.fault)
    }

    /// Begins to wait where the store has turned a write away.
    pub(super) fn look(&mut self, shared: &Shared) {
        let fault = self.trial.is_none().then(|| shared.turned_away()).flatten().map(|reason| told(&reason));
        let Some(fault) = fault else { return };
        tracing::warn!("{fault}");
        let at = Instant::now() + FIRST_PAUSE;
        self.trial = Some(Trial { at, pause: FIRST_PAUSE, fault: fault.clone() });
        shared.emit(&Event::Store { fault: Some(fault) });
    }

    /// A meter's result that could not be written down.
    pub(super) fn owe_result(&mut self, job: i64, result: &JobResult, words: &str) {
        self.results.insert((job, result.meter), (result.clone(), words.to_owned()));
    }

    /// A job's end that could not be written down.
    pub(super) fn owe_end(&mut self, job: i64, at: Timestamp) {
        self.ends.insert(job, at);
    }

    /// Tries whether the store takes writes again; true where it does and all that was owed is written down.
    pub(super) fn try_again(&mut self, shared: &Shared) -> bool {
        let Some(trial) = &mut self.trial else { return true };
        trial.pause = (trial.pause * 2).min(LONGEST_PAUSE);
        trial.at = Instant::now() + trial.pause;
        if let Err(error) = self.pay(shared) {
            tracing::debug!("the store still takes no writes: {error}");
            return false;
        }
        self.trial = None;
        tracing::info!("the store takes writes again");
        shared.emit(&Event::Store { fault: None });
        true
    }

    fn pay(&mut self, shared: &Shared) -> Result<(), StoreError> {
        shared.try_room()?;
        let mut store = shared.store.borrow_mut();
        while let Some(((job, meter), (result, words))) = self.results.pop_first() {
            if let Err(error) = store.replace_result(job, &result, &words) {
                // What the disk is not to blame for does not come right by waiting.
                if store.turned_away().is_some() {
                    self.results.insert((job, meter), (result, words));
                    return Err(error);
                }
                tracing::error!("a result of job {job} is lost: {error}");
            }
        }
        while let Some((job, at)) = self.ends.pop_first() {
            if let Err(error) = store.end_job(job, at) {
                if store.turned_away().is_some() {
                    self.ends.insert(job, at);
                    return Err(error);
                }
                tracing::error!("the end of job {job} is lost: {error}");
            }
        }
        Ok(())
    }
}
