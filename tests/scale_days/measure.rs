//! What is stored against what the meters' own records say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use meterwright::model::{Decimal, Gap, GapReason, MeterStamp, Obis, ProfileRow};
use meterwright::protocol::dlms::{AttributeRef, Data};
use meterwright::simulator::{Grid, LOAD_PROFILE, Moment, lock};
use meterwright::store::{MeterRow, StoreReader};

use crate::program::Told;
use crate::town::{Citizen, DOUBTFUL, PERIOD, Town};

/// Rows that a virtual meter's load profile holds.
const CAPACITY: usize = 5760;

/// How much of what there is is stored.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Intervals that the living meters had captured when the cycle was due.
    pub(crate) expected: u64,
    /// Of them, stored.
    pub(crate) stored: u64,
    /// Stored intervals that were compared with the record, value by value.
    compared: u64,
    /// Living meters of which something is missing.
    short: u32,
    dead: u32,
    /// Missing intervals, those of dead meters included, by the word of their gap's reason.
    missing: BTreeMap<String, u64>,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.stored * 1_000_000 / self.expected.max(1);
        write!(
            out,
            "{} of {} intervals of living meters stored ({}.{:04} %), {} meters short, {} dead; {} compared and equal; \
             missing by reason: {:?}",
            self.stored,
            self.expected,
            share / 10_000,
            share % 10_000,
            self.short,
            self.dead,
            self.compared,
            self.missing
        )
    }
}

impl Figures {
    /// Intervals that no meter captured, because its supply had failed, and whose gaps say so.
    pub(crate) fn not_recorded(&self) -> u64 {
        self.missing.get(GapReason::NotRecorded.word()).copied().unwrap_or(0)
    }
}

/// An interval as the meter itself has it.
struct Own {
    stamp: MeterStamp,
    status: u64,
    /// As counted, without a scaler.
    values: Vec<i128>,
    true_end: i64,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The meter's record up to now, by the ends of intervals: the energies reckoned from its load, and all columns as its
/// own profile object shows them.
fn record(citizen: &Citizen, now: Timestamp) -> BTreeMap<Timestamp, Own> {
    let mut meter = lock(&citizen.meter);
    let now_s = now.as_second();
    let intervals = meter.record().intervals(Grid::Period(PERIOD), CAPACITY, i64::MIN, now_s);
    let buffer = meter.look(&AttributeRef::new(7, LOAD_PROFILE, 2), now_s * 1000).unwrap();
    let rows = buffer.elements().unwrap();
    assert_eq!(rows.len(), intervals.len());
    let own = intervals.iter().zip(rows).map(|(interval, row)| {
        let cells = row.elements().unwrap();
        let (clock, rest) = cells.split_first().unwrap();
        let numbers: Vec<i128> = rest.iter().map(|cell| cell.integer().unwrap()).collect();
        let (status, values) = numbers.split_first().unwrap();
        let within = meter.record().within(Moment { from: interval.true_from, end: interval.true_end });
        let energies = [within.import, within.export, within.reactive_import(), within.reactive_export()]
            .map(i128::from);
        assert_eq!(values[..4], energies);
        assert_eq!(*status, i128::from(interval.status));
        let own = Own {
            stamp: clock.date_time().unwrap().stamp().unwrap(),
            status: u64::from(interval.status),
            values: values.to_vec(),
            true_end: interval.true_end,
        };
        (at(interval.meter_end), own)
    });
    own.collect()
}

fn compare(name: &str, row: &ProfileRow, own: &Own, scalers: &[i8]) {
    assert_eq!(row.stamp.as_ref(), Some(&own.stamp), "{name}: the stamp of {}", row.end);
    assert_eq!(row.raw_status, Some(own.status), "{name}: the status of {}", row.end);
    assert_eq!(row.values.len(), own.values.len(), "{name}: {}", row.end);
    for ((value, own), scaler) in row.values.iter().zip(&own.values).zip(scalers) {
        assert_eq!(*value, Some(Decimal::new(*own, *scaler)), "{name}: a value of {}", row.end);
    }
}

/// Whether an interval lies in a gap.
fn covers(gap: &Gap, end: Timestamp) -> bool {
    // After the last one that is stored, the gap names the last missing one, not the next that is there.
    let is_open = matches!(gap.reason, GapReason::NotRead(_) | GapReason::ClockAhead);
    gap.after < end && (end < gap.before || is_open && end == gap.before)
}

/// The energy scaler of a meter's registers, as its own register object says.
fn own_scaler(citizen: &Citizen, now: Timestamp) -> i8 {
    let register = AttributeRef::new(3, Obis::new(1, 0, 1, 29, 0, 255), 3);
    let unit = lock(&citizen.meter).look(&register, now.as_millisecond()).unwrap();
    i8::try_from(unit.elements().unwrap()[0].integer().unwrap()).unwrap()
}

/// The counter that the meter saw last is below the next that the store gives.
fn check_counter(store: &StoreReader, row: &MeterRow, citizen: &Citizen, now: Timestamp) {
    let last = AttributeRef::new(1, Obis::new(0, 0, 43, 1, 0, 255), 2);
    let last = lock(&citizen.meter).look(&last, now.as_millisecond()).unwrap();
    let Data::U32(last) = last else { panic!("{last:?}") };
    let next = store.counter(row.id, "unicast").unwrap().unwrap_or(0);
    assert!(last == 0 || next > last, "{}: {next} would be given although {last} was used", row.config.name);
}

fn measure_one(
    store: &StoreReader,
    citizen: &Citizen,
    (due, now): (Timestamp, Timestamp),
    figures: &mut Figures,
) {
    let name = &citizen.config.name;
    let row = store.meter_named(name).unwrap().unwrap();
    check_counter(store, &row, citizen, now);
    let own = record(citizen, now);
    let gaps = store.gaps(row.id, now).unwrap();
    let mut stored: BTreeMap<Timestamp, ()> = BTreeMap::new();
    for profile in store.profiles(row.id).unwrap() {
        if profile.layout.obis != LOAD_PROFILE {
            continue;
        }
        let scalers: Vec<i8> =
            profile.layout.channels.iter().map(|channel| channel.scaler_unit.scaler).collect();
        assert_eq!(scalers[..4], [own_scaler(citizen, now); 4], "{name}");
        assert!(
            store.superseded_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap().is_empty(),
            "{name}"
        );
        for stored_row in store.profile_rows(profile.id, Timestamp::MIN, Timestamp::MAX).unwrap() {
            let end = stored_row.end;
            let own = own.get(&end).unwrap_or_else(|| panic!("{name} never captured {end}"));
            compare(name, &stored_row, own, &scalers);
            assert!(stored.insert(end, ()).is_none(), "{name}: {end} is stored twice");
            let gap = gaps.iter().find(|gap| gap.profile == LOAD_PROFILE && covers(gap, end));
            assert!(gap.is_none(), "{name}: {end} is stored and in a gap: {gap:?}");
            figures.compared += 1;
        }
    }
    check_holes(name, &own, &stored, &gaps, figures);
    let wanted = own.iter().filter(|(end, own)| **end <= due && at(own.true_end) <= due);
    let wanted: Vec<Timestamp> = wanted.map(|(end, _)| *end).collect();
    let missing: Vec<Timestamp> = wanted.iter().copied().filter(|end| !stored.contains_key(end)).collect();
    for end in &missing {
        *figures.missing.entry(reason(store, &row, &gaps, *end)).or_default() += 1;
    }
    if citizen.is_dead {
        figures.dead += 1;
        assert!(stored.is_empty());
        return;
    }
    figures.expected += wanted.len() as u64;
    figures.stored += (wanted.len() - missing.len()) as u64;
    if !missing.is_empty() {
        figures.short += 1;
        println!("{name} on {}: {} missing; {:?}", row.config.line, missing.len(), row.last_result);
    }
}

/// What the meter itself did not capture is a gap that says so, once both sides of it are stored.
fn check_holes(
    name: &str,
    own: &BTreeMap<Timestamp, Own>,
    stored: &BTreeMap<Timestamp, ()>,
    gaps: &[Gap],
    figures: &mut Figures,
) {
    let period = i64::from(PERIOD);
    for (after, before) in own.keys().zip(own.keys().skip(1)) {
        let hole = before.duration_since(*after).as_secs() / period - 1;
        if hole == 0 || !stored.contains_key(after) || !stored.contains_key(before) {
            continue;
        }
        let gap = gaps.iter().find(|gap| (gap.after, gap.before) == (*after, *before));
        let gap = gap.unwrap_or_else(|| panic!("{name}: no gap from {after} to {before}: {gaps:?}"));
        assert_eq!(gap.reason, GapReason::NotRecorded, "{name}");
        assert_eq!(i64::try_from(gap.intervals), Ok(hole), "{name}");
        *figures.missing.entry(gap.reason.word().to_owned()).or_default() += gap.intervals;
    }
}

/// Why an interval is missing, in a few words: whoever asks is told.
fn reason(store: &StoreReader, row: &MeterRow, gaps: &[Gap], end: Timestamp) -> String {
    let name = &row.config.name;
    if let Some(gap) = gaps.iter().find(|gap| gap.profile == LOAD_PROFILE && covers(gap, end)) {
        return match &gap.reason {
            GapReason::NotRead(Some(why)) => {
                assert!(!why.is_empty());
                format!("not read: {}", short(why))
            }
            other => other.word().to_owned(),
        };
    }
    let why = store.unread(row.id).unwrap();
    let why = why.unwrap_or_else(|| panic!("{name}: {end} is missing and in no gap: {gaps:?}"));
    assert!(!why.is_empty(), "{name}");
    format!("never read: {}", short(&why))
}

/// The beginning of a reason, without its figures.
fn short(why: &str) -> String {
    let head = why.split([';', ',']).next().unwrap_or_default();
    head.chars().filter(|letter| !letter.is_ascii_digit()).take(60).collect()
}

/// What was told as stored is there: the figures of each meter reach to shortly before it was read.
pub(crate) fn check_told(store: &Path, told: &Told) {
    let store = StoreReader::open(store).unwrap();
    let mut checked = 0;
    for (meter, read) in &told.well {
        let row = store.meter(*meter).unwrap().unwrap();
        let name = &row.config.name;
        assert!(
            row.last_read.is_some_and(|last| read.duration_since(last).as_millis() < 1),
            "{name}: {row:?}"
        );
        // A clock that is wrong may be behind.
        if row.config.group.as_deref() != Some(DOUBTFUL) {
            let last = store.last_end(*meter, LOAD_PROFILE).unwrap().unwrap();
            let behind = read.duration_since(last).as_secs();
            assert!(behind < 3 * i64::from(PERIOD), "{name}: told as stored at {read}, reaches to {last}");
            checked += 1;
        }
    }
    assert!(checked > 0, "nothing was told");
}

/// Compares a store with the town, for what was captured when a cycle was due.
pub(crate) fn measure(store: &Path, town: &Town, due: Timestamp, now: Timestamp) -> Figures {
    let store = StoreReader::open(store).unwrap();
    let mut figures = Figures::default();
    for citizen in &town.citizens {
        measure_one(&store, citizen, (due, now), &mut figures);
    }
    figures
}
