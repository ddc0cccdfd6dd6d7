//! What the meter does when supply returns and its clock was lost.

use egui::{Label, Ui};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::secondary;
use crate::scheme::{ClockFailureResponse, say};

use super::failure_drawing::drawing;
use super::parts::{Spot, indented};

const WIDTH: f32 = 600.0;

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    ui.set_max_width(WIDTH.min(ui.available_width()));
    let spot = Spot::of(editing, "clock_failure");
    let intro = "Supply fails, and so does the battery that keeps the clock. When supply returns, the meter logs the time and date of the failure, and then does one of three things.";
    ui.add(Label::new(secondary(ui, intro)).wrap());
    let chosen = &mut editing.document.clock_failure;
    for (index, response) in ClockFailureResponse::ALL.iter().enumerate() {
        ui.add_space(8.0);
        let radio = ui.radio_value(chosen, *response, say::response(*response));
        if index == 0 {
            spot.show(radio);
        }
        ui.add_space(-4.0);
        indented(ui, |ui| {
            ui.add(Label::new(say::response_meaning(*response)).wrap());
            drawing(ui, *response, say::response_meaning(*response));
        });
    }
    spot.remarks(ui, None);
}
