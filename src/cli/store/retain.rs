//! `store retain`

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::keep::in_words;
use super::{chore, size};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::stamps;
use crate::cli::table::Table;
use crate::comms::Chore;
use crate::store::{Expiry, Retention};

/// Disposes of what is older than it is to be kept (`store keep`), after it has shown what that is. Where readings
/// would go, their number has to be confirmed. Counts and a hash of what went stand in the audit chain.
#[derive(Args, Debug)]
pub(in crate::cli) struct Retain {
    /// Only show what would go
    #[arg(long)]
    dry_run: bool,
    /// The number of readings that go, as --dry-run shows it; without it, it is asked for on a terminal
    #[arg(long, value_name = "NUMBER")]
    confirm: Option<u64>,
}

fn document(expiries: &[Expiry], words: Option<&str>) -> Value {
    let one = |expiry: &Expiry| {
        json!({
            "kind": expiry.kind.word(),
            "before": expiry.cutoff.to_string(),
            "items": expiry.items,
            "bytes": expiry.bytes,
            "oldest": expiry.oldest.map(|at| at.to_string()),
        })
    };
    json!({
        "expired": expiries.iter().map(one).collect::<Vec<_>>(),
        "readings": readings(expiries),
        "disposed": words.is_some(),
        "words": words,
    })
}

fn readings(expiries: &[Expiry]) -> u64 {
    expiries.iter().filter(|expiry| expiry.kind.is_reading()).map(|expiry| expiry.items).sum()
}

fn write(out: &mut dyn Write, expiries: &[Expiry], retention: &Retention) -> io::Result<()> {
    let zone = TimeZone::system();
    let mut table = Table::new(&["kind", "kept", "would go", "size", "oldest"]).numbers(&[2, 3]);
    for expiry in expiries {
        table.row(vec![
            expiry.kind.word().to_owned(),
            in_words(retention.age(expiry.kind)),
            expiry.items.to_string(),
            size(expiry.bytes),
            expiry.oldest.map_or_else(String::new, |at| stamps::for_eyes(at, &zone)),
        ]);
    }
    table.write(out)
}

impl Retain {
    /// Has the number of readings confirmed.
    fn confirmed(&self, readings: u64) -> Result<(), Failure> {
        let refused = |why: String| Err(Failure::refused(format!("{why}; nothing went")));
        if readings == 0 {
            return Ok(());
        }
        let given = match self.confirm {
            Some(given) => given,
            None if !io::stdin().is_terminal() => {
                return refused(format!(
                    "{readings} readings would go, which no meter gives again: write --confirm {readings}"
                ));
            }
            None => {
                let mut error = io::stderr().lock();
                write!(error, "{readings} readings go, which no meter gives again. Type their number: ")?;
                error.flush()?;
                let mut line = String::new();
                io::stdin().lock().read_line(&mut line)?;
                line.trim().parse().unwrap_or(0)
            }
        };
        if given == readings {
            return Ok(());
        }
        refused(format!("{readings} readings would go, and not {given}"))
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        let (now, store) = (Timestamp::now(), app.reader()?);
        let retention = store.retention()?;
        let expiries = store.expiries(&retention, now)?;
        drop(store);
        if self.dry_run {
            app.print(|| document(&expiries, None), |out| write(out, &expiries, &retention))?;
            return Ok(DONE);
        }
        self.confirmed(readings(&expiries))?;
        let cutoffs = expiries.iter().map(|expiry| (expiry.kind, expiry.cutoff)).collect();
        let words = chore::run(app, Chore::Retain(cutoffs))?;
        app.print(|| document(&expiries, Some(&words)), |out| writeln!(out, "{words}"))?;
        Ok(DONE)
    }
}
