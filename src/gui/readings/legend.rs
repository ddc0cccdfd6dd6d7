//! The legend: which channels are drawn. Each has its colour and its name; a click switches it.

use std::collections::BTreeSet;

use egui::{Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use crate::gui::context::AppCtx;
use crate::gui::prefs::PhaseColours;
use crate::gui::theme::{SIZES, Tokens, tokens};
use crate::model::{Channel, Side, Unit};
use crate::store::StoredProfile;

use super::Subject;
use super::figures::symbol;

/// The colour of a channel: that of its phase where it has one, else one of a colour-blind-safe row.
#[must_use]
pub(super) fn colour(t: &Tokens, phases: PhaseColours, channel: &Channel, number: usize) -> Color32 {
    let set = match phases {
        PhaseColours::Iec => &t.phases_iec,
        PhaseColours::RedYellowBlue => &t.phases_ryb,
    };
    let phase = match channel.obis.c() {
        21..=40 => set.first(),
        41..=60 => set.get(1),
        61..=80 => set.get(2),
        _ => None,
    };
    phase.or_else(|| t.series.get(number % t.series.len())).map_or(t.accent.0, |colour| colour.0)
}

/// Units that can share an axis.
fn family(unit: Unit) -> u8 {
    match unit {
        Unit::WH | Unit::VARH | Unit::VAH | Unit::W | Unit::VAR | Unit::VA => 0,
        other => other.0,
    }
}

/// Draws it and switches channels.
pub(super) fn ui(
    ui: &mut Ui,
    cx: &AppCtx,
    subject: &Subject<'_>,
    profile: &StoredProfile,
    on: &mut BTreeSet<usize>,
) {
    let t = tokens(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::new(4.0, 2.0);
        for (number, channel) in profile.layout.channels.iter().enumerate() {
            let ink = colour(&t, cx.prefs.phases, channel, number);
            let to = subject.period.bounds(subject.zone).1;
            let side = subject.side(channel.scaler_unit.unit, channel.side, to.min((cx.now)()));
            if entry(ui, channel, side, ink, on.contains(&number)) {
                switch(&profile.layout.channels, on, number);
            }
        }
    });
}

/// Switches one channel; those whose unit cannot share its axis go off, and the last one stays on.
fn switch(channels: &[Channel], on: &mut BTreeSet<usize>, number: usize) {
    if on.contains(&number) {
        if on.len() > 1 {
            on.remove(&number);
        }
        return;
    }
    let family_of = |at: &usize| channels.get(*at).map(|channel| family(channel.scaler_unit.unit));
    let mine = family_of(&number);
    on.retain(|other| family_of(other) == mine);
    on.insert(number);
}

fn entry(ui: &mut Ui, channel: &Channel, side: Side, ink: Color32, on: bool) -> bool {
    let t = tokens(ui);
    let font = egui::FontId::proportional(SIZES[0] + 0.5);
    let text = if on { t.text.0 } else { t.text_secondary.0 };
    let galley = ui.painter().layout_no_wrap(channel.name.clone(), font, text);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(galley.size().x + 34.0, 22.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, &channel.name));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, CornerRadius::same(4), t.hover.0);
    }
    let swatch = Rect::from_center_size(egui::pos2(rect.left() + 14.0, rect.center().y), Vec2::splat(12.0));
    if on {
        ui.painter().rect_filled(swatch, CornerRadius::same(2), ink);
    } else {
        ui.painter().rect_stroke(swatch, CornerRadius::same(2), Stroke::new(1.5, ink), StrokeKind::Inside);
    }
    let at = egui::pos2(rect.left() + 26.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, text);
    let hint = format!("{} · {} · {}", channel.obis.short(), symbol(channel.scaler_unit.unit), side.name());
    response.on_hover_text(hint).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ScalerUnit;

    fn channel(unit: Unit) -> Channel {
        Channel {
            obis: "1-0:1.29.0*255".parse().unwrap(),
            attribute: 2,
            data_index: 0,
            class_id: 3,
            name: String::new(),
            scaler_unit: ScalerUnit { scaler: 0, unit },
            side: Side::Secondary,
        }
    }

    #[test]
    fn units_that_cannot_share_an_axis_switch_one_another_off_and_one_stays_on() {
        let channels = [channel(Unit::WH), channel(Unit::VARH), channel(Unit::V)];
        let mut on = BTreeSet::from([0]);
        switch(&channels, &mut on, 1);
        assert_eq!(on, BTreeSet::from([0, 1]));
        switch(&channels, &mut on, 2);
        assert_eq!(on, BTreeSet::from([2]));
        switch(&channels, &mut on, 2);
        assert_eq!(on, BTreeSet::from([2]));
    }
}
