//! A line to a virtual meter whose answers are changed on their way, as an input says.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use meterwright::drivers::MeterAccess;
use meterwright::model::{Auth, MeterConfig, MeterSecrets, Secret, SystemTitle, Template};
use meterwright::protocol::dlms::{CounterError, CounterStore};
use meterwright::protocol::link::{Link, LinkError};
use meterwright::simulator::server::Server;
use meterwright::simulator::{PASSWORD, Settings, SharedMeter};

use crate::Tape;

/// When every conversation takes place.
pub const NOW: Timestamp = Timestamp::constant(1_795_305_600, 0);
/// No conversation of the program comes near so many messages with a meter that has two days to tell of.
const MOST_EXCHANGES: u32 = 200_000;

/// A change of an answer.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Which answer, from nought.
    pub number: u16,
    /// What is done to it.
    pub kind: u8,
    /// Where in it.
    pub place: usize,
    /// With what.
    pub octets: &'a [u8],
}

impl Change<'_> {
    /// Whether it holds for this answer.
    fn is_for(&self, number: u32) -> bool {
        u32::from(self.number) == number || self.lasts() && number > u32::from(self.number)
    }

    /// Whether all answers from its own on are changed.
    const fn lasts(&self) -> bool {
        matches!(self.kind % 10, 8 | 9)
    }

    fn apply(&self, number: u32, answers: &mut Vec<Vec<u8>>) {
        let mut answer = answers.pop().unwrap_or_default();
        let at = self.place.min(answer.len());
        let end = (at + self.octets.len()).min(answer.len());
        match self.kind % 10 {
            0 => answer.iter_mut().skip(at).zip(self.octets).for_each(|(old, new)| *old ^= new),
            1 => drop(answer.splice(at..end, self.octets.iter().copied())),
            2 => drop(answer.splice(at..at, self.octets.iter().copied())),
            3 => answer.truncate(at),
            // Nothing comes.
            4 => return,
            5 => answer = self.octets.to_vec(),
            // The beginning stays: the kind of answer and its number.
            6 | 8 => {
                answer.truncate(at);
                answer.extend(self.octets);
            }
            7 => answers.push(self.octets.to_vec()),
            // The same answer again and again, with a number at this place that goes up.
            _ => {
                answer = self.octets.to_vec();
                let count = number - u32::from(self.number);
                for (old, new) in
                    answer.iter_mut().skip(self.place % 8).zip(count.wrapping_add(1).to_be_bytes())
                {
                    *old = new;
                }
            }
        }
        answers.push(answer);
    }
}

/// All changes of an input: number and place in two octets each, a kind, and octets behind their length.
#[derive(Clone, Debug, Default)]
pub struct Changes<'a>(pub Vec<Change<'a>>);

impl<'a> Changes<'a> {
    /// Reads the rest of an input.
    #[must_use]
    pub fn read(tape: &mut Tape<'a>) -> Self {
        let mut all = Vec::new();
        while !tape.is_empty() {
            let (number, kind, place) = (tape.octet(), tape.octet(), tape.pair());
            all.push(Change { number: number.into(), kind, place: place.into(), octets: tape.piece() });
        }
        Self(all)
    }

    /// Applies those that are for an answer.
    pub fn apply(&self, number: u32, answers: &mut Vec<Vec<u8>>) {
        for change in self.0.iter().filter(|change| change.is_for(number)) {
            change.apply(number, answers);
        }
    }
}

/// The line.
pub struct Line<'a> {
    meter: SharedMeter,
    server: Option<Server>,
    began: Instant,
    changes: Changes<'a>,
    waiting: VecDeque<Vec<u8>>,
    exchanges: u32,
    /// What went over it, where it is to be kept: requests, with the answers before they were changed.
    pub heard: Option<Vec<(Vec<u8>, Vec<Vec<u8>>)>>,
}

impl<'a> Line<'a> {
    /// To a meter, inside a runtime whose time flies.
    #[must_use]
    pub fn new(meter: SharedMeter, changes: Changes<'a>) -> Self {
        Self {
            meter,
            server: None,
            began: Instant::now(),
            changes,
            waiting: VecDeque::new(),
            exchanges: 0,
            heard: None,
        }
    }
}

impl Line<'_> {
    /// The meter at its end.
    #[must_use]
    pub fn meter(&self) -> SharedMeter {
        self.meter.clone()
    }
}

impl Link for Line<'_> {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        if self.server.is_none() {
            self.server = Some(Server::new(self.meter.clone(), client, 1));
            self.waiting.clear();
        }
        Ok(())
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        let number = self.exchanges;
        self.exchanges += 1;
        assert!(number < MOST_EXCHANGES, "the conversation has no end");
        let gone = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let server = self.server.as_mut().ok_or(LinkError::Closed)?;
        let reply = server.handle(apdu, NOW.as_millisecond().saturating_add(gone));
        let mut answers = reply.apdus;
        if let Some(heard) = &mut self.heard {
            heard.push((apdu.to_vec(), answers.clone()));
        }
        self.changes.apply(number, &mut answers);
        self.waiting.extend(answers);
        Ok(())
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        if let Some(answer) = self.waiting.pop_front() {
            return Ok(answer);
        }
        tokio::time::sleep(wait).await;
        let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Err(LinkError::Timeout { what: "a request", waited_ms })
    }

    async fn disconnect(&mut self) {
        self.server = None;
    }
}

/// Invocation counters.
#[derive(Debug, Default)]
pub struct Counter(u32);

impl CounterStore for Counter {
    fn next(&mut self) -> Result<u32, CounterError> {
        self.0 = self.0.saturating_add(1);
        Ok(self.0)
    }

    fn raise(&mut self, at_least: u32) -> Result<(), CounterError> {
        self.0 = self.0.max(at_least.saturating_sub(1));
        Ok(())
    }
}

/// A meter that was installed two days ago.
#[must_use]
pub fn settings() -> Settings {
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    let mut settings = Settings::household(7, zone, NOW);
    settings.installed = NOW - SignedDuration::from_hours(48);
    settings
}

/// All rights at it.
#[must_use]
pub fn access(template: &str) -> MeterAccess {
    let mut config = MeterConfig::new("m", "tcp://localhost:4059".parse().expect("a line"));
    config.auth = Auth::Low;
    config.client = Some(1);
    config.time_zone = Some("Europe/London".to_owned());
    let secrets = MeterSecrets { password: Some(Secret::new(PASSWORD.to_vec())), ..MeterSecrets::default() };
    let template = Template::named(template).expect("a template of the program");
    MeterAccess { config, template, secrets, client_title: SystemTitle(*b"MTW\0\0\0\0\x01") }
}

/// Runs a conversation to its end in time that flies.
pub fn run<T>(conversation: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(conversation)
}
