//! Into a meter and out of it: what will be done in words, the question that names the meters, how it goes and how it
//! ended, what now stands, and the way back.

use std::collections::VecDeque;

use egui::{Frame, Key, Label, Margin, Panel, ScrollArea, Ui};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::comms::Job;
use crate::comms::programming::{fits, foreseen, kept, restorable};
use crate::drivers::Activation;
use crate::export::zone_of;
use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::data::{Load, MeterSchemes, Query};
use crate::gui::submission::Submission;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{
    Act, Tone, badge, counted, dialog_window, empty, fault_panel, field, heading, instant, number, secondary,
    section, segmented, small, text_field,
};
use crate::model::{Catalogue, Fault, MeterId, Right};
use crate::scheme::{Document, compare};
use crate::store::MeterRow;

use super::program_runs::{Next, one_run};
use super::proving::{Subject, Wish};

/// Meters that are shown one by one.
const LISTED: usize = 12;
/// Runs that are kept on the page.
const KEPT: usize = 24;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum When {
    #[default]
    Now,
    At,
    Never,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Writes a scheme, by its identity.
    Write(String),
    /// Writes back what stood there.
    Restore(String),
    /// Reads the scheme.
    Read,
}

/// One meter's job.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) meter: MeterId,
    pub(super) name: String,
    pub(super) doing: Doing,
    pub(super) submission: Submission,
    /// Whether a scheme that was read has been opened as a draft.
    pub(super) opened: bool,
}

/// What is about to be written, to which meters: the question that is open.
#[derive(Debug)]
struct Question {
    meters: Vec<MeterRow>,
    document: Document,
    activation: Activation,
    restores: bool,
}

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct ProgramPage {
    when: When,
    at: String,
    question: Option<Question>,
    runs: VecDeque<Run>,
}

/// The serial number as it is told.
fn serial(meter: &MeterRow) -> String {
    meter.config.serial.as_ref().map_or_else(|| meter.config.name.clone(), Clone::clone)
}

fn named(meter: &MeterRow) -> String {
    match &meter.config.serial {
        Some(serial) => format!("{} ({serial})", meter.config.name),
        None => format!("{} (no serial number known)", meter.config.name),
    }
}

/// When it takes over in a sentence.
fn when_words(activation: Activation, zone: &TimeZone) -> String {
    match activation {
        Activation::Now => "Activate it at once and confirm it by reading. From then on the meter bills by it.".to_owned(),
        Activation::At(at) => format!(
            "Arm it for {}. Until then the tariff in force goes on; settings without a passive side are not written.",
            instant(at, zone)
        ),
        Activation::Never => "Leave it on the passive side. The tariff in force goes on until somebody activates the passive calendar; settings without a passive side are not written.".to_owned(),
    }
}

impl ProgramPage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) -> Option<Wish> {
        self.take_numbers(ui);
        let mut wish = None;
        let all = cx.meters().ready().unwrap_or_default();
        let ids = cx.selection.ids();
        let meters: Vec<MeterRow> = all.iter().filter(|meter| ids.contains(&meter.id)).cloned().collect();
        if !self.runs.is_empty() {
            let t = tokens(ui);
            let frame = Frame::new().fill(t.surface.0).inner_margin(Margin {
                left: 12,
                right: 16,
                top: 12,
                bottom: 12,
            });
            let panel =
                Panel::right("programming").resizable(true).default_size(400.0).size_range(300.0..=640.0);
            panel.frame(frame).show(ui, |ui| {
                ScrollArea::vertical().id_salt("programming runs").auto_shrink(false).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 6.0;
                    wish = self.progress(ui, cx, &all);
                });
            });
        }
        ScrollArea::vertical().id_salt("program page").auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 6.0;
                heading(ui, "Program a meter");
                if meters.is_empty() {
                    let text = "A scheme is written to the meters that are selected, and read from the one in focus. The selection is the same in every window.";
                    empty(ui, Icon::Meters, "No meter is selected", text, |ui| {
                        if ui.add(Act::primary("Choose meters").icon(Icon::Meters)).clicked() {
                            cx.command(Command::Go(Page::Meters));
                        }
                    });
                    return;
                }
                self.plan(ui, cx, subject, &meters);
                self.actions(ui, cx, subject, &meters);
            });
        });
        self.ask(ui, cx);
        wish
    }

    /// The activation that is chosen; nothing while its time makes no sense.
    fn activation(&self, zone: &TimeZone, now: Timestamp) -> Result<Activation, String> {
        match self.when {
            When::Now => Ok(Activation::Now),
            When::Never => Ok(Activation::Never),
            When::At => {
                let text = self.at.trim();
                let local = || text.replace(' ', "T").parse::<DateTime>().ok();
                let at = text.parse::<Timestamp>().ok().or_else(|| {
                    zone.to_ambiguous_zoned(local()?).compatible().ok().map(|zoned| zoned.timestamp())
                });
                let at = at.ok_or_else(|| "write a date and a time such as 2027-01-01 00:00".to_owned())?;
                if at <= now { Err("this time has gone by".to_owned()) } else { Ok(Activation::At(at)) }
            }
        }
    }

    fn plan(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>, meters: &[MeterRow]) {
        section(ui, "Meters");
        for meter in meters.iter().take(LISTED) {
            ui.horizontal_wrapped(|ui| {
                ui.label(strong(&meter.config.name));
                ui.label(meter.config.serial.as_deref().unwrap_or("no serial number known"));
                ui.label(small(ui, &meter.config.template));
                standing(ui, cx, subject.this.document, meter);
            });
        }
        if meters.len() > LISTED {
            ui.label(secondary(ui, format!("and {} more", number(meters.len() - LISTED))));
        }
        section(ui, "When it takes over");
        let zone = meters.first().map_or_else(|| cx.zone.clone(), |meter| zone_of(&meter.config));
        ui.horizontal_top(|ui| {
            let choices = [(When::Now, "Now"), (When::At, "At a time"), (When::Never, "By hand later")];
            segmented(ui, "activation", &mut self.when, &choices);
            if self.when == When::At {
                let wrong = self.activation(&zone, (cx.now)()).err();
                let remark = wrong.as_deref().map(|words| (words, true));
                let title = format!("Time, {}", zone.iana_name().unwrap_or("local"));
                field(ui, &title, remark, |ui| {
                    text_field(ui, &mut self.at, "2027-01-01 00:00", 200.0, wrong.is_some())
                });
            }
        });
        section(ui, "What will be done, meter by meter");
        let steps = [
            "Read who it is, its clock and everything of its tariff that stands there, and keep it in the store.".to_owned(),
            "Hold the scheme against the meter. What it cannot take is told; what would make another tariff of it ends here, with nothing written.".to_owned(),
            "Call off an activation that is due. Write masks, scripts and special days beside those in force, and the calendar to the passive side. Read all of it back and compare it bit by bit.".to_owned(),
            self.activation(&zone, (cx.now)()).map_or_else(|wrong| format!("Activation: {wrong}."), |activation| when_words(activation, &zone)),
            "Every write goes into the audit chain. A line that is cut leaves the old tariff or the new one, whole; the same again finishes it.".to_owned(),
        ];
        for (step, number) in steps.iter().zip(1..) {
            ui.horizontal_top(|ui| {
                ui.add_sized([16.0, 18.0], Label::new(strong(format!("{number}"))));
                ui.add(Label::new(step).wrap());
            });
        }
        self.left_out(ui, &cx.templates, subject.this.document, meters);
    }

    /// What the models of these meters have no object for.
    fn left_out(&self, ui: &mut Ui, templates: &Catalogue, document: &Document, meters: &[MeterRow]) {
        let mut names: Vec<&String> = meters.iter().map(|meter| &meter.config.template).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let Ok(template) = templates.shared(name) else { continue };
            let left_out = foreseen(document, &template);
            if !left_out.is_empty() {
                let text = format!("A meter of template {name} keeps as they are: {}.", left_out.join(", "));
                ui.label(small(ui, text));
            }
        }
    }

    fn actions(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>, meters: &[MeterRow]) {
        let document = subject.this.document;
        let now = (cx.now)();
        let today = now.to_zoned(cx.zone.clone()).date();
        let refusal = meters.iter().find_map(|meter| {
            fits(document, &meter.config, &cx.templates, today)
                .err()
                .map(|fault| format!("{}: {}", meter.config.name, fault.message))
        });
        if let Some(refusal) = &refusal {
            ui.add_space(4.0);
            fault_panel(
                ui,
                &Fault::user(
                    refusal.clone(),
                    "change the scheme, or select other meters; nothing was written",
                ),
            );
        }
        let zone = meters.first().map_or_else(|| cx.zone.clone(), |meter| zone_of(&meter.config));
        let activation = self.activation(&zone, now);
        let busy = meters.iter().any(|meter| cx.jobs.doing(meter.id).is_some());
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let words = match meters {
                [] => "Write…".to_owned(),
                [one] => format!("Write {} to {}…", document.identity, one.config.name),
                many => format!("Write {} to {}…", document.identity, counted(many.len(), "meter")),
            };
            let can = !meters.is_empty() && refusal.is_none() && activation.is_ok() && !busy;
            let write = Act::primary(&words).icon(Icon::Import).enabled(can);
            let write = ui.add(write.unless(cx.why_not(Right::WriteSchemes))).clicked();
            if let Ok(activation) = activation
                && write
            {
                let (meters, document) = (meters.to_vec(), document.clone());
                self.question = Some(Question { meters, document, activation, restores: false });
            }
            let focus = cx.selection.focus().and_then(|id| meters.iter().find(|meter| meter.id == id));
            let read = focus.map_or_else(
                || "Read a scheme".to_owned(),
                |meter| format!("Read the scheme of {}", meter.config.name),
            );
            let read = Act::plain(&read).icon(Icon::Export).enabled(focus.is_some() && !busy);
            if ui.add(read.unless(cx.why_not(Right::ReadMeters))).clicked()
                && let Some(meter) = focus
            {
                self.read(cx, meter);
            }
            if busy {
                ui.label(small(ui, "A selected meter is busy"));
            }
        });
    }

    fn start(&mut self, cx: &AppCtx, meter: &MeterRow, doing: Doing, job: Job) {
        while self.runs.len() >= KEPT {
            self.runs.pop_back();
        }
        let submission = Submission::new(cx.backend.submit(job));
        let name = named(meter);
        self.runs.push_front(Run { meter: meter.id, name, doing, submission, opened: false });
    }

    fn read(&mut self, cx: &AppCtx, meter: &MeterRow) {
        self.start(cx, meter, Doing::Read, Job::ReadScheme { meter: meter.id, reference: None });
    }

    /// Takes the numbers of jobs that were submitted.
    fn take_numbers(&mut self, ui: &Ui) {
        for run in &mut self.runs {
            run.submission.step(ui);
        }
    }

    /// The question before anything is written.
    fn ask(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let Some(question) = self.question.take() else { return };
        let mut answer = None;
        let modal = dialog_window(ui, "write a scheme", 520.0, |ui| {
            let what = if question.restores { "what stood there before" } else { "this scheme" };
            let title = match question.meters.as_slice() {
                [one] => format!("Write {what} to {}?", named(one)),
                many => format!("Write {what} to {}?", counted(many.len(), "meter")),
            };
            ui.label(strong(title).size(15.0));
            let document = &question.document;
            ui.label(format!("{} “{}”", document.identity, document.title));
            if question.meters.len() > 1 {
                for meter in question.meters.iter().take(LISTED) {
                    ui.label(format!("· {}", named(meter)));
                }
                if question.meters.len() > LISTED {
                    ui.label(secondary(ui, format!("and {} more", number(question.meters.len() - LISTED))));
                }
            }
            let zone = question.meters.first().map_or_else(TimeZone::system, |meter| zone_of(&meter.config));
            ui.label(secondary(ui, when_words(question.activation, &zone)));
            ui.label(secondary(
                ui,
                "What stands there now is read and kept first, so that it can be restored.",
            ));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let verb = if question.restores { "Restore" } else { "Write" };
                let words = match question.meters.as_slice() {
                    [one] => format!("{verb} {} to {}", document.identity, serial(one)),
                    many => format!("{verb} {} to {}", document.identity, counted(many.len(), "meter")),
                };
                if ui.add(Act::danger(&words)).clicked() {
                    answer = Some(true);
                }
                let cancel = ui.add(Act::plain("Write nothing").shortcut("Esc"));
                // Enter writes nothing: writing takes a deliberate move.
                if ui.memory(|memory| memory.focused().is_none()) {
                    cancel.request_focus();
                }
                if cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                    answer = Some(false);
                }
            });
        });
        if modal.should_close() {
            answer.get_or_insert(false);
        }
        match answer {
            None => self.question = Some(question),
            Some(false) => {}
            Some(true) => {
                for meter in &question.meters {
                    let identity = question.document.identity.clone();
                    let doing =
                        if question.restores { Doing::Restore(identity) } else { Doing::Write(identity) };
                    let scheme = Box::new(question.document.clone());
                    let job = Job::WriteScheme { meter: meter.id, scheme, activation: question.activation };
                    self.start(cx, meter, doing, job);
                }
            }
        }
    }

    fn progress(&mut self, ui: &mut Ui, cx: &mut AppCtx, meters: &[MeterRow]) -> Option<Wish> {
        ui.label(strong("What was done, newest first"));
        let mut wish = None;
        let mut restore = None;
        let mut read = None;
        for run in &mut self.runs {
            match one_run(ui, cx, run) {
                Some(Next::Wish(one)) => wish = Some(one),
                Some(Next::Restore) => restore = Some(run.meter),
                Some(Next::Read) => read = Some(run.meter),
                None => {}
            }
            ui.add_space(8.0);
        }
        let row = |id: MeterId| meters.iter().find(|meter| meter.id == id);
        if let Some(meter) = restore.and_then(row)
            && let Some(stored) = schemes(cx, meter.id)
        {
            match restorable(stored.stood.as_ref(), &meter.config.name) {
                Ok(document) => {
                    let (meters, activation) = (vec![meter.clone()], Activation::Now);
                    self.question = Some(Question { meters, document, activation, restores: true });
                }
                Err(fault) => cx.notices.failed(fault),
            }
        }
        if let Some(meter) = read.and_then(row) {
            self.read(cx, meter);
        }
        wish
    }
}

/// The schemes of a meter that are in the store.
pub(super) fn schemes(cx: &mut AppCtx, meter: MeterId) -> Option<std::sync::Arc<MeterSchemes>> {
    match cx.data.meter_schemes(cx.backend.as_ref(), &Query::MeterSchemes(meter)) {
        Load::Ready(schemes) => Some(schemes),
        Load::Loading | Load::Failed(_) => None,
    }
}

/// What is known to stand in a meter, held against the scheme.
fn standing(ui: &mut Ui, cx: &mut AppCtx, document: &Document, meter: &MeterRow) {
    let zone = cx.zone.clone();
    let Some(schemes) = schemes(cx, meter.id) else { return };
    let last = [("written", &schemes.written), ("read", &schemes.read)]
        .into_iter()
        .filter_map(|(words, scheme)| scheme.as_ref().map(|scheme| (words, scheme)))
        .max_by_key(|(_, scheme)| scheme.at);
    let Some((words, scheme)) = last else {
        badge(ui, "Its scheme was never read", Tone::Plain);
        return;
    };
    let when = instant(scheme.at, &zone);
    match kept(scheme).map(|stands| (compare(&stands, document).len(), stands.identity)) {
        Ok((0, _)) => badge(ui, &format!("The same as {words} {when}"), Tone::Good),
        Ok((some, identity)) => badge(
            ui,
            &format!("{} from {identity}, {words} {when}", counted(some, "difference")),
            Tone::Accent,
        ),
        Err(_) => badge(ui, &format!("{words} {when}, not to be compared"), Tone::Plain),
    };
}
