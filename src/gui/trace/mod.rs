//! What went over the line: each record with its time and direction, decoded by layer, and its octets.

mod records;

use egui::{Frame, Margin, Panel, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::model::MeterId;
use crate::store::JobRow;

use super::context::{AppCtx, Command, Page};
use super::data::{Load, Query};
use super::theme::{Icon, tokens};
use super::widgets::{Act, Problem, Tone, empty, heading, instant, loading, problem, small};

use records::Records;

/// The trace page.
#[derive(Default)]
pub(super) struct TracePage {
    job: Option<i64>,
    meter: Option<MeterId>,
    records: Records,
}

impl TracePage {
    /// Shows the traffic of a job, of one meter where it is named.
    pub(super) fn show(&mut self, job: i64, meter: Option<MeterId>) {
        self.job = Some(job);
        self.meter = meter;
        self.records = Records::default();
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let t = tokens(ui);
        let jobs = match cx.data.jobs(cx.backend.as_ref(), &Query::Jobs) {
            Load::Ready(jobs) => jobs,
            Load::Loading => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| loading(ui, "jobs"));
                return;
            }
            Load::Failed(reason) => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| failed(ui, &reason));
                return;
            }
        };
        if jobs.is_empty() {
            let text =
                "Every session with a meter leaves its traffic here, octet by octet, with secrets masked.";
            empty(ui, Icon::Trace, "No job has been run on this store", text, |ui| {
                if ui.add(Act::primary("Go to the Meter Manager").shortcut("Ctrl+2")).clicked() {
                    cx.command(Command::Go(Page::Meters));
                }
            });
            return;
        }
        let job = self
            .job
            .filter(|id| jobs.iter().any(|job| job.id == *id))
            .or_else(|| jobs.first().map(|job| job.id));
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 8, right: 8, top: 12, bottom: 8 });
        Panel::left("jobs of the store")
            .resizable(true)
            .default_size(256.0)
            .size_range(180.0..=420.0)
            .frame(frame)
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.add_space(8.0);
                    heading(ui, "Trace");
                });
                ui.add_space(4.0);
                ScrollArea::vertical().auto_shrink(false).show_rows(ui, 40.0, jobs.len(), |ui, shown| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for one in jobs.get(shown).unwrap_or_default() {
                        if entry(ui, cx, one, Some(one.id) == job) {
                            self.show(one.id, None);
                        }
                    }
                });
            });
        let Some(job) = job else { return };
        let inner = ui.available_rect_before_wrap();
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        match cx.data.trace(cx.backend.as_ref(), &Query::Trace(job)) {
            Load::Ready(traffic) => self.records.ui(ui, cx, job, &traffic, &mut self.meter),
            Load::Loading => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| loading(ui, "the traffic"));
            }
            Load::Failed(reason) => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| failed(ui, &reason));
            }
        }
    }
}

fn failed(ui: &mut Ui, reason: &str) {
    let title = "The trace cannot be read";
    problem(ui, &Problem { title, text: reason, details: reason.to_owned(), tone: Tone::Bad });
}

fn entry(ui: &mut Ui, cx: &AppCtx, job: &JobRow, on: bool) -> bool {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 40.0), Sense::click());
    let name = format!("Trace of job {}: {}", job.id, job.title);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &name));
    if on || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, if on { t.accent_soft.0 } else { t.hover.0 });
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 4.0, Stroke::new(2.0, t.accent.0), egui::StrokeKind::Inside);
    }
    let failed = job.results.iter().filter(|result| result.fault.is_some()).count();
    let words = match (job.ended, failed) {
        (None, _) => "not ended".to_owned(),
        (Some(_), 0) => "done".to_owned(),
        (Some(_), many) => format!("{many} failed"),
    };
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(Vec2::new(8.0, 3.0))));
    child.spacing_mut().item_spacing.y = 0.0;
    child.add(
        egui::Label::new(egui::RichText::new(&job.title).color(if on { t.accent.0 } else { t.text.0 }))
            .truncate(),
    );
    let ink = if failed > 0 { t.bad.0 } else { t.text_secondary.0 };
    let line = format!("{} · {words}", instant(job.submitted, &cx.zone));
    child.add(egui::Label::new(small(&child, line).color(ink)).truncate());
    response.clicked()
}
