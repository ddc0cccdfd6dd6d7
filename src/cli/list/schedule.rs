//! `list schedule NAME …`, `list pause NAME` and `list resume NAME`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::json;

use super::show::{next_runs, schedule_words};
use super::{named, put};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::scheme::octets;
use crate::cli::stamps;
use crate::model::{
    Days, Holidays, MeterList, Missed, OnHoliday, Schedule as Rule, Times, Weekdays, minutes_from,
};
use crate::scheme::{LARGEST_HOLIDAYS, read_holidays};

/// Says when a list runs by itself. What is not named stays as it is, or is as usual.
#[derive(Args, Debug)]
#[group(id = "rule", required = true, multiple = true, args = ["every", "daily", "off", "weekdays", "monthly", "zone", "window", "priority", "missed", "holidays", "retries"])]
pub(in crate::cli) struct Schedule {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
    /// Every so often from each midnight on: 15m, 1h
    #[arg(long, value_name = "TIME", value_parser = minutes_from, conflicts_with = "daily")]
    every: Option<u32>,
    /// At this time of the day: 02:00
    #[arg(long, value_name = "HH:MM", value_parser = time)]
    daily: Option<Time>,
    /// On these days of the week only: mon,tue,wed,thu,fri,sat,sun
    #[arg(long, value_name = "DAYS", conflicts_with = "monthly")]
    weekdays: Option<Weekdays>,
    /// On this day of each month only; the last where it has fewer
    #[arg(long, value_name = "DAY")]
    monthly: Option<i8>,
    /// IANA time zone [default: this computer's]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// How long after its beginning a run may retry [default: 4h]
    #[arg(long, value_name = "TIME", value_parser = minutes_from)]
    window: Option<u32>,
    /// 1 to 9; lists of a higher one go ahead [default: 5]
    #[arg(long, value_name = "N")]
    priority: Option<u8>,
    /// What becomes of a run that was due while the program did not run: skip, once (at the next start) or
    /// next-window (at the same hour of the next day) [default: once]
    #[arg(long, value_name = "RULE")]
    missed: Option<Missed>,
    /// A file of dates on which it does not run: one a line (2026-12-25, *-12-25 for every year), CSV, or iCalendar
    #[arg(long, value_name = "FILE")]
    holidays: Option<PathBuf>,
    /// What becomes of a run on a holiday: skip, or move to the next day that is none [default: skip]
    #[arg(long, value_name = "RULE", requires = "holidays")]
    on_holiday: Option<OnHoliday>,
    /// How often a meter that failed is tried again [default: 5]
    #[arg(long, value_name = "N")]
    retries: Option<u8>,
    /// By hand only from now on
    #[arg(long, conflicts_with_all = ["every", "daily", "weekdays", "monthly", "zone", "window", "priority", "missed", "holidays", "retries"])]
    off: bool,
}

/// Lets a list's schedule rest.
#[derive(Args, Debug)]
pub(in crate::cli) struct Pause {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
}

/// Goes on with a list that was paused.
#[derive(Args, Debug)]
pub(in crate::cli) struct Resume {
    /// The list
    #[arg(value_name = "NAME")]
    name: String,
}

fn time(text: &str) -> Result<Time, String> {
    text.parse().map_err(|_| "write a time such as 02:00".to_owned())
}

/// The dates of a file; those of every year, for this one and those that follow it.
fn dates(path: &Path, zone: &str) -> Result<BTreeSet<Date>, Failure> {
    let found = read_holidays(&octets(path, LARGEST_HOLIDAYS)?);
    if let Some(slip) = found.skipped.iter().find(|slip| !slip.is_twice) {
        return Err(Failure::usage(format!("{}: {slip}", path.display())));
    }
    let zone = TimeZone::get(zone).unwrap_or_else(|_| TimeZone::system());
    let year = Timestamp::now().to_zoned(zone).year();
    Ok(found.dates_from(year))
}

impl Schedule {
    fn rule(&self, before: Option<Rule>) -> Result<Rule, Failure> {
        let times = match (self.every, self.daily, &before) {
            (Some(minutes), ..) => Times::Every(minutes),
            (_, Some(time), _) => Times::At(time),
            (None, None, Some(before)) => before.times,
            (None, None, None) => {
                return Err(Failure::usage("say how often: --every 15m, or --daily 02:00"));
            }
        };
        let zone = || TimeZone::system().iana_name().unwrap_or("UTC").to_owned();
        let is_new_rule = self.every.is_some() || self.daily.is_some();
        let mut rule = before.unwrap_or_else(|| Rule::new(times, Days::All, zone()));
        rule.times = times;
        rule.days = match (self.weekdays, self.monthly) {
            (Some(days), _) => Days::Weekdays(days),
            (_, Some(day)) => Days::Monthly(day),
            (None, None) if is_new_rule => Days::All,
            (None, None) => rule.days,
        };
        if let Some(zone) = &self.zone {
            rule.zone.clone_from(zone);
        }
        if let Some(file) = &self.holidays {
            let then = self.on_holiday.unwrap_or(OnHoliday::Skip);
            rule.holidays = Holidays { dates: dates(file, &rule.zone)?, then };
        }
        rule.window_minutes = self.window.unwrap_or(rule.window_minutes);
        rule.priority = self.priority.unwrap_or(rule.priority);
        rule.missed = self.missed.unwrap_or(rule.missed);
        rule.retries = self.retries.unwrap_or(rule.retries);
        Ok(rule)
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        change(app, &self.name, |list| {
            list.schedule = if self.off { None } else { Some(self.rule(list.schedule.take())?) };
            list.paused = false;
            Ok(())
        })
    }
}

impl Pause {
    pub(super) fn run(&self, app: &App) -> Outcome {
        change(app, &self.name, |list| {
            list.paused = true;
            Ok(())
        })
    }
}

impl Resume {
    pub(super) fn run(&self, app: &App) -> Outcome {
        change(app, &self.name, |list| {
            list.paused = false;
            Ok(())
        })
    }
}

/// Changes a list and says when it runs from now on.
fn change(app: &App, name: &str, change: impl FnOnce(&mut MeterList) -> Result<(), Failure>) -> Outcome {
    let row = named(&app.reader()?, name)?;
    let mut list = row.list;
    change(&mut list)?;
    put(app, row.id, list.clone())?;
    let next = next_runs(&list, Timestamp::now());
    app.print(
        || {
            json!({
                "list": list.name,
                "schedule": list.schedule,
                "schedule_words": schedule_words(&list),
                "paused": list.paused,
                "next_runs": next.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        },
        |out| {
            writeln!(out, "{} runs {}", list.name, schedule_words(&list))?;
            let zone = TimeZone::system();
            next.iter().try_for_each(|at| writeln!(out, "  next: {}", stamps::for_eyes(*at, &zone)))
        },
    )?;
    Ok(DONE)
}
