//! Octets into the wrapper's decoder and the gateway's prefix.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::protocol::gateway;
use meterwright::protocol::wrapper::WrapperDecoder;

fuzz_target!(|octets: &[u8]| {
    let mut decoder = WrapperDecoder::new(1024);
    for chunk in octets.chunks(13) {
        decoder.push(chunk);
        while let Some(frame) = decoder.next_frame() {
            let _ = gateway::unwrap(&frame.apdu);
        }
    }
});
