//! The wide form: one row an instant, one column a value, each with its quality; with an option for Excel.

use std::io::Write;

use jiff::civil::DateTime;

use crate::model::{Gap, ReadingValue};
use crate::store::StoreReader;

use super::missing::Reckoned;
use super::sheet::{self, Column, Record, SidedProfile, local};
use super::{Export, ExportError, Format, Part, Readings, zone_of};

/// How numbers, times and text look.
#[derive(Clone, Copy)]
pub(super) struct Style {
    is_excel: bool,
}

impl Style {
    pub(super) fn of(format: Format) -> Self {
        Self { is_excel: format == Format::CsvExcel }
    }

    /// A byte-order mark tells Excel that the file is UTF-8.
    pub(super) fn begin(self, out: &mut dyn Write) -> Result<(), ExportError> {
        if self.is_excel {
            out.write_all("\u{FEFF}".as_bytes())?;
        }
        Ok(())
    }

    pub(super) fn table(self, out: &mut dyn Write) -> csv::Writer<&mut dyn Write> {
        let mut builder = csv::WriterBuilder::new();
        if self.is_excel {
            builder.delimiter(b';').terminator(csv::Terminator::CRLF);
        }
        builder.from_writer(out)
    }

    /// Text that a spreadsheet would take for a formula is marked as text.
    pub(super) fn text(self, text: &str) -> String {
        if self.is_excel && text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            format!("'{text}")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn wall(self, wall: DateTime) -> String {
        let text = wall.to_string();
        if self.is_excel { text.replacen('T', " ", 1) } else { text }
    }

    pub(super) fn value(self, value: Option<&ReadingValue>) -> String {
        let Some(value) = value else { return String::new() };
        let text = value.text().unwrap_or_default();
        match value {
            ReadingValue::Number(_) if self.is_excel => text.replace('.', ","),
            ReadingValue::Text(_) => self.text(&text),
            _ => text,
        }
    }
}

/// All columns, in the order in which they first come.
#[derive(Default)]
struct Columns {
    all: Vec<Column>,
}

impl Columns {
    fn add(&mut self, wanted: &[Column]) {
        // A record may have one column twice (captured twice); it then needs it twice here.
        let mut taken = vec![false; self.all.len()];
        for column in wanted {
            let found = self
                .all
                .iter()
                .zip(&mut taken)
                .find(|(known, taken)| !**taken && known.is_same(column))
                .map(|(_, taken)| *taken = true);
            if found.is_none() {
                self.all.push(column.clone());
                taken.push(true);
            }
        }
    }

    /// A record's values in the order of the columns.
    fn fill<'a>(&self, record: &'a Record) -> Vec<Option<&'a ReadingValue>> {
        let mut taken = vec![false; record.cells.len()];
        let one = |column: &Column| {
            let found = record
                .cells
                .iter()
                .zip(&mut taken)
                .find(|((cell, _), taken)| !**taken && cell.is_same(column));
            found.and_then(|((_, value), taken)| {
                *taken = true;
                value.as_ref()
            })
        };
        self.all.iter().map(one).collect()
    }
}

/// Finds the columns: from the layouts of profiles, from the readings otherwise, which are few.
fn columns(whole: &Reckoned<'_>, store: &StoreReader) -> Result<Columns, ExportError> {
    let export = whole.export;
    let mut columns = Columns::default();
    for part in whole.parts() {
        if export.readings == Readings::Profile {
            let sided = SidedProfile::load(export, part, store)?;
            let channels = sided.map(|sided| sided.columns.channels).unwrap_or_default();
            columns.add(&channels.iter().map(Column::of_channel).collect::<Vec<_>>());
        } else {
            sheet::records(export, part, store, &mut |record| {
                columns.add(&record.cells.iter().map(|(column, _)| column.clone()).collect::<Vec<_>>());
                Ok(())
            })?;
        }
    }
    Ok(columns)
}

/// `Active import energy [Wh] 1-0:1.8.0*255`, and `secondary` where a file of several meters needs it.
fn title(column: &Column, names_side: bool) -> String {
    let mut title = column.name.clone();
    if !column.unit.symbol().is_empty() {
        title.push_str(&format!(" [{}]", column.unit.symbol()));
    }
    title.push_str(&format!(" {}", column.obis));
    if column.attribute != 2 {
        title.push_str(&format!(" attribute {}", column.attribute));
    }
    if names_side {
        title.push_str(&format!(" {}", column.side.name()));
    }
    title
}

pub(super) fn write(
    whole: &Reckoned<'_>,
    store: &StoreReader,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let export = whole.export;
    let style = Style::of(export.format);
    let columns = columns(whole, store)?;
    let is_several = export.only().is_none();
    let names_side = export.only_side(store)?.is_none();
    style.begin(out)?;
    sheet::head(whole, store, out)?;
    let mut table = style.table(out);
    let meter: &[&str] = if is_several { &["meter", "serial"] } else { &[] };
    let mut header: Vec<String> = meter.iter().map(|&text| text.to_owned()).collect();
    header.extend(["utc", "local", "offset_min", "status", "status_hex"].map(str::to_owned));
    for column in &columns.all {
        let title = title(column, names_side);
        header.push(style.text(&title));
        header.push(format!("quality of {}", column.obis));
    }
    if export.gaps {
        header.push("gap".to_owned());
    }
    table.write_record(&header)?;
    let mut rows = 0;
    for (part, gaps) in whole.parts() {
        let config = &part.meter.config;
        let zone = zone_of(config);
        let mut row = |record: &Record| -> Result<(), ExportError> {
            let (wall, offset_minutes) = local(record.at, &zone);
            let mut fields = Vec::with_capacity(header.len());
            if is_several {
                fields.push(style.text(&config.name));
                fields.push(style.text(config.serial.as_deref().unwrap_or("")));
            }
            fields.extend([record.at.to_string(), style.wall(wall), offset_minutes.to_string()]);
            fields.extend([record.status.names().join(" "), record.status_hex()]);
            for value in columns.fill(record) {
                fields.push(style.value(value));
                fields.push(record.quality_of(value).name().to_owned());
            }
            if export.gaps {
                fields.push(record.gap.unwrap_or_default().to_owned());
            }
            table.write_record(&fields)?;
            rows += 1;
            Ok(())
        };
        if export.readings == Readings::Registers {
            for record in &gathered(export, (part, gaps), store)? {
                row(record)?;
            }
        } else {
            sheet::records(export, (part, gaps), store, &mut row)?;
        }
    }
    table.flush()?;
    Ok(rows)
}

/// Registers are read one by one, milliseconds apart: those of one session become one row, at the time of the last.
fn gathered(export: &Export, part: (&Part, &[Gap]), store: &StoreReader) -> Result<Vec<Record>, ExportError> {
    let mut all: Vec<Record> = Vec::new();
    let mut single = Vec::new();
    sheet::records(export, part, store, &mut |record| {
        single.push(record.clone());
        Ok(())
    })?;
    single.sort_by_key(|record| record.at);
    for record in single {
        let joins = all.last().is_some_and(|last| {
            let is_new =
                |(column, _): &(Column, _)| !last.cells.iter().any(|(known, _)| known.is_same(column));
            record.at.duration_since(last.at).as_secs() < 60 && record.cells.iter().all(is_new)
        });
        match all.last_mut().filter(|_| joins) {
            Some(last) => {
                last.at = record.at;
                last.cells.extend(record.cells);
            }
            None => all.push(record),
        }
    }
    Ok(all)
}
