//! Virtual meters that speak the real protocols on real sockets (floor 4).
//!
//! # Who may read them
//!
//! | client SAP | authentication | may |
//! | --- | --- | --- |
//! | 16 | none | read everything (a narrower choice is a setting of the [`World`]) |
//! | 17, 32 | low, password `12345678` | read everything |
//! | 33, 34, 35 | high MD5, SHA-1, SHA-256, secret `12345678` | everything |
//! | 36 | high GMAC | everything |
//! | 1 | high GMAC; also SHA-256, SHA-1, MD5, low | everything |
//!
//! The keys are those of the Green Book's examples: encryption `000102030405060708090A0B0C0D0E0F`, authentication
//! `D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF`. Server SAP 1. The wrapper's default port is not used: see the options. The
//! meters of a fleet are right or wrong as [`faults`] and [`quirks`] say.
//!
//! # Inside
//!
//! ```text
//! load, outage, electrical ─ record ─ objects ─ meter ─ server ─ port ─ net ─ Fleet
//!                     clock ───┘                 (DLMS)  (HDLC, wrapper, faults)
//! ```
//!
//! Everything that looks like chance follows from the seed. No meter remembers what it can reckon: a register at any
//! second is the exact sum of the energies since installation, and any interval is the difference of two.

use std::net::{Ipv4Addr, SocketAddr};

use crate::model::{MeterConfig, MeterSecrets, SystemTitle};

mod clock;
mod contactor;
mod electrical;
mod emulator;
pub mod faults;
mod firmware;
pub mod flag;
mod fleet;
mod image_faults;
mod lines;
mod load;
mod memory_fleet;
mod meter;
mod modem;
mod net;
mod noise;
mod objects;
mod outage;
mod port;
pub mod quirks;
mod record;
pub mod server;
mod settings;
mod sign_on;
mod tariff;
mod world;

pub use clock::Grid;
pub use firmware::{BLOCK_BYTES, FIRST_VERSION, Firmware, IMAGE_HEADER, WRONG_VERSION};
pub use fleet::Fleet;
pub use lines::{Lines, PushTo};
pub use load::{Energies, Premises};
pub use memory_fleet::MemoryFleet;
pub use meter::{LOAD_PROFILE, Rights, VirtualMeter, load_quantities};
pub use net::{serve_packets, serve_stream};
pub use objects::Quantity;
pub use record::{Interval, Log, LogEntry, Maxima, Maximum, Moment, Record};
pub use server::{SharedMeter, lock};
pub use settings::Settings;
pub use world::{SimulationClock, World};

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

impl FleetOptions {
    /// The fleet of `--demo`, with windows and without: 200 meters on ports of this computer that the system chooses.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            meters: 200,
            template: "dlms-generic".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            framing: Framing::Wrapper,
            seed: 1,
            faults: Vec::new(),
        }
    }
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
    /// Wrapper over UDP.
    Udp,
    /// IEC 62056-21 over TCP, for Elster meters; over a pseudo-terminal it is [`Framing::Pty`].
    Flag,
    /// HDLC, or IEC 62056-21 for Elster meters, behind one AT modem on a pseudo-terminal.
    Modem,
}

/// One way into a virtual meter.
#[derive(Clone, Debug)]
pub struct SimulatedMeter {
    /// Settings that let this program read it with high-level authentication where `secrets` has keys.
    pub config: MeterConfig,
    /// Its secrets.
    pub secrets: MeterSecrets,
}
