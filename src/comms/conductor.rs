//! Who conducts a session: opens the line and lets the family's driver talk. Tests put a scripted one in its place.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use tokio::sync::watch;

use crate::drivers::{MeterAccess, ReadRequest, ReadSink};
use crate::model::{Fault, Knowledge};
use crate::protocol::dlms::CounterStore;

use super::trace_log::TraceLog;

/// One attempt of a session.
pub(super) struct Attempt<'a> {
    /// The meter.
    pub(super) access: &'a MeterAccess,
    /// What to read; a connection test where there is nothing.
    pub(super) request: Option<&'a ReadRequest>,
    /// Its invocation counters.
    pub(super) counter: &'a mut dyn CounterStore,
    /// What is known of it.
    pub(super) knowledge: &'a mut Knowledge,
    /// Takes what is read.
    pub(super) sink: &'a mut dyn ReadSink,
    /// Takes the traffic.
    pub(super) trace: Rc<RefCell<TraceLog>>,
    /// Becomes true when the job is cancelled.
    pub(super) cancel: watch::Receiver<bool>,
}

/// A session under way.
pub(super) type Conducting<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + 'a>>;

/// Conducts sessions.
pub(super) trait Conductor: Send + Sync {
    /// Conducts one attempt. It ends by itself when the job is cancelled; it is dropped if that takes too long.
    fn conduct<'a>(&'a self, attempt: Attempt<'a>) -> Conducting<'a>;
}

/// The real one.
pub(super) struct Drivers;

impl Conductor for Drivers {
    fn conduct<'a>(&'a self, attempt: Attempt<'a>) -> Conducting<'a> {
        let _ = attempt;
        Box::pin(async { Err(Fault::internal("the link layer has not landed")) })
    }
}
