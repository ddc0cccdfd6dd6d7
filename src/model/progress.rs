//! What one meter's session is doing, as typed steps.

use serde::{Deserialize, Serialize};

use super::FlashPhase;

/// What to read: the words of `read --what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Plate data.
    Identity,
    /// Clock.
    Clock,
    /// Registers, demand and extended registers.
    Registers,
    /// Billing sets.
    Billing,
    /// Load profiles.
    Profile,
    /// Instrumentation profiles: voltage, current, power quality.
    Instrumentation,
    /// Event logs.
    Events,
    /// Instantaneous values.
    Instantaneous,
    /// The association's object list.
    Objects,
}

impl What {
    /// All of them with their words, in the order in which they are read.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Identity, "identity"),
        (Self::Clock, "clock"),
        (Self::Registers, "registers"),
        (Self::Billing, "billing"),
        (Self::Profile, "profile"),
        (Self::Instrumentation, "instrumentation"),
        (Self::Events, "events"),
        (Self::Instantaneous, "instantaneous"),
        (Self::Objects, "objects"),
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The word in a sentence: `reading the load profile`.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Identity => "the identity",
            Self::Clock => "the clock",
            Self::Registers => "the registers",
            Self::Billing => "the billing sets",
            Self::Profile => "the load profile",
            Self::Instrumentation => "the instrumentation profile",
            Self::Events => "the event logs",
            Self::Instantaneous => "the instantaneous values",
            Self::Objects => "the object list",
        }
    }

    /// The thing with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(what, _)| *what)
    }
}

/// Where the writing of a scheme stands: in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramPhase {
    /// What stands in the meter is read and kept.
    Standing,
    /// The new tariff is written beside the one in force.
    Beside,
    /// That is read back and compared.
    Compared,
    /// The new tariff is activated or armed, and confirmed by reading.
    Activating,
    /// Settings without a passive side are written and read back, and what the old tariff alone needed is taken away.
    Settings,
}

impl ProgramPhase {
    const ALL: [Self; 5] = [Self::Standing, Self::Beside, Self::Compared, Self::Activating, Self::Settings];

    /// How much of the sequence is done when it begins, from 0 to 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
    pub fn part(self) -> f32 {
        let before = Self::ALL.iter().take_while(|phase| **phase != self).count();
        (before + 1) as f32 / (Self::ALL.len() + 1) as f32
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Standing => "Reading what stands there, and keeping it",
            Self::Beside => "Writing beside the tariff in force",
            Self::Compared => "Reading it back and comparing",
            Self::Activating => "Activating, and confirming by reading",
            Self::Settings => "Writing settings and clearing away",
        }
    }
}

/// One step of a session. Within a session they come in this order: `Opening`, `SigningOn`, `Linking`,
/// `Associating`, any number of `Reading` and `Rows`, `Releasing`; a retry begins again at `Opening` after a
/// `Retrying`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting for the line, which another session holds.
    WaitingForLine,
    /// Opening the port or the connection.
    Opening,
    /// Optical sign-on (IEC 62056-21).
    SigningOn,
    /// Setting up the data link (HDLC).
    Linking,
    /// Associating.
    Associating,
    /// Asking the public client for the invocation counter.
    SynchronisingCounter,
    /// Reading something.
    Reading(What),
    /// Rows of a profile that have come so far, and how many are expected where that is known.
    Rows {
        /// Rows so far.
        done: u64,
        /// Rows expected.
        expected: Option<u64>,
    },
    /// Saying goodbye.
    Releasing,
    /// The attempt failed in a way that may pass; another follows.
    Retrying {
        /// The attempt that follows, counted from 1.
        attempt: u32,
        /// How many there are at most.
        of: u32,
        /// Why the last one failed.
        reason: String,
    },
    /// A scheme is being written.
    Programming(ProgramPhase),
    /// A phase of a flash begins; see [`FlashPhase`] for their order. Within `Identify`, `Backup`, `Version` and
    /// `Check` the other steps of a session come too.
    Flashing(FlashPhase),
    /// Blocks of a firmware image that the meter has.
    Blocks {
        /// Blocks so far.
        done: u32,
        /// All of them.
        of: u32,
        /// Time left at the present pace, in seconds, where there is one.
        seconds_left: Option<u64>,
    },
    /// Looking for meters: addresses tried, and how many there are.
    Probing {
        /// Tried so far.
        done: usize,
        /// In all.
        of: usize,
    },
    /// Surveying a meter for a template: kinds of objects asked for, and how many there are.
    Learning {
        /// Asked so far.
        done: usize,
        /// In all.
        of: usize,
    },
}

impl Step {
    /// The step in words, for a status line.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::WaitingForLine => "Waiting for the line".to_owned(),
            Self::Opening => "Opening the line".to_owned(),
            Self::SigningOn => "Signing on through the optical port".to_owned(),
            Self::Linking => "Setting up the data link".to_owned(),
            Self::Associating => "Associating".to_owned(),
            Self::SynchronisingCounter => "Asking for the invocation counter".to_owned(),
            Self::Reading(what) => format!("Reading {}", what.in_words()),
            Self::Rows { done, expected: Some(expected) } => format!("{done} of {expected} intervals"),
            Self::Rows { done, expected: None } => format!("{done} intervals"),
            Self::Releasing => "Releasing".to_owned(),
            Self::Programming(phase) => phase.in_words().to_owned(),
            Self::Learning { done, of } => format!("Looking at what it has, {done} of {of}"),
            Self::Probing { done, of } => format!("{done} of {of} addresses tried"),
            Self::Retrying { attempt, of, .. } => format!("Attempt {attempt} of {of}"),
            Self::Flashing(phase) => phase.in_words().to_owned(),
            Self::Blocks { done, of, seconds_left: Some(seconds) } => {
                format!("{done} of {of} blocks, {}:{:02} min left", seconds / 60, seconds % 60)
            }
            Self::Blocks { done, of, seconds_left: None } => format!("{done} of {of} blocks"),
        }
    }
}
