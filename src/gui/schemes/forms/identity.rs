//! Who a scheme is: identity, title, note; for which meter model, in which time zone.

use egui::{TextEdit, Ui};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{Act, field, key_value, section, small};
use crate::model::template::SchemeLimits;

use super::parts::{Named, Reading, Spot, draft, forget, minutes, pick, text, typed};
use super::zones;

const WIDTH: f32 = 480.0;
const SUGGESTIONS: usize = 8;

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let width = WIDTH.min(ui.available_width());
    let spot = Spot::of(editing, "identity");
    let reading = Reading { hint: "UKHH4R01", width: 160.0, show: &Clone::clone, read: &read_identity };
    typed(ui, Named::Above("Identity"), &spot, &reading, &mut editing.document.identity);
    ui.label(small(ui, "1 to 8 of A to Z and 0 to 9: what the meter stores and shows"));
    let spot = Spot::of(editing, "title");
    text(ui, Named::Above("Title"), &spot, "Four rates, two seasons", width, &mut editing.document.title);
    note(ui, editing);
    let spot = Spot::of(editing, "template");
    let named = Named::Above("Meter model");
    pick(ui, named, &spot, width, &mut editing.document.template, editing.models, Clone::clone);
    time_zone(ui, editing);
    section(ui, "What it holds, of what the meter model can hold");
    contents(ui, editing);
}

fn read_identity(text: &str) -> Result<String, String> {
    let text = text.trim().to_uppercase();
    let sound = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if (1..=8).contains(&text.len()) && sound {
        Ok(text)
    } else {
        Err("write 1 to 8 of the letters A to Z and the digits 0 to 9".to_owned())
    }
}

fn note(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of(editing, "note");
    let id = ui.scope_id().with("note");
    let response = field(ui, "Note", None, |ui| {
        let edit = TextEdit::multiline(&mut editing.document.note)
            .id(id)
            .hint_text("For whom, since when, why")
            .desired_width(WIDTH.min(ui.available_width()) - 16.0)
            .desired_rows(3)
            .margin(egui::Margin::symmetric(8, 5));
        ui.add(edit)
    });
    spot.show(response);
    spot.remarks(ui, None);
}

fn time_zone(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of(editing, "time_zone");
    let reading = Reading {
        hint: "Europe/London",
        width: 240.0,
        show: &Clone::clone,
        read: &|text: &str| zones::exact(text),
    };
    typed(ui, Named::Above("Time zone"), &spot, &reading, &mut editing.document.time_zone);
    let Some(text) = draft(ui, spot.place()).filter(|text| zones::exact(text).is_err()) else { return };
    let found = zones::matching(&text, SUGGESTIONS);
    if found.is_empty() {
        ui.label(small(ui, "No time zone is called so"));
    }
    ui.horizontal_wrapped(|ui| {
        ui.set_max_width(WIDTH.min(ui.available_width()));
        for name in found {
            if ui.add(Act::plain(name).small()).clicked() {
                name.clone_into(&mut editing.document.time_zone);
                forget(ui, spot.place());
            }
        }
    });
}

fn contents(ui: &mut Ui, editing: &Editing<'_>) {
    let document = &*editing.document;
    let limits: &SchemeLimits = editing.limits;
    let registers = &document.registers;
    let tariff = &document.tariff;
    let counts = [
        ("Energy registers", registers.energy.len(), limits.energy_registers),
        ("Demand registers", registers.demand.len(), limits.demand_registers),
        ("Sums", registers.customer_defined.len(), limits.customer_defined),
        ("Day types", tariff.day_types.len(), limits.day_types),
        ("Weeks", tariff.weeks.len(), limits.weeks),
        ("Seasons", tariff.seasons.len(), limits.seasons),
        ("Special days", tariff.special_days.len(), limits.special_days),
        ("Billing dates", document.billing.dates.len(), limits.billing_dates),
        ("Profile channels", document.profile.channels.len(), limits.profile_channels),
    ];
    ui.spacing_mut().item_spacing.y = 4.0;
    for (name, used, limit) in counts {
        key_value(ui, name, format!("{used} of {limit}"));
    }
    let grid = limits.switching_grid_minutes;
    key_value(ui, "Switching times", format!("{} a day, every {}", limits.switches_per_day, minutes(&grid)));
    let latent = match &document.latent {
        Some(latent) => format!("takes over at {}", latent.activate_at.strftime("%Y-%m-%d %H:%M")),
        None if limits.latent => "None".to_owned(),
        None => "None: this meter model has none".to_owned(),
    };
    key_value(ui, "Latent tariff", latent);
}
