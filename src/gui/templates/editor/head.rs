//! The head of the editor: what is edited, and what can be done with it.

use egui::{Label, Ui};

use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, strong};
use crate::gui::widgets::{Act, Tone, badge, fault_panel, small};
use crate::model::Right;

use super::{Editor, Wish};

impl Editor {
    /// Draws it; gives what is to be done.
    pub(super) fn head(&mut self, ui: &mut Ui, cx: &mut AppCtx) -> Option<Wish> {
        let mut wish = None;
        ui.spacing_mut().item_spacing.y = 8.0;
        ui.horizontal(|ui| {
            ui.add(Label::new(strong(self.title()).size(15.0)).truncate());
            if self.is_dirty() {
                badge(ui, "Not saved", Tone::Warn);
            }
            let from = self.origin.as_ref().and_then(|origin| {
                let copied = origin.copied_from.as_ref().map(|name| format!("copied from {name}"));
                copied.or_else(|| origin.learnt_from.as_ref().map(|meter| format!("learnt from {meter}")))
            });
            if let Some(from) = from {
                ui.label(small(ui, from));
            }
        });
        ui.horizontal(|ui| {
            let hindrance = self.hindrance();
            let save = Act::primary("Save").icon(Icon::Save).shortcut("Ctrl+S").enabled(hindrance.is_none());
            let save =
                save.hint(hindrance.unwrap_or("Keeps it in the store, beside the templates that ship"));
            if ui.add(save.unless(cx.why_not(Right::KeepTemplates))).clicked() {
                self.save(cx);
            }
            if ui.add(Act::plain("Write as JSON…").icon(Icon::Export)).clicked() {
                let file = format!("{}.json", self.title());
                let title = "Write the template as JSON".to_owned();
                cx.command(Command::SaveText(title, file, self.text.clone()));
            }
            let undo = Act::icon_only(Icon::Undo, "Undo").shortcut("Ctrl+Z").enabled(self.history.can_undo());
            if ui.add(undo).clicked() {
                self.undo(ui);
            }
            let redo = Act::icon_only(Icon::Redo, "Do it again").shortcut("Ctrl+Shift+Z");
            if ui.add(redo.enabled(self.history.can_redo())).clicked() {
                self.redo(ui);
            }
            if ui.add(Act::quiet("Close")).clicked() {
                wish = Some(Wish::Close);
            }
        });
        if let Some(fault) = &self.refused {
            fault_panel(ui, fault);
        }
        wish
    }
}
