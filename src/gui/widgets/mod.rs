//! The few controls that every window is made of, each with an accessible name.

mod act;
mod field;
mod menu;
mod state;
mod text;

pub use act::{Act, described, segmented};
pub use field::{choice, combo, committed, field, password, text_field, text_field_at};
pub use menu::{Entry, permitted};
pub use state::{
    Problem, badge, blame_words, dialog_window, empty, fault_panel, loading, lone_card, problem,
    progress_bar, room_in_dialog,
};
pub use text::{
    counted, decimal, grouped, heading, instant, key_value, kilo, number, secondary, section, small,
};

/// What a badge or a remark means; colour follows from it, never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Structure.
    Plain,
    /// As it should be.
    Good,
    /// Needs a look.
    Warn,
    /// Is wrong.
    Bad,
    /// Action.
    Accent,
}

impl Tone {
    /// Ink and ground.
    #[must_use]
    pub fn colours(self, ui: &egui::Ui) -> (egui::Color32, egui::Color32) {
        let t = super::theme::tokens(ui);
        match self {
            Self::Plain => (t.text_secondary.0, t.sunken.0),
            Self::Good => (t.good.0, t.good_soft.0),
            Self::Warn => (t.warn.0, t.warn_soft.0),
            Self::Bad => (t.bad.0, t.bad_soft.0),
            Self::Accent => (t.accent.0, t.accent_soft.0),
        }
    }
}
