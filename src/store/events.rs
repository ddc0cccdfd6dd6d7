//! Entries of event logs, each once however often a log is read.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::model::{MeterEvent, MeterId};

use super::columns::{
    from_json, get, instant, maybe_instant, maybe_stamp, micros, obis, require_meter, to_json,
};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader, pushed};

fn event(row: &Row<'_>) -> Result<MeterEvent, Trouble> {
    Ok(MeterEvent {
        log: obis(&get::<Vec<u8>>(row, 0)?)?,
        code: get(row, 1)?,
        text: get(row, 2)?,
        at: instant(get(row, 3)?)?,
        stamp: maybe_stamp(get::<Option<String>>(row, 4)?.as_deref())?,
        until: maybe_instant(get(row, 5)?)?,
        detail: from_json(&get::<String>(row, 6)?, "an event's detail")?,
    })
}

/// Adds an event if it is not there; an end that was not known before is filled in. Gives whether it was new.
fn add(connection: &Connection, id: MeterId, event: &MeterEvent) -> Result<bool, Trouble> {
    let stamp = event.stamp.map(|stamp| to_json(&stamp)).transpose()?;
    let detail = to_json(&event.detail)?;
    let until = event.until.map(micros);
    let new = connection
        .prepare_cached(
            "INSERT INTO event (meter_id, log, at, code, stamp, detail, text, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id.0,
            event.log.0,
            micros(event.at),
            event.code,
            stamp,
            detail,
            event.text,
            until
        ])?;
    if new == 0 && until.is_some() {
        connection
            .prepare_cached(
                "UPDATE event SET until = ?6 WHERE meter_id = ?1 AND log = ?2 AND at = ?3
                 AND ifnull(code, -1) = ifnull(?4, -1) AND ifnull(stamp, '') = ifnull(?5, '')
                 AND detail = ?7 AND until IS NULL",
            )?
            .execute(params![id.0, event.log.0, micros(event.at), event.code, stamp, until, detail])?;
    }
    Ok(new > 0)
}

/// Adds those events that are not there; gives how many were new.
pub(super) fn add_all(connection: &Connection, id: MeterId, events: &[MeterEvent]) -> Result<u64, Trouble> {
    events.iter().try_fold(0, |new, event| Ok(new + u64::from(add(connection, id, event)?)))
}

impl StoreReader {
    /// Events with `from < at <= to`, oldest first.
    ///
    /// # Errors
    /// An event does not read back.
    pub fn events(&self, id: MeterId, from: Timestamp, to: Timestamp) -> Result<Vec<MeterEvent>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT log, code, text, at, stamp, until, detail FROM event
                 WHERE meter_id = ?1 AND at > ?2 AND at <= ?3 ORDER BY at, id",
            )?;
            let mut rows = statement.query(params![id.0, micros(from), micros(to)])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(event(row)?);
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Adds events that are not there yet; gives how many. An event is there already where log, code, instant,
    /// stamp and detail are the same.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_events(&mut self, id: MeterId, events: &[MeterEvent]) -> Result<u64, StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            pushed::note_read_events(connection, id, events)?;
            add_all(connection, id, events)
        })
    }
}
