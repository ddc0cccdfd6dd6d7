//! The first start: an empty store, and three ways to fill it.

use egui::{CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{permitted, secondary, small};

const CARD: Vec2 = Vec2::new(236.0, 156.0);

/// What to do with an empty store.
pub(crate) fn welcome(ui: &mut Ui, cx: &mut AppCtx) {
    let above = (ui.available_height() * 0.18).clamp(16.0, 160.0);
    ui.add_space(above);
    ui.vertical_centered(|ui| {
        ui.label(strong("This store holds no meters yet").size(22.0));
        ui.add_space(-2.0);
        ui.label(secondary(
            ui,
            "Connect to one that stands before you, bring a list, or look around with simulated meters.",
        ));
        ui.add_space(24.0);
        let gap = 16.0;
        let room = (ui.available_width() - gap * 4.0) / 3.0;
        // Narrow cards have their words in more lines.
        let size = if room < CARD.x { Vec2::new(room.max(144.0), CARD.y + 40.0) } else { CARD };
        let side = ((ui.available_width() - size.x * 3.0 - gap * 2.0) / 2.0).max(0.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            ui.add_space(side);
            let add = "Name it, say where it hangs, test the connection and read it.";
            card(
                ui,
                cx,
                size,
                &Card { icon: Icon::Plus, title: "Add a meter", text: add, foot: "Ctrl+N" },
                Command::AddMeter,
            );
            let demo = "200 virtual meters on this computer that speak the real protocol.";
            card(
                ui,
                cx,
                size,
                &Card { icon: Icon::Fleet, title: "Open the demo fleet", text: demo, foot: "" },
                Command::OpenDemo,
            );
            let import = "One meter a line; you see what will be added before it is.";
            let foot = "or drop the file here";
            card(
                ui,
                cx,
                size,
                &Card { icon: Icon::Import, title: "Import a CSV", text: import, foot },
                Command::ImportMeters,
            );
        });
    });
}

/// A way to fill the store.
struct Card {
    icon: Icon,
    title: &'static str,
    text: &'static str,
    foot: &'static str,
}

/// Draws a way; a click leaves its command.
fn card(ui: &mut Ui, cx: &mut AppCtx, size: Vec2, card: &Card, command: Command) {
    let why_not = cx.why_not_give(&command);
    let is_main = matches!(command, Command::AddMeter);
    let response = permitted(ui, why_not.as_deref(), |ui| drawn(ui, size, card, is_main));
    if response.clicked() {
        cx.command(command);
    }
}

fn drawn(ui: &mut Ui, size: Vec2, card: &Card, is_main: bool) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), card.title));
    let lively = response.hovered() || response.has_focus();
    let edge = if lively || is_main {
        Stroke::new(if lively { 2.0 } else { 1.0 }, t.accent.0)
    } else {
        Stroke::new(1.0, t.border.0)
    };
    ui.painter().rect(rect, CornerRadius::same(8), t.surface.0, edge, StrokeKind::Inside);
    let inner = rect.shrink(16.0);
    let mut child =
        ui.new_child(egui::UiBuilder::new().max_rect(inner).layout(egui::Layout::top_down(egui::Align::Min)));
    child.spacing_mut().item_spacing.y = 6.0;
    let (plate, _) = child.allocate_exact_size(Vec2::splat(32.0), Sense::hover());
    child.painter().rect_filled(plate, CornerRadius::same(8), t.accent_soft.0);
    card.icon.paint(child.painter(), plate, 18.0, t.accent.0);
    child.add_space(2.0);
    child.label(strong(card.title).size(14.0));
    child.label(secondary(&child, card.text));
    if !card.foot.is_empty() {
        child.label(small(&child, card.foot));
    }
    response
}
