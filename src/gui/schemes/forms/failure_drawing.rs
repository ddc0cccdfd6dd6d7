//! The three responses to a lost clock as time lines.

use egui::{Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2};

use crate::gui::theme::{SIZES, Tokens, tokens};
use crate::scheme::ClockFailureResponse;

/// Percent of the drawing's time at which things happen.
const SUPPLY_FAILS: f32 = 22.0;
const BATTERY_FAILS: f32 = 36.0;
const SUPPLY_RETURNS: f32 = 50.0;
const CLOCK_SET: f32 = 88.0;
/// The contract switches from one rate to the other here, and back there.
const TO_DAY: f32 = 12.0;
const TO_NIGHT: f32 = 44.0;
/// By so much the meter is late.
const LATE: f32 = SUPPLY_RETURNS - SUPPLY_FAILS;

const LANE: f32 = 20.0;
const NAMES: f32 = 92.0;

/// One stretch of a lane.
struct Stretch {
    from: f32,
    to: f32,
    text: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Right,
    Doubtful,
    Nothing,
    Day,
    Night,
}

const fn stretch(from: f32, to: f32, text: &'static str, kind: Kind) -> Stretch {
    Stretch { from, to, text, kind }
}

const CONTRACT: [Stretch; 3] = [
    stretch(0.0, TO_DAY, "Night", Kind::Night),
    stretch(TO_DAY, TO_NIGHT, "Day", Kind::Day),
    stretch(TO_NIGHT, 100.0, "Night", Kind::Night),
];
const CLOCK: [Stretch; 4] = [
    stretch(0.0, BATTERY_FAILS, "right", Kind::Right),
    stretch(BATTERY_FAILS, SUPPLY_RETURNS, "lost", Kind::Nothing),
    stretch(SUPPLY_RETURNS, CLOCK_SET, "late", Kind::Doubtful),
    stretch(CLOCK_SET, 100.0, "right", Kind::Right),
];
const GOES_ON: [Stretch; 5] = [
    stretch(0.0, TO_DAY, "Night", Kind::Night),
    stretch(TO_DAY, SUPPLY_FAILS, "Day", Kind::Day),
    stretch(SUPPLY_FAILS, SUPPLY_RETURNS, "no supply", Kind::Nothing),
    stretch(SUPPLY_RETURNS, TO_NIGHT + LATE, "Day", Kind::Day),
    stretch(TO_NIGHT + LATE, 100.0, "Night, late", Kind::Night),
];
const FROZEN: [Stretch; 5] = [
    stretch(0.0, TO_DAY, "Night", Kind::Night),
    stretch(TO_DAY, SUPPLY_FAILS, "Day", Kind::Day),
    stretch(SUPPLY_FAILS, SUPPLY_RETURNS, "no supply", Kind::Nothing),
    stretch(SUPPLY_RETURNS, CLOCK_SET, "Day, frozen", Kind::Day),
    stretch(CLOCK_SET, 100.0, "Night", Kind::Night),
];

/// Draws one; `words` say the same to a screen reader.
pub(super) fn drawing(ui: &mut Ui, response: ClockFailureResponse, words: &str) {
    let t = tokens(ui);
    let width = ui.available_width().min(560.0);
    let height = 20.0 + 3.0 * (LANE + 4.0) + 20.0;
    let (rect, area) = ui.allocate_exact_size(Vec2::new(width, height), Sense::hover());
    area.widget_info(|| WidgetInfo::labeled(Role::Figure, true, format!("Time line: {words}")));
    let lanes = Rect::from_min_max(pos2(rect.left() + NAMES, rect.top() + 20.0), rect.right_bottom());
    let x = |part: f32| lanes.left() + part / 100.0 * lanes.width();
    let font = FontId::proportional(SIZES[0]);
    let marks = [
        (SUPPLY_FAILS, "supply fails", Align2::RIGHT_TOP),
        (BATTERY_FAILS, "battery fails", Align2::CENTER_TOP),
        (SUPPLY_RETURNS, "supply returns", Align2::LEFT_TOP),
        (CLOCK_SET, "clock is set", Align2::CENTER_TOP),
    ];
    let tariff = match response {
        ClockFailureResponse::BillThenFreeze => &FROZEN,
        _ => &GOES_ON,
    };
    let rows: [(&str, &[Stretch]); 3] =
        [("By the contract", &CONTRACT), ("Meter's clock", &CLOCK), ("Meter's rate", tariff)];
    // Lanes cover the lines, so that no line stands on a word.
    for (part, text, align) in marks {
        let stroke = Stroke::new(1.0, t.text_secondary.0);
        ui.painter().vline(x(part), rect.top() + 16.0..=lanes.top() + 3.0 * (LANE + 4.0), stroke);
        ui.painter().text(pos2(x(part), rect.top()), align, text, font.clone(), t.text_secondary.0);
    }
    let mut top = lanes.top();
    for (name, stretches) in rows {
        let at = pos2(rect.left(), top + LANE / 2.0);
        ui.painter().text(at, Align2::LEFT_CENTER, name, font.clone(), t.text_secondary.0);
        for one in stretches {
            let place = Rect::from_min_max(pos2(x(one.from), top), pos2(x(one.to), top + LANE));
            paint(ui, &t, place.shrink2(Vec2::new(0.5, 0.0)), one, &font);
        }
        top += LANE + 4.0;
    }
    let at = pos2(x(SUPPLY_RETURNS), top);
    if response == ClockFailureResponse::Continue {
        ui.painter().text(
            pos2(at.x, top + 8.0),
            Align2::CENTER_CENTER,
            "no billing set",
            font,
            t.text_secondary.0,
        );
    } else {
        let flag = [at, at + Vec2::new(-5.0, 8.0), at + Vec2::new(5.0, 8.0)];
        ui.painter().add(egui::Shape::convex_polygon(flag.to_vec(), t.accent.0, Stroke::NONE));
        ui.painter().text(at + Vec2::new(9.0, 9.0), Align2::LEFT_CENTER, "billing set", font, t.text.0);
    }
}

fn paint(ui: &Ui, t: &Tokens, place: Rect, stretch: &Stretch, font: &FontId) {
    let (ground, ink) = match stretch.kind {
        Kind::Right => (t.good_soft.0, t.good.0),
        Kind::Doubtful => (t.warn_soft.0, t.warn.0),
        Kind::Nothing => (t.sunken.0, t.text_secondary.0),
        Kind::Day => (t.accent_soft.0, t.accent.0),
        Kind::Night => (t.surface.0, t.text.0),
    };
    let edge = Stroke::new(1.0, t.border_strong.0);
    ui.painter().rect(place, 2.0, ground, edge, StrokeKind::Inside);
    ui.painter_at(place).text(place.center(), Align2::CENTER_CENTER, stretch.text, font.clone(), ink);
}
