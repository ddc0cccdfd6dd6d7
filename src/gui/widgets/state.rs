//! The states of a page: empty, loading, failed; badges and bars.

use egui::{
    CornerRadius, FontFamily, FontId, Frame, Margin, Rect, Response, Role, ScrollArea, Sense, Ui, Vec2,
    WidgetInfo,
};

use crate::gui::theme::{Icon, SIZES, STRONG, strong, tokens};
use crate::model::{Blame, Fault};

use super::{Act, Tone, secondary};

/// A short word on a coloured ground.
pub fn badge(ui: &mut Ui, text: &str, tone: Tone) -> Response {
    let (ink, ground) = tone.colours(ui);
    let font = FontId::new(SIZES[0] - 0.5, FontFamily::Name(STRONG.into()));
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, ink);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(galley.size().x + 12.0, 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().rect_filled(rect, CornerRadius::same(4), ground);
    let at = rect.center() - galley.size() / 2.0;
    ui.painter().galley(at, galley, ink);
    response
}

/// A page with nothing on it yet: what it is for, and what to do.
pub fn empty(ui: &mut Ui, icon: Icon, title: &str, text: &str, actions: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    let above = (ui.available_height() * 0.28).min(180.0);
    ui.add_space(above);
    ui.vertical_centered(|ui| {
        ui.spacing_mut().item_spacing.y = 8.0;
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(48.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 24.0, t.sunken.0);
        icon.paint(ui.painter(), rect, 22.0, t.text_secondary.0);
        ui.label(strong(title).size(15.0));
        let words = Vec2::new(ui.available_width().min(440.0), 0.0);
        ui.allocate_ui_with_layout(words, egui::Layout::top_down(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(secondary(ui, text)).wrap());
        });
        ui.add_space(8.0);
        actions(ui);
    });
}

/// A card on an empty window: what stands before all pages. It scrolls where the window is too low.
pub fn lone_card(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space((ui.ctx().content_rect().height() * 0.2).clamp(16.0, 180.0));
        ui.vertical_centered(|ui| {
            let frame = Frame::new()
                .fill(t.surface.0)
                .stroke(egui::Stroke::new(1.0, t.border.0))
                .corner_radius(CornerRadius::same(8))
                .inner_margin(Margin::same(24));
            frame.show(ui, |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = 12.0;
                ui.vertical(contents);
            });
        });
        ui.add_space(16.0);
    });
}

/// A dialog's margin, and a little of what is behind it.
const AROUND_A_DIALOG: f32 = 28.0;

/// A dialog over everything else: wide margins, dimmed behind, closed by Esc. Where the window is too low it scrolls.
pub fn dialog_window<T>(
    ui: &Ui,
    name: &str,
    width: f32,
    contents: impl FnOnce(&mut Ui) -> T,
) -> egui::ModalResponse<T> {
    let t = tokens(ui);
    let frame = Frame::new()
        .fill(t.surface.0)
        .stroke(egui::Stroke::new(1.0, t.border.0))
        .corner_radius(CornerRadius::same(8))
        .shadow(ui.visuals().window_shadow)
        .inner_margin(Margin::same(20));
    let behind = egui::Color32::from_black_alpha(if ui.visuals().dark_mode { 150 } else { 90 });
    egui::Modal::new(egui::Id::unique(name)).frame(frame).backdrop_color(behind).show(ui.ctx(), |ui| {
        let room = ui.ctx().content_rect().size() - Vec2::splat(2.0 * AROUND_A_DIALOG);
        ui.set_width(width.min(room.x));
        // Not the height of the last frame: what scrolls within would grow into its place frame by frame.
        ui.set_max_height(room.y);
        ScrollArea::vertical().id_salt("dialog").auto_shrink([false, true]).show(ui, contents).inner
    })
}

/// Height that a dialog has for what scrolls in it, beside so much of all else and so many faults that it tells.
#[must_use]
pub fn room_in_dialog(ui: &Ui, all_else: f32, faults: usize) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "one or two")]
    let told = faults as f32 * 96.0;
    (ui.ctx().content_rect().height() - all_else - told).max(160.0)
}

/// A few grey lines where text will be.
pub fn loading(ui: &mut Ui, what: &str) {
    let t = tokens(ui);
    ui.add_space(4.0);
    let (rect, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width().min(320.0), 60.0), Sense::hover());
    let name = format!("Loading {what}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    for (row, part) in [0.9, 0.6, 0.75].into_iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "three rows")]
        let top = rect.top() + row as f32 * 20.0;
        let bar = Rect::from_min_size(egui::pos2(rect.left(), top), Vec2::new(rect.width() * part, 10.0));
        ui.painter().rect_filled(bar, CornerRadius::same(3), t.sunken.0);
    }
}

/// Something that went wrong, for [`problem`].
pub struct Problem<'a> {
    /// What went wrong.
    pub title: &'a str,
    /// How, and what to try.
    pub text: &'a str,
    /// What *Copy details* puts on the clipboard.
    pub details: String,
    /// How grave.
    pub tone: Tone,
}

/// Something that went wrong, with *Copy details*.
pub fn problem(ui: &mut Ui, problem: &Problem<'_>) {
    let (ink, ground) = problem.tone.colours(ui);
    Frame::new()
        .fill(ground)
        .corner_radius(CornerRadius::same(6))
        .inner_margin(Margin::symmetric(12, 10))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(Vec2::new(18.0, 20.0), Sense::hover());
                Icon::Warning.paint(ui.painter(), rect, 15.0, ink);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    ui.label(strong(problem.title).color(ink));
                    if !problem.text.is_empty() {
                        ui.label(problem.text);
                    }
                    if !problem.details.is_empty()
                        && ui.add(Act::quiet("Copy details").icon(Icon::Copy).small()).clicked()
                    {
                        ui.copy_text(problem.details.clone());
                    }
                });
            });
        });
}

/// Whose fault it was, as a person would say it.
#[must_use]
pub const fn blame_words(blame: Blame) -> &'static str {
    match blame {
        Blame::Line => "The line",
        Blame::Meter => "The meter",
        Blame::User => "What was asked for",
        Blame::Internal => "This program",
    }
}

/// Most characters of a failure that are shown.
const MOST_TOLD: usize = 400;

/// A failure: whose fault, what happened, what to try.
pub fn fault_panel(ui: &mut Ui, fault: &Fault) {
    // What is longer than a line or two is for who looks into it: it goes with the details.
    let line = fault.message.lines().next().unwrap_or_default();
    let short: String = line.chars().take(MOST_TOLD).collect();
    let more = if short.len() < fault.message.len() { "…" } else { "" };
    let title = format!("{}: {short}{more}", blame_words(fault.blame));
    let text = if fault.advice.is_empty() { String::new() } else { format!("What to try: {}", fault.advice) };
    let details = format!("fault: {}\n{}\n{}", fault.blame.name(), fault.message, fault.advice);
    problem(ui, &Problem { title: &title, text: &text, details, tone: Tone::Bad });
}

/// How far something is, from 0 to 1; nothing where that is not known.
pub fn progress_bar(ui: &mut Ui, part: Option<f32>, width: f32, name: &str) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 6.0), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = part.map(f64::from);
        info
    });
    ui.painter().rect_filled(rect, CornerRadius::same(3), t.sunken.0);
    let part = part.unwrap_or(0.0).clamp(0.0, 1.0);
    if part > 0.0 {
        let bar = Rect::from_min_size(rect.min, Vec2::new((rect.width() * part).max(4.0), rect.height()));
        ui.painter().rect_filled(bar, CornerRadius::same(3), t.accent.0);
    }
    response
}
