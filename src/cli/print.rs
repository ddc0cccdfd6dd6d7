//! `meterwright scheme print FILE -o OUT.pdf`
//!
//! A scheme with errors is printed too, with the errors on its first sheet, and ends with exit code 2 as `check` does.
//! A file that departs from the format has nothing that could be printed.

use std::io;
use std::path::PathBuf;

use clap::Args;
use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure, USAGE};
use super::scheme::{LARGEST_SCHEME, octets, unsound};
use crate::export::{self, write_whole};
use crate::scheme;

#[derive(Args, Debug)]
pub(super) struct Print {
    /// The scheme file
    file: PathBuf,
    /// Where the PDF goes
    #[arg(short, long, value_name = "OUT.pdf")]
    output: PathBuf,
}

impl Print {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let bytes = octets(&self.file, LARGEST_SCHEME)?;
        let checked = scheme::check_file_among(&bytes, Zoned::now().date(), &app.catalogue()?);
        let Some(document) = &checked.document else {
            return Err(unsound(&self.file, &checked.problems));
        };
        let pdf = export::print(document, &checked.problems, &bytes, Timestamp::now())
            .map_err(|error| Failure::internal(error.to_string()))?;
        write_whole(&self.output, |out| out.write_all(&pdf)).map_err(|error: io::Error| {
            Failure::usage(format!("{} cannot be written: {error}", self.output.display()))
        })?;
        let errors = checked.problems.iter().filter(|problem| problem.is_error()).count();
        let warnings = checked.problems.len() - errors;
        app.print(
            || {
                json!({
                    "file": self.file.display().to_string(),
                    "output": self.output.display().to_string(),
                    "bytes": pdf.len(),
                    "errors": errors,
                    "warnings": warnings,
                })
            },
            |out| writeln!(out, "{}: printed to {}", self.file.display(), self.output.display()),
        )?;
        if errors > 0 {
            app.tell("note: the scheme has errors; they stand on the first sheet");
        }
        Ok(if errors > 0 { USAGE } else { DONE })
    }
}
