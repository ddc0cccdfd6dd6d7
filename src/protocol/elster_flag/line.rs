//! What a conversation with a FLAG meter needs of its line.

use std::time::Duration;

use super::answer::Answer;
use super::command::Command;
use crate::protocol::iec62056_21::Identification;
use crate::protocol::link::LinkError;

/// What a sign-on gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOn {
    /// What the meter says of itself.
    pub identification: Identification,
    /// The seed of the session; `None` where the meter sent none.
    pub seed: Option<[u8; 8]>,
}

/// How often a command may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// As often as the template says: it may be carried out twice.
    Repeat,
    /// A password: a NAK is a refusal, and a silence is asked once more, since too many wrong ones may lock the meter.
    Password,
    /// Once only, unless the meter says NAK, which means that it was not carried out.
    Once,
}

/// A line with one FLAG meter at its end. Used by one conversation at a time on a single-threaded runtime, so its
/// futures need not be `Send`.
#[allow(async_fn_in_trait, reason = "one thread owns every line")]
pub trait FlagLine {
    /// Opens the line.
    ///
    /// # Errors
    /// It cannot be opened.
    async fn open(&mut self) -> Result<(), LinkError>;

    /// Signs on to programming mode; an outstation number names a meter on a shared line, nothing any meter.
    ///
    /// # Errors
    /// Nothing answered, or the line failed.
    async fn sign_on(&mut self, outstation: &str) -> Result<SignedOn, LinkError>;

    /// Sends a command and gives the answer to it.
    ///
    /// # Errors
    /// Nothing answered, what came was garbled again and again, or the line failed.
    async fn ask(&mut self, command: &Command, care: Care) -> Result<Answer, LinkError>;

    /// Waits.
    ///
    /// # Errors
    /// The job was cancelled.
    async fn pause(&mut self, wait: Duration) -> Result<(), LinkError>;

    /// Says goodbye with a break where `says_break`, and closes the line. Failing to say goodbye is no error.
    async fn close(&mut self, says_break: bool);
}
