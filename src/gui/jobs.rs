//! What the communications thread does, as its events tell.

use std::collections::{BTreeMap, VecDeque};

use crate::comms::{Event, JobId};
use crate::gui::widgets::{counted, number};
use crate::model::{MeterId, Step};
use crate::store::JobResult;

/// Jobs that are kept after their end.
const KEPT: usize = 20;
/// Steps of one meter that are kept.
const STEPS: usize = 200;

/// One meter in a job.
#[derive(Clone, Debug, Default)]
pub struct MeterProgress {
    /// Its name.
    pub name: String,
    /// Steps so far, each once; counts of rows replace one another.
    pub steps: Vec<Step>,
    /// Remarks.
    pub remarks: Vec<String>,
    /// How it ended, and that in words.
    pub ended: Option<(JobResult, String)>,
}

impl MeterProgress {
    fn step(&mut self, step: &Step) {
        if let (Some(last @ Step::Rows { .. }), Step::Rows { .. })
        | (Some(last @ Step::Upkeep { .. }), Step::Upkeep { .. })
        | (Some(last @ Step::Blocks { .. }), Step::Blocks { .. }) = (self.steps.last_mut(), step)
        {
            last.clone_from(step);
        } else if self.steps.len() < STEPS {
            self.steps.push(step.clone());
        }
    }

    /// Whether it failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.ended.as_ref().is_some_and(|(result, _)| result.fault.is_some())
    }
}

/// One job.
#[derive(Clone, Debug)]
pub struct JobState {
    /// Its number.
    pub id: JobId,
    /// In words.
    pub title: String,
    /// How many meters.
    pub total: usize,
    /// Meters that have started.
    pub meters: BTreeMap<Option<MeterId>, MeterProgress>,
    /// How many have ended well and badly.
    pub done: (usize, usize),
    /// Whether cancelling was asked for.
    pub cancelling: bool,
    /// Whether it is over, and whether by cancelling.
    pub ended: Option<bool>,
}

impl JobState {
    /// How much of it is done, from 0 to 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
    pub fn part(&self) -> f32 {
        if self.total == 0 {
            return if self.ended.is_some() { 1.0 } else { 0.0 };
        }
        let sessions = |meter: &MeterProgress| match (&meter.ended, meter.steps.last()) {
            (None, Some(Step::Rows { done, expected: Some(expected) })) if *expected > 0 => {
                (*done as f32 / *expected as f32).min(1.0) * 0.5
            }
            (None, Some(Step::Blocks { done, of, .. })) if *of > 0 => {
                (*done as f32 / *of as f32).min(1.0) * 0.8
            }
            (None, Some(Step::Upkeep { done, of, .. })) if *of > 0 => (*done as f32 / *of as f32).min(1.0),
            _ => 0.0,
        };
        let running: f32 = self.meters.values().map(sessions).sum();
        ((self.done.0 + self.done.1) as f32 + running) / self.total as f32
    }

    /// The job in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let (ok, failed) = self.done;
        match (self.ended, self.cancelling) {
            (Some(true), _) => format!("Cancelled: {} done, {} not", number(ok), number(failed)),
            (Some(false), _) if failed == 0 => match ok {
                1 => self.upkeep_words().unwrap_or_else(|| "Done".to_owned()),
                _ => format!("Done: {}", counted(ok, "meter")),
            },
            (Some(false), _) if ok + failed == 1 => "Failed".to_owned(),
            (Some(false), _) => format!("{} done, {} failed", number(ok), number(failed)),
            (None, true) => "Cancelling".to_owned(),
            (None, false) if self.total <= 1 => self.running_step().unwrap_or_else(|| "Waiting".to_owned()),
            (None, false) if failed > 0 => {
                format!("{} of {}, {} failed", number(ok + failed), number(self.total), number(failed))
            }
            (None, false) => format!("{} of {}", number(ok + failed), number(self.total)),
        }
    }

    /// What came of upkeep, which has no meter whose history tells it.
    fn upkeep_words(&self) -> Option<String> {
        let own = self.meters.get(&None)?;
        let is_upkeep = own.steps.iter().any(|step| matches!(step, Step::Upkeep { .. }));
        own.ended.as_ref().filter(|_| is_upkeep).map(|(_, words)| words.clone())
    }

    fn running_step(&self) -> Option<String> {
        let meter = self.meters.values().find(|meter| meter.ended.is_none())?;
        meter.steps.last().map(Step::in_words)
    }

    /// Meters that failed, with their reasons in words.
    pub fn failures(&self) -> impl Iterator<Item = (&Option<MeterId>, &MeterProgress)> {
        self.meters.iter().filter(|(_, meter)| meter.failed())
    }
}

/// All jobs of this run of the program, oldest first.
#[derive(Debug, Default)]
pub struct Jobs {
    jobs: VecDeque<JobState>,
}

impl Jobs {
    /// Takes one event. Events of jobs that are no longer kept are of no interest.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Submitted { job, title, meters } => self.begin(*job, title, *meters),
            Event::MeterStarted { job, meter, name } => {
                self.meter(*job, *meter, |progress| progress.name.clone_from(name));
            }
            Event::MeterStep { job, meter, step } => self.meter(*job, *meter, |progress| progress.step(step)),
            Event::MeterRemark { job, meter, text } => {
                self.meter(*job, *meter, |progress| progress.remarks.push(text.clone()));
            }
            Event::MeterEnded { job, meter, name, result, words } => {
                self.meter(*job, *meter, |progress| {
                    progress.name.clone_from(name);
                    progress.ended = Some((result.as_ref().clone(), words.clone()));
                });
                if let Some(state) = self.get_mut(*job) {
                    let slot = if result.fault.is_none() { &mut state.done.0 } else { &mut state.done.1 };
                    *slot += 1;
                }
            }
            Event::Ended { job, ok, failed, cancelled } => {
                if let Some(state) = self.get_mut(*job) {
                    state.done = (*ok, *failed);
                    state.ended = Some(*cancelled);
                }
            }
            Event::StoreChanged
            | Event::ChangedElsewhere
            | Event::List(_)
            | Event::Found { .. }
            | Event::Pushed { .. }
            | Event::Learnt { .. }
            | Event::Standing(_)
            | Event::Store { .. } => {}
        }
    }

    fn begin(&mut self, id: JobId, title: &str, total: usize) {
        while self.jobs.len() >= KEPT {
            let Some(old) = self.jobs.iter().position(|job| job.ended.is_some()) else { break };
            self.jobs.remove(old);
        }
        let title = title.to_owned();
        self.jobs.push_back(JobState {
            id,
            title,
            total,
            meters: BTreeMap::new(),
            done: (0, 0),
            cancelling: false,
            ended: None,
        });
    }

    fn meter(&mut self, job: JobId, meter: Option<MeterId>, change: impl FnOnce(&mut MeterProgress)) {
        if let Some(state) = self.get_mut(job) {
            change(state.meters.entry(meter).or_default());
        }
    }

    fn get_mut(&mut self, id: JobId) -> Option<&mut JobState> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// A job by its number.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&JobState> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &JobState> {
        self.jobs.iter().rev()
    }

    /// Those that are not over, newest first.
    pub fn running(&self) -> impl Iterator<Item = &JobState> {
        self.newest().filter(|job| job.ended.is_none())
    }

    /// What a meter is doing now, in words.
    #[must_use]
    pub fn doing(&self, id: MeterId) -> Option<String> {
        self.running().find_map(|job| {
            let meter = job.meters.get(&Some(id)).filter(|meter| meter.ended.is_none())?;
            meter.steps.last().map(Step::in_words).or_else(|| Some("Starting".to_owned()))
        })
    }

    /// Notes that cancelling was asked for.
    pub fn cancelling(&mut self, id: JobId) {
        if let Some(job) = self.get_mut(id) {
            job.cancelling = true;
        }
    }

    /// Forgets jobs that are over.
    pub fn clear_ended(&mut self) {
        self.jobs.retain(|job| job.ended.is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(job: i64, meters: usize) -> Event {
        Event::Submitted { job: JobId(job), title: "Read".to_owned(), meters }
    }

    #[test]
    fn counts_of_rows_replace_one_another_and_other_steps_stay() {
        let mut jobs = Jobs::default();
        jobs.take(&submitted(1, 1));
        let meter = Some(MeterId(7));
        for step in
            [Step::Opening, Step::Rows { done: 1, expected: None }, Step::Rows { done: 2, expected: None }]
        {
            jobs.take(&Event::MeterStep { job: JobId(1), meter, step });
        }
        let state = jobs.get(JobId(1)).unwrap();
        assert_eq!(state.meters[&meter].steps, [Step::Opening, Step::Rows { done: 2, expected: None }]);
        assert_eq!(state.words(), "2 intervals");
    }

    #[test]
    fn running_jobs_are_never_forgotten() {
        let mut jobs = Jobs::default();
        for number in 0..50 {
            jobs.take(&submitted(number, 1));
        }
        assert_eq!(jobs.running().count(), 50);
        for number in 0..50 {
            jobs.take(&Event::Ended { job: JobId(number), ok: 1, failed: 0, cancelled: false });
        }
        jobs.take(&submitted(99, 1));
        assert!(jobs.newest().count() <= KEPT + 31);
        assert_eq!(jobs.running().count(), 1);
    }
}
