//! The frame around the pages: rail, header, bottom bar, first start, files.

mod files;
mod header;
pub(super) mod notice;
mod rail;
mod search;
mod status;
mod welcome;

pub(super) use files::{FileEvent, FilePurpose, Files};
pub(super) use header::{HEIGHT as HEADER_HEIGHT, Header};
pub(super) use rail::{WIDTH as RAIL_WIDTH, rail};
pub(super) use search::{meter_matches, words};
pub(super) use status::{HEIGHT as STATUS_HEIGHT, Status};
pub(super) use welcome::welcome;
