//! *Learn*: which meter, how far it is, how it ended.

use egui::{Key, Label, ScrollArea, Ui};

use crate::comms::{Job, JobId};
use crate::gui::context::{AppCtx, Command};
use crate::gui::submission::Submission;
use crate::gui::theme::{Icon, strong};
use crate::gui::widgets::{
    Act, dialog_window, fault_panel, field, progress_bar, secondary, small, text_field,
};
use crate::model::template::Proposal;
use crate::model::{Fault, MeterId, Step};

/// Meters that are offered at once.
const OFFERED: usize = 8;

/// What became of the dialog.
pub(super) enum Answer {
    Open,
    Closed,
    Learnt(Box<Proposal>),
}

/// A template is learnt from a meter.
pub(super) struct Learning {
    name: String,
    submission: Submission,
    proposal: Option<Box<Proposal>>,
}

impl Learning {
    /// For the meter that is selected.
    pub(super) fn new(cx: &mut AppCtx) -> Self {
        let selected = cx.selection.ids();
        let name = match selected.as_slice() {
            [only] => cx.meter(*only).map(|row| row.config.name).unwrap_or_default(),
            _ => String::new(),
        };
        cx.learnt = None;
        Self { name, submission: Submission::default(), proposal: None }
    }

    /// Draws it.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> Answer {
        self.submission.step(ui);
        let job = self.submission.job();
        if let Some((_, proposal)) = cx.learnt.take_if(|(learnt, _)| Some(*learnt) == job) {
            self.proposal = Some(proposal);
        }
        let state = job.and_then(|job| cx.jobs.get(job)).cloned();
        let is_over = state.as_ref().is_some_and(|state| state.ended.is_some());
        let fault = state.as_ref().and_then(|state| {
            let mut ended = state.meters.values().filter_map(|meter| meter.ended.as_ref());
            ended.find_map(|(result, _)| result.fault.clone())
        });
        if is_over
            && fault.is_none()
            && let Some(proposal) = self.proposal.take()
        {
            return Answer::Learnt(proposal);
        }
        let mut answer = Answer::Open;
        let modal = dialog_window(ui, "learn a template", 460.0, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            ui.label(strong("Learn a template from a meter").size(15.0));
            ui.label(secondary(ui, "Looks at all that a DLMS meter shows of itself: its objects, profiles, clock, tariff. Nothing is written to it, and nothing is stored. What no meter tells stays for you to fill in."));
            match (job, self.submission.is_waiting()) {
                (None, false) => self.ask(ui, cx, &mut answer),
                _ if is_over => self.over(ui, fault.as_ref(), &mut answer),
                _ => {
                    let steps =
                        state.iter().flat_map(|state| state.meters.values()).flat_map(|meter| &meter.steps);
                    running(ui, cx, job, steps.last());
                }
            }
        });
        let is_running = self.submission.is_waiting() || job.is_some() && !is_over;
        if modal.should_close() && !is_running { Answer::Closed } else { answer }
    }

    fn ask(&mut self, ui: &mut Ui, cx: &mut AppCtx, answer: &mut Answer) {
        let meters = cx.meters().ready().unwrap_or_default();
        let response =
            field(ui, "Meter", None, |ui| text_field(ui, &mut self.name, "Its name", 460.0, false));
        if ui.memory(|memory| memory.focused().is_none()) {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let wanted = self.name.trim().to_lowercase();
        let found: Option<MeterId> =
            meters.iter().find(|row| row.config.name.to_lowercase() == wanted).map(|row| row.id);
        if found.is_none() {
            ScrollArea::vertical().max_height(200.0).show(ui, |ui| {
                let close = meters.iter().filter(|row| row.config.name.to_lowercase().contains(&wanted));
                for row in close.take(OFFERED) {
                    if ui.add(Act::quiet(&row.config.name).small()).clicked() {
                        self.name.clone_from(&row.config.name);
                    }
                }
            });
            if meters.is_empty() {
                ui.label(secondary(
                    ui,
                    "There is no meter yet: add it with its line, address and authentication.",
                ));
            }
        } else {
            ui.label(small(ui, "Its line, address and authentication are as set in the Meter Manager."));
        }
        if let Some(fault) = self.submission.refused() {
            fault_panel(ui, fault);
        }
        ui.horizontal(|ui| {
            let begin = ui.add(Act::primary("Learn").icon(Icon::Search).enabled(found.is_some()));
            if let Some(meter) = found.filter(|_| begin.clicked() || entered) {
                self.submission = Submission::new(cx.backend.submit(Job::Learn { meter }));
            }
            if ui.add(Act::plain("Cancel").shortcut("Esc")).clicked() {
                *answer = Answer::Closed;
            }
        });
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            *answer = Answer::Closed;
        }
    }

    fn over(&mut self, ui: &mut Ui, fault: Option<&Fault>, answer: &mut Answer) {
        match fault {
            Some(fault) => fault_panel(ui, fault),
            None => {
                ui.label("It ended without a proposal.");
            }
        }
        ui.horizontal(|ui| {
            if let Some(proposal) = self.proposal.clone()
                && ui.add(Act::primary("Look at what was learnt")).clicked()
            {
                *answer = Answer::Learnt(proposal);
            }
            if ui.add(Act::plain("Try another meter")).clicked() {
                (self.submission, self.proposal) = (Submission::default(), None);
            }
            if ui.add(Act::plain("Close").shortcut("Esc")).clicked() {
                *answer = Answer::Closed;
            }
        });
    }
}

fn running(ui: &mut Ui, cx: &mut AppCtx, job: Option<JobId>, last: Option<&Step>) {
    #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
    let part = match last {
        Some(Step::Learning { done, of }) if *of > 0 => Some(*done as f32 / *of as f32),
        _ => None,
    };
    let words = last.map_or_else(|| "Waiting for the line".to_owned(), Step::in_words);
    progress_bar(ui, part, 460.0, &words);
    ui.add(Label::new(words).truncate());
    if ui.add(Act::plain("Cancel").icon(Icon::Stop)).clicked()
        && let Some(job) = job
    {
        cx.command(Command::Cancel(job));
    }
}
