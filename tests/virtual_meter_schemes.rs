//! Whole schemes in virtual meters of the template that names this maker's own objects: taken, given back, and run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod driver_support;

use driver_support::{Counter, Line, NOW, access, instant, meter, run, sink};
use jiff::Timestamp;

use meterwright::drivers::dlms::{read_scheme, write_scheme};
use meterwright::drivers::{Activation, MeterAccess, Reference};
use meterwright::model::{Decimal, Knowledge, Obis, Template};
use meterwright::protocol::dlms::{AttributeRef, CosemDateTime, Data};
use meterwright::scheme::{self, Document, IntervalRow, IntervalSeries, Source};
use meterwright::simulator::{SharedMeter, lock};

const INDUSTRIAL: &[u8] = include_bytes!("../schemes/industrial-three-rate.scheme.json");
const SLIDING: &[u8] = include_bytes!("../schemes/sliding-demand-summer-peak.scheme.json");

fn whole_access() -> MeterAccess {
    MeterAccess { template: Template::named("dlms-meterwright").unwrap(), ..access() }
}

/// Writes a scheme; gives what the meter does not take.
fn write(meter: &SharedMeter, document: &Document) -> Vec<String> {
    let (mut counter, mut knowledge, mut sink) =
        (Counter::default(), Knowledge::default(), sink(instant(NOW)));
    let mut line = Line::new(meter, instant(NOW), None);
    let (scheme, access) = ((document, Activation::Now), whole_access());
    run(write_scheme(&mut line, &access, &mut counter, &mut knowledge, scheme, &mut sink)).unwrap();
    let taken = |remark: &String| remark.strip_prefix("not taken by this meter: ").map(str::to_owned);
    sink.remarks.iter().filter_map(taken).collect()
}

fn read(meter: &SharedMeter, reference: &Document) -> Document {
    let (mut counter, mut knowledge, mut sink) =
        (Counter::default(), Knowledge::default(), sink(instant(NOW)));
    let mut line = Line::new(meter, instant(NOW), None);
    let reference = Reference::Given(reference);
    let access = whole_access();
    run(read_scheme(&mut line, &access, &mut counter, &mut knowledge, reference, &mut sink)).unwrap();
    sink.found.unwrap()
}

/// The richest scheme that ships, without what COSEM has no object for.
fn rich() -> Document {
    let mut document = scheme::read(INDUSTRIAL).unwrap();
    document.outputs.clear();
    document.billing.manual_lockout_minutes = 0;
    document.instrumentation.channels.clear();
    document.registers.demand.iter_mut().for_each(|register| register.highest = 1);
    document.demand = scheme::read(SLIDING).unwrap().demand;
    document.profile.period_minutes = 15;
    document
}

#[test]
fn all_of_a_rich_scheme_is_taken_and_given_back() {
    let (meter, document) = (meter(), rich());
    let not_taken = write(&meter, &document);
    // The channels of a profile are the meter's own: writing them would empty it.
    assert!(not_taken.iter().all(|text| text.starts_with("profile.channels")), "{not_taken:?}");
    let mut found = read(&meter, &document);
    found.profile.channels.clone_from(&document.profile.channels);
    assert_eq!(scheme::compare(&document, &found), []);
    for (obis, wanted) in [("1-0:0.4.2", 400), ("1-0:0.4.5", 5)] {
        let at = AttributeRef::new(1, obis.parse().unwrap(), 2);
        let there = lock(&meter).look(&at, instant(NOW).as_millisecond()).unwrap();
        assert_eq!(there.integer(), Some(wanted));
    }
}

#[test]
fn what_only_the_scheme_knows_is_still_said() {
    let document = scheme::read(INDUSTRIAL).unwrap();
    let not_taken = write(&meter(), &document).join("\n");
    for what in ["outputs", "manual_lockout_minutes", "one maximum", "instrumentation.channels"] {
        assert!(not_taken.contains(what), "{what}: {not_taken}");
    }
    for what in ["display", "clock_failure", "demand.period", "transformers", "clock.dst"] {
        assert!(!not_taken.contains(what), "{what}: {not_taken}");
    }
}

fn billing_rows(meter: &SharedMeter, at: Timestamp) -> Vec<(CosemDateTime, Data)> {
    let buffer = AttributeRef::new(7, Obis::new(0, 0, 98, 1, 0, 255), 2);
    let rows = lock(meter).look(&buffer, at.as_millisecond()).unwrap();
    let row = |row: &Data| {
        let cells = row.elements().unwrap();
        (cells[0].date_time().unwrap(), cells[2].clone())
    };
    rows.elements().unwrap().iter().map(row).collect()
}

#[test]
fn billing_periods_of_a_year_end_by_the_schemes_dates_with_the_values_of_the_dry_run() {
    let meter = meter();
    let mut document = rich();
    document.billing.dates = vec!["*-*-15T06:00:00".parse().unwrap(), "*-01-01T00:00:00".parse().unwrap()];
    write(&meter, &document);
    let start = instant(NOW);
    let mut rows = Vec::new();
    let mut before = lock(&meter).record().counted(start.as_second());
    for quarter in 1..=365 * 96 {
        let end = start.as_second() + quarter * 900;
        let now = lock(&meter).record().counted(end);
        let counted = now.since(&before);
        before = now;
        let amounts = [counted.import, counted.reactive_import(), counted.reactive_export()];
        let energy = amounts.map(|amount| Some(Decimal::new(amount.into(), 0))).to_vec();
        rows.push(IntervalRow { end: Timestamp::from_second(end).unwrap(), energy });
    }
    let end = rows.last().unwrap().end;
    let sources = vec![Source::ActiveImport, Source::ReactiveImport, Source::ReactiveExport];
    let dry = scheme::dry_run(&document, &IntervalSeries { sources, rows }, &[]).unwrap();

    let mut record = lock(&meter);
    let ends: Vec<i64> = record
        .record()
        .billing_periods(end.as_second())
        .iter()
        .map(|period| period.true_end)
        .filter(|at| *at > start.as_second())
        .collect();
    drop(record);
    let wanted: Vec<i64> = dry.billing_sets.iter().map(|set| set.at.as_second()).collect();
    assert_eq!(ends, wanted);
    assert_eq!(wanted.len(), 13, "twelve fifteenths and a new year");

    // What the first rate's register held at each of them.
    let rate = Obis::new(1, 0, 1, 8, 1, 255);
    let register = document.registers.energy.iter().find(|register| register.obis == rate).unwrap();
    let rows = billing_rows(&meter, end);
    let shown: Vec<i128> =
        rows.iter().skip(rows.len() - wanted.len()).map(|(_, cell)| cell.integer().unwrap()).collect();
    let value = |set: &scheme::engine::BillingSet| {
        let value = set.registers.iter().find(|one| one.id == register.id).unwrap().value.unwrap();
        value.normalized()
    };
    for (pair, sets) in shown.windows(2).zip(dry.billing_sets.windows(2)) {
        let grown = value(&sets[1]).checked_sub(value(&sets[0])).unwrap();
        assert_eq!(Decimal::new(pair[1] - pair[0], 0).normalized(), grown.normalized());
    }

    let mut meter = lock(&meter);
    let engine = meter.record().tariff_engine(end.as_second()).unwrap();
    let peak = |values: &[scheme::engine::DemandValue]| {
        values.iter().map(|value| value.highest.first().copied()).collect::<Vec<_>>()
    };
    assert_eq!(peak(&engine.demand()), peak(&dry.demand), "sliding demand of the running period");
}

#[test]
fn a_billing_reset_by_hand_ends_the_period_of_a_scheme_too() {
    let meter = meter();
    write(&meter, &rich());
    let at = instant("2026-11-25T12:00:00Z").as_second();
    let mut guard = lock(&meter);
    let record = guard.record();
    let before = record.billing_count(at);
    record.reset_billing(at);
    assert_eq!(record.billing_count(at + 1), before + 1);
    assert_eq!(record.billing_periods(at + 1).last().unwrap().true_end, at);
}
