//! The bottom bar: what the communications thread does, and the drawer of jobs.

use egui::{Align, Layout, Panel, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo};

use crate::comms::JobId;
use crate::gui::context::{AppCtx, Command};
use crate::gui::jobs::JobState;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{Act, counted, number, progress_bar, secondary, small};

/// Its height.
pub(crate) const HEIGHT: f32 = 32.0;
/// Failures listed in the drawer for one job.
const MOST_FAILURES: usize = 200;

/// The bottom bar's own state.
#[derive(Debug, Default)]
pub(crate) struct Status {
    open: bool,
    unfolded: Option<JobId>,
}

impl Status {
    /// Opens or closes the drawer.
    pub(crate) fn toggle(&mut self) {
        self.open = !self.open;
    }

    /// Closes the drawer; false where it was closed.
    pub(crate) fn close(&mut self) -> bool {
        std::mem::take(&mut self.open)
    }

    /// The bar.
    pub(crate) fn bar(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let t = tokens(ui);
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            ui.add_space(12.0);
            let running: Vec<JobState> = cx.jobs.running().cloned().collect();
            let (dot, _) = ui.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
            let colour = if running.is_empty() { t.border_strong.0 } else { t.accent.0 };
            ui.painter().circle_filled(dot.center(), 4.0, colour);
            match running.as_slice() {
                [] => {
                    ui.label(small(ui, "No job is running"));
                }
                [job] => one_line(ui, cx, job),
                many => {
                    let (done, total) = many.iter().fold((0, 0), |(done, total), job| {
                        (done + job.done.0 + job.done.1, total + job.total)
                    });
                    ui.label(format!("{} jobs: {} of {}", many.len(), number(done), counted(total, "meter")));
                    #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
                    let part = done as f32 / total.max(1) as f32;
                    progress_bar(ui, Some(part), 160.0, "Progress of all jobs");
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(12.0);
                let icon = if self.open { Icon::ChevronDown } else { Icon::ChevronUp };
                let act =
                    Act::quiet("Jobs").icon(icon).small().shortcut("Ctrl+J").hint("Jobs of this session");
                if ui.add(act).clicked() {
                    self.toggle();
                }
                if let Some(last) = cx.jobs.newest().find(|job| job.ended.is_some()) {
                    let failed = last.done.1 > 0;
                    let colour = if failed { t.bad.0 } else { t.text_secondary.0 };
                    let text = format!("{}: {}", last.title, last.words());
                    ui.add(egui::Label::new(egui::RichText::new(text).size(11.5).color(colour)).truncate());
                }
            });
        });
    }

    /// The drawer, when it is open.
    pub(crate) fn drawer(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        if !self.open {
            return;
        }
        let t = tokens(ui);
        let frame = egui::Frame::new().fill(t.surface.0).inner_margin(egui::Margin::symmetric(16, 8));
        Panel::bottom("jobs").resizable(true).default_size(220.0).size_range(120.0..=480.0).frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(strong("Jobs"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.add(Act::icon_only(Icon::Cross, "Close the drawer").small().shortcut("Esc")).clicked() {
                        self.open = false;
                    }
                    if ui.add(Act::quiet("Clear finished").small()).clicked() {
                        cx.jobs.clear_ended();
                    }
                });
            });
            let jobs: Vec<JobState> = cx.jobs.newest().cloned().collect();
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                if jobs.is_empty() {
                    ui.add_space(8.0);
                    ui.label(secondary(ui, "Nothing has been done since the program was started. What was done before stands in each meter's history."));
                }
                for job in &jobs {
                    self.job(ui, cx, job);
                }
            });
        });
    }

    fn job(&mut self, ui: &mut Ui, cx: &mut AppCtx, job: &JobState) {
        let t = tokens(ui);
        let open = self.unfolded == Some(job.id);
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 28.0), Sense::click());
        let name = format!("Job {}: {}", job.id.0, job.title);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, &name));
        if response.hovered() || response.has_focus() {
            ui.painter().rect_filled(rect, egui::CornerRadius::same(4), t.hover.0);
        }
        if response.clicked() {
            self.unfolded = (!open).then_some(job.id);
        }
        let mut row = ui.new_child(
            egui::UiBuilder::new()
                .max_rect(rect.shrink2(Vec2::new(4.0, 0.0)))
                .layout(Layout::left_to_right(Align::Center)),
        );
        let (space, _) = row.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
        let fold = if open { Icon::ChevronDown } else { Icon::ChevronRight };
        fold.paint(row.painter(), space, 12.0, t.text_secondary.0);
        row.allocate_ui_with_layout(Vec2::new(280.0, 20.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(280.0);
            ui.add(egui::Label::new(&job.title).truncate());
        });
        progress_bar(&mut row, Some(job.part()), 120.0, "Progress");
        let colour = if job.done.1 > 0 { t.bad.0 } else { t.text_secondary.0 };
        row.label(egui::RichText::new(job.words()).color(colour));
        row.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if job.ended.is_none() {
                let act = Act::plain("Cancel").small().enabled(!job.cancelling);
                if ui.add(act).clicked() {
                    cx.command(Command::Cancel(job.id));
                }
            } else if ui.add(Act::quiet("Trace").icon(Icon::Trace).small()).clicked() {
                cx.command(Command::ShowTrace(job.id.0, None));
            }
        });
        if open {
            unfolded(ui, job);
        }
    }
}

fn one_line(ui: &mut Ui, cx: &mut AppCtx, job: &JobState) {
    ui.add(egui::Label::new(&job.title).truncate());
    progress_bar(ui, Some(job.part()), 160.0, "Progress of the job");
    ui.label(small(ui, job.words()));
    let cancel = Act::icon_only(Icon::Stop, "Cancel the job").small().enabled(!job.cancelling);
    if ui.add(cancel).clicked() {
        cx.command(Command::Cancel(job.id));
    }
}

fn unfolded(ui: &mut Ui, job: &JobState) {
    let t = tokens(ui);
    let indent = |ui: &mut Ui, add: &mut dyn FnMut(&mut Ui)| {
        ui.horizontal_top(|ui| {
            ui.add_space(28.0);
            ui.vertical(|ui| add(ui));
        });
    };
    let running: Vec<_> = job.meters.values().filter(|meter| meter.ended.is_none()).take(32).collect();
    let failures: Vec<_> = job.failures().take(MOST_FAILURES).collect();
    indent(ui, &mut |ui| {
        for meter in &running {
            let step = meter.steps.last().map(crate::model::Step::in_words).unwrap_or_default();
            ui.label(small(ui, format!("{}: {step}", meter.name)));
        }
        for (_, meter) in &failures {
            let Some((result, words)) = &meter.ended else { continue };
            ui.label(egui::RichText::new(format!("{}: {words}", meter.name)).color(t.bad.0));
            if let Some(fault) = result.fault.as_ref().filter(|fault| !fault.advice.is_empty()) {
                ui.label(small(ui, format!("What to try: {}", fault.advice)));
            }
        }
        if !failures.is_empty() && ui.add(Act::quiet("Copy details").icon(Icon::Copy).small()).clicked() {
            let lines = failures.iter().filter_map(|(_, meter)| {
                meter.ended.as_ref().map(|(_, words)| format!("{}\t{words}", meter.name))
            });
            ui.copy_text(lines.collect::<Vec<_>>().join("\n"));
        }
        if running.is_empty() && failures.is_empty() {
            ui.label(small(ui, "Every meter went well"));
        }
    });
}
