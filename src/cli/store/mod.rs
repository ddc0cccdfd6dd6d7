//! `meterwright store …`: the store's own upkeep.

mod backup;
mod check;
mod chore;
mod compact;
mod keep;
mod retain;
mod status;

use clap::Subcommand;

use super::app::{App, Outcome};

/// Looks after the store.
#[derive(Subcommand, Debug)]
pub(super) enum Store {
    /// What the file holds, by kind, and what upkeep was done last
    Status(status::Status),
    /// Look at every page, every block of intervals and the audit chain
    Check(check::Check),
    /// Put the days of months that are over into one block each, and give free pages back to the disk
    Compact(compact::Compact),
    /// Say what is kept for how long, or show it
    Keep(keep::Keep),
    /// Dispose of what is older than it is to be kept
    Retain(retain::Retain),
    /// Copy the store, as it is now, to a new file; others may go on writing
    Backup(backup::Backup),
}

impl Store {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Status(command) => command.run(app),
            Self::Check(command) => command.run(app),
            Self::Compact(command) => command.run(app),
            Self::Keep(command) => command.run(app),
            Self::Retain(command) => command.run(app),
            Self::Backup(command) => command.run(app),
        }
    }
}

/// Bytes for eyes: `12 KiB`, `3.4 MiB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
    }
}
