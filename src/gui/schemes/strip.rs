//! The 24 hours of a day type as a strip: a row for each source and each demand register.
//!
//! Dragging paints with the brush, an edge is dragged to its new time, a double click fills the part under it. By
//! keyboard: arrows move the cursor, with Shift they select, digits switch registers in the selection or the part
//! under the cursor.

use egui::{
    Align, Align2, CursorIcon, Event, EventFilter, FontId, Key, Modifiers, Pos2, Rect, Response, Role, Sense,
    Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};

use crate::gui::theme::{SIZES, STRONG, tokens};
use crate::scheme::{DayType, Document, SwitchTime, say};

use super::day::{self, DAY, Lane};
use super::name_step;
use super::pattern::{Look, ink_on};
use super::register_title;

const GUTTER: f32 = 108.0;
const ENERGY: f32 = 26.0;
const DEMAND: f32 = 15.0;
const GAP: f32 = 2.0;
const AXIS: f32 = 18.0;
/// How near an edge is taken hold of.
const REACH: f32 = 4.0;

/// What all strips of a page share.
#[derive(Debug)]
pub(super) struct Paint {
    /// Ids that a drag puts on.
    pub(super) brush: Vec<String>,
    /// A drag takes them off instead.
    pub(super) erase: bool,
    /// Minutes of a step of the cursor, and of a cell under the brush.
    pub(super) step: u16,
    /// Minutes on which the meter can switch.
    pub(super) grid: u16,
}

/// Where the hands are.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// Minute of the day.
    pub(super) at: u16,
    /// Where a selection began.
    pub(super) anchor: Option<u16>,
    drag: Option<Drag>,
}

#[derive(Clone, Debug)]
enum Drag {
    /// The brush goes over it, from this minute.
    Paint { from: u16, before: DayType },
    /// The beginning of a part is moved.
    Edge { part: usize, before: DayType },
}

impl Cursor {
    /// At a minute of the day.
    pub(super) fn new(at: u16) -> Self {
        Self { at, ..Self::default() }
    }

    /// The selection; without one the part under the cursor.
    pub(super) fn span(&self, day: &DayType, step: u16) -> (u16, u16) {
        match self.anchor {
            Some(anchor) => {
                let (low, high) = (anchor.min(self.at), anchor.max(self.at));
                (low, (high + step).min(DAY))
            }
            None => day::part_at(day, self.at).map_or((0, DAY), |part| day::bounds(day, part)),
        }
    }
}

/// `07:30`, and `24:00` for the end of the day.
pub(super) fn clock(minute: u16) -> String {
    SwitchTime::from_minutes(minute).map_or_else(|| "24:00".to_owned(), |time| time.to_string())
}

/// The names of what is on.
pub(super) fn names(document: &Document, on: &[String]) -> String {
    let names: Vec<&str> = on.iter().map(|id| register_title(document, id)).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

struct Plan<'a> {
    document: &'a Document,
    lanes: &'a [Lane],
    rect: Rect,
}

impl Plan<'_> {
    fn x(&self, minute: u16) -> f32 {
        self.rect.left() + f32::from(minute) / f32::from(DAY) * self.rect.width()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute of the day")]
    fn minute(&self, x: f32) -> f32 {
        ((x - self.rect.left()) / self.rect.width() * f32::from(DAY)).clamp(0.0, f32::from(DAY))
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute of the day")]
    fn cell(&self, x: f32, step: u16) -> u16 {
        let cell = (self.minute(x) / f32::from(step)).floor() as u16 * step;
        cell.min(last_cell(step))
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute of the day")]
    fn nearest(&self, x: f32, step: u16) -> u16 {
        ((self.minute(x) / f32::from(step)).round() as u16 * step).min(DAY)
    }

    fn lane_rect(&self, lane: usize) -> Rect {
        let height = |lane: &Lane| if matches!(lane, Lane::Energy(_)) { ENERGY } else { DEMAND };
        let above: f32 = self.lanes.iter().take(lane).map(|lane| height(lane) + GAP).sum();
        let own = self.lanes.get(lane).map_or(ENERGY, height);
        Rect::from_min_size(self.rect.min + Vec2::new(0.0, above), Vec2::new(self.rect.width(), own))
    }

    /// The part whose beginning lies under the pointer.
    fn edge(&self, day: &DayType, x: f32) -> Option<usize> {
        let parts = day.switches.iter().enumerate().skip(1);
        let far = parts.map(|(part, switch)| (part, (self.x(switch.at.minutes()) - x).abs()));
        far.filter(|(_, far)| *far <= REACH).min_by(|one, two| one.1.total_cmp(&two.1)).map(|(part, _)| part)
    }
}

fn last_cell(step: u16) -> u16 {
    (DAY - 1) / step * step
}

/// Draws the strip and does what is asked of it. `name` is what the day type is called.
pub(super) fn strip(
    ui: &mut Ui,
    document: &Document,
    lanes: &[Lane],
    paint: &Paint,
    cursor: &mut Cursor,
    day: &mut DayType,
    name: &str,
) -> Response {
    let t = tokens(ui);
    let lane_height = |lane: &Lane| if matches!(lane, Lane::Energy(_)) { ENERGY } else { DEMAND };
    let height: f32 = lanes.iter().map(|lane| lane_height(lane) + GAP).sum::<f32>() - GAP;
    let size = Vec2::new(ui.available_width(), height.max(ENERGY) + AXIS);
    let (whole, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let rect = Rect::from_min_size(
        whole.min + Vec2::new(GUTTER, 0.0),
        Vec2::new(whole.width() - GUTTER, height.max(ENERGY)),
    );
    let plan = Plan { document, lanes, rect };
    pointer(ui, &plan, paint, cursor, day, name, &response);
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        keys(ui, document, paint, cursor, day, name);
    }
    let (from, to) = cursor.span(day, paint.step);
    let on = names(document, day::on_at(day, cursor.at));
    let spoken = match cursor.anchor {
        Some(_) => format!("{} to {} selected, {on} on at {}", clock(from), clock(to), clock(cursor.at)),
        None => format!("{}: {on} on from {} to {}", clock(cursor.at), clock(from), clock(to)),
    };
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(spoken.clone()),
        ..WidgetInfo::labeled(Role::Slider, true, format!("Hours of {name}"))
    });
    if ui.is_rect_visible(whole) {
        for (at, lane) in lanes.iter().enumerate() {
            draw_lane(ui, &plan, day, at, lane);
        }
        axis(ui, &plan, day);
        if response.has_focus() {
            let (left, right) = (plan.x(from), plan.x(to));
            let chosen = Rect::from_x_y_ranges(left..=right, rect.y_range());
            ui.painter().rect_stroke(chosen, 3.0, Stroke::new(2.0, t.accent.0), StrokeKind::Outside);
            let at = plan.x(cursor.at);
            ui.painter().vline(at, rect.y_range().expand(3.0), Stroke::new(2.0, t.text.0));
        }
        bubble(ui, &plan, paint, cursor, day, &response);
    }
    response
}

fn pointer(
    ui: &Ui,
    plan: &Plan<'_>,
    paint: &Paint,
    cursor: &mut Cursor,
    day: &mut DayType,
    name: &str,
    response: &Response,
) {
    let origin = ui.input(|input| input.pointer.press_origin());
    if response.drag_started_by(egui::PointerButton::Primary)
        && let Some(origin) = origin
    {
        response.request_focus();
        cursor.anchor = None;
        cursor.drag = Some(match plan.edge(day, origin.x) {
            Some(part) => Drag::Edge { part, before: day.clone() },
            None => Drag::Paint { from: plan.cell(origin.x, paint.step), before: day.clone() },
        });
    }
    if let (Some(drag), Some(pos)) = (&cursor.drag, response.interact_pointer_pos()) {
        // From what stood there before the drag, so that going back takes back, and a fast pointer leaves no gaps.
        match drag {
            Drag::Paint { from, before } => {
                let cell = plan.cell(pos.x, paint.step);
                let (low, high) = (cell.min(*from), (cell.max(*from) + paint.step).min(DAY));
                let mut painted = before.clone();
                brush(plan.document, paint, &mut painted, low, high);
                *day = painted;
                cursor.at = cell;
            }
            Drag::Edge { part, before } => {
                let exact = ui.input(|input| input.modifiers.alt);
                let to = plan.nearest(pos.x, if exact { paint.grid } else { paint.step });
                let mut moved = before.clone();
                day::move_edge(&mut moved, *part, to);
                *day = moved;
                cursor.at = to.min(DAY - 1);
            }
        }
        name_step(
            ui,
            format!("{} {name}", if matches!(drag, Drag::Edge { .. }) { "move a time of" } else { "paint" }),
        );
    }
    if response.drag_stopped() {
        cursor.drag = None;
    }
    let clicked = ui.input(|input| input.pointer.any_click());
    if let Some(pos) = response.interact_pointer_pos().filter(|_| clicked) {
        if response.double_clicked() {
            cursor.anchor = None;
            let (from, to) = cursor.span(day, paint.step);
            brush(plan.document, paint, day, from, to);
            name_step(ui, format!("paint {name}"));
        } else if response.clicked() || response.secondary_clicked() {
            let shift = ui.input(|input| input.modifiers.shift);
            cursor.anchor = if shift { cursor.anchor.or(Some(cursor.at)) } else { None };
            cursor.at = plan.cell(pos.x, paint.step);
            response.request_focus();
        }
    }
}

fn brush(document: &Document, paint: &Paint, day: &mut DayType, from: u16, to: u16) {
    day::set_span(day, from, to, |on| {
        if paint.erase { day::lift(document, on, &paint.brush) } else { day::put(document, on, &paint.brush) }
    });
}

/// Switches a register in a span: off where it is on all along, else on.
pub(super) fn toggle(document: &Document, day: &mut DayType, span: (u16, u16), id: &str) -> bool {
    let (from, to) = span;
    let ids = [id.to_owned()];
    let is_on = (from..to).all(|minute| day::on_at(day, minute).contains(&ids[0]));
    day::set_span(day, from, to, |on| {
        if is_on { day::lift(document, on, &ids) } else { day::put(document, on, &ids) }
    });
    !is_on
}

fn digit(key: Key) -> Option<usize> {
    const DIGITS: [Key; 9] =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    const LETTERS: [Key; 8] = [Key::A, Key::B, Key::C, Key::D, Key::E, Key::F, Key::G, Key::H];
    let letter = || LETTERS.iter().position(|one| *one == key).map(|at| at + DIGITS.len());
    DIGITS.iter().position(|one| *one == key).or_else(letter)
}

/// The key that switches a register, from its place in the list.
pub(super) fn key_of(at: usize) -> Option<char> {
    "123456789ABCDEFGH".chars().nth(at)
}

fn keys(ui: &Ui, document: &Document, paint: &Paint, cursor: &mut Cursor, day: &mut DayType, name: &str) {
    let events: Vec<(Key, Modifiers)> = ui.input(|input| {
        let pressed = input.events.iter().filter_map(|event| match event {
            Event::Key { key, pressed: true, modifiers, .. } => Some((*key, *modifiers)),
            _ => None,
        });
        pressed.collect()
    });
    for (key, modifiers) in events {
        if modifiers.command && !matches!(key, Key::ArrowLeft | Key::ArrowRight | Key::A) {
            continue;
        }
        if let Some(at) = target(key, modifiers, paint, cursor.at, day) {
            cursor.anchor = if modifiers.shift { cursor.anchor.or(Some(cursor.at)) } else { None };
            cursor.at = at;
            continue;
        }
        let span = cursor.span(day, paint.step);
        match key {
            Key::A if modifiers.command => {
                cursor.anchor = Some(0);
                cursor.at = last_cell(paint.step);
            }
            Key::Delete | Key::Backspace => {
                match cursor.anchor.take() {
                    Some(_) => {
                        let before = span.0.checked_sub(1).map(|minute| day::on_at(day, minute).to_vec());
                        let on = before.unwrap_or_else(|| day::on_at(day, span.1.min(DAY - 1)).to_vec());
                        day::set_span(day, span.0, span.1, |_| on.clone());
                    }
                    None => {
                        let part = day::part_at(day, cursor.at).unwrap_or(0);
                        day::merge_away(day, part);
                    }
                }
                name_step(ui, format!("merge a part of {name}"));
            }
            Key::S => {
                if day::split(day, cursor.at) {
                    name_step(ui, format!("split {name}"));
                }
            }
            Key::Space => {
                brush(document, paint, day, span.0, span.1);
                name_step(ui, format!("paint {name}"));
            }
            _ => {
                let id = digit(key).and_then(|at| day::switched(document).nth(at));
                if let Some(id) = id.filter(|_| !modifiers.any()) {
                    let on = toggle(document, day, span, id);
                    let word = if on { "on" } else { "off" };
                    name_step(ui, format!("switch {id} {word} in {name}"));
                }
            }
        }
    }
}

/// Where a key moves the cursor to.
fn target(key: Key, modifiers: Modifiers, paint: &Paint, at: u16, day: &DayType) -> Option<u16> {
    let step = if modifiers.alt { paint.grid } else { paint.step };
    let starts = || day.switches.iter().map(|switch| switch.at.minutes());
    Some(match key {
        Key::ArrowLeft if modifiers.command => starts().rfind(|start| *start < at).unwrap_or(0),
        Key::ArrowRight if modifiers.command => {
            starts().find(|start| *start > at).unwrap_or(last_cell(paint.step))
        }
        Key::ArrowLeft => at.saturating_sub(1) / step * step,
        Key::ArrowRight => ((at / step + 1) * step).min(last_cell(step)),
        Key::Home => 0,
        Key::End => last_cell(paint.step),
        _ => return None,
    })
}

fn draw_lane(ui: &Ui, plan: &Plan<'_>, day: &DayType, at: usize, lane: &Lane) {
    let t = tokens(ui);
    let row = plan.lane_rect(at);
    let painter = ui.painter();
    painter.rect_filled(row, 3.0, t.sunken.0);
    let title = match lane {
        Lane::Energy(source) => say::word(source),
        Lane::Demand(id) => register_title(plan.document, id).to_owned(),
        Lane::Unknown => "not defined".to_owned(),
    };
    let gutter = Rect::from_min_max(
        egui::pos2(plan.rect.left() - GUTTER, row.top()),
        egui::pos2(plan.rect.left() - 6.0, row.bottom()),
    );
    let ink = if *lane == Lane::Unknown { t.bad.0 } else { t.text_secondary.0 };
    text(ui, gutter, Align::Min, &title, FontId::proportional(SIZES[0]), ink);
    for part in 0..day.switches.len() {
        let (start, end) = day::bounds(day, part);
        let on: Vec<&String> = day.switches.get(part).into_iter().flat_map(|switch| &switch.on).collect();
        let here: Vec<&String> =
            on.into_iter().filter(|id| day::is_on_lane(plan.document, lane, id)).collect();
        let cell = Rect::from_x_y_ranges(plan.x(start) + 0.5..=plan.x(end) - 0.5, row.y_range());
        if cell.width() > 0.5 {
            draw_part(ui, plan, lane, cell, &here);
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few registers")]
fn draw_part(ui: &Ui, plan: &Plan<'_>, lane: &Lane, cell: Rect, here: &[&String]) {
    let t = tokens(ui);
    if here.is_empty() {
        if matches!(lane, Lane::Energy(_)) {
            // Energy that is counted nowhere: said in words, and by an edge.
            ui.painter().rect_stroke(cell, 3.0, Stroke::new(1.0, t.bad.0), StrokeKind::Inside);
            text(ui, cell, Align::Center, "nothing", FontId::proportional(SIZES[0]), t.bad.0);
        }
        return;
    }
    let height = cell.height() / here.len() as f32;
    for (row, id) in here.iter().enumerate() {
        let top = cell.top() + height * row as f32;
        let part = Rect::from_x_y_ranges(cell.x_range(), top..=top + height);
        match lane {
            Lane::Energy(_) => {
                let look = Look::of(ui, plan.document, id);
                look.paint(ui.painter(), part);
                let font = FontId::new(SIZES[0], egui::FontFamily::Name(STRONG.into()));
                titled(ui, part, &[register_title(plan.document, id), id], &font, look.colour);
            }
            Lane::Demand(_) => {
                let bar = part.shrink2(Vec2::new(0.0, 2.0));
                ui.painter().rect_filled(bar, 2.0, t.text_secondary.0);
                text(ui, bar, Align::Center, id, FontId::proportional(SIZES[0] - 1.5), t.surface.0);
            }
            Lane::Unknown => {
                ui.painter().rect_filled(part, 2.0, t.bad_soft.0);
                text(ui, part, Align::Center, id, FontId::proportional(SIZES[0]), t.bad.0);
            }
        }
    }
}

/// Writes the first of some texts that has room into the middle of a place, on a plain ground.
fn titled(ui: &Ui, place: Rect, texts: &[&str], font: &FontId, ground: egui::Color32) {
    for words in texts {
        let galley = ui.painter().layout_no_wrap((*words).to_owned(), font.clone(), ink_on(ground));
        let plate =
            Rect::from_center_size(place.center(), galley.size() + Vec2::new(6.0, 0.0)).intersect(place);
        if galley.size().x <= place.width() - 4.0 {
            ui.painter().rect_filled(plate, 2.0, ground);
            ui.painter_at(place).galley(place.center() - galley.size() / 2.0, galley, ink_on(ground));
            return;
        }
    }
}

/// Writes a text into a place; false where it has no room there.
fn text(ui: &Ui, place: Rect, align: Align, words: &str, font: FontId, ink: egui::Color32) -> bool {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font, ink);
    let fits = galley.size().x <= place.width();
    if !fits && align == Align::Center {
        return false;
    }
    let x = if align == Align::Center { place.center().x - galley.size().x / 2.0 } else { place.left() };
    let at = egui::pos2(x, place.center().y - galley.size().y / 2.0);
    ui.painter_at(place.expand2(Vec2::new(0.0, 4.0))).galley(at, galley, ink);
    fits
}

fn axis(ui: &Ui, plan: &Plan<'_>, day: &DayType) {
    let t = tokens(ui);
    let font = FontId::proportional(SIZES[0]);
    let y = plan.rect.bottom() + AXIS / 2.0;
    let mut free = f32::NEG_INFINITY;
    let last = plan.rect.right() - 34.0;
    for switch in &day.switches {
        let at = plan.x(switch.at.minutes());
        ui.painter().vline(
            at,
            plan.rect.bottom()..=plan.rect.bottom() + 3.0,
            Stroke::new(1.0, t.border_strong.0),
        );
        if at < free || at > last {
            continue;
        }
        let left = (at - 16.0).max(plan.rect.left());
        ui.painter().text(
            egui::pos2(left, y),
            Align2::LEFT_CENTER,
            switch.at.to_string(),
            font.clone(),
            t.text_secondary.0,
        );
        free = left + 52.0;
    }
    let end = egui::pos2(plan.rect.right(), y);
    ui.painter().text(end, Align2::RIGHT_CENTER, "24:00", font, t.text_secondary.0);
}

/// The time under the pointer, and what is on there.
fn bubble(ui: &Ui, plan: &Plan<'_>, paint: &Paint, cursor: &Cursor, day: &DayType, response: &Response) {
    let hovered = response.hover_pos().filter(|pos| plan.rect.contains(*pos));
    let Some(pos) = response.interact_pointer_pos().or(hovered) else { return };
    let words = match &cursor.drag {
        Some(Drag::Paint { from, .. }) => {
            let cell = plan.cell(pos.x, paint.step);
            let (low, high) = (cell.min(*from), (cell.max(*from) + paint.step).min(DAY));
            let verb = if paint.erase { "off: " } else { "" };
            format!("{} to {}  {verb}{}", clock(low), clock(high), names(plan.document, &paint.brush))
        }
        Some(Drag::Edge { .. }) => clock(if cursor.at == DAY - 1 { DAY } else { cursor.at }),
        None => {
            let edge = plan.edge(day, pos.x);
            if edge.is_some() {
                ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
            }
            let minute = edge
                .and_then(|part| day.switches.get(part))
                .map_or_else(|| plan.cell(pos.x, paint.step), |switch| switch.at.minutes());
            format!("{}  {}", clock(minute), names(plan.document, day::on_at(day, minute)))
        }
    };
    note(ui, egui::pos2(pos.x, plan.rect.top() - 4.0), &words);
}

/// A remark above a point, over everything else.
pub(super) fn note(ui: &Ui, at: Pos2, words: &str) {
    let t = tokens(ui);
    let layer = egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("strip note"));
    let painter = ui.ctx().layer_painter(layer);
    let galley = painter.layout_no_wrap(words.to_owned(), FontId::proportional(SIZES[0]), t.canvas.0);
    let size = galley.size() + Vec2::new(12.0, 6.0);
    let screen = ui.ctx().content_rect().shrink(4.0);
    let left = (at.x - size.x / 2.0).min(screen.right() - size.x).max(screen.left());
    let rect = Rect::from_min_size(egui::pos2(left, (at.y - size.y).max(screen.top())), size);
    painter.rect_filled(rect, 4.0, t.text.0);
    painter.galley(rect.min + Vec2::new(6.0, 3.0), galley, t.canvas.0);
}
