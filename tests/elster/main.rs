//! Elster meters: the driver and the vendor's procedure over virtual meters in virtual time, and whole jobs through the
//! real binary over TCP, a pseudo-terminal and a modem.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod bench;
#[path = "../cli_support/mod.rs"]
mod cli_support;
mod jobs;
mod link;
mod vendor;

use std::collections::BTreeSet;
use std::time::Duration;

use bench::{Kept, Line, Lost, NOW, access, meter};
use jiff::Timestamp;
use meterwright::drivers::{ClockOrder, ClockWay, RatioOrder, ReadRequest, elster};
use meterwright::model::{Blame, Fault, Knowledge, Ratio, Secret, What};
use meterwright::protocol::elster_flag::Command;
use meterwright::simulator::flag::{Model, SharedFlag, lock};

fn everything() -> ReadRequest {
    let what = [What::Identity, What::Clock, What::Registers];
    ReadRequest { what: BTreeSet::from(what), from: None, to: None }
}

async fn read(meter: &SharedFlag, template: &str) -> (Result<(), Fault>, Kept, Line) {
    let (mut line, mut kept) = (Line::new(meter, None), Kept::new());
    let access = access(template);
    let outcome = elster::read(&mut line, &access, &mut Knowledge::default(), &everything(), &mut kept).await;
    (outcome, kept, line)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn every_model_gives_its_plate_its_clock_and_its_registers() {
    for (model, template, rates) in [
        (Model::A1700, "elster-a1700", 2),
        (Model::A1140, "elster-a1140", 2),
        (Model::As230, "elster-as230", 2),
    ] {
        let meter = meter(model, &[]);
        let (outcome, kept, line) = read(&meter, template).await;
        outcome.unwrap();
        assert!(kept.partial.is_empty() && kept.remarks.is_empty(), "{:?} {:?}", kept.partial, kept.remarks);
        assert_eq!(kept.identity.serial.as_deref(), Some("26000001"));
        assert!(kept.clocks[0].drift_ms().abs() < 2000);
        // The virtual meter's own record, to the last digit.
        let second = NOW.parse::<Timestamp>().unwrap().as_second();
        let inside = lock(&meter).meter.clone();
        let (counted, scaler) = {
            let mut inside = inside.lock().unwrap();
            (inside.record().counted(second), inside.settings().premises.scaler())
        };
        let exact = |raw: u64| meterwright::model::Decimal::new(raw.into(), scaler);
        let shown = |obis: &str| -> meterwright::model::Decimal {
            kept.value(obis).split(' ').next().unwrap().parse().unwrap()
        };
        let near = |obis: &str, raw: u64| {
            // A second or two went by between the reading and the question.
            let difference = shown(obis).checked_sub(exact(raw)).unwrap();
            assert!(difference <= exact(20) && !difference.is_negative(), "{template} {obis}: {difference}");
        };
        near("1.8.0", counted.import);
        near("5.8.0", counted.quadrants[0]);
        near("1.8.2", counted.import_night);
        assert!(kept.value("1.8.0").ends_with(" Wh") && kept.value("5.8.0").ends_with(" varh"));
        assert_eq!(
            kept.registers
                .iter()
                .filter(|one| one.obis.c() == 1 && one.obis.e() > 0 && one.obis.d() == 8)
                .count(),
            rates
        );
        let maximum = kept.registers.iter().find(|one| one.obis.to_string() == "1-1:1.6.0*255").unwrap();
        assert!(maximum.stamp.is_some() && maximum.unit.symbol() == "W", "{maximum:?}");
        let is_write = |command: &Command| matches!(command, Command::Write { .. });
        assert!(!line.asked.iter().any(is_write), "a read writes nothing");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_long_session_renews_its_password_before_the_meter_forgets_it() {
    let meter = meter(Model::A1700, &[]);
    let access = access("elster-a1700");
    for (delay, passwords) in [(Duration::from_millis(50), 2..=2), (Duration::from_secs(60), 4..=10)] {
        let (mut line, mut kept) = (Line::new(&meter, None), Kept::new());
        line.delay = delay;
        elster::read(&mut line, &access, &mut Knowledge::default(), &everything(), &mut kept).await.unwrap();
        let sent = line.asked.iter().filter(|one| matches!(one, Command::Password { .. })).count();
        assert!(passwords.contains(&sent), "{delay:?}: {sent}");
        assert!(kept.partial.is_empty());
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_wrong_password_is_told_and_not_tried_again() {
    let meter = meter(Model::A1140, &[]);
    let mut access = access("elster-a1140");
    access.secrets.password = Some(Secret::new(b"WRONG123".to_vec()));
    let (mut line, mut kept) = (Line::new(&meter, None), Kept::new());
    let outcome = elster::read(&mut line, &access, &mut Knowledge::default(), &everything(), &mut kept).await;
    let fault = outcome.unwrap_err();
    assert!(fault.blame == Blame::Meter && !fault.passing && fault.message.contains("password"), "{fault}");
    assert!(kept.registers.is_empty());
    access.secrets.password = Some(Secret::new(b"short".to_vec()));
    let outcome = elster::read(&mut line, &access, &mut Knowledge::default(), &everything(), &mut kept).await;
    assert!(outcome.unwrap_err().message.contains("exactly eight"));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_a_password_the_plate_is_read_and_the_rest_is_asked_for() {
    let meter = meter(Model::A1140, &[]);
    let mut access = access("elster-a1140");
    access.secrets.password = None;
    let (mut line, mut kept) = (Line::new(&meter, None), Kept::new());
    let outcome = elster::read(&mut line, &access, &mut Knowledge::default(), &everything(), &mut kept).await;
    assert_eq!(kept.identity.serial.as_deref(), Some("26000001"));
    let fault = outcome.unwrap_err();
    assert!(fault.message.contains("ERR5") && fault.advice.contains("--secret password"), "{fault}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_of_another_model_is_refused_before_its_tables_are_read_as_what_they_are_not() {
    let meter = meter(Model::A1140, &[]);
    let (outcome, kept, line) = read(&meter, "elster-a1700").await;
    let fault = outcome.unwrap_err();
    assert!(fault.message.contains("A1140") && fault.message.contains("A1700"), "{fault}");
    assert!(line.asked.is_empty() && kept.registers.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn ratios_are_read_as_each_model_holds_them_and_never_written() {
    for (model, template, ct, vt) in [
        (Model::A1700, "elster-a1700", "200/5", Some("1/1")),
        (Model::A1140, "elster-a1140", "200/5", None),
        (Model::As230, "elster-as230", "1/1", None),
    ] {
        let meter = meter(model, &[]);
        let (mut line, mut kept) = (Line::new(&meter, None), Kept::new());
        let access = access(template);
        let mut knowledge = Knowledge::default();
        elster::ratios(&mut line, &access, &mut knowledge, &RatioOrder::Read, &mut kept).await.unwrap();
        let said = kept.ratios.unwrap().said;
        assert_eq!(said.ct.unwrap().to_string(), ct, "{template}");
        assert_eq!(said.vt.map(|vt| vt.to_string()).as_deref(), vt);
        let is_doubted = kept.remarks.iter().any(|remark| remark.contains("nobody has confirmed"));
        assert_eq!(is_doubted, model == Model::A1140);
        let write = RatioOrder::Write { ct: Ratio::ONE, vt: Ratio::ONE };
        let before = line.exchanges;
        let fault = elster::ratios(&mut line, &access, &mut knowledge, &write, &mut kept).await.unwrap_err();
        assert!(fault.refused && fault.message.contains("616"), "{fault}");
        assert_eq!(line.exchanges, before, "nothing is sent");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_clock_that_is_wrong_is_set_and_read_back() {
    let meter = meter(Model::A1700, &["clock=90"]);
    let access = access("elster-a1700");
    let (mut line, mut kept) = (Line::new(&meter, None), Kept::new());
    let order = ClockOrder { way: ClockWay::Set, across_interval: false };
    elster::set_clock(&mut line, &access, &mut Knowledge::default(), order, &mut kept).await.unwrap();
    let drifts: Vec<i64> = kept.clocks.iter().map(|one| one.drift_ms() / 1000).collect();
    assert!((89..=91).contains(&drifts[0]) && drifts[1].abs() <= 1, "{drifts:?}");
    assert!(kept.wrote[0].contains("table 861"), "{:?}", kept.wrote);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_set_across_the_end_of_an_interval_is_said_first() {
    // 25 minutes fast: 12:35 by the meter, 12:10 in truth.
    let meter = meter(Model::A1140, &["clock=1500"]);
    let access = access("elster-a1140");
    let (mut line, mut kept) = (Line::new(&meter, None), Kept::new());
    let order = ClockOrder { way: ClockWay::Set, across_interval: false };
    let outcome = elster::set_clock(&mut line, &access, &mut Knowledge::default(), order, &mut kept).await;
    assert!(outcome.unwrap_err().message.contains("comes twice"));
    assert!(kept.wrote.is_empty());
    let order = ClockOrder { across_interval: true, ..order };
    elster::set_clock(&mut line, &access, &mut Knowledge::default(), order, &mut kept).await.unwrap();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_line_that_is_cut_at_any_exchange_gives_no_figure_that_is_wrong() {
    let meter = meter(Model::A1140, &[]);
    let (_, whole, line) = read(&meter, "elster-a1140").await;
    let access = access("elster-a1140");
    for at in 0..line.exchanges {
        for lost in [Lost::Request, Lost::Answer] {
            let (mut line, mut kept) = (Line::new(&meter, Some((at, lost))), Kept::new());
            let outcome =
                elster::read(&mut line, &access, &mut Knowledge::default(), &everything(), &mut kept).await;
            assert_eq!(outcome.unwrap_err().blame, Blame::Line, "{at} {lost:?}");
            for one in &kept.registers {
                assert!(whole.registers.iter().any(|other| other.obis == one.obis && other.unit == one.unit));
            }
        }
    }
}
