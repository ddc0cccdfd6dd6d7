//! Jobs and how each of their meters ended.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::MeterId;

use super::columns::{count, from_json, get, instant, maybe_instant, micros, to_json, uncount};
use super::error::Trouble;
use super::{JobResult, JobRow, Store, StoreError, StoreReader};

const RESULT: &str = "job_id, meter_id, at, fault, registers, intervals, events, exchanges, bytes_sent, bytes_received, duration_ms";

fn result(row: &Row<'_>) -> Result<(i64, JobResult), Trouble> {
    let number = |column: usize| get(row, column).map(uncount);
    let fault: Option<String> = get(row, 3)?;
    let result = JobResult {
        meter: MeterId(get(row, 1)?),
        at: instant(get(row, 2)?)?,
        fault: fault.map(|text| from_json(&text, "a job's fault")).transpose()?,
        registers: number(4)?,
        intervals: number(5)?,
        events: number(6)?,
        exchanges: number(7)?,
        bytes_sent: number(8)?,
        bytes_received: number(9)?,
        duration_ms: number(10)?,
    };
    Ok((get(row, 0)?, result))
}

/// Refuses a number that no job has.
fn require_job(connection: &Connection, job: i64) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM job WHERE id = ?1")?;
    let found = statement.query_row([job], |_| Ok(())).optional()?;
    found.ok_or_else(|| no_job(job))
}

pub(super) fn no_job(job: i64) -> Trouble {
    Trouble::Request(format!("the store has no job {job}"))
}

fn results(connection: &Connection, job: i64) -> Result<Vec<JobResult>, Trouble> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {RESULT} FROM job_result WHERE job_id = ?1 ORDER BY id"))?;
    let mut rows = statement.query([job])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(result(row)?.1);
    }
    Ok(list)
}

impl StoreReader {
    /// The last `most` jobs, newest first.
    ///
    /// # Errors
    /// A job does not read back.
    pub fn jobs(&self, most: u32) -> Result<Vec<JobRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, title, submitted, ended FROM job ORDER BY id DESC LIMIT ?1")?;
            let mut rows = statement.query([most])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let id = get(row, 0)?;
                list.push(JobRow {
                    id,
                    title: get(row, 1)?,
                    submitted: instant(get(row, 2)?)?,
                    ended: maybe_instant(get(row, 3)?)?,
                    results: results(connection, id)?,
                });
            }
            Ok(list)
        })
    }

    /// The last `most` results of a meter, newest first, with the job's number.
    ///
    /// # Errors
    /// A result does not read back.
    pub fn history(&self, id: MeterId, most: u32) -> Result<Vec<(i64, JobResult)>, StoreError> {
        self.read(|connection| {
            let sql =
                format!("SELECT {RESULT} FROM job_result WHERE meter_id = ?1 ORDER BY id DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![id.0, most])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(result(row)?);
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Begins a job.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn begin_job(&mut self, title: &str, now: Timestamp) -> Result<i64, StoreError> {
        self.write(|connection, _| {
            connection
                .prepare_cached("INSERT INTO job (title, submitted) VALUES (?1, ?2)")?
                .execute(params![title, micros(now)])?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Keeps how one meter of a job ended in the place of what was kept of it before, where something was.
    ///
    /// # Errors
    /// There is no such job.
    pub fn replace_result(&mut self, job: i64, result: &JobResult, words: &str) -> Result<(), StoreError> {
        self.gather(|store| {
            store.write(|connection, _| {
                connection
                    .prepare_cached("DELETE FROM job_result WHERE job_id = ?1 AND meter_id = ?2")?
                    .execute([job, result.meter.0])?;
                Ok(())
            })?;
            store.put_result(job, result, words)
        })?;
        self.settle()
    }

    /// Keeps how one meter of a job ended; sets its last result. `words` is the result in words.
    ///
    /// # Errors
    /// There is no such job.
    pub fn put_result(&mut self, job: i64, result: &JobResult, words: &str) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_job(connection, job)?;
            let fault = result.fault.as_ref().map(to_json).transpose()?;
            let sql = format!(
                "INSERT INTO job_result ({RESULT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
            );
            connection.prepare_cached(&sql)?.execute(params![
                job,
                result.meter.0,
                micros(result.at),
                fault,
                count(result.registers),
                count(result.intervals),
                count(result.events),
                count(result.exchanges),
                count(result.bytes_sent),
                count(result.bytes_received),
                count(result.duration_ms),
            ])?;
            connection
                .prepare_cached(
                    "UPDATE meter SET last_read = ?2, last_result = ?3, last_ok = ?4 WHERE id = ?1",
                )?
                .execute(params![result.meter.0, micros(result.at), words, result.fault.is_none()])?;
            Ok(())
        })
    }

    /// Ends a job.
    ///
    /// # Errors
    /// There is no such job.
    pub fn end_job(&mut self, job: i64, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_job(connection, job)?;
            connection
                .prepare_cached("UPDATE job SET ended = ?2 WHERE id = ?1")?
                .execute([job, micros(now)])?;
            Ok(())
        })
    }
}
