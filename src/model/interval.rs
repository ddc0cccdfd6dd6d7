//! Load-profile intervals: what was captured at the end of each period, and how far to trust it.

use bitflags::bitflags;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decimal, MeterStamp, Obis, ScalerUnit, Side, Unit};

bitflags! {
    /// What a meter says about one interval, in this program's own terms. A template maps a model's status
    /// bits to these (`facts/conventions.md`, row "Profile status byte"); the raw bits stay beside them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct IntervalStatus: u32 {
        /// Critical error of the meter.
        const CRITICAL_ERROR = 1;
        /// The clock could not be trusted.
        const CLOCK_INVALID = 1 << 1;
        /// The meter says that the value is not valid.
        const DATA_INVALID = 1 << 2;
        /// Daylight saving was on.
        const DAYLIGHT_SAVING = 1 << 3;
        /// The clock was set or slewed in the interval.
        const CLOCK_ADJUSTED = 1 << 4;
        /// The value was recovered after a failure.
        const RECOVERED = 1 << 5;
        /// Supply failed in the interval.
        const POWER_DOWN = 1 << 6;
        /// Supply returned in the interval.
        const POWER_UP = 1 << 7;
        /// A value was estimated by the meter.
        const ESTIMATED = 1 << 8;
        /// A billing reset fell into the interval.
        const BILLING_RESET = 1 << 9;
        /// The configuration was changed in the interval.
        const CONFIGURATION_CHANGED = 1 << 10;
        /// Battery failure.
        const BATTERY_FAIL = 1 << 11;
        /// Energy ran in reverse.
        const REVERSE_RUN = 1 << 12;
        /// A phase failed.
        const PHASE_FAILURE = 1 << 13;
        /// A cover was open or tampering was seen.
        const TAMPER = 1 << 14;
        /// The profile was cleared.
        const PROFILE_CLEARED = 1 << 15;
        /// The season changed in the interval.
        const SEASON_CHANGE = 1 << 16;
        /// The row carried no stamp; its end is the one before plus the period.
        const STAMP_RECKONED = 1 << 24;
        /// The stamp lies off the period's grid.
        const OFF_GRID = 1 << 25;
        /// The stamp names a wall time that the zone skips or doubles, and nothing told which is meant.
        const STAMP_AMBIGUOUS = 1 << 26;
        /// Status bits were set that the template does not name.
        const UNNAMED = 1 << 27;
        /// The transformer ratio changed in the interval, so that its figures cannot be shown on the side that is
        /// wanted. Never stored: it comes with showing them.
        const RATIO_CHANGE = 1 << 28;
        /// A value came that is no number, or a difference with nothing to add it to: it is not among the values.
        const VALUE_UNREADABLE = 1 << 29;
    }
}

/// Bit, stable name in files and JSON, letters on screen, words.
const STATUS_WORDS: &[(IntervalStatus, &str, &str, &str)] = &[
    (IntervalStatus::CRITICAL_ERROR, "critical-error", "E", "Critical error of the meter"),
    (IntervalStatus::CLOCK_INVALID, "clock-invalid", "C", "Clock not to be trusted"),
    (IntervalStatus::DATA_INVALID, "data-invalid", "V", "Value not valid"),
    (IntervalStatus::DAYLIGHT_SAVING, "daylight-saving", "S", "Daylight saving on"),
    (IntervalStatus::CLOCK_ADJUSTED, "clock-adjusted", "A", "Clock set or slewed"),
    (IntervalStatus::RECOVERED, "recovered", "R", "Recovered after a failure"),
    (IntervalStatus::POWER_DOWN, "power-down", "P", "Supply failed"),
    (IntervalStatus::POWER_UP, "power-up", "U", "Supply returned"),
    (IntervalStatus::ESTIMATED, "estimated", "e", "Estimated by the meter"),
    (IntervalStatus::BILLING_RESET, "billing-reset", "B", "Billing reset"),
    (IntervalStatus::CONFIGURATION_CHANGED, "configuration-changed", "K", "Configuration changed"),
    (IntervalStatus::BATTERY_FAIL, "battery-fail", "b", "Battery failed"),
    (IntervalStatus::REVERSE_RUN, "reverse-run", "r", "Energy ran in reverse"),
    (IntervalStatus::PHASE_FAILURE, "phase-failure", "L", "A phase failed"),
    (IntervalStatus::TAMPER, "tamper", "T", "Cover open or tampering"),
    (IntervalStatus::PROFILE_CLEARED, "profile-cleared", "X", "Profile cleared"),
    (IntervalStatus::SEASON_CHANGE, "season-change", "s", "Season changed"),
    (
        IntervalStatus::STAMP_RECKONED,
        "stamp-reckoned",
        "~",
        "No stamp in the row: reckoned from the one before",
    ),
    (IntervalStatus::OFF_GRID, "off-grid", "/", "Stamp off the period's grid"),
    (IntervalStatus::STAMP_AMBIGUOUS, "stamp-ambiguous", "?", "Stamp in a skipped or doubled hour"),
    (IntervalStatus::UNNAMED, "unnamed", "*", "Status bits that the template does not name"),
    (IntervalStatus::RATIO_CHANGE, "ratio-change", "Q", "Transformer ratio changed in it: not converted"),
    (IntervalStatus::VALUE_UNREADABLE, "value-unreadable", "N", "A value came that is no number: not kept"),
];

impl IntervalStatus {
    /// Those that make an interval worth a look: all but daylight saving.
    #[must_use]
    pub fn is_flagged(self) -> bool {
        !self.difference(Self::DAYLIGHT_SAVING).is_empty()
    }

    /// The stable names, in bit order.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.words().map(|word| word.1).collect()
    }

    /// Letters for a narrow column.
    #[must_use]
    pub fn letters(self) -> String {
        self.words().map(|word| word.2).collect()
    }

    /// Whole words, for a tooltip.
    #[must_use]
    pub fn texts(self) -> Vec<&'static str> {
        self.words().map(|word| word.3).collect()
    }

    /// The flag with this stable name.
    #[must_use]
    pub fn from_word(name: &str) -> Option<Self> {
        STATUS_WORDS.iter().find(|word| word.1 == name).map(|word| word.0)
    }

    /// All stable names with their whole words, in bit order.
    pub fn all_names() -> impl Iterator<Item = (&'static str, &'static str)> {
        STATUS_WORDS.iter().map(|word| (word.1, word.3))
    }

    fn words(self) -> impl Iterator<Item = &'static (Self, &'static str, &'static str, &'static str)> {
        STATUS_WORDS.iter().filter(move |word| self.contains(word.0))
    }
}

/// How good a stored value is (`facts/conventions.md`, row "Quality flags").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quality {
    /// As the meter gave it, and the meter does not doubt it.
    #[default]
    Actual,
    /// Actual, corrected by a person.
    ActualEdited,
    /// Estimated.
    Estimated,
    /// Substituted.
    Substituted,
    /// Substituted for good.
    FinalSubstituted,
    /// Calculated from others.
    Calculated,
    /// There is none.
    Missing,
    /// As the meter gave it, but the meter or this program doubts it.
    Suspect,
}

impl Quality {
    /// All of them, with their numbers on disk (the position) and stable names.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Actual, "actual"),
        (Self::ActualEdited, "actual-edited"),
        (Self::Estimated, "estimated"),
        (Self::Substituted, "substituted"),
        (Self::FinalSubstituted, "final-substituted"),
        (Self::Calculated, "calculated"),
        (Self::Missing, "missing"),
        (Self::Suspect, "suspect"),
    ];

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The quality that a meter's own status implies.
    #[must_use]
    pub fn from_status(status: IntervalStatus) -> Self {
        let doubtful = IntervalStatus::CRITICAL_ERROR
            | IntervalStatus::CLOCK_INVALID
            | IntervalStatus::DATA_INVALID
            | IntervalStatus::STAMP_AMBIGUOUS;
        if status.intersects(doubtful) {
            Self::Suspect
        } else if status.contains(IntervalStatus::ESTIMATED) {
            Self::Estimated
        } else {
            Self::Actual
        }
    }
}

/// One numeric column of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The captured object.
    pub obis: Obis,
    /// Its attribute.
    pub attribute: u8,
    /// Which element of a structured attribute; 0 is the whole.
    pub data_index: u16,
    /// COSEM class of the captured object.
    pub class_id: u16,
    /// Plain name.
    pub name: String,
    /// Scaler and unit of the captured object, read from the meter; rows are already multiplied by the scaler.
    pub scaler_unit: ScalerUnit,
    /// Whether values are primary or secondary.
    pub side: Side,
}

/// What a channel's figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Energy of the interval.
    Energy,
    /// A register that counts up for ever: its differences are energy of the interval.
    Cumulative,
    /// Power, averaged over the interval.
    Power,
    /// Anything else: voltages, currents, factors.
    Level,
}

impl ChannelKind {
    /// What a captured object gives (IEC 62056-61, group D).
    #[must_use]
    pub const fn of(channel: &Channel) -> Self {
        let unit = channel.scaler_unit.unit;
        if unit.is_energy() {
            match channel.obis.d() {
                8 | 9 | 17 | 18 | 20 => Self::Cumulative,
                _ => Self::Energy,
            }
        } else if matches!(unit, Unit::W | Unit::VAR | Unit::VA) {
            Self::Power
        } else {
            Self::Level
        }
    }
}

/// What a profile holds: the same for all its rows. A changed layout starts a new one in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileLayout {
    /// The profile's own logical name, such as `1-0:99.1.0*255`.
    pub obis: Obis,
    /// Plain name.
    pub name: String,
    /// Capture period in seconds; 0 for profiles that are captured by events.
    pub period_seconds: u32,
    /// The numeric columns in the meter's order, without clock and status.
    pub channels: Vec<Channel>,
}

/// One captured interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRow {
    /// Interval end in UTC.
    pub end: Timestamp,
    /// The meter's own stamp; `None` where the row carried none.
    pub stamp: Option<MeterStamp>,
    /// Status in this program's terms.
    pub status: IntervalStatus,
    /// The status bits as received; `None` where the profile has no status column.
    pub raw_status: Option<u64>,
    /// How good the values are.
    pub quality: Quality,
    /// One per channel, exact, multiplied by its scaler; `None` where the meter gave nothing, or nothing that is a
    /// number ([`IntervalStatus::VALUE_UNREADABLE`]).
    pub values: Vec<Option<Decimal>>,
}
