//! At the right: what is wrong with the scheme, and what is on at a moment.

use egui::{Label, RichText, ScrollArea, Ui};
use jiff::civil::DateTime;

use crate::gui::context::AppCtx;
use crate::gui::data::SchemeFile;
use crate::gui::theme::{SIZES, mono, strong, tokens};
use crate::gui::widgets::{
    Act, Tone, badge, counted, field, key_value, secondary, section, small, text_field,
};
use crate::scheme::{Calendar, Document, Severity};

use super::register_title;

/// The side's own state.
#[derive(Debug, Default)]
pub(super) struct Side {
    at: String,
}

impl Side {
    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, file: &SchemeFile) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            problems(ui, cx, file);
            if let Some(document) = &file.document {
                ui.add_space(12.0);
                self.what_is_on(ui, cx, document);
            }
        });
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
                if let Some(colour) = super::register_colour(document, id) {
                    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(12.0), egui::Sense::hover());
                    ui.painter().rect_filled(rect, 2.0, colour);
                }
                ui.label(strong(register_title(document, id)));
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

fn problems(ui: &mut Ui, cx: &mut AppCtx, file: &SchemeFile) {
    let t = tokens(ui);
    let errors = file.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = file.problems.len() - errors;
    ui.horizontal(|ui| {
        ui.label(strong("Problems"));
        match (errors, warnings) {
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
    if file.problems.is_empty() {
        ui.label(small(ui, "Every check of the format and of the meter model's limits has passed."));
        return;
    }
    for problem in &file.problems {
        let ink = if problem.severity() == Severity::Error { t.bad.0 } else { t.warn.0 };
        section(ui, problem.code.word());
        ui.add(Label::new(RichText::new(&problem.message).color(ink)).wrap().selectable(true));
        let place = match problem.position {
            Some(position) => {
                format!("{}  line {}, column {}", problem.place, position.line, position.column)
            }
            None => problem.place.clone(),
        };
        ui.add(Label::new(mono(place).size(SIZES[0]).color(t.text_secondary.0)).wrap());
    }
    ui.add_space(4.0);
    if ui.add(Act::quiet("Copy problems").small()).clicked() {
        ui.copy_text(file.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        cx.notices.done(format!("Copied {} problems", file.problems.len()));
    }
}
