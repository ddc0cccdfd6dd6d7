//! Writing the list of meters to a file: all, those that are shown, or those that are selected.

use std::collections::BTreeSet;
use std::sync::Arc;

use egui::{Key, Ui};

use crate::export::roster::{Column, Separator, own_fields, write_list};
use crate::gui::context::{AppCtx, Command, Maker};
use crate::gui::data::{Load, Query};
use crate::gui::theme::strong;
use crate::gui::widgets::{Act, choice, counted, dialog_window, fault_panel, loading, secondary, section};
use crate::model::{Fault, MeterId};
use crate::store::ListedMeter;

/// Width of the dialog's contents.
const WIDTH: f32 = 440.0;

/// Which meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    Shown,
    Selected,
}

/// The dialog.
pub(super) struct ExportDialog {
    which: Which,
    shown: BTreeSet<MeterId>,
    selected: BTreeSet<MeterId>,
    separator: Separator,
    for_excel: bool,
}

impl ExportDialog {
    /// For the meters that are shown in the table, and those that are selected.
    pub(super) fn new(shown: &[MeterId], selected: &[MeterId]) -> Self {
        Self {
            which: if selected.len() > 1 { Which::Selected } else { Which::All },
            shown: shown.iter().copied().collect(),
            selected: selected.iter().copied().collect(),
            separator: Separator::Comma,
            for_excel: false,
        }
    }

    fn takes(&self, id: MeterId) -> bool {
        match self.which {
            Which::All => true,
            Which::Shown => self.shown.contains(&id),
            Which::Selected => self.selected.contains(&id),
        }
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        let mut close = false;
        let modal = dialog_window(ui, "export meters", WIDTH, |ui| {
            ui.label(strong("Save the list of meters").size(18.0));
            let words = "As CSV with all settings and what is known of each point, without secrets; an import reads it back unchanged.";
            ui.label(secondary(ui, words));
            ui.add_space(8.0);
            let meters = match cx.data.roster(cx.backend.as_ref(), &Query::Roster) {
                Load::Ready(meters) => Some(meters),
                Load::Loading => {
                    loading(ui, "the meters");
                    None
                }
                Load::Failed(reason) => {
                    fault_panel(ui, &Fault::user(reason, "see that you may read the store"));
                    None
                }
            };
            if let Some(meters) = &meters {
                self.choices(ui, meters);
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let count =
                    meters.as_ref().map_or(0, |all| all.iter().filter(|one| self.takes(one.id)).count());
                let words = format!("Save {}…", counted(count, "meter"));
                let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
                let save = ui.add(Act::primary(&words).enabled(count > 0).shortcut("Ctrl+Enter"));
                if count > 0
                    && (save.clicked() || enter)
                    && let Some(meters) = &meters
                {
                    self.save(cx, meters);
                    close = true;
                }
                close |= ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
        });
        close || modal.should_close()
    }

    fn choices(&mut self, ui: &mut Ui, meters: &[ListedMeter]) {
        section(ui, "Which meters");
        let all = [
            (Which::All, format!("All, {}", meters.len())),
            (Which::Shown, format!("Those that the table shows, {}", self.shown.len())),
            (Which::Selected, format!("Those that are selected, {}", self.selected.len())),
        ];
        for (which, words) in all {
            if ui.radio(self.which == which, words).clicked() {
                self.which = which;
            }
        }
        ui.add_space(4.0);
        let separators = Separator::ALL.map(|(one, title)| (one, title.to_owned()));
        choice(ui, "Columns are parted by", WIDTH / 2.0, &mut self.separator, &separators);
        ui.add_space(4.0);
        if ui.checkbox(&mut self.for_excel, "For Excel: semicolons and a byte-order mark").changed()
            && self.for_excel
        {
            self.separator = Separator::Semicolon;
        }
        let own = own_fields(meters.iter().filter(|meter| self.takes(meter.id)));
        if !own.is_empty() {
            let names: Vec<String> = own.iter().map(Column::title).collect();
            ui.label(secondary(ui, format!("With your own fields {}", names.join(", "))));
        }
    }

    fn save(&self, cx: &mut AppCtx, meters: &Arc<Vec<ListedMeter>>) {
        let wanted: BTreeSet<MeterId> =
            meters.iter().map(|meter| meter.id).filter(|id| self.takes(*id)).collect();
        let (meters, separator, for_excel) = (Arc::clone(meters), self.separator, self.for_excel);
        let maker = Maker::new(move || {
            let rows: Vec<&ListedMeter> = meters.iter().filter(|meter| wanted.contains(&meter.id)).collect();
            let mut out = Vec::new();
            write_list(&rows, separator, for_excel, &mut out)
                .map_err(|error| Fault::internal(error.to_string()))?;
            Ok(out)
        });
        cx.command(Command::SaveMade("Save the list of meters".to_owned(), "meters.csv".to_owned(), maker));
    }
}
