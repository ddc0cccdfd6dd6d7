//! Intervals of a profile that are missing, and why.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Obis;

/// Why intervals are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The meter has not been asked for them yet.
    NotAsked,
    /// They lie after the last interval that was read; why no later read went well, where one was tried.
    NotRead(Option<String>),
    /// The meter no longer holds them; where its record was seen to begin.
    NotHeld(Option<Timestamp>),
    /// The meter was asked for this stretch, its record reaches back to before it, and nothing came.
    NotRecorded,
    /// The meter's clock ran ahead when intervals with these stamps were stored: they are read again.
    ClockAhead,
}

impl GapReason {
    /// A word for scripts.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::NotRead(_) => "not-read",
            Self::NotHeld(_) => "not-held",
            Self::NotRecorded => "not-recorded",
            Self::ClockAhead => "clock-ahead",
        }
    }

    /// Whether the meter itself has said that it cannot give them: nobody asks again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::NotHeld(_) | Self::NotRecorded)
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => out.write_str("not asked for yet: the next read does"),
            Self::NotRead(None) => out.write_str("not read yet"),
            Self::NotRead(Some(why)) => write!(out, "not read yet: {why}"),
            Self::NotHeld(None) => out.write_str("the meter no longer holds it"),
            Self::NotHeld(Some(first)) => {
                write!(out, "the meter no longer holds it: its record begins with {first}")
            }
            Self::NotRecorded => out.write_str("the meter recorded nothing there"),
            Self::ClockAhead => {
                out.write_str("stored while the meter's clock ran ahead: read again when its time has come")
            }
        }
    }
}

/// A stretch of a profile in which intervals are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The profile.
    pub profile: Obis,
    /// End of the last interval before it.
    pub after: Timestamp,
    /// End of the first interval after it; of the last missing one where none follows.
    pub before: Timestamp,
    /// How many intervals are missing.
    pub intervals: u64,
    /// Why.
    pub reason: GapReason,
}

/// A stretch that a meter was asked for and answered, by the ends of intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// From this end on.
    pub from: Timestamp,
    /// Up to and with this one.
    pub to: Timestamp,
    /// The first end that came; nothing where none did.
    pub first: Option<Timestamp>,
}
