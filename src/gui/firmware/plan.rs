//! Before a flash: the package, the meters that it is for, and how it comes into them.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Align, Frame, Layout, Margin, ScrollArea, Ui, Vec2};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::export::zone_of;
use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::data::{Load, PackageFile, Query};
use crate::gui::theme::Icon;
use crate::gui::widgets::{
    Act, Problem, Tone, empty, fault_panel, field, heading, loading, permitted, problem, secondary, section,
    segmented, text_field,
};
use crate::model::{CampaignPlan, FlashActivation, Right, Window};
use crate::store::MeterRow;

use super::Wish;
use super::confirm::Confirmation;
use super::package::inspection;
use super::runs::Runs;
use super::targets::Targets;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum When {
    #[default]
    Now,
    At,
    Never,
}

/// The plan as it is typed.
#[derive(Debug, Default)]
struct Draft {
    when: When,
    at: String,
    canary: String,
    wave: String,
    stop_after: String,
    stop_unreachable: String,
    window: String,
    downgrade: bool,
    reason: String,
    start_over: bool,
    short_backup: bool,
}

/// Height of the bar below the page.
const BAR: f32 = 48.0;

/// A package that may be used, with its meters and the plan as far as it makes sense.
struct Ready {
    file: Arc<PackageFile>,
    plan: Result<CampaignPlan, String>,
    meters: Vec<MeterRow>,
}

/// The page.
#[derive(Debug, Default)]
pub(super) struct PlanPage {
    /// The package's file.
    pub(super) file: Option<PathBuf>,
    draft: Draft,
    targets: Targets,
    confirmation: Option<Confirmation>,
}

/// A whole number from `least` on; nothing where nothing is written.
fn number(text: &str, least: u32) -> Result<Option<u32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("write a whole number from {least} on");
    text.parse().ok().filter(|number| *number >= least).map(Some).ok_or_else(wrong)
}

/// A number as it is typed, with what holds where none is.
/// Room for a number and what is said of it.
const NUMBER_WIDTH: f32 = 192.0;

/// A field among others of a row: what is said of an empty one does not shift the next, and a row that is full goes on
/// in the next.
fn cell(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let size = Vec2::new(NUMBER_WIDTH, 64.0);
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_min_width(NUMBER_WIDTH);
        contents(ui);
    });
}

fn number_field(ui: &mut Ui, name: &str, text: &mut String, least: u32, hint: &str) {
    let wrong = number(text, least).err();
    let remark = (wrong.as_deref().unwrap_or(hint), wrong.is_some());
    cell(ui, |ui| {
        field(ui, name, Some(remark), |ui| text_field(ui, text, "", NUMBER_WIDTH, wrong.is_some()));
    });
}

impl Draft {
    fn activation(&self, zone: &TimeZone, now: Timestamp) -> Result<FlashActivation, String> {
        match self.when {
            When::Now => Ok(FlashActivation::Now),
            When::Never => Ok(FlashActivation::Never),
            When::At => {
                let text = self.at.trim();
                let local = || text.replace(' ', "T").parse::<DateTime>().ok();
                let at = text.parse::<Timestamp>().ok().or_else(|| {
                    zone.to_ambiguous_zoned(local()?).compatible().ok().map(|zoned| zoned.timestamp())
                });
                let at = at.ok_or_else(|| "write a date and a time such as 2027-01-01 02:00".to_owned())?;
                if at <= now { Err("this time has gone by".to_owned()) } else { Ok(FlashActivation::At(at)) }
            }
        }
    }

    fn window(&self) -> Result<Option<Window>, String> {
        let text = self.window.trim();
        if text.is_empty() { Ok(None) } else { Window::parse(text, "").map(Some) }
    }

    fn plan(&self, zone: &TimeZone, now: Timestamp) -> Result<CampaignPlan, String> {
        let reason = self.reason.trim();
        if self.downgrade && reason.is_empty() {
            return Err("a downgrade wants its reason in words".to_owned());
        }
        Ok(CampaignPlan {
            canary: number(&self.canary, 0)?.unwrap_or(0),
            wave: number(&self.wave, 1)?,
            stop_after: number(&self.stop_after, 0)?,
            stop_unreachable: number(&self.stop_unreachable, 0)?,
            window: self.window()?,
            activation: self.activation(zone, now)?,
            downgrade: self.downgrade.then(|| reason.to_owned()),
            start_over: self.start_over,
            short_backup: self.short_backup,
            restart_seconds: None,
        })
    }

    fn ui(&mut self, ui: &mut Ui, zone: &TimeZone, now: Timestamp, no_override: Option<&str>) {
        section(ui, "Waves");
        ui.horizontal_wrapped(|ui| {
            number_field(ui, "Canary group", &mut self.canary, 0, "No group goes first");
            number_field(ui, "Meters of a wave", &mut self.wave, 1, "All that are left at once");
            let wrong = self.window().err();
            let hint = format!("Such as 22:00-05:00, {}", TimeZone::system().iana_name().unwrap_or("local"));
            let remark = (wrong.as_deref().unwrap_or(&hint), wrong.is_some());
            let text = &mut self.window;
            cell(ui, |ui| {
                field(ui, "Maintenance window", Some(remark), |ui| {
                    text_field(ui, text, "Always", NUMBER_WIDTH, wrong.is_some())
                });
            });
        });
        section(ui, "Begin no further meter");
        ui.horizontal_wrapped(|ui| {
            let hint = "None with a canary group, else never";
            number_field(ui, "Stop after failures", &mut self.stop_after, 0, hint);
            let hint = "Never: it says nothing of the image";
            number_field(ui, "Stop after unreachable", &mut self.stop_unreachable, 0, hint);
        });
        section(ui, "When the image takes over");
        ui.horizontal_wrapped(|ui| {
            let choices = [(When::Now, "Once verified"), (When::At, "At a time"), (When::Never, "Never")];
            segmented(ui, "activation", &mut self.when, &choices);
            if self.when == When::At {
                let wrong = self.activation(zone, now).err();
                let remark = wrong.as_deref().map(|words| (words, true));
                let title = format!("Time, {}", zone.iana_name().unwrap_or("local"));
                field(ui, &title, remark, |ui| {
                    text_field(ui, &mut self.at, "2027-01-01 02:00", 200.0, wrong.is_some())
                });
            }
        });
        section(ui, "Exceptions");
        ui.checkbox(&mut self.short_backup, "Short backup: registers, clock and scheme, no profile");
        ui.checkbox(&mut self.start_over, "Give up what another package left half in a meter");
        self.downgrade &= no_override.is_none();
        permitted(ui, no_override, |ui| {
            ui.checkbox(&mut self.downgrade, "Let an older version replace a later one (administrator)")
        });
        if self.downgrade {
            let wrong = self.reason.trim().is_empty();
            let remark = "It goes into the audit chain with your name";
            field(ui, "Reason for the downgrade", Some((remark, wrong)), |ui| {
                text_field(ui, &mut self.reason, "", 440.0, wrong)
            });
        }
    }
}

impl PlanPage {
    /// Whether the question is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.confirmation.is_some()
    }

    /// The meters are those that are selected.
    pub(super) fn take_selection(&mut self) {
        self.targets = Targets::default();
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, runs: &mut Runs) -> Option<Wish> {
        let Some(path) = self.file.clone() else {
            let text = "A package holds an image, what it is for, and the signature of whoever answers for it. Nothing is sent before you have confirmed.";
            empty(ui, Icon::Firmware, "No package is chosen", text, |ui| {
                if ui.add(Act::primary("Choose a package…").icon(Icon::Folder)).clicked() {
                    cx.command(Command::ChoosePackage);
                }
            });
            return None;
        };
        let (mut wish, mut ready) = (None, None);
        // What the page is for stays in sight, however long the list of meters is.
        let height = ui.available_height() - BAR;
        let page = ScrollArea::vertical().id_salt("plan a flash").auto_shrink(false).max_height(height);
        page.show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 6.0;
                ui.horizontal(|ui| heading(ui, "Plan a flash"));
                match cx.data.package(cx.backend.as_ref(), &Query::Package(path)) {
                    Load::Loading => loading(ui, "the package"),
                    Load::Failed(reason) => {
                        let title = "The package cannot be opened";
                        let details = reason.clone();
                        problem(ui, &Problem { title, text: &reason, details, tone: Tone::Bad });
                        if ui.add(Act::primary("Choose another package…").icon(Icon::Folder)).clicked() {
                            cx.command(Command::ChoosePackage);
                        }
                    }
                    Load::Ready(file) => {
                        wish = inspection(ui, cx, &file);
                        // Only a package that may be used has meters.
                        if file.verdict.is_ok() {
                            ready = self.rest(ui, cx, runs, &file);
                        }
                    }
                }
            });
        });
        if let Some(ready) = ready {
            Frame::new()
                .inner_margin(Margin::symmetric(16, 8))
                .show(ui, |ui| self.actions(ui, cx, runs, ready));
        }
        self.ask(ui, cx, runs);
        wish
    }

    fn rest(&mut self, ui: &mut Ui, cx: &mut AppCtx, runs: &Runs, file: &Arc<PackageFile>) -> Option<Ready> {
        let meters = self.targets.ui(ui, cx, file, self.draft.downgrade)?;
        let zone = meters.first().map_or_else(|| cx.zone.clone(), |row| zone_of(&row.config));
        let now = (cx.now)();
        let no_override = cx.why_not(Right::OverrideDowngrade);
        self.draft.ui(ui, &zone, now, no_override.as_deref());
        if let Some(fault) = &runs.refused {
            fault_panel(ui, fault);
        }
        Some(Ready { file: Arc::clone(file), plan: self.draft.plan(&zone, now), meters })
    }

    fn actions(&mut self, ui: &mut Ui, cx: &mut AppCtx, runs: &Runs, ready: Ready) {
        let Ready { file, plan, meters } = ready;
        ui.horizontal(|ui| {
            let words = match meters.as_slice() {
                [one] => format!("Flash {}…", one.config.name),
                many => format!("Flash {} meters…", many.len()),
            };
            let is_busy = runs.is_submitting() || runs.is_running(cx, &file.package.id());
            let is_ready = plan.is_ok() && !meters.is_empty() && !is_busy;
            let flash = Act::primary(&words).icon(Icon::Firmware).enabled(is_ready);
            if ui.add(flash.unless(cx.why_not(Right::Flash))).clicked()
                && let Ok(plan) = &plan
            {
                self.confirm(&file, plan, meters);
            }
            match &plan {
                Err(wrong) => {
                    ui.label(secondary(ui, wrong));
                }
                Ok(_) if is_busy => {
                    ui.label(secondary(ui, "A campaign of this package is under way"));
                }
                Ok(_) => {}
            }
            if ui.add(Act::quiet("Choose other meters").icon(Icon::Meters)).clicked() {
                cx.command(Command::Go(Page::Meters));
            }
        });
    }

    fn confirm(&mut self, file: &PackageFile, plan: &CampaignPlan, meters: Vec<MeterRow>) {
        self.confirmation = Some(Confirmation::new(Arc::clone(&file.package), plan.clone(), meters));
    }

    fn ask(&mut self, ui: &Ui, cx: &AppCtx, runs: &mut Runs) {
        let Some(question) = &mut self.confirmation else { return };
        let Some(answer) = question.ui(ui, &cx.zone) else { return };
        if answer {
            runs.submit(cx, &question.package, question.ids(), &question.plan);
        }
        self.confirmation = None;
    }
}
