//! Rows of a load or instrumentation profile as intervals.

use jiff::{SignedDuration, Timestamp};

use crate::model::template::ProfileTuning;
use crate::model::{Channel, ColumnRole, Decimal, IntervalStatus, ProfileColumns, ProfileRow, Quality};

use super::super::objects::class;
use super::super::values::{reading_value, status_bits};
use super::rows::{Cell, Row, cell_number};

/// Characters of a value that is no number which are shown.
const LONGEST_SHOWN: usize = 40;

/// How far an interval's end lies behind its row's stamp.
pub(super) fn end_after_stamp(columns: &ProfileColumns, tuning: &ProfileTuning) -> SignedDuration {
    let period = if tuning.stamp_is_start { columns.layout.period_seconds } else { 0 };
    SignedDuration::from_secs(i64::from(period))
}

/// One interval.
pub(super) fn interval(
    row: &Row<'_>,
    columns: &ProfileColumns,
    tuning: &ProfileTuning,
) -> Option<ProfileRow> {
    let end: Timestamp = row.at.checked_add(end_after_stamp(columns, tuning)).ok()?;
    let mut values: Vec<Option<Decimal>> = Vec::with_capacity(columns.layout.channels.len());
    let mut raw_status = None;
    let mut unreadable = IntervalStatus::empty();
    let mut is_doubtful = false;
    for (cell, role) in row.cells.iter().zip(&columns.columns) {
        match role {
            ColumnRole::Channel(number) => {
                let channel = columns.layout.channels.get(*number);
                let value = channel.and_then(|channel| value(cell, channel));
                if value.is_none() && cell.is_there() {
                    unreadable = IntervalStatus::VALUE_UNREADABLE;
                    is_doubtful |= channel.is_some_and(is_measured);
                }
                values.push(value);
            }
            ColumnRole::Status => raw_status = status(cell),
            ColumnRole::Clock | ColumnRole::EventCode | ColumnRole::Other => {}
        }
    }
    let status =
        row.flags | unreadable | raw_status.map_or(IntervalStatus::empty(), |raw| tuning.status(raw));
    let is_empty = !values.is_empty() && values.iter().all(Option::is_none);
    let quality = match (is_empty, unreadable.is_empty()) {
        (true, true) => Quality::Missing,
        (true, false) => Quality::Suspect,
        (false, _) if is_doubtful => Quality::Suspect,
        (false, _) => Quality::from_status(status),
    };
    Some(ProfileRow { end, stamp: row.stamp, status, raw_status, quality, values })
}

/// Whether a channel is measured. A data object may well hold words, a tariff's name for one, which cast no doubt on the
/// figures beside them.
fn is_measured(channel: &Channel) -> bool {
    channel.class_id != class::DATA
}

/// A value of a channel that is no number, so that it cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Unreadable {
    /// The channel's number.
    pub(in super::super) channel: usize,
    /// What to say of it.
    pub(in super::super) words: String,
}

/// The first such value of each channel.
pub(super) fn unreadable(rows: &[Row<'_>], columns: &ProfileColumns) -> Vec<Unreadable> {
    let mut found = Vec::new();
    for (column, role) in columns.columns.iter().enumerate() {
        let ColumnRole::Channel(number) = role else { continue };
        let Some(channel) = columns.layout.channels.get(*number) else { continue };
        let is_it = |cell: &&Cell<'_>| cell.is_there() && value(cell, channel).is_none();
        let first = rows.iter().find_map(|row| Some((row.at, row.cells.get(column).filter(is_it)?)));
        found.extend(
            first.map(|(at, cell)| Unreadable { channel: *number, words: told(at, cell, channel, columns) }),
        );
    }
    found
}

fn told(at: Timestamp, cell: &Cell<'_>, channel: &Channel, columns: &ProfileColumns) -> String {
    let text = cell.data().and_then(|data| reading_value(&data, 0).text());
    let shown: String = text.as_deref().unwrap_or("not a number").chars().take(LONGEST_SHOWN).collect();
    format!(
        "the column {} {} of the profile {} holds what is no number, first \"{shown}\" at {at}: such values are not \
         kept, and their intervals bear the status value-unreadable",
        channel.obis, channel.name, columns.layout.obis
    )
}

fn value(cell: &Cell<'_>, channel: &Channel) -> Option<Decimal> {
    cell_number(cell, channel.data_index)?.scaled(channel.scaler_unit.scaler)
}

fn status(cell: &Cell<'_>) -> Option<u64> {
    match cell {
        Cell::Absent | Cell::Loose(_) => None,
        Cell::Given(field) => status_bits(&field.data()?),
        Cell::Whole(value) => u64::try_from(*value).ok(),
    }
}
