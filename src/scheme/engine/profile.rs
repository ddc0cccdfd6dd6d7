//! The load profile as the meter records it.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::run::{SECOND_NS, next_on_grid};
use super::{Cause, EngineError, decimal};
use crate::model::{Decimal, IntervalStatus, Unit};
use crate::scheme::clock::WallClock;
use crate::scheme::document::{Document, Source};

/// A record of the load profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRecord {
    /// When the interval ended.
    pub end: Timestamp,
    /// What the meter's clock said then.
    pub meter_end: Timestamp,
    /// The stamp as the meter writes it: wall time, or standard time where the profile does not follow daylight saving.
    pub stamp: DateTime,
    /// What the meter notes with it.
    pub status: IntervalStatus,
    /// Energy of each channel; nothing where its source is not measured.
    pub values: Vec<Option<Decimal>>,
}

/// The load profile in progress.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    period_s: i64,
    follows_dst: bool,
    channels: Vec<Option<usize>>,
    energy: Vec<i128>,
    status: IntervalStatus,
    /// Whether there was supply at any time of the interval.
    powered: bool,
    began: Timestamp,
    next_ns: i64,
    records: Vec<ProfileRecord>,
    /// Customer-defined registers: id, unit and what they count.
    pub(super) sums: Vec<(String, Unit, Option<usize>)>,
}

impl Profile {
    pub(super) fn new(
        document: &Document,
        began: Timestamp,
        position: impl Fn(Source) -> Option<usize>,
    ) -> Result<Self, EngineError> {
        let period = document.profile.period_minutes;
        if period == 0 || 60 % period != 0 {
            return Err(EngineError::Period("profile period"));
        }
        let channels: Vec<Option<usize>> =
            document.profile.channels.iter().map(|channel| position(*channel)).collect();
        let sums = document.registers.customer_defined.iter().zip(1u8..).map(|(sum, number)| {
            let source = Source::CustomerDefined(number);
            (sum.id.clone(), document.unit(source), position(source))
        });
        Ok(Self {
            period_s: i64::from(period) * 60,
            follows_dst: document.profile.follows_dst,
            energy: vec![0; channels.len()],
            channels,
            status: IntervalStatus::empty(),
            powered: true,
            began,
            next_ns: i64::MAX,
            records: Vec::new(),
            sums: sums.collect(),
        })
    }

    /// Whether an interval is in progress, that began before.
    pub(super) fn is_in_progress(&self, at: Timestamp) -> bool {
        at > self.began
    }

    /// Takes over what is recorded.
    pub(super) fn take_over(&mut self, old: &mut Self) {
        self.records = old.take();
        self.status = old.status;
        self.powered = old.powered;
    }

    pub(super) const fn next_ns(&self) -> i64 {
        self.next_ns
    }

    /// Finds the next end of an interval.
    pub(super) fn aim(&mut self, clock: &WallClock, second: i64) {
        self.next_ns = next_on_grid(clock, second, self.period_s).saturating_mul(SECOND_NS);
    }

    pub(super) fn count(&mut self, piece: &[i128]) {
        for (energy, channel) in self.energy.iter_mut().zip(&self.channels) {
            *energy += channel.and_then(|channel| piece.get(channel)).copied().unwrap_or(0);
        }
    }

    pub(super) fn mark(&mut self, status: IntervalStatus) {
        self.status |= status;
    }

    pub(super) fn mark_reset(&mut self, cause: Cause) {
        self.mark(IntervalStatus::BILLING_RESET);
        if cause == Cause::SeasonChange {
            self.mark(IntervalStatus::SEASON_CHANGE);
        }
    }

    /// Supply is gone for the rest of this interval; from its first instant on, it has none.
    pub(super) fn power_down(&mut self, at: Timestamp) {
        self.powered &= at > self.began;
        self.mark(IntervalStatus::POWER_DOWN);
    }

    /// Supply is there in this interval.
    pub(super) fn power_up(&mut self) {
        self.powered = true;
        self.mark(IntervalStatus::POWER_UP);
    }

    /// Ends an interval. One that passed without supply leaves no record.
    pub(super) fn close(
        &mut self,
        clock: &WallClock,
        end: Timestamp,
        meter_end: Timestamp,
        asleep: bool,
        clock_invalid: bool,
    ) {
        let powered = std::mem::replace(&mut self.powered, !asleep);
        self.began = end;
        if !powered {
            // What happened in it is told by the next record.
            return;
        }
        let mut status = std::mem::take(&mut self.status);
        let energy: Vec<i128> = self.energy.iter_mut().map(std::mem::take).collect();
        // The end of an interval belongs to it: what held up to it counts.
        let within = meter_end.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(meter_end);
        status.set(IntervalStatus::DAYLIGHT_SAVING, clock.is_daylight_saving(within));
        status.set(IntervalStatus::CLOCK_INVALID, clock_invalid);
        let stamp = if self.follows_dst { clock.local(meter_end) } else { clock.standard(meter_end) };
        let values = energy.iter().zip(&self.channels);
        self.records.push(ProfileRecord {
            end,
            meter_end,
            stamp,
            status,
            values: values.map(|(energy, channel)| channel.map(|_| decimal(*energy))).collect(),
        });
    }

    /// Whether two seconds of the meter's clock lie in one interval.
    pub(super) fn is_same_interval(&self, clock: &WallClock, one: i64, other: i64) -> bool {
        clock.wall(one).div_euclid(self.period_s) == clock.wall(other).div_euclid(self.period_s)
    }

    pub(super) fn take(&mut self) -> Vec<ProfileRecord> {
        std::mem::take(&mut self.records)
    }
}
