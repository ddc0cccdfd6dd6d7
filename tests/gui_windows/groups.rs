//! The tree of groups: made, renamed, moved, taken away; meters moved between them, by keys and by dragging.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::Edit;
use meterwright::gui::App;
use meterwright::model::MeterId;

use crate::fake::Fake;
use crate::{CONTROLS, app, click, enter, named, press, shows};

fn last(fake: &Fake) -> Option<Edit> {
    fake.world(|world| world.edits.last().cloned())
}

#[test]
fn a_group_is_made_and_stands_there_without_a_meter() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    click(&mut app, "Make a group…");
    enter(&mut app, "Name", "South/New street");
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    assert!(matches!(last(&fake), Some(Edit::AddGroup(name)) if name == "South/New street"));
    app.get_by_label("Group South/New street");
    app.get_by_label("Group South");
}

#[test]
fn keys_walk_the_tree_rename_and_take_away() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    click(&mut app, "Group Harbour");
    named(&app, "Group Harbour", &CONTROLS).focus();
    app.run();
    press(&mut app, Modifiers::NONE, Key::ArrowLeft);
    assert!(!shows(&app, "Group Harbour/Chapel Row"), "folded");
    press(&mut app, Modifiers::NONE, Key::ArrowRight);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    assert!(named(&app, "Group Harbour/Chapel Row", &CONTROLS).accesskit_node().is_focused());
    press(&mut app, Modifiers::NONE, Key::F2);
    app.run();
    app.get_by_label("Rename the group Harbour/Chapel Row");
    press(&mut app, Modifiers::COMMAND, Key::A);
    enter(&mut app, "Name", "Quay");
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    let Some(Edit::MoveGroup { from, to }) = last(&fake) else { panic!() };
    assert_eq!((from.as_str(), to.as_deref()), ("Harbour/Chapel Row", Some("Harbour/Quay")));
    app.get_by_label("Group Harbour/Quay");
    click(&mut app, "Group Harbour/Quay");
    click(&mut app, "Take away this group…");
    app.get_by_label("Take away the group Harbour/Quay?");
    press(&mut app, Modifiers::NONE, Key::Enter);
    assert!(shows(&app, "Group Harbour/Quay"), "Enter keeps it");
    click(&mut app, "Take away this group…");
    click(&mut app, "Take away Harbour/Quay");
    app.run();
    assert!(matches!(last(&fake), Some(Edit::MoveGroup { to: None, .. })));
}

#[test]
fn meters_are_moved_by_keys_into_a_group() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    press(&mut app, Modifiers::SHIFT, Key::ArrowDown);
    click(&mut app, "Move the selected meters to a group…");
    enter(&mut app, "Group", "North district/Moved");
    press(&mut app, Modifiers::NONE, Key::Enter);
    app.run();
    let Some(Edit::ChangeMeters(changes)) = last(&fake) else { panic!() };
    assert_eq!(changes.change.len(), 2);
    app.get_by_label("Group North district/Moved");
    app.get_by_label("Moved 2 meters");
}

/// Drags from one thing to another.
fn drag(app: &mut Harness<'_, App>, from: &str, to: &str) {
    let (start, end) =
        (named(app, from, &CONTROLS).rect().left_center(), named(app, to, &CONTROLS).rect().center());
    let start = start + egui::vec2(24.0, 0.0);
    app.drag_at(start);
    app.run();
    app.hover_at(start + egui::vec2(-12.0, 6.0));
    app.run();
    app.hover_at(end);
    app.run();
    app.drop_at(end);
    app.run();
}

#[test]
fn meters_and_groups_are_dragged_into_a_group() {
    let fake = Fake::with_meters(50);
    let mut app = app(&fake);
    drag(&mut app, "Meter Chapel Row 1", "Group North district");
    app.get_by_label("Move 1 meter to a group");
    click(&mut app, "Move 1 meter");
    app.run();
    let Some(Edit::ChangeMeters(changes)) = last(&fake) else { panic!() };
    let (id, patch) = &changes.change[0];
    assert_eq!(patch.group, Some(Some("North district".to_owned())));
    let name = fake.world(|world| world.meters.iter().find(|row| row.id == *id).unwrap().config.name.clone());
    assert_eq!(name, "Chapel Row 1");
    drag(&mut app, "Group Harbour/Weir Close", "Group North district");
    app.get_by_label("Move the group Harbour/Weir Close");
    click(&mut app, "Move group");
    app.run();
    let Some(Edit::MoveGroup { to, .. }) = last(&fake) else { panic!() };
    assert_eq!(to.as_deref(), Some("North district/Weir Close"));
    assert_ne!(*id, MeterId(0));
}
