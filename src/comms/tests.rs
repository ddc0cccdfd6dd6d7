//! The thread with scripted sessions in paused time: order of events, lines, retries, cancelling, and what is stored.

mod campaigns;
mod full_disk;
mod lists;
mod people;
mod settling;
mod upkeep;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::conductor::{Attempt, Conducting};
use super::*;
use crate::firmware::FlashState;
use crate::model::{
    Auth, Decimal, FlashOutcome, Identity, Obis, ReadingValue, RegisterReading, Side, Template, Unit, What,
};
use crate::store::StoreReader;

/// What a scripted session does.
#[derive(Clone, Debug)]
enum Act {
    /// Gives so many registers.
    Registers(u8),
    /// Gives a register and what could not be had.
    Partial(Fault),
    /// Says who it is, then gives a register.
    Identity(&'static str),
    /// Fails.
    Fail(Fault),
    /// Waits until the gate is opened, then gives a register.
    Gate,
    /// Waits until the job is cancelled.
    UntilCancelled,
    /// Does not even notice that.
    Stubborn,
    /// Breaks off.
    Panic,
    /// Takes so many invocation counters.
    Counters(u32),
    /// Looks whether the password is there.
    WantsPassword(&'static str),
    /// Flashes: keeps how it stands, and may fail.
    Flash(FlashOutcome, Option<Fault>),
}

#[derive(Default)]
struct Script {
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    log: Mutex<Vec<String>>,
    counters: Mutex<Vec<u32>>,
    gate: Notify,
}

impl Script {
    fn new(acts: &[(&str, &[Act])]) -> Arc<Self> {
        let acts = acts.iter().map(|(name, acts)| ((*name).to_owned(), acts.iter().cloned().collect()));
        Arc::new(Self { acts: Mutex::new(acts.collect()), ..Self::default() })
    }

    fn log(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }

    async fn play(&self, attempt: Attempt<'_>) -> Result<(), Fault> {
        let name = attempt.access.config.name.clone();
        let act = self.acts.lock().unwrap().get_mut(&name).and_then(VecDeque::pop_front);
        self.log(format!("begin {name}"));
        attempt.sink.step(Step::Opening);
        let give = |sink: &mut dyn crate::drivers::ReadSink, count: u8| {
            let readings: Vec<RegisterReading> = (0..count).map(register).collect();
            sink.registers(&readings, false)
        };
        let result = match act.unwrap_or(Act::Registers(1)) {
            Act::Registers(count) => give(attempt.sink, count),
            Act::Partial(fault) => {
                attempt.sink.partial(fault);
                give(attempt.sink, 1)
            }
            Act::Identity(serial) => {
                let identity = Identity { serial: Some(serial.to_owned()), ..Identity::default() };
                match attempt.sink.identity(&identity) {
                    Ok(()) => give(attempt.sink, 1),
                    Err(fault) => Err(fault),
                }
            }
            Act::Fail(fault) => Err(fault),
            Act::Gate => {
                self.gate.notified().await;
                give(attempt.sink, 1)
            }
            Act::UntilCancelled => {
                attempt.cancel.cancelled().await;
                Err(Fault::line("the line went away", ""))
            }
            Act::Stubborn => std::future::pending().await,
            Act::Panic => panic!("a bug"),
            Act::Counters(count) => {
                let taken = (0..count).map(|_| attempt.counter.next().unwrap());
                self.counters.lock().unwrap().extend(taken);
                Ok(())
            }
            Act::Flash(outcome, fault) => {
                let conductor::Task::Flash(_, journal) = attempt.task else { panic!("no flash") };
                match journal.load() {
                    Ok(state) => {
                        journal.keep(&FlashState { outcome, ..state }).unwrap();
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        fault.map_or(Ok(()), Err)
                    }
                    Err(fault) => Err(fault),
                }
            }
            Act::WantsPassword(wanted) => {
                let password =
                    attempt.access.secrets.password.as_ref().map(|secret| secret.expose().to_vec());
                assert_eq!(password.as_deref(), Some(wanted.as_bytes()));
                Ok(())
            }
        };
        self.log(format!("end {name}"));
        result
    }
}

impl Conductor for Script {
    fn conduct<'a>(&'a self, attempt: Attempt<'a>) -> Conducting<'a> {
        Box::pin(self.play(attempt))
    }
}

fn register(rate: u8) -> RegisterReading {
    RegisterReading {
        obis: Obis::new(1, 0, 1, 8, rate, 255),
        attribute: 2,
        name: "Active import energy".to_owned(),
        value: ReadingValue::Number(Decimal::new(12345, -1)),
        unit: Unit::WH,
        side: Side::Secondary,
        read_at: Timestamp::now(),
        stamp: None,
    }
}

/// The thread on this test's own runtime.
struct Bench {
    shared: Rc<Shared>,
    folder: Rc<tempfile::TempDir>,
    commands: mpsc::Sender<Command>,
    events: Receiver<Event>,
    woken: Arc<Notify>,
}

impl Bench {
    async fn new(script: &Arc<Script>, sessions: usize) -> Self {
        Self::open(script, sessions, Rc::new(tempfile::tempdir().unwrap()), None).await
    }

    /// On a folder that may hold a store already. Where a time is given, meter lists run by it.
    async fn open(
        script: &Arc<Script>,
        sessions: usize,
        folder: Rc<tempfile::TempDir>,
        then: Option<Timestamp>,
    ) -> Self {
        let schedule = then.is_some();
        let options = CommsOptions { store: folder.path().join("test.db"), sessions, trace: true, schedule };
        let clock = then.map_or(Clock::Computer, Clock::runtime);
        let surroundings = Surroundings { clock, dialer: None };
        let conductor = Arc::clone(script) as Arc<dyn Conductor>;
        let mut shared = open_shared(options, surroundings, conductor, &mut |_| {}).unwrap();
        shared.is_kept_at_night = false;
        Self::run(shared, folder).await
    }

    async fn run(shared: Shared, folder: Rc<tempfile::TempDir>) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let shared = Rc::new(shared);
        tokio::task::spawn_local(Thread::new(Rc::clone(&shared)).run(inbox));
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let (to, events) = sync_channel(listeners::CHANNEL);
        let listen = Command::Listen(to, Box::new(move || wake.notify_one()));
        assert!(commands.send(listen).await.is_ok());
        Self { shared, folder, commands, events, woken }
    }

    fn reader(&self) -> StoreReader {
        StoreReader::open(&self.folder.path().join("test.db")).unwrap()
    }

    async fn ask<T>(&self, command: impl FnOnce(std::sync::mpsc::SyncSender<T>) -> Command) -> T {
        let (answer, given) = sync_channel(1);
        assert!(self.commands.send(command(answer)).await.is_ok());
        loop {
            if let Ok(given) = given.try_recv() {
                return given;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn edit(&self, edit: Edit) -> Result<Edited, Fault> {
        self.ask(|answer| Command::Edit(edit, answer)).await
    }

    /// Adds meters by name and line.
    async fn add(&self, meters: &[(&str, &str)]) -> Vec<MeterId> {
        let config = |(name, line): &(&str, &str)| MeterConfig::new(*name, line.parse().unwrap());
        let meters = meters.iter().map(|meter| (config(meter), MeterSecrets::default())).collect();
        let Ok(Edited::Added(ids)) = self.edit(Edit::AddMeters(meters)).await else { panic!("not added") };
        ids
    }

    async fn submit(&self, meters: Vec<MeterId>) -> JobId {
        let request = ReadRequest { what: [What::Registers].into(), from: None, to: None };
        self.ask(|answer| Command::Submit(Job::Read { meters, request }, answer)).await.unwrap()
    }

    async fn next(&self) -> Event {
        loop {
            match self.events.try_recv() {
                Ok(Event::StoreChanged) => {}
                Ok(event) => return event,
                Err(_) => self.woken.notified().await,
            }
        }
    }

    /// Events up to and with the first that `last` names.
    async fn until(&self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let event = self.next().await;
            let is_last = last(&event);
            all.push(event);
            if is_last {
                return all;
            }
        }
    }

    async fn until_ended(&self, job: JobId) -> Vec<Event> {
        self.until(|event| matches!(event, Event::Ended { job: ended, .. } if *ended == job)).await
    }
}

/// Runs a test where sessions can be spawned.
async fn on_bench<F: Future<Output = ()>>(test: F) {
    LocalSet::new().run_until(test).await;
}

/// An event as a word, for comparing orders.
fn word(event: &Event) -> String {
    match event {
        Event::Submitted { title, meters, .. } => format!("submitted {title} ({meters})"),
        Event::MeterStarted { name, .. } => format!("started {name}"),
        Event::MeterStep { step, .. } => format!("step {}", step.in_words()),
        Event::MeterRemark { text, .. } => format!("remark {text}"),
        Event::MeterEnded { name, words, .. } => format!("ended {name}: {words}"),
        Event::Ended { ok, failed, cancelled, .. } => format!("over {ok} {failed} {cancelled}"),
        Event::StoreChanged => "store changed".to_owned(),
        Event::List(_) => "list".to_owned(),
        Event::Found { found, .. } => format!("found {:?}", found.seat),
        Event::Learnt { proposal, .. } => format!("learnt {}", proposal.meter),
        Event::Pushed { words, .. } => format!("pushed {words}"),
        Event::ChangedElsewhere => "changed elsewhere".to_owned(),
        Event::Store { fault } => format!("store takes writes: {}", fault.is_none()),
        Event::Standing(standing) => format!("standing {standing:?}"),
    }
}

fn words(events: &[Event]) -> Vec<String> {
    events.iter().map(word).collect()
}

fn passing() -> Fault {
    Fault::line("nothing answered within 6 s", "check the address")
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn events_come_in_the_documented_order() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Registers(14)])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids).await;
        assert_eq!(
            words(&bench.until_ended(job).await),
            [
                "submitted Read A (1)",
                "started A",
                "step Opening the line",
                "ended A: Read: 14 registers",
                "over 1 0 false",
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_reported_is_in_the_store() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Registers(3)])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids.clone()).await;
        bench.until_ended(job).await;
        let store = bench.reader();
        assert_eq!(store.registers(ids[0], false).unwrap().len(), 3);
        let row = store.meter(ids[0]).unwrap().unwrap();
        assert_eq!(row.last_result.as_deref(), Some("Read: 3 registers"));
        assert_eq!(row.last_ok, Some(true));
        let jobs = store.jobs(1).unwrap();
        assert!(jobs[0].ended.is_some());
        assert_eq!(jobs[0].results[0].registers, 3);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_passing_fault_is_tried_again_with_growing_pauses_as_often_as_the_template_says() {
    on_bench(async {
        let fail = Act::Fail(passing());
        let script = Script::new(&[("A", &[fail.clone(), fail.clone(), fail.clone(), fail])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let begun = Instant::now();
        let job = bench.submit(ids).await;
        let events = words(&bench.until_ended(job).await);
        assert_eq!(events[3..5], ["step Attempt 2 of 3", "step Opening the line"]);
        assert_eq!(events[5..7], ["step Attempt 3 of 3", "step Opening the line"]);
        assert_eq!(events[7], "ended A: Nothing answered within 6 s; check the address");
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(4), "{took:?}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_fault_that_does_not_pass_is_not_tried_again() {
    on_bench(async {
        let refused = Fault::meter("the meter refused the password", "check it");
        let script = Script::new(&[("A", &[Act::Fail(refused), Act::Registers(1)])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids).await;
        let events = words(&bench.until_ended(job).await);
        assert_eq!(events.last().unwrap(), "over 0 1 false");
        assert_eq!(*script.log.lock().unwrap(), ["begin A", "end A"]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_a_failed_attempt_could_not_have_is_forgotten_when_the_next_one_can() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Fail(passing()), Act::Registers(2)])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids).await;
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 1 0 false");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_read_in_part_has_failed_and_keeps_what_came() {
    on_bench(async {
        let missing = Fault::meter("the meter refused the event log", "");
        let script = Script::new(&[("A", &[Act::Partial(missing)])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids.clone()).await;
        let events = words(&bench.until_ended(job).await);
        assert!(
            events.contains(&"ended A: Read in part: 1 register; the meter refused the event log".to_owned())
        );
        assert_eq!(events.last().unwrap(), "over 0 1 false");
        assert_eq!(bench.reader().registers(ids[0], false).unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn one_session_at_a_time_goes_over_a_shared_line_and_the_next_one_waits() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Gate])]);
        let bench = Bench::new(&script, 4).await;
        let bus = "tcp+hdlc://ts:8000";
        let ids = bench.add(&[("A", bus), ("B", bus), ("C", bus)]).await;
        let job = bench.submit(ids).await;
        bench.until(|event| word(event) == "step Waiting for the line").await;
        assert_eq!(*script.log.lock().unwrap(), ["begin A"]);
        script.gate.notify_one();
        let events = words(&bench.until_ended(job).await);
        assert_eq!(events.iter().filter(|event| event.starts_with("started")).count(), 1, "B had started");
        let log = script.log.lock().unwrap();
        assert_eq!(*log, ["begin A", "end A", "begin B", "end B", "begin C", "end C"]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn meters_on_the_network_are_read_side_by_side_up_to_the_limit() {
    on_bench(async {
        let gate: &[Act] = &[Act::Gate];
        let script = Script::new(&[("A", gate), ("B", gate), ("C", gate)]);
        let bench = Bench::new(&script, 2).await;
        let ids = bench.add(&[("A", "tcp://a"), ("B", "tcp://b"), ("C", "tcp://c")]).await;
        let job = bench.submit(ids).await;
        bench.until(|event| word(event) == "started B").await;
        tokio::task::yield_now().await;
        assert_eq!(*script.log.lock().unwrap(), ["begin A", "begin B"]);
        script.gate.notify_waiters();
        bench.until(|event| word(event) == "started C").await;
        tokio::task::yield_now().await;
        script.gate.notify_one();
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 3 0 false");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_cancelled_job_ends_each_meter_that_had_started_then_itself() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::UntilCancelled])]);
        let bench = Bench::new(&script, 4).await;
        let bus = "serial:/dev/ttyUSB0";
        let ids = bench.add(&[("A", bus), ("B", bus), ("C", bus)]).await;
        let job = bench.submit(ids.clone()).await;
        bench.until(|event| word(event) == "step Opening the line").await;
        assert!(bench.commands.send(Command::Cancel(job)).await.is_ok());
        let events = words(&bench.until_ended(job).await);
        assert_eq!(events, ["ended B: Cancelled", "ended A: Cancelled", "over 0 2 true"]);
        assert_eq!(bench.reader().meter(ids[1]).unwrap().unwrap().last_result, None, "B was never tried");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_session_that_does_not_notice_the_cancelling_is_cut_off_after_a_grace() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Stubborn])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids).await;
        bench.until(|event| word(event) == "step Opening the line").await;
        let begun = Instant::now();
        assert!(bench.commands.send(Command::Cancel(job)).await.is_ok());
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 0 1 true");
        assert!(begun.elapsed() <= Duration::from_secs(3));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn ten_thousand_waiting_meters_are_cancelled_at_once() {
    on_bench(async {
        let script = Script::new(&[("M0", &[Act::UntilCancelled])]);
        let bench = Bench::new(&script, 1).await;
        let names: Vec<(String, String)> =
            (0..10_000).map(|number| (format!("M{number}"), format!("tcp://h{number}"))).collect();
        let meters: Vec<(&str, &str)> = names.iter().map(|(name, line)| (&**name, &**line)).collect();
        let ids = bench.add(&meters).await;
        let job = bench.submit(ids).await;
        bench.until(|event| word(event) == "started M0").await;
        assert!(bench.commands.send(Command::Cancel(job)).await.is_ok());
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 0 1 true");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_panic_in_one_session_fails_that_meter_and_nothing_else() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Panic])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a"), ("B", "tcp://b")]).await;
        let job = bench.submit(ids).await;
        let events = bench.until_ended(job).await;
        let blame = events.iter().find_map(|event| match event {
            Event::MeterEnded { name, result, .. } if name == "A" => result.fault.as_ref(),
            _ => None,
        });
        assert_eq!(blame.unwrap().blame, crate::model::Blame::Internal);
        assert_eq!(words(&events).last().unwrap(), "over 1 1 false");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_first_identity_fills_the_serial_number_and_another_one_stops_the_read() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Identity("00123"), Act::Identity("00456")])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids.clone()).await;
        bench.until_ended(job).await;
        let serial = || bench.reader().meter(ids[0]).unwrap().unwrap().config.serial;
        assert_eq!(serial().as_deref(), Some("00123"));
        let stored = bench.reader().registers(ids[0], false).unwrap();
        let job = bench.submit(ids.clone()).await;
        let events = words(&bench.until_ended(job).await);
        assert!(events.iter().any(|event| event.contains("serial number is 00456, but 00123 was expected")));
        assert_eq!(serial().as_deref(), Some("00123"));
        assert_eq!(bench.reader().registers(ids[0], false).unwrap(), stored, "nothing of it was stored");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_store_that_cannot_be_written_fails_the_meter_by_this_programs_fault_and_the_thread_lives_on() {
    on_bench(async {
        let script = Script::new(&[]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids.clone()).await;
        bench.until_ended(job).await;
        let other = rusqlite::Connection::open(bench.folder.path().join("test.db")).unwrap();
        let refuse = "CREATE TRIGGER full BEFORE INSERT ON reading
                      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
        other.execute_batch(refuse).unwrap();
        let job = bench.submit(ids.clone()).await;
        let events = bench.until_ended(job).await;
        let fault = events.iter().find_map(|event| match event {
            Event::MeterEnded { result, .. } => result.fault.clone(),
            _ => None,
        });
        let fault = fault.unwrap();
        assert_eq!(fault.blame, crate::model::Blame::Internal);
        assert!(fault.to_string().contains("full") && fault.to_string().contains("free space"), "{fault}");
        assert_eq!(bench.reader().registers(ids[0], false).unwrap().len(), 1, "what was reported is there");
        other.execute_batch("DROP TRIGGER full").unwrap();
        let job = bench.submit(ids).await;
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 1 0 false");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_invocation_counter_is_given_twice_over_sessions_and_tests() {
    on_bench(async {
        let acts: &[Act] = &[Act::Counters(20), Act::Counters(3), Act::Counters(3)];
        let script = Script::new(&[("A", acts)]);
        let bench = Bench::new(&script, 4).await;
        let config = MeterConfig::new("A", "tcp://a".parse().unwrap());
        let secrets = MeterSecrets::default();
        let test = Job::Test { config: Box::new(config), secrets, meter: None };
        let job = bench.ask(|answer| Command::Submit(test, answer)).await.unwrap();
        bench.until_ended(job).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        for _ in 0..2 {
            let job = bench.submit(ids.clone()).await;
            bench.until_ended(job).await;
        }
        let taken = script.counters.lock().unwrap();
        assert_eq!(taken.len(), 26);
        assert!(taken.is_sorted_by(|before, after| before < after), "{taken:?}");
        assert!(bench.reader().counter(ids[0], "unicast").unwrap().unwrap() > *taken.last().unwrap());
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_test_of_a_meter_stores_nothing_and_is_tried_once() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Fail(passing())])]);
        let bench = Bench::new(&script, 4).await;
        let config = MeterConfig::new("A", "tcp://a".parse().unwrap());
        let test = Job::Test { config: Box::new(config), secrets: MeterSecrets::default(), meter: None };
        let job = bench.ask(|answer| Command::Submit(test, answer)).await.unwrap();
        assert!(job.0 < 0);
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 0 1 false");
        assert!(bench.reader().jobs(10).unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn secrets_are_sealed_in_the_store_and_open_for_the_session() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::WantsPassword("MARKED-PASSWORD")])]);
        let bench = Bench::new(&script, 4).await;
        let mut config = MeterConfig::new("A", "tcp://a".parse().unwrap());
        config.auth = Auth::Low;
        let password = SecretKind::Password.parse("MARKED-PASSWORD").unwrap();
        let secrets = MeterSecrets { password: Some(password), ..MeterSecrets::default() };
        let Ok(Edited::Added(ids)) = bench.edit(Edit::AddMeters(vec![(config.clone(), secrets)])).await
        else {
            panic!("not added")
        };
        let job = bench.submit(ids.clone()).await;
        assert_eq!(words(&bench.until_ended(job).await).last().unwrap(), "over 1 0 false");
        for file in std::fs::read_dir(bench.folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"MARKED"));
        }
        let forget = BTreeMap::from([(SecretKind::Password, None)]);
        let update = Edit::UpdateMeter { id: ids[0], config: Box::new(config), secrets: forget };
        assert_eq!(bench.edit(update).await, Ok(Edited::Done));
        assert!(bench.reader().secret_kinds(ids[0]).unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn meters_are_added_all_or_none() {
    on_bench(async {
        let script = Script::new(&[]);
        let bench = Bench::new(&script, 4).await;
        let good = MeterConfig::new("A", "tcp://a".parse().unwrap());
        let mut bad = MeterConfig::new("B", "tcp://b".parse().unwrap());
        bad.template = "none-such".to_owned();
        let both = vec![(good, MeterSecrets::default()), (bad, MeterSecrets::default())];
        let fault = bench.edit(Edit::AddMeters(both)).await.unwrap_err();
        assert!(fault.message.contains("none-such") && fault.message.contains("dlms-generic"), "{fault}");
        assert!(bench.reader().meters().unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_is_being_read_is_not_removed() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Gate])]);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add(&[("A", "tcp://a")]).await;
        let job = bench.submit(ids.clone()).await;
        bench.until(|event| word(event) == "step Opening the line").await;
        let fault = bench.edit(Edit::RemoveMeters(ids.clone())).await.unwrap_err();
        assert!(fault.message.contains("A is being read"), "{fault}");
        script.gate.notify_one();
        bench.until_ended(job).await;
        assert_eq!(bench.edit(Edit::RemoveMeters(ids)).await, Ok(Edited::Done));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_job_without_meters_is_over_at_once() {
    on_bench(async {
        let script = Script::new(&[]);
        let bench = Bench::new(&script, 4).await;
        let job = bench.submit(Vec::new()).await;
        assert_eq!(words(&bench.until_ended(job).await), ["submitted Read 0 meters (0)", "over 0 0 false"]);
    })
    .await;
}

#[test]
fn a_stopped_thread_says_so_instead_of_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        CommsOptions { store: folder.path().join("test.db"), sessions: 1, trace: false, schedule: false };
    let comms = Comms::start_with(options, Script::new(&[]), |_| {}).unwrap();
    let events = comms.listen(|| {});
    comms.stop();
    assert!(events.recv().is_err(), "the stream is over");
    let request = ReadRequest { what: [What::Clock].into(), from: None, to: None };
    assert!(comms.submit(Job::Read { meters: Vec::new(), request }).is_err());
    let setting = Edit::Setting { key: "a".to_owned(), value: "b".to_owned() };
    assert!(comms.edit(setting).recv().unwrap().is_err());
    comms.cancel(JobId(1));
    comms.stop();
}

#[test]
fn templates_of_the_tests_have_the_attempts_that_they_count() {
    assert_eq!(Template::named("dlms-generic").unwrap().timing.attempts, 3);
}
