//! What the tests of drivers over virtual meters share: a line that can be cut, and a sink that remembers.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use meterwright::drivers::{MeterAccess, ReadSink, StoodThere};
use meterwright::model::{
    Auth, BillingSet, ClockReading, Fault, Identity, MeterConfig, MeterEvent, MeterRatios, MeterSecrets,
    Obis, ObjectEntry, PlateRatios, ProfileLayout, ProfileRow, RegisterReading, Secret, Step, SystemTitle,
    Template,
};
use meterwright::protocol::dlms::{CounterError, CounterStore};
use meterwright::protocol::link::{Link, LinkError};
use meterwright::scheme::Document;
use meterwright::simulator::server::Server;
use meterwright::simulator::{PASSWORD, Settings, SharedMeter, VirtualMeter};

pub(crate) const NOW: &str = "2026-11-22T00:00:00Z";

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn meter() -> SharedMeter {
    let zone = TimeZone::get("Europe/London").unwrap();
    SharedMeter::new(VirtualMeter::new(Settings::household(7, zone, instant(NOW))).into())
}

/// Which half of an exchange is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lost {
    Request,
    Answer,
}

/// What becomes of a request on its way to the meter.
pub(crate) enum Way {
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
pub(crate) type Tamper = Box<dyn FnMut(&[u8]) -> Way>;

/// A line to a virtual meter, which is cut at one of its exchanges.
pub(crate) struct Line {
    meter: SharedMeter,
    server: Option<Server>,
    pub(crate) at: Timestamp,
    pub(crate) begun: Option<Instant>,
    /// How long each half of an exchange takes.
    pub(crate) delay: Duration,
    cut: Option<(usize, Lost)>,
    pub(crate) exchanges: usize,
    waiting: VecDeque<Vec<u8>>,
    /// Somebody who changes what goes over the line.
    pub(crate) tamper: Option<Tamper>,
}

impl Line {
    pub(crate) fn new(meter: &SharedMeter, at: Timestamp, cut: Option<(usize, Lost)>) -> Self {
        let (server, waiting) = (None, VecDeque::new());
        let meter = meter.clone();
        Self {
            meter,
            server,
            at,
            begun: None,
            delay: Duration::ZERO,
            cut,
            exchanges: 0,
            waiting,
            tamper: None,
        }
    }
}

impl Link for Line {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        self.begun.get_or_insert_with(Instant::now);
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
        tokio::time::sleep(self.delay).await;
        let now = later(self.at, self.begun);
        let server = self.server.as_mut().ok_or(LinkError::Closed)?;
        let now_ms = now.as_millisecond();
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
        tokio::time::sleep(self.delay).await;
        self.waiting.pop_front().ok_or(LinkError::Closed)
    }

    async fn disconnect(&mut self) {
        self.server = None;
    }
}

/// An instant moved on by what the runtime's clock went since.
fn later(at: Timestamp, begun: Option<Instant>) -> Timestamp {
    let gone = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
    at + SignedDuration::try_from(gone).unwrap()
}

#[derive(Default)]
pub(crate) struct Counter(u32);

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

pub(crate) struct Sink {
    pub(crate) now: Timestamp,
    pub(crate) begun: OnceCell<Instant>,
    pub(crate) found: Option<Document>,
    /// What stood there has to be kept before anything is written.
    pub(crate) must_keep: bool,
    pub(crate) kept: bool,
    pub(crate) stood: Option<Document>,
    pub(crate) wrote: Vec<String>,
    pub(crate) remarks: Vec<String>,
    pub(crate) clocks: Vec<ClockReading>,
    pub(crate) outcome: Option<String>,
    pub(crate) ratios: Vec<PlateRatios>,
}

impl ReadSink for Sink {
    fn step(&mut self, _step: Step) {
        self.begun.get_or_init(Instant::now);
    }
    fn now(&self) -> Timestamp {
        later(self.now, Some(*self.begun.get_or_init(Instant::now)))
    }
    fn last_end(&mut self, _profile: Obis) -> Result<Option<Timestamp>, Fault> {
        Ok(None)
    }
    fn identity(&mut self, _identity: &Identity) -> Result<(), Fault> {
        Ok(())
    }
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        self.clocks.push(clock.clone());
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
        assert!(self.kept || !self.must_keep, "{what} before what stood there was kept");
        self.wrote.push(what.to_owned());
        Ok(())
    }
    fn scheme(&mut self, found: &Document, _notes: &[String]) -> Result<(), Fault> {
        self.found = Some(found.clone());
        Ok(())
    }
    fn ratios(&mut self, found: &MeterRatios) -> Result<(), Fault> {
        self.ratios.push(found.said);
        Ok(())
    }
    fn outcome(&mut self, words: String) {
        self.outcome = Some(words);
    }
    fn partial(&mut self, fault: Fault) {
        panic!("{fault}");
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

/// Runs a conversation to its end.
pub(crate) fn run<T>(conversation: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(conversation)
}

pub(crate) fn sink(at: Timestamp) -> Sink {
    Sink {
        now: at,
        begun: OnceCell::new(),
        found: None,
        must_keep: true,
        kept: false,
        stood: None,
        wrote: Vec::new(),
        remarks: Vec::new(),
        clocks: Vec::new(),
        outcome: None,
        ratios: Vec::new(),
    }
}
