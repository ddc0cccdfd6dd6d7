//! When billing periods end.

use egui::{Ui, Vec2};
use jiff::Timestamp;
use jiff::civil::Time;

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{secondary, section, small};
use crate::scheme::engine::{Cause, next_billing_ends};
use crate::scheme::{BillingDate, DatePattern, Document, FIRST_YEAR, LAST_YEAR, WallClock, say};

use super::parts::{Named, Reading, Spot, beside, kept, list_head, number, pick, tick, typed};
use super::rows::{Row, apply, rows};

const PREVIEWED: usize = 5;
const MONTHLY: BillingDate = BillingDate { date: DatePattern::ANY, time: Time::midnight() };

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    dates(ui, editing);
    section(ui, "Also ends a billing period");
    let spot = Spot::of(editing, "billing.on_season_change");
    let billing = &mut editing.document.billing;
    tick(
        ui,
        &spot,
        "A change of season",
        "At the midnight at which a season starts",
        &mut billing.on_season_change,
    );
    let spot = Spot::of(editing, "billing.on_tariff_change");
    let billing = &mut editing.document.billing;
    let meaning = "When the latent tariff takes over";
    tick(ui, &spot, "A change of tariff", meaning, &mut billing.on_tariff_change);
    let spot = Spot::of(editing, "billing.button");
    let billing = &mut editing.document.billing;
    tick(
        ui,
        &spot,
        "The meter's button",
        "Somebody who stands in front of the meter can end it",
        &mut billing.button,
    );
    let spot = Spot::of(editing, "billing.manual_lockout_minutes");
    let lockout = &mut editing.document.billing.manual_lockout_minutes;
    ui.add_space(4.0);
    number(ui, Named::Above("Lock-out after a reset, in minutes"), &spot, 96.0, 0..=65_535, lockout);
    let words = if *lockout == 0 {
        "A reset by button or command is never refused".to_owned()
    } else {
        format!("For {lockout} minutes after a reset the next one by button or command is refused")
    };
    ui.label(small(ui, words));
    section(ui, "The next ends of a billing period");
    editing.clock.note(ui);
    preview(ui, editing.document, editing.clock.now);
}

fn dates(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of_list(editing, "billing.dates");
    let (used, limit) = (editing.document.billing.dates.len(), editing.limits.billing_dates);
    if list_head(ui, "Billing dates", &spot, used, limit, "Add billing date", "billing dates") {
        let first = DatePattern::new(None, None, Some(1)).unwrap_or(DatePattern::ANY);
        editing.document.billing.dates.push(BillingDate { date: first, ..MONTHLY });
    }
    if editing.document.billing.dates.is_empty() {
        ui.label(secondary(ui, "None: no date ends a billing period"));
    }
    let lines: Vec<Row> =
        editing.document.billing.dates.iter().map(|date| Row::named(say::billing_date(*date))).collect();
    let act = rows(ui, "billing dates", &lines, |ui, index, _| {
        let spot = Spot::of(editing, format!("billing.dates[{index}]"));
        if let Some(date) = editing.document.billing.dates.get_mut(index) {
            one(ui, &spot, index, date);
        }
    });
    if let Some(act) = act {
        apply(&mut editing.document.billing.dates, act, |date| *date);
    }
}

/// One date: year, month, day and time, and below them what they say.
fn one(ui: &mut Ui, spot: &Spot, index: usize, date: &mut BillingDate) {
    ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
    let nth = index + 1;
    let (mut year, mut month, mut day) = (date.date.year(), date.date.month(), date.date.day());
    beside(ui, 408.0, |ui| {
        let part = |name: &str| format!("{name} of billing date {nth}");
        let reading = Reading {
            hint: "Every year",
            width: 96.0,
            show: &|year: &Option<i16>| year.map_or_else(|| "Every year".to_owned(), |year| year.to_string()),
            read: &read_year,
        };
        let of_part = |key: &str| spot.part(key);
        typed(ui, Named::Hidden(&part("Year")), &of_part("year"), &reading, &mut year);
        let months = say::MONTHS.iter().zip(1_i8..).map(|(name, month)| (Some(month), (*name).to_owned()));
        let choices: Vec<_> = std::iter::once((None, "Every month".to_owned())).chain(months).collect();
        pick(ui, Named::Hidden(&part("Month")), &of_part("month"), 112.0, &mut month, &choices, |_| {
            String::new()
        });
        let days = (1..=31_i8).map(|day| (Some(day), format!("The {}", say::ordinal(day))));
        let choices: Vec<_> = std::iter::once((None, "Every day".to_owned())).chain(days).collect();
        pick(ui, Named::Hidden(&part("Day")), &of_part("day"), 96.0, &mut day, &choices, |_| String::new());
        let reading =
            Reading { hint: "00:00", width: 80.0, show: &|time: &Time| say::time(*time), read: &read_time };
        typed(ui, Named::Hidden(&part("Time")), &of_part("time"), &reading, &mut date.time);
    });
    match DatePattern::new(year, month, day) {
        Some(pattern) => date.date = pattern,
        // Only the day can be too many for the month that was chosen.
        None => {
            let fitting = (1..=31).rev().find_map(|day| DatePattern::new(year, month, Some(day)));
            date.date = fitting.unwrap_or(date.date);
        }
    }
    ui.label(secondary(ui, say::billing_date(*date)));
    spot.remarks(ui, None);
    ui.add_space(4.0);
}

fn read_year(text: &str) -> Result<Option<i16>, String> {
    let text = text.trim();
    if text.is_empty() || text == "*" || text.eq_ignore_ascii_case("every year") {
        return Ok(None);
    }
    let year = text.parse().ok().filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year));
    year.map(Some).ok_or_else(|| "write a year, or * for every year".to_owned())
}

fn read_time(text: &str) -> Result<Time, String> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let part = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i8>().ok()).flatten()
    };
    let time = match parts[..] {
        [hour, minute] => part(hour).zip(part(minute)).and_then(|(h, m)| Time::new(h, m, 0, 0).ok()),
        [hour, minute, second] => {
            part(hour).zip(part(minute)).zip(part(second)).and_then(|((h, m), s)| Time::new(h, m, s, 0).ok())
        }
        _ => None,
    };
    time.ok_or_else(|| "write a time such as 00:00 or 23:59:59".to_owned())
}

fn preview(ui: &mut Ui, document: &Document, now: Timestamp) {
    let Ok(clock) = WallClock::of_zone(&document.time_zone) else {
        ui.label(secondary(ui, "They are shown once the time zone is one"));
        return;
    };
    let Document { billing, tariff, latent, time_zone, .. } = document.clone();
    let hour = now.as_second() / 3600;
    let kept = kept(ui, "next billing ends", (billing, tariff, latent, time_zone, hour), |_| {
        next_billing_ends(document, now, PREVIEWED + 1)
    });
    let coming = kept.1.iter().filter(|(at, _)| *at > now).take(PREVIEWED);
    ui.spacing_mut().item_spacing.y = 4.0;
    if kept.1.is_empty() {
        ui.label(secondary(ui, "None within ten years: only a reset by hand ends a billing period"));
    }
    for (at, cause) in coming {
        let words = match cause {
            Cause::SeasonChange => "the season changes",
            Cause::TariffChange => "the latent tariff takes over",
            _ => "billing date",
        };
        let local = clock.local(*at).strftime("%A %-d %B %Y, %H:%M");
        ui.label(format!("{local}: {words}"));
    }
}
