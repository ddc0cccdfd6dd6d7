//! The clock: wall time without a zone, read and set (section 9).
//!
//! A clock that is set is read before and after; what it shows then is compared with this computer's, and only that is
//! success. How these meters are adjusted gently has not been published, so that `adjust` sets them too.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::drivers::{ClockOrder, ClockWay};
use crate::model::{ClockReading, ClockRule, Fault, MeterConfig, MeterStamp, Template};
use crate::protocol::elster_flag::values::{self, period_minutes};
use crate::protocol::elster_flag::{Answer, Care, Command, FlagLine, Place};

use super::faults::refusal;
use super::session::Session;

/// Octets of the clock.
const CLOCK_BYTES: u8 = 7;
/// A clock that reads back within this, and the uncertainty of the comparison, is right: it shows whole seconds.
const RIGHT_MS: u64 = 2_000;
/// In the hour that comes twice, the time nearest to this computer's is meant: a clock may be behind by so much.
const BEHIND: SignedDuration = SignedDuration::from_mins(30);
/// A command at 300 baud, where nothing else is known of the way to the meter.
const UNKNOWN_HALF: SignedDuration = SignedDuration::from_millis(100);

/// How to read this meter's stamps.
///
/// # Errors
/// The meter's settings name a zone that does not exist.
pub(super) fn rule(config: &MeterConfig, template: &Template) -> Result<ClockRule, Fault> {
    let zone = match &config.time_zone {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Fault::user(
                format!("there is no time zone `{name}`"),
                "edit the meter's time zone: Europe/London, Asia/Kolkata, …",
            )
        })?,
    };
    Ok(ClockRule { sign: template.clock.deviation_sign, policy: template.clock.zone_policy, zone })
}

/// A wall time as a stamp.
pub(super) const fn stamp(local: DateTime) -> MeterStamp {
    MeterStamp { local, deviation_minutes: None, clock_status: None }
}

/// Wall time in seconds, as if it were UTC.
fn wall_seconds(local: DateTime) -> i64 {
    Offset::UTC.to_timestamp(local).map_or(0, |at| at.as_second())
}

/// What a change of the clock does to the intervals of a profile, in words; nothing where it does nothing.
fn crossing_words(from: DateTime, to: DateTime, period_minutes: u8) -> Option<String> {
    let period = i64::from(period_minutes.max(1)) * 60;
    let interval = |at| wall_seconds(at).div_euclid(period);
    let count = interval(from).abs_diff(interval(to));
    Some(match (count, from < to) {
        (0, _) => return None,
        (1, true) => "the end of an interval, which comes out short".to_owned(),
        (1, false) => "the end of an interval, which comes twice".to_owned(),
        (many, true) => format!("{many} ends of intervals, of which {} are then missing", many - 1),
        (many, false) => format!("{many} ends of intervals, which come twice"),
    })
}

/// Milliseconds as signed seconds: `+2.345 s`.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { '−' } else { '+' };
    let plain = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03} s", plain / 1000, plain % 1000)
}

impl<L: FlagLine> Session<'_, L> {
    /// Reads the clock and hands it over.
    pub(super) async fn read_clock(&mut self) -> Result<ClockReading, Fault> {
        let began = Instant::now();
        let place = Place::first(self.flag().clock);
        let octets = match self.read_packet(place, CLOCK_BYTES).await? {
            Answer::Data(octets) => octets,
            other => return Err(refusal("the clock", &other)),
        };
        let half = began.elapsed() / 2;
        let local = values::clock(&octets).ok_or_else(|| {
            Fault::meter("the meter's clock shows no time", "set it with `clock set`, or in the clock window")
        })?;
        let now = self.now();
        let read_at = now.checked_sub(SignedDuration::try_from(half).unwrap_or(SignedDuration::ZERO));
        let read_at = read_at.unwrap_or(now);
        let stamp = stamp(local);
        let meter_utc = self
            .rule
            .to_utc(&stamp, read_at.checked_sub(BEHIND).ok())
            .map_err(|error| Fault::meter(error.to_string(), "set the meter's clock"))?;
        let reading = ClockReading {
            stamp,
            meter_utc,
            read_at,
            uncertainty_ms: u32::try_from(half.as_millis()).unwrap_or(u32::MAX),
            sign_looks_inverted: false,
        };
        self.sink.clock(&reading)?;
        Ok(reading)
    }

    /// The minutes of an interval; nothing where the meter does not say.
    async fn period(&mut self) -> Result<Option<u8>, Fault> {
        let Some(period) = self.flag().period else { return Ok(None) };
        let octets = self.read_table(period.id, period.bytes).await?;
        let first = octets.and_then(|octets| octets.first().copied());
        Ok(first.and_then(|first| {
            if period.code {
                period_minutes(first)
            } else {
                values::bcd_le(&[first]).and_then(|minutes| u8::try_from(minutes).ok()).filter(|one| *one > 0)
            }
        }))
    }

    /// Sets the clock.
    pub(super) async fn set_clock(&mut self, order: ClockOrder) -> Result<(), Fault> {
        if order.way == ClockWay::Adjust {
            self.sink.remark(
                "how an Elster meter is adjusted gently has not been published: its clock is set instead"
                    .to_owned(),
            );
        }
        // A clock that shows no time is set all the same.
        let before = match self.read_clock().await {
            Ok(reading) => Some(reading),
            Err(fault) if fault.blame == crate::model::Blame::Meter && !fault.passing => None,
            Err(fault) => return Err(fault),
        };
        let period = self.period().await?;
        let half = before
            .as_ref()
            .map_or(UNKNOWN_HALF, |reading| SignedDuration::from_millis(reading.uncertainty_ms.into()));
        let local_at = |at: Timestamp| self.rule.to_stamp(at).local;
        if let (Some(reading), Some(period)) = (&before, period) {
            let from = local_at(
                self.now()
                    .saturating_add(SignedDuration::from_millis(reading.drift_ms()))
                    .unwrap_or(reading.meter_utc),
            );
            let words = crossing_words(from, local_at(self.now()), period);
            if let Some(words) = words {
                let what = format!("setting the clock by {} crosses {words}", seconds(-reading.drift_ms()));
                if !order.across_interval {
                    return Err(Fault::user(
                        format!("refused: {what}"),
                        "wait until the interval is over, or allow it with --across-interval; nothing was written",
                    ));
                }
                self.sink.remark(what);
            }
        }
        self.write_clock(half).await?;
        let after = self.read_clock().await?;
        if after.drift_ms().unsigned_abs() > RIGHT_MS + u64::from(after.uncertainty_ms) {
            return Err(Fault::meter(
                format!("the clock reads back {} off", seconds(after.drift_ms())),
                "set it once more; look at the job's trace",
            ));
        }
        let was = before.map_or_else(|| "no time".to_owned(), |reading| seconds(reading.drift_ms()));
        self.sink
            .outcome(format!("Clock set: it was {was} off, and reads back {}", seconds(after.drift_ms())));
        Ok(())
    }

    /// Writes the time so that it arrives at a whole second.
    async fn write_clock(&mut self, half: SignedDuration) -> Result<(), Fault> {
        let arrives = self.now().saturating_add(half).unwrap_or(self.now());
        let second = Timestamp::from_second(arrives.as_second().saturating_add(1)).unwrap_or(arrives);
        let local = self.rule.to_stamp(second).local;
        let octets = values::to_clock(local).ok_or_else(|| {
            Fault::user("the time lies beyond what the meter's clock can show", "check this computer's clock")
        })?;
        let wait = Duration::try_from(second.duration_since(arrives)).unwrap_or(Duration::ZERO);
        self.pause(wait).await?;
        self.sink.wrote(&format!("clock set to {local} (table {})", self.flag().clock))?;
        // Sent again later it would be wrong.
        let command = Command::write(Place::first(self.flag().clock), &octets);
        self.write(&command, "the clock", Care::Once).await
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    #[test]
    fn a_change_across_the_end_of_an_interval_is_said() {
        let at = |minute, second| datetime(2026, 11, 22, 12, minute, second, 0);
        assert_eq!(crossing_words(at(10, 0), at(12, 0), 30), None);
        assert!(crossing_words(at(29, 50), at(30, 10), 30).unwrap().contains("short"));
        assert!(crossing_words(at(30, 10), at(29, 50), 30).unwrap().contains("twice"));
        assert!(crossing_words(at(5, 0), at(50, 0), 15).unwrap().contains("3 ends"));
        assert_eq!((seconds(-2345), seconds(60)), ("−2.345 s".to_owned(), "+0.060 s".to_owned()));
    }
}
