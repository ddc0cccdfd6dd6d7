//! Discovery: which addresses of a line answer, and which meters those are.
//!
//! Every address is tried in turn through the public client. An address that is silent is silent at one layer, which
//! is told: no connection, no answer to SNRM, to the association request, or to the first question. A meter that lets
//! the public client in is asked for its plate; one that refuses it is there all the same.

use std::cell::RefCell;
use std::rc::Rc;

use jiff::Timestamp;

use crate::drivers::{self, MeterAccess, ReadRequest, ReadSink};
use crate::model::text::words;
use crate::model::{
    Auth, BillingSet, Blame, ClockReading, Fault, Gateway, Identity, Knowledge, Line, LinePath, Medium,
    MeterConfig, MeterEvent, MeterSecrets, Obis, ObjectEntry, ProfileLayout, ProfileRow, RegisterReading,
    Security, ServerAddress, Step, SystemTitle, Template, What,
};
use crate::protocol::dlms::{CounterError, CounterStore};
use crate::protocol::link::{Link, LinkError};
use crate::transport::{Tap, TapRecord};

use super::holding::Holding;
use super::link::{Cancel, Trace, open_link_by};
use super::reporter::{Remains, Reporter};
use super::session::{Item, cancelled_fault};
use super::shared::Shared;
use super::trace_log::TraceLog;
use super::{Event, JobId};
use crate::store::TraceRecord;

/// Where to look.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The line; its gateway's network, where it has one.
    pub line: Line,
    /// Addresses in the order in which they are tried.
    pub seats: Vec<Seat>,
    /// Template for how to speak, by name.
    pub template: String,
    /// The client that asks; the template's public client where `None`.
    pub client: Option<u16>,
}

/// One address on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seat {
    /// A station on an HDLC bus, or a logical device.
    Server(ServerAddress),
    /// A meter behind a gateway.
    Behind(Gateway),
}

words! {
    /// Where an address fell silent.
    Layer: "a layer" {
        /// The port or the connection.
        Connect = "connect",
        /// The data link: SNRM.
        Snrm = "snrm",
        /// The association: AARQ.
        Aarq = "aarq",
        /// The first question: GET.
        Get = "get",
    }
}

/// What was found at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub seat: Seat,
    /// Plate data, as far as the public client was told.
    pub identity: Identity,
    /// Where it fell silent or refused; nothing where it told who it is.
    pub stopped: Option<(Layer, Fault)>,
    /// Somebody answers there.
    pub is_there: bool,
}

/// Waits at an address where most likely nobody is, in milliseconds; a slow medium wants more.
const PROBE_MS: u32 = 1500;

/// Tries every address.
///
/// # Errors
/// Cancelled; or the line itself cannot be opened, so that no address would answer.
pub(super) async fn run(
    shared: Rc<Shared>,
    item: &Item,
    remains: Remains,
    cancel: &Cancel,
    discovery: &Discovery,
) -> Result<(), Fault> {
    let template = shared.template(&discovery.template)?;
    let title = shared.store.borrow().own_title().map_err(|error| super::shared::store_fault(&error))?;
    let reporter =
        Reporter { shared: Rc::clone(&shared), remains: remains.clone(), job: item.job, meter: None };
    let holding = Holding { reporter: &reporter, cancel, writes: false };
    let _held = holding.line(&MeterConfig::new("discovery", discovery.line.clone())).await?;
    let of = discovery.seats.len();
    for (done, seat) in discovery.seats.iter().enumerate() {
        reporter.step(Step::Probing { done, of });
        let found = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(cancelled_fault()),
            found = probe(&shared, discovery, seat, (&template, title), Rc::clone(&remains.trace), cancel) => found?,
        };
        let line_is_gone = matches!(&found.stopped, Some((Layer::Connect, _)));
        let fault = found.stopped.as_ref().map(|(_, fault)| fault.clone());
        tell(&shared, item.job, found);
        // A port or a terminal server that is not there answers for no other address either.
        if let Some(fault) = fault.filter(|_| line_is_gone) {
            return Err(fault);
        }
    }
    reporter.step(Step::Probing { done: of, of });
    Ok(())
}

fn tell(shared: &Shared, job: JobId, found: Found) {
    shared.emit(&Event::Found { job, found: Box::new(found) });
}

fn config_of(discovery: &Discovery, seat: &Seat) -> MeterConfig {
    let mut line = discovery.line.clone();
    let mut address = None;
    match seat {
        Seat::Server(server) => address = Some(*server),
        Seat::Behind(gateway) => line.gateway = Some(gateway.clone()),
    }
    let mut config = MeterConfig::new("discovery", line);
    config.template.clone_from(&discovery.template);
    (config.auth, config.security) = (Auth::None, Security::None);
    (config.client, config.address) = (discovery.client, address);
    config
}

/// Where an address is that is tried for the first time, waiting is short; where it answers, it is as usual.
fn hasty(template: &Template, line: &Line) -> Template {
    let mut hasty = template.clone();
    hasty.fit(line);
    hasty.timing.frame_retries = 1;
    if line.medium == Medium::Direct {
        hasty.timing.response_ms = hasty.timing.response_ms.min(PROBE_MS);
    }
    hasty
}

async fn probe(
    shared: &Shared,
    discovery: &Discovery,
    seat: &Seat,
    (template, client_title): (&Template, SystemTitle),
    trace: Rc<RefCell<TraceLog>>,
    cancel: &Cancel,
) -> Result<Found, Fault> {
    let config = config_of(discovery, seat);
    let template = hasty(template, &config.line);
    let address = config.address.unwrap_or(template.addressing.server);
    let trace = Trace { sink: Box::new(ToLog(trace)), secrets: Vec::new() };
    let dialer = shared.surroundings.dialer.as_ref();
    let mut link = open_link_by(dialer, &config.line, address, &template, trace, cancel.clone())
        .map_err(|error| Fault::user(error.to_string(), "write a line that carries DLMS"))?;
    let client = config.client.unwrap_or(template.addressing.public_client);
    let mut found =
        Found { seat: seat.clone(), identity: Identity::default(), stopped: None, is_there: false };
    if let Err(error) = link.connect(client).await {
        if error == LinkError::Cancelled {
            return Err(cancelled_fault());
        }
        found.is_there = matches!(error, LinkError::Refused(_) | LinkError::Garbled(_));
        let is_hdlc = matches!(&config.line.path, LinePath::Serial(_) | LinePath::TcpHdlc(_));
        let at_open = matches!(&error, LinkError::Open(_) | LinkError::Io(_))
            || matches!(&error, LinkError::Timeout { what: "the connection request", .. });
        let layer = if at_open || !is_hdlc { Layer::Connect } else { Layer::Snrm };
        found.stopped = Some((layer, Fault::line(error.to_string(), "")));
        link.disconnect().await;
        return Ok(found);
    }
    let is_hdlc = !matches!(&config.line.path, LinePath::Tcp(_) | LinePath::Udp(_));
    found.is_there = is_hdlc;
    let access = MeterAccess { config, template, secrets: MeterSecrets::default(), client_title };
    let request = ReadRequest { what: [What::Identity].into(), from: None, to: None };
    let mut plate = Plate::default();
    let mut knowledge = Knowledge::default();
    let ended =
        drivers::dlms::read(&mut link, &access, &mut NoCounter, &mut knowledge, &request, &mut plate).await;
    if cancel.is_cancelled() {
        return Err(cancelled_fault());
    }
    found.identity = plate.identity;
    let layer = if plate.is_associated { Layer::Get } else { Layer::Aarq };
    // Whoever refuses or talks nonsense is there; silence and a closed connection are nobody.
    found.is_there |=
        plate.is_associated || ended.as_ref().err().is_none_or(|fault| fault.blame != Blame::Line);
    found.stopped = ended.err().map(|fault| (layer, fault));
    Ok(found)
}

/// Brings traffic to the job's log.
struct ToLog(Rc<RefCell<TraceLog>>);

impl Tap for ToLog {
    fn record(&mut self, record: TapRecord) {
        let TapRecord { at, sent, bytes, masked, note } = record;
        self.0.borrow_mut().record(TraceRecord { at, sent, bytes, masked, note });
    }
}

/// The public client ciphers nothing.
struct NoCounter;

impl CounterStore for NoCounter {
    fn next(&mut self) -> Result<u32, CounterError> {
        Err(CounterError("discovery has no keys".to_owned()))
    }

    fn raise(&mut self, _at_least: u32) -> Result<(), CounterError> {
        Ok(())
    }
}

/// Keeps the plate, and how far the session came.
#[derive(Default)]
struct Plate {
    identity: Identity,
    is_associated: bool,
}

impl ReadSink for Plate {
    fn step(&mut self, step: Step) {
        self.is_associated |= matches!(step, Step::Reading(_));
    }
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
    fn last_end(&mut self, _profile: Obis) -> Result<Option<Timestamp>, Fault> {
        Ok(None)
    }
    fn identity(&mut self, identity: &Identity) -> Result<(), Fault> {
        self.identity = identity.clone();
        Ok(())
    }
    fn clock(&mut self, _clock: &ClockReading) -> Result<(), Fault> {
        Ok(())
    }
    fn registers(&mut self, _readings: &[RegisterReading], _instantaneous: bool) -> Result<(), Fault> {
        Ok(())
    }
    fn billing(&mut self, _sets: &[BillingSet]) -> Result<(), Fault> {
        Ok(())
    }
    fn profile(&mut self, _layout: &ProfileLayout, _rows: &[ProfileRow]) -> Result<(), Fault> {
        Ok(())
    }
    fn events(&mut self, _log: Obis, _events: &[MeterEvent]) -> Result<(), Fault> {
        Ok(())
    }
    fn objects(&mut self, _objects: &[ObjectEntry]) -> Result<(), Fault> {
        Ok(())
    }
    fn partial(&mut self, _fault: Fault) {}
    fn remark(&mut self, _text: String) {}
}
