//! What tests of the driver's conversations share: a virtual meter behind a line that can be cut or tampered with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use meterwright::drivers::dlms::{read_scheme, write_scheme};
use meterwright::drivers::{Activation, MeterAccess, ReadSink, Reference, StoodThere};
use meterwright::model::{
    Auth, BillingSet, ClockReading, Fault, Identity, Knowledge, MeterConfig, MeterEvent, MeterSecrets, Obis,
    ObjectEntry, ProfileLayout, ProfileRow, RegisterReading, Secret, Step, SystemTitle, Template,
};
use meterwright::protocol::dlms::{CounterError, CounterStore};
use meterwright::protocol::link::{Link, LinkError};
use meterwright::scheme::cosem::Meaning;
use meterwright::scheme::{self, Document};
use meterwright::simulator::server::Server;
use meterwright::simulator::{PASSWORD, Settings, SharedMeter, VirtualMeter};

pub const NOW: &str = "2026-11-22T00:00:00Z";

pub fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn meter() -> SharedMeter {
    let zone = TimeZone::get("Europe/London").unwrap();
    SharedMeter::new(VirtualMeter::new(Settings::household(7, zone, instant(NOW))).into())
}

/// Which half of an exchange is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lost {
    Request,
    Answer,
}

/// What becomes of a request on its way to the meter.
pub enum Way {
    /// It comes as it was sent.
    Through,
    /// Another one comes in its place.
    Instead(Vec<u8>),
    /// The meter answers this, and has not done it.
    Answered(Vec<u8>),
    /// The meter does it, and answers this.
    Done(Vec<u8>),
}

/// Somebody on the line.
pub type Tamper<'a> = Box<dyn FnMut(&[u8]) -> Way + 'a>;

/// A line to a virtual meter, which is cut at one of its exchanges, or whose requests somebody changes.
pub struct Line<'a> {
    meter: SharedMeter,
    server: Option<Server>,
    at: Timestamp,
    cut: Option<(usize, Lost)>,
    exchanges: usize,
    waiting: VecDeque<Vec<u8>>,
    tamper: Option<Tamper<'a>>,
}

impl<'a> Line<'a> {
    pub fn new(meter: &SharedMeter, at: Timestamp, cut: Option<(usize, Lost)>) -> Self {
        let (server, waiting) = (None, VecDeque::new());
        Self { meter: meter.clone(), server, at, cut, exchanges: 0, waiting, tamper: None }
    }

    /// With somebody on the line.
    pub fn tampered(meter: &SharedMeter, at: Timestamp, tamper: Tamper<'a>) -> Self {
        Self { tamper: Some(tamper), ..Self::new(meter, at, None) }
    }
}

impl Link for Line<'_> {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        if self.server.is_none() {
            self.server = Some(Server::new(self.meter.clone(), client, 1));
        }
        Ok(())
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        let number = self.exchanges;
        self.exchanges += 1;
        let cut = self.cut.filter(|(at, _)| number >= *at);
        if cut.is_some_and(|(at, lost)| lost == Lost::Request || number > at) {
            return Err(LinkError::Closed);
        }
        let server = self.server.as_mut().ok_or(LinkError::Closed)?;
        let now_ms = self.at.as_millisecond();
        let answers = match self.tamper.as_mut().map_or(Way::Through, |tamper| tamper(apdu)) {
            Way::Through => server.handle(apdu, now_ms).apdus,
            Way::Instead(other) => server.handle(&other, now_ms).apdus,
            Way::Answered(answer) => vec![answer],
            Way::Done(answer) => {
                server.handle(apdu, now_ms);
                vec![answer]
            }
        };
        if cut.is_none() {
            self.waiting.extend(answers);
        }
        Ok(())
    }

    async fn receive(&mut self, _wait: Duration) -> Result<Vec<u8>, LinkError> {
        self.waiting.pop_front().ok_or(LinkError::Closed)
    }

    async fn disconnect(&mut self) {
        self.server = None;
    }
}

#[derive(Default)]
pub struct Counter(u32);

impl CounterStore for Counter {
    fn next(&mut self) -> Result<u32, CounterError> {
        self.0 += 1;
        Ok(self.0)
    }
    fn raise(&mut self, at_least: u32) -> Result<(), CounterError> {
        self.0 = self.0.max(at_least.saturating_sub(1));
        Ok(())
    }
}

pub struct Sink {
    now: Timestamp,
    pub found: Option<Document>,
    pub kept: bool,
    pub stood: Option<Document>,
    pub wrote: Vec<String>,
    pub remarks: Vec<String>,
}

impl ReadSink for Sink {
    fn step(&mut self, _step: Step) {}
    fn now(&self) -> Timestamp {
        self.now
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
    fn registers(&mut self, _readings: &[RegisterReading], _instantaneous: bool) -> Result<(), Fault> {
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
    fn stood(&mut self, before: &[StoodThere], scheme: Option<&Document>, _again: bool) -> Result<(), Fault> {
        assert!(self.wrote.is_empty() && !before.is_empty());
        self.kept = true;
        self.stood = scheme.cloned();
        Ok(())
    }
    fn wrote(&mut self, what: &str) -> Result<(), Fault> {
        assert!(self.kept, "{what} before what stood there was kept");
        self.wrote.push(what.to_owned());
        Ok(())
    }
    fn scheme(&mut self, found: &Document, _notes: &[String]) -> Result<(), Fault> {
        self.found = Some(found.clone());
        Ok(())
    }
    fn partial(&mut self, fault: Fault) {
        panic!("{fault}");
    }
    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

pub fn access() -> MeterAccess {
    let mut config = MeterConfig::new("m", "tcp://localhost:4059".parse().unwrap());
    config.auth = Auth::Low;
    config.client = Some(1);
    config.time_zone = Some("Europe/London".to_owned());
    let secrets = MeterSecrets { password: Some(Secret::new(PASSWORD.to_vec())), ..MeterSecrets::default() };
    let template = Template::named("dlms-generic").unwrap();
    MeterAccess { config, template, secrets, client_title: SystemTitle(*b"MTW\0\0\0\0\x01") }
}

/// Runs a conversation to its end.
pub fn run<T>(conversation: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(conversation)
}

pub fn sink(at: Timestamp) -> Sink {
    Sink { now: at, found: None, kept: false, stood: None, wrote: Vec::new(), remarks: Vec::new() }
}

/// Writes over a line; gives how it ended, what the sink got, and how many exchanges it took.
pub fn write_over(
    mut line: Line<'_>,
    document: &Document,
    activation: Activation,
) -> (Result<(), Fault>, Sink, usize) {
    let mut sink = sink(line.at);
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let access = access();
    let done = run(write_scheme(
        &mut line,
        &access,
        &mut counter,
        &mut knowledge,
        (document, activation),
        &mut sink,
    ));
    (done, sink, line.exchanges)
}

pub fn write(meter: &SharedMeter, document: &Document, activation: Activation) -> Sink {
    let (done, sink, _) = write_over(Line::new(meter, instant(NOW), None), document, activation);
    done.unwrap();
    sink
}

pub fn read_at(meter: &SharedMeter, reference: Option<&Document>, at: Timestamp) -> Document {
    let mut line = Line::new(meter, at, None);
    let mut sink = sink(at);
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let access = access();
    let reference = reference.map_or(Reference::None, Reference::Given);
    run(read_scheme(&mut line, &access, &mut counter, &mut knowledge, reference, &mut sink)).unwrap();
    sink.found.unwrap()
}

pub fn read(meter: &SharedMeter, reference: Option<&Document>) -> Document {
    read_at(meter, reference, instant(NOW))
}

pub fn meaning(document: &Document) -> Meaning {
    Meaning::of(&document.tariff, &document.registers)
}

/// Two rates in two seasons, a maximum by day, Christmas and a dated holiday.
pub fn winter_and_summer() -> Document {
    scheme::read(include_bytes!("../programmed.scheme.json")).unwrap()
}

/// The same registers otherwise: the peak in the evening, all other special days.
pub fn evenings() -> Document {
    let mut document = winter_and_summer();
    document.identity = "EVENING1".to_owned();
    let tariff = &mut document.tariff;
    tariff.day_types[0].switches[1].at = "17:30".parse().unwrap();
    tariff.special_days.remove(0);
    tariff.special_days[0].date = "*-05-01".parse().unwrap();
    document
}
