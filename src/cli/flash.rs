//! `meterwright firmware flash (NAME… | --group G | --all) --package P …` and `firmware status`

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure, REFUSED, SOME_FAILED};
use super::firmware::trusted;
use super::jobs::{self, Results, fault_document};
use super::period::Activate;
use super::select::Select;
use super::table::Table;
use super::vendor::VendorOptions;
use crate::comms::Job;
use crate::export::zone_of;
use crate::firmware::{FlashState, Package};
use crate::model::{
    Blame, CampaignPlan, CampaignState, Fault, FlashActivation, FlashOutcome, FlashPhase, MeterId, Window,
};
use crate::store::{CampaignMeter, CampaignRow, MeterRow, StoreReader, campaign_counts};

/// Flashes meters.
#[derive(Args, Debug)]
pub(super) struct Flash {
    #[command(flatten)]
    select: Select,
    /// The package
    #[arg(long, value_name = "PKG", required_unless_present = "vendor_file")]
    package: Option<PathBuf>,
    #[command(flatten)]
    vendor: VendorOptions,
    /// When the image takes over: now, never (it waits in the meter), or a time in RFC 3339 or local
    #[arg(long, value_name = "now|T|never", default_value = "now")]
    activate: Activate,
    /// So many meters go first: any failure among them stops the campaign unless --stop-after says otherwise, and so
    /// it does when none of them was flashed
    #[arg(long, value_name = "N", default_value_t = 0)]
    canary: u32,
    /// Meters of each wave after the canary group [default: all that are left]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    wave: Option<u32>,
    /// Begin no further meter when more than so many failed; one that could not be reached has not failed
    #[arg(long, value_name = "N")]
    stop_after: Option<u32>,
    /// Begin no further meter when more than so many could not be reached [default: go on]
    #[arg(long, value_name = "N")]
    stop_unreachable: Option<u32>,
    /// Hours in which meters may be flashed, such as 22:00-05:00; outside it is waited
    #[arg(long, value_name = "FROM-TO")]
    window: Option<String>,
    /// The window's IANA time zone [default: this computer's]
    #[arg(long, value_name = "ZONE", default_value = "", requires = "window")]
    window_zone: String,
    /// Let an older version replace a later one; the reason goes into the audit chain
    #[arg(long, value_name = "REASON")]
    allow_downgrade: Option<String>,
    /// Give up what another package left half in a meter
    #[arg(long)]
    start_over: bool,
    /// Read only registers, clock and scheme before the flash, no profile and no billing sets
    #[arg(long)]
    short_backup: bool,
    /// Longest wait for a meter's restart, in seconds [default: the template's]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    restart_within: Option<u32>,
}

/// Says how campaigns stand.
#[derive(Args, Debug)]
pub(super) struct Status {
    /// A campaign's number [default: all of them, without their meters]
    campaign: Option<i64>,
}

/// Campaigns that are listed.
const LISTED: u32 = 1000;

/// The newest campaign of a package with these meters.
fn campaign_of(
    store: &StoreReader,
    package: &[u8; 32],
    meters: &[MeterRow],
) -> Result<Option<(CampaignRow, Vec<CampaignMeter>)>, Failure> {
    let wanted: BTreeSet<MeterId> = meters.iter().map(|row| row.id).collect();
    for row in store.campaigns(LISTED)?.into_iter().filter(|row| row.package == *package) {
        let members = store.campaign_meters(row.id)?;
        if members.iter().map(|one| one.meter).collect::<BTreeSet<_>>() == wanted {
            return Ok(Some((row, members)));
        }
    }
    Ok(None)
}

fn meter_document(one: &CampaignMeter, fault: Option<&Fault>) -> Value {
    let outcome = one.outcome();
    let row = one.flash.as_ref();
    let state: FlashState = row.and_then(|row| serde_json::from_str(&row.state).ok()).unwrap_or_default();
    let error = match fault {
        Some(fault) => fault_document(Some(fault)),
        None if outcome.is_as_wanted() => Value::Null,
        None => {
            let message = row.map(|row| row.message.clone()).filter(|message| !message.is_empty());
            json!({ "fault": Blame::User.name(), "message": message.unwrap_or_else(|| "not begun".to_owned()) })
        }
    };
    json!({
        "meter": one.name,
        "ok": outcome.is_as_wanted() && fault.is_none(),
        "error": error,
        "outcome": outcome,
        "phase": row.map_or(FlashPhase::Waiting, |row| row.phase),
        "wave": one.wave,
        "blocks": row.map_or(0, |row| row.blocks_done),
        "blocks_total": row.map_or(0, |row| row.blocks),
        "blocks_sent": state.sent,
        "initiations": state.initiations,
        "version_before": state.version_before,
        "version_after": state.version_after,
        "message": row.map(|row| row.message.clone()),
        "updated": row.map(|row| row.updated.to_string()),
    })
}

fn campaign_document(row: &CampaignRow) -> Value {
    json!({
        "campaign": row.id,
        "version": row.version,
        "package": row.file,
        "state": row.state,
        "reason": row.reason,
        "plan": row.plan,
        "began": row.began.to_string(),
        "ended": row.ended.map(|at| at.to_string()),
    })
}

fn counts_document(members: &[CampaignMeter]) -> Value {
    let counts = campaign_counts(members).into_iter();
    counts
        .map(|(outcome, count)| (outcome.word().to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl Flash {
    fn plan(&self, rows: &[MeterRow]) -> Result<CampaignPlan, Failure> {
        let activation = match (self.activate, rows.first()) {
            (Activate::Now, _) | (_, None) => FlashActivation::Now,
            (Activate::Never, _) => FlashActivation::Never,
            (Activate::At(when), Some(first)) => FlashActivation::At(when.at(&zone_of(&first.config))?),
        };
        let window = self.window.as_ref().map(|text| Window::parse(text, &self.window_zone)).transpose();
        let downgrade = self.allow_downgrade.clone();
        if downgrade.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err(Failure::usage("--allow-downgrade wants the reason in words"));
        }
        Ok(CampaignPlan {
            canary: self.canary,
            wave: self.wave,
            stop_after: self.stop_after,
            stop_unreachable: self.stop_unreachable,
            window: window.map_err(Failure::usage)?,
            activation,
            downgrade,
            start_over: self.start_over,
            short_backup: self.short_backup,
            restart_seconds: self.restart_within,
        })
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let Some(package) = &self.package else {
            return self.vendor.run(app, &self.select);
        };
        let package = Arc::new(Package::open(package)?);
        let store = app.reader()?;
        package.judge(&trusted(&store)?, Timestamp::now())?;
        let rows = self.select.meters(&store)?;
        let plan = self.plan(&rows)?;
        if let Some(window) = plan.window.as_ref().filter(|window| !window.is_open(Timestamp::now())) {
            app.tell(&format!("Waiting for the window {window}; Ctrl-C ends, and the same command goes on"));
        }
        let job = Job::Flash {
            meters: rows.iter().map(|row| row.id).collect(),
            package: Arc::clone(&package),
            plan: Box::new(plan),
        };
        let comms = app.comms()?;
        let results = jobs::follow(app, &comms, vec![(job, rows.clone())]);
        comms.stop();
        let results = results?;
        let found = campaign_of(&store, &package.id(), &rows)?;
        let (campaign, members) =
            found.ok_or_else(|| Failure::internal("the campaign is not in the store"))?;
        print(app, &campaign, &members, &results)
    }
}

/// The fault of each meter that had its turn in this run.
fn faults<'a>(results: &'a Results, members: &[CampaignMeter]) -> HashMap<MeterId, &'a Fault> {
    let is_open =
        |meter: MeterId| members.iter().any(|one| one.meter == meter && !one.outcome().is_as_wanted());
    let each = results.all.iter().filter(|done| is_open(done.meter));
    each.filter_map(|done| Some((done.meter, done.result.fault.as_ref()?))).collect()
}

fn print(app: &App, campaign: &CampaignRow, members: &[CampaignMeter], results: &Results) -> Outcome {
    let faults = faults(results, members);
    let bad: Vec<&CampaignMeter> = members.iter().filter(|one| !one.outcome().is_as_wanted()).collect();
    app.print(
        || {
            let each = members.iter().map(|one| meter_document(one, faults.get(&one.meter).copied()));
            json!({
                "results": each.collect::<Vec<_>>(),
                "summary": {
                    "meters": members.len(),
                    "ok": members.len() - bad.len(),
                    "failed": bad.len(),
                    "unreachable": faults.values().filter(|fault| fault.blame == Blame::Line).count(),
                    "outcomes": counts_document(members),
                },
                "campaign": campaign_document(campaign),
            })
        },
        |out| {
            write_members(out, members)?;
            if campaign.state == CampaignState::Stopped {
                writeln!(out, "The campaign {}", campaign.reason)?;
            }
            writeln!(out, "{} of {} meters as wanted", members.len() - bad.len(), members.len())
        },
    )?;
    Ok(if faults.values().any(|fault| fault.blame == Blame::Internal) {
        super::failure::INTERNAL
    } else if bad.is_empty() {
        DONE
    } else if bad.iter().all(|one| one.outcome() == FlashOutcome::Refused) {
        REFUSED
    } else {
        SOME_FAILED
    })
}

fn write_members(out: &mut dyn std::io::Write, members: &[CampaignMeter]) -> std::io::Result<()> {
    let mut table = Table::new(&["meter", "wave", "phase", "blocks", "outcome", "message"]).numbers(&[1]);
    for one in members {
        let row = one.flash.as_ref();
        table.row(vec![
            one.name.clone(),
            if one.wave == 0 { "canary".to_owned() } else { one.wave.to_string() },
            row.map_or(FlashPhase::Waiting, |row| row.phase).to_string(),
            row.filter(|row| row.blocks > 0)
                .map(|row| format!("{}/{}", row.blocks_done, row.blocks))
                .unwrap_or_default(),
            one.outcome().to_string(),
            row.map(|row| row.message.clone()).unwrap_or_default(),
        ]);
    }
    table.write(out)
}

impl Status {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let store = app.reader()?;
        match self.campaign {
            Some(id) => one(app, &store, id),
            None => list(app, &store),
        }
    }
}

fn one(app: &App, store: &StoreReader, id: i64) -> Outcome {
    let row = store.campaign(id)?;
    let row = row
        .ok_or_else(|| Failure::usage(format!("there is no campaign {id}: `firmware status` lists them")))?;
    let members = store.campaign_meters(id)?;
    app.print(
        || {
            let mut document = campaign_document(&row);
            document["meters"] = members.iter().map(|one| meter_document(one, None)).collect();
            document["outcomes"] = counts_document(&members);
            document
        },
        |out| {
            writeln!(out, "Campaign {}: version {}, {} {}", row.id, row.version, row.state, row.reason)?;
            write_members(out, &members)
        },
    )?;
    Ok(DONE)
}

fn list(app: &App, store: &StoreReader) -> Outcome {
    let rows = store.campaigns(LISTED)?;
    let members = rows.iter().map(|row| store.campaign_meters(row.id)).collect::<Result<Vec<_>, _>>()?;
    app.print(
        || {
            let each = rows.iter().zip(&members).map(|(row, members)| {
                let mut document = campaign_document(row);
                document["meters"] = json!(members.len());
                document["outcomes"] = counts_document(members);
                document
            });
            json!({ "campaigns": each.collect::<Vec<_>>() })
        },
        |out| {
            let mut table =
                Table::new(&["campaign", "began", "version", "meters", "flashed", "failed", "state", ""])
                    .numbers(&[0, 3, 4, 5]);
            for (row, members) in rows.iter().zip(&members) {
                let count = |wanted| members.iter().filter(|one| one.outcome() == wanted).count().to_string();
                table.row(vec![
                    row.id.to_string(),
                    row.began.to_string(),
                    row.version.clone(),
                    members.len().to_string(),
                    count(FlashOutcome::Flashed),
                    count(FlashOutcome::Failed),
                    row.state.to_string(),
                    row.reason.clone(),
                ]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}
