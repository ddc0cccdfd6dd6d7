//! How a file is taken: what its columns mean, by what its rows find their meters, what becomes of those.

use crate::model::Catalogue;

use super::columns::Column;
use super::sheet::DecimalSign;

/// By what a row finds its meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Key {
    /// Its name.
    #[default]
    Name,
    /// Its serial number.
    Serial,
}

impl Key {
    pub(super) fn column(self) -> Column {
        match self {
            Self::Name => Column::Name,
            Self::Serial => Column::Serial,
        }
    }
}

/// What is done with rows whose meters are listed already, and with those that are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Known {
    /// New ones are added, known ones are rejected.
    #[default]
    AddOnly,
    /// New ones are added, known ones are changed.
    AddAndUpdate,
    /// Known ones are changed, new ones are rejected.
    UpdateOnly,
}

/// What an empty cell says of a meter that is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Empty {
    /// Nothing: what stands there stays.
    #[default]
    Leave,
    /// That there is nothing: the setting is taken away.
    Clear,
}

/// How a file is taken.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// What each column of the file means; nothing where it is left out.
    pub columns: Vec<Option<Column>>,
    /// How decimals are written.
    pub decimal: DecimalSign,
    /// By what rows find their meters.
    pub key: Key,
    /// What is done with them.
    pub known: Known,
    /// What empty cells say.
    pub empty: Empty,
    /// What the changes come from, for the audit.
    pub cause: String,
    /// The templates that there are.
    pub templates: Catalogue,
}
