//! A link that plays a script: what a conversation must send, what it gets back. For tests of whatever talks over
//! a [`Link`].

use std::collections::VecDeque;
use std::time::Duration;

use super::{Link, LinkError};

type Answer = Box<dyn FnMut(&[u8]) -> Vec<Vec<u8>>>;

enum Line {
    Connect(u16),
    Expect(Vec<u8>),
    Answer(Answer),
    Respond(Result<Vec<u8>, LinkError>),
    Disconnect,
}

/// Plays its script line by line and panics where the conversation says something else.
#[derive(Default)]
pub struct ScriptedLink {
    script: VecDeque<Line>,
    /// Everything that was sent, in order.
    pub sent: Vec<Vec<u8>>,
    meter: Option<Answer>,
    waiting: VecDeque<Vec<u8>>,
    client: Option<u16>,
}

/// Bytes from hex digits; blanks are for the eye.
///
/// # Panics
/// An odd number of digits.
#[must_use]
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|n| n as u8).collect();
    assert_eq!(digits.len() % 2, 0, "odd number of hex digits in {text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

impl ScriptedLink {
    /// An empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No script: every APDU goes to `meter`, which gives the APDUs that come back.
    #[must_use]
    pub fn meter(meter: impl FnMut(&[u8]) -> Vec<Vec<u8>> + 'static) -> Self {
        Self { meter: Some(Box::new(meter)), ..Self::default() }
    }

    /// The client that the link is open for.
    #[must_use]
    pub const fn client(&self) -> Option<u16> {
        self.client
    }

    fn line(mut self, line: Line) -> Self {
        self.script.push_back(line);
        self
    }

    /// The link is opened for this client.
    #[must_use]
    pub fn connect(self, client: u16) -> Self {
        self.line(Line::Connect(client))
    }

    /// This APDU is sent, in hex.
    #[must_use]
    pub fn expect(self, apdu: &str) -> Self {
        self.line(Line::Expect(hex(apdu)))
    }

    /// Some APDU is sent; `answer` looks at it and gives the APDUs that come back.
    #[must_use]
    pub fn answer(self, answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + 'static) -> Self {
        self.line(Line::Answer(Box::new(answer)))
    }

    /// This APDU comes, in hex.
    #[must_use]
    pub fn respond(self, apdu: &str) -> Self {
        self.line(Line::Respond(Ok(hex(apdu))))
    }

    /// Waiting fails.
    #[must_use]
    pub fn fail(self, error: LinkError) -> Self {
        self.line(Line::Respond(Err(error)))
    }

    /// Nothing comes.
    #[must_use]
    pub fn silence(self) -> Self {
        self.fail(LinkError::Timeout { what: "a request", waited_ms: 1 })
    }

    /// The link is closed.
    #[must_use]
    pub fn disconnect(self) -> Self {
        self.line(Line::Disconnect)
    }

    /// The whole script was played.
    ///
    /// # Panics
    /// It was not.
    pub fn finish(&self) {
        assert_eq!(self.script.len(), 0, "lines of the script were not played");
    }
}

impl Link for ScriptedLink {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        if self.meter.is_none() && self.client != Some(client) {
            match self.script.pop_front() {
                Some(Line::Connect(wanted)) => assert_eq!(client, wanted, "opened for another client"),
                Some(Line::Respond(Err(error))) => return Err(error),
                _ => panic!("the link was opened for client {client}, which the script does not say"),
            }
        }
        self.client = Some(client);
        Ok(())
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        self.sent.push(apdu.to_vec());
        if let Some(meter) = &mut self.meter {
            self.waiting.extend(meter(apdu));
            return Ok(());
        }
        match self.script.pop_front() {
            Some(Line::Expect(wanted)) => assert_eq!(show(apdu), show(&wanted), "another APDU was sent"),
            Some(Line::Answer(mut answer)) => {
                for apdu in answer(apdu).into_iter().rev() {
                    self.script.push_front(Line::Respond(Ok(apdu)));
                }
            }
            _ => panic!("{} was sent, which the script does not say", show(apdu)),
        }
        Ok(())
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let silence = LinkError::Timeout { what: "a request", waited_ms };
        if self.meter.is_some() {
            return self.waiting.pop_front().ok_or(silence);
        }
        if matches!(self.script.front(), Some(Line::Respond(_)))
            && let Some(Line::Respond(answer)) = self.script.pop_front()
        {
            return answer;
        }
        Err(silence)
    }

    async fn disconnect(&mut self) {
        self.client = None;
        if matches!(self.script.front(), Some(Line::Disconnect)) {
            self.script.pop_front();
        }
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
