//! Octets as a scheme file, a price file, a load profile and events; what is understood goes through the checks, is
//! written and read again, and takes a load profile.
#![no_main]

use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use meterwright::scheme;

const LOAD: &[u8] = b"end,active_import\n2026-11-22T00:30:00Z,500\n2026-11-22T01:00:00Z,700\n";

fuzz_target!(|octets: &[u8]| {
    let checked = scheme::check_file(octets, date(2026, 11, 22));
    if let Some(document) = &checked.document {
        let text = scheme::write(document);
        let again = scheme::read(text.as_bytes()).expect("what was written is read");
        assert_eq!(&again, document);
        if let (false, Ok(load)) = (checked.has_errors(), scheme::read_profile(LOAD)) {
            // A scheme without errors may still name a period that the engine refuses: that is told, not a panic.
            let _ = scheme::dry_run(document, &load, &[]);
        }
    }
    if let Ok(prices) = scheme::read_prices(octets) {
        let text = scheme::write_prices(&prices);
        assert_eq!(scheme::read_prices(text.as_bytes()).as_ref(), Ok(&prices));
    }
    let _ = scheme::read_profile(octets);
    let _ = scheme::read_events(octets);
});
