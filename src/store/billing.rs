//! Billing sets: what a meter closed at the end of each period, once however often it is read.
//!
//! A register of a set that reads differently later is kept as a new version beside the old one.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{BillingSet, MeterId, Obis, RegisterReading};

use super::columns::{
    READING, get, instant, maybe_stamp, micros, obis, reading, require_meter, to_json, value_to_text,
};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

/// A register of a stored set, in its version in force.
struct Held {
    position: i64,
    version: i64,
    reading: RegisterReading,
}

/// The set's number; an equal one may lack the stamp, which is filled in.
fn set_id(connection: &Connection, id: MeterId, set: &BillingSet) -> Result<i64, Trouble> {
    let stamp = set.stamp.map(|stamp| to_json(&stamp)).transpose()?;
    let key = params![id.0, set.profile.0, micros(set.at), stamp];
    let found: Option<(i64, bool)> = connection
        .prepare_cached(
            "SELECT id, stamp IS NULL FROM billing_set WHERE meter_id = ?1 AND profile = ?2 AND at = ?3
             AND (stamp = ?4 OR stamp IS NULL OR ?4 IS NULL) ORDER BY stamp IS NULL",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((found, bare)) = found else {
        connection
            .prepare_cached("INSERT INTO billing_set (meter_id, profile, at, stamp) VALUES (?1, ?2, ?3, ?4)")?
            .execute(key)?;
        return Ok(connection.last_insert_rowid());
    };
    if bare && stamp.is_some() {
        connection
            .prepare_cached("UPDATE billing_set SET stamp = ?2 WHERE id = ?1")?
            .execute(params![found, stamp])?;
    }
    Ok(found)
}

/// The registers in force of a set, in the meter's order.
fn held(connection: &Connection, set: i64) -> Result<Vec<Held>, Trouble> {
    let sql = format!(
        "SELECT position, max(version), {READING} FROM billing_register
         WHERE set_id = ?1 GROUP BY position ORDER BY position"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([set])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(Held { position: get(row, 0)?, version: get(row, 1)?, reading: reading(row, 2)? });
    }
    Ok(list)
}

fn put_register(
    connection: &Connection,
    set: i64,
    (position, version): (i64, i64),
    reading: &RegisterReading,
) -> Result<(), Trouble> {
    let stamp = reading.stamp.map(|(stamp, _)| to_json(&stamp)).transpose()?;
    let sql = format!(
        "INSERT INTO billing_register (set_id, position, version, {READING})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    connection.prepare_cached(&sql)?.execute(params![
        set,
        position,
        version,
        reading.obis.0,
        reading.attribute,
        reading.name,
        reading.unit.0,
        reading.side.name(),
        micros(reading.read_at),
        value_to_text(&reading.value)?,
        stamp,
        reading.stamp.map(|(_, at)| micros(at)),
    ])?;
    Ok(())
}

fn same_content(left: &RegisterReading, right: &RegisterReading) -> bool {
    left.value == right.value
        && left.unit == right.unit
        && left.side == right.side
        && left.stamp == right.stamp
}

/// Lays a set's registers beside those that are held; gives how many were new or changed. A code that comes several
/// times in a set meets its first namesake first.
fn merge(connection: &Connection, id: MeterId, set: &BillingSet) -> Result<u64, Trouble> {
    let number = set_id(connection, id, set)?;
    let mut left: Vec<Held> = held(connection, number)?;
    let mut next = left.last().map_or(0, |last| last.position + 1);
    let mut new = 0;
    for register in &set.registers {
        let key = |reading: &RegisterReading| -> (Obis, u8) { (reading.obis, reading.attribute) };
        let namesake = left.iter().position(|held| key(&held.reading) == key(register));
        match namesake.map(|at| left.remove(at)) {
            Some(held) if same_content(&held.reading, register) => continue,
            Some(held) => put_register(connection, number, (held.position, held.version + 1), register)?,
            None => {
                put_register(connection, number, (next, 0), register)?;
                next += 1;
            }
        }
        new += 1;
    }
    Ok(new)
}

impl StoreReader {
    /// Billing sets with `from < at <= to`, oldest first.
    ///
    /// # Errors
    /// A set does not read back.
    pub fn billing(
        &self,
        id: MeterId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<BillingSet>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, profile, at, stamp FROM billing_set
                 WHERE meter_id = ?1 AND at > ?2 AND at <= ?3 ORDER BY at, id",
            )?;
            let mut rows = statement.query(params![id.0, micros(from), micros(to)])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let registers = held(connection, get(row, 0)?)?;
                list.push(BillingSet {
                    profile: obis(&get::<Vec<u8>>(row, 1)?)?,
                    at: instant(get(row, 2)?)?,
                    stamp: maybe_stamp(get::<Option<String>>(row, 3)?.as_deref())?,
                    registers: registers.into_iter().map(|held| held.reading).collect(),
                });
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Adds billing sets that are not there yet; gives how many registers were new, or read differently than before.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_billing(&mut self, id: MeterId, sets: &[BillingSet]) -> Result<u64, StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            let mut new = 0;
            for set in sets {
                new += merge(connection, id, set)?;
            }
            Ok(new)
        })
    }
}
