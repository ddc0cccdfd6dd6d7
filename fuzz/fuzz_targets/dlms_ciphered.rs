//! Any bytes as a ciphered APDU under known keys: no panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::model::{Security, SystemTitle};
use meterwright::protocol::dlms::Apdu;
use meterwright::protocol::dlms::security::{CipherContext, SuiteKey};

fuzz_target!(|bytes: &[u8]| {
    let mut context =
        CipherContext::new(Security::Encrypted, SystemTitle([1; 8]), SuiteKey::new([2; 16], [3; 16]));
    context.peer_title = Some(SystemTitle([4; 8]));
    if let Ok((Apdu::Ciphered(ciphered), _)) = Apdu::decode(bytes)
        && let Ok(plain) = context.unprotect(&ciphered)
    {
        let _ = Apdu::decode(&plain);
    }
});
