//! What upkeep was done, and who is at it now.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use crate::model::text::words;
use crate::store::columns::{get, instant, maybe_instant, micros};
use crate::store::error::Trouble;
use crate::store::{Store, StoreError, StoreReader};

/// How long nothing is heard of upkeep before it counts as broken off.
const SILENCE: SignedDuration = SignedDuration::from_mins(2);

words! {
    /// A kind of upkeep.
    Upkeep: "a kind of upkeep" {
        /// Days into months, free pages back to the disk.
        Compact = "compact",
        /// What is older than it is to be kept goes.
        Retain = "retain",
        /// Every page and every block is looked at.
        Check = "check",
        /// A copy of the store.
        Backup = "backup",
        /// What goes on by itself at night: traffic and histories that are old go, days become months.
        Nightly = "nightly",
    }
}

words! {
    /// How a piece of upkeep ended.
    UpkeepState: "a state of upkeep" {
        /// It goes on.
        Running = "running",
        /// To its end.
        Done = "done",
        /// A person stopped it; what it had done stays done.
        Cancelled = "cancelled",
        /// It could not go on.
        Failed = "failed",
        /// The program ended in its middle; what it had done stays done.
        Interrupted = "interrupted",
    }
}

/// A piece of upkeep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpkeepRow {
    /// Its number.
    pub id: i64,
    /// What.
    pub what: Upkeep,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How.
    pub state: UpkeepState,
    /// What came of it, in words.
    pub words: String,
}

fn upkeep_row(row: &Row<'_>) -> Result<UpkeepRow, Trouble> {
    let (what, state): (String, String) = (get(row, 1)?, get(row, 4)?);
    let damaged = || Trouble::Damaged(format!("the upkeep `{what}` is `{state}`"));
    Ok(UpkeepRow {
        id: get(row, 0)?,
        what: what.parse().map_err(|_| damaged())?,
        began: instant(get(row, 2)?)?,
        ended: maybe_instant(get(row, 3)?)?,
        state: state.parse().map_err(|_| damaged())?,
        words: get(row, 5)?,
    })
}

impl StoreReader {
    /// The last piece of upkeep of each kind, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_upkeep(&self) -> Result<Vec<UpkeepRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, what, began, ended, state, words FROM upkeep
                 WHERE id IN (SELECT max(id) FROM upkeep GROUP BY what) ORDER BY id DESC",
            )?;
            let mut rows = statement.query(())?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(upkeep_row(row)?);
            }
            Ok(all)
        })
    }
}

impl Store {
    /// Begins a piece of upkeep; gives its number.
    ///
    /// # Errors
    /// Another piece goes on, in this program or another.
    pub fn begin_upkeep(&mut self, what: Upkeep, now: Timestamp) -> Result<i64, StoreError> {
        self.write(|connection, _| {
            let lately = now.checked_sub(SILENCE).map_or(i64::MIN, micros);
            let other: Option<String> = connection
                .query_row(
                    "SELECT what FROM upkeep WHERE ended IS NULL AND beat >= ?1 ORDER BY id DESC LIMIT 1",
                    [lately],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(other) = other {
                return Err(Trouble::Request(format!(
                    "`store {other}` is under way: wait for its end, or cancel it first"
                )));
            }
            connection.execute(
                "UPDATE upkeep SET ended = beat, state = 'interrupted', words = 'the program ended'
                 WHERE ended IS NULL",
                (),
            )?;
            connection.execute(
                "INSERT INTO upkeep (what, began, beat, state, words) VALUES (?1, ?2, ?2, 'running', '')",
                params![what.word(), micros(now)],
            )?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Tells that a piece of upkeep goes on.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn beat_upkeep(&mut self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection
                .prepare_cached("UPDATE upkeep SET beat = ?2 WHERE id = ?1")?
                .execute(params![id, micros(now)])?;
            Ok(())
        })
    }

    /// Tells that the piece of upkeep that is under way goes on: for another connection of the program that does it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn beat_all_upkeep(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection.execute("UPDATE upkeep SET beat = ?1 WHERE ended IS NULL", [micros(now)])?;
            Ok(())
        })
    }

    /// Ends a piece of upkeep.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn end_upkeep(
        &mut self,
        id: i64,
        state: UpkeepState,
        words: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection.execute(
                "UPDATE upkeep SET beat = ?2, ended = ?2, state = ?3, words = ?4 WHERE id = ?1",
                params![id, micros(now), state.word(), words],
            )?;
            Ok(())
        })
    }
}
