//! What is older than it is to be kept goes, step by step.
//!
//! What goes is counted and hashed in the transaction that takes it: SHA-256 over the hash before and every row that
//! went. The audit chain says when a disposal begins, and when it ends, with its count and hash. One that was cut off
//! is ended, with what it had taken, before the next one begins.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::model::lower_hex;
use crate::store::columns::{count, get, instant, micros, uncount};
use crate::store::error::Trouble;
use crate::store::{Store, StoreError, audit};

use super::retention::{
    Kind, OLD_BLOCKS, OLD_EVENTS, OLD_READINGS, OLD_RUNS, OLD_SETS, first_day_kept, newest_day, numbers,
    owners,
};
use super::{Pace, Watch};

/// Rows, or blocks, that go in one transaction.
const STEP: usize = 200;

/// What went of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposed {
    /// What.
    pub kind: Kind,
    /// What was before this went.
    pub cutoff: Timestamp,
    /// How many.
    pub items: u64,
    /// Roughly how many bytes.
    pub bytes: u64,
    /// The hash over all that went.
    pub hash: [u8; 32],
    /// It was stopped before its end.
    pub is_stopped: bool,
}

/// What one step took away.
struct Step {
    items: u64,
    bytes: u64,
    hash: Sha256,
}

impl Step {
    fn new(before: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(before);
        Self { items: 0, bytes: 0, hash }
    }

    /// Counts something that goes.
    fn take(&mut self, items: u64, parts: &[&[u8]]) {
        self.items += items;
        for part in parts {
            self.bytes += part.len() as u64;
            self.hash.update((part.len() as u64).to_be_bytes());
            self.hash.update(part);
        }
    }
}

/// The number and the texts of a row, with their lengths in front.
fn digest(number: i64, texts: &[Option<&str>]) -> Vec<u8> {
    let mut out = number.to_be_bytes().to_vec();
    for text in texts {
        let text = text.unwrap_or_default();
        out.extend((text.len() as u64).to_be_bytes());
        out.extend(text.as_bytes());
    }
    out
}

fn blocks(
    connection: &Connection,
    profile: i64,
    cutoff: Timestamp,
    step: &mut Step,
) -> Result<usize, Trouble> {
    let (kept, newest) = (first_day_kept(cutoff), newest_day(connection, profile)?);
    let mut statement = connection.prepare_cached(&format!("{OLD_BLOCKS} LIMIT {STEP}"))?;
    let mut rows = statement.query(params![profile, kept, newest])?;
    let mut gone: Vec<(i32, i32)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (day, days): (i32, i32) = (get(row, 0)?, get(row, 1)?);
        let block: Vec<u8> = get(row, 4)?;
        step.take(uncount(get(row, 2)?), &[&profile.to_be_bytes(), &day.to_be_bytes(), &block]);
        gone.push((day, days));
    }
    for (day, days) in &gone {
        let last = day + days - 1;
        let table = if *days > 1 { "month_block" } else { "day_block" };
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE profile_id = ?1 AND day = ?2"))?
            .execute(params![profile, day])?;
        // What was replaced is evidence as long as its interval stands, and no longer.
        let mut versions = connection.prepare_cached(
            "DELETE FROM superseded WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3 RETURNING block",
        )?;
        let mut versions = versions.query(params![profile, day, last])?;
        while let Some(row) = versions.next()? {
            step.take(0, &[&get::<Vec<u8>>(row, 0)?]);
        }
        connection
            .prepare_cached("DELETE FROM odd_day WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3")?
            .execute(params![profile, day, last])?;
    }
    if gone.len() < STEP {
        forget_gaps(connection, profile)?;
    }
    Ok(gone.len())
}

/// Notes on gaps before the first interval that is left mean nothing.
fn forget_gaps(connection: &Connection, profile: i64) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "DELETE FROM gap_note WHERE (meter_id, profile) IN (SELECT meter_id, obis FROM profile WHERE id = ?1)
             AND before <= (
               SELECT min(
                 ifnull((SELECT min(first_end) FROM day_block WHERE profile_id = other.id), ?2),
                 ifnull((SELECT min(first_end) FROM month_block WHERE profile_id = other.id), ?2)) AS first
               FROM profile AS own JOIN profile AS other USING (meter_id, obis)
               WHERE own.id = ?1 ORDER BY first LIMIT 1)",
        )?
        .execute([profile, i64::MAX])?;
    Ok(())
}

fn readings(
    connection: &Connection,
    register: i64,
    cutoff: Timestamp,
    step: &mut Step,
) -> Result<usize, Trouble> {
    let mut statement = connection.prepare_cached(&format!("{OLD_READINGS} LIMIT {STEP}"))?;
    let mut rows = statement.query(params![register, micros(cutoff)])?;
    let mut gone: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        let (value, stamp): (String, Option<String>) = (get(row, 2)?, get(row, 3)?);
        step.take(1, &[&register.to_be_bytes(), &digest(get(row, 1)?, &[Some(&value), stamp.as_deref()])]);
        gone.push(get(row, 0)?);
    }
    let mut delete = connection.prepare_cached("DELETE FROM reading WHERE id = ?1")?;
    for id in &gone {
        delete.execute([id])?;
    }
    Ok(gone.len())
}

fn events(connection: &Connection, meter: i64, cutoff: Timestamp, step: &mut Step) -> Result<usize, Trouble> {
    let mut statement = connection.prepare_cached(&format!("{OLD_EVENTS} LIMIT {STEP}"))?;
    let mut rows = statement.query(params![meter, micros(cutoff)])?;
    let mut gone: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        let (log, text, detail): (Vec<u8>, String, String) = (get(row, 2)?, get(row, 3)?, get(row, 4)?);
        let (stamp, code): (Option<String>, Option<i64>) = (get(row, 5)?, get(row, 6)?);
        let texts = digest(get(row, 1)?, &[Some(&text), Some(&detail), stamp.as_deref()]);
        step.take(1, &[&meter.to_be_bytes(), &log, &texts, &code.unwrap_or(-1).to_be_bytes()]);
        gone.push(get(row, 0)?);
    }
    let mut delete = connection.prepare_cached("DELETE FROM event WHERE id = ?1")?;
    for id in &gone {
        delete.execute([id])?;
    }
    Ok(gone.len())
}

fn sets(connection: &Connection, meter: i64, cutoff: Timestamp, step: &mut Step) -> Result<usize, Trouble> {
    let mut statement = connection.prepare_cached(&format!("{OLD_SETS} LIMIT {}", STEP / 10))?;
    let mut rows = statement.query(params![meter, micros(cutoff)])?;
    let mut gone: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        step.take(1, &[&meter.to_be_bytes(), &get::<i64>(row, 1)?.to_be_bytes()]);
        gone.push(get(row, 0)?);
    }
    let mut registers = connection
        .prepare_cached("DELETE FROM billing_register WHERE set_id = ?1 RETURNING obis, value, read_at")?;
    let mut delete = connection.prepare_cached("DELETE FROM billing_set WHERE id = ?1")?;
    for id in &gone {
        let mut rows = registers.query([id])?;
        while let Some(row) = rows.next()? {
            let (obis, value): (Vec<u8>, String) = (get(row, 0)?, get(row, 1)?);
            step.take(0, &[&obis, &digest(get(row, 2)?, &[Some(&value)])]);
        }
        delete.execute([id])?;
    }
    // As many as asked for: there may be more.
    Ok(if gone.len() < STEP / 10 { gone.len() } else { STEP })
}

fn traces(connection: &Connection, cutoff: Timestamp, step: &mut Step) -> Result<usize, Trouble> {
    let job: Option<i64> = connection
        .prepare_cached("SELECT id FROM job WHERE trace_bytes > 0 AND submitted < ?1 ORDER BY id LIMIT 1")?
        .query_row([micros(cutoff)], |row| row.get(0))
        .optional()?;
    let Some(job) = job else { return Ok(0) };
    let mut statement = connection.prepare_cached(&format!(
        "DELETE FROM trace WHERE id IN (SELECT id FROM trace WHERE job_id = ?1 ORDER BY id LIMIT {STEP})
         RETURNING at, bytes"
    ))?;
    let mut rows = statement.query([job])?;
    let mut gone = 0;
    while let Some(row) = rows.next()? {
        step.take(1, &[&job.to_be_bytes(), &get::<i64>(row, 0)?.to_be_bytes(), &get::<Vec<u8>>(row, 1)?]);
        gone += 1;
    }
    if gone < STEP {
        connection.prepare_cached("UPDATE job SET trace_bytes = 0 WHERE id = ?1")?.execute([job])?;
    }
    // The next job may have some too.
    Ok(STEP)
}

fn jobs(connection: &Connection, cutoff: Timestamp, step: &mut Step) -> Result<usize, Trouble> {
    // With their traffic, which goes first.
    let of_traffic = traces(connection, cutoff, step)?;
    if of_traffic > 0 {
        step.items = 0;
        return Ok(of_traffic);
    }
    let job: Option<(i64, String, i64)> = connection
        .prepare_cached("SELECT id, title, submitted FROM job WHERE submitted < ?1 ORDER BY id LIMIT 1")?
        .query_row([micros(cutoff)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((job, title, submitted)) = job else { return Ok(0) };
    let mut statement = connection.prepare_cached(&format!(
        "DELETE FROM job_result WHERE id IN (SELECT id FROM job_result WHERE job_id = ?1 ORDER BY id LIMIT {STEP})
         RETURNING meter_id, at, fault"
    ))?;
    let mut rows = statement.query([job])?;
    let mut gone = 0;
    while let Some(row) = rows.next()? {
        let fault: Option<String> = get(row, 2)?;
        step.take(0, &[&get::<i64>(row, 0)?.to_be_bytes(), &digest(get(row, 1)?, &[fault.as_deref()])]);
        gone += 1;
    }
    if gone < STEP {
        step.take(1, &[&job.to_be_bytes(), &digest(submitted, &[Some(&title)])]);
        connection.prepare_cached("DELETE FROM job WHERE id = ?1")?.execute([job])?;
    }
    Ok(STEP)
}

/// Outcomes of one run go together: its counts are kept in their place.
fn outcomes(connection: &Connection, cutoff: Timestamp, step: &mut Step) -> Result<usize, Trouble> {
    let run: Option<i64> = connection
        .prepare_cached(&format!("{OLD_RUNS} LIMIT 1"))?
        .query_row([micros(cutoff)], |row| row.get(0))
        .optional()?;
    let Some(run) = run else { return Ok(0) };
    connection
        .prepare_cached(
            "UPDATE list_run SET (kept_meters, kept_ok, kept_failed, kept_resting) =
               (SELECT count(*), ifnull(sum(state = 'ok'), 0), ifnull(sum(state = 'failed'), 0),
                  ifnull(sum(state = 'resting'), 0) FROM list_outcome WHERE run_id = ?1)
             WHERE id = ?1",
        )?
        .execute([run])?;
    let mut statement = connection
        .prepare_cached("DELETE FROM list_outcome WHERE run_id = ?1 RETURNING meter_id, state, words")?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        let (state, words): (String, String) = (get(row, 1)?, get(row, 2)?);
        step.take(1, &[&run.to_be_bytes(), &digest(get(row, 0)?, &[Some(&state), Some(&words)])]);
    }
    Ok(STEP)
}

/// Takes one step of a kind for one owner; fewer than [`STEP`] means that there is no more.
fn step_of(
    connection: &Connection,
    (kind, owner): (Kind, i64),
    cutoff: Timestamp,
    step: &mut Step,
) -> Result<usize, Trouble> {
    match kind {
        Kind::Intervals => blocks(connection, owner, cutoff, step),
        Kind::Registers | Kind::Instantaneous => readings(connection, owner, cutoff, step),
        Kind::Events => events(connection, owner, cutoff, step),
        Kind::Billing => sets(connection, owner, cutoff, step),
        Kind::Traces => traces(connection, cutoff, step),
        Kind::Jobs => jobs(connection, cutoff, step),
        Kind::Outcomes => outcomes(connection, cutoff, step),
    }
}

/// Ends a disposal and tells the audit chain.
fn end(
    connection: &Connection,
    id: i64,
    actor: &str,
    how: &str,
    now: Timestamp,
) -> Result<Disposed, Trouble> {
    connection.execute("UPDATE disposal SET ended = ?2 WHERE id = ?1", params![id, micros(now)])?;
    let (kind, cutoff, items, bytes, hash): (String, i64, i64, i64, [u8; 32]) = connection.query_row(
        "SELECT kind, cutoff, items, bytes, hash FROM disposal WHERE id = ?1",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    let kind = kind
        .parse::<Kind>()
        .map_err(|_| Trouble::Damaged(format!("disposal {id} is of the kind `{kind}`")))?;
    let cutoff = instant(cutoff)?;
    let detail = format!(
        "{} before {cutoff}: {items} went ({bytes} bytes), SHA-256 {}{how}",
        kind.word(),
        lower_hex(&hash)
    );
    audit::append(connection, now, actor, "retention ended", &detail)?;
    Ok(Disposed { kind, cutoff, items: uncount(items), bytes: uncount(bytes), hash, is_stopped: false })
}

impl Store {
    /// Disposes of what is older than a cutoff. The newest of each register, log, billing history and profile stays.
    /// `watch` is told how many owners (profiles, registers, meters) are done, or, where a kind has none, how many
    /// steps.
    ///
    /// # Errors
    /// The store cannot be written; what had gone is counted all the same.
    pub fn dispose(
        &mut self,
        kind: Kind,
        cutoff: Timestamp,
        now: Timestamp,
        watch: &mut Watch<'_>,
    ) -> Result<Disposed, StoreError> {
        let id = self.begin_disposal(kind, cutoff, now)?;
        let owners = self.read(|connection| owners(connection, kind))?;
        let is_stopped = if owners.is_empty() && !kind.is_reading() {
            let mut steps = 0;
            loop {
                let taken = self.dispose_step(id, (kind, 0), cutoff)?;
                steps += 1;
                if taken < STEP {
                    break false;
                }
                if !watch(Pace { done: steps, of: steps + 1 }) {
                    break true;
                }
            }
        } else {
            !self.dispose_of_owners(id, (kind, &owners), cutoff, watch)?
        };
        let how = if is_stopped { "; stopped before its end" } else { "" };
        let ended = self.write(|connection, actor| end(connection, id, actor, how, now))?;
        Ok(Disposed { is_stopped, ..ended })
    }

    /// False where it was stopped.
    fn dispose_of_owners(
        &mut self,
        id: i64,
        (kind, owners): (Kind, &[i64]),
        cutoff: Timestamp,
        watch: &mut Watch<'_>,
    ) -> Result<bool, StoreError> {
        for (done, owner) in owners.iter().enumerate() {
            loop {
                // Most have nothing that is old: no transaction that writes.
                if !self.read(|connection| has_old(connection, (kind, *owner), cutoff))? {
                    break;
                }
                let taken = self.dispose_step(id, (kind, *owner), cutoff)?;
                if !watch(Pace { done: done as u64, of: owners.len() as u64 }) {
                    return Ok(false);
                }
                if taken < STEP {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Ends what was cut off, and begins anew.
    fn begin_disposal(&mut self, kind: Kind, cutoff: Timestamp, now: Timestamp) -> Result<i64, StoreError> {
        self.write(|connection, actor| {
            for cut in numbers(connection, "SELECT id FROM disposal WHERE ended IS NULL ORDER BY id")? {
                end(connection, cut, actor, "; cut off before its end", now)?;
            }
            let detail = format!("{} before {cutoff}", kind.word());
            audit::append(connection, now, actor, "retention began", &detail)?;
            connection.execute(
                "INSERT INTO disposal (kind, cutoff, began, items, bytes, hash) VALUES (?1, ?2, ?3, 0, 0, ?4)",
                params![kind.word(), micros(cutoff), micros(now), [0u8; 32]],
            )?;
            Ok(connection.last_insert_rowid())
        })
    }

    fn dispose_step(&mut self, id: i64, what: (Kind, i64), cutoff: Timestamp) -> Result<usize, StoreError> {
        self.write(|connection, _| {
            let before: [u8; 32] = connection
                .prepare_cached("SELECT hash FROM disposal WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            let mut step = Step::new(&before);
            connection.prepare_cached("INSERT INTO disposing VALUES (1)")?.execute(())?;
            let taken = step_of(connection, what, cutoff, &mut step)?;
            connection.prepare_cached("DELETE FROM disposing")?.execute(())?;
            let hash: [u8; 32] = if step.bytes == 0 { before } else { step.hash.finalize().into() };
            connection
                .prepare_cached(
                    "UPDATE disposal SET items = items + ?2, bytes = bytes + ?3, hash = ?4 WHERE id = ?1",
                )?
                .execute(params![id, count(step.items), count(step.bytes), hash])?;
            Ok(taken)
        })
    }
}

/// Whether an owner has anything that is to go.
fn has_old(connection: &Connection, (kind, owner): (Kind, i64), cutoff: Timestamp) -> Result<bool, Trouble> {
    let by_instant = |sql: &str| -> Result<bool, Trouble> {
        let mut statement = connection.prepare_cached(&format!("{sql} LIMIT 1"))?;
        Ok(statement.exists(params![owner, micros(cutoff)])?)
    };
    match kind {
        Kind::Intervals => {
            let (kept, newest) = (first_day_kept(cutoff), newest_day(connection, owner)?);
            let mut statement = connection.prepare_cached(&format!("{OLD_BLOCKS} LIMIT 1"))?;
            Ok(statement.exists(params![owner, kept, newest])?)
        }
        Kind::Registers | Kind::Instantaneous => by_instant(OLD_READINGS),
        Kind::Events => by_instant(OLD_EVENTS),
        Kind::Billing => by_instant(OLD_SETS),
        Kind::Traces | Kind::Jobs | Kind::Outcomes => Ok(true),
    }
}
