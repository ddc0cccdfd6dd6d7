//! `meter export`

use std::io;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::export::roster::{Separator, write_list};
use crate::export::write_whole;
use crate::store::ListedMeter;

/// Writes the list of meters, with the ratios of their points: a line for each period in every ratio cell.
#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    /// The file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only meters of this group and of those below it
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// For Excel where the comma is the decimal sign: semicolons, byte-order mark
    #[arg(long)]
    excel: bool,
}

impl Export {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let all = app.reader()?.listed_meters()?;
        let is_below = |own: &str, group: &str| {
            own.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_meant = |meter: &&ListedMeter| match &self.group {
            Some(group) => meter.config.group.as_deref().is_some_and(|own| is_below(own, group)),
            None => true,
        };
        let rows: Vec<&ListedMeter> = all.iter().filter(is_meant).collect();
        let separator = if self.excel { Separator::Semicolon } else { Separator::Comma };
        let Some(path) = &self.output else {
            if app.global.json {
                return Err(Failure::usage("with --json the list needs a file of its own: give -o FILE"));
            }
            write_list(&rows, separator, self.excel, &mut io::stdout().lock())?;
            return Ok(DONE);
        };
        write_whole(path, |out| write_list(&rows, separator, self.excel, out))
            .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))?;
        app.print(
            || json!({ "file": path.display().to_string(), "rows": rows.len() }),
            |out| writeln!(out, "{} meters in {}", rows.len(), path.display()),
        )?;
        Ok(DONE)
    }
}
