//! Standard error, which may have nobody behind it any more: a pipe whose reader has ended, a terminal that was lost,
//! a full disk. What is told there is told as far as that goes, and the work goes on; it may be in the middle of a
//! meter's firmware.

use std::fmt;
use std::io::{self, Write};

/// Tells a line.
pub(super) fn line(text: impl fmt::Display) {
    let _unread = writeln!(io::stderr().lock(), "{text}");
}

/// Tells a part of a line, at once.
pub(super) fn part(text: impl fmt::Display) {
    let mut out = io::stderr().lock();
    let _unread = write!(out, "{text}").and_then(|()| out.flush());
}
