//! Pages of names and values: identity; billing, profile, display, clock, transformers.

use egui::Ui;

use crate::gui::widgets::{key_value, secondary, section};
use crate::model::plain_name;
use crate::scheme::{ClockFailureResponse, Document, DstRule, OutputFunction, weekday_word};

use super::editing::Editing;
use super::tab::Tab;

fn yes(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}

/// A word of the file as a person says it: `active_import` is `active import`.
pub(super) fn spoken(word: &impl ToString) -> String {
    word.to_string().replace('_', " ")
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let text = items.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "None".to_owned() } else { text }
}

/// Who it is.
fn identity(ui: &mut Ui, document: &Document) {
    section(ui, "Identity");
    key_value(ui, "Identity", document.identity.as_str());
    key_value(ui, "Title", document.title.as_str());
    key_value(ui, "Meter model", document.template.as_str());
    key_value(ui, "Time zone", document.time_zone.as_str());
    if !document.note.is_empty() {
        section(ui, "Note");
        ui.label(&document.note);
    }
    section(ui, "Contents");
    let registers = &document.registers;
    key_value(ui, "Energy registers", registers.energy.len().to_string());
    key_value(ui, "Demand registers", registers.demand.len().to_string());
    key_value(ui, "Day types", document.tariff.day_types.len().to_string());
    key_value(ui, "Seasons", document.tariff.seasons.len().to_string());
    key_value(ui, "Special days", document.tariff.special_days.len().to_string());
    match &document.latent {
        Some(latent) => key_value(ui, "Latent tariff", format!("takes over at {}", latent.activate_at)),
        None => key_value(ui, "Latent tariff", "None"),
    }
}

/// What a page of names and values shows.
pub(super) fn ui(ui: &mut Ui, tab: Tab, editing: &mut Editing<'_>) {
    ui.set_max_width(560.0);
    let document = &*editing.document;
    match tab {
        Tab::Billing => billing(ui, document),
        Tab::Demand => demand(ui, document),
        Tab::Profile => profile(ui, document),
        Tab::Instrumentation => instrumentation(ui, document),
        Tab::Transformers => transformers(ui, document),
        Tab::Clock => clock(ui, document),
        Tab::ClockFailure => clock_failure(ui, document),
        Tab::Display => display(ui, document),
        Tab::Outputs => outputs(ui, document),
        _ => identity(ui, document),
    }
}

fn billing(ui: &mut Ui, document: &Document) {
    section(ui, "Billing");
    let billing = &document.billing;
    key_value(ui, "Dates", listed(billing.dates.iter().map(ToString::to_string)));
    key_value(ui, "On season change", yes(billing.on_season_change));
    key_value(ui, "On tariff change", yes(billing.on_tariff_change));
    key_value(ui, "Button", yes(billing.button));
    key_value(ui, "Lock-out", format!("{} min after a manual reset", billing.manual_lockout_minutes));
}

fn demand(ui: &mut Ui, document: &Document) {
    section(ui, "Demand");
    let demand = &document.demand;
    let sliding = if demand.sub_intervals > 1 {
        format!(", sliding in {} steps", demand.sub_intervals)
    } else {
        String::new()
    };
    key_value(ui, "Period", format!("{} min{sliding}", demand.period_minutes));
}

fn profile(ui: &mut Ui, document: &Document) {
    section(ui, "Load profile");
    key_value(ui, "Period", format!("{} min", document.profile.period_minutes));
    key_value(ui, "Channels", listed(document.profile.channels.iter().map(spoken)));
    key_value(ui, "Follows summer time", yes(document.profile.follows_dst));
}

fn instrumentation(ui: &mut Ui, document: &Document) {
    section(ui, "Instrumentation");
    key_value(ui, "Period", format!("{} min", document.instrumentation.period_minutes));
    let channels = document.instrumentation.channels.iter();
    key_value(
        ui,
        "Channels",
        listed(channels.map(|one| {
            format!("{} {} {}", one.keep, spoken(&one.quantity), one.phase.to_string().to_uppercase())
        })),
    );
}

fn transformers(ui: &mut Ui, document: &Document) {
    section(ui, "Transformers");
    key_value(ui, "Current", document.transformers.ct.to_string());
    key_value(ui, "Voltage", document.transformers.vt.to_string());
    key_value(ui, "Registers are", document.transformers.registers_in.name());
}

fn clock(ui: &mut Ui, document: &Document) {
    section(ui, "Clock");
    match &document.dst {
        Some(dst) => {
            key_value(
                ui,
                "Summer time",
                format!("{} h from {} to {}", dst.shift_hours, rule(dst.starts), rule(dst.ends)),
            );
        }
        None => key_value(ui, "Summer time", "None"),
    }
}

fn clock_failure(ui: &mut Ui, document: &Document) {
    section(ui, "Clock failure");
    let response = match document.clock_failure {
        ClockFailureResponse::Continue => "Go on, late by the length of the failure",
        ClockFailureResponse::BillThenContinue => "Close the billing period and go on",
        ClockFailureResponse::BillThenFreeze => "Close the billing period and freeze the tariff",
    };
    key_value(ui, "Clock failure", response);
}

fn display(ui: &mut Ui, document: &Document) {
    section(ui, "Display");
    key_value(ui, "Seconds an item", document.display.seconds.to_string());
    let named = |obis: &crate::model::Obis| format!("{} ({})", plain_name(*obis), obis.short());
    key_value(ui, "Automatic", listed(document.display.auto.iter().map(named)));
    key_value(ui, "By button", listed(document.display.manual.iter().map(named)));
}

fn outputs(ui: &mut Ui, document: &Document) {
    section(ui, "Outputs");
    if document.outputs.is_empty() {
        ui.label(secondary(ui, "None"));
    }
    for output in &document.outputs {
        let does = match &output.function {
            OutputFunction::Pulse { source, pulses_per_kilo } => {
                format!("{pulses_per_kilo} pulses a kilo of {}", spoken(source))
            }
            OutputFunction::Follow { register } => format!("closed while {register} is on"),
        };
        key_value(ui, &output.id, format!("{}: {does}", output.title));
    }
}

fn rule(rule: DstRule) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month =
        usize::try_from(rule.month).ok().and_then(|month| MONTHS.get(month.wrapping_sub(1))).unwrap_or(&"?");
    let mut weekday = weekday_word(rule.weekday).to_owned();
    if let Some(first) = weekday.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{} {weekday} in {month}, {:02}:00", rule.week, rule.hour)
}
