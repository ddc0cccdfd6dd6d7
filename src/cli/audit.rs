//! `meterwright audit list|verify`

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, REFUSED};
use super::stamps;
use super::table::Table;
use crate::store::StoreError;

/// Who did what.
#[derive(Subcommand, Debug)]
pub(super) enum Audit {
    /// Print the last rows, newest first
    List(List),
    /// Walk the chain: a row that was changed, taken out or put in shows
    Verify,
}

/// Prints the last rows, newest first.
#[derive(Args, Debug)]
pub(super) struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    most: u32,
}

/// A detail as it was written: most are JSON.
fn detail(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

impl Audit {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::List(command) => command.run(app),
            Self::Verify => verify(app),
        }
    }
}

impl List {
    fn run(&self, app: &App) -> Outcome {
        let rows = app.reader()?.audit_rows(self.most)?;
        let zone = TimeZone::system();
        app.print(
            || {
                let each = rows.iter().map(|row| {
                    json!({
                        "number": row.number, "at": row.at.to_string(), "who": row.who,
                        "what": row.what, "detail": detail(&row.detail),
                    })
                });
                json!({ "rows": each.collect::<Vec<_>>() })
            },
            |out| {
                let mut table = Table::new(&["number", "at", "who", "what", "detail"]).numbers(&[0]);
                for row in &rows {
                    table.row(vec![
                        row.number.to_string(),
                        stamps::for_eyes(row.at, &zone),
                        row.who.clone(),
                        row.what.clone(),
                        row.detail.clone(),
                    ]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }
}

fn verify(app: &App) -> Outcome {
    let (rows, reason) = match app.reader()?.verify_audit() {
        Ok(rows) => (Some(rows), None),
        Err(StoreError::Damaged { reason, .. }) => (None, Some(reason)),
        Err(error) => return Err(error.into()),
    };
    app.print(
        || json!({ "valid": reason.is_none(), "rows": rows, "reason": reason }),
        |out| match (&reason, rows) {
            (Some(reason), _) => writeln!(out, "The audit chain is broken: {reason}"),
            (None, rows) => writeln!(out, "The audit chain is whole: {} rows", rows.unwrap_or_default()),
        },
    )?;
    Ok(if reason.is_none() { DONE } else { REFUSED })
}
