//! Runs a ratio job on one meter.

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::jobs::{self, Results};
use crate::comms::Job;
use crate::drivers::RatioOrder;
use crate::store::MeterRow;

/// Runs a job on one meter to its end.
pub(super) fn one(app: &App, order: RatioOrder, row: MeterRow) -> Result<Results, Failure> {
    let comms = app.comms()?;
    let job = Job::Ratios { meters: vec![row.id], order };
    let results = jobs::follow(app, &comms, vec![(job, vec![row])]);
    comms.stop();
    results
}
