//! Prices under the hands of a person, for each open scheme; kept in `NAME.prices.json` beside it.

use std::collections::{BTreeMap, HashMap};

use egui::{Grid, Label, Ui, Vec2};

use crate::gui::context::{AppCtx, Command};
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, ROW, strong};
use crate::gui::widgets::{Act, Problem, Tone, badge, field, problem, small, text_field};
use crate::model::Decimal;
use crate::scheme::{Document, Price, Prices, amount, prices_beside, write_prices};

use super::Other;

/// Prices as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Draft {
    currency: String,
    decimals: String,
    tax_percent: String,
    per_day: String,
    per_period: String,
    energy: BTreeMap<String, String>,
    demand: BTreeMap<String, String>,
}

impl Draft {
    fn of(prices: &Prices) -> Self {
        let amount = |value: Decimal| if value.mantissa() == 0 { String::new() } else { value.to_string() };
        let each = |prices: &[Price]| {
            prices.iter().map(|one| (one.register.clone(), one.price.to_string())).collect()
        };
        Self {
            currency: prices.currency.clone(),
            decimals: prices.decimals.to_string(),
            tax_percent: amount(prices.tax_percent),
            per_day: amount(prices.standing_per_day),
            per_period: amount(prices.standing_per_billing_period),
            energy: each(&prices.energy),
            demand: each(&prices.demand),
        }
    }

    /// Without what is left blank: what is compared with what is saved.
    fn filled(&self) -> Self {
        let mut filled = self.clone();
        filled.energy.retain(|_, text| !text.trim().is_empty());
        filled.demand.retain(|_, text| !text.trim().is_empty());
        filled
    }

    /// What is typed, in the order of the scheme; nothing while a field makes no sense.
    fn prices(&self, document: &Document) -> Option<Prices> {
        let registers = &document.registers;
        let each = |typed: &BTreeMap<String, String>, ids: &mut dyn Iterator<Item = &String>| {
            let with_price = ids.filter_map(|id| typed.get(id).map(|text| (id, text.trim())));
            let filled = with_price.filter(|(_, text)| !text.is_empty());
            filled
                .map(|(id, text)| Some(Price { register: id.clone(), price: amount(text).ok()? }))
                .collect::<Option<Vec<Price>>>()
        };
        let energy = registers.energy.iter().map(|one| &one.id);
        let sums = registers.customer_defined.iter().map(|one| &one.id);
        Some(Prices {
            currency: Some(self.currency.trim()).filter(|text| is_currency(text))?.to_owned(),
            decimals: decimals(&self.decimals)?,
            tax_percent: charge(&self.tax_percent)?,
            standing_per_day: charge(&self.per_day)?,
            standing_per_billing_period: charge(&self.per_period)?,
            energy: each(&self.energy, &mut energy.chain(sums))?,
            demand: each(&self.demand, &mut registers.demand.iter().map(|one| &one.id))?,
        })
    }
}

fn is_currency(text: &str) -> bool {
    (1..=8).contains(&text.chars().count())
}

fn decimals(text: &str) -> Option<u8> {
    text.trim().parse().ok().filter(|count| *count <= 4)
}

/// An amount that is not below nought; nought where nothing is typed.
fn charge(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Decimal::ZERO);
    }
    amount(text).ok().filter(|value| !value.is_negative())
}

#[derive(Debug, Default)]
struct Entry {
    draft: Draft,
    saved: Draft,
    is_loaded: bool,
    problems: Vec<String>,
}

/// The prices of every open scheme.
#[derive(Debug, Default)]
pub(in crate::gui::schemes) struct PriceBook {
    entries: HashMap<String, Entry>,
}

impl PriceBook {
    fn entry(&mut self, cx: &mut AppCtx, of: &Other<'_>) -> &mut Entry {
        let key = of.path.map_or_else(|| of.name.to_owned(), |path| path.display().to_string());
        let entry = self.entries.entry(key).or_insert_with(|| {
            let draft = Draft::of(&Prices::default());
            Entry { saved: draft.clone(), draft, is_loaded: false, problems: Vec::new() }
        });
        let Some(path) = of.path.filter(|_| !entry.is_loaded) else { return entry };
        match cx.data.prices(cx.backend.as_ref(), &Query::Prices(prices_beside(path))) {
            Load::Loading => return entry,
            Load::Ready(file) => {
                if let Some(prices) = &file.prices {
                    entry.draft = Draft::of(prices);
                    entry.saved = entry.draft.clone();
                }
                entry.problems = file.problems.iter().map(ToString::to_string).collect();
            }
            Load::Failed(reason) => entry.problems = vec![reason],
        }
        entry.is_loaded = true;
        entry
    }

    /// The prices of a scheme; nothing where none are entered, or what is typed makes no sense.
    pub(in crate::gui::schemes) fn prices(&mut self, cx: &mut AppCtx, of: &Other<'_>) -> Option<Prices> {
        let prices = self.entry(cx, of).draft.prices(of.document)?;
        let has_any = !prices.energy.is_empty()
            || !prices.demand.is_empty()
            || prices.standing_per_day.mantissa() != 0
            || prices.standing_per_billing_period.mantissa() != 0;
        has_any.then_some(prices)
    }

    /// Draws the form.
    pub(in crate::gui::schemes) fn form(&mut self, ui: &mut Ui, cx: &mut AppCtx, of: &Other<'_>) {
        let entry = self.entry(cx, of);
        if !entry.problems.is_empty() {
            let text = entry.problems.join("\n");
            let title = "The price file beside this scheme cannot be read; saving prices replaces it";
            problem(ui, &Problem { title, text: &text, details: text.clone(), tone: Tone::Bad });
        }
        let draft = &mut entry.draft;
        heads(ui, draft);
        ui.add_space(8.0);
        registers(ui, of.document, draft);
        ui.add_space(8.0);
        let is_whole = draft.prices(of.document);
        let is_changed = entry.draft.filled() != entry.saved;
        let mut save = false;
        ui.horizontal(|ui| {
            let words = if of.path.is_some() { "Save prices" } else { "Save prices…" };
            save = ui
                .add(Act::primary(words).icon(Icon::Save).enabled(is_whole.is_some() && is_changed))
                .clicked();
            if is_changed {
                badge(ui, "Not saved", Tone::Warn);
            }
            let place = of.path.map_or_else(
                || "you say where".to_owned(),
                |path| {
                    let beside = prices_beside(path);
                    beside
                        .file_name()
                        .map_or_else(String::new, |name| format!("in {}", name.to_string_lossy()))
                },
            );
            ui.label(small(ui, place));
        });
        if let Some(prices) = is_whole.filter(|_| save) {
            entry.saved = entry.draft.filled();
            entry.problems.clear();
            let text = write_prices(&prices);
            match of.path {
                Some(path) => cx.command(Command::WriteFile(prices_beside(path), text)),
                None => {
                    let name = format!("{}.prices.json", of.document.identity);
                    cx.command(Command::SaveText("Save prices".to_owned(), name, text));
                }
            }
        }
    }
}

/// Currency, tax and standing charges.
fn heads(ui: &mut Ui, draft: &mut Draft) {
    let row = |ui: &mut Ui, contents: &mut dyn FnMut(&mut Ui)| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            contents(ui);
        });
    };
    row(ui, &mut |ui| {
        let no_currency = !is_currency(draft.currency.trim());
        field(ui, "Currency", wrong(no_currency, "1 to 8 letters"), |ui| {
            text_field(ui, &mut draft.currency, "EUR", 84.0, no_currency)
        });
        let no_decimals = decimals(&draft.decimals).is_none();
        field(ui, "Decimals", wrong(no_decimals, "0 to 4"), |ui| {
            text_field(ui, &mut draft.decimals, "2", 72.0, no_decimals)
        });
        amount_field(ui, "Tax, %", &mut draft.tax_percent, 96.0);
    });
    row(ui, &mut |ui| {
        amount_field(ui, "Standing charge per day", &mut draft.per_day, 148.0);
        amount_field(ui, "per billing period", &mut draft.per_period, 120.0);
    });
}

fn amount_field(ui: &mut Ui, title: &str, text: &mut String, width: f32) {
    let bad = charge(text).is_none();
    field(ui, title, wrong(bad, "an amount of 0 or more"), |ui| text_field(ui, text, "0", width, bad));
}

const fn wrong(is_wrong: bool, words: &str) -> Option<(&str, bool)> {
    if is_wrong { Some((words, true)) } else { None }
}

fn registers(ui: &mut Ui, document: &Document, draft: &mut Draft) {
    let registers = &document.registers;
    let unit = |source| format!("k{}", document.unit(source).symbol());
    let power = |source| {
        document
            .unit(source)
            .power_of_energy()
            .map_or_else(|| "k".to_owned(), |unit| format!("k{}", unit.symbol()))
    };
    let energy = registers.energy.iter().map(|one| (&one.id, &one.title, unit(one.source)));
    let sums = registers
        .customer_defined
        .iter()
        .zip(1u8..)
        .map(|(one, number)| (&one.id, &one.title, unit(crate::scheme::Source::CustomerDefined(number))));
    let demand = registers.demand.iter().map(|one| (&one.id, &one.title, power(one.source)));
    Grid::new("prices").num_columns(4).spacing(Vec2::new(8.0, 4.0)).min_row_height(ROW).show(ui, |ui| {
        for (id, title, unit) in energy.chain(sums) {
            row(ui, id, title, &format!("per {unit}"), draft.energy.entry(id.clone()).or_default());
        }
        for (id, title, unit) in demand {
            let per = format!("per {unit}, highest of a period");
            row(ui, id, title, &per, draft.demand.entry(id.clone()).or_default());
        }
    });
}

fn row(ui: &mut Ui, id: &str, title: &str, per: &str, text: &mut String) {
    ui.label(strong(id));
    ui.allocate_ui(Vec2::new(112.0, ROW), |ui| ui.add(Label::new(title).truncate()))
        .inner
        .on_hover_text(title);
    let bad = !text.trim().is_empty() && amount(text.trim()).is_err();
    text_field(ui, text, "no price", 92.0, bad).accessible_name(&format!("Price of {id}"));
    let remark = if bad { "write an amount such as 0.1234" } else { per };
    ui.label(small(ui, remark));
    ui.end_row();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_saved() {
        let document = Document::blank("dlms-generic", "UTC");
        let mut draft = Draft::of(&Prices::default());
        draft.energy.insert("R1".to_owned(), " 0.25 ".to_owned());
        draft.energy.insert("GONE".to_owned(), "1".to_owned());
        let prices = draft.prices(&document).unwrap();
        assert_eq!(prices.energy, [Price { register: "R1".to_owned(), price: Decimal::new(25, -2) }]);
        draft.per_day = "-1".to_owned();
        assert_eq!(draft.prices(&document), None);
    }
}
