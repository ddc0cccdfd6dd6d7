//! The clock.

use serde::{Deserialize, Serialize};

use crate::model::{DeviationSign, ZonePolicy};

/// Clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockTuning {
    /// Which way round the deviation is written.
    pub deviation_sign: DeviationSign,
    /// What to make of wall time.
    pub zone_policy: ZonePolicy,
    /// How the clock is adjusted rather than set.
    pub adjust: ClockAdjust,
    /// The clock status in a time that is set.
    pub set_status: SetStatus,
}

/// How a clock is adjusted rather than set (COSEM class 8). The methods that go to the nearest quarter of an hour or
/// measuring period are not among them: they always move the end of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockAdjust {
    /// shift_time, up to 900 seconds either way.
    #[default]
    ShiftTime,
    /// preset_adjusting_time, then adjust_to_preset_time when it has come.
    Preset,
    /// adjust_to_minute, invoked at a whole minute: less than half a minute either way.
    Minute,
    /// Not at all: it is set.
    Set,
}

/// The clock status in a time that is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetStatus {
    /// Whether daylight saving is on; "not specified" where the meter itself leaves it so.
    #[default]
    DaylightSaving,
    /// Always "not specified" (FFh).
    Unspecified,
}
