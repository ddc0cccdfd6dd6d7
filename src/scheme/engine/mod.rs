//! The tariff engine: energy and events in, what a meter's registers hold out.
//!
//! It serves the dry run, the virtual meters and the check of a meter against its own load profile.
//!
//! # Driving it
//!
//! **Everything comes in time order.** [`Engine::advance`] moves time on and counts the energy of the stretch;
//! an event happens at the time that was reached. Between, ask for registers, or take what has piled up.
//!
//! 1. [`Engine::new`] with the scheme, its calendar and the instant to begin at.
//! 2. [`Engine::advance`] to the next instant of interest, with the energy since the last.
//! 3. [`Engine::happen`] where something happened then.
//! 4. [`Engine::registers`], [`Engine::demand`], [`Engine::take_billing_sets`], [`Engine::take_profile`],
//!    [`Engine::take_log`] as often as wanted; what is taken is gone, what is never taken piles up.
//!
//! # Exactness
//!
//! Energy is whole billionths of a Wh (varh, VAh, pulse). The energy of a stretch that a switch, a period's end or
//! anything else cuts is shared by time: up to each cut, the part of the whole that the time up to it is, rounded
//! down; each share is the difference of two such parts. So the shares add up to the whole to the last digit, and no
//! share is further than one billionth from the true one.
//!
//! # Rules
//!
//! * Energy goes to every energy register that is on. A register of a source that is not measured has no value.
//! * Demand: energy is gathered over each integration period (or part of it, for sliding demand) by the meter's clock;
//!   at its end the mean power of the last whole period competes in the registers that are on up to that end. A period
//!   without energy does not compete. A reset in the middle of a period does not cut it: it counts where it ends.
//! * At one instant: periods end, then a billing period ends, then the registers switch.
//! * A billing period ends once at an instant, whatever the reasons; the first of date, tariff, season is named.
//!   Energy registers go on, highest demands are added to their cumulative registers and begin anew.
//! * The meter's clock rules all this. While supply is down nothing is counted. When it returns and the clock has
//!   run on, periods that ended meanwhile are closed, and a billing date that was missed is made up for, once.
//! * When it returns and the clock was lost (the battery failed while supply was down, or before), the battery's
//!   failure is logged with its own time, the clock goes on from where supply failed, so that it is late by the
//!   length of the supply failure, and the scheme's response follows: go on; end the billing period and go on; end it
//!   and freeze the tariff. Frozen, the registers that were on stay on and no date ends a billing period, until the
//!   clock is set.
//! * Setting the clock cuts the periods in progress where it leaves them. Set forward over billing dates it ends the
//!   billing period once; set back over one that was observed it does not repeat that one.

mod billing;
mod demand;
mod forecast;
mod power;
mod profile;
mod reprogram;
mod run;

pub use billing::Cause;
pub use forecast::next_billing_ends;
pub use profile::ProfileRecord;

use std::collections::HashMap;

use jiff::Timestamp;

use super::calendar::{Calendar, Rate, State};
use super::document::{Billing, ClockFailureResponse, Document, Source};
use crate::model::{Decimal, Unit};

/// Energy is counted in units of ten to this power.
pub const RESOLUTION: i8 = -9;
/// More energy than this in one stretch, or a total beyond its million-fold, is a mistake.
const MOST: i128 = 10i128.pow(27);

/// Why the engine does not take what it is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Energy or an event before what came already.
    #[error("{at} lies before {now}: energy and events come in the order of time")]
    OutOfOrder {
        /// The instant given.
        at: Timestamp,
        /// The instant reached.
        now: Timestamp,
    },
    /// An instant that no scheme knows.
    #[error("{at} lies outside the years 1970 to 2199")]
    OutOfRange {
        /// The instant given.
        at: Timestamp,
    },
    /// Energy that a meter cannot count.
    #[error("{value} of {source_name} cannot be counted: allowed is 0 to 10^18 with nine decimals")]
    Energy {
        /// Of what.
        source_name: Source,
        /// How much.
        value: Decimal,
    },
    /// Energy of a source that was not announced.
    #[error("{0} is not among the sources that this meter measures")]
    Unmeasured(Source),
    /// An event that cannot be.
    #[error("at {at} {what}")]
    Impossible {
        /// The instant reached.
        at: Timestamp,
        /// What, and why not.
        what: &'static str,
    },
    /// A period of the scheme that is none.
    #[error("the scheme's {0} does not divide the hour: check the scheme first")]
    Period(&'static str),
}

/// What can happen to a meter, apart from energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Supply fails.
    SupplyFail,
    /// Supply returns.
    SupplyReturn,
    /// The clock's battery fails.
    BatteryFail,
    /// The clock's battery is replaced.
    BatteryReplaced,
    /// The billing period is ended by a command.
    BillingReset,
    /// The billing period is ended by the meter's button.
    Button,
    /// The clock is set to show this.
    ClockSet(Timestamp),
}

/// What a meter notes in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Supply failed.
    SupplyFail,
    /// Supply returned.
    SupplyReturn,
    /// The clock's battery failed.
    BatteryFail,
    /// The clock's battery was replaced.
    BatteryReplaced,
    /// The clock was found lost; it is late from now on.
    ClockFailed,
    /// The clock was set.
    ClockSet,
    /// A billing period ended.
    BillingReset(Cause),
    /// A manual reset was refused: button not enabled, lockout, or no supply.
    BillingResetRefused,
    /// The season changed.
    SeasonChange,
    /// The latent tariff took over.
    TariffChange,
    /// The registers that are on stay on until the clock is set.
    TariffFrozen,
    /// The tariff follows the clock again.
    TariffResumed,
}

impl Happening {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SupplyFail => "supply_fail",
            Self::SupplyReturn => "supply_return",
            Self::BatteryFail => "battery_fail",
            Self::BatteryReplaced => "battery_replaced",
            Self::ClockFailed => "clock_failed",
            Self::ClockSet => "clock_set",
            Self::BillingReset(_) => "billing_reset",
            Self::BillingResetRefused => "billing_reset_refused",
            Self::SeasonChange => "season_change",
            Self::TariffChange => "tariff_change",
            Self::TariffFrozen => "tariff_frozen",
            Self::TariffResumed => "tariff_resumed",
        }
    }
}

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When it happened.
    pub at: Timestamp,
    /// What the meter's clock said then.
    pub meter_at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What a register holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterValue {
    /// The register's id.
    pub id: String,
    /// Its value; nothing where its source is not measured.
    pub value: Option<Decimal>,
    /// Its unit.
    pub unit: Unit,
}

/// All that was measured of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The source.
    pub source: Source,
    /// How much.
    pub value: Decimal,
    /// Its unit.
    pub unit: Unit,
}

/// A maximum of demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Mean power.
    pub value: Decimal,
    /// End of its period.
    pub at: Timestamp,
    /// What the meter's clock said then.
    pub meter_at: Timestamp,
}

/// What a demand register holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemandValue {
    /// The register's id.
    pub id: String,
    /// Unit of its values.
    pub unit: Unit,
    /// Highest first.
    pub highest: Vec<Peak>,
    /// Sum of the maxima of the billing periods that have ended.
    pub cumulative: Decimal,
}

/// The end of a billing period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingSet {
    /// When.
    pub at: Timestamp,
    /// What the meter's clock said then.
    pub meter_at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The energy registers at that instant.
    pub registers: Vec<RegisterValue>,
    /// The demand registers of the billing period.
    pub demand: Vec<DemandValue>,
}

/// A quantity that the engine counts: measured, or the sum of measured ones.
#[derive(Clone, Debug)]
struct Counted {
    source: Source,
    unit: Unit,
    /// Positions of the sources of a sum; empty for a measured one.
    parts: Vec<usize>,
    total: i128,
}

/// An energy register.
#[derive(Clone, Debug)]
struct Register {
    id: String,
    unit: Unit,
    counted: Option<usize>,
    value: i128,
}

/// Where the clock and the supply stand.
#[derive(Clone, Debug)]
struct Condition {
    /// The meter's clock minus true time, in nanoseconds.
    skew_ns: i64,
    supply: bool,
    /// When supply failed, while it is down.
    failed_ns: i64,
    battery: bool,
    /// The clock was lost since supply failed.
    clock_lost: bool,
    /// The clock was lost and is not set since.
    clock_invalid: bool,
    frozen: bool,
    /// Catching up with an outage that the clock survived.
    asleep: bool,
    /// What the meter writes into its log when supply returns.
    unwritten: Vec<LogEntry>,
}

/// The meter.
#[derive(Clone, Debug)]
pub struct Engine {
    calendar: Calendar,
    billing: Billing,
    response: ClockFailureResponse,
    counted: Vec<Counted>,
    unmeasured: Vec<i128>,
    registers: Vec<Register>,
    /// Ids to positions in `registers` (false) or in the demand registers (true).
    switchable: HashMap<String, (bool, usize)>,
    demand: demand::Demand,
    profile: profile::Profile,
    dates: billing::Dates,
    condition: Condition,
    now_ns: i64,
    state: State,
    /// Positions of the energy registers that are on.
    on: Vec<usize>,
    /// When by the meter's clock something switches next, in nanoseconds.
    next_switch_ns: i64,
    sets: Vec<BillingSet>,
    log: Vec<LogEntry>,
}

/// A value of the engine's resolution, without the noughts behind it.
fn decimal(value: i128) -> Decimal {
    Decimal::new(value, RESOLUTION).normalized()
}

impl Engine {
    /// A meter with empty registers, supply and a clock that is right.
    ///
    /// `measured` are the sources whose energy will be given; customer-defined registers follow from them.
    ///
    /// # Errors
    /// The instant lies outside the years of a scheme, or a period of the scheme does not divide the hour.
    pub fn new(
        document: &Document,
        calendar: Calendar,
        start: Timestamp,
        measured: &[Source],
    ) -> Result<Self, EngineError> {
        let now_ns = run::nanoseconds(start)?;
        let counted = counted(document, measured);
        let position = |source: Source| counted.iter().position(|one| one.source == source);
        let registers: Vec<Register> = document
            .registers
            .energy
            .iter()
            .map(|register| Register {
                id: register.id.clone(),
                unit: document.unit(register.source),
                counted: position(register.source),
                value: 0,
            })
            .collect();
        let energy = registers.iter().enumerate().map(|(at, register)| (register.id.clone(), (false, at)));
        let demands = document.registers.demand.iter().enumerate();
        let switchable =
            energy.chain(demands.map(|(at, register)| (register.id.clone(), (true, at)))).collect();
        let condition = Condition {
            skew_ns: 0,
            supply: true,
            failed_ns: now_ns,
            battery: true,
            clock_lost: false,
            clock_invalid: false,
            frozen: false,
            asleep: false,
            unwritten: Vec::new(),
        };
        let mut engine = Self {
            demand: demand::Demand::new(document, position)?,
            profile: profile::Profile::new(document, start, position)?,
            dates: billing::Dates::new(&document.billing.dates),
            billing: document.billing.clone(),
            response: document.clock_failure,
            unmeasured: vec![0; counted.len()],
            counted,
            registers,
            switchable,
            condition,
            now_ns,
            state: calendar.state(start),
            on: Vec::new(),
            next_switch_ns: now_ns,
            sets: Vec::new(),
            log: Vec::new(),
            calendar,
        };
        engine.begin();
        Ok(engine)
    }

    /// The instant reached.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        run::instant(self.now_ns)
    }

    /// What the meter's clock says.
    #[must_use]
    pub fn meter_time(&self) -> Timestamp {
        run::instant(self.meter_ns())
    }

    /// Whether the clock was lost and is not set since.
    #[must_use]
    pub const fn is_clock_invalid(&self) -> bool {
        self.condition.clock_invalid
    }

    /// Whether the tariff is frozen.
    #[must_use]
    pub const fn is_frozen(&self) -> bool {
        self.condition.frozen
    }

    /// Whether there is supply.
    #[must_use]
    pub const fn has_supply(&self) -> bool {
        self.condition.supply
    }

    /// The calendar that it follows.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// What is on.
    #[must_use]
    pub fn rate(&self) -> Rate<'_> {
        self.calendar.describe(self.state)
    }

    /// The energy registers in the order of the scheme, then the customer-defined ones.
    #[must_use]
    pub fn registers(&self) -> Vec<RegisterValue> {
        let value = |register: &Register| RegisterValue {
            id: register.id.clone(),
            value: register.counted.map(|_| decimal(register.value)),
            unit: register.unit,
        };
        let mut values: Vec<RegisterValue> = self.registers.iter().map(value).collect();
        values.extend(self.profile.sums.iter().map(|(id, unit, counted)| RegisterValue {
            id: id.clone(),
            value: counted.and_then(|at| self.counted.get(at)).map(|one| decimal(one.total)),
            unit: *unit,
        }));
        values
    }

    /// What was measured of each source.
    #[must_use]
    pub fn totals(&self) -> Vec<Total> {
        let total = |one: &Counted| Total { source: one.source, value: decimal(one.total), unit: one.unit };
        self.counted.iter().map(total).collect()
    }

    /// The energy that was given while supply was down, and so counted nowhere; only what is not nought.
    #[must_use]
    pub fn unmeasured(&self) -> Vec<Total> {
        let each = self.counted.iter().zip(&self.unmeasured).filter(|(_, value)| **value != 0);
        each.map(|(one, value)| Total { source: one.source, value: decimal(*value), unit: one.unit })
            .collect()
    }

    /// The demand registers in the order of the scheme.
    #[must_use]
    pub fn demand(&self) -> Vec<DemandValue> {
        self.demand.values()
    }

    /// The billing periods that ended since they were last taken.
    pub fn take_billing_sets(&mut self) -> Vec<BillingSet> {
        std::mem::take(&mut self.sets)
    }

    /// The log since it was last taken.
    pub fn take_log(&mut self) -> Vec<LogEntry> {
        std::mem::take(&mut self.log)
    }

    /// The load profile's records since they were last taken.
    pub fn take_profile(&mut self) -> Vec<ProfileRecord> {
        self.profile.take()
    }

    fn note(&mut self, what: Happening) {
        self.log.push(LogEntry { at: self.now(), meter_at: self.meter_time(), what });
    }
}

/// The measured sources, then the sums that follow from them.
fn counted(document: &Document, measured: &[Source]) -> Vec<Counted> {
    let mut counted: Vec<Counted> = Vec::new();
    for &source in measured {
        let is_sum = matches!(source, Source::CustomerDefined(_));
        if !is_sum && counted.iter().all(|one| one.source != source) {
            counted.push(Counted { source, unit: source.unit(), parts: Vec::new(), total: 0 });
        }
    }
    let sums = document.registers.customer_defined.iter().zip(1u8..);
    let sums: Vec<Counted> = sums
        .filter_map(|(sum, number)| {
            let source = Source::CustomerDefined(number);
            let position = |part: &Source| counted.iter().position(|one| one.source == *part);
            let parts: Option<Vec<usize>> = sum.sources.iter().map(position).collect();
            Some(Counted { source, unit: document.unit(source), parts: parts?, total: 0 })
        })
        .collect();
    counted.extend(sums.into_iter().filter(|sum| !sum.parts.is_empty()));
    counted
}

#[cfg(test)]
mod tests;
