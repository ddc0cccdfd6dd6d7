//! What is wrong with a template, under the editor.

use egui::{Label, ScrollArea, Sense, Ui, Vec2};

use crate::gui::theme::ROW;
use crate::gui::widgets::{Tone, badge, secondary, small};
use crate::model::template::Problem;

/// Draws the problems; gives the one that was clicked.
pub(super) fn ui(ui: &mut Ui, found: &[Problem], is_checking: bool) -> Option<Problem> {
    let errors = found.iter().filter(|problem| problem.is_error()).count();
    let words = match (errors, found.len() - errors) {
        (0, 0) if is_checking => "Checking…".to_owned(),
        (0, 0) => "No problems".to_owned(),
        (0, warnings) => format!("{warnings} to look at"),
        (errors, 0) => format!("{errors} wrong"),
        (errors, warnings) => format!("{errors} wrong, {warnings} to look at"),
    };
    ui.label(small(ui, words));
    let mut chosen = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("template problems").auto_shrink(false).show_rows(
        ui,
        ROW,
        found.len(),
        |ui, shown| {
            for problem in found.get(shown).unwrap_or_default() {
                let line = ui.allocate_ui(Vec2::new(ui.available_width(), ROW), |ui| {
                    ui.horizontal_centered(|ui| {
                        let (word, tone) =
                            if problem.is_error() { ("Wrong", Tone::Bad) } else { ("Look", Tone::Warn) };
                        badge(ui, word, tone);
                        let place =
                            problem.position.map_or_else(String::new, |at| format!("line {} ", at.line));
                        ui.label(secondary(ui, format!("{place}{}", problem.pointer)));
                        let text = if problem.advice.is_empty() {
                            problem.message.clone()
                        } else {
                            format!("{}; {}", problem.message, problem.advice)
                        };
                        let label = Label::new(&text).truncate().sense(Sense::click());
                        ui.add(label).on_hover_text(text)
                    })
                    .inner
                });
                if line.inner.clicked() {
                    chosen = Some(problem.clone());
                }
            }
        },
    );
    chosen
}
