//! Rows of a profile as what the store keeps of its kind.

use crate::model::{IntervalStatus, ProfileColumns, ProfileRow, What};

use super::super::push::Rows as Made;
use super::super::registers::Maker;
use super::intervals::Unreadable;
use super::rows::{Reader, Row};
use super::{billing, events, intervals};

/// What a buffer gave.
#[derive(Debug)]
pub(in super::super) struct OfBuffer {
    /// Its rows; nothing where it has none.
    pub(in super::super) rows: Option<Made>,
    /// Rows that could not be read, each with its reason.
    pub(in super::super) lost: Vec<String>,
    /// Rows have other fields than were captured when the columns were asked for.
    pub(in super::super) columns_changed: bool,
    /// Values that cannot be kept, the first of each channel.
    pub(in super::super) unreadable: Vec<Unreadable>,
}

/// What rows of a load or instrumentation profile hold that cannot be kept.
pub(super) fn unreadable(made: &Made, columns: &ProfileColumns, rows: &[Row<'_>]) -> Vec<Unreadable> {
    let is_flagged = |row: &ProfileRow| row.status.contains(IntervalStatus::VALUE_UNREADABLE);
    match made {
        Made::Intervals(_, intervals) if intervals.iter().any(is_flagged) => {
            intervals::unreadable(rows, columns)
        }
        Made::Intervals(..) | Made::Events(..) | Made::Billing(_) => Vec::new(),
    }
}

/// Makes of rows what their kind is kept as.
pub(super) fn made(what: What, columns: &ProfileColumns, rows: &[Row<'_>], maker: &Maker<'_>) -> Made {
    match what {
        What::Events => {
            let event = |row| events::event(row, columns, maker.template);
            Made::Events(columns.layout.obis, rows.iter().map(event).collect())
        }
        What::Billing => Made::Billing(rows.iter().map(|row| billing::set(row, columns, maker)).collect()),
        _ => {
            let interval = |row| intervals::interval(row, columns, &maker.template.profiles);
            let mut layout = columns.layout.clone();
            for channel in &mut layout.channels {
                channel.side = maker.side;
            }
            Made::Intervals(layout, rows.iter().filter_map(interval).collect())
        }
    }
}

/// Reads a buffer that came unasked.
pub(in super::super) fn of_buffer(
    what: What,
    columns: &ProfileColumns,
    buffer: &[u8],
    maker: &Maker<'_>,
) -> OfBuffer {
    let reader = Reader { columns, rule: maker.rule, null_value: maker.template.profiles.null_value };
    let decoded = reader.rows(buffer);
    let rows = (!decoded.rows.is_empty()).then(|| made(what, columns, &decoded.rows, maker));
    OfBuffer {
        unreadable: rows.as_ref().map(|rows| unreadable(rows, columns, &decoded.rows)).unwrap_or_default(),
        rows,
        lost: decoded.lost,
        columns_changed: decoded.columns_changed,
    }
}
