//! Settings of the windows, and about this program.

mod store;

use egui::{CornerRadius, Frame, Margin, ScrollArea, Stroke, ThemePreference, Ui};

use super::context::AppCtx;
use super::people::{AuditCard, PeopleCard};
use super::prefs::PhaseColours;
use super::theme::{SIZES, strong, tokens};
use super::widgets::{heading, key_value, secondary, segmented};

const WIDTH: f32 = 640.0;

/// The page.
#[derive(Default)]
pub(super) struct Settings {
    store: store::StoreCards,
    people: PeopleCard,
    audit: AuditCard,
}

impl Settings {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(32, 24)).show(ui, |ui| {
                ui.set_max_width(WIDTH);
                ui.spacing_mut().item_spacing.y = 12.0;
                heading(ui, "Settings");
                card(ui, "Appearance", |ui| {
                    row(ui, "Theme", "Light, dark, or as the system is set", |ui| {
                        let choices = [
                            (ThemePreference::System, "As the system"),
                            (ThemePreference::Light, "Light"),
                            (ThemePreference::Dark, "Dark"),
                        ];
                        segmented(ui, "theme", &mut cx.prefs.theme, &choices)
                    })
                    .then(|| cx.keep_prefs());
                    row(ui, "Motion", "Panels appear at once and nothing glides", |ui| {
                        ui.checkbox(&mut cx.prefs.reduce_motion, "Reduce motion").changed()
                    })
                    .then(|| cx.keep_prefs());
                    row(
                        ui,
                        "Colours of the phases",
                        "Letters L1, L2 and L3 always stand beside them",
                        |ui| {
                            let choices = [
                                (PhaseColours::Iec, "Brown, black, grey"),
                                (PhaseColours::RedYellowBlue, "Red, yellow, blue"),
                            ];
                            segmented(ui, "phases", &mut cx.prefs.phases, &choices)
                        },
                    )
                    .then(|| cx.keep_prefs());
                });
                card(ui, "People", |ui| self.people.ui(ui, cx));
                card(ui, "Store", |ui| self.store.file(ui, cx));
                card(ui, "What is kept for how long", |ui| self.store.kept(ui, cx));
                card(ui, "Audit", |ui| self.audit.ui(ui, cx));
                card(ui, "Keyboard", |ui| {
                    for (keys, what) in KEYS {
                        key_value(ui, keys, *what);
                    }
                });
                card(ui, "About", |ui| {
                    key_value(ui, "Meterwright", crate::VERSION);
                    key_value(ui, "Licence", "MIT or Apache-2.0");
                    key_value(ui, "Typeface", "IBM Plex Sans and Mono, SIL Open Font License 1.1");
                    key_value(ui, "Time zone", cx.zone.iana_name().unwrap_or("of this computer").to_owned());
                });
            });
        });
        self.people.dialogs(ui, cx);
    }
}

const KEYS: &[(&str, &str)] = &[
    ("Ctrl+K", "Find a meter or a command"),
    ("Ctrl+1, 2, 3", "Scheme Manager, Meter Manager, Readings"),
    ("Ctrl+4", "Trace"),
    ("Ctrl+5, 6, 7", "Lists, Firmware, Templates"),
    ("Ctrl+,", "Settings"),
    ("F5", "Read the selected meters now"),
    ("Ctrl+N", "Add a meter"),
    ("Ctrl+O, Ctrl+Shift+N", "Open a scheme, begin a new one"),
    ("Ctrl+J", "Jobs"),
    ("Ctrl+L", "Lock the windows, where people sign in"),
    ("↑ ↓, Shift, Ctrl+A", "Move in the table, take a range, take all"),
    ("Enter", "Show the readings of the meter in focus"),
    ("F2", "Edit the selected meters"),
    ("Delete", "Remove the selected meters, after a question"),
    ("Esc", "Go back"),
];

fn card(ui: &mut Ui, title: &str, contents: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    Frame::new()
        .fill(t.surface.0)
        .stroke(Stroke::new(1.0, t.border.0))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::same(16))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(strong(title).size(14.0));
            contents(ui);
        });
}

/// A setting: its name and what it does at the left, its control at the right. Gives true when it was changed.
fn row(ui: &mut Ui, title: &str, text: &str, control: impl FnOnce(&mut Ui) -> bool) -> bool {
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.set_width(280.0);
            ui.label(title);
            ui.label(secondary(ui, text).size(SIZES[0]));
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), control).inner
    })
    .inner
}
