//! The pages of names and values: what a scheme is, what it counts, when it bills, what a meter does by itself.
//!
//! Each page changes `editing.document` in place, and only to what is a value: what is half typed stays in its field,
//! with what is wrong with it below.

mod billing;
mod clock;
mod demand;
mod demand_registers;
mod display;
mod energy_registers;
mod failure;
mod failure_drawing;
mod identity;
mod instrumentation;
mod outputs;
mod parts;
mod profile;
mod references;
mod registers;
mod rows;
mod sums;
#[cfg(test)]
mod tests;
mod transformers;
mod zones;

use egui::Ui;

use super::editing::Editing;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// Who it is, for which meter, in which time zone.
    Identity,
    /// Energy, demand and customer-defined registers.
    Registers,
    /// Integration period of demand.
    Demand,
    /// When billing periods end.
    Billing,
    /// Load profile.
    Profile,
    /// Instrumentation profile.
    Instrumentation,
    /// Display lists.
    Display,
    /// Daylight saving.
    Clock,
    /// What the meter does when its clock was lost.
    ClockFailure,
    /// Current and voltage transformers.
    Transformers,
    /// Pulse and relay outputs.
    Outputs,
}

impl Form {
    /// All of them, in the order of the file.
    pub(super) const ALL: [Self; 11] = [
        Self::Identity,
        Self::Registers,
        Self::Demand,
        Self::Billing,
        Self::Profile,
        Self::Instrumentation,
        Self::Display,
        Self::Clock,
        Self::ClockFailure,
        Self::Transformers,
        Self::Outputs,
    ];

    /// What a tab or a list calls it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Registers => "Registers",
            Self::Demand => "Demand",
            Self::Billing => "Billing",
            Self::Profile => "Load profile",
            Self::Instrumentation => "Instrumentation",
            Self::Display => "Display",
            Self::Clock => "Clock",
            Self::ClockFailure => "Clock failure",
            Self::Transformers => "Transformers",
            Self::Outputs => "Outputs",
        }
    }

    /// The page that shows a place of the document; nothing for a tariff's places.
    pub(super) fn of_place(place: &str) -> Option<Self> {
        let section = place.split(['.', '[']).next().unwrap_or_default();
        Some(match section {
            "identity" | "title" | "note" | "template" | "time_zone" => Self::Identity,
            "registers" => Self::Registers,
            "demand" => Self::Demand,
            "billing" => Self::Billing,
            "profile" => Self::Profile,
            "instrumentation" => Self::Instrumentation,
            "display" => Self::Display,
            "clock" => Self::Clock,
            "clock_failure" => Self::ClockFailure,
            "transformers" => Self::Transformers,
            "outputs" => Self::Outputs,
            _ => return None,
        })
    }

    /// Draws the page.
    pub(super) fn ui(self, ui: &mut Ui, editing: &mut Editing<'_>) {
        ui.spacing_mut().item_spacing.y = 8.0;
        match self {
            Self::Identity => identity::ui(ui, editing),
            Self::Registers => registers::ui(ui, editing),
            Self::Demand => demand::ui(ui, editing),
            Self::Billing => billing::ui(ui, editing),
            Self::Profile => profile::ui(ui, editing),
            Self::Instrumentation => instrumentation::ui(ui, editing),
            Self::Display => display::ui(ui, editing),
            Self::Clock => clock::ui(ui, editing),
            Self::ClockFailure => failure::ui(ui, editing),
            Self::Transformers => transformers::ui(ui, editing),
            Self::Outputs => outputs::ui(ui, editing),
        }
    }
}
