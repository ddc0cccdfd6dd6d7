//! Links: a line, its framing, and one meter at its end, as conversations use it (`protocol::link::Link`).
//!
//! [`open_link`] makes one from a line and a template; nothing is opened before `connect`. A link pumps the sans-IO
//! stations of `protocol` over a `transport::Pipe`, ends every wait as soon as its [`Cancel`] is set, and masks
//! secrets in all that it hands to the trace.

mod cancel;
mod hdlc;
mod mask;
mod optical;
#[cfg(test)]
mod tests;
mod wire;
mod wrapper;

use std::time::Duration;

pub use cancel::Cancel;
pub use hdlc::HdlcLink;
pub use mask::{Framing, MaskingTap};
pub use wrapper::WrapperLink;

use crate::model::template::HdlcParameters;
use crate::model::{Line, LinePath, Secret, ServerAddress, Template};
use crate::protocol::gateway::Prefix;
use crate::protocol::link::{Link, LinkError};
use crate::transport::{Counters, Pipe, Place, Tap};

/// A link over any line.
#[derive(Debug)]
pub enum AnyLink {
    /// HDLC on a serial line, behind an optical probe, or through a terminal server.
    Hdlc(Box<HdlcLink>),
    /// The wrapper over TCP.
    Wrapper(Box<WrapperLink>),
}

/// Where a link's traffic is kept, and what must not be seen there.
pub struct Trace {
    /// Takes the records.
    pub sink: Box<dyn Tap>,
    /// Passwords and keys that are masked wherever they pass.
    pub secrets: Vec<Secret>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Trace").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

/// Makes the link to a meter, closed.
///
/// # Errors
/// The line carries no DLMS, or in a way that this version does not speak.
pub fn open_link(
    line: &Line,
    address: ServerAddress,
    template: &Template,
    trace: Trace,
    cancel: Cancel,
) -> Result<AnyLink, LinkError> {
    let unfit = |why: &str| Err(LinkError::Open(format!("{line}: {why}")));
    let (place, framing) = match &line.path {
        LinePath::Serial(serial) => (Place::Serial(serial.clone()), Framing::Hdlc),
        LinePath::TcpHdlc(host) => (Place::Tcp(host.clone()), Framing::Hdlc),
        LinePath::Tcp(host) => (Place::Tcp(host.clone()), Framing::Wrapper),
        LinePath::TcpFlag(_) => {
            return unfit("a line of IEC 62056-21 carries no DLMS; write tcp+hdlc:// or tcp://");
        }
        LinePath::Udp(_) => {
            return unfit("this version does not speak over UDP; write tcp:// where the meter does");
        }
        LinePath::Modem { .. } => return unfit("this version does not dial; connect and write serial:"),
    };
    let tap = MaskingTap::new(trace.sink, trace.secrets, framing);
    let pipe = Pipe::new(place, Box::new(tap));
    let gateway = line.gateway.as_ref().map(Prefix::request);
    let optical = match &line.path {
        LinePath::Serial(serial) if serial.optical => Some(serial.clone()),
        _ => None,
    };
    Ok(match framing {
        Framing::Hdlc => {
            AnyLink::Hdlc(Box::new(HdlcLink::new(pipe, address, template, gateway, optical, cancel)))
        }
        Framing::Wrapper => {
            AnyLink::Wrapper(Box::new(WrapperLink::new(pipe, address, template, gateway, cancel)))
        }
    })
}

/// The same template with the careful settings for another attempt after a session that broke off: the meter may
/// still be connected, and the line may not carry what was agreed on (`facts/dlms-quirks.md`, 9 and 13).
#[must_use]
pub fn careful(template: &Template) -> Template {
    let mut careful = template.clone();
    careful.hdlc.disconnect_first = true;
    if careful.hdlc.parameters == HdlcParameters::Propose {
        careful.hdlc.parameters = HdlcParameters::Omit;
    }
    careful
}

impl AnyLink {
    /// What has passed the line since the link was made.
    #[must_use]
    pub fn counters(&self) -> Counters {
        match self {
            Self::Hdlc(link) => link.counters(),
            Self::Wrapper(link) => link.counters(),
        }
    }

    /// Puts a remark into the trace.
    pub fn note(&mut self, text: &str) {
        match self {
            Self::Hdlc(link) => link.note(text),
            Self::Wrapper(link) => link.note(text),
        }
    }
}

impl Link for AnyLink {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        match self {
            Self::Hdlc(link) => link.connect(client).await,
            Self::Wrapper(link) => link.connect(client).await,
        }
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        match self {
            Self::Hdlc(link) => link.send(apdu).await,
            Self::Wrapper(link) => link.send(apdu).await,
        }
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        match self {
            Self::Hdlc(link) => link.receive(wait).await,
            Self::Wrapper(link) => link.receive(wait).await,
        }
    }

    async fn disconnect(&mut self) {
        match self {
            Self::Hdlc(link) => link.disconnect().await,
            Self::Wrapper(link) => link.disconnect().await,
        }
    }
}

const fn millis(value: u32) -> Duration {
    Duration::from_millis(value as u64)
}
