//! Meter lists, meters at rest, and which process runs the lists.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::model::{ListId, MeterId, MeterList};

use super::columns::{from_json, get, instant, maybe_instant, micros, to_json};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader, audit};

/// A list as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// Its number.
    pub id: ListId,
    /// What a person entered.
    pub list: MeterList,
    /// The last due instant that was decided on: a run of that instant or an earlier one is never begun again.
    pub handled: Timestamp,
    /// When a missed run is made up for.
    pub deferred: Option<Timestamp>,
}

/// A meter that failed in one run after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// In how many, without a success in between.
    pub failed_runs: u32,
    /// Until when lists leave it out; nothing while it is still tried.
    pub until: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT id, document, handled, deferred FROM list WHERE removed_at IS NULL";

fn list_row(row: &Row<'_>) -> Result<ListRow, Trouble> {
    let id = ListId(get(row, 0)?);
    Ok(ListRow {
        id,
        list: from_json(&get::<String>(row, 1)?, &format!("the entry of list {}", id.0))?,
        handled: instant(get(row, 2)?)?,
        deferred: maybe_instant(get(row, 3)?)?,
    })
}

fn one(connection: &Connection, id: ListId) -> Result<Option<ListRow>, Trouble> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} AND id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(list_row).transpose()
}

fn known(connection: &Connection, id: ListId) -> Result<ListRow, Trouble> {
    one(connection, id)?.ok_or_else(|| Trouble::Request(format!("there is no meter list number {}", id.0)))
}

/// The list's document, if its name is free and its schedule can be.
fn document(connection: &Connection, list: &MeterList, but: Option<ListId>) -> Result<String, Trouble> {
    let name = &list.name;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Trouble::Request("a meter list needs a name that can be shown".to_owned()));
    }
    if let Some(schedule) = &list.schedule {
        schedule.calendar().map_err(Trouble::Request)?;
    }
    let holder: Option<i64> = connection
        .prepare_cached("SELECT id FROM list WHERE name = ?1 AND removed_at IS NULL")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if holder.is_some_and(|holder| Some(ListId(holder)) != but) {
        return Err(Trouble::Request(format!(
            "there is a meter list `{name}` already: give this one another name"
        )));
    }
    to_json(list)
}

/// All lists by name.
pub(super) fn all(connection: &Connection) -> Result<Vec<ListRow>, Trouble> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} ORDER BY name"))?;
    let mut rows = statement.query(())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(list_row(row)?);
    }
    Ok(all)
}

/// Puts a list's document in its place.
pub(super) fn put_document(connection: &Connection, id: ListId, list: &MeterList) -> Result<(), Trouble> {
    let text = document(connection, list, Some(id))?;
    connection
        .prepare_cached("UPDATE list SET name = ?2, document = ?3 WHERE id = ?1")?
        .execute(params![id.0, list.name, text])?;
    Ok(())
}

/// Keeps what was decided on last.
pub(super) fn put_handled(
    connection: &Connection,
    id: ListId,
    handled: Timestamp,
    deferred: Option<Timestamp>,
) -> Result<(), Trouble> {
    connection
        .prepare_cached("UPDATE list SET handled = ?2, deferred = ?3 WHERE id = ?1")?
        .execute(params![id.0, micros(handled), deferred.map(micros)])?;
    Ok(())
}

impl StoreReader {
    /// All meter lists by name.
    ///
    /// # Errors
    /// A list's entry does not read.
    pub fn lists(&self) -> Result<Vec<ListRow>, StoreError> {
        self.read(all)
    }

    /// One meter list.
    ///
    /// # Errors
    /// Its entry does not read.
    pub fn list(&self, id: ListId) -> Result<Option<ListRow>, StoreError> {
        self.read(|connection| one(connection, id))
    }

    /// Meters that failed in their last runs.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn rests(&self) -> Result<BTreeMap<MeterId, Rest>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT meter_id, failed_runs, until FROM meter_rest")?;
            let mut rows = statement.query(())?;
            let mut all = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let rest = Rest { failed_runs: get(row, 1)?, until: maybe_instant(get(row, 2)?)? };
                all.insert(MeterId(get(row, 0)?), rest);
            }
            Ok(all)
        })
    }
}

impl Store {
    /// Adds a meter list. It runs from its next due instant after `now` on.
    ///
    /// # Errors
    /// The name is empty or taken, or the schedule cannot be.
    pub fn add_list(&mut self, list: &MeterList, now: Timestamp) -> Result<ListId, StoreError> {
        self.write(|connection, actor| {
            let text = document(connection, list, None)?;
            connection
                .prepare_cached("INSERT INTO list (name, document, handled) VALUES (?1, ?2, ?3)")?
                .execute(params![list.name, text, micros(now)])?;
            let id = ListId(connection.last_insert_rowid());
            let detail = json!({ "list": id.0, "name": list.name });
            audit::append(connection, now, actor, "list added", &detail.to_string())?;
            Ok(id)
        })
    }

    /// Changes a meter list. Where its schedule changes or it goes on after a pause, it runs from its next due instant
    /// after `now` on.
    ///
    /// # Errors
    /// There is no such list, the name is empty or taken, or the schedule cannot be.
    pub fn update_list(&mut self, id: ListId, list: &MeterList, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let before = known(connection, id)?;
            if before.list == *list {
                return Ok(());
            }
            put_document(connection, id, list)?;
            if before.list.schedule != list.schedule || before.list.paused != list.paused {
                put_handled(connection, id, now, None)?;
            }
            let schedule = list.schedule.as_ref().map(crate::model::Schedule::in_words);
            let detail = json!({
                "list": id.0, "name": list.name, "schedule": schedule, "paused": list.paused,
                "does": list.action.in_words(),
            });
            audit::append(connection, now, actor, "list changed", &detail.to_string())
        })
    }

    /// Removes a meter list; its history stays in the file, its name is free.
    ///
    /// # Errors
    /// There is no such list.
    pub fn remove_list(&mut self, id: ListId, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let before = known(connection, id)?;
            connection
                .prepare_cached("UPDATE list SET removed_at = ?2 WHERE id = ?1")?
                .execute([id.0, micros(now)])?;
            let detail = json!({ "list": id.0, "name": before.list.name });
            audit::append(connection, now, actor, "list removed", &detail.to_string())
        })
    }

    /// Keeps which due instant was decided on last, and when a missed run is made up for.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn handle_list(
        &mut self,
        id: ListId,
        handled: Timestamp,
        deferred: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write(|connection, _| put_handled(connection, id, handled, deferred))
    }

    /// A meter that was read well rests no longer.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn wake_meter(&mut self, id: MeterId) -> Result<(), StoreError> {
        let rests = self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM meter_rest WHERE meter_id = ?1")?;
            Ok(statement.exists([id.0])?)
        })?;
        if !rests {
            return Ok(());
        }
        self.write(|connection, _| {
            connection.prepare_cached("DELETE FROM meter_rest WHERE meter_id = ?1")?.execute([id.0])?;
            Ok(())
        })
    }

    /// Takes or keeps the right to run the lists, for a while from `now`; false where another process has it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn take_lease(
        &mut self,
        holder: &str,
        now: Timestamp,
        lasting: SignedDuration,
    ) -> Result<bool, StoreError> {
        self.write(|connection, _| {
            let held: Option<(String, i64)> = connection
                .query_row("SELECT holder, until FROM lease", (), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            // A lease that ends far in the future was taken before the clock was set back.
            let far = now.checked_add(lasting + lasting).unwrap_or(Timestamp::MAX);
            let is_anothers = held
                .is_some_and(|(other, until)| other != holder && until > micros(now) && until <= micros(far));
            if is_anothers {
                return Ok(false);
            }
            let until = now.checked_add(lasting).unwrap_or(Timestamp::MAX);
            connection
                .prepare_cached(
                    "INSERT INTO lease VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET
                     holder = excluded.holder, until = excluded.until",
                )?
                .execute(params![holder, micros(until)])?;
            Ok(true)
        })
    }

    /// Gives the right to run the lists back.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn drop_lease(&mut self, holder: &str) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection.prepare_cached("DELETE FROM lease WHERE holder = ?1")?.execute([holder])?;
            Ok(())
        })
    }
}
