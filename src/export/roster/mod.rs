//! The list of meters as a file, out and in: the same for the windows and the command line.
//!
//! A file is read in three steps. [`Style::detect`] and [`Sheet::read`] turn bytes into cells, [`guess`] finds out
//! what each column means by its header, and [`plan()`] lays the rows beside the meters that are listed: which are new,
//! which change, in what, which stay, and which cannot be taken, each with the reason. Nothing is stored by any of
//! them: a [`Plan`] holds the changes, which are made all or none.
//!
//! A cell that says what the list would write for that meter changes nothing, whatever it looks like: so a list that
//! was written and is read again is left unchanged. No column holds a secret.
//!
//! A meter has one row. The transformer ratios of its point stand in the columns `ratio_from`, `ratio_ct`, `ratio_vt`,
//! `ratio_applied_by_meter` and `ratio_…_class`, exactly as plates have them (`400/5`, `110000/√3:100/√3`). A point
//! with several periods of validity has a line for each in every one of these cells: the first line of each is the
//! first period. Periods that a row names are put, those that it does not name stay; where empty cells clear, empty
//! ratio cells take all of them away.

mod choices;
mod columns;
mod fates;
mod matching;
mod plan;
mod ratios;
mod sheet;
mod write;

#[cfg(test)]
mod tests;

pub use choices::{Choices, Empty, Key, Known};
pub use columns::{Column, Difference, differences, own_fields};
pub use fates::{Counts, Fate, Plan, PlanRow, Reason};
pub use matching::{REJECTED_COLUMNS, guess, is_of_rejects, matching_to_keep, sounds_secret};
pub use plan::plan;
pub use ratios::RatioPart;
pub use sheet::{DecimalSign, Encoding, LARGEST_FILE, Separator, Sheet, SheetRow, Style};
pub use write::{write_list, write_rejected};
