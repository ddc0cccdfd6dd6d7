//! Rows of a billing profile as closed billing periods.

use crate::model::{BillingSet, ColumnRole, ProfileColumns, ReadingValue};
use crate::protocol::dlms::Data;

use super::super::objects::class;
use super::super::registers::Maker;
use super::columns::value_attribute;
use super::rows::{Cell, Row};

/// The attribute that says when a figure came about.
const fn capture_time(class_id: u16) -> Option<u8> {
    match class_id {
        class::EXTENDED => Some(5),
        class::DEMAND => Some(6),
        _ => None,
    }
}

/// One billing set: every column but the stamp is a register of the period; the capture time of a maximum, which
/// is a column of its own, stamps the maximum.
pub(super) fn set(row: &Row<'_>, columns: &ProfileColumns, maker: &Maker<'_>) -> BillingSet {
    let cells = || row.cells.iter().zip(&columns.columns).zip(&columns.captured);
    let mut registers = Vec::new();
    for ((cell, role), captured) in cells() {
        let attribute = value_attribute(captured);
        let is_stamp_of_another = Some(attribute) == capture_time(captured.class_id)
            && columns
                .captured
                .iter()
                .any(|one| one.obis == captured.obis && value_attribute(one) != attribute);
        if *role == ColumnRole::Clock || is_stamp_of_another {
            continue;
        }
        let stamp = capture_time(captured.class_id).and_then(|wanted| {
            let mut stamps = cells().filter(|((_, _), one)| {
                one.obis == captured.obis && value_attribute(one) == wanted && attribute != wanted
            });
            maker.stamp(&stamps.next()?.0.0.data()?)
        });
        let data = value(cell, captured.attribute);
        let mut reading = maker.figure((captured.class_id, captured.obis), attribute, &data, stamp);
        if matches!(cell, Cell::Absent) {
            reading.value = ReadingValue::Absent;
        }
        registers.push(reading);
    }
    BillingSet { profile: columns.layout.obis, at: row.at, stamp: row.stamp, registers }
}

/// The figure in a field: where all attributes were captured, the one behind the logical name.
fn value(cell: &Cell<'_>, attribute: i8) -> Data {
    let data = cell.data().unwrap_or(Data::Null);
    if attribute > 0 {
        return data;
    }
    match data.elements() {
        Some([name, value, ..]) if name.obis().is_some() => value.clone(),
        _ => data,
    }
}
