//! Rows of a load or instrumentation profile as intervals.

use jiff::{SignedDuration, Timestamp};

use crate::model::template::ProfileTuning;
use crate::model::{Channel, ColumnRole, Decimal, IntervalStatus, ProfileColumns, ProfileRow, Quality};

use super::super::values::status_bits;
use super::rows::{Cell, Row, cell_number};

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
    for (cell, role) in row.cells.iter().zip(&columns.columns) {
        match role {
            ColumnRole::Channel(number) => {
                values.push(columns.layout.channels.get(*number).and_then(|channel| value(cell, channel)));
            }
            ColumnRole::Status => raw_status = status(cell),
            ColumnRole::Clock | ColumnRole::EventCode | ColumnRole::Other => {}
        }
    }
    let status = row.flags | raw_status.map_or(IntervalStatus::empty(), |raw| tuning.status(raw));
    let is_empty = !values.is_empty() && values.iter().all(Option::is_none);
    let quality = if is_empty { Quality::Missing } else { Quality::from_status(status) };
    Some(ProfileRow { end, stamp: row.stamp, status, raw_status, quality, values })
}

fn value(cell: &Cell<'_>, channel: &Channel) -> Option<Decimal> {
    cell_number(cell, channel.data_index)?.scaled(channel.scaler_unit.scaler)
}

fn status(cell: &Cell<'_>) -> Option<u64> {
    match cell {
        Cell::Absent => None,
        Cell::Given(field) => status_bits(&field.data()?),
        Cell::Whole(value) => u64::try_from(*value).ok(),
    }
}
