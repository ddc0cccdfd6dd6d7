//! The codec of day blocks: the intervals of one profile that end in one UTC day, as bytes and back.
//!
//! Nothing is lost: powers of ten, digits of any length, absent values, the meter's own stamps and status words
//! come back exactly as they went in. It knows nothing of SQL.
//!
//! ```text
//! byte      version of this format: 1
//! varint    intervals, varint channels
//! byte      unit of time: 0 seconds, 1 milliseconds, 2 nanoseconds
//! runs      (count, zigzag difference to the end before, in that unit; the first to the start of the day)
//! runs      (count, status bits, 0 or 1 + raw status word, quality)
//! runs      (count, stamp: see `put_stamp`)
//! columns   one a channel: see `column`
//! 4 bytes   CRC-32 (IEEE), little-endian, over the block's place and all the bytes before
//! ```
//!
//! A run holds for `count` intervals in turn; runs end where all intervals are covered. A regular day of a quiet
//! meter has one run of each kind.

mod bytes;
mod column;
#[cfg(test)]
mod tests;

use jiff::civil::Time;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp};

use crate::model::{Decimal, IntervalStatus, MeterStamp, ProfileRow, Quality};

use bytes::{Reader, put, zigzag};

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;
const DAY_NS: i128 = 86_400 * 1_000_000_000;

/// More rows than this in one day are refused: one a second, and room for doubled hours.
pub(super) const MOST_ROWS: usize = 100_000;
/// More channels than this are refused.
pub(super) const MOST_CHANNELS: usize = 1_000;
/// More cells than this in one day are refused: what a damaged block can make a reader allocate.
const MOST_CELLS: usize = 4_000_000;

/// Where a block belongs. It goes into the checksum, so that a block in the wrong place counts as damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The profile's number.
    pub(super) profile: i64,
    /// Days since 1970-01-01.
    pub(super) day: i32,
}

/// Why a block could not be made or read, in words that follow a colon.
pub(super) type Reason = &'static str;

/// The UTC day that an interval belongs to: that which holds its last instant, so that the interval that ends at
/// midnight lies in the day that it measured.
pub(super) fn day_of(end: Timestamp) -> i32 {
    let day = (end.as_nanosecond() - 1).div_euclid(DAY_NS);
    // jiff's years −9999 to 9999 are under 8 million days.
    i32::try_from(day).unwrap_or(i32::MAX)
}

fn checksum(place: Place, body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&place.profile.to_le_bytes());
    hasher.update(&place.day.to_le_bytes());
    hasher.update(body);
    hasher.finalize().to_le_bytes()
}

/// Packs rows; they all have as many values as the first.
pub(super) fn encode(place: Place, rows: &[ProfileRow]) -> Result<Vec<u8>, Reason> {
    let channels = rows.first().map_or(0, |row| row.values.len());
    if rows.len() > MOST_ROWS || channels > MOST_CHANNELS || rows.len() * channels > MOST_CELLS {
        return Err("a day has more intervals than any meter captures");
    }
    if rows.iter().any(|row| row.values.len() != channels) {
        return Err("rows differ in their number of values");
    }
    let mut out = vec![VERSION];
    put(&mut out, rows.len() as u128);
    put(&mut out, channels as u128);
    put_ends(&mut out, place, rows);
    put_runs(&mut out, rows, mark, put_mark);
    put_runs(&mut out, rows, stamp_key, put_stamp);
    for channel in 0..channels {
        column::encode(&mut out, rows.iter().map(move |row| row.values.get(channel).unwrap_or(&None)));
    }
    let checksum = checksum(place, &out);
    out.extend(checksum);
    Ok(out)
}

/// Unpacks a block after its checksum was found right.
pub(super) fn decode(place: Place, block: &[u8]) -> Result<Vec<ProfileRow>, Reason> {
    let (body, sum) =
        block.split_last_chunk::<CHECKSUM_BYTES>().ok_or("the block is shorter than its checksum")?;
    if checksum(place, body) != *sum {
        return Err("the block's checksum is wrong");
    }
    decode_body(place, body)
}

fn decode_body(place: Place, body: &[u8]) -> Result<Vec<ProfileRow>, Reason> {
    let (version, content) = body.split_first().ok_or("the block is empty")?;
    if *version != VERSION {
        return Err("the block has a format that this version of the program does not know");
    }
    read(place, &mut Reader::new(content)).ok_or("the block's content does not add up")
}

fn read(place: Place, reader: &mut Reader<'_>) -> Option<Vec<ProfileRow>> {
    let count: usize = reader.number()?;
    let channels: usize = reader.number()?;
    if count > MOST_ROWS || channels > MOST_CHANNELS || count * channels > MOST_CELLS {
        return None;
    }
    let ends = read_ends(reader, place, count)?;
    let marks = runs(reader, count, read_mark)?;
    let stamps = runs(reader, count, read_stamp)?;
    let mut values: Vec<Vec<Option<Decimal>>> = vec![Vec::new(); count];
    for _ in 0..channels {
        let cells = column::decode(reader, count)?;
        values.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    if !reader.is_empty() {
        return None;
    }
    let keys = ends.into_iter().zip(stamps);
    keys.zip(marks)
        .zip(values)
        .map(|(((end, stamp), (status, raw_status, quality)), values)| {
            let stamp = match stamp {
                Some(key) => Some(key.stamp_at(end)?),
                None => None,
            };
            Some(ProfileRow { end, stamp, status, raw_status, quality, values })
        })
        .collect()
}

/// Writes what is the same for several items in turn once, with their number.
fn put_runs<T, K: PartialEq + Copy>(
    out: &mut Vec<u8>,
    items: &[T],
    key: impl Fn(&T) -> K,
    write: impl Fn(&mut Vec<u8>, K),
) {
    for run in items.chunk_by(|left, right| key(left) == key(right)) {
        if let Some(first) = run.first() {
            put(out, run.len() as u128);
            write(out, key(first));
        }
    }
}

/// Reads runs until they cover `count` items exactly.
fn runs<'a, T: Clone>(
    reader: &mut Reader<'a>,
    count: usize,
    read: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items = Vec::new();
    while items.len() < count {
        let run: usize = reader.number()?;
        if run == 0 || run > count - items.len() {
            return None;
        }
        let item = read(reader)?;
        items.resize(items.len() + run, item);
    }
    Some(items)
}

const UNITS_NS: [i128; 3] = [1_000_000_000, 1_000_000, 1];

fn put_ends(out: &mut Vec<u8>, place: Place, rows: &[ProfileRow]) {
    let whole = |unit: &i128| rows.iter().all(|row| row.end.as_nanosecond() % unit == 0);
    let (number, unit) = (0u8..).zip(UNITS_NS).find(|(_, unit)| whole(unit)).unwrap_or((2, 1));
    out.push(number);
    let mut before = i128::from(place.day) * DAY_NS / unit;
    let differences: Vec<i128> = rows
        .iter()
        .map(|row| {
            let end = row.end.as_nanosecond() / unit;
            let difference = end - before;
            before = end;
            difference
        })
        .collect();
    put_runs(out, &differences, |difference| *difference, |out, difference| put(out, zigzag(difference)));
}

fn read_ends(reader: &mut Reader<'_>, place: Place, count: usize) -> Option<Vec<Timestamp>> {
    let unit = *UNITS_NS.get(usize::from(reader.byte()?))?;
    let mut end = i128::from(place.day) * DAY_NS / unit;
    let differences = runs(reader, count, Reader::signed)?;
    differences
        .into_iter()
        .map(|difference| {
            end = end.checked_add(difference)?;
            Timestamp::from_nanosecond(end.checked_mul(unit)?).ok()
        })
        .collect()
}

type Mark = (IntervalStatus, Option<u64>, Quality);

fn mark(row: &ProfileRow) -> Mark {
    (row.status, row.raw_status, row.quality)
}

fn put_mark(out: &mut Vec<u8>, (status, raw_status, quality): Mark) {
    put(out, status.bits().into());
    put(out, raw_status.map_or(0, |word| u128::from(word) + 1));
    out.push(quality as u8);
}

fn read_mark(reader: &mut Reader<'_>) -> Option<Mark> {
    let status = IntervalStatus::from_bits_retain(reader.number()?);
    let raw_status = match reader.varint()? {
        0 => None,
        word => Some(u64::try_from(word - 1).ok()?),
    };
    let quality = Quality::ALL.get(usize::from(reader.byte()?))?.0;
    Some((status, raw_status, quality))
}

/// A stamp beside its interval's end: the wall time as its distance from UTC, which a meter keeps for months.
#[derive(Clone, Copy, PartialEq, Eq)]
struct StampKey {
    ahead_of_utc: SignedDuration,
    deviation_minutes: Option<i16>,
    clock_status: Option<u8>,
}

impl StampKey {
    fn stamp_at(self, end: Timestamp) -> Option<MeterStamp> {
        let utc = Offset::UTC.to_datetime(end);
        // Days and time of day apart: jiff refuses to add more than 6,000 years at once as a duration.
        let since_midnight = utc.duration_since(utc.date().to_datetime(Time::midnight()));
        let ahead = since_midnight.checked_add(self.ahead_of_utc)?.as_nanos();
        let days = Span::new().try_days(i64::try_from(ahead.div_euclid(DAY_NS)).ok()?).ok()?;
        let nanos = i64::try_from(ahead.rem_euclid(DAY_NS)).ok()?;
        let time = Time::midnight().checked_add(SignedDuration::from_nanos(nanos)).ok()?;
        let local = utc.date().checked_add(days).ok()?.to_datetime(time);
        Some(MeterStamp { local, deviation_minutes: self.deviation_minutes, clock_status: self.clock_status })
    }
}

fn stamp_key(row: &ProfileRow) -> Option<StampKey> {
    row.stamp.map(|stamp| StampKey {
        ahead_of_utc: stamp.local.duration_since(Offset::UTC.to_datetime(row.end)),
        deviation_minutes: stamp.deviation_minutes,
        clock_status: stamp.clock_status,
    })
}

const STAMP_GIVEN: u8 = 1;
const STAMP_DEVIATION: u8 = 1 << 1;
const STAMP_STATUS: u8 = 1 << 2;
const STAMP_FRACTION: u8 = 1 << 3;

/// A byte that tells what follows (0: no stamp), zigzag seconds ahead of UTC (or nanoseconds, where they are no
/// whole seconds), zigzag deviation, clock status byte.
fn put_stamp(out: &mut Vec<u8>, key: Option<StampKey>) {
    let Some(key) = key else {
        out.push(0);
        return;
    };
    let flag = |wanted: bool, bit: u8| if wanted { bit } else { 0 };
    let fraction = key.ahead_of_utc.subsec_nanos() != 0;
    out.push(
        STAMP_GIVEN
            | flag(key.deviation_minutes.is_some(), STAMP_DEVIATION)
            | flag(key.clock_status.is_some(), STAMP_STATUS)
            | flag(fraction, STAMP_FRACTION),
    );
    let ahead = if fraction { key.ahead_of_utc.as_nanos() } else { key.ahead_of_utc.as_secs().into() };
    put(out, zigzag(ahead));
    if let Some(deviation) = key.deviation_minutes {
        put(out, zigzag(deviation.into()));
    }
    out.extend(key.clock_status);
}

fn read_stamp(reader: &mut Reader<'_>) -> Option<Option<StampKey>> {
    let flags = reader.byte()?;
    if flags == 0 {
        return Some(None);
    }
    if flags & STAMP_GIVEN == 0 || flags > 0b1111 {
        return None;
    }
    let ahead = reader.signed()?;
    let ahead_of_utc = if flags & STAMP_FRACTION == 0 {
        SignedDuration::from_secs(ahead.try_into().ok()?)
    } else {
        let second = 1_000_000_000;
        let nanos = i32::try_from(ahead.rem_euclid(second)).ok()?;
        let seconds = i64::try_from(ahead.div_euclid(second)).ok()?;
        SignedDuration::from_secs(seconds).checked_add(SignedDuration::from_nanos(nanos.into()))?
    };
    let deviation_minutes = match flags & STAMP_DEVIATION {
        0 => None,
        _ => Some(i16::try_from(reader.signed()?).ok()?),
    };
    let clock_status = match flags & STAMP_STATUS {
        0 => None,
        _ => Some(reader.byte()?),
    };
    Some(Some(StampKey { ahead_of_utc, deviation_minutes, clock_status }))
}
