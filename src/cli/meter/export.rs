//! `meter export`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::columns::COLUMNS;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::export::write_whole;
use crate::store::MeterRow;

/// Writes the list of meters.
#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    /// The file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn write(rows: &[MeterRow], out: &mut dyn Write) -> Result<(), io::Error> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS.iter().map(|column| column.name))?;
    for row in rows {
        table.write_record(COLUMNS.iter().map(|column| (column.write)(&row.config)))?;
    }
    table.flush()
}

impl Export {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let rows = app.reader()?.meters()?;
        let Some(path) = &self.output else {
            if app.global.json {
                return Err(Failure::usage("with --json the list needs a file of its own: give -o FILE"));
            }
            write(&rows, &mut io::stdout().lock())?;
            return Ok(DONE);
        };
        write_whole(path, |out| write(&rows, out))
            .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))?;
        app.print(
            || json!({ "file": path.display().to_string(), "rows": rows.len() }),
            |out| writeln!(out, "{} meters in {}", rows.len(), path.display()),
        )?;
        Ok(DONE)
    }
}
