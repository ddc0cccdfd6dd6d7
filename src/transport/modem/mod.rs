//! AT modems on serial ports (ITU-T V.250): dial, carry octets, hang up.
//!
//! ```text
//! AT  →  OK            three tries; where none is answered, +++ and ATH, for a modem that is still on a call
//! ATE0V1               no echo, results in words
//! ATX4&C1&D2S0=0       every result, carrier and DTR as signals, no answering; a modem that knows less is left so
//! the line's own init
//! ATDT<number>         CONNECT, or BUSY, NO ANSWER, NO CARRIER, NO DIALTONE
//! … octets …           8 bits, as serial
//! +++  ATH             hung up, with a guard time before and behind the escape; then DTR goes off
//! ```
//!
//! Each wait says in its name where it was: the modem that does not answer is on the desk, the one that reaches nobody
//! is at the other end of the line, and the meter's own waits are its driver's.
//!
//! # Staying connected
//!
//! A call that ends well is not hung up at once: the next meter behind the same number goes on with it. It is parked for
//! [`LINGER`], by the thread whose runtime serves the port ([`hang_up_idle`], [`hang_up_all`]).

mod at;
mod parked;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::TransportError;
use super::serial::Serial;
use crate::model::SerialLine;

pub use parked::{LINGER, hang_up_all, hang_up_idle, idle_due};

/// Whom to call, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The modem's port.
    pub serial: SerialLine,
    /// The number: digits, `*`, `#`, `,` for a pause, `W` for a dial tone; a leading `T` or `P` is tone or pulse.
    pub dial: String,
    /// A command of the line's own, without `AT`: `+CBST=71,0,1`.
    pub init: Option<String>,
}

/// Octets to and from a modem.
pub(super) trait Octets {
    /// Sends.
    async fn put(&mut self, octets: &[u8]) -> Result<(), TransportError>;
    /// The next octets; may be given up without losing any.
    async fn take(&mut self) -> Result<Vec<u8>, TransportError>;
}

impl Octets for Serial {
    async fn put(&mut self, octets: &[u8]) -> Result<(), TransportError> {
        self.write(octets).await
    }

    async fn take(&mut self) -> Result<Vec<u8>, TransportError> {
        self.read().await
    }
}

/// A call that stands.
#[derive(Debug)]
pub(super) struct Connected {
    /// The port.
    pub(super) serial: Serial,
    /// What came behind the result already.
    pub(super) surplus: Vec<u8>,
    /// For the trace.
    pub(super) remarks: Vec<String>,
}

/// Connects: goes on with a call to this number that is parked, or dials.
///
/// # Errors
/// The port cannot be opened, the modem does not answer, or nobody does.
pub(super) async fn connect(
    call: &Call,
    open: impl AsyncFn(&SerialLine) -> Result<(Serial, Vec<String>), TransportError>,
) -> Result<Connected, TransportError> {
    at::check_number(&call.dial)?;
    if let Some(serial) = parked::take(call).await {
        let remarks = vec![format!("the call to {} still stands", call.dial)];
        return Ok(Connected { serial, surplus: Vec::new(), remarks });
    }
    let (mut serial, mut remarks) = open(&call.serial).await?;
    match at::dial(&mut serial, call).await {
        Ok(dialled) => {
            remarks.extend(dialled.remarks);
            Ok(Connected { serial, surplus: dialled.surplus, remarks })
        }
        Err(error) => {
            // Whoever dials next finds the port free.
            serial.close().await;
            Err(error)
        }
    }
}

/// Ends a call: hung up, and the port given back.
pub(super) async fn disconnect(mut serial: Serial) {
    at::hang_up(&mut serial).await;
    // Pseudo-terminals have no such signal, and a modem that was hung up needs none.
    let _ = serial.set_dtr(false).await;
    serial.close().await;
}

/// Parks a call that ended well.
pub(super) fn park(call: &Call, serial: Serial) {
    parked::put(call, serial);
}

/// Looks for the result of a call that was lost in what came; `tail` keeps the end of what came before.
#[derive(Clone, Debug, Default)]
pub(super) struct LossWatch {
    tail: Vec<u8>,
}

/// What a modem says when the other end is gone.
const LOST: &[u8] = b"\r\nNO CARRIER\r\n";

impl LossWatch {
    /// Whether the modem said, between data, that the call is lost.
    pub(super) fn is_lost(&mut self, octets: &[u8]) -> bool {
        self.tail.extend_from_slice(octets);
        let is_lost = self.tail.windows(LOST.len()).any(|part| part == LOST);
        let surplus = self.tail.len().saturating_sub(LOST.len() - 1);
        self.tail.drain(..surplus);
        is_lost
    }
}

/// Waits are told in milliseconds.
fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
