//! DLMS/COSEM meters.

use crate::drivers::{MeterAccess, ReadRequest, ReadSink};
use crate::model::{Fault, Knowledge};
use crate::protocol::dlms::CounterStore;
use crate::protocol::link::Link;

/// Reads what is asked for in one session: associate, read, release.
///
/// # Errors
/// The session could not be opened or broke off. What the sink was given before stays valid.
pub async fn read<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    request: &ReadRequest,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let _ = (link, access, counter, knowledge, request, sink);
    unimplemented!()
}

/// Opens and releases a session and reads the logical device name and the clock, for *Test connection*: every step
/// goes to the sink.
///
/// # Errors
/// As [`read`].
pub async fn test<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let _ = (link, access, counter, sink);
    unimplemented!()
}
