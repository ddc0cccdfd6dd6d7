//! What the tests share: a signed package, a virtual meter, a line that can be cut at any byte, a journal in memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use meterwright::drivers::{Activation, MeterAccess, ReadSink};
use meterwright::firmware::{
    Backup, Draft, FlashPlan, FlashState, Hex, Journal, MakerKey, Manifest, Package, SigningKeyFile,
    TrustedKey, flash, package,
};
use meterwright::model::{
    Auth, BillingSet, ClockReading, Fault, FlashPhase, Identity, Knowledge, MeterConfig, MeterEvent,
    MeterSecrets, Obis, ObjectEntry, ProfileLayout, ProfileRow, RegisterReading, Secret, Security, Step,
    SystemTitle, Template,
};
use meterwright::protocol::dlms::{CounterError, CounterStore};
use meterwright::protocol::link::{Link, LinkError};
use meterwright::simulator::faults::{Faults, ImageFaults};
use meterwright::simulator::server::Server;
use meterwright::simulator::{
    AUTHENTICATION_KEY, CLIENT_TITLE, ENCRYPTION_KEY, PASSWORD, Settings, SharedMeter, VirtualMeter, lock,
};

pub(crate) const NOW: &str = "2026-11-22T00:00:00Z";
pub(crate) const VERSION: &str = "MTW 1.5.0";

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Keys and packages.
pub(crate) struct Bench {
    key: SigningKeyFile,
    _folder: tempfile::TempDir,
}

pub(crate) fn image(version: &str, length: usize) -> Vec<u8> {
    let mut image = format!("MTWFW {version}\n").into_bytes();
    let filler = (0u32..).map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 24).unwrap());
    image.extend(filler.take(length.saturating_sub(image.len())));
    image
}

pub(crate) fn draft() -> Draft {
    Draft {
        maker: "MTW".to_owned(),
        models: vec!["MTW-101".to_owned()],
        version: VERSION.to_owned(),
        image_identifier: Hex(b"MTW-1.5.0".to_vec()),
        ..Draft::default()
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKeyFile::create(&folder.path().join("key"), "Release", None).unwrap();
        Self { key, _folder: folder }
    }

    pub(crate) fn package(&self, draft: Draft, image: &[u8]) -> Arc<Package> {
        let (size, sha256) = package::digest(image).unwrap();
        self.package_of(&draft.finish(size, sha256).unwrap(), image)
    }

    fn package_of(&self, manifest: &Manifest, image: &[u8]) -> Arc<Package> {
        let mut bytes = Vec::new();
        package::write(&mut bytes, manifest, image, &self.key).unwrap();
        Arc::new(Package::from_bytes(bytes).unwrap())
    }

    pub(crate) fn plan(&self, draft: Draft, image: &[u8]) -> FlashPlan {
        FlashPlan {
            package: self.package(draft, image),
            activation: Activation::Now,
            downgrade: None,
            backup: Backup::Registers,
            restart_within: Some(Duration::from_secs(120)),
        }
    }

    pub(crate) fn trusted(&self) -> Vec<TrustedKey> {
        vec![self.key.public()]
    }
}

pub(crate) fn meter(faults: ImageFaults) -> SharedMeter {
    meter_of(1, faults)
}

/// The meter of this number, which its serial number follows from.
pub(crate) fn meter_of(number: u32, faults: ImageFaults) -> SharedMeter {
    meter_with(|settings| {
        settings.number = number;
        settings.faults = Faults { image: faults, ..Faults::default() };
    })
}

pub(crate) fn meter_with(change: impl FnOnce(&mut Settings)) -> SharedMeter {
    let zone = TimeZone::get("Europe/London").unwrap();
    let mut settings = Settings::household(7, zone, instant(NOW));
    settings.installed = instant("2026-11-20T00:00:00Z");
    change(&mut settings);
    SharedMeter::new(VirtualMeter::new(settings).into())
}

/// What happens at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The line goes away.
    Line,
    /// This program ends without another word.
    Crash,
    /// The meter restarts.
    Meter,
}

/// Where a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before a request with this number arrives.
    Request(usize),
    /// Before its answer arrives.
    Answer(usize),
    /// In the middle of what holds this byte, counted both ways.
    Byte(usize),
}

/// A line to a virtual meter.
pub(crate) struct Line {
    meter: SharedMeter,
    server: Option<Server>,
    start: Timestamp,
    began: tokio::time::Instant,
    cut: Option<(Place, Cut)>,
    crashed: Rc<Cell<bool>>,
    pub(crate) exchanges: usize,
    pub(crate) bytes: usize,
    waiting: VecDeque<Vec<u8>>,
    is_closed: bool,
}

impl Line {
    fn now_ms(&self) -> i64 {
        let gone = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        self.start.as_millisecond() + gone
    }

    /// Whether the cut falls on these bytes.
    fn falls(&self, length: usize, is_request: bool) -> Option<Cut> {
        let (place, cut) = self.cut?;
        let number = self.exchanges - 1;
        let is_here = match place {
            Place::Request(at) => is_request && number == at,
            Place::Answer(at) => !is_request && number == at,
            Place::Byte(at) => (self.bytes..self.bytes + length).contains(&at),
        };
        is_here.then_some(cut)
    }

    fn happen(&mut self, cut: Cut) -> LinkError {
        self.cut = None;
        self.server = None;
        self.is_closed = true;
        match cut {
            Cut::Line => {}
            Cut::Crash => self.crashed.set(true),
            Cut::Meter => lock(&self.meter).record().firmware().restart(),
        }
        LinkError::Closed
    }
}

impl Link for Line {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        if self.crashed.get() {
            return Err(LinkError::Cancelled);
        }
        if self.server.is_none() {
            self.server = Some(Server::new(self.meter.clone(), client, 1));
            self.waiting.clear();
            self.is_closed = false;
        }
        Ok(())
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        if self.is_closed {
            return Err(LinkError::Closed);
        }
        self.exchanges += 1;
        if let Some(cut) = self.falls(apdu.len(), true) {
            return Err(self.happen(cut));
        }
        self.bytes += apdu.len();
        let now_ms = self.now_ms();
        let reply = self.server.as_mut().ok_or(LinkError::Closed)?.handle(apdu, now_ms);
        let length = reply.apdus.iter().map(Vec::len).sum();
        if let Some(cut) = self.falls(length, false) {
            self.happen(cut);
            return Ok(());
        }
        self.bytes += length;
        self.waiting.extend(reply.apdus);
        self.is_closed = reply.close;
        Ok(())
    }

    async fn receive(&mut self, _wait: Duration) -> Result<Vec<u8>, LinkError> {
        self.waiting.pop_front().ok_or(LinkError::Closed)
    }

    async fn disconnect(&mut self) {
        self.server = None;
    }
}

/// Invocation counters, which outlive a crash.
struct Counter(Rc<Cell<u32>>);

impl CounterStore for Counter {
    fn next(&mut self) -> Result<u32, CounterError> {
        self.0.set(self.0.get() + 1);
        Ok(self.0.get())
    }
    fn raise(&mut self, at_least: u32) -> Result<(), CounterError> {
        self.0.set(self.0.get().max(at_least.saturating_sub(1)));
        Ok(())
    }
}

/// Keeps the state as the store would: as text.
#[derive(Debug)]
pub(crate) struct Memory {
    kept: RefCell<Option<String>>,
    /// Keys that packages may be signed with.
    pub(crate) trusted: RefCell<Vec<TrustedKey>>,
    /// Keys that makers sign images with.
    pub(crate) makers: RefCell<Vec<MakerKey>>,
    crashed: Rc<Cell<bool>>,
    counter: Rc<Cell<u32>>,
    /// Blocks after which it says stop.
    pub(crate) stop_after: Cell<Option<u32>>,
}

impl Memory {
    pub(crate) fn new(bench: &Bench) -> Self {
        Self {
            kept: RefCell::new(None),
            trusted: RefCell::new(bench.trusted()),
            makers: RefCell::default(),
            crashed: Rc::default(),
            counter: Rc::default(),
            stop_after: Cell::new(None),
        }
    }

    pub(crate) fn state(&self) -> FlashState {
        self.load().unwrap()
    }
}

impl Journal for Memory {
    fn load(&self) -> Result<FlashState, Fault> {
        let kept = self.kept.borrow();
        Ok(kept.as_ref().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default())
    }
    fn keep(&self, state: &FlashState) -> Result<(), Fault> {
        // A program that has crashed keeps nothing more.
        if !self.crashed.get() {
            *self.kept.borrow_mut() = Some(serde_json::to_string(state).unwrap());
        }
        Ok(())
    }
    fn may_go_on(&self) -> Result<(), Fault> {
        match self.stop_after.get() {
            Some(0) => Err(Fault::user("the maintenance window is over", "")),
            Some(left) => {
                self.stop_after.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
    fn trusted(&self) -> Result<Vec<TrustedKey>, Fault> {
        Ok(self.trusted.borrow().clone())
    }
    fn maker_keys(&self) -> Result<Vec<MakerKey>, Fault> {
        Ok(self.makers.borrow().clone())
    }
}

/// What came out of a session.
#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) phases: Vec<FlashPhase>,
    pub(crate) steps: Vec<Step>,
    pub(crate) remarks: Vec<String>,
    pub(crate) wrote: Vec<String>,
    pub(crate) registers: BTreeMap<Obis, usize>,
    start: Option<(Timestamp, tokio::time::Instant)>,
}

impl ReadSink for Sink {
    fn step(&mut self, step: Step) {
        if let Step::Flashing(phase) = step {
            self.phases.push(phase);
        }
        self.steps.push(step);
    }
    fn now(&self) -> Timestamp {
        let (start, began) = self.start.unwrap();
        start + SignedDuration::try_from(began.elapsed()).unwrap()
    }
    fn last_end(&mut self, _profile: Obis) -> Result<Option<Timestamp>, Fault> {
        Ok(None)
    }
    fn identity(&mut self, _identity: &Identity) -> Result<(), Fault> {
        Ok(())
    }
    fn clock(&mut self, _clock: &ClockReading) -> Result<(), Fault> {
        Ok(())
    }
    fn registers(&mut self, readings: &[RegisterReading], _instantaneous: bool) -> Result<(), Fault> {
        readings.iter().for_each(|reading| *self.registers.entry(reading.obis).or_default() += 1);
        Ok(())
    }
    fn billing(&mut self, _sets: &[BillingSet]) -> Result<(), Fault> {
        Ok(())
    }
    fn profile(&mut self, _layout: &ProfileLayout, _rows: &[ProfileRow]) -> Result<(), Fault> {
        Ok(())
    }
    fn events(&mut self, _log: Obis, _events: &[MeterEvent]) -> Result<(), Fault> {
        Ok(())
    }
    fn objects(&mut self, _objects: &[ObjectEntry]) -> Result<(), Fault> {
        Ok(())
    }
    fn partial(&mut self, fault: Fault) {
        panic!("{fault}");
    }
    fn wrote(&mut self, what: &str) -> Result<(), Fault> {
        self.wrote.push(what.to_owned());
        Ok(())
    }
    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

pub(crate) fn access() -> MeterAccess {
    let mut config = MeterConfig::new("m", "tcp://localhost:4059".parse().unwrap());
    config.auth = Auth::Low;
    config.client = Some(1);
    config.time_zone = Some("Europe/London".to_owned());
    let secrets = MeterSecrets { password: Some(Secret::new(PASSWORD.to_vec())), ..MeterSecrets::default() };
    let template = Template::named("dlms-generic").unwrap();
    MeterAccess { config, template, secrets, client_title: SystemTitle(*b"MTW\0\0\0\0\x01") }
}

/// As [`access`], with the keys that virtual meters have.
pub(crate) fn access_as(auth: Auth, security: Security) -> MeterAccess {
    let mut access = access();
    (access.config.auth, access.config.security) = (auth, security);
    access.client_title = CLIENT_TITLE;
    access.secrets.encryption_key = Some(Secret::new(ENCRYPTION_KEY.to_vec()));
    access.secrets.authentication_key = Some(Secret::new(AUTHENTICATION_KEY.to_vec()));
    access
}

/// How an attempt went.
pub(crate) struct Attempt {
    pub(crate) result: Result<(), Fault>,
    pub(crate) sink: Sink,
    pub(crate) exchanges: usize,
    pub(crate) bytes: usize,
}

/// One attempt over a line of its own, at an instant.
pub(crate) fn attempt_at(
    meter: &SharedMeter,
    plan: &FlashPlan,
    journal: &Memory,
    cut: Option<(Place, Cut)>,
    start: Timestamp,
) -> Attempt {
    attempt_as(&access(), meter, plan, journal, cut, start)
}

/// One attempt with this access.
pub(crate) fn attempt_as(
    access: &MeterAccess,
    meter: &SharedMeter,
    plan: &FlashPlan,
    journal: &Memory,
    cut: Option<(Place, Cut)>,
    start: Timestamp,
) -> Attempt {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    journal.crashed.set(false);
    runtime.block_on(async {
        let began = tokio::time::Instant::now();
        let mut line = Line {
            meter: meter.clone(),
            server: None,
            start,
            began,
            cut,
            crashed: Rc::clone(&journal.crashed),
            exchanges: 0,
            bytes: 0,
            waiting: VecDeque::new(),
            is_closed: false,
        };
        let mut sink = Sink { start: Some((start, began)), ..Sink::default() };
        let (mut counter, mut knowledge) = (Counter(Rc::clone(&journal.counter)), Knowledge::default());
        let flashing = flash(&mut line, access, &mut counter, &mut knowledge, plan, journal, &mut sink);
        let result = Box::pin(flashing).await;
        Attempt { result, sink, exchanges: line.exchanges, bytes: line.bytes }
    })
}

pub(crate) fn attempt(
    meter: &SharedMeter,
    plan: &FlashPlan,
    journal: &Memory,
    cut: Option<(Place, Cut)>,
) -> Attempt {
    attempt_at(meter, plan, journal, cut, instant(NOW))
}
