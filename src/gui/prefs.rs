//! Settings of the windows, kept in the store.

use egui::ThemePreference;

use crate::comms::Edit;

use super::context::AppCtx;
use super::data::{Load, Query};
use super::theme;

const THEME: &str = "gui.theme";
const MOTION: &str = "gui.reduce-motion";
const PHASES: &str = "gui.phase-colours";
const RECENT: &str = "gui.recent-files";
/// Paths that the path field remembers.
const REMEMBERED: usize = 8;

/// Colours of the phases L1, L2, L3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhaseColours {
    /// Brown, black, grey (IEC 60445).
    #[default]
    Iec,
    /// Red, yellow, blue.
    RedYellowBlue,
}

/// Settings of the windows.
#[derive(Clone, Debug)]
pub struct Prefs {
    /// Light, dark or as the system.
    pub theme: ThemePreference,
    /// No animations.
    pub reduce_motion: bool,
    /// Colours of the phases.
    pub phases: PhaseColours,
    /// Files that were opened last, newest first.
    pub recent: Vec<String>,
    loaded: bool,
    applied: Option<(ThemePreference, bool)>,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            theme: ThemePreference::System,
            reduce_motion: false,
            phases: PhaseColours::Iec,
            recent: Vec::new(),
            loaded: false,
            applied: None,
        }
    }
}

impl Prefs {
    const fn theme_word(&self) -> &'static str {
        match self.theme {
            ThemePreference::Dark => "dark",
            ThemePreference::Light => "light",
            ThemePreference::System => "system",
        }
    }

    fn read(&mut self, key: &str, value: &str) {
        match key {
            THEME => {
                self.theme = match value {
                    "dark" => ThemePreference::Dark,
                    "light" => ThemePreference::Light,
                    _ => ThemePreference::System,
                };
            }
            MOTION => self.reduce_motion = value == "yes",
            PHASES => {
                self.phases = if value == "ryb" { PhaseColours::RedYellowBlue } else { PhaseColours::Iec };
            }
            RECENT => self.recent = value.lines().map(str::to_owned).collect(),
            _ => {}
        }
    }

    /// Puts a file in front of those that were opened last.
    pub fn remember(&mut self, path: &str) {
        self.recent.retain(|one| one != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(REMEMBERED);
    }
}

impl AppCtx {
    /// Takes the settings from the store once they have come, and puts them into force.
    pub fn apply_prefs(&mut self, ctx: &egui::Context) {
        if !self.prefs.loaded {
            let mut complete = true;
            for key in [THEME, MOTION, PHASES, RECENT] {
                match self.data.setting(self.backend.as_ref(), &Query::Setting(key.to_owned())) {
                    Load::Ready(value) => {
                        if let Some(value) = value.as_ref() {
                            self.prefs.read(key, value);
                        }
                    }
                    Load::Loading => complete = false,
                    // A store that cannot be read says so where its data are shown.
                    Load::Failed(_) => {}
                }
            }
            self.prefs.loaded = complete;
        }
        let wanted = (self.prefs.theme, self.prefs.reduce_motion);
        if self.prefs.applied != Some(wanted) {
            ctx.set_theme(wanted.0);
            theme::reduce_motion(ctx, wanted.1);
            self.prefs.applied = Some(wanted);
        }
    }

    /// Keeps the settings.
    pub fn keep_prefs(&mut self) {
        let phases = if self.prefs.phases == PhaseColours::Iec { "iec" } else { "ryb" };
        let motion = if self.prefs.reduce_motion { "yes" } else { "no" };
        let values = [
            (THEME, self.prefs.theme_word().to_owned()),
            (MOTION, motion.to_owned()),
            (PHASES, phases.to_owned()),
            (RECENT, self.prefs.recent.join("\n")),
        ];
        for (key, value) in values {
            self.edit(Edit::Setting { key: key.to_owned(), value }, "");
        }
    }
}
