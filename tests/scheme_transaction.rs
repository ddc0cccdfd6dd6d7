//! Schemes into virtual meters and out of them: the driver's own conversations, over a line that can be cut.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod driver_support;
mod scheme_refusals;

use driver_support::{Counter, Line, Lost, NOW, Sink, access, instant, meter, run, sink};
use jiff::Timestamp;

use meterwright::drivers::dlms::{read_scheme, write_scheme};
use meterwright::drivers::{Activation, Reference};
use meterwright::model::{Decimal, Fault, Knowledge, Obis};
use meterwright::protocol::dlms::{AttributeRef, Data};
use meterwright::scheme::cosem::Meaning;
use meterwright::scheme::{self, Document, IntervalRow, IntervalSeries, Source};
use meterwright::simulator::{SharedMeter, lock};

/// Writes over a line; gives how it ended, what the sink got, and how many exchanges it took.
fn write_over(
    mut line: Line,
    document: &Document,
    activation: Activation,
) -> (Result<(), Fault>, Sink, usize) {
    let mut sink = sink(line.at);
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let access = access();
    let done = run(write_scheme(
        &mut line,
        &access,
        &mut counter,
        &mut knowledge,
        (document, activation),
        &mut sink,
    ));
    (done, sink, line.exchanges)
}

fn write(meter: &SharedMeter, document: &Document, activation: Activation) -> Sink {
    let (done, sink, _) = write_over(Line::new(meter, instant(NOW), None), document, activation);
    done.unwrap();
    sink
}

fn read_at(meter: &SharedMeter, reference: Option<&Document>, at: Timestamp) -> Document {
    let mut line = Line::new(meter, at, None);
    let mut sink = sink(at);
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let access = access();
    let reference = reference.map_or(Reference::None, Reference::Given);
    run(read_scheme(&mut line, &access, &mut counter, &mut knowledge, reference, &mut sink)).unwrap();
    sink.found.unwrap()
}

fn read(meter: &SharedMeter, reference: Option<&Document>) -> Document {
    read_at(meter, reference, instant(NOW))
}

fn meaning(document: &Document) -> Meaning {
    Meaning::of(&document.tariff, &document.registers)
}

/// Two rates in two seasons, a maximum by day, Christmas and a dated holiday.
fn winter_and_summer() -> Document {
    scheme::read(include_bytes!("programmed.scheme.json")).unwrap()
}

/// The same registers otherwise: the peak in the evening, all other special days.
fn evenings() -> Document {
    let mut document = winter_and_summer();
    document.identity = "EVENING1".to_owned();
    let tariff = &mut document.tariff;
    tariff.day_types[0].switches[1].at = "17:30".parse().unwrap();
    tariff.special_days.remove(0);
    tariff.special_days[0].date = "*-05-01".parse().unwrap();
    document
}

#[test]
fn a_scheme_that_was_written_is_read_back_equal() {
    let meter = meter();
    let document = winter_and_summer();
    let sink = write(&meter, &document, Activation::Now);
    assert!(sink.wrote.iter().any(|what| what.contains("activated")), "{:?}", sink.wrote);
    let differences = scheme::compare(&document, &read(&meter, Some(&document)));
    assert_eq!(differences, []);
    assert_eq!(meaning(&read(&meter, None)), meaning(&document));
}

#[test]
fn a_scheme_that_is_in_force_is_not_written_again() {
    let meter = meter();
    write(&meter, &winter_and_summer(), Activation::Now);
    let again = write(&meter, &winter_and_summer(), Activation::Now);
    assert_eq!(again.wrote, Vec::<String>::new());
}

#[test]
fn what_a_meter_cannot_take_is_told() {
    let sink = write(&meter(), &winter_and_summer(), Activation::Now);
    let told = sink.remarks.join("\n");
    assert!(told.contains("display.auto") && told.contains("clock_failure.response"), "{told}");
}

#[test]
fn a_scheme_for_later_waits_on_the_passive_side_and_takes_over_by_itself() {
    let meter = meter();
    let (old, new) = (winter_and_summer(), evenings());
    write(&meter, &old, Activation::Now);
    let due = instant("2027-01-01T00:00:00Z");
    write(&meter, &new, Activation::At(due));
    assert_eq!(meaning(&read(&meter, None)), meaning(&old));
    let later = read_at(&meter, None, instant("2027-01-01T00:00:01Z"));
    assert_eq!(meaning(&later), meaning(&new));
}

#[test]
fn a_scheme_that_is_never_activated_leaves_the_tariff_as_it_was() {
    let meter = meter();
    write(&meter, &winter_and_summer(), Activation::Now);
    write(&meter, &evenings(), Activation::Never);
    assert_eq!(meaning(&read(&meter, None)), meaning(&winter_and_summer()));
}

#[test]
fn a_latent_tariff_waits_on_the_passive_side() {
    let meter = meter();
    let mut document = winter_and_summer();
    let activate_at = "2027-04-01T00:00:00".parse().unwrap();
    document.latent = Some(scheme::Latent { activate_at, tariff: evenings().tariff });
    write(&meter, &document, Activation::Now);
    assert_eq!(scheme::compare(&document, &read(&meter, Some(&document))), []);
    let later = read_at(&meter, None, instant("2027-04-01T12:00:00Z"));
    assert_eq!(meaning(&later), meaning(&evenings()));
    // A scheme without one calls it off.
    let plain = winter_and_summer();
    let before = driver_support::meter();
    write(&before, &document, Activation::Now);
    write(&before, &plain, Activation::Now);
    assert_eq!(scheme::compare(&plain, &read(&before, Some(&plain))), []);
}

#[test]
fn what_stood_there_can_be_put_back() {
    let meter = meter();
    write(&meter, &winter_and_summer(), Activation::Now);
    let sink = write(&meter, &evenings(), Activation::Now);
    write(&meter, &sink.stood.unwrap(), Activation::Now);
    assert_eq!(meaning(&read(&meter, None)), meaning(&winter_and_summer()));
}

#[test]
fn a_client_without_the_right_to_write_changes_nothing() {
    let meter = meter();
    let mut access = access();
    access.config.client = Some(32);
    let mut sink = sink(instant(NOW));
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let mut line = Line::new(&meter, instant(NOW), None);
    let document = winter_and_summer();
    let scheme = (&document, Activation::Now);
    let refused = run(write_scheme(&mut line, &access, &mut counter, &mut knowledge, scheme, &mut sink));
    assert!(refused.unwrap_err().message.contains("may not write the passive calendar"));
    assert_eq!(sink.wrote, Vec::<String>::new());
}

/// Cuts the line at one exchange after the other, until one comes too late to be noticed.
fn cut_everywhere(lost: Lost, old: &Document, new: &Document) {
    for exchange in 0.. {
        let meter = meter();
        write(&meter, old, Activation::Now);
        let line = Line::new(&meter, instant(NOW), Some((exchange, lost)));
        let (done, _, exchanges) = write_over(line, new, Activation::Now);
        let stands = read(&meter, None);
        let is_whole = [old, new]
            .iter()
            .any(|whole| meaning(&stands) == meaning(whole) && stands.identity == whole.identity);
        assert!(is_whole, "cut at exchange {exchange} ({lost:?}), a mixture stands: {stands:?}");
        if let Err(fault) = &done {
            assert!(fault.passing, "{fault}");
        }
        write(&meter, new, Activation::Now);
        assert_eq!(scheme::compare(new, &read(&meter, Some(new))), [], "after a cut at {exchange}");
        if done.is_ok() && exchanges <= exchange {
            assert!(exchange >= 15, "the whole sequence took {exchange} exchanges");
            return;
        }
    }
}

#[test]
fn a_line_that_is_cut_before_any_request_leaves_one_tariff_whole_and_the_next_run_finishes() {
    cut_everywhere(Lost::Request, &winter_and_summer(), &evenings());
}

#[test]
fn a_line_that_is_cut_before_any_answer_leaves_one_tariff_whole_and_the_next_run_finishes() {
    cut_everywhere(Lost::Answer, &evenings(), &winter_and_summer());
}

fn energy(meter: &SharedMeter, obis: Obis, at: Timestamp) -> i128 {
    let value = lock(meter).look(&AttributeRef::new(3, obis, 2), at.as_millisecond()).unwrap();
    let Data::U32(raw) = value else { panic!("{value:?}") };
    raw.into()
}

#[test]
fn a_year_of_a_written_scheme_in_a_virtual_meter_is_the_dry_run_to_the_last_digit() {
    let meter = meter();
    let document = winter_and_summer();
    let start = instant(NOW);
    let rates: Vec<Obis> = document.registers.energy.iter().map(|register| register.obis).collect();
    write(&meter, &document, Activation::Now);
    let before: Vec<i128> = rates.iter().map(|obis| energy(&meter, *obis, start)).collect();

    let mut rows = Vec::new();
    let mut counted = lock(&meter).record().counted(start.as_second());
    for half_hour in 1..=365 * 48 {
        let end = start.as_second() + half_hour * 1800;
        let now = lock(&meter).record().counted(end);
        let import = now.since(&counted).import;
        counted = now;
        let energy = vec![Some(Decimal::new(import.into(), 0))];
        rows.push(IntervalRow { end: Timestamp::from_second(end).unwrap(), energy });
    }
    let end = rows.last().unwrap().end;
    let profile = IntervalSeries { sources: vec![Source::ActiveImport], rows };
    let dry = scheme::dry_run(&document, &profile, &[]).unwrap();

    for ((register, value), before) in document.registers.energy.iter().zip(&dry.registers).zip(before) {
        let grown = energy(&meter, register.obis, end) - before;
        assert_eq!(Some(Decimal::new(grown, 0)), value.value, "{}", register.id);
        assert!(grown > 0, "{} was on at some time of the year", register.id);
    }
    let mut meter = lock(&meter);
    let engine = meter.record().tariff_engine(end.as_second()).unwrap();
    let peaks = |values: &[scheme::engine::DemandValue]| values[0].highest.first().copied();
    assert_eq!(peaks(&engine.demand()), peaks(&dry.demand));
}
