//! Octets as a list of holidays, a table or a calendar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::scheme::{SpecialDay, read_holidays};

fuzz_target!(|octets: &[u8]| {
    let found = read_holidays(octets);
    let there = [SpecialDay { date: "*-12-25".parse().expect("a pattern"), day_type: "D".to_owned() }];
    assert!(found.against(&there).count() == found.days.len());
    for year in [1970, 2026, 2190, 9999] {
        let _ = found.dates_from(year);
    }
    for day in &found.days {
        let again = read_holidays(format!("{},x\n", day.date).as_bytes());
        assert_eq!(
            again.days.first().map(|one| one.date),
            Some(day.date),
            "a date that is written is read back"
        );
    }
    for skipped in &found.skipped {
        let _ = skipped.to_string();
    }
});
