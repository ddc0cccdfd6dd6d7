//! Settings › Store: what it holds, upkeep, what is kept for how long, and what is disposed of.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use meterwright::comms::{Chore, Edit, Event, Job, NIGHTLY_SETTING};
use meterwright::gui::App;
use meterwright::gui::data::Query;
use meterwright::store::{Age, Kind};

use crate::fake::Fake;
use crate::{app, click, enter, press, shows};

fn settings(fake: &Fake) -> Harness<'static, App> {
    let mut app = app(fake);
    press(&mut app, Modifiers::COMMAND, Key::Comma);
    app.run();
    app
}

#[test]
fn the_store_tells_its_size_by_kind_and_its_last_upkeep() {
    let app = settings(&Fake::with_meters(5));
    assert!(shows(&app, "497.0 MiB, 2.0 MiB of it free for what comes"));
    assert!(shows(&app, "87\u{2009}600\u{2009}000") && shows(&app, "431.0 MiB"));
    assert!(app.query_all_by_label_contains("All is well").next().is_some());
}

#[test]
fn upkeep_is_a_job_and_its_buttons_rest_meanwhile() {
    let fake = Fake::with_meters(5);
    let mut app = settings(&fake);
    app.get_by_label("Compact now").scroll_to_me();
    app.run();
    click(&mut app, "Compact now");
    assert!(matches!(fake.world(|world| world.submitted.pop()), Some(Job::Upkeep(Chore::Compact))));
    app.run();
    app.get_by_label("Back up…").scroll_to_me();
    app.run();
    click(&mut app, "Back up…");
    app.get_by_label("Path");
    assert_eq!(app.get_by_label("Path").value().unwrap_or_default(), "meterwright 2026-11-22.db");
}

#[test]
fn an_age_is_chosen_and_the_preview_follows() {
    let fake = Fake::with_meters(5);
    let mut app = settings(&fake);
    app.get_by_label("Keep intervals").scroll_to_me();
    app.run();
    click(&mut app, "Keep intervals");
    click(&mut app, "7 years");
    let Some(Edit::Retention(retention)) = fake.world(|world| world.edits.pop()) else { panic!("no edit") };
    assert_eq!(retention.age(Kind::Intervals), Some(Age::Months(84)));
    assert_eq!(retention.age(Kind::Traces), Some(Age::Days(30)), "what was not touched stays");
    app.run();
    assert!(app.query_all_by_label_contains("14\u{2009}880 would go").next().is_some());
}

#[test]
fn readings_go_only_when_their_number_was_typed() {
    let fake = Fake::with_meters(5);
    fake.world(|world| {
        let setting = "{\"intervals\":\"7 years\"}".to_owned();
        world.settings.insert(meterwright::store::RETENTION_SETTING.to_owned(), setting);
    });
    let mut app = settings(&fake);
    app.get_by_label("Dispose of what is old…").scroll_to_me();
    app.run();
    click(&mut app, "Dispose of what is old…");
    assert!(app.query_all_by_label_contains("Intervals: 14\u{2009}880 before").next().is_some());
    click(&mut app, "Dispose of it");
    assert!(fake.world(|world| world.submitted.is_empty()), "nothing was typed");
    enter(&mut app, "Type 14880 to confirm", "14880");
    click(&mut app, "Dispose of it");
    let Some(Job::Upkeep(Chore::Retain(cutoffs))) = fake.world(|world| world.submitted.pop()) else {
        panic!("no job")
    };
    assert_eq!(cutoffs.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Kind::Intervals, Kind::Traces]);
}

#[test]
fn the_upkeep_of_the_night_is_switched_off_and_on() {
    let fake = Fake::with_meters(5);
    let mut app = settings(&fake);
    let words = "Look after the store every night at";
    app.get_by_label(words).scroll_to_me();
    app.run();
    click(&mut app, words);
    let setting = |fake: &Fake| fake.world(|world| world.settings.get(NIGHTLY_SETTING).cloned());
    assert_eq!(setting(&fake).as_deref(), Some("off"));
    app.run();
    click(&mut app, words);
    assert_eq!(setting(&fake).as_deref(), Some("03:30"));
}

#[test]
fn what_another_program_writes_is_asked_for_again_and_files_are_not() {
    let fake = Fake::with_meters(5);
    let mut app = app(&fake);
    app.run();
    fake.world(|world| {
        world.asked.clear();
        world.events.push_back(Event::ChangedElsewhere);
    });
    app.run();
    let asked = fake.world(|world| std::mem::take(&mut world.asked));
    assert!(asked.contains(&Query::Meters), "{asked:?}");
    assert!(asked.iter().all(Query::is_stored), "{asked:?}");
    app.run();
    assert!(fake.world(|world| world.asked.is_empty()), "once");
}
