//! Entries of menus, and controls that not everybody may use.

use egui::{Button, Response, Ui, Widget};

use super::described;

/// An entry of a menu.
pub struct Entry<'a> {
    text: &'a str,
    shortcut: &'a str,
    reason: Option<String>,
}

impl<'a> Entry<'a> {
    /// With these words.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text, shortcut: "", reason: None }
    }

    /// Its shortcut, told at the right.
    #[must_use]
    pub const fn shortcut(mut self, shortcut: &'a str) -> Self {
        self.shortcut = shortcut;
        self
    }

    /// Disabled where there is a reason, which hovering and screen readers tell.
    #[must_use]
    pub fn unless(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

impl Widget for Entry<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let mut button = Button::new(self.text);
        if !self.shortcut.is_empty() {
            button = button.shortcut_text(self.shortcut);
        }
        permitted(ui, self.reason.as_deref(), |ui| ui.add(button)).accessible_name(self.text)
    }
}

/// A control that is disabled where there is a reason, which hovering and screen readers tell.
pub fn permitted(ui: &mut Ui, reason: Option<&str>, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let response = ui.add_enabled_ui(reason.is_none(), add).inner;
    if let Some(reason) = reason {
        described(ui, &response, reason);
    }
    response
}
