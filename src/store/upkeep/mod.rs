//! Upkeep of the store: months of intervals put together, old data disposed of, all of it checked, copies made.
//!
//! | file | holds |
//! | --- | --- |
//! | `log` | what upkeep was done, and who is at it now |
//! | `compaction` | days into months; free pages given back to the disk |
//! | `retention` | what is kept for how long, and what would go |
//! | `disposal` | the going |
//! | `check` | every page and every block, without holding anybody up |
//! | `copy` | a whole copy of the store in another file |
//! | `status` | what the file holds, by kind |
//! | `space` | how much room the disk has |
//!
//! All of it goes in small steps. Between two steps nothing is held: others read and write, and whoever watches may
//! wait, or say that it is enough. What a step has done is on disk; a program that is killed leaves nothing half done.

mod check;
mod compaction;
mod copy;
mod disposal;
mod log;
mod retention;
mod space;
mod status;

pub use check::Checked;
pub use compaction::Compacted;
pub use disposal::Disposed;
pub use log::{Upkeep, UpkeepRow, UpkeepState};
pub use retention::{Age, Expiry, Kind, RETENTION_SETTING, Retention};
pub use status::{KindSize, StoreStatus};

pub(super) use copy::{Existing, copy};
pub(super) use space::free_bytes;

/// How far a piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What is done: days, items, blocks or bytes.
    pub done: u64,
    /// Of how much; never less than `done`.
    pub of: u64,
}

/// Is told how far work has come, between two of its steps, when nothing is held; says whether to go on.
pub type Watch<'a> = dyn FnMut(Pace) -> bool + 'a;
