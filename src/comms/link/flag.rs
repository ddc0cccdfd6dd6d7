//! A line with a FLAG meter: the sign-on to programming mode, and commands with their answers
//! (`facts/elster-flag.md`, sections 1 and 3).
//!
//! Answers bear no number: one that comes late would be taken for the answer to the next command. So before a command
//! goes out again the line has to fall silent, and what comes after an answer that was asked for twice is dropped.
//!
//! # Format
//!
//! These meters speak 7E1. A port that was opened in 8N1, a terminal server and a modem carry eight bits: there the
//! parity bit is made here. Where a sign-on with it is not answered, the next one goes without: some servers add it
//! themselves.

use std::time::Duration;

use tokio::time::Instant;

use super::cancel::Cancel;
use super::millis;
use super::wire::Wire;
use crate::model::template::Timing;
use crate::model::{Line, LinePath, SerialFormat, SerialLine, Template};
use crate::protocol::elster_flag::{Answer, Care, Command, FlagLine, FrameDecoder, SignedOn};
use crate::protocol::iec62056_21::{Identification, request, select_mode};
use crate::protocol::link::LinkError;
use crate::transport::{Counters, Pipe};

/// Two characters of one message are at most so far apart, with an adapter's delay.
const GAP: Duration = Duration::from_millis(1600);
/// A meter that heard half a request gives up after 2200 ms.
const RECOVERY: Duration = Duration::from_millis(2300);
/// A meter that wants a password sends its seed within this (`facts/iec62056-21.md`, section 12).
const SEED: Duration = Duration::from_millis(3500);
/// After the option select the speed is not changed before this.
const SWITCH: Duration = Duration::from_millis(200);
/// The line has to be silent for so long before a command goes out again.
const SILENCE: Duration = Duration::from_millis(1600);
/// Silence is waited for no longer than this.
const MOST_NOISE: Duration = Duration::from_secs(15);
/// More than this before a line's end is no sign-on.
const MOST: usize = 512;
/// Sign-ons after the first one.
const SIGN_ON_RETRIES: u32 = 2;
/// What a password may be sent again after a silence.
const PASSWORD_RETRIES: u32 = 1;

/// A line with a FLAG meter.
#[derive(Debug)]
pub struct FlagLink {
    wire: Wire,
    decoder: FrameDecoder,
    timing: Timing,
    pause: Duration,
    /// Speed and format at the sign-on.
    baud: u32,
    format: SerialFormat,
    optical: bool,
    /// A command went out twice: answers that nobody waits for may follow.
    is_doubtful: bool,
}

impl FlagLink {
    /// A closed line over a pipe.
    #[must_use]
    pub fn new(pipe: Pipe, line: &Line, template: &Template, cancel: Cancel) -> Self {
        let serial: Option<&SerialLine> = match &line.path {
            LinePath::Serial(serial) | LinePath::Modem { serial, .. } => Some(serial),
            LinePath::Tcp(_) | LinePath::TcpHdlc(_) | LinePath::TcpFlag(_) | LinePath::Udp(_) => None,
        };
        let format = match (&line.path, serial.map(|serial| serial.format)) {
            // A modem's line carries eight bits, whatever its port does.
            (LinePath::Serial(_), Some(format @ SerialFormat::SevenEven)) => format,
            _ => SerialFormat::SevenEvenSoft,
        };
        Self {
            wire: Wire::new(pipe, cancel),
            decoder: FrameDecoder::default(),
            timing: template.timing.clone(),
            pause: millis(template.flag.pause_ms),
            baud: serial.map_or(9600, |serial| serial.baud),
            format,
            optical: matches!(&line.path, LinePath::Serial(serial) if serial.optical),
            is_doubtful: false,
        }
    }

    /// What has passed the line.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.wire.counters()
    }

    /// Puts a remark into the trace.
    pub fn note(&mut self, text: &str) {
        self.wire.note(text);
    }

    /// The format of a try to sign on: by turns with parity and without, where the parity is made here.
    const fn format_of(&self, tries: u32) -> SerialFormat {
        match self.format {
            SerialFormat::SevenEvenSoft if tries % 2 == 1 => SerialFormat::Eight,
            format => format,
        }
    }

    async fn identification(&mut self) -> Result<Option<Identification>, LinkError> {
        let mut got = Vec::new();
        let mut limit = Instant::now() + millis(self.timing.response_ms);
        while got.len() < MOST {
            let Some(octets) = self.wire.read(limit).await? else { break };
            got.extend(octets);
            if let Some(found) = Identification::find(&got) {
                return Ok(Some(found));
            }
            limit = limit.max(Instant::now() + GAP);
        }
        Ok(None)
    }

    /// Chooses programming mode and takes the seed.
    async fn choose(
        &mut self,
        identification: Identification,
        format: SerialFormat,
    ) -> Result<SignedOn, LinkError> {
        self.wire.quiet_for(millis(identification.reaction_ms())).await?;
        let select = select_mode(identification.offer, '1');
        let since = Instant::now();
        self.wire.write(&select).await?;
        if self.optical {
            let speed = identification.speed().ok_or_else(|| {
                LinkError::Refused(format!("it offers no speed of mode C but says {identification}"))
            })?;
            self.wire.drain(select.len(), since).await;
            self.wire.pause(since + SWITCH).await?;
            self.wire.set_format(speed, format).await?;
        }
        let limit = Instant::now() + SEED.max(millis(self.timing.response_ms) / 2);
        let seed = loop {
            match self.next_answer(limit).await? {
                Some(Ok(Answer::Operand(seed))) => break Some(seed),
                // The echo of the option select, or noise in front of the seed.
                Some(_) => {}
                None => break None,
            }
        };
        let words = if seed.is_some() { "programming mode" } else { "it sends no seed" };
        self.wire.note(&format!("signed on to {identification}: {words}"));
        Ok(SignedOn { identification, seed })
    }

    /// The next answer or what is wrong with it; nothing when `limit` comes first.
    async fn next_answer(&mut self, limit: Instant) -> Result<Option<Result<Answer, String>>, LinkError> {
        let mut limit = limit;
        loop {
            match self.decoder.next_frame() {
                // An echo of the command is no answer.
                Some(Ok(frame)) => match Answer::read(&frame) {
                    Some(answer) => return Ok(Some(Ok(answer))),
                    None => continue,
                },
                Some(Err(damage)) => return Ok(Some(Err(damage.to_string()))),
                None => {}
            }
            let Some(octets) = self.wire.read(limit).await? else {
                let begun = self.decoder.is_mid_frame();
                self.decoder.clear();
                return Ok(begun.then(|| Err("the meter stopped in the middle of a message".to_owned())));
            };
            self.decoder.push(&octets);
            if self.decoder.is_mid_frame() {
                limit = limit.max(Instant::now() + GAP);
            }
        }
    }

    /// Waits until nothing comes any more, and forgets what came.
    async fn fall_silent(&mut self) -> Result<(), LinkError> {
        let end = Instant::now() + MOST_NOISE;
        while Instant::now() < end && self.wire.read(Instant::now() + SILENCE).await?.is_some() {}
        self.decoder.clear();
        Ok(())
    }

    /// Drops what came while nobody asked.
    async fn drop_stale(&mut self) -> Result<(), LinkError> {
        if std::mem::take(&mut self.is_doubtful) {
            self.fall_silent().await?;
        }
        while self.wire.read(Instant::now()).await?.is_some() {}
        self.decoder.clear();
        Ok(())
    }

    /// How often a command may go out again after a NAK or a garbled answer, and after a silence.
    const fn retries(&self, care: Care) -> (u32, u32) {
        let all = self.timing.frame_retries;
        match care {
            Care::Repeat => (all, all),
            Care::Password => (0, PASSWORD_RETRIES),
            Care::Once => (all, 0),
        }
    }
}

impl FlagLine for FlagLink {
    async fn open(&mut self) -> Result<(), LinkError> {
        self.wire.open(millis(self.timing.connect_ms)).await?;
        self.decoder.clear();
        self.is_doubtful = false;
        Ok(())
    }

    async fn sign_on(&mut self, outstation: &str) -> Result<SignedOn, LinkError> {
        let mut tries = 0;
        loop {
            let format = self.format_of(tries);
            self.wire.set_format(self.baud, format).await?;
            self.drop_stale().await?;
            self.wire.write(&request(outstation)).await?;
            if let Some(identification) = self.identification().await? {
                return self.choose(identification, format).await;
            }
            tries += 1;
            if tries > SIGN_ON_RETRIES {
                return Err(LinkError::Timeout {
                    what: "the sign-on",
                    waited_ms: self.timing.response_ms.into(),
                });
            }
            self.wire.pause(Instant::now() + RECOVERY).await?;
        }
    }

    async fn ask(&mut self, command: &Command, care: Care) -> Result<Answer, LinkError> {
        let (mut noises, mut silences) = self.retries(care);
        let octets = command.frame().encode();
        let mut is_repeated = false;
        loop {
            self.wire.quiet_for(self.pause).await?;
            self.drop_stale().await?;
            self.wire.write(&octets).await?;
            let wait = millis(self.timing.response_ms);
            let failure = match self.next_answer(Instant::now() + wait).await? {
                // What the meter did not understand it did not do.
                Some(Ok(Answer::Nak)) if noises > 0 => {
                    noises -= 1;
                    continue;
                }
                Some(Ok(answer)) => {
                    // The answer to an earlier saying may still be under way: the next command waits for silence.
                    self.is_doubtful = is_repeated;
                    return Ok(answer);
                }
                // A read may be asked again; whether a write was carried out, a garbled answer does not tell.
                Some(Err(damage)) if care != Care::Repeat || noises == 0 => {
                    return Err(LinkError::Garbled(damage));
                }
                Some(Err(_)) => {
                    noises -= 1;
                    None
                }
                None => {
                    let waited_ms = self.timing.response_ms.into();
                    Some(LinkError::Timeout { what: "a command to the meter", waited_ms })
                }
            };
            if let Some(failure) = failure {
                if silences == 0 {
                    return Err(failure);
                }
                silences -= 1;
            }
            self.fall_silent().await?;
            is_repeated = true;
        }
    }

    async fn pause(&mut self, wait: Duration) -> Result<(), LinkError> {
        self.wire.pause(Instant::now() + wait).await
    }

    async fn close(&mut self, says_break: bool) {
        if says_break {
            let since = Instant::now();
            let octets = Command::Break.frame().encode();
            self.wire.last_word(&octets).await;
            self.wire.drain(octets.len(), since).await;
        }
        self.wire.close().await;
    }
}
