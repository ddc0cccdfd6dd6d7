//! At the left: the open schemes, and under the chosen one its pages.

use egui::{
    Align, Label, Layout, Rect, Response, RichText, Role, ScrollArea, Sense, Ui, UiBuilder, Vec2, WidgetInfo,
};

use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, ROW, SIZES, tokens};
use crate::gui::widgets::{Act, heading};
use crate::scheme::Problem;

use super::SchemeManager;
use super::opened::Opened;
use super::tab::Tab;

impl SchemeManager {
    /// Draws it.
    pub(super) fn list(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ui.horizontal(|ui| {
            ui.add_space(8.0);
            heading(ui, "Schemes");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                if ui.add(Act::icon_only(Icon::Folder, "Open a scheme…").shortcut("Ctrl+O")).clicked() {
                    cx.command(Command::ChooseScheme);
                }
                if ui.add(Act::icon_only(Icon::Plus, "New scheme…").shortcut("Ctrl+Shift+N")).clicked() {
                    cx.command(Command::NewScheme);
                }
            });
        });
        ui.add_space(4.0);
        let (mut choose, mut close, mut tab) = (None, None, None);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (at, opened) in self.open.iter().enumerate() {
                let on = at == self.chosen;
                let (clicked, closed) = scheme(ui, opened, on);
                if clicked {
                    choose = Some(at);
                }
                if closed {
                    close = Some(opened.key);
                }
                if on && let Some(draft) = opened.draft() {
                    let problems = draft.problems();
                    for (one, title) in Tab::ALL {
                        if page(ui, one, title, one == self.tab, &problems) {
                            tab = Some(one);
                        }
                    }
                    ui.add_space(4.0);
                }
            }
        });
        if let Some(at) = choose {
            self.chosen = at;
        }
        if let Some(one) = tab {
            self.tab = one;
        }
        if let Some(key) = close {
            self.ask_close(cx, key);
        }
    }
}

/// A row that can be chosen, with room for words in it.
fn row(ui: &mut Ui, height: f32, name: &str, role: Role, on: bool) -> (Rect, Response) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(role, true, on, name));
    if on {
        ui.painter().rect_filled(rect, 4.0, t.accent_soft.0);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, t.hover.0);
    }
    if response.has_focus() {
        let ring = egui::Stroke::new(2.0, t.accent.0);
        ui.painter().rect_stroke(rect, 4.0, ring, egui::StrokeKind::Inside);
    }
    (rect, response)
}

fn scheme(ui: &mut Ui, opened: &Opened, on: bool) -> (bool, bool) {
    let t = tokens(ui);
    let name = opened.name();
    let dirty = opened.is_dirty();
    let spoken = if dirty { format!("{name}, unsaved") } else { name.clone() };
    let (rect, response) = row(ui, 28.0, &spoken, Role::ListBoxOption, on);
    let inner = rect.shrink2(Vec2::new(8.0, 0.0));
    let mut row = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::right_to_left(Align::Center)));
    row.spacing_mut().item_spacing.x = 4.0;
    let close = row.add(Act::icon_only(Icon::Cross, &format!("Close {name}")).small()).clicked();
    if dirty {
        let (dot, _) = row.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
        row.painter().circle_filled(dot.center(), 3.5, t.accent.0);
    }
    row.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let ink = if on { t.accent.0 } else { t.text.0 };
        ui.add(Label::new(RichText::new(&name).color(ink)).truncate());
    });
    let place =
        opened.path.as_ref().map_or_else(|| "Not saved yet".to_owned(), |path| path.display().to_string());
    (response.on_hover_text(place).clicked() && !close, close)
}

fn page(ui: &mut Ui, tab: Tab, title: &str, on: bool, problems: &[Problem]) -> bool {
    let t = tokens(ui);
    let here = problems.iter().filter(|problem| Tab::of_place(&problem.place).0 == tab);
    let (errors, all) = here
        .fold((0usize, 0usize), |(errors, all), problem| (errors + usize::from(problem.is_error()), all + 1));
    let spoken = match (errors, all) {
        (0, 0) => title.to_owned(),
        (0, _) => format!("{title}, {all} to look at"),
        _ => format!("{title}, {errors} wrong"),
    };
    let (rect, response) = row(ui, ROW, &spoken, Role::TreeItem, on);
    let inner = Rect::from_min_max(rect.min + Vec2::new(20.0, 0.0), rect.max - Vec2::new(8.0, 0.0));
    let mut row = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::right_to_left(Align::Center)));
    if all > 0 {
        let ink = if errors > 0 { t.bad.0 } else { t.warn.0 };
        row.label(RichText::new(all.to_string()).size(SIZES[0]).color(ink));
        let (mark, _) = row.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
        Icon::Warning.paint(row.painter(), mark, 12.0, ink);
    }
    row.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let ink = if on { t.accent.0 } else { t.text.0 };
        ui.add(Label::new(RichText::new(title).color(ink)).truncate());
    });
    let shown =
        if tab == Tab::Year { response.on_hover_text("The whole year at a glance  (F8)") } else { response };
    shown.clicked()
}
