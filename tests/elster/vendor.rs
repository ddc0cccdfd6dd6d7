//! The vendor's own procedure on a virtual AS230: cut at each exchange, with every fault, and never a false success.

use std::sync::Arc;

use meterwright::firmware::vendor::{VendorFile, VendorPlan, load};
use meterwright::model::{Blame, Fault, FlashOutcome, FlashPhase, Knowledge, Step};
use meterwright::protocol::elster_flag::Command;
use meterwright::simulator::flag::firmware::{FIRST_TEXT, pages, vendor_file};
use meterwright::simulator::flag::{Model, SharedFlag, lock};

use crate::bench::{Kept, Line, Lost, Notebook, access, meter};

const NEW: &str = "AS230 V02.00";
/// Pages of the file: few, so that every exchange can be cut.
const COUNT: u16 = 2;

fn plan(expect: Option<&str>) -> VendorPlan {
    let file = VendorFile::read(vendor_file(NEW, COUNT).as_bytes()).unwrap();
    VendorPlan { file: Arc::new(file), expect: expect.map(str::to_owned) }
}

async fn attempt(
    line: &mut Line,
    journal: &Notebook,
    plan: &VendorPlan,
    kept: &mut Kept,
) -> Result<(), Fault> {
    let access = access("elster-as230");
    load(line, &access, &mut Knowledge::default(), plan, journal, kept).await
}

/// What the meter runs is a firmware as it was made, and never a mixture.
fn runs_whole(meter: &SharedFlag) -> bool {
    let meter = lock(meter);
    match meter.memory.running() {
        None => meter.memory.text() == FIRST_TEXT,
        Some(running) => running == pages(NEW, COUNT),
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_file_is_loaded_page_by_page_and_only_the_new_text_is_success() {
    let meter = meter(Model::As230, &[]);
    let (mut line, mut kept, journal) = (Line::new(&meter, None), Kept::new(), Notebook::new());
    attempt(&mut line, &journal, &plan(Some("V02.00")), &mut kept).await.unwrap();
    let state = journal.state.borrow().clone();
    assert_eq!((state.outcome, state.phase), (FlashOutcome::Flashed, FlashPhase::Done));
    assert_eq!((state.text_before.as_deref(), state.text_after.as_deref()), (Some(FIRST_TEXT), Some(NEW)));
    assert!(runs_whole(&meter) && lock(&meter).memory.activations == 1);
    assert_eq!(lock(&meter).memory.erased, 8, "pages that were blank are left alone");
    let phases: Vec<FlashPhase> = kept
        .steps
        .iter()
        .filter_map(|step| if let Step::Flashing(phase) = step { Some(*phase) } else { None })
        .collect();
    use FlashPhase as P;
    let wanted = [
        P::Package,
        P::Backup,
        P::Identify,
        P::Erase,
        P::Blocks,
        P::Activate,
        P::Restart,
        P::Version,
        P::Check,
        P::Done,
    ];
    assert_eq!(phases, wanted);
    assert!(kept.wrote.len() == 2 && kept.wrote[1].contains("activation"), "{:?}", kept.wrote);
    assert!(!kept.registers.is_empty(), "the registers are in the store before anything is written");
    // A second time there is nothing to be proven by: it is said before anything is erased.
    let fault = attempt(&mut line, &Notebook::new(), &plan(Some("V02.00")), &mut kept).await.unwrap_err();
    assert!(fault.refused && lock(&meter).memory.erased == 8, "{fault}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_the_switch_without_a_password_or_for_another_model_nothing_is_sent() {
    let meter = meter(Model::As230, &[]);
    let (mut line, mut kept, journal) = (Line::new(&meter, None), Kept::new(), Notebook::new());
    journal.allowed.set(false);
    let fault = attempt(&mut line, &journal, &plan(None), &mut kept).await.unwrap_err();
    assert!(fault.refused);
    journal.allowed.set(true);
    let mut without = access("elster-as230");
    without.secrets.password = None;
    let other = access("elster-a1140");
    for access in [without, other] {
        let fault =
            load(&mut line, &access, &mut Knowledge::default(), &plan(None), &journal, &mut kept).await;
        assert!(fault.unwrap_err().refused);
        assert_eq!(journal.state.borrow().outcome, FlashOutcome::Refused);
    }
    assert_eq!(line.exchanges, 0);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_cut_at_each_exchange_gives_no_false_success_and_the_next_attempt_comes_through() {
    let whole = {
        let meter = meter(Model::As230, &[]);
        let mut line = Line::new(&meter, None);
        attempt(&mut line, &Notebook::new(), &plan(None), &mut Kept::new()).await.unwrap();
        line.exchanges
    };
    assert!(whole > 100, "{whole}");
    for at in 0..whole {
        for lost in [Lost::Request, Lost::Answer] {
            let meter = meter(Model::As230, &[]);
            let (mut line, journal) = (Line::new(&meter, Some((at, lost))), Notebook::new());
            let first = attempt(&mut line, &journal, &plan(None), &mut Kept::new()).await;
            let runs_new = lock(&meter).memory.text() == NEW;
            assert!(runs_whole(&meter), "{at} {lost:?}: a mixture");
            let outcome = journal.state.borrow().outcome;
            assert_eq!(first.is_ok(), outcome == FlashOutcome::Flashed, "{at} {lost:?}");
            assert!(first.is_err() || runs_new, "{at} {lost:?}: a false success");
            if let Err(fault) = first {
                assert!(fault.blame == Blame::Line || fault.blame == Blame::Meter, "{at} {lost:?}: {fault}");
                let again = attempt(&mut line, &journal, &plan(None), &mut Kept::new()).await;
                assert!(again.is_ok(), "{at} {lost:?}: {again:?}");
                assert!(runs_whole(&meter) && lock(&meter).memory.text() == NEW, "{at} {lost:?}");
                assert_eq!(lock(&meter).memory.activations, 1, "{at} {lost:?}: activated again");
            }
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn every_fault_of_the_meter_ends_in_words_and_never_in_success() {
    for (fault, words, activations) in [
        ("image:verify-fails", "reckons the checksum", 0),
        ("image:loses=3", "reckons the checksum", 0),
        ("image:stuck-page=2", "page 2 of the meter's memory is not blank", 0),
        ("image:err6=1", "ERR6", 0),
        ("image:no-restart", "after the activation", 0),
        ("image:silent", "did not come back", 1),
        ("image:wrong-version", "and not V02.00", 1),
    ] {
        let meter = meter(Model::As230, &[fault]);
        let (mut line, journal) = (Line::new(&meter, None), Notebook::new());
        let outcome = attempt(&mut line, &journal, &plan(Some("V02.00")), &mut Kept::new()).await;
        let told = outcome.unwrap_err();
        assert!(told.message.contains(words), "{fault}: {told}");
        assert_ne!(journal.state.borrow().outcome, FlashOutcome::Flashed, "{fault}");
        assert_eq!(lock(&meter).memory.activations, activations, "{fault}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_err6_now_and_then_renews_the_password_and_is_repeated() {
    let meter = meter(Model::As230, &["image:err6=5"]);
    let (mut line, journal) = (Line::new(&meter, None), Notebook::new());
    attempt(&mut line, &journal, &plan(None), &mut Kept::new()).await.unwrap();
    assert!(runs_whole(&meter) && lock(&meter).memory.text() == NEW);
    let passwords = line.asked.iter().filter(|one| matches!(one, Command::Password { .. })).count();
    assert!(passwords > 8, "{passwords}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_slow_restart_is_waited_for() {
    let meter = meter(Model::As230, &["image:restart=120"]);
    let (mut line, journal) = (Line::new(&meter, None), Notebook::new());
    attempt(&mut line, &journal, &plan(None), &mut Kept::new()).await.unwrap();
    assert_eq!(journal.state.borrow().text_after.as_deref(), Some(NEW));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_switch_that_is_turned_off_in_the_middle_stops_it_before_the_activation() {
    #[derive(Debug)]
    struct TurnedOff(Notebook);
    impl meterwright::firmware::vendor::VendorJournal for TurnedOff {
        fn load(&self) -> Result<meterwright::firmware::vendor::VendorState, Fault> {
            self.0.load()
        }
        fn keep(&self, state: &meterwright::firmware::vendor::VendorState) -> Result<(), Fault> {
            if state.phase == FlashPhase::Blocks {
                self.0.allowed.set(false);
            }
            self.0.keep(state)
        }
        fn allowed(&self) -> Result<(), Fault> {
            self.0.allowed()
        }
    }
    let meter = meter(Model::As230, &[]);
    let mut line = Line::new(&meter, None);
    let journal = TurnedOff(Notebook::new());
    let access = access("elster-as230");
    let outcome =
        load(&mut line, &access, &mut Knowledge::default(), &plan(None), &journal, &mut Kept::new()).await;
    assert!(outcome.unwrap_err().refused);
    assert_eq!(lock(&meter).memory.activations, 0);
}
