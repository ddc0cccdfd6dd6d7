//! A profile's buffer as rows with their instants: null and missing stamps, deltas, compact arrays, every order.

use std::cmp::Ordering;

use jiff::tz::{AmbiguousOffset, Offset};
use jiff::{SignedDuration, Timestamp};

use crate::model::template::NullValue;
use crate::model::{ClockRule, ColumnRole, Decimal, IntervalStatus, MeterStamp, ProfileColumns, ZonePolicy};
use crate::protocol::dlms::Data;
use crate::protocol::dlms::table::{Field, Table};

use super::super::values::number;

const DAY_SECONDS: u32 = 86_400;

/// One field of a row, with what the meter left out put back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'d> {
    /// The meter gave nothing.
    Absent,
    /// As received.
    Given(Field<'d>),
    /// A delta added to the value before it.
    Whole(i128),
    /// A delta with no number before it to add it to.
    Loose(i128),
}

impl Cell<'_> {
    /// The value as data, where the meter gave one.
    pub(super) fn data(&self) -> Option<Data> {
        match self {
            Self::Absent => None,
            Self::Given(field) => field.data(),
            Self::Whole(value) => i64::try_from(*value).ok().map(Data::I64),
            Self::Loose(delta) => {
                Some(Data::Visible(format!("a difference of {delta} to nothing").into_bytes()))
            }
        }
    }

    /// Whether the meter gave something, if only octets: no null-data and no empty string.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Given(field) => !field.is_empty(),
            Self::Whole(_) | Self::Loose(_) => true,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row<'d> {
    /// What the stamp says, in UTC.
    pub(super) at: Timestamp,
    /// The stamp as received; nothing where the row carried none.
    pub(super) stamp: Option<MeterStamp>,
    /// What this program found in reading the stamp.
    pub(super) flags: IntervalStatus,
    /// One field a column.
    pub(super) cells: Vec<Cell<'d>>,
}

/// Rows, oldest first, each once, and what had to be left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows<'d> {
    /// The rows.
    pub(super) rows: Vec<Row<'d>>,
    /// Rows that could not be read, each with its reason.
    pub(super) lost: Vec<String>,
    /// Rows have another number of fields than were captured when the columns were asked for.
    pub(super) columns_changed: bool,
    /// Whether the buffer begins with the newest row; nothing where the stamps do not tell.
    pub(super) newest_first: Option<bool>,
}

/// How to read rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// The columns.
    pub(super) columns: &'a ProfileColumns,
    /// Stamps.
    pub(super) rule: &'a ClockRule,
    /// What null-data means in a value column.
    pub(super) null_value: NullValue,
}

/// A point in time as a cell gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stamp {
    /// Left out: the one before and a period.
    Null,
    /// Wall time at the meter.
    Wall(MeterStamp),
    /// Seconds since 1970.
    Unix(i64),
    /// No time at all: what follows it cannot lean on it.
    Broken(&'static str),
}

fn stamp(field: &Field<'_>) -> Option<Stamp> {
    if field.is_nothing() {
        return Some(Stamp::Null);
    }
    if let Some(stamp) = field.date_time() {
        return stamp.stamp().map(Stamp::Wall);
    }
    let data = field.data()?;
    match &data {
        Data::Octets(bytes) if bytes.is_empty() => Some(Stamp::Null),
        Data::U32(seconds) => Some(Stamp::Unix(i64::from(*seconds))),
        Data::I64(_) | Data::U64(_) => Some(Stamp::Unix(i64::try_from(data.integer()?).ok()?)),
        // All attributes of the clock, or a structure around the stamp.
        Data::Structure(fields) | Data::Array(fields) => {
            fields.iter().find_map(|field| Some(Stamp::Wall(field.date_time()?.stamp()?)))
        }
        _ => data.date_time()?.stamp().map(Stamp::Wall),
    }
}

/// A row before its instant is known.
struct Raw<'d> {
    stamp: Stamp,
    cells: Vec<Cell<'d>>,
}

impl<'a> Reader<'a> {
    /// All rows of a buffer. Null-data and an empty octet-string are a buffer without rows
    /// (`facts/dlms-quirks.md`, 77).
    pub(super) fn rows<'d>(&self, buffer: &'d [u8]) -> Rows<'d> {
        let mut out = Rows::default();
        let table = match Table::decode(buffer) {
            Ok(Some(table)) => table,
            Ok(None) => {
                // Null-data, don't-care, or a string without contents.
                if !matches!(buffer, [0 | 255, ..] | [9 | 10 | 12, 0, ..]) {
                    out.lost.push("the buffer is no list of rows".to_owned());
                }
                return out;
            }
            Err(error) => {
                out.lost.push(error.to_string());
                return out;
            }
        };
        let raw = self.raw_rows(&table, &mut out);
        out.newest_first = stamped_newest_first(&raw);
        let times = self.times(&raw, out.newest_first.unwrap_or(self.columns.newest_first));
        for (found, raw) in times.into_iter().zip(raw) {
            match found {
                Ok((at, flags)) => {
                    let stamp = if let Stamp::Wall(stamp) = raw.stamp { Some(stamp) } else { None };
                    out.rows.push(Row { at, stamp, flags, cells: raw.cells });
                }
                Err(reason) => out.lost.push(reason),
            }
        }
        // Sorting is stable: rows of one instant stay in the meter's order.
        out.rows.sort_by_key(|row| row.at);
        // A meter that captures while it is read may give a row twice (`facts/dlms-quirks.md`, 80 and 81). Rows of
        // one instant that differ are both kept.
        out.rows.dedup();
        out
    }

    fn raw_rows<'d>(&self, table: &Table<'d>, out: &mut Rows<'d>) -> Vec<Raw<'d>> {
        let width = self.columns.columns.len();
        let clock = self.columns.columns.iter().position(|role| *role == ColumnRole::Clock);
        let mut before: Vec<Cell<'d>> = vec![Cell::Absent; width];
        let mut raw = Vec::with_capacity(table.len());
        for row in table.rows() {
            let broken = |why| Raw { stamp: Stamp::Broken(why), cells: Vec::new() };
            if !row.is_structure && width != 1 {
                raw.push(broken("it is no structure"));
                continue;
            }
            if row.width() != width {
                out.columns_changed = true;
                raw.push(broken("it has another number of fields than were captured"));
                continue;
            }
            let cells: Vec<Cell<'d>> = row
                .fields()
                .zip(&before)
                .enumerate()
                .map(
                    |(column, (field, before))| {
                        if Some(column) == clock { Cell::Given(field) } else { self.cell(field, *before) }
                    },
                )
                .collect();
            before.clone_from(&cells);
            let stamped = clock.and_then(|column| row.field(column));
            let found = stamped.map_or(Some(Stamp::Null), |field| stamp(&field));
            raw.push(Raw { stamp: found.unwrap_or(Stamp::Broken("its stamp makes no time")), cells });
        }
        raw
    }

    fn cell<'d>(&self, field: Field<'d>, before: Cell<'d>) -> Cell<'d> {
        let add = |delta: i128| {
            let base = match before {
                Cell::Whole(value) => Some(value),
                Cell::Given(field) => field.integer(),
                Cell::Absent | Cell::Loose(_) => None,
            };
            base.and_then(|base| base.checked_add(delta)).map_or(Cell::Loose(delta), Cell::Whole)
        };
        match field.delta() {
            _ if field.is_nothing() && self.null_value == NullValue::Repeat => before,
            _ if field.is_nothing() => Cell::Absent,
            Some(delta) => add(delta),
            None => Cell::Given(field),
        }
    }

    /// The instant of each row, in the order of the buffer.
    fn times(&self, raw: &[Raw<'_>], newest_first: bool) -> Vec<Result<(Timestamp, IntervalStatus), String>> {
        let mut times: Vec<Option<(Timestamp, IntervalStatus)>> = vec![None; raw.len()];
        // Stamps that are there, oldest first, so that a doubled hour can be told apart by the order of rows.
        let mut before: Option<Timestamp> = None;
        let in_time: Box<dyn Iterator<Item = usize>> =
            if newest_first { Box::new((0..raw.len()).rev()) } else { Box::new(0..raw.len()) };
        for place in in_time {
            let found = match raw.get(place).map(|row| row.stamp) {
                Some(Stamp::Wall(stamp)) => self.instant(&stamp, before),
                Some(Stamp::Unix(seconds)) => {
                    Timestamp::from_second(seconds).ok().map(|at| (at, IntervalStatus::empty()))
                }
                Some(Stamp::Null | Stamp::Broken(_)) | None => None,
            };
            if let Some((at, _)) = found {
                before = Some(at);
            }
            if let Some(slot) = times.get_mut(place) {
                *slot = found;
            }
        }
        // Stamps that were left out follow from their neighbour in the buffer (`facts/dlms-quirks.md`, 73).
        let mut last: Option<Timestamp> = None;
        raw.iter()
            .zip(times)
            .enumerate()
            .map(|(place, (row, found))| {
                let reckoned =
                    || Some((self.neighbour(last?, newest_first)?, IntervalStatus::STAMP_RECKONED));
                let found = if row.stamp == Stamp::Null { reckoned() } else { found };
                last = found.map(|(at, _)| at);
                let why = match row.stamp {
                    Stamp::Broken(why) => why,
                    Stamp::Null => "it has no stamp and none stands before it",
                    Stamp::Wall(_) | Stamp::Unix(_) => "its stamp is out of range",
                };
                found.ok_or_else(|| format!("row {}: {why}", place + 1))
            })
            .collect()
    }

    /// The instant one period on, or back. Periods of whole days are days of the meter's calendar, which daylight
    /// saving makes an hour shorter or longer.
    fn neighbour(&self, at: Timestamp, newest_first: bool) -> Option<Timestamp> {
        let seconds = i64::from(self.columns.layout.period_seconds);
        let period = SignedDuration::from_secs(if newest_first { -seconds } else { seconds });
        if seconds == 0 || seconds % i64::from(DAY_SECONDS) != 0 {
            return at.checked_add(period).ok();
        }
        let stamp = self.rule.to_stamp(at);
        let local = stamp.local.checked_add(period).ok()?;
        let stamp = MeterStamp { local, deviation_minutes: None, clock_status: None };
        self.rule.to_utc(&stamp, None).ok()
    }

    fn instant(&self, stamp: &MeterStamp, before: Option<Timestamp>) -> Option<(Timestamp, IntervalStatus)> {
        let at = self.rule.to_utc(stamp, before).ok()?;
        let mut flags = IntervalStatus::empty();
        if stamp.is_doubtful() {
            flags |= IntervalStatus::CLOCK_INVALID;
        }
        if self.is_ambiguous(stamp, at, before) {
            flags |= IntervalStatus::STAMP_AMBIGUOUS;
        }
        if self.is_off_grid(stamp) {
            flags |= IntervalStatus::OFF_GRID;
        }
        Some((at, flags))
    }

    /// Whether the zone skips or doubles the wall time and nothing told which instant is meant: no deviation, no
    /// daylight-saving bit, and it is not just a period after the row before.
    fn is_ambiguous(&self, stamp: &MeterStamp, at: Timestamp, before: Option<Timestamp>) -> bool {
        let by_deviation = self.rule.policy == ZonePolicy::Deviation && stamp.deviation_minutes.is_some();
        if by_deviation || self.rule.policy == ZonePolicy::StandardTime {
            return false;
        }
        match self.rule.zone.to_ambiguous_timestamp(stamp.local).offset() {
            AmbiguousOffset::Unambiguous { .. } => false,
            AmbiguousOffset::Gap { .. } => true,
            AmbiguousOffset::Fold { .. } => {
                let period = SignedDuration::from_secs(i64::from(self.columns.layout.period_seconds));
                let after = before.map(|before| at.duration_since(before));
                let follows = after.is_some_and(|after| after == period || after.is_zero());
                stamp.daylight_saving().is_none() && !follows
            }
        }
    }

    /// Whether a stamp lies between the marks of the period, which count from midnight at the meter.
    fn is_off_grid(&self, stamp: &MeterStamp) -> bool {
        let period = self.columns.layout.period_seconds;
        let time = stamp.local.time();
        let [hour, minute, second] =
            [time.hour(), time.minute(), time.second()].map(|one| u32::try_from(one).unwrap_or(0));
        let of_day = hour * 3600 + minute * 60 + second;
        period > 0 && DAY_SECONDS.is_multiple_of(period) && !of_day.is_multiple_of(period)
    }
}

/// The order of rows, where their own stamps tell it.
fn stamped_newest_first(raw: &[Raw<'_>]) -> Option<bool> {
    let rough = |row: &Raw<'_>| match row.stamp {
        Stamp::Null | Stamp::Broken(_) => None,
        Stamp::Wall(stamp) => Offset::UTC.to_timestamp(stamp.local).ok(),
        Stamp::Unix(seconds) => Timestamp::from_second(seconds).ok(),
    };
    let first = raw.iter().find_map(rough);
    let last = raw.iter().rev().find_map(rough);
    match first.cmp(&last) {
        Ordering::Less => Some(false),
        Ordering::Greater => Some(true),
        Ordering::Equal => None,
    }
}

/// The number in a field, unscaled: the element that the column points at, where the meter gave the whole structure.
pub(super) fn cell_number(cell: &Cell<'_>, data_index: u16) -> Option<Decimal> {
    match cell {
        Cell::Absent | Cell::Loose(_) => None,
        Cell::Whole(value) => Some(Decimal::new(*value, 0)),
        Cell::Given(field) => field.integer().map(|value| Decimal::new(value, 0)).or_else(|| {
            let data = field.data()?;
            if let Some(number) = number(&data) {
                return Some(number);
            }
            let fields = data.elements()?;
            let place = match data_index {
                // The whole object: the value follows the logical name.
                0 if fields.first()?.obis().is_some() => 1,
                0 => 0,
                index => usize::from(index) - 1,
            };
            number(fields.get(place)?)
        }),
    }
}
