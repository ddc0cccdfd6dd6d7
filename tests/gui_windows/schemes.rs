//! Scheme Manager: a file is opened and shown with its problems.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::fake::Fake;
use crate::{app, click, enter, press, shows};

fn open(name: &str) -> egui_kittest::Harness<'static, meterwright::gui::App> {
    let mut app = app(&Fake::with_meters(1));
    press(&mut app, Modifiers::COMMAND, Key::O);
    let path = format!("{}/tests/schemes/{name}", env!("CARGO_MANIFEST_DIR"));
    enter(&mut app, "Path", &path);
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    app
}

#[test]
fn a_scheme_is_shown_with_its_days_and_what_is_on() {
    let mut app = open("never-used.good.scheme.json");
    assert!(shows(&app, "never-used.good.scheme.json"));
    assert!(shows(&app, "What is on at…"));
    for page in ["Identity", "Registers", "Weeks and seasons", "Billing", "Outputs", "Year"] {
        click(&mut app, page);
    }
    app.get_by_label_contains("The rates of 2026");
}

#[test]
fn a_broken_scheme_lists_its_problems_with_their_places() {
    let mut app = open("switch-order.bad.scheme.json");
    assert!(shows(&app, "switch-order"));
    assert!(app.query_all_by_label_contains("tariff.day_types").count() > 0);
    click(&mut app, "Copy problems");
}

#[test]
fn a_file_that_is_no_scheme_says_so() {
    let app = open("../../Cargo.toml");
    assert!(shows(&app, "This file is not a scheme that can be shown"));
    assert!(shows(&app, "syntax"));
}
