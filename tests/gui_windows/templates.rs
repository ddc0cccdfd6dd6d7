//! Templates: looked at, copied, changed in forms, tables and text, learnt, imported, removed.

use egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use meterwright::comms::{Edit, Job, JobId};
use meterwright::gui::App;
use meterwright::model::template::{
    Basis, FlagRatio, FlagRatioForm, FlagSource, ImageEnd, ImageSignature, Proposal, Remark, SignatureForm,
    SignedPart,
};
use meterwright::model::{Fault, Template, Unit};

use crate::fake::Fake;
use crate::{FIELDS, app, click, enter, named, press, shows};

fn open(fake: &Fake) -> Harness<'static, App> {
    let mut app = app(fake);
    press(&mut app, Modifiers::COMMAND, Key::Num7);
    app.run();
    app
}

fn says(app: &Harness<'_, App>, part: &str) -> bool {
    app.query_all_by_label_contains(part).next().is_some()
}

/// Puts another text into a field that counts when it is left.
fn put(app: &mut Harness<'_, App>, field: &str, text: &str) {
    named(app, field, &FIELDS).focus();
    app.run();
    press(app, Modifiers::COMMAND, Key::A);
    named(app, field, &FIELDS).type_text(text);
    app.run();
    press(app, Modifiers::NONE, Key::Enter);
    app.run();
}

fn copy_of_idis(fake: &Fake) -> Harness<'static, App> {
    copy_of(fake, "dlms-idis")
}

fn copy_of(fake: &Fake, name: &str) -> Harness<'static, App> {
    let mut app = open(fake);
    click(&mut app, &format!("Template {name}"));
    click(&mut app, "Copy and change…");
    app.run();
    app
}

/// The template that was saved.
fn saved(fake: &Fake) -> Template {
    let edit = fake.world(|world| world.edits.pop()).unwrap();
    let Edit::PutTemplate { text, .. } = edit else { panic!("{edit:?}") };
    Template::parse("saved", &text).unwrap()
}

#[test]
fn all_templates_are_listed_with_their_meters_and_say_what_they_say_in_words() {
    let mut app = open(&Fake::with_meters(40));
    for name in ["Template dlms-generic", "Template dlms-idis", "Template dlms-meterwright"] {
        assert!(shows(&app, name), "{name}");
    }
    click(&mut app, "Template dlms-idis");
    assert!(says(&app, "IDIS package 2"));
    enter(&mut app, "Find in this template", "terminal cover");
    assert!(shows(&app, "Terminal cover removed"));
    assert!(!says(&app, "Active import energy"));
    assert!(shows(&app, "None yet: copy one and change it"));
}

#[test]
fn a_template_is_copied_changed_in_a_form_and_saved_with_where_it_comes_from() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    assert!(shows(&app, "Not saved") && says(&app, "copied from dlms-idis"));
    put(&mut app, "Name", "acme-x100");
    put(&mut app, "Title", "ACME X100");
    click(&mut app, "Association");
    put(&mut app, "Largest message proposed", "1024");
    click(&mut app, "What was changed");
    assert!(says(&app, "65535 → 1024"), "the difference against the template that it was copied from");
    click(&mut app, "Save");
    app.run();
    let template = saved(&fake);
    assert_eq!((template.name.as_str(), template.title.as_str()), ("acme-x100", "ACME X100"));
    assert_eq!(template.association.max_pdu, 1024);
    assert!(shows(&app, "Template acme-x100") && shows(&app, "Change…"));
}

#[test]
fn a_step_is_undone_and_done_again_by_keyboard() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    click(&mut app, "Association");
    put(&mut app, "Largest message proposed", "1024");
    press(&mut app, Modifiers::COMMAND, Key::Z);
    click(&mut app, "Save");
    assert_eq!(saved(&fake).association.max_pdu, 65535);
}

#[test]
fn rows_of_the_register_map_and_of_event_texts_are_added_changed_and_removed() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    click(&mut app, "Register map");
    click(&mut app, "Remove 1-0:1.8.0*255");
    enter(&mut app, "New: OBIS code", "1-0:15.8.0");
    click(&mut app, "Add");
    click(&mut app, "Event texts");
    put(&mut app, "Text of 1", "Mains lost");
    enter(&mut app, "New: Code", "200");
    enter(&mut app, "New: Text", "Cover opened");
    click(&mut app, "Add");
    click(&mut app, "Save");
    let template = saved(&fake);
    let before = Template::named("dlms-idis").unwrap();
    let registers = &template.objects.registers;
    assert_eq!(registers.len(), before.objects.registers.len());
    assert_eq!(registers.last().unwrap().to_string(), "1-0:15.8.0*255");
    let (log, texts) = template.event_texts.iter().next().unwrap();
    assert_eq!(log, "0-0:99.98.0*255");
    assert_eq!(texts[&200], "Cover opened");
    assert_eq!(texts[&1], "Mains lost");
}

/// Clicks what may have to be scrolled to first.
fn reach(app: &mut Harness<'_, App>, label: &str, role: Role) {
    named(app, label, &[role]).scroll_to_me();
    app.run();
    named(app, label, &[role]).click();
    app.run();
}

/// Scrolls to the table at the form's end: only rows that are seen are drawn.
fn see_table(app: &mut Harness<'_, App>) {
    named(app, "Add", &[Role::Button]).scroll_to_me();
    app.run();
}

/// Chooses of a list that opens.
fn choose(app: &mut Harness<'_, App>, field: &str, choice: &str) {
    reach(app, field, Role::ComboBox);
    click(app, choice);
}

#[test]
fn the_parts_of_elster_tables_are_changed_in_rows_with_what_is_wrong_beside_them() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of(&fake, "elster-a1140");
    click(&mut app, "Elster tables");
    put(&mut app, "Product ranges", "050, 051, 052");
    put(&mut app, "Pause before the next command", "250");
    reach(&mut app, "Tells its VT ratio", Role::CheckBox);
    put(&mut app, "Identity of the VT ratio", "618");
    choose(&mut app, "How the VT ratio lies there", "Binary, four octets and four");
    reach(&mut app, "Tells its demand period", Role::CheckBox);
    see_table(&mut app);
    put(&mut app, "Octets of 506", "4");
    assert!(says(&app, "Row 2, 506: it lies beyond the 4 octets of table 506"));
    click(&mut app, "Save");
    assert!(fake.world(|world| world.edits.is_empty()), "what is wrong is not saved");
    put(&mut app, "Octets of 506", "8");
    choose(&mut app, "List", "Registers of table 507 (10)");
    see_table(&mut app);
    put(&mut app, "Unit of 112", "count");
    reach(&mut app, "Remove 120", Role::Button);
    choose(&mut app, "List", "Sources (10)");
    enter(&mut app, "New: Code", "16");
    enter(&mut app, "New: Group C of its OBIS codes", "3");
    enter(&mut app, "New: Unit", "varh");
    reach(&mut app, "Add", Role::Button);
    click(&mut app, "Save");
    let (template, before) = (saved(&fake), Template::named("elster-a1140").unwrap());
    let mut wanted = before.flag.clone();
    wanted.ranges.push("052".to_owned());
    (wanted.pause_ms, wanted.period) = (250, None);
    wanted.vt = Some(FlagRatio { id: 618, form: FlagRatioForm::Binary, unverified: true });
    wanted.tables[0].registers[8].unit = Some(Unit(255));
    wanted.tables[0].registers.pop();
    wanted.sources.insert(16, FlagSource { c: 3, unit: Unit::VARH });
    assert_eq!(template.flag, wanted);
    assert_eq!((template.objects, template.timing), (before.objects, before.timing));
}

#[test]
fn the_makers_signature_within_images_is_described_in_rows_with_what_is_wrong_beside_them() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    click(&mut app, "Image transfer");
    assert!(!shows(&app, "The maker's key"));
    reach(&mut app, "Images are signed by the maker", Role::CheckBox);
    choose(&mut app, "How it is written", "DER: an ASN.1 sequence of r and s");
    put(&mut app, "Length of its field", "72");
    assert!(says(&app, "the signature would go beyond the end"));
    click(&mut app, "Save");
    assert!(fake.world(|world| world.edits.is_empty()), "what is wrong is not saved");
    put(&mut app, "Bytes from there to the signature", "72");
    choose(&mut app, "What is signed", "All but the signature itself");
    put(&mut app, "The maker's key", "00112233445566AA");
    click(&mut app, "What was changed");
    assert!(says(&app, "00112233445566AA"));
    click(&mut app, "Save");
    let wanted = ImageSignature {
        from: ImageEnd::End,
        offset: 72,
        length: 72,
        form: SignatureForm::Der,
        signed: SignedPart::Around,
        skip: 0,
        key: Some("00112233445566AA".to_owned()),
    };
    assert_eq!(saved(&fake).firmware.image_signature, Some(wanted));
}

#[test]
fn text_that_is_wrong_is_told_with_its_line_and_not_saved() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    click(&mut app, "JSON");
    let field = "JSON of the template";
    app.get_by_label(field).focus();
    app.run();
    press(&mut app, Modifiers::COMMAND, Key::A);
    let text = "{\n\"format\": \"meterwright.template/1\",\n\"name\": \"acme\", \"title\": \"A\", \"family\": \"dlms\",\n\"hdlc\": { \"windw\": 2 }\n}";
    app.get_by_label(field).type_text(text);
    app.run();
    assert!(says(&app, "line 4"), "the place");
    assert!(says(&app, "write `window` if that was meant"));
    click(&mut app, "Save");
    assert!(fake.world(|world| world.edits.is_empty()));
    click(&mut app, "HDLC link (1)");
    assert!(says(&app, "Windw"), "what has no form is shown");
}

#[test]
fn unsaved_work_is_asked_for_before_it_is_left() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    click(&mut app, "Template dlms-generic");
    assert!(says(&app, "Throw away the changes of dlms-idis-copy?"));
    click(&mut app, "Go on editing");
    assert!(shows(&app, "Not saved"));
    click(&mut app, "Close");
    click(&mut app, "Throw them away");
    assert!(!shows(&app, "Not saved"));
}

#[test]
fn unsaved_work_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(5);
    fake.world(|world| world.drafts = Some(folder.path().to_path_buf()));
    let mut first = copy_of_idis(&fake);
    put(&mut first, "Title", "Half done");
    let file = std::fs::read_dir(folder.path().join("templates")).unwrap();
    let file =
        file.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "json").unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("Half done"), "{text}");
    drop(first);
    // As a program of another number would have left it.
    std::fs::rename(&file, folder.path().join("templates/1-1.template-draft.json")).unwrap();
    let second = open(&fake);
    assert!(shows(&second, "Not saved") && says(&second, "left behind"));
}

fn proposal() -> Proposal {
    let remark =
        |basis, pointer: &str, text: &str| Remark { basis, pointer: pointer.into(), text: text.into() };
    Proposal {
        meter: "Mill Lane 1".to_owned(),
        text: "{ \"format\": \"meterwright.template/1\", \"name\": \"acme\", \"title\": \"ACME\", \"family\": \"dlms\" }"
            .to_owned(),
        remarks: vec![
            remark(Basis::Observed, "/hdlc", "the meter agreed to 512 octets"),
            remark(Basis::ByHand, "/limits", "how much it can hold, the manual says"),
        ],
    }
}

/// Begins to learn from the first meter.
fn learning(fake: &Fake) -> (Harness<'static, App>, meterwright::model::MeterId, JobId) {
    let mut app = open(fake);
    let (id, name) = fake.world(|world| (world.meters[0].id, world.meters[0].config.name.clone()));
    click(&mut app, "Learn…");
    enter(&mut app, "Meter", &name);
    click(&mut app, "Learn");
    app.run();
    let job = fake.world(|world| world.submitted.last().cloned());
    assert!(matches!(job, Some(Job::Learn { meter }) if meter == id), "{job:?}");
    (app, id, JobId(101))
}

#[test]
fn what_was_learnt_of_a_meter_is_opened_in_the_editor_with_how_it_is_known() {
    let fake = Fake::with_meters(5);
    let (mut app, meter, job) = learning(&fake);
    assert!(says(&app, "Looking at what it has, 3 of 12"));
    fake.finish_learning(job, meter, Ok(proposal()));
    app.run();
    app.run();
    assert!(says(&app, "learnt from Mill Lane 1") && shows(&app, "By hand") && shows(&app, "Observed"));
    click(&mut app, "Save");
    assert_eq!(saved(&fake).name, "acme");
}

#[test]
fn learning_that_fails_says_why_and_may_be_cancelled_before() {
    let fake = Fake::with_meters(5);
    let (mut app, meter, job) = learning(&fake);
    fake.finish_learning(job, meter, Err(Fault::line("nothing answered", "check the line")));
    app.run();
    app.run();
    assert!(says(&app, "The line: nothing answered") && says(&app, "check the line"));
    click(&mut app, "Close");
    let (mut app, ..) = learning(&Fake::with_meters(5));
    click(&mut app, "Cancel");
    app.run();
    assert!(says(&app, "It ended without a proposal"));
}

#[test]
fn a_file_is_imported_through_the_editor_and_a_template_written_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.json");
    std::fs::write(&path, proposal().text).unwrap();
    let fake = Fake::with_meters(5);
    let mut app = open(&fake);
    click(&mut app, "Import…");
    enter(&mut app, "Path", path.to_str().unwrap());
    click(&mut app, "Import");
    app.run();
    assert!(shows(&app, "Not saved"));
    assert!(says(&app, "to look at"), "it has no limits of its own");
    click(&mut app, "Save");
    app.run();
    assert_eq!(saved(&fake).title, "ACME");
}

#[test]
fn a_template_in_use_cannot_be_removed_and_another_can() {
    let fake = Fake::with_meters(5);
    let mut app = copy_of_idis(&fake);
    click(&mut app, "Save");
    app.run();
    click(&mut app, "Remove this template");
    click(&mut app, "Remove dlms-idis-copy");
    let edit = fake.world(|world| world.edits.pop());
    assert!(matches!(edit, Some(Edit::RemoveTemplate(_))), "{edit:?}");
    click(&mut app, "Template dlms-idis");
    assert!(!shows(&app, "Remove this template"), "what ships is not removed");
}
