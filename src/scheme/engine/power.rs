//! Supply, battery and clock: what fails, and what the meter does about it.

use super::run::SECOND_NS;
use super::{Cause, Engine, Happening, LogEntry};
use crate::model::IntervalStatus;
use crate::scheme::document::ClockFailureResponse;

impl Engine {
    pub(super) fn supply_fails(&mut self) {
        self.note(Happening::SupplyFail);
        self.profile.power_down(self.now());
        self.condition.supply = false;
        self.condition.failed_ns = self.now_ns;
        self.condition.clock_lost = !self.condition.battery;
    }

    pub(super) fn battery_fails(&mut self) {
        self.condition.battery = false;
        self.condition.clock_lost |= !self.condition.supply;
        self.note_of_battery(Happening::BatteryFail);
    }

    pub(super) fn battery_is_replaced(&mut self) {
        self.condition.battery = true;
        self.note_of_battery(Happening::BatteryReplaced);
    }

    /// Notes it now, or when supply returns, with the time at which it happened.
    fn note_of_battery(&mut self, what: Happening) {
        if self.condition.supply {
            self.note(what);
            if what == Happening::BatteryFail {
                self.profile.mark(IntervalStatus::BATTERY_FAIL);
            }
        } else {
            let entry = LogEntry { at: self.now(), meter_at: self.meter_time(), what };
            self.condition.unwritten.push(entry);
        }
    }

    pub(super) fn supply_returns(&mut self) {
        let back_ns = self.now_ns;
        self.condition.supply = true;
        let unwritten = std::mem::take(&mut self.condition.unwritten);
        let battery_failed = unwritten.iter().any(|entry| entry.what == Happening::BatteryFail);
        self.log.extend(unwritten);
        if std::mem::take(&mut self.condition.clock_lost) {
            self.resume_late(back_ns - self.condition.failed_ns);
        } else {
            self.catch_up(back_ns);
        }
        if battery_failed {
            self.profile.mark(IntervalStatus::BATTERY_FAIL);
        }
    }

    /// The clock ran on: does what was due while there was no supply.
    fn catch_up(&mut self, back_ns: i64) {
        self.now_ns = self.condition.failed_ns;
        self.condition.asleep = true;
        let nothing = vec![0; self.counted.len()];
        self.run(back_ns, &nothing);
        self.condition.asleep = false;
        self.note(Happening::SupplyReturn);
        self.profile.power_up();
        self.end_missed_period();
    }

    /// The clock stood still: it goes on from where supply failed.
    fn resume_late(&mut self, outage_ns: i64) {
        self.condition.skew_ns = self.condition.skew_ns.saturating_sub(outage_ns);
        self.condition.clock_invalid = true;
        self.note(Happening::SupplyReturn);
        self.note(Happening::ClockFailed);
        self.profile.power_up();
        if self.response != ClockFailureResponse::Continue {
            self.end_period(Cause::ClockFailure);
        }
        if self.response == ClockFailureResponse::BillThenFreeze && !self.condition.frozen {
            self.condition.frozen = true;
            self.note(Happening::TariffFrozen);
        }
    }

    /// Sets the clock.
    pub(super) fn set_clock(&mut self, to_ns: i64) {
        let before = self.meter_second();
        let second = to_ns.div_euclid(SECOND_NS);
        self.note(Happening::ClockSet);
        self.profile.mark(IntervalStatus::CLOCK_ADJUSTED);
        let (at, meter_at) = (self.now(), self.meter_time());
        let clock = self.calendar.clock();
        if !self.demand.is_same_part(clock, before, second) {
            self.demand.close(at, meter_at);
        }
        // At the very end of an interval nothing is in progress that the set could cut short.
        if self.profile.is_in_progress(at) && !self.profile.is_same_interval(clock, before, second) {
            self.profile.close(clock, at, meter_at, false, self.condition.clock_invalid);
            self.profile.mark(IntervalStatus::CLOCK_ADJUSTED);
        }
        self.condition.skew_ns = to_ns.saturating_sub(self.now_ns);
        self.condition.clock_invalid = false;
        self.demand.aim(clock, second);
        self.profile.aim(clock, second);
        let is_due = self.dates.put(clock, second);
        let (state, next) = self.calendar.at(second);
        self.next_switch_ns = next.saturating_mul(SECOND_NS);
        if std::mem::take(&mut self.condition.frozen) {
            self.note(Happening::TariffResumed);
        }
        self.turn(state, is_due);
    }
}
