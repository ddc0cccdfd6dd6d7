//! Serial ports, modems, TCP, UDP, and the tap behind the trace (floor 2).
//!
//! A [`Pipe`] carries octets to and from one place and knows nothing of what they mean. Every octet that passes it
//! goes to its [`Tap`] and is counted. All futures belong to a single-threaded runtime; a serial port has one helper
//! thread behind bounded channels while it is open.
//!
//! ```text
//! protocol ─ tap, counters ─ parity (7E1 in software) ─ echo ─ TCP | UDP | serial thread | modem on it | memory
//! ```

mod datagram;
mod descriptors;
mod dial;
mod echo;
pub mod modem;
mod parity;
mod pipe;
mod ports;
mod serial;
mod tap;

pub use datagram::{Packets, packets};
pub use descriptors::allow_open_files;
pub use dial::{Dialer, Near};
pub use pipe::{Counters, Pipe, Place};
pub use ports::{PortInfo, ports};
pub use tap::{NoTap, Tap, TapRecord};

/// Why a pipe failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// It could not be opened: what, why, and what to try.
    #[error("{0}")]
    Open(String),
    /// It could not be opened in time.
    #[error("no connection to {place} within {waited_ms} ms")]
    Timeout {
        /// Where to.
        place: String,
        /// How long, in milliseconds.
        waited_ms: u64,
    },
    /// The other end closed it, or it was never opened.
    #[error("the other end closed the connection")]
    Closed,
    /// The operating system failed it.
    #[error("{0}")]
    Io(String),
}
