//! The page of day types: the brush, and a strip for each.

use egui::{Align, Key, Layout, Role, Sense, StrokeKind, Ui, Vec2, WidgetInfo};
use jiff::civil::Date;

use crate::gui::theme::{CONTROL, Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, combo, dialog_window, secondary, small};
use crate::scheme::{DayType, Document, Switch, SwitchTime, Tariff};

use super::day::{self, Lane};
use super::editing::{Editing, committed, free_id, has_room, index_after, is_id, limit_note};
use super::strip::{Cursor, Paint, clock, key_of, strip, toggle};
use super::which::{self, Which};
use super::{name_step, register_title};

const STEPS: [u16; 6] = [1, 5, 10, 15, 30, 60];
const DEFAULT_STEP: u16 = 15;

/// The page's own state.
#[derive(Debug)]
pub(super) struct Days {
    paint: Paint,
    cursor: Cursor,
    /// The day type that the cursor stands in.
    at: Option<(Which, usize)>,
    deleting: Option<Deleting>,
}

/// A day type that is in use and about to be deleted.
#[derive(Debug)]
struct Deleting {
    which: Which,
    index: usize,
    instead: String,
}

impl Default for Days {
    fn default() -> Self {
        Self {
            paint: Paint { brush: Vec::new(), erase: false, step: DEFAULT_STEP, grid: 1 },
            cursor: Cursor::default(),
            at: None,
            deleting: None,
        }
    }
}

/// What a day type's buttons ask for.
enum Ask {
    Duplicate(usize),
    Delete(usize),
    Rename(usize, String),
}

impl Days {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, editing: &mut Editing<'_>, which: &mut Which, today: Date) {
        if !which::switch(ui, editing, which, today) {
            return;
        }
        self.settle(editing, *which);
        self.palette(ui, editing.document);
        ui.add_space(4.0);
        let lanes = day::lanes(editing.document);
        let count = which.of(editing.document).map_or(0, |tariff| tariff.day_types.len());
        let mut ask = None;
        for index in 0..count {
            ui.push_id(("day type", *which, index), |ui| {
                ask = self.day_type(ui, editing, *which, index, &lanes).or(ask.take());
            });
            ui.add_space(8.0);
        }
        ui.horizontal(|ui| {
            let room = has_room(count, editing.limits.day_types);
            if ui.add(Act::plain("Add a day type").icon(Icon::Plus).enabled(room)).clicked() {
                add(editing, *which);
                name_step(ui, "add a day type");
            }
            limit_note(ui, count, editing.limits.day_types, "day types");
        });
        match ask {
            Some(Ask::Duplicate(index)) => {
                duplicate(editing, *which, index);
                name_step(ui, "duplicate a day type");
            }
            Some(Ask::Rename(index, id)) => {
                if let Some(tariff) = which.of_mut(editing.document) {
                    rename(tariff, index, &id);
                    name_step(ui, format!("rename a day type to {id}"));
                }
            }
            Some(Ask::Delete(index)) => self.delete(ui, editing, *which, index),
            None => {}
        }
        self.deletion(ui, editing);
    }

    /// Keeps what is remembered within what there is.
    fn settle(&mut self, editing: &Editing<'_>, which: Which) {
        self.paint.grid = u16::try_from(editing.limits.switching_grid_minutes).unwrap_or(60).clamp(1, 720);
        if !self.paint.step.is_multiple_of(self.paint.grid) {
            let steps = STEPS.into_iter().filter(|step| step.is_multiple_of(self.paint.grid));
            self.paint.step = steps.min_by_key(|step| step.abs_diff(DEFAULT_STEP)).unwrap_or(self.paint.grid);
        }
        self.paint.brush.retain(|id| day::order(editing.document, id).is_some());
        if self.paint.brush.is_empty() {
            self.paint.brush.extend(day::switched(editing.document).next().map(str::to_owned));
        }
        let part = format!("{}.day_types", which.place());
        if let Some(place) = editing.go_to
            && let Some(index) = index_after(place, &part)
        {
            let rest = place.split_once("].").map_or("", |(_, rest)| rest);
            let day = which.of(editing.document).and_then(|tariff| tariff.day_types.get(index));
            let at = index_after(rest, "switches").and_then(|at| day.and_then(|day| day.switches.get(at)));
            self.at = Some((which, index));
            self.cursor = Cursor::new(at.map_or(0, |switch| switch.at.minutes()));
        }
    }

    /// What a drag paints.
    fn palette(&mut self, ui: &mut Ui, document: &Document) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(4.0);
            ui.label(secondary(ui, "Paint with"));
            let ids: Vec<String> = day::switched(document).map(str::to_owned).collect();
            for (at, id) in ids.iter().enumerate() {
                let on = self.paint.brush.contains(id);
                let key = key_of(at).map(String::from).unwrap_or_default();
                let title = register_title(document, id);
                if chip(ui, document, id, &format!("{key} {title}"), &format!("Paint with {title}"), on) {
                    let many = ui.input(|input| input.modifiers.shift || input.modifiers.command);
                    pick(&mut self.paint.brush, id, many);
                }
            }
            let erase = Act::plain("Off")
                .small()
                .selected(self.paint.erase)
                .hint("A drag takes the registers off instead of putting them on");
            if ui.add(erase).clicked() {
                self.paint.erase = !self.paint.erase;
            }
            ui.add_space(8.0);
            ui.label(secondary(ui, "Step"));
            let shown = format!("{} min", self.paint.step);
            combo(ui, "step", "Step of the cursor", 76.0, shown, |ui| {
                let grid = self.paint.grid;
                let coarser = STEPS.into_iter().filter(|step| *step > grid && step.is_multiple_of(grid));
                for step in std::iter::once(grid).chain(coarser) {
                    if ui.selectable_label(step == self.paint.step, format!("{step} min")).clicked() {
                        self.paint.step = step;
                    }
                }
            });
        });
        let help = "Drag to paint, drag an edge to move it, double-click to fill. Keys: ← → move (Ctrl: to the next change, Alt: by the meter's grid), Shift selects, digits switch registers, Space paints, S splits, Delete merges away.";
        ui.add(egui::Label::new(small(ui, help)).wrap());
    }

    fn day_type(
        &mut self,
        ui: &mut Ui,
        editing: &mut Editing<'_>,
        which: Which,
        index: usize,
        lanes: &[Lane],
    ) -> Option<Ask> {
        let place = format!("{}.day_types[{index}]", which.place());
        let sought = editing.is_sought(&place);
        let limits = editing.limits;
        let wrong: Vec<String> = editing.problems_at(&place).map(|problem| problem.message.clone()).collect();
        let tariff = which.of(editing.document)?;
        let mut day = tariff.day_types.get(index)?.clone();
        let used = uses(tariff, &day.id);
        let mut ask = None;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let (id, _) = committed(ui, &format!("Id of {}", day.id), &day.id, 60.0, is_id);
            ask = id.map(|id| Ask::Rename(index, id));
            let width = (ui.available_width() - 250.0).clamp(100.0, 260.0);
            let title = crate::gui::widgets::text_field(ui, &mut day.title, "Title", width, false);
            title.clone().accessible_name(format!("Title of {}", day.id));
            if title.changed() {
                name_step(ui, format!("title of {}", day.id));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let room = has_room(tariff_len(editing.document, which), limits.day_types);
                let delete = format!("Delete day type {}", day.id);
                if ui.add(Act::icon_only(Icon::Trash, &delete)).clicked() {
                    ask = Some(Ask::Delete(index));
                }
                let copy = format!("Duplicate day type {}", day.id);
                if ui.add(Act::icon_only(Icon::Copy, &copy).enabled(room)).clicked() {
                    ask = Some(Ask::Duplicate(index));
                }
                limit_note(ui, day.switches.len(), limits.switches_per_day, "times");
                ui.add_space(6.0);
                ui.add(egui::Label::new(small(ui, &used)).truncate()).on_hover_text(&used);
            });
        });
        let own = self.at == Some((which, index));
        let mut elsewhere = Cursor::default();
        let cursor = if own { &mut self.cursor } else { &mut elsewhere };
        let name = if day.title.is_empty() { day.id.clone() } else { day.title.clone() };
        let response = strip(ui, editing.document, lanes, &self.paint, cursor, &mut day, &name);
        if sought {
            response.request_focus();
            response.scroll_to_me(Some(Align::Center));
        }
        if !own && (response.has_focus() || response.dragged()) {
            self.cursor = elsewhere;
            self.at = Some((which, index));
        }
        if self.at == Some((which, index)) {
            let enter = response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            self.part(ui, editing.document, &mut day, &name, enter);
        }
        for message in wrong.iter().take(3) {
            ui.label(egui::RichText::new(message).size(SIZES[0]).color(tokens(ui).bad.0));
        }
        if let Some(slot) = which.of_mut(editing.document).and_then(|tariff| tariff.day_types.get_mut(index))
            && *slot != day
        {
            *slot = day;
        }
        ask
    }

    /// The selection, or the part under the cursor: its times, and what is on in it.
    fn part(&mut self, ui: &mut Ui, document: &Document, day: &mut DayType, name: &str, enter: bool) {
        let (from, to) = self.cursor.span(day, self.paint.step);
        let hours = f64::from(to - from) / 60.0;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(4.0);
            let part = day::part_at(day, from).filter(|_| self.cursor.anchor.is_none());
            let grid = self.paint.grid;
            let is_time = |text: &str| minutes(text).is_some_and(|minute| minute.is_multiple_of(grid));
            if let Some(part) = part {
                for (at, shown, title) in [(part, from, "From"), (part + 1, to, "to")] {
                    ui.label(secondary(ui, title));
                    if at == 0 || at >= day.switches.len() {
                        ui.label(clock(shown));
                        continue;
                    }
                    let field = if at == part { "Begins at" } else { "Ends at" };
                    let (given, _) = committed(ui, field, &clock(shown), 64.0, is_time);
                    if let Some(minute) = given.as_deref().and_then(minutes) {
                        day::move_edge(day, at, minute);
                        self.cursor.at = if at == part { minute } else { minute.saturating_sub(1) };
                        name_step(ui, format!("move a time of {name}"));
                    }
                }
            } else {
                ui.label(format!("{} to {}", clock(from), clock(to)));
            }
            ui.label(small(ui, format!("{hours} h")));
            let ids: Vec<String> = day::switched(document).map(str::to_owned).collect();
            for (at, id) in ids.iter().enumerate() {
                let on = day::on_at(day, from).contains(id);
                let title = register_title(document, id);
                let spoken = format!("{title} from {} to {}", clock(from), clock(to));
                let response = toggle_chip(ui, document, id, title, &spoken, on);
                if enter && at == 0 {
                    response.request_focus();
                }
                if response.clicked() {
                    let put = toggle(document, day, (from, to), id);
                    name_step(ui, format!("switch {id} {} in {name}", if put { "on" } else { "off" }));
                }
            }
            let split = Act::quiet("Split").small().hint("Begin a new part at the cursor").shortcut("S");
            if ui.add(split).clicked() && day::split(day, self.cursor.at) {
                name_step(ui, format!("split {name}"));
            }
            let merge =
                Act::quiet("Merge away").small().hint("The part before it lasts on").shortcut("Delete");
            if let Some(part) = part
                && ui.add(merge.enabled(day.switches.len() > 1)).clicked()
            {
                day::merge_away(day, part);
                name_step(ui, format!("merge a part of {name}"));
            }
        });
    }

    fn delete(&mut self, ui: &Ui, editing: &mut Editing<'_>, which: Which, index: usize) {
        let Some(tariff) = which.of_mut(editing.document) else { return };
        let Some(day) = tariff.day_types.get(index) else { return };
        if uses(tariff, &day.id).is_empty() {
            name_step(ui, format!("delete day type {}", day.id));
            tariff.day_types.remove(index);
            self.at = None;
            return;
        }
        let other = tariff.day_types.iter().find(|other| other.id != day.id);
        let instead = other.map(|other| other.id.clone()).unwrap_or_default();
        self.deleting = Some(Deleting { which, index, instead });
    }

    /// The question before a day type goes that is in use.
    fn deletion(&mut self, ui: &Ui, editing: &mut Editing<'_>) {
        let Some(mut deleting) = self.deleting.take() else { return };
        let Some(tariff) = deleting.which.of_mut(editing.document) else { return };
        let Some(id) = tariff.day_types.get(deleting.index).map(|day| day.id.clone()) else { return };
        let (mut delete, mut cancelled) = (false, false);
        let modal = dialog_window(ui, "delete day type", 440.0, |ui| {
            ui.label(strong(format!("Delete day type {id}?")).size(15.0));
            ui.label(secondary(ui, format!("It is {}.", uses(tariff, &id))));
            let others: Vec<(String, String)> = tariff
                .day_types
                .iter()
                .filter(|day| day.id != id)
                .map(|day| (day.id.clone(), format!("{} {}", day.id, day.title)))
                .collect();
            if !others.is_empty() {
                crate::gui::widgets::choice(ui, "In its place", 240.0, &mut deleting.instead, &others);
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                delete = ui.add(Act::danger(&format!("Delete {id}"))).clicked();
                let keep = ui.add(Act::plain("Keep").shortcut("Esc"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    keep.request_focus();
                }
                cancelled = keep.clicked();
            });
        });
        if delete {
            tariff.day_types.remove(deleting.index);
            if !deleting.instead.is_empty() {
                replace(tariff, &id, &deleting.instead);
            }
            name_step(ui, format!("delete day type {id}"));
            self.at = None;
        } else if !cancelled && !modal.should_close() {
            self.deleting = Some(deleting);
        }
    }
}

/// Minutes of a time of day; the end of it is 24:00.
fn minutes(text: &str) -> Option<u16> {
    if text.trim() == "24:00" {
        return Some(day::DAY);
    }
    text.trim().parse::<SwitchTime>().ok().map(SwitchTime::minutes)
}

fn pick(brush: &mut Vec<String>, id: &str, many: bool) {
    if !many {
        *brush = vec![id.to_owned()];
    } else if let Some(at) = brush.iter().position(|one| one == id) {
        if brush.len() > 1 {
            brush.remove(at);
        }
    } else {
        brush.push(id.to_owned());
    }
}

fn chip(ui: &mut Ui, document: &Document, id: &str, text: &str, spoken: &str, on: bool) -> bool {
    toggle_chip(ui, document, id, text, spoken, on).on_hover_text("Shift or Ctrl picks several").clicked()
}

/// A register as a button that is on or off.
fn toggle_chip(
    ui: &mut Ui,
    document: &Document,
    id: &str,
    text: &str,
    spoken: &str,
    on: bool,
) -> egui::Response {
    let t = tokens(ui);
    let font = egui::FontId::proportional(SIZES[0] + 0.5);
    let ink = if on { t.accent.0 } else { t.text.0 };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, ink);
    let size = Vec2::new(galley.size().x + 34.0, CONTROL - 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, spoken));
    let (fill, edge) = match (on, response.hovered()) {
        (true, _) => (t.accent_soft.0, t.accent.0),
        (false, true) => (t.hover.0, t.border_strong.0),
        (false, false) => (t.surface.0, t.border_strong.0),
    };
    ui.painter().rect(rect, 4.0, fill, egui::Stroke::new(1.0, edge), StrokeKind::Inside);
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect.expand(2.0),
            6.0,
            egui::Stroke::new(2.0, t.accent.0),
            StrokeKind::Inside,
        );
    }
    let mark =
        egui::Rect::from_center_size(egui::pos2(rect.left() + 14.0, rect.center().y), Vec2::splat(12.0));
    if document.registers.energy.iter().any(|register| register.id == id) {
        super::pattern::Look::of(ui, document, id).paint(ui.painter(), mark);
    } else {
        ui.painter().rect_filled(mark.shrink2(Vec2::new(0.0, 3.0)), 2.0, t.text_secondary.0);
    }
    ui.painter().galley(egui::pos2(rect.left() + 26.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    response
}

fn tariff_len(document: &Document, which: Which) -> usize {
    which.of(document).map_or(0, |tariff| tariff.day_types.len())
}

fn add(editing: &mut Editing<'_>, which: Which) {
    let first = day::switched(editing.document).next().map(str::to_owned);
    let Some(tariff) = which.of_mut(editing.document) else { return };
    let id = free_id('D', tariff.day_types.iter().map(|day| &day.id));
    let on = tariff
        .day_types
        .last()
        .and_then(|day| day.switches.first())
        .map_or_else(|| first.into_iter().collect(), |switch| switch.on.clone());
    let switches = vec![Switch { at: SwitchTime::MIDNIGHT, on }];
    tariff.day_types.push(DayType { id, title: "New day type".to_owned(), switches });
}

fn duplicate(editing: &mut Editing<'_>, which: Which, index: usize) {
    let Some(tariff) = which.of_mut(editing.document) else { return };
    let id = free_id('D', tariff.day_types.iter().map(|day| &day.id));
    if let Some(day) = tariff.day_types.get(index).cloned() {
        let title = format!("{} (copy)", day.title);
        tariff.day_types.insert(index + 1, DayType { id, title, ..day });
    }
}

/// Puts a day type in the place of another wherever that is named.
fn replace(tariff: &mut Tariff, id: &str, instead: &str) {
    let weeks = tariff.weeks.iter_mut().flat_map(|week| &mut week.days);
    for named in weeks.chain(tariff.special_days.iter_mut().map(|special| &mut special.day_type)) {
        if named == id {
            instead.clone_into(named);
        }
    }
}

/// Gives a day type another id, wherever it is named.
fn rename(tariff: &mut Tariff, index: usize, id: &str) {
    let Some(day) = tariff.day_types.get_mut(index) else { return };
    let old = std::mem::replace(&mut day.id, id.to_owned());
    replace(tariff, &old, id);
}

/// Where a day type is named, in words; empty where it is not.
fn uses(tariff: &Tariff, id: &str) -> String {
    let weeks: Vec<&str> = tariff
        .weeks
        .iter()
        .filter(|week| week.days.iter().any(|day| day == id))
        .map(|week| week.id.as_str())
        .collect();
    let special = tariff.special_days.iter().filter(|special| special.day_type == id).count();
    let mut words = Vec::new();
    if !weeks.is_empty() {
        words.push(weeks.join(", "));
    }
    if special > 0 {
        words.push(crate::gui::widgets::counted(special, "special day"));
    }
    if words.is_empty() { String::new() } else { format!("used in {}", words.join(" and ")) }
}
