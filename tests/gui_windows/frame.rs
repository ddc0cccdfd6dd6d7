//! The frame: first start, search, pages, states, windows of their own.

use egui::{Key, Modifiers, Role, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use meterwright::gui::App;
use meterwright::gui::context::Page;

use crate::fake::Fake;
use crate::{FIELDS, app, click, enter, named, press, shows};

#[test]
fn an_empty_store_offers_three_ways_to_fill_it() {
    let fake = Fake::with_meters(0);
    let mut app = app(&fake);
    assert!(shows(&app, "Add a meter") && shows(&app, "Import a CSV"));
    click(&mut app, "Open the demo fleet");
    app.run();
    app.get_by_label("200 shown");
}

#[test]
fn the_search_field_finds_meters_and_commands() {
    let fake = Fake::with_meters(200);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::K);
    named(&app, "Find a meter or a command", &FIELDS).type_text("quarry 7");
    app.run();
    press(&mut app, Modifiers::NONE, Key::Enter);
    let id = app.state().cx.selection.focus().unwrap();
    let name =
        fake.world(|world| world.meters.iter().find(|meter| meter.id == id).unwrap().config.name.clone());
    assert_eq!(name, "Quarry Hill 7");

    press(&mut app, Modifiers::COMMAND, Key::K);
    named(&app, "Find a meter or a command", &FIELDS).type_text("settings");
    app.run();
    click(&mut app, "Go to Settings");
    assert_eq!(app.state().page(), Page::Settings);
}

#[test]
fn the_keys_of_the_pages_work() {
    let fake = Fake::with_meters(5);
    let mut app = app(&fake);
    let pages = [
        (Key::Num1, Page::Schemes),
        (Key::Num2, Page::Meters),
        (Key::Num3, Page::Readings),
        (Key::Num4, Page::Trace),
    ];
    for (key, page) in pages {
        press(&mut app, Modifiers::COMMAND, key);
        assert_eq!(app.state().page(), page);
    }
}

#[test]
fn until_the_meters_have_come_the_page_says_so() {
    let fake = Fake::with_meters(5);
    fake.world(|world| world.mute = true);
    let app = app(&fake);
    app.get_by_label("Loading meters");
}

#[test]
fn a_store_that_cannot_be_read_is_a_state_of_its_own() {
    let fake = Fake::with_meters(5);
    fake.world(|world| world.broken = Some("the store x.db: disk I/O error".to_owned()));
    let app = app(&fake);
    app.get_by_label("The meters cannot be read: the store x.db: disk I/O error");
    app.get_by_label("Copy details");
}

#[test]
fn a_manager_moves_into_a_window_of_its_own_and_back() {
    let fake = Fake::with_meters(5);
    let mut app = app(&fake);
    click(&mut app, "More");
    click(&mut app, "Open in its own window");
    app.run();
    app.get_by_label("Meter Manager stands in a window of its own");
    // Without native windows it is embedded; its table is there all the same.
    app.get_by_label("Meter Mill Lane 1");
    // The embedded window may lie over the button.
    app.get_by_label("Bring it back here").click_accesskit();
    app.run();
    assert!(app.query_by_label("Bring it back here").is_none());
}

#[test]
fn settings_are_kept_in_the_store() {
    let fake = Fake::with_meters(5);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Comma);
    click(&mut app, "Dark");
    app.run();
    assert_eq!(fake.world(|world| world.settings.get("gui.theme").cloned()), Some("dark".to_owned()));
    click(&mut app, "Reduce motion");
    assert_eq!(fake.world(|world| world.settings.get("gui.reduce-motion").cloned()), Some("yes".to_owned()));
}

#[test]
fn traffic_is_shown_decoded_and_in_octets() {
    let fake = Fake::with_meters(5);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Num4);
    app.run();
    click(&mut app, "Record 2");
    assert!(app.query_all_by_label_contains("association request").count() >= 2, "in the table and in full");
    app.get_by_label_contains("0000  00 01 00 10 00 01 00 1F 60 1D");
}

#[test]
fn enter_in_the_search_field_goes_to_the_meter_and_to_nothing_else() {
    let mut app = app(&Fake::with_meters(200));
    press(&mut app, Modifiers::COMMAND, Key::K);
    enter(&mut app, "Find a meter or a command", "Station Yard 1");
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    assert_eq!(app.state().page(), Page::Meters, "the table did not take the key too");
    let row = named(&app, "Meter Station Yard 1", &[Role::Row]).rect();
    assert!(row.bottom() <= 800.0, "the table has gone to it: {row:?}");
}

#[test]
fn at_one_and_a_half_times_in_1280_by_800_what_is_pressed_is_within_reach() {
    let mut app = app(&Fake::with_meters(60));
    app.set_size(Vec2::new(853.0, 533.0));
    app.run();
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    press(&mut app, Modifiers::COMMAND, Key::A);
    app.run();
    let tree = named(&app, "All meters", &[Role::TreeItem]).rect().right();
    for label in ["Add meter…", "More", "Read 60 now", "Choose what to read", "Filter the table"] {
        let rect = app.get_by_label(label).rect();
        assert!(rect.left() > tree && rect.right() < 853.0, "{label}: {rect:?}");
    }
    let within = |app: &Harness<'_, App>, label: &str| {
        let rect = app.get_by_label(label).rect();
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, Vec2::new(853.0, 533.0));
        assert!(window.contains_rect(rect), "{label}: {rect:?}");
    };
    press(&mut app, Modifiers::NONE, Key::F2);
    app.run();
    within(&app, "Look at the changes");
    within(&app, "Cancel");
    press(&mut app, Modifiers::NONE, Key::Escape);
    press(&mut app, Modifiers { shift: true, ..Modifiers::COMMAND }, Key::N);
    within(&app, "Begin with an empty scheme");
    within(&app, "Cancel");
}
