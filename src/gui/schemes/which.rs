//! Which of a scheme's tariffs is worked on: the one in force, or the latent one that takes over from it.

use egui::Ui;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::gui::theme::Icon;
use crate::gui::widgets::{Act, empty, field, secondary, segmented, text_field};
use crate::scheme::{Document, Latent, Tariff};

use super::editing::Editing;
use super::name_step;

/// One of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Which {
    #[default]
    InForce,
    Latent,
}

impl Which {
    /// Its place in the document.
    pub(super) const fn place(self) -> &'static str {
        match self {
            Self::InForce => "tariff",
            Self::Latent => "latent.tariff",
        }
    }

    /// The tariff.
    pub(super) fn of(self, document: &Document) -> Option<&Tariff> {
        match self {
            Self::InForce => Some(&document.tariff),
            Self::Latent => document.latent.as_ref().map(|latent| &latent.tariff),
        }
    }

    /// The tariff, to change.
    pub(super) fn of_mut(self, document: &mut Document) -> Option<&mut Tariff> {
        match self {
            Self::InForce => Some(&mut document.tariff),
            Self::Latent => document.latent.as_mut().map(|latent| &mut latent.tariff),
        }
    }
}

/// The switch between both, above a page. False where the latent tariff is wanted and there is none: then what to do
/// about that is shown.
pub(super) fn switch(ui: &mut Ui, editing: &mut Editing<'_>, which: &mut Which, today: Date) -> bool {
    if let Some(place) = editing.go_to {
        *which = if place.starts_with("latent") { Which::Latent } else { Which::InForce };
    }
    let there = editing.document.latent.is_some();
    if there || editing.limits.latent || *which == Which::Latent {
        segmented(ui, "tariff", which, &[(Which::InForce, "In force"), (Which::Latent, "Latent")]);
        ui.add_space(4.0);
    }
    if *which == Which::InForce || there {
        return true;
    }
    let text = if editing.limits.latent {
        "A latent tariff waits in the meter and takes over by itself on a date. It begins as a copy of the one in force."
    } else {
        "The meter model holds no tariff beside the one in force."
    };
    let mut add = false;
    empty(ui, Icon::Clock, "No latent tariff", text, |ui| {
        let button = Act::primary("Add a latent tariff").icon(Icon::Plus).enabled(editing.limits.latent);
        add = ui.add(button).clicked();
    });
    if add {
        // The first of the month after next: near enough to be seen, late enough to be written.
        let first = today.first_of_month().checked_add(2.months()).unwrap_or(today);
        let tariff = editing.document.tariff.clone();
        editing.document.latent = Some(Latent { activate_at: first.at(0, 0, 0, 0), tariff });
        name_step(ui, "add a latent tariff");
    }
    false
}

/// When the latent tariff takes over, and the way to be rid of it.
pub(super) fn activation(ui: &mut Ui, editing: &mut Editing<'_>, typed: &mut Option<String>) {
    let sought = editing.go_to == Some("latent.activate_at");
    let Some(latent) = &mut editing.document.latent else { return };
    let mut remove = false;
    ui.horizontal_top(|ui| {
        let shown = latent.activate_at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut text = typed.clone().unwrap_or_else(|| shown.clone());
        let parsed = text.trim().replace(' ', "T").parse::<jiff::civil::DateTime>();
        let remark = parsed.is_err().then_some(("write a date and a time such as 2027-04-01 00:00:00", true));
        let wrong = remark.is_some();
        let response = field(ui, "Takes over at, local time", remark, |ui| {
            text_field(ui, &mut text, "2027-04-01 00:00:00", 200.0, wrong)
        });
        if sought {
            response.request_focus();
            response.scroll_to_me(None);
        }
        if let Ok(at) = parsed
            && at != latent.activate_at
            && response.changed()
        {
            latent.activate_at = at;
            name_step(ui, "set when the latent tariff takes over");
        }
        *typed = response.has_focus().then_some(text);
        ui.vertical(|ui| {
            ui.add_space(19.0);
            remove = ui.add(Act::quiet("Remove the latent tariff").icon(Icon::Trash)).clicked();
        });
    });
    ui.label(secondary(ui, "Until then the tariff in force counts; from then on this one does."));
    if remove {
        editing.document.latent = None;
        name_step(ui, "remove the latent tariff");
    }
}
