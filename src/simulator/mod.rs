//! Virtual meters that speak the real protocols on real sockets (floor 4).

use std::net::SocketAddr;

use crate::model::{MeterConfig, MeterSecrets, SystemTitle};

mod clock;
mod electrical;
pub mod faults;
mod load;
mod meter;
mod noise;
mod objects;
mod outage;
pub mod quirks;
mod record;
pub mod server;
mod settings;

/// Password of low-level authentication, and shared secret of MD5, SHA-1 and SHA-256.
pub const PASSWORD: &[u8] = b"12345678";
/// Global unicast encryption key: that of the Green Book's examples.
pub const ENCRYPTION_KEY: [u8; 16] =
    [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F];
/// Authentication key: that of the Green Book's examples.
pub const AUTHENTICATION_KEY: [u8; 16] =
    [0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF];
/// System title of the client in associations that are there without AARQ.
pub const CLIENT_TITLE: SystemTitle = SystemTitle(*b"MTW\x00\x00\x00\x00\x01");

/// How to make a fleet.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// How many meters.
    pub meters: u32,
    /// Template whose model they play.
    pub template: String,
    /// Where to listen; port 0 lets the system choose one for each meter, another is the first of a row.
    pub listen: SocketAddr,
    /// What hangs on the sockets.
    pub framing: Framing,
    /// Everything that looks like chance follows from it.
    pub seed: u64,
    /// Faults, as `simulate --fault` takes them.
    pub faults: Vec<String>,
}

/// What a virtual meter speaks below DLMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Wrapper over TCP.
    Wrapper,
    /// HDLC over TCP.
    Hdlc,
    /// HDLC over a pseudo-terminal.
    Pty,
}

/// One way into a virtual meter.
#[derive(Clone, Debug)]
pub struct SimulatedMeter {
    /// Settings that let this program read it with high-level authentication where `secrets` has keys.
    pub config: MeterConfig,
    /// Its secrets.
    pub secrets: MeterSecrets,
}

/// A running fleet; dropping it stops it.
#[derive(Debug)]
pub struct Fleet {}

impl Fleet {
    /// Starts the meters on a thread of their own.
    ///
    /// # Errors
    /// A socket cannot be opened or a fault is not known, in words.
    pub fn start(options: &FleetOptions) -> Result<Self, String> {
        let _ = options;
        unimplemented!()
    }

    /// The meters, as this program would be told of them.
    #[must_use]
    pub fn meters(&self) -> &[SimulatedMeter] {
        unimplemented!()
    }
}
