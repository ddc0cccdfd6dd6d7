//! The form: validation in the model's words, secrets, the test of the connection.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use meterwright::comms::{Edit, Job};
use meterwright::model::{Line, SecretKind, Side};

use crate::fake::Fake;
use crate::{app, click, enter, press};

#[test]
fn what_is_wrong_stands_under_its_field_in_the_models_words() {
    let fake = Fake::with_meters(3);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::N);
    enter(&mut app, "Name", "Mill Lane 1");
    enter(&mut app, "Line", "meter:4059");
    enter(&mut app, "Client address", "abc");
    app.get_by_label("there is a meter named `Mill Lane 1` already: choose another name");
    app.get_by_label(&"meter:4059".parse::<Line>().unwrap_err().to_string());
    app.get_by_label("`abc` is not a client address: write a number from 0 to 65535");
    click(&mut app, "Add meter");
    app.get_by_label("Some fields are wrong: see the remarks under them");
    assert_eq!(fake.world(|world| world.meters.len()), 3);
}

#[test]
fn nothing_is_called_wrong_before_it_was_tried() {
    let fake = Fake::with_meters(3);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::N);
    assert!(app.query_by_label("a meter needs a name").is_none());
    click(&mut app, "Add meter");
    app.get_by_label("a meter needs a name");
}

#[test]
fn a_test_says_step_by_step_what_happens() {
    let fake = Fake::with_meters(3);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::N);
    enter(&mut app, "Name", "New one");
    enter(&mut app, "Line", "tcp://10.0.0.7");
    enter(&mut app, "Password", "12345678");
    click(&mut app, "Test connection");
    app.run();
    app.get_by_label("Opening the line");
    app.get_by_label("Associating");
    let job = fake.world(|world| world.submitted.last().cloned());
    let Some(Job::Test { config, secrets, meter }) = job else { panic!("nothing was submitted") };
    assert_eq!((config.name.as_str(), meter), ("New one", None));
    assert!(secrets.get(SecretKind::Password).is_some());
    click(&mut app, "Cancel test");
    assert_eq!(fake.world(|world| world.cancelled.len()), 1);
}

#[test]
fn a_kept_secret_is_never_shown_and_only_changed_when_touched() {
    let fake = Fake::with_meters(3);
    let id = fake.world(|world| {
        let id = world.meters[0].id;
        world.secrets.insert(id, vec![SecretKind::Password, SecretKind::EncryptionKey]);
        id
    });
    let mut app = app(&fake);
    click(&mut app, "Mill Lane 1");
    click(&mut app, "Edit…");
    app.run();
    assert_eq!(app.get_by_label("Password").value().unwrap_or_default(), "");
    app.get_by_label("Remove the password").click();
    app.run();
    enter(&mut app, "Encryption key", "00112233445566778899AABBCCDDEEFF");
    click(&mut app, "Save");
    app.run();
    let edit =
        fake.world(|world| world.edits.iter().find(|edit| matches!(edit, Edit::UpdateMeter { .. })).cloned());
    let Some(Edit::UpdateMeter { id: changed, config, secrets }) = edit else { panic!("nothing was saved") };
    assert_eq!((changed, config.registers_in), (id, Side::Secondary));
    assert_eq!(
        secrets.keys().copied().collect::<Vec<_>>(),
        [SecretKind::Password, SecretKind::EncryptionKey]
    );
    assert!(secrets[&SecretKind::Password].is_none(), "removed");
    assert!(secrets[&SecretKind::EncryptionKey].is_some(), "replaced");
}

#[test]
fn escape_closes_the_form_without_a_change() {
    let fake = Fake::with_meters(3);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::N);
    enter(&mut app, "Name", "Never kept");
    press(&mut app, Modifiers::NONE, Key::Escape);
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(app.query_by_label("Add a meter").is_none());
    assert!(fake.world(|world| world.edits.is_empty()));
}
