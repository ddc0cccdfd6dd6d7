//! Billing sets: the periods as the meter closed them.

use egui::{Frame, Margin, Panel, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo};

use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{ROW, tokens};
use crate::gui::widgets::loading;
use crate::model::BillingSet;

use super::axis::interval_end;
use super::profile::{failed, framed};
use super::{Subject, nothing, registers};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
    let sets = match cx.data.billing(cx.backend.as_ref(), &Query::Billing(subject.meter.id)) {
        Load::Ready(sets) => sets,
        Load::Loading => return framed(ui, |ui| loading(ui, "the billing sets")),
        Load::Failed(reason) => return framed(ui, |ui| failed(ui, &reason)),
    };
    let Some(newest) = sets.len().checked_sub(1) else {
        let text = "A meter closes a billing period at the dates in its scheme, or when it is told to.";
        return nothing(ui, cx, subject.meter.id, "No billing sets are stored of this meter", text);
    };
    let id = ui.scope_id().with(("billing set", subject.meter.id));
    let chosen = ui.data(|data| data.get_temp::<usize>(id)).unwrap_or(newest).min(newest);
    let t = tokens(ui);
    let frame = Frame::new().fill(t.surface.0).inner_margin(Margin::same(8));
    Panel::left("billing sets")
        .resizable(true)
        .default_size(220.0)
        .size_range(160.0..=360.0)
        .frame(frame)
        .show(ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for (at, set) in sets.iter().enumerate().rev() {
                    if entry(ui, subject, set, at == chosen) {
                        ui.data_mut(|data| data.insert_temp(id, at));
                    }
                }
            });
        });
    if let Some(set) = sets.get(chosen) {
        registers::table(ui, subject, &subject.view.billing(set));
    }
}

fn entry(ui: &mut Ui, subject: &Subject<'_>, set: &BillingSet, on: bool) -> bool {
    let t = tokens(ui);
    let text = format!("Ended {}", interval_end(set.at, subject.zone));
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW + 4.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &text));
    if on || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, if on { t.accent_soft.0 } else { t.hover.0 });
    }
    let ink = if on { t.accent.0 } else { t.text.0 };
    let at = egui::pos2(rect.left() + 8.0, rect.center().y);
    ui.painter().text(at, egui::Align2::LEFT_CENTER, &text, egui::FontId::proportional(13.0), ink);
    response.clicked()
}
