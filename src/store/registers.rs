//! Register readings: a history that only grows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::{MeterId, Obis, RegisterReading};

use super::columns::{READING, get, micros, reading, require_meter, to_json, value_to_text};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

/// A register's number and what tells it from the others of its meter.
struct Known {
    id: i64,
    obis: Vec<u8>,
    attribute: u8,
    name: String,
    unit: u8,
    side: String,
}

impl Known {
    fn of(id: i64, reading: &RegisterReading) -> Self {
        Self {
            id,
            obis: reading.obis.0.to_vec(),
            attribute: reading.attribute,
            name: reading.name.clone(),
            unit: reading.unit.0,
            side: reading.side.name().to_owned(),
        }
    }

    fn is_of(&self, reading: &RegisterReading) -> bool {
        self.obis == reading.obis.0
            && self.attribute == reading.attribute
            && self.unit == reading.unit.0
            && self.name == reading.name
            && self.side == reading.side.name()
    }
}

/// The registers of a meter that were read before.
fn known(connection: &Connection, id: MeterId, instantaneous: bool) -> Result<Vec<Known>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT id, obis, attribute, name, unit, side FROM register WHERE meter_id = ?1 AND instantaneous = ?2",
    )?;
    let mut rows = statement.query(params![id.0, instantaneous])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(Known {
            id: get(row, 0)?,
            obis: get(row, 1)?,
            attribute: get(row, 2)?,
            name: get(row, 3)?,
            unit: get(row, 4)?,
            side: get(row, 5)?,
        });
    }
    Ok(all)
}

fn make(
    connection: &Connection,
    id: MeterId,
    reading: &RegisterReading,
    instantaneous: bool,
) -> Result<i64, Trouble> {
    let RegisterReading { obis, attribute, name, unit, side, .. } = reading;
    connection
        .prepare_cached(
            "INSERT INTO register (meter_id, instantaneous, obis, attribute, name, unit, side)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![id.0, instantaneous, obis.0, attribute, name, unit.0, side.name()])?;
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
            let mut known = known(connection, id, instantaneous)?;
            for reading in readings {
                let register = match known.iter().find(|one| one.is_of(reading)) {
                    Some(one) => one.id,
                    None => {
                        let made = make(connection, id, reading, instantaneous)?;
                        known.push(Known::of(made, reading));
                        made
                    }
                };
                append(connection, register, reading)?;
            }
            Ok(readings.len() as u64)
        })
    }
}
