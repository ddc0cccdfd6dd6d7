//! `meterwright scheme bill`: what a load profile costs under one scheme and others.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::scheme::{LARGEST_SCHEME, Load, local_stamp, octets, sound};
use super::table::Table;
use crate::model::Decimal;
use crate::scheme::{self, Bill as PeriodBill, Bills, Charge, Document, Line, Prices, WallClock};

/// What a load profile costs under a scheme.
#[derive(Args, Debug)]
pub(super) struct Bill {
    /// The scheme file
    file: PathBuf,
    /// Its prices [default: NAME.prices.json beside NAME.scheme.json]
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    #[command(flatten)]
    load: Load,
    /// Another scheme on the same load profile; may be given again
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Its prices, once for each --against [default: those beside it]
    #[arg(long = "prices2", value_name = "FILE", requires = "against")]
    other_prices: Vec<PathBuf>,
}

/// One scheme's bills.
struct Reckoned {
    file: PathBuf,
    prices_file: PathBuf,
    document: Document,
    prices: Prices,
    bills: Bills,
    clock: WallClock,
}

fn read_prices(path: &Path) -> Result<Prices, Failure> {
    scheme::read_prices(&octets(path, LARGEST_SCHEME)?).map_err(|problems| {
        let lines: Vec<String> =
            problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect();
        Failure::usage(format!("the prices have errors\n{}", lines.join("\n")))
    })
}

impl Bill {
    pub(super) fn run(&self, app: &App) -> Outcome {
        if !self.other_prices.is_empty() && self.other_prices.len() != self.against.len() {
            return Err(Failure::usage(format!(
                "--prices2 is given {} times and --against {} times: give one for each, or none",
                self.other_prices.len(),
                self.against.len()
            )));
        }
        let (profile, events) = self.load.read()?;
        let others = self.against.iter().enumerate().map(|(at, file)| (file, self.other_prices.get(at)));
        let mut all = Vec::new();
        for (file, prices_file) in std::iter::once((&self.file, self.prices.as_ref())).chain(others) {
            let prices_file = prices_file.cloned().unwrap_or_else(|| scheme::prices_beside(file));
            let document = sound(app, file)?;
            let prices = read_prices(&prices_file)?;
            let named =
                |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
            let run = scheme::dry_run(&document, &profile, &events).map_err(|error| named(&error))?;
            let bills = scheme::bill(&document, &prices, &run).map_err(|error| named(&error))?;
            let clock = WallClock::of_zone(&document.time_zone).map_err(|error| named(&error))?;
            for note in &bills.notes {
                app.tell(&format!("note: {}: {note}", file.display()));
            }
            all.push(Reckoned { file: file.clone(), prices_file, document, prices, bills, clock });
        }
        app.print(
            || json!({ "bills": all.iter().map(|one| document(one, all.first())).collect::<Vec<_>>() }),
            |out| {
                all.iter().try_for_each(|one| text(out, one))?;
                if all.len() > 1 { comparison(out, &all) } else { Ok(()) }
            },
        )?;
        Ok(DONE)
    }
}

/// By how much a scheme costs more than the first; nothing for the first itself, or in another currency.
fn difference(one: &Reckoned, first: Option<&Reckoned>) -> Option<Decimal> {
    let first =
        first.filter(|first| !std::ptr::eq(*first, one) && first.prices.currency == one.prices.currency)?;
    one.bills.due.checked_sub(first.bills.due)
}

const fn kind(charge: &Charge) -> &'static str {
    match charge {
        Charge::Energy { .. } => "energy",
        Charge::Demand { .. } => "demand",
        Charge::Day => "standing_per_day",
        Charge::Period => "standing_per_billing_period",
    }
}

fn register(charge: &Charge) -> Option<&str> {
    match charge {
        Charge::Energy { register } | Charge::Demand { register } => Some(register),
        Charge::Day | Charge::Period => None,
    }
}

fn document(one: &Reckoned, first: Option<&Reckoned>) -> Value {
    let line = |line: &Line| {
        json!({
            "charge": kind(&line.charge),
            "register": register(&line.charge),
            "quantity": line.quantity.to_string(),
            "unit": line.unit,
            "price": line.price.to_string(),
            "amount": line.amount.to_string(),
        })
    };
    let period = |bill: &PeriodBill| {
        json!({
            "from": local_stamp(bill.from, &one.clock),
            "to": local_stamp(bill.to, &one.clock),
            "cause": bill.cause.map(scheme::engine::Cause::word),
            "lines": bill.lines.iter().map(line).collect::<Vec<_>>(),
            "net": bill.net.to_string(),
            "tax": bill.tax.to_string(),
            "rounding": bill.rounding.to_string(),
            "due": bill.due.to_string(),
        })
    };
    json!({
        "file": one.file.display().to_string(),
        "identity": one.document.identity,
        "prices": one.prices_file.display().to_string(),
        "currency": one.prices.currency,
        "periods": one.bills.bills.iter().map(period).collect::<Vec<_>>(),
        "net": one.bills.net.to_string(),
        "due": one.bills.due.to_string(),
        "difference": difference(one, first).map(|more| more.to_string()),
        "notes": one.bills.notes,
    })
}

fn text(out: &mut dyn Write, one: &Reckoned) -> io::Result<()> {
    let currency = &one.prices.currency;
    writeln!(out, "{} {} ({})", one.document.identity, one.document.title, one.file.display())?;
    for bill in &one.bills.bills {
        let cause = bill.cause.map_or("still open", scheme::engine::Cause::word).replace('_', " ");
        let (from, to) = (local_stamp(bill.from, &one.clock), local_stamp(bill.to, &one.clock));
        writeln!(out, "\n{from} to {to}: {cause}")?;
        let mut table = Table::new(&["for", "quantity", "unit", "price", "amount"]).numbers(&[1, 3, 4]);
        for line in &bill.lines {
            let what = register(&line.charge).unwrap_or("standing charge").to_owned();
            let (quantity, price) = (line.quantity.to_string(), line.price.to_string());
            table.row(vec![what, quantity, line.unit.clone(), price, line.amount.to_string()]);
        }
        let mut sum = |what: &str, amount: Decimal| {
            let blank = String::new;
            table.row(vec![what.to_owned(), blank(), blank(), blank(), amount.to_string()]);
        };
        sum("net", bill.net);
        if one.prices.tax_percent.mantissa() != 0 {
            sum(&format!("tax {} %", one.prices.tax_percent), bill.tax);
        }
        sum("rounding", bill.rounding);
        sum(&format!("due, {currency}"), bill.due);
        table.write(out)?;
    }
    writeln!(out, "\nin all: {} {currency}\n", one.bills.due)
}

fn comparison(out: &mut dyn Write, all: &[Reckoned]) -> io::Result<()> {
    let mut table = Table::new(&["scheme", "due", "currency", "against the first"]).numbers(&[1, 3]);
    for one in all {
        let more = match difference(one, all.first()) {
            Some(more) if more > Decimal::ZERO => format!("+{more}"),
            Some(more) => more.to_string(),
            None => String::new(),
        };
        let (identity, due) = (one.document.identity.clone(), one.bills.due.to_string());
        table.row(vec![identity, due, one.prices.currency.clone(), more]);
    }
    table.write(out)
}
