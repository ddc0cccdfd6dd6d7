//! What the rows of a file would do, and why some cannot be taken.

use crate::store::MeterChanges;

use super::columns::{Column, Difference};

/// Why a row cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The column that is wrong; nothing where it is the row as a whole.
    pub column: Option<Column>,
    /// What is wrong, and what to write.
    pub text: String,
}

impl Reason {
    pub(super) fn at(column: &Column, text: impl Into<String>) -> Self {
        Self { column: Some(column.clone()), text: text.into() }
    }

    pub(super) fn whole(text: impl Into<String>) -> Self {
        Self { column: None, text: text.into() }
    }

    /// As it follows `row 7`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.column {
            Some(column) => format!(", column {}: {}", column.header(), self.text),
            None => format!(": {}", self.text),
        }
    }
}

/// What a row would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Add a meter.
    New,
    /// Change one, in this.
    Changed(Vec<Difference>),
    /// Nothing: the meter is as it says.
    Unchanged,
    /// It cannot be taken.
    Rejected(Vec<Reason>),
}

/// A row with what it would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The line of the file in which it begins.
    pub line: u64,
    /// The meter's name, or what stands in the key column.
    pub name: String,
    /// What it would do.
    pub fate: Fate,
}

/// How many rows would do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Add a meter.
    pub new: usize,
    /// Change one.
    pub changed: usize,
    /// Nothing.
    pub unchanged: usize,
    /// Cannot be taken.
    pub rejected: usize,
}

/// What a file would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is wrong with the file as a whole; no row is looked at then.
    pub problems: Vec<String>,
    /// Its rows, in the order of the file.
    pub rows: Vec<PlanRow>,
    /// How many would do what.
    pub counts: Counts,
    /// The changes themselves, without the rejected rows.
    pub changes: MeterChanges,
}
