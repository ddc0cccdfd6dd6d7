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
use super::tab::Tab;

/// Draws a page; those of a tariff are drawn elsewhere.
pub(super) fn ui(ui: &mut Ui, tab: Tab, editing: &mut Editing<'_>) {
    ui.spacing_mut().item_spacing.y = 8.0;
    match tab {
        Tab::Registers => registers::ui(ui, editing),
        Tab::Demand => demand::ui(ui, editing),
        Tab::Billing => billing::ui(ui, editing),
        Tab::Profile => profile::ui(ui, editing),
        Tab::Instrumentation => instrumentation::ui(ui, editing),
        Tab::Display => display::ui(ui, editing),
        Tab::Clock => clock::ui(ui, editing),
        Tab::ClockFailure => failure::ui(ui, editing),
        Tab::Transformers => transformers::ui(ui, editing),
        Tab::Outputs => outputs::ui(ui, editing),
        _ => identity::ui(ui, editing),
    }
}
