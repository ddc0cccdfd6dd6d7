//! Firmware: packages that are refused, what is asked before a flash, campaigns that broke off and go on.

use std::path::Path;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::{Edit, Event, Job, JobId};
use meterwright::gui::App;
use meterwright::model::{CampaignState, FlashActivation, FlashOutcome, FlashPhase, MeterId, Step};

use crate::fake::Fake;
use crate::flashes::{campaign, packed, trust};
use crate::{app, click, enter, press, shows};

fn flashes(fake: &Fake) -> Vec<(Vec<MeterId>, meterwright::model::CampaignPlan)> {
    fake.world(|world| {
        let flash = |job: &Job| match job {
            Job::Flash { meters, plan, .. } => Some((meters.clone(), plan.as_ref().clone())),
            _ => None,
        };
        world.submitted.iter().filter_map(flash).collect()
    })
}

/// The page with a package chosen.
fn planned(fake: &Fake, file: &Path, meters: &[i64]) -> Harness<'static, App> {
    let mut app = app(fake);
    for id in meters {
        app.state_mut().cx.selection.focus_on(MeterId(*id));
    }
    press(&mut app, Modifiers::COMMAND, Key::Num6);
    click(&mut app, "Choose a package…");
    enter(&mut app, "Path", &file.display().to_string());
    click(&mut app, "Open");
    app.run();
    app
}

fn says(app: &Harness<'_, App>, part: &str) -> bool {
    app.query_all_by_label_contains(part).next().is_some()
}

fn is_disabled(app: &Harness<'_, App>, label: &str) -> bool {
    app.get_by_label(label).accesskit_node().is_disabled()
}

#[test]
fn a_refused_package_says_why_and_what_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = packed(folder.path(), "2.15.0");
    let fake = Fake::with_meters(12);
    let mut app = planned(&fake, &file, &[1]);
    assert!(says(&app, &format!("signed by the key {}, which is not trusted here", key.id())));
    assert!(says(&app, "an administrator of this store may trust it"));
    assert!(!says(&app, "Flash Mill Lane 1…"), "there is no way on");

    click(&mut app, "Show the trusted keys");
    assert!(shows(&app, "No key is trusted"));

    trust(&fake, &key);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let app = planned(&fake, &file, &[1]);
    assert!(says(&app, "altered after it was signed"));
    assert!(says(&app, "No right overrides this"));

    bytes[middle] ^= 1;
    bytes.truncate(bytes.len() - 96);
    std::fs::write(&file, &bytes).unwrap();
    let app = planned(&fake, &file, &[1]);
    assert!(says(&app, "it is not signed"));

    std::fs::write(&file, "no package").unwrap();
    let app = planned(&fake, &file, &[1]);
    assert!(shows(&app, "The package cannot be opened"));
    assert!(flashes(&fake).is_empty());
}

#[test]
fn a_key_is_trusted_after_its_id_was_shown_and_trust_can_be_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = packed(folder.path(), "2.15.0");
    let fake = Fake::with_meters(3);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Num6);
    click(&mut app, "Trusted keys");
    click(&mut app, "Trust a key…");
    enter(&mut app, "Path", &folder.path().join("key.pub").display().to_string());
    click(&mut app, "Open");
    app.run();
    assert!(says(&app, &format!("Its id is {}", key.id())));
    let is_trust = |edit: &Edit| matches!(edit, Edit::TrustKey { .. });
    assert!(!fake.world(|world| world.edits.iter().any(is_trust)));
    click(&mut app, "Trust Acme firmware");
    app.run();
    assert!(shows(&app, &key.id().to_string()));

    click(&mut app, "Withdraw trust in Acme firmware…");
    click(&mut app, "Withdraw trust in Acme firmware");
    let last = fake.world(|world| world.edits.last().cloned());
    assert!(matches!(last, Some(Edit::UntrustKey { public }) if public == key.public));
}

#[test]
fn a_makers_key_is_trusted_for_images_and_stands_beside_the_keys_of_packages() {
    let folder = tempfile::tempdir().unwrap();
    // RFC 6979, A.2.5, as a point in hexadecimal.
    let point = "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
        7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
    let file = folder.path().join("Acme meters.txt");
    std::fs::write(&file, point).unwrap();
    let fake = Fake::with_meters(3);
    let mut app = app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Num6);
    click(&mut app, "Trusted keys");
    click(&mut app, "Trust a key…");
    enter(&mut app, "Path", &file.display().to_string());
    click(&mut app, "Open");
    app.run();
    assert!(says(&app, "It is a maker's key"));
    click(&mut app, "Trust Acme meters");
    app.run();
    assert!(shows(&app, "Images, as maker"));
    let trusted = fake.world(|world| world.edits.last().cloned());
    assert!(matches!(trusted, Some(Edit::TrustMakerKey { public, .. }) if public[0] == 4));
    click(&mut app, "Withdraw trust in Acme meters…");
    assert!(says(&app, "Packages with images that it signed are refused from now on"));
    click(&mut app, "Withdraw trust in Acme meters");
    app.run();
    assert!(shows(&app, "No key is trusted"));
}

#[test]
fn no_meter_is_flashed_before_its_serial_number_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = packed(folder.path(), "2.15.0");
    let fake = Fake::with_meters(12);
    trust(&fake, &key);
    let mut app = planned(&fake, &file, &[1]);
    assert!(says(&app, &format!("signed by Acme firmware ({})", key.id())));
    assert!(shows(&app, "Matches"));
    click(&mut app, "Flash Mill Lane 1…");
    assert!(is_disabled(&app, "Flash 2.15.0 into 11830000"), "nothing is confirmed yet");
    enter(&mut app, "Serial number", "99");
    assert!(shows(&app, "This is not its serial number"));
    assert!(is_disabled(&app, "Flash 2.15.0 into 11830000"));
    press(&mut app, Modifiers::NONE, Key::Enter);
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(flashes(&fake).is_empty());

    click(&mut app, "Flash Mill Lane 1…");
    enter(&mut app, "Serial number", "11830000");
    click(&mut app, "Flash 2.15.0 into 11830000");
    let [(meters, plan)] = flashes(&fake).try_into().unwrap();
    assert_eq!((meters, plan.activation), (vec![MeterId(1)], FlashActivation::Now));
}

#[test]
fn many_meters_are_confirmed_by_their_number_and_the_plan_is_as_typed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = packed(folder.path(), "2.15.0");
    let fake = Fake::with_meters(12);
    trust(&fake, &key);
    let mut app = planned(&fake, &file, &[1, 2, 3]);
    enter(&mut app, "Canary group", "1");
    enter(&mut app, "Stop after failures", "x");
    assert!(is_disabled(&app, "Flash 3 meters…"), "the plan makes no sense");
    press(&mut app, Modifiers::NONE, Key::Backspace);
    enter(&mut app, "Stop after failures", "2");
    enter(&mut app, "Stop after unreachable", "5");
    enter(&mut app, "Maintenance window", "22:00-05:00");
    click(&mut app, "Never");
    click(&mut app, "Flash 3 meters…");
    assert!(is_disabled(&app, "Flash 2.15.0 into 3 meters"));
    enter(&mut app, "Number of meters", "3");
    click(&mut app, "Flash 2.15.0 into 3 meters");
    let [(meters, plan)] = flashes(&fake).try_into().unwrap();
    assert_eq!(meters, [MeterId(1), MeterId(2), MeterId(3)]);
    assert_eq!((plan.canary, plan.stop_after, plan.activation), (1, Some(2), FlashActivation::Never));
    assert_eq!(plan.stop_unreachable, Some(5));
    assert_eq!(plan.window.unwrap().to_string(), "22:00-05:00");
}

#[test]
fn a_downgrade_is_left_out_until_it_is_allowed_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = packed(folder.path(), "2.13.0");
    let fake = Fake::with_meters(12);
    trust(&fake, &key);
    let mut app = planned(&fake, &file, &[1]);
    assert!(shows(&app, "Does not match"));
    assert!(says(&app, "a downgrade has to be allowed with its reason"));
    assert!(is_disabled(&app, "Flash 0 meters…"));
    app.get_by_label("Let an older version replace a later one (administrator)").click_accesskit();
    app.run();
    assert!(is_disabled(&app, "Flash Mill Lane 1…"), "the reason is missing");
    enter(&mut app, "Reason for the downgrade", "2.14.0 loses intervals");
    click(&mut app, "Flash Mill Lane 1…");
    enter(&mut app, "Serial number", "11830000");
    click(&mut app, "Flash 2.13.0 into 11830000");
    let [(_, plan)] = flashes(&fake).try_into().unwrap();
    assert_eq!(plan.downgrade.as_deref(), Some("2.14.0 loses intervals"));
}

/// The page of a campaign whose second meter broke off at block 312.
fn broken_off(fake: &Fake, folder: &Path) -> Harness<'static, App> {
    let (file, key) = packed(folder, "2.15.0");
    trust(fake, &key);
    let one = campaign(fake, 7, &file, 4, CampaignState::Open);
    fake.world(|world| world.campaigns = vec![one]);
    let mut app = app(fake);
    press(&mut app, Modifiers::COMMAND, Key::Num6);
    app.query_all_by_label_contains("Version 2.15.0, No. 7").next().unwrap().click();
    app.run();
    app
}

fn row<'a>(app: &'a Harness<'_, App>, start: &'a str) -> egui_kittest::Node<'a> {
    app.query_all_by_label_contains(start)
        .find(|node| node.accesskit_node().role() == egui::Role::Row)
        .unwrap()
}

#[test]
fn a_flash_that_failed_in_the_middle_shows_phase_reason_and_what_to_try_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(12);
    let mut app = broken_off(&fake, folder.path());
    assert!(says(&app, "1 done, 0 failed, 1 not reached, 0 running, 2 waiting"));
    let words = "Kiln Road 1: Sending blocks, The line: the connection was reset after block 312; goes on at block 312 of 900";
    row(&app, words).click();
    app.run();
    assert!(shows(&app, "The line: the connection was reset after block 312"));
    assert!(shows(&app, "What to try: check the line, then resume the campaign"));
    click(&mut app, "Not reached 1");
    assert!(says(&app, "Kiln Road 1: ") && !says(&app, "Mill Lane 1: "));

    click(&mut app, "Resume");
    let [(meters, plan)] = flashes(&fake).try_into().unwrap();
    assert_eq!(meters, [1, 2, 3, 4].map(MeterId));
    assert_eq!(plan.canary, 2);

    click(&mut app, "All 4");
    let job = JobId(101);
    let flashing =
        [Step::Flashing(FlashPhase::Blocks), Step::Blocks { done: 500, of: 900, seconds_left: Some(250) }];
    fake.world(|world| {
        for step in flashing {
            world.events.push_back(Event::MeterStep { job, meter: Some(MeterId(2)), step });
        }
    });
    app.run();
    row(&app, "Kiln Road 1: Sending blocks");
    assert!(shows(&app, "4:10 min") && shows(&app, "500 of 900 blocks"));

    click(&mut app, "Pause");
    assert_eq!(fake.world(|world| world.cancelled.clone()), [job]);
    app.run();
    assert!(shows(&app, "Resume"));
}

#[test]
fn a_finished_flash_shows_the_version_that_was_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(12);
    let app = broken_off(&fake, folder.path());
    row(&app, "Mill Lane 1: Done, New version read back: 2.15.0");
    drop(app);

    let (file, _) = packed(folder.path(), "2.15.0");
    let mut one = campaign(&fake, 8, &file, 1, CampaignState::Done);
    assert_eq!(one.lines[0].meter.outcome(), FlashOutcome::Flashed);
    one.row.plan.canary = 0;
    fake.world(|world| world.campaigns = vec![one]);
    let mut app = crate::app(&fake);
    press(&mut app, Modifiers::COMMAND, Key::Num6);
    app.query_all_by_label_contains("Version 2.15.0, No. 8").next().unwrap().click();
    app.run();
    assert!(shows(&app, "Version 2.15.0 into 1 meter") && shows(&app, "Version read back"));
    assert!(!shows(&app, "Resume"), "nothing is left to do");
}

#[test]
fn a_campaign_whose_package_is_gone_asks_for_it_and_one_is_called_off_after_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::with_meters(12);
    let (file, _) = packed(folder.path(), "2.15.0");
    let elsewhere = folder.path().join("elsewhere.mtwfw");
    let mut app = broken_off(&fake, folder.path());
    std::fs::rename(&file, &elsewhere).unwrap();
    app.state_mut().cx.data.expire(|_| true);
    app.run_steps(4);
    assert!(shows(&app, "It cannot go on without its package") && !shows(&app, "Resume"));
    click(&mut app, "Choose the package…");
    enter(&mut app, "Path", &elsewhere.display().to_string());
    click(&mut app, "Open");
    app.run();
    assert!(shows(&app, "Resume"));

    click(&mut app, "Call off…");
    let is_end = |edit: &Edit| matches!(edit, Edit::CallOffCampaign { .. });
    assert!(!fake.world(|world| world.edits.iter().any(is_end)));
    click(&mut app, "Call off campaign 7");
    app.run();
    let last = fake.world(|world| world.edits.last().cloned());
    assert!(matches!(last, Some(Edit::CallOffCampaign { id: 7 })));
}

#[test]
fn the_inspector_leads_to_the_plan_of_its_meter() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = packed(folder.path(), "2.15.0");
    let fake = Fake::with_meters(12);
    trust(&fake, &key);
    let mut app = app(&fake);
    click(&mut app, "Chapel Row 1");
    click(&mut app, "Flash…");
    assert_eq!(app.state().page(), meterwright::gui::context::Page::Firmware);
    click(&mut app, "Choose a package…");
    enter(&mut app, "Path", &file.display().to_string());
    click(&mut app, "Open");
    app.run();
    assert!(shows(&app, "Flash Chapel Row 1…"));
}
