//! Money: what registers cost, and the bill that follows from a dry run.
//!
//! # The file
//!
//! Prices are no part of a scheme: a contract's prices change every year and no meter knows them. They stand beside
//! it, in `NAME.prices.json` next to `NAME.scheme.json`:
//!
//! ```json
//! {
//!   "format": "meterwright.prices/1",
//!   "currency": "GBP",
//!   "decimals": 2,
//!   "tax_percent": "20",
//!   "standing_per_day": "0.4521",
//!   "standing_per_billing_period": "0",
//!   "energy": [{ "register": "R1", "price": "0.1234" }],
//!   "demand": [{ "register": "M1", "price": "4.80" }]
//! }
//! ```
//!
//! * `price` of `energy` is for each kWh, kvarh or kVAh that an energy or a customer-defined register grows (for each
//!   pulse of an input); below nought it is a credit, as for export.
//! * `price` of `demand` is for each kW, kvar or kVA of a demand register's highest maximum in a billing period.
//! * `decimals` are those of the currency, to which a bill is rounded.
//!
//! Amounts are decimals in quotes, with at most nine decimals and below 10⁹. Every key must be there, no other may,
//! and every slip is named with its line and column.
//!
//! # The bill
//!
//! [`bill`] makes one bill for each billing period of a dry run, and one for what came after the last. Every line is
//! exact: what was counted, times the price. The lines add up to the net amount, tax comes to it, and **one rounding
//! ends each bill**: to the currency's decimals, a half away from nought, as invoices do. What the rounding added is
//! kept beside, so that lines, tax and rounding add up to what is due to the last digit; what is due in all is the
//! sum of what the bills say.

mod reckoning;

pub use reckoning::{Bill, BillError, Bills, Charge, Line, bill};

use std::path::{Path, PathBuf};

use super::document::Document;
use super::problem::{Code, Problem};
use crate::model::Decimal;

/// The format tag that every price file begins with.
pub const PRICES_FORMAT: &str = "meterwright.prices/1";
/// Most decimals of an amount.
pub(super) const MOST_PLACES: i8 = 9;
/// Most decimals of a currency.
pub(super) const MOST_DECIMALS: u8 = 4;

/// What a register costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The register's id in the scheme.
    pub register: String,
    /// For a kWh (kvarh, kVAh), or a kW (kvar, kVA) of the highest maximum of a billing period.
    pub price: Decimal,
}

/// The prices of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// As it stands behind amounts: `GBP`, `€`.
    pub currency: String,
    /// Decimals to which a bill is rounded, 0 to 4.
    pub decimals: u8,
    /// Tax on the net amount, in percent.
    pub tax_percent: Decimal,
    /// For each midnight, in the scheme's zone, that a billing period passes or ends at.
    pub standing_per_day: Decimal,
    /// For each billing period that has ended.
    pub standing_per_billing_period: Decimal,
    /// Energy and customer-defined registers.
    pub energy: Vec<Price>,
    /// Demand registers.
    pub demand: Vec<Price>,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            currency: "EUR".to_owned(),
            decimals: 2,
            tax_percent: Decimal::ZERO,
            standing_per_day: Decimal::ZERO,
            standing_per_billing_period: Decimal::ZERO,
            energy: Vec::new(),
            demand: Vec::new(),
        }
    }
}

impl Prices {
    /// The price of an energy or customer-defined register.
    #[must_use]
    pub fn energy_price(&self, register: &str) -> Option<Decimal> {
        price_in(&self.energy, register)
    }

    /// The price of a demand register.
    #[must_use]
    pub fn demand_price(&self, register: &str) -> Option<Decimal> {
        price_in(&self.demand, register)
    }

    /// Prices of registers that a scheme does not have, or has as another kind.
    #[must_use]
    pub fn strangers(&self, document: &Document) -> Vec<Problem> {
        let registers = &document.registers;
        let energy = registers.energy.iter().map(|register| &register.id);
        let energy: Vec<&String> =
            energy.chain(registers.customer_defined.iter().map(|register| &register.id)).collect();
        let demand: Vec<&String> = registers.demand.iter().map(|register| &register.id).collect();
        let mut problems = Vec::new();
        for (key, prices, known) in [("energy", &self.energy, &energy), ("demand", &self.demand, &demand)] {
            for (index, price) in prices.iter().enumerate().filter(|(_, one)| !known.contains(&&one.register))
            {
                let place = format!("{key}[{index}].register");
                let known: Vec<&str> = known.iter().map(|id| id.as_str()).collect();
                let allowed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let register = &price.register;
                let message = format!(
                    "the scheme has no {key} register `{register}`: registers of this kind are {allowed}"
                );
                problems.push(Problem::new(Code::UndefinedReference, place, message));
            }
        }
        problems
    }
}

fn price_in(prices: &[Price], register: &str) -> Option<Decimal> {
    prices.iter().find(|price| price.register == register).map(|price| price.price)
}

/// An amount of money or a percentage.
///
/// # Errors
/// In words: it is no decimal number, has more than nine decimals, or is 10⁹ or more.
pub fn amount(text: &str) -> Result<Decimal, String> {
    let value: Decimal = text.parse().map_err(|error: crate::model::DecimalError| error.to_string())?;
    let value = if value.mantissa() == 0 { Decimal::ZERO } else { value };
    let fits = value.normalized().exponent() >= -MOST_PLACES;
    let most = Decimal::new(1, MOST_PLACES);
    let is_small = value < most && value > Decimal::new(-1, MOST_PLACES);
    if fits && is_small {
        Ok(value)
    } else {
        Err(format!("`{text}` is not an amount: write one below 10^9 with at most {MOST_PLACES} decimals"))
    }
}

/// `NAME.prices.json` beside `NAME.scheme.json`.
#[must_use]
pub fn prices_beside(scheme: &Path) -> PathBuf {
    let name = scheme.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix(".scheme.json").or_else(|| name.strip_suffix(".json")).unwrap_or(&name);
    scheme.with_file_name(format!("{stem}.prices.json"))
}

/// Reads a price file.
///
/// # Errors
/// Every slip against the format, with its line and column.
pub fn read_prices(bytes: &[u8]) -> Result<Prices, Vec<Problem>> {
    let text = std::str::from_utf8(bytes).map_err(|error| vec![super::check::not_utf8(bytes, &error)])?;
    super::read::prices(text)
}

#[cfg(test)]
mod tests;
