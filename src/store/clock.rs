//! Comparisons of meters' clocks with this computer's.

use rusqlite::{Row, params};

use crate::model::{ClockReading, MeterId};

use super::columns::{from_json, get, instant, micros, require_meter, to_json};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

fn clock_reading(row: &Row<'_>) -> Result<ClockReading, Trouble> {
    Ok(ClockReading {
        stamp: from_json(&get::<String>(row, 0)?, "a meter's stamp")?,
        meter_utc: instant(get(row, 1)?)?,
        read_at: instant(get(row, 2)?)?,
        uncertainty_ms: get(row, 3)?,
        sign_looks_inverted: get(row, 4)?,
    })
}

impl StoreReader {
    /// The last `most` clock comparisons, newest first.
    ///
    /// # Errors
    /// One does not read back.
    pub fn clock_readings(&self, id: MeterId, most: u32) -> Result<Vec<ClockReading>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT stamp, meter_utc, read_at, uncertainty_ms, sign_looks_inverted FROM clock_reading
                 WHERE meter_id = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![id.0, most])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(clock_reading(row)?);
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Adds a clock comparison; it is the meter's drift from now on.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_clock(&mut self, id: MeterId, clock: &ClockReading) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            connection
                .prepare_cached(
                    "INSERT INTO clock_reading
                     (meter_id, stamp, meter_utc, read_at, uncertainty_ms, sign_looks_inverted)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    id.0,
                    to_json(&clock.stamp)?,
                    micros(clock.meter_utc),
                    micros(clock.read_at),
                    clock.uncertainty_ms,
                    clock.sign_looks_inverted,
                ])?;
            connection
                .prepare_cached("UPDATE meter SET drift_ms = ?2 WHERE id = ?1")?
                .execute([id.0, clock.drift_ms()])?;
            Ok(())
        })
    }
}
