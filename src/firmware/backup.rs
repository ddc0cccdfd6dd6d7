//! What is read before a flash and after it: into the store, and compared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::drivers::{ReadRequest, ReadSink, StoodThere};
use crate::model::{
    BillingSet, ClockReading, Decimal, Fault, Identity, MeterEvent, Obis, ObjectEntry, ProfileLayout,
    ProfileRow, ReadingValue, RegisterReading, Step, What,
};
use crate::scheme::{self, Document};

use super::procedure::Backup;
use super::state::Before;

/// What is read before anything is sent.
pub(super) fn request(backup: Backup) -> ReadRequest {
    let mut what = BTreeSet::from([What::Clock, What::Registers]);
    if backup == Backup::Full {
        what.extend([What::Billing, What::Profile]);
    }
    ReadRequest { what, from: None, to: None }
}

/// What is read to compare.
pub(super) fn registers() -> ReadRequest {
    ReadRequest { what: BTreeSet::from([What::Clock, What::Registers]), from: None, to: None }
}

/// Passes everything on to the session's own sink and keeps what is compared. What could not be had is told and does
/// not fail the flash: a meter with one broken object gets its firmware all the same.
pub(super) struct Capture<'a> {
    inner: &'a mut dyn ReadSink,
    energies: BTreeMap<(Obis, u8), Decimal>,
    scheme: Option<Document>,
}

impl<'a> Capture<'a> {
    pub(super) fn new(inner: &'a mut dyn ReadSink) -> Self {
        Self { inner, energies: BTreeMap::new(), scheme: None }
    }

    /// What was read, as it is kept.
    pub(super) fn kept(self) -> Before {
        let at = self.inner.now();
        let registers =
            self.energies.into_iter().map(|((obis, attribute), value)| (obis, attribute, value.to_string()));
        Before { at, registers: registers.collect(), scheme: self.scheme.as_ref().map(scheme::write) }
    }

    /// What is worse than it was before; nothing where all is well.
    pub(super) fn worse_than(&self, before: &Before) -> Option<String> {
        for (obis, attribute, was) in &before.registers {
            let (Some(is), Ok(was)) = (self.energies.get(&(*obis, *attribute)), was.parse::<Decimal>())
            else {
                continue;
            };
            if *is < was {
                return Some(format!("register {} stands at {is}, and stood at {was} before", obis.short()));
            }
        }
        let gone = before
            .registers
            .iter()
            .find(|(obis, attribute, _)| !self.energies.contains_key(&(*obis, *attribute)));
        gone.map(|(obis, _, was)| format!("register {} is gone; it stood at {was} before", obis.short()))
    }

    /// What of the scheme is not as it was; nothing where all is.
    pub(super) fn scheme_differs(&self, before: &Before) -> Option<String> {
        let was = before.scheme.as_ref().and_then(|text| scheme::read(text.as_bytes()).ok())?;
        let Some(is) = &self.scheme else {
            return Some("the tariff scheme cannot be read any more".to_owned());
        };
        let differences = scheme::compare(&was, is);
        let (first, more) = differences.split_first()?;
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        Some(format!("the tariff scheme differs: {first}{more}"))
    }
}

/// Energy registers only go up.
fn is_energy(reading: &RegisterReading) -> bool {
    reading.attribute == 2 && reading.obis.a() == 1 && reading.obis.d() == 8
}

impl ReadSink for Capture<'_> {
    fn step(&mut self, step: Step) {
        self.inner.step(step);
    }
    fn now(&self) -> Timestamp {
        self.inner.now()
    }
    fn last_end(&mut self, profile: Obis) -> Result<Option<Timestamp>, Fault> {
        self.inner.last_end(profile)
    }
    fn identity(&mut self, identity: &Identity) -> Result<(), Fault> {
        self.inner.identity(identity)
    }
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        self.inner.clock(clock)
    }
    fn registers(&mut self, readings: &[RegisterReading], instantaneous: bool) -> Result<(), Fault> {
        for reading in readings.iter().filter(|reading| is_energy(reading)) {
            if let ReadingValue::Number(value) = reading.value {
                self.energies.insert((reading.obis, reading.attribute), value);
            }
        }
        self.inner.registers(readings, instantaneous)
    }
    fn billing(&mut self, sets: &[BillingSet]) -> Result<(), Fault> {
        self.inner.billing(sets)
    }
    fn profile(&mut self, layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault> {
        self.inner.profile(layout, rows)
    }
    fn events(&mut self, log: Obis, events: &[MeterEvent]) -> Result<(), Fault> {
        self.inner.events(log, events)
    }
    fn objects(&mut self, objects: &[ObjectEntry]) -> Result<(), Fault> {
        self.inner.objects(objects)
    }
    fn partial(&mut self, fault: Fault) {
        self.inner.remark(format!("not in the backup: {fault}"));
    }
    fn stood(&mut self, before: &[StoodThere], scheme: Option<&Document>, again: bool) -> Result<(), Fault> {
        self.inner.stood(before, scheme, again)
    }
    fn wrote(&mut self, what: &str) -> Result<(), Fault> {
        self.inner.wrote(what)
    }
    fn scheme(&mut self, found: &Document, notes: &[String]) -> Result<(), Fault> {
        self.scheme = Some(found.clone());
        self.inner.scheme(found, notes)
    }
    fn remark(&mut self, text: String) {
        self.inner.remark(text);
    }
}
