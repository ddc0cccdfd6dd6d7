//! Sessions with an Elster meter, as the program holds them.

use std::time::Duration;

use meterwright::drivers::{ClockOrder, ClockWay, Order, RatioOrder, ReadRequest, elster};
use meterwright::model::{Fault, Knowledge, What};
use meterwright::protocol::elster_flag::{Answer, Care, Command, FlagLine, FrameDecoder, SignedOn};
use meterwright::protocol::iec62056_21::{Identification, request, select_mode};
use meterwright::protocol::link::LinkError;
use meterwright::simulator::flag::{FlagMeter, FlagStation, Model, SharedFlag};
use meterwright::simulator::{SharedMeter, VirtualMeter};
use tokio::time::Instant;

use crate::line::{Changes, NOW, access, settings};
use crate::sink::Sink;

const TEMPLATES: [&str; 3] = ["elster-a1140", "elster-a1700", "elster-as230"];

/// A line to a virtual Elster meter whose answers are changed on their way.
pub struct FlagLineTo<'a> {
    station: FlagStation,
    changes: Changes<'a>,
    exchanges: u32,
    /// What went over it: what was said, and what came back before it was changed.
    pub heard: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A virtual meter of a template.
#[must_use]
pub fn station(template: &str) -> FlagStation {
    let model = access(template).template.flag.model;
    let model = Model::of(&model).expect("a model that can be played");
    let mut settings = settings();
    settings.premises = model.premises();
    let meter = SharedMeter::new(VirtualMeter::new(settings).into());
    FlagStation::new(SharedFlag::new(FlagMeter::new(meter, model, 1).into()), true)
}

/// The template that a number chooses.
#[must_use]
pub fn flag_template(which: u8) -> &'static str {
    TEMPLATES[usize::from(which) % TEMPLATES.len()]
}

impl<'a> FlagLineTo<'a> {
    /// To a meter of a template.
    #[must_use]
    pub fn new(template: &str, changes: Changes<'a>) -> Self {
        Self { station: station(template), changes, exchanges: 0, heard: Vec::new() }
    }
}

impl FlagLineTo<'_> {
    async fn say(&mut self, octets: &[u8]) -> Result<Vec<u8>, LinkError> {
        let number = self.exchanges;
        self.exchanges += 1;
        assert!(number < 100_000, "the conversation has no end");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let true_ms = NOW.as_millisecond();
        let mut answers = vec![self.station.take(octets, Instant::now().into_std(), true_ms).concat()];
        self.heard.push((octets.to_vec(), answers.concat()));
        self.changes.apply(number, &mut answers);
        let answer = answers.concat();
        if answer.is_empty() {
            return Err(LinkError::Timeout { what: "a command to the meter", waited_ms: 6000 });
        }
        Ok(answer)
    }

    fn answer(octets: &[u8]) -> Result<Answer, LinkError> {
        let mut decoder = FrameDecoder::default();
        decoder.push(octets);
        let garbled = || LinkError::Garbled("no answer".to_owned());
        let frame = decoder.next_frame().ok_or_else(garbled)?.map_err(|_| garbled())?;
        Answer::read(&frame).ok_or_else(garbled)
    }
}

impl FlagLine for FlagLineTo<'_> {
    async fn open(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    async fn sign_on(&mut self, outstation: &str) -> Result<SignedOn, LinkError> {
        let said = self.say(&request(outstation)).await?;
        let silence = LinkError::Timeout { what: "the sign-on", waited_ms: 6000 };
        let identification = Identification::find(&said).ok_or(silence)?;
        let answer = Self::answer(&self.say(&select_mode(identification.offer, '1')).await?);
        let seed = if let Ok(Answer::Operand(seed)) = answer { Some(seed) } else { None };
        Ok(SignedOn { identification, seed })
    }

    async fn ask(&mut self, command: &Command, _: Care) -> Result<Answer, LinkError> {
        Self::answer(&self.say(&command.frame().encode()).await?)
    }

    async fn pause(&mut self, wait: Duration) -> Result<(), LinkError> {
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn close(&mut self, _: bool) {}
}

/// How many kinds of session there are.
pub const FLAG_MODES: u8 = 5;

/// Holds a session of one of the kinds with the meter at the end of a line.
///
/// # Errors
/// What the program would tell.
pub async fn flag_session(mode: u8, template: &str, line: &mut FlagLineTo<'_>) -> Result<(), Fault> {
    let access = access(template);
    let (mut known, mut sink) = (Knowledge::default(), Sink::default());
    let (known, sink) = (&mut known, &mut sink);
    match mode % FLAG_MODES {
        0 => {
            let what = What::ALL.iter().map(|(what, _)| *what).collect();
            elster::read(line, &access, known, &ReadRequest { what, from: None, to: None }, sink).await
        }
        1 => elster::ratios(line, &access, known, &RatioOrder::Read, sink).await,
        2 => {
            let order = ClockOrder { way: ClockWay::Set, across_interval: true };
            elster::set_clock(line, &access, known, order, sink).await
        }
        3 => elster::control(line, &access, known, Order::BillingReset, sink).await,
        _ => elster::test(line, &access, sink).await,
    }
}
