//! The long form: one row a value.

use std::io::Write;

use crate::store::StoreReader;

use super::missing::Reckoned;
use super::sheet::{self, local};
use super::{ExportError, zone_of};

const COLUMNS: [&str; 9] =
    ["utc", "local", "offset_min", "obis", "name", "value", "unit", "quality", "status_hex"];
/// What a file of several meters has beside them, since its head cannot say it.
const OF_SEVERAL: [&str; 3] = ["meter", "serial", "side"];

pub(super) fn write(
    whole: &Reckoned<'_>,
    store: &StoreReader,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let export = whole.export;
    sheet::head(whole, store, out)?;
    let is_several = export.only().is_none();
    let mut table = csv::Writer::from_writer(out);
    let names_side = export.only_side(store)?.is_none();
    // A file of one meter names the side alone, where its figures are on both.
    let (skip, take) = if is_several { (0, 3) } else { (2, usize::from(names_side)) };
    let more = OF_SEVERAL.iter().skip(skip).take(take);
    let gap = ["gap"];
    let gap = if export.gaps { &gap[..] } else { &[] };
    table.write_record(COLUMNS.iter().chain(more).chain(gap))?;
    let mut rows = 0;
    for (part, gaps) in whole.parts() {
        let config = &part.meter.config;
        let zone = zone_of(config);
        sheet::records(export, (part, gaps), store, &mut |record| {
            let (wall, offset_minutes) = local(record.at, &zone);
            let (utc, wall, offset) = (record.at.to_string(), wall.to_string(), offset_minutes.to_string());
            let status = record.status_hex();
            for (column, value) in &record.cells {
                let (obis, unit) = (column.obis.to_string(), column.unit.symbol());
                let text = value.as_ref().and_then(|value| value.text()).unwrap_or_default();
                let quality = record.quality_of(value.as_ref()).name();
                let fields =
                    [&utc, &wall, &offset, &obis, &column.name, &text, &unit, quality, status.as_str()];
                let serial = config.serial.as_deref().unwrap_or("");
                let more = [config.name.as_str(), serial, column.side.name()];
                let why = record.gap.unwrap_or_default();
                let why = gap.iter().map(|_| why);
                table.write_record(
                    fields.iter().chain(more.iter().skip(skip).take(take)).copied().chain(why),
                )?;
                rows += 1;
            }
            Ok(())
        })?;
    }
    table.flush()?;
    Ok(rows)
}
