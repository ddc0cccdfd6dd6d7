//! Octets as a list of meters: cells, the meaning of columns, and what the rows would do, however they are taken.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use meterwright::export::roster::{
    Choices, Empty, Encoding, Fate, Key, Known, Separator, Sheet, Style, guess, matching_to_keep, plan,
    write_rejected,
};
use meterwright::model::{MeterConfig, MeterId, PointDetails, PointId, RatioHistory};
use meterwright::store::ListedMeter;

fn listed(id: i64, name: &str, serial: &str) -> ListedMeter {
    let mut config = MeterConfig::new(name, format!("tcp://10.0.0.{id}:4059").parse().expect("a line"));
    config.serial = Some(serial.to_owned());
    ListedMeter {
        id: MeterId(id),
        config,
        point: Some(PointId(id)),
        details: PointDetails::default(),
        has_ratio: false,
        ratios: RatioHistory::default(),
    }
}

fuzz_target!(|octets: &[u8]| {
    let looks = Style::detect(octets);
    for (encoding, _) in Encoding::ALL {
        let _ = Sheet::read(octets, Style { encoding, ..looks });
    }
    for (separator, _) in Separator::ALL {
        let _ = Sheet::read(octets, Style { separator, ..looks });
    }
    let Ok(sheet) = Sheet::read(octets, looks) else { return };
    let columns = guess(&sheet.header, &BTreeMap::new());
    let kept = matching_to_keep(&sheet.header, &columns);
    let _ = guess(&sheet.header, &kept);
    let meters = [listed(1, "A", "1"), listed(2, "B", "2")];
    for (key, known, empty) in [
        (Key::Name, Known::AddOnly, Empty::Leave),
        (Key::Name, Known::AddAndUpdate, Empty::Clear),
        (Key::Serial, Known::UpdateOnly, Empty::Leave),
    ] {
        let decimal = looks.decimal;
        let choices = Choices { columns: columns.clone(), decimal, key, known, empty, ..Choices::default() };
        let plan = plan(&sheet, &meters, &choices);
        let fates = plan.rows.iter().filter(|row| matches!(row.fate, Fate::New)).count();
        assert_eq!((fates, plan.counts.new), (plan.changes.add.len(), plan.changes.add.len()));
        let mut out = Vec::new();
        write_rejected(&sheet, &plan, looks.separator, &mut out).expect("octets are written");
    }
});
