//! Lists of meters, written.

use std::io::{self, Write};

use crate::store::ListedMeter;

use super::columns::{Column, own_fields};
use super::fates::{Fate, Plan};
use super::matching::{REJECTED_COLUMNS, is_of_rejects, sounds_secret};
use super::sheet::{Separator, Sheet};

fn table(separator: Separator, out: &mut dyn Write) -> csv::Writer<&mut dyn Write> {
    csv::WriterBuilder::new().delimiter(separator.octet()).flexible(true).from_writer(out)
}

/// Writes meters with all that an import reads, in UTF-8. `for_excel` puts a byte-order mark in front, by which Excel
/// tells UTF-8 from its own encoding.
///
/// # Errors
/// It cannot be written.
pub fn write_list(
    meters: &[&ListedMeter],
    separator: Separator,
    for_excel: bool,
    out: &mut dyn Write,
) -> Result<(), io::Error> {
    if for_excel {
        out.write_all("\u{FEFF}".as_bytes())?;
    }
    let mut columns = Column::ALL.to_vec();
    columns.extend(own_fields(meters.iter().copied()));
    let mut table = table(separator, out);
    table.write_record(columns.iter().map(Column::header))?;
    for meter in meters {
        table.write_record(
            columns.iter().map(|column| column.write(&meter.config, &meter.details, &meter.ratios)),
        )?;
    }
    table.flush()
}

/// Writes the rows that could not be taken as they stood in the file, each with its row there and the reasons in
/// front, so that they can be mended and imported. Gives how many there are.
///
/// # Errors
/// It cannot be written.
pub fn write_rejected(
    sheet: &Sheet,
    plan: &Plan,
    separator: Separator,
    out: &mut dyn Write,
) -> Result<usize, io::Error> {
    let mut table = table(separator, out);
    // A file of rejected rows that is read once more brings its own two columns along; secrets stay where they are.
    let kept: Vec<usize> = (0..sheet.header.len())
        .filter(|at| {
            sheet.header.get(*at).is_some_and(|header| !is_of_rejects(header) && !sounds_secret(header))
        })
        .collect();
    let pick = |cells: &[String]| -> Vec<String> {
        let width = sheet.header.len();
        let own = kept.iter().map(|at| cells.get(*at).cloned().unwrap_or_default());
        own.chain(cells.iter().skip(width).cloned()).collect()
    };
    let own = REJECTED_COLUMNS.iter().map(|name| (*name).to_owned());
    table.write_record(own.chain(pick(&sheet.header)))?;
    let mut count = 0;
    for (row, planned) in sheet.rows.iter().zip(&plan.rows) {
        let Fate::Rejected(reasons) = &planned.fate else { continue };
        let words: Vec<String> = reasons
            .iter()
            .map(|reason| match &reason.column {
                Some(column) => format!("{}: {}", column.header(), reason.text),
                None => reason.text.clone(),
            })
            .collect();
        let own = [row.line.to_string(), words.join("; ")];
        table.write_record(own.into_iter().chain(pick(&row.cells)))?;
        count += 1;
    }
    table.flush()?;
    Ok(count)
}
