//! Text: sizes, weights, and numbers as an engineer reads them.

use egui::{Align, Layout, RichText, Ui, Vec2};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::gui::theme::{SIZES, strong, tokens};
use crate::model::{Decimal, Unit};

/// Text of less weight than what stands beside it.
pub fn secondary(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).color(tokens(ui).text_secondary.0)
}

/// Small text of less weight.
pub fn small(ui: &Ui, text: impl Into<String>) -> RichText {
    secondary(ui, text).size(SIZES[0])
}

/// The title of a page.
pub fn heading(ui: &mut Ui, text: &str) {
    ui.label(strong(text).size(SIZES[2]));
}

/// The title of a section.
pub fn section(ui: &mut Ui, text: &str) {
    ui.add_space(8.0);
    let colour = tokens(ui).text_secondary.0;
    ui.label(strong(text).size(SIZES[0]).color(colour));
    ui.add_space(-2.0);
}

/// A name at the left and a value beside it.
pub fn key_value(ui: &mut Ui, key: &str, value: impl Into<RichText>) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let width = (ui.available_width() * 0.4).clamp(88.0, 128.0);
        ui.allocate_ui_with_layout(Vec2::new(width, 18.0), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(width);
            ui.label(secondary(ui, key));
        });
        ui.add(egui::Label::new(value.into()).wrap().selectable(true));
    });
}

/// Digits in groups of three before the point, with thin spaces: `12 345.678`.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let (sign, rest) = digits.strip_prefix('-').map_or(("", digits), |rest| ("−", rest));
    let (whole, fraction) =
        rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::with_capacity(digits.len() + 8);
    out.push_str(sign);
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A number as shown in tables.
#[must_use]
pub fn decimal(value: Decimal) -> String {
    grouped(&value.to_string())
}

/// A count as shown in windows: `10 000`.
#[must_use]
pub fn number(count: impl TryInto<u64>) -> String {
    grouped(&count.try_into().unwrap_or(u64::MAX).to_string())
}

/// `1 meter`, `10 000 meters`. What goes into the audit chain has plain digits ([`crate::model::counted`]).
#[must_use]
pub fn counted(count: impl TryInto<u64>, what: &str) -> String {
    let words = crate::model::counted(count, what);
    words
        .split_once(' ')
        .map_or_else(|| words.clone(), |(digits, what)| format!("{} {what}", grouped(digits)))
}

/// The power of ten and symbol in which a unit is shown: energies and powers in kilo, all else as it is.
/// Only for the eye: what is stored and copied keeps the meter's unit.
#[must_use]
pub fn kilo(unit: Unit) -> (i8, String) {
    match unit {
        Unit::WH | Unit::VARH | Unit::VAH | Unit::W | Unit::VAR | Unit::VA => {
            (-3, format!("k{}", unit.symbol()))
        }
        _ => (0, unit.symbol()),
    }
}

/// An instant in a zone: `2026-11-22 14:30`.
#[must_use]
pub fn instant(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_before_the_point_only() {
        assert_eq!(grouped("1234567.8901"), "1\u{2009}234\u{2009}567.8901");
        assert_eq!(grouped("-1234"), "−1\u{2009}234");
        assert_eq!(grouped("123"), "123");
    }

    #[test]
    fn counts_are_grouped_as_other_numbers_are() {
        assert_eq!(number(10_000usize), "10\u{2009}000");
        assert_eq!(
            (counted(1, "meter"), counted(1200, "meter")),
            ("1 meter".into(), "1\u{2009}200 meters".into())
        );
    }

    #[test]
    fn energies_are_shown_in_kilo_and_voltages_are_not() {
        assert_eq!(kilo(Unit::WH), (-3, "kWh".to_owned()));
        assert_eq!(kilo(Unit::V), (0, "V".to_owned()));
    }
}
