//! `store status`

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::size;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::stamps;
use crate::cli::table::Table;
use crate::store::{KindSize, StoreStatus, UpkeepRow};

/// Shows what the file holds, by kind, and what upkeep was done last.
#[derive(Args, Debug)]
pub(in crate::cli) struct Status {}

fn document(status: &StoreStatus) -> Value {
    let kind = |kind: &KindSize| {
        json!({
            "name": kind.name,
            "items": kind.items,
            "bytes": kind.bytes,
            "oldest": kind.oldest.map(|at| at.to_string()),
        })
    };
    let upkeep = |row: &UpkeepRow| {
        json!({
            "what": row.what.word(),
            "began": row.began.to_string(),
            "ended": row.ended.map(|at| at.to_string()),
            "state": row.state.word(),
            "words": row.words,
        })
    };
    json!({
        "file": status.path,
        "version": status.version,
        "bytes": status.bytes,
        "log_bytes": status.log_bytes,
        "free_bytes": status.free_bytes,
        "gives_back": status.gives_back,
        "disk_free_bytes": status.disk_free_bytes,
        "blocks": { "days": status.blocks.0, "months": status.blocks.1 },
        "kinds": status.kinds.iter().map(kind).collect::<Vec<_>>(),
        "upkeep": status.upkeep.iter().map(upkeep).collect::<Vec<_>>(),
    })
}

impl Status {
    #[allow(clippy::unused_self, reason = "a command like the others")]
    pub(super) fn run(&self, app: &App) -> Outcome {
        let status = app.reader()?.status()?;
        let zone = TimeZone::system();
        app.print(
            || document(&status),
            |out| {
                writeln!(out, "{}, version {}", status.path, status.version)?;
                let disk = status
                    .disk_free_bytes
                    .map_or_else(String::new, |free| format!("; {} free on the disk", size(free)));
                writeln!(
                    out,
                    "{}, {} of it free for what comes, and a log of {}{disk}",
                    size(status.bytes),
                    size(status.free_bytes),
                    size(status.log_bytes)
                )?;
                writeln!(out, "{} blocks of days and {} of months", status.blocks.0, status.blocks.1)?;
                let mut table = Table::new(&["kind", "number", "size", "oldest"]).numbers(&[1, 2]);
                for kind in &status.kinds {
                    table.row(vec![
                        kind.name.to_owned(),
                        kind.items.to_string(),
                        size(kind.bytes),
                        kind.oldest.map_or_else(String::new, |at| stamps::for_eyes(at, &zone)),
                    ]);
                }
                table.write(out)?;
                for row in &status.upkeep {
                    let (began, state) = (stamps::for_eyes(row.began, &zone), row.state.word());
                    writeln!(out, "{} {began}: {state}. {}", row.what.word(), row.words)?;
                }
                Ok(())
            },
        )?;
        Ok(DONE)
    }
}
