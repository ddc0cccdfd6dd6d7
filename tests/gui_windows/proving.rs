//! Scheme Manager: a scheme is proved on a load profile, priced, compared, and written to a meter.

use std::path::{Path, PathBuf};

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::{Job, JobId};
use meterwright::drivers::Activation;
use meterwright::gui::App;
use meterwright::gui::data::MeterSchemes;
use meterwright::model::{Fault, MeterId};
use meterwright::scheme::{self, Document};
use meterwright::store::MeterScheme;

use crate::fake::{Fake, now};
use crate::{CONTROLS, app, click, enter, named, press, shows};

fn ready_made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemes/{name}.scheme.json"))
}

fn document(name: &str) -> Document {
    scheme::read(&std::fs::read(ready_made(name)).unwrap()).unwrap()
}

fn choose(app: &mut Harness<'static, App>, path: &Path) {
    enter(app, "Path", path.to_str().unwrap());
    press(app, Modifiers::NONE, Key::Enter);
    app.run();
}

fn open(app: &mut Harness<'static, App>, path: &Path) {
    press(app, Modifiers::COMMAND, Key::O);
    choose(app, path);
}

/// A page of a ready-made scheme, with a meter selected.
fn page(fake: &Fake, name: &str, page: &str) -> Harness<'static, App> {
    let mut app = app(fake);
    click(&mut app, "Chapel Row 1");
    open(&mut app, &ready_made(name));
    click(&mut app, page);
    app.run();
    app
}

fn meter(fake: &Fake) -> MeterId {
    fake.world(|world| world.meters.iter().find(|row| row.config.name == "Chapel Row 1").unwrap().id)
}

/// How many things have this in their names.
fn count(app: &Harness<'static, App>, part: &str) -> usize {
    app.query_all_by_label_contains(part).count()
}

#[test]
fn a_stored_profile_goes_through_a_scheme_and_the_registers_add_up() {
    let app = page(&Fake::with_meters(20), "day-night", "Dry run");
    app.get_by_label("The responses agree");
    app.get_by_label("Check, active import");
    assert!(count(&app, "adds up") >= 3);
    assert!(shows(&app, "Go on, late") && shows(&app, "Bill, then freeze"));
}

#[test]
fn an_event_is_placed_moved_and_removed_by_the_keyboard() {
    let mut app = page(&Fake::with_meters(20), "day-night", "Dry run");
    click(&mut app, "Place event");
    let at = |app: &Harness<'static, App>| {
        let mark = app.query_all_by_label_contains("Supply fails, 2026").next().unwrap();
        mark.accesskit_node().label().unwrap()
    };
    let placed = at(&app);
    app.query_all_by_label_contains("Supply fails, 2026").next().unwrap().focus();
    app.run();
    press(&mut app, Modifiers::NONE, Key::ArrowRight);
    let moved = at(&app);
    assert_ne!(placed, moved);
    press(&mut app, Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(at(&app), placed);
    press(&mut app, Modifiers::SHIFT, Key::ArrowRight);
    assert_ne!(at(&app), moved, "with shift it moves by a day");
    press(&mut app, Modifiers::NONE, Key::Delete);
    assert_eq!(count(&app, "Supply fails, 2026"), 0);
}

#[test]
fn a_click_on_the_axis_places_an_event_and_its_time_can_be_written() {
    let mut app = page(&Fake::with_meters(20), "day-night", "Dry run");
    app.query_all_by_label_contains("Events from").next().unwrap().click();
    app.run();
    assert_eq!(count(&app, "Supply fails, 2026"), 1);
    named(&app, "Supply fails, time", &crate::FIELDS).focus();
    app.run();
    press(&mut app, Modifiers::COMMAND, Key::A);
    enter(&mut app, "Supply fails, time", "2026-10-12 06:10");
    assert_eq!(count(&app, "Supply fails, 2026-10-12 06:10"), 1);
    click(&mut app, "Remove “Supply fails”");
    assert_eq!(count(&app, "Supply fails, 2026"), 0);
}

#[test]
fn the_three_responses_to_a_lost_clock_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.csv");
    let events = "at,event\n2026-10-16T19:00:00Z,supply_fail\n2026-10-17T00:00:00Z,battery_fail\n2026-10-17T07:00:00Z,supply_return\n";
    std::fs::write(&file, events).unwrap();
    let mut app = page(&Fake::with_meters(20), "day-night", "Dry run");
    click(&mut app, "Open events from CSV…");
    choose(&mut app, &file);
    assert_eq!(count(&app, "Battery fails, 2026-10-17"), 1);
    assert!(count(&app, "≠ in ") == 1, "what differs is counted");
    assert!(count(&app, "differs: Bill, then") >= 1, "and said of each figure");
    assert!(!shows(&app, "The responses agree"));
    click(&mut app, "Remove all events");
    app.get_by_label("The responses agree");
}

#[test]
fn a_profile_that_is_no_csv_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("load.csv");
    std::fs::write(&file, "end,active_import\nyesterday,5\n").unwrap();
    let mut app = page(&Fake::with_meters(20), "day-night", "Dry run");
    click(&mut app, "CSV file");
    click(&mut app, "Open a load profile…");
    choose(&mut app, &file);
    app.get_by_label("The load profile cannot be used");
    assert!(count(&app, "line 2: end") >= 1);
}

#[test]
fn without_a_meter_the_dry_run_says_what_to_do() {
    let mut app = app(&Fake::with_meters(20));
    open(&mut app, &ready_made("day-night"));
    click(&mut app, "Dry run");
    app.get_by_label("No meter is selected");
    click(&mut app, "Choose a meter");
    assert_eq!(app.state().page(), meterwright::gui::context::Page::Meters);
}

/// A ready-made scheme with prices beside it.
fn priced(folder: &Path, name: &str, night: &str) -> PathBuf {
    let path = folder.join(format!("{name}.scheme.json"));
    let mut document = document("day-night");
    document.title = name.to_owned();
    std::fs::write(&path, scheme::write(&document)).unwrap();
    let prices = format!(
        r#"{{ "format": "meterwright.prices/1", "currency": "GBP", "decimals": 2, "tax_percent": "5",
            "standing_per_day": "0.5", "standing_per_billing_period": "0",
            "energy": [{{ "register": "R1", "price": "{night}" }}, {{ "register": "R2", "price": "0.3" }}],
            "demand": [] }}"#
    );
    std::fs::write(scheme::prices_beside(&path), prices).unwrap();
    path
}

#[test]
fn bills_under_several_schemes_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(20);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    open(&mut app, &priced(folder.path(), "dear", "0.2"));
    open(&mut app, &priced(folder.path(), "cheap", "0.1"));
    click(&mut app, "Bills");
    app.run();
    assert_eq!(named(&app, "Price of R1", &crate::FIELDS).value().as_deref(), Some("0.1"));
    app.get_by_label("More than under the first");
    assert!(count(&app, "differs: dear") >= 1, "the other's bill differs");
    assert!(!shows(&app, "Not saved"));
    enter(&mut app, "Price of R1", "5");
    app.get_by_label("Not saved");
}

#[test]
fn a_price_that_is_none_is_marked_and_cannot_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = app(&Fake::with_meters(20));
    open(&mut app, &priced(folder.path(), "one", "0.2"));
    click(&mut app, "Bills");
    app.run();
    enter(&mut app, "Price of R2", "x");
    app.get_by_label("write an amount such as 0.1234");
    assert!(named(&app, "Save prices", &CONTROLS).accesskit_node().is_disabled());
}

#[test]
fn two_open_schemes_are_compared_in_words_and_side_by_side() {
    let mut app = app(&Fake::with_meters(3));
    open(&mut app, &ready_made("day-night"));
    open(&mut app, &ready_made("industrial-three-rate"));
    click(&mut app, "Compare");
    assert!(count(&app, "is only in the first") >= 3);
    click(&mut app, "Side by side");
    assert!(count(&app, "differs: day-night") >= 1);
    click(&mut app, "Day strips");
    assert_eq!(count(&app, "D1: differs 00:00 to 24:00"), 1);
    assert!(shows(&app, "Only in the first"));
}

fn stored(document: &Document) -> Option<MeterScheme> {
    Some(MeterScheme { at: now(), scheme: scheme::write(document), detail: "[]".to_owned() })
}

#[test]
fn a_scheme_is_compared_with_what_was_read_from_the_meter() {
    let fake = Fake::with_meters(20);
    let id = meter(&fake);
    let mut other = document("day-night");
    other.identity = "OTHER1".to_owned();
    fake.world(|world| {
        world.schemes.insert(id, MeterSchemes { read: stored(&other), ..MeterSchemes::default() })
    });
    let app = page(&fake, "day-night", "Compare");
    assert!(count(&app, "read from Chapel Row 1") >= 1);
    app.get_by_label("1 difference");
    assert_eq!(count(&app, "to “OTHER1”"), 1);
}

#[test]
fn a_meter_is_written_only_after_its_serial_number_was_named() {
    let fake = Fake::with_meters(20);
    let id = meter(&fake);
    let serial = fake
        .world(|world| world.meters.iter().find(|row| row.id == id).unwrap().config.serial.clone())
        .unwrap();
    let identity = document("day-night").identity;
    let mut app = page(&fake, "day-night", "Program");
    app.get_by_label_contains("Activate it at once");
    let button = format!("Write {identity} to Chapel Row 1…");
    click(&mut app, &button);
    // Enter writes nothing.
    press(&mut app, Modifiers::NONE, Key::Enter);
    assert_eq!(fake.world(|world| world.submitted.len()), 0);
    click(&mut app, &button);
    click(&mut app, &format!("Write {identity} to {serial}"));
    app.run();
    let job = fake.world(|world| world.submitted.pop()).unwrap();
    let Job::WriteScheme { meter, scheme, activation } = job else { panic!("{job:?}") };
    assert_eq!((meter, scheme.identity, activation), (id, identity, Activation::Now));
    // On the page, and in the bar at the bottom.
    assert_eq!(count(&app, "Writing beside the tariff in force"), 2);
}

#[test]
fn an_activation_for_later_is_armed_for_the_meters_own_time() {
    let fake = Fake::with_meters(20);
    let mut app = page(&fake, "day-night", "Program");
    let identity = document("day-night").identity;
    click(&mut app, "At a time");
    let button = format!("Write {identity} to Chapel Row 1…");
    assert!(named(&app, &button, &CONTROLS).accesskit_node().is_disabled());
    enter(&mut app, "Time, Europe/London", "2027-07-01 00:00");
    click(&mut app, &button);
    let serial = fake.world(|world| {
        world.meters.iter().find(|row| row.config.name == "Chapel Row 1").unwrap().config.serial.clone()
    });
    click(&mut app, &format!("Write {identity} to {}", serial.unwrap()));
    let job = fake.world(|world| world.submitted.pop()).unwrap();
    let Job::WriteScheme { activation, .. } = job else { panic!("{job:?}") };
    assert_eq!(activation, Activation::At("2027-06-30T23:00:00Z".parse().unwrap()));
}

#[test]
fn after_a_failure_it_says_what_stands_and_what_stood_there_is_restored() {
    let fake = Fake::with_meters(20);
    let id = meter(&fake);
    let before = document("single-rate");
    fake.world(|world| {
        world.schemes.insert(id, MeterSchemes { stood: stored(&before), ..MeterSchemes::default() })
    });
    let mut app = page(&fake, "day-night", "Program");
    let identity = document("day-night").identity;
    let serial = fake
        .world(|world| world.meters.iter().find(|row| row.id == id).unwrap().config.serial.clone())
        .unwrap();
    click(&mut app, &format!("Write {identity} to Chapel Row 1…"));
    click(&mut app, &format!("Write {identity} to {serial}"));
    app.run();
    let fault = Fault::meter(
        "writing billing.dates: the meter refused; the new tariff is in force; settings beside it may still be the old ones",
        "write the scheme again, which finishes what is left; to go back, restore what stood there before",
    );
    fake.finish_scheme(JobId(101), id, Some(&fault));
    app.run();
    assert!(count(&app, "the new tariff is in force") >= 1);
    click(&mut app, "Restore what stood there…");
    click(&mut app, &format!("Restore {} to {serial}", before.identity));
    app.run();
    let job = fake.world(|world| world.submitted.pop()).unwrap();
    let Job::WriteScheme { scheme, .. } = job else { panic!("{job:?}") };
    assert_eq!(*scheme, before);
}

#[test]
fn a_scheme_that_does_not_fit_is_refused_before_anything_is_asked() {
    let fake = Fake::with_meters(20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("much.scheme.json");
    let mut much = document("day-night");
    let special = |day: i16| scheme::SpecialDay {
        date: format!("2027-{:02}-{:02}", day / 28 + 1, day % 28 + 1).parse().unwrap(),
        day_type: "D1".to_owned(),
    };
    much.tariff.special_days = (0..200).map(special).collect();
    std::fs::write(&path, scheme::write(&much)).unwrap();
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    open(&mut app, &path);
    click(&mut app, "Program");
    assert!(count(&app, "cannot take this scheme") >= 1);
    let button = format!("Write {} to Chapel Row 1…", much.identity);
    assert!(named(&app, &button, &CONTROLS).accesskit_node().is_disabled());
}
