//! Invocation counters: each number goes out once in the life of a key.
//!
//! A counter that is used twice under one key gives the key's keystream away, so numbers are on disk as used before
//! they are given, and a meter that is removed and added again goes on where it was.

use std::collections::HashMap;

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

/// Counters of removed meters: one of them may be added again, with the same keys in it.
#[derive(Default)]
pub(super) struct Retired {
    /// Key row and next number by each thing that tells a meter.
    by_trait: HashMap<String, Vec<(String, u32)>>,
    /// Those of meters whose entry does not read: they may be anyone's.
    of_unknown: Vec<(String, u32)>,
}

/// What tells that two entries may be the same meter under the same system title: name, line with address, serial.
fn traits(config: &MeterConfig) -> Vec<String> {
    let title = config.client_title;
    let name = Some(format!("{title:?} name {}", config.name));
    let place = Some(format!("{title:?} place {} {:?}", config.line, config.address));
    let serial = config.serial.as_ref().map(|serial| format!("{title:?} serial {serial}"));
    [name, place, serial].into_iter().flatten().collect()
}

impl Retired {
    pub(super) fn load(connection: &Connection) -> Result<Self, Trouble> {
        let mut statement = connection.prepare_cached(
            "SELECT config, key_row, next FROM counter JOIN meter ON meter.id = meter_id
             WHERE removed_at IS NOT NULL",
        )?;
        let mut rows = statement.query(())?;
        let mut retired = Self::default();
        while let Some(row) = rows.next()? {
            let counter: (String, u32) = (row.get(1)?, row.get(2)?);
            match from_json::<MeterConfig>(&row.get::<_, String>(0)?, "a removed meter") {
                Ok(config) => {
                    for key in traits(&config) {
                        retired.by_trait.entry(key).or_default().push(counter.clone());
                    }
                }
                Err(_) => retired.of_unknown.push(counter),
            }
        }
        Ok(retired)
    }

    /// Lets a new meter go on where those that may be the same one stopped.
    pub(super) fn hand_on(
        &self,
        connection: &Connection,
        id: MeterId,
        config: &MeterConfig,
    ) -> Result<(), Trouble> {
        let keys = traits(config);
        let known = keys.iter().filter_map(|key| self.by_trait.get(key)).flatten();
        for (row, next) in known.chain(&self.of_unknown) {
            raise(connection, id, row, *next)?;
        }
        Ok(())
    }
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
