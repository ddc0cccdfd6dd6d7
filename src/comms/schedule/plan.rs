//! What to do with one list at one instant, and how long to wait before a meter is tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Calendar, ListId, Missed};
use crate::store::{Cause, ListRow, NewRun};

/// Failed runs after which a meter rests.
pub(super) const RESTS_AFTER: u32 = 5;
/// The first rest; each failed run after it doubles it.
const FIRST_REST: SignedDuration = SignedDuration::from_hours(1);
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);
/// The pause before the first retry; each one after it doubles it.
const FIRST_PAUSE_S: u64 = 120;
const LONGEST_PAUSE_S: u64 = 1800;
/// How far the last due instant may lie in the future: beyond it this computer's clock had been wrong.
const MOST_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What to do with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is due.
    Nothing,
    /// Run it.
    Begin(NewRun),
    /// It was missed.
    Miss(NewRun),
    /// Keep this as decided on, without a run.
    Settle(Timestamp),
}

/// How long a meter rests that failed in so many runs, from when the last one was due. A list that runs once a day
/// tries even the longest resting one each day.
pub(super) fn rest(failed_runs: u32) -> Option<SignedDuration> {
    let doublings = failed_runs.checked_sub(RESTS_AFTER)?.min(10);
    let rest = FIRST_REST.checked_mul(1 << doublings).unwrap_or(LONGEST_REST);
    Some(rest.min(LONGEST_REST))
}

/// The pause before a retry (1 is the first): doubling, capped, up to a quarter longer by chance.
pub(super) fn pause(retry: u32, chance: u8) -> Duration {
    let doublings = retry.saturating_sub(1).min(20);
    let plain = (FIRST_PAUSE_S << doublings).min(LONGEST_PAUSE_S);
    Duration::from_millis(plain * 1000 + plain * 250 * u64::from(chance) / 255)
}

fn run(list: ListId, cause: Cause, (due, until): (Timestamp, Timestamp), handled: Timestamp) -> NewRun {
    NewRun { list, cause, due, until, decided: Some((handled, None)) }
}

/// Decides. Of several runs that became due one is run: it asks for everything that the others would have.
pub(super) fn decide(row: &ListRow, calendar: &Calendar, missed: Missed, now: Timestamp) -> Decision {
    if row.handled.duration_since(now) > MOST_AHEAD {
        return Decision::Settle(now);
    }
    let Some(due) = calendar.last_until(now).filter(|due| *due > row.handled) else {
        return match row.deferred.filter(|deferred| *deferred <= now) {
            Some(deferred) => {
                let times = (deferred, calendar.window_end(now));
                Decision::Begin(run(row.id, Cause::Missed, times, row.handled))
            }
            None => Decision::Nothing,
        };
    };
    let end = calendar.window_end(due);
    match missed {
        _ if now < end => Decision::Begin(run(row.id, Cause::Schedule, (due, end), due)),
        Missed::Once => Decision::Begin(run(row.id, Cause::Missed, (due, calendar.window_end(now)), due)),
        Missed::Skip => Decision::Miss(run(row.id, Cause::Schedule, (due, end), due)),
        Missed::NextWindow => {
            let deferred = calendar.next_window(due, now);
            let missed = run(row.id, Cause::Schedule, (due, end), due);
            Decision::Miss(NewRun { decided: Some((due, deferred)), ..missed })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Days, MeterList, Schedule, Times};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// What becomes of a list that runs daily at 02:00 UTC for 4 hours and was last handled at an instant.
    fn decided(handled: &str, deferred: Option<&str>, missed: Missed, now: &str) -> Decision {
        let time = jiff::civil::time(2, 0, 0, 0);
        let schedule = Schedule::new(Times::At(time), Days::All, "UTC");
        let calendar = schedule.calendar().unwrap();
        let action = Action::Read { what: [].into(), from: None };
        let mut list = MeterList::new("Nightly", action);
        list.schedule = Some(schedule);
        let row = ListRow { id: ListId(1), list, handled: at(handled), deferred: deferred.map(at) };
        decide(&row, &calendar, missed, at(now))
    }

    fn begun(decision: Decision) -> Option<(Cause, Timestamp, Timestamp)> {
        match decision {
            Decision::Begin(new) => Some((new.cause, new.due, new.until)),
            _ => None,
        }
    }

    #[test]
    fn a_list_begins_when_its_time_comes_and_once() {
        let before = decided("2026-11-21T12:00:00Z", None, Missed::Skip, "2026-11-22T01:59:59Z");
        assert_eq!(before, Decision::Nothing);
        let due = at("2026-11-22T02:00:00Z");
        let begun = begun(decided("2026-11-21T12:00:00Z", None, Missed::Skip, "2026-11-22T02:00:00Z"));
        assert_eq!(begun, Some((Cause::Schedule, due, at("2026-11-22T06:00:00Z"))));
        let again = decided("2026-11-22T02:00:00Z", None, Missed::Skip, "2026-11-22T03:00:00Z");
        assert_eq!(again, Decision::Nothing);
    }

    #[test]
    fn a_start_within_the_window_is_late_and_not_missed() {
        let late = begun(decided("2026-11-20T02:00:00Z", None, Missed::Skip, "2026-11-22T05:59:00Z"));
        assert_eq!(late, Some((Cause::Schedule, at("2026-11-22T02:00:00Z"), at("2026-11-22T06:00:00Z"))));
    }

    #[test]
    fn a_missed_run_is_left_out_made_up_for_at_once_or_in_the_next_window() {
        let now = "2026-11-22T13:00:00Z";
        let of = |missed| decided("2026-11-19T02:00:00Z", None, missed, now);
        let due = at("2026-11-22T02:00:00Z");
        let Decision::Miss(skipped) = of(Missed::Skip) else { panic!("not missed") };
        assert_eq!((skipped.due, skipped.decided), (due, Some((due, None))));
        assert_eq!(begun(of(Missed::Once)), Some((Cause::Missed, due, at("2026-11-22T17:00:00Z"))));
        let Decision::Miss(deferred) = of(Missed::NextWindow) else { panic!("not missed") };
        assert_eq!(deferred.decided, Some((due, Some(at("2026-11-23T02:00:00Z")))));
    }

    #[test]
    fn what_was_put_off_runs_when_its_time_comes() {
        let deferred = Some("2026-11-22T12:00:00Z");
        let of = |now| decided("2026-11-22T02:00:00Z", deferred, Missed::NextWindow, now);
        assert_eq!(of("2026-11-22T11:59:00Z"), Decision::Nothing);
        let begun = begun(of("2026-11-22T12:00:00Z"));
        assert_eq!(
            begun.map(|(cause, due, _)| (cause, due)),
            Some((Cause::Missed, at("2026-11-22T12:00:00Z")))
        );
    }

    #[test]
    fn a_clock_that_was_set_back_by_years_does_not_silence_a_list() {
        let now = "2026-11-22T13:00:00Z";
        assert_eq!(decided("2036-01-01T02:00:00Z", None, Missed::Once, now), Decision::Settle(at(now)));
        assert_eq!(decided("2026-11-22T14:00:00Z", None, Missed::Once, now), Decision::Nothing);
    }

    #[test]
    fn rests_double_up_to_a_day_and_pauses_up_to_half_an_hour() {
        let hours: Vec<Option<i64>> = (4..=11).map(|runs| rest(runs).map(|rest| rest.as_hours())).collect();
        assert_eq!(hours, [None, Some(1), Some(2), Some(4), Some(8), Some(16), Some(24), Some(24)]);
        assert_eq!(rest(u32::MAX), Some(LONGEST_REST));
        let minutes: Vec<u64> = (1..=6).map(|retry| pause(retry, 0).as_secs() / 60).collect();
        assert_eq!(minutes, [2, 4, 8, 16, 30, 30]);
        assert_eq!(pause(1, 255).as_secs(), 150, "a quarter more at most");
    }
}
