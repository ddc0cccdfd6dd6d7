//! Traffic of jobs, as much as fits: the oldest makes room.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::MeterId;

use super::columns::{count, from_json, get, instant, micros, to_json};
use super::error::Trouble;
use super::jobs::no_job;
use super::{Store, StoreError, StoreReader, TraceRecord, settings};

/// The setting that says how many MiB of traffic are kept; at least 1.
pub const TRACE_MIB_SETTING: &str = "trace.keep-mib";
const TRACE_MIB: u64 = 64;
/// What a record costs beside its octets and texts.
const RECORD_BYTES: usize = 48;
/// Whether the oldest has to make room is looked at each time that a job has so much more.
const LOOK_EVERY_BYTES: i64 = 64 << 10;

fn record(row: &Row<'_>) -> Result<(MeterId, TraceRecord), Trouble> {
    let record = TraceRecord {
        at: instant(get(row, 1)?)?,
        sent: get(row, 2)?,
        bytes: get(row, 3)?,
        masked: from_json(&get::<String>(row, 4)?, "a trace's mask")?,
        note: get(row, 5)?,
    };
    Ok((MeterId(get(row, 0)?), record))
}

/// What a record takes, with its mask as it is stored.
fn size(record: &TraceRecord, masked: &str) -> usize {
    record.bytes.len() + masked.len() + record.note.as_ref().map_or(0, String::len) + RECORD_BYTES
}

fn add(
    connection: &Connection,
    (job, meter): (i64, MeterId),
    record: &TraceRecord,
    masked: &str,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO trace (job_id, meter_id, at, sent, bytes, masked, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![job, meter.0, micros(record.at), record.sent, record.bytes, masked, record.note])?;
    Ok(())
}

fn limit_bytes(connection: &Connection) -> Result<i64, Trouble> {
    let set = settings::get(connection, TRACE_MIB_SETTING)?.and_then(|text| text.parse().ok());
    Ok(count(set.unwrap_or(TRACE_MIB).max(1).saturating_mul(1 << 20)))
}

/// Drops the traffic of the oldest jobs whole; of the job that is being written, its first records.
fn make_room(connection: &Connection, writing: i64) -> Result<(), Trouble> {
    let limit = limit_bytes(connection)?;
    loop {
        let kept: i64 = connection
            .prepare_cached("SELECT ifnull(sum(trace_bytes), 0) FROM job WHERE trace_bytes > 0")?
            .query_row((), |row| row.get(0))?;
        if kept <= limit {
            return Ok(());
        }
        let oldest: Option<i64> = connection
            .prepare_cached("SELECT id FROM job WHERE trace_bytes > 0 AND id <> ?1 ORDER BY id LIMIT 1")?
            .query_row([writing], |row| row.get(0))
            .optional()?;
        let Some(oldest) = oldest else {
            return drop_first_records(connection, writing, kept - limit);
        };
        connection.prepare_cached("DELETE FROM trace WHERE job_id = ?1")?.execute([oldest])?;
        connection.prepare_cached("UPDATE job SET trace_bytes = 0 WHERE id = ?1")?.execute([oldest])?;
    }
}

fn drop_first_records(connection: &Connection, job: i64, excess: i64) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT id, length(bytes) + length(masked) + ifnull(length(CAST(note AS BLOB)), 0) + ?2
         FROM trace WHERE job_id = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query(params![job, count(RECORD_BYTES as u64)])?;
    let (mut freed, mut last) = (0i64, None);
    while let Some(row) = rows.next()? {
        if freed >= excess {
            break;
        }
        last = Some(get::<i64>(row, 0)?);
        freed += get::<i64>(row, 1)?;
    }
    connection
        .prepare_cached("DELETE FROM trace WHERE job_id = ?1 AND id <= ?2")?
        .execute(params![job, last])?;
    connection
        .prepare_cached("UPDATE job SET trace_bytes = max(trace_bytes - ?2, 0) WHERE id = ?1")?
        .execute([job, freed])?;
    Ok(())
}

impl StoreReader {
    /// Traffic of a job, per meter, in order.
    ///
    /// # Errors
    /// A record does not read back.
    pub fn trace(&self, job: i64) -> Result<Vec<(MeterId, TraceRecord)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT meter_id, at, sent, bytes, masked, note FROM trace
                 WHERE job_id = ?1 ORDER BY meter_id, id",
            )?;
            let mut rows = statement.query([job])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(record(row)?);
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Adds traffic of a job. Where [`TRACE_MIB_SETTING`] (64 without it) is exceeded by more than some tens of KiB, the
    /// oldest goes.
    ///
    /// # Errors
    /// There is no such job.
    pub fn put_trace(&mut self, job: i64, meter: MeterId, records: &[TraceRecord]) -> Result<(), StoreError> {
        self.write(|connection, _| {
            let masks =
                records.iter().map(|record| to_json(&record.masked)).collect::<Result<Vec<_>, _>>()?;
            let sizes = records.iter().zip(&masks).map(|(record, masked)| size(record, masked));
            let added = count(sizes.sum::<usize>() as u64);
            let kept: i64 = connection
                .prepare_cached(
                    "UPDATE job SET trace_bytes = trace_bytes + ?2 WHERE id = ?1 RETURNING trace_bytes",
                )?
                .query_row([job, added], |row| row.get(0))
                .optional()?
                .ok_or_else(|| no_job(job))?;
            for (record, masked) in records.iter().zip(&masks) {
                add(connection, (job, meter), record, masked)?;
            }
            if kept / LOOK_EVERY_BYTES == (kept - added) / LOOK_EVERY_BYTES {
                return Ok(());
            }
            make_room(connection, job)
        })
    }
}
