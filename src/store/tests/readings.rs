//! Registers, billing sets, events and clocks.

use proptest::prelude::*;

use crate::model::{
    BillingSet, ClockReading, Decimal, MeterEvent, Obis, ReadingValue, RegisterReading, Side, Unit,
};
use crate::store::columns::{value_from_text, value_to_text};

use super::*;

const IMPORT: Obis = Obis::new(1, 0, 1, 8, 0, 255);
const MAXIMUM: Obis = Obis::new(1, 0, 1, 6, 0, 255);
const BILLING: Obis = Obis::new(0, 0, 98, 1, 0, 255);
const LOG: Obis = Obis::new(0, 0, 99, 98, 0, 255);

fn reading(obis: Obis, value: ReadingValue, read_at: &str) -> RegisterReading {
    RegisterReading {
        obis,
        attribute: 2,
        name: "Active import energy".to_owned(),
        value,
        unit: Unit::WH,
        side: Side::Secondary,
        read_at: at(read_at),
        stamp: None,
    }
}

fn number(mantissa: i128, exponent: i8) -> ReadingValue {
    ReadingValue::Number(Decimal::new(mantissa, exponent))
}

fn same_digits(left: &ReadingValue, right: &ReadingValue) -> bool {
    match (left, right) {
        (ReadingValue::Number(left), ReadingValue::Number(right)) => {
            (left.mantissa(), left.exponent()) == (right.mantissa(), right.exponent())
        }
        _ => left == right,
    }
}

#[test]
fn the_latest_reading_of_each_register_is_shown_and_all_are_kept() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    let stamped = RegisterReading {
        stamp: Some((stamp("2026-11-21T18:30:00"), at("2026-11-21T17:30:00Z"))),
        attribute: 5,
        side: Side::Primary,
        ..reading(MAXIMUM, ReadingValue::Stamp(stamp("2026-11-21T18:30:00")), "2026-11-22T10:00:00Z")
    };
    let first = reading(IMPORT, number(12345, -1), "2026-11-22T10:00:00Z");
    let second = reading(IMPORT, number(12346, -1), "2026-11-22T11:00:00Z");
    assert_eq!(store.put_registers(id, &[first.clone(), stamped.clone()], false).unwrap(), 2);
    assert_eq!(store.put_registers(id, std::slice::from_ref(&second), false).unwrap(), 1);
    assert_eq!(store.registers(id, false).unwrap(), [stamped, second.clone()]);
    assert!(store.registers(id, true).unwrap().is_empty());
    let all = |from, to| store.register_history(id, IMPORT, at(from), at(to)).unwrap();
    assert_eq!(all("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"), [first.clone(), second]);
    assert_eq!(all("2026-11-22T00:00:00Z", "2026-11-22T10:30:00Z"), [first]);
}

#[test]
fn a_reading_taken_while_the_computers_clock_was_behind_is_still_the_latest() {
    let (mut scratch, id) = Scratch::with_meter();
    let readings = [
        reading(IMPORT, number(1, 0), "2026-11-22T10:00:00Z"),
        RegisterReading {
            name: "Import".to_owned(),
            ..reading(IMPORT, number(2, 0), "2000-01-01T00:00:00Z")
        },
    ];
    for reading in &readings {
        scratch.store.put_registers(id, std::slice::from_ref(reading), false).unwrap();
    }
    assert_eq!(scratch.store.registers(id, false).unwrap(), readings[1..], "under its new name, too");
}

#[test]
fn readings_are_neither_changed_nor_deleted() {
    let (mut scratch, id) = Scratch::with_meter();
    let first = reading(IMPORT, number(1, 0), "2026-11-22T10:00:00Z");
    scratch.store.put_registers(id, &[first], false).unwrap();
    for sql in ["UPDATE reading SET value = '\"absent\"'", "DELETE FROM reading"] {
        assert!(scratch.store.connection.execute(sql, ()).is_err(), "{sql}");
    }
}

#[test]
fn a_removed_meters_readings_stay_as_evidence() {
    let (mut scratch, id) = Scratch::with_meter();
    let first = reading(IMPORT, number(1, 0), "2026-11-22T10:00:00Z");
    scratch.store.put_registers(id, std::slice::from_ref(&first), false).unwrap();
    scratch.store.remove_meter(id).unwrap();
    assert_eq!(scratch.store.registers(id, false).unwrap(), [first]);
}

#[test]
fn readings_of_a_meter_that_never_was_are_refused() {
    let mut scratch = Scratch::new();
    let first = reading(IMPORT, number(1, 0), "2026-11-22T10:00:00Z");
    let error = scratch.store.put_registers(MeterId(77), &[first], false).unwrap_err().to_string();
    assert!(error.contains("77"), "{error}");
}

fn billing_set(value: i128) -> BillingSet {
    BillingSet {
        profile: BILLING,
        at: at("2026-10-31T23:00:00Z"),
        stamp: Some(stamp("2026-11-01T00:00:00")),
        registers: vec![
            reading(MAXIMUM, number(5, 0), "2026-11-22T10:00:00Z"),
            reading(IMPORT, number(value, -3), "2026-11-22T10:00:00Z"),
            reading(IMPORT, number(value + 1, -3), "2026-11-22T10:00:00Z"),
        ],
    }
}

fn later(mut set: BillingSet) -> BillingSet {
    set.registers.iter_mut().for_each(|reading| reading.read_at = at("2026-12-01T00:00:00Z"));
    set
}

#[test]
fn a_billing_set_is_stored_once_however_often_it_is_read() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    let set = billing_set(12_345);
    assert_eq!(store.put_billing(id, std::slice::from_ref(&set)).unwrap(), 3);
    assert_eq!(store.put_billing(id, &[later(set.clone())]).unwrap(), 0);
    assert_eq!(store.put_billing(id, &[BillingSet { stamp: None, ..set.clone() }]).unwrap(), 0);
    assert_eq!(store.billing(id, at("2026-10-01T00:00:00Z"), set.at).unwrap(), std::slice::from_ref(&set));
    assert!(store.billing(id, set.at, at("2026-12-01T00:00:00Z")).unwrap().is_empty());
}

#[test]
fn a_billing_set_that_reads_differently_later_keeps_both_versions() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    store.put_billing(id, &[billing_set(12_345)]).unwrap();
    let mut changed = later(billing_set(12_345));
    changed.registers[2].value = number(99, -3);
    changed.registers.push(reading(LOG, number(1, 0), "2026-12-01T00:00:00Z"));
    assert_eq!(store.put_billing(id, std::slice::from_ref(&changed)).unwrap(), 2);
    let held = store.billing(id, Timestamp::MIN, Timestamp::MAX).unwrap();
    assert_eq!(held[0].registers[..2], billing_set(12_345).registers[..2]);
    assert_eq!(held[0].registers[2..], changed.registers[2..]);
    let versions: i64 =
        store.connection.query_row("SELECT count(*) FROM billing_register", (), |row| row.get(0)).unwrap();
    assert_eq!(versions, 5);
}

fn event(code: Option<u32>, when: &str, detail: &[&str]) -> MeterEvent {
    MeterEvent {
        log: LOG,
        code,
        text: "Supply failed".to_owned(),
        at: at(when),
        stamp: Some(stamp("2026-11-22T10:00:00")),
        until: None,
        detail: detail.iter().map(|text| (*text).to_owned()).collect(),
    }
}

#[test]
fn an_event_is_stored_once_and_events_that_differ_are_all_kept() {
    let (mut scratch, id) = Scratch::with_meter();
    let store = &mut scratch.store;
    let events = [
        event(Some(1), "2026-11-22T09:00:00Z", &[]),
        event(Some(2), "2026-11-22T09:00:00Z", &[]),
        event(None, "2026-11-22T09:00:00Z", &["phase: L1"]),
        event(None, "2026-11-22T09:00:00Z", &["phase: L2"]),
        MeterEvent { stamp: None, ..event(Some(1), "2026-11-22T09:00:00Z", &[]) },
        event(Some(1), "2026-11-22T09:00:01Z", &[]),
    ];
    assert_eq!(store.put_events(id, &events).unwrap(), 6);
    let renamed = events.clone().map(|event| MeterEvent { text: "Other words".to_owned(), ..event });
    assert_eq!(store.put_events(id, &renamed).unwrap(), 0);
    let held = store.events(id, at("2026-11-22T08:59:59Z"), at("2026-11-22T09:00:00Z")).unwrap();
    assert_eq!(held, events[..5]);
    assert_eq!(store.last_end(id, LOG).unwrap(), Some(at("2026-11-22T09:00:01Z")));
}

#[test]
fn the_end_of_an_event_is_filled_in_when_it_becomes_known() {
    let (mut scratch, id) = Scratch::with_meter();
    let open = event(Some(1), "2026-11-22T09:00:00Z", &[]);
    let ended = MeterEvent { until: Some(at("2026-11-22T09:30:00Z")), ..open.clone() };
    scratch.store.put_events(id, std::slice::from_ref(&open)).unwrap();
    assert_eq!(scratch.store.put_events(id, &[ended.clone(), open]).unwrap(), 0);
    assert_eq!(scratch.store.events(id, Timestamp::MIN, Timestamp::MAX).unwrap(), [ended]);
}

#[test]
fn the_last_clock_comparison_is_the_meters_drift() {
    let (mut scratch, id) = Scratch::with_meter();
    let clock = |read_at: &str| ClockReading {
        stamp: stamp("2026-11-22T11:00:00"),
        meter_utc: at("2026-11-22T10:00:00Z"),
        read_at: at(read_at),
        uncertainty_ms: 40,
        sign_looks_inverted: false,
    };
    let (first, second) = (clock("2026-11-22T09:59:50Z"), clock("2026-11-22T10:00:02.5Z"));
    scratch.store.put_clock(id, &first).unwrap();
    scratch.store.put_clock(id, &second).unwrap();
    assert_eq!(scratch.store.meter(id).unwrap().unwrap().drift_ms, Some(-2500));
    assert_eq!(scratch.store.clock_readings(id, 10).unwrap(), [second.clone(), first]);
    assert_eq!(scratch.store.clock_readings(id, 1).unwrap(), [second]);
}

#[test]
fn settings_of_the_program_are_kept_and_replaced() {
    let mut scratch = Scratch::new();
    assert_eq!(scratch.store.setting("theme").unwrap(), None);
    scratch.store.put_setting("theme", "light").unwrap();
    scratch.store.put_setting("theme", "dark").unwrap();
    assert_eq!(scratch.again().setting("theme").unwrap().as_deref(), Some("dark"));
}

#[test]
fn every_kind_of_value_comes_back_as_it_was() {
    for value in [
        number(i128::MIN, i8::MIN),
        number(i128::MAX, i8::MAX),
        number(10, -1),
        number(7, 3),
        ReadingValue::Text("Zähler \"1\"\n".to_owned()),
        ReadingValue::Bytes(vec![0, 255, 7]),
        ReadingValue::Stamp(MeterStamp {
            deviation_minutes: None,
            clock_status: None,
            ..stamp("2026-11-22T10:00:00.01")
        }),
        ReadingValue::Flag(true),
        ReadingValue::Absent,
    ] {
        let back = value_from_text(&value_to_text(&value).unwrap()).unwrap();
        assert!(same_digits(&back, &value), "{value:?} came back as {back:?}");
    }
}

proptest! {
    #[test]
    fn every_number_comes_back_digit_by_digit(mantissa: i128, exponent: i8) {
        let value = number(mantissa, exponent);
        prop_assert!(same_digits(&value_from_text(&value_to_text(&value).unwrap()).unwrap(), &value));
    }

    #[test]
    fn a_damaged_value_is_an_error_and_no_panic(text in ".{0,40}") {
        let _ = value_from_text(&text);
    }
}
