//! Any bytes as A-XDR data: no panic, no allocation beyond what came, and what is read is written back as it means.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::protocol::dlms::Data;
use meterwright::protocol::dlms::table::{Table, unfolded};

fuzz_target!(|bytes: &[u8]| {
    let _ = Data::decode_lenient(bytes);
    let _ = unfolded(bytes);
    if let Ok(Some(table)) = Table::decode(bytes) {
        assert!(table.used <= bytes.len());
        for field in table.rows().flat_map(|row| row.fields().collect::<Vec<_>>()) {
            let _ = (field.data(), field.integer(), field.date_time());
        }
    }
    if let Ok((value, used)) = Data::decode(bytes) {
        assert!(used <= bytes.len());
        let written = value.to_bytes();
        // As many octets as came: how many values may take no octets follows from them.
        let padded = [written.as_slice(), vec![0; bytes.len()].as_slice()].concat();
        let (again, length) = Data::decode(&padded).expect("what was written is read");
        assert_eq!(length, written.len());
        // Compared as bytes: a float that is not a number equals nothing.
        assert_eq!(again.to_bytes(), written);
    }
});
