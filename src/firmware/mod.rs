//! Firmware: signed packages, and the procedure by which one comes into a meter (floor 3).
//!
//! | file | holds |
//! | --- | --- |
//! | `package` | the package's file: written, read as a stream, judged |
//! | `manifest` | what a package says of its image, and for which meters it is |
//! | `keys` | keys that sign, as files, and keys that are trusted |
//! | `maker` | the maker's own signature within an image, and the keys that are trusted to make it |
//! | `version` | which of two versions is the later one |
//! | `fit` | whether a package suits a meter |
//! | `state` | how far one meter's flash has come: all that a later session needs to go on |
//! | `resume` | where a flash goes on, from its state and from what the meter says |
//! | `procedure` | the phases of a flash, from the check of the package to the check of the registers |
//! | `transfer` | the phases in the middle: enable, initiate, blocks, sweep, verify, compare |
//! | `vendor` | the vendor's own, unsigned procedure for an AS230, behind an administrator's switch |
//! | `backup` | what is read before and after, and compared |
//!
//! # What is promised
//!
//! * Nothing is sent to a meter that the package is not for, or before its registers are in the store.
//! * What the meter would activate is compared with the package before it is told to.
//! * Only the version that is read after the restart makes a success.
//! * A flash that broke off goes on where the meter says that it stands. It is initiated again only where the meter
//!   holds no transfer, or one that is not this package's.

mod backup;
mod fit;
pub mod keys;
mod maker;
mod manifest;
pub mod package;
mod procedure;
mod resume;
mod state;
mod transfer;
pub mod vendor;
pub mod version;

pub use fit::{Fit, judge as judge_fit};
pub use keys::{KeyError, KeyId, SigningKeyFile, TrustedKey, is_name as is_key_name};
pub use maker::{MakerKey, POINT_BYTES, PublicKeyFile, check_image};
pub use manifest::{Draft, Hex, Manifest};
pub use package::{Package, PackageError};
pub use procedure::{Backup, FlashPlan, Journal, flash};
pub use state::{FlashState, Initiated, KeptVersions};
