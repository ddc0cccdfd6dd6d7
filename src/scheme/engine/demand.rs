//! Maximum demand: block and sliding.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::run::{SECOND_NS, next_on_grid};
use super::{DemandValue, EngineError, Peak, decimal};
use crate::model::Unit;
use crate::scheme::clock::WallClock;
use crate::scheme::document::{Document, Source};

/// The demand of one source.
#[derive(Clone, Debug)]
struct Gathering {
    counted: usize,
    /// Energy of the part in progress.
    current: i128,
    /// Energy of the parts before it, oldest first, that make up a period with the one in progress.
    earlier: VecDeque<i128>,
}

/// A maximum-demand register.
#[derive(Clone, Debug)]
struct Register {
    id: String,
    unit: Unit,
    gathering: Option<usize>,
    keeps: usize,
    /// Mean power, end of the period, the meter's clock then; highest first.
    highest: Vec<(i128, Timestamp, Timestamp)>,
    cumulative: i128,
}

/// All of a meter's demand.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    /// Length of a part in seconds.
    part_s: i64,
    /// Parts of a period.
    parts: usize,
    /// Energy of a period times this is mean power.
    periods_per_hour: i128,
    gatherings: Vec<Gathering>,
    registers: Vec<Register>,
    /// Positions of the registers that are on.
    on: Vec<usize>,
    next_ns: i64,
}

impl Demand {
    pub(super) fn new(
        document: &Document,
        position: impl Fn(Source) -> Option<usize>,
    ) -> Result<Self, EngineError> {
        let (period, parts) = (document.demand.period_minutes, document.demand.sub_intervals);
        if period == 0 || 60 % period != 0 || parts == 0 || period % parts != 0 {
            return Err(EngineError::Period("demand period"));
        }
        let mut gatherings: Vec<Gathering> = Vec::new();
        let mut registers = Vec::new();
        for register in &document.registers.demand {
            let gathering = position(register.source).map(|counted| {
                let known = gatherings.iter().position(|one| one.counted == counted);
                known.unwrap_or_else(|| {
                    gatherings.push(Gathering { counted, current: 0, earlier: VecDeque::new() });
                    gatherings.len() - 1
                })
            });
            let unit = document.unit(register.source);
            registers.push(Register {
                id: register.id.clone(),
                unit: unit.power_of_energy().unwrap_or(unit),
                gathering,
                keeps: usize::try_from(register.highest).unwrap_or(usize::MAX),
                highest: Vec::new(),
                cumulative: 0,
            });
        }
        Ok(Self {
            part_s: i64::from(period / parts) * 60,
            parts: usize::try_from(parts).unwrap_or(1),
            periods_per_hour: i128::from(60 / period),
            gatherings,
            registers,
            on: Vec::new(),
            next_ns: i64::MAX,
        })
    }

    pub(super) const fn next_ns(&self) -> i64 {
        self.next_ns
    }

    /// Finds the next end of a part.
    pub(super) fn aim(&mut self, clock: &WallClock, second: i64) {
        self.next_ns = next_on_grid(clock, second, self.part_s).saturating_mul(SECOND_NS);
    }

    pub(super) fn switch(&mut self, on: Vec<usize>) {
        self.on = on;
    }

    pub(super) fn count(&mut self, piece: &[i128]) {
        for gathering in &mut self.gatherings {
            gathering.current += piece.get(gathering.counted).copied().unwrap_or(0);
        }
    }

    /// Ends a part: the period that ends with it competes in the registers that are on.
    pub(super) fn close(&mut self, at: Timestamp, meter_at: Timestamp) {
        let mut means = Vec::with_capacity(self.gatherings.len());
        for gathering in &mut self.gatherings {
            let energy = gathering.current + gathering.earlier.iter().sum::<i128>();
            means.push(energy * self.periods_per_hour);
            gathering.earlier.push_back(std::mem::take(&mut gathering.current));
            if gathering.earlier.len() >= self.parts {
                gathering.earlier.pop_front();
            }
        }
        for register in self.on.iter().copied() {
            let Some(register) = self.registers.get_mut(register) else { continue };
            let mean = register.gathering.and_then(|gathering| means.get(gathering)).copied().unwrap_or(0);
            if mean > 0 {
                register.compete(mean, at, meter_at);
            }
        }
    }

    /// Whether two seconds of the meter's clock lie in one part.
    pub(super) fn is_same_part(&self, clock: &WallClock, one: i64, other: i64) -> bool {
        clock.wall(one).div_euclid(self.part_s) == clock.wall(other).div_euclid(self.part_s)
    }

    /// The maxima of the billing period that ends; the registers begin anew.
    pub(super) fn reset(&mut self) -> Vec<DemandValue> {
        for register in &mut self.registers {
            register.cumulative += register.highest.first().map_or(0, |(value, ..)| *value);
        }
        let values = self.values();
        self.registers.iter_mut().for_each(|register| register.highest.clear());
        values
    }

    /// Takes over what registers of the same id and unit have found.
    pub(super) fn take_over(&mut self, old: &Self) {
        for register in &mut self.registers {
            let same = |other: &&Register| other.id == register.id && other.unit == register.unit;
            if let Some(old) = old.registers.iter().find(same) {
                register.cumulative = old.cumulative;
                register.highest = old.highest.iter().take(register.keeps).copied().collect();
            }
        }
    }

    pub(super) fn values(&self) -> Vec<DemandValue> {
        let peak = |&(value, at, meter_at): &(i128, Timestamp, Timestamp)| Peak {
            value: decimal(value),
            at,
            meter_at,
        };
        let value = |register: &Register| DemandValue {
            id: register.id.clone(),
            unit: register.unit,
            highest: register.highest.iter().map(peak).collect(),
            cumulative: decimal(register.cumulative),
        };
        self.registers.iter().map(value).collect()
    }
}

impl Register {
    /// Takes a value in among the highest; of two equals the earlier stays first.
    fn compete(&mut self, mean: i128, at: Timestamp, meter_at: Timestamp) {
        let place = self.highest.partition_point(|(value, ..)| *value >= mean);
        if place < self.keeps {
            self.highest.insert(place, (mean, at, meter_at));
            self.highest.truncate(self.keeps);
        }
    }
}
