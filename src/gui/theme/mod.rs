//! How everything looks: colours as data (`assets/theme.json`), one typeface, three sizes, two weights, a 4-pixel grid.

mod fonts;
mod icons;
mod style;

use std::sync::Arc;

use egui::{Color32, Id};
use serde::{Deserialize, Deserializer};

pub use fonts::{STRONG, mono, strong};
pub use icons::Icon;

/// The unit of every distance.
pub const GRID: f32 = 4.0;
/// Height of a row in tables and lists.
pub const ROW: f32 = 24.0;
/// Height of buttons and fields.
pub const CONTROL: f32 = 28.0;
/// Small, body and heading sizes.
pub const SIZES: [f32; 3] = [11.5, 13.0, 18.0];

const SHIPPED: &str = include_str!("../../../assets/theme.json");

/// The colours of one appearance. Names say what a colour is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are the documentation; assets/theme.json lists them")]
pub struct Tokens {
    pub canvas: Colour,
    pub surface: Colour,
    pub sunken: Colour,
    pub rail: Colour,
    pub hover: Colour,
    pub pressed: Colour,
    pub border: Colour,
    pub border_strong: Colour,
    pub text: Colour,
    pub text_secondary: Colour,
    pub text_disabled: Colour,
    pub accent: Colour,
    pub accent_hover: Colour,
    pub accent_soft: Colour,
    pub on_accent: Colour,
    pub warn: Colour,
    pub warn_soft: Colour,
    pub warn_mark: Colour,
    pub bad: Colour,
    pub bad_soft: Colour,
    pub bad_mark: Colour,
    pub good: Colour,
    pub good_soft: Colour,
    pub plot: Colour,
    pub plot_grid: Colour,
    pub shadow: Colour,
    pub series: [Colour; 8],
    pub phases_iec: [Colour; 3],
    pub phases_ryb: [Colour; 3],
}

/// A colour written `#RRGGBB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub Color32);

impl From<Colour> for Color32 {
    fn from(colour: Colour) -> Self {
        colour.0
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, r, g, b] = number
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a colour: write #RRGGBB")))?
            .to_be_bytes();
        Ok(Self(Color32::from_rgb(r, g, b)))
    }
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Tokens>, D::Error> {
    Tokens::deserialize(deserializer).map(Arc::new)
}

/// Both appearances.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Always `meterwright.theme/1`.
    pub format: String,
    /// For bright rooms.
    #[serde(deserialize_with = "shared")]
    pub light: Arc<Tokens>,
    /// For dark ones.
    #[serde(deserialize_with = "shared")]
    pub dark: Arc<Tokens>,
}

impl Theme {
    /// The theme that ships with the program.
    ///
    /// # Errors
    /// The file is damaged; the tests read it, so this cannot come from a released build.
    pub fn shipped() -> Result<Self, String> {
        serde_json::from_str(SHIPPED).map_err(|error| format!("assets/theme.json: {error}"))
    }

    /// Installs typeface, sizes, distances and both appearances.
    pub fn install(&self, ctx: &egui::Context) {
        ctx.set_fonts(fonts::definitions());
        ctx.set_style_of(egui::Theme::Light, style::style(&self.light, false));
        ctx.set_style_of(egui::Theme::Dark, style::style(&self.dark, true));
        ctx.data_mut(|data| data.insert_temp(Id::NULL, self.clone()));
    }
}

/// Whether animations are left out.
pub fn reduce_motion(ctx: &egui::Context, reduce: bool) {
    let seconds = if reduce { 0.0 } else { style::ANIMATION_SECONDS };
    ctx.all_styles_mut(|style| {
        style.animation_time = seconds;
        if reduce {
            style.scroll_animation = egui::style::ScrollAnimation::none();
        }
    });
}

/// The colours in force where this `ui` is drawn.
///
/// # Panics
/// Never after [`Theme::install`], which the application calls before its first frame.
#[must_use]
pub fn tokens(ui: &egui::Ui) -> Arc<Tokens> {
    let theme = ui.ctx().data(|data| data.get_temp::<Theme>(Id::NULL));
    // Only a programming error leaves the theme out, and the shipped one is read by a test.
    #[allow(clippy::expect_used)]
    let theme = theme.unwrap_or_else(|| Theme::shipped().expect("the shipped theme reads"));
    if ui.visuals().dark_mode { theme.dark } else { theme.light }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(value: u8) -> f64 {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    }

    /// Contrast as WCAG 2 reckons it.
    fn contrast(a: Colour, b: Colour) -> f64 {
        let light = |colour: Colour| {
            let [r, g, b, _] = colour.0.to_array();
            0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_stands_out_from_everything_it_is_written_on() {
        let theme = Theme::shipped().unwrap();
        for (name, t) in [("light", &theme.light), ("dark", &theme.dark)] {
            let grounds = [
                ("canvas", t.canvas),
                ("surface", t.surface),
                ("sunken", t.sunken),
                ("rail", t.rail),
                ("hover", t.hover),
                ("accent_soft", t.accent_soft),
                ("plot", t.plot),
            ];
            for (ground_name, ground) in grounds {
                for (ink_name, ink) in [("text", t.text), ("text_secondary", t.text_secondary)] {
                    let found = contrast(ink, ground);
                    assert!(found >= 4.5, "{name}: {ink_name} on {ground_name} has {found:.2}");
                }
            }
            let pairs = [
                ("accent on surface", t.accent, t.surface),
                ("accent on canvas", t.accent, t.canvas),
                ("accent on rail", t.accent, t.rail),
                ("accent on accent_soft", t.accent, t.accent_soft),
                ("on_accent on accent", t.on_accent, t.accent),
                ("on_accent on accent_hover", t.on_accent, t.accent_hover),
                ("warn on warn_soft", t.warn, t.warn_soft),
                ("warn on surface", t.warn, t.surface),
                ("bad on bad_soft", t.bad, t.bad_soft),
                ("bad on surface", t.bad, t.surface),
                ("bad on accent_soft", t.bad, t.accent_soft),
                ("warn on accent_soft", t.warn, t.accent_soft),
                ("bad on canvas", t.bad, t.canvas),
                ("good on good_soft", t.good, t.good_soft),
                ("good on surface", t.good, t.surface),
            ];
            for (pair, ink, ground) in pairs {
                let found = contrast(ink, ground);
                assert!(found >= 4.5, "{name}: {pair} has {found:.2}");
            }
        }
    }

    #[test]
    fn marks_and_edges_can_be_seen() {
        let theme = Theme::shipped().unwrap();
        for (name, t) in [("light", &theme.light), ("dark", &theme.dark)] {
            for (mark_name, mark) in [("warn_mark", t.warn_mark), ("bad_mark", t.bad_mark)] {
                let found = contrast(mark, t.plot);
                assert!(found >= 2.5, "{name}: {mark_name} on plot has {found:.2}");
            }
            let found = contrast(t.series[0], t.plot);
            assert!(found >= 3.0, "{name}: the first series has {found:.2}");
        }
    }
}
