//! From what registers counted to what is due.

use jiff::Timestamp;

use super::{Price, Prices};
use crate::model::{Decimal, Unit};
use crate::scheme::clock::{WallClock, ZoneError};
use crate::scheme::document::Document;
use crate::scheme::dry_run::DryRun;
use crate::scheme::engine::{Cause, DemandValue, RegisterValue};

/// What a line of a bill is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charge {
    /// What a register grew.
    Energy {
        /// The register's id.
        register: String,
    },
    /// The highest maximum of the billing period.
    Demand {
        /// The register's id.
        register: String,
    },
    /// The standing charge of each day.
    Day,
    /// The standing charge of the billing period.
    Period,
}

/// A line of a bill: exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What for.
    pub charge: Charge,
    /// How much, in `unit`.
    pub quantity: Decimal,
    /// `kWh`, `kW`, `day`.
    pub unit: String,
    /// For one of it.
    pub price: Decimal,
    /// Quantity times price.
    pub amount: Decimal,
}

/// The bill of one billing period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Where the billing period begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// Why it ended; nothing for the one that is still open where the load profile ends.
    pub cause: Option<Cause>,
    /// What is charged.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub net: Decimal,
    /// Tax on it.
    pub tax: Decimal,
    /// What rounding added, or took.
    pub rounding: Decimal,
    /// Net, tax and rounding: what is to be paid, to the currency's decimals.
    pub due: Decimal,
}

/// The bills of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bills {
    /// One a billing period, the last one open.
    pub bills: Vec<Bill>,
    /// The sum of the net amounts.
    pub net: Decimal,
    /// The sum of what the bills say is due.
    pub due: Decimal,
    /// What is not billed, in words: registers without a price, prices of registers that are not measured.
    pub notes: Vec<String>,
}

/// Why there is no bill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// The scheme's zone does not exist.
    #[error("time_zone: {0}")]
    Zone(#[from] ZoneError),
    /// An amount leaves 38 digits.
    #[error("the charge for {0} leaves 38 digits: check the price and the load profile")]
    TooLarge(String),
}

/// The bills of a dry run of a scheme; see the module's first comment for the rules.
///
/// # Errors
/// An amount is too large to be exact, or the scheme's zone does not exist.
pub fn bill(document: &Document, prices: &Prices, run: &DryRun) -> Result<Bills, BillError> {
    let clock = WallClock::of_zone(&document.time_zone)?;
    let mut bills = Vec::new();
    let mut before: &[RegisterValue] = &[];
    let mut from = run.from;
    let sets = run.billing_sets.iter().map(|set| (set.at, Some(set.cause), &set.registers, &set.demand));
    let open = (run.to, None, &run.registers, &run.demand);
    let is_open = run.billing_sets.last().is_none_or(|last| last.at < run.to);
    for (to, cause, registers, demand) in sets.chain(is_open.then_some(open)) {
        let mut lines = Vec::new();
        energy_lines(&mut lines, &prices.energy, before, registers)?;
        demand_lines(&mut lines, &prices.demand, demand)?;
        if prices.standing_per_day.mantissa() != 0 {
            let days = clock.local(from).date().until(clock.local(to).date());
            let days = days.map_or(0, |span| i64::from(span.get_days()));
            lines.push(line(Charge::Day, Decimal::from(days), "day", prices.standing_per_day)?);
        }
        if cause.is_some() && prices.standing_per_billing_period.mantissa() != 0 {
            let price = prices.standing_per_billing_period;
            lines.push(line(Charge::Period, Decimal::from(1), "period", price)?);
        }
        bills.push(ended(prices, (from, to), cause, lines)?);
        (before, from) = (registers, to);
    }
    let total = |each: fn(&Bill) -> Decimal| sum(bills.iter().map(each), "all bills");
    let net = plain(total(|bill| bill.net)?);
    let due = total(|bill| bill.due)?;
    Ok(Bills { net, due, notes: notes(document, prices, run), bills })
}

fn too_large(what: &str) -> BillError {
    BillError::TooLarge(what.to_owned())
}

fn sum(mut amounts: impl Iterator<Item = Decimal>, what: &str) -> Result<Decimal, BillError> {
    let sum = amounts.try_fold(Decimal::ZERO, Decimal::checked_add);
    sum.ok_or_else(|| too_large(what))
}

/// Without noughts behind the last digit after the point.
fn plain(value: Decimal) -> Decimal {
    let short = value.normalized();
    if short.exponent() > 0 { short.with_exponent(0).unwrap_or(short) } else { short }
}

fn line(charge: Charge, quantity: Decimal, unit: &str, price: Decimal) -> Result<Line, BillError> {
    let amount = quantity.normalized().checked_mul(price.normalized()).map(plain);
    let amount = amount.ok_or_else(|| {
        too_large(match &charge {
            Charge::Energy { register } | Charge::Demand { register } => register,
            Charge::Day | Charge::Period => "standing",
        })
    })?;
    Ok(Line { charge, quantity: plain(quantity), unit: unit.to_owned(), price, amount })
}

/// A quantity in the unit that is priced: kilo for energies and powers.
fn priced(value: Decimal, unit: Unit) -> Option<(Decimal, String)> {
    match unit {
        Unit::WH | Unit::VARH | Unit::VAH | Unit::W | Unit::VAR | Unit::VA => {
            Some((value.scaled(-3)?, format!("k{}", unit.symbol())))
        }
        _ => Some((value, unit.symbol())),
    }
}

fn energy_lines(
    lines: &mut Vec<Line>,
    prices: &[Price],
    before: &[RegisterValue],
    now: &[RegisterValue],
) -> Result<(), BillError> {
    for register in now {
        let Some(price) = super::price_in(prices, &register.id) else { continue };
        let Some(value) = register.value else { continue };
        let earlier = before.iter().find(|one| one.id == register.id).and_then(|one| one.value);
        let grown = value.checked_sub(earlier.unwrap_or(Decimal::ZERO));
        let (quantity, unit) =
            grown.and_then(|grown| priced(grown, register.unit)).ok_or_else(|| too_large(&register.id))?;
        lines.push(line(Charge::Energy { register: register.id.clone() }, quantity, &unit, price)?);
    }
    Ok(())
}

fn demand_lines(lines: &mut Vec<Line>, prices: &[Price], now: &[DemandValue]) -> Result<(), BillError> {
    for register in now {
        let Some(price) = super::price_in(prices, &register.id) else { continue };
        let highest = register.highest.first().map_or(Decimal::ZERO, |peak| peak.value);
        let (quantity, unit) = priced(highest, register.unit).ok_or_else(|| too_large(&register.id))?;
        lines.push(line(Charge::Demand { register: register.id.clone() }, quantity, &unit, price)?);
    }
    Ok(())
}

/// A bill with its sums and its one rounding.
fn ended(
    prices: &Prices,
    (from, to): (Timestamp, Timestamp),
    cause: Option<Cause>,
    lines: Vec<Line>,
) -> Result<Bill, BillError> {
    let net = plain(sum(lines.iter().map(|line| line.amount), "a billing period")?);
    let tax = net.checked_mul(prices.tax_percent.normalized()).and_then(|tax| tax.scaled(-2)).map(plain);
    let tax = tax.ok_or_else(|| too_large("tax"))?;
    let gross = net.checked_add(tax).ok_or_else(|| too_large("a billing period"))?;
    let due = rounded(gross, prices.decimals).ok_or_else(|| too_large("a billing period"))?;
    let rounding = due.checked_sub(gross).map(plain).ok_or_else(|| too_large("a billing period"))?;
    Ok(Bill { from, to, cause, lines, net, tax, rounding, due })
}

/// To so many decimals, a half away from nought. The only rounding between a meter and a bill.
fn rounded(value: Decimal, decimals: u8) -> Option<Decimal> {
    let exponent = i8::try_from(decimals).ok()?.checked_neg()?;
    if let Some(exact) = value.with_exponent(exponent) {
        return Some(exact);
    }
    let surplus = u32::try_from(i32::from(exponent) - i32::from(value.exponent())).ok()?;
    let unit = 10i128.checked_pow(surplus)?;
    let (whole, rest) = (value.mantissa() / unit, value.mantissa() % unit);
    let up = i128::from(rest.unsigned_abs() >= unit.unsigned_abs() - rest.unsigned_abs());
    Some(Decimal::new(whole + up * value.mantissa().signum(), exponent))
}

/// What is not billed.
fn notes(document: &Document, prices: &Prices, run: &DryRun) -> Vec<String> {
    let mut notes = Vec::new();
    for register in &run.registers {
        let is_sum = document.registers.customer_defined.iter().any(|sum| sum.id == register.id);
        match (prices.energy_price(&register.id), register.value) {
            (Some(_), None) => notes.push(format!(
                "{} has a price, but the load profile does not have what it counts: it is not billed",
                register.id
            )),
            (None, Some(value)) if !is_sum && value.mantissa() != 0 => {
                notes.push(format!("{} has no price: what it counts is not billed", register.id));
            }
            _ => {}
        }
    }
    notes.extend(prices.strangers(document).into_iter().map(|problem| problem.message));
    notes
}
