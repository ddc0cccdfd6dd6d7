//! `--from T --to T`: RFC 3339, or local dates and times.

use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::failure::Failure;

/// A point in time as typed: local ones wait for the meter's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// With its offset.
    Instant(Timestamp),
    /// Wall time at the meter; a date is its midnight, when the day begins.
    Local(DateTime),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Instant(instant));
        }
        text.parse::<DateTime>().map(Self::Local).map_err(|_| {
            "write a date such as 2026-11-01, or a time such as 2026-11-01T00:30:00+01:00".to_owned()
        })
    }
}

impl When {
    /// The instant in a zone. In a doubled hour the first pass is meant, in a skipped one the time after it.
    pub(super) fn at(self, zone: &TimeZone) -> Result<Timestamp, Failure> {
        match self {
            Self::Instant(instant) => Ok(instant),
            Self::Local(local) => local
                .to_zoned(zone.clone())
                .map(|zoned| zoned.timestamp())
                .map_err(|_| Failure::usage(format!("{local} lies outside the years that a clock can show"))),
        }
    }
}

/// `--activate`: when a scheme or an image takes over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Activate {
    /// As soon as it is in the meter.
    Now,
    /// Not: it waits in the meter.
    Never,
    /// At this time.
    At(When),
}

impl FromStr for Activate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::Now),
            "never" => Ok(Self::Never),
            other => {
                other.parse().map(Self::At).map_err(|error| format!("write now, never or a time: {error}"))
            }
        }
    }
}

/// From when to when.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Period {
    /// After this instant: RFC 3339, or a local date (its midnight)
    #[arg(long, value_name = "T")]
    from: Option<When>,
    /// Up to and with this instant; a date is its midnight, so that --from 2026-11-01 --to 2026-11-02 is one day
    #[arg(long, value_name = "T")]
    to: Option<When>,
}

impl Period {
    /// The two instants in a meter's zone.
    pub(super) fn bounds(&self, zone: &TimeZone) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
        let from = self.from.map(|when| when.at(zone)).transpose()?;
        let to = self.to.map(|when| when.at(zone)).transpose()?;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Failure::usage(
                "--from is not before --to: a date is the midnight when its day begins, so that --from 2026-11-01 --to 2026-11-02 is one day",
            ));
        }
        Ok((from, to))
    }

    /// The same with the ends of time where none is given.
    pub(super) fn span(&self, zone: &TimeZone) -> Result<(Timestamp, Timestamp), Failure> {
        let (from, to) = self.bounds(zone)?;
        Ok((from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> String {
        let zone = TimeZone::get("Europe/London").unwrap();
        text.parse::<When>().unwrap().at(&zone).unwrap().to_string()
    }

    #[test]
    fn dates_are_midnights_at_the_meter_and_offsets_are_believed() {
        assert_eq!(at("2026-11-01"), "2026-11-01T00:00:00Z");
        assert_eq!(at("2026-07-01"), "2026-06-30T23:00:00Z");
        assert_eq!(at("2026-07-01T12:00:00+02:00"), "2026-07-01T10:00:00Z");
        assert_eq!(at("2026-07-01T12:00"), "2026-07-01T11:00:00Z");
        assert!("yesterday".parse::<When>().is_err());
    }

    #[test]
    fn an_empty_period_is_refused_with_what_to_write() {
        let day = Some("2026-11-01".parse().unwrap());
        let period = Period { from: day, to: day };
        assert!(period.bounds(&TimeZone::UTC).unwrap_err().to_string().contains("2026-11-02"));
    }

    #[test]
    fn a_scheme_or_an_image_takes_over_now_never_or_at_a_time() {
        assert!(matches!("now".parse(), Ok(Activate::Now)));
        assert!(matches!("never".parse(), Ok(Activate::Never)));
        assert!(matches!("2027-01-01".parse(), Ok(Activate::At(When::Local(_)))));
        assert!("soon".parse::<Activate>().unwrap_err().contains("now, never or a time"));
    }
}
