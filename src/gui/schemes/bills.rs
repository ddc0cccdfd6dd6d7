//! Money: prices of the scheme's registers, and what the load profile costs under it and the other open schemes.

use std::collections::BTreeMap;

use egui::{Frame, Margin, Panel, ScrollArea, Ui};
use jiff::Timestamp;

use crate::gui::context::AppCtx;
use crate::gui::theme::tokens;
use crate::gui::widgets::{Problem, Tone, heading, problem, secondary, small};
use crate::model::Decimal;
use crate::scheme::{Bill, Bills, Charge, WallClock};

use super::dry_run::stamp;
use super::proving::sheet::{Row, Sheet};
use super::proving::{Input, Other, PriceBook, Runs, Subject, Trial};

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct BillsPage {
    runs: Runs,
    sheet: Sheet,
    notes: Vec<String>,
    trouble: Vec<String>,
    shown: u64,
    names: Vec<String>,
}

/// One scheme's bills with what is needed to show them.
struct Column<'a> {
    bills: &'a Bills,
    currency: &'a str,
}

impl BillsPage {
    /// Draws the page.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        subject: &Subject<'_>,
        input: &mut Input,
        prices: &mut PriceBook,
    ) {
        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.surface.0).inner_margin(Margin { left: 16, right: 12, top: 12, bottom: 12 });
        Panel::left("prices")
            .resizable(true)
            .default_size(392.0)
            .size_range(340.0..=560.0)
            .frame(frame)
            .show(ui, |ui| {
                ScrollArea::vertical().id_salt("prices of registers").auto_shrink(false).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 8.0;
                    heading(ui, "Prices");
                    prices.form(ui, cx, &subject.this);
                });
            });
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 8.0;
            heading(ui, "Bills");
            if input.ui(ui, cx, subject.this.document) {
                self.compared(ui, cx, subject, input, prices);
            }
        });
    }

    fn compared(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        subject: &Subject<'_>,
        input: &Input,
        prices: &mut PriceBook,
    ) {
        let Some(own) = prices.prices(cx, &subject.this) else {
            ui.label(secondary(ui, "Enter a price for a register, or a standing charge, to see bills"));
            return;
        };
        let mut names = vec![subject.this.name.to_owned()];
        let mut trials = vec![Trial { document: subject.this.document.clone(), prices: Some(own) }];
        let mut unpriced = Vec::new();
        for other in subject.others {
            match prices.prices(cx, other) {
                Some(prices) => {
                    names.push(other.name.to_owned());
                    trials.push(Trial { document: other.document.clone(), prices: Some(prices) });
                }
                None => unpriced.push(other.name),
            }
        }
        let Some(series) = input.series() else { return };
        self.runs.update(ui, cx, &trials, &series, &input.events());
        self.gather(&names);
        for reason in &self.trouble {
            let title = "There are no bills";
            problem(ui, &Problem { title, text: reason, details: reason.clone(), tone: Tone::Bad });
        }
        if !unpriced.is_empty() {
            let text = format!("Open without prices, and so not compared: {}", unpriced.join(", "));
            ui.label(small(ui, text));
        } else if subject.others.is_empty() {
            ui.label(small(ui, "Open another scheme with prices to compare what it would cost"));
        }
        for note in &self.notes {
            ui.label(small(ui, note));
        }
        if self.sheet.rows.is_empty() || !self.trouble.is_empty() {
            ui.horizontal(|ui| self.runs.progress(ui));
            return;
        }
        ui.horizontal(|ui| {
            let events = input.events().len();
            let with =
                if events > 0 { format!(", with {events} events of the dry run") } else { String::new() };
            let text = format!("Each bill is rounded once, a half away from nought; lines are exact{with}");
            ui.label(small(ui, text));
            self.runs.progress(ui);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.sheet.actions(ui, cx, &format!("{} bills", subject.this.document.identity));
            });
        });
        self.sheet.ui(ui, "bills");
    }

    fn gather(&mut self, names: &[String]) {
        let Some((trials, outcomes)) = self.runs.done() else { return };
        if self.shown == self.runs.version && self.names == names {
            return;
        }
        (self.shown, self.names) = (self.runs.version, names.to_vec());
        self.trouble.clear();
        self.notes.clear();
        let mut columns = Vec::new();
        for (at, (trial, outcome)) in trials.iter().zip(outcomes).enumerate() {
            let name = names.get(at).map_or("", String::as_str);
            let bills = match outcome {
                Err(reason) => Err(reason),
                Ok(tried) => match &tried.bills {
                    Some(Ok(bills)) => Ok(bills),
                    Some(Err(reason)) => Err(reason),
                    None => continue,
                },
            };
            match bills {
                Err(reason) => self.trouble.push(format!("{name}: {reason}")),
                Ok(bills) => {
                    self.notes.extend(bills.notes.iter().map(|note| format!("{name}: {note}")));
                    let currency = trial.prices.as_ref().map_or("", |prices| prices.currency.as_str());
                    columns.push(Column { bills, currency });
                }
            }
        }
        let clock = trials.first().and_then(|trial| WallClock::of_zone(&trial.document.time_zone).ok());
        if let Some(clock) = clock.filter(|_| self.trouble.is_empty() && columns.len() == names.len()) {
            self.sheet = sheet(names, &columns, &clock);
        }
    }
}

/// Where a line stands in a bill, and what it is called.
fn place(charge: &Charge) -> (u8, String) {
    match charge {
        Charge::Energy { register } => (0, register.clone()),
        Charge::Demand { register } => (1, register.clone()),
        Charge::Day => (2, "Standing charge per day".to_owned()),
        Charge::Period => (3, "Standing charge per billing period".to_owned()),
    }
}

fn sheet(names: &[String], columns: &[Column<'_>], clock: &WallClock) -> Sheet {
    let Some(first) = columns.first() else { return Sheet::default() };
    let unit = if columns.iter().all(|one| one.currency == first.currency) { first.currency } else { "" };
    let each =
        |figure: &dyn Fn(&Column<'_>) -> Option<String>| columns.iter().map(figure).collect::<Vec<_>>();
    let mut rows = vec![Row::section("In all")];
    rows.push(Row::sum("Due", unit, each(&|one| Some(with_currency(one, unit, one.bills.due)))));
    if columns.len() > 1 {
        let more = |one: &Column<'_>| {
            let same = one.currency == first.currency;
            same.then(|| one.bills.due.checked_sub(first.bills.due)).flatten().map(signed)
        };
        rows.push(Row::figures("More than under the first", unit, each(&more)));
    }
    let mut ends: Vec<Timestamp> =
        columns.iter().flat_map(|one| &one.bills.bills).map(|bill| bill.to).collect();
    ends.sort_unstable();
    ends.dedup();
    for end in ends {
        let bill = |one: &Column<'_>| -> Option<Bill> {
            one.bills.bills.iter().find(|bill| bill.to == end).cloned()
        };
        let begins = columns.iter().find_map(&bill).map(|bill| bill.from);
        let from = begins.map_or_else(String::new, |from| stamp(from, clock));
        rows.push(Row::section(format!("{from} to {}", stamp(end, clock))));
        let cause = |one: &Column<'_>| {
            let cause = bill(one)?.cause.map_or("still open", crate::scheme::engine::Cause::word);
            Some(crate::scheme::say::word(&cause))
        };
        rows.push(Row::figures("Ended by", "", each(&cause)));
        let mut lines: BTreeMap<(u8, String), ()> = BTreeMap::new();
        for column in columns {
            lines.extend(
                bill(column).into_iter().flat_map(|bill| bill.lines).map(|line| (place(&line.charge), ())),
            );
        }
        for key in lines.into_keys() {
            let amount = |one: &Column<'_>| {
                let line = bill(one)?.lines.into_iter().find(|line| place(&line.charge) == key)?;
                Some(line.amount.to_string())
            };
            let quantity = |one: &Column<'_>| {
                let line = bill(one)?.lines.into_iter().find(|line| place(&line.charge) == key)?;
                Some(format!("{} {} at {}", line.quantity, line.unit, line.price))
            };
            rows.push(Row::figures(format!("{}: how much", key.1), "", each(&quantity)));
            rows.push(Row::figures(&key.1, unit, each(&amount)));
        }
        rows.push(Row::figures("Net", unit, each(&|one| bill(one).map(|bill| bill.net.to_string()))));
        rows.push(Row::figures("Tax", unit, each(&|one| bill(one).map(|bill| bill.tax.to_string()))));
        rows.push(Row::figures(
            "Rounding",
            unit,
            each(&|one| bill(one).map(|bill| bill.rounding.to_string())),
        ));
        rows.push(Row::sum(
            "Due",
            unit,
            each(&|one| bill(one).map(|bill| with_currency(one, unit, bill.due))),
        ));
    }
    Sheet { what: "Line".to_owned(), columns: names.to_vec(), rows, is_words: false }
}

/// An amount, with its currency where the columns have several.
fn with_currency(column: &Column<'_>, unit: &str, amount: Decimal) -> String {
    if unit.is_empty() { format!("{amount} {}", column.currency) } else { amount.to_string() }
}

fn signed(amount: Decimal) -> String {
    if amount > Decimal::ZERO { format!("+{amount}") } else { amount.to_string() }
}

/// A scheme's name for a list.
pub(super) fn name_of(other: &Other<'_>) -> String {
    if other.document.title.is_empty() {
        other.name.to_owned()
    } else {
        format!("{} ({})", other.name, other.document.title)
    }
}
