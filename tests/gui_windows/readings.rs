//! Readings: periods across the clock changes, the table, the other pages.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use meterwright::gui::App;

use crate::fake::Fake;
use crate::{FIELDS, app, click, enter, named, press};

fn readings(fake: &Fake) -> Harness<'static, App> {
    let mut app = app(fake);
    click(&mut app, "Chapel Row 1");
    press(&mut app, Modifiers::COMMAND, Key::Num3);
    app.run();
    app
}

fn show(app: &mut Harness<'_, App>, from: &str, to: &str) {
    click(app, "From – to");
    for (field, text) in [("From", from), ("To, inclusive", to)] {
        named(app, field, &FIELDS).focus();
        app.run();
        press(app, Modifiers::COMMAND, Key::A);
        enter(app, field, text);
    }
}

#[test]
fn a_day_of_25_hours_has_fifty_half_hours() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    show(&mut app, "2026-10-25", "2026-10-25");
    click(&mut app, "Day");
    app.get_by_label("Sunday 25 October 2026");
    app.get_by_label("25 hours");
    assert_eq!(app.query_all_by_label_contains("missing").count(), 0);
    // In the summary.
    assert!(app.query_all_by_label("50").count() >= 1);
    click(&mut app, "Show as table");
    // Half past one comes twice: by its offset one tells which is which.
    assert_eq!(app.query_all_by_label("2026-10-25 01:30").count(), 2);
    click(&mut app, "Later");
    app.get_by_label("Monday 26 October 2026");
    assert!(app.query_by_label("25 hours").is_none());
    assert!(app.query_all_by_label("48").count() >= 1);
}

#[test]
fn an_interval_that_ends_at_midnight_belongs_to_the_day_it_ends() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Earlier");
    app.get_by_label("Saturday 21 November 2026");
    let (from, to) = fake.world(|world| {
        let rows = world.asked.iter().rev().find_map(|query| match query {
            meterwright::gui::data::Query::Rows { from, to, .. } => Some((*from, *to)),
            _ => None,
        });
        rows.unwrap()
    });
    assert_eq!(
        (from.to_string(), to.to_string()),
        ("2026-11-21T00:00:00Z".into(), "2026-11-22T00:00:00Z".into())
    );
}

#[test]
fn months_and_weeks_are_stepped_and_missing_intervals_are_counted() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Month");
    app.get_by_label("November 2026");
    app.get_by_label("8 missing");
    click(&mut app, "Earlier");
    app.get_by_label("October 2026");
    app.get_by_label("745 hours");
    click(&mut app, "Week");
    app.get_by_label("26 October – 1 November 2026");
}

#[test]
fn demand_is_energy_over_the_period_exactly() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    let energy =
        app.query_all_by_label_contains("Active import energy of the interval, kWh secondary").count();
    assert_eq!(energy, 1);
    click(&mut app, "Demand");
    app.get_by_label("Active import energy of the interval, kW secondary");
}

#[test]
fn a_channel_of_another_unit_takes_the_axis_over() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Active export energy of the interval");
    app.get_by_label("Active export energy of the interval, kWh secondary");
    click(&mut app, "Voltage L1, average 5");
    app.get_by_label("Voltage L1, average 5, V secondary");
    assert!(app.query_by_label("Active export energy of the interval, kWh secondary").is_none());
}

#[test]
fn billing_sets_and_events_are_listed() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Billing");
    app.get_by_label("Ended 2026-10-31 24:00");
    app.get_by_label("Active import, maximum demand");
    click(&mut app, "Events");
    click(&mut app, "Month");
    assert!(app.query_all_by_label("Supply failed").count() >= 1);
}

#[test]
fn a_meter_that_was_never_read_says_what_to_do() {
    let fake = Fake::with_meters(20);
    fake.world(|world| world.read.clear());
    let mut app = readings(&fake);
    app.get_by_label("No load profile is stored of this meter");
    click(&mut app, "Registers");
    app.get_by_label("No registers are stored of this meter");
}

#[test]
fn the_chart_is_saved_as_a_picture() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Save the chart as a picture…");
    app.get_by_label("Path");
    assert_eq!(
        app.get_by_label("Path").value().unwrap_or_default(),
        "Chapel Row 1 2026-11-22 to 2026-11-22.svg"
    );
}

#[test]
fn the_stretch_that_is_shown_is_saved_as_csv() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "More");
    click(&mut app, "One row an interval…");
    click(&mut app, "Save");
    app.run();
    let (export, file) = fake.world(|world| world.exports.pop()).unwrap();
    assert_eq!(file.to_string_lossy(), "Chapel Row 1 load profile 2026-11-22.csv");
    let part = &export.parts[0];
    assert_eq!(part.from.map(|at| at.to_string()), Some("2026-11-22T00:00:00Z".to_owned()));
    assert_eq!((export.parts.len(), export.gaps), (1, false));
    click(&mut app, "More");
    click(&mut app, "One row an interval, missing ones named…");
    click(&mut app, "Save");
    app.run();
    let (export, _) = fake.world(|world| world.exports.pop()).unwrap();
    assert!(export.gaps, "with a row for each interval that is missing");
}

#[test]
fn what_is_missing_is_told_with_its_reason_beside_the_chart_and_in_the_table() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Month");
    app.get_by_label("8 missing");
    let words = "8 missing: the meter recorded nothing there";
    assert_eq!(app.query_all_by_label(words).count(), 1, "in the legend");
    show(&mut app, "2026-11-19", "2026-11-19");
    click(&mut app, "Show as table");
    // The one that ends at midnight belongs to the day before.
    let words = "7 missing: the meter recorded nothing there";
    assert_eq!(app.query_all_by_label(words).count(), 2, "in the table too");
    // A sign, not a colour alone.
    assert!(app.query_all_by_label("×").count() >= 2);
}

#[test]
fn the_gaps_of_a_meter_are_listed_and_one_is_read_again() {
    let fake = Fake::with_meters(20);
    let mut app = readings(&fake);
    click(&mut app, "Gaps");
    app.get_by_label("10 intervals are missing in 2 gaps, 1 of them open");
    assert!(app.query_by_label("? Open").is_some() && app.query_by_label("× Final").is_some());
    app.query_all_by_label("Read the gap now").last().unwrap().click();
    app.run();
    let submitted = fake.world(|world| world.submitted.pop());
    let Some(meterwright::comms::Job::Read { request, .. }) = submitted else { panic!("{submitted:?}") };
    assert_eq!(request.what, [meterwright::model::What::Profile].into());
    let (from, to) = (request.from.unwrap(), request.to.unwrap());
    assert_eq!(to.as_second() - from.as_second(), 5_400);
}
