//! Profiles in day blocks: one row a profile and UTC day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::{MeterId, Obis, ProfileLayout, ProfileRow, Side};

use super::block::{self, Place, day_of};
use super::columns::{
    count, from_json, get, instant, maybe_instant, micros, require_meter, to_json, uncount,
};
use super::error::Trouble;
use super::merge::merge_day;
use super::{Merged, Store, StoreError, StoreReader, StoredProfile, SupersededRow, gaps, pushed};

/// What makes two layouts the same: everything but the plain names, which a later version of this program may put
/// into better words.
fn identity(layout: &ProfileLayout) -> Result<String, Trouble> {
    let side = |side: Side| side.name();
    let channels: Vec<_> = layout
        .channels
        .iter()
        .map(|channel| {
            let object = (channel.class_id, channel.obis, channel.attribute, channel.data_index);
            (object, channel.scaler_unit, side(channel.side))
        })
        .collect();
    to_json(&(layout.obis, layout.period_seconds, channels))
}

/// The profile's number; it is made where the meter has none of this layout.
fn profile_id(connection: &Connection, id: MeterId, layout: &ProfileLayout) -> Result<i64, Trouble> {
    let (identity, document) = (identity(layout)?, to_json(layout)?);
    let found: Option<(i64, bool)> = connection
        .prepare_cached("SELECT id, layout = ?3 FROM profile WHERE meter_id = ?1 AND identity = ?2")?
        .query_row(params![id.0, identity, document], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((found, same_names)) = found else {
        connection
            .prepare_cached("INSERT INTO profile (meter_id, obis, identity, layout) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id.0, layout.obis.0, identity, document])?;
        return Ok(connection.last_insert_rowid());
    };
    if !same_names {
        connection
            .prepare_cached("UPDATE profile SET layout = ?2 WHERE id = ?1")?
            .execute(params![found, document])?;
    }
    Ok(found)
}

/// The words for a block that does not read.
fn damaged(connection: &Connection, place: Place, reason: &str) -> Trouble {
    let named = |row: &Row<'_>| -> rusqlite::Result<(String, i64, [u8; 6])> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    };
    let owner = connection
        .query_row(
            "SELECT name, meter.id, obis FROM profile JOIN meter ON meter.id = meter_id WHERE profile.id = ?1",
            [place.profile],
            named,
        )
        .optional();
    let whose = match owner {
        Ok(Some((name, id, obis))) => format!("meter `{name}` ({id}), profile {}", Obis(obis)),
        _ => "a profile that is not listed".to_owned(),
    };
    let day = Timestamp::from_second(i64::from(place.day) * 86_400)
        .map_or_else(|_| place.day.to_string(), |at| at.strftime("%Y-%m-%d").to_string());
    Trouble::Damaged(format!(
        "{whose} (number {}), day {day}: {reason}; restore the store from a copy, or read that day again into a new store",
        place.profile
    ))
}

/// The rows of a stored day, by end.
pub(super) fn stored_day(connection: &Connection, place: Place) -> Result<Vec<ProfileRow>, Trouble> {
    let block: Option<Vec<u8>> = connection
        .prepare_cached("SELECT block FROM day_block WHERE profile_id = ?1 AND day = ?2")?
        .query_row(params![place.profile, place.day], |row| row.get(0))
        .optional()?;
    block.map_or_else(
        || Ok(Vec::new()),
        |block| block::decode(place, &block).map_err(|reason| damaged(connection, place, reason)),
    )
}

fn pack(place: Place, rows: &[ProfileRow]) -> Result<Vec<u8>, Trouble> {
    block::encode(place, rows).map_err(|reason| Trouble::Request(format!("intervals not stored: {reason}")))
}

fn put_day(connection: &Connection, place: Place, rows: &[ProfileRow]) -> Result<(), Trouble> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO day_block VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
             intervals = excluded.intervals, first_end = excluded.first_end,
             last_end = excluded.last_end, block = excluded.block",
        )?
        .execute(params![
            place.profile,
            place.day,
            count(rows.len() as u64),
            micros(first.end),
            micros(last.end),
            pack(place, rows)?,
        ])?;
    Ok(())
}

fn put_superseded(
    connection: &Connection,
    place: Place,
    row: &ProfileRow,
    replaced_at: Timestamp,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO superseded (profile_id, day, replaced_at, block) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            place.profile,
            place.day,
            micros(replaced_at),
            pack(place, std::slice::from_ref(row))?
        ])?;
    Ok(())
}

fn place(row: &Row<'_>) -> Result<Place, Trouble> {
    Ok(Place { profile: get(row, 0)?, day: get(row, 1)? })
}

/// Reads every block.
pub(super) fn check(connection: &Connection) -> Result<(), Trouble> {
    let mut statement = connection.prepare(
        "SELECT profile_id, day, block, intervals FROM day_block
         UNION ALL SELECT profile_id, day, block, 1 FROM superseded",
    )?;
    let mut blocks = statement.query(())?;
    while let Some(row) = blocks.next()? {
        let place = place(row)?;
        let rows = block::decode(place, &get::<Vec<u8>>(row, 2)?)
            .map_err(|reason| damaged(connection, place, reason))?;
        if count(rows.len() as u64) != get::<i64>(row, 3)? {
            return Err(damaged(connection, place, "the number of intervals is wrong"));
        }
    }
    Ok(())
}

impl StoreReader {
    /// Profiles that are stored of a meter.
    ///
    /// # Errors
    /// A layout does not read back.
    pub fn profiles(&self, id: MeterId) -> Result<Vec<StoredProfile>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, layout, min(first_end), max(last_end), ifnull(sum(intervals), 0)
                 FROM profile LEFT JOIN day_block ON profile_id = id
                 WHERE meter_id = ?1 GROUP BY id ORDER BY obis, id",
            )?;
            let mut rows = statement.query([id.0])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let span = maybe_instant(get(row, 2)?)?.zip(maybe_instant(get(row, 3)?)?);
                list.push(StoredProfile {
                    id: get(row, 0)?,
                    layout: from_json(&get::<String>(row, 1)?, "a profile's layout")?,
                    span,
                    intervals: uncount(get(row, 4)?),
                });
            }
            Ok(list)
        })
    }

    /// Rows of a stored profile with `from < end <= to`, oldest first.
    ///
    /// # Errors
    /// A block is damaged: the error names meter, profile and day.
    pub fn profile_rows(
        &self,
        profile: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProfileRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT profile_id, day, block FROM day_block
                 WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
            )?;
            let mut blocks = statement.query(params![profile, day_of(from), day_of(to)])?;
            let mut list = Vec::new();
            while let Some(row) = blocks.next()? {
                let place = place(row)?;
                let rows = block::decode(place, &get::<Vec<u8>>(row, 2)?)
                    .map_err(|reason| damaged(connection, place, reason))?;
                list.extend(rows.into_iter().filter(|row| from < row.end && row.end <= to));
            }
            Ok(list)
        })
    }

    /// Versions that were replaced, with `from < end <= to`, by end, the oldest version first.
    ///
    /// # Errors
    /// A block is damaged: the error names meter, profile and day.
    pub fn superseded_rows(
        &self,
        profile: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SupersededRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT profile_id, day, block, replaced_at FROM superseded
                 WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY id",
            )?;
            let mut blocks = statement.query(params![profile, day_of(from), day_of(to)])?;
            let mut list = Vec::new();
            while let Some(row) = blocks.next()? {
                let place = place(row)?;
                let replaced_at = instant(get(row, 3)?)?;
                let rows = block::decode(place, &get::<Vec<u8>>(row, 2)?)
                    .map_err(|reason| damaged(connection, place, reason))?;
                let wanted = rows.into_iter().filter(|row| from < row.end && row.end <= to);
                list.extend(wanted.map(|row| SupersededRow { row, replaced_at }));
            }
            list.sort_by_key(|superseded| superseded.row.end);
            Ok(list)
        })
    }

    /// End of the last stored interval of a profile of that logical name, or the last event of that log.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_end(&self, id: MeterId, profile: Obis) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let last: Option<i64> = connection
                .prepare_cached(
                    "SELECT max(last) FROM (
                       SELECT max(last_end) AS last FROM profile JOIN day_block ON profile_id = profile.id
                       WHERE meter_id = ?1 AND obis = ?2
                     UNION ALL SELECT max(at) FROM event WHERE meter_id = ?1 AND log = ?2)",
                )?
                .query_row(params![id.0, profile.0], |row| row.get(0))?;
            maybe_instant(last)
        })
    }
}

/// Merges intervals into the days that they belong to.
pub(super) fn merge(
    connection: &Connection,
    id: MeterId,
    layout: &ProfileLayout,
    rows: &[ProfileRow],
    now: Timestamp,
) -> Result<Merged, Trouble> {
    let channels = layout.channels.len();
    let odd = rows.iter().find(|row| row.values.len() != channels);
    if let Some(row) = odd {
        return Err(Trouble::Request(format!(
            "intervals of profile {} not stored: the one that ends at {} has {} values for {channels} channels",
            layout.obis,
            row.end,
            row.values.len()
        )));
    }
    require_meter(connection, id)?;
    let profile = profile_id(connection, id, layout)?;
    let mut days: BTreeMap<i32, Vec<&ProfileRow>> = BTreeMap::new();
    for row in rows {
        days.entry(day_of(row.end)).or_default().push(row);
    }
    let mut total = Merged::default();
    for (day, incoming) in days {
        let place = Place { profile, day };
        let merge = merge_day(stored_day(connection, place)?, &incoming);
        for row in &merge.superseded {
            put_superseded(connection, place, row, now)?;
        }
        if merge.touched {
            put_day(connection, place, &merge.rows)?;
            gaps::note_day(connection, place, &merge.rows, layout.period_seconds)?;
        }
        total.new += merge.merged.new;
        total.same += merge.merged.same;
        total.changed += merge.merged.changed;
    }
    if layout.period_seconds > 0 {
        gaps::note_ahead(connection, id, layout.obis, rows, now)?;
    }
    Ok(total)
}

impl Store {
    /// Merges rows of a profile into its day blocks.
    ///
    /// What was there with other content is kept beside the new ([`StoreReader::superseded_rows`]); nothing is
    /// overwritten. Rows are told apart by end and stamp; a row without a stamp, whose end was reckoned, is taken for
    /// the stamped one of that end, and the stamp is kept once it is known. Two layouts that differ in more than
    /// their names are two profiles.
    ///
    /// # Errors
    /// There is no such meter, a row has not one value a channel, or a day would hold more than 100,000 intervals.
    pub fn merge_profile(
        &mut self,
        id: MeterId,
        layout: &ProfileLayout,
        rows: &[ProfileRow],
        now: Timestamp,
    ) -> Result<Merged, StoreError> {
        self.write(|connection, _| {
            let merged = merge(connection, id, layout, rows, now)?;
            let last = rows.iter().map(|row| micros(row.end)).max();
            pushed::note_asked_for(connection, id, layout.obis, last)?;
            Ok(merged)
        })
    }
}
