//! The dialog that describes a metering point: place, customer, notes, photos, fields of one's own.

use egui::{Key, ScrollArea, TextEdit, Ui, Vec2};

use crate::comms::Edit;
use crate::gui::context::AppCtx;
use crate::gui::theme::{Icon, strong};
use crate::gui::widgets::dialog_window;
use crate::gui::widgets::{Act, fault_panel, field, room_in_dialog, secondary, text_field};
use crate::model::{PointDetails, PointId};
use crate::store::PointRow;

use super::saving::Saving;

/// Width of the dialog's contents.
const WIDTH: f32 = 480.0;
const HALF: f32 = 200.0;

/// The dialog.
pub(in crate::gui::meters) struct PointDialog {
    id: PointId,
    name: String,
    before: PointDetails,
    location: String,
    customer: String,
    notes: String,
    photos: String,
    fields: Vec<(String, String)>,
    saving: Saving,
}

impl PointDialog {
    /// For a point as it is.
    pub(super) fn new(point: &PointRow) -> Self {
        let details = &point.details;
        Self {
            id: point.id,
            name: point.name.clone(),
            before: details.clone(),
            location: details.location.clone(),
            customer: details.customer.clone(),
            notes: details.notes.clone(),
            photos: details.photos.join("\n"),
            fields: details.fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            saving: Saving::default(),
        }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.saving.is_waiting()
    }

    fn details(&self) -> PointDetails {
        let trimmed = |text: &str| text.trim().to_owned();
        let lines = self.photos.lines().map(trimmed).filter(|line| !line.is_empty());
        let fields = self.fields.iter().map(|(key, value)| (trimmed(key), trimmed(value)));
        PointDetails {
            location: trimmed(&self.location),
            customer: trimmed(&self.customer),
            notes: trimmed(&self.notes),
            photos: lines.collect(),
            fields: fields.filter(|(key, value)| !key.is_empty() && !value.is_empty()).collect(),
            ..self.before.clone()
        }
    }

    /// What is wrong with the fields of one's own.
    fn wrong(&self) -> Option<&'static str> {
        let names: Vec<&str> =
            self.fields.iter().map(|(key, _)| key.trim()).filter(|key| !key.is_empty()).collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        let nameless =
            self.fields.iter().any(|(key, value)| key.trim().is_empty() && !value.trim().is_empty());
        match (nameless, once.len() < names.len()) {
            (true, _) => Some("A field has no name"),
            (_, true) => Some("Two fields have one name"),
            _ => None,
        }
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if self.saving.take(cx).is_some() {
            cx.notices.done(format!("Described {}", self.name.trim()));
            return true;
        }
        let mut close = false;
        let faults = usize::from(self.saving.refused.is_some());
        let height = room_in_dialog(ui, 220.0, faults).min(520.0);
        let modal = dialog_window(ui, "metering point", WIDTH, |ui| {
            ui.label(strong("Metering point").size(18.0));
            ui.add_space(4.0);
            ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing = Vec2::new(8.0, 12.0);
                    self.entries(ui);
                });
            if let Some(fault) = &self.saving.refused {
                fault_panel(ui, fault);
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let wrong = if self.name.trim().is_empty() { Some("It needs a name") } else { self.wrong() };
                let ready = wrong.is_none() && !self.saving.is_waiting();
                let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
                let save = ui.add(Act::primary("Save").enabled(ready).shortcut("Ctrl+Enter"));
                if ready && (save.clicked() || enter) {
                    let (id, name) = (self.id, self.name.trim().to_owned());
                    let details = Box::new(self.details());
                    self.saving.begin(cx, Edit::UpdatePoint { id, name, details });
                }
                close = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
                if let Some(wrong) = wrong {
                    ui.label(secondary(ui, wrong));
                }
            });
        });
        close || modal.should_close()
    }

    fn entries(&mut self, ui: &mut Ui) {
        let wide = WIDTH - 16.0;
        let nameless = self.name.trim().is_empty();
        field(ui, "Name", None, |ui| text_field(ui, &mut self.name, "", wide, nameless));
        field(ui, "Location", None, |ui| {
            text_field(ui, &mut self.location, "Address, substation, cubicle", wide, false)
        });
        field(ui, "Customer reference", None, |ui| {
            text_field(ui, &mut self.customer, "Contract or customer number", wide, false)
        });
        let lines = |ui: &mut Ui, text: &mut String| {
            ui.add(TextEdit::multiline(text).desired_rows(3).desired_width(wide - 16.0))
        };
        field(ui, "Notes", None, |ui| lines(ui, &mut self.notes));
        let remark = Some(("One link a line: a file, or an address in the web", false));
        field(ui, "Photos", remark, |ui| lines(ui, &mut self.photos));
        ui.label(strong("Fields of your own"));
        let mut gone = None;
        for (at, (key, value)) in self.fields.iter_mut().enumerate() {
            ui.horizontal(|ui| {
                let number = at + 1;
                text_field(ui, key, "Name", HALF, false).accessible_name(format!("Name of field {number}"));
                text_field(ui, value, "Value", HALF, false)
                    .accessible_name(format!("Value of field {number}"));
                let name = format!("Remove field {number}");
                if ui.add(Act::icon_only(Icon::Cross, &name)).clicked() {
                    gone = Some(at);
                }
            });
        }
        if let Some(at) = gone {
            self.fields.remove(at);
        }
        if ui.add(Act::quiet("Add field").icon(Icon::Plus)).clicked() {
            self.fields.push((String::new(), String::new()));
        }
    }
}
