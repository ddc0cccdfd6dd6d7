//! Price files.

use std::collections::HashSet;

use super::super::json::{self, Value, quoted};
use super::super::prices::{MOST_DECIMALS, PRICES_FORMAT, Price, Prices, amount};
use super::super::problem::{Code, Problem};
use super::{Reader, Spot};
use crate::model::Decimal;

/// Reads a price file's text.
pub(in crate::scheme) fn prices(text: &str) -> Result<Prices, Vec<Problem>> {
    let (node, slips) = json::parse(text);
    let problems = slips.into_iter().map(Problem::from).collect();
    let mut reader = Reader { problems, broken: Vec::new() };
    let prices = node.and_then(|node| reader.prices(&Spot { node: &node, place: String::new() }));
    match prices {
        Some(prices) if reader.problems.is_empty() => Ok(prices),
        _ => {
            reader.problems.sort_by_key(|problem| problem.position);
            Err(reader.problems)
        }
    }
}

impl Reader {
    fn prices(&mut self, spot: &Spot<'_>) -> Option<Prices> {
        let keys = [
            "format",
            "currency",
            "decimals",
            "tax_percent",
            "standing_per_day",
            "standing_per_billing_period",
            "energy",
            "demand",
        ];
        let fields = self.whole(spot, &keys)?;
        self.get(&fields, "format", |reader, spot| reader.format(spot, PRICES_FORMAT));
        let currency = self.get(&fields, "currency", |reader, spot| {
            let text = reader.text(spot)?;
            if text.trim().is_empty() || text.chars().count() > 8 || text.chars().any(char::is_control) {
                let message =
                    format!("{} is not a currency: write 1 to 8 characters, such as GBP", quoted(&text));
                return reader.refuse(Code::BadValue, spot, message);
            }
            Some(text)
        });
        let decimals = self.get(&fields, "decimals", |reader, spot| {
            let count = reader.count(spot)?;
            let fits = u8::try_from(count).ok().filter(|count| *count <= MOST_DECIMALS);
            fits.or_else(|| {
                let message = format!("{count} stands here: a currency has 0 to {MOST_DECIMALS} decimals");
                reader.refuse(Code::BadValue, spot, message)
            })
        });
        let tax_percent = self.get(&fields, "tax_percent", Self::charge);
        let standing_per_day = self.get(&fields, "standing_per_day", Self::charge);
        let standing_per_billing_period = self.get(&fields, "standing_per_billing_period", Self::charge);
        let energy = self.get(&fields, "energy", Self::price_list);
        let demand = self.get(&fields, "demand", Self::price_list);
        Some(Prices {
            currency: currency?,
            decimals: decimals?,
            tax_percent: tax_percent?,
            standing_per_day: standing_per_day?,
            standing_per_billing_period: standing_per_billing_period?,
            energy: energy?,
            demand: demand?,
        })
    }

    /// An amount that is not below nought.
    fn charge(&mut self, spot: &Spot<'_>) -> Option<Decimal> {
        self.parsed_by(spot, |text| match amount(text) {
            Ok(value) if value.is_negative() => {
                Err(format!("`{text}` stands here: it must not be below nought"))
            }
            other => other,
        })
    }

    fn price_list(&mut self, spot: &Spot<'_>) -> Option<Vec<Price>> {
        let stand_in = || Price { register: String::new(), price: Decimal::ZERO };
        let prices = self.list(spot, stand_in, |reader, spot| {
            let fields = reader.whole(spot, &["register", "price"])?;
            let register = reader.get(&fields, "register", Self::text);
            let price = reader.get(&fields, "price", |reader, spot| reader.parsed_by(spot, amount));
            Some(Price { register: register?, price: price? })
        })?;
        let mut known = HashSet::new();
        let Value::List(items) = &spot.node.value else { return Some(prices) };
        for (index, (price, item)) in prices.iter().zip(items).enumerate() {
            if !price.register.is_empty() && !known.insert(price.register.as_str()) {
                let message =
                    format!("the register {} has a price already: keep one", quoted(&price.register));
                self.note(Code::DuplicateId, item.at, format!("{}[{index}]", spot.place), message);
            }
        }
        Some(prices)
    }
}
