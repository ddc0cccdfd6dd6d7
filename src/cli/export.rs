//! `meterwright export (registers|billing|profile|events) … --format … -o FILE`

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::notes;
use super::on_side::OnSide;
use super::period::Period;
use super::select::Select;
use crate::export::{self, ExportError, Format, Part, Readings, Written, zone_of};
use crate::model::Obis;

/// Writes readings to a file.
#[derive(Subcommand, Debug)]
pub(super) enum Export {
    /// Registers: the latest of each, or all within a period
    Registers(Options),
    /// Closed billing periods
    Billing(Options),
    /// The load profile
    Profile(ProfileOptions),
    /// Event logs
    Events(Options),
}

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    period: Period,
    #[command(flatten)]
    on: OnSide,
    /// csv (one row a value), csv-wide (one row an interval) or csv-excel (wide, semicolons, decimal comma)
    #[arg(long, default_value = "csv", value_parser = format)]
    format: Format,
    /// The file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct ProfileOptions {
    #[command(flatten)]
    options: Options,
    /// Which profile, by its logical name [default: the load profile]
    #[arg(long, value_name = "OBIS")]
    profile: Option<Obis>,
    /// Rows for missing intervals too: without a value, of the quality `missing`, with the reason in a column `gap`
    #[arg(long)]
    gaps: bool,
}

fn format(word: &str) -> Result<Format, String> {
    Format::from_word(word).ok_or_else(|| match word {
        "nem12" | "espi" => "this version does not write it yet: write csv, csv-wide or csv-excel".to_owned(),
        _ => "write csv, csv-wide or csv-excel".to_owned(),
    })
}

impl Export {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let (readings, options, profile) = match self {
            Self::Registers(options) => (Readings::Registers, options, None),
            Self::Billing(options) => (Readings::Billing, options, None),
            Self::Profile(profile) => (Readings::Profile, &profile.options, Some(profile)),
            Self::Events(options) => (Readings::Events, options, None),
        };
        options.run(app, readings, profile)
    }
}

/// Whoever reads standard output may have enough of it, which is no error.
fn to_stdout(error: ExportError) -> Failure {
    match error {
        ExportError::Io(error) => error.into(),
        ExportError::Csv(error) if error.is_io_error() => match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            other => Failure::internal(format!("the output cannot be written: {other:?}")),
        },
        other => other.into(),
    }
}

impl Options {
    fn run(&self, app: &App, readings: Readings, profile: Option<&ProfileOptions>) -> Outcome {
        let store = app.reader()?;
        let mut parts = Vec::new();
        for meter in self.select.meters(&store)? {
            let (from, to) = self.period.bounds(&zone_of(&meter.config))?;
            parts.push(Part { meter, from, to });
        }
        let export = export::Export {
            readings,
            format: self.format,
            profile: profile.and_then(|options| options.profile),
            parts,
            side: self.on.side(),
            gaps: profile.is_some_and(|options| options.gaps),
            now: Timestamp::now(),
        };
        let Some(path) = &self.output else {
            if app.global.json {
                return Err(Failure::usage(
                    "with --json the readings need a file of their own: give -o FILE",
                ));
            }
            let written = export.write(&store, &mut io::stdout().lock()).map_err(to_stdout)?;
            notes::missing(app, written.missing, export.gaps, "writes");
            return Ok(DONE);
        };
        let Written { rows, missing } = export.write_file(&store, path).map_err(|error| match error {
            ExportError::Store(error) => error.into(),
            other => Failure::usage(format!("{}: {other}", path.display())),
        })?;
        notes::missing(app, missing, export.gaps, "writes");
        let file = path.display().to_string();
        let document = || match readings {
            Readings::Profile => json!({ "file": file, "rows": rows, "missing": missing }),
            _ => json!({ "file": file, "rows": rows }),
        };
        app.print(document, |out| writeln!(out, "{rows} rows in {file}"))?;
        Ok(DONE)
    }
}
