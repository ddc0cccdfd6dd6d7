//! A campaign as one page: how far it is, every meter's phase, what failed and why, and going on with it.

use std::path::PathBuf;

use egui::{Frame, Key, Label, Margin, Panel, ScrollArea, Ui, Vec2};

use crate::comms::{Edit, JobId};
use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::data::{CampaignFile, Load, Query};
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, counted, dialog_window, empty, fault_panel, heading, instant, key_value,
    loading, number, problem, progress_bar, secondary,
};
use crate::model::{CampaignState, FlashActivation, MeterId, Right};

use super::lines::{Kind, Line, count, lines};
use super::meters::minutes;
use super::runs::Runs;

/// Where the page is lower, it scrolls as a whole, and the table gets this height.
const LOW: f32 = 520.0;
const LOW_TABLE: f32 = 220.0;

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct CampaignPage {
    /// Where the package lies now, when it is not where it was.
    pub(super) file: Option<PathBuf>,
    /// What the table is narrowed to.
    pub(super) filter: Option<Kind>,
    /// The meter that is looked at.
    pub(super) chosen: Option<MeterId>,
    /// The question whether to call the campaign off is open.
    asks: bool,
    /// It is called off as soon as its job is over.
    leaving: bool,
}

/// What was pressed.
enum Wish {
    Pause(JobId),
    Resume,
    CallOff,
}

impl CampaignPage {
    /// Whether a dialog is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.asks
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, runs: &mut Runs, id: i64) {
        let margin = Margin::symmetric(16, 12);
        let campaign = match cx.data.campaign(cx.backend.as_ref(), &Query::Campaign(id)) {
            Load::Ready(campaign) => campaign,
            Load::Loading => {
                Frame::new().inner_margin(margin).show(ui, |ui| loading(ui, "the campaign"));
                return;
            }
            Load::Failed(reason) => {
                let title = "The campaign cannot be read";
                let problem_ = Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad };
                Frame::new().inner_margin(margin).show(ui, |ui| problem(ui, &problem_));
                return;
            }
        };
        let Some(campaign) = campaign.as_ref() else {
            empty(ui, Icon::Firmware, "There is no such campaign", "Choose one at the left.", |_| {});
            return;
        };
        let ids: Vec<MeterId> = campaign.lines.iter().map(|line| line.meter.meter).collect();
        let job = runs.job(cx, &campaign.row.package, &ids).cloned();
        let running = job.as_ref().filter(|job| job.ended.is_none());
        if self.leaving && running.is_none() {
            self.leaving = false;
            cx.edit(Edit::CallOffCampaign { id }, "The campaign is called off");
        }
        let all = lines(&campaign.lines, job.as_ref(), &campaign.row.plan, &cx.zone);
        let running = running.map(|job| (job.id, job.cancelling));
        let job = job.as_ref().map(|job| job.id);
        let mut wish = None;
        if ui.available_height() < LOW {
            ScrollArea::vertical().id_salt("low campaign").auto_shrink(false).show(ui, |ui| {
                wish = self.above(ui, cx, runs, campaign, &all, running);
                ui.allocate_ui(Vec2::new(ui.available_width(), LOW_TABLE), |ui| {
                    self.table(ui, &campaign.lines, &all);
                });
                self.below(ui, cx, campaign, &all, job);
            });
        } else {
            wish = self.above(ui, cx, runs, campaign, &all, running);
            let panel = Panel::bottom("meter of the campaign").frame(Frame::NONE);
            if self.looked_at(campaign).is_some() {
                panel.show(ui, |ui| self.below(ui, cx, campaign, &all, job));
            }
            self.table(ui, &campaign.lines, &all);
        }
        let called_off = self.ask(ui, campaign);
        match wish {
            Some(Wish::Pause(job)) => cx.command(Command::Cancel(job)),
            Some(Wish::Resume) => self.resume(cx, runs, campaign, ids),
            Some(Wish::CallOff) => self.asks = true,
            None => {}
        }
        if called_off {
            self.leaving = true;
            if let Some((job, _)) = running {
                cx.command(Command::Cancel(job));
            }
        }
    }

    /// What stands above the table.
    fn above(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        runs: &Runs,
        campaign: &CampaignFile,
        all: &[Line],
        running: Option<(JobId, bool)>,
    ) -> Option<Wish> {
        let margin = Margin::symmetric(16, 12);
        let above = Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 6.0;
            self.head(ui, cx, campaign, all);
            let wish = self.actions(ui, cx, runs, campaign, running);
            if let Some(fault) = &runs.refused {
                fault_panel(ui, fault);
            }
            self.filters(ui, all);
            wish
        });
        above.inner
    }

    fn head(&self, ui: &mut Ui, cx: &AppCtx, campaign: &CampaignFile, all: &[Line]) {
        let row = &campaign.row;
        let (failed, done) = (count(all, Kind::Failed), count(all, Kind::Done));
        let (running, waiting) = (count(all, Kind::Running), count(all, Kind::Waiting));
        let unreachable = count(all, Kind::Unreachable);
        ui.horizontal(|ui| {
            heading(ui, &format!("Version {} into {}", row.version, counted(all.len(), "meter")));
            let (word, tone) = match (row.state, running > 0) {
                (_, true) => ("Under way", Tone::Accent),
                (CampaignState::Done, _) if !row.reason.is_empty() => ("Called off", Tone::Plain),
                (CampaignState::Done, _) if failed == 0 => ("Done", Tone::Good),
                (CampaignState::Done, _) => ("Done, some refused", Tone::Warn),
                (CampaignState::Stopped, _) => ("Stopped", Tone::Bad),
                (CampaignState::Open, _) => ("Not finished", Tone::Warn),
            };
            badge(ui, word, tone);
        });
        let plan = &row.plan;
        let mut words = vec![format!("No. {}, begun {}", row.id, instant(row.began, &cx.zone))];
        if plan.canary > 0 {
            words.push(format!("canary group of {}", plan.canary));
        }
        if let Some(most) = plan.most_failures() {
            words.push(match most {
                0 => "stops when any fails".to_owned(),
                most => format!("stops when more than {most} fail"),
            });
        }
        if let Some(most) = plan.stop_unreachable {
            words.push(format!("stops when more than {most} cannot be reached"));
        }
        if let Some(window) = &plan.window {
            words.push(format!("only {window}"));
        }
        words.push(match plan.activation {
            FlashActivation::Now => "activated once verified".to_owned(),
            FlashActivation::Never => "not activated".to_owned(),
            FlashActivation::At(at) => format!("activated at {}", instant(at, &cx.zone)),
        });
        ui.add(Label::new(secondary(ui, words.join(" · "))).wrap());
        if !row.reason.is_empty() {
            ui.label(format!("The campaign was {}", row.reason));
        }
        let has = |(done, of): (u32, u32)| (u64::from(done), u64::from(of));
        let (blocks, of) =
            all.iter().map(|line| has(line.blocks)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        ui.horizontal_wrapped(|ui| {
            #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
            let part =
                if all.is_empty() { 0.0 } else { (done + failed + unreachable) as f32 / all.len() as f32 };
            progress_bar(ui, Some(part), 200.0, "Meters that are over");
            let mut counts = vec![format!("{done} done"), format!("{failed} failed")];
            if unreachable > 0 {
                counts.push(format!("{unreachable} not reached"));
            }
            counts.extend([format!("{running} running"), format!("{waiting} waiting")]);
            ui.label(counts.join(", "));
            if of > 0 {
                let (blocks, of) = (number(blocks), number(of));
                ui.label(secondary(ui, format!("{blocks} of {of} blocks begun")));
            }
            if let Some(seconds) = all.iter().filter_map(|line| line.seconds_left).max() {
                ui.label(secondary(ui, format!("{} left for the slowest", minutes(seconds))));
            }
        });
    }

    fn actions(
        &self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        runs: &Runs,
        campaign: &CampaignFile,
        running: Option<(JobId, bool)>,
    ) -> Option<Wish> {
        let row = &campaign.row;
        let mut wish = None;
        if let Some((job, cancelling)) = running {
            ui.horizontal(|ui| {
                let words = if cancelling { "Pausing" } else { "Pause" };
                let hint = "Stops after the block under way; every meter goes on from there";
                if ui.add(Act::plain(words).icon(Icon::Stop).enabled(!cancelling).hint(hint)).clicked() {
                    wish = Some(Wish::Pause(job));
                }
                if ui
                    .add(Act::quiet("Call off…").enabled(!cancelling).unless(cx.why_not(Right::Flash)))
                    .clicked()
                {
                    wish = Some(Wish::CallOff);
                }
            });
            return wish;
        }
        if row.state == CampaignState::Done {
            return None;
        }
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from(&row.file));
        let package = cx.data.package(cx.backend.as_ref(), &Query::Package(path));
        let trouble = match &package {
            Load::Loading => None,
            Load::Failed(reason) => Some(reason.clone()),
            Load::Ready(file) if file.package.id() != row.package => {
                Some("this is another package than the campaign began with".to_owned())
            }
            Load::Ready(file) => file.verdict.as_ref().err().map(ToString::to_string),
        };
        if let Some(trouble) = &trouble {
            let title = "It cannot go on without its package";
            problem(ui, &Problem { title, text: trouble, details: trouble.clone(), tone: Tone::Warn });
        }
        ui.horizontal(|ui| {
            if trouble.is_some() && ui.add(Act::primary("Choose the package…").icon(Icon::Folder)).clicked()
            {
                cx.command(Command::ChoosePackage);
            }
            let is_ready = trouble.is_none() && package.ready().is_some() && !runs.is_submitting();
            let hint = "What failed is tried again, what broke off goes on, what is done stays";
            let resume = Act::primary("Resume").icon(Icon::Play).enabled(is_ready).hint(hint);
            if trouble.is_none() && ui.add(resume.unless(cx.why_not(Right::Flash))).clicked() {
                wish = Some(Wish::Resume);
            }
            if ui.add(Act::plain("Call off…").unless(cx.why_not(Right::Flash))).clicked() {
                wish = Some(Wish::CallOff);
            }
        });
        wish
    }

    fn resume(&self, cx: &mut AppCtx, runs: &mut Runs, campaign: &CampaignFile, ids: Vec<MeterId>) {
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from(&campaign.row.file));
        if let Load::Ready(file) = cx.data.package(cx.backend.as_ref(), &Query::Package(path)) {
            runs.submit(cx, &file.package, ids, &campaign.row.plan);
        }
    }

    /// The meter that is looked at: the one that was chosen, or the only one.
    fn looked_at(&self, campaign: &CampaignFile) -> Option<usize> {
        let lines = &campaign.lines;
        let chosen = self.chosen.and_then(|id| lines.iter().position(|line| line.meter.meter == id));
        chosen.or_else(|| (lines.len() == 1).then_some(0))
    }

    /// All of the meter that is looked at.
    fn below(&self, ui: &mut Ui, cx: &mut AppCtx, campaign: &CampaignFile, all: &[Line], job: Option<JobId>) {
        let at = self.looked_at(campaign);
        let Some((meter, line)) = at.and_then(|at| campaign.lines.get(at).zip(all.get(at))) else { return };
        let frame = Frame::new().fill(tokens(ui).canvas.0).inner_margin(Margin::symmetric(16, 10));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.label(strong(&meter.meter.name));
            key_value(ui, "Phase", line.phase.in_words());
            if line.blocks.1 > 0 {
                key_value(ui, "Blocks", format!("{} of {}", number(line.blocks.0), number(line.blocks.1)));
            }
            if let Some(before) = &meter.version_before {
                key_value(ui, "Version before", before.as_str());
            }
            if let Some(after) = &meter.version_after {
                key_value(ui, "Version read back", after.as_str());
            }
            match &line.fault {
                Some(fault) => fault_panel(ui, fault),
                None => key_value(ui, "Result", line.result.as_str()),
            }
            ui.horizontal(|ui| {
                if ui.add(Act::quiet("Show the meter").small().icon(Icon::Meters)).clicked() {
                    cx.selection.only(meter.meter.meter);
                    cx.command(Command::Go(Page::Meters));
                }
                let trace = Act::quiet("Show what went over the line").small().icon(Icon::Trace);
                if let Some(job) = job
                    && ui.add(trace).clicked()
                {
                    cx.command(Command::ShowTrace(job.0, Some(meter.meter.meter)));
                }
            });
        });
    }

    /// The question before a campaign is called off; true when it was confirmed.
    fn ask(&mut self, ui: &Ui, campaign: &CampaignFile) -> bool {
        if !self.asks {
            return false;
        }
        let mut confirmed = false;
        let modal = dialog_window(ui, "call off", 440.0, |ui| {
            let words = format!("Call off campaign {}", campaign.row.id);
            ui.label(strong(format!("{words}?")).size(15.0));
            let text = "No further meter is begun, and it does not go on any more. Meters that are done keep their new version; blocks that others hold stay there, and a later campaign of this package goes on with them.";
            ui.add(Label::new(text).wrap());
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                confirmed = ui.add(Act::danger(&words)).clicked();
                let keep = ui.add(Act::plain("Keep it").shortcut("Esc"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    keep.request_focus();
                }
                if confirmed || keep.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                    self.asks = false;
                }
            });
        });
        if modal.should_close() {
            self.asks = false;
        }
        confirmed
    }
}
