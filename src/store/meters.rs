//! The list of meters.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use crate::model::{MeterConfig, MeterId, SecretKind};

use super::columns::{from_json, get, maybe_instant, micros, now, to_json};
use super::counters::Retired;
use super::error::Trouble;
use super::{MeterRow, Store, StoreError, StoreReader, audit, points, secrets};

const COLUMNS: &str = "SELECT id, config, last_read, last_result, last_ok, drift_ms FROM meter";

fn meter_row(row: &Row<'_>) -> Result<MeterRow, Trouble> {
    let id = MeterId(get(row, 0)?);
    Ok(MeterRow {
        id,
        config: from_json(&get::<String>(row, 1)?, &format!("the entry of meter {}", id.0))?,
        last_read: maybe_instant(get(row, 2)?)?,
        last_result: get(row, 3)?,
        last_ok: get(row, 4)?,
        drift_ms: get(row, 5)?,
    })
}

fn no_meter(id: MeterId) -> Trouble {
    Trouble::Request(format!("no meter with the number {} is listed", id.0))
}

/// The name of a meter that is listed.
pub(super) fn live_name(connection: &Connection, id: MeterId) -> Result<String, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM meter WHERE id = ?1 AND removed_at IS NULL")?;
    statement.query_row([id.0], |row| row.get(0)).optional()?.ok_or_else(|| no_meter(id))
}

/// The document of a meter, if it would read back as it is and its name is free.
fn document(connection: &Connection, config: &MeterConfig, but: Option<MeterId>) -> Result<String, Trouble> {
    let name = &config.name;
    if name.trim().is_empty() {
        return Err(Trouble::Request("a meter needs a name".to_owned()));
    }
    let holder: Option<i64> = connection
        .prepare_cached("SELECT id FROM meter WHERE name = ?1 AND removed_at IS NULL")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if holder.is_some_and(|holder| Some(MeterId(holder)) != but) {
        return Err(Trouble::Request(format!(
            "there is a meter `{name}` already: give this one another name"
        )));
    }
    let text = to_json(config)?;
    match serde_json::from_str::<MeterConfig>(&text) {
        Ok(back) if back == *config => Ok(text),
        _ => Err(Trouble::Request(format!(
            "the settings of `{name}` cannot be written as text and read back (its line is `{}`)",
            config.line
        ))),
    }
}

pub(super) fn add(
    connection: &Connection,
    actor: &str,
    config: &MeterConfig,
    retired: &Retired,
) -> Result<MeterId, Trouble> {
    let text = document(connection, config, None)?;
    connection
        .prepare_cached("INSERT INTO meter (name, config) VALUES (?1, ?2)")?
        .execute([&config.name, &text])?;
    let id = MeterId(connection.last_insert_rowid());
    retired.hand_on(connection, id, config)?;
    let detail = json!({ "meter": id.0, "name": config.name, "line": config.line.to_string() });
    audit::append(connection, now(), actor, "meter added", &detail.to_string())?;
    points::place_new(connection, id, config)?;
    Ok(id)
}

/// What differs between two settings, old beside new. Free text is not repeated: people write anything there.
fn differences(before: &MeterConfig, after: &MeterConfig) -> Result<Value, Trouble> {
    let fields = |config: &MeterConfig| -> Result<BTreeMap<String, Value>, Trouble> {
        from_json(&to_json(config)?, "a meter's settings")
    };
    let (before, mut after) = (fields(before)?, fields(after)?);
    let mut changes = serde_json::Map::new();
    for (field, old) in before {
        let new = after.remove(&field).unwrap_or_default();
        if old != new {
            let told = if field == "note" { json!("changed") } else { json!([old, new]) };
            changes.insert(field, told);
        }
    }
    Ok(Value::Object(changes))
}

/// The settings of a meter that is listed.
pub(super) fn config_of(connection: &Connection, id: MeterId) -> Result<MeterConfig, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT config FROM meter WHERE id = ?1 AND removed_at IS NULL")?;
    let text: Option<String> = statement.query_row([id.0], |row| row.get(0)).optional()?;
    from_json(&text.ok_or_else(|| no_meter(id))?, &format!("the entry of meter {}", id.0))
}

pub(super) fn update(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    config: &MeterConfig,
) -> Result<(), Trouble> {
    let before = config_of(connection, id)?;
    if before.registers_in != config.registers_in {
        points::refuse_other_side(connection, id)?;
    }
    put(connection, actor, id, config)?;
    points::place_again(connection, actor, id, &before, config)
}

/// Puts settings in their place, and tells what differs.
pub(super) fn put(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    config: &MeterConfig,
) -> Result<(), Trouble> {
    let name = live_name(connection, id)?;
    let text = document(connection, config, Some(id))?;
    let before: String = connection
        .prepare_cached("SELECT config FROM meter WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))?;
    if before == text {
        return Ok(());
    }
    connection.prepare_cached("UPDATE meter SET name = ?2, config = ?3 WHERE id = ?1")?.execute(params![
        id.0,
        config.name,
        text
    ])?;
    let changes = differences(&from_json(&before, &format!("the entry of meter {}", id.0))?, config)?;
    let detail = json!({ "meter": id.0, "name": name, "changes": changes });
    audit::append(connection, now(), actor, "meter changed", &detail.to_string())
}

impl StoreReader {
    /// All meters by name.
    ///
    /// # Errors
    /// A meter's entry does not read.
    pub fn meters(&self) -> Result<Vec<MeterRow>, StoreError> {
        self.read(|connection| {
            let sql = format!("{COLUMNS} WHERE removed_at IS NULL ORDER BY name");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(())?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(meter_row(row)?);
            }
            Ok(list)
        })
    }

    /// One meter; nothing where it is not listed.
    ///
    /// # Errors
    /// Its entry does not read.
    pub fn meter(&self, id: MeterId) -> Result<Option<MeterRow>, StoreError> {
        self.read(|connection| {
            let sql = format!("{COLUMNS} WHERE id = ?1 AND removed_at IS NULL");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id.0])?;
            rows.next()?.map(meter_row).transpose()
        })
    }

    /// One meter by its name.
    ///
    /// # Errors
    /// Its entry does not read.
    pub fn meter_named(&self, name: &str) -> Result<Option<MeterRow>, StoreError> {
        self.read(|connection| {
            let sql = format!("{COLUMNS} WHERE name = ?1 AND removed_at IS NULL");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([name])?;
            rows.next()?.map(meter_row).transpose()
        })
    }
}

impl Store {
    /// Adds a meter; the name must be free.
    ///
    /// # Errors
    /// The name is empty or taken.
    pub fn add_meter(&mut self, config: &MeterConfig) -> Result<MeterId, StoreError> {
        self.write(|connection, actor| add(connection, actor, config, &Retired::load(connection)?))
    }

    /// Adds many meters or none.
    ///
    /// # Errors
    /// A name is empty or taken, or there twice.
    pub fn add_meters(&mut self, configs: &[MeterConfig]) -> Result<Vec<MeterId>, StoreError> {
        self.add_meters_sealed(configs, |_, _| Vec::new())
    }

    /// Adds many meters with their secrets, or none. `seal` is given the position in `configs` and the number that
    /// the meter will have, which is part of what its secrets are sealed for.
    ///
    /// # Errors
    /// A name is empty or taken, or there twice.
    pub fn add_meters_sealed(
        &mut self,
        configs: &[MeterConfig],
        mut seal: impl FnMut(usize, MeterId) -> Vec<(SecretKind, Vec<u8>)>,
    ) -> Result<Vec<MeterId>, StoreError> {
        self.write(|connection, actor| {
            let retired = Retired::load(connection)?;
            let mut ids = Vec::new();
            for (position, config) in configs.iter().enumerate() {
                let id = add(connection, actor, config, &retired)?;
                for (kind, sealed) in seal(position, id) {
                    secrets::put(connection, actor, id, kind, Some(&sealed))?;
                }
                ids.push(id);
            }
            Ok(ids)
        })
    }

    /// Changes a meter.
    ///
    /// # Errors
    /// No such meter is listed, or the new name is empty or taken.
    pub fn update_meter(&mut self, id: MeterId, config: &MeterConfig) -> Result<(), StoreError> {
        self.update_meter_sealed(id, config, &[])
    }

    /// Changes a meter and those of its secrets that are named: sealed bytes replace one, nothing takes it away.
    ///
    /// # Errors
    /// No such meter is listed, or the new name is empty or taken.
    pub fn update_meter_sealed(
        &mut self,
        id: MeterId,
        config: &MeterConfig,
        sealed: &[(SecretKind, Option<Vec<u8>>)],
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            update(connection, actor, id, config)?;
            for (kind, sealed) in sealed {
                secrets::put(connection, actor, id, *kind, sealed.as_deref())?;
            }
            Ok(())
        })
    }

    /// Takes a meter off the list, with its secrets. Its readings stay in the file as evidence, its name is free.
    ///
    /// # Errors
    /// No such meter is listed.
    pub fn remove_meter(&mut self, id: MeterId) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let name = live_name(connection, id)?;
            let at = now();
            connection
                .prepare_cached("UPDATE meter SET removed_at = ?2 WHERE id = ?1")?
                .execute([id.0, micros(at)])?;
            connection.prepare_cached("DELETE FROM secret WHERE meter_id = ?1")?.execute([id.0])?;
            points::close(connection, id, at)?;
            let detail = json!({ "meter": id.0, "name": name });
            audit::append(connection, at, actor, "meter removed", &detail.to_string())
        })?;
        self.forget_deleted();
        Ok(())
    }

    /// Takes deleted rows out of the write-ahead log too. Where another program is reading, the log keeps them until
    /// its next turn: they are sealed, so that is no failure.
    pub(super) fn forget_deleted(&self) {
        let truncated: rusqlite::Result<i64> =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
        if let Err(error) = truncated {
            tracing::debug!(%error, "the write-ahead log was not emptied");
        }
    }
}
