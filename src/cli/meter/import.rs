//! `meter import CSV`

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::columns::{COLUMNS, Column};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::comms::Edit;
use crate::gui;
use crate::model::{Fault, Line, MeterConfig, MeterSecrets};

/// Largest file: a hundred thousand meters fit easily.
const LARGEST: u64 = 64 << 20;
/// Problems told at once.
const MOST_PROBLEMS: usize = 20;

/// Adds all meters of a CSV file, or none.
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {
    /// The file: a header row with columns as `meter export` writes them (name and line at least), no secrets
    #[arg(value_name = "CSV")]
    file: PathBuf,
}

/// A file's meters that can be added, with their rows, and what is wrong with the others, by row and column.
#[derive(Debug, Default)]
struct List {
    meters: Vec<(u64, MeterConfig)>,
    problems: Vec<String>,
}

/// Reads a CSV file of meters for the windows, which show what cannot be added beside what can.
///
/// # Errors
/// The file cannot be read.
pub(in crate::cli) fn read_list(path: &Path) -> Result<gui::data::Import, Fault> {
    let text = read_text(path)
        .map_err(|reason| Fault::user(format!("{}: {reason}", path.display()), "choose a CSV file"))?;
    let List { meters, problems } = parse(&text);
    let meters = meters.into_iter().map(|(_, config)| (config, MeterSecrets::default())).collect();
    Ok(gui::data::Import { meters, refused: problems })
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        return Err(format!("the file is larger than {} MiB", LARGEST >> 20));
    }
    Ok(text)
}

impl Import {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let fail = |reason: String| Failure::usage(format!("{}: {reason}", self.file.display()));
        let List { meters, mut problems } = parse(&read_text(&self.file).map_err(fail)?);
        let known = known_names(app)?;
        let templates = app.catalogue()?;
        problems.extend(meters.iter().filter_map(|(row, meter)| {
            let error = templates.shared(&meter.template).err()?;
            Some(format!("row {row}, column template: {error}"))
        }));
        let there_already = meters.iter().filter(|(_, meter)| known.contains(&meter.name));
        problems.extend(there_already.map(|(row, meter)| {
            format!("row {row}, column name: there is a meter `{}` in the store already", meter.name)
        }));
        if !problems.is_empty() {
            let told: Vec<&str> = problems.iter().take(MOST_PROBLEMS).map(String::as_str).collect();
            let more = problems.len() - told.len();
            let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
            return Err(fail(format!("nothing was added\n{}{more}", told.join("\n"))));
        }
        let count = meters.len();
        let meters = meters.into_iter().map(|(_, config)| (config, MeterSecrets::default())).collect();
        app.edit(Edit::AddMeters(meters))?;
        let words = if count == 1 { "1 meter".to_owned() } else { format!("{count} meters") };
        app.print(|| json!({ "added": count }), |out| writeln!(out, "Added {words}"))?;
        Ok(DONE)
    }
}

/// The names of the store's meters; none where there is no store yet, or a file that is still empty.
fn known_names(app: &App) -> Result<HashSet<String>, Failure> {
    let path = app.store_path()?;
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Ok(HashSet::new());
    }
    Ok(app.reader()?.meters()?.into_iter().map(|row| row.config.name).collect())
}

/// The header's columns, or what is wrong with it.
fn header(names: &csv::StringRecord) -> Result<Vec<&'static Column>, Vec<String>> {
    let mut problems = Vec::new();
    let mut columns: Vec<&'static Column> = Vec::new();
    let known = || COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    for name in names {
        let name = name.trim();
        match COLUMNS.iter().find(|column| column.name.eq_ignore_ascii_case(name)) {
            Some(column) if columns.iter().any(|other| other.name == column.name) => {
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

/// The meters of a file, and every problem in it.
fn parse(text: &str) -> List {
    let text = text.trim_start_matches('\u{FEFF}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut table =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let columns = match table.headers().map_err(|error| vec![error.to_string()]).and_then(header) {
        Ok(columns) => columns,
        Err(problems) => return List { meters: Vec::new(), problems },
    };
    let mut list = List::default();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for record in table.records() {
        let (row, read) = match record {
            Ok(record) => (record.position().map_or(0, csv::Position::line), meter(&columns, &record)),
            Err(error) => (0, Err(vec![error.to_string()])),
        };
        match read {
            Ok(meter) => match seen.insert(meter.name.clone(), row) {
                Some(first) => {
                    let problem =
                        format!("row {row}, column name: `{}` stands in row {first} too", meter.name);
                    list.problems.push(problem);
                }
                None => list.meters.push((row, meter)),
            },
            Err(reasons) => list.problems.extend(reasons.into_iter().map(|why| format!("row {row}{why}"))),
        }
    }
    if list.meters.is_empty() && list.problems.is_empty() {
        list.problems.push("there is no meter in it".to_owned());
    }
    list
}

/// The meter of a row, or what is wrong with it, each as it follows `row 7`.
fn meter(columns: &[&Column], record: &csv::StringRecord) -> Result<MeterConfig, Vec<String>> {
    if record.len() != columns.len() {
        return Err(vec![format!(": {} fields where the header has {}", record.len(), columns.len())]);
    }
    let mut problems = Vec::new();
    // Stands there until the row's own line is read.
    let nowhere: Line = "tcp://nowhere:1".parse().map_err(|error| vec![format!(": {error}")])?;
    let mut meter = MeterConfig::new("", nowhere);
    for (column, cell) in columns.iter().zip(record) {
        let cell = cell.trim();
        if cell.is_empty() && matches!(column.name, "name" | "line") {
            problems.push(format!(", column {}: it is empty", column.name));
        } else if !cell.is_empty()
            && let Err(reason) = (column.read)(&mut meter, cell)
        {
            problems.push(format!(", column {}: {reason}", column.name));
        }
    }
    if problems.is_empty() { Ok(meter) } else { Err(problems) }
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
        assert_eq!(parse(&text).meters, [(2, meter)]);
    }

    #[test]
    fn every_problem_is_named_by_row_and_column() {
        let text = "name,line,auth\nA,tcp://a,none\nA,tcp://b,highest\n,x,none\nA,tcp://c,\n";
        let problems = parse(text).problems;
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems[0].starts_with("row 3, column auth: `highest`"), "{problems:?}");
        assert!(problems[1].starts_with("row 4, column name"), "{problems:?}");
        assert!(problems[2].starts_with("row 4, column line"), "{problems:?}");
        assert!(problems[3].starts_with("row 5, column name: `A` stands in row 2 too"), "{problems:?}");
    }

    #[test]
    fn a_column_for_a_secret_is_not_known() {
        let problems = parse("name,line,password\nA,tcp://a,MARKED\n").problems;
        assert!(problems[0].contains("`password` is not known"), "{problems:?}");
        assert!(!problems.join(" ").contains("MARKED"));
    }

    #[test]
    fn semicolons_and_a_byte_order_mark_are_taken() {
        assert_eq!(parse("\u{FEFF}name;line\nA;tcp://a\n").meters.len(), 1);
    }
}
