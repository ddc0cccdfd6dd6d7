//! What a change of many meters would do, meter by meter.

use egui::{Align, Label, Layout, RichText, Role, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder};

use crate::export::roster::differences;
use crate::gui::meters::in_words;
use crate::gui::readings::title;
use crate::gui::theme::{ROW, tokens};
use crate::gui::widgets::{counted, secondary};
use crate::model::MeterPatch;
use crate::store::{ListedMeter, MeterChanges};

use super::fields::{Slot, What};

/// What would be done.
pub(super) struct Review {
    pub(super) changes: MeterChanges,
    /// Meters that differ afterwards, or cannot be changed: their names, in what or why, whether they cannot.
    lines: Vec<(String, String, bool)>,
    unchanged: usize,
    refused: usize,
}

/// The fields of a meter that are touched and that it has.
fn patch_of(meter: &ListedMeter, slots: &[Slot]) -> Result<MeterPatch, String> {
    let mut patch = MeterPatch::default();
    for slot in slots {
        // A part that its line has not cannot be changed in it; the others can.
        let lacks = matches!(&slot.what, What::Part(_)) && {
            let mut part = MeterPatch::default();
            slot.read(&mut part)?;
            part.line.apply(&mut meter.config.line.clone()).is_err()
        };
        if !lacks {
            slot.read(&mut patch)?;
        }
    }
    Ok(patch)
}

fn one(meter: &ListedMeter, slots: &[Slot]) -> Result<(MeterPatch, String), String> {
    let patch = patch_of(meter, slots)?;
    let (mut config, mut details) = (meter.config.clone(), meter.details.clone());
    patch.apply(&mut config)?;
    patch.about.apply(&mut details);
    if config.registers_in != meter.config.registers_in && meter.has_ratio {
        return Err("Which side its registers are on is said by the ratio of its point".to_owned());
    }
    if meter.point.is_none() && details != meter.details {
        return Err("It hangs at no metering point".to_owned());
    }
    Ok((patch, in_words(&differences(meter, &config, &details, &meter.ratios))))
}

/// Lays the touched fields beside each meter.
pub(super) fn review(meters: &[ListedMeter], slots: &[Slot]) -> Review {
    let cause = format!("change of {} together", crate::model::counted(meters.len(), "meter"));
    let changes = MeterChanges { cause, ..MeterChanges::default() };
    let mut review = Review { changes, lines: Vec::new(), unchanged: 0, refused: 0 };
    for meter in meters {
        let name = meter.config.name.clone();
        match one(meter, slots) {
            Ok((_, words)) if words.is_empty() => review.unchanged += 1,
            Ok((patch, words)) => {
                review.changes.change.push((meter.id, patch));
                review.lines.push((name, words, false));
            }
            Err(why) => {
                review.refused += 1;
                review.lines.push((name, why, true));
            }
        }
    }
    review
}

/// Draws it.
pub(super) fn ui(ui: &mut Ui, review: &Review, height: f32) {
    let changed = review.changes.change.len();
    let mut words =
        format!("{} {}", counted(changed, "meter"), if changed == 1 { "changes" } else { "change" });
    words += &format!(", {} as they are", review.unchanged);
    if review.refused > 0 {
        words += &format!(", {} cannot be changed", review.refused);
    }
    ui.label(secondary(ui, words));
    ui.add_space(4.0);
    ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
    let table = TableBuilder::new(ui)
        .id_salt("bulk review")
        .max_scroll_height(height - 64.0)
        .min_scrolled_height(height - 64.0)
        .auto_shrink(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Width::initial(180.0).at_least(80.0).resizable(true).clip(true))
        .column(Width::remainder().at_least(200.0).clip(true));
    let table = table.header(ROW + 4.0, |mut header| {
        for text in ["Meter", "In what, or why not"] {
            header.col(|ui| title(ui, text, false));
        }
    });
    table.body(|body| {
        body.rows(ROW, review.lines.len(), |mut row| {
            let Some((name, words, is_refused)) = review.lines.get(row.index()) else { return };
            row.col(|ui| {
                ui.add_space(12.0);
                ui.add(Label::new(name).truncate());
            });
            row.col(|ui| {
                ui.add_space(12.0);
                let t = tokens(ui);
                let ink = if *is_refused { t.bad.0 } else { t.text_secondary.0 };
                ui.add(Label::new(RichText::new(words).color(ink)).truncate()).on_hover_text(words);
            });
            let name = format!("{name}: {words}");
            row.response().widget_info(|| WidgetInfo::labeled(Role::Row, true, &name));
        });
    });
}
