//! Links: a line, its framing, and one meter at its end, as conversations use it (`protocol::link::Link`).
//!
//! [`open_link`] makes one from a line and a template; nothing is opened before `connect`. A link pumps the sans-IO
//! stations of `protocol` over a `transport::Pipe`, ends every wait as soon as its [`Cancel`] is set, and masks
//! secrets in all that it hands to the trace.

mod cancel;
mod flag;
mod hdlc;
mod mask;
mod optical;
mod pace;
#[cfg(test)]
mod tests;
mod wire;
mod wrapper;

use std::sync::Arc;
use std::time::Duration;

pub use cancel::Cancel;
pub use flag::FlagLink;
pub use hdlc::HdlcLink;
pub use mask::{Framing, MaskingTap};
pub use wrapper::WrapperLink;

use crate::model::template::HdlcParameters;
use tokio::time::Instant;

use pace::Pace;

use crate::model::{Line, LinePath, RoundTrip, Secret, SerialLine, ServerAddress, Template};
use crate::protocol::gateway::Prefix;
use crate::protocol::link::{Link, LinkError, LinkTerms};
use crate::transport::modem::Call;
use crate::transport::{Counters, Dialer, Pipe, Place, Tap};

/// A link over any line, which waits as long as its medium and its meter want.
#[derive(Debug)]
pub struct AnyLink {
    way: Way,
    pace: Pace,
}

#[derive(Debug)]
enum Way {
    /// HDLC on a serial line, behind an optical probe, or through a terminal server.
    Hdlc(Box<HdlcLink>),
    /// The wrapper over TCP or UDP.
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
    open_link_by(None, line, address, template, trace, cancel)
}

/// The same, with somebody who opens the line in the system's place, where one is given.
///
/// # Errors
/// As [`open_link`].
pub fn open_link_by(
    dialer: Option<&Arc<dyn Dialer>>,
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
        LinePath::Udp(host) => (Place::Udp(host.clone()), Framing::Wrapper),
        LinePath::Modem { serial, dial, init } => (modem(serial, dial, init.as_ref()), Framing::Hdlc),
    };
    let place = match dialer {
        Some(dialer) => Place::Dialled(Arc::clone(dialer), line.path.clone()),
        None => place,
    };
    Ok(link_over(place, framing, line, address, template, trace, cancel))
}

fn modem(serial: &SerialLine, dial: &str, init: Option<&String>) -> Place {
    Place::Modem(Call { serial: serial.clone(), dial: dial.to_owned(), init: init.cloned() })
}

/// Makes the line to a FLAG meter, closed.
///
/// # Errors
/// The line carries no IEC 62056-21.
pub fn open_flag_link(
    line: &Line,
    template: &Template,
    trace: Trace,
    cancel: Cancel,
) -> Result<FlagLink, LinkError> {
    open_flag_link_by(None, line, template, trace, cancel)
}

/// The same, where somebody else than the system opens the line.
///
/// # Errors
/// As [`open_flag_link`].
pub fn open_flag_link_by(
    dialer: Option<&Arc<dyn Dialer>>,
    line: &Line,
    template: &Template,
    trace: Trace,
    cancel: Cancel,
) -> Result<FlagLink, LinkError> {
    let place = match &line.path {
        LinePath::Serial(serial) => Place::Serial(serial.clone()),
        LinePath::TcpFlag(host) => Place::Tcp(host.clone()),
        LinePath::Modem { serial, dial, init } => modem(serial, dial, init.as_ref()),
        LinePath::Tcp(_) | LinePath::TcpHdlc(_) | LinePath::Udp(_) => {
            return Err(LinkError::Open(format!(
                "{line}: a line of DLMS carries no IEC 62056-21; write tcp+flag://, serial: or modem:"
            )));
        }
    };
    let place = match dialer {
        Some(dialer) => Place::Dialled(Arc::clone(dialer), line.path.clone()),
        None => place,
    };
    Ok(flag_link_over(place, line, template, trace, cancel))
}

/// The line to a FLAG meter over a place that is given, in memory for one, as `line` would have it; closed, unless the
/// place is open.
#[must_use]
pub fn flag_link_over(
    place: Place,
    line: &Line,
    template: &Template,
    trace: Trace,
    cancel: Cancel,
) -> FlagLink {
    let tap = MaskingTap::new(trace.sink, trace.secrets, Framing::Flag);
    FlagLink::new(Pipe::new(place, Box::new(tap)), line, template, cancel)
}

/// The link to a meter over a place that is given, in memory for one, as `line` would have it; closed, unless the
/// place is open.
#[must_use]
pub fn link_over(
    place: Place,
    framing: Framing,
    line: &Line,
    address: ServerAddress,
    template: &Template,
    trace: Trace,
    cancel: Cancel,
) -> AnyLink {
    let tap = MaskingTap::new(trace.sink, trace.secrets, framing);
    let pipe = Pipe::new(place, Box::new(tap));
    let gateway = line.gateway.as_ref().map(Prefix::request);
    let optical = match &line.path {
        LinePath::Serial(serial) if serial.optical => Some(serial.clone()),
        _ => None,
    };
    let habits = line.medium.habits();
    let way = match framing {
        Framing::Hdlc => {
            Way::Hdlc(Box::new(HdlcLink::new(pipe, address, template, gateway, optical, cancel)))
        }
        Framing::Wrapper | Framing::Flag => {
            let link = WrapperLink::new(pipe, address, template, gateway, cancel);
            let is_datagrams = matches!(line.path, LinePath::Udp(_));
            Way::Wrapper(Box::new(if is_datagrams { link.over_datagrams(habits.resends) } else { link }))
        }
    };
    AnyLink { way, pace: Pace::new(RoundTrip::default(), habits, template.timing.response_ms) }
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
    /// The same link, which knows how long the meter took to answer before.
    #[must_use]
    pub fn paced(mut self, trip: RoundTrip) -> Self {
        self.pace = self.pace.knowing(trip);
        if let Way::Hdlc(link) = &mut self.way {
            link.be_patient(self.pace.patience(self.pace.usual()));
        }
        self
    }

    /// How long the meter takes to answer, as far as is known by now.
    #[must_use]
    pub const fn round_trip(&self) -> RoundTrip {
        self.pace.trip()
    }

    /// What has passed the line since the link was made.
    #[must_use]
    pub fn counters(&self) -> Counters {
        match &self.way {
            Way::Hdlc(link) => link.counters(),
            Way::Wrapper(link) => link.counters(),
        }
    }

    /// Puts a remark into the trace.
    pub fn note(&mut self, text: &str) {
        match &mut self.way {
            Way::Hdlc(link) => link.note(text),
            Way::Wrapper(link) => link.note(text),
        }
    }
}

impl Link for AnyLink {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        match &mut self.way {
            Way::Hdlc(link) => link.connect(client).await,
            Way::Wrapper(link) => link.connect(client).await,
        }
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        let began = Instant::now();
        match &mut self.way {
            Way::Hdlc(link) => link.send(apdu).await,
            Way::Wrapper(link) => link.send(apdu).await,
        }?;
        self.pace.sent(began);
        Ok(())
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        let wait = if self.resends() > 0 { self.pace.datagram_wait(wait) } else { self.pace.patience(wait) };
        let outcome = match &mut self.way {
            Way::Hdlc(link) => link.receive(wait).await,
            Way::Wrapper(link) => link.receive(wait).await,
        };
        match &outcome {
            Ok(apdu) => self.pace.heard(apdu, Instant::now()),
            Err(LinkError::Timeout { .. }) => self.pace.silent(),
            Err(_) => {}
        }
        outcome
    }

    fn resends(&self) -> u32 {
        match &self.way {
            Way::Hdlc(link) => link.resends(),
            Way::Wrapper(link) => link.resends(),
        }
    }

    fn terms(&self) -> Option<LinkTerms> {
        match &self.way {
            Way::Hdlc(link) => link.terms(),
            Way::Wrapper(link) => link.terms(),
        }
    }

    async fn disconnect(&mut self) {
        match &mut self.way {
            Way::Hdlc(link) => link.disconnect().await,
            Way::Wrapper(link) => link.disconnect().await,
        }
    }
}

const fn millis(value: u32) -> Duration {
    Duration::from_millis(value as u64)
}
