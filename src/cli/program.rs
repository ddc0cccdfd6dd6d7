//! `meterwright scheme write`, `scheme read`, `scheme restore` and `scheme compare FILE --meter NAME`
//!
//! What a meter cannot take is told on standard error before anything is written, and stands in the JSON document.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Zoned;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::Failure;
use super::jobs::{self, Results, fault_document};
use super::period::Activate;
use super::scheme::{difference_document, sound};
use super::select;
use crate::comms::Job;
use crate::comms::programming::{fits, kept, restorable};
use crate::drivers::Activation;
use crate::export::zone_of;
use crate::scheme::{self, Document};
use crate::store::{MeterRow, SchemeKind, StoreReader};

/// Writes a scheme to a meter.
#[derive(Args, Debug)]
pub(super) struct Write {
    /// The scheme file
    file: PathBuf,
    /// The meter
    #[arg(long, value_name = "NAME")]
    meter: String,
    /// When it takes over: now, never (it waits on the meter's passive side), or a time in RFC 3339 or local
    #[arg(long, value_name = "now|T|never", default_value = "now")]
    activate: Activate,
}

/// Reads a meter's scheme into a file.
#[derive(Args, Debug)]
pub(super) struct Read {
    /// The meter
    #[arg(long, value_name = "NAME")]
    meter: String,
    /// The scheme file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A scheme file that lends its ids, titles and what no meter can say [default: what was written to this meter
    /// last, if the meter still bears its name]
    #[arg(long, value_name = "FILE")]
    like: Option<PathBuf>,
}

/// Writes back what stood in a meter before a scheme was written last.
#[derive(Args, Debug)]
pub(super) struct Restore {
    /// The meter
    #[arg(long, value_name = "NAME")]
    meter: String,
}

fn activation(activate: Activate, row: &MeterRow) -> Result<Activation, Failure> {
    Ok(match activate {
        Activate::Now => Activation::Now,
        Activate::Never => Activation::Never,
        Activate::At(when) => Activation::At(when.at(&zone_of(&row.config))?),
    })
}

/// Runs a job on one meter to its end.
fn one(app: &App, job: Job, row: MeterRow) -> Result<Results, Failure> {
    let comms = app.comms()?;
    let results = jobs::follow(app, &comms, vec![(job, vec![row])]);
    comms.stop();
    results
}

/// The result's document.
fn document(results: &Results, activation: Option<&str>) -> Value {
    let done = results.all.first();
    json!({
        "meter": done.map(|done| done.name.as_str()),
        "ok": results.failed() == 0,
        "error": fault_document(done.and_then(|done| done.result.fault.as_ref())),
        "activate": activation,
        "remarks": results.remarks,
    })
}

fn tell(results: &Results, out: &mut dyn std::io::Write, good: &str) -> std::io::Result<()> {
    match results.all.first().map(|done| (&done.name, &done.result.fault)) {
        Some((name, Some(fault))) => writeln!(out, "{name} failed: {fault}"),
        Some((name, None)) => writeln!(out, "{name}: {good}"),
        None => Ok(()),
    }
}

/// Writes a document to a meter and prints how it went.
fn write(app: &App, scheme: Document, row: MeterRow, due: Activation) -> Outcome {
    fits(&scheme, &row.config, &app.catalogue()?, Zoned::now().date())?;
    let (word, good) = match due {
        Activation::Now => ("now".to_owned(), "the tariff is in force, read back and confirmed".to_owned()),
        Activation::Never => {
            ("never".to_owned(), "the scheme waits on the passive side, read back".to_owned())
        }
        Activation::At(at) => (at.to_string(), format!("the scheme takes over at {at}, read back")),
    };
    let job = Job::WriteScheme { meter: row.id, scheme: Box::new(scheme), activation: due };
    let results = one(app, job, row)?;
    app.print(
        || document(&results, Some(&word)),
        |out| {
            tell(&results, out, &good)?;
            let not_taken = results.remarks.iter().filter(|remark| remark.starts_with("not taken"));
            not_taken.into_iter().try_for_each(|remark| writeln!(out, "  {remark}"))
        },
    )?;
    Ok(results.exit_code())
}

impl Write {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let scheme = sound(app, &self.file)?;
        let row = select::one(&app.reader()?, &self.meter)?;
        let due = activation(self.activate, &row)?;
        write(app, scheme, row, due)
    }
}

impl Restore {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let row = select::one(&store, &self.meter)?;
        let stood = store.last_scheme(row.id, SchemeKind::Stood)?;
        drop(store);
        let scheme = restorable(stood.as_ref(), &self.meter)?;
        if let Some(stood) = &stood {
            app.tell(&format!("restoring what stood there at {}", stood.at));
        }
        write(app, scheme, row, Activation::Now)
    }
}

/// A scheme that was read, and what the meter or a scheme cannot say.
struct Fetched {
    document: Document,
    text: String,
    notes: Vec<String>,
}

fn read_job(
    app: &App,
    store: &StoreReader,
    row: MeterRow,
    reference: Option<Document>,
) -> Result<(Results, Option<Fetched>), Failure> {
    let meter = row.id;
    let results = one(app, Job::ReadScheme { meter, reference: reference.map(Box::new) }, row)?;
    if results.failed() > 0 {
        return Ok((results, None));
    }
    let read = store.last_scheme(meter, SchemeKind::Read)?;
    let read = read.ok_or_else(|| Failure::internal("the scheme that was read is not in the store"))?;
    let notes = serde_json::from_str(&read.detail).unwrap_or_default();
    Ok((results, Some(Fetched { document: kept(&read)?, text: read.scheme, notes })))
}

impl Read {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let reference = self.like.as_deref().map(|path| sound(app, path)).transpose()?;
        let store = app.reader()?;
        let row = select::one(&store, &self.meter)?;
        let (results, fetched) = read_job(app, &store, row, reference)?;
        let notes = fetched.as_ref().map(|fetched| fetched.notes.clone()).unwrap_or_default();
        if let Some(fetched) = &fetched {
            std::fs::write(&self.output, &fetched.text).map_err(|error| {
                Failure::usage(format!("{} cannot be written: {error}", self.output.display()))
            })?;
        }
        for note in &notes {
            app.tell(&format!("note: {note}"));
        }
        app.print(
            || {
                let mut document = document(&results, None);
                document["notes"] = json!(notes);
                document["file"] = json!(self.output.display().to_string());
                document
            },
            |out| tell(&results, out, &format!("scheme read into {}", self.output.display())),
        )?;
        Ok(results.exit_code())
    }
}

/// Compares a file with what stands in a meter.
pub(super) fn compare(app: &App, file: &Path, scheme: &Document, meter: &str) -> Outcome {
    let store = app.reader()?;
    let row = select::one(&store, meter)?;
    let (results, fetched) = read_job(app, &store, row, Some(scheme.clone()))?;
    let Some(fetched) = fetched else {
        app.print(|| document(&results, None), |out| tell(&results, out, ""))?;
        return Ok(results.exit_code());
    };
    let differences = scheme::compare(scheme, &fetched.document);
    app.print(
        || {
            json!({
                "file": file.display().to_string(),
                "other": meter,
                "differences": differences.iter().map(difference_document).collect::<Vec<_>>(),
                "not_compared": fetched.notes,
            })
        },
        |out| {
            if differences.is_empty() {
                writeln!(out, "no differences")?;
            }
            differences.iter().try_for_each(|difference| writeln!(out, "{difference}"))?;
            fetched.notes.iter().try_for_each(|note| writeln!(out, "not compared: {note}"))
        },
    )?;
    Ok(results.exit_code())
}
