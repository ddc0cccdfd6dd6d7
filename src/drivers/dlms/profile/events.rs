//! Rows of a log as events.

use jiff::SignedDuration;

use crate::model::{ColumnRole, MeterEvent, Obis, ProfileColumns, Template};
use crate::protocol::dlms::Data;

use super::super::registers::name;
use super::super::values::in_words;
use super::rows::Row;

/// Duration of a supply failure in seconds (0-0:96.7.15 to 0-0:96.7.19): such a row is written when supply returns.
const fn is_duration(obis: Obis) -> bool {
    obis.a() == 0 && obis.c() == 96 && obis.d() == 7 && matches!(obis.e(), 15..=19)
}

/// Supply-failure logs (1-0:99.97.x).
const fn is_supply_log(log: Obis) -> bool {
    log.c() == 99 && log.d() == 97
}

/// One event.
pub(super) fn event(row: &Row<'_>, columns: &ProfileColumns, template: &Template) -> MeterEvent {
    let log = columns.layout.obis;
    let mut code = None;
    let mut lasted = None;
    let mut detail = Vec::new();
    for ((cell, role), captured) in row.cells.iter().zip(&columns.columns).zip(&columns.captured) {
        let Some(data) = cell.data() else { continue };
        match role {
            ColumnRole::Clock => {}
            ColumnRole::EventCode => code = data.integer().and_then(|one| u32::try_from(one).ok()),
            _ if is_duration(captured.obis) && lasted.is_none() => lasted = seconds(&data),
            _ => detail.push(format!("{}: {}", name(template, captured.obis), in_words(&data))),
        }
    }
    if row.stamp.is_some_and(|stamp| stamp.is_doubtful()) {
        detail.push("The meter doubted its clock".to_owned());
    }
    let text = match code {
        Some(code) => template
            .event_text(log, code)
            .map_or_else(|| format!("Event {code}, which the template does not name"), str::to_owned),
        None if is_supply_log(log) => "Supply failure".to_owned(),
        None => name(template, log),
    };
    detail.extend(lasted.map(|lasted| format!("Duration: {lasted}")));
    let began = lasted.and_then(|lasted: SignedDuration| row.at.checked_sub(lasted).ok());
    MeterEvent {
        log,
        code,
        text,
        at: began.unwrap_or(row.at),
        stamp: row.stamp,
        until: began.map(|_| row.at),
        detail,
    }
}

fn seconds(data: &Data) -> Option<SignedDuration> {
    data.integer()
        .and_then(|one| u32::try_from(one).ok())
        .map(|one| SignedDuration::from_secs(i64::from(one)))
}
