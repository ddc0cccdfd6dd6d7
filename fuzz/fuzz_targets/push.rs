//! Any bytes as a message that a meter sends unasked: taken apart, and made into readings.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use meterwright::drivers::dlms::push::{Rows, brought, take_apart};
use meterwright::model::{CaptureObject, Knowledge, Obis, ScalerUnit, Unit};
use meterwright::protocol::dlms::{Apdu, Notification};
use meterwright_fuzz::{NOW, access};

fn lists() -> BTreeMap<Obis, Vec<CaptureObject>> {
    let one = |class_id, obis: &str, attribute| CaptureObject {
        class_id,
        obis: obis.parse().expect("a code"),
        attribute,
        data_index: 0,
    };
    let list = vec![
        one(40, "0-0:25.9.0*255", 1),
        one(8, "0-0:1.0.0*255", 2),
        one(3, "1-0:1.8.0*255", 2),
        one(3, "1-0:1.8.0*255", 3),
        one(7, "1-0:99.1.0*255", 2),
    ];
    BTreeMap::from([("0-0:25.9.0*255".parse().expect("a code"), list)])
}

fuzz_target!(|octets: &[u8]| {
    let told = match Apdu::decode(octets) {
        Ok((Apdu::DataNotification(told), _)) => Notification::Data(told),
        Ok((Apdu::EventNotification(told), _)) => Notification::Event(told),
        _ => return,
    };
    let energy: Obis = "1-0:1.8.0*255".parse().expect("a code");
    let mut known = Knowledge { push_lists: lists(), ..Knowledge::default() };
    known.scalers.insert(energy, ScalerUnit { scaler: 0, unit: Unit::WH });
    for lists in [&BTreeMap::new(), &lists()] {
        let push = take_apart(&told, lists);
        for knowledge in [&Knowledge::default(), &known] {
            let brought = brought(&push, &access("dlms-generic"), knowledge, NOW).expect("the zone is there");
            for rows in brought.rows {
                if let Rows::Intervals(layout, rows) = rows {
                    assert!(rows.iter().all(|row| row.values.len() == layout.channels.len()));
                }
            }
        }
    }
});
