//! `list show NAME` and `list list`

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{meters_of, named};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::stamps;
use crate::cli::table::Table;
use crate::model::{Member, MeterList};
use crate::store::{ListRow, MeterRow, RunRow, StoreReader};

/// Runs that are looked ahead.
const NEXT: usize = 5;

/// Shows a list.
#[derive(Args, Debug)]
pub(in crate::cli) struct Show {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
}

/// Shows all lists.
#[derive(Args, Debug)]
pub(in crate::cli) struct All {}

/// The next runs; none where it does not run by itself.
pub(super) fn next_runs(list: &MeterList, now: Timestamp) -> Vec<Timestamp> {
    let schedule = list.schedule.as_ref().filter(|_| !list.paused);
    let calendar = schedule.and_then(|schedule| schedule.calendar().ok());
    calendar.map(|calendar| calendar.upcoming(now, NEXT)).unwrap_or_default()
}

pub(super) fn schedule_words(list: &MeterList) -> String {
    match &list.schedule {
        None => "by hand".to_owned(),
        Some(schedule) if list.paused => format!("paused; {}", schedule.in_words()),
        Some(schedule) => schedule.in_words(),
    }
}

pub(super) fn run_document(run: &RunRow) -> Value {
    json!({
        "run": run.id,
        "cause": run.cause.word(),
        "state": run.state.word(),
        "due": run.due.to_string(),
        "started": run.started.to_string(),
        "ended": run.ended.map(|ended| ended.to_string()),
        "meters": run.meters,
        "ok": run.ok,
        "failed": run.failed,
        "resting": run.resting,
    })
}

/// A run in a few words: `done 2026-11-22 02:00, 199 of 200`.
pub(super) fn run_words(run: &RunRow, zone: &TimeZone) -> String {
    let when = stamps::for_eyes(run.started, zone);
    match run.meters {
        0 => format!("{} {when}", run.state.word()),
        meters => format!("{} {when}, {} of {meters}", run.state.word(), run.ok),
    }
}

fn document(row: &ListRow, meters: &[MeterRow], last: Option<&RunRow>) -> Value {
    let list = &row.list;
    let next: Vec<String> = next_runs(list, Timestamp::now()).iter().map(ToString::to_string).collect();
    json!({
        "name": list.name,
        "does": list.action.in_words(),
        "action": list.action,
        "schedule": list.schedule,
        "schedule_words": schedule_words(list),
        "paused": list.paused,
        "meters": meters.iter().map(|row| row.config.name.as_str()).collect::<Vec<_>>(),
        "next_runs": next,
        "last_run": last.map(run_document),
    })
}

fn last_run(store: &StoreReader, row: &ListRow) -> Result<Option<RunRow>, Failure> {
    Ok(store.list_runs(row.id, 1)?.pop())
}

impl Show {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let row = named(&store, &self.name)?;
        let meters = meters_of(&store, &row.list)?;
        let last = last_run(&store, &row)?;
        app.print(
            || document(&row, &meters, last.as_ref()),
            |out| {
                let zone = TimeZone::system();
                writeln!(out, "{}: it {}", row.list.name, row.list.action.in_words())?;
                writeln!(out, "runs: {}", schedule_words(&row.list))?;
                for at in next_runs(&row.list, Timestamp::now()) {
                    writeln!(out, "  next: {}", stamps::for_eyes(at, &zone))?;
                }
                if let Some(last) = &last {
                    writeln!(out, "last run: {}", run_words(last, &zone))?;
                }
                let members: Vec<String> = row
                    .list
                    .members
                    .iter()
                    .filter(|member| !matches!(member, Member::Meter(_)))
                    .map(ToString::to_string)
                    .collect();
                if !members.is_empty() {
                    writeln!(out, "holds: {}", members.join(", "))?;
                }
                writeln!(out, "{} meters:", meters.len())?;
                meters.iter().try_for_each(|row| writeln!(out, "  {}", row.config.name))
            },
        )?;
        Ok(DONE)
    }
}

impl All {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let mut rows = Vec::new();
        for row in store.lists()? {
            let (meters, last) = (meters_of(&store, &row.list)?, last_run(&store, &row)?);
            rows.push((row, meters, last));
        }
        app.print(
            || {
                let one = |(row, meters, last): &(ListRow, Vec<MeterRow>, Option<RunRow>)| {
                    document(row, meters, last.as_ref())
                };
                json!({ "lists": rows.iter().map(one).collect::<Vec<_>>() })
            },
            |out| {
                if rows.is_empty() {
                    return writeln!(out, "There is no meter list: `meterwright list create` makes one");
                }
                let zone = TimeZone::system();
                let mut table = Table::new(&["name", "meters", "runs", "next run", "last run"]).numbers(&[1]);
                for (row, meters, last) in &rows {
                    let next = next_runs(&row.list, Timestamp::now()).first().copied();
                    table.row(vec![
                        row.list.name.clone(),
                        meters.len().to_string(),
                        schedule_words(&row.list),
                        next.map(|at| stamps::for_eyes(at, &zone)).unwrap_or_default(),
                        last.as_ref().map(|run| run_words(run, &zone)).unwrap_or_default(),
                    ]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }
}
