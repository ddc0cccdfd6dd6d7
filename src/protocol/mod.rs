//! Bytes ⇄ meaning (floor 2): no sockets, no files, no clock of its own.
//!
//! Codecs and link layers are sans-IO state machines: bytes and the caller's `Instant` go in; bytes, events and a
//! deadline come out. Conversations are straight-line `async` code over [`link::Link`].

pub mod dlms;
pub mod elster_flag;
pub mod gateway;
pub mod hdlc;
pub mod iec62056_21;
pub mod link;
pub mod wrapper;
