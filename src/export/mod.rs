//! Readings as files (floor 3): CSV in long and wide form, with an option for Excel; schemes as prints; the list of
//! meters out and in ([`roster`]).
//!
//! Every stamp of a profile is its interval's END and every file says so; every file says whether figures are
//! primary or secondary. Numbers are exact decimals as the store has them; what is absent is an empty field with
//! the quality `missing`, never a nought. An interval that is missing altogether has a row of its own where that is
//! wanted, and is counted above the table in any case. Days of 23 and 25 hours come out right by themselves: rows are instants,
//! and the offset column tells the two passes of a doubled hour apart.

mod events;
mod file;
mod joined;
mod long;
mod missing;
mod month;
mod print;
pub mod roster;
mod sheet;
mod sides;
mod totals;
mod wide;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{MeterConfig, MeterId, Obis, Side};
use crate::store::{MeterRow, StoreError, StoreReader};

pub use file::write_whole;
pub use joined::{JoinedProfile, usual_profile};
use missing::Reckoned;
pub use missing::{MissingInterval, gaps_of_part, missing_intervals};
pub use month::{MonthEnergy, Preview, preview, preview_without};
pub use print::{PrintError, print};
pub use sides::{SideView, SidedColumns, SidedReading};
pub use totals::{PointTotal, TotalPart, point_totals};

/// What to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readings {
    /// Registers: the latest of each, or all between two instants.
    Registers,
    /// Closed billing periods.
    Billing,
    /// The load profile.
    Profile,
    /// Event logs.
    Events,
}

/// How to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One row a value; commas, UTF-8.
    Csv,
    /// One row an interval, one column a channel, each with its quality.
    CsvWide,
    /// As the wide form, for Excel where the comma is the decimal sign: semicolons, byte-order mark.
    CsvExcel,
}

impl Format {
    /// All of them with their words.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Csv, "csv"), (Self::CsvWide, "csv-wide"), (Self::CsvExcel, "csv-excel")];

    /// The format with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(format, _)| *format)
    }
}

/// One meter's part of an export.
#[derive(Clone, Debug)]
pub struct Part {
    /// The meter.
    pub meter: MeterRow,
    /// Readings after this instant; all from the first where it is `None`.
    pub from: Option<Timestamp>,
    /// Readings up to and with this instant; all to the last where it is `None`.
    pub to: Option<Timestamp>,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// What.
    pub readings: Readings,
    /// How.
    pub format: Format,
    /// Which profile; each meter's usual one where it is `None`.
    pub profile: Option<Obis>,
    /// Of which meters, and from when to when.
    pub parts: Vec<Part>,
    /// On which side of the transformers; as the meters gave them where it is `None`.
    pub side: Option<Side>,
    /// Intervals of a profile that are missing have rows too, each with the reason.
    pub gaps: bool,
    /// When it is made.
    pub now: Timestamp,
}

/// What came of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows under the header.
    pub rows: u64,
    /// Intervals that are missing in what is written, with rows of their own or without; 0 of anything but a profile.
    pub missing: usize,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file.
    #[error("the file cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The file, by way of the CSV writer.
    #[error("the file cannot be written: {0}")]
    Csv(#[from] csv::Error),
}

impl Export {
    /// Writes the export.
    ///
    /// # Errors
    /// The store cannot be read, or `out` fails.
    pub fn write(&self, store: &StoreReader, out: &mut dyn Write) -> Result<Written, ExportError> {
        let whole = Reckoned::of(self, store)?;
        let rows = match self.readings {
            Readings::Events => events::write(&whole, store, out),
            Readings::Registers | Readings::Billing | Readings::Profile => match self.format {
                Format::Csv => long::write(&whole, store, out),
                Format::CsvWide | Format::CsvExcel => wide::write(&whole, store, out),
            },
        }?;
        Ok(Written { rows, missing: whole.missing })
    }

    /// Writes the export to a file: all of it, or nothing.
    ///
    /// # Errors
    /// As [`Export::write`]; a file that was there before is untouched then.
    pub fn write_file(&self, store: &StoreReader, path: &Path) -> Result<Written, ExportError> {
        write_whole(path, |out| self.write(store, out))
    }

    /// How a meter's figures are shown.
    fn view(&self, store: &StoreReader, meter: MeterId) -> Result<SideView, StoreError> {
        Ok(SideView { history: store.ratio_history(meter)?, wanted: self.side })
    }

    /// The only side that figures of the only meter are on; nothing where there are several of one or the other, so
    /// that each figure has to say it.
    fn only_side(&self, store: &StoreReader) -> Result<Option<Side>, StoreError> {
        let Some(meter) = self.only() else { return Ok(None) };
        if self.side.is_some() {
            return Ok(self.side);
        }
        let history = store.ratio_history(meter.id)?;
        let own = meter.config.registers_in;
        let is_same = history.periods().iter().all(|period| period.transformers.registers_in == own);
        Ok(is_same.then_some(own))
    }

    /// The only meter, where there is one.
    fn only(&self) -> Option<&MeterRow> {
        match &self.parts[..] {
            [only] => Some(&only.meter),
            _ => None,
        }
    }
}

/// The zone in which a meter's local times are written; this computer's where none is set or it is unknown here.
#[must_use]
pub fn zone_of(config: &MeterConfig) -> TimeZone {
    config.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
}
