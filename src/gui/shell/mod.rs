//! The frame around the pages: rail, header, bottom bar, first start, files.

mod files;
mod header;
pub mod notice;
mod rail;
mod search;
mod status;
mod welcome;

pub use files::{FileEvent, FilePurpose, Files};
pub use header::{HEIGHT as HEADER_HEIGHT, Header};
pub use rail::{WIDTH as RAIL_WIDTH, rail};
pub use search::{meter_matches, words};
pub use status::{HEIGHT as STATUS_HEIGHT, Status};
pub use welcome::welcome;
