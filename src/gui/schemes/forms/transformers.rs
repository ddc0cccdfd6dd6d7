//! Instrument transformers: ratios as on the plate, and what a register's figure then means.

use egui::{Label, Ui};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{grouped, section, segmented, small};
use crate::model::{Decimal, Side};
use crate::scheme::{Ratio, Transformers};

use super::parts::{Named, Reading, Spot, typed};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    ui.set_max_width(560.0);
    let reading = Reading { hint: "400/5", width: 160.0, show: &ToString::to_string, read: &read_ratio };
    let spot = Spot::of(editing, "transformers.ct");
    let transformers = &mut editing.document.transformers;
    typed(ui, Named::Above("Current transformer"), &spot, &reading, &mut transformers.ct);
    ui.label(small(ui, "As on the plate: 400/5; 1/1 where there is none"));
    let reading = Reading { hint: "11000/110", ..reading };
    let spot = Spot::of(editing, "transformers.vt");
    let transformers = &mut editing.document.transformers;
    typed(ui, Named::Above("Voltage transformer"), &spot, &reading, &mut transformers.vt);
    ui.label(small(ui, "As on the plate: 11000/110; 1/1 where there is none"));
    section(ui, "Registers count on the");
    let spot = Spot::of(editing, "transformers.registers_in");
    let transformers = &mut editing.document.transformers;
    let sides = [(Side::Primary, "Primary side"), (Side::Secondary, "Secondary side")];
    segmented(ui, "side on which registers count", &mut transformers.registers_in, &sides);
    spot.remarks(ui, None);
    section(ui, "What a figure means");
    for line in example(transformers) {
        ui.add(Label::new(line).wrap());
    }
}

/// `400/5` as on the plate.
pub(super) fn read_ratio(text: &str) -> Result<Ratio, String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if text.contains('√') {
        return Err(
            "write plain numbers: √3 on both sides of the plate cancels out, 110000/√3 to 110/√3 is \
                    110000/110"
                .to_owned(),
        );
    }
    let sides = text.split_once('/').and_then(|(primary, secondary)| {
        Some(Ratio { primary: primary.parse().ok()?, secondary: secondary.parse().ok()? })
    });
    let above_nought = |value: Decimal| value > Decimal::ZERO;
    sides
        .filter(|ratio| above_nought(ratio.primary) && above_nought(ratio.secondary))
        .ok_or_else(|| "write primary and secondary with a stroke between them, such as 400/5".to_owned())
}

/// Both ratios as one factor, where it is a number with few digits.
fn factor(transformers: &Transformers) -> Option<Decimal> {
    let top = transformers.ct.primary.checked_mul(transformers.vt.primary)?;
    let bottom = transformers.ct.secondary.checked_mul(transformers.vt.secondary)?.normalized();
    let divisor = bottom.mantissa();
    // Up to six digits after the point: what does not come out even by then is left as a fraction.
    (0..=6).find_map(|places| {
        let scaled = top.with_exponent(top.exponent().min(0).checked_sub(places)?)?;
        let (mantissa, exponent) = (scaled.mantissa(), scaled.exponent().checked_sub(bottom.exponent())?);
        (divisor != 0 && mantissa % divisor == 0)
            .then(|| Decimal::new(mantissa / divisor, exponent).normalized())
    })
}

/// What 100 kWh in a register means, in words.
pub(super) fn example(transformers: &Transformers) -> Vec<String> {
    let shown = Decimal::from(100);
    let fraction = format!("{} × {}", transformers.ct, transformers.vt);
    let factor = factor(transformers);
    let spoken = match factor {
        Some(factor) => format!("{fraction} = {}", plain(factor)),
        None => fraction,
    };
    match transformers.registers_in {
        Side::Primary => vec![
            format!("The meter multiplies by {spoken} itself."),
            "A register that shows 100 kWh means 100 kWh used: it is multiplied by nothing more.".to_owned(),
        ],
        Side::Secondary => {
            let used = factor.and_then(|factor| factor.checked_mul(shown));
            let words = match used {
                Some(used) => format!("A register that shows 100 kWh means {} kWh used.", plain(used)),
                None => "A register that shows 100 kWh means 100 times that.".to_owned(),
            };
            vec![
                format!("The meter counts behind the transformers. Its figures are multiplied by {spoken}."),
                words,
            ]
        }
    }
}

/// A number with its noughts written out.
fn plain(value: Decimal) -> String {
    let whole = if value.exponent() > 0 { value.with_exponent(0).unwrap_or(value) } else { value };
    grouped(&whole.to_string())
}
