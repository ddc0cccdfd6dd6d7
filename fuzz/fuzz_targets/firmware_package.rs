//! Octets as a firmware package: opened, judged, and its image read.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use meterwright::firmware::Package;

fuzz_target!(|octets: &[u8]| {
    if let Ok(package) = Package::from_bytes(octets.to_vec()) {
        let _ = package.judge(&[], Timestamp::UNIX_EPOCH);
        let mut at = 0;
        while let Ok(bytes) = package.image(at, 1000) {
            if bytes.is_empty() {
                break;
            }
            at += bytes.len() as u64;
        }
    }
});
