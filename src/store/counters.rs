//! Invocation counters: each number goes out once in the life of a key.
//!
//! A counter that is used twice under one key gives the key's keystream away, so numbers are on disk as used before
//! they are given, and a meter that is removed and added again goes on where it was.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{MeterConfig, MeterId};

use super::columns::from_json;
use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

/// From here on a person is told to change the key in time: half of the numbers are about to be used up.
pub const COUNTER_WARNING: u32 = 2_000_000_000;

/// The first number that is given. Meters start from 0 as the last one seen, and some want it exceeded.
const FIRST: u32 = 1;

fn next(connection: &Connection, id: MeterId, row: &str) -> Result<Option<u32>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT next FROM counter WHERE meter_id = ?1 AND key_row = ?2")?;
    Ok(statement.query_row(params![id.0, row], |row| row.get(0)).optional()?)
}

/// Sets the next number where that raises it.
fn raise(connection: &Connection, id: MeterId, row: &str, at_least: u32) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO counter VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET next = max(next, excluded.next)",
        )?
        .execute(params![id.0, row, at_least])?;
    Ok(())
}

/// Takes over the counters of a removed meter that may be the same one with the same keys.
pub(super) fn inherit(connection: &Connection, id: MeterId, config: &MeterConfig) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT config, key_row, next FROM counter JOIN meter ON meter.id = meter_id
         WHERE removed_at IS NOT NULL",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let before: MeterConfig = from_json(&row.get::<_, String>(0)?, "a removed meter")?;
        let same_serial = before.serial.is_some() && before.serial == config.serial;
        let same_place = before.line == config.line && before.address == config.address;
        let same_meter = same_serial || same_place || before.name == config.name;
        if same_meter && before.client_title == config.client_title {
            raise(connection, id, &row.get::<_, String>(1)?, row.get(2)?)?;
        }
    }
    Ok(())
}

impl StoreReader {
    /// The next number of a key row; nothing where none was given yet.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn counter(&self, id: MeterId, row: &str) -> Result<Option<u32>, StoreError> {
        self.read(|connection| next(connection, id, row))
    }

    /// What to tell a person about a key row whose counter has passed [`COUNTER_WARNING`]; nothing before that.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn counter_warning(&self, id: MeterId, row: &str) -> Result<Option<String>, StoreError> {
        let next = self.counter(id, row)?;
        Ok(next.filter(|next| *next >= COUNTER_WARNING).map(|next| {
            format!(
                "the invocation counter of {row} stands at {next} of {}: give the meter new keys before it ends",
                u32::MAX
            )
        }))
    }
}

impl Store {
    /// The next `count` invocation counters of a key row (`client/CLIENT` of a meter), durable before they are
    /// given: the first of them. They are never given again. A meter that is not stored may have counters too.
    ///
    /// # Errors
    /// Fewer than `count` are left below 2³² − 1: the key is used up.
    pub fn reserve_counters(&mut self, id: MeterId, row: &str, count: u32) -> Result<u32, StoreError> {
        self.write(|connection, _| {
            if count == 0 {
                return Err(Trouble::Request("no invocation counter was asked for".to_owned()));
            }
            let first = next(connection, id, row)?.unwrap_or(FIRST);
            let after = first.checked_add(count).ok_or_else(|| {
                Trouble::Request(format!(
                    "the invocation counters of {row} are used up at {first}: give the meter new keys"
                ))
            })?;
            raise(connection, id, row, after)?;
            Ok(first)
        })
    }

    /// Never give a counter below `at_least` from now on. A lower number than the present one changes nothing.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn raise_counter(&mut self, id: MeterId, row: &str, at_least: u32) -> Result<(), StoreError> {
        self.write(|connection, _| raise(connection, id, row, at_least.max(FIRST)))
    }
}
