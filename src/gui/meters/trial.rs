//! *Test connection*: what happened, step by step.

use egui::{CornerRadius, Frame, Margin, RichText, ScrollArea, Sense, Ui, Vec2};

use crate::comms::JobId;
use crate::gui::context::{AppCtx, Command};
use crate::gui::data::Later;
use crate::gui::submission::Submission;
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, Tone, badge, fault_panel, secondary};
use crate::model::{MeterId, Step};

/// A test of a connection.
#[derive(Debug, Default)]
pub(super) struct Trial(Submission);

impl Trial {
    /// A test was submitted.
    pub(super) fn begin(&mut self, submitted: Later<JobId>) {
        self.0 = Submission::new(submitted);
    }

    /// Whether its number has not come yet.
    #[must_use]
    pub(super) const fn is_waiting(&self) -> bool {
        self.0.is_waiting()
    }

    /// Whether it is under way.
    #[must_use]
    pub(super) fn running(&self, cx: &AppCtx) -> bool {
        let known = self.0.job().and_then(|job| cx.jobs.get(job));
        self.0.is_waiting() || known.is_some_and(|job| job.ended.is_none())
    }

    /// Draws what happened.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, meter: Option<MeterId>) {
        self.0.step(ui);
        let t = tokens(ui);
        let height = ui.available_height();
        Frame::new().fill(t.canvas.0).corner_radius(CornerRadius::same(6)).inner_margin(Margin::same(12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.set_min_height(height - 24.0);
            ui.label(strong("Test connection"));
            if let Some(fault) = self.0.refused() {
                fault_panel(ui, fault);
                return;
            }
            let Some(job) = self.0.job() else {
                ui.add_space(4.0);
                ui.label(secondary(ui, "Connects with the settings at the left and says here what happens: the line, the link, the association, the first answers. Nothing but its counters is stored."));
                return;
            };
            let state = cx.jobs.get(job).cloned();
            let progress = state.as_ref().and_then(|state| {
                state.meters.get(&meter).or_else(|| state.meters.values().next()).cloned()
            });
            ScrollArea::vertical().id_salt("trial").max_height(height - 56.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                ui.add_space(4.0);
                let Some(progress) = progress else {
                    ui.label(secondary(ui, "Waiting for the line"));
                    return;
                };
                let over = progress.ended.is_some();
                let failed = progress.failed();
                let last = progress.steps.len().saturating_sub(1);
                for (number, step) in progress.steps.iter().enumerate() {
                    let state = match (number == last && !over, number == last && failed) {
                        (true, _) => (Icon::More, t.accent.0),
                        (_, true) => (Icon::Cross, t.bad.0),
                        _ => (Icon::Check, t.good.0),
                    };
                    step_row(ui, step, state);
                }
                for remark in &progress.remarks {
                    ui.label(RichText::new(remark).size(SIZES[0]).color(t.warn.0));
                }
                if let Some((result, words)) = &progress.ended {
                    ui.add_space(8.0);
                    match &result.fault {
                        Some(fault) => fault_panel(ui, fault),
                        None => {
                            badge(ui, "The connection works", Tone::Good);
                            ui.add(egui::Label::new(words).wrap());
                        }
                    }
                    let counts = format!(
                        "{} exchanges, {} octets sent, {} received, {}.{} s",
                        result.exchanges,
                        result.bytes_sent,
                        result.bytes_received,
                        result.duration_ms / 1000,
                        result.duration_ms % 1000 / 100
                    );
                    ui.label(secondary(ui, counts).size(SIZES[0]));
                } else if ui.add(Act::plain("Cancel test").small()).clicked() {
                    cx.command(Command::Cancel(job));
                }
            });
        });
    }
}

fn step_row(ui: &mut Ui, step: &Step, (icon, ink): (Icon, egui::Color32)) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let (rect, _) = ui.allocate_exact_size(Vec2::new(16.0, 18.0), Sense::hover());
        icon.paint(ui.painter(), rect, 12.0, ink);
        ui.vertical(|ui| {
            ui.add(egui::Label::new(step.in_words()).wrap());
            if let Step::Retrying { reason, .. } = step {
                ui.add(egui::Label::new(secondary(ui, reason).size(SIZES[0])).wrap());
            }
        });
    });
}
