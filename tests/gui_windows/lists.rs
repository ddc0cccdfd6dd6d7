//! Lists: chosen, run, paused, made and changed, by keyboard and by pointer.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use meterwright::comms::{Edit, Job};
use meterwright::gui::App;
use meterwright::model::{Days, ListId, Member, Times};

use crate::fake::{Fake, some_lists};
use crate::{FIELDS, app, click, enter, named, press, shows};

fn open(fake: &Fake) -> Harness<'static, App> {
    let mut app = app(fake);
    press(&mut app, Modifiers::COMMAND, Key::Num5);
    app.run();
    app
}

fn filled() -> Fake {
    let fake = Fake::with_meters(40);
    fake.world(|world| world.lists = some_lists());
    fake
}

#[test]
fn without_a_list_the_page_says_what_one_is_for_and_makes_one() {
    let fake = Fake::with_meters(5);
    let mut app = open(&fake);
    assert!(shows(&app, "There is no meter list yet"));
    click(&mut app, "New list…");
    enter(&mut app, "Name", "Nightly");
    click(&mut app, "Save the list");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutList { id: None, list } = edit else { panic!("{edit:?}") };
    assert_eq!((list.name.as_str(), list.members.contains(&Member::All)), ("Nightly", true));
    let schedule = list.schedule.unwrap();
    assert_eq!((schedule.times, schedule.days), (Times::At(jiff::civil::time(2, 0, 0, 0)), Days::All));
}

#[test]
fn a_list_shows_its_next_five_runs_its_outcomes_its_history_and_its_rates() {
    let mut app = open(&filled());
    assert!(shows(&app, "List Nightly poll"));
    assert!(shows(&app, "Mon 2026-11-23 02:00") && shows(&app, "Fri 2026-11-27 02:00"));
    click(&mut app, "Last outcomes");
    app.get_by_label_contains("the others first");
    assert!(app.query_all_by_label_contains("no answer to the SNRM").next().is_some());
    click(&mut app, "History");
    assert!(app.query_all_by_label("Missed").next().is_some(), "a word, not a colour alone");
    click(&mut app, "Success");
    assert!(shows(&app, "North district") && shows(&app, "98 of 100"));
}

#[test]
fn the_arrow_keys_choose_a_list_and_its_actions_go_to_the_thread() {
    let fake = filled();
    let mut app = open(&fake);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    app.get_by_label_contains("every 15 minutes (UTC)");
    press(&mut app, Modifiers::NONE, Key::ArrowUp);
    click(&mut app, "Run now");
    let job = fake.world(|world| world.submitted.pop());
    assert!(matches!(job, Some(Job::RunList(ListId(1)))), "{job:?}");
    click(&mut app, "List Quarter hours");
    click(&mut app, "Pause");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutList { id: Some(ListId(2)), list } = edit else { panic!("{edit:?}") };
    assert!(list.paused);
    click(&mut app, "Remove this list");
    click(&mut app, "Remove Quarter hours");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    assert!(matches!(edit, Edit::RemoveList(ListId(2))), "{edit:?}");
}

#[test]
fn a_schedule_is_edited_with_a_look_at_the_next_runs_and_a_wrong_one_is_not_saved() {
    let fake = filled();
    let mut app = open(&fake);
    click(&mut app, "Edit…");
    // The dialog takes its size from what it holds: it stands still after a few frames.
    app.run_steps(4);
    click(&mut app, "Days of the week");
    click(&mut app, "Sat");
    assert!(app.query_all_by_label_contains("at 02:00 on Mon, Tue, Wed, Thu, Fri, Sat").next().is_some());
    named(&app, "Time of day", &FIELDS).focus();
    app.run();
    press(&mut app, Modifiers::COMMAND, Key::A);
    named(&app, "Time of day", &FIELDS).type_text("25:99");
    app.run();
    assert!(shows(&app, "write the time such as 02:00"));
    click(&mut app, "Every so often");
    click(&mut app, "Save the list");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutList { id: Some(ListId(1)), list } = edit else { panic!("{edit:?}") };
    let schedule = list.schedule.unwrap();
    assert_eq!(schedule.times, Times::Every(15));
    assert!(matches!(schedule.days, Days::Weekdays(days) if days.to_string() == "mon,tue,wed,thu,fri,sat"));
}

#[test]
fn a_list_that_puts_clocks_right_is_made_in_the_window() {
    let fake = Fake::with_meters(5);
    let mut app = open(&fake);
    click(&mut app, "New list…");
    enter(&mut app, "Name", "Clocks");
    click(&mut app, "Put clocks right");
    click(&mut app, "Save the list");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutList { id: None, list } = edit else { panic!("{edit:?}") };
    assert_eq!(list.action, meterwright::model::Action::AdjustClock);
}

#[test]
fn a_list_that_writes_a_scheme_is_made_from_its_file() {
    use meterwright::model::{Action, Activate};
    let fake = Fake::with_meters(5);
    let mut app = open(&fake);
    click(&mut app, "New list…");
    enter(&mut app, "Name", "New tariff");
    click(&mut app, "Write a scheme");
    assert!(shows(&app, "Choose the scheme to write"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schemes/day-night.scheme.json");
    enter(&mut app, "Scheme file", file);
    click(&mut app, "From a time on");
    app.run();
    enter(&mut app, "Takes over", "2027-01-01 00:00");
    click(&mut app, "Save the list");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutList { id: None, list } = edit else { panic!("{edit:?}") };
    let Action::WriteScheme { scheme, identity, activate } = list.action else { panic!("{:?}", list.action) };
    assert!(meterwright::scheme::read(scheme.as_bytes()).is_ok() && !identity.is_empty());
    assert_eq!(activate, Activate::At("2027-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn holidays_are_typed_read_from_a_file_and_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holidays.csv");
    std::fs::write(&path, "date,name\n2027-04-02,Good Friday\n*-12-25,Christmas Day\nsome day,\n").unwrap();
    let fake = filled();
    let mut app = open(&fake);
    click(&mut app, "Edit…");
    app.run_steps(4);
    app.get_by_label("None: it runs on every day that its rule names");
    named(&app, "Another holiday", &FIELDS).scroll_to_me();
    app.run_steps(4);
    enter(&mut app, "Another holiday", "2026-11-24");
    click(&mut app, "Add date");
    app.get_by_label("1 date, 1 to come, the next Tue 2026-11-24");
    let runs = app.query_all_by_label("Tue 2026-11-24 02:00").count();
    assert_eq!(runs, 1, "the preview leaves it out; the list itself is as it was");
    click(&mut app, "From a file…");
    enter(&mut app, "Path", path.to_str().unwrap());
    click(&mut app, "Open");
    app.run_steps(4);
    app.get_by_label("12 dates, 12 to come, the next Tue 2026-11-24");
    assert!(
        app.query_all_by_label_contains("11 new dates from holidays.csv; 1 line left out").next().is_some()
    );
    named(&app, "Remove 2026-11-24", &[egui::Role::Button]).scroll_to_me();
    app.run_steps(4);
    click(&mut app, "Remove 2026-11-24");
    let rule = "Run on the next day that is none";
    app.get_by_label(rule).scroll_to_me();
    app.run_steps(4);
    click(&mut app, rule);
    click(&mut app, "Save the list");
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutList { list, .. } = edit else { panic!("{edit:?}") };
    let holidays = list.schedule.unwrap().holidays;
    assert_eq!(holidays.then, meterwright::model::OnHoliday::Move);
    assert_eq!(holidays.dates.len(), 11, "Christmas of ten years, and one Good Friday");
    assert!(holidays.dates.contains(&jiff::civil::date(2035, 12, 25)));
}
