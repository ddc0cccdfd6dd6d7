//! Intervals that are missing, one by one, by the ends that they would have had.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::model::{Gap, GapReason, Obis};
use crate::store::{StoreError, StoreReader};

use super::{Export, JoinedProfile, Part, Readings, zone_of};

/// What a day lasts at the least and at the most.
const DAY: (i128, i128) = (23 * 3_600_000_000_000, 25 * 3_600_000_000_000);

/// An interval that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingInterval<'g> {
    /// When it would have ended.
    pub end: Timestamp,
    /// Why it is missing.
    pub reason: &'g GapReason,
}

/// Whether the gap ends with its last missing interval, since nothing follows it.
const fn is_at_the_end(gap: &Gap) -> bool {
    matches!(gap.reason, GapReason::NotRead(_))
}

/// How the ends of a gap follow each other.
enum Step {
    /// Always as far apart.
    Plain(SignedDuration),
    /// At the same time of each local day, which may have 23 or 25 hours.
    Daily,
}

fn step(gap: &Gap, zone: &TimeZone) -> Option<Step> {
    let steps = gap.intervals.checked_add(u64::from(!is_at_the_end(gap)))?;
    let apart = gap.before.as_nanosecond() - gap.after.as_nanosecond();
    let each = apart.checked_div(i128::from(steps))?;
    let daily = || {
        let days = i64::try_from(steps).ok()?.days();
        let last = gap.after.to_zoned(zone.clone()).checked_add(days).ok()?;
        (last.timestamp() == gap.before).then_some(Step::Daily)
    };
    let plain = || {
        let whole = SignedDuration::from_nanos_i128(each);
        (each > 0).then_some(Step::Plain(whole))
    };
    if (DAY.0..=DAY.1).contains(&each) { daily().or_else(plain) } else { plain() }
}

impl Step {
    /// The end of the interval with this number within a gap, from 1.
    fn end(&self, after: Timestamp, number: u64, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Plain(each) => {
                let nanoseconds = each.as_nanos().checked_mul(i128::from(number))?;
                after.checked_add(SignedDuration::from_nanos_i128(nanoseconds)).ok()
            }
            Self::Daily => {
                let days = i64::try_from(number).ok()?.days();
                Some(after.to_zoned(zone.clone()).checked_add(days).ok()?.timestamp())
            }
        }
    }

    /// How many ends surely lie up to and with an instant.
    fn before(&self, after: Timestamp, at: Timestamp) -> u64 {
        let each = match self {
            Self::Plain(each) => each.as_nanos(),
            Self::Daily => DAY.1,
        };
        let gone = at.as_nanosecond().saturating_sub(after.as_nanosecond());
        gone.checked_div(each).and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }
}

/// The intervals of some gaps that would have ended after an instant, up to and with another, oldest first, each once.
/// What was stored while the meter's clock ran ahead is there, though it is read again: it is not among them.
#[must_use]
pub fn missing_intervals<'g>(
    gaps: &'g [Gap],
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Vec<MissingInterval<'g>> {
    let mut all = Vec::new();
    for gap in gaps.iter().filter(|gap| gap.reason != GapReason::ClockAhead) {
        let Some(step) = step(gap, zone) else { continue };
        let first = step.before(gap.after, from).saturating_add(1);
        let ends = (first..=gap.intervals).map_while(|number| step.end(gap.after, number, zone));
        let within = ends.skip_while(|end| *end <= from).take_while(|end| *end <= to);
        all.extend(within.map(|end| MissingInterval { end, reason: &gap.reason }));
    }
    all.sort_by_key(|one| one.end);
    all.dedup_by_key(|one| one.end);
    all
}

/// The gaps of a profile that lie within a part of an export, whole or in part.
///
/// # Errors
/// The store cannot be read.
pub fn gaps_of_part(
    store: &StoreReader,
    part: &Part,
    profile: Obis,
    now: Timestamp,
) -> Result<Vec<Gap>, StoreError> {
    let mut gaps = store.gaps(part.meter.id, now)?;
    gaps.retain(|gap| {
        let is_before = part.to.is_some_and(|to| gap.after >= to);
        let is_after = part.from.is_some_and(|from| gap.before <= from);
        gap.profile == profile && !is_before && !is_after
    });
    Ok(gaps)
}

/// An export whose gaps have been reckoned: the rows of a profile are gone through for them, once.
pub(super) struct Reckoned<'e> {
    pub(super) export: &'e Export,
    /// What is missing of each part's profile, in the order of the parts.
    gaps: Vec<Vec<Gap>>,
    /// How many intervals are missing.
    pub(super) missing: usize,
}

impl<'e> Reckoned<'e> {
    pub(super) fn of(export: &'e Export, store: &StoreReader) -> Result<Self, StoreError> {
        let mut whole = Self { export, gaps: Vec::new(), missing: 0 };
        for part in export.parts.iter().filter(|_| export.readings == Readings::Profile) {
            let gaps = match JoinedProfile::load(store, part.meter.id, export.profile)? {
                Some(joined) => gaps_of_part(store, part, joined.obis, export.now)?,
                None => Vec::new(),
            };
            let (from, to) = (part.from.unwrap_or(Timestamp::MIN), part.to.unwrap_or(Timestamp::MAX));
            whole.missing += missing_intervals(&gaps, &zone_of(&part.meter.config), from, to).len();
            whole.gaps.push(gaps);
        }
        Ok(whole)
    }

    /// Every part with its gaps.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&Part, &[Gap])> {
        let gaps = self.gaps.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
        self.export.parts.iter().zip(gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(after: &str, before: &str, intervals: u64, reason: GapReason) -> Gap {
        let profile = Obis::new(1, 0, 99, 1, 0, 255);
        Gap { profile, after: after.parse().unwrap(), before: before.parse().unwrap(), intervals, reason }
    }

    fn ends(gaps: &[Gap], from: &str, to: &str) -> Vec<String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let all = missing_intervals(gaps, &zone, from.parse().unwrap(), to.parse().unwrap());
        all.into_iter().map(|one| one.end.to_string()).collect()
    }

    #[test]
    fn a_gap_between_intervals_and_one_at_the_end_are_told_interval_by_interval() {
        let gaps = [
            gap("2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z", 3, GapReason::NotAsked),
            gap("2026-07-01T12:00:00Z", "2026-07-01T12:30:00Z", 2, GapReason::NotRead(None)),
        ];
        let all = ends(&gaps, "2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z");
        let wanted = ["10:15", "10:30", "10:45", "12:15", "12:30"];
        assert_eq!(all, wanted.map(|time| format!("2026-07-01T{time}:00Z")));
        assert_eq!(ends(&gaps, "2026-07-01T10:30:00Z", "2026-07-01T12:15:00Z").len(), 2);
    }

    #[test]
    fn days_of_23_and_25_hours_end_at_local_midnight() {
        let spring = [gap("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", 2, GapReason::NotRecorded)];
        let all = ends(&spring, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
        assert_eq!(all, ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]);
        let autumn = [gap("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", 2, GapReason::NotRecorded)];
        let all = ends(&autumn, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
        assert_eq!(all, ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
    }

    #[test]
    fn a_gap_that_makes_no_sense_gives_nothing_and_never_panics() {
        let odd = [
            gap("2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z", 3, GapReason::NotAsked),
            gap("2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z", 0, GapReason::NotRead(None)),
            gap("2026-07-01T10:00:00Z", "2026-07-01T09:00:00Z", u64::MAX, GapReason::NotRead(None)),
            gap("2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z", 4, GapReason::ClockAhead),
        ];
        assert!(ends(&odd, "-000001-01-01T00:00:00Z", "9999-12-01T00:00:00Z").is_empty());
    }
}
