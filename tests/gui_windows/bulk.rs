//! Changing many meters at once: what they have in common, what differs, what is touched, what it would do.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::Edit;
use meterwright::gui::App;
use meterwright::model::Fault;
use meterwright::store::MeterChanges;

use crate::fake::Fake;
use crate::{FIELDS, app, click, enter, named, press, shows};

/// The dialog over the first rows of the table.
fn open(fake: &Fake, count: usize) -> Harness<'static, App> {
    let mut app = app(fake);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    for _ in 1..count {
        press(&mut app, Modifiers::SHIFT, Key::ArrowDown);
    }
    press(&mut app, Modifiers::NONE, Key::F2);
    app.run();
    app.get_by_label(&format!("Change {count} meters"));
    app
}

fn changes(fake: &Fake) -> Option<MeterChanges> {
    fake.world(|world| {
        world.edits.iter().find_map(|edit| match edit {
            Edit::ChangeMeters(changes) => Some(changes.as_ref().clone()),
            _ => None,
        })
    })
}

fn replace(app: &mut Harness<'_, App>, field: &str, text: &str) {
    named(app, field, &FIELDS).focus();
    app.run();
    press(app, Modifiers::COMMAND, Key::A);
    enter(app, field, text);
}

#[test]
fn only_what_is_touched_is_changed_after_a_look_at_each_meter() {
    let fake = Fake::with_meters(60);
    let mut app = open(&fake, 4);
    app.get_by_label("Nothing is touched yet");
    assert!(app.get_by_label("Look at the changes").accesskit_node().is_disabled());
    replace(&mut app, "Group", "Harbour/Moved");
    replace(&mut app, "Client address", "3");
    app.get_by_label("2 fields touched");
    click(&mut app, "Look at the changes");
    app.run();
    app.get_by_label("4 meters change, 0 as they are");
    assert!(app.query_all_by_label_contains("→ Harbour/Moved").count() >= 4);
    assert!(changes(&fake).is_none(), "nothing is changed yet");
    let before = fake.world(|world| world.meters.clone());
    click(&mut app, "Change 4 meters");
    app.run();
    let done = changes(&fake).unwrap();
    assert_eq!((done.add.len(), done.change.len()), (0, 4));
    for (id, patch) in &done.change {
        assert_eq!(
            (patch.group.clone(), patch.client),
            (Some(Some("Harbour/Moved".to_owned())), Some(Some(3)))
        );
        assert!(patch.template.is_none() && patch.line == meterwright::model::LinePatch::default());
        let old = before.iter().find(|row| row.id == *id).unwrap().config.clone();
        let new = fake.world(|world| world.meters.iter().find(|row| row.id == *id).unwrap().config.clone());
        assert_eq!((old.name, old.line, old.serial), (new.name, new.line, new.serial), "the rest stays");
    }
    app.get_by_label("Changed 4 meters");
}

#[test]
fn what_differs_says_so_and_a_touched_field_is_left_again() {
    let fake = Fake::with_meters(60);
    let mut app = open(&fake, 8);
    for field in ["Template", "Host"] {
        app.get_by_label(&format!("{field} · several values"));
    }
    assert!(!shows(&app, "Authentication · several values"));
    replace(&mut app, "Location", "Cellar");
    app.get_by_label("1 field touched");
    click(&mut app, "Leave Location as it is");
    app.get_by_label("Nothing is touched yet");
    replace(&mut app, "Port of the host", "many");
    app.get_by_label("Write a number from 1 to 65535");
    assert!(app.get_by_label("Look at the changes").accesskit_node().is_disabled());
    press(&mut app, Modifiers::NONE, Key::Escape);
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(!shows(&app, "Change 8 meters"));
    assert!(changes(&fake).is_none());
}

#[test]
fn a_value_that_some_have_already_leaves_those_alone() {
    let fake = Fake::with_meters(60);
    let ids = fake.world(|world| {
        world.meters.iter_mut().find(|row| row.config.name == "Chapel Row 2").unwrap().config.note =
            "Old".into();
        world.meters.len()
    });
    assert_eq!(ids, 60);
    let mut app = open(&fake, 3);
    replace(&mut app, "Note", "Old");
    click(&mut app, "Look at the changes");
    app.run();
    app.get_by_label("2 meters change, 1 as they are");
    click(&mut app, "Back");
    app.get_by_label("1 field touched");
}

#[test]
fn a_field_of_ones_own_is_added_to_all_of_their_points() {
    let fake = Fake::with_meters(60);
    let mut app = open(&fake, 3);
    enter(&mut app, "A field of your own", "Round");
    named(&app, "Add field", &crate::CONTROLS).focus();
    app.run();
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    assert!(
        named(&app, "Round", &FIELDS).accesskit_node().is_focused(),
        "the cursor stands in the new field"
    );
    named(&app, "Round", &FIELDS).type_text("7");
    app.run();
    press(&mut app, Modifiers::COMMAND, Key::Enter);
    app.run();
    fake.world(|world| world.refuse = Some(Fault::user("the store is full", "free some space")));
    click(&mut app, "Change 3 meters");
    app.run();
    assert!(app.query_all_by_label_contains("the store is full").count() >= 1, "it says why, and stays");
    click(&mut app, "Change 3 meters");
    app.run();
    let done = changes(&fake).unwrap();
    assert!(done.change.iter().all(|(_, patch)| patch.about.fields["Round"].as_deref() == Some("7")));
}

#[test]
fn control_and_a_selects_all_that_are_shown_and_one_meter_opens_its_own_form() {
    let fake = Fake::with_meters(60);
    let mut app = app(&fake);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    press(&mut app, Modifiers::NONE, Key::F2);
    app.run();
    app.get_by_label("Edit Chapel Row 1");
    press(&mut app, Modifiers::NONE, Key::Escape);
    press(&mut app, Modifiers::COMMAND, Key::A);
    click(&mut app, "More");
    app.get_by_label_contains("Edit 60 meters…");
}
