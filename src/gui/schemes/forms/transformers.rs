//! Instrument transformers: ratios as on the plate, and what a register's figure then means.

use egui::{Label, RichText, Ui};

use crate::gui::schemes::editing::Editing;
use crate::gui::theme::tokens;
use crate::gui::widgets::{grouped, section, segmented, small};
use crate::model::{Decimal, RatioError, Side, Unit};
use crate::scheme::{Ratio, Transformers};

use super::parts::{Named, Reading, Spot, typed};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    ui.set_max_width(ui.available_width().min(560.0));
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
    for oddity in transformers.oddities() {
        ui.add(Label::new(RichText::new(oddity).color(tokens(ui).warn.0)).wrap());
    }
    section(ui, "What a figure means");
    for line in example(transformers) {
        ui.add(Label::new(line).wrap());
    }
}

/// A ratio as on the plate. Divisors that stand on both sides cancel, and plain figures are left, which every meter
/// takes; a √3 on one side is kept as it is, exactly.
pub(super) fn read_ratio(text: &str) -> Result<Ratio, String> {
    let ratio: Ratio = text.parse().map_err(|error: RatioError| error.to_string())?;
    let [above, below] = ratio.divisors;
    Ok(if above == below { Ratio::new(ratio.primary, ratio.secondary) } else { ratio })
}

/// What 100 kWh in a register means, in words.
fn example(transformers: &Transformers) -> Vec<String> {
    let fraction = format!("{} × {}", transformers.ct, transformers.vt);
    let Some(factor) = transformers.factor(Unit::WH) else {
        return vec![format!("The figures are multiplied by {fraction}.")];
    };
    let spoken = format!("{fraction} = {}", grouped(&factor.to_string()));
    match transformers.registers_in {
        Side::Primary => vec![
            format!("The meter multiplies by {spoken} itself."),
            "A register that shows 100 kWh means 100 kWh used: it is multiplied by nothing more.".to_owned(),
        ],
        Side::Secondary => {
            let used = factor.apply(Decimal::from(100)).map(|used| grouped(&used.to_string()));
            let used = used.unwrap_or_else(|| format!("100 × {fraction}"));
            vec![
                format!("The meter counts behind the transformers. Its figures are multiplied by {spoken}."),
                format!("A register that shows 100 kWh means {used} kWh used."),
            ]
        }
    }
}
