//! What traffic means, layer by layer: HDLC or the wrapper, LLC, the gateway's prefix, the APDU with its ciphering
//! header. Windows and command line show the same words.
//!
//! Secrets are masked here too, since what is decoded need not come from a trace of this program: a password in an
//! AARQ, a dedicated key, and what is written to attributes and methods that take secrets.
//!
//! ```text
//! HDLC     I, send 0, receive 0, final; from server 1 to client 16
//! LLC      response
//! DLMS     GET response 1, normal
//!          structure of 2
//!            unsigned 255
//! ```

mod apdu;
mod framing;
#[cfg(test)]
mod tests;
mod value;

use crate::store::TraceRecord;

use framing::Stream;

/// One layer of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `HDLC`, `LLC`, `Wrapper`, `Gateway`, `DLMS`, `IEC 62056-21`, `FLAG`.
    pub name: &'static str,
    /// One line.
    pub summary: String,
    /// More lines, indented by two spaces a level.
    pub details: Vec<String>,
}

impl Layer {
    fn new(name: &'static str, summary: impl Into<String>) -> Self {
        Self { name, summary: summary.into(), details: Vec::new() }
    }

    /// The layer as lines of text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{:<8} {}", self.name, self.summary)];
        lines.extend(self.details.iter().map(|detail| format!("{:<8} {detail}", "")));
        lines
    }
}

/// Decodes octets that stand alone: any number of frames or messages, or a bare APDU.
#[must_use]
pub fn decode(octets: &[u8]) -> Vec<Layer> {
    let mut stream = Stream::default();
    let mut layers = stream.push(octets, &[]);
    layers.extend(stream.finish());
    layers
}

/// Follows the traffic of one session: messages that come in pieces are put together, for each direction by itself.
#[derive(Debug, Default)]
pub struct Follower {
    sent: Stream,
    received: Stream,
}

impl Follower {
    /// The layers of what became whole with this record.
    #[must_use]
    pub fn follow(&mut self, record: &TraceRecord) -> Vec<Layer> {
        if record.note.is_some() {
            return Vec::new();
        }
        let stream = if record.sent { &mut self.sent } else { &mut self.received };
        stream.push(&record.bytes, &record.masked)
    }
}

/// Octets as hex with spaces; those under the mask are `**`.
#[must_use]
pub fn hex(octets: &[u8], masked: &[(u32, u32)]) -> String {
    let is_masked = |at: usize| {
        masked.iter().any(|(start, length)| {
            let at = u64::try_from(at).unwrap_or(u64::MAX);
            at >= u64::from(*start) && at < u64::from(*start) + u64::from(*length)
        })
    };
    let one =
        |(at, octet): (usize, &u8)| if is_masked(at) { "**".to_owned() } else { format!("{octet:02X}") };
    octets.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}
