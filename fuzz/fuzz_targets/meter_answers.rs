//! Whole sessions with a DLMS meter whose answers are changed on their way: whatever it says, a session ends, with a
//! fault or without, and what it gave the sink keeps the sink's promises and goes into a day's block and back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright_fuzz::{Changes, Line, Tape, meter, run, session};

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape::new(octets);
    let (mode, variant) = (tape.octet(), tape.octet());
    let changes = Changes::read(&mut tape);
    let outcome = run(async { session(mode, variant, &mut Line::new(meter(variant), changes)).await });
    if let Err(fault) = outcome {
        assert!(!fault.message.is_empty(), "a fault says what");
    }
});
