//! A virtual meter with habits, the driver that reads it, and a sink that keeps what came.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use meterwright::comms::link::{Cancel, Trace, open_link};
use meterwright::drivers::{MeterAccess, ReadRequest, ReadSink, dlms};
use meterwright::model::{
    Auth, BillingSet, ClockReading, Fault, Identity, Knowledge, MeterEvent, Obis, ObjectEntry, ProfileLayout,
    ProfileRow, RegisterReading, Security, Step, SystemTitle, Template, What,
};
use meterwright::protocol::dlms::{CounterError, CounterStore};
use meterwright::simulator::{Fleet, FleetOptions, Framing, SimulationClock, World};
use meterwright::transport::NoTap;

/// What a session handed over.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) now: Timestamp,
    pub(crate) identity: Option<Identity>,
    pub(crate) clock: Option<ClockReading>,
    pub(crate) registers: Vec<RegisterReading>,
    pub(crate) billing: Vec<BillingSet>,
    pub(crate) rows: BTreeMap<Obis, Vec<ProfileRow>>,
    pub(crate) layouts: BTreeMap<Obis, ProfileLayout>,
    pub(crate) events: Vec<MeterEvent>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) remarks: Vec<String>,
}

impl ReadSink for Recorder {
    fn step(&mut self, _step: Step) {}
    fn now(&self) -> Timestamp {
        self.now
    }
    fn last_end(&mut self, _profile: Obis) -> Result<Option<Timestamp>, Fault> {
        Ok(None)
    }
    fn identity(&mut self, identity: &Identity) -> Result<(), Fault> {
        self.identity = Some(identity.clone());
        Ok(())
    }
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        self.clock = Some(clock.clone());
        Ok(())
    }
    fn registers(&mut self, readings: &[RegisterReading], _instantaneous: bool) -> Result<(), Fault> {
        self.registers.extend_from_slice(readings);
        Ok(())
    }
    fn billing(&mut self, sets: &[BillingSet]) -> Result<(), Fault> {
        self.billing.extend_from_slice(sets);
        Ok(())
    }
    fn profile(&mut self, layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault> {
        self.layouts.insert(layout.obis, layout.clone());
        self.rows.entry(layout.obis).or_default().extend_from_slice(rows);
        Ok(())
    }
    fn events(&mut self, _log: Obis, events: &[MeterEvent]) -> Result<(), Fault> {
        self.events.extend_from_slice(events);
        Ok(())
    }
    fn objects(&mut self, _objects: &[ObjectEntry]) -> Result<(), Fault> {
        Ok(())
    }
    fn partial(&mut self, fault: Fault) {
        self.faults.push(fault);
    }
    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

/// Counters from a start.
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

/// One meter in a world whose time stands, and its reader.
pub(crate) struct Bench {
    _fleet: Fleet,
    pub(crate) access: MeterAccess,
    pub(crate) knowledge: Knowledge,
    pub(crate) now: Timestamp,
    counter: Counting,
}

impl Bench {
    /// A meter with habits (`quirk:…`), behind a framing, at a standing time.
    pub(crate) fn new(faults: &[&str], framing: Framing, now: &str) -> Self {
        Self::in_world(faults, framing, now, World { drift: false, ..World::default() })
    }

    /// A meter with habits in a world, whose time stands.
    pub(crate) fn in_world(faults: &[&str], framing: Framing, now: &str, world: World) -> Self {
        let now: Timestamp = now.parse().unwrap();
        let options = FleetOptions {
            meters: 1,
            template: "dlms-generic".to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            framing,
            seed: 7,
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        };
        let world = World { clock: SimulationClock::Fixed(now), ..world };
        let fleet = Fleet::start_in(&options, &world).unwrap();
        let simulated = &fleet.meters()[0];
        let mut template = Template::named("dlms-generic").unwrap();
        template.timing.release_ms = 100;
        let access = MeterAccess {
            client_title: simulated.config.client_title.unwrap_or(SystemTitle(*b"MTWTEST1")),
            config: simulated.config.clone(),
            secrets: simulated.secrets.clone(),
            template,
        };
        Self { _fleet: fleet, access, knowledge: Knowledge::default(), now, counter: Counting(100) }
    }

    /// Reads without protection, as the public client.
    pub(crate) fn in_public(mut self) -> Self {
        self.access.config.client = Some(16);
        self.access.config.auth = Auth::None;
        self.access.config.security = Security::None;
        self
    }

    /// One session.
    pub(crate) fn read(
        &mut self,
        what: &[What],
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> (Result<(), Fault>, Recorder, u64) {
        let request = ReadRequest { what: what.iter().copied().collect::<BTreeSet<_>>(), from, to };
        let mut sink = Recorder { now: self.now, ..Recorder::default() };
        let config = &self.access.config;
        let address = config.address.unwrap_or(self.access.template.addressing.server);
        let trace = Trace { sink: Box::new(NoTap), secrets: Vec::new() };
        let cancel = Cancel::default();
        let mut link = open_link(&config.line, address, &self.access.template, trace, cancel).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(dlms::read(
            &mut link,
            &self.access,
            &mut self.counter,
            &mut self.knowledge,
            &request,
            &mut sink,
        ));
        (outcome, sink, link.counters().exchanges)
    }
}
