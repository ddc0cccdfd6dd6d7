//! `meterwright scheme check`, `rate`, `dry-run` and `compare`; `bill` and what speaks to meters stand in files of their own
//!
//! A file with errors ends with exit code 2, one with warnings alone with 0. `compare` ends with 0 whether there are
//! differences or none: only a file that cannot be read is a failure.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::bill;
use super::failure::{DONE, Failure, USAGE};
use super::holidays;
use super::period::When;
use super::print;
use super::program;
use super::table::Table;
use crate::scheme::engine::{DemandValue, RegisterValue, Total};
use crate::scheme::{
    self, Calendar, Checked, Code, Difference, Document, DryRun, IntervalSeries, Problem, TimedEvent,
    WallClock,
};

/// Largest scheme file, in octets.
pub(super) const LARGEST_SCHEME: u64 = 16 << 20;
/// Largest CSV file, in octets: minutes of ten years.
const LARGEST_CSV: u64 = 512 << 20;

/// Schemes: what is programmed into a meter so that it bills as a contract says.
#[derive(Subcommand, Debug)]
pub(super) enum Scheme {
    /// Name everything that is wrong with a scheme file
    Check(Check),
    /// What is on at an instant
    Rate(Rate),
    /// What registers would have read under a scheme, on a load profile
    DryRun(Dry),
    /// What a load profile costs under a scheme, and under others
    Bill(bill::Bill),
    /// How two scheme files, or a file and a meter, differ, in words
    Compare(Compare),
    /// Write a scheme to a meter, as a transaction
    Write(program::Write),
    /// Read a meter's scheme into a file
    Read(program::Read),
    /// Write back what stood in a meter before a scheme was written
    Restore(program::Restore),
    /// Add a list of holidays to a scheme file as special days
    Holidays(holidays::Holidays),
    /// Print a scheme as a PDF, for a signature
    Print(print::Print),
}

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The scheme file
    file: PathBuf,
    /// The day as of which dated things have gone by [default: this computer's]
    #[arg(long, value_name = "DATE")]
    today: Option<Date>,
}

#[derive(Args, Debug)]
pub(super) struct Rate {
    /// The scheme file
    file: PathBuf,
    /// When: RFC 3339, or a local date or time in the scheme's zone
    #[arg(long, value_name = "T")]
    at: String,
}

#[derive(Args, Debug)]
pub(super) struct Dry {
    /// The scheme file
    file: PathBuf,
    #[command(flatten)]
    load: Load,
}

/// A load profile, and what happened meanwhile.
#[derive(Args, Debug)]
pub(super) struct Load {
    /// Load profile: `end,active_import,…` with interval ends in RFC 3339, energy in Wh, varh or VAh
    #[arg(long, value_name = "CSV")]
    profile: PathBuf,
    /// Events: `at,event` with `supply_fail`, `supply_return`, `battery_fail`, `battery_replaced`, `billing_reset`,
    /// clock_set=RFC3339
    #[arg(long, value_name = "CSV")]
    events: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct Compare {
    /// The first scheme file
    file: PathBuf,
    /// The second
    #[arg(required_unless_present = "meter", conflicts_with = "meter")]
    other: Option<PathBuf>,
    /// A meter, in place of the second file
    #[arg(long, value_name = "NAME")]
    meter: Option<String>,
}

impl Scheme {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Check(check) => check.run(app),
            Self::Rate(rate) => rate.run(app),
            Self::DryRun(dry) => dry.run(app),
            Self::Bill(bill) => bill.run(app),
            Self::Compare(compare) => compare.run(app),
            Self::Write(write) => write.run(app),
            Self::Read(read) => read.run(app),
            Self::Restore(restore) => restore.run(app),
            Self::Holidays(holidays) => holidays.run(app),
            Self::Print(print) => print.run(app),
        }
    }
}

/// A file's octets, unless there are too many of them to be what it should be.
pub(super) fn octets(path: &Path, largest: u64) -> Result<Vec<u8>, Failure> {
    let fail = |error: io::Error| Failure::usage(format!("{} cannot be read: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes).map_err(fail)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > largest) {
        return Err(Failure::usage(format!("{} is larger than {largest} octets", path.display())));
    }
    Ok(bytes)
}

fn checked(app: &App, path: &Path, today: Option<Date>) -> Result<Checked, Failure> {
    let today = today.unwrap_or_else(|| Zoned::now().date());
    Ok(scheme::check_file_among(&octets(path, LARGEST_SCHEME)?, today, &app.catalogue()?))
}

/// A scheme whose tariff can be tried out. That no meter of its template can hold it, is told and no hindrance.
pub(super) fn sound(app: &App, path: &Path) -> Result<Document, Failure> {
    let checked = checked(app, path, None)?;
    let of_meter = |code| matches!(code, Code::Limit | Code::Period | Code::Ratio | Code::Dst);
    let is_sound = checked.problems.iter().all(|problem| !problem.is_error() || of_meter(problem.code));
    let Some(document) = checked.document.filter(|_| is_sound) else {
        return Err(unsound(path, &checked.problems));
    };
    for problem in checked.problems.iter().filter(|problem| problem.is_error()) {
        app.tell(&format!("note: {}:{problem}", path.display()));
    }
    Ok(document)
}

pub(super) fn unsound(path: &Path, problems: &[Problem]) -> Failure {
    let errors = problems.iter().filter(|problem| problem.is_error());
    let lines: Vec<String> = errors.map(|problem| format!("{}:{problem}", path.display())).collect();
    Failure::usage(format!("the scheme has errors\n{}", lines.join("\n")))
}

impl Check {
    fn run(&self, app: &App) -> Outcome {
        let checked = checked(app, &self.file, self.today)?;
        let document = |problem: &Problem| {
            json!({
                "code": problem.code.word(),
                "severity": problem.severity().word(),
                "place": problem.place,
                "line": problem.position.map(|position| position.line),
                "column": problem.position.map(|position| position.column),
                "message": problem.message,
            })
        };
        let file = self.file.display().to_string();
        app.print(
            || json!({ "file": file, "problems": checked.problems.iter().map(document).collect::<Vec<_>>() }),
            |out| {
                if checked.problems.is_empty() {
                    return writeln!(out, "{file}: no problems");
                }
                checked.problems.iter().try_for_each(|problem| writeln!(out, "{file}:{problem}"))
            },
        )?;
        if let Some(document) = &checked.document {
            self.tell_of_clocks(app, document);
        }
        Ok(if checked.has_errors() { USAGE } else { DONE })
    }

    /// A meter whose clock does not show the customer's time is no error of the file, but worth a word.
    fn tell_of_clocks(&self, app: &App, document: &Document) {
        let today = self.today.unwrap_or_else(|| Zoned::now().date());
        if let Some(parting) = scheme::disagreement(document, today) {
            app.tell(&format!(
                "note: by clock.dst the meter shows {} at {}, when {} shows {}; dry runs follow time_zone",
                parting.meter, parting.at, document.time_zone, parting.zone
            ));
        }
    }
}

impl Rate {
    fn run(&self, app: &App) -> Outcome {
        let document = sound(app, &self.file)?;
        let calendar = Calendar::new(&document).map_err(|error| Failure::usage(error.to_string()))?;
        let when: When =
            self.at.parse().map_err(|error| Failure::usage(format!("--at {}: {error}", self.at)))?;
        let (at, shown) = match when {
            When::Instant(at) => (at, self.at.clone()),
            When::Local(local) => {
                let at = calendar.clock().first_instant(local);
                (at, local_stamp(at, calendar.clock()))
            }
        };
        let rate = calendar.rate(at);
        app.print(
            || {
                json!({
                    "at": shown,
                    "on": rate.on,
                    "season": rate.season,
                    "day_type": rate.day_type,
                    "special_day": rate.special_day,
                })
            },
            |out| {
                let local = calendar.clock().local(at);
                writeln!(out, "{} in {}", local.strftime("%A %Y-%m-%d %H:%M:%S"), document.time_zone)?;
                let on: Vec<String> = rate.on.iter().map(|id| titled(&document, id)).collect();
                writeln!(
                    out,
                    "on:       {}",
                    if on.is_empty() { "nothing".to_owned() } else { on.join(", ") }
                )?;
                writeln!(out, "season:   {}", rate.season.unwrap_or("none"))?;
                let special = if rate.special_day { " (special day)" } else { "" };
                writeln!(out, "day type: {}{special}", rate.day_type.unwrap_or("none"))?;
                if rate.latent {
                    writeln!(out, "by the latent tariff")?;
                }
                match calendar.next_change(at) {
                    Some((next, rate)) => {
                        writeln!(
                            out,
                            "next:     {} {}",
                            local_stamp(next, calendar.clock()),
                            rate.on.join(", ")
                        )
                    }
                    None => Ok(()),
                }
            },
        )?;
        Ok(DONE)
    }
}

/// `R1 (Night)`.
fn titled(document: &Document, id: &str) -> String {
    let energy = document.registers.energy.iter().map(|register| (&register.id, &register.title));
    let demand = document.registers.demand.iter().map(|register| (&register.id, &register.title));
    match energy.chain(demand).find(|(known, _)| *known == id) {
        Some((_, title)) if !title.is_empty() => format!("{id} ({title})"),
        _ => id.to_owned(),
    }
}

/// `2026-07-01T12:00:00+01:00` by the scheme's clock.
pub(super) fn local_stamp(at: Timestamp, clock: &WallClock) -> String {
    at.display_with_offset(clock.offset(at)).to_string()
}

impl Load {
    /// Reads both files.
    pub(super) fn read(&self) -> Result<(IntervalSeries, Vec<TimedEvent>), Failure> {
        let profile = scheme::read_profile(&octets(&self.profile, LARGEST_CSV)?)
            .map_err(|slips| slips_of(&self.profile, &slips))?;
        let events = match &self.events {
            Some(path) => {
                scheme::read_events(&octets(path, LARGEST_CSV)?).map_err(|slips| slips_of(path, &slips))?
            }
            None => Vec::new(),
        };
        Ok((profile, events))
    }
}

impl Dry {
    fn run(&self, app: &App) -> Outcome {
        let document = sound(app, &self.file)?;
        let clock =
            WallClock::of_zone(&document.time_zone).map_err(|error| Failure::usage(error.to_string()))?;
        let (profile, events) = self.load.read()?;
        let run = scheme::dry_run(&document, &profile, &events)
            .map_err(|error| Failure::usage(format!("the dry run stopped: {error}")))?;
        app.print(|| run_document(&run, &clock), |out| run_text(out, &run, &clock))?;
        for total in &run.unmeasured {
            app.tell(&format!(
                "note: {} {} of {} lie in intervals without supply, and are counted nowhere",
                total.value, total.unit, total.source
            ));
        }
        if run.unknown_values > 0 {
            app.tell(&format!(
                "note: the profile has {} unknown values, counted as none",
                run.unknown_values
            ));
        }
        Ok(DONE)
    }
}

fn slips_of(path: &Path, slips: &[scheme::CsvSlip]) -> Failure {
    let lines: Vec<String> = slips.iter().map(ToString::to_string).collect();
    Failure::usage(format!("{} cannot be used\n{}", path.display(), lines.join("\n")))
}

fn register_document(register: &RegisterValue) -> Value {
    json!({
        "id": register.id,
        "value": register.value.map(|value| value.to_string()),
        "unit": register.unit.symbol(),
    })
}

fn demand_document(demand: &DemandValue, clock: &WallClock) -> Value {
    let unit = demand.unit.symbol();
    let highest = demand.highest.iter().map(
        |peak| json!({ "value": peak.value.to_string(), "unit": unit, "at": local_stamp(peak.at, clock) }),
    );
    json!({ "id": demand.id, "highest": highest.collect::<Vec<_>>() })
}

fn run_document(run: &DryRun, clock: &WallClock) -> Value {
    let registers = |registers: &[RegisterValue]| registers.iter().map(register_document).collect::<Vec<_>>();
    let demand =
        |demand: &[DemandValue]| demand.iter().map(|one| demand_document(one, clock)).collect::<Vec<_>>();
    let total = |total: &Total| {
        json!({
            "source": total.source.to_string(),
            "value": total.value.to_string(),
            "unit": total.unit.symbol(),
        })
    };
    let sets = run.billing_sets.iter().map(|set| {
        json!({
            "at": local_stamp(set.at, clock),
            "cause": set.cause.word(),
            "registers": registers(&set.registers),
            "demand": demand(&set.demand),
        })
    });
    let log =
        run.log.iter().map(|entry| json!({ "at": local_stamp(entry.at, clock), "event": entry.what.word() }));
    json!({
        "registers": registers(&run.registers),
        "totals": run.totals.iter().map(total).collect::<Vec<_>>(),
        "demand": demand(&run.demand),
        "billing_sets": sets.collect::<Vec<_>>(),
        "log": log.collect::<Vec<_>>(),
    })
}

fn run_text(out: &mut dyn Write, run: &DryRun, clock: &WallClock) -> io::Result<()> {
    let mut registers = Table::new(&["register", "value", "unit"]).numbers(&[1]);
    for register in &run.registers {
        let value = register.value.map_or_else(|| "not measured".to_owned(), |value| value.to_string());
        registers.row(vec![register.id.clone(), value, register.unit.symbol()]);
    }
    for total in &run.totals {
        registers.row(vec![total.source.to_string(), total.value.to_string(), total.unit.symbol()]);
    }
    registers.write(out)?;
    if !run.demand.is_empty() {
        writeln!(out)?;
        demand_table(&run.demand, clock).write(out)?;
    }
    for set in &run.billing_sets {
        writeln!(out, "\nbilling period ended {}: {}", local_stamp(set.at, clock), set.cause.word())?;
        let mut table = Table::new(&["register", "value", "unit"]).numbers(&[1]);
        for register in &set.registers {
            let value = register.value.map_or_else(|| "not measured".to_owned(), |value| value.to_string());
            table.row(vec![register.id.clone(), value, register.unit.symbol()]);
        }
        table.write(out)?;
        if !set.demand.is_empty() {
            demand_table(&set.demand, clock).write(out)?;
        }
    }
    if !run.log.is_empty() {
        writeln!(out)?;
    }
    run.log.iter().try_for_each(|entry| {
        writeln!(out, "{}  {}", local_stamp(entry.at, clock), entry.what.word().replace('_', " "))
    })
}

fn demand_table(demand: &[DemandValue], clock: &WallClock) -> Table {
    let mut table = Table::new(&["demand", "value", "unit", "period's end"]).numbers(&[1]);
    for register in demand {
        for peak in &register.highest {
            let at = local_stamp(peak.at, clock);
            table.row(vec![register.id.clone(), peak.value.to_string(), register.unit.symbol(), at]);
        }
        let cumulative = register.cumulative.to_string();
        table.row(vec![register.id.clone(), cumulative, register.unit.symbol(), "cumulative".to_owned()]);
    }
    table
}

/// A difference in JSON.
pub(super) fn difference_document(one: &Difference) -> Value {
    json!({ "place": one.place, "message": one.message })
}

impl Compare {
    fn run(&self, app: &App) -> Outcome {
        let read = |path: &Path| {
            scheme::read(&octets(path, LARGEST_SCHEME)?).map_err(|problems| unsound(path, &problems))
        };
        let first = read(&self.file)?;
        let other = match (&self.other, &self.meter) {
            (Some(other), _) => other,
            (None, Some(meter)) => return program::compare(app, &self.file, &first, meter),
            (None, None) => return Err(Failure::usage("name a second file, or a meter with --meter")),
        };
        let second = read(other)?;
        let differences = scheme::compare(&first, &second);
        app.print(
            || {
                json!({
                    "file": self.file.display().to_string(),
                    "other": other.display().to_string(),
                    "differences": differences.iter().map(difference_document).collect::<Vec<_>>(),
                })
            },
            |out| {
                if differences.is_empty() {
                    return writeln!(out, "no differences");
                }
                differences.iter().try_for_each(|difference| writeln!(out, "{difference}"))
            },
        )?;
        Ok(DONE)
    }
}
