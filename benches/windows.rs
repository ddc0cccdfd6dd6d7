//! What a frame of the Readings window costs while half a million interval values a second go into the same file:
//! `cargo bench --bench windows`.
//!
//! The real window code over the real reader thread and a real store: layout, accessibility tree and tessellation of
//! each frame, sixty times a second, with the period changed twice a second; what a graphics card would do with the
//! triangles is not in it. Another thread stores what a fleet brings.
//!
//! Then the Meter Manager with ten thousand meters and a campaign of three thousand meters that is under way, over the
//! windows' fake: the same frames, with keys, sorting and progress of many meters between them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a bench fails by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "frames and values come at their pace in real time")]

#[path = "../tests/gui_windows/fake.rs"]
#[allow(dead_code, reason = "the tests of the windows use other parts of it")]
mod fake;

#[path = "../tests/gui_windows/flashes.rs"]
#[allow(dead_code, reason = "the tests of the windows use other parts of it")]
mod flashes;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use egui::{Key, Modifiers, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use jiff::{SignedDuration, Timestamp};
use meterwright::comms::{Event, JobId};
use meterwright::gui::App;
use meterwright::gui::data::live::{Live, Wake};
use meterwright::model::{
    CampaignState, Channel, Decimal, FlashPhase, IntervalStatus, MeterConfig, MeterId, Obis, ProfileLayout,
    ProfileRow, Quality, ScalerUnit, Side, Step, Unit,
};
use meterwright::store::Store;

use fake::Fake;

const METERS: i64 = 500;
const CHANNELS: u8 = 4;
const ROWS_A_DAY: i64 = 48;
const DAYS: i64 = 365;
/// Days that one reading brings.
const DAYS_A_READING: i64 = 31;
/// Readings that go to disk together.
const TOGETHER: i64 = 20;
const VALUES_A_SECOND: f64 = 500_000.0;
const FRAME: Duration = Duration::from_nanos(16_666_667);
const FRAMES: u32 = 600;
/// Frames between two changes of the period that is shown.
const CHANGE_EVERY: u32 = 30;
/// Meters that the Meter Manager lists.
const LISTED: usize = 10_000;
/// Meters of the campaign, and how many of them tell of their progress in each frame.
const FLASHED: i64 = 3_000;
const TELLING: i64 = 8;

fn layout() -> ProfileLayout {
    let channel = |place: u8| Channel {
        obis: Obis::new(1, 0, place + 1, 29, 0, 255),
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: format!("Channel {place}"),
        scaler_unit: ScalerUnit { scaler: 0, unit: Unit::WH },
        side: Side::Secondary,
    };
    ProfileLayout {
        obis: Obis::new(1, 0, 99, 1, 0, 255),
        name: "Load profile".to_owned(),
        period_seconds: 1800,
        channels: (0..CHANNELS).map(channel).collect(),
    }
}

/// The last half hour that is over.
fn newest() -> Timestamp {
    let second = Timestamp::now().as_second();
    Timestamp::from_second(second - second % 1800).expect("an instant")
}

fn rows(meter: i64, days_ago: i64, days: i64, until: Timestamp) -> Vec<ProfileRow> {
    let value =
        |row: i64, channel: i64| (meter * 31 + row * 7 + channel * 13) % 900 + (row % ROWS_A_DAY) * 10;
    let row = |row: i64| ProfileRow {
        end: until - SignedDuration::from_mins(30 * row),
        stamp: None,
        status: IntervalStatus::empty(),
        raw_status: None,
        quality: Quality::Actual,
        values: (0..CHANNELS.into()).map(|one| Some(Decimal::new(value(row, one).into(), 0))).collect(),
    };
    ((days_ago - days) * ROWS_A_DAY..days_ago * ROWS_A_DAY).rev().map(row).collect()
}

/// A store with meters, of which the first has a year.
fn prepare(path: &Path, until: Timestamp) -> Vec<MeterId> {
    let mut store = Store::open(path).expect("a store");
    let line = || "tcp://127.0.0.1:4059".parse().expect("a line");
    let configs: Vec<_> =
        (1..=METERS).map(|meter| MeterConfig::new(format!("Meter {meter:04}"), line())).collect();
    let meters = store.add_meters(&configs).expect("meters");
    store.merge_profile(meters[0], &layout(), &rows(0, DAYS, DAYS, until), until).expect("stored");
    meters
}

/// Stores readings of all meters but the first, as fast as asked for, until told to stop; counts values.
fn ingest(path: &Path, meters: &[MeterId], until: Timestamp, stop: &AtomicBool, stored: &AtomicU64) {
    let mut store = Store::open(path).expect("the store");
    let (layout, began) = (layout(), Instant::now());
    let readings = (1..=DAYS / DAYS_A_READING)
        .rev()
        .flat_map(|month| (1..).zip(&meters[1..]).map(move |one| (month, one)));
    for (month, (meter, id)) in readings {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let rows = rows(meter, month * DAYS_A_READING, DAYS_A_READING, until);
        store.gather(|store| store.merge_profile(*id, &layout, &rows, until)).expect("stored");
        if meter % TOGETHER == 0 {
            store.settle().expect("on disk");
        }
        let values = rows.len() as u64 * u64::from(CHANNELS);
        let all = stored.fetch_add(values, Ordering::Relaxed) + values;
        let due = Duration::from_secs_f64(all as f64 / VALUES_A_SECOND);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    store.settle().expect("on disk");
}

/// One frame: the window's own code, and its triangles.
fn frame(app: &mut Harness<'_, App>) -> Duration {
    let began = Instant::now();
    app.step();
    let shapes = app.output().shapes.clone();
    let triangles = app.ctx.tessellate(shapes, app.ctx.pixels_per_point());
    assert!(!triangles.is_empty(), "a frame shows something");
    began.elapsed()
}

/// Frames at their pace; before each, something may happen.
fn frames<'a>(app: &mut Harness<'a, App>, mut act: impl FnMut(&mut Harness<'a, App>, u32)) -> Vec<Duration> {
    let began = Instant::now();
    let mut all = Vec::new();
    for number in 0..FRAMES {
        act(app, number);
        all.push(frame(app));
        std::thread::sleep((began + FRAME * (number + 1)).saturating_duration_since(Instant::now()));
    }
    all
}

/// Another period now and then.
fn change_period(app: &mut Harness<'_, App>, number: u32) {
    let periods = ["Month", "Week", "Year", "Day", "Month", "Earlier", "Later"];
    if number.is_multiple_of(CHANGE_EVERY) {
        let label = periods[(number / CHANGE_EVERY) as usize % periods.len()];
        if let Some(button) = app.query_all_by_label(label).next() {
            button.click();
        }
    }
}

/// A key goes down in the next frame.
fn press(app: &mut Harness<'_, App>, key: Key) {
    let (modifiers, repeat) = (Modifiers::NONE, false);
    app.input_mut().events.push(egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat,
        modifiers,
    });
}

fn opened<'a>(app: App) -> Harness<'a, App> {
    Harness::builder()
        .with_size(Vec2::new(1280.0, 800.0))
        .with_max_steps(64)
        .with_context_setup(|ctx| App::install(ctx).expect("fonts"))
        .build_ui_state(|ui, app: &mut App| app.ui(ui), app)
}

fn over(fake: &Fake) -> Harness<'static, App> {
    let mut app = App::new(Box::new(fake.clone()), Arc::new(|_| {}));
    app.cx.zone = fake::london();
    app.cx.now = fake::now;
    opened(app)
}

/// The table of ten thousand meters: the selection moves in every frame, and every half second the table is sorted
/// anew or the selection jumps.
fn many_meters() {
    let fake = Fake::with_meters(LISTED);
    let mut app = over(&fake);
    app.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    app.run_steps(8);
    let all = frames(&mut app, |app, number| {
        if !number.is_multiple_of(CHANGE_EVERY) {
            return press(app, if number % 5 == 4 { Key::PageDown } else { Key::ArrowDown });
        }
        let titles = ["Last read", "Clock", "Name"];
        match number / CHANGE_EVERY % 4 {
            3 => press(app, Key::Home),
            at => {
                let title = app.query_all_by_label(titles[at as usize]).next();
                title.expect("a column").click_accesskit();
            }
        }
    });
    tell("Meter Manager with 10,000 meters", all);
}

/// A campaign under way, of which meters tell in every frame.
fn campaign(folder: &Path) {
    let fake = Fake::with_meters(LISTED);
    let (file, key) = flashes::packed(folder, "2.15.0");
    flashes::trust(&fake, &key);
    let mut open = flashes::campaign(&fake, 7, &file, FLASHED, CampaignState::Open);
    flashes::fail(&mut open, 200);
    fake.world(|world| world.campaigns = vec![open]);
    let mut app = over(&fake);
    app.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    app.run_steps(8);
    for label in ["Version 2.15.0", "Resume"] {
        app.query_all_by_label_contains(label).next().expect("a way on").click_accesskit();
        app.run_steps(8);
    }
    let running = fake.world(|world| JobId(100 + world.submitted.len() as i64));
    let mut told = 0;
    let all = frames(&mut app, |_, number| {
        fake.world(|world| {
            for _ in 0..TELLING {
                let meter = Some(MeterId(told % FLASHED + 1));
                let (done, seconds_left) = (number, Some(u64::from(FRAMES - number)));
                let step = if told < FLASHED {
                    Step::Flashing(FlashPhase::Blocks)
                } else {
                    Step::Blocks { done, of: 900, seconds_left }
                };
                world.events.push_back(Event::MeterStep { job: running, meter, step });
                told += 1;
            }
        });
    });
    assert!(app.query_all_by_label("Pause").next().is_some(), "the campaign is under way");
    tell("A campaign of 3,000 meters under way", all);
}

fn tell(title: &str, mut all: Vec<Duration>) {
    all.sort_unstable();
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let late = all.iter().filter(|took| **took > FRAME).count();
    println!(
        "{title}: median {:.1?}, 99 of 100 within {:.1?}, worst {:.1?}; {late} of {} frames over 16.7 ms",
        at(0.5),
        at(0.99),
        at(1.0),
        all.len()
    );
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("windows.meterwright");
    let until = newest();
    let meters = prepare(&path, until);
    let wake: Wake = Arc::new(|_| {});
    let live = Live::start(&path, &wake).expect("the store opens");
    let mut app = opened(App::new(Box::new(live), wake));
    let settle = |app: &mut Harness<'_, App>| {
        for _ in 0..40 {
            app.step();
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    settle(&mut app);
    app.query_all_by_label("Meter 0001").next().expect("the first meter is shown").click();
    settle(&mut app);
    app.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    settle(&mut app);

    tell("Readings alone", frames(&mut app, change_period));
    let (stop, stored) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (path, meters, stop, stored) = (&path, &meters, &stop, &stored);
        scope.spawn(move || ingest(path, meters, until, stop, stored));
        let began = Instant::now();
        let all = frames(&mut app, change_period);
        let rate = stored.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        tell(&format!("Readings while {rate:.0} values a second are stored"), all);
    });
    drop(app);
    many_meters();
    campaign(folder.path());
}
