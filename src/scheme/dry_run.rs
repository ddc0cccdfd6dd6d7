//! What registers would have read under a scheme, on a load profile, with what happened meanwhile.
//!
//! A profile's row is the energy of an interval, named by its end. Where the row before ended less than two usual
//! intervals earlier, the interval begins there; else, and for the first row, it is of the usual length (the median;
//! the scheme's profile period where there is one row alone), and nothing is known of the gap before it.
//!
//! Energy spreads evenly over the part of its interval that has supply. Where an interval has no supply at all and
//! energy nevertheless, that cannot have been measured: it is left out and told in [`DryRun::unmeasured`].

use jiff::{SignedDuration, Timestamp};

use super::calendar::Calendar;
use super::clock::ZoneError;
use super::document::{Document, Source};
use super::engine::{
    BillingSet, DemandValue, Engine, EngineError, Event, LogEntry, ProfileRecord, RESOLUTION, RegisterValue,
    Total,
};
use crate::model::Decimal;

/// A load profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntervalSeries {
    /// What was measured.
    pub sources: Vec<Source>,
    /// The intervals, in the order of time.
    pub rows: Vec<IntervalRow>,
}

/// An interval of a load profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalRow {
    /// Its end.
    pub end: Timestamp,
    /// Energy of each source in Wh, varh or VAh; nothing where it is not known.
    pub energy: Vec<Option<Decimal>>,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What a dry run gives.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// Where it began: with the first interval, or an event before it.
    pub from: Timestamp,
    /// Where it ended.
    pub to: Timestamp,
    /// Energy registers, then customer-defined ones.
    pub registers: Vec<RegisterValue>,
    /// All that was measured.
    pub totals: Vec<Total>,
    /// Demand registers since the last billing set.
    pub demand: Vec<DemandValue>,
    /// Billing periods that ended.
    pub billing_sets: Vec<BillingSet>,
    /// The log in the order of time.
    pub log: Vec<LogEntry>,
    /// The load profile as this meter would have recorded it.
    pub profile: Vec<ProfileRecord>,
    /// Energy that the profile has of intervals without supply, which no meter can have measured.
    pub unmeasured: Vec<Total>,
    /// Values that the profile does not know; counted as none.
    pub unknown_values: usize,
}

/// Why there is no dry run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DryRunError {
    /// The scheme's zone does not exist.
    #[error("time_zone: {0}")]
    Zone(#[from] ZoneError),
    /// The engine refuses the scheme.
    #[error("{0}")]
    Scheme(EngineError),
    /// There is no interval.
    #[error("the profile has no intervals: give it one row at least")]
    Empty,
    /// An interval does not end after the one before it.
    #[error("the interval that ends at {end} does not come after the one before it: sort the profile")]
    Order {
        /// Its end.
        end: Timestamp,
    },
    /// An interval cannot be counted.
    #[error("the interval that ends at {end}: {error}")]
    Interval {
        /// Its end.
        end: Timestamp,
        /// Why not.
        error: EngineError,
    },
    /// An event cannot be.
    #[error("{0}")]
    Event(EngineError),
}

/// Runs a load profile and events through a scheme. Events may come in any order; those of one instant stay in
/// theirs.
///
/// # Errors
/// The profile or an event makes no sense; the error names it.
pub fn dry_run(
    document: &Document,
    profile: &IntervalSeries,
    events: &[TimedEvent],
) -> Result<DryRun, DryRunError> {
    let calendar = Calendar::new(document)?;
    let starts = starts(profile, document.profile.period_minutes)?;
    let mut events = events.to_vec();
    events.sort_by_key(|event| event.at);
    let first = starts.first().copied().ok_or(DryRunError::Empty)?;
    let begin = events.first().map_or(first, |event| event.at.min(first));
    let engine = Engine::new(document, calendar, begin, &profile.sources).map_err(DryRunError::Scheme)?;
    let mut run =
        Run { engine, events: events.into_iter().peekable(), sources: &profile.sources, unknown_values: 0 };
    for (row, start) in profile.rows.iter().zip(starts) {
        run.idle_to(start)?;
        run.interval(row)?;
    }
    run.idle_to(Timestamp::MAX)?;
    let Run { mut engine, unknown_values, .. } = run;
    let mut log = engine.take_log();
    // A battery's failure is written when supply returns, with its own time.
    log.sort_by_key(|entry| entry.at);
    Ok(DryRun {
        from: begin,
        to: engine.now(),
        registers: engine.registers(),
        totals: engine.totals(),
        demand: engine.demand(),
        billing_sets: engine.take_billing_sets(),
        log,
        profile: engine.take_profile(),
        unmeasured: engine.unmeasured(),
        unknown_values,
    })
}

/// Where each interval begins.
fn starts(profile: &IntervalSeries, period_minutes: u32) -> Result<Vec<Timestamp>, DryRunError> {
    let ends: Vec<Timestamp> = profile.rows.iter().map(|row| row.end).collect();
    let mut lengths = Vec::with_capacity(ends.len());
    for pair in ends.windows(2) {
        if let [before, end] = pair {
            if end <= before {
                return Err(DryRunError::Order { end: *end });
            }
            lengths.push(end.duration_since(*before));
        }
    }
    let mut sorted = lengths.clone();
    sorted.sort_unstable();
    let scheme = SignedDuration::from_mins(i64::from(period_minutes));
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(scheme);
    let alone = |end: Timestamp| end.checked_sub(usual).unwrap_or(Timestamp::MIN);
    let mut starts: Vec<Timestamp> = ends.first().map(|end| alone(*end)).into_iter().collect();
    for (pair, length) in ends.windows(2).zip(lengths) {
        if let [before, end] = pair {
            let follows = length < usual.saturating_mul(2);
            starts.push(if follows { *before } else { alone(*end) });
        }
    }
    Ok(starts)
}

struct Run<'a> {
    engine: Engine,
    events: std::iter::Peekable<std::vec::IntoIter<TimedEvent>>,
    sources: &'a [Source],
    unknown_values: usize,
}

impl Run<'_> {
    /// Lets what happens up to and at `to` happen, and time go on to it; for the end of time, to the last event.
    fn idle_to(&mut self, to: Timestamp) -> Result<(), DryRunError> {
        while let Some(event) = self.events.next_if(|event| event.at <= to) {
            self.engine.advance(event.at, &[]).map_err(DryRunError::Event)?;
            self.engine.happen(event.event).map_err(DryRunError::Event)?;
        }
        if to < Timestamp::MAX {
            self.engine.advance(to, &[]).map_err(|error| DryRunError::Interval { end: to, error })?;
        }
        Ok(())
    }

    /// An interval from where the engine stands, cut by what happens in it.
    fn interval(&mut self, row: &IntervalRow) -> Result<(), DryRunError> {
        let fail = |error| DryRunError::Interval { end: row.end, error };
        let mut inner = Vec::new();
        while let Some(event) = self.events.next_if(|event| event.at < row.end) {
            inner.push(event);
        }
        self.unknown_values += row.energy.iter().filter(|value| value.is_none()).count();
        let energy: Vec<(Source, Decimal)> = self
            .sources
            .iter()
            .zip(&row.energy)
            .filter_map(|(source, value)| Some((*source, (*value)?)))
            .collect();
        if inner.is_empty() {
            return self.engine.advance(row.end, &energy).map_err(fail);
        }
        let supplied = self.supplied(&inner, row.end);
        let mut gone = SignedDuration::ZERO;
        let stops = inner.iter().map(|event| (event.at, Some(*event))).chain([(row.end, None)]);
        for (to, event) in stops {
            let length = to.duration_since(self.engine.now());
            let piece: Vec<(Source, Decimal)> = if supplied.is_zero() {
                // All of it where the interval ends, so that it is told as a whole.
                if event.is_none() { energy.clone() } else { Vec::new() }
            } else if self.engine.has_supply() {
                let from = gone;
                gone = gone.saturating_add(length);
                energy.iter().map(|&(source, value)| (source, part(value, from, gone, supplied))).collect()
            } else {
                Vec::new()
            };
            self.engine.advance(to, &piece).map_err(fail)?;
            if let Some(event) = event {
                self.engine.happen(event.event).map_err(DryRunError::Event)?;
            }
        }
        Ok(())
    }

    /// For how long there is supply from now to `end`.
    fn supplied(&self, events: &[TimedEvent], end: Timestamp) -> SignedDuration {
        let mut has_supply = self.engine.has_supply();
        let mut since = self.engine.now();
        let mut supplied = SignedDuration::ZERO;
        let changes = events.iter().filter_map(|event| match event.event {
            Event::SupplyFail => Some((event.at, false)),
            Event::SupplyReturn => Some((event.at, true)),
            _ => None,
        });
        for (at, becomes) in changes.chain([(end, false)]) {
            if has_supply {
                supplied = supplied.saturating_add(at.duration_since(since));
            }
            has_supply = becomes;
            since = at;
        }
        supplied
    }
}

/// The share of a value that lies between two parts of a duration; shares of neighbours add up to the last digit.
fn part(value: Decimal, from: SignedDuration, to: SignedDuration, whole: SignedDuration) -> Decimal {
    let Some(units) = value.normalized().with_exponent(RESOLUTION) else { return value };
    let (amount, whole) = (units.mantissa(), whole.as_nanos().max(1));
    let up_to = |part: SignedDuration| {
        let part = part.as_nanos();
        // As in the engine: quotient and remainder apart, so that nothing leaves 128 bits.
        (amount / whole).saturating_mul(part).saturating_add((amount % whole).saturating_mul(part) / whole)
    };
    Decimal::new(up_to(to).saturating_sub(up_to(from)), RESOLUTION)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scheme::testing;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn series(rows: &[(&str, i64)]) -> IntervalSeries {
        let row = |&(end, energy): &(&str, i64)| IntervalRow {
            end: at(end),
            energy: vec![Some(Decimal::from(energy))],
        };
        IntervalSeries { sources: vec![Source::ActiveImport], rows: rows.iter().map(row).collect() }
    }

    fn event(time: &str, event: Event) -> TimedEvent {
        TimedEvent { at: at(time), event }
    }

    fn blank() -> Document {
        Document::blank("dlms-generic", "UTC")
    }

    #[test]
    fn an_interval_begins_where_the_last_ended_unless_there_is_a_gap() {
        let profile = series(&[
            ("2026-03-02T00:30:00Z", 1),
            ("2026-03-02T01:00:00Z", 1),
            ("2026-03-02T01:59:00Z", 1),
            ("2026-03-02T04:00:00Z", 1),
            ("2026-03-02T04:30:00Z", 1),
            ("2026-03-02T05:00:00Z", 1),
        ]);
        let begins: Vec<String> = starts(&profile, 15).unwrap().iter().map(Timestamp::to_string).collect();
        assert_eq!(
            begins,
            [
                "2026-03-02T00:00:00Z",
                "2026-03-02T00:30:00Z",
                "2026-03-02T01:00:00Z",
                "2026-03-02T03:30:00Z",
                "2026-03-02T04:00:00Z",
                "2026-03-02T04:30:00Z"
            ]
        );
        let one = series(&[("2026-03-02T00:30:00Z", 1)]);
        assert_eq!(starts(&one, 15).unwrap(), [at("2026-03-02T00:15:00Z")]);
    }

    #[test]
    fn energy_of_a_cut_interval_lies_in_its_part_with_supply() {
        let mut document = blank();
        document.profile.period_minutes = 10;
        let profile = series(&[("2026-03-02T00:30:00Z", 30), ("2026-03-02T01:00:00Z", 30)]);
        let events = [
            event("2026-03-02T00:10:00Z", Event::SupplyFail),
            event("2026-03-02T00:50:00Z", Event::SupplyReturn),
        ];
        let run = dry_run(&document, &profile, &events).unwrap();
        assert_eq!(run.totals[0].value, Decimal::from(60));
        let values: Vec<String> = run
            .profile
            .iter()
            .map(|record| format!("{} {}", record.end, record.values[0].unwrap()))
            .collect();
        assert_eq!(values, ["2026-03-02T00:10:00Z 30", "2026-03-02T01:00:00Z 30"]);
        assert_eq!(run.unmeasured, []);
    }

    #[test]
    fn energy_of_an_interval_without_supply_is_left_out_and_told() {
        let profile = series(&[("2026-03-02T00:30:00Z", 30), ("2026-03-02T01:00:00Z", 7)]);
        let events = [
            event("2026-03-02T01:00:00Z", Event::SupplyReturn),
            event("2026-03-02T00:30:00Z", Event::SupplyFail),
        ];
        let run = dry_run(&blank(), &profile, &events).unwrap();
        assert_eq!(run.totals[0].value, Decimal::from(30));
        assert_eq!(run.unmeasured[0].value, Decimal::from(7));
    }

    #[test]
    fn an_unknown_value_counts_as_none_and_is_told() {
        let mut profile = series(&[("2026-03-02T00:30:00Z", 30), ("2026-03-02T01:00:00Z", 7)]);
        profile.rows[1].energy[0] = None;
        let run = dry_run(&blank(), &profile, &[]).unwrap();
        assert_eq!((run.totals[0].value, run.unknown_values), (Decimal::from(30), 1));
    }

    #[test]
    fn events_before_and_after_the_profile_happen_too() {
        let profile = series(&[("2026-03-02T00:30:00Z", 30)]);
        let events = [
            event("2026-03-01T12:00:00Z", Event::BillingReset),
            event("2026-03-03T12:00:00Z", Event::BillingReset),
        ];
        let run = dry_run(&blank(), &profile, &events).unwrap();
        let values: Vec<String> =
            run.billing_sets.iter().map(|set| set.registers[0].value.unwrap().to_string()).collect();
        assert_eq!(values, ["0", "30"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let profile = series(&[("2026-03-02T00:30:00Z", 30), ("2026-03-02T00:30:00Z", 7)]);
        let order = dry_run(&blank(), &profile, &[]).unwrap_err();
        assert!(order.to_string().contains("2026-03-02T00:30:00Z"), "{order}");
        assert_eq!(dry_run(&blank(), &IntervalSeries::default(), &[]), Err(DryRunError::Empty));
        let profile = series(&[("2026-03-02T00:30:00Z", -1)]);
        let negative = dry_run(&blank(), &profile, &[]).unwrap_err();
        assert!(negative.to_string().contains("-1 of active_import"), "{negative}");
        let twice = [
            event("2026-03-02T00:10:00Z", Event::SupplyFail),
            event("2026-03-02T00:20:00Z", Event::SupplyFail),
        ];
        let twice = dry_run(&blank(), &series(&[("2026-03-02T00:30:00Z", 1)]), &twice).unwrap_err();
        assert!(twice.to_string().contains("00:20:00Z supply fails"), "{twice}");
        let far = series(&[("9999-03-02T00:30:00Z", 1)]);
        assert!(dry_run(&blank(), &far, &[]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_between_the_profile_and_the_registers(
            document in testing::document(),
            start in 1_735_000_000i64..1_800_000_000,
            values in proptest::collection::vec(0i64..1_000_000, 1..80),
            outage in proptest::option::of((0i64..70_000, 1i64..30_000)),
        ) {
            let rows = values.iter().zip(1i64..).map(|(value, index)| IntervalRow {
                end: Timestamp::from_second(start + index * 900).unwrap(),
                energy: vec![Some(Decimal::new((*value).into(), -3))],
            });
            let profile = IntervalSeries { sources: vec![Source::ActiveImport], rows: rows.collect() };
            let events: Vec<TimedEvent> = outage.into_iter().flat_map(|(from, length)| {
                let at = |second| Timestamp::from_second(start + second).unwrap();
                [TimedEvent { at: at(from), event: Event::SupplyFail }, TimedEvent { at: at(from + length), event: Event::SupplyReturn }]
            }).collect();
            let run = dry_run(&document, &profile, &events).unwrap();
            let given: i64 = values.iter().sum();
            let lost = run.unmeasured.iter().find(|total| total.source == Source::ActiveImport).map_or(Decimal::ZERO, |total| total.value);
            let counted = run.totals[0].value.checked_add(lost).unwrap();
            prop_assert_eq!(counted, Decimal::new(given.into(), -3));
        }
    }
}
