//! Rows of a log as events.

use jiff::SignedDuration;

use crate::model::{Channel, ColumnRole, MeterEvent, Obis, ProfileColumns, Template};
use crate::protocol::dlms::Data;

use super::super::registers::name;
use super::super::values::in_words;
use super::columns::is_duration;
use super::rows::{Cell, Row, cell_number};

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
            ColumnRole::EventCode => {
                let number = data.integer().and_then(|one| u32::try_from(one).ok());
                // Some meters write words, or a sign, where a code is due.
                if number.is_none() {
                    detail.push(format!("{}: {}", name(template, captured.obis), in_words(&data)));
                }
                code = code.or(number);
            }
            _ if is_duration(captured.obis) && lasted.is_none() => lasted = seconds(&data),
            ColumnRole::Channel(number) => {
                detail.push(figure(columns.layout.channels.get(*number), &data, cell));
            }
            ColumnRole::Status | ColumnRole::Other => {
                detail.push(format!("{}: {}", name(template, captured.obis), in_words(&data)));
            }
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

/// A measured value, scaled, with its unit.
fn figure(channel: Option<&Channel>, data: &Data, cell: &Cell<'_>) -> String {
    let Some(channel) = channel else { return in_words(data) };
    let number = cell_number(cell, channel.data_index).and_then(|raw| raw.scaled(channel.scaler_unit.scaler));
    let Some(number) = number else { return format!("{}: {}", channel.name, in_words(data)) };
    format!("{}: {number} {}", channel.name, channel.scaler_unit.unit).trim_end().to_owned()
}

fn seconds(data: &Data) -> Option<SignedDuration> {
    data.integer()
        .and_then(|one| u32::try_from(one).ok())
        .map(|one| SignedDuration::from_secs(i64::from(one)))
}
