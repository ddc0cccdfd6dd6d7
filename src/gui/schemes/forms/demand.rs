//! Integration period of demand: blocks, or a period that slides on in steps.

use egui::{Rect, Role, Sense, Ui, Vec2, WidgetInfo};

use crate::gui::schemes::editing::Editing;
use crate::gui::theme::{SIZES, tokens};
use crate::gui::widgets::secondary;
use crate::scheme::DemandPeriod;

use super::parts::{Named, Spot, minutes, periods, pick};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of(editing, "demand.period_minutes");
    let choices = periods(&editing.limits.demand_periods_minutes);
    let demand = &mut editing.document.demand;
    let named = Named::Above("Integration period");
    if pick(ui, named, &spot, 240.0, &mut demand.period_minutes, &choices, minutes)
        && !demand.period_minutes.is_multiple_of(demand.sub_intervals.max(1))
    {
        demand.sub_intervals = 1;
    }
    let spot = Spot::of(editing, "demand.sub_intervals");
    let demand = &mut editing.document.demand;
    let period = demand.period_minutes;
    let divisors = (1..=period.min(60)).filter(|parts| period.is_multiple_of(*parts));
    let choices: Vec<(u32, String)> = divisors.map(|parts| (parts, steps(period, parts))).collect();
    let named = Named::Above("Kind of demand");
    pick(ui, named, &spot, 240.0, &mut demand.sub_intervals, &choices, |parts| format!("{parts} parts"));
    ui.add_space(8.0);
    drawing(ui, demand);
    ui.set_max_width(ui.available_width().min(560.0));
    ui.label(secondary(ui, words(demand)));
}

fn steps(period: u32, parts: u32) -> String {
    if parts == 1 {
        "Block: one period after another".to_owned()
    } else {
        format!("Sliding on every {}", minutes(&(period / parts)))
    }
}

fn words(demand: &DemandPeriod) -> String {
    let period = minutes(&demand.period_minutes);
    match demand.sub_intervals {
        0 | 1 => format!(
            "The energy of each {period} is averaged by itself, and the highest average is kept. A peak that lies across the end of a period is shared between two."
        ),
        parts => format!(
            "Every {} the average of the last {period} is taken, and the highest is kept. A peak is found wherever it lies.",
            minutes(&(demand.period_minutes / parts))
        ),
    }
}

/// Two periods of time, and below them the stretches that are averaged.
fn drawing(ui: &mut Ui, demand: &DemandPeriod) {
    const ROW: f32 = 12.0;
    let t = tokens(ui);
    let parts = demand.sub_intervals.clamp(1, 6);
    let bars = if parts == 1 { 2 } else { parts + 1 };
    #[allow(clippy::cast_precision_loss, reason = "seven bars at most")]
    let height = bars as f32 * ROW + 28.0;
    let (rect, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width().min(480.0), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, words(demand)));
    let axis = rect.top() + 16.0;
    let font = egui::FontId::proportional(SIZES[0]);
    for step in 0..=2_u8 {
        let x = rect.left() + f32::from(step) / 2.0 * (rect.width() - 2.0) + 1.0;
        ui.painter().vline(x, axis..=rect.bottom(), egui::Stroke::new(1.0, t.border.0));
        let text = format!("{} min", u32::from(step) * demand.period_minutes);
        let align = [egui::Align2::LEFT_TOP, egui::Align2::CENTER_TOP, egui::Align2::RIGHT_TOP];
        let align = align.get(usize::from(step)).copied().unwrap_or(egui::Align2::CENTER_TOP);
        ui.painter().text(egui::pos2(x, rect.top()), align, text, font.clone(), t.text_secondary.0);
    }
    for bar in 0..bars {
        #[allow(clippy::cast_precision_loss, reason = "seven bars at most")]
        let (bar, parts) = (bar as f32, parts as f32);
        let width = rect.width() / 2.0;
        let left = rect.left() + if parts > 1.5 { bar / parts * width } else { bar * width };
        let top = axis + 6.0 + bar * ROW;
        let place = Rect::from_min_size(egui::pos2(left + 1.0, top), Vec2::new(width - 2.0, ROW - 4.0));
        ui.painter().rect_filled(place, 2.0, t.accent.0);
    }
}
