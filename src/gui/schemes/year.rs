//! The year as a heat map: a column a day, midnight at the top. Under the pointer, or under a cursor that the arrows
//! move, it says what is on.

use egui::{Align2, EventFilter, FontId, Key, Mesh, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo};
use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::gui::context::AppCtx;
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, combo, small};
use crate::scheme::{Calendar, Document, Source, say};

use super::pattern::{Look, swatch};
use super::strip::{clock, names, note};

/// Slots of a day that are looked at.
const SLOTS: usize = 96;
/// Minutes of one.
const SLOT_MINUTES: u16 = 15;

/// The map, reckoned once for each scheme, source and year.
#[derive(Debug, Default)]
pub(super) struct Year {
    year: Option<i16>,
    source: Option<Source>,
    map: Option<Map>,
    /// Day of the year and slot of the day.
    cursor: (usize, usize),
}

#[derive(Debug)]
struct Map {
    document: Document,
    calendar: Calendar,
    year: i16,
    source: Source,
    /// For each day and slot the place of a register in `ids`; nothing where none is on.
    cells: Vec<Option<usize>>,
    ids: Vec<String>,
}

impl Map {
    fn new(document: &Document, year: i16, source: Source) -> Option<Self> {
        let calendar = Calendar::new(document).ok()?;
        let registers = document.registers.energy.iter().filter(|register| register.source == source);
        let ids: Vec<String> = registers.map(|register| register.id.clone()).collect();
        let mut cells = Vec::new();
        for day in days(year) {
            for slot in 0..SLOTS {
                let local = local(day, slot)?;
                let on = calendar.rate(calendar.clock().first_instant(local)).on;
                cells.push(on.iter().find_map(|id| ids.iter().position(|one| one == id)));
            }
        }
        Some(Self { document: document.clone(), calendar, year, source, cells, ids })
    }

    /// What is on in a slot of a day, in words.
    fn words(&self, day: usize, slot: usize) -> Option<String> {
        let date = days(self.year).nth(day)?;
        let rate = self.calendar.rate(self.calendar.clock().first_instant(local(date, slot)?));
        let minute = u16::try_from(slot).ok()? * SLOT_MINUTES;
        let mut words =
            format!("{} {}  {}", date.strftime("%a %-d %b"), clock(minute), names(&self.document, rate.on),);
        if let Some(day_type) = rate.day_type {
            words.push_str(&format!("  ({day_type}"));
            words.push_str(if rate.special_day { ", special day)" } else { ")" });
        }
        Some(words)
    }
}

fn local(day: Date, slot: usize) -> Option<jiff::civil::DateTime> {
    let minute = i64::try_from(slot).ok()? * i64::from(SLOT_MINUTES);
    day.at(0, 0, 0, 0).checked_add(minute.minutes()).ok()
}

fn days(year: i16) -> impl Iterator<Item = Date> {
    let first = date(year, 1, 1);
    (0..366i64).filter_map(move |n| first.checked_add(n.days()).ok()).filter(move |day| day.year() == year)
}

impl Year {
    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &AppCtx, document: &Document) {
        let this = super::today(cx).year();
        let year = *self.year.get_or_insert(this);
        let mut sources: Vec<Source> = Vec::new();
        for register in &document.registers.energy {
            if !sources.contains(&register.source) {
                sources.push(register.source);
            }
        }
        let source = self.source.filter(|source| sources.contains(source)).or(sources.first().copied());
        ui.horizontal_wrapped(|ui| {
            if ui.add(Act::icon_only(Icon::ChevronLeft, "The year before").framed()).clicked() {
                self.year = Some((year - 1).max(1970));
            }
            ui.label(strong(year.to_string()).size(15.0));
            if ui.add(Act::icon_only(Icon::ChevronRight, "The year after").framed()).clicked() {
                self.year = Some((year + 1).min(2199));
            }
            if let Some(source) = source.filter(|_| sources.len() > 1) {
                combo(ui, "year source", "Source of the map", 150.0, say::word(&source), |ui| {
                    for one in &sources {
                        if ui.selectable_label(*one == source, say::word(one)).clicked() {
                            self.source = Some(*one);
                        }
                    }
                });
            }
            ui.add_space(8.0);
            ui.spacing_mut().item_spacing.x = 6.0;
            for register in document.registers.energy.iter().filter(|one| Some(one.source) == source) {
                swatch(ui, document, &register.id);
                ui.label(small(ui, format!("{} {}", register.id, register.title)));
                ui.add_space(4.0);
            }
        });
        let Some(source) = source else {
            ui.label("There is no energy register yet, so no year can be shown");
            return;
        };
        let is_current = |map: &Map| map.year == year && map.source == source && map.document == *document;
        if !self.map.as_ref().is_some_and(is_current) {
            self.map = Map::new(document, year, source);
        }
        match &self.map {
            Some(map) => draw(ui, map, &mut self.cursor),
            None => {
                ui.label("The scheme's time zone is not known, so no year can be shown");
            }
        }
        let help = "Arrows move the cursor: a day, or a quarter of an hour; with Shift a week, or an hour. F8 goes back.";
        ui.label(small(ui, help));
    }
}

/// Where days and slots lie.
struct Plan {
    rect: Rect,
    width: f32,
    slot: f32,
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels"
)]
impl Plan {
    fn cells(&self, day: usize, last: usize, from: usize, to: usize) -> Rect {
        Rect::from_min_max(
            self.rect.min + Vec2::new(day as f32 * self.width, from as f32 * self.slot),
            self.rect.min + Vec2::new(last as f32 * self.width, to as f32 * self.slot),
        )
    }

    fn at(&self, pos: egui::Pos2) -> (usize, usize) {
        let within = pos - self.rect.min;
        let slot = ((within.y / self.slot).max(0.0) as usize).min(SLOTS - 1);
        ((within.x / self.width).max(0.0) as usize, slot)
    }
}

fn draw(ui: &mut Ui, map: &Map, cursor: &mut (usize, usize)) {
    let height = (ui.ctx().content_rect().height() * 0.56).clamp(200.0, 520.0);
    let (whole, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::click());
    let rect = Rect::from_min_max(whole.min + Vec2::new(40.0, 0.0), whole.max - Vec2::new(0.0, 20.0));
    let count = (map.cells.len() / SLOTS).max(1);
    #[allow(clippy::cast_precision_loss, reason = "pixels")]
    let plan = Plan { rect, width: rect.width() / count as f32, slot: rect.height() / SLOTS as f32 };
    cursor.0 = cursor.0.min(count - 1);
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        *cursor = moved(ui, *cursor, count);
    }
    if let Some(pos) = response.interact_pointer_pos().filter(|_| response.clicked()) {
        response.request_focus();
        let (day, slot) = plan.at(pos);
        *cursor = (day.min(count - 1), slot);
    }
    let spoken = map.words(cursor.0, cursor.1).unwrap_or_default();
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(spoken.clone()),
        ..WidgetInfo::labeled(Role::Grid, true, format!("The rates of {}", map.year))
    });
    ui.painter().add(Shape::mesh(picture(ui, map, &plan)));
    axes(ui, map, &plan);
    if response.has_focus() {
        let cell = plan.cells(cursor.0, cursor.0 + 1, cursor.1, cursor.1 + 1).expand(2.0);
        let t = tokens(ui);
        ui.painter().rect_stroke(cell, 1.0, Stroke::new(3.0, t.surface.0), egui::StrokeKind::Outside);
        ui.painter().rect_stroke(cell, 1.0, Stroke::new(1.5, t.text.0), egui::StrokeKind::Outside);
        if response.hover_pos().is_none() {
            note(ui, cell.center_top() - Vec2::new(0.0, 4.0), &spoken);
        }
    }
    if let Some(pos) = response.hover_pos().filter(|pos| rect.contains(*pos)) {
        let (day, slot) = plan.at(pos);
        if let Some(words) = map.words(day, slot) {
            note(ui, pos - Vec2::new(0.0, 10.0), &words);
        }
    }
}

fn moved(ui: &Ui, (day, slot): (usize, usize), count: usize) -> (usize, usize) {
    let (mut day, mut slot) = (day, slot);
    ui.input(|input| {
        let (days, slots) = if input.modifiers.shift { (7, 4) } else { (1, 1) };
        if input.key_pressed(Key::ArrowLeft) {
            day = day.saturating_sub(days);
        }
        if input.key_pressed(Key::ArrowRight) {
            day = (day + days).min(count - 1);
        }
        if input.key_pressed(Key::ArrowUp) {
            slot = slot.saturating_sub(slots);
        }
        if input.key_pressed(Key::ArrowDown) {
            slot = (slot + slots).min(SLOTS - 1);
        }
        if input.key_pressed(Key::Home) {
            day = 0;
        }
        if input.key_pressed(Key::End) {
            day = count - 1;
        }
    });
    (day, slot)
}

/// The map as one mesh: a rectangle for each run of a register over the day, over as many days as are alike.
fn picture(ui: &Ui, map: &Map, plan: &Plan) -> Mesh {
    let looks: Vec<Look> = map.ids.iter().map(|id| Look::of(ui, &map.document, id)).collect();
    let nothing = Look::nothing(ui);
    let columns: Vec<&[Option<usize>]> = map.cells.chunks(SLOTS).collect();
    let mut mesh = Mesh::default();
    let mut day = 0;
    while let Some(cells) = columns.get(day) {
        let alike = columns.iter().skip(day).take_while(|other| *other == cells).count();
        let mut start = 0;
        for end in 1..=cells.len() {
            if cells.get(end) == cells.get(start) {
                continue;
            }
            let look = cells.get(start).copied().flatten().and_then(|at| looks.get(at)).copied();
            look.unwrap_or(nothing).fill(&mut mesh, plan.cells(day, day + alike, start, end));
            start = end;
        }
        day += alike;
    }
    mesh
}

fn axes(ui: &Ui, map: &Map, plan: &Plan) {
    let t = tokens(ui);
    let (rect, font) = (plan.rect, FontId::proportional(SIZES[0]));
    for hour in [0u8, 6, 12, 18, 24] {
        let y = rect.top() + f32::from(hour) / 24.0 * rect.height();
        let at = egui::pos2(rect.left() - 6.0, y.clamp(rect.top() + 6.0, rect.bottom() - 6.0));
        let text = format!("{hour:02}:00");
        ui.painter().text(at, Align2::RIGHT_CENTER, text, font.clone(), t.text_secondary.0);
    }
    for (at, day) in days(map.year).enumerate().filter(|(_, day)| day.day() == 1) {
        let place = plan.cells(at, at, 0, SLOTS).left_bottom() + Vec2::new(2.0, 11.0);
        let text = day.strftime("%b").to_string();
        ui.painter().text(place, Align2::LEFT_CENTER, text, font.clone(), t.text_secondary.0);
    }
}
