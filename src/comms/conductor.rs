//! Who conducts a session: opens the line and lets the family's driver talk. Tests put a scripted one in its place.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::drivers::{
    self, Activation, ClockOrder, MeterAccess, Order, RatioOrder, ReadRequest, ReadSink, Reference,
};
use crate::firmware::vendor::{self, VendorJournal, VendorPlan};
use crate::firmware::{self, FlashPlan, Journal};
use crate::model::template::Family;
use crate::model::{Fault, Knowledge, RoundTrip, Secret, SecretKind};
use crate::protocol::dlms::CounterStore;
use crate::scheme::Document;
use crate::store::TraceRecord;
use crate::transport::{Dialer, Tap, TapRecord};

use super::link::{Cancel, Trace, careful, open_flag_link_by, open_link_by};
use super::trace_log::TraceLog;

/// What one attempt does with its meter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task<'a> {
    /// Read it.
    Read(&'a ReadRequest),
    /// Try the connection.
    Test,
    /// Write a scheme.
    WriteScheme(&'a Document, Activation),
    /// Read its scheme.
    ReadScheme(Reference<'a>),
    /// Read or write its own transformer ratios.
    Ratios(&'a RatioOrder),
    /// Set or adjust its clock.
    SetClock(ClockOrder),
    /// Have it do something.
    Control(Order),
    /// Flash it, or go on with it.
    Flash(&'a FlashPlan, &'a dyn Journal),
    /// Learn a template from it.
    Learn,
    /// Load it by its vendor's own file.
    VendorFlash(&'a VendorPlan, &'a dyn VendorJournal),
}

/// One attempt of a session.
pub(super) struct Attempt<'a> {
    /// The meter.
    pub(super) access: &'a MeterAccess,
    /// What to do with it.
    pub(super) task: Task<'a>,
    /// Which attempt of the session, from 1.
    pub(super) number: u32,
    /// Its invocation counters.
    pub(super) counter: &'a mut dyn CounterStore,
    /// What is known of it.
    pub(super) knowledge: &'a mut Knowledge,
    /// How long others take behind the same hop.
    pub(super) hop: RoundTrip,
    /// Takes what is read.
    pub(super) sink: &'a mut dyn ReadSink,
    /// Takes the traffic.
    pub(super) trace: Rc<RefCell<TraceLog>>,
    /// Is set when the job is cancelled.
    pub(super) cancel: Cancel,
}

/// A session under way.
pub(super) type Conducting<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + 'a>>;

/// Conducts sessions.
pub(super) trait Conductor: Send + Sync {
    /// Conducts one attempt. It ends by itself when the job is cancelled; it is dropped if that takes too long.
    fn conduct<'a>(&'a self, attempt: Attempt<'a>) -> Conducting<'a>;
}

/// The real one.
pub(super) struct Drivers {
    /// Who opens lines in the system's place.
    pub(super) dialer: Option<Arc<dyn Dialer>>,
}

/// Brings a link's traffic to the session's log.
struct ToLog(Rc<RefCell<TraceLog>>);

impl Tap for ToLog {
    fn record(&mut self, record: TapRecord) {
        let TapRecord { at, sent, bytes, masked, note } = record;
        self.0.borrow_mut().record(TraceRecord { at, sent, bytes, masked, note });
    }
}

/// What must not be seen in the traffic.
fn secrets(access: &MeterAccess) -> Vec<Secret> {
    SecretKind::ALL.iter().filter_map(|(kind, _)| access.secrets.get(*kind).cloned()).collect()
}

/// A session with an Elster meter, over a line of IEC 62056-21.
async fn with_elster(dialer: Option<&Arc<dyn Dialer>>, attempt: Attempt<'_>) -> Result<(), Fault> {
    let Attempt { access, task, knowledge, sink, trace, cancel, .. } = attempt;
    let trace = Trace { sink: Box::new(ToLog(trace)), secrets: secrets(access) };
    let mut line = open_flag_link_by(dialer, &access.config.line, &access.template, trace, cancel)
        .map_err(|error| Fault::user(error.to_string(), "edit the meter's line"))?;
    match task {
        Task::Read(request) => drivers::elster::read(&mut line, access, knowledge, request, sink).await,
        Task::Test => drivers::elster::test(&mut line, access, sink).await,
        Task::Ratios(order) => drivers::elster::ratios(&mut line, access, knowledge, order, sink).await,
        Task::SetClock(order) => drivers::elster::set_clock(&mut line, access, knowledge, order, sink).await,
        Task::Control(order) => drivers::elster::control(&mut line, access, knowledge, order, sink).await,
        Task::VendorFlash(plan, journal) => {
            vendor::load(&mut line, access, knowledge, plan, journal, sink).await
        }
        Task::Learn => Err(Fault::user(
            "an Elster meter has no object list to learn a template from",
            "copy the template of its model and change that",
        )),
        Task::WriteScheme(..) | Task::ReadScheme(_) => Err(drivers::elster::no_schemes()),
        Task::Flash(..) => Err(Fault::refused(
            "refused: an Elster meter takes no signed package, which is for DLMS image transfer",
            "an AS230 is loaded by its vendor's own file: `firmware flash NAME --vendor-file FILE.xml`",
        )),
    }
}

async fn with_driver(dialer: Option<&Arc<dyn Dialer>>, attempt: Attempt<'_>) -> Result<(), Fault> {
    if attempt.access.template.family == Family::Elster {
        return Box::pin(with_elster(dialer, attempt)).await;
    }
    let Attempt { access, task, number, counter, knowledge, hop, sink, trace, cancel } = attempt;
    let second_try = (number > 1).then(|| careful(&access.template));
    let template = second_try.as_ref().unwrap_or(&access.template);
    let config = &access.config;
    let address = config.address.unwrap_or(template.addressing.server);
    let trace = Trace { sink: Box::new(ToLog(trace)), secrets: secrets(access) };
    let presumed = if knowledge.round_trip.answers > 0 { knowledge.round_trip } else { hop };
    let mut link = open_link_by(dialer, &config.line, address, template, trace, cancel)
        .map_err(|error| Fault::user(error.to_string(), "edit the meter's line"))?
        .paced(presumed);
    let before = knowledge.round_trip;
    let ended = match (template.family, task) {
        (Family::Dlms, Task::Read(request)) => {
            drivers::dlms::read(&mut link, access, counter, knowledge, request, sink).await
        }
        (Family::Dlms, Task::Test) => drivers::dlms::test(&mut link, access, counter, sink).await,
        (Family::Dlms, Task::WriteScheme(document, activation)) => {
            let scheme = (document, activation);
            drivers::dlms::write_scheme(&mut link, access, counter, knowledge, scheme, sink).await
        }
        (Family::Dlms, Task::ReadScheme(reference)) => {
            drivers::dlms::read_scheme(&mut link, access, counter, knowledge, reference, sink).await
        }
        (Family::Dlms, Task::Flash(plan, journal)) => {
            firmware::flash(&mut link, access, counter, knowledge, plan, journal, sink).await
        }
        (Family::Dlms, Task::SetClock(order)) => {
            drivers::dlms::set_clock(&mut link, access, counter, knowledge, order, sink).await
        }
        (Family::Dlms, Task::Control(order)) => {
            drivers::dlms::control(&mut link, access, counter, knowledge, order, sink).await
        }
        (Family::Dlms, Task::Learn) => drivers::dlms::learn_template(&mut link, access, counter, sink).await,
        (Family::Dlms, Task::Ratios(order)) => {
            drivers::dlms::ratios(&mut link, access, counter, knowledge, order, sink).await
        }
        (Family::Dlms, Task::VendorFlash(..)) => Err(Fault::refused(
            "refused: a vendor's own file is for an Elster AS230, and this meter speaks DLMS",
            "flash it with a signed package; nothing was sent",
        )),
        (Family::Elster, _) => Err(Fault::internal("an Elster meter over a line of DLMS")),
    };
    // The driver may have thrown away what it knew; how long the meter takes stays true.
    let after = link.round_trip();
    let is_measured = after != presumed && after.differs_from(&before);
    knowledge.round_trip = if is_measured { after } else { before };
    ended
}

impl Conductor for Drivers {
    fn conduct<'a>(&'a self, attempt: Attempt<'a>) -> Conducting<'a> {
        Box::pin(with_driver(self.dialer.as_ref(), attempt))
    }
}
