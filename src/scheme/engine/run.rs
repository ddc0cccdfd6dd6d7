//! Time: how the engine goes from one instant to the next, and shares energy between what happens on the way.

use jiff::Timestamp;

use super::{Cause, Engine, EngineError, Event, Happening, MOST, RESOLUTION};
use crate::model::Decimal;
use crate::scheme::calendar::State;
use crate::scheme::clock::WallClock;
use crate::scheme::document::{FIRST_YEAR, LAST_YEAR, Source};

/// A second in nanoseconds.
pub(super) const SECOND_NS: i64 = 1_000_000_000;

/// An instant in nanoseconds, within the years of a scheme.
pub(super) fn nanoseconds(at: Timestamp) -> Result<i64, EngineError> {
    let year = jiff::tz::Offset::UTC.to_datetime(at).year();
    let ns = i64::try_from(at.as_nanosecond()).ok();
    ns.filter(|_| (FIRST_YEAR..=LAST_YEAR).contains(&year)).ok_or(EngineError::OutOfRange { at })
}

/// The instant of nanoseconds.
pub(super) fn instant(ns: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The part of `amount` that `part` is of `whole`, rounded down.
fn share(amount: i128, part: i64, whole: i64) -> i128 {
    let (part, whole) = (i128::from(part), i128::from(whole.max(1)));
    // A day is below 2^47 nanoseconds and the remainder below `whole`: nothing here leaves 128 bits.
    amount / whole * part + amount % whole * part / whole
}

/// The next second at which the wall shows a multiple of `length_s`, or at which the clock changes by something else.
pub(super) fn next_on_grid(clock: &WallClock, second: i64, length_s: i64) -> i64 {
    let offset = clock.offset_s(second);
    let next = second + length_s - (second + offset).rem_euclid(length_s);
    match clock.next_change(second) {
        Some(change) if change < next && (clock.offset_s(change) - offset) % length_s != 0 => change,
        _ => next,
    }
}

impl Engine {
    /// The meter's clock in nanoseconds.
    pub(super) fn meter_ns(&self) -> i64 {
        self.now_ns.saturating_add(self.condition.skew_ns)
    }

    /// The second that the meter's clock is in.
    pub(super) fn meter_second(&self) -> i64 {
        self.meter_ns().div_euclid(SECOND_NS)
    }

    /// Moves time on to `to`, and counts the energy of the stretch up to there. A source that is not named, is
    /// counted with none.
    ///
    /// # Errors
    /// `to` lies before what was reached, or the energy cannot be counted; then nothing has changed.
    pub fn advance(&mut self, to: Timestamp, energy: &[(Source, Decimal)]) -> Result<(), EngineError> {
        let to_ns = nanoseconds(to)?;
        if to_ns < self.now_ns {
            return Err(EngineError::OutOfOrder { at: to, now: self.now() });
        }
        let amounts = self.amounts(energy)?;
        if self.condition.supply {
            self.run(to_ns, &amounts);
        } else {
            self.now_ns = to_ns;
            let amounts = self.with_sums(amounts);
            self.unmeasured.iter_mut().zip(amounts).for_each(|(lost, amount)| *lost += amount);
        }
        Ok(())
    }

    /// What happens at the instant that was reached.
    ///
    /// # Errors
    /// It cannot be: supply that is down cannot fail again, without it nobody sets the clock, and no clock shows a
    /// year that no scheme knows. Then nothing has changed.
    pub fn happen(&mut self, event: Event) -> Result<(), EngineError> {
        let impossible = match event {
            Event::SupplyFail if !self.condition.supply => Some("supply fails, but it is down already"),
            Event::SupplyReturn if self.condition.supply => Some("supply returns, but it is there"),
            Event::BatteryFail if !self.condition.battery => {
                Some("the battery fails, but it has failed already")
            }
            Event::ClockSet(_) if !self.condition.supply => Some("the clock is set, but there is no supply"),
            _ => None,
        };
        if let Some(what) = impossible {
            return Err(EngineError::Impossible { at: self.now(), what });
        }
        match event {
            Event::SupplyFail => self.supply_fails(),
            Event::SupplyReturn => self.supply_returns(),
            Event::BatteryFail => self.battery_fails(),
            Event::BatteryReplaced => self.battery_is_replaced(),
            Event::BillingReset => self.manual_reset(false),
            Event::Button => self.manual_reset(true),
            Event::ClockSet(to) => self.set_clock(nanoseconds(to)?),
        }
        Ok(())
    }

    /// The energy of each measured source in the engine's units.
    fn amounts(&self, energy: &[(Source, Decimal)]) -> Result<Vec<i128>, EngineError> {
        let mut amounts = vec![0; self.counted.len()];
        for &(source, value) in energy {
            let found = self.counted.iter().position(|one| one.source == source && one.parts.is_empty());
            let slot = found.and_then(|at| amounts.get_mut(at)).ok_or(EngineError::Unmeasured(source))?;
            let units = value.normalized().with_exponent(RESOLUTION);
            *slot += units
                .filter(|units| (0..=MOST).contains(&units.mantissa()))
                .ok_or(EngineError::Energy { source_name: source, value })?
                .mantissa();
        }
        for (one, amount) in self.counted.iter().zip(&amounts) {
            if one.total + amount > MOST * 1_000_000 {
                return Err(EngineError::Energy {
                    source_name: one.source,
                    value: Decimal::new(one.total + amount, RESOLUTION),
                });
            }
        }
        Ok(amounts)
    }

    fn with_sums(&self, mut amounts: Vec<i128>) -> Vec<i128> {
        for (at, one) in self.counted.iter().enumerate() {
            if !one.parts.is_empty() {
                let sum = one.parts.iter().filter_map(|part| amounts.get(*part)).sum();
                if let Some(slot) = amounts.get_mut(at) {
                    *slot = sum;
                }
            }
        }
        amounts
    }

    /// Looks up what is on and when periods end, at the very beginning.
    pub(super) fn begin(&mut self) {
        let second = self.meter_second();
        let (state, next) = self.calendar.at(second);
        self.switch_to(state);
        self.next_switch_ns = next.saturating_mul(SECOND_NS);
        self.demand.aim(self.calendar.clock(), second);
        self.profile.aim(self.calendar.clock(), second);
        self.dates.aim(self.calendar.clock(), second);
    }

    /// Goes to `to_ns` with supply, stopping wherever the meter has something to do.
    pub(super) fn run(&mut self, to_ns: i64, amounts: &[i128]) {
        let from_ns = self.now_ns;
        let whole = to_ns - from_ns;
        let mut given = vec![0; amounts.len()];
        loop {
            let stop_ns = self.next_stop_ns().saturating_sub(self.condition.skew_ns);
            let end_ns = stop_ns.min(to_ns);
            let mut piece = Vec::with_capacity(amounts.len());
            for (given, amount) in given.iter_mut().zip(amounts) {
                let up_to = if end_ns == to_ns { *amount } else { share(*amount, end_ns - from_ns, whole) };
                piece.push(up_to - *given);
                *given = up_to;
            }
            self.count(&self.with_sums(piece));
            self.now_ns = end_ns;
            if stop_ns == end_ns {
                self.stop();
            }
            if end_ns == to_ns {
                return;
            }
        }
    }

    /// When by the meter's clock there is something to do next. Always ahead of the meter's clock.
    fn next_stop_ns(&self) -> i64 {
        let periods = self.demand.next_ns().min(self.profile.next_ns());
        if self.condition.frozen {
            return periods;
        }
        periods.min(self.next_switch_ns).min(self.dates.next_ns())
    }

    fn count(&mut self, piece: &[i128]) {
        for (one, amount) in self.counted.iter_mut().zip(piece) {
            one.total += amount;
        }
        for &at in &self.on {
            if let Some(register) = self.registers.get_mut(at)
                && let Some(amount) = register.counted.and_then(|counted| piece.get(counted))
            {
                register.value += amount;
            }
        }
        self.demand.count(piece);
        self.profile.count(piece);
    }

    /// Does what is due now: periods end, then a billing period, then the registers switch.
    fn stop(&mut self) {
        let meter_ns = self.meter_ns();
        let second = self.meter_second();
        let at = self.now();
        let meter_at = self.meter_time();
        if self.demand.next_ns() <= meter_ns {
            self.demand.close(at, meter_at);
            self.demand.aim(self.calendar.clock(), second);
        }
        if self.profile.next_ns() <= meter_ns {
            let asleep = self.condition.asleep;
            self.profile.close(self.calendar.clock(), at, meter_at, asleep, self.condition.clock_invalid);
            self.profile.aim(self.calendar.clock(), second);
        }
        if self.condition.frozen {
            return;
        }
        let is_due = self.dates.next_ns() <= meter_ns;
        if is_due {
            self.dates.observe(self.calendar.clock());
        }
        if is_due || self.next_switch_ns <= meter_ns {
            let (state, next) = self.calendar.at(second);
            self.next_switch_ns = next.saturating_mul(SECOND_NS);
            self.turn(state, is_due);
        }
    }

    /// Goes over to what is in force now, and ends the billing period where that is a reason.
    pub(super) fn turn(&mut self, state: State, is_due: bool) {
        let before = self.state;
        let wall = self.calendar.clock().wall(self.meter_second());
        // A clock that goes back over midnight shows the old season once more, and then the new one again.
        let is_new = self.dates.is_first_at(wall);
        let tariff = state.latent != before.latent;
        let season = !tariff && state.season != before.season && is_new;
        if tariff {
            self.note(Happening::TariffChange);
        }
        if season {
            self.note(Happening::SeasonChange);
        }
        if let Some(cause) = Cause::first(&self.billing, is_due, tariff, season) {
            self.end_period_or_defer(cause);
        }
        self.switch_to(state);
    }

    /// Switches registers.
    pub(super) fn switch_to(&mut self, state: State) {
        self.state = state;
        self.on.clear();
        let mut demands = Vec::new();
        for id in self.calendar.describe(state).on {
            match self.switchable.get(id) {
                Some((false, at)) if !self.on.contains(at) => self.on.push(*at),
                Some((true, at)) => demands.push(*at),
                _ => {}
            }
        }
        self.demand.switch(demands);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_half_hour_grid_is_cut_where_the_clock_changes_by_less() {
        // Lord Howe changes by half an hour: an hour that begins at 02:00 is cut.
        let clock = WallClock::of_zone("Australia/Lord_Howe").unwrap();
        let change = "2026-10-03T15:30:00Z".parse::<Timestamp>().unwrap().as_second();
        assert_eq!(next_on_grid(&clock, change - 60, 3600), change);
        assert_eq!(next_on_grid(&clock, change, 3600), change + 1800);
        assert_eq!(next_on_grid(&clock, change - 60, 1800), change);
    }

    proptest! {
        #[test]
        fn shares_grow_with_their_part_and_end_with_the_whole(
            amount in 0..=MOST, whole in 1i64..7_000_000_000_000_000_000, a: u32, b: u32,
        ) {
            let part = |x: u32| i64::try_from(i128::from(whole) * i128::from(x) / i128::from(u32::MAX)).unwrap();
            let (low, high) = (part(a.min(b)), part(a.max(b)));
            prop_assert!(share(amount, low, whole) <= share(amount, high, whole));
            prop_assert_eq!(share(amount, whole, whole), amount);
            prop_assert_eq!(share(amount, 0, whole), 0);
        }
    }
}
