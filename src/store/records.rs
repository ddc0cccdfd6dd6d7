//! What goes into the store and comes out of it, beside the words of `model`.

use jiff::Timestamp;

use crate::model::{
    ExchangeReading, Fault, MeterConfig, MeterId, PointDetails, PointId, ProfileLayout, ProfileRow,
    RatioHistory,
};

/// A meter as listed.
#[derive(Clone, Debug, PartialEq)]
pub struct MeterRow {
    /// Its number.
    pub id: MeterId,
    /// What a person entered.
    pub config: MeterConfig,
    /// When it was last read, whether well or not.
    pub last_read: Option<Timestamp>,
    /// The last result in words.
    pub last_result: Option<String>,
    /// Whether that was a success.
    pub last_ok: Option<bool>,
    /// The last clock comparison: meter minus computer, in milliseconds.
    pub drift_ms: Option<i64>,
}

/// A meter with what is known of the point where it hangs, as lists of meters in files have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMeter {
    /// Its number.
    pub id: MeterId,
    /// What a person entered.
    pub config: MeterConfig,
    /// The point where it hangs.
    pub point: Option<PointId>,
    /// What is known of its point; nothing where it hangs at none.
    pub details: PointDetails,
    /// Whether a ratio that holds says which side its registers are on.
    pub has_ratio: bool,
    /// The ratios of its point, whichever of them hold.
    pub ratios: RatioHistory,
}

/// What became of rows that were merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Intervals that were not there before.
    pub new: u64,
    /// Intervals that were there with the same content.
    pub same: u64,
    /// Intervals that were there with other content: both versions are kept.
    pub changed: u64,
}

/// A stored profile of a meter.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProfile {
    /// Its number in the store.
    pub id: i64,
    /// Layout.
    pub layout: ProfileLayout,
    /// First and last interval end that is stored.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How many intervals.
    pub intervals: u64,
}

/// How one meter of a job ended.
#[derive(Clone, Debug, PartialEq)]
pub struct JobResult {
    /// Which meter.
    pub meter: MeterId,
    /// When it ended.
    pub at: Timestamp,
    /// Nothing where it went well.
    pub fault: Option<Fault>,
    /// Registers stored.
    pub registers: u64,
    /// Intervals stored: new and changed ones.
    pub intervals: u64,
    /// Events stored that were not there before.
    pub events: u64,
    /// Round trips on the line.
    pub exchanges: u64,
    /// Octets sent.
    pub bytes_sent: u64,
    /// Octets received.
    pub bytes_received: u64,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

/// One piece of traffic, secrets already masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRecord {
    /// When.
    pub at: Timestamp,
    /// From this computer to the meter.
    pub sent: bool,
    /// The octets; those under the mask are 2Ah.
    pub bytes: Vec<u8>,
    /// Masked ranges: start and length.
    pub masked: Vec<(u32, u32)>,
    /// A remark in place of octets: `connected`, `DTR cannot be set`.
    pub note: Option<String>,
}

/// A job as listed.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// Its number.
    pub id: i64,
    /// What it does, in words.
    pub title: String,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// When it ended; nothing while it runs or if the program was stopped.
    pub ended: Option<Timestamp>,
    /// Results so far.
    pub results: Vec<JobResult>,
}

/// A version of a stored interval that another replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct SupersededRow {
    /// The old row.
    pub row: ProfileRow,
    /// When it was replaced.
    pub replaced_at: Timestamp,
}

/// A row of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number, from 1, without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Whose doing: a user's name.
    pub who: String,
    /// What was done: `meter added`, `secret changed`, ….
    pub what: String,
    /// To what, and how.
    pub detail: String,
}

/// A meter's time at a metering point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The meter.
    pub meter: MeterId,
    /// Its name.
    pub name: String,
    /// Its serial number.
    pub serial: Option<String>,
    /// It was taken off the list.
    pub removed: bool,
    /// Since when it has been there; nothing is since it counts.
    pub from: Option<Timestamp>,
    /// Until when; nothing is still.
    pub until: Option<Timestamp>,
    /// What it showed when it came.
    pub first: Vec<ExchangeReading>,
    /// What it showed when it went.
    pub last: Vec<ExchangeReading>,
}

/// A metering point with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointRow {
    /// Its number.
    pub id: PointId,
    /// Its name; unique in a store.
    pub name: String,
    /// What a person entered.
    pub details: PointDetails,
    /// Its meters, in the order in which they came.
    pub meters: Vec<Placement>,
    /// Its ratios.
    pub ratios: RatioHistory,
}
