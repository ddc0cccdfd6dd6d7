//! `meterwright billing-reset NAME` and `meterwright contactor open|arm|close NAME`
//!
//! Both ask for the serial number of the meter once more, or take it from `--confirm`: what they do cannot be undone,
//! or leaves somebody in the dark. A wrong one is a refusal (exit code 3) and nothing is sent.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::Failure;
use super::jobs::{self, Batch, Results, fault_document};
use super::select;
use crate::comms::Job;
use crate::drivers::{Contactor as Move, Order, ReadRequest};
use crate::model::What;
use crate::store::MeterRow;

/// Which meter, and that it is the one that is meant.
#[derive(Args, Debug)]
pub(super) struct Target {
    /// The meter by name
    #[arg(value_name = "NAME")]
    name: String,
    /// Its serial number, in place of asking for it
    #[arg(long, value_name = "SERIAL")]
    confirm: Option<String>,
}

/// Ends the billing period of a meter.
#[derive(Args, Debug)]
pub(super) struct BillingReset {
    #[command(flatten)]
    target: Target,
}

/// The contactor.
#[derive(Subcommand, Debug)]
pub(super) enum Contactor {
    /// Disconnect the premises
    Open(Target),
    /// Let somebody at the meter reconnect the premises
    Arm(Target),
    /// Reconnect the premises
    Close(Target),
}

/// Whether somebody wrote the serial number that is in the store, case and spaces aside.
fn is_confirmed(known: &str, given: &str) -> bool {
    let plain = |text: &str| {
        let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        text.to_ascii_uppercase()
    };
    !plain(known).is_empty() && plain(known) == plain(given)
}

fn serial_of(row: &MeterRow) -> Option<String> {
    row.config.serial.clone().filter(|serial| !serial.trim().is_empty())
}

/// Reads who a meter is that was never read; gives its row as it stands then.
fn read_plate(app: &App, row: MeterRow) -> Result<MeterRow, Failure> {
    let name = row.config.name.clone();
    let comms = app.comms()?;
    let request = ReadRequest { what: [What::Identity].into(), from: None, to: None };
    let results = jobs::run(app, &comms, vec![Batch { request, meters: vec![row] }]);
    comms.stop();
    match results?.all.into_iter().find_map(|done| done.result.fault) {
        Some(fault) => Err(fault.during("reading its serial number").into()),
        None => select::one(&app.reader()?, &name),
    }
}

/// What an order does, for whoever confirms it.
const fn effect(order: Order) -> &'static str {
    match order {
        Order::BillingReset => "ends the billing period: its registers are frozen, its maxima begin anew",
        Order::Contactor(Move::Open) => "opens the contactor: the premises are without supply",
        Order::Contactor(Move::Arm) => "arms the contactor: somebody at the meter can restore the supply",
        Order::Contactor(Move::Close) => "closes the contactor: the premises are supplied at once",
    }
}

/// Asks for a serial number where it was not given.
fn asked_serial(row: &MeterRow, given: Option<&str>, effect: &str) -> Result<String, Failure> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::refused(format!(
            "this has to be confirmed with the serial number of {}: write --confirm SERIAL; nothing was sent",
            row.config.name
        )));
    }
    let mut error = io::stderr().lock();
    write!(error, "This {effect}.\nSerial number of {}: ", row.config.name)?;
    error.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A meter, once its serial number was confirmed: given, or typed below what is about to be done.
pub(super) fn confirmed_serial(
    app: &App,
    mut row: MeterRow,
    given: Option<&str>,
    effect: &str,
) -> Result<MeterRow, Failure> {
    if serial_of(&row).is_none() {
        row = read_plate(app, row)?;
    }
    let known = serial_of(&row).ok_or_else(|| {
        Failure::refused(format!(
            "the serial number of {0} is not known and it does not tell one, so that nobody can confirm it: `meter set \
             {0} --serial S` says which meter is meant; nothing was sent",
            row.config.name
        ))
    })?;
    let given = asked_serial(&row, given, effect)?;
    if is_confirmed(&known, &given) {
        return Ok(row);
    }
    Err(Failure::refused(format!(
        "`{given}` is not the serial number of {}: nothing was sent",
        row.config.name
    )))
}

impl Target {
    /// The meter, once its serial number was confirmed.
    fn confirmed(&self, app: &App, order: Order) -> Result<MeterRow, Failure> {
        let row = select::one(&app.reader()?, &self.name)?;
        confirmed_serial(app, row, self.confirm.as_deref(), effect(order))
    }

    fn run(&self, app: &App, order: Order) -> Outcome {
        app.no_secrets()?;
        let row = self.confirmed(app, order)?;
        let comms = app.comms()?;
        let meter = row.id;
        let results = jobs::follow(app, &comms, vec![(Job::Control { meter, order }, vec![row])]);
        comms.stop();
        let results = results?;
        app.print(
            || document(&results),
            |out| {
                for done in results.all.iter().filter(|done| done.result.fault.is_none()) {
                    writeln!(out, "{}: {}", done.name, done.words)?;
                }
                results.write_failed(out)
            },
        )?;
        Ok(results.exit_code())
    }
}

/// As the document of `read`, with what was done in words.
fn document(results: &Results) -> Value {
    let each = results.all.iter().map(|done| {
        let is_ok = done.result.fault.is_none();
        json!({
            "meter": done.name,
            "ok": is_ok,
            "error": fault_document(done.result.fault.as_ref()),
            "done": is_ok.then_some(&done.words),
        })
    });
    let each: Vec<Value> = each.collect();
    json!({ "results": each, "summary": results.summary(), "remarks": results.remarks })
}

impl BillingReset {
    pub(super) fn run(&self, app: &App) -> Outcome {
        self.target.run(app, Order::BillingReset)
    }
}

impl Contactor {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let (target, wanted) = match self {
            Self::Open(target) => (target, Move::Open),
            Self::Arm(target) => (target, Move::Arm),
            Self::Close(target) => (target, Move::Close),
        };
        target.run(app, Order::Contactor(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::is_confirmed;

    #[test]
    fn a_serial_number_is_confirmed_whole_but_not_letter_by_letter() {
        assert!(is_confirmed("1183 4402", "11834402") && is_confirmed("mtw-1", "MTW1"));
        for wrong in ["", "1834402", "11834403", "011834402"] {
            assert!(!is_confirmed("1183 4402", wrong), "{wrong}");
        }
        assert!(!is_confirmed("", ""));
    }
}
