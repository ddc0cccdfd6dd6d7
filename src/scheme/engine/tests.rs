use jiff::civil::date;
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::model::{IntervalStatus, Obis};
use crate::scheme::document::{
    BillingDate, CustomerDefined, DemandRegister, EnergyRegister, Latent, Season, Switch, Tariff,
};
use crate::scheme::testing;

const IMPORT: Source = Source::ActiveImport;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Night (R1) to 07:00, day (R2 and M1) from then, in UTC.
fn day_night() -> Document {
    let mut document = Document::blank("dlms-generic", "UTC");
    let mut day = document.registers.energy[0].clone();
    day.id = "R2".to_owned();
    document.registers.energy.push(day);
    document.registers.demand.push(DemandRegister {
        id: "M1".to_owned(),
        title: String::new(),
        source: IMPORT,
        obis: Obis::new(1, 0, 1, 6, 1, 255),
        highest: 3,
    });
    let switch = |at: &str, on: &[&str]| Switch {
        at: at.parse().unwrap(),
        on: on.iter().map(|id| (*id).to_owned()).collect(),
    };
    document.tariff.day_types[0].switches = vec![switch("00:00", &["R1"]), switch("07:00", &["R2", "M1"])];
    document
}

fn dates(texts: &[&str]) -> Vec<BillingDate> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn engine(document: &Document, start: &str) -> Engine {
    Engine::new(document, Calendar::new(document).unwrap(), at(start), &[IMPORT]).unwrap()
}

/// Advances with so many Wh an hour, in steps of half an hour.
fn feed(engine: &mut Engine, to: &str, wh_an_hour: i128) {
    while engine.now() < at(to) {
        let next = (engine.now() + 30.minutes()).min(at(to));
        let seconds = i128::from(next.as_second() - engine.now().as_second());
        let energy = Decimal::new(wh_an_hour * seconds * 10i128.pow(6) / 3600, -6);
        engine.advance(next, &[(IMPORT, energy)]).unwrap();
    }
}

fn value(engine: &Engine, id: &str) -> String {
    let registers = engine.registers();
    let found = registers.iter().find(|register| register.id == id).unwrap();
    found.value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn peaks(value: &DemandValue) -> Vec<String> {
    value.highest.iter().map(|peak| format!("{} {}", peak.value, peak.at)).collect()
}

fn causes(sets: &[BillingSet]) -> Vec<String> {
    sets.iter().map(|set| format!("{} {}", set.at, set.cause.word())).collect()
}

fn words(log: &[LogEntry]) -> Vec<String> {
    log.iter().map(|entry| format!("{} {}", entry.at, entry.what.word())).collect()
}

#[test]
fn energy_goes_to_the_register_that_is_on() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    feed(&mut engine, "2026-03-03T00:00:00Z", 1000);
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("7000".to_owned(), "17000".to_owned()));
    assert_eq!(engine.totals()[0].value.to_string(), "24000");
}

#[test]
fn an_interval_across_a_switch_is_shared_by_time_to_the_last_digit() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T06:50:00Z");
    engine.advance(at("2026-03-02T07:20:00Z"), &[(IMPORT, "100.1".parse().unwrap())]).unwrap();
    assert_eq!(value(&engine, "R1"), "33.366666666");
    assert_eq!(value(&engine, "R2"), "66.733333334");
    assert_eq!(engine.totals()[0].value.to_string(), "100.1");
}

#[test]
fn energy_of_an_instant_goes_to_what_is_on_then() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T06:59:59Z");
    let pulse = [(IMPORT, Decimal::from(1))];
    engine.advance(at("2026-03-02T06:59:59Z"), &pulse).unwrap();
    engine.advance(at("2026-03-02T07:00:00Z"), &[]).unwrap();
    engine.advance(at("2026-03-02T07:00:00Z"), &pulse).unwrap();
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("1".to_owned(), "1".to_owned()));
}

#[test]
fn a_register_of_a_source_that_is_not_measured_has_no_value() {
    let mut document = day_night();
    document.registers.energy[1].source = Source::ReactiveQ1;
    document.registers.customer_defined = vec![CustomerDefined {
        id: "C1".to_owned(),
        title: String::new(),
        sources: vec![IMPORT, Source::ActiveExport],
    }];
    let engine = engine(&document, "2026-03-02T00:00:00Z");
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("0".to_owned(), "null".to_owned()));
    assert_eq!(value(&engine, "C1"), "null");
}

#[test]
fn a_customer_defined_register_adds_up_its_sources_and_can_be_switched_by_rate() {
    let mut document = day_night();
    document.registers.customer_defined = vec![CustomerDefined {
        id: "C1".to_owned(),
        title: String::new(),
        sources: vec![IMPORT, Source::ActiveExport],
    }];
    document.registers.energy[1].source = Source::CustomerDefined(1);
    let calendar = Calendar::new(&document).unwrap();
    let mut engine =
        Engine::new(&document, calendar, at("2026-03-02T06:30:00Z"), &[IMPORT, Source::ActiveExport])
            .unwrap();
    let energy = [(IMPORT, Decimal::from(30)), (Source::ActiveExport, Decimal::from(12))];
    engine.advance(at("2026-03-02T07:30:00Z"), &energy).unwrap();
    assert_eq!(value(&engine, "R1"), "15");
    assert_eq!(value(&engine, "R2"), "21");
    assert_eq!(value(&engine, "C1"), "42");
    let totals: Vec<String> =
        engine.totals().iter().map(|total| format!("{} {}", total.source, total.value)).collect();
    assert_eq!(totals, ["active_import 30", "active_export 12", "customer_defined_1 42"]);
    assert_eq!(engine.registers()[2].unit, Unit::WH);
}

#[test]
fn block_demand_keeps_the_highest_with_the_ends_of_their_periods() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T06:00:00Z");
    // 06:30 and 07:00 end while M1 is off; 08:30 and 09:00 are equal, and 08:30 came first.
    for (end, energy) in
        [("06:30", 900), ("07:00", 900), ("07:30", 100), ("08:00", 300), ("08:30", 200), ("09:00", 200)]
    {
        let end = at(&format!("2026-03-02T{end}:00Z"));
        engine.advance(end, &[(IMPORT, Decimal::from(energy))]).unwrap();
    }
    let demand = engine.demand();
    assert_eq!(demand[0].unit, Unit::W);
    assert_eq!(
        peaks(&demand[0]),
        ["600 2026-03-02T08:00:00Z", "400 2026-03-02T08:30:00Z", "400 2026-03-02T09:00:00Z"]
    );
}

#[test]
fn a_period_that_ends_as_the_register_switches_off_competes_and_one_that_begins_then_does_not() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T23:00:00Z");
    for (end, energy) in
        [("2026-03-02T23:30:00Z", 1), ("2026-03-03T00:00:00Z", 2), ("2026-03-03T00:30:00Z", 3)]
    {
        engine.advance(at(end), &[(IMPORT, Decimal::from(energy))]).unwrap();
    }
    assert_eq!(peaks(&engine.demand()[0]), ["4 2026-03-03T00:00:00Z", "2 2026-03-02T23:30:00Z"]);
}

#[test]
fn sliding_demand_moves_on_by_a_part_of_its_period() {
    let mut document = day_night();
    document.demand.sub_intervals = 3;
    let mut engine = engine(&document, "2026-03-02T07:00:00Z");
    for (end, energy) in [("07:10", 10), ("07:20", 20), ("07:30", 60), ("07:40", 50), ("07:50", 10)] {
        let end = at(&format!("2026-03-02T{end}:00Z"));
        engine.advance(end, &[(IMPORT, Decimal::from(energy))]).unwrap();
    }
    assert_eq!(
        peaks(&engine.demand()[0]),
        ["260 2026-03-02T07:40:00Z", "240 2026-03-02T07:50:00Z", "180 2026-03-02T07:30:00Z"]
    );
}

#[test]
fn a_billing_date_keeps_the_registers_and_begins_the_demand_anew() {
    let mut document = day_night();
    document.billing.dates = dates(&["*-*-01T00:00:00"]);
    let mut engine = engine(&document, "2026-03-31T00:00:00Z");
    feed(&mut engine, "2026-04-01T12:00:00Z", 1000);
    feed(&mut engine, "2026-05-02T00:00:00Z", 500);
    let sets = engine.take_billing_sets();
    assert_eq!(causes(&sets), ["2026-04-01T00:00:00Z billing_date", "2026-05-01T00:00:00Z billing_date"]);
    assert_eq!(sets[0].registers[0].value.unwrap().to_string(), "7000");
    assert_eq!(sets[0].registers[1].value.unwrap().to_string(), "17000");
    assert_eq!(peaks(&sets[0].demand[0])[0], "1000 2026-03-31T07:30:00Z");
    assert_eq!(sets[1].demand[0].highest[0].value.to_string(), "1000");
    assert_eq!(sets[1].demand[0].cumulative.to_string(), "2000");
    let now = &engine.demand()[0];
    assert_eq!((now.highest[0].value.to_string(), now.cumulative.to_string()), ("500".into(), "2000".into()));
    assert_eq!(engine.take_billing_sets(), []);
}

#[test]
fn reasons_that_fall_together_end_one_billing_period() {
    let mut document = day_night();
    let season = |id: &str, starts: &str| Season {
        id: id.to_owned(),
        title: String::new(),
        starts: starts.parse().unwrap(),
        week: "W1".to_owned(),
    };
    document.tariff.seasons = vec![season("S1", "10-01"), season("S2", "04-01"), season("S3", "06-15")];
    document.billing.dates = dates(&["2026-04-01T00:00:00"]);
    document.billing.on_season_change = true;
    document.latent =
        Some(Latent { activate_at: date(2026, 8, 1).at(6, 0, 0, 0), tariff: Tariff::single("R2") });
    let mut engine = engine(&document, "2026-03-01T00:00:00Z");
    feed(&mut engine, "2026-12-01T00:00:00Z", 1);
    assert_eq!(
        causes(&engine.take_billing_sets()),
        [
            "2026-04-01T00:00:00Z billing_date",
            "2026-06-15T00:00:00Z season_change",
            "2026-08-01T06:00:00Z tariff_change"
        ]
    );
    assert_eq!(engine.rate().on, ["R2"]);
}

#[test]
fn resets_by_hand_respect_lockout_and_button() {
    let mut document = day_night();
    document.billing.manual_lockout_minutes = 60;
    document.billing.dates = dates(&["*-*-01T00:00:00"]);
    document.billing.button = false;
    let mut engine = engine(&document, "2026-03-31T22:00:00Z");
    for (to, event) in [
        ("2026-03-31T22:10:00Z", Event::Button),
        ("2026-03-31T22:20:00Z", Event::BillingReset),
        ("2026-03-31T23:19:59Z", Event::BillingReset),
        ("2026-04-01T00:30:00Z", Event::BillingReset),
        ("2026-04-01T01:00:00Z", Event::BillingReset),
    ] {
        engine.advance(at(to), &[]).unwrap();
        engine.happen(event).unwrap();
    }
    assert_eq!(
        words(&engine.take_log()),
        [
            "2026-03-31T22:10:00Z billing_reset_refused",
            "2026-03-31T22:20:00Z billing_reset",
            "2026-03-31T23:19:59Z billing_reset_refused",
            "2026-04-01T00:00:00Z billing_reset",
            "2026-04-01T00:30:00Z billing_reset_refused",
            "2026-04-01T01:00:00Z billing_reset",
        ]
    );
    document.billing.button = true;
    let mut engine = self::engine(&document, "2026-03-31T22:00:00Z");
    engine.happen(Event::Button).unwrap();
    assert_eq!(engine.take_billing_sets()[0].cause, Cause::Button);
}

/// Supply fails at 05:00, the battery at 05:30, supply returns at 09:00; 1000 Wh an hour else, until 24:00.
fn through_a_clock_failure(response: ClockFailureResponse) -> Engine {
    let mut document = day_night();
    document.clock_failure = response;
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    feed(&mut engine, "2026-03-02T05:00:00Z", 1000);
    engine.happen(Event::SupplyFail).unwrap();
    feed(&mut engine, "2026-03-02T05:30:00Z", 0);
    engine.happen(Event::BatteryFail).unwrap();
    feed(&mut engine, "2026-03-02T09:00:00Z", 0);
    engine.happen(Event::SupplyReturn).unwrap();
    feed(&mut engine, "2026-03-03T00:00:00Z", 1000);
    engine
}

#[test]
fn continue_goes_on_late_by_the_length_of_the_supply_failure() {
    let mut engine = through_a_clock_failure(ClockFailureResponse::Continue);
    // The meter showed 07:00 at 11:00: R1 counted from 00:00 to 05:00 and from 09:00 to 11:00.
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("7000".to_owned(), "13000".to_owned()));
    assert_eq!(engine.meter_time(), at("2026-03-02T20:00:00Z"));
    assert!(engine.is_clock_invalid());
    assert_eq!(engine.take_billing_sets(), []);
    assert_eq!(
        words(&engine.take_log()),
        [
            "2026-03-02T05:00:00Z supply_fail",
            "2026-03-02T05:30:00Z battery_fail",
            "2026-03-02T09:00:00Z supply_return",
            "2026-03-02T09:00:00Z clock_failed",
        ]
    );
    // Demand periods follow the meter's clock too.
    assert_eq!(peaks(&engine.demand()[0])[0], "1000 2026-03-02T11:30:00Z");
    assert_eq!(engine.demand()[0].highest[0].meter_at, at("2026-03-02T07:30:00Z"));
}

#[test]
fn bill_then_continue_ends_the_billing_period_and_goes_on_late() {
    let mut engine = through_a_clock_failure(ClockFailureResponse::BillThenContinue);
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("7000".to_owned(), "13000".to_owned()));
    let sets = engine.take_billing_sets();
    assert_eq!(causes(&sets), ["2026-03-02T09:00:00Z clock_failure"]);
    assert_eq!(sets[0].registers[0].value.unwrap().to_string(), "5000");
    assert!(!engine.is_frozen());
}

#[test]
fn bill_then_freeze_holds_the_registers_until_the_clock_is_set() {
    let mut engine = through_a_clock_failure(ClockFailureResponse::BillThenFreeze);
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("20000".to_owned(), "0".to_owned()));
    assert_eq!(causes(&engine.take_billing_sets()), ["2026-03-02T09:00:00Z clock_failure"]);
    assert!(engine.is_frozen());
    feed(&mut engine, "2026-03-03T10:00:00Z", 1000);
    assert_eq!(value(&engine, "R2"), "0");
    engine.happen(Event::ClockSet(at("2026-03-03T10:00:00Z"))).unwrap();
    feed(&mut engine, "2026-03-03T11:00:00Z", 1000);
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("30000".to_owned(), "1000".to_owned()));
    assert!(!engine.is_frozen() && !engine.is_clock_invalid());
    let log = words(&engine.take_log());
    assert_eq!(
        log[4..],
        [
            "2026-03-02T09:00:00Z billing_reset",
            "2026-03-02T09:00:00Z tariff_frozen",
            "2026-03-03T10:00:00Z clock_set",
            "2026-03-03T10:00:00Z tariff_resumed"
        ]
    );
}

#[test]
fn a_frozen_meter_ends_no_billing_period_by_date_until_its_clock_is_set() {
    let mut document = day_night();
    document.clock_failure = ClockFailureResponse::BillThenFreeze;
    document.billing.dates = dates(&["*-*-*T00:00:00"]);
    let mut engine = engine(&document, "2026-03-02T12:00:00Z");
    engine.happen(Event::BatteryFail).unwrap();
    engine.happen(Event::SupplyFail).unwrap();
    engine.advance(at("2026-03-02T13:00:00Z"), &[]).unwrap();
    engine.happen(Event::SupplyReturn).unwrap();
    feed(&mut engine, "2026-03-05T12:00:00Z", 10);
    assert_eq!(causes(&engine.take_billing_sets()), ["2026-03-02T13:00:00Z clock_failure"]);
    engine.happen(Event::ClockSet(at("2026-03-05T12:00:00Z"))).unwrap();
    feed(&mut engine, "2026-03-06T12:00:00Z", 10);
    assert_eq!(
        causes(&engine.take_billing_sets()),
        ["2026-03-05T12:00:00Z billing_date", "2026-03-06T00:00:00Z billing_date"]
    );
}

#[test]
fn a_battery_that_failed_earlier_loses_the_clock_with_the_next_supply_failure() {
    let mut document = day_night();
    document.clock_failure = ClockFailureResponse::BillThenContinue;
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    engine.happen(Event::BatteryFail).unwrap();
    engine.advance(at("2026-03-02T03:00:00Z"), &[]).unwrap();
    assert!(!engine.is_clock_invalid());
    engine.happen(Event::SupplyFail).unwrap();
    engine.advance(at("2026-03-02T03:01:00Z"), &[]).unwrap();
    engine.happen(Event::BatteryReplaced).unwrap();
    engine.happen(Event::SupplyReturn).unwrap();
    assert_eq!(engine.meter_time(), at("2026-03-02T03:00:00Z"));
    assert_eq!(engine.take_billing_sets().len(), 1);
    // With a new battery the clock survives the next one.
    engine.happen(Event::SupplyFail).unwrap();
    engine.advance(at("2026-03-02T04:01:00Z"), &[]).unwrap();
    engine.happen(Event::SupplyReturn).unwrap();
    assert_eq!(engine.meter_time(), at("2026-03-02T04:00:00Z"));
    assert_eq!(engine.take_billing_sets(), []);
}

#[test]
fn a_clock_that_runs_on_makes_up_for_one_missed_billing_date() {
    let mut document = day_night();
    document.billing.dates = dates(&["*-*-01T00:00:00", "*-*-02T00:00:00"]);
    let mut engine = engine(&document, "2026-03-31T23:00:00Z");
    feed(&mut engine, "2026-03-31T23:50:00Z", 1200);
    engine.happen(Event::SupplyFail).unwrap();
    engine.advance(at("2026-04-02T08:10:00Z"), &[]).unwrap();
    engine.happen(Event::SupplyReturn).unwrap();
    feed(&mut engine, "2026-04-03T00:00:00Z", 600);
    let sets = engine.take_billing_sets();
    assert_eq!(causes(&sets), ["2026-04-02T08:10:00Z billing_date"]);
    // The period in which supply failed is closed at its own end, with what was counted in it.
    assert_eq!(peaks(&sets[0].demand[0]), ["1200 2026-03-31T23:30:00Z", "800 2026-04-01T00:00:00Z"]);
    assert_eq!(value(&engine, "R2"), "10500");
}

#[test]
fn energy_that_is_given_without_supply_is_counted_nowhere_and_told() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    engine.happen(Event::SupplyFail).unwrap();
    engine.advance(at("2026-03-02T01:00:00Z"), &[(IMPORT, Decimal::from(5))]).unwrap();
    engine.happen(Event::SupplyReturn).unwrap();
    assert_eq!(value(&engine, "R1"), "0");
    assert_eq!(engine.totals()[0].value, Decimal::ZERO);
    assert_eq!(engine.unmeasured()[0].value, Decimal::from(5));
}

#[test]
fn a_clock_set_forward_over_dates_ends_one_billing_period_and_back_over_it_none() {
    let mut document = day_night();
    document.billing.dates = dates(&["*-*-01T00:00:00"]);
    let mut engine = engine(&document, "2026-03-31T23:59:00Z");
    engine.happen(Event::ClockSet(at("2026-04-01T00:00:10Z"))).unwrap();
    engine.advance(at("2026-03-31T23:59:05Z"), &[]).unwrap();
    engine.happen(Event::ClockSet(at("2026-03-31T23:59:50Z"))).unwrap();
    feed(&mut engine, "2026-04-01T12:00:00Z", 1);
    assert_eq!(causes(&engine.take_billing_sets()), ["2026-03-31T23:59:00Z billing_date"]);
    // A year set by mistake and put right: months go on ending.
    engine.happen(Event::ClockSet(at("2099-01-15T00:00:00Z"))).unwrap();
    engine.happen(Event::ClockSet(at("2026-04-01T12:00:00Z"))).unwrap();
    feed(&mut engine, "2026-05-02T00:00:00Z", 1);
    assert_eq!(
        causes(&engine.take_billing_sets()),
        ["2026-04-01T12:00:00Z billing_date", "2026-05-01T00:00:00Z billing_date"]
    );
}

#[test]
fn a_clock_that_is_set_switches_at_once_and_cuts_its_periods() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T06:00:00Z");
    feed(&mut engine, "2026-03-02T06:10:00Z", 600);
    engine.happen(Event::ClockSet(at("2026-03-02T07:05:00Z"))).unwrap();
    feed(&mut engine, "2026-03-02T06:35:00Z", 600);
    assert_eq!((value(&engine, "R1"), value(&engine, "R2")), ("100".to_owned(), "250".to_owned()));
    assert_eq!(peaks(&engine.demand()[0]), ["500 2026-03-02T06:35:00Z"]);
    let records = engine.take_profile();
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.status.contains(IntervalStatus::CLOCK_ADJUSTED)));
    assert_eq!(records[1].meter_end, at("2026-03-02T07:30:00Z"));
    assert_eq!(records[0].values, [Some(Decimal::from(100))]);
}

#[test]
fn the_profile_has_no_records_of_an_outage_but_marks_its_edges() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    feed(&mut engine, "2026-03-02T00:40:00Z", 60);
    engine.happen(Event::SupplyFail).unwrap();
    engine.advance(at("2026-03-02T02:10:00Z"), &[]).unwrap();
    engine.happen(Event::SupplyReturn).unwrap();
    feed(&mut engine, "2026-03-02T03:00:00Z", 60);
    let records: Vec<String> = engine
        .take_profile()
        .iter()
        .map(|record| {
            format!("{} {} {}", record.end, record.values[0].unwrap(), record.status.names().join("+"))
        })
        .collect();
    assert_eq!(
        records,
        [
            "2026-03-02T00:30:00Z 30 ",
            "2026-03-02T01:00:00Z 10 power-down",
            "2026-03-02T02:30:00Z 20 power-up",
            "2026-03-02T03:00:00Z 30 "
        ]
    );
}

#[test]
fn a_clock_set_at_the_very_end_of_an_interval_adds_no_record_of_nothing() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    feed(&mut engine, "2026-03-02T00:30:00Z", 30);
    engine.happen(Event::ClockSet(at("2026-03-02T05:10:00Z"))).unwrap();
    engine.happen(Event::ClockSet(at("2026-03-02T09:10:00Z"))).unwrap();
    feed(&mut engine, "2026-03-02T00:50:00Z", 20);
    let records = engine.take_profile();
    let ends: Vec<String> = records.iter().map(|record| record.end.to_string()).collect();
    assert_eq!(ends, ["2026-03-02T00:30:00Z", "2026-03-02T00:50:00Z"]);
    assert!(records[1].status.contains(IntervalStatus::CLOCK_ADJUSTED));
}

#[test]
fn profile_stamps_follow_daylight_saving_or_stay_in_standard_time() {
    let mut document = day_night();
    document.time_zone = "Europe/London".to_owned();
    for (follows_dst, stamp) in [(true, "2026-07-01T12:30:00"), (false, "2026-07-01T11:30:00")] {
        document.profile.follows_dst = follows_dst;
        let mut engine = engine(&document, "2026-07-01T11:00:00Z");
        feed(&mut engine, "2026-07-01T11:30:00Z", 1);
        let record = &engine.take_profile()[0];
        assert_eq!(record.stamp.to_string(), stamp);
        assert_eq!(record.status, IntervalStatus::DAYLIGHT_SAVING);
    }
}

#[test]
fn days_of_23_and_25_hours_are_billed_by_the_wall() {
    let mut document = day_night();
    document.time_zone = "Europe/London".to_owned();
    for (from, to, night, day) in [
        ("2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", "6000", "17000"),
        ("2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z", "8000", "17000"),
    ] {
        let mut engine = engine(&document, from);
        feed(&mut engine, to, 1000);
        assert_eq!((value(&engine, "R1").as_str(), value(&engine, "R2").as_str()), (night, day));
    }
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let document = day_night();
    let mut engine = engine(&document, "2026-03-02T00:00:00Z");
    let early = at("2026-03-01T00:00:00Z");
    assert!(matches!(engine.advance(early, &[]), Err(EngineError::OutOfOrder { .. })));
    let far = at("2500-01-01T00:00:00Z");
    assert!(matches!(engine.advance(far, &[]), Err(EngineError::OutOfRange { .. })));
    assert!(matches!(engine.happen(Event::ClockSet(far)), Err(EngineError::OutOfRange { .. })));
    let later = at("2026-03-02T01:00:00Z");
    for energy in ["-1", "1e20", "0.0000000001"] {
        let energy = [(IMPORT, energy.parse().unwrap())];
        assert!(matches!(engine.advance(later, &energy), Err(EngineError::Energy { .. })), "{energy:?}");
    }
    let export = [(Source::ActiveExport, Decimal::from(1))];
    assert_eq!(engine.advance(later, &export), Err(EngineError::Unmeasured(Source::ActiveExport)));
    assert!(matches!(engine.happen(Event::SupplyReturn), Err(EngineError::Impossible { .. })));
    engine.happen(Event::SupplyFail).unwrap();
    assert!(matches!(engine.happen(Event::SupplyFail), Err(EngineError::Impossible { .. })));
    assert!(matches!(engine.happen(Event::ClockSet(later)), Err(EngineError::Impossible { .. })));
    assert_eq!(engine.now(), at("2026-03-02T00:00:00Z"));
    let mut broken = document;
    broken.demand.period_minutes = 0;
    let calendar = Calendar::new(&broken).unwrap();
    assert!(Engine::new(&broken, calendar, later, &[]).is_err());
}

/// A step of a random history: minutes on, energy of the step in thousandths, what happens at its end.
fn history() -> impl Strategy<Value = Vec<(i64, u32, Option<Event>)>> {
    let event = prop_oneof![
        Just(Event::SupplyFail),
        Just(Event::SupplyReturn),
        Just(Event::BatteryFail),
        Just(Event::BatteryReplaced),
        Just(Event::BillingReset),
        Just(Event::Button),
        testing::near_time()
            .prop_map(|to| Event::ClockSet(to.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp())),
    ];
    let step = (0i64..2000, any::<u32>(), proptest::option::weighted(0.3, event));
    proptest::collection::vec(step, 1..60)
}

const ALL: [Source; 4] = [IMPORT, Source::ActiveExport, Source::ReactiveQ1, Source::Input(2)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_registers_of_a_source_that_is_always_covered_add_up_to_its_total(
        document in testing::document(),
        start in 1_735_000_000i64..1_800_000_000,
        history in history(),
    ) {
        let calendar = Calendar::new(&document).unwrap();
        let mut engine = Engine::new(&document, calendar, Timestamp::from_second(start).unwrap(), &ALL).unwrap();
        let mut given = Decimal::ZERO;
        for (minutes, milli, event) in history {
            let to = engine.now() + SignedDuration::from_secs(minutes * 61);
            let energy: Vec<(Source, Decimal)> =
                ALL.iter().zip(0i128..).map(|(source, more)| (*source, Decimal::new(i128::from(milli) + more, -3))).collect();
            if engine.has_supply() {
                given = given.checked_add(energy[0].1).unwrap();
            }
            engine.advance(to, &energy).unwrap();
            if let Some(event) = event {
                // What cannot be at this point is refused, and changes nothing.
                let _ = engine.happen(event);
            }
        }
        let totals = engine.totals();
        prop_assert_eq!(totals[0].value, given);
        let registers = engine.registers();
        for total in totals {
            let of_source = document.registers.energy.iter().zip(&registers).filter(|(register, _)| register.source == total.source);
            let values: Vec<Decimal> = of_source.map(|(_, register)| register.value.unwrap()).collect();
            if !values.is_empty() {
                let sum = values.iter().fold(Decimal::ZERO, |sum, value| sum.checked_add(*value).unwrap());
                prop_assert_eq!(sum, total.value, "{}", total.source);
            }
        }
    }

    #[test]
    fn the_profile_adds_up_to_the_total(
        document in testing::document(),
        start in 1_735_000_000i64..1_800_000_000,
        history in history(),
    ) {
        let calendar = Calendar::new(&document).unwrap();
        let channel = document.profile.channels[0];
        let mut engine = Engine::new(&document, calendar, Timestamp::from_second(start).unwrap(), &ALL).unwrap();
        for (minutes, milli, event) in history {
            let energy = if engine.has_supply() { vec![(IMPORT, Decimal::new(i128::from(milli), -3))] } else { Vec::new() };
            engine.advance(engine.now() + minutes.minutes(), &energy).unwrap();
            if let Some(event) = event {
                let _ = engine.happen(event);
            }
        }
        if !engine.has_supply() {
            engine.happen(Event::SupplyReturn).unwrap();
        }
        // To the end of the interval in progress.
        engine.advance(engine.now() + 2.hours(), &[]).unwrap();
        let profile = engine.take_profile();
        prop_assert!(profile.windows(2).all(|pair| pair[0].end < pair[1].end));
        let sum = profile.iter().filter_map(|record| record.values[0]).fold(Decimal::ZERO, |sum, value| sum.checked_add(value).unwrap());
        let total = engine.totals().iter().find(|total| total.source == channel).unwrap().value;
        prop_assert_eq!(sum, total);
    }

    #[test]
    fn minute_by_minute_the_registers_are_those_that_the_calendar_names(
        document in testing::document(),
        start in 29_000_000i64..30_000_000,
        outage in proptest::option::of(1i64..600),
        chunk in 1i64..200,
    ) {
        let mut document = document;
        document.clock_failure = ClockFailureResponse::Continue;
        let calendar = Calendar::new(&document).unwrap();
        let instant = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let mut engine = Engine::new(&document, calendar.clone(), instant(start), &[IMPORT]).unwrap();
        let mut expected = std::collections::BTreeMap::<String, i64>::new();
        let mut minute = start;
        let mut late = 0;
        let mut count = |from: i64, to: i64, late: i64| {
            for minute in from..to {
                for id in calendar.rate(instant(minute - late)).on {
                    *expected.entry(id.clone()).or_default() += 1;
                }
            }
        };
        while minute < start + 2000 {
            let next = minute + chunk;
            engine.advance(instant(next), &[(IMPORT, Decimal::from(chunk))]).unwrap();
            count(minute, next, late);
            minute = next;
            if let Some(outage) = outage.filter(|_| late == 0) {
                engine.happen(Event::SupplyFail).unwrap();
                engine.happen(Event::BatteryFail).unwrap();
                minute += outage;
                engine.advance(instant(minute), &[]).unwrap();
                engine.happen(Event::SupplyReturn).unwrap();
                late = outage;
            }
        }
        let registers: &[EnergyRegister] = &document.registers.energy;
        for register in registers.iter().filter(|register| register.source == IMPORT) {
            let held = engine.registers().into_iter().find(|held| held.id == register.id).unwrap();
            let minutes = expected.get(&register.id).copied().unwrap_or(0);
            // One billionth of an hour's energy for each cut that did not come out even.
            let off = held.value.unwrap().checked_sub(Decimal::from(minutes)).unwrap();
            let slack = Decimal::new(2000, RESOLUTION);
            prop_assert!(off <= slack && off >= Decimal::new(-2000, RESOLUTION), "{} {off}", register.id);
        }
    }
}
