//! `meter import CSV`

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::columns::{COLUMNS, Column};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::comms::Edit;
use crate::model::{Line, MeterConfig, MeterSecrets};

/// Largest file: a hundred thousand meters fit easily.
const LARGEST: u64 = 64 << 20;
/// Problems told at once.
const MOST_PROBLEMS: usize = 20;
/// Stands in a row until its own line is read.
const NO_LINE: &str = "tcp://missing:1";

/// Adds all meters of a CSV file, or none.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The file: a header row with columns as `meter export` writes them (name and line at least), no secrets
    #[arg(value_name = "CSV")]
    file: PathBuf,
}

impl Import {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let fail = |reason: String| Failure::usage(format!("{}: {reason}", self.file.display()));
        let mut text = String::new();
        File::open(&self.file)
            .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
            .map_err(|error| fail(error.to_string()))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
            return Err(fail(format!("the file is larger than {} MiB", LARGEST >> 20)));
        }
        let configs = parse(&text).map_err(|problems| {
            let told: Vec<&str> = problems.iter().take(MOST_PROBLEMS).map(String::as_str).collect();
            let more = problems.len() - told.len();
            let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
            fail(format!("nothing was added\n{}{more}", told.join("\n")))
        })?;
        let count = configs.len();
        let meters = configs.into_iter().map(|config| (config, MeterSecrets::default())).collect();
        app.edit(Edit::AddMeters(meters))?;
        app.print(|| json!({ "added": count }), |out| writeln!(out, "Added {count} meters"))?;
        Ok(DONE)
    }
}

/// The header's columns, or what is wrong with it.
fn header(names: &csv::StringRecord) -> Result<Vec<&'static Column>, Vec<String>> {
    let mut problems = Vec::new();
    let mut columns: Vec<&'static Column> = Vec::new();
    let known = || COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    for name in names {
        let name = name.trim();
        match COLUMNS.iter().find(|column| column.name == name) {
            Some(column) if columns.iter().any(|other| other.name == name) => {
                problems.push(format!("row 1: the column `{}` stands there twice", column.name));
            }
            Some(column) => columns.push(column),
            None => problems.push(format!("row 1: the column `{name}` is not known: write {}", known())),
        }
    }
    for needed in ["name", "line"] {
        if !columns.iter().any(|column| column.name == needed) {
            problems.push(format!("row 1: the column `{needed}` is missing"));
        }
    }
    if problems.is_empty() { Ok(columns) } else { Err(problems) }
}

/// The meters of a file, or every problem in it by row and column.
fn parse(text: &str) -> Result<Vec<MeterConfig>, Vec<String>> {
    let text = text.trim_start_matches('\u{FEFF}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut table =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let names = table.headers().map_err(|error| vec![error.to_string()])?.clone();
    let columns = header(&names)?;
    let missing: Line = NO_LINE.parse().map_err(|error| vec![format!("{error}")])?;
    let mut problems = Vec::new();
    let mut meters = Vec::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for record in table.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        let row = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            problems.push(format!("row {row}: {} fields where the header has {}", record.len(), columns.len()));
            continue;
        }
        let mut meter = MeterConfig::new("", missing.clone());
        for (column, cell) in columns.iter().zip(&record) {
            let cell = cell.trim();
            if cell.is_empty() && matches!(column.name, "name" | "line") {
                problems.push(format!("row {row}, column {}: it is empty", column.name));
            } else if !cell.is_empty()
                && let Err(reason) = (column.read)(&mut meter, cell)
            {
                problems.push(format!("row {row}, column {}: {reason}", column.name));
            }
        }
        if let Some(first) = seen.insert(meter.name.clone(), row).filter(|_| !meter.name.is_empty()) {
            problems.push(format!("row {row}, column name: `{}` stands in row {first} too", meter.name));
        }
        meters.push(meter);
    }
    if meters.is_empty() && problems.is_empty() {
        problems.push("there is no meter in it".to_owned());
    }
    if problems.is_empty() { Ok(meters) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_is_imported_again() {
        let line = "serial:/dev/ttyUSB0?baud=19200&format=8n1".parse().unwrap();
        let mut meter = MeterConfig::new("Main, \"west\"", line);
        meter.serial = Some("0012".to_owned());
        meter.address = Some("1/17@4".parse().unwrap());
        meter.auth = crate::model::Auth::HighGmac;
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(COLUMNS.iter().map(|column| column.name)).unwrap();
        out.write_record(COLUMNS.iter().map(|column| (column.write)(&meter))).unwrap();
        let text = String::from_utf8(out.into_inner().unwrap()).unwrap();
        assert_eq!(parse(&text).unwrap(), [meter]);
    }

    #[test]
    fn every_problem_is_named_by_row_and_column() {
        let text = "name,line,auth\nA,tcp://a,none\nA,tcp://b,highest\n,x,none\n";
        let problems = parse(text).unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems[0].starts_with("row 3, column auth: `highest`"), "{problems:?}");
        assert!(problems[1].contains("stands in row 2 too"), "{problems:?}");
        assert!(problems[2].starts_with("row 4, column name"), "{problems:?}");
        assert!(problems[3].starts_with("row 4, column line"), "{problems:?}");
    }

    #[test]
    fn a_column_for_a_secret_is_not_known() {
        let problems = parse("name,line,password\nA,tcp://a,MARKED\n").unwrap_err();
        assert!(problems[0].contains("`password` is not known"), "{problems:?}");
        assert!(!problems.join(" ").contains("MARKED"));
    }

    #[test]
    fn semicolons_and_a_byte_order_mark_are_taken() {
        assert_eq!(parse("\u{FEFF}name;line\nA;tcp://a\n").unwrap().len(), 1);
    }
}
