//! Meter Manager: the table, the selection, reading, cancelling, removing.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::{Job, JobId};
use meterwright::gui::context::Page;
use meterwright::model::{Fault, MeterId, What};

use crate::fake::Fake;
use crate::{app, click, enter, press, shows};

#[test]
fn a_meter_is_added_read_and_its_numbers_are_there() {
    let fake = Fake::with_meters(0);
    let mut app = app(&fake);
    click(&mut app, "Add a meter");
    enter(&mut app, "Name", "Kiln Road 900");
    enter(&mut app, "Line", "tcp://10.0.0.7");
    click(&mut app, "Add meter");
    app.run();
    // The row has come and is selected.
    app.get_by_label("Meter Kiln Road 900");
    assert_eq!(app.state().cx.selection.ids(), [MeterId(1)]);

    press(&mut app, Modifiers::NONE, Key::F5);
    let job = fake.world(|world| world.submitted.last().cloned());
    let Some(Job::Read { meters, request }) = job else { panic!("nothing was submitted") };
    assert_eq!(meters, [MeterId(1)]);
    assert!(request.what.contains(&What::Registers) && request.what.contains(&What::Profile));
    fake.finish(JobId(101), None);
    app.run();
    assert!(shows(&app, "21 registers, 48 intervals"), "the result in words");

    press(&mut app, Modifiers::COMMAND, Key::Num3);
    click(&mut app, "Registers");
    assert!(shows(&app, "Active import energy"));
    // 18 235 580 Wh, as the fake's register has it.
    assert!(shows(&app, "18\u{2009}235.580"));
}

#[test]
fn ten_thousand_meters_build_only_the_rows_that_are_seen() {
    let fake = Fake::with_meters(10_000);
    let mut app = app(&fake);
    app.get_by_label("10\u{2009}000 shown");
    let rows = |app: &egui_kittest::Harness<'_, meterwright::gui::App>| {
        app.query_all_by_role(egui::Role::Row).count()
    };
    assert!((10..60).contains(&rows(&app)), "{} rows", rows(&app));
    enter(&mut app, "Filter the table", "foundry 11833");
    assert!(rows(&app) < 60);
    assert!(app.query_all_by_label_contains("Meter Foundry Way").count() > 0);
    assert_eq!(app.query_all_by_label_contains("Meter Mill Lane").count(), 0);
}

#[test]
fn the_table_is_sorted_by_the_column_that_is_clicked() {
    let fake = Fake::with_meters(30);
    let mut app = app(&fake);
    let first = |app: &egui_kittest::Harness<'_, meterwright::gui::App>| {
        let rows = app.query_all_by_role(egui::Role::Row);
        let top = rows.min_by(|a, b| a.rect().top().total_cmp(&b.rect().top())).unwrap();
        top.accesskit_node().label().unwrap_or_default()
    };
    assert_eq!(first(&app), "Meter Chapel Row 1");
    click(&mut app, "Name");
    assert_eq!(first(&app), "Meter Weir Close 3");
    click(&mut app, "Last result");
    assert_eq!(first(&app), "Meter Harbour Street 2", "what was never read comes first, then failures");
}

#[test]
fn shift_and_control_select_ranges_and_single_meters() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 2");
    app.get_by_label("Chapel Row 4").click_modifiers(Modifiers::SHIFT);
    app.run();
    assert_eq!(app.state().cx.selection.len(), 3);
    app.get_by_label("Chapel Row 3").click_modifiers(Modifiers::COMMAND);
    app.run();
    assert_eq!(app.state().cx.selection.len(), 2);
    app.get_by_label("2 of 50 selected");
    app.get_by_label("Read 2 meters now");
}

#[test]
fn the_arrow_keys_move_and_enter_shows_the_readings() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    press(&mut app, Modifiers::SHIFT, Key::ArrowDown);
    assert_eq!(app.state().cx.selection.len(), 2);
    press(&mut app, Modifiers::COMMAND, Key::A);
    assert_eq!(app.state().cx.selection.len(), 50);
    press(&mut app, Modifiers::NONE, Key::Home);
    press(&mut app, Modifiers::NONE, Key::Enter);
    assert_eq!(app.state().page(), Page::Readings);
}

#[test]
fn a_running_job_shows_its_step_and_is_cancelled() {
    let fake = Fake::with_meters(20);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    click(&mut app, "Read now");
    app.run();
    assert!(app.query_all_by_label("24 of 48 intervals").count() >= 1);
    click(&mut app, "Cancel the job");
    app.run();
    assert_eq!(fake.world(|world| world.cancelled.clone()), [JobId(101)]);
    app.get_by_label("No job is running");
    app.get_by_label_contains("Cancelled");
}

#[test]
fn a_failure_says_whose_fault_it_was_and_what_to_try() {
    let fake = Fake::with_meters(20);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    press(&mut app, Modifiers::NONE, Key::F5);
    let fault = Fault::line("no answer to the SNRM within 6 s", "check the probe");
    fake.finish(JobId(101), Some(&fault));
    app.run();
    press(&mut app, Modifiers::COMMAND, Key::J);
    click(&mut app, "Job 101: Read Chapel Row 1");
    app.get_by_label_contains("Chapel Row 1: no answer to the SNRM");
    app.get_by_label("What to try: check the probe");
    assert!(app.query_all_by_label("Copy details").count() >= 1);
}

#[test]
fn removing_names_the_meter_and_enter_keeps_it() {
    let fake = Fake::with_meters(20);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    press(&mut app, Modifiers::NONE, Key::Delete);
    app.get_by_label("Remove Chapel Row 1?");
    press(&mut app, Modifiers::NONE, Key::Enter);
    assert_eq!(fake.world(|world| world.meters.len()), 20);
    press(&mut app, Modifiers::NONE, Key::Delete);
    click(&mut app, "Remove Chapel Row 1");
    app.run();
    assert_eq!(fake.world(|world| world.meters.len()), 19);
    app.get_by_label("Removed Chapel Row 1");
    assert!(app.query_by_label("Meter Chapel Row 1").is_none());
}

#[test]
fn groups_are_a_tree_that_filters_the_table() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    click(&mut app, "Group Harbour/Chapel Row");
    app.get_by_label("6 shown");
    click(&mut app, "Group Harbour");
    app.get_by_label("24 shown");
    click(&mut app, "Never read");
    app.get_by_label("1 shown");
}

#[test]
fn only_the_meter_that_ended_is_asked_for_again() {
    let fake = Fake::with_meters(2_000);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    press(&mut app, Modifiers::NONE, Key::F5);
    fake.world(|world| world.asked.clear());
    fake.finish(JobId(101), None);
    app.run();
    let asked = fake.world(|world| world.asked.clone());
    assert!(!asked.contains(&meterwright::gui::data::Query::Meters), "{asked:?}");
}
