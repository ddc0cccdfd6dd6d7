//! Dry runs off the frame.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use egui::Ui;

use crate::gui::context::AppCtx;
use crate::gui::widgets::{progress_bar, small};
use crate::scheme::{Bills, Document, DryRun, IntervalSeries, Prices, TimedEvent, bill, dry_run};

/// One scheme to be tried, with its prices where it has some.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::gui::schemes) struct Trial {
    /// The scheme.
    pub(in crate::gui::schemes) document: Document,
    /// What its registers cost.
    pub(in crate::gui::schemes) prices: Option<Prices>,
}

/// What came of one.
#[derive(Clone, Debug)]
pub(in crate::gui::schemes) struct Tried {
    /// The dry run.
    pub(in crate::gui::schemes) run: DryRun,
    /// The bills, or why there are none; nothing without prices.
    pub(in crate::gui::schemes) bills: Option<Result<Bills, String>>,
}

type Outcome = Result<Tried, String>;

#[derive(Debug)]
struct Asked {
    trials: Vec<Trial>,
    series: Arc<IntervalSeries>,
    events: Vec<TimedEvent>,
}

impl Asked {
    fn is_for(&self, trials: &[Trial], series: &Arc<IntervalSeries>, events: &[TimedEvent]) -> bool {
        Arc::ptr_eq(&self.series, series) && self.trials == trials && self.events == events
    }
}

/// The runs of a page.
#[derive(Debug, Default)]
pub(in crate::gui::schemes) struct Runs {
    asked: Option<Asked>,
    coming: Option<Receiver<Outcome>>,
    arrived: Vec<Outcome>,
    /// The last whole set of results, with the trials that they are of.
    done: Option<(Vec<Trial>, Vec<Outcome>)>,
    /// Counts up with every whole set of results.
    pub(in crate::gui::schemes) version: u64,
}

impl Runs {
    /// Takes what has come, and begins anew where something changed. One set is reckoned at a time: what changes
    /// meanwhile is asked for when it is done.
    pub(in crate::gui::schemes) fn update(
        &mut self,
        ui: &Ui,
        cx: &AppCtx,
        trials: &[Trial],
        series: &Arc<IntervalSeries>,
        events: &[TimedEvent],
    ) {
        self.take();
        if self.coming.is_none()
            && !self.asked.as_ref().is_some_and(|asked| asked.is_for(trials, series, events))
        {
            let (sender, coming) = sync_channel(trials.len().max(1));
            let asked =
                Asked { trials: trials.to_vec(), series: Arc::clone(series), events: events.to_vec() };
            let (work, series, events) = (asked.trials.clone(), Arc::clone(series), asked.events.clone());
            cx.backend.aside(
                "dry run",
                Box::new(move || {
                    for trial in &work {
                        // The page may have been closed in the meantime.
                        if sender.send(tried(trial, &series, &events)).is_err() {
                            return;
                        }
                    }
                }),
            );
            self.asked = Some(asked);
            self.arrived.clear();
            self.coming = Some(coming);
            self.take();
        }
        if self.coming.is_some() {
            ui.ctx().request_repaint_after(Duration::from_millis(50));
        }
    }

    fn take(&mut self) {
        let Some(coming) = &self.coming else { return };
        let wanted = self.asked.as_ref().map_or(0, |asked| asked.trials.len());
        loop {
            if self.arrived.len() == wanted {
                break;
            }
            match coming.try_recv() {
                Ok(outcome) => self.arrived.push(outcome),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.arrived
                        .push(Err("the reckoning broke off: this is a fault of the program".to_owned()));
                }
            }
        }
        self.coming = None;
        let trials = self.asked.as_ref().map(|asked| asked.trials.clone()).unwrap_or_default();
        self.done = Some((trials, std::mem::take(&mut self.arrived)));
        self.version += 1;
    }

    /// The last whole set of results: they stay while a fresher one is reckoned.
    pub(in crate::gui::schemes) fn done(&self) -> Option<(&[Trial], &[Outcome])> {
        self.done.as_ref().map(|(trials, outcomes)| (trials.as_slice(), outcomes.as_slice()))
    }

    /// How far it is, while it goes on.
    #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
    pub(in crate::gui::schemes) fn progress(&self, ui: &mut Ui) {
        if self.coming.is_none() {
            return;
        }
        let wanted = self.asked.as_ref().map_or(1, |asked| asked.trials.len()).max(1);
        progress_bar(ui, Some(self.arrived.len() as f32 / wanted as f32), 96.0, "Reckoning");
        ui.label(small(ui, format!("{} of {wanted} runs", self.arrived.len())));
    }
}

fn tried(trial: &Trial, series: &IntervalSeries, events: &[TimedEvent]) -> Outcome {
    let run = dry_run(&trial.document, series, events).map_err(|error| error.to_string())?;
    let priced = trial.prices.as_ref();
    let bills = priced.map(|prices| bill(&trial.document, prices, &run).map_err(|error| error.to_string()));
    Ok(Tried { run, bills })
}
