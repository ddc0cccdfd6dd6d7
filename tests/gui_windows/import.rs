//! A list of meters in and out: columns matched, rows judged, rejected rows saved, all of it done or none.

use std::path::PathBuf;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::Edit;
use meterwright::gui::App;
use meterwright::model::{Fault, RatioPatch};

use crate::fake::Fake;
use crate::{app, click, enter, named, press, shows};

/// A file in a folder of its own.
fn file(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn open(fake: &Fake, path: &std::path::Path) -> Harness<'static, App> {
    let mut app = app(fake);
    click(&mut app, "More");
    click(&mut app, "Import meters from CSV…");
    enter(&mut app, "Path", &path.display().to_string());
    click(&mut app, "Import");
    app.run();
    app.run();
    app
}

fn choose(app: &mut Harness<'_, App>, field: &str, choice: &str) {
    click(app, field);
    click(app, choice);
    app.run();
}

/// One new, one that changes, one as it is, one that cannot be.
fn mixed(fake: &Fake) -> String {
    let (one, two) = fake.world(|world| (world.meters[0].config.clone(), world.meters[1].config.clone()));
    format!(
        "Bezeichnung;Zählernummer;Line;District;Colour\nFresh;77;tcp://10.9.9.9;North;red\n{};;{};Elsewhere;\n{};;{};;\nBad;;nowhere;;\n",
        one.name, one.line, two.name, two.line
    )
}

#[test]
fn an_import_shows_what_each_row_would_do_and_does_it_at_once() {
    let fake = Fake::with_meters(5);
    let (_folder, path) = file(mixed(&fake));
    let mut app = open(&fake, &path);
    for words in ["All 4", "New 1", "Changed 1", "Unchanged 1", "Rejected 1"] {
        app.get_by_label(words);
    }
    app.get_by_label("1 row cannot be taken and will be left out");
    app.get_by_label_contains("→ Elsewhere");
    click(&mut app, "Rejected 1");
    app.get_by_label_contains("`nowhere` is not a line");
    assert!(!shows(&app, "Row 2: Fresh New"), "only rejected rows are shown");
    assert!(fake.world(|world| world.edits.iter().all(|edit| matches!(edit, Edit::Setting { .. }))));
    click(&mut app, "Add 1 and change 1 meter");
    app.run();
    let changes = fake.world(|world| {
        world.edits.iter().find_map(|edit| match edit {
            Edit::ChangeMeters(changes) => Some(changes.clone()),
            _ => None,
        })
    });
    let changes = changes.unwrap();
    assert_eq!(
        (changes.add.len(), changes.change.len(), changes.cause.as_str()),
        (1, 1, "import of list.csv")
    );
    assert_eq!(changes.add[0].0.group.as_deref(), Some("North"));
    app.get_by_label("Added 1 meter, changed 1, from list.csv");
    app.get_by_label("Meter Fresh");
    assert!(!shows(&app, "Import meters"), "the dialog is gone");
}

#[test]
fn what_a_column_means_is_chosen_and_remembered() {
    let fake = Fake::with_meters(2);
    let (_folder, path) = file("name,line,Colour\nA,tcp://a,red\n");
    let mut app = open(&fake, &path);
    choose(&mut app, "Meaning of Colour", "Field Colour");
    click(&mut app, "Add 1 meter");
    app.run();
    let about = fake.world(|world| {
        world.edits.iter().find_map(|edit| match edit {
            Edit::ChangeMeters(changes) => Some(changes.add[0].1.clone()),
            _ => None,
        })
    });
    assert_eq!(about.unwrap().fields["Colour"].as_deref(), Some("red"));
    let (_folder, path) = file("name,line,Colour\nB,tcp://b,blue\n");
    let mut app = open(&fake, &path);
    click(&mut app, "Add 1 meter");
    app.run();
    let Some(Edit::ChangeMeters(changes)) =
        fake.world(|world| world.edits.iter().rfind(|edit| matches!(edit, Edit::ChangeMeters(_))).cloned())
    else {
        panic!("nothing was imported")
    };
    assert_eq!(changes.add[0].1.fields["Colour"].as_deref(), Some("blue"), "it means the same as before");
}

#[test]
fn rows_find_their_meters_by_serial_number_where_that_is_chosen() {
    let fake = Fake::with_meters(3);
    let serial = fake.world(|world| world.meters[0].config.serial.clone().unwrap());
    let (_folder, path) = file(format!("serial,name\n{serial},Another name\n"));
    let mut app = open(&fake, &path);
    named(&app, "Name", &[egui::Role::RadioButton]).click();
    app.run();
    app.get_by_label_contains("a new meter needs a line");
    named(&app, "Serial number", &[egui::Role::RadioButton]).click();
    app.run();
    click(&mut app, "Change 1 meter");
    app.run();
    assert_eq!(fake.world(|world| world.meters[0].config.name.clone()), "Another name");
}

#[test]
fn a_file_in_another_encoding_says_so_and_is_read_once_that_is_chosen() {
    let fake = Fake::with_meters(2);
    let (_folder, path) = file(b"name,line\nH\xF6fe,tcp://a\n");
    let mut app = open(&fake, &path);
    assert!(app.query_all_by_label_contains("Höfe").count() >= 1);
    choose(&mut app, "Characters", "UTF-8");
    app.get_by_label_contains("not UTF-8");
    assert!(app.get_by_label("Nothing to import").accesskit_node().is_disabled());
    choose(&mut app, "Characters", "Windows-1252");
    app.get_by_label("Add 1 meter");
}

#[test]
fn rejected_rows_are_saved_with_their_reasons() {
    let fake = Fake::with_meters(5);
    let (folder, path) = file(mixed(&fake));
    let mut app = open(&fake, &path);
    click(&mut app, "Save rejected rows…");
    let target = folder.path().join("rejected.csv");
    press(&mut app, Modifiers::COMMAND, Key::A);
    enter(&mut app, "Path", &target.display().to_string());
    click(&mut app, "Save");
    wait_for(&target);
    let text = std::fs::read_to_string(&target).unwrap();
    assert!(text.starts_with("rejected_row;rejected_because;Bezeichnung"), "{text}");
    assert!(text.contains("nowhere") && text.lines().count() == 2, "{text}");
    assert!(shows(&app, "Import meters"), "the import goes on");
}

/// Files are written on a thread of their own.
fn wait_for(path: &std::path::Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !path.exists() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
}

#[test]
fn a_refused_import_says_why_and_cancel_leaves_the_list() {
    let fake = Fake::with_meters(5);
    let (_folder, path) = file(mixed(&fake));
    let mut app = open(&fake, &path);
    fake.world(|world| world.refuse = Some(Fault::user("Fresh: the name is taken", "choose another")));
    click(&mut app, "Add 1 and change 1 meter");
    app.run();
    assert!(app.query_all_by_label_contains("the name is taken").count() >= 1);
    click(&mut app, "Cancel");
    assert!(!shows(&app, "Import meters"));
    assert_eq!(fake.world(|world| world.meters.len()), 5);
}

#[test]
fn a_file_that_is_not_there_and_one_without_meters_say_so() {
    let fake = Fake::with_meters(2);
    let app = open(&fake, std::path::Path::new("/no/such/list.csv"));
    app.get_by_label_contains("/no/such/list.csv: ");
    let (_folder, path) = file("colour,weight\nred,3\n");
    let app = open(&fake, &path);
    app.get_by_label_contains("the column `name` is missing");
}

#[test]
fn ten_thousand_rows_build_only_those_that_are_seen() {
    let fake = Fake::with_meters(10);
    let rows: String =
        (0..10_000).map(|n| format!("Row {n},tcp://10.0.0.{}:{}\n", n % 250, n % 60_000 + 1)).collect();
    let (_folder, path) = file(format!("name,line\n{rows}"));
    let mut app = open(&fake, &path);
    app.get_by_label("New 10000");
    let rows = |app: &Harness<'_, App>| {
        app.query_all_by_label_contains("New")
            .filter(|node| node.accesskit_node().role() == egui::Role::Row)
            .count()
    };
    assert!((5..60).contains(&rows(&app)), "{}", rows(&app));
    press(&mut app, Modifiers::NONE, Key::End);
    app.run();
    app.get_by_label("Row 10001: Row 9999 New");
}

#[test]
fn the_list_is_saved_and_an_import_of_it_changes_nothing() {
    let fake = Fake::with_meters(40);
    let mut app = app(&fake);
    click(&mut app, "More");
    click(&mut app, "Save the list as CSV…");
    app.get_by_label("All, 40");
    click(&mut app, "Save 40 meters…");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("meters.csv");
    press(&mut app, Modifiers::COMMAND, Key::A);
    enter(&mut app, "Path", &target.display().to_string());
    click(&mut app, "Save");
    wait_for(&target);
    let app = open(&fake, &target);
    app.get_by_label("Unchanged 40");
    app.get_by_label("Nothing to import");
}

#[test]
fn the_selected_meters_are_saved_alone() {
    let fake = Fake::with_meters(40);
    let mut app = app(&fake);
    press(&mut app, Modifiers::NONE, Key::ArrowDown);
    press(&mut app, Modifiers::SHIFT, Key::ArrowDown);
    press(&mut app, Modifiers::SHIFT, Key::ArrowDown);
    click(&mut app, "More");
    click(&mut app, "Save the list as CSV…");
    app.get_by_label("Save 3 meters…");
    click(&mut app, "All, 40");
    app.get_by_label("Save 40 meters…");
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(!shows(&app, "Save the list of meters"));
}

#[test]
fn ratios_are_looked_at_before_they_are_imported_and_wrong_ones_named_by_row() {
    let fake = Fake::with_meters(5);
    let one = fake.world(|world| world.meters[0].config.clone());
    let (_folder, path) = file(format!(
        "name,line,ratio_from,ratio_ct,ratio_vt,ratio_applied_by_meter\n{},{},2026-12-01,600/5,110000/√3:100/√3,no\nFresh,tcp://10.9.9.9,,400/5,,\n",
        one.name, one.line
    ));
    let mut app = open(&fake, &path);
    app.get_by_label_contains(
        "CT ratio since then: nothing → 600/5; VT ratio since then: nothing → 110000/√3:100/√3",
    );
    click(&mut app, "Rejected 1");
    app.get_by_label_contains("Ratios hold from: it is empty: say from when on the ratio holds");
    click(&mut app, "Change 1 meter");
    app.run();
    let changes = fake.world(|world| {
        world.edits.iter().find_map(|edit| match edit {
            Edit::ChangeMeters(changes) => Some(changes.clone()),
            _ => None,
        })
    });
    let Some(RatioPatch::Put(periods)) = &changes.unwrap().change[0].1.about.ratios else {
        panic!("no ratio is put")
    };
    assert_eq!(periods[0].transformers.vt.to_string(), "110000/√3:100/√3");
    assert_eq!(periods[0].from.to_string(), "2026-12-01T00:00:00Z", "midnight in London");
}
