//! Octets as a template file: whatever is wrong with it is told, and what passes is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::model::Template;
use meterwright::model::template::{check::check_bytes, describe, differences, written};

fuzz_target!(|octets: &[u8]| {
    let checked = check_bytes(octets);
    assert_eq!(checked.template.is_none(), checked.has_errors());
    if let Some(template) = &checked.template {
        let again = Template::parse("again", &written(template)).expect("what was written is read");
        assert_eq!(&again, template);
        assert!(differences(&again, template).is_empty());
        let _ = describe(template);
    }
});
