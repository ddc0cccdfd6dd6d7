//! The local store (floor 2): one SQLite file in WAL mode.
//!
//! [`Store`] writes, [`StoreReader`] only reads; the windows hold a reader of their own. Everything that a method
//! reports as done is on disk.

use std::path::Path;

use jiff::Timestamp;

use crate::model::{
    BillingSet, ClockReading, Fault, Knowledge, MeterConfig, MeterEvent, MeterId, Obis, ProfileLayout,
    ProfileRow, RegisterReading, SecretKind,
};

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite.
    #[error("the store {path}: {source}")]
    Sqlite {
        /// File.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is no store, or was made by a newer version.
    #[error("the store {path}: {reason}")]
    Unusable {
        /// File.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A block's checksum is wrong, or a document in it does not read.
    #[error("the store {path} is damaged: {reason}")]
    Damaged {
        /// File.
        path: String,
        /// Where and what.
        reason: String,
    },
    /// What was asked for cannot be (name taken, no such meter).
    #[error("{0}")]
    Request(String),
}

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

/// Reads a store; any number may be open.
#[derive(Debug)]
pub struct StoreReader {
    connection: rusqlite::Connection,
}

/// Writes a store, and reads it.
#[derive(Debug)]
pub struct Store {
    reader: StoreReader,
}

impl std::ops::Deref for Store {
    type Target = StoreReader;

    fn deref(&self) -> &StoreReader {
        &self.reader
    }
}

#[allow(clippy::missing_errors_doc, reason = "every one gives StoreError for the same reasons")]
impl StoreReader {
    /// Opens an existing store for reading.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let _ = path;
        unimplemented!()
    }
    /// A number that grows with every committed change by any process: reload when it moved.
    pub fn version(&self) -> Result<u64, StoreError> {
        let _ = &self.connection;
        unimplemented!()
    }
    /// All meters by name.
    pub fn meters(&self) -> Result<Vec<MeterRow>, StoreError> {
        unimplemented!()
    }
    /// One meter.
    pub fn meter(&self, id: MeterId) -> Result<Option<MeterRow>, StoreError> {
        let _ = id;
        unimplemented!()
    }
    /// One meter by its name.
    pub fn meter_named(&self, name: &str) -> Result<Option<MeterRow>, StoreError> {
        let _ = name;
        unimplemented!()
    }
    /// Sealed bytes of a meter's secret.
    pub fn sealed_secret(&self, id: MeterId, kind: SecretKind) -> Result<Option<Vec<u8>>, StoreError> {
        let _ = (id, kind);
        unimplemented!()
    }
    /// Kinds of secrets that a meter has.
    pub fn secret_kinds(&self, id: MeterId) -> Result<Vec<SecretKind>, StoreError> {
        let _ = id;
        unimplemented!()
    }
    /// What was learnt of a meter.
    pub fn knowledge(&self, id: MeterId) -> Result<Knowledge, StoreError> {
        let _ = id;
        unimplemented!()
    }
    /// The latest reading of each register, by OBIS code.
    pub fn registers(&self, id: MeterId, instantaneous: bool) -> Result<Vec<RegisterReading>, StoreError> {
        let _ = (id, instantaneous);
        unimplemented!()
    }
    /// All readings of one register between two instants, oldest first.
    pub fn register_history(
        &self,
        id: MeterId,
        obis: Obis,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<RegisterReading>, StoreError> {
        let _ = (id, obis, from, to);
        unimplemented!()
    }
    /// Profiles that are stored of a meter.
    pub fn profiles(&self, id: MeterId) -> Result<Vec<StoredProfile>, StoreError> {
        let _ = id;
        unimplemented!()
    }
    /// Rows of a stored profile with `from < end <= to`, oldest first.
    pub fn profile_rows(
        &self,
        profile: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProfileRow>, StoreError> {
        let _ = (profile, from, to);
        unimplemented!()
    }
    /// Versions that were replaced, with `from < end <= to`.
    pub fn superseded_rows(
        &self,
        profile: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SupersededRow>, StoreError> {
        let _ = (profile, from, to);
        unimplemented!()
    }
    /// End of the last stored interval of a profile of that logical name, or the last event of that log.
    pub fn last_end(&self, id: MeterId, profile: Obis) -> Result<Option<Timestamp>, StoreError> {
        let _ = (id, profile);
        unimplemented!()
    }
    /// Billing sets with `from < at <= to`, oldest first.
    pub fn billing(
        &self,
        id: MeterId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<BillingSet>, StoreError> {
        let _ = (id, from, to);
        unimplemented!()
    }
    /// Events with `from < at <= to`, oldest first.
    pub fn events(&self, id: MeterId, from: Timestamp, to: Timestamp) -> Result<Vec<MeterEvent>, StoreError> {
        let _ = (id, from, to);
        unimplemented!()
    }
    /// The last `most` clock comparisons, newest first.
    pub fn clock_readings(&self, id: MeterId, most: u32) -> Result<Vec<ClockReading>, StoreError> {
        let _ = (id, most);
        unimplemented!()
    }
    /// The last `most` jobs, newest first.
    pub fn jobs(&self, most: u32) -> Result<Vec<JobRow>, StoreError> {
        let _ = most;
        unimplemented!()
    }
    /// Traffic of a job, per meter, in order.
    pub fn trace(&self, job: i64) -> Result<Vec<(MeterId, TraceRecord)>, StoreError> {
        let _ = job;
        unimplemented!()
    }
    /// The last `most` results of a meter, newest first, with the job's number.
    pub fn history(&self, id: MeterId, most: u32) -> Result<Vec<(i64, JobResult)>, StoreError> {
        let _ = (id, most);
        unimplemented!()
    }
    /// A setting of the program.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let _ = key;
        unimplemented!()
    }
    /// Walks the audit chain; gives the number of rows.
    pub fn verify_audit(&self) -> Result<u64, StoreError> {
        unimplemented!()
    }
}

#[allow(clippy::missing_errors_doc, reason = "every one gives StoreError for the same reasons")]
impl Store {
    /// Opens a store, makes it where there is none, and brings an old one up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let _ = path;
        unimplemented!()
    }
    /// Adds a meter; the name must be free.
    pub fn add_meter(&mut self, config: &MeterConfig) -> Result<MeterId, StoreError> {
        let _ = (config, &mut self.reader);
        unimplemented!()
    }
    /// Adds many meters or none.
    pub fn add_meters(&mut self, configs: &[MeterConfig]) -> Result<Vec<MeterId>, StoreError> {
        let _ = configs;
        unimplemented!()
    }
    /// Changes a meter.
    pub fn update_meter(&mut self, id: MeterId, config: &MeterConfig) -> Result<(), StoreError> {
        let _ = (id, config);
        unimplemented!()
    }
    /// Takes a meter off the list, with its secrets. Its readings stay in the file as evidence.
    pub fn remove_meter(&mut self, id: MeterId) -> Result<(), StoreError> {
        let _ = id;
        unimplemented!()
    }
    /// Keeps sealed bytes as a meter's secret; nothing takes it away.
    pub fn put_secret(
        &mut self,
        id: MeterId,
        kind: SecretKind,
        sealed: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let _ = (id, kind, sealed);
        unimplemented!()
    }
    /// The next `count` invocation counters of a key row (`client/CLIENT` of a meter), durable before they are
    /// given: the first of them. They are never given again.
    pub fn reserve_counters(&mut self, id: MeterId, row: &str, count: u32) -> Result<u32, StoreError> {
        let _ = (id, row, count);
        unimplemented!()
    }
    /// Never give a counter below `at_least` from now on.
    pub fn raise_counter(&mut self, id: MeterId, row: &str, at_least: u32) -> Result<(), StoreError> {
        let _ = (id, row, at_least);
        unimplemented!()
    }
    /// Keeps what was learnt of a meter.
    pub fn put_knowledge(&mut self, id: MeterId, knowledge: &Knowledge) -> Result<(), StoreError> {
        let _ = (id, knowledge);
        unimplemented!()
    }
    /// Adds register readings; gives how many.
    pub fn put_registers(
        &mut self,
        id: MeterId,
        readings: &[RegisterReading],
        instantaneous: bool,
    ) -> Result<u64, StoreError> {
        let _ = (id, readings, instantaneous);
        unimplemented!()
    }
    /// Merges rows of a profile into its day blocks.
    pub fn merge_profile(
        &mut self,
        id: MeterId,
        layout: &ProfileLayout,
        rows: &[ProfileRow],
        now: Timestamp,
    ) -> Result<Merged, StoreError> {
        let _ = (id, layout, rows, now);
        unimplemented!()
    }
    /// Adds billing sets that are not there yet; gives how many registers were new.
    pub fn put_billing(&mut self, id: MeterId, sets: &[BillingSet]) -> Result<u64, StoreError> {
        let _ = (id, sets);
        unimplemented!()
    }
    /// Adds events that are not there yet; gives how many.
    pub fn put_events(&mut self, id: MeterId, events: &[MeterEvent]) -> Result<u64, StoreError> {
        let _ = (id, events);
        unimplemented!()
    }
    /// Adds a clock comparison.
    pub fn put_clock(&mut self, id: MeterId, clock: &ClockReading) -> Result<(), StoreError> {
        let _ = (id, clock);
        unimplemented!()
    }
    /// Begins a job.
    pub fn begin_job(&mut self, title: &str, now: Timestamp) -> Result<i64, StoreError> {
        let _ = (title, now);
        unimplemented!()
    }
    /// Keeps how one meter of a job ended; sets its last result. `words` is the result in words.
    pub fn put_result(&mut self, job: i64, result: &JobResult, words: &str) -> Result<(), StoreError> {
        let _ = (job, result, words);
        unimplemented!()
    }
    /// Ends a job.
    pub fn end_job(&mut self, job: i64, now: Timestamp) -> Result<(), StoreError> {
        let _ = (job, now);
        unimplemented!()
    }
    /// Adds traffic of a job.
    pub fn put_trace(&mut self, job: i64, meter: MeterId, records: &[TraceRecord]) -> Result<(), StoreError> {
        let _ = (job, meter, records);
        unimplemented!()
    }
    /// Keeps a setting.
    pub fn put_setting(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let _ = (key, value);
        unimplemented!()
    }
    /// Appends a row to the audit chain.
    pub fn audit(&mut self, now: Timestamp, who: &str, what: &str, detail: &str) -> Result<(), StoreError> {
        let _ = (now, who, what, detail);
        unimplemented!()
    }
}
