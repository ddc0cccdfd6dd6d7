//! The table of intervals.

use egui::{Align, Label, Layout, RichText, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};
use egui_extras::{Column, TableBuilder};

use crate::gui::theme::{ROW, SIZES, STRONG, strong, tokens};
use crate::model::{Decimal, IntervalStatus, ProfileRow, Quality, Transformers};

use super::Subject;
use super::axis::interval_end;
use super::figures::{Figures, Line, symbol, text};
use super::series::letters;

/// Draws the titles of a table's columns: those that end a number stand at the right.
pub(in crate::gui) fn title(ui: &mut Ui, text: &str, right: bool) {
    let t = tokens(ui);
    let rect = ui.max_rect();
    ui.painter().rect_filled(rect, 0.0, t.sunken.0);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.border.0));
    let layout =
        if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    ui.with_layout(layout, |ui| {
        ui.add_space(12.0);
        ui.add(Label::new(strong(text).size(SIZES[0]).color(t.text_secondary.0)).truncate());
    });
}

/// How wide a column must be for its title.
fn title_width(ui: &Ui, text: &str) -> f32 {
    let font = egui::FontId::new(SIZES[0], egui::FontFamily::Name(STRONG.into()));
    ui.painter().layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER).size().x + 32.0
}

/// How many digits stand after the point.
pub(super) fn places(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// A number at the right of its cell, with its point where those of the column stand.
pub(super) fn number(ui: &mut Ui, text: &str, places_of_column: usize, ink: egui::Color32) {
    let font = egui::FontId::proportional(SIZES[1]);
    let digit = ui.painter().layout_no_wrap("0".to_owned(), font.clone(), ink).size().x;
    let point = ui.painter().layout_no_wrap(".".to_owned(), font.clone(), ink).size().x;
    let own = places(text);
    #[allow(clippy::cast_precision_loss, reason = "a few digits")]
    let lacking = (places_of_column - own.min(places_of_column)) as f32 * digit
        + if own == 0 && places_of_column > 0 { point } else { 0.0 };
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("number"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let at = egui::pos2(rect.right() - 12.0 - lacking, rect.center().y);
    ui.painter().text(at, egui::Align2::RIGHT_CENTER, text, font, ink);
}

/// Draws the table.
pub(super) fn ui(ui: &mut Ui, subject: &Subject<'_>, figures: &Figures) {
    let places: Vec<usize> = figures
        .shown
        .iter()
        .map(|shown| {
            let all = shown.series.values.iter().flatten();
            all.map(|value| places_shown(*value, shown.series.unit)).max().unwrap_or(0)
        })
        .collect();
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let titles: Vec<String> = figures
            .shown
            .iter()
            .map(|shown| {
                let side = if Transformers::change(shown.series.unit) {
                    format!(" {}", shown.channel.side.name())
                } else {
                    String::new()
                };
                format!("{}, {}{side}", shown.series.name, symbol(shown.series.unit))
            })
            .collect();
        let widths: Vec<f32> = titles.iter().map(|text| title_width(ui, text)).collect();
        let mut table = TableBuilder::new(ui)
            .id_salt(("intervals", &titles))
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(200.0));
        for width in widths {
            table = table.column(Column::initial(width).at_least(96.0).resizable(true).clip(true));
        }
        table = table.column(Column::exact(88.0)).column(Column::remainder().at_least(120.0).clip(true));
        let table = table.header(ROW + 4.0, |mut header| {
            header.col(|ui| title(ui, &format!("Interval end, {}", subject.zone_name), false));
            for text in &titles {
                header.col(|ui| title(ui, text, true));
            }
            header.col(|ui| title(ui, "Status", false));
            header.col(|ui| title(ui, "Quality", false));
        });
        table.body(|body| {
            body.rows(ROW, figures.lines.len(), |mut row| {
                let at = match figures.lines.get(row.index()) {
                    Some(Line::Row(at)) => *at,
                    Some(Line::Gap(at)) => return missing(&mut row, subject, figures, *at),
                    None => return,
                };
                let Some(interval) = figures.slice.rows.get(at) else { return };
                row.col(|ui| stamp(ui, subject, interval));
                for (shown, places) in figures.shown.iter().zip(&places) {
                    row.col(|ui| {
                        value(ui, shown.series.values.get(at).copied().flatten(), shown.series.unit, *places);
                    });
                }
                row.col(|ui| status(ui, interval));
                row.col(|ui| quality(ui, interval.quality));
            });
        });
    });
}

/// A line for what is missing: how much, until when, why.
fn missing(row: &mut egui_extras::TableRow<'_, '_>, subject: &Subject<'_>, figures: &Figures, at: usize) {
    let Some((gap, why)) = figures.gaps.get(at).zip(figures.why.get(at)) else { return };
    row.col(|ui| {
        ui.add_space(12.0);
        let ink = tokens(ui).bad.0;
        ui.label(RichText::new(format!("… up to {}", interval_end(gap.to, subject.zone))).color(ink));
    });
    for _ in &figures.shown {
        row.col(|ui| number(ui, "–", 0, tokens(ui).text_secondary.0));
    }
    row.col(|ui| {
        ui.add_space(12.0);
        ui.label(strong(why.sort.sign()).color(tokens(ui).bad.0));
    });
    row.col(|ui| {
        ui.add_space(12.0);
        let words = format!("{} missing: {}", gap.intervals, why.words);
        ui.add(Label::new(RichText::new(&words).color(tokens(ui).bad.0)).truncate()).on_hover_text(words);
    });
}

fn places_shown(value: Decimal, unit: crate::model::Unit) -> usize {
    let (power, _) = crate::gui::widgets::kilo(unit);
    let exponent = value.exponent().saturating_add(power);
    usize::from(exponent.min(0).unsigned_abs())
}

fn stamp(ui: &mut Ui, subject: &Subject<'_>, interval: &ProfileRow) {
    let t = tokens(ui);
    ui.add_space(12.0);
    ui.label(interval_end(interval.end, subject.zone));
    let offset = interval.end.to_zoned(subject.zone.clone()).strftime("%:z").to_string();
    ui.add_space(8.0);
    ui.label(RichText::new(offset).size(SIZES[0]).color(t.text_secondary.0));
}

fn value(ui: &mut Ui, value: Option<Decimal>, unit: crate::model::Unit, places: usize) {
    let t = tokens(ui);
    match value {
        Some(value) => number(ui, &text(value, unit), places, t.text.0),
        None => number(ui, "–", places, t.text_secondary.0),
    }
}

fn status(ui: &mut Ui, interval: &ProfileRow) {
    let t = tokens(ui);
    ui.add_space(12.0);
    let flags = letters(interval.status);
    let ink = if interval.quality == Quality::Suspect { t.bad.0 } else { t.warn.0 };
    if !flags.is_empty() {
        ui.label(strong(flags).color(ink)).on_hover_text(words(interval));
    }
    if interval.status.contains(IntervalStatus::DAYLIGHT_SAVING) {
        ui.add_space(2.0);
        ui.label(RichText::new("S").color(t.text_secondary.0)).on_hover_text("Daylight saving on");
    }
}

fn quality(ui: &mut Ui, quality: Quality) {
    let t = tokens(ui);
    ui.add_space(12.0);
    let ink = match quality {
        Quality::Actual => t.text_secondary.0,
        Quality::Suspect | Quality::Missing => t.bad.0,
        _ => t.warn.0,
    };
    ui.label(RichText::new(quality.name()).color(ink));
}

/// The flags of an interval in words, and its raw status.
#[must_use]
pub(super) fn words(interval: &ProfileRow) -> String {
    let mut words = interval.status.texts().join("\n");
    if let Some(raw) = interval.raw_status {
        words.push_str(&format!("\nStatus as received: {raw:02X}h"));
    }
    words
}

/// The table as text for a spreadsheet: plain digits, tabs, the instant in UTC beside the local time.
#[must_use]
pub(super) fn copied(subject: &Subject<'_>, figures: &Figures) -> String {
    let mut out = format!("Interval end (UTC)\tInterval end ({})", subject.zone_name);
    for shown in &figures.shown {
        let side = shown.channel.side.name();
        out.push_str(&format!("\t{} ({}, {side})", shown.series.name, symbol(shown.series.unit)));
    }
    out.push_str("\tStatus\tQuality\n");
    for (at, row) in figures.slice.rows.iter().enumerate() {
        let local = row.end.to_zoned(subject.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        out.push_str(&format!("{}\t{local}", row.end));
        for shown in &figures.shown {
            let (power, _) = crate::gui::widgets::kilo(shown.series.unit);
            let value = shown.series.values.get(at).copied().flatten();
            let text =
                value.map(|value| value.scaled(power).unwrap_or(value).to_string()).unwrap_or_default();
            out.push_str(&format!("\t{text}"));
        }
        out.push_str(&format!("\t{}\t{}\n", row.status.names().join(" "), row.quality.name()));
    }
    out
}
