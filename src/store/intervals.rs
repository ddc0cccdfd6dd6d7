//! Profiles in blocks: one row a profile and UTC day, and one a month where compaction has been (`upkeep`).

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

/// A block by its first day, and how many days it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) place: Place,
    pub(super) days: i32,
}

impl Span {
    /// A day by itself.
    pub(super) const fn day(place: Place) -> Self {
        Self { place, days: 1 }
    }

    const fn holds(&self, day: i32) -> bool {
        self.place.day <= day && day < self.place.day + self.days
    }

    const fn is_month(&self) -> bool {
        self.days > 1
    }
}

/// No block holds more days.
pub(super) const MOST_DAYS: i32 = 31;
/// More intervals, or cells, than these are not put into one month: what a reader unpacks at once.
pub(super) const MOST_MONTH_ROWS: usize = 50_000;
pub(super) const MOST_MONTH_CELLS: usize = 1_000_000;

/// Whether rows may lie in one block of a month.
pub(super) fn fit_a_month(rows: &[ProfileRow]) -> bool {
    let channels = rows.first().map_or(0, |row| row.values.len());
    rows.len() <= MOST_MONTH_ROWS && rows.len() * channels <= MOST_MONTH_CELLS
}

/// The bytes of a block.
pub(super) fn stored_bytes(connection: &Connection, span: Span) -> Result<Option<Vec<u8>>, Trouble> {
    let sql = if span.is_month() {
        "SELECT block FROM month_block WHERE profile_id = ?1 AND day = ?2"
    } else {
        "SELECT block FROM day_block WHERE profile_id = ?1 AND day = ?2"
    };
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![span.place.profile, span.place.day], |row| row.get(0)).optional()?)
}

/// Unpacks a block; the error names meter, profile and day.
pub(super) fn unpack(
    connection: &Connection,
    place: Place,
    block: &[u8],
) -> Result<Vec<ProfileRow>, Trouble> {
    block::decode(place, block).map_err(|reason| damaged(connection, place, reason))
}

/// The rows of a stored block, by end.
pub(super) fn stored_rows(connection: &Connection, span: Span) -> Result<Vec<ProfileRow>, Trouble> {
    let block = stored_bytes(connection, span)?;
    block.map_or_else(|| Ok(Vec::new()), |block| unpack(connection, span.place, &block))
}

/// Blocks of months that hold one of these days, by day.
fn months(connection: &Connection, profile: i64, from: i32, to: i32) -> Result<Vec<Span>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT day, days FROM month_block WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
    )?;
    let mut rows = statement.query(params![profile, from.saturating_sub(MOST_DAYS - 1), to])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let span = Span { place: Place { profile, day: get(row, 0)? }, days: get(row, 1)? };
        if span.place.day + span.days > from {
            all.push(span);
        }
    }
    Ok(all)
}

pub(super) fn pack(place: Place, rows: &[ProfileRow]) -> Result<Vec<u8>, Trouble> {
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

/// Puts the rows of a block of a month; where they have become too many, each day gets a block of its own again.
fn put_month(
    connection: &Connection,
    span: Span,
    rows: &[ProfileRow],
    period_seconds: u32,
) -> Result<(), Trouble> {
    let Span { place, days } = span;
    if fit_a_month(rows) {
        insert_month(connection, span, rows, &pack(place, rows)?)?;
        return gaps::note_day(connection, place, rows, period_seconds);
    }
    connection
        .prepare_cached("DELETE FROM month_block WHERE profile_id = ?1 AND day = ?2")?
        .execute(params![place.profile, place.day])?;
    for day in place.day..place.day + days {
        let place = Place { day, ..place };
        let of_day: Vec<ProfileRow> = rows.iter().filter(|row| day_of(row.end) == day).cloned().collect();
        put_day(connection, place, &of_day)?;
        gaps::note_day(connection, place, &of_day, period_seconds)?;
    }
    Ok(())
}

/// Puts a packed block of a month.
pub(super) fn insert_month(
    connection: &Connection,
    Span { place, days }: Span,
    rows: &[ProfileRow],
    block: &[u8],
) -> Result<(), Trouble> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO month_block (profile_id, day, days, intervals, first_end, last_end, block)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET
             intervals = excluded.intervals, first_end = excluded.first_end,
             last_end = excluded.last_end, block = excluded.block",
        )?
        .execute(params![
            place.profile,
            place.day,
            days,
            count(rows.len() as u64),
            micros(first.end),
            micros(last.end),
            block,
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
         UNION ALL SELECT profile_id, day, block, intervals FROM month_block
         UNION ALL SELECT profile_id, day, block, 1 FROM superseded",
    )?;
    let mut blocks = statement.query(())?;
    while let Some(row) = blocks.next()? {
        check_block(connection, row)?;
    }
    Ok(())
}

/// Reads one block: its profile, its day, its bytes and the number of its intervals.
pub(super) fn check_block(connection: &Connection, row: &Row<'_>) -> Result<(), Trouble> {
    let place = place(row)?;
    let rows = unpack(connection, place, &get::<Vec<u8>>(row, 2)?)?;
    if count(rows.len() as u64) == get::<i64>(row, 3)? {
        Ok(())
    } else {
        Err(damaged(connection, place, "the number of intervals is wrong"))
    }
}

/// First and last end and number of the intervals of a profile.
type Extent = (Option<(Timestamp, Timestamp)>, u64);

fn extent(connection: &Connection, profile: i64) -> Result<Extent, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT min(first), max(last), ifnull(sum(number), 0) FROM (
           SELECT min(first_end) AS first, max(last_end) AS last, sum(intervals) AS number
           FROM day_block WHERE profile_id = ?1
         UNION ALL SELECT min(first_end), max(last_end), sum(intervals) FROM month_block WHERE profile_id = ?1)",
    )?;
    let (first, last, number): (Option<i64>, Option<i64>, i64) =
        statement.query_row([profile], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok((maybe_instant(first)?.zip(maybe_instant(last)?), uncount(number)))
}

/// Rows by the block that they belong to, in the order of days.
fn by_block<'a>(
    connection: &Connection,
    profile: i64,
    rows: &'a [ProfileRow],
) -> Result<Vec<(Span, Vec<&'a ProfileRow>)>, Trouble> {
    let mut days: BTreeMap<i32, Vec<&ProfileRow>> = BTreeMap::new();
    for row in rows {
        days.entry(day_of(row.end)).or_default().push(row);
    }
    let (Some(first), Some(last)) = (days.keys().next(), days.keys().next_back()) else {
        return Ok(Vec::new());
    };
    let months = months(connection, profile, *first, *last)?;
    let mut blocks: Vec<(Span, Vec<&ProfileRow>)> = Vec::with_capacity(days.len());
    for (day, of_day) in days {
        let month = months.iter().find(|month| month.holds(day));
        let span = month.copied().unwrap_or(Span::day(Place { profile, day }));
        match blocks.last_mut() {
            Some((open, rows)) if *open == span => rows.extend(of_day),
            _ => blocks.push((span, of_day)),
        }
    }
    Ok(blocks)
}

impl StoreReader {
    /// Profiles that are stored of a meter.
    ///
    /// # Errors
    /// A layout does not read back.
    pub fn profiles(&self, id: MeterId) -> Result<Vec<StoredProfile>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, layout FROM profile WHERE meter_id = ?1 ORDER BY obis, id")?;
            let mut rows = statement.query([id.0])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let id = get(row, 0)?;
                let (span, intervals) = extent(connection, id)?;
                let layout = from_json(&get::<String>(row, 1)?, "a profile's layout")?;
                list.push(StoredProfile { id, layout, span, intervals });
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
            let (first, last) = (day_of(from), day_of(to));
            // Days and months, which do not overlap, by their first day.
            let mut statement = connection.prepare_cached(
                "SELECT profile_id, day, block FROM day_block
                 WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3
                 UNION ALL SELECT profile_id, day, block FROM month_block
                 WHERE profile_id = ?1 AND day BETWEEN ?4 AND ?3 AND day + days > ?2 ORDER BY 2",
            )?;
            let earliest = first.saturating_sub(MOST_DAYS - 1);
            let mut blocks = statement.query(params![profile, first, last, earliest])?;
            let mut list = Vec::new();
            while let Some(row) = blocks.next()? {
                let rows = unpack(connection, place(row)?, &get::<Vec<u8>>(row, 2)?)?;
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
                let replaced_at = instant(get(row, 3)?)?;
                let rows = unpack(connection, place(row)?, &get::<Vec<u8>>(row, 2)?)?;
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
                     UNION ALL
                       SELECT max(last_end) FROM profile JOIN month_block ON profile_id = profile.id
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
    let mut total = Merged::default();
    for (span, incoming) in by_block(connection, profile, rows)? {
        let merge = merge_day(stored_rows(connection, span)?, &incoming);
        for row in &merge.superseded {
            put_superseded(connection, Place { profile, day: day_of(row.end) }, row, now)?;
        }
        if merge.touched && span.is_month() {
            put_month(connection, span, &merge.rows, layout.period_seconds)?;
        } else if merge.touched {
            put_day(connection, span.place, &merge.rows)?;
            gaps::note_day(connection, span.place, &merge.rows, layout.period_seconds)?;
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
