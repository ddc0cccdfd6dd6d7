//! What a virtual meter knows of its own past: registers, intervals, demands, billing periods, events.
//!
//! Everything follows from the load and the clock; nothing has to be walked from the start. This is also what tests
//! compare with what a client read.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Obis;
use crate::protocol::dlms::Data;
use crate::scheme::{DaylightSaving, Engine};

use super::clock::{Grid, MeterClock};
use super::contactor::Contactor;
use super::electrical::{Electrical, electrical};
use super::faults::ImageFaults;
use super::firmware::Firmware;
use super::load::{Energies, Load, SLOT_SECONDS};
use super::noise::Noise;
use super::outage::Outage;
use super::tariff::Tariff;

/// Bits of the profile status (facts/conventions.md, row "Profile status byte").
pub(crate) mod status {
    /// Daylight saving was on at the interval's end.
    pub(crate) const DAYLIGHT_SAVING: u8 = 0x08;
    /// The clock was set in the interval.
    pub(crate) const CLOCK_ADJUSTED: u8 = 0x20;
    /// Supply failed in the interval.
    pub(crate) const POWER_DOWN: u8 = 0x80;
}

/// Codes of the event logs.
pub(crate) mod event {
    /// Supply failed.
    pub(crate) const POWER_DOWN: u8 = 1;
    /// Supply returned.
    pub(crate) const POWER_UP: u8 = 2;
    /// Daylight saving switched.
    pub(crate) const DAYLIGHT_SAVING: u8 = 3;
    /// Clock set: the time before.
    pub(crate) const CLOCK_BEFORE: u8 = 4;
    /// Clock set: the time after.
    pub(crate) const CLOCK_AFTER: u8 = 5;
    /// Terminal cover removed.
    pub(crate) const COVER_REMOVED: u8 = 40;
    /// Terminal cover closed.
    pub(crate) const COVER_CLOSED: u8 = 41;
    /// Event log cleared.
    pub(crate) const LOG_CLEARED: u8 = 255;
}

/// Entries that each event log holds.
pub(crate) const LOG_ENTRIES: usize = 200;
/// Billing periods that the billing profile holds.
pub(crate) const BILLING_ENTRIES: usize = 24;
/// The averaging of demand as it comes from the factory.
const FACTORY_DEMAND: Averaging = Averaging { since: i64::MIN, part_seconds: 1800, parts: 1 };
/// Changes of the averaging that are remembered.
const MOST_AVERAGINGS: usize = 50;

/// One interval of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its end by the meter's clock, in seconds of Unix time.
    pub meter_end: i64,
    /// True time of the capture before, in seconds.
    pub true_from: i64,
    /// True time of the capture, in seconds.
    pub true_end: i64,
    /// Status bits.
    pub status: u8,
}

/// A maximum of a billing period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maximum {
    /// In W, by the scaler of the energy registers.
    pub raw: i64,
    /// End of its averaging period by the meter's clock; `None` where nothing was captured yet.
    pub meter_end: Option<i64>,
}

/// The maxima of a billing period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maxima {
    /// Of active import.
    pub import: Maximum,
    /// Of active export.
    pub export: Maximum,
}

/// An entry of an event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When, by the meter's clock, in seconds of Unix time.
    pub meter_second: i64,
    /// The code.
    pub code: u8,
    /// For supply failures, how long in seconds.
    pub seconds: u32,
}

/// An event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Log {
    /// 0-0:99.98.0.
    Standard,
    /// 0-0:99.98.1.
    Fraud,
    /// 1-0:99.97.0: failures of three minutes and more.
    SupplyFailures,
}

/// What a quantity is measured over: an interval that ends now or ended in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// True time at which the interval began, in seconds.
    pub from: i64,
    /// True time of the measurement, in seconds.
    pub end: i64,
}

/// How demand is averaged (class 5, attributes 8 and 9), from a true second on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Averaging {
    since: i64,
    /// Length of a part in seconds: a new average comes so often.
    pub(crate) part_seconds: u32,
    /// Parts of an averaging period.
    pub(crate) parts: u32,
}

impl Averaging {
    /// Length of the whole averaging period in seconds.
    pub(crate) const fn seconds(self) -> u32 {
        self.part_seconds.saturating_mul(self.parts)
    }
}

/// The record of one meter.
#[derive(Debug)]
pub struct Record {
    load: Load,
    clock: MeterClock,
    noise: Noise,
    /// Clock sets and cleared logs: log, true second, entry.
    happened: Vec<(Log, LogEntry)>,
    /// Billing resets that were asked for before a scheme ruled them, in true seconds.
    resets: Vec<i64>,
    /// How many there were.
    reset_count: usize,
    contactor: Contactor,
    averagings: Vec<Averaging>,
    /// Profiles and logs that were cleared: nothing older is shown.
    cleared: HashMap<Log, i64>,
    intervals: HashMap<(Grid, usize), Cached>,
    maxima: HashMap<(i64, i64), Maxima>,
    tariff: Tariff,
    firmware: Firmware,
}

#[derive(Debug)]
struct Cached {
    since: i64,
    valid_until_meter: i64,
    rows: Arc<Vec<Interval>>,
}

impl Record {
    /// The record of a load under a clock.
    #[must_use]
    pub fn new(load: Load, clock: MeterClock, seed: u64) -> Self {
        let (noise, happened, resets) = (Noise::new(seed), Vec::new(), Vec::new());
        let (cleared, intervals, maxima) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self {
            load,
            clock,
            noise,
            happened,
            resets,
            reset_count: 0,
            contactor: Contactor::default(),
            averagings: vec![FACTORY_DEMAND],
            cleared,
            intervals,
            maxima,
            tariff: Tariff::default(),
            firmware: Firmware::new(ImageFaults::default()),
        }
    }

    /// The meter's clock.
    #[must_use]
    pub const fn clock(&self) -> &MeterClock {
        &self.clock
    }

    /// The load.
    #[must_use]
    pub const fn load(&self) -> &Load {
        &self.load
    }

    /// The firmware, and the image on its way.
    pub const fn firmware(&mut self) -> &mut Firmware {
        &mut self.firmware
    }

    /// Lets firmware that is due take over, at a true millisecond.
    pub(crate) fn run_firmware(&mut self, now_ms: i64) {
        let meter_second = self.clock.meter_second(now_ms.div_euclid(1000));
        self.firmware.advance(meter_second);
    }

    /// The tariff.
    pub(crate) const fn tariff(&self) -> &Tariff {
        &self.tariff
    }

    /// Registers that the last calendar brought; true for those of demand.
    pub(crate) fn take_new_registers(&mut self) -> Vec<(Obis, bool)> {
        self.tariff.take_new_registers()
    }

    /// Lets the tariff go on to a true second.
    pub(crate) fn run_tariff(&mut self, second: i64) {
        self.tariff.advance(&mut self.load, &self.clock, second);
    }

    /// Takes what a client programs at a true second.
    pub(crate) fn program(&mut self, at: (u16, Obis, i8), value: Data, second: i64) {
        self.tariff.put(at, value);
        self.tariff.changed(&mut self.load, &self.clock, second);
    }

    /// Lets the passive calendar take over; false where there is none.
    pub(crate) fn activate_calendar(&mut self, second: i64) -> bool {
        self.tariff.activate(&mut self.load, &self.clock, second)
    }

    /// The tariff engine under the calendar that a client activated, at a true second: what tests compare with a dry
    /// run.
    pub fn tariff_engine(&mut self, second: i64) -> Option<&Engine> {
        self.run_tariff(second);
        self.tariff.engine()
    }

    /// Sets the clock and writes it into the log; true and meter time in milliseconds.
    pub fn set_clock(&mut self, true_ms: i64, meter_ms: i64) {
        let before = self.clock.meter_ms(true_ms).div_euclid(1000);
        self.run_tariff(true_ms.div_euclid(1000));
        self.clock.set(true_ms, meter_ms);
        self.tariff.clock_set(&self.clock, true_ms.div_euclid(1000));
        self.intervals.clear();
        self.maxima.clear();
        for (meter_second, code) in
            [(before, event::CLOCK_BEFORE), (meter_ms.div_euclid(1000), event::CLOCK_AFTER)]
        {
            self.note(Log::Standard, LogEntry { meter_second, code, seconds: 0 });
        }
    }

    fn note(&mut self, log: Log, entry: LogEntry) {
        self.happened.push((log, entry));
        let surplus = self.happened.len().saturating_sub(2 * LOG_ENTRIES);
        self.happened.drain(..surplus);
    }

    /// The contactor.
    pub(crate) const fn contactor(&self) -> Contactor {
        self.contactor
    }

    /// Moves the contactor at a true second, as `change` does; gives what that gave.
    pub(crate) fn move_contactor(
        &mut self,
        change: impl FnOnce(&mut Contactor) -> bool,
        second: i64,
    ) -> bool {
        self.run_tariff(second);
        let done = change(&mut self.contactor);
        self.load.set_contactor(self.contactor.is_closed(), second);
        done
    }

    /// Puts the contactor into a control mode of class 70 at a true second; false where there is none of that number.
    pub fn set_contactor_mode(&mut self, mode: u8, second: i64) -> bool {
        self.move_contactor(|contactor| contactor.set_mode(mode), second)
    }

    /// Somebody presses the contactor's button at a true second.
    pub fn press_contactor(&mut self, second: i64) {
        self.move_contactor(
            |contactor| {
                contactor.press();
                true
            },
            second,
        );
    }

    /// How demand is averaged now.
    pub(crate) fn averaging(&self) -> Averaging {
        self.averagings.last().copied().unwrap_or(FACTORY_DEMAND)
    }

    /// Averages demand otherwise from a true second on.
    pub(crate) fn set_averaging(&mut self, part_seconds: u32, parts: u32, second: i64) {
        self.averagings.push(Averaging { since: second, part_seconds, parts });
        if self.averagings.len() > MOST_AVERAGINGS {
            self.averagings.remove(0);
        }
        self.maxima.clear();
    }

    /// Puts the clock's daylight saving to another rule at a true second; none where it has none.
    pub(crate) fn set_daylight_saving(&mut self, dst: Option<&DaylightSaving>, second: i64) {
        self.run_tariff(second);
        if self.clock.set_daylight_saving(dst, second) {
            self.intervals.clear();
            self.maxima.clear();
            self.tariff.rule_changed(&mut self.load, &self.clock, second);
        }
    }

    /// Ends the billing period at a true second.
    pub fn reset_billing(&mut self, true_second: i64) {
        self.run_tariff(true_second);
        if self.tariff.reset_billing() {
            return;
        }
        self.reset_count += 1;
        self.resets.push(true_second);
        // The profile holds no more, and older ones must not crowd out the months.
        let surplus = self.resets.len().saturating_sub(BILLING_ENTRIES);
        self.resets.drain(..surplus);
    }

    /// Empties a log at a true second.
    pub fn clear_log(&mut self, log: Log, true_second: i64) {
        let meter_second = self.clock.meter_second(true_second);
        self.happened.retain(|(kept, _)| *kept != log);
        self.note(log, LogEntry { meter_second, code: event::LOG_CLEARED, seconds: 0 });
        self.cleared.insert(log, meter_second);
    }

    /// The registers at a true second.
    pub fn counted(&mut self, true_second: i64) -> Energies {
        self.load.counted(true_second)
    }

    /// What was counted in a moment's interval.
    pub fn within(&mut self, moment: Moment) -> Energies {
        let before = self.load.counted(moment.from);
        self.load.counted(moment.end).since(&before)
    }

    /// What the terminals see at a true second.
    pub fn electrical(&mut self, true_second: i64) -> Electrical {
        let quarter = self.load.quarter(true_second);
        electrical(self.load.premises(), self.noise, &quarter, true_second)
    }

    /// What the terminals saw on average over a moment's interval.
    pub fn average(&mut self, moment: Moment) -> Electrical {
        let energies = self.within(moment);
        let seconds = u64::try_from(moment.end - moment.from).unwrap_or(1).max(1);
        let to_quarter = |units: u64| units * SLOT_SECONDS.unsigned_abs() / seconds;
        let quarter = Energies {
            import: to_quarter(energies.import),
            export: to_quarter(energies.export),
            quadrants: energies.quadrants.map(to_quarter),
            ..Energies::default()
        };
        electrical(self.load.premises(), self.noise, &quarter, moment.from)
    }

    /// The newest intervals of a profile that captures on a grid, holds `capacity` rows, and was cleared at true
    /// second `since`; oldest first. An interval that lies wholly in a supply failure has no row.
    pub fn intervals(&mut self, grid: Grid, capacity: usize, since: i64, now: i64) -> Arc<Vec<Interval>> {
        let since = since.max(self.load.installed());
        let meter_now = self.clock.meter_second(now);
        if let Some(cached) = self.intervals.get(&(grid, capacity))
            && cached.since == since
            && meter_now < cached.valid_until_meter
            && cached.rows.last().is_none_or(|row| row.true_end <= now)
        {
            return Arc::clone(&cached.rows);
        }
        let captures = self.clock.captures(grid, capacity, since, now);
        let whole_period = matches!(grid, Grid::Period(_));
        let mut rows = Vec::with_capacity(captures.len());
        for capture in captures {
            let mut status = 0;
            let mut dark = 0;
            for outage in self.load.outages().touching(capture.true_from, capture.true_end) {
                status |= status::POWER_DOWN;
                dark += outage.seconds_within(capture.true_from, capture.true_end);
            }
            if whole_period && dark >= capture.true_end - capture.true_from {
                continue;
            }
            if capture.adjusted {
                status |= status::CLOCK_ADJUSTED;
            }
            if self.clock.daylight_saving(capture.meter_end) {
                status |= status::DAYLIGHT_SAVING;
            }
            rows.push(Interval {
                meter_end: capture.meter_end,
                true_from: capture.true_from,
                true_end: capture.true_end,
                status,
            });
        }
        let rows = Arc::new(rows);
        let valid_until_meter = self.clock.next(grid, meter_now);
        let cached = Cached { since, valid_until_meter, rows: Arc::clone(&rows) };
        self.intervals.insert((grid, capacity), cached);
        rows
    }

    /// The closed billing periods, oldest first: each month's end by the meter's clock until a scheme rules them, then
    /// as that says; and each reset.
    pub fn billing_periods(&mut self, now: i64) -> Vec<Interval> {
        self.run_tariff(now);
        let installed = self.load.installed();
        let mut ends: Vec<(i64, i64)> = self
            .intervals(Grid::MonthStart, BILLING_ENTRIES + 1, installed, now)
            .iter()
            .map(|month| (month.true_end, month.meter_end))
            .collect();
        // A scheme ends billing periods by its own dates.
        let ruled = self.tariff.rules_since().unwrap_or(i64::MAX);
        ends.retain(|(end, _)| *end <= ruled);
        let asked = self.resets.iter().copied().filter(|at| *at <= now);
        let ruled = self.tariff.ends().filter(|at| *at <= now);
        ends.extend(asked.chain(ruled).map(|at| (at, self.clock.meter_second(at))));
        ends.sort_unstable();
        ends.dedup();
        let mut before = installed;
        let mut periods: Vec<Interval> = ends
            .into_iter()
            .map(|(true_end, meter_end)| {
                let true_from = std::mem::replace(&mut before, true_end);
                let daylight = self.clock.daylight_saving(meter_end);
                let status = if daylight { status::DAYLIGHT_SAVING } else { 0 };
                Interval { meter_end, true_from, true_end, status }
            })
            .collect();
        let surplus = periods.len().saturating_sub(BILLING_ENTRIES);
        periods.drain(..surplus);
        periods
    }

    /// How many billing periods were ever closed.
    pub fn billing_count(&mut self, now: i64) -> usize {
        self.run_tariff(now);
        let until = self.tariff.rules_since().map_or(now, |since| since.min(now));
        let months =
            self.clock.captures(Grid::MonthStart, usize::MAX - 1, self.load.installed(), until).len();
        months + self.reset_count + self.tariff.end_count()
    }

    /// When the billing period that holds a true second began.
    pub fn billing_start(&mut self, now: i64) -> i64 {
        self.billing_periods(now).last().map_or_else(|| self.load.installed(), |period| period.true_end)
    }

    /// The maxima of the averaging periods that ended after `from` and not after `until` (true seconds).
    pub fn maxima(&mut self, from: i64, until: i64) -> Maxima {
        let grid = Grid::Period(self.averaging().part_seconds);
        let Some(last) = self.clock.captures(grid, 1, from, until).last().copied() else {
            return Maxima::default();
        };
        let key = (from, last.true_end);
        if let Some(known) = self.maxima.get(&key) {
            return *known;
        }
        let mut maxima = Maxima::default();
        let ends = self.averagings.iter().skip(1).map(|next| next.since).chain([i64::MAX]);
        let spans: Vec<(Averaging, i64)> = self.averagings.iter().copied().zip(ends).collect();
        for (averaging, end) in spans {
            self.add_maxima(&mut maxima, averaging, from.max(averaging.since), until.min(end));
        }
        if self.maxima.len() > 200 {
            self.maxima.clear();
        }
        self.maxima.insert(key, maxima);
        maxima
    }

    /// The maxima of a stretch in which demand was averaged in one way.
    fn add_maxima(&mut self, maxima: &mut Maxima, averaging: Averaging, from: i64, until: i64) {
        if from >= until {
            return;
        }
        let parts = usize::try_from(averaging.parts).unwrap_or(1).max(1);
        let count = usize::try_from((until - from) / i64::from(averaging.part_seconds)).unwrap_or(0) + 2;
        let captures = self.clock.captures(Grid::Period(averaging.part_seconds), count, from, until);
        for last in captures.windows(parts) {
            let (Some(first), Some(capture)) = (last.first(), last.last()) else { continue };
            let energies = self.within(Moment { from: first.true_from, end: capture.true_end });
            for (maximum, energy) in
                [(&mut maxima.import, energies.import), (&mut maxima.export, energies.export)]
            {
                let raw = demand(energy, averaging.seconds());
                if raw > maximum.raw || maximum.meter_end.is_none() {
                    *maximum = Maximum { raw, meter_end: Some(capture.meter_end) };
                }
            }
        }
    }

    /// The averaging period that ended last, and the one that runs.
    pub fn demand_periods(&self, now: i64) -> (Moment, Moment) {
        let installed = self.load.installed();
        let averaging = self.averaging();
        let parts = usize::try_from(averaging.parts).unwrap_or(1).max(1);
        let captures = self.clock.captures(Grid::Period(averaging.part_seconds), parts, installed, now);
        let last = match (captures.first(), captures.last()) {
            (Some(first), Some(last)) => Moment { from: first.true_from, end: last.true_end },
            _ => Moment { from: installed, end: installed },
        };
        // The running average is over the parts that ended and the one that runs.
        let from = captures.get(1).map_or(last.end, |second| second.true_from);
        (last, Moment { from, end: now })
    }

    /// A log's entries, oldest first.
    pub fn log(&self, log: Log, now: i64) -> Vec<LogEntry> {
        let mut entries: Vec<LogEntry> = self.derived(log, now);
        entries.extend(self.happened.iter().filter(|(kept, _)| *kept == log).map(|(_, entry)| *entry));
        entries.sort_by_key(|entry| entry.meter_second);
        if let Some(cleared) = self.cleared.get(&log) {
            entries.retain(|entry| entry.meter_second >= *cleared);
        }
        let surplus = entries.len().saturating_sub(LOG_ENTRIES);
        entries.drain(..surplus);
        entries
    }

    fn derived(&self, log: Log, now: i64) -> Vec<LogEntry> {
        let installed = self.load.installed();
        let failures = self.load.outages().touching(installed, now);
        let entry = |second: i64, code: u8, seconds: i64| LogEntry {
            meter_second: self.clock.meter_second(second),
            code,
            seconds: u32::try_from(seconds).unwrap_or(0),
        };
        match log {
            Log::Standard => {
                let mut entries: Vec<LogEntry> = failures
                    .flat_map(|failure| {
                        [entry(failure.from, event::POWER_DOWN, 0), entry(failure.until, event::POWER_UP, 0)]
                    })
                    .collect();
                let start = Timestamp::from_second(installed).unwrap_or(Timestamp::UNIX_EPOCH);
                let switches =
                    self.clock.zone().following(start).map(|switch| switch.timestamp().as_second());
                entries.extend(
                    switches.take_while(|at| *at <= now).map(|at| entry(at, event::DAYLIGHT_SAVING, 0)),
                );
                entries
            }
            Log::Fraud => self
                .cover_openings(installed, now)
                .into_iter()
                .flat_map(|(opened, closed)| {
                    [entry(opened, event::COVER_REMOVED, 0), entry(closed, event::COVER_CLOSED, 0)]
                })
                .collect(),
            Log::SupplyFailures => failures
                .filter(|failure| failure.seconds() >= Outage::LONG_SECONDS)
                .map(|failure| entry(failure.until, event::POWER_UP, failure.seconds()))
                .collect(),
        }
    }

    /// The cover was opened when the meter was installed, and on some meters once again.
    fn cover_openings(&self, installed: i64, now: i64) -> Vec<(i64, i64)> {
        let mounted = installed + 9 * 3600 + self.noise.below(50, 0, 3600);
        let again = installed + (30 + self.noise.below(51, 0, 300)) * 86_400 + 11 * 3600;
        let mut openings = vec![(mounted, mounted + 1800)];
        if self.noise.below(52, 0, 5) == 0 {
            openings.push((again, again + 420));
        }
        openings.retain(|(_, closed)| *closed <= now);
        openings
    }
}

/// The demand of an energy over an averaging period in seconds, by the scaler of the energy.
#[must_use]
pub(crate) fn demand(energy: u64, seconds: u32) -> i64 {
    i64::try_from(energy * 3600 / u64::from(seconds.max(1))).unwrap_or(i64::MAX)
}
