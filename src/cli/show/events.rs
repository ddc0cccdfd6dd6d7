//! `show events NAME`

use serde_json::json;

use super::Which;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::table::Table;
use crate::cli::{select, stamps};
use crate::export::zone_of;
use crate::model::MeterEvent;

pub(super) fn run(app: &App, which: &Which) -> Outcome {
    let store = app.reader()?;
    let row = select::one(&store, &which.name)?;
    let zone = zone_of(&row.config);
    let (from, to) = which.period.span(&zone)?;
    let events = store.events(row.id, from, to)?;
    let one = |event: &MeterEvent| {
        json!({
            "log": event.log.to_string(),
            "code": event.code.map(|code| code.to_string()),
            "text": event.text,
            "utc": event.at.to_string(),
            "local": stamps::local(event.at, &zone),
            "until": event.until.map(|until| until.to_string()),
            "detail": event.detail,
        })
    };
    app.print(
        || json!({ "meter": row.config.name, "events": events.iter().map(one).collect::<Vec<_>>() }),
        |out| {
            if events.is_empty() {
                return writeln!(out, "Nothing is stored: `meterwright read --what events` reads it");
            }
            let mut table = Table::new(&["when", "log", "code", "text", "until", "detail"]).numbers(&[2]);
            for event in &events {
                table.row(vec![
                    stamps::for_eyes(event.at, &zone),
                    event.log.to_string(),
                    event.code.map(|code| code.to_string()).unwrap_or_default(),
                    event.text.clone(),
                    event.until.map(|until| stamps::for_eyes(until, &zone)).unwrap_or_default(),
                    event.detail.join("; "),
                ]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}
