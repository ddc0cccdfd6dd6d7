//! Metering points: the page of ratios, setting a ratio, writing it to the meter, exchanging a meter, and figures on
//! either side of the transformers.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use meterwright::comms::{Edit, Event, Job, JobId};
use meterwright::drivers::RatioOrder;
use meterwright::gui::App;
use meterwright::model::{Fault, MeterId, Side};
use meterwright::store::NewMeter;

use crate::fake::Fake;
use crate::{FIELDS, app, click, enter, named, press, shows};

/// A meter behind transformers whose ratio changed this morning.
const BEHIND: MeterId = MeterId(3);

fn name_of(fake: &Fake, id: MeterId) -> String {
    fake.world(|world| world.meters.iter().find(|row| row.id == id).unwrap().config.name.clone())
}

fn on_page(fake: &Fake) -> Harness<'static, App> {
    let mut app = app(fake);
    let name = name_of(fake, BEHIND);
    enter(&mut app, "Filter the table", &name);
    click(&mut app, &name);
    click(&mut app, "Ratios");
    app.run();
    app
}

fn replace(app: &mut Harness<'_, App>, field: &str, text: &str) {
    named(app, field, &FIELDS).focus();
    app.run();
    press(app, Modifiers::COMMAND, Key::A);
    enter(app, field, text);
}

#[test]
fn store_nameplate_and_meter_stand_side_by_side_with_what_differs() {
    let fake = Fake::with_meters(10);
    let app = on_page(&fake);
    for (ratio, times) in [("600/5", 2), ("400/5", 1), ("20000/√3:100/√3", 1), ("20000/100", 2)] {
        assert_eq!(app.query_all_by_label(ratio).count(), times, "{ratio}");
    }
    assert!(shows(&app, "CT: the meter holds 400/5, the store 600/5"));
    assert_eq!(app.query_all_by_label_contains("CT 400/5").count(), 1, "the ratio before");
    assert!(app.query_all_by_label_contains("energy × 24000").count() == 1);
}

#[test]
fn a_ratio_is_set_after_a_look_at_last_months_energy() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    click(&mut app, "Set ratio…");
    replace(&mut app, "Current transformers", "800/4");
    assert!(app.query_all_by_label_contains("a secondary of 4 is unusual").count() == 1);
    replace(&mut app, "Current transformers", "800");
    assert!(app.query_all_by_label_contains("the other side is missing").count() == 1);
    replace(&mut app, "Current transformers", "800/5");
    replace(&mut app, "Holds from, local time", "2026-10-01 00:00");
    // 1 MWh at the meter: 16 GWh at 400/5 and 20000/100, 32 GWh at 800/5.
    assert!(shows(&app, "16\u{2009}000\u{2009}000.000") && shows(&app, "32\u{2009}000\u{2009}000.000"));
    click(&mut app, "Set ratio");
    app.run();
    let edits = fake.world(|world| world.edits.clone());
    let Some(Edit::SetRatio { period, .. }) = edits.last() else { panic!("{edits:?}") };
    assert_eq!(period.transformers.ct.to_string(), "800/5");
    assert_eq!(period.from.to_string(), "2026-09-30T23:00:00Z", "local midnight in summer");
    assert!(!shows(&app, "Holds from, local time"), "the dialog is gone");
    assert!(app.query_all_by_label_contains("CT 800/5").count() >= 1);
}

#[test]
fn a_ratio_goes_into_the_meter_in_two_steps_and_into_the_store_only_then() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    let serial = fake.world(|world| {
        world.meters.iter().find(|row| row.id == BEHIND).unwrap().config.serial.clone().unwrap()
    });
    click(&mut app, "Set ratio…");
    replace(&mut app, "Current transformers", "800/5");
    click(&mut app, "Write it to the meter too, and read it back");
    click(&mut app, "Write to the meter…");
    let words = format!("Write ratio to {serial}");
    click(&mut app, &words);
    assert!(fake.world(|world| world.submitted.is_empty()), "not without the serial number");
    enter(&mut app, "Serial number", &serial);
    click(&mut app, &words);
    let job = fake.world(|world| world.submitted.last().cloned());
    let Some(Job::Ratios { meters, order: RatioOrder::Write { ct, .. } }) = job else { panic!("{job:?}") };
    assert_eq!((meters, ct.to_string()), (vec![BEHIND], "800/5".to_owned()));
    assert!(fake.world(|world| world.edits.is_empty()), "the store waits for the meter");
    end(&fake, Some(&Fault::meter("the meter refused", "look at its rights")));
    app.run();
    assert!(app.query_all_by_label_contains("the meter refused").count() >= 1);
    assert!(fake.world(|world| world.edits.is_empty()), "and stays as it was");
    click(&mut app, "Write to the meter…");
    enter(&mut app, "Serial number", &serial);
    click(&mut app, &words);
    end(&fake, None);
    app.run();
    assert!(fake.world(|world| matches!(world.edits.last(), Some(Edit::SetRatio { .. }))));
}

/// Ends the last job.
fn end(fake: &Fake, fault: Option<&Fault>) {
    fake.world(|world| {
        let job = JobId(100 + i64::try_from(world.submitted.len()).unwrap());
        let result = meterwright::store::JobResult {
            meter: BEHIND,
            at: crate::fake::now(),
            fault: fault.cloned(),
            registers: 0,
            intervals: 0,
            events: 0,
            exchanges: 9,
            bytes_sent: 1,
            bytes_received: 1,
            duration_ms: 1,
        };
        let name = "m".to_owned();
        world.events.push_back(Event::MeterEnded {
            job,
            meter: Some(BEHIND),
            name,
            result: Box::new(result),
            words: "done".to_owned(),
        });
        let failed = usize::from(fault.is_some());
        world.events.push_back(Event::Ended { job, ok: 1 - failed, failed, cancelled: false });
    });
}

#[test]
fn the_wizard_exchanges_a_meter_with_both_readings() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    click(&mut app, "Exchange meter…");
    enter(&mut app, "Name", "Kiln Road 900");
    replace(&mut app, "Exchanged at", "2026-11-23 10:00");
    assert!(shows(&app, "This is still to come"));
    replace(&mut app, "Exchanged at", "2026-11-22 10:00");
    click(&mut app, "Next");
    // What is stored of the old meter is filled in, in the unit that is shown.
    replace(&mut app, "Last Active import energy", "18240.5");
    replace(&mut app, "First Active import energy", "12");
    click(&mut app, "Next");
    assert!(
        shows(&app, "Active import energy: 18240.5 kWh")
            || shows(&app, "Active import energy: 18240.500 kWh")
    );
    click(&mut app, "Exchange for Kiln Road 900");
    app.run();
    let edits = fake.world(|world| world.edits.clone());
    let Some(Edit::Exchange { exchange, .. }) = edits.last() else { panic!("{edits:?}") };
    assert_eq!((exchange.old, exchange.at.to_string().as_str()), (BEHIND, "2026-11-22T10:00:00Z"));
    let value = |list: &[meterwright::model::ExchangeReading]| {
        list.iter().find(|one| one.obis == "1-0:1.8.0*255".parse().unwrap()).unwrap().value.to_string()
    };
    assert_eq!((value(&exchange.last), value(&exchange.first)), ("18240500".to_owned(), "12000".to_owned()));
    let NewMeter::Added(config) = &exchange.new else { panic!() };
    assert_eq!(config.name, "Kiln Road 900");
    assert!(!shows(&app, "3  Check"), "the wizard is gone");
}

#[test]
fn a_refused_exchange_says_why_and_keeps_what_was_entered() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    click(&mut app, "Exchange meter…");
    click(&mut app, "Cancel");
    assert!(
        !shows(&app, "1  The new meter") && fake.world(|world| world.edits.is_empty()),
        "Cancel leaves all as it is"
    );
    click(&mut app, "Exchange meter…");
    enter(&mut app, "Name", "Kiln Road 900");
    click(&mut app, "Next");
    replace(&mut app, "Last Active import energy", "x");
    assert!(app.get_by_label("Next").accesskit_node().is_disabled(), "a reading that is no number");
    replace(&mut app, "Last Active import energy", "18240.5");
    click(&mut app, "Next");
    fake.world(|world| world.refuse = Some(Fault::user("the point has changed", "look at it again")));
    click(&mut app, "Exchange for Kiln Road 900");
    app.run();
    assert!(app.query_all_by_label_contains("the point has changed").count() >= 1);
    assert!(fake.world(|world| world.edits.is_empty()));
    click(&mut app, "Back");
    click(&mut app, "Back");
    app.get_by_label_contains("It takes the place of");
    click(&mut app, "Next");
    click(&mut app, "Next");
    click(&mut app, "Exchange for Kiln Road 900");
    app.run();
    assert!(fake.world(|world| matches!(world.edits.last(), Some(Edit::Exchange { .. }))));
    assert!(app.query_all_by_label_contains("hangs at").count() >= 1, "and it says what was done");
}

#[test]
fn a_refused_ratio_says_why_and_esc_leaves_it() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    click(&mut app, "Set ratio…");
    replace(&mut app, "Current transformers", "800/5");
    fake.world(|world| world.refuse = Some(Fault::user("the store is full", "free some space")));
    click(&mut app, "Set ratio");
    app.run();
    assert!(app.query_all_by_label_contains("the store is full").count() >= 1);
    assert!(shows(&app, "What to try: free some space"));
    press(&mut app, Modifiers::NONE, Key::Escape);
    press(&mut app, Modifiers::NONE, Key::Escape);
    assert!(!shows(&app, "Holds from, local time"), "the dialog is gone");
    assert!(fake.world(|world| world.edits.is_empty()), "and nothing was changed");
}

#[test]
fn a_ratio_is_taken_away_after_a_look_at_last_months_energy() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    let words = "Take away the ratio from 2026-11-22 06:00…";
    click(&mut app, words);
    app.get_by_label_contains("Take away CT 600/5");
    app.get_by_label_contains("the one before it holds on: CT 400/5");
    app.get_by_label("Without it");
    press(&mut app, Modifiers::NONE, Key::Enter);
    assert!(fake.world(|world| world.edits.is_empty()), "Enter keeps it");
    click(&mut app, words);
    click(&mut app, "Take this ratio away");
    app.run();
    let edits = fake.world(|world| world.edits.clone());
    let Some(Edit::RemoveRatio { from, .. }) = edits.last() else { panic!("{edits:?}") };
    assert_eq!(from.to_string(), crate::fake::CHANGE);
    assert!(!shows(&app, words) && app.query_all_by_label_contains("CT 400/5").count() == 1);
    app.get_by_label_contains("is taken away");
}

#[test]
fn a_point_is_described_with_fields_of_ones_own() {
    let fake = Fake::with_meters(10);
    let mut app = on_page(&fake);
    click(&mut app, "Describe point…");
    enter(&mut app, "Location", "Substation 4");
    enter(&mut app, "Customer reference", "K-1042");
    click(&mut app, "Add field");
    enter(&mut app, "Value of field 1", "541448");
    assert!(shows(&app, "A field has no name"));
    enter(&mut app, "Name of field 1", "EAN");
    click(&mut app, "Save");
    app.run();
    let edits = fake.world(|world| world.edits.clone());
    let Some(Edit::UpdatePoint { details, .. }) = edits.last() else { panic!("{edits:?}") };
    assert_eq!((details.location.as_str(), details.fields["EAN"].as_str()), ("Substation 4", "541448"));
    assert!(details.plate.is_some(), "what was known stays");
    assert!(shows(&app, "Substation 4"));
}

#[test]
fn readings_stand_on_the_side_that_is_chosen_and_split_where_the_ratio_changes() {
    let fake = Fake::with_meters(10);
    let mut app = app(&fake);
    let name = name_of(&fake, BEHIND);
    enter(&mut app, "Filter the table", &name);
    click(&mut app, &name);
    press(&mut app, Modifiers::COMMAND, Key::Num3);
    app.run();
    assert!(shows(&app, "Secondary figures"));
    click(&mut app, "Primary");
    app.run();
    assert!(shows(&app, "Primary figures") && shows(&app, "By ratio"));
    assert!(shows(&app, "from 2026-11-22 06:00"), "a total for each part");
    click(&mut app, "Registers");
    app.run();
    assert!(shows(&app, "Not converted"), "a register that counted over the change");
    click(&mut app, "Secondary");
    app.run();
    assert!(!shows(&app, "Not converted"));
    // A meter without a ratio has nothing made up.
    assert_eq!(fake.world(|world| world.meters[0].config.registers_in), Side::Secondary);
}
