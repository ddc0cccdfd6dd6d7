//! Any bytes as an APDU, in both directions: no panic, and what is read is written back as it means.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::protocol::dlms::Apdu;
use meterwright::protocol::dlms::apdu::{ActionOutcome, decode_get_results, decode_values};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_get_results(bytes);
    let _ = decode_values(bytes);
    let _ = ActionOutcome::decode(bytes);
    if let Ok((apdu, used)) = Apdu::decode(bytes) {
        assert!(used <= bytes.len());
        let written = apdu.encode();
        let (again, _) = Apdu::decode(&written).expect("what was written is read");
        assert_eq!(again.encode(), written);
    }
});
