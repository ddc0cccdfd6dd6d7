//! Days into months, and free pages back to the disk.
//!
//! A month that is over and rests is packed into one block: read and packed while nothing is held, unpacked again and
//! compared bit by bit with its days, and then put in their place in one short transaction, in which it is seen that
//! nobody changed them meanwhile. Versions that were replaced stay as they are.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, params};

use crate::model::{ProfileLayout, ProfileRow};
use crate::store::block::{Place, day_of};
use crate::store::columns::{from_json, get, uncount};
use crate::store::error::Trouble;
use crate::store::intervals::{Span, fit_a_month, insert_month, pack, stored_bytes, unpack};
use crate::store::{Store, StoreError, gaps};

use super::{Pace, Watch};

/// Days for which a month rests after its end before it is packed: holes are filled and values read again mostly
/// within these.
const REST_DAYS: i32 = 40;
/// Profiles that are looked through in one step.
const PROFILES: i64 = 64;
/// Pages that are given back in one step, and those that are kept for what comes.
const PAGES: u64 = 64;
const SPARE_PAGES: u64 = 256;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Months that were put together.
    pub months: u64,
    /// Blocks of days that went into them.
    pub days: u64,
    /// Bytes of those blocks.
    pub bytes_before: u64,
    /// Bytes of the months.
    pub bytes_after: u64,
    /// Months that somebody wrote to meanwhile: the next compaction takes them.
    pub left: u64,
    /// Bytes given back to the disk.
    pub given_back: u64,
    /// It was stopped before its end.
    pub is_stopped: bool,
}

/// A month of a profile, as it was seen.
struct Month {
    span: Span,
    period_seconds: u32,
    days: Vec<(Place, Vec<u8>)>,
}

/// The first day of the month of a day, and how many days it has.
fn month_of(day: i32) -> Option<(i32, i32)> {
    let date = Timestamp::from_second(i64::from(day) * 86_400).ok()?.to_zoned(jiff::tz::TimeZone::UTC).date();
    let first: Date = date.first_of_month();
    Some((day - i32::from(date.day()) + 1, i32::from(first.days_in_month())))
}

/// The first day that may not be packed yet.
fn limit(now: Timestamp) -> i32 {
    let day = day_of(now).saturating_sub(REST_DAYS);
    month_of(day).map_or(i32::MIN, |(first, _)| first)
}

/// Bit for bit: numbers that are equal but for trailing noughts are not the same here.
pub(super) fn is_same(one: &[ProfileRow], other: &[ProfileRow]) -> bool {
    let digits = |row: &ProfileRow| {
        let part =
            |value: &Option<crate::model::Decimal>| value.map(|value| (value.mantissa(), value.exponent()));
        row.values.iter().map(part).collect::<Vec<_>>()
    };
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| one == other && digits(one) == digits(other))
}

/// Profiles after a number that have days of months that are over.
fn profiles(connection: &Connection, after: i64) -> Result<Vec<(i64, u32)>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT id, layout FROM profile WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut rows = statement.query([after, PROFILES])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let layout: ProfileLayout = from_json(&get::<String>(row, 1)?, "a profile's layout")?;
        all.push((get(row, 0)?, layout.period_seconds));
    }
    Ok(all)
}

/// The months of a profile that can be packed: over, at rest, with more than one block of a day.
fn months(connection: &Connection, profile: i64, limit: i32) -> Result<Vec<Span>, Trouble> {
    let mut statement = connection
        .prepare_cached("SELECT day FROM day_block WHERE profile_id = ?1 AND day < ?2 ORDER BY day")?;
    let mut rows = statement.query(params![profile, limit])?;
    let mut all: Vec<(Span, usize)> = Vec::new();
    while let Some(row) = rows.next()? {
        let Some((day, days)) = month_of(get(row, 0)?) else { continue };
        let span = Span { place: Place { profile, day }, days };
        match all.last_mut() {
            Some((open, blocks)) if *open == span => *blocks += 1,
            _ => all.push((span, 1)),
        }
    }
    let mut taken = connection
        .prepare_cached("SELECT 1 FROM month_block WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3")?;
    let mut wanted = Vec::new();
    for (span, _) in all.into_iter().filter(|(_, blocks)| *blocks > 1) {
        let Span { place, days } = span;
        if !taken.exists(params![profile, place.day, place.day + days - 1])? {
            wanted.push(span);
        }
    }
    Ok(wanted)
}

fn blocks_of(connection: &Connection, span: Span) -> Result<Vec<(Place, Vec<u8>)>, Trouble> {
    let Span { place, days } = span;
    let mut statement = connection.prepare_cached(
        "SELECT day, block FROM day_block WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
    )?;
    let mut rows = statement.query(params![place.profile, place.day, place.day + days - 1])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((Place { day: get(row, 0)?, ..place }, get(row, 1)?));
    }
    Ok(all)
}

/// The rows of a month, and its block.
type Packed = (Vec<ProfileRow>, Vec<u8>);

/// Packs a month and proves it; nothing where it is too large for one block.
fn packed(connection: &Connection, month: &Month) -> Result<Option<Packed>, Trouble> {
    let mut rows = Vec::new();
    for (place, block) in &month.days {
        rows.extend(unpack(connection, *place, block)?);
    }
    let channels = rows.first().map_or(0, |row| row.values.len());
    if !fit_a_month(&rows) || rows.iter().any(|row| row.values.len() != channels) {
        return Ok(None);
    }
    let block = pack(month.span.place, &rows)?;
    let again = unpack(connection, month.span.place, &block)?;
    if is_same(&rows, &again) {
        Ok(Some((rows, block)))
    } else {
        Err(Trouble::Damaged("a month was not the same after it was packed: nothing was changed".to_owned()))
    }
}

/// Puts a packed month in the place of its days, unless they were changed meanwhile.
fn replace(
    connection: &Connection,
    month: &Month,
    rows: &[ProfileRow],
    block: &[u8],
) -> Result<bool, Trouble> {
    let Span { place, days } = month.span;
    if blocks_of(connection, month.span)? != month.days {
        return Ok(false);
    }
    insert_month(connection, month.span, rows, block)?;
    if stored_bytes(connection, month.span)?.as_deref() != Some(block) {
        return Err(Trouble::Damaged("a month was not written as it was packed".to_owned()));
    }
    connection
        .prepare_cached("DELETE FROM day_block WHERE profile_id = ?1 AND day BETWEEN ?2 AND ?3")?
        .execute(params![place.profile, place.day, place.day + days - 1])?;
    gaps::note_day(connection, place, rows, month.period_seconds)?;
    Ok(true)
}

impl Store {
    /// Packs months that are over into one block each, and gives free pages back to the disk. Everything that is read
    /// from the store is the same before and after. It may be stopped, or killed, between any two months, and goes on
    /// there the next time.
    ///
    /// # Errors
    /// A block is damaged, or the store cannot be written.
    pub fn compact(&mut self, now: Timestamp, watch: &mut Watch<'_>) -> Result<Compacted, StoreError> {
        let mut done = Compacted::default();
        let of: u64 = self.read(|connection| {
            Ok(uncount(connection.query_row("SELECT count(*) FROM profile", (), |row| row.get(0))?))
        })?;
        let (mut after, mut seen) = (0, 0);
        loop {
            let some = self.read(|connection| profiles(connection, after))?;
            let Some((last, _)) = some.last() else { break };
            after = *last;
            for (profile, period_seconds) in some {
                seen += 1;
                if !self.compact_profile((profile, period_seconds), limit(now), &mut done, &mut |_| {
                    watch(Pace { done: seen, of: of.max(seen) })
                })? {
                    done.is_stopped = true;
                    return Ok(done);
                }
            }
            if !watch(Pace { done: seen, of: of.max(seen) }) {
                done.is_stopped = true;
                return Ok(done);
            }
        }
        done.is_stopped = !self.give_back(&mut done.given_back, watch)?;
        Ok(done)
    }

    /// False where it was stopped.
    fn compact_profile(
        &mut self,
        (profile, period_seconds): (i64, u32),
        limit: i32,
        done: &mut Compacted,
        watch: &mut Watch<'_>,
    ) -> Result<bool, StoreError> {
        for span in self.read(|connection| months(connection, profile, limit))? {
            let month = self
                .read(|connection| Ok(Month { span, period_seconds, days: blocks_of(connection, span)? }))?;
            let prepared = packed(&self.connection, &month).map_err(|trouble| trouble.at(&self.path))?;
            let Some((rows, block)) = prepared else { continue };
            if self.write(|connection, _| replace(connection, &month, &rows, &block))? {
                done.months += 1;
                done.days += month.days.len() as u64;
                done.bytes_before += month.days.iter().map(|(_, block)| block.len() as u64).sum::<u64>();
                done.bytes_after += block.len() as u64;
            } else {
                done.left += 1;
            }
            if !watch(Pace { done: 0, of: 0 }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives free pages back to the disk, where the file was made for that; false where it was stopped. What remains
    /// free is filled by what comes.
    fn give_back(&mut self, given_back: &mut u64, watch: &mut Watch<'_>) -> Result<bool, StoreError> {
        let pragma = |connection: &Connection, name: &str| -> Result<u64, Trouble> {
            Ok(uncount(connection.pragma_query_value(None, name, |row| row.get(0))?))
        };
        let (mode, page) = self
            .read(|connection| Ok((pragma(connection, "auto_vacuum")?, pragma(connection, "page_size")?)))?;
        if mode == 0 {
            return Ok(true);
        }
        let all = self.read(|connection| pragma(connection, "freelist_count"))?.saturating_sub(SPARE_PAGES);
        let mut left = all;
        while left > 0 {
            let step = left.min(PAGES);
            self.write(|connection, _| {
                // Each row of the answer is a page.
                let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({step})"))?;
                let mut rows = statement.query(())?;
                while rows.next()?.is_some() {}
                Ok(())
            })?;
            left -= step;
            *given_back += step * page;
            if !watch(Pace { done: all - left, of: all }) {
                return Ok(false);
            }
        }
        self.shorten_log();
        Ok(true)
    }

    /// Brings the write-ahead log into the file and cuts it, where nobody reads from it just now.
    pub(super) fn shorten_log(&mut self) {
        let _busy: rusqlite::Result<i64> =
            self.reader.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_on_their_first_day_and_rest_before_they_are_packed() {
        let day = |text: &str| day_of(text.parse().unwrap());
        // The interval that ends at midnight lies in the day before.
        let march = day("2026-03-15T12:00:00Z");
        assert_eq!(month_of(march), Some((day("2026-03-01T12:00:00Z"), 31)));
        assert_eq!(month_of(day("2028-02-29T12:00:00Z")), Some((day("2028-02-01T12:00:00Z"), 29)));
        assert_eq!(limit("2026-11-22T10:00:00Z".parse().unwrap()), day("2026-10-01T12:00:00Z"));
        assert_eq!(limit("2026-11-05T10:00:00Z".parse().unwrap()), day("2026-09-01T12:00:00Z"));
        assert_eq!(month_of(-1), Some((-31, 31)));
    }
}
