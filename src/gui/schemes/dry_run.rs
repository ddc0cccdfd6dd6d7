//! The dry run: what the registers would have read on a load profile, with each response to a lost clock.

use egui::{Frame, Margin, ScrollArea, Ui};
use jiff::Timestamp;

use crate::gui::context::AppCtx;
use crate::gui::widgets::{Problem, Tone, badge, counted, heading, problem, section, small};
use crate::model::{Decimal, Unit};
use crate::scheme::engine::{BillingSet, DemandValue};
use crate::scheme::{ClockFailureResponse, Document, WallClock};

use super::proving::sheet::{Row, Sheet};
use super::proving::{Input, PriceBook, Runs, Subject, Trial, Tried};

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct DryRunPage {
    runs: Runs,
    sheet: Sheet,
    trouble: Vec<String>,
    shown: u64,
}

/// A response in a column's title.
const fn words(response: ClockFailureResponse) -> &'static str {
    match response {
        ClockFailureResponse::Continue => "Go on, late",
        ClockFailureResponse::BillThenContinue => "Bill, then go on",
        ClockFailureResponse::BillThenFreeze => "Bill, then freeze",
    }
}

/// The scheme's own response first, then the others.
fn responses(document: &Document) -> Vec<ClockFailureResponse> {
    let own = document.clock_failure;
    let others = ClockFailureResponse::ALL.iter().copied().filter(|one| *one != own);
    std::iter::once(own).chain(others).collect()
}

impl DryRunPage {
    /// Draws the page.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        subject: &Subject<'_>,
        input: &mut Input,
        prices: &mut PriceBook,
    ) {
        let document = subject.this.document;
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 8.0;
            heading(ui, "Dry run");
            ui.label(small(
                ui,
                "What the registers of this scheme would have read on a load profile. Place failures and resets on the axis to see what each response to a lost clock does.",
            ));
            if !input.ui(ui, cx, document) {
                return;
            }
            let Some(series) = input.series() else { return };
            input.events_ui(ui, cx, document);
            let own_prices = prices.prices(cx, &subject.this);
            let trials: Vec<Trial> = responses(document)
                .into_iter()
                .map(|response| Trial {
                    document: Document { clock_failure: response, ..document.clone() },
                    prices: own_prices.clone(),
                })
                .collect();
            self.runs.update(ui, cx, &trials, &series, &input.events());
            self.gather();
            self.results(ui, cx, subject);
        });
    }

    /// Makes the table when a new set of results has come.
    fn gather(&mut self) {
        let Some((trials, outcomes)) = self.runs.done() else { return };
        if self.shown == self.runs.version {
            return;
        }
        self.shown = self.runs.version;
        self.trouble = outcomes.iter().filter_map(|one| one.as_ref().err().cloned()).collect();
        self.trouble.dedup();
        let tried: Vec<&Tried> = outcomes.iter().filter_map(|one| one.as_ref().ok()).collect();
        if tried.len() == trials.len() {
            self.sheet = sheet(trials, &tried);
        }
    }

    fn results(&self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
        for reason in &self.trouble {
            let title = "The dry run stopped";
            problem(ui, &Problem { title, text: reason, details: reason.clone(), tone: Tone::Bad });
        }
        if self.sheet.rows.is_empty() || !self.trouble.is_empty() {
            ui.horizontal(|ui| self.runs.progress(ui));
            return;
        }
        ui.horizontal(|ui| {
            section(ui, "Results, the scheme's own response first");
            match self.sheet.differing() {
                0 => badge(ui, "The responses agree", Tone::Plain),
                some => badge(ui, &format!("≠ in {}", counted(some, "row")), Tone::Accent),
            };
            self.runs.progress(ui);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = format!("{} dry run", subject.this.document.identity);
                self.sheet.actions(ui, cx, &name);
            });
        });
        let height = ui.available_height().max(160.0);
        ui.allocate_ui(egui::Vec2::new(ui.available_width(), height), |ui| {
            ScrollArea::neither().show(ui, |ui| self.sheet.ui(ui, "dry run"));
        });
    }
}

/// A value in kilo where its unit is an energy or a power.
pub(super) fn in_kilo(value: Decimal, unit: Unit) -> (String, String) {
    let (power, symbol) = crate::gui::widgets::kilo(unit);
    let scaled = value.normalized().scaled(power).unwrap_or(value);
    let plain = if scaled.exponent() > 0 { scaled.with_exponent(0).unwrap_or(scaled) } else { scaled };
    (plain.to_string(), symbol)
}

/// `2026-11-01 14:30` by a scheme's clock, a midnight by its date alone; two equal ones are told apart by their offset.
pub(super) fn stamp(at: Timestamp, clock: &WallClock) -> String {
    let local = clock.local(at);
    let again = clock.first_instant(local) != at;
    let second = if again { format!(" ({})", clock.offset(at)) } else { String::new() };
    let form = if local.time() == jiff::civil::Time::midnight() { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
    format!("{}{second}", local.strftime(form))
}

/// A row out of one figure of each run.
fn each(tried: &[&Tried], figure: impl Fn(&Tried) -> Option<String>) -> Vec<Option<String>> {
    tried.iter().map(|one| figure(one)).collect()
}

fn sheet(trials: &[Trial], tried: &[&Tried]) -> Sheet {
    let (Some(first), Some(trial)) = (tried.first(), trials.first()) else { return Sheet::default() };
    let Ok(clock) = WallClock::of_zone(&trial.document.time_zone) else { return Sheet::default() };
    let document = &trial.document;
    let mut rows = vec![Row::section("Registers at the end")];
    for register in &first.run.registers {
        let unit = in_kilo(Decimal::ZERO, register.unit).1;
        let figure = |one: &Tried| {
            let found = one.run.registers.iter().find(|other| other.id == register.id)?;
            Some(in_kilo(found.value?, found.unit).0)
        };
        rows.push(Row::figures(titled(document, &register.id), unit, each(tried, figure)));
    }
    totals(&mut rows, document, tried, first);
    rows.push(Row::section("Demand since the last billing set"));
    demands(&mut rows, document, tried, &clock, |one| Some(&one.run.demand));
    money(&mut rows, tried, trial, &clock);
    sets(&mut rows, document, tried, &clock);
    log(&mut rows, tried, &clock);
    let columns = trials.iter().map(|trial| words(trial.document.clock_failure).to_owned()).collect();
    Sheet { what: "Figure".to_owned(), columns, rows, is_words: false }
}

/// `R1 Night`.
pub(super) fn titled(document: &Document, id: &str) -> String {
    match super::register_title(document, id) {
        title if title == id => id.to_owned(),
        title => format!("{id} {title}"),
    }
}

/// What was measured, and whether the registers of each source add up to it.
fn totals(rows: &mut Vec<Row>, document: &Document, tried: &[&Tried], first: &Tried) {
    rows.push(Row::section("Measured in all, and where it went"));
    for total in &first.run.totals {
        let source = crate::scheme::say::word(&total.source);
        let unit = in_kilo(Decimal::ZERO, total.unit).1;
        let measured = |one: &Tried| {
            one.run.totals.iter().find(|other| other.source == total.source).map(|one| one.value)
        };
        let show = |value: Option<Decimal>| value.map(|value| in_kilo(value, total.unit).0);
        rows.push(Row::figures(format!("Total {source}"), &unit, each(tried, |one| show(measured(one)))));
        let ids: Vec<&String> = document
            .registers
            .energy
            .iter()
            .filter(|register| register.source == total.source)
            .map(|register| &register.id)
            .collect();
        if ids.is_empty() {
            continue;
        }
        let counted = |one: &Tried| {
            let values = one.run.registers.iter().filter(|register| ids.contains(&&register.id));
            values.filter_map(|register| register.value).try_fold(Decimal::ZERO, Decimal::checked_add)
        };
        rows.push(Row::figures(
            format!("Sum of its registers, {source}"),
            &unit,
            each(tried, |one| show(counted(one))),
        ));
        let verdict = |one: &Tried| {
            let left = measured(one)?.checked_sub(counted(one)?)?;
            Some(if left.mantissa() == 0 {
                "adds up".to_owned()
            } else if left.is_negative() {
                format!("{} twice", in_kilo(Decimal::ZERO.checked_sub(left)?, total.unit).0)
            } else {
                format!("{} in none", in_kilo(left, total.unit).0)
            })
        };
        rows.push(Row::sum(format!("Check, {source}"), &unit, each(tried, verdict)));
    }
    for total in &first.run.unmeasured {
        let source = crate::scheme::say::word(&total.source);
        let unit = in_kilo(Decimal::ZERO, total.unit).1;
        let lost = |one: &Tried| {
            let found = one.run.unmeasured.iter().find(|other| other.source == total.source)?;
            Some(in_kilo(found.value, found.unit).0)
        };
        rows.push(Row::figures(
            format!("In the profile while supply was down, {source}"),
            unit,
            each(tried, lost),
        ));
    }
    if first.run.unknown_values > 0 {
        let unknown = |one: &Tried| Some(one.run.unknown_values.to_string());
        rows.push(Row::figures("Values that the profile does not know", "", each(tried, unknown)));
    }
}

fn demands<'a>(
    rows: &mut Vec<Row>,
    document: &Document,
    tried: &[&'a Tried],
    clock: &WallClock,
    of: impl Fn(&'a Tried) -> Option<&'a Vec<DemandValue>>,
) {
    for register in &document.registers.demand {
        let found: Vec<Option<&DemandValue>> =
            tried.iter().map(|one| of(one)?.iter().find(|demand| demand.id == register.id)).collect();
        let most = found.iter().flatten().map(|demand| demand.highest.len()).max().unwrap_or(0);
        let unit = found
            .iter()
            .flatten()
            .next()
            .map_or_else(String::new, |demand| in_kilo(Decimal::ZERO, demand.unit).1);
        for place in 0..most.max(1) {
            let peak = |demand: &Option<&DemandValue>| {
                let demand = (*demand)?;
                let peak = demand.highest.get(place)?;
                Some(format!("{}  at {}", in_kilo(peak.value, demand.unit).0, stamp(peak.at, clock)))
            };
            let rank = if most > 1 { format!(", {}", place + 1) } else { String::new() };
            let title = format!("{}{rank}", titled(document, &register.id));
            rows.push(Row::figures(title, &unit, found.iter().map(peak).collect()));
        }
        let cumulative =
            |demand: &Option<&DemandValue>| demand.map(|one| in_kilo(one.cumulative, one.unit).0);
        rows.push(Row::figures(
            format!("{} cumulative", register.id),
            &unit,
            found.iter().map(cumulative).collect(),
        ));
    }
}

/// What it costs, where prices are entered.
fn money(rows: &mut Vec<Row>, tried: &[&Tried], trial: &Trial, clock: &WallClock) {
    let Some(prices) = &trial.prices else { return };
    rows.push(Row::section("Money"));
    let bills = |one: &'_ Tried| one.bills.clone().and_then(Result::ok);
    let mut ends: Vec<Timestamp> =
        tried.iter().filter_map(|one| bills(one)).flat_map(|bills| bills.bills).map(|bill| bill.to).collect();
    ends.sort_unstable();
    ends.dedup();
    for end in ends {
        let due = |one: &Tried| {
            bills(one)?.bills.iter().find(|bill| bill.to == end).map(|bill| bill.due.to_string())
        };
        rows.push(Row::figures(format!("Bill to {}", stamp(end, clock)), &prices.currency, each(tried, due)));
    }
    let due = |one: &Tried| match &one.bills {
        Some(Ok(bills)) => Some(bills.due.to_string()),
        Some(Err(reason)) => Some(reason.clone()),
        None => None,
    };
    rows.push(Row::sum("Due in all", &prices.currency, each(tried, due)));
}

/// Billing sets, those of one instant side by side.
fn sets(rows: &mut Vec<Row>, document: &Document, tried: &[&Tried], clock: &WallClock) {
    let mut ends: Vec<Timestamp> =
        tried.iter().flat_map(|one| &one.run.billing_sets).map(|set| set.at).collect();
    ends.sort_unstable();
    ends.dedup();
    for end in ends {
        let set = |one: &'_ Tried| -> Option<BillingSet> {
            one.run.billing_sets.iter().find(|set| set.at == end).cloned()
        };
        rows.push(Row::section(format!("Billing set {}", stamp(end, clock))));
        let cause = |one: &Tried| set(one).map(|set| crate::scheme::say::word(&set.cause.word()));
        rows.push(Row::figures("Cause", "", each(tried, cause)));
        let ids: Vec<(String, Unit)> = tried
            .iter()
            .find_map(|one| set(one))
            .map(|set| set.registers.into_iter().map(|register| (register.id, register.unit)).collect())
            .unwrap_or_default();
        for (id, unit) in ids {
            let value = |one: &Tried| {
                let found = set(one)?.registers.into_iter().find(|register| register.id == id)?;
                Some(in_kilo(found.value?, unit).0)
            };
            rows.push(Row::figures(
                titled(document, &id),
                in_kilo(Decimal::ZERO, unit).1,
                each(tried, value),
            ));
        }
        demands(rows, document, tried, clock, |one| {
            one.run.billing_sets.iter().find(|set| set.at == end).map(|set| &set.demand)
        });
    }
}

fn log(rows: &mut Vec<Row>, tried: &[&Tried], clock: &WallClock) {
    let mut instants: Vec<Timestamp> =
        tried.iter().flat_map(|one| &one.run.log).map(|entry| entry.at).collect();
    instants.sort_unstable();
    instants.dedup();
    if instants.is_empty() {
        return;
    }
    rows.push(Row::section("Log"));
    for at in instants {
        let words = |one: &Tried| {
            let entries = one.run.log.iter().filter(|entry| entry.at == at);
            let words: Vec<String> =
                entries.map(|entry| crate::scheme::say::word(&entry.what.word())).collect();
            (!words.is_empty()).then(|| words.join(", "))
        };
        rows.push(Row::figures(stamp(at, clock), "", each(tried, words)));
    }
}
