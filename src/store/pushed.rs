//! What meters send by themselves: each message once, and nothing of it hides what was not asked for yet.
//!
//! A read goes on where the store ends. Rows that came unasked may lie behind others that nobody has read, so that
//! from the first such row on it is kept apart how far the profile was *asked* for.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{MeterEvent, MeterId, Obis, ProfileLayout, ProfileRow};

use super::columns::{micros, require_meter};
use super::error::Trouble;
use super::intervals::merge;
use super::{Merged, Store, StoreError, StoreReader, events, gaps};

/// What is known of the invocation counter of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It never came.
    New,
    /// It came before.
    Again,
    /// It lies so far below the highest that nobody can tell.
    TooOld {
        /// The highest that came.
        highest: u32,
    },
}

/// Counters below the highest that are told apart.
const WINDOW: u32 = 63;

fn window(connection: &Connection, id: MeterId, key: &[u8]) -> Result<Option<(u32, u64)>, Trouble> {
    let mut statement = connection
        .prepare_cached("SELECT highest, below FROM push_counter WHERE meter_id = ?1 AND key = ?2")?;
    let found =
        statement.query_row(params![id.0, key], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional()?;
    Ok(found.map(|(highest, below)| (highest, below.cast_unsigned())))
}

/// Bit 0 is the highest itself.
fn seen(known: Option<(u32, u64)>, counter: u32) -> Seen {
    match known {
        None => Seen::New,
        Some((highest, _)) if counter > highest => Seen::New,
        Some((highest, below)) => match highest - counter {
            back if back > WINDOW => Seen::TooOld { highest },
            back if below >> back & 1 == 1 => Seen::Again,
            _ => Seen::New,
        },
    }
}

fn with(known: Option<(u32, u64)>, counter: u32) -> (u32, u64) {
    match known {
        None => (counter, 1),
        Some((highest, below)) if counter > highest => {
            (counter, below.checked_shl(counter - highest).unwrap_or(0) | 1)
        }
        Some((highest, below)) => (highest, below | 1u64.checked_shl(highest - counter).unwrap_or(0)),
    }
}

/// How far a profile was asked for, where that is kept apart.
pub(super) fn asked_until(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
) -> Result<Option<Option<i64>>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT until FROM asked_until WHERE meter_id = ?1 AND profile = ?2")?;
    Ok(statement.query_row(params![id.0, profile.0], |row| row.get(0)).optional()?)
}

/// Rows up to `last` came because they were asked for.
pub(super) fn note_asked_for(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
    last: Option<i64>,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "UPDATE asked_until SET until = max(ifnull(until, ?3), ?3) WHERE meter_id = ?1 AND profile = ?2 AND ?3 NOTNULL",
        )?
        .execute(params![id.0, profile.0, last])?;
    Ok(())
}

/// From now on it is kept apart how far a profile was asked for.
fn keep_apart(connection: &Connection, id: MeterId, profile: Obis) -> Result<(), Trouble> {
    let last = gaps::last_end(connection, id, profile, i64::MAX)?;
    connection
        .prepare_cached("INSERT INTO asked_until VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![id.0, profile.0, last])?;
    Ok(())
}

impl StoreReader {
    /// Whether a meter pushed a message with this invocation counter before, under the key that `key` stands for.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pushed_before(&self, id: MeterId, key: &[u8], counter: u32) -> Result<Seen, StoreError> {
        self.read(|connection| Ok(seen(window(connection, id, key)?, counter)))
    }
}

impl Store {
    /// Keeps that a message with this invocation counter came and was stored.
    ///
    /// # Errors
    /// The meter is not there; the store cannot be written.
    pub fn note_pushed(&mut self, id: MeterId, key: &[u8], counter: u32) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            let (highest, below) = with(window(connection, id, key)?, counter);
            connection
                .prepare_cached("INSERT OR REPLACE INTO push_counter VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id.0, key, highest, below.cast_signed()])?;
            Ok(())
        })
    }

    /// Merges intervals that came unasked: what lies before them is still read as if they were not there.
    ///
    /// # Errors
    /// As [`Store::merge_profile`].
    pub fn merge_pushed(
        &mut self,
        id: MeterId,
        layout: &ProfileLayout,
        rows: &[ProfileRow],
        now: Timestamp,
    ) -> Result<Merged, StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            keep_apart(connection, id, layout.obis)?;
            merge(connection, id, layout, rows, now)
        })
    }

    /// Adds entries of a log that came unasked: what lies before them is still read as if they were not there. Gives
    /// how many were new.
    ///
    /// # Errors
    /// The meter is not there; the store cannot be written.
    pub fn put_pushed_events(
        &mut self,
        id: MeterId,
        log: Obis,
        entries: &[MeterEvent],
    ) -> Result<u64, StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            keep_apart(connection, id, log)?;
            events::add_all(connection, id, entries)
        })
    }
}

/// Rows of a log that was read: how far it was asked for.
pub(super) fn note_read_events(
    connection: &Connection,
    id: MeterId,
    entries: &[MeterEvent],
) -> Result<(), Trouble> {
    let mut logs: Vec<(Obis, i64)> = Vec::new();
    for entry in entries {
        let at = micros(entry.at);
        match logs.iter_mut().find(|(log, _)| *log == entry.log) {
            Some((_, last)) => *last = at.max(*last),
            None => logs.push((entry.log, at)),
        }
    }
    logs.into_iter().try_for_each(|(log, last)| note_asked_for(connection, id, log, Some(last)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_counter_is_new_once_whatever_the_order(counters in proptest::collection::vec(0u32..200, 1..100)) {
            let mut known = None;
            let mut came = std::collections::BTreeSet::new();
            for counter in counters {
                let verdict = seen(known, counter);
                if came.contains(&counter) {
                    prop_assert_ne!(verdict, Seen::New);
                } else {
                    prop_assert_ne!(verdict, Seen::Again);
                }
                if verdict == Seen::New {
                    known = Some(with(known, counter));
                    came.insert(counter);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_counter_are_ordinary_numbers() {
        let known = Some(with(Some(with(None, 0)), u32::MAX));
        assert_eq!(seen(known, u32::MAX), Seen::Again);
        assert_eq!(seen(known, u32::MAX - WINDOW), Seen::New);
        assert_eq!(seen(known, 0), Seen::TooOld { highest: u32::MAX });
    }
}
