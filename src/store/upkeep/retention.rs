//! What is kept for how long, and what would go.
//!
//! | kind | without a setting | goes by itself at night |
//! | --- | --- | --- |
//! | intervals, with the versions that were replaced and the notes on gaps | for ever | no |
//! | registers, billing periods, events, instantaneous values | for ever | no |
//! | traffic | 30 days | yes |
//! | results of jobs | 13 months | yes |
//! | outcomes of list runs (their counts stay) | 13 months | yes |
//!
//! Readings go only when a person who was shown how many says so. The audit chain, schemes, ratios, clock comparisons
//! and what flashes did are kept for ever. Of every register, log, billing history and profile the newest stays
//! whatever its age: it is where the next reading goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::model::text::words;
use crate::store::block::day_of;
use crate::store::columns::{get, maybe_instant, micros, uncount};
use crate::store::error::Trouble;
use crate::store::{Store, StoreError, StoreReader, audit, settings};

/// The setting that holds [`Retention`].
pub const RETENTION_SETTING: &str = "retention";

words! {
    /// A kind of data that may be disposed of.
    Kind: "a kind of data" {
        /// Intervals of profiles.
        Intervals = "intervals",
        /// Readings of registers.
        Registers = "registers",
        /// Closed billing periods.
        Billing = "billing",
        /// Events of meters.
        Events = "events",
        /// Instantaneous values.
        Instantaneous = "instantaneous",
        /// What went over the line.
        Traces = "traces",
        /// Jobs and how each of their meters ended.
        Jobs = "jobs",
        /// How each meter of a list's run ended.
        Outcomes = "outcomes",
    }
}

impl Kind {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intervals => "Intervals",
            Self::Registers => "Registers",
            Self::Billing => "Billing periods",
            Self::Events => "Events",
            Self::Instantaneous => "Instantaneous values",
            Self::Traces => "Traffic",
            Self::Jobs => "Results of jobs",
            Self::Outcomes => "Outcomes of list runs",
        }
    }

    /// Whether it came from meters and cannot be had again: it never goes by itself.
    #[must_use]
    pub const fn is_reading(self) -> bool {
        !matches!(self, Self::Traces | Self::Jobs | Self::Outcomes)
    }

    const fn usual(self) -> Option<Age> {
        match self {
            Self::Traces => Some(Age::Days(30)),
            Self::Jobs | Self::Outcomes => Some(Age::Months(13)),
            _ => None,
        }
    }
}

/// How old something may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Age {
    /// So many days.
    Days(u32),
    /// So many months of the calendar, in UTC.
    Months(u32),
}

impl Age {
    /// What is before this instant is older; the least instant where the age reaches back beyond the calendar.
    #[must_use]
    pub fn cutoff(self, now: Timestamp) -> Timestamp {
        let back = match self {
            Self::Days(days) => Span::new().try_days(days),
            Self::Months(months) => Span::new().try_months(months),
        };
        let then = back.and_then(|back| now.to_zoned(TimeZone::UTC).checked_sub(back));
        then.map_or(Timestamp::MIN, |then| then.timestamp())
    }
}

impl fmt::Display for Age {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match *self {
            Self::Days(days) => (days, "day"),
            Self::Months(months) if months.is_multiple_of(12) && months > 0 => (months / 12, "year"),
            Self::Months(months) => (months, "month"),
        };
        let plural = if number == 1 { "" } else { "s" };
        write!(out, "{number} {unit}{plural}")
    }
}

/// Beyond this a number is a slip of the finger.
const MOST_YEARS: u32 = 100;

impl FromStr for Age {
    type Err = String;

    /// `30 days`, `13 months`, `7 years`, with or without the space; at least a day.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no length of time: write 30 days, 13 months or 7 years");
        let text = text.trim();
        let split = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let (age, most) = match unit.trim() {
            "d" | "day" | "days" => (Self::Days(number), MOST_YEARS * 366),
            "m" | "month" | "months" => (Self::Months(number), MOST_YEARS * 12),
            "y" | "year" | "years" => (Self::Months(number.saturating_mul(12)), MOST_YEARS),
            _ => return Err(wrong()),
        };
        if number == 0 || number > most { Err(wrong()) } else { Ok(age) }
    }
}

/// What is kept for how long; what has no age is kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    ages: BTreeMap<Kind, Option<Age>>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ages: Kind::ALL.iter().map(|kind| (*kind, kind.usual())).collect() }
    }
}

impl Retention {
    /// The age of a kind; nothing is for ever.
    #[must_use]
    pub fn age(&self, kind: Kind) -> Option<Age> {
        self.ages.get(&kind).copied().flatten()
    }

    /// Sets the age of a kind.
    ///
    /// # Errors
    /// Readings would go before they are 35 days old: the next monthly reading may still be compared with them.
    pub fn set(&mut self, kind: Kind, age: Option<Age>) -> Result<(), String> {
        let is_short = match age {
            Some(Age::Days(days)) => days < 35,
            Some(Age::Months(months)) => months < 2,
            None => false,
        };
        if kind.is_reading() && is_short {
            return Err(format!("{} are kept for two months at least, or 35 days", kind.word()));
        }
        self.ages.insert(kind, age);
        Ok(())
    }

    /// The document of the setting; a kind that it does not name, and what does not read, is as without a setting.
    #[must_use]
    pub fn from_setting(text: Option<&str>) -> Self {
        let mut retention = Self::default();
        let given: BTreeMap<String, String> =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for (kind, age) in given {
            let Ok(kind) = kind.parse() else { continue };
            let age = if age == "ever" { Some(None) } else { age.parse().ok().map(Some) };
            // What is too short was not written by this program.
            let _too_short = age.map(|age| retention.set(kind, age));
        }
        retention
    }

    /// The setting's text.
    #[must_use]
    pub fn to_setting(&self) -> String {
        let words: BTreeMap<&str, String> = self
            .ages
            .iter()
            .map(|(kind, age)| (kind.word(), age.map_or_else(|| "ever".to_owned(), |age| age.to_string())))
            .collect();
        // Texts by texts always serialise.
        serde_json::to_string(&words).unwrap_or_default()
    }

    /// The kinds that have an age, with the instant before which they go.
    #[must_use]
    pub fn cutoffs(&self, now: Timestamp) -> Vec<(Kind, Timestamp)> {
        let cutoff = |kind: &Kind| self.age(*kind).map(|age| (*kind, age.cutoff(now)));
        Kind::ALL.iter().filter_map(cutoff).collect()
    }
}

/// What would go, or went, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// What.
    pub kind: Kind,
    /// What is before this goes.
    pub cutoff: Timestamp,
    /// How many intervals, readings, events, billing periods, records, jobs or outcomes.
    pub items: u64,
    /// Roughly how many bytes they take.
    pub bytes: u64,
    /// The oldest of them.
    pub oldest: Option<Timestamp>,
}

/// What a `SELECT` of number, bytes and oldest gives.
fn sums(row: &Row<'_>) -> rusqlite::Result<(i64, i64, Option<i64>)> {
    Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or(0), row.get(2)?))
}

/// Readings of a register that may go: all before the instant but the newest.
pub(super) const OLD_READINGS: &str = "SELECT id, read_at, value, stamp FROM reading WHERE register_id = ?1
    AND read_at < ?2 AND id < (SELECT max(id) FROM reading WHERE register_id = ?1) ORDER BY id";
/// Events of a meter that may go: all before the instant but the newest of each log.
pub(super) const OLD_EVENTS: &str = "SELECT id, at, log, text, detail, stamp, code, until FROM event
    WHERE meter_id = ?1 AND at < ?2
    AND at < (SELECT max(at) FROM event AS newer WHERE newer.meter_id = ?1 AND newer.log = event.log)
    ORDER BY at, id";
/// Billing periods of a meter that may go: all before the instant but the newest.
pub(super) const OLD_SETS: &str = "SELECT id, at FROM billing_set WHERE meter_id = ?1 AND at < ?2
    AND at < (SELECT max(at) FROM billing_set AS newer WHERE newer.meter_id = ?1) ORDER BY at, id";
/// Blocks of a profile that may go: whole before a day, and not the newest.
pub(super) const OLD_BLOCKS: &str = "SELECT day, 1, intervals, first_end, block FROM day_block
      WHERE profile_id = ?1 AND day < ?2 AND day < ?3
    UNION ALL SELECT day, days, intervals, first_end, block FROM month_block
      WHERE profile_id = ?1 AND day + days <= ?2 AND day < ?3 ORDER BY 1";
/// Runs whose outcomes may go: ended before the instant, and not the last that counts of its list.
pub(super) const OLD_RUNS: &str = "SELECT id, started FROM list_run WHERE ended < ?1 AND kept_meters IS NULL
    AND id NOT IN (SELECT max(id) FROM list_run WHERE state IN ('done', 'interrupted') GROUP BY list_id)
    ORDER BY id";

/// The first day of the newest block of a profile.
pub(super) fn newest_day(connection: &Connection, profile: i64) -> Result<i32, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT max(day) FROM (SELECT max(day) AS day FROM day_block WHERE profile_id = ?1
         UNION ALL SELECT max(day) FROM month_block WHERE profile_id = ?1)",
    )?;
    let newest: Option<i32> = statement.query_row([profile], |row| row.get(0))?;
    Ok(newest.unwrap_or(i32::MIN))
}

/// The first day that stays when what ends up to an instant goes: that in which the instant lies.
pub(super) fn first_day_kept(cutoff: Timestamp) -> i32 {
    day_of(cutoff.checked_add(SignedDuration::from_nanos(1)).unwrap_or(cutoff))
}

/// Numbers in a column, for going through one after the other.
pub(super) fn numbers(connection: &Connection, sql: &str) -> Result<Vec<i64>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(get(row, 0)?);
    }
    Ok(all)
}

/// The owners of what may go of a kind, by number.
pub(super) fn owners(connection: &Connection, kind: Kind) -> Result<Vec<i64>, Trouble> {
    let sql = match kind {
        Kind::Intervals => "SELECT id FROM profile ORDER BY id",
        Kind::Registers => "SELECT id FROM register WHERE instantaneous = 0 ORDER BY id",
        Kind::Instantaneous => "SELECT id FROM register WHERE instantaneous <> 0 ORDER BY id",
        Kind::Billing | Kind::Events => "SELECT id FROM meter ORDER BY id",
        Kind::Traces | Kind::Jobs | Kind::Outcomes => return Ok(Vec::new()),
    };
    numbers(connection, sql)
}

fn expiry(connection: &Connection, kind: Kind, cutoff: Timestamp) -> Result<Expiry, Trouble> {
    let before = micros(cutoff);
    let mut sum = (0i64, 0i64, None::<i64>);
    let mut add = |(items, bytes, oldest): (i64, i64, Option<i64>)| {
        sum.0 += items;
        sum.1 += bytes;
        sum.2 = sum.2.into_iter().chain(oldest).min();
    };
    let by_owner = match kind {
        Kind::Registers | Kind::Instantaneous => Some((
            format!(
                "SELECT count(*), sum(length(value) + ifnull(length(stamp), 0) + 32), min(read_at) FROM ({OLD_READINGS})"
            ),
            None,
        )),
        Kind::Events => Some((
            format!(
                "SELECT count(*), sum(length(text) + length(detail) + ifnull(length(stamp), 0) + 32), min(at) FROM ({OLD_EVENTS})"
            ),
            None,
        )),
        Kind::Billing => Some((
            format!(
                "SELECT count(*), sum((SELECT sum(length(value) + length(name) + 48) FROM billing_register
                 WHERE set_id = old.id)), min(at) FROM ({OLD_SETS}) AS old"
            ),
            None,
        )),
        Kind::Intervals => Some((
            format!("SELECT sum(intervals), sum(length(block) + 32), min(first_end) FROM ({OLD_BLOCKS})"),
            Some(first_day_kept(cutoff)),
        )),
        Kind::Traces | Kind::Jobs | Kind::Outcomes => None,
    };
    match by_owner {
        Some((sql, kept)) => {
            let mut statement = connection.prepare_cached(&sql)?;
            for owner in owners(connection, kind)? {
                let found = match kept {
                    Some(kept) => {
                        let newest = newest_day(connection, owner)?;
                        let count = |row: &Row<'_>| {
                            Ok((
                                row.get::<_, Option<i64>>(0)?.unwrap_or(0),
                                row.get::<_, Option<i64>>(1)?.unwrap_or(0),
                                row.get(2)?,
                            ))
                        };
                        statement.query_row(params![owner, kept, newest], count)?
                    }
                    None => statement.query_row(params![owner, before], sums)?,
                };
                add(found);
            }
        }
        None => {
            let sql = match kind {
                Kind::Traces => {
                    "SELECT count(*), sum(length(bytes) + length(masked) + 48), min(at) FROM trace
                     WHERE job_id IN (SELECT id FROM job WHERE trace_bytes > 0 AND submitted < ?1)"
                }
                Kind::Jobs => {
                    "SELECT count(*), count(*) * 64 + (SELECT count(*) * 80 FROM job_result
                       WHERE job_id IN (SELECT id FROM job WHERE submitted < ?1)), min(submitted)
                     FROM job WHERE submitted < ?1"
                }
                _ => {
                    "SELECT count(*), sum(length(words) + length(line) + 64), min(at) FROM list_outcome
                     WHERE run_id IN (SELECT id FROM list_run WHERE ended < ?1 AND kept_meters IS NULL
                       AND id NOT IN (SELECT max(id) FROM list_run
                                      WHERE state IN ('done', 'interrupted') GROUP BY list_id))"
                }
            };
            add(connection.query_row(sql, [before], sums)?);
        }
    }
    Ok(Expiry { kind, cutoff, items: uncount(sum.0), bytes: uncount(sum.1), oldest: maybe_instant(sum.2)? })
}

impl StoreReader {
    /// What is kept for how long.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn retention(&self) -> Result<Retention, StoreError> {
        Ok(Retention::from_setting(self.setting(RETENTION_SETTING)?.as_deref()))
    }

    /// What would go now of the kinds that have an age. It looks through all that is old, which takes its time.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn expiries(&self, retention: &Retention, now: Timestamp) -> Result<Vec<Expiry>, StoreError> {
        let one = |(kind, cutoff)| self.read(|connection| expiry(connection, kind, cutoff));
        retention.cutoffs(now).into_iter().map(one).collect()
    }
}

impl Store {
    /// Sets what is kept for how long; the audit chain tells of it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn put_retention(&mut self, retention: &Retention, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let before = Retention::from_setting(settings::get(connection, RETENTION_SETTING)?.as_deref());
            let text = retention.to_setting();
            connection
                .prepare_cached(
                    "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
                )?
                .execute([RETENTION_SETTING, &text])?;
            let words = |age: Option<Age>| age.map_or_else(|| "for ever".to_owned(), |age| age.to_string());
            let changes: Vec<String> = Kind::ALL
                .iter()
                .filter(|kind| before.age(**kind) != retention.age(**kind))
                .map(|kind| {
                    let (old, new) = (words(before.age(*kind)), words(retention.age(*kind)));
                    format!("{}: {new} instead of {old}", kind.word())
                })
                .collect();
            if changes.is_empty() {
                return Ok(());
            }
            audit::append(connection, now, actor, "retention changed", &changes.join("; "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_reads_back_as_it_is_written() {
        for (text, age) in [
            ("30 days", Age::Days(30)),
            ("1 day", Age::Days(1)),
            ("13 months", Age::Months(13)),
            ("7 years", Age::Months(84)),
        ] {
            assert_eq!(text.parse(), Ok(age));
            assert_eq!(age.to_string(), text);
        }
        assert_eq!("13m".parse(), Ok(Age::Months(13)));
        for wrong in ["", "7", "0 days", "years", "-1 days", "7 weeks", "4000000000 years", "101 years"] {
            assert!(wrong.parse::<Age>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_age_in_months_goes_by_the_calendar() {
        let now = "2026-03-31T12:00:00Z".parse().unwrap();
        assert_eq!(Age::Months(1).cutoff(now).to_string(), "2026-02-28T12:00:00Z");
        assert_eq!(Age::Days(30).cutoff(now).to_string(), "2026-03-01T12:00:00Z");
        assert_eq!(Age::Months(4_000_000_000).cutoff(now), Timestamp::MIN);
    }

    #[test]
    fn readings_are_kept_for_ever_unless_somebody_says_otherwise() {
        let retention = Retention::from_setting(None);
        assert!(Kind::ALL.iter().filter(|kind| kind.is_reading()).all(|kind| retention.age(*kind).is_none()));
        assert_eq!(retention.age(Kind::Traces), Some(Age::Days(30)));
        let mut changed = retention.clone();
        changed.set(Kind::Intervals, Some(Age::Months(120))).unwrap();
        changed.set(Kind::Traces, None).unwrap();
        assert!(changed.set(Kind::Registers, Some(Age::Days(10))).is_err());
        assert_eq!(Retention::from_setting(Some(&changed.to_setting())), changed);
        assert_eq!(Retention::from_setting(Some("{\"intervals\": \"soon\"}")), retention);
        assert_eq!(Retention::from_setting(Some("nonsense")), retention);
    }
}
