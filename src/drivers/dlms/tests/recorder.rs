//! A sink that keeps everything, and what else a session needs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::drivers::dlms::{read, test};
use crate::drivers::{MeterAccess, ReadRequest, ReadSink};
use crate::model::{
    Asked, BillingSet, ClockReading, Fault, Identity, Knowledge, MeterConfig, MeterEvent, MeterSecrets, Obis,
    ObjectEntry, ProfileLayout, ProfileRow, RegisterReading, Step, SystemTitle, Template, What,
};
use crate::protocol::dlms::{CounterError, CounterStore};

use super::fake_meter::FakeMeter;

/// Counters from 1.
struct Counting(u32);

impl CounterStore for Counting {
    fn next(&mut self) -> Result<u32, CounterError> {
        self.0 += 1;
        Ok(self.0)
    }

    fn raise(&mut self, at_least: u32) -> Result<(), CounterError> {
        self.0 = self.0.max(at_least);
        Ok(())
    }
}

/// What a session handed over.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) now: Timestamp,
    pub(super) steps: Vec<Step>,
    pub(super) identities: Vec<Identity>,
    pub(super) clocks: Vec<ClockReading>,
    pub(super) registers: Vec<RegisterReading>,
    pub(super) instantaneous: Vec<RegisterReading>,
    pub(super) billing: Vec<BillingSet>,
    pub(super) layouts: Vec<ProfileLayout>,
    pub(super) rows: BTreeMap<Obis, Vec<ProfileRow>>,
    /// How many times rows of a profile were handed over.
    pub(super) deliveries: usize,
    pub(super) events: Vec<MeterEvent>,
    pub(super) objects: Vec<ObjectEntry>,
    pub(super) faults: Vec<Fault>,
    pub(super) remarks: Vec<String>,
    /// What it has the next read ask for again.
    pub(super) gaps: Vec<(Timestamp, Timestamp)>,
    pub(super) asked: Vec<Asked>,
}

impl ReadSink for Recorder {
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
    fn now(&self) -> Timestamp {
        self.now
    }
    fn last_end(&mut self, profile: Obis) -> Result<Option<Timestamp>, Fault> {
        let events = self.events.iter().filter(|one| one.log == profile).map(|one| one.at);
        let rows = self.rows.get(&profile).into_iter().flatten().map(|row| row.end);
        Ok(rows.chain(events).filter(|end| *end <= self.now).max())
    }
    fn gaps(&mut self, _profile: Obis) -> Result<Vec<(Timestamp, Timestamp)>, Fault> {
        Ok(self.gaps.clone())
    }
    fn asked(&mut self, _profile: Obis, stretches: &[Asked]) -> Result<(), Fault> {
        self.asked.extend_from_slice(stretches);
        Ok(())
    }
    fn identity(&mut self, identity: &Identity) -> Result<(), Fault> {
        self.identities.push(identity.clone());
        Ok(())
    }
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        self.clocks.push(clock.clone());
        Ok(())
    }
    fn registers(&mut self, readings: &[RegisterReading], instantaneous: bool) -> Result<(), Fault> {
        if instantaneous { &mut self.instantaneous } else { &mut self.registers }.extend_from_slice(readings);
        Ok(())
    }
    fn billing(&mut self, sets: &[BillingSet]) -> Result<(), Fault> {
        self.billing.extend_from_slice(sets);
        Ok(())
    }
    fn profile(&mut self, layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault> {
        self.deliveries += 1;
        self.layouts.push(layout.clone());
        self.rows.entry(layout.obis).or_default().extend_from_slice(rows);
        Ok(())
    }
    fn events(&mut self, _log: Obis, events: &[MeterEvent]) -> Result<(), Fault> {
        self.events.extend_from_slice(events);
        Ok(())
    }
    fn objects(&mut self, objects: &[ObjectEntry]) -> Result<(), Fault> {
        self.objects = objects.to_vec();
        Ok(())
    }
    fn partial(&mut self, fault: Fault) {
        self.faults.push(fault);
    }
    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

/// A meter, what is known of it, and whoever reads it.
pub(super) struct Bench {
    pub(super) meter: FakeMeter,
    pub(super) access: MeterAccess,
    pub(super) knowledge: Knowledge,
    pub(super) now: Timestamp,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Bench {
    pub(super) fn new() -> Self {
        let now = at("2026-11-22T16:10:00Z");
        let mut config = MeterConfig::new("m", "tcp://localhost:4059".parse().unwrap());
        config.time_zone = Some("Europe/Berlin".to_owned());
        let access = MeterAccess {
            config,
            template: Template::named("dlms-generic").unwrap(),
            secrets: MeterSecrets::default(),
            client_title: SystemTitle(*b"MTWTEST1"),
        };
        Self { meter: FakeMeter::new(now), access, knowledge: Knowledge::default(), now }
    }

    pub(super) fn recorder(&self) -> Recorder {
        Recorder { now: self.now, ..Recorder::default() }
    }

    pub(super) async fn read_into(
        &mut self,
        what: &[What],
        span: (Option<Timestamp>, Option<Timestamp>),
        sink: &mut Recorder,
    ) -> Result<(), Fault> {
        let request =
            ReadRequest { what: what.iter().copied().collect::<BTreeSet<_>>(), from: span.0, to: span.1 };
        let mut counter = Counting(0);
        read(&mut self.meter, &self.access, &mut counter, &mut self.knowledge, &request, sink).await
    }

    /// A read that must go well.
    pub(super) async fn read(
        &mut self,
        what: &[What],
        span: (Option<Timestamp>, Option<Timestamp>),
    ) -> Recorder {
        let mut sink = self.recorder();
        self.read_into(what, span, &mut sink).await.unwrap();
        sink
    }

    pub(super) async fn test(&mut self) -> (Result<(), Fault>, Recorder) {
        let mut sink = self.recorder();
        let outcome = test(&mut self.meter, &self.access, &mut Counting(0), &mut sink).await;
        (outcome, sink)
    }
}
