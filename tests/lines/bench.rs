//! One virtual meter at the end of an emulated line in memory, and its reader.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use meterwright::comms::link::{AnyLink, Cancel, Framing, Trace, link_over};
use meterwright::drivers::{MeterAccess, ReadRequest, ReadSink, dlms};
use meterwright::model::{
    Auth, BillingSet, ClockReading, Fault, Identity, Knowledge, Line, LinePath, MeterConfig, MeterEvent,
    MeterSecrets, Obis, ObjectEntry, ProfileLayout, ProfileRow, ReadingValue, RegisterReading, Secret,
    Security, Step, SystemTitle, Template, What,
};
use meterwright::protocol::dlms::{AttributeRef, CounterError, CounterStore, Data};
use meterwright::simulator::faults::Faults;
use meterwright::simulator::{
    AUTHENTICATION_KEY, ENCRYPTION_KEY, Settings, SharedMeter, VirtualMeter, lock, serve_packets,
    serve_stream,
};
use meterwright::transport::{NoTap, Place, packets};
use tokio::time::Instant;

const NOW: &str = "2026-11-01T12:15:00Z";

/// What a session handed over.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    now: Timestamp,
    pub(crate) registers: Vec<RegisterReading>,
    pub(crate) rows: usize,
    pub(crate) drift_ms: Option<i64>,
}

impl ReadSink for Recorder {
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
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        self.drift_ms = Some(clock.drift_ms());
        Ok(())
    }
    fn registers(&mut self, readings: &[RegisterReading], _instantaneous: bool) -> Result<(), Fault> {
        self.registers.extend_from_slice(readings);
        Ok(())
    }
    fn billing(&mut self, _sets: &[BillingSet]) -> Result<(), Fault> {
        Ok(())
    }
    fn profile(&mut self, _layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault> {
        self.rows += rows.len();
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
    fn remark(&mut self, _text: String) {}
}

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

/// How a session went.
pub(crate) struct Read {
    pub(crate) outcome: Result<(), Fault>,
    pub(crate) sink: Recorder,
    pub(crate) took: Duration,
}

/// A meter, its line, and what is known of it.
pub(crate) struct Bench {
    meter: SharedMeter,
    line: Line,
    faults: Faults,
    seed: u64,
    access: MeterAccess,
    pub(crate) knowledge: Knowledge,
    counter: Counting,
}

impl Bench {
    fn new(line: &str, faults: &[&str], seed: u64) -> Self {
        let line: Line = line.parse().unwrap();
        let faults = Faults::parse(faults).unwrap();
        let mut settings = Settings::household(3, TimeZone::UTC, NOW.parse().unwrap());
        settings.faults = faults;
        let mut config = MeterConfig::new("meter", line.clone());
        (config.client, config.auth, config.security) = (Some(1), Auth::HighGmac, Security::Both);
        let mut template = Template::named("dlms-generic").unwrap();
        template.fit(&line);
        let secrets = MeterSecrets {
            encryption_key: Some(Secret::new(ENCRYPTION_KEY.to_vec())),
            authentication_key: Some(Secret::new(AUTHENTICATION_KEY.to_vec())),
            ..MeterSecrets::default()
        };
        let access = MeterAccess { config, template, secrets, client_title: SystemTitle(*b"MTWTEST1") };
        let meter = SharedMeter::new(VirtualMeter::new(settings).into());
        Self { meter, line, faults, seed, access, knowledge: Knowledge::default(), counter: Counting(100) }
    }

    pub(crate) fn udp(line: &str, faults: &[&str], seed: u64) -> Self {
        let bench = Self::new(line, faults, seed);
        assert!(matches!(bench.line.path, LinePath::Udp(_)));
        bench
    }

    pub(crate) fn tcp(line: &str, faults: &[&str], seed: u64) -> Self {
        Self::new(line, faults, seed)
    }

    pub(crate) fn was_let_in_before(&mut self) {
        self.knowledge.identity.serial = Some("26000001".to_owned());
    }

    /// One session, in virtual time, with one day of load profile.
    pub(crate) async fn read(&mut self, what: &[What]) -> Read {
        let now: Timestamp = NOW.parse().unwrap();
        let from = "2026-10-31T12:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(30);
        let request = ReadRequest {
            what: what.iter().copied().collect::<BTreeSet<_>>(),
            from: Some(from),
            to: Some("2026-11-01T12:00:00Z".parse().unwrap()),
        };
        let mut sink = Recorder { now, ..Recorder::default() };
        let began = Instant::now();
        // One way for the session: in memory nobody binds a fresh port for the next client.
        let (place, serving) = self.line_in_memory(now);
        let trace = Trace { sink: Box::new(NoTap), secrets: Vec::new() };
        let address = self.access.template.addressing.server;
        let mut link: AnyLink = link_over(
            place,
            Framing::Wrapper,
            &self.line,
            address,
            &self.access.template,
            trace,
            Cancel::default(),
        )
        .paced(self.knowledge.round_trip);
        let reading =
            dlms::read(&mut link, &self.access, &mut self.counter, &mut self.knowledge, &request, &mut sink);
        let outcome = tokio::select! {
            outcome = reading => outcome,
            () = serving => panic!("the meter left"),
        };
        self.knowledge.round_trip = link.round_trip();
        Read { outcome, sink, took: began.elapsed() }
    }

    fn line_in_memory(&self, now: Timestamp) -> (Place, std::pin::Pin<Box<dyn Future<Output = ()>>>) {
        let (meter, faults, seed) = (self.meter.clone(), self.faults, self.seed);
        if matches!(self.line.path, LinePath::Udp(_)) {
            let (near, far) = packets();
            (Place::Packets(near), Box::pin(forever(serve_packets(meter, far, faults, seed, now))))
        } else {
            let (near, far) = tokio::io::duplex(64 * 1024);
            (Place::Memory(near), Box::pin(forever(serve_stream(meter, far, faults, seed, now))))
        }
    }

    /// Compares registers with what the meter itself says.
    pub(crate) fn compare(&self, readings: &[RegisterReading]) {
        let now_ms = NOW.parse::<Timestamp>().unwrap().as_millisecond();
        let mut compared = 0;
        for reading in readings.iter().filter(|reading| reading.attribute == 2) {
            let own = |attribute| {
                let attribute = AttributeRef::new(3, reading.obis, attribute);
                lock(&self.meter).look(&attribute, now_ms)
            };
            let (Ok(value), ReadingValue::Number(number)) = (own(2), &reading.value) else { continue };
            let Data::U32(value) = value else { continue };
            assert_eq!(number.mantissa(), i128::from(value), "{}", reading.obis);
            compared += 1;
        }
        assert!(readings.is_empty() || compared > 3);
    }
}

/// A meter that hung up stays silent.
async fn forever(serving: impl Future<Output = ()>) {
    serving.await;
    std::future::pending::<()>().await;
}
