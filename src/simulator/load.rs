//! A believable load from a seed: what a household, a shop or a factory draws and gives back, in whole units of
//! energy for every quarter of an hour, without floating point and without walking from the start.
//!
//! A quarter's energies follow from the seed and the quarter's number alone. Days are summed once and kept as
//! running totals, so that a register at any second is one lookup and a few additions.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::noise::Noise;
use super::outage::Outages;

/// Seconds in a quarter of an hour, the grain of the load.
pub(super) const SLOT_SECONDS: i64 = 900;
const SLOTS_A_DAY: i64 = 96;
const DAY_SECONDS: i64 = 86_400;
/// Stretches with the contactor open that are remembered one by one.
const MOST_OPEN: usize = 400;
/// Days whose quarters are kept: the one being read, and its neighbours.
const DAYS_KEPT: usize = 4;

/// What the meter measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Premises {
    /// One phase, registers in Wh, sometimes with solar panels.
    Household,
    /// Three phases, registers in 10 Wh.
    Shop,
    /// Three phases behind current transformers, registers in 0.1 Wh of the secondary side.
    Factory,
}

impl Premises {
    /// Word for names and groups.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Household => "Household",
            Self::Shop => "Shop",
            Self::Factory => "Factory",
        }
    }

    /// Power of ten of the energy registers' raw values, in Wh or varh.
    #[must_use]
    pub const fn scaler(self) -> i8 {
        match self {
            Self::Household => 0,
            Self::Shop => 1,
            Self::Factory => -1,
        }
    }

    /// Number of phases.
    #[must_use]
    pub const fn phases(self) -> usize {
        if matches!(self, Self::Household) { 1 } else { 3 }
    }

    /// Relative load by hour of the day, in thousandths: working day, day off.
    const fn shape(self) -> &'static [[i64; 24]; 2] {
        match self {
            Self::Household => &[
                [
                    420, 350, 320, 310, 320, 420, 900, 1300, 1150, 850, 760, 800, 950, 880, 800, 860, 1150,
                    1650, 2000, 1950, 1700, 1350, 950, 600,
                ],
                [
                    520, 420, 360, 330, 320, 340, 450, 750, 1200, 1450, 1450, 1500, 1600, 1450, 1250, 1150,
                    1250, 1550, 1800, 1750, 1550, 1300, 1000, 700,
                ],
            ],
            Self::Shop => &[
                [
                    380, 370, 370, 370, 370, 400, 600, 1100, 1650, 1850, 1900, 1900, 1850, 1850, 1900, 1900,
                    1850, 1800, 1500, 900, 600, 480, 420, 400,
                ],
                [
                    370, 370, 370, 370, 370, 370, 390, 420, 600, 900, 1000, 1000, 950, 800, 600, 480, 430,
                    420, 410, 400, 390, 380, 380, 370,
                ],
            ],
            Self::Factory => &[
                [
                    500, 480, 480, 480, 520, 900, 1550, 1800, 1850, 1850, 1800, 1700, 1500, 1750, 1850, 1800,
                    1700, 1500, 1400, 1350, 1250, 1000, 700, 550,
                ],
                [
                    330, 320, 320, 320, 320, 330, 350, 380, 400, 410, 410, 400, 400, 390, 380, 370, 360, 350,
                    340, 340, 330, 330, 330, 330,
                ],
            ],
        }
    }

    /// How much more is drawn in midwinter than on average, in thousandths.
    const fn winter(self) -> i64 {
        match self {
            Self::Household => 280,
            Self::Shop => 120,
            Self::Factory => 40,
        }
    }

    /// Lagging reactive power by day and leading by night, in thousandths of active power.
    const fn reactive(self) -> (i64, i64) {
        match self {
            Self::Household => (180, 90),
            Self::Shop => (320, 0),
            Self::Factory => (480, 60),
        }
    }
}

/// Energy at one moment or of one stretch, in raw units of the premises' scaler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Energies {
    /// Active import.
    pub import: u64,
    /// Active import while rate 2 (night) was on; rate 1 is the rest.
    pub import_night: u64,
    /// Active export.
    pub export: u64,
    /// Active export while rate 2 was on.
    pub export_night: u64,
    /// Reactive energy of the quadrants I to IV.
    pub quadrants: [u64; 4],
}

impl Energies {
    /// Adds.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.combine(other, u64::saturating_add)
    }

    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        self.combine(earlier, u64::saturating_sub)
    }

    fn combine(&self, other: &Self, with: fn(u64, u64) -> u64) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.quadrants, other.quadrants);
        let quadrants = [with(a, e), with(b, f), with(c, g), with(d, h)];
        Self {
            import: with(self.import, other.import),
            import_night: with(self.import_night, other.import_night),
            export: with(self.export, other.export),
            export_night: with(self.export_night, other.export_night),
            quadrants,
        }
    }

    fn part(&self, numerator: u64, denominator: u64) -> Self {
        // Nearly always: years of quarters are added up before a fleet has answered for the first time.
        if numerator == denominator {
            return *self;
        }
        self.combine(self, |value, _| value).map(|value| value * numerator / denominator.max(1))
    }

    fn map(mut self, with: impl Fn(u64) -> u64) -> Self {
        for value in [&mut self.import, &mut self.import_night, &mut self.export, &mut self.export_night] {
            *value = with(*value);
        }
        self.quadrants = self.quadrants.map(with);
        self
    }

    /// Reactive import (quadrants I and II).
    #[must_use]
    pub const fn reactive_import(&self) -> u64 {
        self.quadrants[0] + self.quadrants[1]
    }

    /// Reactive export (quadrants III and IV).
    #[must_use]
    pub const fn reactive_export(&self) -> u64 {
        self.quadrants[2] + self.quadrants[3]
    }
}

/// The load of one meter.
#[derive(Debug)]
pub struct Load {
    premises: Premises,
    noise: Noise,
    zone: TimeZone,
    mean_watts: i64,
    solar_watts: i64,
    installed_day: i64,
    outages: Outages,
    /// `totals[n]` is what was counted until the beginning of day `installed_day + n`.
    totals: Vec<Energies>,
    days: VecDeque<(i64, Vec<Energies>)>,
    /// When the contactor was open, in order.
    open: Vec<Open>,
    /// What was not drawn in stretches that are no longer remembered.
    forgone: Energies,
}

/// A stretch with the contactor open.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Second of Unix time.
    from: i64,
    /// When it was closed again; `None` while it is open.
    until: Option<i64>,
    /// What would have been counted until `from` and until `until`, had it always been closed.
    at: (Energies, Energies),
}

impl Load {
    /// The load that follows from a seed, counted from the beginning of the UTC day of `installed`.
    #[must_use]
    pub fn new(
        premises: Premises,
        seed: u64,
        zone: TimeZone,
        solar: bool,
        installed: Timestamp,
        outages: Outages,
    ) -> Self {
        let noise = Noise::new(seed);
        let mean_watts = match premises {
            Premises::Household => 280 + noise.below(1, 0, 420),
            Premises::Shop => 2200 + noise.below(1, 0, 4800),
            // What reaches the meter behind transformers of 200/5.
            Premises::Factory => 1400 + noise.below(1, 0, 1800),
        };
        let solar_watts = if solar { 2500 + 500 * noise.below(2, 0, 10) } else { 0 };
        Self {
            premises,
            noise,
            zone,
            mean_watts,
            solar_watts,
            installed_day: installed.as_second().div_euclid(DAY_SECONDS),
            outages,
            totals: vec![Energies::default()],
            days: VecDeque::new(),
            open: Vec::new(),
            forgone: Energies::default(),
        }
    }

    /// What it measures.
    #[must_use]
    pub const fn premises(&self) -> Premises {
        self.premises
    }

    /// Its supply failures.
    #[must_use]
    pub const fn outages(&self) -> &Outages {
        &self.outages
    }

    /// The first second that is counted, in Unix time.
    #[must_use]
    pub const fn installed(&self) -> i64 {
        self.installed_day * DAY_SECONDS
    }

    /// Opens or closes the contactor at a second of Unix time that is not before the last such one. While it is open,
    /// nothing is drawn and nothing given back.
    pub fn set_contactor(&mut self, is_closed: bool, second: i64) {
        let now = self.uninterrupted(second);
        match self.open.last_mut() {
            Some(last) if last.until.is_none() => {
                if is_closed {
                    (last.until, last.at.1) = (Some(second), now);
                }
            }
            _ if is_closed => {}
            _ => self.open.push(Open { from: second, until: None, at: (now, now) }),
        }
        if self.open.len() > MOST_OPEN {
            let first = self.open.remove(0);
            self.forgone = self.forgone.plus(&first.at.1.since(&first.at.0));
        }
    }

    /// What the registers hold at a second of Unix time: the exact sum of all energies since installation.
    pub fn counted(&mut self, second: i64) -> Energies {
        let whole = self.uninterrupted(second);
        let missed =
            self.open.iter().take_while(|open| open.from < second).fold(self.forgone, |sum, open| {
                let end = if open.until.is_some_and(|until| until <= second) { &open.at.1 } else { &whole };
                sum.plus(&end.since(&open.at.0))
            });
        whole.since(&missed)
    }

    /// As if the contactor were always closed.
    fn uninterrupted(&mut self, second: i64) -> Energies {
        if second <= self.installed() {
            return Energies::default();
        }
        let day = second.div_euclid(DAY_SECONDS);
        let base = self.total_before(day);
        let within = second.rem_euclid(DAY_SECONDS);
        let slot = usize::try_from(within / SLOT_SECONDS).unwrap_or(0);
        let into = u64::try_from(within % SLOT_SECONDS).unwrap_or(0);
        let running = self.day(day);
        // `slot` is below 96, and a day keeps 97 running sums.
        let (whole, next) = (running[slot], running[slot + 1]);
        base.plus(&whole).plus(&next.since(&whole).part(into, SLOT_SECONDS.unsigned_abs()))
    }

    /// The energies of the quarter of an hour in which a second of Unix time lies.
    pub fn quarter(&mut self, second: i64) -> Energies {
        let is_open = |open: &Open| open.from <= second && open.until.is_none_or(|until| second < until);
        if self.open.iter().any(is_open) {
            return Energies::default();
        }
        let slot = usize::try_from(second.rem_euclid(DAY_SECONDS) / SLOT_SECONDS).unwrap_or(0);
        let running = self.day(second.div_euclid(DAY_SECONDS));
        // As in `counted`.
        running[slot + 1].since(&running[slot])
    }

    fn total_before(&mut self, day: i64) -> Energies {
        let wanted = usize::try_from(day - self.installed_day).unwrap_or(0);
        while self.totals.len() <= wanted {
            let next = self.installed_day + i64::try_from(self.totals.len()).unwrap_or(i64::MAX) - 1;
            let last = self.totals.last().copied().unwrap_or_default();
            let sum = self.reckon_day(next).iter().fold(last, |sum, energies| sum.plus(energies));
            self.totals.push(sum);
        }
        self.totals.get(wanted).copied().unwrap_or_default()
    }

    /// Running sums of a UTC day: 97 of them, from its beginning to its end by quarters.
    fn day(&mut self, day: i64) -> &[Energies] {
        let place = match self.days.iter().position(|(kept, _)| *kept == day) {
            Some(place) => place,
            None => {
                let mut sum = Energies::default();
                let mut running = vec![sum];
                for quarter in self.reckon_day(day) {
                    sum = sum.plus(&quarter);
                    running.push(sum);
                }
                self.days.truncate(DAYS_KEPT - 1);
                self.days.push_front((day, running));
                0
            }
        };
        &self.days[place].1
    }

    fn reckon_day(&self, day: i64) -> Vec<Energies> {
        let outage = self.outages.of_day(day);
        let offset_at = |second: i64| {
            Timestamp::from_second(second).map_or(0, |at| i64::from(self.zone.to_offset(at).seconds()))
        };
        let start = day * DAY_SECONDS;
        let (first, last) = (offset_at(start), offset_at(start + DAY_SECONDS - 1));
        (0..SLOTS_A_DAY)
            .map(|slot| {
                let from = start + slot * SLOT_SECONDS;
                let offset = if first == last { first } else { offset_at(from) };
                let energies = self.reckon_slot(from.div_euclid(SLOT_SECONDS), from + offset);
                let dark = outage.map_or(0, |outage| outage.seconds_within(from, from + SLOT_SECONDS));
                let lit = u64::try_from(SLOT_SECONDS - dark).unwrap_or(0);
                energies.part(lit, SLOT_SECONDS.unsigned_abs())
            })
            .collect()
    }

    /// Energies of the quarter with this number whose local wall clock, as seconds, begins at `local`.
    fn reckon_slot(&self, number: i64, local: i64) -> Energies {
        let local_day = local.div_euclid(DAY_SECONDS);
        let second = local.rem_euclid(DAY_SECONDS);
        let load = self.load_watts(number, local_day, second);
        let sun = self.solar_watts_now(number, local_day, second);
        let net = load - sun;
        let night = !(7 * 3600..22 * 3600).contains(&second);
        let (lagging, leading) = self.premises.reactive();
        let reactive = if night && leading > 0 { -load * leading / 1000 } else { load * lagging / 1000 };
        let (import, export) = (self.energy(net.max(0)), self.energy((-net).max(0)));
        let reactive_energy = self.energy(reactive.abs());
        let quadrant = match (net >= 0, reactive >= 0) {
            (true, true) => 0,
            (false, true) => 1,
            (false, false) => 2,
            (true, false) => 3,
        };
        let mut quadrants = [0; 4];
        quadrants[quadrant] = reactive_energy;
        Energies {
            import,
            import_night: if night { import } else { 0 },
            export,
            export_night: if night { export } else { 0 },
            quadrants,
        }
    }

    fn load_watts(&self, number: i64, local_day: i64, second: i64) -> i64 {
        // 1 January 1970 was a Thursday.
        let weekday = (local_day + 3).rem_euclid(7);
        let shape = &self.premises.shape()[usize::from(weekday >= 5)];
        let hour = usize::try_from(second / 3600).unwrap_or(0);
        let (this, next) = (shape[hour], shape[(hour + 1) % 24]);
        let level = this + (next - this) * (second % 3600) / 3600;
        let season = 1000 + self.premises.winter() * winterliness(local_day) / 1000;
        let of_day = 850 + self.noise.below(10, local_day, 300);
        let of_slot = 800 + self.noise.below(11, number, 400);
        let watts = self.mean_watts * level / 1000 * season / 1000 * of_day / 1000 * of_slot / 1000;
        // A kettle, an oven, a machine that starts: now and then, more often when the place is awake.
        let burst = self.noise.below(12, number, 9000) < level;
        watts + if burst { self.mean_watts * (1 + self.noise.below(13, number, 4)) } else { 0 }
    }

    fn solar_watts_now(&self, number: i64, local_day: i64, second: i64) -> i64 {
        if self.solar_watts == 0 {
            return 0;
        }
        let summerliness = -winterliness(local_day);
        let half_day = 6 * 3600 + 15 * 60 + summerliness * 2 * 3600 / 1000;
        let from_noon = (second - 12 * 3600 - 1800).abs();
        if from_noon >= half_day {
            return 0;
        }
        let height = 1000 - 1000 * from_noon / half_day * from_noon / half_day;
        let season = 680 + 320 * summerliness / 1000;
        let sky = 250 + self.noise.below(20, local_day, 700);
        let clouds = 850 + self.noise.below(21, number, 200);
        self.solar_watts * height / 1000 * season / 1000 * sky / 1000 * clouds / 1000
    }

    /// Energy of a quarter of an hour at a power in W or var.
    fn energy(&self, watts: i64) -> u64 {
        let units = match self.premises.scaler() {
            1 => watts / 40,
            -1 => watts * 10 / 4,
            _ => watts / 4,
        };
        u64::try_from(units).unwrap_or(0)
    }
}

/// From −1000 at midsummer to 1000 at midwinter of the northern half of the world, smooth.
fn winterliness(local_day: i64) -> i64 {
    // Quarters of days since 1 January, of 1461 a year; midwinter is ten days before.
    let phase = (local_day * 4 + 40).rem_euclid(1461);
    let from_winter = phase.min(1461 - phase);
    // A parabola each half: close to a cosine.
    let x = 1000 - from_winter * 2000 / 730;
    x * (2000 - x.abs()) / 1000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(premises: Premises, seed: u64, solar: bool) -> Load {
        let installed: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let outages = Outages::new(seed, 40, installed, "2026-11-01T00:00:00Z".parse().unwrap());
        Load::new(premises, seed, zone, solar, installed, outages)
    }

    #[test]
    fn the_same_seed_gives_the_same_load_and_another_seed_another() {
        let at = 1_780_000_000;
        let first = load(Premises::Household, 7, true).counted(at);
        assert_eq!(first, load(Premises::Household, 7, true).counted(at));
        assert_ne!(first, load(Premises::Household, 8, true).counted(at));
    }

    #[test]
    fn a_household_draws_some_thousand_kilowatt_hours_a_year() {
        for seed in 0..20 {
            let mut load = load(Premises::Household, seed, false);
            let from = load.installed();
            let year = load.counted(from + 365 * DAY_SECONDS);
            assert!((1_500_000..9_000_000).contains(&year.import), "{} Wh", year.import);
            assert_eq!(year.export, 0);
        }
    }

    #[test]
    fn solar_panels_give_back_more_in_june_than_in_december() {
        let mut load = load(Premises::Household, 3, true);
        let mut month = |day: i64| {
            let from = load.installed() + day * DAY_SECONDS;
            let before = load.counted(from);
            load.counted(from + 30 * DAY_SECONDS).since(&before).export
        };
        let (june, december) = (month(151), month(334));
        assert!(june > 2 * december, "{june} Wh in June, {december} Wh in December");
    }

    #[test]
    fn winter_is_the_opposite_of_summer() {
        let day = |text: &str| -> i64 {
            let at: Timestamp = format!("{text}T00:00:00Z").parse().unwrap();
            at.as_second() / DAY_SECONDS
        };
        assert!(winterliness(day("2026-12-22")) > 950);
        assert!(winterliness(day("2026-06-22")) < -950);
        assert!(winterliness(day("2026-03-22")).abs() < 100);
    }

    #[test]
    fn an_open_contactor_stops_the_registers_to_the_unit() {
        let (mut cut, mut whole) = (load(Premises::Household, 3, true), load(Premises::Household, 3, true));
        let from = cut.installed() + 40 * DAY_SECONDS + 1234;
        for (at, is_closed) in
            [(from, false), (from + 50, false), (from + 9999, true), (from + 20_000, false)]
        {
            cut.set_contactor(is_closed, at);
        }
        assert_eq!(cut.counted(from), whole.counted(from));
        assert_eq!(cut.counted(from + 5000), cut.counted(from));
        assert_eq!(cut.quarter(from + 5000), Energies::default());
        let lost = whole.counted(from + 9999).since(&whole.counted(from));
        assert_eq!(cut.counted(from + 15_000), whole.counted(from + 15_000).since(&lost));
        assert_eq!(cut.counted(from + 10 * DAY_SECONDS), cut.counted(from + 20_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn registers_are_the_exact_sum_of_the_intervals(
            seed: u64, solar: bool, start in 0i64..20_000_000, steps in 1i64..60, step in 60i64..7200,
        ) {
            let mut load = load(Premises::Shop, seed, solar);
            let from = load.installed() + start;
            let mut sum = load.counted(from);
            let mut before = sum;
            for number in 1..=steps {
                let now = load.counted(from + number * step);
                sum = sum.plus(&now.since(&before));
                before = now;
            }
            prop_assert_eq!(sum, load.counted(from + steps * step));
            prop_assert!(sum.import_night <= sum.import);
        }
    }
}
