//! The rail at the left: the managers and the lists, and below them what serves all.

use egui::{
    Align2, CornerRadius, FontFamily, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo,
};

use crate::gui::context::{Command, Page};
use crate::gui::theme::{Icon, SIZES, STRONG, tokens};

/// Its width.
pub(crate) const WIDTH: f32 = 72.0;

const ENTRIES: [(Page, Icon, &str, &str); 8] = [
    (Page::Schemes, Icon::Schemes, "Schemes", "Ctrl+1"),
    (Page::Meters, Icon::Meters, "Meters", "Ctrl+2"),
    (Page::Readings, Icon::Readings, "Readings", "Ctrl+3"),
    (Page::Lists, Icon::Lists, "Lists", "Ctrl+5"),
    (Page::Firmware, Icon::Firmware, "Firmware", "Ctrl+6"),
    (Page::Templates, Icon::Template, "Templates", "Ctrl+7"),
    (Page::Trace, Icon::Trace, "Trace", "Ctrl+4"),
    (Page::Settings, Icon::Settings, "Settings", "Ctrl+,"),
];

/// An entry's height, and the least that keeps icon and word apart.
const HEIGHT: f32 = 56.0;
const LEAST_HEIGHT: f32 = 44.0;

/// Draws the rail; gives what was chosen.
pub(crate) fn rail(ui: &mut Ui, current: Page, detached: &dyn Fn(Page) -> bool) -> Option<Command> {
    let mut command = None;
    let spacing = Vec2::new(0.0, 4.0);
    ui.spacing_mut().item_spacing = spacing;
    ui.add_space(8.0);
    let (managers, others) = ENTRIES.split_at(6);
    // In a low window, or at a large scale, the entries stand closer.
    let room = (ui.available_height() - 16.0) / 8.0 - spacing.y;
    let height = room.floor().clamp(LEAST_HEIGHT, HEIGHT);
    let mut draw = |ui: &mut Ui, (page, icon, word, shortcut): (Page, Icon, &str, &str)| {
        let response = entry(ui, (page, icon, word), height, page == current);
        if response.clicked() {
            command = Some(Command::Go(page));
        }
        let own = if detached(page) { "\nIt stands in a window of its own" } else { "" };
        response.on_hover_text(format!("{}  ({shortcut}){own}", page.title()));
    };
    for one in managers {
        draw(ui, *one);
    }
    let below = ui.available_height() - 2.0 * (height + spacing.y) - 8.0;
    ui.add_space(below.max(8.0));
    for one in others {
        draw(ui, *one);
    }
    command
}

fn entry(ui: &mut Ui, (page, icon, word): (Page, Icon, &str), height: f32, on: bool) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(WIDTH - 1.0, height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, page.title()));
    let plate = rect.shrink2(Vec2::new(5.0, 2.0));
    if on {
        ui.painter().rect_filled(plate, CornerRadius::same(6), t.accent_soft.0);
        let bar = Rect::from_min_size(
            egui::pos2(rect.left(), plate.top() + 10.0),
            Vec2::new(3.0, plate.height() - 20.0),
        );
        ui.painter().rect_filled(bar, CornerRadius::same(1), t.accent.0);
    } else if response.hovered() {
        ui.painter().rect_filled(plate, CornerRadius::same(6), t.hover.0);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(
            plate,
            CornerRadius::same(6),
            Stroke::new(2.0, t.accent.0),
            StrokeKind::Inside,
        );
    }
    let ink = if on { t.accent.0 } else { t.text_secondary.0 };
    let top = Rect::from_min_size(
        egui::pos2(plate.left(), plate.top() + 8.0 - (HEIGHT - height) / 2.0),
        Vec2::new(plate.width(), 20.0),
    );
    icon.paint(ui.painter(), top, 19.0, ink);
    let family = if on { FontFamily::Name(STRONG.into()) } else { FontFamily::Proportional };
    let at = egui::pos2(plate.center().x, plate.bottom() - 12.0);
    ui.painter().text(at, Align2::CENTER_CENTER, word, FontId::new(SIZES[0], family), ink);
    response
}
