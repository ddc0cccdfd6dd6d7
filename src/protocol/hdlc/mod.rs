//! HDLC as electricity meters use it (IEC 62056-46): frames, the client's station and the meter's.
//!
//! Both stations are sans-IO: octets and the caller's `Instant` go in; frames, events and a deadline come out. The
//! line is half duplex and the turn to speak goes back and forth with the P/F bit: the client polls, the meter
//! answers with any number of frames and gives the turn back with the last one.
//!
//! ```text
//! octets ─ FrameDecoder ─ Frame ─ HdlcClient / HdlcServer ─ whole APDUs
//!                                   └ Transfer: segments, windows, acknowledgements
//! ```

mod address;
mod client;
mod decoder;
mod fcs;
mod frame;
mod parameters;
mod server;
#[cfg(test)]
mod tests;
mod transfer;

pub use address::{HdlcAddress, MAX_CLIENT, NoAddress};
pub use client::{ClientConfig, ClientEvent, HdlcClient};
pub use decoder::FrameDecoder;
pub use fcs::{check_sequence, is_intact};
pub use frame::{Control, FLAG, Frame, FrameError, Header, MAX_INFO};
pub use parameters::{LLC_COMMAND, LLC_RESPONSE, Parameters, without_llc};
pub use server::{HdlcServer, ServerConfig, ServerEvent, ServerHabits};

/// Room for what a peer adds to the largest APDU that was agreed on: the LLC header, a gateway prefix, and the few
/// octets that some meters miscount by (`facts/dlms-quirks.md`, 20).
pub const MESSAGE_SLACK: usize = 3 + 258 + 50;
