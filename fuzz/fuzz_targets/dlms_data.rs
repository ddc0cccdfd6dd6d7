//! Any bytes as A-XDR data: no panic, no allocation beyond what came, and what is read is written back as it means.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::protocol::dlms::Data;

fuzz_target!(|bytes: &[u8]| {
    let _ = Data::decode_lenient(bytes);
    if let Ok((value, used)) = Data::decode(bytes) {
        assert!(used <= bytes.len());
        let written = value.to_bytes();
        let (again, length) = Data::decode(&written).expect("what was written is read");
        assert_eq!(length, written.len());
        // Compared as bytes: a float that is not a number equals nothing.
        assert_eq!(again.to_bytes(), written);
    }
});
