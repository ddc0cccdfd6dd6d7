//! The vendor's own way of loading an AS230 (`facts/elster-flag.md`, sections 12.3 and 12.4): a file of writes, page by
//! page, without a signature.
//!
//! Nothing of it is as safe as a signed package into a DLMS meter: nobody vouches for the file, no meter of this kind
//! has been seen by this program, the pages' size and their checksum's rule have not been published, and what the meter
//! does with half of a firmware is not known. So it is refused unless an administrator has switched it on, in words
//! that name the risk ([`RISK`], [`ACCEPTANCE`]); that is in the audit chain, and so is each loading.
//!
//! # The procedure
//!
//! 1. `Package`: the file is read whole and held against what such a file may say.
//! 2. `Identify`, `Backup`: serial number, firmware text, registers and clock, into the store.
//! 3. `Erase`: pages 0 to 63 are looked at, and those that are not blank erased, and looked at again.
//! 4. `Blocks`: the writes, in the file's order. ERR6 renews the password and is repeated at most twice. At the end of a
//!    page its checksum is compared; a difference ends it.
//! 5. `Activate`: only when every page came through.
//! 6. `Restart`: 20 seconds, then it is looked for.
//! 7. `Version`, `Check`: only another firmware text, or the one that was expected, is success; then the registers are
//!    compared with those before.
//!
//! # What broke off
//!
//! It does not go on in the middle: whether a write whose answer was lost was carried out, nobody knows, and a page that
//! is written twice is a mixture. The next attempt begins with erasing. Only a meter that was told to activate is not
//! loaded again before it was looked at.

mod file;
mod procedure;
#[cfg(test)]
mod tests;

pub use file::{VendorFile, VendorFileError, VendorPage, VendorWrite};
pub use procedure::{VendorJournal, VendorPlan, VendorState, load};

/// The store's setting that allows it.
pub const SETTING: &str = "firmware.vendor-procedures";
/// Its value where it is allowed.
pub const ALLOWED: &str = "allowed";

/// What may happen, for whoever switches it on.
pub const RISK: &str = "A vendor's file is not signed: nobody vouches for what it does to a meter. The procedure comes \
    from one public source and was never tried on a meter by the makers of this program. A file that is not for the \
    meter, or a line that fails at the wrong moment, can leave a meter that measures nothing and answers nobody, and \
    that only its maker can repair. Try it first on a meter that nobody is billed by.";

/// What has to be typed to switch it on.
pub const ACCEPTANCE: &str = "a meter can be lost";

/// Whether what was typed is [`ACCEPTANCE`]: case, and blanks around it, do not count.
#[must_use]
pub fn is_accepted(typed: &str) -> bool {
    typed.trim().trim_end_matches('.').eq_ignore_ascii_case(ACCEPTANCE)
}
