//! `meterwright firmware flash NAME --vendor-file FILE --confirm SERIAL`, `firmware vendor-allow`, `vendor-forbid`
//!
//! A vendor's own file is not signed. It is refused (exit code 3) unless an administrator has accepted the risk in words,
//! and each meter is confirmed with its serial number.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::control::confirmed_serial;
use super::failure::{DONE, Failure};
use super::jobs::{self, Results, fault_document};
use super::select::Select;
use crate::comms::{Edit, Job, vendor_not_allowed};
use crate::firmware::vendor::{
    ACCEPTANCE, ALLOWED, RISK, SETTING, VendorFile, VendorFileError, VendorPlan, VendorState,
};
use crate::model::MeterId;
use crate::store::StoreReader;

impl From<VendorFileError> for Failure {
    fn from(error: VendorFileError) -> Self {
        Self::usage(error.to_string())
    }
}

/// A vendor's own file in place of a package.
#[derive(Args, Debug)]
pub(super) struct VendorOptions {
    /// The vendor's own file for an Elster AS230, in place of a package; `firmware vendor-allow` comes first
    #[arg(long, value_name = "FILE.xml", conflicts_with_all = ["package", "canary", "wave", "stop_after", "window", "allow_downgrade", "start_over", "activate"])]
    vendor_file: Option<PathBuf>,
    /// The meter's serial number, in place of asking for it
    #[arg(long, value_name = "SERIAL", requires = "vendor_file")]
    confirm: Option<String>,
    /// What the meter's firmware text contains afterwards [default: any other text than before]
    #[arg(long, value_name = "TEXT", requires = "vendor_file")]
    expect: Option<String>,
}

/// Allows vendors' own files.
#[derive(Args, Debug)]
pub(super) struct VendorAllow {
    /// That the risk is accepted, in the words that the command names, in place of being asked for them
    #[arg(long, value_name = "WORDS")]
    accept: Option<String>,
}

fn is_allowed(store: &StoreReader) -> Result<bool, Failure> {
    Ok(store.setting(SETTING)?.as_deref() == Some(ALLOWED))
}

impl VendorAllow {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let typed = match &self.accept {
            Some(typed) => typed.clone(),
            None if io::stdin().is_terminal() => {
                let mut error = io::stderr().lock();
                write!(error, "{RISK}\nTo accept this, type: {ACCEPTANCE}\n> ")?;
                error.flush()?;
                let mut line = String::new();
                io::stdin().lock().read_line(&mut line)?;
                line
            }
            None => {
                return Err(Failure::refused(format!(
                    "{RISK} To accept this, write --accept \"{ACCEPTANCE}\"; nothing was changed"
                )));
            }
        };
        app.edit(Edit::VendorFirmware { accepted: Some(typed) })?;
        told(app, true)
    }
}

/// Forbids vendors' own files.
pub(super) fn forbid(app: &App) -> Outcome {
    app.no_secrets()?;
    app.edit(Edit::VendorFirmware { accepted: None })?;
    told(app, false)
}

fn told(app: &App, allowed: bool) -> Outcome {
    app.print(
        || json!({ "vendor_firmware": if allowed { "allowed" } else { "forbidden" } }),
        |out| {
            let words =
                if allowed { "are allowed in this store; it is in the audit chain" } else { "are forbidden" };
            writeln!(out, "Vendors' own firmware files {words}")
        },
    )?;
    Ok(DONE)
}

impl VendorOptions {
    /// Loads one meter.
    pub(super) fn run(&self, app: &App, select: &Select) -> Outcome {
        let path = self
            .vendor_file
            .as_ref()
            .ok_or_else(|| Failure::usage("--package or --vendor-file is missing"))?;
        let store = app.reader()?;
        if !is_allowed(&store)? {
            return Err(vendor_not_allowed().into());
        }
        let file = Arc::new(VendorFile::open(path)?);
        let rows = select.meters(&store)?;
        let [row] = rows.as_slice() else {
            return Err(Failure::usage("a vendor's own file goes into one meter at a time: name it"));
        };
        let effect = "loads unsigned firmware into the meter, which may be lost by it";
        let row = confirmed_serial(app, row.clone(), self.confirm.as_deref(), effect)?;
        let meter = row.id;
        let plan = Box::new(VendorPlan { file: Arc::clone(&file), expect: self.expect.clone() });
        let comms = app.comms()?;
        let results = jobs::follow(app, &comms, vec![(Job::VendorFlash { meter, plan }, vec![row])]);
        comms.stop();
        let results = results?;
        print(app, &results, &state(&store, meter, &file)?)?;
        Ok(results.exit_code())
    }
}

/// How the loading stands in the store.
fn state(store: &StoreReader, meter: MeterId, file: &VendorFile) -> Result<VendorState, Failure> {
    let row = store.flash(meter, &file.id)?;
    Ok(row.and_then(|row| serde_json::from_str(&row.state).ok()).unwrap_or_default())
}

fn print(app: &App, results: &Results, state: &VendorState) -> Result<(), Failure> {
    let each = || -> Vec<Value> {
        let one = |done: &jobs::Done| {
            json!({
                "meter": done.name,
                "ok": done.result.fault.is_none(),
                "error": fault_document(done.result.fault.as_ref()),
                "outcome": state.outcome,
                "phase": state.phase,
                "writes": state.sent,
                "writes_total": state.writes,
                "firmware_before": state.text_before,
                "firmware_after": state.text_after,
                "message": state.message,
            })
        };
        results.all.iter().map(one).collect()
    };
    app.print(
        || json!({ "results": each(), "summary": results.summary(), "remarks": results.remarks }),
        |out| {
            for done in results.all.iter().filter(|done| done.result.fault.is_none()) {
                writeln!(out, "{}: {}", done.name, done.words)?;
            }
            results.write_failed(out)
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::firmware::vendor::{RISK, is_accepted};

    #[test]
    fn the_risk_names_what_can_be_lost_and_is_accepted_in_its_own_words_alone() {
        assert!(RISK.contains("not signed") && RISK.contains("only its maker can repair"));
        assert!(is_accepted(" A meter can be lost.\n"));
        assert!(!is_accepted("yes") && !is_accepted(""));
    }
}
