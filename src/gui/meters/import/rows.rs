//! What each row of the file would do.

use egui::{Align, Key, Label, Layout, RichText, Role, Ui, Vec2, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder};

use crate::export::roster::{Difference, Fate, Plan, PlanRow};
use crate::gui::readings::title;
use crate::gui::theme::{ROW, tokens};
use crate::gui::widgets::{Tone, badge, segmented, small};

use super::{ImportDialog, Shown};

/// Rows by which the keys for pages move.
const PAGE: usize = 16;

/// `Group: North → South`.
pub(in crate::gui::meters) fn in_words(differences: &[Difference]) -> String {
    let text = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.replace('\n', " ") };
    let one = |it: &Difference| format!("{}: {} → {}", it.column.title(), text(&it.before), text(&it.after));
    differences.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What a row would do: a word, what it means, and in what or why.
fn fate(row: &PlanRow) -> (&'static str, Tone, String) {
    match &row.fate {
        Fate::New => ("New", Tone::Good, String::new()),
        Fate::Changed(differences) => ("Changed", Tone::Accent, in_words(differences)),
        Fate::Unchanged => ("Unchanged", Tone::Plain, String::new()),
        Fate::Rejected(reasons) => {
            let words = reasons.iter().map(|reason| match &reason.column {
                Some(column) => format!("{}: {}", column.title(), reason.text),
                None => reason.text.clone(),
            });
            ("Rejected", Tone::Bad, words.collect::<Vec<_>>().join("; "))
        }
    }
}

impl ImportDialog {
    /// Draws the rows.
    pub(super) fn rows(&mut self, ui: &mut Ui, plan: &Plan) {
        let Some(Ok(looked)) = &self.looked else { return };
        let counts = plan.counts;
        let titles = [
            (Shown::All, format!("All {}", plan.rows.len())),
            (Shown::New, format!("New {}", counts.new)),
            (Shown::Changed, format!("Changed {}", counts.changed)),
            (Shown::Unchanged, format!("Unchanged {}", counts.unchanged)),
            (Shown::Rejected, format!("Rejected {}", counts.rejected)),
        ];
        let titles: Vec<(Shown, &str)> = titles.iter().map(|(shown, text)| (*shown, text.as_str())).collect();
        let mut shown = self.shown;
        if segmented(ui, "rows shown", &mut shown, &titles) {
            (self.shown, self.top) = (shown, 0);
        }
        ui.add_space(8.0);
        let places = looked.of_kind.get(shown as usize).map_or(&[][..], Vec::as_slice);
        if places.is_empty() {
            ui.label(small(ui, "No row is of this kind"));
            return;
        }
        let last = places.len() - 1;
        let free = ui.memory(|memory| memory.focused().is_none());
        let key = |key: Key| free && ui.input(|input| input.key_pressed(key));
        let to = match () {
            () if key(Key::PageDown) => Some((self.top + PAGE).min(last)),
            () if key(Key::PageUp) => Some(self.top.saturating_sub(PAGE)),
            () if key(Key::Home) => Some(0),
            () if key(Key::End) => Some(last),
            () => None,
        };
        if let Some(to) = to {
            (self.top, self.scroll_to) = (to, Some(to));
        }
        table(ui, plan, places, self.scroll_to.take());
    }
}

fn table(ui: &mut Ui, plan: &Plan, places: &[usize], scroll_to: Option<usize>) {
    ui.spacing_mut().item_spacing = Vec2::ZERO;
    let is_narrow = ui.available_width() < 520.0;
    let name = if is_narrow { 124.0 } else { 170.0 };
    let mut table = TableBuilder::new(ui)
        .id_salt("import rows")
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Width::exact(if is_narrow { 48.0 } else { 64.0 }))
        .column(Width::initial(name).at_least(80.0).resizable(true).clip(true))
        .column(Width::exact(104.0))
        .column(Width::remainder().at_least(120.0).clip(true));
    if let Some(row) = scroll_to {
        table = table.scroll_to_row(row, Some(Align::TOP));
    }
    let table = table.header(ROW + 4.0, |mut header| {
        for text in ["Row", "Meter", "Would be", "In what, or why"] {
            header.col(|ui| title(ui, text, false));
        }
    });
    table.body(|body| {
        body.rows(ROW, places.len(), |mut row| {
            let Some(planned) = places.get(row.index()).and_then(|at| plan.rows.get(*at)) else { return };
            let (word, tone, words) = fate(planned);
            row.col(|ui| {
                ui.add_space(12.0);
                ui.label(small(ui, planned.line.to_string()));
            });
            row.col(|ui| {
                ui.add_space(12.0);
                ui.add(Label::new(&planned.name).truncate());
            });
            row.col(|ui| {
                ui.add_space(12.0);
                badge(ui, word, tone);
            });
            row.col(|ui| {
                ui.add_space(12.0);
                let t = tokens(ui);
                let ink = if tone == Tone::Bad { t.bad.0 } else { t.text_secondary.0 };
                let label = ui.add(Label::new(RichText::new(&words).color(ink)).truncate());
                if !words.is_empty() {
                    label.on_hover_text(&words);
                }
            });
            let name = format!("Row {}: {} {word}", planned.line, planned.name);
            row.response().widget_info(|| WidgetInfo::labeled(Role::Row, true, &name));
        });
    });
}
