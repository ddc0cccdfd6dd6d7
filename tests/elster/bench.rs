//! A line to a virtual Elster meter in virtual time, which is cut at one of its exchanges, and a journal in memory.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use meterwright::drivers::{MeterAccess, ReadSink};
use meterwright::firmware::vendor::{VendorJournal, VendorState};
use meterwright::model::{
    BillingSet, ClockReading, Fault, Identity, MeterConfig, MeterEvent, MeterRatios, MeterSecrets, Obis,
    ObjectEntry, ProfileLayout, ProfileRow, RegisterReading, Secret, Step, SystemTitle, Template,
};
use meterwright::protocol::elster_flag::{Answer, Care, Command, FlagLine, FrameDecoder, SignedOn};
use meterwright::protocol::iec62056_21::{Identification, request, select_mode};
use meterwright::protocol::link::LinkError;
use meterwright::simulator::faults::Faults;
use meterwright::simulator::flag::{FlagMeter, FlagStation, Model, SharedFlag};
use meterwright::simulator::{PASSWORD, Settings, SharedMeter, VirtualMeter};
use tokio::time::Instant;

const DELAY: Duration = Duration::from_millis(50);
pub(crate) const NOW: &str = "2026-11-22T12:10:00Z";

pub(crate) fn meter(model: Model, faults: &[&str]) -> SharedFlag {
    let zone = TimeZone::get("Europe/London").unwrap();
    let mut settings = Settings::household(7, zone, NOW.parse().unwrap());
    settings.premises = model.premises();
    let faults: Vec<String> = faults.iter().map(|one| (*one).to_owned()).collect();
    settings.faults = Faults::parse(&faults).unwrap();
    let meter = SharedMeter::new(VirtualMeter::new(settings).into());
    SharedFlag::new(FlagMeter::new(meter, model, 1).into())
}

pub(crate) fn access(template: &str) -> MeterAccess {
    let mut config = MeterConfig::new("m", "tcp+flag://localhost:1".parse().unwrap());
    config.template = template.to_owned();
    config.time_zone = Some("Europe/London".to_owned());
    let secrets = MeterSecrets { password: Some(Secret::new(PASSWORD.to_vec())), ..MeterSecrets::default() };
    let template = Template::named(template).unwrap();
    MeterAccess { config, template, secrets, client_title: SystemTitle(*b"MTW\0\0\0\0\x01") }
}

/// Which half of an exchange is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lost {
    Request,
    Answer,
}

/// The line.
pub(crate) struct Line {
    station: FlagStation,
    began: Instant,
    /// The exchange at which it is cut, once; the line is dead until it is opened again.
    pub(crate) cut: Option<(usize, Lost)>,
    is_dead: bool,
    /// How long an exchange takes.
    pub(crate) delay: Duration,
    pub(crate) exchanges: usize,
    /// Everything that was asked.
    pub(crate) asked: Vec<Command>,
}

impl Line {
    pub(crate) fn new(meter: &SharedFlag, cut: Option<(usize, Lost)>) -> Self {
        let station = FlagStation::new(meter.clone(), true);
        Self {
            station,
            began: Instant::now(),
            cut,
            is_dead: false,
            delay: DELAY,
            exchanges: 0,
            asked: Vec::new(),
        }
    }

    fn true_ms(&self) -> i64 {
        let began: Timestamp = NOW.parse().unwrap();
        began.as_millisecond() + i64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    async fn say(&mut self, octets: &[u8]) -> Result<Vec<u8>, LinkError> {
        let silence = LinkError::Timeout { what: "a command to the meter", waited_ms: 6000 };
        let number = self.exchanges;
        self.exchanges += 1;
        let cut = self.cut.filter(|(at, _)| *at == number).map(|(_, lost)| lost);
        self.is_dead |= cut.is_some();
        if self.is_dead && cut != Some(Lost::Answer) {
            tokio::time::sleep(Duration::from_secs(6)).await;
            return Err(silence);
        }
        tokio::time::sleep(self.delay).await;
        let true_ms = self.true_ms();
        let answer = self.station.take(octets, Instant::now().into_std(), true_ms).concat();
        if cut == Some(Lost::Answer) || answer.is_empty() {
            tokio::time::sleep(Duration::from_secs(6)).await;
            return Err(silence);
        }
        Ok(answer)
    }
}

impl FlagLine for Line {
    async fn open(&mut self) -> Result<(), LinkError> {
        self.is_dead = false;
        Ok(())
    }

    async fn sign_on(&mut self, outstation: &str) -> Result<SignedOn, LinkError> {
        let said = self.say(&request(outstation)).await?;
        let identification = Identification::find(&said).unwrap();
        let mut decoder = FrameDecoder::default();
        decoder.push(&self.say(&select_mode(identification.offer, '1')).await?);
        let answer = decoder.next_frame().and_then(|frame| Answer::read(&frame.unwrap()));
        let seed = if let Some(Answer::Operand(seed)) = answer { Some(seed) } else { None };
        Ok(SignedOn { identification, seed })
    }

    async fn ask(&mut self, command: &Command, _: Care) -> Result<Answer, LinkError> {
        self.asked.push(command.clone());
        let mut decoder = FrameDecoder::default();
        decoder.push(&self.say(&command.frame().encode()).await?);
        Ok(Answer::read(&decoder.next_frame().unwrap().unwrap()).unwrap())
    }

    async fn pause(&mut self, wait: Duration) -> Result<(), LinkError> {
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn close(&mut self, says_break: bool) {
        if says_break && !self.is_dead {
            let true_ms = self.true_ms();
            let octets = Command::Break.frame().encode();
            self.station.take(&octets, Instant::now().into_std(), true_ms);
        }
    }
}

/// A sink that remembers.
pub(crate) struct Kept {
    began: Instant,
    pub(crate) identity: Identity,
    pub(crate) clocks: Vec<ClockReading>,
    pub(crate) registers: Vec<RegisterReading>,
    pub(crate) ratios: Option<MeterRatios>,
    pub(crate) wrote: Vec<String>,
    pub(crate) remarks: Vec<String>,
    pub(crate) partial: Vec<Fault>,
    pub(crate) steps: Vec<Step>,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            identity: Identity::default(),
            clocks: Vec::new(),
            registers: Vec::new(),
            ratios: None,
            wrote: Vec::new(),
            remarks: Vec::new(),
            partial: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn value(&self, obis: &str) -> String {
        let obis: Obis = obis.parse().unwrap();
        let found = self.registers.iter().find(|one| one.obis == obis);
        let found = found.unwrap_or_else(|| panic!("{obis} is not among {:?}", self.registers));
        format!("{} {}", found.value.text().unwrap(), found.unit)
    }
}

impl ReadSink for Kept {
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
    fn now(&self) -> Timestamp {
        let began: Timestamp = NOW.parse().unwrap();
        began + SignedDuration::try_from(self.began.elapsed()).unwrap()
    }
    fn last_end(&mut self, _: Obis) -> Result<Option<Timestamp>, Fault> {
        Ok(None)
    }
    fn identity(&mut self, identity: &Identity) -> Result<(), Fault> {
        self.identity = identity.clone();
        Ok(())
    }
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        self.clocks.push(clock.clone());
        Ok(())
    }
    fn registers(&mut self, readings: &[RegisterReading], _: bool) -> Result<(), Fault> {
        self.registers.extend_from_slice(readings);
        Ok(())
    }
    fn billing(&mut self, _: &[BillingSet]) -> Result<(), Fault> {
        Ok(())
    }
    fn profile(&mut self, _: &ProfileLayout, _: &[ProfileRow]) -> Result<(), Fault> {
        Ok(())
    }
    fn events(&mut self, _: Obis, _: &[MeterEvent]) -> Result<(), Fault> {
        Ok(())
    }
    fn objects(&mut self, _: &[ObjectEntry]) -> Result<(), Fault> {
        Ok(())
    }
    fn partial(&mut self, fault: Fault) {
        self.partial.push(fault);
    }
    fn wrote(&mut self, what: &str) -> Result<(), Fault> {
        self.wrote.push(what.to_owned());
        Ok(())
    }
    fn ratios(&mut self, found: &MeterRatios) -> Result<(), Fault> {
        self.ratios = Some(*found);
        Ok(())
    }
    fn remark(&mut self, text: String) {
        self.remarks.push(text);
    }
}

/// A journal that forgets nothing.
#[derive(Debug)]
pub(crate) struct Notebook {
    pub(crate) state: RefCell<VendorState>,
    pub(crate) allowed: Cell<bool>,
}

impl Notebook {
    pub(crate) fn new() -> Self {
        Self { state: RefCell::default(), allowed: Cell::new(true) }
    }
}

impl VendorJournal for Notebook {
    fn load(&self) -> Result<VendorState, Fault> {
        Ok(self.state.borrow().clone())
    }
    fn keep(&self, state: &VendorState) -> Result<(), Fault> {
        *self.state.borrow_mut() = state.clone();
        Ok(())
    }
    fn allowed(&self) -> Result<(), Fault> {
        if self.allowed.get() { Ok(()) } else { Err(Fault::refused("refused: not allowed", "")) }
    }
}
