//! How bad what is wrong with a document is, and how a problem is printed.
//!
//! Templates and schemes have problems of their own kinds: their codes are two sets that are fixed for each format, a
//! template names places by JSON pointers and advises beside, a scheme names them by paths. What both share is here.

use std::fmt;

use super::Position;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document must not be used: no meter can be read with the template, the scheme must not go into a meter.
    Error,
    /// It may be, but look at it.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }

    /// Writes what stands in front of a problem's message: `12:7: error: range: /hdlc/window: `; without a position
    /// where there is none, and without a place where it is the whole document.
    ///
    /// # Errors
    /// `out` fails.
    pub fn write_head(
        self,
        out: &mut fmt::Formatter<'_>,
        position: Option<Position>,
        code: &str,
        place: &str,
    ) -> fmt::Result {
        if let Some(Position { line, column }) = position {
            write!(out, "{line}:{column}: ")?;
        }
        write!(out, "{}: {code}: ", self.word())?;
        if place.is_empty() { Ok(()) } else { write!(out, "{place}: ") }
    }
}
