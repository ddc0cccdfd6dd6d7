//! What became different between two attempts: the package's time, trust, the meter, the template.

use meterwright::drivers::Activation;
use meterwright::firmware::{Draft, FlashPlan};
use meterwright::model::{FlashOutcome, FlashPhase, Obis};
use meterwright::simulator::faults::ImageFaults;
use meterwright::simulator::{FIRST_VERSION, SharedMeter, lock};

use crate::bench::{
    Bench, Memory, NOW, VERSION, access, attempt, attempt_as, attempt_at, draft, image, instant, meter,
    meter_of,
};
use crate::{BYTES, faults, initiations, runs};

const WEEK_LATER: &str = "2026-11-29T00:00:00Z";

/// A package that expires a day after the first attempt.
fn short_lived(bench: &Bench) -> FlashPlan {
    let draft = Draft { expires: Some(instant("2026-11-23T00:00:00Z")), ..draft() };
    bench.plan(draft, &image(VERSION, BYTES))
}

/// A flash that broke off after nine blocks.
fn broken_off(bench: &Bench, meter: &SharedMeter, plan: &FlashPlan) -> Memory {
    let journal = Memory::new(bench);
    journal.stop_after.set(Some(9));
    attempt(meter, plan, &journal, None).result.unwrap_err();
    journal.stop_after.set(None);
    assert!(journal.state().blocks().0 > 0);
    journal
}

fn blocks_that_came(meter: &SharedMeter) -> u32 {
    lock(meter).record().firmware().came().iter().sum()
}

#[test]
fn a_package_that_expired_in_the_middle_sends_nothing_more_and_activates_nothing() {
    let bench = Bench::new();
    let (meter, plan) = (meter(ImageFaults::default()), short_lived(&bench));
    let journal = broken_off(&bench, &meter, &plan);
    let before = blocks_that_came(&meter);
    let fault = attempt_at(&meter, &plan, &journal, None, instant(WEEK_LATER)).result.unwrap_err();
    assert!(fault.message.contains("expired"), "{fault}");
    assert!(fault.advice.contains("stays in the meter, not activated"), "{fault}");
    assert_eq!(journal.state().outcome, FlashOutcome::Refused);
    assert_eq!((blocks_that_came(&meter), runs(&meter).0.as_str()), (before, FIRST_VERSION));
}

#[test]
fn a_meter_that_was_told_to_activate_before_its_package_expired_is_still_looked_at() {
    let bench = Bench::new();
    let (meter, plan) = (meter(faults("image:restart=100000")), short_lived(&bench));
    let journal = Memory::new(&bench);
    attempt(&meter, &plan, &journal, None).result.unwrap_err();
    assert!(journal.state().activating.told);
    let late = attempt_at(&meter, &plan, &journal, None, instant(WEEK_LATER));
    late.result.unwrap();
    assert!(late.sink.remarks.iter().any(|text| text.contains("only looked at")), "{:?}", late.sink.remarks);
    assert_eq!(journal.state().outcome, FlashOutcome::Flashed);
    assert_eq!((runs(&meter), initiations(&meter)), ((VERSION.to_owned(), true), 1));
}

#[test]
fn an_order_whose_answer_was_lost_is_not_given_again_by_a_package_that_expired() {
    let bench = Bench::new();
    let (meter, plan) = (meter(faults("image:no-restart")), short_lived(&bench));
    let journal = Memory::new(&bench);
    attempt(&meter, &plan, &journal, None).result.unwrap_err();
    // It did not even come to it: the meter holds a sound image and waits for the order.
    lock(&meter).record().firmware().set_faults(ImageFaults::default());
    let late = attempt_at(&meter, &plan, &journal, None, instant(WEEK_LATER));
    assert!(late.result.is_err());
    assert!(!late.sink.wrote.iter().any(|what| what.contains("activation")), "{:?}", late.sink.wrote);
    assert_ne!(journal.state().outcome, FlashOutcome::Flashed);
    assert_eq!(runs(&meter).0, FIRST_VERSION);
}

#[test]
fn a_schedule_that_a_package_expires_before_says_that_the_meter_takes_over_all_the_same() {
    let bench = Bench::new();
    let (meter, mut plan) = (meter(ImageFaults::default()), short_lived(&bench));
    plan.activation = Activation::At(instant("2026-11-28T02:00:00Z"));
    let journal = Memory::new(&bench);
    attempt(&meter, &plan, &journal, None).result.unwrap();
    let early = attempt_at(&meter, &plan, &journal, None, instant("2026-11-24T00:00:00Z"));
    let fault = early.result.unwrap_err();
    assert!(fault.advice.contains("takes over at 2026-11-28T02:00:00Z by itself"), "{fault}");
    attempt_at(&meter, &plan, &journal, None, instant(WEEK_LATER)).result.unwrap();
    assert_eq!((journal.state().outcome, runs(&meter)), (FlashOutcome::Flashed, (VERSION.to_owned(), true)));
}

#[test]
fn trust_that_is_withdrawn_stops_a_flash_and_trust_that_returns_lets_it_go_on() {
    let bench = Bench::new();
    let meter = meter(ImageFaults::default());
    let plan = bench.plan(draft(), &image(VERSION, BYTES));
    let journal = broken_off(&bench, &meter, &plan);
    let keys = journal.trusted.take();
    let fault = attempt(&meter, &plan, &journal, None).result.unwrap_err();
    assert!(fault.message.contains("not trusted"), "{fault}");
    journal.trusted.replace(keys);
    attempt(&meter, &plan, &journal, None).result.unwrap();
    assert_eq!((runs(&meter), initiations(&meter)), ((VERSION.to_owned(), true), 1));
    assert!(lock(&meter).record().firmware().came().iter().all(|times| *times == 1), "no block twice");
}

#[test]
fn a_meter_that_was_exchanged_in_between_is_backed_up_and_flashed_from_the_beginning() {
    let bench = Bench::new();
    let (old, new) = (meter(ImageFaults::default()), meter_of(8, ImageFaults::default()));
    let plan = bench.plan(draft(), &image(VERSION, BYTES));
    let journal = broken_off(&bench, &old, &plan);
    let (before, serial) = (journal.state().before.unwrap(), journal.state().serial.unwrap());
    let done = attempt_at(&new, &plan, &journal, None, instant(WEEK_LATER));
    done.result.unwrap();
    assert!(done.sink.remarks.iter().any(|text| text.contains("another meter")), "{:?}", done.sink.remarks);
    assert!(done.sink.phases.contains(&FlashPhase::Backup));
    let state = journal.state();
    assert_ne!(state.serial.unwrap(), serial);
    assert_ne!(state.before.unwrap().at, before.at, "the old meter's registers are held against nothing");
    assert_eq!((runs(&new), initiations(&new), state.initiations), ((VERSION.to_owned(), true), 1, 1));
    assert_eq!((runs(&old).0.as_str(), initiations(&old)), (FIRST_VERSION, 1), "the old one is left alone");
}

#[test]
fn a_meter_that_was_exchanged_after_the_order_is_no_success_of_the_new_one() {
    let bench = Bench::new();
    let (old, new) = (meter(faults("image:silent")), meter_of(8, ImageFaults::default()));
    let plan = bench.plan(draft(), &image(VERSION, BYTES));
    let journal = Memory::new(&bench);
    attempt(&old, &plan, &journal, None).result.unwrap_err();
    assert!(journal.state().activating.told);
    attempt_at(&new, &plan, &journal, None, instant(WEEK_LATER)).result.unwrap();
    assert_eq!((runs(&new), initiations(&new)), ((VERSION.to_owned(), true), 1));
}

#[test]
fn a_template_that_was_corrected_in_between_is_followed() {
    let bench = Bench::new();
    let meter = meter(ImageFaults::default());
    let plan = bench.plan(draft(), &image(VERSION, BYTES));
    let journal = broken_off(&bench, &meter, &plan);
    let mut corrected = access();
    corrected.template.firmware.hardware = Some(Obis::new(0, 0, 96, 1, 9, 255));
    corrected.template.firmware.poll_ms = 100;
    attempt_as(&corrected, &meter, &plan, &journal, None, instant(NOW)).result.unwrap();
    assert_eq!((runs(&meter), initiations(&meter)), ((VERSION.to_owned(), true), 1));
}
