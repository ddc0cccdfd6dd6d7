//! The Scheme Manager's editor: a day type drawn by keyboard and by pointer, undone, saved and opened again; unsaved
//! work that survives a crash.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Key, Modifiers, Role, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use jiff::Timestamp;
use meterwright::gui::App;
use meterwright::scheme::{Document, SeasonStart, read, write};

use crate::fake::{self, Fake};
use crate::{CONTROLS, app, click, enter, named, press, shows};

type Window = Harness<'static, App>;

const CTRL: Modifiers = Modifiers::COMMAND;
const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const STRIP: &str = "Hours of Every day";

/// A copy of a ready-made scheme in a folder of its own.
struct Copy {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Copy {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::copy(format!("{}/schemes/{name}", env!("CARGO_MANIFEST_DIR")), &path).unwrap();
        Self { _folder: folder, path }
    }

    fn document(&self) -> Document {
        read(&fs::read(&self.path).unwrap()).unwrap()
    }

    /// The file is exactly what the document is when it is written.
    fn is_canonical(&self) -> bool {
        fs::read_to_string(&self.path).unwrap() == write(&self.document())
    }
}

fn open(app: &mut Window, path: &Path) {
    press(app, CTRL, Key::O);
    enter(app, "Path", &path.display().to_string());
    press(app, NONE, Key::Enter);
    app.run();
}

fn opened(copy: &Copy) -> Window {
    let mut app = app(&Fake::with_meters(1));
    open(&mut app, &copy.path);
    app
}

fn focus_strip(app: &mut Window) {
    named(app, STRIP, &[Role::Slider]).focus();
    app.run();
}

fn cursor(app: &Window) -> String {
    named(app, STRIP, &[Role::Slider]).value().unwrap()
}

fn times(document: &Document) -> String {
    let switches = &document.tariff.day_types[0].switches;
    let words: Vec<String> = switches.iter().map(|one| format!("{} {}", one.at, one.on.join("+"))).collect();
    words.join(", ")
}

#[test]
fn a_day_type_is_drawn_by_keyboard_saved_and_read_back_to_the_byte() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    focus_strip(&mut app);
    assert_eq!(cursor(&app), "00:00: Day on from 00:00 to 00:30");
    press(&mut app, CTRL, Key::ArrowRight);
    press(&mut app, CTRL, Key::ArrowRight);
    assert_eq!(cursor(&app), "07:30: Day on from 07:30 to 24:00");
    for _ in 0..18 {
        press(&mut app, NONE, Key::ArrowRight);
    }
    for _ in 0..7 {
        press(&mut app, SHIFT, Key::ArrowRight);
    }
    assert_eq!(cursor(&app), "12:00 to 14:00 selected, Day on at 13:45");
    press(&mut app, NONE, Key::Num1);
    assert!(shows(&app, "Unsaved"));
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(times(&copy.document()), "00:00 R2, 00:30 R1, 07:30 R2, 12:00 R1, 14:00 R2");
    assert!(copy.is_canonical());
    assert!(!shows(&app, "Unsaved"));

    let again = opened(&copy);
    assert_eq!(cursor(&again), "00:00: Day on from 00:00 to 00:30");
}

#[test]
fn parts_are_split_merged_and_ended_by_keyboard() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    focus_strip(&mut app);
    press(&mut app, NONE, Key::End);
    assert!(cursor(&app).starts_with("23:45"));
    press(&mut app, NONE, Key::S);
    press(&mut app, NONE, Key::Num1);
    press(&mut app, NONE, Key::Home);
    press(&mut app, NONE, Key::Delete);
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(times(&copy.document()), "00:00 R1, 07:30 R2, 23:45 R1");
    // Enter goes to the registers of the part; Space switches the one with the focus.
    press(&mut app, NONE, Key::Enter);
    press(&mut app, NONE, Key::Space);
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(times(&copy.document()), "00:00 , 07:30 R2, 23:45 R1");
    assert!(app.query_all_by_label_contains("no energy register of active_import").count() > 0);
}

/// Where a time of the day lies on the strip.
fn at(app: &Window, hour: f32) -> egui::Pos2 {
    let rect = named(app, STRIP, &[Role::Slider]).rect();
    let left = rect.left() + 108.0;
    egui::pos2(left + (rect.right() - left) * hour / 24.0, rect.top() + 12.0)
}

fn drag(app: &mut Window, from: f32, by_way_of: &[f32], to: f32) {
    let (start, end) = (at(app, from), at(app, to));
    let way: Vec<egui::Pos2> = by_way_of.iter().map(|hour| at(app, *hour)).collect();
    app.drag_at(start);
    app.run();
    for pos in way {
        app.hover_at(pos);
        app.run();
    }
    app.hover_at(end);
    app.run();
    app.drop_at(end);
    app.run();
}

#[test]
fn a_day_type_is_painted_by_pointer_in_one_step_without_gaps() {
    let copy = Copy::of("day-night.scheme.json");
    let before = times(&copy.document());
    let mut app = opened(&copy);
    // Too far and back again, in jumps: what counts is where the press began and ended.
    drag(&mut app, 12.05, &[20.0, 13.0], 14.9);
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(times(&copy.document()), "00:00 R2, 00:30 R1, 07:30 R2, 12:00 R1, 15:00 R2");
    press(&mut app, CTRL, Key::Z);
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(times(&copy.document()), before);
}

#[test]
fn an_edge_is_dragged_on_the_grid() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    drag(&mut app, 7.5, &[7.0], 6.02);
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(times(&copy.document()), "00:00 R2, 00:30 R1, 06:00 R2");
}

#[test]
fn undo_and_redo_name_their_steps_and_take_typing_as_one() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    enter(&mut app, "Title of D1", " and night");
    named(&app, "Title of D1", &crate::FIELDS).type_text("!");
    app.run();
    let name = "Hours of Every day and night!";
    named(&app, name, &[Role::Slider]).focus();
    app.run();
    assert!(shows(&app, name));
    press(&mut app, CTRL, Key::Z);
    assert!(shows(&app, STRIP) && !shows(&app, name) && !shows(&app, "Unsaved"));
    press(&mut app, CTRL, Key::Y);
    assert!(shows(&app, name));
    press(&mut app, CTRL, Key::Z);
    press(&mut app, Modifiers { shift: true, ..CTRL }, Key::Z);
    assert!(shows(&app, name));
    click(&mut app, "Undo");
    assert!(shows(&app, STRIP));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_written_over_without_a_word() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    focus_strip(&mut app);
    press(&mut app, NONE, Key::Num1);
    let theirs = write(&Document { title: "Theirs".to_owned(), ..copy.document() });
    fs::write(&copy.path, &theirs).unwrap();
    press(&mut app, CTRL, Key::S);
    app.run();
    assert!(shows(&app, "day-night.scheme.json was changed on disk"));
    assert_eq!(fs::read_to_string(&copy.path).unwrap(), theirs);
    click(&mut app, "Replace day-night.scheme.json");
    app.run();
    assert_eq!(copy.document().title, "Day and night");
    assert!(!shows(&app, "Unsaved"));
}

#[test]
fn a_problem_that_is_clicked_goes_to_its_place() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    focus_strip(&mut app);
    press(&mut app, CTRL, Key::ArrowRight);
    press(&mut app, NONE, Key::Num1);
    app.run();
    click(&mut app, "Identity");
    assert!(!shows(&app, STRIP));
    let place = "tariff.day_types[0].switches[1].on";
    app.get_by_label_contains(&format!("Go to {place}")).click();
    app.run();
    assert!(named(&app, STRIP, &[Role::Slider]).is_focused());
    assert!(cursor(&app).starts_with("00:30: nothing on"), "{}", cursor(&app));
}

fn later() -> Timestamp {
    "2026-11-22T14:45:00Z".parse().unwrap()
}

/// A program that starts again after ten minutes.
fn next_start(fake: &Fake) -> Window {
    let mut app = App::new(Box::new(fake.clone()), Arc::new(|_| {}));
    app.cx.zone = fake::london();
    app.cx.now = later;
    app.use_path_field();
    let mut harness = Harness::builder()
        .with_size(Vec2::new(1280.0, 800.0))
        .with_max_steps(16)
        .with_context_setup(|ctx| App::install(ctx).unwrap())
        .build_ui_state(|ui, app: &mut App| app.ui(ui), app);
    harness.run();
    press(&mut harness, CTRL, Key::Num1);
    harness
}

#[test]
fn unsaved_work_survives_a_crash_and_is_offered_again() {
    let copy = Copy::of("day-night.scheme.json");
    let drafts = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(1);
    fake.world(|world| world.drafts = Some(drafts.path().join("drafts")));
    let mut first = app(&fake);
    open(&mut first, &copy.path);
    focus_strip(&mut first);
    press(&mut first, NONE, Key::Num1);
    // A few seconds of the window's clock, without a save.
    first.run_steps(40);
    drop(first);

    let mut second = next_start(&fake);
    assert!(shows(&second, "Unsaved work from 2026-11-22 14:35: day-night.scheme.json"));
    click(&mut second, "Restore");
    second.run();
    assert!(shows(&second, "Unsaved") && !shows(&second, "Restore"));
    assert!(cursor(&second).starts_with("00:00: Night on"), "{}", cursor(&second));
    press(&mut second, CTRL, Key::S);
    second.run();
    assert_eq!(times(&copy.document()), "00:00 R1, 07:30 R2");
    second.run_steps(40);
    let left: Vec<PathBuf> =
        fs::read_dir(drafts.path().join("drafts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.to_string_lossy().ends_with(".draft.json")), "{left:?}");
}

#[test]
fn unsaved_work_that_is_not_wanted_is_discarded() {
    let drafts = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(1);
    fake.world(|world| world.drafts = Some(drafts.path().to_path_buf()));
    let mut first = app(&fake);
    press(&mut first, Modifiers { shift: true, ..CTRL }, Key::N);
    // What Enter does in that question: it begins with an empty scheme.
    press(&mut first, NONE, Key::Enter);
    assert!(shows(&first, "New scheme, unsaved"));
    first.run_steps(40);
    drop(first);
    let mut second = next_start(&fake);
    assert!(second.query_all_by_label_contains("which was in no file").count() > 0);
    click(&mut second, "Discard");
    second.run();
    assert!(next_start(&fake).query_by_label("Discard").is_none());
}

#[test]
fn a_new_scheme_begins_with_a_contract_and_is_saved_under_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = app(&Fake::with_meters(1));
    press(&mut app, Modifiers { shift: true, ..CTRL }, Key::N);
    click(&mut app, "Day and night");
    press(&mut app, CTRL, Key::S);
    app.run();
    let path = folder.path().join("mine.scheme.json");
    named(&app, "Path", &crate::FIELDS).focus();
    app.run();
    press(&mut app, CTRL, Key::A);
    enter(&mut app, "Path", &path.display().to_string());
    press(&mut app, NONE, Key::Enter);
    app.run();
    let found = read(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(found.identity, "UKDN2R01");
    assert!(!shows(&app, "Unsaved"));

    click(&mut app, "More");
    click(&mut app, "Duplicate");
    assert!(shows(&app, "Day and night (copy), unsaved"));
    press(&mut app, CTRL, Key::W);
    click(&mut app, "Discard the changes");
    assert!(!shows(&app, "Day and night (copy), unsaved"));

    click(&mut app, "More");
    click(&mut app, "Rename file…");
    named(&app, "File name", &crate::FIELDS).focus();
    app.run();
    press(&mut app, CTRL, Key::A);
    enter(&mut app, "File name", "other.scheme.json");
    click(&mut app, "Rename");
    app.run();
    assert!(folder.path().join("other.scheme.json").exists() && !path.exists());

    click(&mut app, "More");
    click(&mut app, "Delete file…");
    click(&mut app, "Delete other.scheme.json");
    app.run();
    assert!(!folder.path().join("other.scheme.json").exists());
    assert!(shows(&app, "No scheme is open"));
}

#[test]
fn closing_a_scheme_with_changes_asks_and_saves() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    focus_strip(&mut app);
    press(&mut app, NONE, Key::Num1);
    press(&mut app, CTRL, Key::W);
    click(&mut app, "Save and close");
    app.run();
    assert_eq!(times(&copy.document()), "00:00 R1, 07:30 R2");
    assert!(shows(&app, "No scheme is open"));
}

#[test]
fn day_types_are_added_used_in_a_week_and_deleted_with_a_word() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    click(&mut app, "Duplicate day type D1");
    click(&mut app, "Weeks and seasons");
    named(&app, "Sunday of W1: D1", &CONTROLS).focus();
    app.run();
    press(&mut app, NONE, Key::Num2);
    assert!(shows(&app, "Sunday of W1: D2"));
    click(&mut app, "Day types");
    click(&mut app, "Delete day type D2");
    assert!(shows(&app, "It is used in W1."));
    click(&mut app, "Delete D2");
    click(&mut app, "Weeks and seasons");
    assert!(shows(&app, "Sunday of W1: D1"));
}

#[test]
fn a_day_type_is_renamed_wherever_it_is_named() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    named(&app, "Id of D1", &crate::FIELDS).focus();
    app.run();
    press(&mut app, CTRL, Key::A);
    enter(&mut app, "Id of D1", "ALL");
    press(&mut app, NONE, Key::Enter);
    app.run();
    press(&mut app, CTRL, Key::S);
    app.run();
    assert_eq!(copy.document().tariff.weeks[0].days[6], "ALL");
}

#[test]
fn seasons_start_where_it_is_typed_and_where_the_arrows_take_them() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    click(&mut app, "Weeks and seasons");
    click(&mut app, "Add a season");
    named(&app, "Start of season S2", &crate::FIELDS).focus();
    app.run();
    press(&mut app, CTRL, Key::A);
    enter(&mut app, "Start of season S2", "10-01");
    press(&mut app, NONE, Key::Enter);
    named(&app, "Drag the start of season S2", &[Role::Slider]).focus();
    app.run();
    press(&mut app, NONE, Key::ArrowRight);
    press(&mut app, CTRL, Key::S);
    app.run();
    let start: SeasonStart = "10-02".parse().unwrap();
    assert_eq!(copy.document().tariff.seasons[1].starts, start);
}

#[test]
fn special_days_are_set_by_keyboard_and_taken_away_again() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    click(&mut app, "Special days");
    let year = |app: &Window| named(app, "Special days of 2026", &[Role::Grid]).value().unwrap_or_default();
    named(&app, "Special days of 2026", &[Role::Grid]).focus();
    app.run();
    press(&mut app, NONE, Key::PageDown);
    press(&mut app, NONE, Key::ArrowRight);
    press(&mut app, NONE, Key::ArrowRight);
    press(&mut app, NONE, Key::ArrowRight);
    press(&mut app, NONE, Key::Space);
    app.run();
    assert_eq!(year(&app), "Friday 25 December 2026: D1 (special day *-12-25)");
    press(&mut app, NONE, Key::Delete);
    app.run();
    assert_eq!(year(&app), "Friday 25 December 2026: no special day");
}

#[test]
fn holidays_are_looked_at_before_they_are_taken() {
    let copy = Copy::of("industrial-three-rate.scheme.json");
    let list = copy.path.with_file_name("holidays.ics");
    let events = [
        ("20270326", "Good Friday", ""),
        ("20201225", "Christmas", "RRULE:FREQ=YEARLY\r\n"),
        ("20270503", "Bank holiday", ""),
    ];
    let mut text = "BEGIN:VCALENDAR\r\n".to_owned();
    for (date, name, rule) in events {
        text.push_str(&format!(
            "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:{date}\r\nSUMMARY:{name}\r\n{rule}END:VEVENT\r\n"
        ));
    }
    text.push_str(
        "BEGIN:VEVENT\r\nDTSTART:20270101T090000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    fs::write(&list, text).unwrap();
    let mut app = opened(&copy);
    click(&mut app, "Special days");
    click(&mut app, "Import holidays…");
    enter(&mut app, "Path", &list.display().to_string());
    press(&mut app, NONE, Key::Enter);
    app.run();
    assert!(shows(&app, "Holidays of holidays.ics"));
    assert!(shows(&app, "ruled by *-12-25 already"));
    assert!(shows(&app, "1 line not taken"));
    assert!(app.query_all_by_label_contains("is no whole day").count() > 0);
    click(&mut app, "Take 2 days");
    press(&mut app, CTRL, Key::S);
    app.run();
    let dates: Vec<String> =
        copy.document().tariff.special_days.iter().map(|special| special.date.to_string()).collect();
    assert_eq!(dates, ["*-01-01", "*-12-25", "*-12-26", "2027-03-26", "2027-05-03"]);
    assert!(copy.is_canonical());
}

#[test]
fn a_latent_tariff_is_added_as_a_copy_and_drawn_on_its_own() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    click(&mut app, "Latent");
    click(&mut app, "Add a latent tariff");
    app.run();
    focus_strip(&mut app);
    press(&mut app, NONE, Key::Num1);
    click(&mut app, "Weeks and seasons");
    assert!(shows(&app, "Takes over at, local time"));
    press(&mut app, CTRL, Key::S);
    app.run();
    let document = copy.document();
    assert_eq!(times(&document), "00:00 R2, 00:30 R1, 07:30 R2");
    let latent = document.latent.unwrap();
    assert_eq!(latent.activate_at.to_string(), "2027-01-01T00:00:00");
    assert_eq!(latent.tariff.day_types[0].switches.len(), 2);
}

#[test]
fn the_year_is_one_key_away_and_says_what_is_on_under_the_cursor() {
    let copy = Copy::of("day-night.scheme.json");
    let mut app = opened(&copy);
    press(&mut app, NONE, Key::F8);
    app.run();
    named(&app, "The rates of 2026", &[Role::Grid]).focus();
    app.run();
    press(&mut app, NONE, Key::ArrowRight);
    press(&mut app, SHIFT, Key::ArrowDown);
    let words = named(&app, "The rates of 2026", &[Role::Grid]).value().unwrap();
    assert_eq!(words, "Fri 2 Jan 01:00  Night  (D1)");
    press(&mut app, NONE, Key::F8);
    assert!(shows(&app, STRIP));
}

#[test]
fn an_empty_scheme_begins_by_a_click() {
    let mut app = app(&Fake::with_meters(1));
    press(&mut app, Modifiers { shift: true, ..CTRL }, Key::N);
    click(&mut app, "Begin with an empty scheme");
    assert!(shows(&app, "New scheme, unsaved"));
}
