//! `meterwright run`: the scheduler and the communications thread without windows, until stopped.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::interrupt::Interrupt;
use super::stamps;
use crate::comms::{Event, ListEvent};
use crate::model::Blame;
use crate::store::{Outcome as MeterOutcome, OutcomeState};

/// How often it is looked whether somebody asked to stop.
const LOOK: Duration = Duration::from_millis(200);

/// Runs meter lists when their time comes, until it is stopped: one line a meter on standard output.
#[derive(Args, Debug)]
pub(super) struct Run {}

fn outcome_document(list: &str, run: i64, name: &str, outcome: &MeterOutcome) -> Value {
    json!({
        "at": outcome.at.unwrap_or_else(Timestamp::now).to_string(),
        "list": list,
        "run": run,
        "meter": name,
        "ok": outcome.state == OutcomeState::Ok,
        "state": outcome.state.word(),
        "tries": outcome.tries,
        "error": (outcome.state == OutcomeState::Failed).then(|| json!({
            "fault": outcome.blame.map(Blame::name), "message": outcome.words,
        })),
        "words": outcome.words,
        "stored": {
            "registers": outcome.registers, "intervals": outcome.intervals, "events": outcome.events,
        },
    })
}

/// A line on standard output.
fn print(app: &App, document: Value, text: &str) -> Result<(), Failure> {
    app.print(|| document, |out| writeln!(out, "{text}"))
}

fn tell(app: &App, event: &ListEvent, zone: &TimeZone) -> Result<(), Failure> {
    match event {
        ListEvent::Started { list, cause, meters } => {
            app.tell(&format!("{} begins ({}): {meters} meters", list.name, cause.word()));
            Ok(())
        }
        ListEvent::Meter { list, name, outcome } => {
            let at = stamps::for_eyes(outcome.at.unwrap_or_else(Timestamp::now), zone);
            let (state, words) = (outcome.state.word(), &outcome.words);
            let text = format!("{at}  {}  {name}  {state}  {words}", list.name);
            print(app, outcome_document(&list.name, list.run, name, outcome), &text)
        }
        ListEvent::Ended { list, row } => {
            let parts = [(row.failed, "failed"), (row.resting, "resting")];
            let others = parts.iter().filter(|(count, _)| *count > 0);
            let others: String = others.map(|(count, word)| format!(", {count} {word}")).collect();
            app.tell(&format!(
                "{} {}: {} of {} meters well{others}",
                list.name,
                row.state.word(),
                row.ok,
                row.meters
            ));
            Ok(())
        }
    }
}

impl Run {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let interrupt = Interrupt::watch();
        let comms = app.comms_with_lists()?;
        let events = comms.listen(|| {});
        let lists = app.reader()?.lists()?;
        let active = lists.iter().filter(|row| row.list.schedule.is_some() && !row.list.paused).count();
        app.tell(&format!("{active} of {} meter lists run by themselves; Ctrl-C stops", lists.len()));
        let zone = TimeZone::system();
        let mut told = Ok(());
        while told.is_ok() && !interrupt.is_asked() {
            match events.recv_timeout(LOOK) {
                Ok(Event::List(event)) => told = tell(app, &event, &zone),
                Ok(Event::Store { fault: Some(fault) }) => app.tell(&fault.to_string()),
                Ok(Event::Store { fault: None }) => {
                    app.tell("The store takes writes again: meter lists go on");
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::internal("the communications thread broke off"));
                }
            }
        }
        comms.stop();
        told?;
        app.tell("Stopped; a run that was under way goes on at the next start within its window");
        Ok(DONE)
    }
}
