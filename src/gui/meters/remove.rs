//! The question before meters are removed.

use egui::{Key, Ui};

use crate::comms::Edit;
use crate::gui::context::AppCtx;
use crate::gui::data::Query;
use crate::gui::theme::strong;
use crate::gui::widgets::{Act, counted, dialog_window, number, secondary};
use crate::model::MeterId;

/// Names that are listed one by one.
const LISTED: usize = 8;

/// The question.
#[derive(Debug)]
pub(super) struct Removal {
    meters: Vec<(MeterId, String)>,
}

impl Removal {
    /// About these meters.
    #[must_use]
    pub(super) const fn new(meters: Vec<(MeterId, String)>) -> Self {
        Self { meters }
    }

    fn effect(&self) -> String {
        match self.meters.as_slice() {
            [(_, name)] => format!("Remove {name}"),
            many => format!("Remove {}", counted(many.len(), "meter")),
        }
    }

    /// Draws it; true when it is answered.
    pub(super) fn ui(&self, ui: &Ui, cx: &mut AppCtx) -> bool {
        let mut answered = false;
        let modal = dialog_window(ui, "removal", 420.0, |ui| {
            ui.label(strong(format!("{}?", self.effect())).size(15.0));
            if self.meters.len() > 1 {
                for (_, name) in self.meters.iter().take(LISTED) {
                    ui.label(format!("· {name}"));
                }
                if self.meters.len() > LISTED {
                    ui.label(secondary(ui, format!("and {} more", number(self.meters.len() - LISTED))));
                }
            }
            ui.label(secondary(ui, "It is taken off the list and its secrets are erased. Its readings stay in the store as evidence."));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if ui.add(Act::danger(&self.effect())).clicked() {
                    let ids = self.meters.iter().map(|(id, _)| *id).collect();
                    let done = self.effect().replacen("Remove", "Removed", 1);
                    cx.edit(Edit::RemoveMeters(ids), done);
                    cx.data.expire(|query| *query == Query::Meters);
                    answered = true;
                }
                let cancel = ui.add(Act::plain("Keep").shortcut("Esc"));
                // Enter keeps: removing takes a deliberate move.
                if ui.memory(|memory| memory.focused().is_none()) {
                    cancel.request_focus();
                }
                answered |= cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape));
            });
        });
        answered || modal.should_close()
    }
}
