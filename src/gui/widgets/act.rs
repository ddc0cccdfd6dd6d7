//! Buttons.

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, CornerRadius, FontFamily, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    Vec2, Widget, WidgetInfo,
};

use crate::gui::theme::{CONTROL, Icon, SIZES, STRONG, tokens};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Primary,
    Plain,
    Quiet,
    Danger,
}

/// Room for words on a button: the longest names of meters do not push its neighbours out of reach.
const MOST_WORDS: f32 = 320.0;

/// A button: words, an icon, or both.
pub struct Act<'a> {
    text: &'a str,
    icon: Option<Icon>,
    weight: Weight,
    icon_only: bool,
    selected: Option<bool>,
    enabled: bool,
    small: bool,
    hint: String,
    shortcut: &'a str,
}

impl<'a> Act<'a> {
    const fn new(text: &'a str, weight: Weight) -> Self {
        Self {
            text,
            icon: None,
            weight,
            icon_only: false,
            selected: None,
            enabled: true,
            small: false,
            hint: String::new(),
            shortcut: "",
        }
    }

    /// The main thing to do on a page: one a page.
    #[must_use]
    pub const fn primary(text: &'a str) -> Self {
        Self::new(text, Weight::Primary)
    }

    /// Something else to do.
    #[must_use]
    pub const fn plain(text: &'a str) -> Self {
        Self::new(text, Weight::Plain)
    }

    /// Something beside the main flow: no frame until pointed at.
    #[must_use]
    pub const fn quiet(text: &'a str) -> Self {
        Self::new(text, Weight::Quiet)
    }

    /// Something that cannot be undone; the text names its effect.
    #[must_use]
    pub const fn danger(text: &'a str) -> Self {
        Self::new(text, Weight::Danger)
    }

    /// An icon alone; the text is its name for tooltips and screen readers.
    #[must_use]
    pub const fn icon_only(icon: Icon, name: &'a str) -> Self {
        let mut act = Self::new(name, Weight::Quiet);
        act.icon = Some(icon);
        act.icon_only = true;
        act
    }

    /// With an icon before the words.
    #[must_use]
    pub const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// With a frame.
    #[must_use]
    pub const fn framed(mut self) -> Self {
        self.weight = Weight::Plain;
        self
    }

    /// Shown as switched on.
    #[must_use]
    pub const fn selected(mut self, selected: bool) -> Self {
        self.selected = Some(selected);
        self
    }

    /// Lower, for rows.
    #[must_use]
    pub const fn small(mut self) -> Self {
        self.small = true;
        self
    }

    /// Whether it can be pressed now.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Disabled where there is a reason, which the tooltip and screen readers tell.
    #[must_use]
    pub fn unless(mut self, reason: Option<String>) -> Self {
        if let Some(reason) = reason {
            self.enabled = false;
            self.hint = reason;
        }
        self
    }

    /// A sentence for the tooltip.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Its shortcut, told in the tooltip.
    #[must_use]
    pub const fn shortcut(mut self, shortcut: &'a str) -> Self {
        self.shortcut = shortcut;
        self
    }

    fn tooltip(&self) -> String {
        let words = if self.icon_only && self.hint.is_empty() { self.text } else { self.hint.as_str() };
        match (words.is_empty(), self.shortcut.is_empty()) {
            (true, true) => String::new(),
            (true, false) => self.shortcut.to_owned(),
            (false, true) => words.to_owned(),
            (false, false) => format!("{words}  ({})", self.shortcut),
        }
    }

    fn colours(&self, ui: &Ui, response: &Response) -> (Color32, Color32, Color32) {
        let t = tokens(ui);
        let clear = Color32::TRANSPARENT;
        if !self.enabled {
            let edge = if self.weight == Weight::Quiet { clear } else { t.border.0 };
            return (clear, edge, t.text_disabled.0);
        }
        let hovered = response.hovered() || response.has_focus();
        match self.weight {
            Weight::Primary => (if hovered { t.accent_hover.0 } else { t.accent.0 }, clear, t.on_accent.0),
            Weight::Danger => (if hovered { t.bad_soft.0 } else { t.surface.0 }, t.bad.0, t.bad.0),
            _ if self.selected == Some(true) => {
                (t.accent_soft.0, if self.weight == Weight::Quiet { clear } else { t.accent.0 }, t.accent.0)
            }
            Weight::Plain => (if hovered { t.hover.0 } else { t.surface.0 }, t.border_strong.0, t.text.0),
            Weight::Quiet => (if hovered { t.hover.0 } else { clear }, clear, t.text.0),
        }
    }
}

impl Widget for Act<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let height = if self.small { 22.0 } else { CONTROL };
        let family = if self.weight == Weight::Primary {
            FontFamily::Name(STRONG.into())
        } else {
            FontFamily::Proportional
        };
        let size = if self.small { SIZES[0] + 0.5 } else { SIZES[1] };
        let font = FontId::new(size, family);
        let mut job = LayoutJob::simple_singleline(self.text.to_owned(), font, Color32::PLACEHOLDER);
        job.wrap = TextWrapping::truncate_at_width(MOST_WORDS);
        let galley = ui.painter().layout_job(job);
        let is_cut = galley.elided;
        let icon_size = if self.small { 13.0 } else { 15.0 };
        let padding = if self.small { 8.0 } else { 12.0 };
        let width = if self.icon_only {
            height
        } else {
            let icon = if self.icon.is_some() { icon_size + 6.0 } else { 0.0 };
            galley.size().x + icon + 2.0 * padding
        };
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(Vec2::new(width.ceil(), height), sense);
        let enabled = self.enabled && ui.is_enabled();
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, enabled, self.text);
            info.selected = self.selected;
            info
        });
        if !enabled && !self.hint.is_empty() {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(self.hint.as_str()));
        }
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
        if ui.is_rect_visible(rect) {
            let (fill, edge, ink) = self.colours(ui, &response);
            let radius = CornerRadius::same(4);
            let painter = ui.painter();
            painter.rect(rect, radius, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
            if response.has_focus() {
                let ring = Stroke::new(2.0, tokens(ui).accent.0);
                painter.rect_stroke(rect.expand(2.0), CornerRadius::same(6), ring, StrokeKind::Inside);
            }
            let mut left = rect.left() + padding;
            if let Some(icon) = self.icon {
                if self.icon_only {
                    icon.paint(painter, rect, icon_size, ink);
                } else {
                    let space =
                        Rect::from_min_size(rect.min + Vec2::new(padding, 0.0), Vec2::new(icon_size, height));
                    icon.paint(painter, space, icon_size, ink);
                    left += icon_size + 6.0;
                }
            }
            if !self.icon_only {
                let at = egui::pos2(left, rect.center().y - galley.size().y / 2.0);
                painter.galley_with_override_text_color(at, galley, ink);
            }
        }
        let tooltip = if is_cut && self.hint.is_empty() { self.text.to_owned() } else { self.tooltip() };
        if tooltip.is_empty() {
            response
        } else {
            response.on_hover_text(tooltip.clone()).on_disabled_hover_text(tooltip)
        }
    }
}

/// Tells why a control is disabled: when pointed at, and to screen readers.
pub fn described(ui: &Ui, control: &Response, why: &str) {
    ui.ctx().accesskit_node_builder(control.id, |node| node.set_description(why));
    control.clone().on_disabled_hover_text(why);
}

/// A row of choices of which one holds. Gives true when another was chosen.
pub fn segmented<T: Copy + PartialEq>(ui: &mut Ui, name: &str, value: &mut T, choices: &[(T, &str)]) -> bool {
    let t = tokens(ui);
    let font = FontId::new(SIZES[1], FontFamily::Proportional);
    let mut widths: Vec<f32> = choices
        .iter()
        .map(|(_, text)| {
            let galley = ui.painter().layout_no_wrap((*text).to_owned(), font.clone(), Color32::PLACEHOLDER);
            (galley.size().x + 24.0).ceil()
        })
        .collect();
    // Where there is not room enough, the margins within give way, down to a third.
    #[allow(clippy::cast_precision_loss, reason = "a few choices")]
    let over = (widths.iter().sum::<f32>() + 4.0 - ui.available_width()) / widths.len().max(1) as f32;
    if over > 0.0 && !ui.layout().is_horizontal() {
        widths.iter_mut().for_each(|width| *width = (*width - over.min(16.0)).floor());
    }
    let (rect, _) =
        ui.allocate_exact_size(Vec2::new(widths.iter().sum::<f32>() + 4.0, CONTROL), Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(4),
        t.sunken.0,
        Stroke::new(1.0, t.border.0),
        StrokeKind::Inside,
    );
    let mut left = rect.left() + 2.0;
    let mut changed = false;
    for ((choice, text), width) in choices.iter().zip(widths) {
        let cell = Rect::from_min_size(egui::pos2(left, rect.top() + 2.0), Vec2::new(width, CONTROL - 4.0));
        let response = ui.interact(cell, ui.scope_id().with((name, *text)), Sense::click());
        let on = *choice == *value;
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), on, *text));
        if on {
            ui.painter().rect(
                cell,
                CornerRadius::same(3),
                t.surface.0,
                Stroke::new(1.0, t.border_strong.0),
                StrokeKind::Inside,
            );
        } else if response.hovered() {
            ui.painter().rect_filled(cell, CornerRadius::same(3), t.hover.0);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(
                cell,
                CornerRadius::same(3),
                Stroke::new(2.0, t.accent.0),
                StrokeKind::Inside,
            );
        }
        let ink = if on { t.text.0 } else { t.text_secondary.0 };
        ui.painter().text(cell.center(), Align2::CENTER_CENTER, *text, font.clone(), ink);
        if response.clicked() && !on {
            *value = *choice;
            changed = true;
        }
        left += width;
    }
    changed
}
