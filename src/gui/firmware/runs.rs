//! Flashes that were submitted from these windows: which job belongs to which campaign.

use std::collections::VecDeque;
use std::sync::Arc;

use egui::Ui;

use crate::comms::{Job, JobId};
use crate::firmware::Package;
use crate::gui::context::AppCtx;
use crate::gui::jobs::JobState;
use crate::gui::submission::Submission;
use crate::model::{CampaignPlan, CampaignState, Fault, MeterId};
use crate::store::{CampaignRow, PackageId};

/// Flashes that are kept.
const KEPT: usize = 24;

struct Run {
    package: PackageId,
    /// Sorted.
    meters: Vec<MeterId>,
    submission: Submission,
    /// Its campaign is to be shown when it is in the store.
    is_new: bool,
}

/// Flashes that were submitted, newest first.
#[derive(Default)]
pub(super) struct Runs {
    all: VecDeque<Run>,
    /// Why the last one was not taken.
    pub(super) refused: Option<Fault>,
}

fn sorted(meters: &[MeterId]) -> Vec<MeterId> {
    let mut meters = meters.to_vec();
    meters.sort_unstable();
    meters
}

impl Runs {
    /// Begins a campaign, or goes on with it.
    pub(super) fn submit(
        &mut self,
        cx: &AppCtx,
        package: &Arc<Package>,
        meters: Vec<MeterId>,
        plan: &CampaignPlan,
    ) {
        self.refused = None;
        self.all.truncate(KEPT - 1);
        let of = sorted(&meters);
        let job = Job::Flash { meters, package: Arc::clone(package), plan: Box::new(plan.clone()) };
        let submission = Submission::new(cx.backend.submit(job));
        self.all.push_front(Run { package: package.id(), meters: of, submission, is_new: true });
    }

    /// Takes the numbers of jobs that were submitted.
    pub(super) fn take_numbers(&mut self, ui: &Ui) {
        let mut refused = None;
        self.all.retain_mut(|run| {
            run.submission.step(ui);
            if let Some(fault) = run.submission.refused() {
                refused = Some(fault.clone());
            }
            run.submission.refused().is_none()
        });
        if refused.is_some() {
            self.refused = refused;
        }
    }

    /// Whether a flash is on its way to the communications thread.
    #[must_use]
    pub(super) fn is_submitting(&self) -> bool {
        self.all.iter().any(|run| run.submission.is_waiting())
    }

    /// The campaign of a job that has just begun, where the list that is known has it.
    pub(super) fn begun(&mut self, campaigns: &[CampaignRow]) -> Option<i64> {
        let run = self.all.iter_mut().find(|run| run.is_new && run.submission.job().is_some())?;
        let is_it = |row: &&CampaignRow| row.package == run.package && row.state == CampaignState::Open;
        let id = campaigns.iter().find(is_it)?.id;
        run.is_new = false;
        Some(id)
    }

    /// Whether a job with this package is not over.
    #[must_use]
    pub(super) fn is_running(&self, cx: &AppCtx, package: &PackageId) -> bool {
        let is_open = |job: JobId| cx.jobs.get(job).is_some_and(|job| job.ended.is_none());
        self.all.iter().any(|run| run.package == *package && run.submission.job().is_some_and(is_open))
    }

    /// The newest job of the campaign with this package and these meters that is still known.
    #[must_use]
    pub(super) fn job<'a>(
        &self,
        cx: &'a AppCtx,
        package: &PackageId,
        meters: &[MeterId],
    ) -> Option<&'a JobState> {
        let meters = sorted(meters);
        let run = self.all.iter().find(|run| run.package == *package && run.meters == meters)?;
        cx.jobs.get(run.submission.job()?)
    }
}
