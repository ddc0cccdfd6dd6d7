//! What a meter's clock is expected to show: this computer's time and the drift that was found last.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::gui::context::AppCtx;
use crate::gui::data::Query;
use crate::gui::widgets::instant;
use crate::model::MeterId;

use super::clock::drift_words;

/// The clock of a meter that was compared once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gui) struct Expected {
    /// This computer's time.
    now: Timestamp,
    /// Meter minus computer, in milliseconds.
    drift_ms: i64,
    /// When that was found.
    compared: Timestamp,
}

impl Expected {
    /// Of a meter, if its clock was ever compared.
    pub(in crate::gui) fn of(cx: &mut AppCtx, id: MeterId) -> Option<Self> {
        let details = cx.data.details(cx.backend.as_ref(), &Query::Details(id)).ready()?;
        let last = details.clock.first()?;
        Some(Self { now: (cx.now)(), drift_ms: last.drift_ms(), compared: last.read_at })
    }

    /// What it is expected to show now.
    #[must_use]
    pub(in crate::gui) fn shows(&self) -> Timestamp {
        self.now.checked_add(SignedDuration::from_millis(self.drift_ms)).unwrap_or(self.now)
    }

    /// How it was found: `45.0 s fast, compared 2026-11-22 14:30`.
    #[must_use]
    pub(in crate::gui) fn basis(&self, zone: &TimeZone) -> String {
        let way = match self.drift_ms {
            -99..=99 => "in time",
            ..=-100 => "slow",
            _ => "fast",
        };
        format!("{} {way}, compared {}", drift_words(self.drift_ms), instant(self.compared, zone))
    }

    /// The end of an interval over which its clock passes when it is put right now.
    #[must_use]
    pub(super) fn passes(&self, period_seconds: u32, zone: &TimeZone) -> Option<Timestamp> {
        passes(self.now, self.drift_ms, period_seconds, zone)
    }

    /// Whether it is put back, so that a time comes twice.
    #[must_use]
    pub(super) const fn goes_back(&self) -> bool {
        self.drift_ms > 0
    }
}

/// The end of an interval over which a clock that is off by so much passes when it is put right now: the later one
/// where there are several. A clock that stands on an end has reached it.
#[must_use]
pub(super) fn passes(
    now: Timestamp,
    drift_ms: i64,
    period_seconds: u32,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let shown = now.checked_add(SignedDuration::from_millis(drift_ms)).ok()?;
    let (from, to) = (now.min(shown), now.max(shown));
    let period = i128::from(period_seconds) * 1_000_000_000;
    if period == 0 || from == to {
        return None;
    }
    // Intervals end on the grid of the meter's own time.
    let offset = i128::from(zone.to_offset(to).seconds()) * 1_000_000_000;
    let last = (to.as_nanosecond() + offset).div_euclid(period) * period - offset;
    let last = Timestamp::from_nanosecond(last).ok()?;
    (last > from).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(now: &str, drift_s: i64, minutes: u32, zone: &str) -> Option<String> {
        let zone = TimeZone::get(zone).unwrap();
        passes(now.parse().unwrap(), drift_s * 1000, minutes * 60, &zone).map(|at| at.to_string())
    }

    #[test]
    fn the_end_of_an_interval_lies_between_what_it_shows_and_what_it_should() {
        let end = Some("2026-11-22T14:30:00Z".to_owned());
        assert_eq!(found("2026-11-22T14:29:50Z", 20, 30, "UTC"), end, "put back over it");
        assert_eq!(found("2026-11-22T14:30:10Z", -20, 30, "UTC"), end, "put forward over it");
        assert_eq!(found("2026-11-22T14:30:30Z", 20, 30, "UTC"), None);
        assert_eq!(found("2026-11-22T14:29:50Z", 0, 30, "UTC"), None);
        assert_eq!(found("2026-11-22T14:30:00Z", 20, 30, "UTC"), None, "it has been reached");
        assert_eq!(found("2026-11-22T14:29:50Z", 20, 0, "UTC"), None, "no profile");
    }

    #[test]
    fn hours_end_by_the_meters_own_time() {
        assert_eq!(found("2026-11-22T14:59:50Z", 20, 60, "Asia/Kolkata"), None);
        assert!(found("2026-11-22T14:29:50Z", 20, 60, "Asia/Kolkata").is_some());
        // Days of 23 and 25 hours end at local midnight.
        for day in ["2026-03-29T22:59:50Z", "2026-10-25T23:59:50Z"] {
            assert!(found(day, 20, 1440, "Europe/London").is_some(), "{day}");
        }
    }
}
