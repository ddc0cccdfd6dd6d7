//! Schemes (floor 2): everything that is programmed into a meter so that it bills as a contract says.
//!
//! ```text
//! bytes ─ read ─┐                ┌─ check      what is wrong, and where
//!               ├─ Document ─────┼─ Calendar   what is on at an instant
//! editor ───────┘      │         ├─ Engine     energy and events in, registers out
//!                    write       ├─ dry_run    a load profile through the engine
//!                                ├─ compare    how two schemes differ, in words
//!                                ├─ prices     what a dry run's registers cost
//!                                └─ cosem      the tables of a meter, and back
//! ```
//!
//! Nothing here opens a file, looks at a clock or knows a meter's protocol.
//!
//! # The file
//!
//! Every key that the format page shows must be there, an empty list or text included; `latent` alone may be left
//! out. Two things that the page leaves open: `clock.dst` is `null` for a clock that stays in standard time, and an
//! output is `{ "id", "title", "function": "pulse", "source", "pulses_per_kilo" }` or
//! `{ "id", "title", "function": "follow", "register" }`. Comments, trailing commas and keys that stand twice are
//! errors.
//!
//! # From a file to a bill
//!
//! ```
//! use jiff::civil::date;
//! use meterwright::scheme;
//!
//! let file = scheme::write(&scheme::Document::blank("dlms-generic", "Europe/London"));
//! let checked = scheme::check_file(file.as_bytes(), date(2026, 11, 22));
//! assert!(checked.problems.is_empty());
//! let document = checked.document.unwrap();
//!
//! let calendar = scheme::Calendar::new(&document).unwrap();
//! assert_eq!(calendar.rate("2026-11-22T12:00:00Z".parse().unwrap()).on, ["R1"]);
//!
//! let profile = scheme::read_profile(b"end,active_import\n2026-11-22T12:30:00Z,1250\n").unwrap();
//! let run = scheme::dry_run(&document, &profile, &[]).unwrap();
//! assert_eq!(run.registers[0].value.unwrap().to_string(), "1250");
//! ```

mod calendar;
mod check;
mod clock;
mod compare;
pub mod cosem;
mod csv_input;
mod document;
mod dry_run;
pub mod engine;
mod holidays;
mod prices;
mod problem;
mod read;
pub mod say;
#[cfg(test)]
mod testing;
mod write;

use crate::model::json;

pub use calendar::{Calendar, Rate, State};
pub use check::{Checked, check, check_file, check_file_among, read};
pub use clock::{ClockChange, Disagreement, WallClock, ZoneError, clock_changes, disagreement};
pub use compare::{Difference, compare};
pub use csv_input::{CsvSlip, read_events, read_profile};
pub use document::*;
pub use dry_run::{DryRun, DryRunError, IntervalRow, IntervalSeries, TimedEvent, dry_run};
pub use engine::Engine;
pub use holidays::{Holiday, Holidays, LARGEST_HOLIDAYS, Skipped, read_holidays};
pub use prices::{
    Bill, BillError, Bills, Charge, Line, PRICES_FORMAT, Price, Prices, amount, bill, prices_beside,
    read_prices,
};
pub use problem::{Code, Position, Problem, Severity};
pub use write::{write, write_prices};
