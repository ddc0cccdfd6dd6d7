//! Event logs: one row an event, in every format.

use std::io::Write;

use jiff::Timestamp;

use crate::store::StoreReader;

use super::missing::Reckoned;
use super::sheet::{self, local};
use super::wide::Style;
use super::{ExportError, zone_of};

const COLUMNS: [&str; 8] = ["utc", "local", "offset_min", "log", "code", "text", "until", "detail"];
const OF_SEVERAL: [&str; 2] = ["meter", "serial"];

pub(super) fn write(
    whole: &Reckoned<'_>,
    store: &StoreReader,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let export = whole.export;
    let style = Style::of(export.format);
    style.begin(out)?;
    sheet::head(whole, store, out)?;
    let is_several = export.only().is_none();
    let more: &[&str] = if is_several { &OF_SEVERAL } else { &[] };
    let mut table = style.table(out);
    table.write_record(COLUMNS.iter().chain(more))?;
    let mut rows = 0;
    for part in &export.parts {
        let config = &part.meter.config;
        let zone = zone_of(config);
        let (from, to) = (part.from.unwrap_or(Timestamp::MIN), part.to.unwrap_or(Timestamp::MAX));
        for event in store.events(part.meter.id, from, to)? {
            let (wall, offset_minutes) = local(event.at, &zone);
            let mut fields = vec![
                event.at.to_string(),
                style.wall(wall),
                offset_minutes.to_string(),
                event.log.to_string(),
                event.code.map(|code| code.to_string()).unwrap_or_default(),
                style.text(&event.text),
                event.until.map(|until| until.to_string()).unwrap_or_default(),
                style.text(&event.detail.join("; ")),
            ];
            if is_several {
                fields.push(style.text(&config.name));
                fields.push(style.text(config.serial.as_deref().unwrap_or("")));
            }
            table.write_record(&fields)?;
            rows += 1;
        }
    }
    table.flush()?;
    Ok(rows)
}
