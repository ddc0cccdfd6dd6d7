//! What is wrong with a scheme: a stable code, the place, and what to write instead.

use std::fmt;

pub use crate::model::Severity;
pub use crate::model::json::Position;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $severity:ident),+ $(,)?) => {
        /// The checks of a scheme by their stable codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// All of them, in the order of the format page.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as text.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }
        }
    };
}

codes! {
    /// The file is not JSON, or not UTF-8.
    Syntax = "syntax" Error,
    /// A key that the format does not have.
    UnknownKey = "unknown-key" Error,
    /// A key that the format demands.
    MissingKey = "missing-key" Error,
    /// A text where a number belongs, and the like.
    WrongType = "wrong-type" Error,
    /// The right type, but not an allowed value.
    BadValue = "bad-value" Error,
    /// An id, a template or a numbered source that does not exist.
    UndefinedReference = "undefined-reference" Error,
    /// An id that exists, or is named, twice.
    DuplicateId = "duplicate-id" Error,
    /// The first switch of a day is not at 00:00.
    DayStart = "day-start" Error,
    /// Switching times do not rise.
    SwitchOrder = "switch-order" Error,
    /// Some instant has no energy register on for a source that has registers.
    NoEnergyRegister = "no-energy-register" Error,
    /// Two energy registers of one source are on at once.
    DoubleCount = "double-count" Warning,
    /// No instant of the next ten years reaches it.
    NeverUsed = "never-used" Warning,
    /// Seasons do not cover every day of the year exactly once.
    SeasonCover = "season-cover" Error,
    /// Two rules for one date.
    SpecialDayClash = "special-day-clash" Error,
    /// A dated special day that has gone by.
    SpecialDayPast = "special-day-past" Warning,
    /// The last dated special day is less than a year away.
    SpecialDaysRunOut = "special-days-run-out" Warning,
    /// More than the template's meter has, or off its switching grid.
    Limit = "limit" Error,
    /// An integration period that the meter does not have or that does not fit the hour.
    Period = "period" Error,
    /// Daylight-saving rules that contradict each other.
    Dst = "dst" Error,
    /// A transformer ratio that the meter cannot hold.
    Ratio = "ratio" Error,
    /// The latent tariff's activation date has gone by.
    LatentPast = "latent-past" Warning,
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which check.
    pub code: Code,
    /// Where in the document: `tariff.day_types[2].switches[1].at`; empty for the whole of it.
    pub place: String,
    /// Where in the file; nothing for a document that was not read from one.
    pub position: Option<Position>,
    /// What stood there and what is allowed, without a full stop.
    pub message: String,
}

impl Problem {
    /// A problem at a place.
    pub(super) fn new(code: Code, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, place: place.into(), position: None, message: message.into() }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether the scheme must not go into a meter.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

impl fmt::Display for Problem {
    /// `12:7: error: bad-value: billing.dates[0]: …`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.severity().write_head(out, self.position, self.code.word(), &self.place)?;
        out.write_str(&self.message)
    }
}
