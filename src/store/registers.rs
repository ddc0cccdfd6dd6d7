//! Register readings: a history that only grows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{MeterId, Obis, RegisterReading};

use super::columns::{READING, get, micros, reading, require_meter, to_json, value_to_text};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

/// The register that a reading is of, made where it was not read before.
fn register_id(
    connection: &Connection,
    id: MeterId,
    reading: &RegisterReading,
    instantaneous: bool,
) -> Result<i64, Trouble> {
    let side = reading.side.name();
    let key =
        params![id.0, instantaneous, reading.obis.0, reading.attribute, reading.name, reading.unit.0, side];
    let found: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM register WHERE meter_id = ?1 AND instantaneous = ?2 AND obis = ?3
             AND attribute = ?4 AND name = ?5 AND unit = ?6 AND side = ?7",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    connection
        .prepare_cached(
            "INSERT INTO register (meter_id, instantaneous, obis, attribute, name, unit, side)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(key)?;
    Ok(connection.last_insert_rowid())
}

fn append(connection: &Connection, register: i64, reading: &RegisterReading) -> Result<(), Trouble> {
    let stamp = reading.stamp.map(|(stamp, _)| to_json(&stamp)).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO reading (register_id, read_at, value, stamp, stamp_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            register,
            micros(reading.read_at),
            value_to_text(&reading.value)?,
            stamp,
            reading.stamp.map(|(_, at)| micros(at)),
        ])?;
    Ok(())
}

impl StoreReader {
    /// The latest reading of each register, by OBIS code and attribute. The latest is the one that was stored last,
    /// whatever this computer's clock showed.
    ///
    /// # Errors
    /// A reading does not read back.
    pub fn registers(&self, id: MeterId, instantaneous: bool) -> Result<Vec<RegisterReading>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT reading.id, {READING} FROM register JOIN reading
                 ON reading.id = (SELECT max(id) FROM reading WHERE register_id = register.id)
                 WHERE meter_id = ?1 AND instantaneous = ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![id.0, instantaneous])?;
            let mut latest: BTreeMap<(Obis, u8), (i64, RegisterReading)> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let number: i64 = get(row, 0)?;
                let found = reading(row, 1)?;
                let key = (found.obis, found.attribute);
                if latest.get(&key).is_none_or(|(before, _)| *before < number) {
                    latest.insert(key, (number, found));
                }
            }
            Ok(latest.into_values().map(|(_, found)| found).collect())
        })
    }

    /// All readings of one register, of each of its attributes, with `from <= read_at <= to`, oldest first.
    ///
    /// # Errors
    /// A reading does not read back.
    pub fn register_history(
        &self,
        id: MeterId,
        obis: Obis,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<RegisterReading>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {READING} FROM register JOIN reading ON register_id = register.id
                 WHERE meter_id = ?1 AND obis = ?2 AND read_at BETWEEN ?3 AND ?4
                 ORDER BY read_at, reading.id"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![id.0, obis.0, micros(from), micros(to)])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(reading(row, 0)?);
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Adds register readings; gives how many.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_registers(
        &mut self,
        id: MeterId,
        readings: &[RegisterReading],
        instantaneous: bool,
    ) -> Result<u64, StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            for reading in readings {
                let register = register_id(connection, id, reading, instantaneous)?;
                append(connection, register, reading)?;
            }
            Ok(readings.len() as u64)
        })
    }
}
