//! Acting on a meter from its inspector: what is asked before, and what is submitted then.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::Job;
use meterwright::drivers::{ClockOrder, ClockWay, Contactor, Order};
use meterwright::model::MeterId;

use crate::fake::Fake;
use crate::{app, click, enter, press, shows};

fn submitted(fake: &Fake) -> Option<Job> {
    fake.world(|world| world.submitted.last().cloned())
}

/// The inspector's page of a meter that was read; gives its number and serial number.
fn control_page(fake: &Fake) -> (egui_kittest::Harness<'static, meterwright::gui::App>, MeterId, String) {
    let mut app = app(fake);
    click(&mut app, "Chapel Row 1");
    click(&mut app, "Control");
    let id = app.state().cx.selection.focus().unwrap();
    let serial = fake.world(|world| {
        let row = world.meters.iter().find(|meter| meter.id == id).unwrap();
        row.config.serial.clone().unwrap()
    });
    (app, id, serial)
}

#[test]
fn a_contactor_is_opened_only_after_its_serial_number_was_typed() {
    let fake = Fake::with_meters(30);
    let (mut app, meter, serial) = control_page(&fake);
    click(&mut app, "Open contactor…");
    let button = format!("Open contactor of {serial}");
    assert!(app.get_by_label(&button).accesskit_node().is_disabled(), "nothing is confirmed yet");
    enter(&mut app, "Serial number", "12");
    assert!(shows(&app, "This is not its serial number"));
    assert!(app.get_by_label(&button).accesskit_node().is_disabled());
    assert!(submitted(&fake).is_none());
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(!shows(&app, &button), "Esc leaves the contactor alone");

    click(&mut app, "Open contactor…");
    enter(&mut app, "Serial number", &serial);
    click(&mut app, &button);
    let Some(Job::Control { meter: asked, order }) = submitted(&fake) else { panic!("nothing submitted") };
    assert_eq!((asked, order), (meter, Order::Contactor(Contactor::Open)));
    assert!(!shows(&app, &button), "the dialog is answered");
}

#[test]
fn each_order_names_its_effect_and_the_serial_number() {
    let fake = Fake::with_meters(30);
    let (mut app, meter, serial) = control_page(&fake);
    for (words, verb, wanted) in [
        ("Billing reset…", "End billing period of", Order::BillingReset),
        ("Arm…", "Arm contactor of", Order::Contactor(Contactor::Arm)),
        ("Close contactor…", "Close contactor of", Order::Contactor(Contactor::Close)),
    ] {
        click(&mut app, words);
        enter(&mut app, "Serial number", &serial);
        click(&mut app, &format!("{verb} {serial}"));
        let Some(Job::Control { meter: asked, order }) = submitted(&fake) else { panic!("{words}") };
        assert_eq!((asked, order), (meter, wanted));
    }
}

#[test]
fn a_clock_is_set_or_adjusted_and_its_drift_is_drawn() {
    let fake = Fake::with_meters(30);
    let (mut app, meter, serial) = control_page(&fake);
    assert!(app.query_by_label_contains("Drift over 20 comparisons").is_some());
    click(&mut app, "Set clock…");
    click(&mut app, "Also across the end of an interval");
    click(&mut app, &format!("Set clock of {serial}"));
    let Some(Job::SetClock { meters, order }) = submitted(&fake) else { panic!("nothing submitted") };
    assert_eq!(meters, [meter]);
    assert_eq!(order, ClockOrder { way: ClockWay::Set, across_interval: true });

    click(&mut app, "Adjust clock…");
    click(&mut app, &format!("Adjust clock of {serial}"));
    let Some(Job::SetClock { order, .. }) = submitted(&fake) else { panic!("nothing submitted") };
    assert_eq!(order, ClockOrder { way: ClockWay::Adjust, across_interval: false });
}

#[test]
fn a_meter_whose_serial_number_is_not_known_cannot_be_switched() {
    let fake = Fake::with_meters(30);
    let (mut app, id, _) = control_page(&fake);
    fake.world(|world| {
        let row = world.meters.iter_mut().find(|meter| meter.id == id).unwrap();
        row.config.serial = None;
    });
    app.state_mut().cx.data.expire(|_| true);
    app.run();
    click(&mut app, "Open contactor…");
    assert!(app.query_by_label_contains("read the meter first").is_some());
    assert!(app.get_by_label("Open contactor of Chapel Row 1").accesskit_node().is_disabled());
}

#[test]
fn a_clock_that_would_pass_the_end_of_an_interval_says_so_first() {
    let fake = Fake::with_meters(30);
    let (mut app, _, _) = control_page(&fake);
    // 2.64 s fast, and 30 minutes until the next end.
    click(&mut app, "Set clock…");
    app.get_by_label_contains(
        "The meter is expected to show 14:35:02 (+2.6 s fast, compared 2026-11-22 14:35)",
    );
    app.get_by_label("Put right now, it passes over no end of an interval of 30 min.");
    press(&mut app, Modifiers::NONE, Key::Escape);
    app.state_mut().cx.now = || "2026-11-22T14:29:59Z".parse().unwrap();
    click(&mut app, "Set clock…");
    app.get_by_label_contains("it passes over 14:30:00, the end of an interval of 30 min, which comes twice");
    app.get_by_label_contains("It is left as it is, unless you say so below");
    click(&mut app, "Also across the end of an interval");
    assert!(app.query_by_label_contains("It is left as it is").is_none());
    press(&mut app, Modifiers::NONE, Key::Escape);
    click(&mut app, "Billing reset…");
    app.get_by_label("The billing set will bear the time that it shows then.");
}

/// Selects the first meters of a fleet whose clocks were found off by so many milliseconds, and asks to set them.
fn set_clocks(fake: &Fake, drifts: &[Option<i64>]) -> egui_kittest::Harness<'static, meterwright::gui::App> {
    fake.world(|world| {
        for (row, drift) in world.meters.iter_mut().zip(drifts) {
            row.drift_ms = *drift;
        }
    });
    let mut app = app(fake);
    let ids: Vec<MeterId> =
        fake.world(|world| world.meters.iter().take(drifts.len()).map(|row| row.id).collect());
    app.state_mut().cx.selection.all(&ids);
    app.run();
    click(&mut app, "More");
    click(&mut app, &format!("Set {} clocks…", drifts.len()));
    app
}

#[test]
fn the_clocks_of_several_meters_are_set_after_one_question_that_names_them() {
    let fake = Fake::with_meters(30);
    let mut app = set_clocks(&fake, &[Some(2_600), Some(-1_000), None]);
    app.get_by_label("Set clock of 3 meters?");
    fake.world(|world| {
        for row in world.meters.iter().take(3) {
            let serial = row.config.serial.as_deref().unwrap_or("serial number not known");
            app.get_by_label(&format!("· {}, {serial}", row.config.name));
        }
    });
    app.get_by_label_contains("none of 2 passes over the end of a quarter of an hour");
    app.get_by_label_contains("1 was never compared");
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(submitted(&fake).is_none(), "Esc leaves the clocks alone");
    click(&mut app, "More");
    click(&mut app, "Set 3 clocks…");
    click(&mut app, "Set clock of 3 meters");
    let Some(Job::SetClock { meters, order }) = submitted(&fake) else { panic!("nothing submitted") };
    assert_eq!(meters.len(), 3);
    assert_eq!(order, ClockOrder { way: ClockWay::Set, across_interval: false });
    assert!(!shows(&app, "Set clock of 3 meters?"), "the dialog is answered");
}

#[test]
fn clocks_that_pass_the_end_of_an_interval_are_named_and_left_unless_somebody_says_so() {
    let fake = Fake::with_meters(30);
    let mut app = set_clocks(&fake, &[Some(400_000), Some(-1_000), Some(-700_000), None]);
    let (first, third) =
        fake.world(|world| (world.meters[0].config.name.clone(), world.meters[2].config.name.clone()));
    // It is 14:35: one shows 14:41, one 14:23.
    app.get_by_label_contains("1 of 3 passes over the end of a quarter of an hour");
    app.get_by_label_contains(&format!("{third} is put forward, so that an interval is cut short"));
    assert!(app.query_by_label_contains(&format!("{first} is put")).is_none());
    press(&mut app, Modifiers::NONE, Key::Escape);
    app.state_mut().cx.now = || "2026-11-22T14:25:00Z".parse().unwrap();
    click(&mut app, "More");
    click(&mut app, "Set 4 clocks…");
    app.get_by_label_contains("2 of 3 pass over the end of a quarter of an hour");
    app.get_by_label_contains(&format!("{first} is put back, so that an interval comes twice"));
    app.get_by_label_contains("They are left as they are, unless you say so below");
    click(&mut app, "Also across the end of an interval");
    assert!(app.query_by_label_contains("They are left as they are").is_none());
    click(&mut app, "Set clock of 4 meters");
    let Some(Job::SetClock { order, .. }) = submitted(&fake) else { panic!("nothing submitted") };
    assert!(order.across_interval);
}
