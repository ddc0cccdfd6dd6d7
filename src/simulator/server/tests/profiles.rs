use super::*;
use crate::model::MeterStamp;
use crate::simulator::{Moment, Quantity, load_quantities};

const LOAD: &str = "1-0:99.1.0";

fn stamp(cell: &Data) -> MeterStamp {
    cell.date_time().unwrap().stamp().unwrap()
}

fn instant(cell: &Data) -> String {
    let stamp = stamp(cell);
    let offset = jiff::tz::Offset::from_seconds(-60 * i32::from(stamp.deviation_minutes.unwrap())).unwrap();
    offset.to_timestamp(stamp.local).unwrap().to_string()
}

#[test]
fn a_range_has_every_interval_that_ends_in_it_both_ends_included() {
    let mut bench = Bench::low(&[]);
    let rows = rows(&bench.get(&range(LOAD, "2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z")).unwrap());
    assert_eq!(rows.len(), 49);
    assert_eq!(instant(&rows[0][0]), "2026-10-20T00:00:00Z");
    assert_eq!(instant(&rows[48][0]), "2026-10-21T00:00:00Z");
}

#[test]
fn a_row_of_the_load_profile_has_a_clock_a_status_four_energies_and_two_averages() {
    let mut bench = Bench::low(&[]);
    let rows = rows(&bench.get(&range(LOAD, "2026-10-20T10:00:00Z", "2026-10-20T10:00:00Z")).unwrap());
    let [row] = rows.as_slice() else { panic!() };
    assert!(matches!(
        row.as_slice(),
        [
            Data::Octets(_),
            Data::U8(_),
            Data::U32(_),
            Data::U32(_),
            Data::U32(_),
            Data::U32(_),
            Data::U16(_),
            Data::U16(_)
        ]
    ));
    let end = millis("2026-10-20T10:00:00Z") / 1000;
    let moment = Moment { from: end - 1800, end };
    let mut meter = lock(&bench.meter);
    for (cell, quantity) in row[2..].iter().zip(load_quantities()) {
        let raw = quantity.raw(meter.record(), moment, Quirks::NONE);
        assert_eq!(cell.integer(), Some(raw.into()), "{quantity:?}");
    }
}

#[test]
fn the_intervals_of_a_month_add_up_to_what_the_register_gained() {
    let mut bench = Bench::low(&[]);
    let register = attribute(3, "1-0:1.8.0", 2);
    bench.now_ms = millis("2026-09-01T00:00:00Z");
    let before = bench.get(&register).unwrap().integer().unwrap();
    bench.now_ms = millis("2026-10-01T00:00:00Z");
    let after = bench.get(&register).unwrap().integer().unwrap();
    let intervals = rows(&bench.get(&range(LOAD, "2026-09-01T00:00:01Z", "2026-10-01T00:00:00Z")).unwrap());
    assert_eq!(intervals.len(), 30 * 48);
    let sum: i128 = intervals.iter().map(|row| row[2].integer().unwrap()).sum();
    assert_eq!(sum, after - before);
}

#[test]
fn energies_are_kept_through_supply_failures_and_failed_intervals_are_flagged() {
    let mut settings = settings(&[]);
    settings.outage_days = 4;
    let mut bench = Bench::low_with(settings, |_| {});
    let register = attribute(3, "1-0:1.8.0", 2);
    bench.now_ms = millis("2026-09-01T00:00:00Z");
    let before = bench.get(&register).unwrap().integer().unwrap();
    bench.now_ms = millis("2026-10-01T00:00:00Z");
    let after = bench.get(&register).unwrap().integer().unwrap();
    let intervals = rows(&bench.get(&range(LOAD, "2026-09-01T00:00:01Z", "2026-10-01T00:00:00Z")).unwrap());
    let sum: i128 = intervals.iter().map(|row| row[2].integer().unwrap()).sum();
    assert_eq!(sum, after - before);
    let flagged = intervals.iter().filter(|row| row[1].integer().unwrap() & 0x80 != 0).count();
    let log =
        rows(&bench.get(&range("0-0:99.98.0", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z")).unwrap());
    let failures = log.iter().filter(|row| row[1] == Data::U8(1)).count();
    assert!(failures >= 3, "{failures} failures");
    assert!(flagged >= failures, "{flagged} intervals flagged for {failures} failures");
    for failed in log.iter().filter(|row| row[1] == Data::U8(1)) {
        let at: Timestamp = instant(&failed[0]).parse().unwrap();
        let holding =
            intervals.iter().find(|row| instant(&row[0]).parse::<Timestamp>().unwrap() > at).unwrap();
        assert_ne!(holding[1].integer().unwrap() & 0x80, 0, "the interval that holds {at}");
    }
}

#[test]
fn days_of_23_and_25_hours_have_their_own_number_of_intervals_and_stamps() {
    let mut bench = Bench::low(&[]);
    bench.now_ms = millis("2026-04-10T00:00:00Z");
    let spring = rows(&bench.get(&range(LOAD, "2026-03-29T00:00:01Z", "2026-03-29T23:00:00Z")).unwrap());
    assert_eq!(spring.len(), 46);
    bench.now_ms = millis(NOW);
    let autumn = rows(&bench.get(&range(LOAD, "2026-10-24T23:00:01Z", "2026-10-26T00:00:00Z")).unwrap());
    assert_eq!(autumn.len(), 50);
    let doubled: Vec<(Option<i16>, i128)> = autumn
        .iter()
        .filter(|row| stamp(&row[0]).local.to_string() == "2026-10-25T01:30:00")
        .map(|row| (stamp(&row[0]).deviation_minutes, row[1].integer().unwrap() & 0x08))
        .collect();
    assert_eq!(doubled, [(Some(-60), 8), (Some(0), 0)], "the doubled half hour, told apart twice over");
}

#[test]
fn entries_are_counted_from_the_oldest() {
    let mut bench = Bench::low(&[]);
    let all = rows(&bench.get(&attribute(7, "1-0:99.2.0", 2)).unwrap());
    assert_eq!(bench.get(&attribute(7, "1-0:99.2.0", 7)), Ok(Data::U32(all.len() as u32)));
    assert_eq!(rows(&bench.get(&entries("1-0:99.2.0", [2, 4, 1, 0])).unwrap()), all[1..4]);
    let tail = rows(&bench.get(&entries("1-0:99.2.0", [all.len() as u32, 0, 1, 3])).unwrap());
    assert_eq!(tail, [all[all.len() - 1][..3].to_vec()]);
    assert_eq!(bench.get(&entries("1-0:99.2.0", [9999, 0, 1, 0])), Ok(Data::Array(vec![])));
}

#[test]
fn chosen_columns_come_alone() {
    let mut bench = Bench::low(&[]);
    let mut wanted = range(LOAD, "2026-10-20T00:00:00Z", "2026-10-20T01:00:00Z");
    let all = rows(&bench.get(&wanted).unwrap());
    let columns = bench.get(&attribute(7, LOAD, 3)).unwrap();
    let Data::Structure(parts) = &mut wanted.selective.as_mut().unwrap().parameters else { panic!() };
    parts[3] = Data::Array(vec![columns.elements().unwrap()[3].clone()]);
    let chosen = rows(&bench.get(&wanted).unwrap());
    assert_eq!(chosen.len(), 3);
    for (one, whole) in chosen.iter().zip(&all) {
        assert_eq!(one.as_slice(), &whole[3..4]);
    }
}

#[test]
fn billing_periods_end_at_local_midnight_with_the_maximum_of_their_month() {
    let mut bench = Bench::low(&[]);
    let billing = rows(&bench.get(&attribute(7, "0-0:98.1.0", 2)).unwrap());
    let last = billing.last().unwrap();
    assert_eq!(stamp(&last[0]).local.to_string(), "2026-11-01T00:00:00");
    bench.now_ms = millis("2026-11-01T00:00:00Z");
    assert_eq!(last[1], bench.look(&attribute(3, "1-0:1.8.0", 2)));
    let intervals = rows(&bench.get(&range(LOAD, "2026-09-30T23:00:01Z", "2026-11-01T00:00:00Z")).unwrap());
    let highest = intervals.iter().map(|row| row[2].integer().unwrap()).max().unwrap();
    assert_eq!(last[7].integer().unwrap(), highest * 2, "in W, from half an hour's Wh");
    let at = intervals.iter().find(|row| row[2].integer() == Some(highest)).unwrap();
    assert_eq!(last[8], at[0], "the first such half hour");
}

#[test]
fn the_maximum_begins_anew_with_the_billing_period() {
    let mut bench = Bench::low(&[]);
    let maximum = attribute(4, "1-0:1.6.0", 2);
    bench.now_ms = millis("2026-10-31T23:59:00Z");
    let october = bench.get(&maximum).unwrap().integer().unwrap();
    bench.now_ms = millis("2026-11-01T00:31:00Z");
    let november = bench.get(&maximum).unwrap().integer().unwrap();
    let first = rows(&bench.get(&range(LOAD, "2026-11-01T00:30:00Z", "2026-11-01T00:30:00Z")).unwrap());
    assert_eq!(november, first[0][2].integer().unwrap() * 2);
    assert!(october > november);
}

#[test]
fn rates_add_up_to_the_total_at_any_second() {
    let mut bench = Bench::low(&[]);
    for second in [0, 1, 3599, 86_399, 1_000_003] {
        bench.now_ms = millis("2026-06-01T05:59:30Z") + second * 1000;
        let mut read = |name| bench.get(&attribute(3, name, 2)).unwrap().integer().unwrap();
        assert_eq!(read("1-0:1.8.1") + read("1-0:1.8.2"), read("1-0:1.8.0"));
    }
}

#[test]
fn a_clock_that_was_set_leaves_an_adjusted_interval_and_loses_no_energy() {
    let mut bench = Bench::full(&[]);
    bench.now_ms = millis("2026-10-28T10:10:00Z");
    let register = attribute(3, "1-0:1.8.0", 2);
    let ahead = range(LOAD, "2026-10-28T10:50:00Z", "2026-10-28T10:50:00Z").selective.unwrap();
    let Data::Structure(parts) = ahead.parameters else { panic!() };
    assert_eq!(bench.set(&clock(), &parts[1]), 0);
    bench.now_ms = millis("2026-10-28T12:20:00Z");
    let intervals = rows(&bench.get(&range(LOAD, "2026-10-28T10:00:01Z", "2026-10-28T13:00:00Z")).unwrap());
    assert_eq!(intervals[0][1].integer().unwrap() & 0x20, 0x20);
    let sum: i128 = intervals.iter().map(|row| row[2].integer().unwrap()).sum();
    bench.now_ms = millis("2026-10-28T12:20:00Z");
    let end = bench.get(&register).unwrap().integer().unwrap();
    bench.now_ms = millis("2026-10-28T10:00:00Z");
    let start = bench.get(&register).unwrap().integer().unwrap();
    assert_eq!(sum, end - start);
}

#[test]
fn another_capture_period_empties_the_profile() {
    let mut bench = Bench::full(&[]);
    bench.now_ms = millis("2026-10-28T10:10:00Z");
    assert_eq!(bench.set(&attribute(7, LOAD, 4), &Data::U32(900)), 0);
    assert_eq!(bench.get(&attribute(7, LOAD, 2)), Ok(Data::Array(vec![])));
    bench.now_ms = millis("2026-10-28T11:00:00Z");
    assert_eq!(rows(&bench.get(&attribute(7, LOAD, 2)).unwrap()).len(), 4);
    assert_eq!(bench.set(&attribute(7, LOAD, 4), &Data::U32(7)), 12);
}

#[test]
fn a_fast_clock_stamps_its_intervals_fast() {
    let mut settings = settings(&[]);
    settings.faults.clock_seconds = 90;
    let mut bench = Bench::low_with(settings, |_| {});
    let end = millis("2026-10-20T10:00:00Z") / 1000;
    let rows = rows(&bench.get(&range(LOAD, "2026-10-20T10:00:00Z", "2026-10-20T10:00:00Z")).unwrap());
    let energy = Quantity::IntervalImport.raw(
        lock(&bench.meter).record(),
        Moment { from: end - 1890, end: end - 90 },
        Quirks::NONE,
    );
    assert_eq!(rows[0][2].integer(), Some(energy.into()));
}

#[test]
fn every_captured_object_is_in_the_object_list_under_its_class() {
    let mut bench = Bench::low(&[]);
    let catalogue = lock(&bench.meter).catalogue(crate::simulator::Rights::Full);
    for profile in catalogue.iter().filter(|object| object.class_id == 7) {
        for column in rows(&bench.get(&AttributeRef::new(7, profile.obis, 3)).unwrap()) {
            let (class_id, name) = (column[0].integer().unwrap(), column[1].obis().unwrap());
            let listed = catalogue.iter().any(|one| i128::from(one.class_id) == class_id && one.obis == name);
            assert!(listed, "{name} of {}", profile.obis);
        }
    }
}
