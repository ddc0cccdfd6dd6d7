//! The tariff of a virtual meter: what a client programs into its calendar, scripts and masks, and what its registers
//! count under it, by the tariff engine.
//!
//! Until a calendar is activated, the meter counts day and night as it came from the factory. From then on the
//! registers that its masks switch go on from what they held. A drift of the clock of a few parts in a million does
//! not move the tariff; setting the clock does.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::tariff::{ActivationTables, CalendarTables, NO_TIME, TariffTables};
use crate::model::template::SchemeObjects;
use crate::model::{Decimal, Obis};
use crate::protocol::dlms::tariff::{date_time, rows, table};
use crate::protocol::dlms::{CosemDateTime, Data};
use crate::scheme::cosem::{Seen, is_unspecified, read_execution_time};
use crate::scheme::engine::{Engine, Event, Peak, RegisterValue};
use crate::scheme::{Calendar, ClockFailureResponse, Document, Source};

use super::clock::MeterClock;
use super::load::{Energies, Load, SLOT_SECONDS};

/// An attribute.
type At = (u16, Obis, i8);

/// The demand register whose period rules all of them.
pub(crate) const DEMAND: Obis = Obis::new(1, 0, 1, 4, 0, 255);
/// The response to a lost clock: a data object of this maker.
pub(crate) const CLOCK_FAILURE: Obis = Obis::new(0, 0, 128, 2, 0, 255);
/// Ends of billing periods that are kept.
const MOST_ENDS: usize = 24;

/// The billing dates as they come from the factory: the first of every month.
pub(crate) fn every_month() -> Data {
    table(&[([0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 1, 0xFF])])
}

/// The tariff of one meter.
#[derive(Debug, Default)]
pub(crate) struct Tariff {
    values: BTreeMap<At, Data>,
    running: Option<Running>,
    /// Registers whose objects the meter has to show from now on.
    new_registers: Vec<(Obis, bool)>,
    /// True second of the first activation: billing periods end as the scheme says from there on.
    rules_since: Option<i64>,
    /// The newest ends of billing periods since.
    ends: VecDeque<BillingEnd>,
    end_count: usize,
}

/// What stood in the registers when a billing period ended.
#[derive(Debug)]
struct BillingEnd {
    second: i64,
    energies: BTreeMap<Obis, Decimal>,
    peaks: BTreeMap<Obis, Peak>,
}

/// A calendar that was activated, and what its registers count.
#[derive(Debug)]
struct Running {
    document: Document,
    engine: Engine,
    /// What each energy register held when the calendar was activated.
    bases: BTreeMap<Obis, Decimal>,
    /// Energies were given to the engine up to this true second.
    until: i64,
}

/// Energies as the engine takes them.
fn sources(energies: &Energies, scaler: i8) -> [(Source, Decimal); 8] {
    let amount = |units: u64| Decimal::new(units.into(), scaler);
    let [q1, q2, q3, q4] = energies.quadrants;
    [
        (Source::ActiveImport, amount(energies.import)),
        (Source::ActiveExport, amount(energies.export)),
        (Source::ReactiveQ1, amount(q1)),
        (Source::ReactiveQ2, amount(q2)),
        (Source::ReactiveQ3, amount(q3)),
        (Source::ReactiveQ4, amount(q4)),
        (Source::ReactiveImport, amount(energies.reactive_import())),
        (Source::ReactiveExport, amount(energies.reactive_export())),
    ]
}

/// What the registers of a meter fresh from the factory hold.
fn factory_bases(counted: &Energies, scaler: i8) -> BTreeMap<Obis, Decimal> {
    let rate = |c, e, units: u64| (Obis::new(1, 0, c, 8, e, 255), Decimal::new(units.into(), scaler));
    BTreeMap::from([
        rate(1, 1, counted.import.saturating_sub(counted.import_night)),
        rate(1, 2, counted.import_night),
        rate(2, 1, counted.export.saturating_sub(counted.export_night)),
        rate(2, 2, counted.export_night),
    ])
}

impl Tariff {
    /// What a client reads; nothing was ever written where there is none.
    pub(crate) fn value(&self, at: At) -> Option<&Data> {
        self.values.get(&at)
    }

    /// Takes what a client writes.
    pub(crate) fn put(&mut self, at: At, value: Data) {
        self.values.insert(at, value);
    }

    fn rows<R: crate::protocol::dlms::tariff::Row>(&self, at: At) -> Vec<R> {
        self.value(at).and_then(|data| rows(data).ok()).unwrap_or_default()
    }

    fn calendar(&self, objects: &SchemeObjects, first: i8) -> CalendarTables {
        let at = |number: i8| (20, objects.calendar, first + number);
        CalendarTables {
            name: self.value(at(0)).and_then(Data::bytes).unwrap_or_default().to_vec(),
            seasons: self.rows(at(1)),
            weeks: self.rows(at(2)),
            days: self.rows(at(3)),
        }
    }

    fn tables(&self, objects: &SchemeObjects) -> TariffTables {
        let activation = |number| (6, objects.register_activation, number);
        TariffTables {
            active: self.calendar(objects, 2),
            passive: self.calendar(objects, 6),
            activate_at: NO_TIME,
            special_days: self.rows((11, objects.special_days, 2)),
            scripts: Some(self.rows((9, objects.scripts, 2))),
            activation: Some(ActivationTables {
                registers: self.rows(activation(2)),
                masks: self.rows(activation(3)),
            }),
        }
    }

    /// The scheme that the tables make.
    fn document(&self, objects: &SchemeObjects, zone: &TimeZone) -> Document {
        let tables = self.tables(objects);
        let zone = zone.iana_name().unwrap_or("UTC");
        let seen = Seen {
            tables: &tables,
            objects,
            registers: &[],
            reference: None,
            template: "dlms-generic",
            time_zone: zone,
        };
        let mut document = seen.read().document;
        let dates = self.value((22, objects.billing_schedule, 4)).cloned().unwrap_or_else(every_month);
        let times: Vec<([u8; 4], [u8; 5])> = rows(&dates).unwrap_or_default();
        document.billing.dates = times.into_iter().filter_map(read_execution_time).collect();
        let number = |at: At| self.value(at).and_then(Data::integer).and_then(|one| u32::try_from(one).ok());
        let part = number((5, DEMAND, 8)).unwrap_or(1800);
        let parts = number((5, DEMAND, 9)).unwrap_or(1);
        let period = part.saturating_mul(parts);
        // Between writing one of the two and the other, they may not make a period.
        if parts > 0 && period > 0 && 3600 % period == 0 && part.is_multiple_of(60) {
            document.demand.period_minutes = period / 60;
            document.demand.sub_intervals = parts;
        }
        let response = number((1, CLOCK_FAILURE, 2)).and_then(|number| usize::try_from(number).ok());
        if let Some(response) = response.and_then(|number| ClockFailureResponse::ALL.get(number)) {
            document.clock_failure = *response;
        }
        document
    }

    /// The passive calendar takes over at a true second. A calendar without a day type is none.
    pub(crate) fn activate(&mut self, load: &mut Load, clock: &MeterClock, second: i64) -> bool {
        let objects = SchemeObjects::default();
        if self.calendar(&objects, 6).days.is_empty() {
            return false;
        }
        self.advance(load, clock, second);
        for number in 2..=5 {
            if let Some(value) = self.values.get(&(20, objects.calendar, number + 4)).cloned() {
                self.values.insert((20, objects.calendar, number), value);
            }
        }
        self.values.insert((20, objects.calendar, 10), Data::Octets(CosemDateTime::UNSPECIFIED.0.to_vec()));
        self.start(load, clock, second);
        true
    }

    /// The tables were changed: the tariff in force goes on by what they say now.
    pub(crate) fn changed(&mut self, load: &mut Load, clock: &MeterClock, second: i64) {
        if self.running.is_some() {
            self.advance(load, clock, second);
            let document = self.document(&SchemeObjects::default(), clock.zone());
            // Tables that are changed without an effect on what is in force must not cut a demand period.
            if self.running.as_ref().is_some_and(|running| running.document != document) {
                self.start(load, clock, second);
            }
        }
    }

    fn start(&mut self, load: &mut Load, clock: &MeterClock, second: i64) {
        let scaler = load.premises().scaler();
        let document = self.document(&SchemeObjects::default(), clock.zone());
        let bases = match &self.running {
            Some(running) => running.energies(),
            None => factory_bases(&load.counted(second), scaler),
        };
        let measured: Vec<Source> =
            sources(&Energies::default(), 0).into_iter().map(|(source, _)| source).collect();
        let Ok(at) = Timestamp::from_second(second) else { return };
        let Some(wall) = clock.wall() else { return };
        let calendar = Calendar::with_clock(&document, wall);
        let Ok(engine) = Engine::new(&document, calendar, at, &measured) else { return };
        let energy = document.registers.energy.iter().map(|one| (one.obis, false));
        let demand = document.registers.demand.iter().map(|one| (one.obis, true));
        self.new_registers.extend(energy.chain(demand));
        self.rules_since.get_or_insert(second);
        self.running = Some(Running { document, engine, bases, until: second });
        self.clock_set(clock, second);
    }

    /// The clock shows something else from a true second on, up to which the tariff was advanced.
    pub(crate) fn clock_set(&mut self, clock: &MeterClock, second: i64) {
        let Some(running) = &mut self.running else { return };
        let meter = clock.meter_second(second);
        if running.engine.meter_time().as_second() != meter
            && let Ok(meter) = Timestamp::from_second(meter)
        {
            // An engine that has supply takes any time that a clock can show.
            let _taken = running.engine.happen(Event::ClockSet(meter));
        }
    }

    /// Lets time go on to a true second, and the passive calendar take over where that is due.
    pub(crate) fn advance(&mut self, load: &mut Load, clock: &MeterClock, second: i64) {
        let due = self.due(clock).filter(|due| *due <= second);
        if let Some(due) = due {
            let objects = SchemeObjects::default();
            self.values
                .insert((20, objects.calendar, 10), Data::Octets(CosemDateTime::UNSPECIFIED.0.to_vec()));
            self.activate(load, clock, due);
        }
        if let Some(running) = &mut self.running {
            running.advance(load, second);
        }
        self.take_ends();
    }

    /// Keeps what the engine's billing periods ended with.
    fn take_ends(&mut self) {
        let Some(running) = &mut self.running else { return };
        for set in running.engine.take_billing_sets() {
            let energies = running.with_bases(&set.registers);
            let registers = &running.document.registers.demand;
            let peaks = registers.iter().filter_map(|register| {
                let value = set.demand.iter().find(|value| value.id == register.id)?;
                Some((register.obis, *value.highest.first()?))
            });
            let end = BillingEnd { second: set.at.as_second(), energies, peaks: peaks.collect() };
            self.end_count += 1;
            self.ends.push_back(end);
        }
        let surplus = self.ends.len().saturating_sub(MOST_ENDS);
        self.ends.drain(..surplus);
    }

    /// From when on a scheme rules when billing periods end, as a true second.
    pub(crate) const fn rules_since(&self) -> Option<i64> {
        self.rules_since
    }

    /// The newest ends of billing periods since, as true seconds.
    pub(crate) fn ends(&self) -> impl Iterator<Item = i64> + '_ {
        self.ends.iter().map(|end| end.second)
    }

    /// How many ended since.
    pub(crate) const fn end_count(&self) -> usize {
        self.end_count
    }

    /// What an energy register held at the end of a billing period.
    pub(crate) fn energy_at_end(&self, second: i64, obis: Obis) -> Option<Decimal> {
        self.ends.iter().find(|end| end.second == second)?.energies.get(&obis).copied()
    }

    /// The highest demand of a billing period that ended.
    pub(crate) fn peak_at_end(&self, second: i64, obis: Obis) -> Option<Peak> {
        self.ends.iter().find(|end| end.second == second)?.peaks.get(&obis).copied()
    }

    /// Ends the billing period at the second that was advanced to; false where no scheme rules that.
    pub(crate) fn reset_billing(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        // What comes of it, a refusal by a lockout included, is in the engine's sets.
        let _taken = running.engine.happen(Event::BillingReset);
        self.take_ends();
        true
    }

    /// The clock's daylight saving is another one from a true second on, up to which the tariff was advanced.
    pub(crate) fn rule_changed(&mut self, load: &mut Load, clock: &MeterClock, second: i64) {
        if self.running.is_some() {
            self.start(load, clock, second);
        }
    }

    /// The true second at which the passive calendar is to take over.
    fn due(&self, clock: &MeterClock) -> Option<i64> {
        let objects = SchemeObjects::default();
        let time = self.value((20, objects.calendar, 10)).and_then(date_time)?;
        if is_unspecified(time) {
            return None;
        }
        let meter = clock.second_of(&CosemDateTime(time).stamp()?)?;
        let offset = clock.meter_second(meter) - meter;
        Some(meter - offset)
    }

    /// What an energy register holds.
    pub(crate) fn energy(&self, obis: Obis) -> Option<Decimal> {
        self.running.as_ref()?.energies().get(&obis).copied()
    }

    /// The highest demand of a register; nothing inside where nothing was captured yet.
    pub(crate) fn demand(&self, obis: Obis) -> Option<Option<Peak>> {
        let running = self.running.as_ref()?;
        let register = running.document.registers.demand.iter().find(|one| one.obis == obis)?;
        let values = running.engine.demand();
        let value = values.iter().find(|value| value.id == register.id)?;
        Some(value.highest.first().copied())
    }

    /// The rate in force: group E of the first energy register that is on.
    pub(crate) fn rate(&self) -> Option<u8> {
        let running = self.running.as_ref()?;
        let rate = running.engine.rate();
        let energy = &running.document.registers.energy;
        energy.iter().find(|one| rate.on.contains(&one.id)).map(|one| one.obis.e())
    }

    /// Registers that came with the last calendar; true for those of demand.
    pub(crate) fn take_new_registers(&mut self) -> Vec<(Obis, bool)> {
        std::mem::take(&mut self.new_registers)
    }

    /// The engine under the calendar in force.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.running.as_ref().map(|running| &running.engine)
    }
}

impl Running {
    fn energies(&self) -> BTreeMap<Obis, Decimal> {
        self.with_bases(&self.engine.registers())
    }

    /// What was counted under the calendar, on top of what was there before.
    fn with_bases(&self, values: &[RegisterValue]) -> BTreeMap<Obis, Decimal> {
        let mut all = self.bases.clone();
        for register in &self.document.registers.energy {
            let counted = values.iter().find(|value| value.id == register.id).and_then(|value| value.value);
            let base = all.entry(register.obis).or_insert(Decimal::ZERO);
            *base = counted.and_then(|counted| base.checked_add(counted)).unwrap_or(*base);
        }
        all
    }

    /// Gives the engine what was measured, quarter by quarter.
    fn advance(&mut self, load: &mut Load, second: i64) {
        let scaler = load.premises().scaler();
        let mut before = load.counted(self.until);
        while self.until < second {
            let quarter = self.until.div_euclid(SLOT_SECONDS) * SLOT_SECONDS + SLOT_SECONDS;
            let to = quarter.min(second);
            let counted = load.counted(to);
            let energies = sources(&counted.since(&before), scaler);
            let Ok(at) = Timestamp::from_second(to) else { return };
            // Time goes forward and energies are counted: the engine has nothing to refuse.
            if self.engine.advance(at, &energies).is_err() {
                return;
            }
            before = counted;
            self.until = to;
        }
        // A virtual meter that is never read must not gather its past.
        let _profile = self.engine.take_profile();
        let _log = self.engine.take_log();
    }
}
