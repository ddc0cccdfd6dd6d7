//! Profiles: status bits, stamps, and how much is asked for at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{IntervalStatus, Obis};

/// Profiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileTuning {
    /// Status bit → flag, by the flags' stable names (`power-down`, …). Bits that are not named set `unnamed`.
    pub status_bits: BTreeMap<u8, String>,
    /// Captured objects that hold a row's status, best first; empty takes the standard's names
    /// (0-x:96.10.x, then x-x:96.5.x).
    pub status_objects: Vec<Obis>,
    /// The row's stamp is the start of its interval, not its end.
    pub stamp_is_start: bool,
    /// Days asked for in one request: what a cut of the line can lose. 0 asks for all at once.
    pub days_per_request: u16,
    /// What null-data in a value or status column means.
    pub null_value: NullValue,
}

impl Default for ProfileTuning {
    fn default() -> Self {
        Self {
            status_bits: BTreeMap::new(),
            status_objects: Vec::new(),
            stamp_is_start: false,
            days_per_request: 31,
            null_value: NullValue::Absent,
        }
    }
}

/// What null-data in a value or status column of a profile means. The standard lets a meter leave out a value that
/// equals the one before; other meters write null-data where they captured nothing. Taken the wrong way, the one
/// leaves a gap that everybody sees, the other makes up energy that nobody measured: so a gap it is, unless the
/// template says that the model compresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullValue {
    /// Nothing was captured.
    #[default]
    Absent,
    /// The same as in the row before.
    Repeat,
}

impl ProfileTuning {
    /// The flags of a raw status.
    #[must_use]
    pub fn status(&self, raw: u64) -> IntervalStatus {
        let mut flags = IntervalStatus::empty();
        for bit in (0..64u8).filter(|bit| raw >> bit & 1 == 1) {
            let known = self.status_bits.get(&bit).and_then(|name| IntervalStatus::from_word(name));
            flags |= known.unwrap_or(IntervalStatus::UNNAMED);
        }
        flags
    }
}
