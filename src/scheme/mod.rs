//! Schemes (floor 2): everything that is programmed into a meter so that it bills as a contract says.
mod calendar;
mod check;
mod clock;
mod document;
mod json;
mod problem;
mod read;
#[cfg(test)]
mod testing;
mod write;
pub use calendar::{Calendar, Rate, State};
pub use check::{Checked, check, check_file, read};
pub use clock::{Disagreement, WallClock, ZoneError, disagreement};
pub use document::*;
pub use problem::{Code, Position, Problem, Severity};
pub use write::write;
