//! Ways that somebody else than the system opens: to meters in memory, for runs that let days fly.

use std::fmt::Debug;

use tokio::io::DuplexStream;

use super::{Packets, TransportError};
use crate::model::LinePath;

/// The near end of a way in memory.
#[derive(Debug)]
pub enum Near {
    /// Octets, as a connection or a serial port carries them.
    Stream(DuplexStream),
    /// Datagrams.
    Packets(Packets),
}

/// Opens ways in the system's place, any number of times.
pub trait Dialer: Debug + Send + Sync {
    /// Opens the way to the end of a line, as connecting a socket or opening a port does.
    ///
    /// # Errors
    /// Nothing is there.
    fn dial(&self, path: &LinePath) -> Result<Near, TransportError>;
}
