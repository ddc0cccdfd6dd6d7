//! Elster, ABB and GEC meters on "FLAG" lines: what goes over the line after the sign-on of IEC 62056-21, mode C
//! (`facts/elster-flag.md`; sections are named where they count).
//!
//! ```text
//! host    /?<outstation>!  …  ACK 0 Z 1          `iec62056_21`, [`Plate`]
//! meter   SOH P0 STX (<seed>) ETX BCC            [`Answer::Operand`]
//! host    SOH P2 STX (<transformed>) ETX BCC     [`transform`]
//! host    SOH R1 STX <id><packet>(<bytes>) ETX BCC   or   W1 …(<data>)
//! meter   STX (<data>) ETX BCC   or   ACK   or   STX (ERRn) ETX BCC
//! host    SOH B0 ETX BCC
//! ```
//!
//! * `frame` cuts a stream of octets into frames, both ways; `command` and `answer` say what they mean.
//! * `password` is the transform, `plate` what the sign-on says, `values` the numbers in the tables.
//! * `line` is what a conversation needs of a line.

mod answer;
mod command;
mod frame;
mod line;
mod password;
mod plate;
#[cfg(test)]
mod tests;
pub mod values;

pub use answer::{Answer, FlagError};
pub use command::{Command, PACKET_BYTES, Place, packets, take_digits};
pub use frame::{Damage, Frame, FrameDecoder, bcc};
pub use line::{Care, FlagLine, SignedOn};
pub use password::{OPENING, PASSWORD_CHARACTERS, transform};
pub use plate::Plate;
