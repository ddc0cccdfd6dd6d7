//! Meter lists in flying time: windows, retries, missed runs, restarts, the lease, rests, priority.

use super::*;
use crate::model::{Action, Days, ListId, Member, MeterList, Missed, Schedule, Times};
use crate::store::{Cause, OutcomeState, RunRow, RunState};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn daily(hour: i8, minute: i8) -> Schedule {
    let time = jiff::civil::time(hour, minute, 0, 0);
    Schedule { missed: Missed::Skip, ..Schedule::new(Times::At(time), Days::All, "UTC") }
}

fn every(minutes: u32) -> Schedule {
    Schedule { missed: Missed::Skip, ..Schedule::new(Times::Every(minutes), Days::All, "UTC") }
}

/// A list of all meters.
fn list(name: &str, schedule: Option<Schedule>) -> MeterList {
    let mut list = MeterList::new(name, Action::Read { what: [What::Registers].into(), from: None });
    list.add(Member::All);
    list.schedule = schedule;
    list
}

impl Bench {
    /// A store of its own, at an instant.
    async fn at(script: &Arc<Script>, sessions: usize, now: &str) -> Self {
        Self::open(script, sessions, Rc::new(tempfile::tempdir().unwrap()), Some(at(now))).await
    }

    /// Another process on the same store.
    async fn beside(&self, script: &Arc<Script>, now: &str) -> Self {
        Self::open(script, 4, Rc::clone(&self.folder), Some(at(now))).await
    }

    async fn put_list(&self, list: MeterList) -> ListId {
        let Ok(Edited::List(id)) = self.edit(Edit::PutList { id: None, list: Box::new(list) }).await else {
            panic!("not added")
        };
        id
    }

    /// The next event of a list in words.
    async fn told(&self) -> String {
        loop {
            if let Event::List(event) = self.next().await {
                return match event {
                    ListEvent::Started { cause, meters, .. } => format!("{} of {meters}", cause.word()),
                    ListEvent::Meter { name, outcome, .. } => {
                        format!("{name} {} after {}", outcome.state.word(), outcome.tries)
                    }
                    ListEvent::Ended { row, .. } => format!("{} {}/{}", row.state.word(), row.ok, row.meters),
                };
            }
        }
    }

    /// What is told of a list until a run ends.
    async fn until_run_ends(&self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            all.push(self.told().await);
            if all.last().is_some_and(|told| told.contains('/')) {
                return all;
            }
        }
    }

    fn runs(&self, list: ListId) -> Vec<RunRow> {
        self.reader().list_runs(list, 100).unwrap()
    }

    async fn stop(&self) {
        assert!(self.commands.send(Command::Stop).await.is_ok());
        self.commands.closed().await;
    }
}

/// What failed in a way that may pass, as often as a session tries.
fn dead(sessions: usize) -> Vec<Act> {
    vec![Act::Fail(passing()); sessions * 3]
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_list_runs_when_its_time_comes_and_tells_of_each_meter_once() {
    on_bench(async {
        let bench = Bench::at(&Script::new(&[]), 4, "2026-11-22T01:50:00Z").await;
        bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        let id = bench.put_list(list("Nightly", Some(daily(2, 0)))).await;
        assert_eq!(
            bench.until_run_ends().await,
            ["schedule of 2", "A ok after 1", "B ok after 1", "done 2/2"]
        );
        let run = bench.runs(id).remove(0);
        assert_eq!(
            (run.due, run.until, run.state),
            (at("2026-11-22T02:00:00Z"), at("2026-11-22T06:00:00Z"), RunState::Done)
        );
        assert!(run.started < at("2026-11-22T02:00:01Z"), "it begins in time: {}", run.started);
        assert_eq!(bench.reader().outcomes(run.id).unwrap()[0].1.registers, 1);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_whose_failure_may_pass_is_tried_again_within_the_window() {
    on_bench(async {
        let script = Script::new(&[("A", &dead(2))]);
        let bench = Bench::at(&script, 4, "2026-11-22T01:59:00Z").await;
        bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        bench.put_list(list("Nightly", Some(daily(2, 0)))).await;
        let begun = Instant::now();
        assert_eq!(
            bench.until_run_ends().await,
            ["schedule of 2", "B ok after 1", "A ok after 3", "done 2/2"]
        );
        let minutes = begun.elapsed().as_secs() / 60;
        assert!((7..=9).contains(&minutes), "a minute, then pauses of 2 and 4 with jitter: {minutes}");
        let log = script.log.lock().unwrap();
        assert_eq!(log.iter().filter(|line| *line == "begin B").count(), 1, "what went well is left alone");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_is_retried_beyond_the_window_or_the_retries_or_where_it_cannot_pass() {
    on_bench(async {
        let refused = Act::Fail(Fault::meter("the meter refused the password", "check it"));
        let script = Script::new(&[("A", &dead(50)), ("B", &[refused])]);
        let bench = Bench::at(&script, 4, "2026-11-22T01:59:00Z").await;
        bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        let id = bench.put_list(list("Nightly", Some(daily(2, 0)))).await;
        let told = bench.until_run_ends().await;
        assert_eq!(told, ["schedule of 2", "A failed after 6", "B failed after 1", "done 0/2"]);
        let short = Schedule { window_minutes: 10, retries: 200, ..daily(2, 0) };
        let short = MeterList { schedule: Some(short), ..list("Nightly", None) };
        bench.edit(Edit::PutList { id: Some(id), list: Box::new(short) }).await.unwrap();
        let told = bench.until_run_ends().await;
        // Pauses of 2 and 4 minutes fit into 10, another of 8 does not.
        assert!(told.contains(&"A failed after 3".to_owned()), "{told:?}");
        let run = bench.runs(id).remove(0);
        assert!(run.ended.unwrap() < run.until);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn on_the_night_of_23_hours_a_skipped_time_runs_once_and_on_that_of_25_hours_a_doubled_one() {
    on_bench(async {
        for (begin, due) in [
            ("2026-03-29T00:50:00Z", "2026-03-29T01:30:00Z"),
            ("2026-10-25T00:20:00Z", "2026-10-25T00:30:00Z"),
        ] {
            let bench = Bench::at(&Script::new(&[]), 4, begin).await;
            bench.add(&[("A", "tcp://a")]).await;
            let berlin = Schedule { zone: "Europe/Berlin".to_owned(), ..daily(2, 30) };
            let id = bench.put_list(list("Nightly", Some(berlin))).await;
            bench.until_run_ends().await;
            tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
            let dues: Vec<Timestamp> = bench.runs(id).iter().map(|run| run.due).collect();
            assert_eq!(dues, [at(due)]);
        }
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_run_that_was_missed_is_made_up_for_as_the_list_says() {
    on_bench(async {
        let bench = Bench::at(&Script::new(&[]), 4, "2026-11-20T12:00:00Z").await;
        bench.add(&[("A", "tcp://a")]).await;
        let mut ids = Vec::new();
        for missed in [Missed::Skip, Missed::Once, Missed::NextWindow] {
            let schedule = Schedule { missed, window_minutes: 60, ..daily(2, 0) };
            ids.push(bench.put_list(list(missed.word(), Some(schedule))).await);
        }
        bench.stop().await;
        let later = bench.beside(&Script::new(&[]), "2026-11-22T12:00:00Z").await;
        assert_eq!(later.until_run_ends().await, ["missed of 1", "A ok after 1", "done 1/1"]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let states = |id: ListId| -> Vec<(Cause, RunState)> {
            later.runs(id).iter().map(|run| (run.cause, run.state)).collect()
        };
        assert_eq!(states(ids[0]), [(Cause::Schedule, RunState::Missed)]);
        assert_eq!(states(ids[1]), [(Cause::Missed, RunState::Done)]);
        assert_eq!(states(ids[2]), [(Cause::Schedule, RunState::Missed)]);
        let deferred = later.reader().list(ids[2]).unwrap().unwrap().deferred;
        assert_eq!(deferred, Some(at("2026-11-23T02:00:00Z")));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_program_that_starts_anew_goes_on_with_the_meters_that_are_left() {
    on_bench(async {
        let bench =
            Bench::at(&Script::new(&[("B", &[Act::UntilCancelled])]), 4, "2026-11-22T01:59:00Z").await;
        bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        let id = bench.put_list(list("Nightly", Some(daily(2, 0)))).await;
        assert_eq!([bench.told().await, bench.told().await], ["schedule of 2", "A ok after 1"]);
        bench.stop().await;
        assert_eq!(bench.runs(id)[0].state, RunState::Running);
        let script = Script::new(&[]);
        let again = bench.beside(&script, "2026-11-22T03:00:00Z").await;
        assert_eq!(again.until_run_ends().await, ["schedule of 2", "B ok after 1", "done 2/2"]);
        assert_eq!(*script.log.lock().unwrap(), ["begin B", "end B"]);
        assert_eq!(again.runs(id).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_run_that_was_broken_off_and_whose_window_is_over_is_ended_and_made_up_for() {
    on_bench(async {
        let bench =
            Bench::at(&Script::new(&[("A", &[Act::UntilCancelled])]), 4, "2026-11-22T01:59:00Z").await;
        bench.add(&[("A", "tcp://a")]).await;
        let once = Schedule { missed: Missed::Once, ..daily(2, 0) };
        let id = bench.put_list(list("Nightly", Some(once))).await;
        bench.told().await;
        bench.stop().await;
        let later = bench.beside(&Script::new(&[]), "2026-11-22T12:00:00Z").await;
        assert_eq!(later.until_run_ends().await, ["missed of 1", "A ok after 1", "done 1/1"]);
        let states: Vec<RunState> = later.runs(id).iter().map(|run| run.state).collect();
        assert_eq!(states, [RunState::Done, RunState::Interrupted]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn of_two_processes_on_one_store_one_runs_the_lists_and_the_other_takes_over() {
    on_bench(async {
        let (first, second) = (Script::new(&[]), Script::new(&[]));
        let one = Bench::at(&first, 4, "2026-11-22T01:59:00Z").await;
        one.add(&[("A", "tcp://a")]).await;
        let id = one.put_list(list("Often", Some(every(15)))).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let other = one.beside(&second, "2026-11-22T01:59:01Z").await;
        one.until_run_ends().await;
        one.until_run_ends().await;
        assert!(second.log.lock().unwrap().is_empty());
        assert_eq!(one.runs(id).len(), 2);
        one.stop().await;
        other.until_run_ends().await;
        assert_eq!(other.runs(id).len(), 3);
        assert_eq!(second.log.lock().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_fails_in_five_runs_rests_and_is_left_out_and_a_read_by_hand_wakes_it() {
    on_bench(async {
        let script = Script::new(&[("A", &dead(5))]);
        let bench = Bench::at(&script, 4, "2026-11-22T00:01:00Z").await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let schedule = Schedule { retries: 0, ..every(15) };
        let id = bench.put_list(list("Often", Some(schedule))).await;
        for _ in 0..5 {
            assert_eq!(bench.until_run_ends().await[1], "A failed after 1");
        }
        assert_eq!(bench.until_run_ends().await, ["schedule of 1", "A resting after 0", "done 0/1"]);
        assert_eq!(bench.runs(id)[0].resting, 1);
        let row = bench.reader().meter(ids[0]).unwrap().unwrap();
        assert!(row.last_result.unwrap().contains("rests until"), "it is shown so");
        let job = bench.submit(ids).await;
        bench.until_ended(job).await;
        assert_eq!(bench.until_run_ends().await[1], "A ok after 1");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_list_is_run_by_hand_whatever_its_schedule_and_is_not_retried() {
    on_bench(async {
        let script = Script::new(&[("A", &dead(1))]);
        let bench = Bench::new(&script, 4).await;
        bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        let id = bench.put_list(list("By hand", None)).await;
        let job = bench.ask(|answer| Command::Submit(Job::RunList(id), answer)).await.unwrap();
        let twice = bench.ask(|answer| Command::Submit(Job::RunList(id), answer)).await.unwrap_err();
        assert!(twice.message.contains("is running"), "{twice}");
        let events = bench.until_ended(job).await;
        assert!(events.iter().any(|event| word(event) == "submitted By hand: 2 meters (2)"));
        let told = bench.until_run_ends().await;
        assert_eq!(told, ["A failed after 1", "done 1/2"]);
        assert_eq!(bench.runs(id)[0].cause, Cause::Hand);
        let empty = bench.put_list(MeterList { members: [].into(), ..list("Empty", None) }).await;
        let none = bench.ask(|answer| Command::Submit(Job::RunList(empty), answer)).await.unwrap_err();
        assert!(none.message.contains("no meters"), "{none}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_a_person_reads_goes_ahead_of_a_list() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Gate])]);
        let bench = Bench::at(&script, 1, "2026-11-22T01:59:59Z").await;
        let ids = bench.add(&[("A", "tcp://a"), ("B", "tcp://b"), ("C", "tcp://c"), ("D", "tcp://d")]).await;
        bench.put_list(list("Nightly", Some(daily(2, 0)))).await;
        bench.until(|event| word(event) == "started A").await;
        bench.submit(vec![ids[2], ids[3]]).await;
        script.gate.notify_one();
        bench.until_run_ends().await;
        let begun: Vec<String> =
            script.log.lock().unwrap().iter().filter(|line| line.starts_with("begin")).cloned().collect();
        assert_eq!(begun[..3], ["begin A", "begin C", "begin D"]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_run_of_five_thousand_meters_is_cancelled_at_once() {
    on_bench(async {
        let script = Script::new(&[]);
        let bench = Bench::at(&script, 1, "2026-11-22T01:59:59Z").await;
        let names: Vec<(String, String)> =
            (0..5000).map(|number| (format!("M{number:04}"), format!("tcp://h{number}"))).collect();
        let pairs: Vec<(&str, &str)> =
            names.iter().map(|(name, line)| (name.as_str(), line.as_str())).collect();
        script.acts.lock().unwrap().insert("M0000".to_owned(), [Act::UntilCancelled].into());
        bench.add(&pairs).await;
        let id = bench.put_list(list("Nightly", Some(daily(2, 0)))).await;
        bench.until(|event| word(event) == "started M0000").await;
        let begun = Instant::now();
        let run = bench.runs(id)[0].id;
        bench.edit(Edit::StopRun(run)).await.unwrap();
        let told = bench.until_run_ends().await;
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(told.last().unwrap(), "cancelled 0/5000");
        let outcomes = bench.reader().outcomes(run).unwrap();
        assert!(outcomes.iter().all(|(_, outcome)| outcome.state == OutcomeState::Waiting));
        assert!(outcomes[1].1.words.contains("before its turn"));
        assert!(bench.reader().rests().unwrap().is_empty(), "nobody is to blame");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_list_that_is_paused_or_removed_does_not_run() {
    on_bench(async {
        let bench = Bench::at(&Script::new(&[]), 4, "2026-11-22T01:50:00Z").await;
        bench.add(&[("A", "tcp://a")]).await;
        let id = bench.put_list(list("Nightly", Some(every(15)))).await;
        let paused = MeterList { paused: true, ..list("Nightly", Some(every(15))) };
        bench.edit(Edit::PutList { id: Some(id), list: Box::new(paused) }).await.unwrap();
        let other = bench.put_list(list("Other", Some(every(15)))).await;
        bench.edit(Edit::RemoveList(other)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(bench.runs(id).is_empty() && bench.runs(other).is_empty());
        let goes_on = list("Nightly", Some(every(15)));
        bench.edit(Edit::PutList { id: Some(id), list: Box::new(goes_on) }).await.unwrap();
        bench.until_run_ends().await;
        assert_eq!(bench.runs(id).len(), 1, "the runs of the pause are not made up for");
    })
    .await;
}
