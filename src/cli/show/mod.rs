//! `meterwright show …`: what the store holds of a meter.

mod billing;
mod events;
mod gaps;
mod profile;
mod registers;

use clap::{Args, Subcommand};

use super::app::{App, Outcome};
use super::on_side::OnSide;
use super::period::Period;

/// Prints what the store holds.
#[derive(Subcommand, Debug)]
pub(super) enum Show {
    /// The latest reading of each register, or all within a period
    Registers(Which),
    /// Closed billing periods
    Billing(Which),
    /// The load profile
    Profile(profile::Profile),
    /// Event logs
    Events(Which),
    /// Missing intervals, each with its reason
    Gaps(Which),
    /// The latest instantaneous values
    Instantaneous(Which),
}

/// Which meter, from when to when.
#[derive(Args, Clone, Debug)]
pub(super) struct Which {
    /// The meter
    name: String,
    #[command(flatten)]
    period: Period,
    #[command(flatten)]
    on: OnSide,
}

impl Show {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Registers(which) => registers::run(app, which, false),
            Self::Instantaneous(which) => registers::run(app, which, true),
            Self::Billing(which) => billing::run(app, which),
            Self::Profile(profile) => profile.run(app),
            Self::Events(which) => events::run(app, which),
            Self::Gaps(which) => gaps::run(app, which),
        }
    }
}
