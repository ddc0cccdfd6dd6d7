//! The year as a heat map: a column a day, midnight at the top.

use egui::{Color32, FontId, Mesh, Rect, Role, Sense, Shape, Ui, Vec2, WidgetInfo};
use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::gui::context::AppCtx;
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, small};
use crate::scheme::{Calendar, Document};

use super::{register_colour, register_title};

/// Slots of a day that are looked at.
const SLOTS: i64 = 96;

/// The map, reckoned once for each scheme and year.
#[derive(Debug, Default)]
pub(super) struct Year {
    year: Option<i16>,
    map: Option<Map>,
}

#[derive(Debug)]
struct Map {
    document: Document,
    year: i16,
    /// For each day and slot the place of a register in `ids`; nothing where none is on.
    cells: Vec<Option<usize>>,
    ids: Vec<String>,
}

impl Map {
    fn new(document: &Document, year: i16) -> Option<Self> {
        let calendar = Calendar::new(document).ok()?;
        let ids: Vec<String> = document.registers.energy.iter().map(|register| register.id.clone()).collect();
        let mut cells = Vec::new();
        for day in days(year) {
            for slot in 0..SLOTS {
                let local = day.at(0, 0, 0, 0).checked_add((slot * 1440 / SLOTS).minutes()).ok()?;
                let on = calendar.rate(calendar.clock().first_instant(local)).on;
                cells.push(on.iter().find_map(|id| ids.iter().position(|one| one == id)));
            }
        }
        Some(Self { document: document.clone(), year, cells, ids })
    }
}

fn days(year: i16) -> impl Iterator<Item = Date> {
    let first = date(year, 1, 1);
    (0..366i64).filter_map(move |n| first.checked_add(n.days()).ok()).filter(move |day| day.year() == year)
}

impl Year {
    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &AppCtx, document: &Document) {
        let this = (cx.now)().to_zoned(cx.zone.clone()).year();
        let year = *self.year.get_or_insert(this);
        ui.horizontal(|ui| {
            if ui.add(Act::icon_only(Icon::ChevronLeft, "The year before").framed()).clicked() {
                self.year = Some((year - 1).max(1970));
            }
            ui.label(strong(year.to_string()).size(15.0));
            if ui.add(Act::icon_only(Icon::ChevronRight, "The year after").framed()).clicked() {
                self.year = Some((year + 1).min(2399));
            }
            ui.add_space(16.0);
            for register in &document.registers.energy {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
                ui.painter().rect_filled(
                    rect,
                    2.0,
                    register_colour(document, &register.id).unwrap_or(Color32::GRAY),
                );
                ui.label(small(ui, format!("{} {}", register.id, register.title)));
            }
        });
        if !self.map.as_ref().is_some_and(|map| map.year == year && map.document == *document) {
            self.map = Map::new(document, year);
        }
        match &self.map {
            Some(map) => draw(ui, map),
            None => {
                ui.label("The scheme's time zone is not known, so no year can be shown");
            }
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels"
)]
fn draw(ui: &mut Ui, map: &Map) {
    let t = tokens(ui);
    let height = (ui.ctx().content_rect().height() * 0.5).clamp(200.0, 420.0);
    let (whole, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let name = format!("The rates of {}", map.year);
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    let rect = Rect::from_min_max(whole.min + Vec2::new(40.0, 0.0), whole.max - Vec2::new(0.0, 20.0));
    let count = map.cells.len() / SLOTS as usize;
    let (width, slot) = (rect.width() / count as f32, rect.height() / SLOTS as f32);
    let colours: Vec<Color32> =
        map.ids.iter().map(|id| register_colour(&map.document, id).unwrap_or(t.border_strong.0)).collect();
    let mut mesh = Mesh::default();
    for (day, cells) in map.cells.chunks(SLOTS as usize).enumerate() {
        let mut start = 0;
        // One rectangle for each run of the same register.
        for end in 1..=cells.len() {
            if cells.get(end) == cells.get(start) {
                continue;
            }
            let colour = cells.get(start).copied().flatten().and_then(|at| colours.get(at)).copied();
            let run = Rect::from_min_max(
                rect.min + Vec2::new(day as f32 * width, start as f32 * slot),
                rect.min + Vec2::new((day + 1) as f32 * width, end as f32 * slot),
            );
            mesh.add_colored_rect(run, colour.unwrap_or(t.bad_mark.0));
            start = end;
        }
    }
    ui.painter().add(Shape::mesh(mesh));
    let font = FontId::proportional(SIZES[0]);
    for hour in [0u8, 6, 12, 18, 24] {
        let y = rect.top() + f32::from(hour) / 24.0 * rect.height();
        let at = egui::pos2(rect.left() - 6.0, y.clamp(rect.top() + 6.0, rect.bottom() - 6.0));
        ui.painter().text(
            at,
            egui::Align2::RIGHT_CENTER,
            format!("{hour:02}:00"),
            font.clone(),
            t.text_secondary.0,
        );
    }
    for (at, day) in days(map.year).enumerate().filter(|(_, day)| day.day() == 1) {
        let place = egui::pos2(rect.left() + at as f32 * width + 2.0, rect.bottom() + 11.0);
        ui.painter().text(
            place,
            egui::Align2::LEFT_CENTER,
            day.strftime("%b").to_string(),
            font.clone(),
            t.text_secondary.0,
        );
    }
    let Some(pos) = response.hover_pos().filter(|pos| rect.contains(*pos)) else { return };
    let day = ((pos.x - rect.left()) / width) as usize;
    let minute = ((pos.y - rect.top()) / rect.height() * 1440.0) as i64;
    let Some(date) = days(map.year).nth(day) else { return };
    let cell = day * SLOTS as usize + (minute * SLOTS / 1440) as usize;
    let on = map.cells.get(cell).copied().flatten().and_then(|at| map.ids.get(at));
    let words = on.map_or("no energy register", |id| register_title(&map.document, id));
    let text = format!("{} {:02}:{:02}  {words}", date.strftime("%a %-d %b"), minute / 60, minute % 60);
    response.on_hover_text_at_pointer(text);
}
