//! Profile generic (class 7): load, daily, instrumentation and billing profiles, and event logs.

use crate::model::{CaptureObject, Obis, ObjectEntry};
use crate::protocol::dlms::{Data, DataAccessResult, Selective, TypeDescription};

use super::super::clock::Grid;
use super::super::quirks::Quirk;
use super::super::record::{BILLING_ENTRIES, Interval, LOG_ENTRIES, Log, Moment};
use super::registers::capture_time;
use super::tariff::raw;
use super::{Clock, Context, LastFailure, Object, Quantity, entry, name, refusal};

/// 0-0:98.1.0.
pub(crate) const BILLING: Obis = Obis::new(0, 0, 98, 1, 0, 255);

/// What a profile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileKind {
    /// Captured on a grid; holds so many rows.
    Grid(Grid, usize),
    /// Closed billing periods.
    Billing,
    /// An event log.
    Log(Log),
}

/// Where a column's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnSource {
    /// The stamp.
    Clock,
    /// The status bits.
    Status,
    /// A measured quantity.
    Quantity(Quantity),
    /// When a maximum was captured.
    CaptureTime(Quantity),
    /// The event's code.
    Code,
    /// The length of a supply failure in seconds.
    Seconds,
    /// A scaler on its own.
    ScalerOf(Quantity),
    /// Every attribute of the serial number.
    WholeSerial,
}

/// One captured column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The captured object.
    pub captured: CaptureObject,
    /// Where the values come from.
    pub source: ColumnSource,
}

impl Column {
    const fn new(class_id: u16, obis: Obis, attribute: i8, source: ColumnSource) -> Self {
        Self { captured: CaptureObject { class_id, obis, attribute, data_index: 0 }, source }
    }

    /// The clock.
    pub(crate) const CLOCK: Self = Self::new(8, Clock::NAME, 2, ColumnSource::Clock);
    /// The profile status.
    pub(crate) const STATUS: Self = Self::new(1, Obis::new(0, 0, 96, 10, 1, 255), 2, ColumnSource::Status);
    /// The length of the last supply failure.
    pub(crate) const SECONDS: Self = Self::new(3, LastFailure::NAME, 2, ColumnSource::Seconds);

    /// The code of a log's events, kept in 0-0:96.11.x.
    #[must_use]
    pub(crate) const fn code(index: u8) -> Self {
        Self::new(1, Obis::new(0, 0, 96, 11, index, 255), 2, ColumnSource::Code)
    }

    /// A register's value.
    #[must_use]
    pub(crate) const fn quantity(quantity: Quantity) -> Self {
        let class_id = if is_maximum(quantity) { 4 } else { 3 };
        Self::new(class_id, quantity.obis(), 2, ColumnSource::Quantity(quantity))
    }

    /// When a maximum was captured.
    #[must_use]
    pub(crate) const fn capture_time(quantity: Quantity) -> Self {
        Self::new(4, quantity.obis(), 5, ColumnSource::CaptureTime(quantity))
    }

    fn describe(&self) -> Data {
        Data::Structure(vec![
            Data::U16(self.captured.class_id),
            name(self.captured.obis),
            Data::I8(self.captured.attribute),
            Data::U16(self.captured.data_index),
        ])
    }

    /// Whether a structure of class, name, attribute and index names this column.
    fn is_named_by(&self, description: &Data) -> bool {
        let Some([class_id, obis, attribute, index, ..]) = description.elements() else { return false };
        class_id.integer() == Some(i128::from(self.captured.class_id))
            && obis.obis() == Some(self.captured.obis)
            && attribute.integer() == Some(i128::from(self.captured.attribute))
            && index.integer() == Some(i128::from(self.captured.data_index))
    }
}

const fn is_maximum(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::MaximumImport | Quantity::MaximumExport)
}

/// One row before it is written.
#[derive(Clone, Copy, Debug)]
struct Row {
    interval: Interval,
    code: u8,
    seconds: u32,
}

/// Class 7.
#[derive(Debug)]
pub(crate) struct Profile {
    entry: ObjectEntry,
    kind: ProfileKind,
    columns: Vec<Column>,
    cleared: i64,
}

/// Rows and columns that a selective access leaves.
struct Chosen {
    rows: Vec<Row>,
    columns: Vec<Column>,
}

impl Profile {
    /// A profile with its columns.
    #[must_use]
    pub(crate) fn new(obis: Obis, kind: ProfileKind, columns: Vec<Column>) -> Self {
        Self { entry: entry(7, 1, obis, &[1, 1, 1, 3, 1, 1, 1, 1], 2), kind, columns, cleared: i64::MIN }
    }

    fn columns(&self, context: &Context<'_>) -> Vec<Column> {
        let mut columns = self.columns.clone();
        if context.quirks().has(Quirk::ClockNotFirst) && columns.len() > 1 {
            columns.swap(0, 1);
        }
        if context.quirks().has(Quirk::OddColumns) && matches!(self.kind, ProfileKind::Grid(..)) {
            columns.push(Column::CLOCK);
            let energy = Quantity::IntervalImport;
            columns.push(Column {
                captured: CaptureObject { class_id: 3, obis: energy.obis(), attribute: 3, data_index: 1 },
                source: ColumnSource::ScalerOf(energy),
            });
            let serial = Obis::new(0, 0, 96, 1, 0, 255);
            columns.push(Column::new(1, serial, 0, ColumnSource::WholeSerial));
        }
        columns
    }

    /// Rows whose stamps are wanted, oldest first.
    fn rows(&self, is_wanted: impl Fn(i64) -> bool, context: &mut Context<'_>) -> Vec<Row> {
        let now = context.now();
        let plain = |interval: &Interval| Row { interval: *interval, code: 0, seconds: 0 };
        let wanted = |row: &Row| is_wanted(row.interval.meter_end);
        match self.kind {
            ProfileKind::Grid(grid, capacity) => {
                let held = context.record.intervals(grid, capacity, self.cleared, now);
                held.iter().filter(|interval| is_wanted(interval.meter_end)).map(plain).collect()
            }
            ProfileKind::Billing => {
                let periods = context.record.billing_periods(now);
                let since = periods.iter().filter(|period| period.true_end > self.cleared);
                since.map(plain).filter(wanted).collect()
            }
            ProfileKind::Log(log) => {
                let row = |(meter_end, code, seconds)| {
                    let interval = Interval { meter_end, true_from: 0, true_end: 0, status: 0 };
                    Row { interval, code, seconds }
                };
                let entries = context.record.log(log, now).into_iter();
                entries
                    .map(|entry| row((entry.meter_second, entry.code, entry.seconds)))
                    .filter(wanted)
                    .collect()
            }
        }
    }

    fn capacity(&self) -> usize {
        match self.kind {
            ProfileKind::Grid(_, capacity) => capacity,
            ProfileKind::Billing => BILLING_ENTRIES,
            ProfileKind::Log(_) => LOG_ENTRIES,
        }
    }

    fn period(&self) -> u32 {
        match self.kind {
            ProfileKind::Grid(Grid::Period(seconds), _) => seconds,
            ProfileKind::Grid(Grid::Midnight, _) => 86_400,
            ProfileKind::Grid(Grid::MonthStart, _) | ProfileKind::Billing | ProfileKind::Log(_) => 0,
        }
    }

    fn newest_first(&self, context: &Context<'_>) -> bool {
        context.quirks().has(Quirk::NewestFirst)
    }

    /// Rows whose stamps are wanted, in the order of the buffer.
    fn in_order(&self, is_wanted: impl Fn(i64) -> bool, context: &mut Context<'_>) -> Vec<Row> {
        let mut rows = self.rows(is_wanted, context);
        if self.newest_first(context) {
            rows.reverse();
        }
        rows
    }

    fn buffer(
        &self,
        selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let columns = self.columns(context);
        let chosen = match selective {
            None => Chosen { rows: self.in_order(|_| true, context), columns },
            Some(Selective { selector: 1, parameters }) => self.by_range(columns, parameters, context)?,
            Some(Selective { selector: 2, parameters }) => {
                by_entry(&self.in_order(|_| true, context), &columns, parameters, context)?
            }
            Some(_) => return Err(refusal::SCOPE_VIOLATED),
        };
        if chosen.rows.is_empty() {
            return match context.quirks() {
                quirks if quirks.has(Quirk::EmptyNull) => Ok(Data::Null),
                quirks if quirks.has(Quirk::EmptyRefused) => Err(refusal::OTHER),
                _ => Ok(Data::Array(Vec::new())),
            };
        }
        Ok(self.write(&chosen, context))
    }

    fn by_range(
        &self,
        columns: Vec<Column>,
        parameters: &Data,
        context: &mut Context<'_>,
    ) -> Result<Chosen, DataAccessResult> {
        if context.quirks().has(Quirk::NoRange) {
            return Err(refusal::SCOPE_VIOLATED);
        }
        let Some([restricting, from, to, rest @ ..]) = parameters.elements() else {
            return Err(refusal::TYPE_UNMATCHED);
        };
        let column = match restricting {
            Data::Null => columns.iter().find(|column| column.source == ColumnSource::Clock),
            named => columns.iter().find(|column| column.is_named_by(named)),
        };
        let source = column.ok_or(refusal::SCOPE_VIOLATED)?.source;
        let (from, to) = (bound(from, false, context)?, bound(to, true, context)?);
        let is_within =
            |value: i128| from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to);
        let rows = if source == ColumnSource::Clock {
            self.in_order(|meter_end| is_within(meter_end.into()), context)
        } else {
            let mut rows = self.in_order(|_| true, context);
            rows.retain(|row| self.cell(source, row, context).integer().is_some_and(is_within));
            rows
        };
        let wanted = rest.first().and_then(Data::elements).unwrap_or_default();
        let columns = if wanted.is_empty() || context.quirks().has(Quirk::NoColumnChoice) {
            columns
        } else {
            let named = |one: &Data| columns.iter().find(|column| column.is_named_by(one)).copied();
            wanted.iter().map(named).collect::<Option<Vec<Column>>>().ok_or(refusal::SCOPE_VIOLATED)?
        };
        Ok(Chosen { rows, columns })
    }

    fn cell(&self, source: ColumnSource, row: &Row, context: &mut Context<'_>) -> Data {
        let moment = Moment { from: row.interval.true_from, end: row.interval.true_end };
        match source {
            ColumnSource::Clock => context.stamp(row.interval.meter_end),
            ColumnSource::Status => Data::U8(row.interval.status),
            ColumnSource::Quantity(quantity) => {
                if let Some(value) = self.as_scheme_counted(quantity, moment.end, context) {
                    return value;
                }
                let quirks = context.quirks();
                quantity.write(quantity.raw(context.record, moment, quirks))
            }
            ColumnSource::CaptureTime(quantity) => {
                let peak = context.record.tariff().peak_at_end(moment.end, quantity.obis());
                match peak.filter(|_| self.kind == ProfileKind::Billing) {
                    Some(peak) => context.stamp(peak.meter_at.as_second()),
                    None => capture_time(quantity, moment, context),
                }
            }
            ColumnSource::Code => Data::U8(row.code),
            ColumnSource::Seconds => Data::U32(row.seconds),
            ColumnSource::ScalerOf(quantity) => {
                Data::I8(quantity.scaler_unit(context.settings.premises, context.quirks()).scaler)
            }
            ColumnSource::WholeSerial => Data::Structure(vec![
                name(Obis::new(0, 0, 96, 1, 0, 255)),
                Data::Octets(context.settings.serial().into_bytes()),
            ]),
        }
    }

    /// What a scheme's own register held when it ended a billing period.
    fn as_scheme_counted(&self, quantity: Quantity, end: i64, context: &Context<'_>) -> Option<Data> {
        if self.kind != ProfileKind::Billing {
            return None;
        }
        let (tariff, obis) = (context.record.tariff(), quantity.obis());
        let energy = tariff.energy_at_end(end, obis);
        let value = energy.or_else(|| tariff.peak_at_end(end, obis).map(|peak| peak.value))?;
        Some(Data::U32(raw(value, context.settings.premises.scaler())))
    }

    fn write(&self, chosen: &Chosen, context: &mut Context<'_>) -> Data {
        let quirks = context.quirks();
        let period = i64::from(self.period());
        let step = if self.newest_first(context) { -period } else { period };
        let mut written = Vec::with_capacity(chosen.rows.len());
        let mut before: Option<(i64, Vec<Data>)> = None;
        for row in &chosen.rows {
            let cells: Vec<Data> =
                chosen.columns.iter().map(|column| self.cell(column.source, row, context)).collect();
            let mut shown = cells.clone();
            if let Some((meter_end, last)) = &before {
                for ((cell, last), column) in shown.iter_mut().zip(last).zip(&chosen.columns) {
                    let follows = period > 0 && row.interval.meter_end == meter_end + step;
                    let omitted = match column.source {
                        ColumnSource::Clock => quirks.has(Quirk::NullStamps) && follows,
                        _ => quirks.has(Quirk::NullValues) && cell == last,
                    };
                    if omitted {
                        *cell = Data::Null;
                    }
                }
            }
            before = Some((row.interval.meter_end, cells));
            if quirks.has(Quirk::DoubledRows) {
                written.push(Data::Structure(shown.clone()));
            }
            written.push(Data::Structure(shown));
        }
        match (quirks.has(Quirk::CompactArray), written.first().and_then(type_of)) {
            (true, Some(element)) => Data::CompactArray { element, values: written },
            _ => Data::Array(written),
        }
    }
}

/// The type of a value; nothing for those that no profile of ours holds.
fn type_of(value: &Data) -> Option<TypeDescription> {
    Some(match value {
        Data::Structure(parts) => {
            TypeDescription::Structure(parts.iter().map(type_of).collect::<Option<Vec<_>>>()?)
        }
        Data::U32(_) => TypeDescription::Simple(6),
        Data::Octets(_) => TypeDescription::Simple(9),
        Data::I8(_) => TypeDescription::Simple(15),
        Data::I16(_) => TypeDescription::Simple(16),
        Data::U8(_) => TypeDescription::Simple(17),
        Data::U16(_) => TypeDescription::Simple(18),
        _ => return None,
    })
}

/// A bound of a range: a stamp as a second of the meter's time, or a number; nothing where it is open.
fn bound(value: &Data, is_end: bool, context: &Context<'_>) -> Result<Option<i128>, DataAccessResult> {
    if let Some(number) = value.integer() {
        return Ok(Some(number));
    }
    let Some(mut bytes) = value.date_time() else {
        let open = matches!(value, Data::Null) || value.bytes().is_some_and(<[u8]>::is_empty);
        return if open { Ok(None) } else { Err(refusal::TYPE_UNMATCHED) };
    };
    if bytes.0[..2] == [0xFF, 0xFF] {
        return Ok(None);
    }
    // An open time of day is the whole day.
    let fill = if is_end { [23, 59, 59] } else { [0, 0, 0] };
    for (field, whole) in bytes.0[5..8].iter_mut().zip(fill) {
        if *field == 0xFF {
            *field = whole;
        }
    }
    let mut stamp = bytes.stamp().ok_or(refusal::TYPE_UNMATCHED)?;
    if context.quirks().has(Quirk::RangeLocal) {
        stamp.deviation_minutes = None;
    }
    context.record.clock().second_of(&stamp).map(|second| Some(second.into())).ok_or(refusal::TYPE_UNMATCHED)
}

/// Entries and columns are counted from 1; 0 as the last is the end.
fn by_entry(
    rows: &[Row],
    columns: &[Column],
    parameters: &Data,
    context: &Context<'_>,
) -> Result<Chosen, DataAccessResult> {
    let quirks = context.quirks();
    if quirks.has(Quirk::NoEntry) {
        return Err(refusal::SCOPE_VIOLATED);
    }
    let numbers: Vec<usize> = parameters
        .elements()
        .unwrap_or_default()
        .iter()
        .map(|number| number.integer().and_then(|number| usize::try_from(number).ok()))
        .collect::<Option<_>>()
        .ok_or(refusal::TYPE_UNMATCHED)?;
    let (from, to, first, last) = match numbers[..] {
        [from, to] => (from, to, 1, 0),
        [from, to, first, last] => (from, to, first, last),
        _ => return Err(refusal::TYPE_UNMATCHED),
    };
    let slice = |from: usize, to: usize, count: usize| {
        let to = if to == 0 { count } else { to.min(count) };
        (from.max(1) - 1).min(to)..to
    };
    let to =
        if quirks.has(Quirk::EntryCount) && to > 0 { from.saturating_add(to).saturating_sub(1) } else { to };
    let rows = rows.get(slice(from, to, rows.len())).unwrap_or_default().to_vec();
    let columns = if quirks.has(Quirk::NoColumnChoice) {
        columns.to_vec()
    } else {
        columns.get(slice(first, last, columns.len())).unwrap_or_default().to_vec()
    };
    Ok(Chosen { rows, columns })
}

impl Object for Profile {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let quirks = context.quirks();
        let count = |number: usize| Data::U32(u32::try_from(number).unwrap_or(u32::MAX));
        match attribute {
            2 => self.buffer(selective, context),
            3 => Ok(Data::Array(self.columns(context).iter().map(Column::describe).collect())),
            4 => Ok(Data::U32(self.period())),
            // FIFO or LIFO.
            5 => Ok(Data::Enum(if self.newest_first(context) { 2 } else { 1 })),
            6 if quirks.has(Quirk::EmptyStructures) => Ok(Data::Null),
            6 => Ok(Column::CLOCK.describe()),
            7 if quirks.has(Quirk::EntriesWrong) => Ok(count(self.capacity() + 2)),
            7 => Ok(count(self.rows(|_| true, context).len())),
            8 => Ok(count(self.capacity())),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        let (4, ProfileKind::Grid(Grid::Period(_), capacity)) = (attribute, self.kind) else {
            return Err(refusal::DENIED);
        };
        let seconds = value.integer().and_then(|seconds| u32::try_from(seconds).ok());
        let allowed = seconds.filter(|seconds| *seconds >= 60 && *seconds <= 3600 && 3600 % seconds == 0);
        // Another period empties the profile.
        self.kind = ProfileKind::Grid(Grid::Period(allowed.ok_or(refusal::TYPE_UNMATCHED)?), capacity);
        self.cleared = context.now();
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        _parameter: Option<&Data>,
        context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        let now = context.now();
        match (method, self.kind) {
            (1, ProfileKind::Log(log)) => context.record.clear_log(log, now),
            (1, _) => self.cleared = now,
            (2, ProfileKind::Billing) => context.record.reset_billing(now),
            _ => return Err(refusal::OBJECT_UNDEFINED),
        }
        Ok(None)
    }
}
