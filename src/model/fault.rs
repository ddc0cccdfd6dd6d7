//! Failures in the words of the trade: whose fault it was, what happened, what to try.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose fault a failure was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// Nothing answered, or what came was garbled.
    Line,
    /// The meter refused.
    Meter,
    /// What was asked for cannot be.
    User,
    /// A bug of this program.
    Internal,
}

impl Blame {
    /// As in JSON: `line`, `meter`, `user`, `internal`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Meter => "meter",
            Self::User => "user",
            Self::Internal => "internal",
        }
    }
}

/// One failure of one meter's job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whose fault.
    pub blame: Blame,
    /// What happened, where, in one sentence without a full stop.
    pub message: String,
    /// What to try next; empty where there is nothing sensible to say.
    pub advice: String,
    /// Whether the same attempt may succeed a little later.
    pub passing: bool,
    /// Whether this program refused it for want of a right, and not because it cannot be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl Fault {
    const fn new(blame: Blame, message: String, advice: String) -> Self {
        Self { blame, message, advice, passing: false, refused: false }
    }

    /// A failure of the line, which may pass.
    pub fn line(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Blame::Line, message.into(), advice.into()).passing(true)
    }

    /// A refusal by the meter, which will not pass by itself.
    pub fn meter(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Blame::Meter, message.into(), advice.into())
    }

    /// A request that cannot be met.
    pub fn user(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Blame::User, message.into(), advice.into())
    }

    /// A request that this program refuses because whoever asks may not: exit code 3.
    pub fn refused(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { refused: true, ..Self::user(message, advice) }
    }

    /// A bug of this program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Blame::Internal, message.into(), "report this with the job's trace".to_owned())
    }

    /// The same failure, said to pass or not.
    #[must_use]
    pub const fn passing(mut self, passing: bool) -> Self {
        self.passing = passing;
        self
    }

    /// The same failure with what was being done put in front: `reading the clock: …`.
    #[must_use]
    pub fn during(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if !self.advice.is_empty() {
            write!(out, "; {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
