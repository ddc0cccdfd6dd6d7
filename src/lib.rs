//! Meterwright reads and programs electricity meters.
//!
//! # The map
//!
//! A module uses its own floor only where this table says so, and those below; never one above
//! (`tests/architecture.rs` reads the `use crate::…` lines and fails on an arrow that points up).
//!
//! | floor | module | holds | may use |
//! | --- | --- | --- | --- |
//! | 5 | [`cli`] | the command line, which also opens the windows | gui, and everything below |
//! | 5 | [`gui`] | the windows | everything below |
//! | 4 | [`comms`] | the background communications thread | drivers, firmware, transport, store, vault |
//! | 4 | [`simulator`] | virtual meters on real sockets | protocol, scheme, transport |
//! | 3 | [`drivers`] | meter families | protocol, scheme, model |
//! | 3 | [`firmware`] | signed packages, the flashing procedure and its resumable state | drivers, vault, protocol, scheme, model |
//! | 3 | [`export`] | readings as files, schemes as prints, the list of meters out and in | scheme, store, model |
//! | 2 | [`protocol`] | bytes ⇄ meaning, sans-IO | model |
//! | 2 | [`transport`] | serial ports, TCP, the tap | model |
//! | 2 | [`scheme`] | scheme documents | model |
//! | 2 | [`store`] | SQLite | model |
//! | 2 | [`vault`] | secrets at rest | model |
//! | 1 | [`model`] | the words of the trade | nothing |
//!
//! ```text
//! bytes ─ transport ─ protocol ─ driver ─┐                     ┌─ gui (reads the store, listens to progress)
//!                                        ├─ comms ─── store ───┤
//!  user ─ gui / cli ── Job ──────────────┘                     └─ export, evidence
//! ```

pub mod cli;
pub mod comms;
pub mod drivers;
pub mod export;
pub mod firmware;
pub mod gui;
pub mod model;
pub mod protocol;
pub mod scheme;
pub mod simulator;
pub mod store;
pub mod transport;
pub mod vault;

/// Version and commit, as *About* and `--version` show them.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("METERWRIGHT_COMMIT"), ")");
