//! Pages over a document, driven through the accessibility tree.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use egui::{Key, Modifiers, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use jiff::civil::date;

use crate::gui::schemes::editing::Editing;
use crate::gui::schemes::meter_clock::MeterClock;
use crate::gui::schemes::tab::Tab;
use crate::gui::theme::Theme;
use crate::model::template::SchemeLimits;
use crate::model::{Catalogue, Obis, Side, Template};
use crate::scheme::{
    ClockFailureResponse, Document, OutputFunction, Source, check, engine::Cause, engine::next_billing_ends,
};

/// A page over a document, with the checks run before each frame as the editor does.
struct Bench {
    harness: Harness<'static>,
    document: Rc<RefCell<Document>>,
}

fn bench_of(form: Tab, document: Document, go_to: Option<&'static str>) -> Bench {
    let document = Rc::new(RefCell::new(document));
    let shared = document.clone();
    // Fonts that are installed hold from the next frame on.
    let installed = Rc::new(Cell::new(false));
    let ready = installed.clone();
    let harness = Harness::builder().with_size(Vec2::new(760.0, 1400.0)).build_ui(move |ui| {
        if !ready.get() {
            return;
        }
        let mut document = shared.borrow_mut();
        let template = Template::named(&document.template).unwrap();
        let problems = check(&document, &template, date(2026, 11, 22));
        let limits: &SchemeLimits = &template.limits;
        let models = Catalogue::default().choices();
        let models = models.as_slice();
        let clock = MeterClock::computer(jiff::Timestamp::now());
        let mut editing =
            Editing { document: &mut document, limits, models, problems: &problems, go_to, clock: &clock };
        super::ui(ui, form, &mut editing);
    });
    Theme::shipped().unwrap().install(&harness.ctx);
    installed.set(true);
    let mut bench = Bench { harness, document };
    bench.harness.run();
    bench
}

fn bench(form: Tab, change: impl FnOnce(&mut Document)) -> Bench {
    let mut document = Document::blank("dlms-idis", "Europe/London");
    change(&mut document);
    bench_of(form, document, None)
}

impl Bench {
    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.harness.run();
    }

    /// Replaces what stands in a field.
    fn enter(&mut self, name: &str, text: &str) {
        self.harness.get_by_label(name).focus();
        self.harness.run();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.run();
        self.harness.get_by_label(name).type_text(text);
        self.harness.run();
    }

    fn choose(&mut self, name: &str, choice: &str) {
        self.click(name);
        self.click(choice);
    }

    fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    fn is_enabled(&self, name: &str) -> bool {
        !self.harness.get_by_label(name).accesskit_node().is_disabled()
    }

    fn document(&self) -> Document {
        self.document.borrow().clone()
    }
}

#[test]
fn identity_takes_capitals_and_digits_and_keeps_what_is_none() {
    let mut page = bench(Tab::Identity, |_| ());
    page.enter("Identity", "ukhh4r01");
    assert_eq!(page.document().identity, "UKHH4R01");
    page.enter("Identity", "TOO LONG 1");
    assert_eq!(page.document().identity, "UKHH4R01");
    assert!(page.shows("write 1 to 8 of the letters A to Z"));
}

#[test]
fn a_time_zone_is_found_by_a_part_of_its_name() {
    let mut page = bench(Tab::Identity, |_| ());
    page.enter("Time zone", "madr");
    assert_eq!(page.document().time_zone, "Europe/London");
    page.click("Europe/Madrid");
    assert_eq!(page.document().time_zone, "Europe/Madrid");
}

#[test]
fn the_meter_model_is_chosen_by_its_title() {
    let mut page = bench(Tab::Identity, |document| document.template = "dlms-generic".to_owned());
    page.choose("Meter model", "IDIS package 2 single- and poly-phase meter");
    assert_eq!(page.document().template, "dlms-idis");
    assert!(page.shows("1 of 8"));
}

#[test]
fn a_renamed_register_is_renamed_wherever_it_is_named() {
    let mut page = bench(Tab::Registers, |document| {
        let latent = document.tariff.clone();
        document.latent =
            Some(crate::scheme::Latent { activate_at: date(2030, 1, 1).at(0, 0, 0, 0), tariff: latent });
        document.outputs.push(crate::scheme::Output {
            id: "O1".to_owned(),
            title: String::new(),
            function: OutputFunction::Follow { register: "R1".to_owned() },
        });
    });
    page.enter("Id of R1", "NIGHT");
    let document = page.document();
    assert_eq!(document.registers.energy[0].id, "NIGHT");
    assert_eq!(document.tariff.day_types[0].switches[0].on, ["NIGHT"]);
    assert_eq!(document.latent.unwrap().tariff.day_types[0].switches[0].on, ["NIGHT"]);
    assert_eq!(document.outputs[0].function, OutputFunction::Follow { register: "NIGHT".to_owned() });
}

#[test]
fn an_id_that_another_register_has_is_not_taken() {
    let mut page = bench(Tab::Registers, |_| ());
    page.click("Add energy register");
    page.enter("Id of R2", "R1");
    assert_eq!(page.document().registers.energy[1].id, "R2");
    assert!(page.shows("R1 is taken"));
}

#[test]
fn a_half_typed_obis_code_stays_in_its_field_and_out_of_the_document() {
    let mut page = bench(Tab::Registers, |_| ());
    let before = page.document();
    page.enter("OBIS code of R1", "1-0:1.8");
    page.enter("OBIS code of R1", "1-0:");
    assert_eq!(page.document().registers.energy[0].title, before.registers.energy[0].title);
    assert!(page.shows("write an OBIS code"));
    page.enter("OBIS code of R1", "1-0:2.8.4");
    assert_eq!(page.document().registers.energy[0].obis, Obis::new(1, 0, 2, 8, 4, 255));
}

#[test]
fn a_register_is_added_with_a_free_id_object_and_colour_up_to_the_models_limit() {
    let mut page = bench(Tab::Registers, |_| ());
    for _ in 0..7 {
        page.click("Add energy register");
    }
    let document = page.document();
    assert_eq!(document.registers.energy.len(), 8);
    assert!(page.shows("8 of 8"));
    assert!(!page.is_enabled("Add energy register"));
    let mut objects: Vec<_> = document.registers.energy.iter().map(|one| one.obis).collect();
    objects.dedup();
    assert_eq!(objects.len(), 8);
}

#[test]
fn a_model_without_customer_defined_registers_offers_none() {
    let page = bench(Tab::Registers, |_| ());
    assert!(!page.is_enabled("Add sum"));
}

#[test]
fn a_removed_register_is_switched_nowhere() {
    let mut page = bench(Tab::Registers, |_| ());
    page.click("Delete R1");
    let document = page.document();
    assert!(document.registers.energy.is_empty());
    assert!(document.tariff.day_types[0].switches[0].on.is_empty());
}

#[test]
fn rows_move_by_button_and_by_alt_with_an_arrow() {
    let mut page = bench(Tab::Registers, |_| ());
    page.click("Add energy register");
    page.click("Move R2 up");
    let ids =
        |page: &Bench| page.document().registers.energy.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&page), ["R2", "R1"]);
    page.harness.get_by_label("Move R2").focus();
    page.harness.run();
    page.harness.key_press_modifiers(Modifiers::ALT, Key::ArrowDown);
    page.harness.run();
    assert_eq!(ids(&page), ["R1", "R2"]);
    assert!(page.harness.get_by_label("Move R2").accesskit_node().is_focused());
}

#[test]
fn a_change_of_source_takes_the_usual_object_with_it() {
    let mut page = bench(Tab::Registers, |_| ());
    page.choose("Source of R1", "Active export");
    let register = page.document().registers.energy[0].clone();
    assert_eq!(register.source, Source::ActiveExport);
    assert_eq!(register.obis, Obis::new(1, 0, 2, 8, 1, 255));
}

#[test]
fn a_colour_is_chosen_by_its_name() {
    let mut page = bench(Tab::Registers, |_| ());
    page.choose("Colour of R1", "Vermilion");
    assert_eq!(page.document().registers.energy[0].colour.0, [0xd5, 0x5e, 0x00]);
}

#[test]
fn sums_that_change_places_keep_what_counts_them() {
    let mut page = bench(Tab::Registers, |document| document.template = "dlms-generic".to_owned());
    page.click("Add sum");
    page.click("Add sum");
    page.document.borrow_mut().profile.channels = vec![Source::CustomerDefined(2)];
    page.harness.run();
    assert!(!page.is_enabled("Delete C2"));
    page.click("Move C2 up");
    let document = page.document();
    assert_eq!(document.registers.customer_defined[0].id, "C2");
    assert_eq!(document.profile.channels, [Source::CustomerDefined(1)]);
    page.click("Delete C1");
    assert_eq!(page.document().profile.channels, [Source::CustomerDefined(1)]);
}

#[test]
fn a_problem_that_was_clicked_takes_the_focus_to_its_field() {
    let document = Document::blank("dlms-idis", "Europe/London");
    let page = bench_of(Tab::Registers, document, Some("registers.energy[0].obis"));
    assert!(page.harness.get_by_label("OBIS code of R1").accesskit_node().is_focused());
}

#[test]
fn a_new_demand_period_keeps_only_steps_that_divide_it() {
    let mut page = bench(Tab::Demand, |document| document.demand.sub_intervals = 6);
    page.choose("Integration period", "15 minutes");
    let demand = page.document().demand;
    assert_eq!((demand.period_minutes, demand.sub_intervals), (15, 1));
    page.choose("Kind of demand", "Sliding on every 5 minutes");
    assert_eq!(page.document().demand.sub_intervals, 3);
}

#[test]
fn a_billing_date_is_built_from_parts_and_said_in_words() {
    let mut page = bench(Tab::Billing, |_| ());
    page.click("Add billing date");
    assert!(page.shows("Every month on the 1st at 00:00"));
    page.choose("Month of billing date 1", "April");
    page.choose("Day of billing date 1", "The 5th");
    page.enter("Time of billing date 1", "23:59:59");
    assert_eq!(page.document().billing.dates[0].to_string(), "*-04-05T23:59:59");
    page.enter("Time of billing date 1", "23:");
    assert_eq!(page.document().billing.dates[0].to_string(), "*-04-05T23:59:59");
    assert!(page.shows("write a time such as 00:00"));
    page.enter("Year of billing date 1", "2027");
    assert_eq!(page.document().billing.dates[0].to_string(), "2027-04-05T23:59:59");
    assert!(!page.is_enabled("Add billing date"));
}

#[test]
fn a_day_that_a_month_does_not_have_becomes_its_last() {
    let mut page = bench(Tab::Billing, |document| {
        document.billing.dates.push("*-01-31T00:00:00".parse().unwrap());
    });
    page.choose("Month of billing date 1", "April");
    assert_eq!(page.document().billing.dates[0].to_string(), "*-04-30T00:00:00");
}

#[test]
fn the_next_ends_of_a_billing_period_are_said_in_words() {
    let page = bench(Tab::Billing, |document| {
        document.billing.dates.push("*-*-01T00:00:00".parse().unwrap());
    });
    let ends = next_billing_ends(&page.document(), jiff::Timestamp::now(), 1);
    assert_eq!(ends[0].1, Cause::BillingDate);
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let words = ends[0].0.to_zoned(zone).strftime("%A %-d %B %Y, 00:00").to_string();
    assert!(page.shows(&words), "{words}");
}

#[test]
fn profile_channels_are_added_and_put_in_order() {
    let mut page = bench(Tab::Profile, |_| ());
    page.click("Add channel");
    page.choose("Channel 2", "Reactive Q1");
    page.click("Move Reactive Q1 up");
    assert_eq!(page.document().profile.channels, [Source::ReactiveQ1, Source::ActiveImport]);
    page.click("Stamps follow daylight saving");
    assert!(page.document().profile.follows_dst);
    page.choose("Period", "15 minutes");
    assert_eq!(page.document().profile.period_minutes, 15);
}

#[test]
fn instrumentation_channels_are_quantity_phase_and_what_is_kept() {
    let mut page = bench(Tab::Instrumentation, |_| ());
    page.click("Add channel");
    page.choose("Quantity of channel 1", "Current");
    page.choose("Phase of channel 1", "L2");
    page.choose("Value kept of channel 1", "Maximum");
    let channel = page.document().instrumentation.channels[0];
    assert_eq!(format!("{} {} {}", channel.quantity, channel.phase, channel.keep), "current l2 maximum");
    for _ in 1..8 {
        page.click("Add channel");
    }
    assert!(!page.is_enabled("Add channel"));
}

#[test]
fn display_items_are_chosen_by_plain_name_and_move_by_keyboard() {
    let mut page = bench(Tab::Display, |_| ());
    page.click("Add an item to button list");
    page.harness.get_by_label_contains("R1: All day").click();
    page.harness.run();
    assert_eq!(page.document().display.manual, [Obis::new(1, 0, 1, 8, 1, 255)]);
    page.enter("Seconds that each item stands", "12");
    assert_eq!(page.document().display.seconds, 12);
    page.enter("Seconds that each item stands", "0");
    assert_eq!(page.document().display.seconds, 12);
}

#[test]
fn daylight_saving_is_switched_on_and_its_rule_chosen() {
    let mut page = bench(Tab::Clock, |_| ());
    assert!(page.shows("Parts from the time zone"));
    page.click("The meter's clock follows daylight saving");
    page.choose("Hour in which the clock goes forward", "01:00");
    page.choose("Hour in which the clock goes back", "02:00");
    assert!(page.shows("Agrees with the time zone"));
    assert!(page.shows("01:00 becomes 02:00") && page.shows("02:00 becomes 01:00"));
    page.click("The meter's clock follows daylight saving");
    assert_eq!(page.document().dst, None);
}

#[test]
fn a_response_to_a_lost_clock_is_chosen() {
    let mut page = bench(Tab::ClockFailure, |_| ());
    page.click("End the billing period, then freeze the tariff");
    assert_eq!(page.document().clock_failure, ClockFailureResponse::BillThenFreeze);
}

#[test]
fn a_half_typed_ratio_does_not_change_the_document() {
    let mut page = bench(Tab::Transformers, |_| ());
    page.enter("Voltage transformer", "11000/110");
    assert_eq!(page.document().transformers.vt.to_string(), "11000/110");
    for text in ["11000/", "110000/√2:100", "0/5", "-400/5"] {
        page.enter("Voltage transformer", text);
        assert_eq!(page.document().transformers.vt.to_string(), "11000/110", "{text}");
    }
    page.enter("Voltage transformer", "110000/√3:1000/√3");
    assert_eq!(page.document().transformers.vt.to_string(), "110000/1000");
    page.enter("Voltage transformer", "110000/√3:110");
    assert_eq!(page.document().transformers.vt.to_string(), "110000/√3:110", "kept exactly");
    assert!(page.shows("√3 stands on one side only"));
    page.enter("Voltage transformer", "11000/110");
    page.enter("Current transformer", "400/5");
    page.click("Secondary side");
    assert_eq!(page.document().transformers.registers_in, Side::Secondary);
    assert!(page.shows("= 8\u{2009}000"), "the factor");
    assert!(page.shows("means 800\u{2009}000 kWh used"));
}

#[test]
fn an_undone_value_goes_before_what_was_half_typed() {
    let mut page = bench(Tab::Transformers, |_| ());
    page.enter("Current transformer", "400/");
    page.document.borrow_mut().transformers.ct = super::transformers::read_ratio("200/5").unwrap();
    page.harness.run();
    page.enter("Voltage transformer", "2/1");
    assert!(!page.shows("is not a ratio"));
}

#[test]
fn an_output_gives_pulses_or_follows_a_register() {
    let mut page = bench(Tab::Outputs, |_| ());
    page.click("Add output");
    page.enter("Pulses of O1", "500");
    let pulse = OutputFunction::Pulse { source: Source::ActiveImport, pulses_per_kilo: 500 };
    assert_eq!(page.document().outputs[0].function, pulse);
    page.choose("What O1 does", "Is closed while on:");
    assert_eq!(page.document().outputs[0].function, OutputFunction::Follow { register: "R1".to_owned() });
}

#[test]
fn a_page_that_nothing_was_done_to_leaves_the_document_as_it_was() {
    for name in ["industrial-three-rate", "sliding-demand-summer-peak", "time-of-use-changeover"] {
        let path = format!("{}/schemes/{name}.scheme.json", env!("CARGO_MANIFEST_DIR"));
        let document = crate::scheme::read(&std::fs::read(path).unwrap()).unwrap();
        for (form, title) in Tab::ALL {
            assert_eq!(bench_of(form, document.clone(), None).document(), document, "{name}: {title}");
        }
    }
}

#[test]
fn coming_changes_say_by_which_clock_they_are_shown() {
    for form in [Tab::Clock, Tab::Billing] {
        let page = bench(form, |_| ());
        assert!(page.shows("By this computer's clock"));
    }
}
