//! The choices of an import: how the file is written, how rows find their meters, what columns mean.

use egui::{Label, ScrollArea, Ui, Vec2};

use crate::export::roster::{
    Column, DecimalSign, Empty, Encoding, Key, Known, Separator, is_of_rejects, sounds_secret,
};
use crate::gui::theme::strong;
use crate::gui::widgets::{choice, combo, section, segmented, small};

use super::{ImportDialog, LEFT};

const HALF: f32 = 144.0;
/// Width of what a column means, and of its header.
const MEANING: f32 = 164.0;
const HEADER: f32 = 128.0;
/// Letters of a sample.
const SAMPLE: usize = 60;

fn titled<T: Copy, const N: usize>(all: [(T, &str); N]) -> Vec<(T, String)> {
    all.iter().map(|(one, text)| (*one, (*text).to_owned())).collect()
}

impl ImportDialog {
    /// Draws the choices.
    pub(super) fn choose(&mut self, ui: &mut Ui, height: f32) {
        ScrollArea::vertical().id_salt("import choices").max_height(height).auto_shrink([false, false]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing = Vec2::new(12.0, 8.0);
                ui.set_width(LEFT - 12.0);
                self.choose_style(ui);
                self.choose_rows(ui);
                self.choose_columns(ui);
            },
        );
    }

    fn choose_style(&mut self, ui: &mut Ui) {
        let before = self.style;
        ui.horizontal_top(|ui| {
            choice(ui, "Characters", HALF, &mut self.style.encoding, &titled(Encoding::ALL));
            choice(ui, "Columns are parted by", HALF, &mut self.style.separator, &titled(Separator::ALL));
        });
        choice(ui, "Decimals", HALF, &mut self.style.decimal, &titled(DecimalSign::ALL));
        if self.style != before {
            self.is_stale = true;
        }
        if (self.style.encoding, self.style.separator) != (before.encoding, before.separator) {
            // Other cells: their headers are read anew.
            self.columns = None;
        }
    }

    fn choose_rows(&mut self, ui: &mut Ui) {
        let before = (self.choices.key, self.choices.known, self.choices.empty);
        section(ui, "Rows find their meters by");
        let keys = [(Key::Name, "Name"), (Key::Serial, "Serial number")];
        segmented(ui, "import key", &mut self.choices.key, &keys);
        let known = [
            (Known::AddAndUpdate, "Add new, change known"),
            (Known::AddOnly, "Add new only"),
            (Known::UpdateOnly, "Change known only"),
        ];
        choice(ui, "Meters", LEFT - 16.0, &mut self.choices.known, &titled(known));
        if self.choices.known != Known::AddOnly {
            let empty = [(Empty::Leave, "Leave what stands there"), (Empty::Clear, "Take the setting away")];
            choice(ui, "Empty cells", LEFT - 16.0, &mut self.choices.empty, &titled(empty));
        }
        if before != (self.choices.key, self.choices.known, self.choices.empty) {
            self.is_stale = true;
        }
    }

    fn choose_columns(&mut self, ui: &mut Ui) {
        let Some(Ok(looked)) = &self.looked else { return };
        let Some(columns) = &mut self.columns else { return };
        section(ui, "Columns of the file");
        let mut changed = false;
        let first = looked.sheet.rows.first();
        for (at, header) in looked.sheet.header.iter().enumerate() {
            if is_of_rejects(header) {
                continue;
            }
            let Some(slot) = columns.get_mut(at) else { continue };
            ui.horizontal(|ui| {
                ui.allocate_ui(Vec2::new(HEADER, 36.0), |ui| {
                    ui.vertical(|ui| {
                        ui.set_width(HEADER);
                        ui.spacing_mut().item_spacing.y = 0.0;
                        let name = if header.is_empty() { "No header" } else { header };
                        ui.add(Label::new(strong(name)).truncate());
                        let sample = first.and_then(|row| row.cells.get(at)).map_or("", |cell| cell.trim());
                        let sample = if sounds_secret(header) { "not shown" } else { sample };
                        let sample: String = sample.chars().take(SAMPLE).collect();
                        ui.add(Label::new(small(ui, sample)).truncate());
                    });
                });
                changed |= meaning(ui, at, header, slot);
            });
        }
        self.is_stale |= changed;
    }
}

/// What one column means; true where that was changed.
fn meaning(ui: &mut Ui, at: usize, header: &str, slot: &mut Option<Column>) -> bool {
    let before = slot.clone();
    let own = Column::Field(header.trim().to_owned());
    let words = |column: &Option<Column>| match column {
        None => "Leave out".to_owned(),
        Some(Column::Field(name)) => format!("Field {name}"),
        Some(column) => column.title(),
    };
    let name = format!("Meaning of {header}");
    combo(ui, ("meaning", at), &name, MEANING, words(slot), |ui| {
        let mut all = vec![None];
        // Nobody keeps a secret in a field that every list shows.
        if !header.trim().is_empty() && !sounds_secret(header) {
            all.push(Some(own));
        }
        all.extend(Column::ALL.into_iter().map(Some));
        for one in all {
            if ui.selectable_label(one == *slot, words(&one)).clicked() {
                *slot = one;
            }
        }
    });
    before != *slot
}
