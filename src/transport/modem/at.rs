//! The conversation with the modem itself.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::{Call, Octets, millis};
use crate::transport::TransportError;

/// A modem that is there answers AT at once.
const AT_WAIT: Duration = Duration::from_secs(1);
const AT_TRIES: u32 = 3;
/// A setting takes a modem so long at most.
const SETTING_WAIT: Duration = Duration::from_secs(5);
/// Dialling, ringing and training take so long at most.
const DIAL_WAIT: Duration = Duration::from_secs(90);
/// Silence before and behind the escape: S12 is a second from the factory.
const GUARD: Duration = Duration::from_millis(1100);
const HANG_UP_WAIT: Duration = Duration::from_secs(3);
/// More than this without the end of a line is no modem.
const LONGEST: usize = 512;

/// Results of V.250 and those that modems of all makers add.
const RESULTS: [(&str, Outcome); 10] = [
    ("OK", Outcome::Ok),
    ("CONNECT", Outcome::Connect),
    ("BUSY", Outcome::Failed("the number is busy", "try again later")),
    (
        "NO ANSWER",
        Outcome::Failed("nobody answers at the number", "check the number and the modem at the meter"),
    ),
    (
        "NO CARRIER",
        Outcome::Failed(
            "the call came to nothing: no carrier",
            "check the number, and that a modem of the same kind answers there",
        ),
    ),
    ("NO DIALTONE", Outcome::Failed("there is no dial tone", "check the telephone line at the modem")),
    ("NO DIAL TONE", Outcome::Failed("there is no dial tone", "check the telephone line at the modem")),
    (
        "DELAYED",
        Outcome::Failed("the modem wants a pause before it dials this number again", "try again later"),
    ),
    ("BLACKLISTED", Outcome::Failed("the modem dials this number no more", "switch the modem off and on")),
    ("ERROR", Outcome::Error),
];

/// What a result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    Connect,
    /// The line failed: what, and what to try.
    Failed(&'static str, &'static str),
    /// The modem did not take the command.
    Error,
}

impl Outcome {
    fn of(line: &str) -> Option<Self> {
        let is = |word: &str| line == word || word == "CONNECT" && line.starts_with("CONNECT ");
        let found = RESULTS.iter().find(|(word, _)| is(word));
        // +CME ERROR: 30
        found.map(|one| one.1).or_else(|| line.contains("ERROR").then_some(Self::Error))
    }
}

/// A call that was made.
#[derive(Debug, Default)]
pub(super) struct Dialled {
    /// What came behind the result already.
    pub(super) surplus: Vec<u8>,
    /// What is worth a line in the trace.
    pub(super) remarks: Vec<String>,
}

/// Refuses numbers that would be commands.
pub(super) fn check_number(number: &str) -> Result<(), TransportError> {
    let is_dialled = |letter: char| letter.is_ascii_digit() || "*#,ABCDTPW!@+".contains(letter);
    if !number.is_empty() && number.len() <= 60 && number.chars().all(is_dialled) {
        return Ok(());
    }
    Err(TransportError::Open(format!(
        "`{number}` is no number that a modem dials: write digits, with `,` for a pause and `W` for a dial tone"
    )))
}

/// The modem side of a conversation.
struct Modem<'a, O> {
    octets: &'a mut O,
    got: Vec<u8>,
}

impl<O: Octets> Modem<'_, O> {
    async fn say(&mut self, command: &str) -> Result<(), TransportError> {
        self.got.clear();
        self.octets.put(format!("{command}\r").as_bytes()).await
    }

    /// The next result, with its words; nothing when the wait is over. Other lines are skipped: echoes, RING.
    async fn result(&mut self, wait: Duration) -> Result<Option<(Outcome, String)>, TransportError> {
        let limit = Instant::now() + wait;
        loop {
            while let Some(end) = self.got.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.got.drain(..=end).collect();
                let line: String = line.iter().map(|octet| char::from(octet & 0x7F)).collect();
                let line = line.trim().to_owned();
                if let Some(outcome) = Outcome::of(&line) {
                    return Ok(Some((outcome, line)));
                }
            }
            let surplus = self.got.len().saturating_sub(LONGEST);
            self.got.drain(..surplus);
            match timeout_at(limit, self.octets.take()).await {
                Ok(octets) => self.got.extend(octets?),
                Err(_) => return Ok(None),
            }
        }
    }

    async fn command(
        &mut self,
        command: &str,
        wait: Duration,
    ) -> Result<Option<(Outcome, String)>, TransportError> {
        self.say(command).await?;
        self.result(wait).await
    }

    async fn is_awake(&mut self) -> Result<bool, TransportError> {
        for _ in 0..AT_TRIES {
            if let Some((Outcome::Ok, _)) = self.command("AT", AT_WAIT).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn escape(&mut self) -> Result<(), TransportError> {
        sleep(GUARD).await;
        self.got.clear();
        self.octets.put(b"+++").await?;
        self.result(GUARD).await.map(|_| ())
    }
}

/// Makes a call.
///
/// # Errors
/// The modem does not answer, does not take a command, or reaches nobody.
pub(super) async fn dial<O: Octets>(octets: &mut O, call: &Call) -> Result<Dialled, TransportError> {
    let mut modem = Modem { octets, got: Vec::new() };
    let port = &call.serial.port;
    let mut dialled = Dialled::default();
    if !modem.is_awake().await? {
        modem.escape().await?;
        modem.command("ATH", HANG_UP_WAIT).await?;
        if !modem.is_awake().await? {
            let waited = millis(AT_WAIT) * u64::from(AT_TRIES) * 2;
            return Err(TransportError::Open(format!(
                "modem: the modem on {port} did not answer AT within {waited} ms: is it switched on, and is its speed \
                 {} baud?",
                call.serial.baud
            )));
        }
        dialled.remarks.push("the modem was still on a call, which was hung up".to_owned());
    }
    let refused = |command: &str, said: Option<(Outcome, String)>| {
        let said = said.map_or_else(|| "nothing".to_owned(), |said| said.1);
        TransportError::Open(format!("modem: the modem on {port} said {said} to {command}"))
    };
    match modem.command("ATE0V1", SETTING_WAIT).await? {
        Some((Outcome::Ok, _)) => {}
        said => return Err(refused("ATE0V1", said)),
    }
    match modem.command("ATX4&C1&D2S0=0", SETTING_WAIT).await? {
        Some((Outcome::Ok, _)) => {}
        _ => dialled.remarks.push("the modem does not know ATX4&C1&D2S0=0".to_owned()),
    }
    if let Some(init) = &call.init {
        match modem.command(&format!("AT{init}"), SETTING_WAIT).await? {
            Some((Outcome::Ok, _)) => {}
            said => return Err(refused(&format!("AT{init}"), said)),
        }
    }
    let tone = if call.dial.starts_with(['T', 'P']) { "" } else { "T" };
    match modem.command(&format!("ATD{tone}{}", call.dial), DIAL_WAIT).await? {
        Some((Outcome::Connect, words)) => {
            dialled.remarks.push(format!("dialled {}: {words}", call.dial));
            dialled.surplus = modem.got;
            Ok(dialled)
        }
        Some((Outcome::Failed(what, advice), words)) => {
            Err(TransportError::Open(format!("line: {what} ({}, {words}); {advice}", call.dial)))
        }
        Some((_, words)) => Err(TransportError::Open(format!(
            "modem: the modem on {port} does not dial {}: {words}; check the number",
            call.dial
        ))),
        None => {
            // Any character stops a modem that dials.
            modem.say("").await?;
            modem.command("ATH", HANG_UP_WAIT).await?;
            Err(TransportError::Open(format!(
                "line: no connection to {} within {} ms of dialling; check the number and the modem at the meter",
                call.dial,
                millis(DIAL_WAIT)
            )))
        }
    }
}

/// Hangs up. Failing to is no error: the port is closed behind it, and DTR with it.
pub(super) async fn hang_up<O: Octets>(octets: &mut O) {
    let mut modem = Modem { octets, got: Vec::new() };
    if modem.escape().await.is_ok() {
        let _ = modem.command("ATH", HANG_UP_WAIT).await;
    }
}
