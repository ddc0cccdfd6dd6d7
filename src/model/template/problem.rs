//! What is wrong with a template: a stable code, the place, and what to write instead.

use std::fmt;

use crate::model::{Position, Severity};

/// The checks of a template by their stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not JSON, or not UTF-8.
    Syntax,
    /// A key that the format does not have.
    UnknownKey,
    /// A key that the format demands.
    MissingKey,
    /// A text where a number belongs, and the like.
    WrongType,
    /// The right type, but not an allowed value.
    BadValue,
    /// A number outside of what is possible.
    Range,
    /// Something that stands twice.
    Duplicate,
    /// Two settings that cannot both be.
    Contradiction,
    /// A setting that changes nothing beside another one.
    NoEffect,
    /// It works, and is most likely not what was meant.
    Doubtful,
    /// The limits that the programming of schemes is held against are not those of a meter.
    NoLimits,
}

impl Code {
    /// The code as text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::WrongType => "wrong-type",
            Self::BadValue => "bad-value",
            Self::Range => "range",
            Self::Duplicate => "duplicate",
            Self::Contradiction => "contradiction",
            Self::NoEffect => "no-effect",
            Self::Doubtful => "doubtful",
            Self::NoLimits => "no-limits",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::NoEffect | Self::Doubtful | Self::NoLimits => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which check.
    pub code: Code,
    /// Where in the document, as a JSON pointer (RFC 6901): `/association/max_pdu`; empty for the whole of it.
    pub pointer: String,
    /// Where in the text; nothing for a template that was not read from one.
    pub position: Option<Position>,
    /// What stands there and what is allowed, without a full stop.
    pub message: String,
    /// What to try; empty where the message says it.
    pub advice: String,
}

impl Problem {
    /// A problem at a place.
    pub(super) fn new(code: Code, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), position: None, message: message.into(), advice: String::new() }
    }

    /// A name that another template has.
    #[must_use]
    pub fn taken(name: &str) -> Self {
        let message = format!("there is a template `{name}` already");
        Self::new(Code::Duplicate, "/name", message).advise("give this one another name")
    }

    /// With what to try.
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether no meter can be read with the template.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

impl fmt::Display for Problem {
    /// `12:7: error: range: /hdlc/window: …; …`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.severity().write_head(out, self.position, self.code.word(), &self.pointer)?;
        out.write_str(&self.message)?;
        if self.advice.is_empty() { Ok(()) } else { write!(out, "; {}", self.advice) }
    }
}

/// A pointer with one more step.
#[must_use]
pub fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Whether a place is another one, or lies in it.
pub(super) fn is_within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
