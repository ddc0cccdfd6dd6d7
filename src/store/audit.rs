//! The audit chain: rows that are only added, each sealed by a hash over itself and the one before.
//!
//! The chain shows that a row was changed, taken out or put in between; that the last rows were cut off shows in the
//! file's own count of them. It does not show that the whole chain was made anew.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::columns::{get, instant, micros};
use super::error::Trouble;
use super::{AuditRow, Store, StoreError, StoreReader};

const START: [u8; 32] = [0; 32];

/// SHA-256 of the hash before, number, instant and the three texts, each with its length in front.
fn hash(before: &[u8; 32], number: i64, at_micros: i64, texts: [&str; 3]) -> [u8; 32] {
    let mut sum = Sha256::new();
    sum.update(before);
    sum.update(number.to_be_bytes());
    sum.update(at_micros.to_be_bytes());
    for text in texts {
        sum.update((text.len() as u64).to_be_bytes());
        sum.update(text);
    }
    sum.finalize().into()
}

/// Appends a row within the transaction of what it tells of.
pub(super) fn append(
    connection: &Connection,
    at: Timestamp,
    who: &str,
    what: &str,
    detail: &str,
) -> Result<(), Trouble> {
    let last: Option<(i64, [u8; 32])> = connection
        .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, before) = last.unwrap_or((0, START));
    let number = last + 1;
    let hash = hash(&before, number, micros(at), [who, what, detail]);
    connection
        .prepare_cached(
            "INSERT INTO audit (number, at, who, what, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![number, micros(at), who, what, detail, hash])?;
    Ok(())
}

fn audit_row(row: &Row<'_>) -> Result<AuditRow, Trouble> {
    Ok(AuditRow {
        number: get(row, 0)?,
        at: instant(get(row, 1)?)?,
        who: get(row, 2)?,
        what: get(row, 3)?,
        detail: get(row, 4)?,
    })
}

impl StoreReader {
    /// The last `most` rows of the audit chain, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn audit_rows(&self, most: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT number, at, who, what, detail FROM audit ORDER BY number DESC LIMIT ?1",
            )?;
            let mut rows = statement.query([most])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(audit_row(row)?);
            }
            Ok(list)
        })
    }

    /// Walks the audit chain; gives the number of rows.
    ///
    /// # Errors
    /// A row was changed, is missing or was put in: [`StoreError::Damaged`] with its number.
    pub fn verify_audit(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare("SELECT number, at, who, what, detail, hash FROM audit ORDER BY number")?;
            let mut rows = statement.query(())?;
            let (mut count, mut before) = (0u64, START);
            let mut expected = 1i64;
            while let Some(row) = rows.next()? {
                let number: i64 = get(row, 0)?;
                let found: Vec<u8> = get(row, 5)?;
                let texts: [String; 3] = [get(row, 2)?, get(row, 3)?, get(row, 4)?];
                let [who, what, detail] = &texts;
                before = hash(&before, number, get(row, 1)?, [who, what, detail]);
                if number != expected {
                    return Err(Trouble::Damaged(format!("row {expected} of the audit chain is missing")));
                }
                if found != before {
                    return Err(Trouble::Damaged(format!(
                        "row {number} of the audit chain was changed, or the one before it"
                    )));
                }
                count += 1;
                expected += 1;
            }
            let given: Option<i64> = connection
                .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'audit'", (), |row| row.get(0))
                .optional()?;
            if given.unwrap_or(0) >= expected {
                return Err(Trouble::Damaged(format!("row {expected} of the audit chain is missing")));
            }
            Ok(count)
        })
    }
}

impl Store {
    /// Appends a row to the audit chain.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn audit(&mut self, now: Timestamp, who: &str, what: &str, detail: &str) -> Result<(), StoreError> {
        self.write(|connection, _| append(connection, now, who, what, detail))
    }
}
