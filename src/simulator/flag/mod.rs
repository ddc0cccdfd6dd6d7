//! Virtual Elster meters: the tables of an A1700, an A1140 or an AS230 over the record of a virtual meter
//! (`facts/elster-flag.md`).
//!
//! The password of level 2 is [`PASSWORD`](super::PASSWORD). Without it a meter shows its serial number and its scheme's
//! name; rights end after five minutes. A meter answers to its outstation number, its place on the line from 1, and to a
//! sign-on without a number where it is alone.
//!
//! What no source tells is made up here, and only here: the product range of the AS230 (000), and where the pages of its
//! firmware lie ([`firmware`]).

pub mod firmware;
mod station;
mod tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::load::Premises;
use super::server::SharedMeter;

pub use station::FlagStation;

use firmware::Memory;

/// A model that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Three phases, layout L32.
    A1700,
    /// Three phases.
    A1140,
    /// One phase.
    As230,
}

impl Model {
    /// The model of a template's `flag.model`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "A1700" => Some(Self::A1700),
            "A1140" => Some(Self::A1140),
            "AS230" => Some(Self::As230),
            _ => None,
        }
    }

    /// What it measures: the three-phase models hang behind transformers.
    #[must_use]
    pub const fn premises(self) -> Premises {
        match self {
            Self::A1700 | Self::A1140 => Premises::Factory,
            Self::As230 => Premises::Household,
        }
    }

    /// What stands behind the speed in the sign-on.
    const fn sign_on(self) -> &'static str {
        match self {
            // facts/elster-flag.md, section 1.1.
            Self::A1700 => "090100100400@000",
            Self::A1140 => "090510010400@000",
            Self::As230 => "090000010400@000",
        }
    }
}

/// A virtual Elster meter.
#[derive(Debug)]
pub struct FlagMeter {
    /// What it measures, and its clock.
    pub meter: SharedMeter,
    /// Which model it plays.
    pub model: Model,
    /// Its outstation number.
    pub outstation: u16,
    /// Where its firmware is loaded, and what it runs.
    pub memory: Memory,
}

/// A virtual Elster meter, shared between its connections.
pub type SharedFlag = Arc<Mutex<FlagMeter>>;

/// The meter behind a lock; a panic of another holder does not keep it shut.
pub fn lock(meter: &SharedFlag) -> MutexGuard<'_, FlagMeter> {
    meter.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FlagMeter {
    /// A meter of a model over a record.
    #[must_use]
    pub fn new(meter: SharedMeter, model: Model, outstation: u16) -> Self {
        let faults = super::lock(&meter).settings().faults.image;
        Self { meter, model, outstation, memory: Memory::new(faults) }
    }
}
