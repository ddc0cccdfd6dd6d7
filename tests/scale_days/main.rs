//! Thousands of virtual meters for three days, in flying time: lost frames, dead meters, a full disk, the program killed
//! and the program switched off. What is stored is compared with the meters' own record, bit by bit.
//!
//! Everything but the sockets and the passing of time is the program's own: scheduler, sessions, drivers, protocol and
//! the store's file on one side, virtual meters behind the link emulator on the other. `cargo test` runs it small. At
//! full size, with what it found out printed:
//!
//! ```text
//! METERS=5000 cargo test --release --test scale_days -- --nocapture
//! ```
//!
//! | variable | meaning | else |
//! | --- | --- | --- |
//! | `METERS` | how many | 72 |
//! | `SEED` | another fate for every frame | 1 |
//! | `FOLDER` | where the store lies | the memory file system where there is one, for few meters |

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

#[cfg(unix)]
mod disk;
mod measure;
mod program;
mod town;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use meterwright::comms::{Clock, Edit, Edited, Surroundings};
use meterwright::model::{Action, Days, ListId, Member, MeterList, Missed, Schedule, Times, What};
use meterwright::store::{Cause, OutcomeState, RunRow, RunState, StoreReader};
use tokio::task::LocalSet;

use measure::{Figures, check_told, measure};
use program::Program;
use town::{DOUBTFUL, Town};

/// Three days of which one has 25 hours in London, or 23.
struct Dates {
    /// When all meters were installed, and their record begins.
    installed: &'static str,
    /// When the program starts.
    start: &'static str,
    /// When the list is due.
    due: [&'static str; 3],
}

const AUTUMN: Dates = Dates {
    installed: "2026-10-23T00:00:00Z",
    start: "2026-10-25T00:30:00Z",
    due: ["2026-10-25T02:15:00Z", "2026-10-26T02:15:00Z", "2026-10-27T02:15:00Z"],
};
const SPRING: Dates = Dates {
    installed: "2026-03-27T00:00:00Z",
    start: "2026-03-29T00:30:00Z",
    due: ["2026-03-29T01:15:00Z", "2026-03-30T01:15:00Z", "2026-03-31T01:15:00Z"],
};

/// After a list's time: its window of four hours, and the longest session with a dead meter that began in it.
const OVER: SignedDuration = SignedDuration::from_mins(4 * 60 + 45);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).ok().map_or(usual, |text| text.parse().unwrap())
}

/// A folder for the store that goes away with the test.
fn folder(meters: u32) -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match std::env::var_os("FOLDER") {
        Some(place) => tempfile::tempdir_in(place).unwrap(),
        // Thousands of waits for a disk are no part of what is looked at.
        None if meters <= 500 && memory.is_dir() => tempfile::tempdir_in(memory).unwrap(),
        None => tempfile::tempdir().unwrap(),
    }
}

fn list(name: &str, member: Member, times: Times) -> MeterList {
    let what = [What::Clock, What::Registers, What::Profile].into();
    let mut list = MeterList::new(name, Action::Read { what, from: None });
    list.add(member);
    let schedule = Schedule::new(times, Days::All, "Europe/London");
    list.schedule = Some(Schedule { missed: Missed::Once, ..schedule });
    list
}

async fn put(program: &Program, list: MeterList) -> ListId {
    match program.comms.edit(Edit::PutList { id: None, list: Box::new(list) }).await.unwrap() {
        Edited::List(id) => id,
        other => panic!("{other:?}"),
    }
}

/// The lists that run.
struct Lists {
    /// The doubtful meters, every four hours.
    doubtful: ListId,
    /// All meters, every night.
    all: ListId,
}

/// A full disk is one for the whole process: the tests run one after another.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A town under the program's care, and the time of day there.
struct Scene {
    dates: Dates,
    town: Town,
    surroundings: Surroundings,
    folder: tempfile::TempDir,
    meters: u32,
}

impl Scene {
    fn new(dates: Dates, meters: u32, seed: u64) -> Self {
        let start = at(dates.start);
        let town = Town::new(meters, seed, start, at(dates.installed));
        let surroundings = Surroundings { clock: Clock::runtime(start), dialer: Some(town.dialer()) };
        Self { dates, town, surroundings, folder: folder(meters), meters }
    }

    fn due(&self, cycle: usize) -> Timestamp {
        at(self.dates.due[cycle])
    }

    fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    /// Lets time fly.
    async fn until(&self, instant: Timestamp) {
        let wait = Duration::try_from(instant.duration_since(self.now())).unwrap();
        tokio::time::sleep(wait).await;
    }

    fn store(&self, life: u32) -> PathBuf {
        self.folder.path().join(format!("life-{life}")).join("meters.db")
    }

    async fn start(&self, life: u32) -> Program {
        Program::start(&self.store(life), self.surroundings.clone()).await
    }

    /// The meters and two lists: all once a day, the doubtful ones every four hours.
    async fn set_up(&self, program: &Program) -> Lists {
        program.comms.edit(Edit::AddMeters(self.town.entries())).await.unwrap();
        let daily = Times::At(at(self.dates.due[0]).to_zoned(self.town.zone.clone()).time());
        let doubtful = Member::Group(DOUBTFUL.to_owned());
        let often = list("Doubtful ones", doubtful, Times::Every(240));
        let all = list("Every night", Member::All, daily);
        Lists { doubtful: put(program, often).await, all: put(program, all).await }
    }

    /// Waits until so many of a hundred meters of a list's run have ended well.
    async fn until_well(&self, store: &Path, list: ListId, percent: u32) {
        let reader = StoreReader::open(store).unwrap();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let run = reader.list_runs(list, 1).unwrap().remove(0);
            assert!(run.ended.is_none(), "the run is over before {percent} of a hundred meters are");
            if run.ok * 100 >= run.meters * u64::from(percent) {
                return;
            }
        }
    }

    fn measure(&self, life: u32, cycle: usize) -> Figures {
        let figures = measure(&self.store(life), &self.town, self.due(cycle), self.now());
        println!("after cycle {}: {figures}", cycle + 1);
        figures
    }
}

/// What the file system holds at this instant is what a killed program leaves behind: the store with its log, without
/// the index that lives in memory.
fn as_killed(from: &Path, to: &Path) {
    let to = to.parent().unwrap();
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn of_thousands_of_meters_nothing_is_lost_in_three_days_and_every_gap_has_its_reason() {
    let _turn = TURN.lock().await;
    let meters = number("METERS", 72);
    LocalSet::new().run_until(three_days(Scene::new(AUTUMN, meters, number("SEED", 1).into()))).await;
}

async fn three_days(days: Scene) {
    let began = std::time::Instant::now();
    let program = days.start(1).await;
    let Lists { doubtful, all: list } = days.set_up(&program).await;

    // The disk fills up in the first cycle and is full for a while.
    days.until(days.due(0)).await;
    days.until_well(&days.store(1), list, 20).await;
    #[cfg(unix)]
    {
        let full = disk::FullDisk::begin();
        tokio::time::sleep(Duration::from_secs(25 * 60)).await;
        assert_eq!(program.told().store, [false], "the program says that its store takes nothing");
        let kept = StoreReader::open(&days.store(1)).unwrap().list_runs(list, 1).unwrap().remove(0);
        drop(full);
        check_told(&days.store(1), &program.told());
        tokio::time::sleep(Duration::from_secs(3 * 60)).await;
        assert_eq!(program.told().store, [false, true], "it goes on by itself");
        let now = StoreReader::open(&days.store(1)).unwrap().list_run(kept.id).unwrap().unwrap();
        assert!(now.ok > kept.ok, "{} of {} meters well, {} before", now.ok, now.meters, kept.ok);
    }
    days.until(days.due(0) + OVER).await;
    let first = days.measure(1, 0);
    let memory = memory_kib();
    assert!(first.stored * 1000 >= first.expected * 995, "{first}");
    assert!(days.meters > 500 || first.stored == first.expected, "{first}");
    assert!(program.told().open_jobs() == 0, "no job stays open");
    assert!(program.told().retried > 0 && program.told().failed > 0, "the lines are none that lose nothing");
    assert!(first.not_recorded() > 0, "no meter had a supply failure: {first}");

    // The program is killed in the middle of the second one, and started anew on what it leaves.
    days.until(days.due(1)).await;
    days.until_well(&days.store(1), list, 50).await;
    as_killed(&days.store(1), &days.store(2));
    check_told(&days.store(2), &program.told());
    drop(program);
    days.measure(2, 0);
    tokio::time::sleep(Duration::from_secs(15 * 60)).await;
    let program = days.start(2).await;
    days.until(days.due(1) + OVER).await;
    let second = days.measure(2, 1);
    assert!(second.stored * 1000 >= second.expected * 995, "{second}");
    let reader = StoreReader::open(&days.store(2)).unwrap();
    let runs = reader.list_runs(list, 10).unwrap();
    let states: Vec<_> = runs.iter().map(|run| (run.cause, run.state)).collect();
    assert_eq!(
        states,
        [(Cause::Schedule, RunState::Done); 2],
        "the run that was broken off was gone on with: {}",
        whats_left(&reader, &runs[0]),
    );

    // It does not run at all while the third one is due.
    days.until(days.due(2) - SignedDuration::from_mins(15)).await;
    program.stop().await;
    days.until(days.due(2) + SignedDuration::from_hours(6)).await;
    let program = days.start(2).await;
    days.until(days.due(2) + SignedDuration::from_hours(6) + OVER).await;
    let third = days.measure(2, 2);
    assert!(third.stored * 1000 >= third.expected * 999, "{third}");
    let run = reader.list_runs(list, 1).unwrap().remove(0);
    assert_eq!((run.cause, run.state), (Cause::Missed, RunState::Done));
    // Who fails again and again rests between whiles, and that is the reason which is shown.
    let outcomes = |run: &RunRow| reader.outcomes(run.id).unwrap();
    let often: Vec<_> = reader.list_runs(doubtful, 100).unwrap().iter().flat_map(outcomes).collect();
    for dead in days.town.citizens.iter().filter(|one| one.is_dead && one.is_doubtful()) {
        let name = &dead.config.name;
        let own = often.iter().filter(|(of, _)| of == name);
        let (rested, tried): (Vec<_>, Vec<_>) =
            own.partition(|(_, outcome)| outcome.state == OutcomeState::Resting);
        assert!(!rested.is_empty() && tried.len() >= 5, "{name}: {} and {}", rested.len(), tried.len());
        let words = reader.meter_named(name).unwrap().unwrap().last_result.unwrap();
        assert!(words.contains("rests until"), "{name}: {words}");
    }
    let told = (program.told().failed, program.told().retried);
    program.stop().await;
    reader.check().unwrap();

    println!(
        "{} meters, three days in {:.1?}; {} sessions failed and {} attempts were repeated since the second start; store \
         {} KiB; memory at most {} KiB, {} KiB after the first day",
        days.meters,
        began.elapsed(),
        told.0,
        told.1,
        std::fs::metadata(days.store(2)).unwrap().len() / 1024,
        memory_kib(),
        memory,
    );
    // Neither the third day nor the thousandth meter costs memory without end.
    assert!(memory_kib() < 2 * memory + 100 * 1024, "{} KiB, {memory} KiB after the first day", memory_kib());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_day_of_23_hours_is_read_whole() {
    let _turn = TURN.lock().await;
    LocalSet::new()
        .run_until(async {
            let days = Scene::new(SPRING, 12, 2);
            let program = days.start(1).await;
            days.set_up(&program).await;
            days.until(days.due(2) + SignedDuration::from_hours(4)).await;
            let figures = days.measure(1, 2);
            assert_eq!(figures.stored, figures.expected, "{figures}");
            program.stop().await;
        })
        .await;
}

/// A run that should be over: until when it might go on, and which meters it still waits for.
fn whats_left(reader: &StoreReader, run: &RunRow) -> String {
    let waits = |state| matches!(state, OutcomeState::Waiting | OutcomeState::Failed);
    let outcomes = reader.outcomes(run.id).unwrap();
    let left: Vec<_> = outcomes.into_iter().filter(|(_, outcome)| waits(outcome.state)).take(9).collect();
    format!("{run:?} waits for {left:?}")
}

/// The most memory that this process ever had, in KiB; nought where the system does not say.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}
