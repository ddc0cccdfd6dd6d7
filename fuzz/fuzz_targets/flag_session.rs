//! Whole sessions with an Elster meter whose answers are changed on their way, and octets to a virtual one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright_fuzz::{Changes, FlagLineTo, NOW, Tape, flag_session, flag_template, run, station};

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape::new(octets);
    let (mode, which) = (tape.octet(), tape.octet());
    let template = flag_template(which);
    if mode & 0x80 != 0 {
        let mut station = station(template);
        let now = std::time::Instant::now();
        while !tape.is_empty() {
            station.take(tape.piece(), now, NOW.as_millisecond());
        }
        return;
    }
    let changes = Changes::read(&mut tape);
    let _ = run(async { flag_session(mode, template, &mut FlagLineTo::new(template, changes)).await });
});
