//! Missing intervals: which, why, and what a read should ask for again.
//!
//! A gap lies between two stored intervals that are more than one period apart. Blocks that hold as many intervals as
//! fit between their first and last one are not unpacked; those whose number can deceive are marked when they are
//! stored. What a meter answered when it was asked for a gap is kept as a note; intervals that were stored with
//! stamps in the future do not count until their time has come, and are then asked for again.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{Asked, Gap, GapReason, MeterId, Obis, ProfileLayout, ProfileRow};

use super::block::Place;
use super::columns::{from_json, get, instant, maybe_instant, micros, obis, require_meter, to_json};
use super::error::Trouble;
use super::intervals::{Span, stored_rows};
use super::{Store, StoreError, StoreReader, pushed};

/// How far a stamp may lie ahead of this computer's clock before its meter's clock is thought to run ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Gaps that lie nearer to each other than this are asked for together.
const NEAR: SignedDuration = SignedDuration::from_hours(12);
/// Stretches that one read asks for again.
const MOST_STRETCHES: usize = 8;

/// A stretch of time by the ends of intervals, both in microseconds.
type Stretch = (i64, i64);

/// One stored layout of a profile.
struct Layout {
    profile: i64,
    period: i64,
}

fn layouts(connection: &Connection, id: MeterId, profile: Obis) -> Result<Vec<Layout>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT id, layout FROM profile WHERE meter_id = ?1 AND obis = ?2")?;
    let mut rows = statement.query(params![id.0, profile.0])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let layout: ProfileLayout = from_json(&get::<String>(row, 1)?, "a profile's layout")?;
        let period = i64::from(layout.period_seconds) * 1_000_000;
        if period > 0 {
            all.push(Layout { profile: get(row, 0)?, period });
        }
    }
    Ok(all)
}

/// Intervals that are missing between two neighbouring ends. Rounded: a local day has 23 or 25 hours.
const fn missing(after: i64, before: i64, period: i64) -> i64 {
    (before - after + period / 2) / period - 1
}

/// Marks a day whose number of intervals says nothing of gaps.
pub(super) fn note_day(
    connection: &Connection,
    place: Place,
    rows: &[ProfileRow],
    period_seconds: u32,
) -> Result<(), Trouble> {
    let period = i64::from(period_seconds) * 1_000_000;
    let is_odd = |pair: &[ProfileRow]| match pair {
        [one, other] => {
            let apart = micros(other.end) - micros(one.end);
            apart == 0 || period > 0 && apart % period != 0
        }
        _ => false,
    };
    if rows.windows(2).any(is_odd) {
        connection
            .prepare_cached("INSERT OR IGNORE INTO odd_day VALUES (?1, ?2)")?
            .execute(params![place.profile, place.day])?;
    }
    Ok(())
}

/// Keeps that intervals came with stamps in the future.
pub(super) fn note_ahead(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
    rows: &[ProfileRow],
    now: Timestamp,
) -> Result<(), Trouble> {
    let limit = now.checked_add(AHEAD).unwrap_or(now);
    let ahead = || rows.iter().map(|row| row.end).filter(|end| *end > limit).map(micros);
    let (Some(first), Some(last)) = (ahead().min(), ahead().max()) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO stamped_ahead VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
             first = min(first, excluded.first), last = max(last, excluded.last)",
        )?
        .execute(params![id.0, profile.0, first, last])?;
    Ok(())
}

fn ahead(connection: &Connection, id: MeterId, profile: Obis) -> Result<Option<Stretch>, Trouble> {
    let mut statement = connection
        .prepare_cached("SELECT first, last FROM stamped_ahead WHERE meter_id = ?1 AND profile = ?2")?;
    Ok(statement.query_row(params![id.0, profile.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Stretches of one layout without a gap, up to `now`.
fn covered(connection: &Connection, layout: &Layout, now: i64) -> Result<Vec<Stretch>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT day_block.day, intervals, first_end, last_end, odd_day.day IS NOT NULL, 1
         FROM day_block LEFT JOIN odd_day USING (profile_id, day)
         WHERE profile_id = ?1 AND first_end <= ?2
         UNION ALL SELECT month_block.day, intervals, first_end, last_end,
           EXISTS (SELECT 1 FROM odd_day WHERE odd_day.profile_id = month_block.profile_id
                   AND odd_day.day BETWEEN month_block.day AND month_block.day + days - 1), days
         FROM month_block WHERE profile_id = ?1 AND first_end <= ?2 ORDER BY 1",
    )?;
    let mut days = statement.query(params![layout.profile, now])?;
    let mut all: Vec<Stretch> = Vec::new();
    let mut add = |(first, last): Stretch| match all.last_mut() {
        Some(open) if missing(open.1, first, layout.period) <= 0 => open.1 = open.1.max(last),
        _ => all.push((first, last)),
    };
    while let Some(row) = days.next()? {
        let (count, first, last): (i64, i64, i64) = (get(row, 1)?, get(row, 2)?, get(row, 3)?);
        let is_odd: bool = get(row, 4)?;
        let is_whole = !is_odd && last <= now && missing(first, last, layout.period) + 2 == count;
        if is_whole {
            add((first, last));
            continue;
        }
        let place = Place { profile: layout.profile, day: get(row, 0)? };
        let span = Span { place, days: get(row, 5)? };
        for end in stored_rows(connection, span)?.iter().map(|row| micros(row.end)) {
            if end <= now {
                add((end, end));
            }
        }
    }
    Ok(all)
}

/// End of the last stored interval of a profile, or the last event of a log, that is not after `limit`.
pub(super) fn last_end(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
    limit: i64,
) -> Result<Option<i64>, Trouble> {
    let mut last: Option<i64> = connection
        .prepare_cached("SELECT max(at) FROM event WHERE meter_id = ?1 AND log = ?2 AND at <= ?3")?
        .query_row(params![id.0, profile.0, limit], |row| row.get(0))?;
    let mut newest = connection.prepare_cached(
        "SELECT profile_id, day, last_end, 1 FROM profile JOIN day_block ON profile_id = profile.id
         WHERE meter_id = ?1 AND obis = ?2 AND first_end <= ?3
         AND day = (SELECT max(day) FROM day_block AS other
                    WHERE other.profile_id = profile.id AND other.first_end <= ?3)
         UNION ALL
         SELECT profile_id, day, last_end, days FROM profile JOIN month_block ON profile_id = profile.id
         WHERE meter_id = ?1 AND obis = ?2 AND first_end <= ?3
         AND day = (SELECT max(day) FROM month_block AS other
                    WHERE other.profile_id = profile.id AND other.first_end <= ?3)",
    )?;
    let mut rows = newest.query(params![id.0, profile.0, limit])?;
    while let Some(row) = rows.next()? {
        let place = Place { profile: get(row, 0)?, day: get(row, 1)? };
        let (end, span): (i64, Span) = (get(row, 2)?, Span { place, days: get(row, 3)? });
        let end = if end <= limit {
            Some(end)
        } else {
            let ends = stored_rows(connection, span)?.into_iter().map(|row| micros(row.end));
            ends.filter(|end| *end <= limit).max()
        };
        last = last.max(end);
    }
    Ok(last)
}

/// What is stored of a profile up to `now`, as stretches without a gap, with the period of each beginning.
fn stretches(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
    now: Timestamp,
) -> Result<Vec<(Stretch, i64)>, Trouble> {
    let mut all = Vec::new();
    for layout in layouts(connection, id, profile)? {
        let covered = covered(connection, &layout, micros(now))?;
        all.extend(covered.into_iter().map(|stretch| (stretch, layout.period)));
    }
    all.sort_unstable();
    let mut whole: Vec<(Stretch, i64)> = Vec::with_capacity(all.len());
    for ((first, last), period) in all {
        match whole.last_mut() {
            Some((open, _)) if missing(open.1, first, period) <= 0 => open.1 = open.1.max(last),
            _ => whole.push(((first, last), period)),
        }
    }
    Ok(whole)
}

/// Gaps between stored intervals, oldest first, with their period.
fn between(whole: &[(Stretch, i64)]) -> impl Iterator<Item = (Stretch, i64)> {
    whole.windows(2).filter_map(|pair| match pair {
        [(before, _), (after, period)] => Some(((before.1, after.0), *period)),
        _ => None,
    })
}

fn note(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
    (after, before): Stretch,
) -> Result<Option<GapReason>, Trouble> {
    let text: Option<String> = connection
        .prepare_cached(
            "SELECT reason FROM gap_note WHERE meter_id = ?1 AND profile = ?2 AND after <= ?3 AND before >= ?4
             ORDER BY noted_at DESC LIMIT 1",
        )?
        .query_row(params![id.0, profile.0, after, before], |row| row.get(0))
        .optional()?;
    text.map(|text| from_json(&text, "the reason of a gap")).transpose()
}

fn gap(profile: Obis, (after, before): Stretch, intervals: i64, reason: GapReason) -> Result<Gap, Trouble> {
    let intervals = u64::try_from(intervals).unwrap_or(0);
    Ok(Gap { profile, after: instant(after)?, before: instant(before)?, intervals, reason })
}

fn profiles(connection: &Connection, id: MeterId) -> Result<Vec<Obis>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT DISTINCT obis FROM profile WHERE meter_id = ?1 ORDER BY obis")?;
    let mut rows = statement.query([id.0])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(obis(&get::<Vec<u8>>(row, 0)?)?);
    }
    Ok(all)
}

/// The last failure of a meter in words, where its last read failed.
fn last_failure(connection: &Connection, id: MeterId) -> Result<Option<String>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT last_ok, last_result FROM meter WHERE id = ?1")?;
    let (ok, words): (Option<bool>, Option<String>) =
        statement.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(words.filter(|_| ok == Some(false)))
}

/// All gaps of a profile up to `now`, what was not read yet included.
fn gaps_of(connection: &Connection, id: MeterId, profile: Obis, now: Timestamp) -> Result<Vec<Gap>, Trouble> {
    let whole = stretches(connection, id, profile, now)?;
    let mut all = Vec::new();
    for (stretch, period) in between(&whole) {
        let reason = note(connection, id, profile, stretch)?.unwrap_or(GapReason::NotAsked);
        all.push(gap(profile, stretch, missing(stretch.0, stretch.1, period), reason)?);
    }
    let Some(((_, last), period)) = whole.last() else { return Ok(all) };
    if let Some((first, until)) = ahead(connection, id, profile)? {
        let stretch = (first - period, until);
        all.push(gap(profile, stretch, missing(stretch.0, until + period, *period), GapReason::ClockAhead)?);
    }
    let since = (micros(now) - last) / period;
    if since > 0 {
        let reason = GapReason::NotRead(last_failure(connection, id)?);
        all.push(gap(profile, (*last, last + since * period), since, reason)?);
    }
    Ok(all)
}

/// Stretches to ask for again, oldest first, those near to each other joined.
fn to_ask(
    connection: &Connection,
    id: MeterId,
    profile: Obis,
    now: Timestamp,
) -> Result<Vec<Stretch>, Trouble> {
    let whole = stretches(connection, id, profile, now)?;
    let mut wanted = Vec::new();
    for (stretch, _) in between(&whole) {
        if !note(connection, id, profile, stretch)?.is_some_and(|reason| reason.is_final()) {
            wanted.push(stretch);
        }
    }
    let period = whole.last().map_or(0, |(_, period)| *period);
    if let Some((first, last)) = ahead(connection, id, profile)?.filter(|(first, _)| *first <= micros(now)) {
        wanted.push((first - period, last.min(micros(now))));
    }
    wanted.sort_unstable();
    let near = i64::try_from(NEAR.as_micros()).unwrap_or(i64::MAX);
    let mut joined: Vec<Stretch> = Vec::new();
    for (after, before) in wanted {
        match joined.last_mut() {
            Some(open) if after - open.1 < near => open.1 = open.1.max(before),
            _ => joined.push((after, before)),
        }
    }
    joined.truncate(MOST_STRETCHES);
    Ok(joined)
}

impl StoreReader {
    /// The gaps of all profiles of a meter that have a period, oldest first, with their reasons. What lies after the
    /// last interval is one too.
    ///
    /// # Errors
    /// A block is damaged: the error names meter, profile and day.
    pub fn gaps(&self, id: MeterId, now: Timestamp) -> Result<Vec<Gap>, StoreError> {
        self.read(|connection| {
            let mut all = Vec::new();
            for profile in profiles(connection, id)? {
                all.extend(gaps_of(connection, id, profile, now)?);
            }
            Ok(all)
        })
    }

    /// Why no interval of a meter is stored: what its last read failed of, or that there was none. Nothing where some
    /// are stored, or the last read went well and gave none.
    ///
    /// # Errors
    /// There is no such meter, or the store cannot be read.
    pub fn unread(&self, id: MeterId) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let mut blocks = connection.prepare_cached(
                "SELECT 1 FROM profile JOIN day_block ON profile_id = profile.id WHERE meter_id = ?1 LIMIT 1",
            )?;
            if blocks.exists([id.0])? {
                return Ok(None);
            }
            let mut meter =
                connection.prepare_cached("SELECT last_ok, last_result FROM meter WHERE id = ?1")?;
            let (ok, words): (Option<bool>, Option<String>) =
                meter.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(match ok {
                Some(true) => None,
                _ => Some(words.unwrap_or_else(|| "it was never read".to_owned())),
            })
        })
    }

    /// What a read should ask a profile for besides what lies after [`StoreReader::last_end_until`]: stretches by the
    /// ends of the intervals around them, oldest first. What the meter cannot give is left out, and so is what is too
    /// much for one read: the next one goes on.
    ///
    /// # Errors
    /// A block is damaged: the error names meter, profile and day.
    pub fn gaps_to_ask(
        &self,
        id: MeterId,
        profile: Obis,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        self.read(|connection| {
            let wanted = to_ask(connection, id, profile, now)?;
            wanted.into_iter().map(|(after, before)| Ok((instant(after)?, instant(before)?))).collect()
        })
    }

    /// End of the last stored interval of a profile, or the last event of a log, that is not after `now`: a clock
    /// that ran ahead does not hide what was captured since it was set.
    ///
    /// # Errors
    /// A block is damaged: the error names meter, profile and day.
    pub fn last_end_until(
        &self,
        id: MeterId,
        profile: Obis,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let limit = micros(now);
            let last = match pushed::asked_until(connection, id, profile)? {
                None => last_end(connection, id, profile, limit)?,
                Some(None) => None,
                Some(Some(until)) => last_end(connection, id, profile, limit.min(until))?,
            };
            maybe_instant(last)
        })
    }
}

impl Store {
    /// Keeps what a meter's answers say of the gaps in the stretches that it was asked for: whatever still lies open
    /// there is final, since the meter gave all that it has.
    ///
    /// # Errors
    /// There is no such meter, or a block is damaged.
    pub fn note_asked(
        &mut self,
        id: MeterId,
        profile: Obis,
        asked: &[Asked],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Most reads leave no gap: those need no transaction that writes.
        let open = self.read(|connection| {
            let is_inside = |(after, before): &Stretch| {
                asked.iter().any(|asked| micros(asked.from) <= *after && *before <= micros(asked.to))
            };
            let whole = stretches(connection, id, profile, now)?;
            let mut open = Vec::new();
            for (stretch, _) in between(&whole).filter(|(stretch, _)| is_inside(stretch)) {
                if note(connection, id, profile, stretch)?.is_none() {
                    open.push(stretch);
                }
            }
            Ok((open, ahead(connection, id, profile)?))
        })?;
        let (gaps, ahead) = open;
        let passed = ahead.and_then(|(first, last)| {
            let covers = |asked: &&Asked| micros(asked.from) < first && micros(asked.to) >= first;
            let until = micros(asked.iter().find(covers)?.to);
            Some((until, last))
        });
        if gaps.is_empty() && passed.is_none() {
            return Ok(());
        }
        self.write(|connection, _| {
            require_meter(connection, id)?;
            let mut put = connection
                .prepare_cached("INSERT OR REPLACE INTO gap_note VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for (after, before) in gaps {
                let answers =
                    asked.iter().filter(|one| micros(one.from) <= after && before <= micros(one.to));
                let first = answers.filter_map(|one| one.first).min();
                let reason = match first {
                    Some(first) if micros(first) <= after => GapReason::NotRecorded,
                    first => GapReason::NotHeld(first),
                };
                put.execute(params![id.0, profile.0, after, before, to_json(&reason)?, micros(now)])?;
            }
            match passed {
                Some((until, last)) if until >= last => {
                    connection
                        .prepare_cached("DELETE FROM stamped_ahead WHERE meter_id = ?1 AND profile = ?2")?
                        .execute(params![id.0, profile.0])?;
                }
                Some((until, _)) => {
                    connection
                        .prepare_cached(
                            "UPDATE stamped_ahead SET first = ?3 WHERE meter_id = ?1 AND profile = ?2",
                        )?
                        .execute(params![id.0, profile.0, until + 1])?;
                }
                None => {}
            }
            Ok(())
        })
    }
}
