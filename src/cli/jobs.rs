//! Runs read jobs to their end with progress: what `read`, `clock get` and the demo have in common.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::app::App;
use super::failure::{DONE, Failure, INTERNAL, REFUSED, SOME_FAILED};
use super::interrupt::Interrupt;
use super::progress::Progress;
use crate::comms::{Comms, Event, Job, JobId};
use crate::drivers::ReadRequest;
use crate::model::{Blame, Fault, MeterId};
use crate::store::{JobResult, MeterRow};

/// How often it is looked whether the user asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// How one meter ended.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) meter: MeterId,
    pub(super) name: String,
    pub(super) result: JobResult,
    /// The result in words.
    pub(super) words: String,
}

/// The results of all meters, in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Results {
    pub(super) all: Vec<Done>,
    /// What was remarked on the way, in order.
    pub(super) remarks: Vec<String>,
}

/// One job: what to read of which meters.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) request: ReadRequest,
    pub(super) meters: Vec<MeterRow>,
}

/// Runs batches as jobs at the same time and waits for all of them. Ctrl-C cancels them: the meters that were not
/// read to their end count as failed.
pub(super) fn run(app: &App, comms: &Comms, batches: Vec<Batch>) -> Result<Results, Failure> {
    let jobs = batches.into_iter().map(|batch| {
        let meters: Vec<MeterId> = batch.meters.iter().map(|row| row.id).collect();
        (Job::Read { meters, request: batch.request }, batch.meters)
    });
    follow(app, comms, jobs.collect())
}

/// Runs jobs, each with its meters, at the same time, and waits for all of them, as [`run`].
pub(super) fn follow(app: &App, comms: &Comms, jobs: Vec<(Job, Vec<MeterRow>)>) -> Result<Results, Failure> {
    let interrupt = Interrupt::watch();
    let events = comms.listen(|| {});
    let count = jobs.iter().map(|(_, meters)| meters.len()).sum();
    let mut progress = Progress::new(count, app.global.quiet);
    let mut wanted: Vec<(MeterId, String)> = Vec::new();
    let mut open: Vec<JobId> = Vec::new();
    for (job, meters) in jobs {
        wanted.extend(meters.into_iter().map(|row| (row.id, row.config.name)));
        open.push(comms.submit(job)?);
    }
    let names: HashMap<MeterId, String> = wanted.iter().cloned().collect();
    let name = |meter: Option<MeterId>| meter.and_then(|meter| names.get(&meter)).map_or("", String::as_str);
    let mut ended: HashMap<MeterId, (JobResult, String)> = HashMap::new();
    let mut is_cancelled = false;
    let mut remarks = Vec::new();
    while !open.is_empty() {
        if interrupt.is_asked() && !is_cancelled {
            is_cancelled = true;
            app.tell("Stopping; what was read stays stored. Ctrl-C once more ends at once");
            open.iter().for_each(|job| comms.cancel(*job));
        }
        let event = match events.recv_timeout(LOOK) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::internal("the communications thread broke off before the job's end"));
            }
        };
        match event {
            Event::MeterStep { meter, step, .. } => progress.step(name(meter), &step.in_words()),
            Event::MeterRemark { meter, text, .. } => {
                progress.line(name(meter), &text);
                remarks.push(text);
            }
            Event::MeterEnded { meter: Some(meter), name, result, words, .. } => {
                progress.ended(&name, &words);
                ended.insert(meter, (*result, words));
            }
            Event::Ended { job, .. } => open.retain(|other| *other != job),
            _ => {}
        }
    }
    progress.finish();
    let all = wanted
        .into_iter()
        .map(|(meter, name)| {
            let (result, words) = ended.remove(&meter).unwrap_or_else(|| (never_begun(meter), String::new()));
            Done { meter, name, result, words }
        })
        .collect();
    Ok(Results { all, remarks })
}

/// The result of a meter whose job was cancelled before its turn.
fn never_begun(meter: MeterId) -> JobResult {
    JobResult {
        meter,
        at: Timestamp::now(),
        fault: Some(Fault::user("cancelled before its turn", "")),
        registers: 0,
        intervals: 0,
        events: 0,
        exchanges: 0,
        bytes_sent: 0,
        bytes_received: 0,
        duration_ms: 0,
    }
}

/// A fault in JSON; null where there is none.
pub(super) fn fault_document(fault: Option<&Fault>) -> Value {
    match fault {
        None => Value::Null,
        Some(fault) => json!({ "fault": fault.blame.name(), "message": fault.to_string() }),
    }
}

impl Results {
    /// Meters that failed.
    pub(super) fn failed(&self) -> usize {
        self.all.iter().filter(|done| done.result.fault.is_some()).count()
    }

    /// Names each meter that failed, with its reason.
    pub(super) fn write_failed(&self, out: &mut dyn Write) -> io::Result<()> {
        for done in &self.all {
            if let Some(fault) = &done.result.fault {
                writeln!(out, "{} failed: {fault}", done.name)?;
            }
        }
        Ok(())
    }

    /// `summary` of the contract.
    pub(super) fn summary(&self) -> Value {
        let failed = self.failed();
        json!({ "meters": self.all.len(), "ok": self.all.len() - failed, "failed": failed })
    }

    /// The document of `read --json`.
    pub(super) fn document(&self) -> Value {
        let one = |done: &Done| {
            let result = &done.result;
            json!({
                "meter": done.name,
                "ok": result.fault.is_none(),
                "error": fault_document(result.fault.as_ref()),
                "stored": {
                    "registers": result.registers,
                    "intervals": result.intervals,
                    "events": result.events,
                },
                "exchanges": result.exchanges,
                "bytes_sent": result.bytes_sent,
                "bytes_received": result.bytes_received,
                "seconds": seconds(result.duration_ms),
            })
        };
        json!({ "results": self.all.iter().map(one).collect::<Vec<_>>(), "summary": self.summary() })
    }

    /// The exit code: a bug of this program is worse than a meter that fails.
    pub(super) fn exit_code(&self) -> u8 {
        let faults = || self.all.iter().filter_map(|done| done.result.fault.as_ref());
        if faults().any(|fault| fault.blame == Blame::Internal) {
            INTERNAL
        } else if faults().next().is_some() && faults().all(|fault| fault.refused) {
            REFUSED
        } else if faults().next().is_some() {
            SOME_FAILED
        } else {
            DONE
        }
    }
}

/// Milliseconds as a number of seconds with three places.
fn seconds(duration_ms: u64) -> Value {
    let text = format!("{}.{:03}", duration_ms / 1000, duration_ms % 1000);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_document_has_the_shape_of_the_contract() {
        let good = JobResult { fault: None, registers: 14, duration_ms: 1250, ..never_begun(MeterId(1)) };
        let bad = JobResult { fault: Some(Fault::line("nothing answered", "")), ..never_begun(MeterId(2)) };
        let all = [("A", good), ("B", bad)]
            .into_iter()
            .map(|(name, result)| Done {
                meter: result.meter,
                name: name.to_owned(),
                result,
                words: String::new(),
            })
            .collect();
        let results = Results { all, remarks: Vec::new() };
        let wanted = json!({
            "results": [
                { "meter": "A", "ok": true, "error": null,
                  "stored": { "registers": 14, "intervals": 0, "events": 0 },
                  "exchanges": 0, "bytes_sent": 0, "bytes_received": 0, "seconds": 1.25 },
                { "meter": "B", "ok": false, "error": { "fault": "line", "message": "nothing answered" },
                  "stored": { "registers": 0, "intervals": 0, "events": 0 },
                  "exchanges": 0, "bytes_sent": 0, "bytes_received": 0, "seconds": 0.0 },
            ],
            "summary": { "meters": 2, "ok": 1, "failed": 1 },
        });
        assert_eq!(results.document(), wanted);
        assert_eq!(results.exit_code(), SOME_FAILED);
    }
}
