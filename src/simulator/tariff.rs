//! The tariff of a virtual meter: what a client programs into its calendar, scripts and masks, and what its registers
//! count under it, by the tariff engine.
//!
//! Until a calendar is activated, the meter counts day and night as it came from the factory. From then on the
//! registers that its masks switch go on from what they held. A drift of the clock of a few parts in a million does
//! not move the tariff; setting the clock does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::tariff::{ActivationTables, CalendarTables, NO_TIME, TariffTables};
use crate::model::template::SchemeObjects;
use crate::model::{Decimal, Obis};
use crate::protocol::dlms::tariff::{date_time, rows};
use crate::protocol::dlms::{CosemDateTime, Data};
use crate::scheme::cosem::{Seen, is_unspecified, read_execution_time};
use crate::scheme::engine::{Engine, Event, Peak};
use crate::scheme::{Calendar, Document, Source};

use super::clock::MeterClock;
use super::load::{Energies, Load, SLOT_SECONDS};

/// An attribute.
type At = (u16, Obis, i8);

/// The tariff of one meter.
#[derive(Debug, Default)]
pub(crate) struct Tariff {
    values: BTreeMap<At, Data>,
    running: Option<Running>,
    /// Registers whose objects the meter has to show from now on.
    new_registers: Vec<(Obis, bool)>,
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
        let times: Vec<([u8; 4], [u8; 5])> = self.rows((22, objects.billing_schedule, 4));
        document.billing.dates = times.into_iter().filter_map(read_execution_time).collect();
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
        let Ok(calendar) = Calendar::new(&document) else { return };
        let Ok(engine) = Engine::new(&document, calendar, at, &measured) else { return };
        let energy = document.registers.energy.iter().map(|one| (one.obis, false));
        let demand = document.registers.demand.iter().map(|one| (one.obis, true));
        self.new_registers.extend(energy.chain(demand));
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
        let values = self.engine.registers();
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
