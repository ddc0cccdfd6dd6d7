//! egui's own style, made of the tokens.

use std::collections::BTreeMap;

use egui::style::{ScrollStyle, Selection, WidgetVisuals, Widgets};
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Vec2, Visuals,
};

use super::{CONTROL, SIZES, Tokens};

/// No motion is longer than 150 ms.
pub(super) const ANIMATION_SECONDS: f32 = 0.1;

const RADIUS: CornerRadius = CornerRadius::same(4);

fn widget(fill: Color32, edge: Color32, ink: Color32) -> WidgetVisuals {
    WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, edge),
        corner_radius: RADIUS,
        fg_stroke: Stroke::new(1.0, ink),
        expansion: 0.0,
    }
}

fn visuals(t: &Tokens, dark: bool) -> Visuals {
    let mut visuals = if dark { Visuals::dark() } else { Visuals::light() };
    let shadow_alpha = if dark { 110 } else { 40 };
    let [r, g, b, _] = t.shadow.0.to_array();
    let shadow = Color32::from_rgba_unmultiplied(r, g, b, shadow_alpha);
    visuals.widgets = Widgets {
        noninteractive: widget(t.surface.0, t.border.0, t.text.0),
        inactive: widget(t.surface.0, t.border_strong.0, t.text.0),
        hovered: widget(t.hover.0, t.border_strong.0, t.text.0),
        active: widget(t.pressed.0, t.accent.0, t.text.0),
        open: widget(t.hover.0, t.border_strong.0, t.text.0),
    };
    visuals.selection = Selection { bg_fill: t.accent_soft.0, stroke: Stroke::new(1.5, t.accent.0) };
    visuals.weak_text_color = Some(t.text_secondary.0);
    visuals.hyperlink_color = t.accent.0;
    visuals.faint_bg_color = t.canvas.0;
    visuals.extreme_bg_color = t.plot.0;
    visuals.text_edit_bg_color = Some(t.surface.0);
    visuals.code_bg_color = t.sunken.0;
    visuals.warn_fg_color = t.warn.0;
    visuals.error_fg_color = t.bad.0;
    visuals.panel_fill = t.canvas.0;
    visuals.window_fill = t.surface.0;
    visuals.window_stroke = Stroke::new(1.0, t.border.0);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.window_shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: shadow };
    visuals.popup_shadow = Shadow { offset: [0, 4], blur: 12, spread: 0, color: shadow };
    visuals.striped = false;
    visuals.button_frame = true;
    visuals.indent_has_left_vline = false;
    visuals.text_cursor.stroke = Stroke::new(1.5, t.accent.0);
    visuals
}

pub(super) fn style(t: &Tokens, dark: bool) -> Style {
    let [small, body, heading] = SIZES;
    let mut style = Style { visuals: visuals(t, dark), ..Style::default() };
    style.text_styles = BTreeMap::from([
        (TextStyle::Small, FontId::new(small, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(body, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(body, FontFamily::Proportional)),
        (TextStyle::Heading, FontId::new(heading, FontFamily::Name(super::STRONG.into()))),
        (TextStyle::Monospace, FontId::new(small + 0.5, FontFamily::Monospace)),
    ]);
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 8.0);
    spacing.button_padding = Vec2::new(12.0, 4.0);
    spacing.interact_size = Vec2::new(CONTROL, CONTROL);
    spacing.menu_margin = Margin::same(4);
    spacing.window_margin = Margin::same(16);
    spacing.combo_width = 120.0;
    spacing.indent = 16.0;
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 8.0;
    spacing.icon_spacing = 8.0;
    spacing.tooltip_width = 360.0;
    spacing.scroll = ScrollStyle {
        bar_width: 8.0,
        floating_width: 6.0,
        floating_allocated_width: 8.0,
        bar_inner_margin: 2.0,
        foreground_color: true,
        dormant_background_opacity: 0.0,
        active_background_opacity: 0.0,
        interact_background_opacity: 0.0,
        dormant_handle_opacity: 0.25,
        active_handle_opacity: 0.4,
        interact_handle_opacity: 0.65,
        ..ScrollStyle::floating()
    };
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.animation_time = ANIMATION_SECONDS;
    style
}
