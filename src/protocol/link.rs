//! A way to carry whole APDUs to one meter and back, as conversations see it.

#[cfg(test)]
pub mod scripted;

use std::time::Duration;

/// Carries whole APDUs. Implemented over HDLC, the wrapper and scripted tests; used by one conversation at a time
/// on a single-threaded runtime, so its futures need not be `Send`.
#[allow(async_fn_in_trait, reason = "one thread owns every link")]
pub trait Link {
    /// Opens the way for a client address, or opens it again for another one: HDLC says DISC and SNRM, the wrapper
    /// connects and takes the address as its source. Opening what is open for the same client does nothing.
    ///
    /// # Errors
    /// Nothing answered, or the meter refused.
    async fn connect(&mut self, client: u16) -> Result<(), LinkError>;

    /// Sends one APDU.
    ///
    /// # Errors
    /// The line failed.
    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError>;

    /// The next APDU from the meter, answers and notifications alike. `wait` bounds the time to its first octet;
    /// the gaps inside it have limits of their own.
    ///
    /// # Errors
    /// Nothing came, or what came was garbled beyond repeat.
    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError>;

    /// How often a request that was not answered may be asked again over this way: nought where everything arrives
    /// once and in order, more where messages are lost, doubled and overtake each other (UDP).
    fn resends(&self) -> u32 {
        0
    }

    /// What both ends agreed on of the data link; nothing where there is nothing to agree on.
    fn terms(&self) -> Option<LinkTerms> {
        None
    }

    /// Closes the way. Failing to say goodbye is no error.
    async fn disconnect(&mut self);
}

/// What both ends of a data link agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTerms {
    /// Largest information field, the smaller of both ways, in octets.
    pub info: u16,
    /// Window, the smaller of both ways, in frames.
    pub window: u8,
}

/// Why a link failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing answered.
    #[error("nothing answered {what} within {waited_ms} ms")]
    Timeout {
        /// What was sent: `the connection request`, `SNRM`, `a request`.
        what: &'static str,
        /// How long, in milliseconds.
        waited_ms: u64,
    },
    /// The other end closed.
    #[error("the other end closed the connection")]
    Closed,
    /// The line could not be opened.
    #[error("{0}")]
    Open(String),
    /// The operating system failed the line.
    #[error("{0}")]
    Io(String),
    /// The meter refused the link: DM, FRMR, a refused sign-on.
    #[error("the meter refused the link: {0}")]
    Refused(String),
    /// What came made no sense, again and again.
    #[error("what came was garbled: {0}")]
    Garbled(String),
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
}
