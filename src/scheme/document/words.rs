//! The words of a scheme file: closed lists, spelled as in the file.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;

use crate::model::text::words;
use crate::model::{Unit, WordError};

words! {
    /// What the meter does when supply returns after its clock was lost.
    ClockFailureResponse: "a response" {
        /// Goes on with the tariff, late by the length of the supply failure.
        Continue = "continue",
        /// Ends the billing period, then goes on, late.
        BillThenContinue = "bill_then_continue",
        /// Ends the billing period, then holds what is on until the clock is set.
        BillThenFreeze = "bill_then_freeze",
    }
}

words! {
    /// Which weekday of a month.
    WeekOfMonth: "a week of the month" {
        /// Days 1 to 7.
        First = "first",
        /// Days 8 to 14.
        Second = "second",
        /// Days 15 to 21.
        Third = "third",
        /// Days 22 to 28.
        Fourth = "fourth",
        /// The last seven days.
        Last = "last",
    }
}

words! {
    /// What an instrumentation channel measures.
    Measurand: "a quantity" {
        /// Volts.
        Voltage = "voltage",
        /// Amperes.
        Current = "current",
        /// Watts.
        ActivePower = "active_power",
        /// Vars.
        ReactivePower = "reactive_power",
        /// Volt-amperes.
        ApparentPower = "apparent_power",
        /// Power factor.
        PowerFactor = "power_factor",
        /// Phase angle.
        Angle = "angle",
        /// Hertz.
        Frequency = "frequency",
    }
}

words! {
    /// Where an instrumentation channel measures.
    Phase: "a phase" {
        /// Phase 1.
        L1 = "l1",
        /// Phase 2.
        L2 = "l2",
        /// Phase 3.
        L3 = "l3",
        /// Neutral.
        Neutral = "neutral",
        /// All phases together.
        Total = "total",
    }
}

words! {
    /// Which value of a period an instrumentation channel keeps.
    Keep: "a value to keep" {
        /// The average.
        Average = "average",
        /// The lowest.
        Minimum = "minimum",
        /// The highest.
        Maximum = "maximum",
        /// The last.
        Last = "last",
    }
}

/// What a register counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Active energy in.
    ActiveImport,
    /// Active energy out.
    ActiveExport,
    /// Reactive energy of quadrant 1.
    ReactiveQ1,
    /// Reactive energy of quadrant 2.
    ReactiveQ2,
    /// Reactive energy of quadrant 3.
    ReactiveQ3,
    /// Reactive energy of quadrant 4.
    ReactiveQ4,
    /// Reactive energy in: quadrants 1 and 2.
    ReactiveImport,
    /// Reactive energy out: quadrants 3 and 4.
    ReactiveExport,
    /// Apparent energy in.
    ApparentImport,
    /// Apparent energy out.
    ApparentExport,
    /// A customer-defined register, from 1.
    CustomerDefined(u8),
    /// A pulse input, from 1.
    Input(u8),
}

/// Highest number of an input or a customer-defined register.
const MOST_NUMBERED: u8 = 99;

const PLAIN_SOURCES: [(Source, &str); 10] = [
    (Source::ActiveImport, "active_import"),
    (Source::ActiveExport, "active_export"),
    (Source::ReactiveQ1, "reactive_q1"),
    (Source::ReactiveQ2, "reactive_q2"),
    (Source::ReactiveQ3, "reactive_q3"),
    (Source::ReactiveQ4, "reactive_q4"),
    (Source::ReactiveImport, "reactive_import"),
    (Source::ReactiveExport, "reactive_export"),
    (Source::ApparentImport, "apparent_import"),
    (Source::ApparentExport, "apparent_export"),
];

impl Source {
    /// The ten sources that a meter measures itself.
    pub fn measured() -> impl Iterator<Item = Self> {
        PLAIN_SOURCES.iter().map(|(source, _)| *source)
    }

    /// The unit that it counts in; none for inputs and customer-defined registers ([`super::Document::unit`] knows
    /// those).
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::ActiveImport | Self::ActiveExport => Unit::WH,
            Self::ReactiveQ1
            | Self::ReactiveQ2
            | Self::ReactiveQ3
            | Self::ReactiveQ4
            | Self::ReactiveImport
            | Self::ReactiveExport => Unit::VARH,
            Self::ApparentImport | Self::ApparentExport => Unit::VAH,
            Self::CustomerDefined(_) | Self::Input(_) => Unit::NONE,
        }
    }

    /// Group C of its OBIS codes (IEC 62056-61); nothing for inputs and customer-defined registers.
    #[must_use]
    pub const fn obis_c(self) -> Option<u8> {
        Some(match self {
            Self::ActiveImport => 1,
            Self::ActiveExport => 2,
            Self::ReactiveImport => 3,
            Self::ReactiveExport => 4,
            Self::ReactiveQ1 => 5,
            Self::ReactiveQ2 => 6,
            Self::ReactiveQ3 => 7,
            Self::ReactiveQ4 => 8,
            Self::ApparentImport => 9,
            Self::ApparentExport => 10,
            Self::CustomerDefined(_) | Self::Input(_) => return None,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CustomerDefined(number) => write!(out, "customer_defined_{number}"),
            Self::Input(number) => write!(out, "input_{number}"),
            plain => {
                let word = PLAIN_SOURCES.iter().find(|(source, _)| source == plain).map(|(_, word)| *word);
                out.write_str(word.unwrap_or_default())
            }
        }
    }
}

impl FromStr for Source {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        if let Some((source, _)) = PLAIN_SOURCES.iter().find(|(_, word)| *word == text) {
            return Ok(*source);
        }
        let numbered = |prefix| {
            let number = text.strip_prefix(prefix)?.parse::<u8>().ok()?;
            (1..=MOST_NUMBERED).contains(&number).then_some(number)
        };
        let source = match (numbered("customer_defined_"), numbered("input_")) {
            (Some(number), _) => Some(Self::CustomerDefined(number)),
            (_, Some(number)) => Some(Self::Input(number)),
            _ => None,
        };
        // `input_01` and `input_+1` are numbers to Rust, not to the format.
        source.filter(|source| source.to_string() == text).ok_or_else(|| {
            let words: Vec<&str> = PLAIN_SOURCES.iter().map(|(_, word)| *word).collect();
            let words = words.join(", ");
            WordError::new(
                text,
                &format!(
                    "a source: write {words}, customer_defined_1 to customer_defined_{MOST_NUMBERED} or input_1 to \
                     input_{MOST_NUMBERED}"
                ),
            )
        })
    }
}

const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];

/// A weekday as it stands in a file.
#[must_use]
pub fn weekday_word(weekday: Weekday) -> &'static str {
    WEEKDAYS.iter().find(|(day, _)| *day == weekday).map_or("", |(_, word)| *word)
}

/// A weekday from a file.
pub(in crate::scheme) fn weekday(text: &str) -> Result<Weekday, WordError> {
    let found = WEEKDAYS.iter().find(|(_, word)| *word == text).map(|(day, _)| *day);
    found.ok_or_else(|| {
        let words: Vec<&str> = WEEKDAYS.iter().map(|(_, word)| *word).collect();
        WordError::new(text, &format!("a weekday: write {}", words.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_written_and_read_back() {
        let numbered = [Source::CustomerDefined(1), Source::Input(99)];
        for source in Source::measured().chain(numbered) {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
    }

    #[test]
    fn a_source_that_is_none_is_refused_with_what_is_allowed() {
        for text in ["", "active", "input_0", "input_01", "input_+1", "input_100", "customer_defined_x"] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains("active_import") && error.contains("input_1"), "{error}");
        }
    }

    #[test]
    fn a_word_that_is_none_names_the_list() {
        let error = "stop".parse::<ClockFailureResponse>().unwrap_err().to_string();
        assert_eq!(error, "`stop` is not a response: write continue, bill_then_continue, bill_then_freeze");
    }
}
