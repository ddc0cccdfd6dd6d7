//! The header: whose data these are, who sits here, and the one search field.

use egui::{Align, Id, Key, Layout, Margin, Modifiers, TextEdit, Ui, Vec2};

use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::theme::{CONTROL, Icon, strong, tokens};
use crate::gui::widgets::{Act, Tone, badge, small};
use crate::model::Standing;

use super::search::{Found, matches, results};

/// Its height.
pub(crate) const HEIGHT: f32 = 48.0;
const FIELD_WIDTH: f32 = 380.0;

/// The header's own state.
#[derive(Debug, Default)]
pub(crate) struct Header {
    text: String,
    chosen: usize,
    wants_focus: bool,
    open: bool,
    /// What was found, for which words among which list of meters, by whom.
    found: Option<((String, u64, Standing), Vec<Found>)>,
}

impl Header {
    /// Puts the cursor into the search field.
    pub(crate) fn focus(&mut self) {
        self.wants_focus = true;
    }

    /// Draws it.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let full = ui.max_rect();
        ui.horizontal_centered(|ui| {
            ui.add_space(16.0);
            let (mark, _) = ui.allocate_exact_size(Vec2::splat(20.0), egui::Sense::hover());
            Icon::Trace.paint(ui.painter(), mark, 18.0, tokens(ui).accent.0);
            ui.label(strong("Meterwright"));
            ui.label(small(ui, "/"));
            let name = cx.backend.store_name();
            ui.add(egui::Label::new(name).truncate()).on_hover_text("The store that is open");
            if cx.backend.is_demo() {
                badge(ui, "Simulated meters", Tone::Accent);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(16.0);
                let person = match cx.standing.clone() {
                    Standing::SignedIn(person) => {
                        let lock = Act::icon_only(Icon::Lock, "Lock the windows").shortcut("Ctrl+L");
                        if ui.add(lock).clicked() {
                            cx.command(Command::Lock);
                        }
                        badge(ui, person.role.word(), Tone::Plain).on_hover_text(person.role.in_words());
                        ui.add(egui::Label::new(&person.name).truncate()).on_hover_text("Signed in");
                        person.name
                    }
                    Standing::Alone | Standing::Nobody => {
                        let person = person();
                        let hint = "Signed in as the owner of this store: it has one user";
                        ui.label(&person).on_hover_text(hint);
                        person
                    }
                };
                let (dot, _) = ui.allocate_exact_size(Vec2::splat(24.0), egui::Sense::hover());
                let t = tokens(ui);
                ui.painter().circle_filled(dot.center(), 12.0, t.accent_soft.0);
                let initial: String = person.chars().take(1).flat_map(char::to_uppercase).collect();
                let font = egui::FontId::proportional(12.0);
                ui.painter().text(dot.center(), egui::Align2::CENTER_CENTER, initial, font, t.accent.0);
            });
        });
        let left = (full.center().x - FIELD_WIDTH / 2.0).max(full.left() + 300.0);
        let at = egui::pos2(left.round(), (full.center().y - CONTROL / 2.0).round());
        let field = egui::Rect::from_min_size(at, Vec2::new(FIELD_WIDTH, CONTROL));
        self.search(ui, cx, field);
    }

    fn search(&mut self, ui: &mut Ui, cx: &mut AppCtx, rect: egui::Rect) {
        let t = tokens(ui);
        let mut child =
            ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
        let edit = TextEdit::singleline(&mut self.text)
            .id(Id::unique("search"))
            .hint_text(egui::RichText::new("Find a meter or a command").color(t.text_secondary.0))
            .background_color(t.surface.0)
            .margin(Margin { left: 30, right: 56, top: 5, bottom: 5 })
            .align(egui::Align2::LEFT_CENTER)
            .min_size(Vec2::new(FIELD_WIDTH, CONTROL))
            .desired_width(FIELD_WIDTH - 86.0);
        let response = child.add(edit).accessible_name("Find a meter or a command");
        let icon = egui::Rect::from_min_size(rect.min + Vec2::new(8.0, 0.0), Vec2::new(16.0, CONTROL));
        Icon::Search.paint(ui.painter(), icon, 14.0, t.text_secondary.0);
        let hint = egui::pos2(rect.right() - 10.0, rect.center().y);
        let font = egui::FontId::proportional(11.0);
        ui.painter().text(hint, egui::Align2::RIGHT_CENTER, "Ctrl+K", font, t.text_secondary.0);
        if std::mem::take(&mut self.wants_focus) {
            response.request_focus();
        }
        if response.changed() {
            self.chosen = 0;
        }
        if response.gained_focus() || response.changed() {
            self.open = true;
        }
        if !self.open {
            return;
        }
        let meters = cx.meters().ready().unwrap_or_default();
        let key = (self.text.clone(), cx.data.meters_version, cx.standing.clone());
        if self.found.as_ref().is_none_or(|(of, _)| *of != key) {
            self.found = Some((key, matches(&self.text, &meters, cx)));
        }
        let found = self.found.as_ref().map(|(_, found)| found.clone()).unwrap_or_default();
        // No page may take these keys too.
        let (up, down, enter, escape) = ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            (pressed(Key::ArrowUp), pressed(Key::ArrowDown), pressed(Key::Enter), pressed(Key::Escape))
        });
        let last = found.len().saturating_sub(1);
        if down {
            self.chosen = (self.chosen + 1).min(last);
        }
        if up {
            self.chosen = self.chosen.saturating_sub(1);
        }
        let below = rect.left_bottom() + Vec2::new(0.0, 4.0);
        let (clicked, inside) = results(ui, below, FIELD_WIDTH, &found, self.chosen);
        let taken = if enter { found.get(self.chosen).cloned() } else { clicked };
        if let Some(found) = taken {
            self.close(ui);
            take(cx, found);
        } else if escape || (response.lost_focus() && !inside) {
            self.close(ui);
        }
    }

    fn close(&mut self, ui: &Ui) {
        self.open = false;
        self.text.clear();
        self.chosen = 0;
        ui.memory_mut(|memory| memory.surrender_focus(Id::unique("search")));
    }
}

fn take(cx: &mut AppCtx, found: Found) {
    match found {
        Found::Meter { id, .. } => {
            cx.selection.only(id);
            cx.command(Command::Go(Page::Meters));
        }
        Found::Command { command, .. } => cx.command(command),
    }
}

/// The person's name as the system knows it.
fn person() -> String {
    ["USER", "USERNAME"]
        .iter()
        .find_map(|key| std::env::var(key).ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "Owner".to_owned())
}
