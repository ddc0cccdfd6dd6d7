//! The DLMS driver against virtual meters, each with one habit of `facts/dlms-quirks.md`: every habit of the
//! application layer either changes nothing of what is read, or is a setting of the template that makes it so, or is
//! refused in words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod bench;

use bench::{Bench, Recorder};
use jiff::Timestamp;
use meterwright::model::template::NullValue;
use meterwright::model::{Decimal, Obis, Template, What, ZonePolicy};
use meterwright::simulator::Framing;
use meterwright::simulator::quirks::Quirk;

/// In summer, so that deviations are not nought.
const NOW: &str = "2026-07-22T16:10:00Z";
const RECENT: [What; 6] =
    [What::Identity, What::Clock, What::Registers, What::Instantaneous, What::Profile, What::Instrumentation];
const HISTORY: [What; 2] = [What::Billing, What::Events];

type Row = (Timestamp, Option<u64>, Vec<Option<Decimal>>);

/// Everything that was read and must be the same whatever the habit.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    serial: Option<String>,
    registers: Vec<(Obis, u8, Option<String>, Option<Timestamp>)>,
    rows: Vec<(Obis, Vec<Row>)>,
    billing: Vec<(Timestamp, Vec<Option<String>>)>,
    events: Vec<(Obis, Timestamp, Option<u32>, Option<Timestamp>)>,
}

fn facts(recent: &Recorder, history: &Recorder) -> Facts {
    // Side dishes of a demand register may be refused; the figures may not.
    let figures = recent.registers.iter().filter(|one| matches!(one.attribute, 2 | 3));
    let mut registers: Vec<_> =
        figures.map(|one| (one.obis, one.attribute, one.value.text(), one.stamp.map(|(_, at)| at))).collect();
    registers.sort();
    let rows = recent.rows.iter().map(|(obis, rows)| {
        let rows = rows.iter().map(|row| (row.end, row.raw_status, row.values.clone()));
        (*obis, rows.collect())
    });
    let billing = history.billing.iter().map(|set| {
        (set.at, set.registers.iter().filter(|one| one.attribute < 4).map(|one| one.value.text()).collect())
    });
    let events = history.events.iter().map(|one| (one.log, one.at, one.code, one.until));
    Facts {
        serial: recent.identity.as_ref().and_then(|identity| identity.serial.clone()),
        registers,
        rows: rows.collect(),
        billing: billing.collect(),
        events: events.collect(),
    }
}

/// Two reads of a meter: the last two days, and its history from the beginning.
fn read(mut bench: Bench) -> Result<(Facts, Recorder), String> {
    let from = "2026-07-20T23:00:00Z".parse().ok();
    let (recent, history) = (bench.read(&RECENT, from, None), bench.read(&HISTORY, None, None));
    for (outcome, sink, _) in [&recent, &history] {
        outcome.clone().map_err(|fault| fault.to_string())?;
        if let Some(fault) = sink.faults.first() {
            return Err(fault.to_string());
        }
    }
    Ok((facts(&recent.1, &history.1), recent.1))
}

fn with(quirk: Quirk) -> Bench {
    Bench::new(&[&format!("quirk:{quirk}")], Framing::Wrapper, NOW)
}

fn tuned(quirk: Quirk, tune: impl FnOnce(&mut Template)) -> Bench {
    let mut bench = with(quirk);
    tune(&mut bench.access.template);
    bench
}

fn by_the_book() -> Facts {
    let (facts, recent) = read(Bench::new(&[], Framing::Wrapper, NOW)).unwrap();
    assert!(facts.rows.iter().all(|(_, rows)| !rows.is_empty()) && facts.rows.len() >= 2);
    assert!(!facts.billing.is_empty() && !facts.events.is_empty() && facts.registers.len() > 10);
    assert_eq!(recent.remarks, Vec::<String>::new());
    facts
}

/// Habits of the link below, those that need a setting, and those that no client may put up with.
const ELSEWHERE: [Quirk; 9] = [
    Quirk::Echo,
    Quirk::OtherObjects,
    Quirk::ReflectedChallenge,
    Quirk::NoProof,
    Quirk::DeviationInverted,
    Quirk::StandardTime,
    Quirk::NullValues,
    Quirk::OtherScaler,
    Quirk::PreEstablished,
];

#[test]
fn a_habit_of_a_meter_changes_nothing_of_what_is_read() {
    let expected = by_the_book();
    let mut wrong = Vec::new();
    for (quirk, word, line) in Quirk::ALL.iter().filter(|(_, _, line)| *line >= 19) {
        if ELSEWHERE.contains(quirk) {
            continue;
        }
        match read(with(*quirk)) {
            Ok((got, _)) if got == expected => {}
            Ok((got, _)) => wrong.push(format!("{line} {word}: {}", difference(&expected, &got))),
            Err(fault) => wrong.push(format!("{line} {word}: {fault}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn difference(expected: &Facts, got: &Facts) -> String {
    let parts = [
        ("identity", expected.serial == got.serial),
        ("registers", expected.registers == got.registers),
        ("rows", expected.rows == got.rows),
        ("billing", expected.billing == got.billing),
        ("events", expected.events == got.events),
    ];
    let differing: Vec<&str> = parts.iter().filter(|part| !part.1).map(|part| part.0).collect();
    format!("other {}", differing.join(", "))
}

#[test]
fn an_inverted_deviation_is_seen_by_the_clock_and_told() {
    let (got, recent) = read(with(Quirk::DeviationInverted)).unwrap();
    assert_eq!(got, by_the_book());
    assert!(recent.clock.unwrap().sign_looks_inverted);
    assert_eq!(recent.remarks.len(), 1);
}

#[test]
fn a_clock_in_standard_time_all_year_is_a_setting_of_the_template() {
    let bench = tuned(Quirk::StandardTime, |template| template.clock.zone_policy = ZonePolicy::StandardTime);
    let (got, _) = read(bench).unwrap();
    let expected = by_the_book();
    let load = Obis::new(1, 0, 99, 1, 0, 255);
    let values = |facts: &Facts| -> Vec<(Timestamp, Vec<Option<Decimal>>)> {
        let rows = facts.rows.iter().find(|(obis, _)| *obis == load).unwrap();
        rows.1.iter().map(|row| (row.0, row.2.clone())).collect()
    };
    assert_eq!(values(&got), values(&expected));
}

#[test]
fn null_for_the_same_value_as_before_is_a_setting_of_the_template() {
    let bench = tuned(Quirk::NullValues, |template| template.profiles.null_value = NullValue::Repeat);
    assert_eq!(read(bench).unwrap().0, by_the_book());
    // Without it nothing is made up: what differs is absent.
    let (got, _) = read(with(Quirk::NullValues)).unwrap();
    let expected = by_the_book();
    for ((_, got), (_, expected)) in got.rows.iter().zip(&expected.rows) {
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!(got.2.iter().zip(&expected.2).all(|(got, expected)| got.is_none() || got == expected));
        }
    }
}

#[test]
fn a_scaler_of_another_firmware_is_read_and_not_assumed() {
    let (got, _) = read(with(Quirk::OtherScaler)).unwrap();
    let expected = by_the_book();
    let number = |facts: &Facts| -> Decimal {
        let total = Obis::new(1, 0, 1, 8, 0, 255);
        facts
            .registers
            .iter()
            .find(|one| one.0 == total)
            .and_then(|one| one.2.clone())
            .unwrap()
            .parse()
            .unwrap()
    };
    assert_eq!(number(&got), number(&expected));
}

#[test]
fn other_names_of_the_association_are_a_setting_of_the_template() {
    let bench = tuned(Quirk::OtherObjects, |template| {
        template.association.object = Obis::new(0, 0, 40, 0, 5, 255);
        template.association.counter_objects = vec![Obis::new(0, 0, 43, 1, 5, 255)];
    });
    assert_eq!(read(bench).unwrap().0, by_the_book());
}

#[test]
fn an_association_that_is_always_there_is_a_setting_of_the_template() {
    let bench = tuned(Quirk::PreEstablished, |template| template.association.pre_established = true);
    assert_eq!(read(bench).unwrap().0, by_the_book());
}

#[test]
fn a_meter_without_a_proof_of_its_own_is_read_only_where_the_template_allows_it() {
    let fault = read(with(Quirk::NoProof)).unwrap_err();
    assert!(fault.contains("accept_missing_proof"), "{fault}");
    let bench = tuned(Quirk::NoProof, |template| template.association.accept_missing_proof = true);
    assert_eq!(read(bench).unwrap().0, by_the_book());
}

#[test]
fn a_meter_that_sends_our_own_challenge_back_is_refused() {
    let fault = read(with(Quirk::ReflectedChallenge)).unwrap_err();
    assert!(fault.contains("challenge"), "{fault}");
}

#[test]
fn without_protection_the_public_client_reads_the_same() {
    let bench = Bench::new(&[], Framing::Wrapper, NOW).in_public();
    assert_eq!(read(bench).unwrap().0, by_the_book());
}

#[test]
fn the_same_comes_over_hdlc() {
    assert_eq!(read(Bench::new(&[], Framing::Hdlc, NOW)).unwrap().0, by_the_book());
}

#[test]
fn days_of_23_and_25_hours_are_read_whole() {
    for (now, from, to, half_hours) in [
        ("2026-04-02T12:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", 46),
        ("2026-10-28T12:00:00Z", "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z", 50),
    ] {
        for quirks in
            [vec![], vec!["quirk:deviation-unspecified"], vec!["quirk:null-stamps", "quirk:newest-first"]]
        {
            let mut bench = Bench::new(&quirks, Framing::Wrapper, now);
            let (from, to) = (from.parse().ok(), to.parse().ok());
            let (outcome, got, _) = bench.read(&[What::Profile], from, to);
            outcome.unwrap();
            let rows = &got.rows[&Obis::new(1, 0, 99, 1, 0, 255)];
            let ends: std::collections::BTreeSet<Timestamp> = rows.iter().map(|row| row.end).collect();
            // Rows of an interval that a supply failure cut short stand off the grid.
            let on_grid = ends.iter().filter(|end| end.as_second() % 1800 == 0).count();
            assert_eq!((on_grid, got.faults.len()), (half_hours, 0), "{now} {quirks:?}");
        }
    }
}

#[test]
fn a_known_meter_gives_its_day_within_the_exchanges_of_the_budget() {
    let budgets = [(Framing::Wrapper, 1024, 6), (Framing::Wrapper, 65_535, 4), (Framing::Hdlc, 1024, 9)];
    for (framing, pdu, budget) in budgets {
        let mut bench = Bench::new(&[], framing, NOW);
        bench.access.template.association.max_pdu = pdu;
        // Four energies with two rates each, less two: the ten registers of the budget.
        let energies = (1..=4).flat_map(|c| (0..3).map(move |rate| Obis::new(1, 0, c, 8, rate, 255)));
        bench.access.template.objects.registers = energies.take(10).collect();
        bench.access.template.objects.complete = true;
        bench.access.template.objects.load_profiles = vec![Obis::new(1, 0, 99, 1, 0, 255)];
        let what = [What::Clock, What::Registers, What::Profile];
        let from = "2026-07-21T16:00:00Z".parse().ok();
        bench.read(&what, from, None).0.unwrap();
        let (outcome, got, exchanges) = bench.read(&what, from, None);
        outcome.unwrap();
        assert!(got.rows[&Obis::new(1, 0, 99, 1, 0, 255)].len() >= 48);
        assert!(exchanges <= budget, "{framing:?} {pdu}: {exchanges} exchanges");
    }
}
