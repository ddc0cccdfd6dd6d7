//! Upkeep as jobs, by itself at night, and what other programs write.

use super::*;
use crate::store::{Kind, Store, Upkeep, UpkeepState};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Bench {
    async fn look_after(&self, chore: Chore) -> JobId {
        self.ask(|answer| Command::Submit(Job::Upkeep(chore), answer)).await.unwrap()
    }

    /// A bench whose store looks after itself at night.
    async fn of_night(script: &Arc<Script>, now: &str) -> Self {
        let folder = Rc::new(tempfile::tempdir().unwrap());
        let options =
            CommsOptions { store: folder.path().join("test.db"), sessions: 4, trace: true, schedule: true };
        let surroundings = Surroundings { clock: Clock::runtime(at(now)), dialer: None };
        let conductor = Arc::clone(script) as Arc<dyn Conductor>;
        let mut shared = open_shared(options, surroundings, conductor, &mut |_| {}).unwrap();
        shared.is_kept_at_night = true;
        Self::run(shared, folder).await
    }
}

#[tokio::test(flavor = "current_thread")]
async fn upkeep_is_a_job_with_progress_and_an_end_in_words() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        let job = bench.look_after(Chore::Check).await;
        let told = words(&bench.until_ended(job).await);
        assert_eq!(told[..2], ["submitted Check the store (1)", "started The store"]);
        assert!(told.iter().any(|word| word.starts_with("step Checking")), "{told:?}");
        assert!(told[told.len() - 2].starts_with("ended The store: All is well"), "{told:?}");
        assert_eq!(told.last().unwrap(), "over 1 0 false");
        let last = bench.reader().last_upkeep().unwrap();
        assert_eq!((last[0].what, last[0].state), (Upkeep::Check, UpkeepState::Done));
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_copy_can_be_made_while_meters_are_read() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Gate])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a:4059")]).await;
        let read = bench.submit(ids).await;
        let target = bench.folder.path().join("copy.db");
        let job = bench.look_after(Chore::BackUp(target.clone())).await;
        let told = words(&bench.until_ended(job).await);
        assert_eq!(told.last().unwrap(), "over 1 0 false", "{told:?}");
        assert_eq!(StoreReader::open(&target).unwrap().meters().unwrap().len(), 1);
        script.gate.notify_one();
        bench.until_ended(read).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn upkeep_of_another_program_is_waited_for_by_the_user() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        let mut other = Store::open(&bench.folder.path().join("test.db")).unwrap();
        other.begin_upkeep(Upkeep::Compact, Timestamp::now()).unwrap();
        let job = bench.look_after(Chore::Retain(vec![(Kind::Traces, Timestamp::now())])).await;
        let told = words(&bench.until_ended(job).await);
        assert!(told.iter().any(|word| word.contains("under way")), "{told:?}");
        assert_eq!(told.last().unwrap(), "over 0 1 false");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_store_is_looked_after_once_a_night() {
    on_bench(async {
        let bench = Bench::of_night(&Script::new(&[]), "2026-11-22T12:00:00Z").await;
        let begun = |event: &Event| matches!(event, Event::Ended { .. });
        let told = words(&bench.until(begun).await);
        assert_eq!(told[0], "submitted Look after the store (1)");
        assert!(
            told.iter().any(|word| word.contains("Nothing was old; nothing to put together")),
            "{told:?}"
        );
        let first = bench.reader().last_upkeep().unwrap()[0].began;
        bench.until(begun).await;
        let second = bench.reader().last_upkeep().unwrap()[0].began;
        assert!(first < second, "the next night");
        // The time that flies while the thread works is nobody's.
        let due = second.to_zoned(jiff::tz::TimeZone::system()).time();
        assert_eq!((due.hour(), due.minute() / 10), (3, 3), "{second}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_another_program_writes_is_told_while_somebody_watches() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        let mut other = Store::open(&bench.folder.path().join("test.db")).unwrap();
        assert!(bench.commands.send(Command::Watch(true)).await.is_ok());
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(bench.events.try_recv().is_err(), "nothing was written");
        bench.add(&[("A", "tcp://a:4059")]).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(matches!(bench.events.try_recv(), Ok(Event::StoreChanged)));
        assert!(bench.events.try_recv().is_err(), "its own writes are told as ever");
        other.put_setting("a", "b").unwrap();
        assert_eq!(bench.next().await, Event::ChangedElsewhere);
        assert!(bench.commands.send(Command::Watch(false)).await.is_ok());
        tokio::time::sleep(Duration::from_secs(1)).await;
        other.put_setting("a", "c").unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(bench.events.try_recv().is_err(), "nobody looks");
        assert!(bench.commands.send(Command::Watch(true)).await.is_ok());
        assert_eq!(bench.next().await, Event::ChangedElsewhere);
    })
    .await;
}
