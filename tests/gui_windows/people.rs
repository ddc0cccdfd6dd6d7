//! Signing in, the lock, the card of people, and what a role may not do.

use egui::text::CCursorRange;
use egui::text_edit::TextEditState;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::Edit;
use meterwright::gui::App;
use meterwright::model::{MeterId, Role};

use super::fake::Fake;
use super::{CONTROLS, app, click, enter, named, press, shows};

const PEOPLE: [(&str, Role); 3] =
    [("alice", Role::Administrator), ("tom", Role::Technician), ("vic", Role::Viewer)];

fn signed_in(name: &str, role: Role) -> Fake {
    Fake::with_people(12, &PEOPLE).with_person(name, role)
}

#[test]
fn a_store_with_people_shows_nothing_until_somebody_signs_in_by_keyboard() {
    let fake = Fake::with_people(12, &PEOPLE);
    let mut app = app(&fake);
    assert!(!shows(&app, "Mill Lane 1") && !shows(&app, "Find a meter or a command"));
    press(&mut app, Modifiers::COMMAND, Key::N);
    assert!(!shows(&app, "Add a meter"));
    enter(&mut app, "Name", "tom");
    press(&mut app, Modifiers::NONE, Key::Tab);
    enter(&mut app, "Passphrase", "open sesame");
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    assert!(shows(&app, "Find a meter or a command"));
    assert!(shows(&app, "tom") && shows(&app, "technician"), "who is signed in stands in the header");
}

#[test]
fn a_wrong_passphrase_is_told_and_can_be_typed_again() {
    let fake = Fake::with_people(12, &PEOPLE);
    let mut app = app(&fake);
    enter(&mut app, "Name", "tom");
    enter(&mut app, "Passphrase", "open says me");
    click(&mut app, "Sign in");
    app.run();
    assert!(shows(&app, "The passphrase is wrong; try again."));
    enter(&mut app, "Passphrase", "open sesame");
    click(&mut app, "Sign in");
    app.run();
    assert!(shows(&app, "Find a meter or a command"));
    assert_eq!(fake.world(|world| world.sign_ins.clone()), ["tom", "tom"]);
}

#[test]
fn the_windows_lock_and_open_again_for_who_locked_them() {
    let fake = signed_in("tom", Role::Technician);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::L);
    app.run();
    assert!(shows(&app, "tom has locked the windows"));
    assert!(!shows(&app, "Find a meter or a command"));
    enter(&mut app, "Passphrase", "open sesame");
    click(&mut app, "Unlock");
    app.run();
    assert!(shows(&app, "Find a meter or a command"));
    assert_eq!(fake.world(|world| world.left.clone()), [true]);
}

#[test]
fn somebody_else_can_sign_in_at_locked_windows() {
    let fake = signed_in("tom", Role::Technician);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::L);
    app.run();
    click(&mut app, "Somebody else…");
    enter(&mut app, "Name", "alice");
    enter(&mut app, "Passphrase", "open sesame");
    click(&mut app, "Sign in");
    app.run();
    assert!(shows(&app, "alice") && shows(&app, "administrator"));
}

#[test]
fn what_a_role_may_not_do_is_disabled_and_says_why() {
    let fake = signed_in("vic", Role::Viewer);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Num2);
    let add = named(&app, "Add meter…", &CONTROLS).accesskit_node();
    assert!(add.is_disabled());
    let why = add.description().unwrap_or_default();
    assert!(why.contains("engineers and administrators") && why.contains("alice"), "{why}");
    press(&mut app, Modifiers::COMMAND, Key::Comma);
    for label in ["Add a person…", "New vault key…", "Back to one user…", "Shut out tom"] {
        assert!(named(&app, label, &CONTROLS).accesskit_node().is_disabled(), "{label}");
    }
    assert!(!named(&app, "Change my passphrase…", &CONTROLS).accesskit_node().is_disabled());
}

#[test]
fn an_administrator_adds_a_person_and_shuts_another_out() {
    let fake = signed_in("alice", Role::Administrator);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Comma);
    click(&mut app, "Add a person…");
    enter(&mut app, "Name", "dora");
    enter(&mut app, "New passphrase", "short");
    assert!(app.query_by_label_contains("at least 8 characters").is_some());
    enter(&mut app, "New passphrase", " no more");
    enter(&mut app, "The same once more", "short no more");
    press(&mut app, Modifiers::NONE, Key::Enter);
    click(&mut app, "Shut out tom");
    click(&mut app, "Let tom sign in no more");
    app.run();
    let edits = fake.world(|world| world.edits.clone());
    let added = edits.iter().any(|edit| {
        matches!(edit, Edit::AddPerson { name, role: Role::Reader, passphrase }
            if name == "dora" && passphrase.expose() == b"short no more")
    });
    assert!(added, "{edits:?}");
    assert!(shows(&app, "dora") && shows(&app, "Let in tom") && shows(&app, "May not sign in"));
}

#[test]
fn one_user_sees_nothing_of_people_but_how_to_set_them_up() {
    let fake = Fake::with_meters(12);
    let mut app = app(&fake);
    assert!(!shows(&app, "Lock the windows"));
    press(&mut app, Modifiers::COMMAND, Key::L);
    press(&mut app, Modifiers::COMMAND, Key::Comma);
    click(&mut app, "Set up people…");
    enter(&mut app, "Name", "alice");
    enter(&mut app, "New passphrase", "three good words");
    enter(&mut app, "The same once more", "three good words");
    click(&mut app, "Set up people");
    let edits = fake.world(|world| world.edits.clone());
    let first = edits.iter().any(|edit| matches!(edit, Edit::AddPerson { role: Role::Administrator, .. }));
    assert!(first, "{edits:?}");
    assert!(!shows(&app, "Add a person…"));
}

/// What is greyed tells which right is missing and whom to ask.
fn is_refused(app: &Harness<'_, App>, label: &str) -> bool {
    let node = named(app, label, &CONTROLS).accesskit_node();
    let why = node.description().unwrap_or_default();
    node.is_disabled() && why.contains(" is for ") && why.contains("alice")
}

#[test]
fn menus_trees_and_the_search_field_grey_out_what_a_role_may_not_do_and_say_why() {
    let fake = signed_in("vic", Role::Viewer);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Num2);
    app.state_mut().cx.selection.only(MeterId(1));
    app.run();
    assert!(is_refused(&app, "Make a group…") && is_refused(&app, "Move the selected meters to a group…"));

    click(&mut app, "More");
    let refused =
        ["Import meters from CSV…", "Edit meter…", "Move to a group…", "Set clock…", "Remove meter…"];
    for label in refused {
        assert!(is_refused(&app, label), "{label}");
    }
    assert!(!named(&app, "Save the list as CSV…", &CONTROLS).accesskit_node().is_disabled());
    press(&mut app, Modifiers::NONE, Key::Escape);

    named(&app, "Meter Mill Lane 1", &CONTROLS).click_secondary();
    app.run();
    assert!(is_refused(&app, "Remove…"));
    assert!(!named(&app, "Show readings", &CONTROLS).accesskit_node().is_disabled());
    press(&mut app, Modifiers::NONE, Key::Escape);

    press(&mut app, Modifiers::COMMAND, Key::K);
    assert!(is_refused(&app, "Import meters from CSV…"));
    assert!(!named(&app, "Go to Readings", &CONTROLS).accesskit_node().is_disabled());
    press(&mut app, Modifiers::NONE, Key::Escape);

    press(&mut app, Modifiers::COMMAND, Key::Comma);
    assert!(is_refused(&app, "Compact now") && is_refused(&app, "Keep intervals"));
    assert!(!named(&app, "Back up…", &CONTROLS).accesskit_node().is_disabled());
    assert!(fake.world(|world| world.edits.is_empty() && world.submitted.is_empty()));
}

#[test]
fn nothing_of_a_passphrase_stays_in_the_memory_of_the_window() {
    let kept = |app: &Harness<'_, App>| {
        let id = app.ctx.memory(|memory| memory.focused()).unwrap();
        let undoer = TextEditState::load(&app.ctx, id).unwrap().undoer();
        let nothing = (CCursorRange::default(), String::new());
        undoer.is_in_flux() || undoer.has_undo(&nothing) || undoer.has_redo(&nothing)
    };
    let mut app = app(&Fake::with_people(12, &PEOPLE));
    enter(&mut app, "Name", "tom");
    assert!(kept(&app), "what is typed into another field can be taken back");
    enter(&mut app, "Passphrase", "open");
    assert!(!kept(&app));
    enter(&mut app, "Passphrase", " sesame");
    assert!(!kept(&app));
    press(&mut app, Modifiers::COMMAND, Key::Z);
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    assert!(shows(&app, "Find a meter or a command"), "there was nothing to take back");
}
