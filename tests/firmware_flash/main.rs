//! The flashing procedure against virtual meters, over a line that is cut anywhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod bench;
mod later;
mod makers;
mod many;

use bench::{
    Bench, Cut, Memory, NOW, Place, VERSION, access, access_as, attempt, attempt_as, attempt_at, draft,
    image, instant, meter, meter_with,
};
use meterwright::drivers::{Activation, MeterAccess};
use meterwright::firmware::{Draft, FlashPlan};
use meterwright::model::{Auth, FlashOutcome, FlashPhase, Security, Step};
use meterwright::simulator::faults::{Faults, ImageFaults};
use meterwright::simulator::quirks::{Quirk, Quirks};
use meterwright::simulator::{FIRST_VERSION, SharedMeter, lock};

const BYTES: usize = 3333;

fn faults(spec: &str) -> ImageFaults {
    Faults::parse(&[spec]).unwrap().image
}

fn plan(bench: &Bench) -> FlashPlan {
    bench.plan(draft(), &image(VERSION, BYTES))
}

/// What runs in a meter: its version, and whether it is the package's image to the last byte.
fn runs(meter: &SharedMeter) -> (String, bool) {
    let mut meter = lock(meter);
    let firmware = meter.record().firmware();
    (firmware.version().to_owned(), firmware.active() == image(VERSION, BYTES))
}

fn initiations(meter: &SharedMeter) -> u32 {
    lock(meter).record().firmware().initiations()
}

/// Flashes a meter with these faults in one attempt that must not go well; gives the message.
fn fails(spec: &str) -> (SharedMeter, Memory, String) {
    let bench = Bench::new();
    let (meter, journal) = (meter(faults(spec)), Memory::new(&bench));
    let fault = attempt(&meter, &plan(&bench), &journal, None).result.unwrap_err();
    assert_ne!(journal.state().outcome, FlashOutcome::Flashed);
    (meter, journal, fault.to_string())
}

#[test]
fn a_flash_goes_through_its_phases_in_order_and_ends_with_the_new_version() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let done = attempt(&meter, &plan(&bench), &journal, None);
    done.result.unwrap();
    use FlashPhase::{
        Activate, Backup, Blocks, Check, Compare, Done, Enable, Identify, Initiate, Package, Restart, Verify,
        Version,
    };
    let wanted = [
        Package, Identify, Backup, Identify, Enable, Initiate, Blocks, Verify, Compare, Activate, Restart,
        Version, Check, Done,
    ];
    assert_eq!(done.sink.phases, wanted);
    assert_eq!(runs(&meter), (VERSION.to_owned(), true));
    let state = journal.state();
    assert_eq!((state.outcome, state.initiations), (FlashOutcome::Flashed, 1));
    assert_eq!(state.version_before.as_deref(), Some(FIRST_VERSION));
    assert_eq!(state.version_after.as_deref(), Some(VERSION));
    assert!(done.sink.steps.iter().any(|step| matches!(step, Step::Blocks { done: 17, of: 17, .. })));
    assert!(done.sink.wrote.iter().any(|what| what.contains("initiated")), "{:?}", done.sink.wrote);
    assert!(done.sink.wrote.iter().any(|what| what.contains("activation")), "{:?}", done.sink.wrote);
}

#[test]
fn registers_are_read_before_anything_is_sent_and_again_afterwards() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let done = attempt(&meter, &plan(&bench), &journal, None);
    assert!(!done.sink.registers.is_empty());
    assert!(done.sink.registers.values().all(|count| count.is_multiple_of(2)), "{:?}", done.sink.registers);
    assert!(journal.state().before.is_some_and(|before| !before.registers.is_empty()));
}

#[test]
fn a_meter_that_runs_the_version_is_left_alone() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let draft = Draft { version: FIRST_VERSION.to_owned(), ..draft() };
    attempt(&meter, &bench.plan(draft, &image(FIRST_VERSION, 500)), &journal, None).result.unwrap();
    assert_eq!((journal.state().outcome, initiations(&meter)), (FlashOutcome::Flashed, 0));
}

#[test]
fn a_package_that_does_not_suit_is_refused_and_nothing_is_sent() {
    let bench = Bench::new();
    let cases = [
        (Draft { models: vec!["MTW-305".to_owned()], ..draft() }, "MTW-305"),
        (Draft { maker: "ELS".to_owned(), ..draft() }, "ELS"),
        (Draft { hardware_revisions: vec!["B2".to_owned()], ..draft() }, "B2"),
        (Draft { version: "1.3.9".to_owned(), ..draft() }, "older"),
        (Draft { replaces: vec!["1.3.*".to_owned()], ..draft() }, "replaces"),
        (Draft { expires: Some(instant(NOW)), ..draft() }, "expired"),
    ];
    for (draft, word) in cases {
        let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
        let fault =
            attempt(&meter, &bench.plan(draft, &image(VERSION, 500)), &journal, None).result.unwrap_err();
        assert!(fault.message.contains(word), "{fault}");
        assert_eq!((journal.state().outcome, initiations(&meter)), (FlashOutcome::Refused, 0));
    }
}

#[test]
fn a_key_that_is_not_trusted_any_more_stops_the_flash_before_anything_is_sent() {
    let (bench, other) = (Bench::new(), Bench::new());
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&other));
    let fault = attempt(&meter, &plan(&bench), &journal, None).result.unwrap_err();
    assert!(fault.message.contains("not trusted"), "{fault}");
    assert_eq!(initiations(&meter), 0);
}

#[test]
fn a_downgrade_that_is_allowed_is_done_and_its_reason_is_audited() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let draft = Draft { version: "MTW 1.3.0".to_owned(), ..draft() };
    let mut plan = bench.plan(draft, &image("MTW 1.3.0", 700));
    plan.downgrade = Some("1.4.2 counts twice".to_owned());
    let done = attempt(&meter, &plan, &journal, None);
    done.result.unwrap();
    assert!(done.sink.wrote.iter().any(|what| what.contains("1.4.2 counts twice")));
    assert_eq!(runs(&meter).0, "MTW 1.3.0");
}

#[test]
fn faults_that_a_client_can_get_over_end_with_the_new_version() {
    for spec in [
        "image:loses=3",
        "image:loses=1",
        "image:loses=4,image:first-wrong",
        "image:loses=4,image:no-bitmap",
        "image:verify-slow=5",
        "image:restart=40",
        "image:restart=40,image:no-status",
        "image:no-info",
        "image:no-status",
        "image:no-bitmap",
        "image:first-wrong",
        "image:no-bitmap,image:no-status,image:no-info",
        "image:ask-again",
        "image:ask-again,image:restart=40",
        "image:cut=activate",
    ] {
        let bench = Bench::new();
        let (meter, journal) = (meter(faults(spec)), Memory::new(&bench));
        let done = attempt(&meter, &plan(&bench), &journal, None);
        assert!(done.result.is_ok(), "{spec}: {:?}", done.result);
        assert_eq!(runs(&meter), (VERSION.to_owned(), true), "{spec}");
        assert_eq!(initiations(&meter), 1, "{spec}");
    }
}

#[test]
fn a_meter_that_restarts_in_the_middle_is_flashed_by_the_next_attempt() {
    for phase in ["enable", "initiate", "blocks", "verify", "activate"] {
        for forgets in [false, true] {
            let spec = format!("image:cut={phase}{}", if forgets { ",image:forgets" } else { "" });
            let bench = Bench::new();
            let (meter, journal) = (meter(faults(&spec)), Memory::new(&bench));
            let plan = plan(&bench);
            if let Err(fault) = attempt(&meter, &plan, &journal, None).result {
                assert!(fault.passing, "{spec}: {fault}");
                assert_eq!(journal.state().outcome, FlashOutcome::Open, "{spec}");
                let again = attempt(&meter, &plan, &journal, None).result;
                assert!(again.is_ok(), "{spec}: {again:?}");
            }
            assert_eq!(runs(&meter), (VERSION.to_owned(), true), "{spec}");
            // The answer to the first initiate never came; what is forgotten has to be initiated again.
            let must = phase == "initiate" || forgets && matches!(phase, "blocks" | "verify");
            assert_eq!(initiations(&meter), 1 + u32::from(must), "{spec}");
        }
    }
}

#[test]
fn a_meter_without_room_says_so() {
    assert!(fails("image:full").2.contains("does not take the image"));
    let (meter, _, message) = fails("image:full=5");
    assert!(message.contains("refused block 5"), "{message}");
    assert_eq!(initiations(&meter), 1);
}

#[test]
fn blocks_that_no_message_of_the_meter_holds_are_told_as_such_and_go_in_pieces_where_these_are_agreed() {
    let bench = Bench::new();
    let tries = |quirks: Quirks, without: &[&str]| {
        let meter = meter_with(|settings| {
            settings.max_pdu = 180;
            settings.faults.quirks = quirks;
        });
        let mut access = access();
        access.template.association.without = without.iter().map(|&word| word.to_owned()).collect();
        attempt_as(&access, &meter, &plan(&bench), &Memory::new(&bench), None, instant(NOW))
    };
    let strict = Quirks::NONE.with(Quirk::LongRefused);
    let [general, of_actions] = ["general-block-transfer", "block-transfer-with-action"];
    let fault = tries(strict, &[general, of_actions]).result.unwrap_err();
    for part in ["PDU too long", "blocks of 200 bytes", "messages of 180"] {
        assert!(fault.message.contains(part), "{part}: {fault}");
    }
    assert!(!fault.passing && !fault.advice.contains("minute"), "{fault}");
    for without in [&[general][..], &[of_actions]] {
        tries(strict, without).result.unwrap();
    }
    let lenient = tries(Quirks::NONE, &[general, of_actions]);
    lenient.result.unwrap();
    assert!(
        lenient.sink.remarks.iter().any(|text| text.contains("sent whole")),
        "{:?}",
        lenient.sink.remarks
    );
}

#[test]
fn an_image_that_is_not_sound_is_not_activated() {
    let (_, journal, message) = fails("image:verify-fails");
    assert!(message.contains("not sound"), "{message}");
    assert_eq!(journal.state().outcome, FlashOutcome::Failed);
}

#[test]
fn a_meter_that_would_activate_something_else_is_stopped_hard() {
    let (meter, journal, message) = fails("image:other-image");
    assert!(message.contains("something else"), "{message}");
    assert_eq!(runs(&meter).0, FIRST_VERSION);
    assert_eq!(journal.state().phase, FlashPhase::Compare);
}

#[test]
fn only_the_version_that_is_read_makes_a_success() {
    let (meter, journal, message) = fails("image:wrong-version");
    assert!(message.contains("0.0.1-recovery") && message.contains(VERSION), "{message}");
    assert_eq!((journal.state().outcome, journal.state().phase), (FlashOutcome::Failed, FlashPhase::Restart));
    drop(meter);
    for spec in ["image:no-restart", "image:silent"] {
        let (_, journal, message) = fails(spec);
        assert!(message.contains("did not come back"), "{spec}: {message}");
        assert_eq!(journal.state().outcome, FlashOutcome::Failed);
    }
}

#[test]
fn a_meter_that_comes_back_late_is_looked_for_again_and_not_flashed_anew() {
    let bench = Bench::new();
    let (meter, journal) = (meter(faults("image:restart=100000")), Memory::new(&bench));
    let plan = plan(&bench);
    assert!(attempt(&meter, &plan, &journal, None).result.is_err());
    let week_later = instant("2026-11-29T00:00:00Z");
    attempt_at(&meter, &plan, &journal, None, week_later).result.unwrap();
    assert_eq!((runs(&meter), initiations(&meter)), ((VERSION.to_owned(), true), 1));
}

#[test]
fn an_image_can_be_left_ready_and_activated_later() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let mut plan = plan(&bench);
    plan.activation = Activation::Never;
    attempt(&meter, &plan, &journal, None).result.unwrap();
    assert_eq!((journal.state().outcome, runs(&meter).0.as_str()), (FlashOutcome::Ready, FIRST_VERSION));
    plan.activation = Activation::Now;
    attempt(&meter, &plan, &journal, None).result.unwrap();
    assert_eq!((runs(&meter), initiations(&meter)), ((VERSION.to_owned(), true), 1));
}

#[test]
fn an_image_that_is_scheduled_takes_over_at_its_time() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let mut plan = plan(&bench);
    plan.activation = Activation::At(instant("2026-11-23T02:00:00Z"));
    attempt(&meter, &plan, &journal, None).result.unwrap();
    assert_eq!(journal.state().outcome, FlashOutcome::Scheduled);
    let early = attempt_at(&meter, &plan, &journal, None, instant("2026-11-23T01:00:00Z"));
    early.result.unwrap();
    assert_eq!((journal.state().outcome, runs(&meter).0.as_str()), (FlashOutcome::Scheduled, FIRST_VERSION));
    attempt_at(&meter, &plan, &journal, None, instant("2026-11-23T02:10:00Z")).result.unwrap();
    assert_eq!((journal.state().outcome, runs(&meter)), (FlashOutcome::Flashed, (VERSION.to_owned(), true)));
    assert_eq!(initiations(&meter), 1);
}

#[test]
fn a_flash_that_is_told_to_stop_goes_on_where_it_stood() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let plan = plan(&bench);
    journal.stop_after.set(Some(9));
    let fault = attempt(&meter, &plan, &journal, None).result.unwrap_err();
    assert!(fault.message.contains("maintenance window"));
    assert_eq!(journal.state().outcome, FlashOutcome::Open);
    journal.stop_after.set(None);
    attempt(&meter, &plan, &journal, None).result.unwrap();
    assert_eq!(runs(&meter), (VERSION.to_owned(), true));
    assert_eq!(initiations(&meter), 1);
    assert!(lock(&meter).record().firmware().came().iter().all(|times| *times == 1), "no block twice");
}

#[test]
fn another_clients_image_is_never_added_to() {
    let bench = Bench::new();
    let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
    let plan = plan(&bench);
    journal.stop_after.set(Some(9));
    attempt(&meter, &plan, &journal, None).result.unwrap_err();
    // Another program begins its own transfer of the same size over it.
    let (rival_bench, rival_bytes) = (Bench::new(), image("MTW 9.9.9", BYTES));
    let rival = rival_bench.plan(Draft { version: "MTW 9.9.9".to_owned(), ..draft() }, &rival_bytes);
    let rivals = Memory::new(&rival_bench);
    rivals.stop_after.set(Some(16));
    attempt(&meter, &rival, &rivals, None).result.unwrap_err();
    journal.stop_after.set(None);
    let done = attempt(&meter, &plan, &journal, None);
    // Its blocks are not from here where more came than were sent; else verification and comparison have to tell.
    if done.result.is_err() {
        attempt(&meter, &plan, &journal, None).result.unwrap();
    }
    assert_eq!(runs(&meter), (VERSION.to_owned(), true));
}

fn cut_everywhere(place: impl Fn(usize) -> Place, cut: Cut) {
    cut_everywhere_as(&access(), place, cut);
}

/// Cuts the line at one exchange after the other, until one comes too late to be noticed.
fn cut_everywhere_as(access: &MeterAccess, place: impl Fn(usize) -> Place, cut: Cut) {
    let attempt = |meter: &SharedMeter, plan: &FlashPlan, journal: &Memory, cut| {
        attempt_as(access, meter, plan, journal, cut, instant(NOW))
    };
    let bench = Bench::new();
    let plan = bench.plan(draft(), &image(VERSION, 900));
    for exchange in 0.. {
        let (meter, journal) = (meter(ImageFaults::default()), Memory::new(&bench));
        let first = attempt(&meter, &plan, &journal, Some((place(exchange), cut)));
        let is_over = first.result.is_ok() && first.exchanges <= exchange;
        if first.result.is_err() || journal.state().outcome != FlashOutcome::Flashed {
            let is_fine = first.result.as_ref().err().is_none_or(|fault| fault.passing);
            assert!(cut == Cut::Crash || is_fine, "{cut:?} at {exchange}: {:?}", first.result);
            let again = attempt(&meter, &plan, &journal, None).result;
            assert!(again.is_ok(), "{cut:?} at {exchange}: {again:?}");
        }
        assert_eq!(journal.state().outcome, FlashOutcome::Flashed, "{cut:?} at {exchange}");
        let mut inside = lock(&meter);
        let firmware = inside.record().firmware();
        assert!(firmware.version() == VERSION && firmware.active() == image(VERSION, 900), "at {exchange}");
        let twice: u32 = firmware.came().iter().map(|times| times - 1).sum();
        assert!(twice <= 1, "{cut:?} at {exchange}: {:?}", firmware.came());
        if is_over {
            assert!(exchange > 20, "the whole procedure took {exchange} exchanges");
            return;
        }
    }
}

#[test]
fn a_line_that_is_cut_before_any_request_leaves_a_flash_that_goes_on() {
    cut_everywhere(Place::Request, Cut::Line);
}

#[test]
fn a_line_that_is_cut_before_any_answer_leaves_a_flash_that_goes_on() {
    cut_everywhere(Place::Answer, Cut::Line);
}

#[test]
fn a_line_that_is_cut_anywhere_leaves_a_flash_that_goes_on_under_every_kind_of_protection() {
    for (auth, security) in [
        (Auth::HighGmac, Security::None),
        (Auth::HighGmac, Security::Authenticated),
        (Auth::HighGmac, Security::Encrypted),
        (Auth::HighGmac, Security::Both),
        (Auth::HighSha256, Security::Both),
    ] {
        let place = |at: usize| if at.is_multiple_of(2) { Place::Request(at) } else { Place::Answer(at) };
        cut_everywhere_as(&access_as(auth, security), place, Cut::Line);
    }
}

#[test]
fn a_program_that_ends_before_any_answer_goes_on_when_it_is_started_again() {
    cut_everywhere(Place::Answer, Cut::Crash);
}

#[test]
fn a_meter_that_restarts_before_any_answer_is_flashed_all_the_same() {
    cut_everywhere(Place::Answer, Cut::Meter);
}
