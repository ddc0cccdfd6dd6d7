//! At the right: what is wrong with the scheme, and what is on at a moment.

use egui::{Label, Margin, RichText, Role, ScrollArea, Sense, StrokeKind, Ui, WidgetInfo};
use jiff::civil::DateTime;

use crate::gui::context::AppCtx;
use crate::gui::theme::{Icon, SIZES, mono, strong, tokens};
use crate::gui::widgets::{Act, Tone, badge, counted, field, key_value, secondary, small, text_field};
use crate::scheme::{Calendar, Document, Problem};

use super::draft::Draft;
use super::pattern::swatch;
use super::register_title;

/// Problems that are listed one by one.
const LISTED: usize = 100;

/// The side's own state.
#[derive(Debug, Default)]
pub(super) struct Side {
    at: String,
}

impl Side {
    /// Draws it; gives the place of a problem that was clicked.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        draft: Option<&Draft>,
        found: &[Problem],
    ) -> Option<String> {
        let mut clicked = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            clicked = problems(ui, cx, draft.is_some_and(Draft::is_checking), draft.is_some(), found);
            if let Some(draft) = draft {
                ui.add_space(12.0);
                self.what_is_on(ui, cx, &draft.document);
            }
        });
        clicked
    }

    fn what_is_on(&mut self, ui: &mut Ui, cx: &AppCtx, document: &Document) {
        ui.label(strong("What is on at…"));
        let now = (cx.now)();
        let calendar = match Calendar::new(document) {
            Ok(calendar) => calendar,
            Err(error) => {
                ui.label(RichText::new(error.to_string()).color(tokens(ui).bad.0));
                return;
            }
        };
        if self.at.is_empty() {
            self.at = calendar.clock().local(now).strftime("%Y-%m-%d %H:%M").to_string();
        }
        let typed = self.at.trim().replace(' ', "T").parse::<DateTime>();
        let remark = typed.as_ref().err().map(|_| ("write a date and a time such as 2026-12-25 18:30", true));
        let wrong = remark.is_some();
        let title = format!("Local time, {}", document.time_zone);
        let width = ui.available_width();
        field(ui, &title, remark, |ui| text_field(ui, &mut self.at, "2026-12-25 18:30", width, wrong));
        let Ok(local) = typed else { return };
        let rate = calendar.rate(calendar.clock().first_instant(local));
        ui.add_space(4.0);
        if rate.on.is_empty() {
            ui.label(RichText::new("No register is on").color(tokens(ui).bad.0));
        }
        for id in rate.on {
            ui.horizontal(|ui| {
                if super::register_colour(document, id).is_some() {
                    swatch(ui, document, id);
                }
                ui.add(Label::new(strong(register_title(document, id))).truncate());
                ui.label(secondary(ui, id));
            });
        }
        key_value(ui, "Day type", rate.day_type.unwrap_or("None").to_owned());
        key_value(ui, "Season", rate.season.unwrap_or("None").to_owned());
        if rate.special_day {
            badge(ui, "Special day", Tone::Plain);
        }
        if rate.latent {
            badge(ui, "Latent tariff", Tone::Plain);
        }
    }
}

fn problems(ui: &mut Ui, cx: &mut AppCtx, checking: bool, can_go: bool, found: &[Problem]) -> Option<String> {
    let errors = found.iter().filter(|problem| problem.is_error()).count();
    let warnings = found.len() - errors;
    ui.horizontal(|ui| {
        ui.label(strong("Problems"));
        match (errors, warnings) {
            (0, 0) if checking => {
                badge(ui, "Checking", Tone::Plain);
            }
            (0, 0) => {
                badge(ui, "None found", Tone::Good);
            }
            _ => {
                if errors > 0 {
                    badge(ui, &counted(errors, "error"), Tone::Bad);
                }
                if warnings > 0 {
                    badge(ui, &counted(warnings, "warning"), Tone::Warn);
                }
            }
        }
    });
    if found.is_empty() {
        ui.label(small(ui, "Every check of the format and of the meter model's limits has passed."));
        return None;
    }
    let mut clicked = None;
    for problem in found.iter().take(LISTED) {
        if one_problem(ui, problem, can_go) {
            clicked = Some(problem.place.clone());
        }
    }
    if found.len() > LISTED {
        ui.label(small(ui, format!("and {} more", found.len() - LISTED)));
    }
    ui.add_space(4.0);
    if ui.add(Act::quiet("Copy problems").small()).clicked() {
        ui.copy_text(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        cx.notices.done(format!("Copied {} problems", found.len()));
    }
    clicked
}

/// A problem as a card; true where it was clicked.
fn one_problem(ui: &mut Ui, problem: &Problem, can_go: bool) -> bool {
    let t = tokens(ui);
    let (ink, ground) = if problem.is_error() { (t.bad.0, t.bad_soft.0) } else { (t.warn.0, t.warn_soft.0) };
    let place = match problem.position {
        // In a document under the hands the place is what counts; lines are the file's.
        Some(position) if !can_go => {
            format!("{}  line {}, column {}", problem.place, position.line, position.column)
        }
        _ => problem.place.clone(),
    };
    let card = egui::Frame::new().inner_margin(Margin::symmetric(8, 4)).corner_radius(4.0).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        let grave = if problem.is_error() { "Error" } else { "Warning" };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(14.0), Sense::hover());
            Icon::Warning.paint(ui.painter(), rect, 12.0, ink);
            ui.label(strong(grave).size(SIZES[0]).color(ink));
            ui.label(small(ui, problem.code.word()));
        });
        ui.add(Label::new(RichText::new(&problem.message).color(ink)).wrap());
        ui.add(Label::new(mono(place).size(SIZES[0]).color(t.text_secondary.0)).wrap());
    });
    if !can_go {
        return false;
    }
    let rect = card.response.rect;
    let response = ui.interact(rect, card.response.id.with("go"), Sense::click());
    let name = format!("Go to {}: {}", problem.place, problem.message);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    if response.hovered() {
        ui.painter().rect_stroke(rect, 4.0, egui::Stroke::new(1.0, t.border_strong.0), StrokeKind::Inside);
        ui.ctx().set_cursor_icon(egui::CursorIcon::PointingHand);
    }
    if response.has_focus() {
        ui.painter().rect_filled(
            egui::Rect::from_x_y_ranges(rect.left()..=rect.left() + 3.0, rect.y_range()),
            1.0,
            ground,
        );
        ui.painter().rect_stroke(rect, 4.0, egui::Stroke::new(2.0, t.accent.0), StrokeKind::Inside);
    }
    response.on_hover_text("Go to the place").clicked()
}
