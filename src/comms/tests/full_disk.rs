//! A store that takes no writes for a while: what waits, what fails, what is written down afterwards.

use super::*;
use crate::model::{Action, Days, Member, MeterList, Schedule, Times};
use crate::store::OutcomeState;

/// More than there is room for in the pages that a file has.
const MUCH: Act = Act::Registers(255);

impl Bench {
    /// Lets the store's file grow no further, as on a full disk.
    fn fill_disk(&self) {
        self.allow_pages(1);
    }

    fn empty_disk(&self) {
        self.allow_pages(1 << 30);
    }

    fn allow_pages(&self, most: u32) {
        self.shared.store.borrow().allow_pages(most);
        self.shared.settling.allow_pages(most);
    }

    async fn until_store(&self) -> Option<Fault> {
        let events = self.until(|event| matches!(event, Event::Store { .. })).await;
        match events.last() {
            Some(Event::Store { fault }) => fault.clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn begun(script: &Script) -> usize {
    script.log.lock().unwrap().iter().filter(|line| line.starts_with("begin")).count()
}

fn much(names: &[&str]) -> Arc<Script> {
    let acts: Vec<(&str, Vec<Act>)> = names.iter().map(|name| (*name, vec![MUCH; 4])).collect();
    let acts: Vec<(&str, &[Act])> = acts.iter().map(|(name, acts)| (*name, acts.as_slice())).collect();
    Script::new(&acts)
}

async fn nightly(bench: &Bench) {
    let mut list = MeterList::new("Nightly", Action::Read { what: [What::Registers].into(), from: None });
    list.add(Member::All);
    list.schedule = Some(Schedule::new(Times::At(jiff::civil::time(2, 0, 0, 0)), Days::All, "UTC"));
    bench.edit(Edit::PutList { id: None, list: Box::new(list) }).await.unwrap();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_list_waits_while_the_disk_is_full_and_goes_on_by_itself() {
    on_bench(async {
        let script = much(&["A", "B", "C"]);
        let then = Some("2026-11-22T01:59:00Z".parse().unwrap());
        let bench = Bench::open(&script, 1, Rc::new(tempfile::tempdir().unwrap()), then).await;
        let ids = bench.add(&[("A", "tcp://a"), ("B", "tcp://b"), ("C", "tcp://c")]).await;
        nightly(&bench).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        bench.fill_disk();
        let fault = bench.until_store().await.unwrap();
        assert!(fault.message.contains("takes no more writes") && fault.message.contains("full"), "{fault}");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let tried = begun(&script);
        assert!(tried < 3, "no meter is troubled for figures that nobody can keep: {tried}");
        bench.empty_disk();
        let emptied = Instant::now();
        assert_eq!(bench.until_store().await, None);
        assert!(emptied.elapsed() <= Duration::from_secs(61), "{:?}", emptied.elapsed());
        tokio::time::sleep(Duration::from_secs(1800)).await;
        let run = bench.reader().open_runs().unwrap();
        assert!(run.is_empty(), "{run:?}");
        let outcomes = bench.reader().outcomes(1).unwrap();
        for (name, outcome) in outcomes {
            assert_eq!((outcome.state, outcome.tries), (OutcomeState::Ok, 1), "{name}: {}", outcome.words);
        }
        for id in ids {
            assert_eq!(bench.reader().registers(id, false).unwrap().len(), 255);
        }
        assert!(bench.reader().rests().unwrap().is_empty(), "no meter is to blame");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nobody_who_waits_for_a_meter_waits_for_the_disk_and_the_end_is_written_down_later() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Gate]), ("B", &[MUCH]), ("C", &[MUCH])]);
        let bench = Bench::new(&script, 1).await;
        let ids = bench.add(&[("A", "tcp://a"), ("B", "tcp://b"), ("C", "tcp://c")]).await;
        let job = bench.submit(ids.clone()).await;
        bench.until(|event| word(event) == "started A").await;
        bench.fill_disk();
        script.gate.notify_one();
        let events = bench.until_ended(job).await;
        assert!(begun(&script) < 3, "{:?}", script.log.lock().unwrap());
        let words = words(&events);
        let last = words.last().unwrap().clone();
        assert!(last.starts_with("over") && last.ends_with("false") && !last.starts_with("over 3"), "{last}");
        let failed = words.iter().filter(|word| word.contains("takes no more writes")).count();
        assert!(failed > 0, "{words:?}");
        let request = ReadRequest { what: [What::Registers].into(), from: None, to: None };
        let later = Job::Read { meters: ids, request };
        let refused = bench.ask(|answer| Command::Submit(later, answer)).await;
        if let Ok(job) = refused {
            // Its number found room in a page that was there; its meters fail all the same.
            let events = bench.until_ended(job).await;
            assert!(matches!(events.last(), Some(Event::Ended { failed: 3, .. })), "{events:?}");
        }
        bench.empty_disk();
        assert_eq!(bench.until_store().await, None);
        let jobs = bench.reader().jobs(10).unwrap();
        assert!(jobs.iter().all(|job| job.ended.is_some()), "{jobs:?}");
        let first = jobs.last().unwrap();
        assert!(!first.results.is_empty() && first.results.iter().any(|result| result.fault.is_some()));
    })
    .await;
}

/// Two meters' figures gather in one transaction, and the second one's fill the disk.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_counts_as_stored_that_was_lost_with_a_neighbours_figures() {
    on_bench(async {
        let script = Script::new(&[("B", &[MUCH; 4])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        bench.fill_disk();
        let job = bench.submit(ids.clone()).await;
        let events = bench.until_ended(job).await;
        let mut failed = 0;
        for event in &events {
            let Event::MeterEnded { meter: Some(meter), result, words, .. } = event else { continue };
            let stored = bench.reader().registers(*meter, false).unwrap().len() as u64;
            assert_eq!(result.registers, stored, "{words}");
            failed += u32::from(result.fault.is_some());
        }
        assert!(failed > 0, "{:?}", words(&events));
    })
    .await;
}
