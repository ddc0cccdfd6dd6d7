//! Day types as strips of 24 hours; weeks, seasons and special days.

use egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::gui::theme::{SIZES, strong, tokens};
use crate::gui::widgets::{key_value, secondary, section, small};
use crate::scheme::{DayType, Document, Tariff};

use super::{register_colour, register_title};

const STRIP: f32 = 40.0;
const MINUTES: f32 = 1440.0;

/// Black or white, whichever stands out more.
fn ink_on(ground: Color32) -> Color32 {
    let [red, green, blue, _] = ground.to_array();
    let light = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if light > 140_000 { Color32::BLACK } else { Color32::WHITE }
}

/// The day types.
pub(super) fn days(ui: &mut Ui, document: &Document, tariff: &Tariff) {
    ui.spacing_mut().item_spacing.y = 4.0;
    for day in &tariff.day_types {
        ui.horizontal(|ui| {
            ui.label(strong(&day.id));
            ui.label(&day.title);
            let changes = day.switches.len();
            ui.label(small(
                ui,
                if changes == 1 {
                    "one rate all day".to_owned()
                } else {
                    format!("{changes} switching times")
                },
            ));
        });
        strip(ui, document, day);
        ui.add_space(12.0);
    }
    if tariff.day_types.is_empty() {
        ui.label(secondary(ui, "This scheme has no day types"));
    }
}

fn strip(ui: &mut Ui, document: &Document, day: &DayType) {
    let t = tokens(ui);
    let (whole, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width(), STRIP + 18.0), Sense::hover());
    let rect = Rect::from_min_size(whole.min, Vec2::new(whole.width(), STRIP));
    let x = |minutes: u16| rect.left() + f32::from(minutes) / MINUTES * rect.width();
    ui.painter().rect_filled(rect, 4.0, t.sunken.0);
    let mut words = Vec::new();
    for (at, switch) in day.switches.iter().enumerate() {
        let start = switch.at.minutes();
        let end = day.switches.get(at + 1).map_or(1440, |next| next.at.minutes());
        let cell = Rect::from_min_max(egui::pos2(x(start), rect.top()), egui::pos2(x(end), rect.bottom()));
        let energy: Vec<&String> =
            switch.on.iter().filter(|id| register_colour(document, id).is_some()).collect();
        let others: Vec<&str> = switch
            .on
            .iter()
            .filter(|id| register_colour(document, id).is_none())
            .map(String::as_str)
            .collect();
        let fill = energy.first().and_then(|id| register_colour(document, id)).unwrap_or(t.border_strong.0);
        ui.painter().rect_filled(cell.shrink2(Vec2::new(0.5, 0.0)), 3.0, fill);
        // Further registers of the same stretch stand under one another, so that none is hidden.
        #[allow(clippy::cast_precision_loss, reason = "a few registers")]
        for (row, id) in energy.iter().enumerate().skip(1) {
            let height = cell.height() / energy.len() as f32;
            let part = Rect::from_min_size(
                egui::pos2(cell.left() + 0.5, cell.top() + height * row as f32),
                Vec2::new(cell.width() - 1.0, height),
            );
            ui.painter().rect_filled(part, 3.0, register_colour(document, id).unwrap_or(fill));
        }
        let title = energy.iter().map(|id| register_title(document, id)).collect::<Vec<_>>().join(" + ");
        let title = if title.is_empty() { "nothing".to_owned() } else { title };
        words.push(format!("{} {title}", switch.at));
        let painter = ui.painter_at(cell.shrink(2.0));
        let ink = ink_on(fill);
        let lift = if others.is_empty() { 0.0 } else { 7.0 };
        if cell.width() > 24.0 {
            painter.text(
                cell.center() - Vec2::new(0.0, lift),
                Align2::CENTER_CENTER,
                &title,
                FontId::proportional(SIZES[0]),
                ink,
            );
        }
        if !others.is_empty() && cell.width() > 24.0 {
            let text = others.join(" ");
            painter.text(
                cell.center() + Vec2::new(0.0, 9.0),
                Align2::CENTER_CENTER,
                text,
                FontId::proportional(SIZES[0] - 1.0),
                ink,
            );
        }
    }
    let mut last = f32::NEG_INFINITY;
    for switch in &day.switches {
        let at = x(switch.at.minutes());
        if at - last > 36.0 && rect.right() - at > 52.0 {
            let place = egui::pos2(at, rect.bottom() + 9.0);
            let align = if at - rect.left() < 16.0 { Align2::LEFT_CENTER } else { Align2::CENTER_CENTER };
            ui.painter().text(
                place,
                align,
                switch.at.to_string(),
                FontId::proportional(SIZES[0]),
                t.text_secondary.0,
            );
            last = at;
        }
    }
    let end = egui::pos2(rect.right(), rect.bottom() + 9.0);
    ui.painter().text(end, Align2::RIGHT_CENTER, "24:00", FontId::proportional(SIZES[0]), t.text_secondary.0);
    let name = format!("{}: {}", day.id, words.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    if let Some(pos) = response.hover_pos() {
        ui.painter().vline(pos.x, rect.y_range(), Stroke::new(1.0, t.text.0));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes of a day")]
        let minute = ((pos.x - rect.left()) / rect.width() * MINUTES).clamp(0.0, MINUTES - 1.0) as u16;
        let on = day.switches.iter().rev().find(|switch| switch.at.minutes() <= minute);
        let names = on.map(|switch| {
            switch.on.iter().map(|id| register_title(document, id)).collect::<Vec<_>>().join(", ")
        });
        response.on_hover_text_at_pointer(format!(
            "{:02}:{:02}  {}",
            minute / 60,
            minute % 60,
            names.unwrap_or_default()
        ));
    }
}

/// Weeks, seasons and special days of both tariffs.
pub(super) fn calendar(ui: &mut Ui, document: &Document) {
    one_calendar(ui, document, &document.tariff, "");
    if let Some(latent) = &document.latent {
        ui.add_space(16.0);
        ui.label(strong(format!("Latent tariff, from {}", latent.activate_at)).size(15.0));
        one_calendar(ui, document, &latent.tariff, "latent ");
        section(ui, "Day types");
        days(ui, document, &latent.tariff);
    }
}

fn one_calendar(ui: &mut Ui, document: &Document, tariff: &Tariff, salt: &str) {
    section(ui, "Weeks");
    egui::Grid::new(format!("{salt}weeks")).spacing(Vec2::new(6.0, 6.0)).show(ui, |ui| {
        ui.label("");
        for day in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] {
            ui.vertical_centered(|ui| ui.label(small(ui, day)));
        }
        ui.end_row();
        for week in &tariff.weeks {
            ui.label(strong(&week.id));
            for day in &week.days {
                chip(ui, document, tariff, day);
            }
            ui.end_row();
        }
    });
    section(ui, "Seasons");
    for season in &tariff.seasons {
        key_value(ui, &season.id, format!("{}, from {}, week {}", season.title, season.starts, season.week));
    }
    section(ui, "Special days");
    if tariff.special_days.is_empty() {
        ui.label(secondary(ui, "None"));
    }
    for special in &tariff.special_days {
        key_value(ui, &special.date.to_string(), format!("day type {}", special.day_type));
    }
}

/// A day type in a week, with a small strip of its rates.
fn chip(ui: &mut Ui, document: &Document, tariff: &Tariff, id: &str) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(64.0, 28.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, id));
    ui.painter().rect_stroke(rect, 4.0, Stroke::new(1.0, t.border.0), egui::StrokeKind::Inside);
    ui.painter().text(
        rect.center() - Vec2::new(0.0, 4.0),
        Align2::CENTER_CENTER,
        id,
        FontId::proportional(SIZES[0]),
        t.text.0,
    );
    let day = tariff.day_types.iter().find(|day| day.id == id);
    let bar = Rect::from_min_max(
        egui::pos2(rect.left() + 4.0, rect.bottom() - 7.0),
        egui::pos2(rect.right() - 4.0, rect.bottom() - 4.0),
    );
    if let Some(day) = day {
        for (at, switch) in day.switches.iter().enumerate() {
            let end = day.switches.get(at + 1).map_or(1440, |next| next.at.minutes());
            let x = |minutes: u16| bar.left() + f32::from(minutes) / MINUTES * bar.width();
            let colour =
                switch.on.iter().find_map(|id| register_colour(document, id)).unwrap_or(t.border_strong.0);
            let part = Rect::from_x_y_ranges(x(switch.at.minutes())..=x(end), bar.y_range());
            ui.painter().rect_filled(part, 0.0, colour);
        }
        response.on_hover_text(&day.title);
    }
}
