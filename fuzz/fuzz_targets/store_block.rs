//! Octets as a day's block of intervals.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| meterwright_fuzz::day_block(octets));
