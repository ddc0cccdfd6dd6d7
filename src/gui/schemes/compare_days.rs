//! Day types of two schemes, one strip over the other, with the spans that differ marked between them.

use std::collections::BTreeSet;

use egui::{
    Align2, FontId, Mesh, Rect, Role, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};

use crate::gui::theme::{SIZES, strong, tokens};
use crate::gui::widgets::{Tone, badge, counted};
use crate::scheme::{DayType, Document, SwitchTime};

use super::pattern::{Look, ink_on};

/// Day types of both, one strip over the other.
pub(super) fn days(ui: &mut Ui, (name, first): (&str, &Document), (other_name, second): (&str, &Document)) {
    ScrollArea::vertical().id_salt("compared days").auto_shrink(false).show(ui, |ui| {
        let empty = crate::scheme::Tariff::default();
        let latent = |document: &Document| document.latent.as_ref().map(|latent| latent.tariff.clone());
        let tariffs = [
            ("", first.tariff.clone(), second.tariff.clone()),
            (
                "Latent tariff: ",
                latent(first).unwrap_or_else(|| empty.clone()),
                latent(second).unwrap_or_else(|| empty.clone()),
            ),
        ];
        for (whose, one, other) in &tariffs {
            let ids = one.day_types.iter().chain(&other.day_types).map(|day| &day.id);
            let mut shown: Vec<&String> = Vec::new();
            for id in ids {
                if shown.contains(&id) {
                    continue;
                }
                shown.push(id);
                let of = |days: &'_ [DayType]| days.iter().find(|day| day.id == *id).cloned();
                let (left, right) = (of(&one.day_types), of(&other.day_types));
                let spans = differing(left.as_ref(), right.as_ref());
                ui.horizontal(|ui| {
                    ui.label(strong(format!("{whose}{id}")));
                    let title = left.as_ref().or(right.as_ref()).map_or("", |day| day.title.as_str());
                    ui.label(title);
                    match (&left, &right, spans.len()) {
                        (Some(_), Some(_), 0) => badge(ui, "The same all day", Tone::Good),
                        (Some(_), Some(_), some) => {
                            badge(ui, &format!("≠ in {}", counted(some, "span")), Tone::Accent)
                        }
                        (Some(_), None, _) => badge(ui, "Only in the first", Tone::Accent),
                        _ => badge(ui, "Only in the second", Tone::Accent),
                    };
                });
                pair(ui, (name, first, left.as_ref()), (other_name, second, right.as_ref()), &spans);
                ui.add_space(12.0);
            }
        }
    });
}

/// Minutes of the day between which two day types have other registers on.
fn differing(first: Option<&DayType>, second: Option<&DayType>) -> Vec<(u16, u16)> {
    let (Some(first), Some(second)) = (first, second) else { return Vec::new() };
    let times: BTreeSet<u16> =
        first.switches.iter().chain(&second.switches).map(|switch| switch.at.minutes()).collect();
    let on = |day: &'_ DayType, minute: u16| -> Vec<String> {
        let switch = day.switches.iter().rev().find(|switch| switch.at.minutes() <= minute);
        switch.map_or_else(Vec::new, |switch| switch.on.clone())
    };
    let ends = times.iter().copied().skip(1).chain([1440]);
    let mut spans: Vec<(u16, u16)> = Vec::new();
    for (start, end) in times.iter().copied().zip(ends) {
        if on(first, start) == on(second, start) {
            continue;
        }
        match spans.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
    spans
}

const STRIP: f32 = 26.0;
const GAP: f32 = 26.0;

fn minutes(minute: u16) -> String {
    if minute == 1440 {
        return "24:00".to_owned();
    }
    SwitchTime::from_minutes(minute).map_or_else(String::new, |time| time.to_string())
}

/// Two strips of 24 hours, with what differs marked between them.
fn pair(
    ui: &mut Ui,
    (name, first, left): (&str, &Document, Option<&DayType>),
    (other_name, second, right): (&str, &Document, Option<&DayType>),
    spans: &[(u16, u16)],
) {
    let t = tokens(ui);
    let height = 2.0 * STRIP + GAP + 16.0;
    let (whole, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let rect = Rect::from_min_max(whole.min + Vec2::new(132.0, 0.0), whole.max);
    let x = |minute: u16| rect.left() + f32::from(minute) / 1440.0 * rect.width();
    let font = FontId::proportional(SIZES[0]);
    for (top, name, document, day) in
        [(rect.top(), name, first, left), (rect.top() + STRIP + GAP, other_name, second, right)]
    {
        let row = Rect::from_min_size(egui::pos2(rect.left(), top), Vec2::new(rect.width(), STRIP));
        let label =
            Rect::from_min_max(egui::pos2(whole.left(), top), egui::pos2(rect.left() - 8.0, top + STRIP));
        ui.painter_at(label).text(
            label.left_center(),
            Align2::LEFT_CENTER,
            name,
            font.clone(),
            t.text_secondary.0,
        );
        ui.painter().rect_filled(row, 3.0, t.sunken.0);
        let Some(day) = day else {
            ui.painter().text(
                row.center(),
                Align2::CENTER_CENTER,
                "not in this one",
                font.clone(),
                t.text_secondary.0,
            );
            continue;
        };
        for (at, switch) in day.switches.iter().enumerate() {
            let end = day.switches.get(at + 1).map_or(1440, |next| next.at.minutes());
            let cell = Rect::from_x_y_ranges(x(switch.at.minutes())..=x(end), row.y_range())
                .shrink2(Vec2::new(0.5, 0.0));
            let shown = switch.on.iter().find(|id| super::register_colour(document, id).is_some());
            let look = shown.map_or_else(|| Look::nothing(ui), |id| Look::of(ui, document, id));
            let fill = look.colour;
            let mut mesh = Mesh::default();
            look.fill(&mut mesh, cell);
            ui.painter().add(Shape::mesh(mesh));
            let on = if switch.on.is_empty() { "nothing".to_owned() } else { switch.on.join(" ") };
            ui.painter_at(cell).text(cell.center(), Align2::CENTER_CENTER, on, font.clone(), ink_on(fill));
        }
    }
    let between = rect.top() + STRIP..=rect.top() + STRIP + GAP;
    for (start, end) in spans {
        let mark = Rect::from_x_y_ranges(x(*start)..=x(*end), between.clone()).shrink2(Vec2::new(0.0, 3.0));
        ui.painter().rect(mark, 2.0, t.accent_soft.0, Stroke::new(1.5, t.accent.0), StrokeKind::Inside);
        let text = format!("≠ {} – {}", minutes(*start), minutes(*end));
        let text = if mark.width() > 92.0 { text.as_str() } else { "≠" };
        ui.painter_at(mark).text(mark.center(), Align2::CENTER_CENTER, text, font.clone(), t.accent.0);
    }
    for hour in [0u16, 6, 12, 18, 24] {
        let align = match hour {
            0 => Align2::LEFT_BOTTOM,
            24 => Align2::RIGHT_BOTTOM,
            _ => Align2::CENTER_BOTTOM,
        };
        let place = egui::pos2(x(hour * 60), rect.bottom());
        ui.painter().text(place, align, minutes(hour * 60), font.clone(), t.text_secondary.0);
    }
    let id = left.or(right).map_or("", |day| day.id.as_str());
    let told: Vec<String> =
        spans.iter().map(|(start, end)| format!("{} to {}", minutes(*start), minutes(*end))).collect();
    let told =
        if told.is_empty() { "no span differs".to_owned() } else { format!("differs {}", told.join(", ")) };
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, format!("{id}: {told}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Switch;

    fn day(switches: &[(&str, &[&str])]) -> DayType {
        let switch = |(at, on): &(&str, &[&str])| Switch {
            at: at.parse().unwrap(),
            on: on.iter().map(|id| (*id).to_owned()).collect(),
        };
        DayType { id: "D1".to_owned(), title: String::new(), switches: switches.iter().map(switch).collect() }
    }

    #[test]
    fn spans_that_differ_are_joined_and_end_with_the_day() {
        let one = day(&[("00:00", &["R2"]), ("07:00", &["R1"]), ("22:00", &["R2"])]);
        let other = day(&[("00:00", &["R2"]), ("08:30", &["R1"]), ("21:00", &["R3"])]);
        assert_eq!(differing(Some(&one), Some(&other)), [(420, 510), (1260, 1440)]);
        assert_eq!(differing(Some(&one), Some(&one)), []);
    }
}
