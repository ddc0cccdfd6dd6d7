//! What the targets share: a ceiling over memory, and a way to read decisions off the octets of an input.

mod flag_session;
mod line;
mod session;
mod sink;

pub use flag_session::{FLAG_MODES, FlagLineTo, flag_session, flag_template, station};
pub use line::{Change, Changes, Counter, Line, NOW, access, run, settings};
pub use session::{MODES, meter, package_bytes, session};
pub use sink::Sink;

use std::alloc::System;

use cap::Cap;

// The blocks of the store are its own; here they are taken as they stand.
use meterwright::model;
#[allow(dead_code, missing_docs, unreachable_pub, reason = "written for the store")]
#[path = "../../src/store/block/mod.rs"]
mod block;

/// Octets as a day's block of intervals, its checksum set right: refused or read, and what is read is packed again.
///
/// # Panics
/// What was packed is not what is unpacked.
pub fn day_block(body: &[u8]) {
    let place = block::Place { profile: 1, day: 20_779 };
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&place.profile.to_le_bytes());
    hasher.update(&place.day.to_le_bytes());
    hasher.update(body);
    let whole = [body, &hasher.finalize().to_le_bytes()].concat();
    if let Ok(rows) = block::decode(place, &whole)
        && let Ok(again) = block::encode(place, &rows)
    {
        assert_eq!(block::decode(place, &again), Ok(rows), "what was packed is unpacked");
    }
}

/// What all that a target holds may come to, in octets. An input has a few kilobytes, so whatever needs more was asked
/// for by a length or a count that nobody checked; the fuzzer's own memory is not counted.
const CEILING: usize = 192 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, CEILING);

/// The octets of an input, read as decisions; when they are used up everything is nought.
#[derive(Clone, Copy, Debug)]
pub struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    /// From the first octet on.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Whether all was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One octet.
    pub fn octet(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Two octets, low one first.
    pub fn pair(&mut self) -> u16 {
        u16::from_le_bytes([self.octet(), self.octet()])
    }

    /// So many octets, or those that are left.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (front, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        front
    }

    /// A piece behind its length of two octets.
    pub fn piece(&mut self) -> &'a [u8] {
        let count = usize::from(self.pair());
        self.take(count)
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
