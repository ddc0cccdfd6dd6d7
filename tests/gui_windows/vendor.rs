//! A vendor's own file: nothing of it before the risk was accepted in words, and no meter without its number.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::{Edit, Job};
use meterwright::gui::App;
use meterwright::model::MeterId;
use meterwright::simulator::flag::firmware::vendor_file;

use crate::fake::Fake;
use crate::{app, click, enter, press, shows};

fn is_disabled(app: &Harness<'_, App>, label: &str) -> bool {
    app.get_by_label(label).accesskit_node().is_disabled()
}

fn says(app: &Harness<'_, App>, part: &str) -> bool {
    app.query_all_by_label_contains(part).next().is_some()
}

#[test]
fn the_risk_is_read_accepted_in_words_and_a_meter_confirmed_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("firmware.xml");
    std::fs::write(&file, vendor_file("AS230 V02.00", 2)).unwrap();
    let fake = Fake::with_meters(3);
    fake.world(|world| world.meters[1].config.template = "elster-as230".to_owned());
    let mut app = app(&fake);
    app.state_mut().cx.selection.focus_on(MeterId(1));
    press(&mut app, Modifiers::COMMAND, Key::Num6);
    click(&mut app, "Vendor's own file");
    assert!(shows(&app, "Forbidden") && says(&app, "only its maker can repair"));
    assert!(!says(&app, "Choose a vendor's file"), "nothing of it before it is allowed");

    click(&mut app, "Allow vendors' files…");
    assert!(is_disabled(&app, "Allow vendors' files"));
    enter(&mut app, "The risk, in words", "yes");
    assert!(is_disabled(&app, "Allow vendors' files"));
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(fake.world(|world| world.edits.is_empty()));
    click(&mut app, "Allow vendors' files…");
    enter(&mut app, "The risk, in words", "a meter can be lost");
    click(&mut app, "Allow vendors' files");
    let last = fake.world(|world| world.edits.last().cloned());
    assert!(
        matches!(last, Some(Edit::VendorFirmware { accepted: Some(words) }) if words == "a meter can be lost")
    );
    app.run();
    assert!(shows(&app, "Allowed"));
    assert!(shows(&app, "No AS230 is selected"), "the selected meter speaks DLMS");

    app.state_mut().cx.selection.only(MeterId(2));
    app.run();
    click(&mut app, "Choose a vendor's file…");
    enter(&mut app, "Path", &file.display().to_string());
    click(&mut app, "Open");
    app.run();
    assert!(says(&app, "2 pages, 16 writes"));
    let (name, serial) = fake.world(|world| {
        let config = &world.meters[1].config;
        (config.name.clone(), config.serial.clone().unwrap())
    });
    click(&mut app, &format!("Load {name}…"));
    assert!(is_disabled(&app, &format!("Load {name}")));
    enter(&mut app, "Serial number", &serial);
    click(&mut app, &format!("Load {name}"));
    let submitted = fake.world(|world| world.submitted.last().cloned());
    let Some(Job::VendorFlash { meter, plan }) = submitted else { panic!("{submitted:?}") };
    assert_eq!((meter, plan.file.writes(), plan.expect), (MeterId(2), 16, None));

    click(&mut app, "Forbid vendors' files");
    let last = fake.world(|world| world.edits.last().cloned());
    assert!(matches!(last, Some(Edit::VendorFirmware { accepted: None })));
}
