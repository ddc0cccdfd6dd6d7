//! What was done with meters on the page *Program*: phases, remarks, the end, and what can be done next.

use egui::{Frame, Label, Margin, Ui};

use crate::comms::programming::kept;
use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{Act, Tone, badge, fault_panel, progress_bar, secondary};
use crate::model::{Fault, Step};

use super::program::{Doing, Run, schemes};
use super::proving::Wish;

/// What a person wants after a run.
pub(super) enum Next {
    Wish(Wish),
    Restore,
    Read,
}

/// Draws one.
pub(super) fn one_run(ui: &mut Ui, cx: &mut AppCtx, run: &mut Run) -> Option<Next> {
    let t = tokens(ui);
    let mut next = None;
    Frame::new().fill(t.canvas.0).corner_radius(6).inner_margin(Margin::symmetric(12, 10)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let title = match &run.doing {
            Doing::Write(identity) => format!("Write {identity} to {}", run.name),
            Doing::Restore(identity) => format!("Restore {identity} in {}", run.name),
            Doing::Read => format!("Read the scheme of {}", run.name),
        };
        ui.label(strong(title));
        if let Some(fault) = run.submission.refused() {
            fault_panel(ui, fault);
            return;
        }
        let Some(job) = run.submission.job() else {
            ui.label(secondary(ui, "Submitting"));
            return;
        };
        let Some(state) = cx.jobs.get(job).cloned() else {
            ui.label(secondary(ui, "Over; its result stands in the meter's history"));
            return;
        };
        let meter = state.meters.get(&Some(run.meter));
        phases(ui, meter.map_or(&[][..], |meter| meter.steps.as_slice()), state.ended.is_some());
        for remark in meter.iter().flat_map(|meter| &meter.remarks) {
            ui.add(Label::new(secondary(ui, format!("· {remark}"))).wrap().selectable(true));
        }
        let ended = meter.and_then(|meter| meter.ended.as_ref());
        match (ended, state.ended) {
            (Some((result, _)), _) => next = how_it_ended(ui, cx, run, result.fault.as_ref()),
            (None, Some(true)) => {
                badge(ui, "Cancelled before it began", Tone::Plain);
            }
            (None, _) => {
                let words = if state.cancelling { "Cancelling" } else { "Cancel" };
                if ui.add(Act::plain(words).small().enabled(!state.cancelling)).clicked() {
                    cx.command(Command::Cancel(job));
                }
            }
        }
        if ui.add(Act::quiet("Show what went over the line").small().icon(Icon::Trace)).clicked() {
            cx.command(Command::ShowTrace(job.0, Some(run.meter)));
        }
    });
    next
}

/// The phases so far, the last one running.
#[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
fn phases(ui: &mut Ui, steps: &[Step], is_over: bool) {
    let mut words: Vec<String> = Vec::new();
    for step in steps {
        let this = step.in_words();
        if words.last() != Some(&this) {
            words.push(this);
        }
    }
    let last = words.len().saturating_sub(1);
    for (at, phase) in words.iter().enumerate() {
        let is_done = at < last || is_over;
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
            let t = tokens(ui);
            let (icon, ink) = if is_done { (Icon::Check, t.good.0) } else { (Icon::Play, t.accent.0) };
            icon.paint(ui.painter(), rect, 12.0, ink);
            ui.label(if is_done { secondary(ui, phase) } else { strong(phase) });
        });
    }
    if !is_over {
        let part = steps.iter().rev().find_map(|step| match step {
            Step::Programming(phase) => Some(phase.part()),
            _ => None,
        });
        progress_bar(ui, Some(part.unwrap_or(0.0)), 220.0, "Programming");
    }
}

fn how_it_ended(ui: &mut Ui, cx: &mut AppCtx, run: &mut Run, fault: Option<&Fault>) -> Option<Next> {
    match fault {
        Some(fault) => fault_panel(ui, fault),
        None => {
            let words = match run.doing {
                Doing::Write(_) | Doing::Restore(_) => "Done: written, read back and equal",
                Doing::Read => "Done: read into the store",
            };
            badge(ui, words, Tone::Good);
        }
    }
    let stored = schemes(cx, run.meter);
    let mut next = None;
    ui.horizontal_wrapped(|ui| match run.doing {
        Doing::Read => {
            let read = stored.as_ref().and_then(|stored| stored.read.as_ref());
            let can = fault.is_none() && read.is_some();
            let words = if run.opened { "Opened as a new draft" } else { "Open it as a new draft" };
            if ui.add(Act::plain(words).icon(Icon::Edit).enabled(can && !run.opened)).clicked()
                && let Some(read) = read
            {
                match kept(read) {
                    Ok(document) => {
                        run.opened = true;
                        next = Some(Next::Wish(Wish::OpenDraft(Box::new(document))));
                    }
                    Err(fault) => cx.notices.failed(fault),
                }
            }
        }
        Doing::Write(_) | Doing::Restore(_) => {
            if ui.add(Act::plain("Read what now stands there").icon(Icon::Export)).clicked() {
                next = Some(Next::Read);
            }
            let can = stored
                .as_ref()
                .is_some_and(|stored| stored.stood.as_ref().is_some_and(|one| !one.scheme.is_empty()));
            let hint = if can {
                "Writes back the scheme that was read before the last write"
            } else {
                "No scheme can say what stood there before"
            };
            if ui
                .add(Act::plain("Restore what stood there…").icon(Icon::Refresh).enabled(can).hint(hint))
                .clicked()
            {
                next = Some(Next::Restore);
            }
        }
    });
    next
}
