//! Ends of billing periods: when, why, and what is kept of them.

use jiff::ToSpan;
use jiff::civil::Date;

use super::run::SECOND_NS;
use super::{BillingSet, Engine, Happening};
use crate::scheme::clock::{WallClock, civil_of, seconds_of};
use crate::scheme::document::{Billing, BillingDate, LAST_YEAR};

/// Why a billing period ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A date of the scheme.
    BillingDate,
    /// The latent tariff took over.
    TariffChange,
    /// The season changed.
    SeasonChange,
    /// A command.
    Manual,
    /// The meter's button.
    Button,
    /// The clock was lost.
    ClockFailure,
}

impl Cause {
    /// The first reason of those that there are and that the scheme minds.
    pub(super) fn first(billing: &Billing, date: bool, tariff: bool, season: bool) -> Option<Self> {
        if date {
            Some(Self::BillingDate)
        } else if tariff && billing.on_tariff_change {
            Some(Self::TariffChange)
        } else if season && billing.on_season_change {
            Some(Self::SeasonChange)
        } else {
            None
        }
    }

    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::BillingDate => "billing_date",
            Self::TariffChange => "tariff_change",
            Self::SeasonChange => "season_change",
            Self::Manual => "manual",
            Self::Button => "button",
            Self::ClockFailure => "clock_failure",
        }
    }
}

/// The scheme's billing dates on the meter's clock.
#[derive(Clone, Debug)]
pub(super) struct Dates {
    dates: Vec<BillingDate>,
    /// The next one, in seconds of the meter's clock.
    next: Option<i64>,
    /// The last one that ended a billing period.
    observed: Option<i64>,
    /// Dates up to this second of the meter's clock have been seen to.
    seen_to: i64,
    /// The latest wall time that was come to.
    latest_wall: i64,
    /// When the last billing period ended, in true nanoseconds.
    last_reset_ns: Option<i64>,
    /// What would have ended a billing period while supply was down.
    missed: Option<Cause>,
}

impl Dates {
    pub(super) fn new(dates: &[BillingDate]) -> Self {
        Self {
            dates: dates.to_vec(),
            next: None,
            observed: None,
            seen_to: i64::MIN,
            latest_wall: i64::MIN,
            last_reset_ns: None,
            missed: None,
        }
    }

    /// Takes over what was seen to already.
    pub(super) fn take_over(&mut self, old: &Self) {
        let dates = std::mem::take(&mut self.dates);
        *self = Self { dates, next: None, ..old.clone() };
    }

    /// The date that was aimed at, in seconds of the meter's clock.
    pub(super) const fn next(&self) -> Option<i64> {
        self.next
    }

    pub(super) fn next_ns(&self) -> i64 {
        self.next.map_or(i64::MAX, |next| next.saturating_mul(SECOND_NS))
    }

    /// Finds the next date after a second.
    pub(super) fn aim(&mut self, clock: &WallClock, second: i64) {
        self.seen_to = second;
        self.next = self.after(clock, second);
        if self.next.is_some() && self.next == self.observed {
            self.next = self.next.and_then(|next| self.after(clock, next));
        }
    }

    /// The date that was aimed at has come.
    pub(super) fn observe(&mut self, clock: &WallClock) {
        self.observed = self.next;
        if let Some(next) = self.next {
            self.aim(clock, next);
        }
    }

    /// The first date after a second; of one that comes twice, the first.
    fn after(&self, clock: &WallClock, second: i64) -> Option<i64> {
        // A doubled hour may have shown a date's time on the day after already.
        let start = civil_of(clock.wall(second).saturating_sub(86_400)).date();
        self.dates.iter().filter_map(|date| first_of(date, clock, start, second)).min()
    }

    /// Puts the clock to `second`, and tells whether that passes a date.
    pub(super) fn put(&mut self, clock: &WallClock, second: i64) -> bool {
        let passed = self.next.is_some_and(|next| next <= second);
        if passed {
            let mut last = self.next;
            while let Some(next) =
                last.and_then(|last| self.after(clock, last)).filter(|next| *next <= second)
            {
                last = Some(next);
            }
            self.observed = last;
        }
        if second < self.seen_to {
            self.latest_wall = clock.wall(second);
        }
        self.aim(clock, second);
        passed
    }

    /// Whether the wall was never that far before.
    pub(super) fn is_first_at(&mut self, wall: i64) -> bool {
        let is_first = wall > self.latest_wall;
        self.latest_wall = self.latest_wall.max(wall);
        is_first
    }
}

/// The first instant of a billing date after a second, looking from a day on.
fn first_of(date: &BillingDate, clock: &WallClock, start: Date, second: i64) -> Option<i64> {
    let mut day = start;
    while day.year() <= LAST_YEAR {
        // A year or a month that is not meant is leapt over.
        if date.date.year().is_some_and(|year| day.year() > year) {
            return None;
        }
        if date.date.year().is_some_and(|year| day.year() < year) {
            day = Date::new(date.date.year()?, 1, 1).ok()?;
            continue;
        }
        if date.date.month().is_some_and(|month| month != day.month()) {
            day = day.last_of_month().tomorrow().ok()?;
            continue;
        }
        if date.date.matches(day) {
            let at = clock.first_second(seconds_of(day.to_datetime(date.time)));
            if at > second {
                return Some(at);
            }
        }
        day = day.checked_add(1.day()).ok()?;
    }
    None
}

impl Engine {
    /// Ends the billing period, or notes that it should have been while there was no supply.
    pub(super) fn end_period_or_defer(&mut self, cause: Cause) {
        if self.condition.asleep {
            self.dates.missed = self.dates.missed.or(Some(cause));
        } else {
            self.end_period(cause);
        }
    }

    /// Makes up for what was missed while there was no supply.
    pub(super) fn end_missed_period(&mut self) {
        if let Some(cause) = self.dates.missed.take() {
            self.end_period(cause);
        }
    }

    /// Ends the billing period.
    pub(super) fn end_period(&mut self, cause: Cause) {
        self.note(Happening::BillingReset(cause));
        self.profile.mark_reset(cause);
        self.dates.last_reset_ns = Some(self.now_ns);
        let set = BillingSet {
            at: self.now(),
            meter_at: self.meter_time(),
            cause,
            registers: self.registers(),
            demand: self.demand.reset(),
        };
        self.sets.push(set);
    }

    /// A reset by hand, unless the scheme forbids it.
    pub(super) fn manual_reset(&mut self, is_button: bool) {
        let lockout_ns = i64::from(self.billing.manual_lockout_minutes).saturating_mul(60 * SECOND_NS);
        let since = self.dates.last_reset_ns.map(|last| self.now_ns.saturating_sub(last));
        let is_locked = since.is_some_and(|since| since < lockout_ns);
        if is_locked || !self.condition.supply || is_button && !self.billing.button {
            self.note(Happening::BillingResetRefused);
        } else {
            self.end_period(if is_button { Cause::Button } else { Cause::Manual });
        }
    }
}
