//! `template learn METER [-o FILE]`

use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::write_file;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure, SOME_FAILED};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Progress;
use crate::cli::select;
use crate::comms::{Comms, Event, Job};
use crate::model::template::{Proposal, Remark};
use crate::model::{Fault, MeterId};

/// How often it is looked whether the user asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Proposes a template for a meter of the store; nothing is stored or written to the meter.
#[derive(Args, Debug)]
pub(in crate::cli) struct Learn {
    /// The meter: its line, address, authentication and template say how to get in
    meter: String,
    /// Where the template goes; `template import` takes it into the store [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn remark_document(remark: &Remark) -> Value {
    json!({ "basis": remark.basis.word(), "pointer": remark.pointer, "text": remark.text })
}

impl Learn {
    pub(super) fn run(&self, app: &App) -> Outcome {
        if let Some(output) = self.output.as_ref().filter(|output| output.exists()) {
            return Err(Failure::usage(format!(
                "{} is there already: choose another name, or take it away first",
                output.display()
            )));
        }
        let store = app.reader()?;
        let row = select::one(&store, &self.meter)?;
        drop(store);
        let comms = app.comms()?;
        let learnt = follow(app, &comms, row.id, &row.config.name);
        comms.stop();
        let (proposal, fault) = learnt?;
        let Some(proposal) = proposal else {
            let fault = fault.unwrap_or_else(|| Fault::internal("nothing was learnt, and nothing failed"));
            return Err(fault.into());
        };
        if let Some(output) = &self.output {
            write_file(output, &proposal.text, false)?;
        }
        self.print(app, &proposal, fault.as_ref())?;
        Ok(if fault.is_some() { SOME_FAILED } else { DONE })
    }

    fn print(&self, app: &App, proposal: &Proposal, fault: Option<&Fault>) -> Result<(), Failure> {
        if let Some(fault) = fault {
            app.tell(&format!("note: learnt in part: {fault}"));
        }
        app.print(
            || {
                json!({
                    "meter": proposal.meter,
                    "template": serde_json::from_str::<Value>(&proposal.text).unwrap_or_default(),
                    "remarks": proposal.remarks.iter().map(remark_document).collect::<Vec<_>>(),
                    "output": self.output.as_ref().map(|output| output.display().to_string()),
                    "error": crate::cli::jobs::fault_document(fault),
                })
            },
            |out| {
                let Some(output) = &self.output else { return out.write_all(proposal.text.as_bytes()) };
                for remark in &proposal.remarks {
                    writeln!(out, "{}: {}", remark.basis.word(), remark.text)?;
                }
                writeln!(out, "Wrote {}", output.display())
            },
        )
    }
}

/// Runs the job to its end; what was proposed stands although something could not be had.
fn follow(
    app: &App,
    comms: &Comms,
    meter: MeterId,
    name: &str,
) -> Result<(Option<Proposal>, Option<Fault>), Failure> {
    let interrupt = Interrupt::watch();
    let events = comms.listen(|| {});
    let wanted = comms.submit(Job::Learn { meter })?;
    let mut progress = Progress::new(1, app.global.quiet);
    let (mut learnt, mut fault, mut is_cancelled) = (None, None, false);
    loop {
        if interrupt.is_asked() && !is_cancelled {
            is_cancelled = true;
            comms.cancel(wanted);
        }
        match events.recv_timeout(LOOK) {
            Ok(Event::Learnt { job, proposal }) if job == wanted => learnt = Some(*proposal),
            Ok(Event::MeterStep { job, step, .. }) if job == wanted => progress.step(name, &step.in_words()),
            Ok(Event::MeterRemark { job, text, .. }) if job == wanted => progress.line(name, &text),
            Ok(Event::MeterEnded { job, result, words, .. }) if job == wanted => {
                progress.ended(name, &words);
                fault = result.fault;
            }
            Ok(Event::Ended { job, .. }) if job == wanted => {
                progress.finish();
                return Ok((learnt, fault));
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::internal("the communications thread broke off before the end"));
            }
        }
    }
}
