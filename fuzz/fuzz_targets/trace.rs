//! Octets of a trace in words, alone and as the records of a session; and what goes into a trace masked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::comms::trace::{Follower, decode, hex};
use meterwright::store::TraceRecord;
use meterwright_fuzz::{NOW, Tape};

fuzz_target!(|octets: &[u8]| {
    for layer in decode(octets) {
        let _ = layer.lines();
    }
    let mut tape = Tape::new(octets);
    let mut follower = Follower::default();
    while !tape.is_empty() {
        let (how, start, length) = (tape.octet(), tape.octet(), tape.octet());
        let bytes = tape.take(usize::from(how >> 1)).to_vec();
        let masked = if start == 0 { Vec::new() } else { vec![(u32::from(start), u32::from(length))] };
        let _ = hex(&bytes, &masked);
        let record = TraceRecord { at: NOW, sent: how & 1 == 0, bytes, masked, note: None };
        for layer in follower.follow(&record) {
            let _ = layer.lines();
        }
    }
});
