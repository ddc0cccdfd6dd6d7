//! How a fleet's meters hang on their lines, and what they send by themselves.

use std::net::SocketAddr;
use std::str::FromStr;

/// How meters share lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Meters on one line: on an HDLC bus each has an address of its own, over the wrapper they hang behind one
    /// concentrator, which tells them apart by the gateway's prefix. One is a line for each meter.
    pub meters_per_line: u16,
    /// Connections that a concentrator holds at a time; a further one is closed at once.
    pub gateway_sessions: u16,
    /// Where meters push to.
    pub push: Option<PushTo>,
    /// They push the bare values of their push setup's list, not each value behind its code.
    pub push_list: bool,
    /// A meter pushes at every so-many-th second of true time, each a little later than the one before.
    pub push_every: u32,
}

impl Default for Lines {
    fn default() -> Self {
        Self { meters_per_line: 1, gateway_sessions: 4, push: None, push_list: false, push_every: 1800 }
    }
}

/// Where pushes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushTo {
    /// Over UDP, not TCP.
    pub udp: bool,
    /// Where.
    pub address: SocketAddr,
}

impl FromStr for PushTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (udp, host) = match text.split_once("://") {
            None | Some(("tcp", _)) => (false, text.strip_prefix("tcp://").unwrap_or(text)),
            Some(("udp", host)) => (true, host),
            Some((scheme, _)) => return Err(format!("`{scheme}` carries no pushes: write tcp:// or udp://")),
        };
        let address = host.parse().map_err(|_| {
            format!("`{host}` is no address with a port, such as 127.0.0.1:4059 or [::1]:4059")
        })?;
        Ok(Self { udp, address })
    }
}

/// First physical address on a virtual bus: those below are kept for special purposes.
pub(super) const FIRST_PHYSICAL: u16 = 17;
/// Network id of a virtual concentrator.
pub(super) const NETWORK: u8 = 1;
