//! Octets into the sign-on of an optical probe.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::protocol::iec62056_21::{Confirmation, Identification};

fuzz_target!(|octets: &[u8]| {
    if let Some(found) = Identification::find(octets) {
        let _ = (found.speed(), found.to_string());
    }
    let _ = Confirmation::find(octets);
});
