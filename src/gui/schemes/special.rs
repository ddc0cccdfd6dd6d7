//! The page of special days: a year of months to click into, the list, and holidays from a file.

use egui::{
    Align, Align2, EventFilter, FontId, Key, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo,
};
use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, combo, counted, section, segmented, small};
use crate::scheme::{DatePattern, Document, SpecialDay, Tariff};

use super::editing::{Editing, committed, has_room, index_after, limit_note};
use super::name_step;
use super::weeks::mini;
use super::which::{self, Which};

const CELL: f32 = 21.0;
const MONTH: Vec2 = Vec2::new(7.0 * CELL, 18.0 + 6.0 * 18.0);

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct Specials {
    year: Option<i16>,
    cursor: Option<Date>,
    brush: String,
    once: bool,
}

impl Specials {
    /// Draws the page; true where a list of holidays is wanted.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        editing: &mut Editing<'_>,
        which: &mut Which,
        today: Date,
    ) -> bool {
        if !which::switch(ui, editing, which, today) {
            return false;
        }
        let year = *self.year.get_or_insert(today.year());
        if let Some(tariff) = which.of(editing.document)
            && !tariff.day_types.iter().any(|day| day.id == self.brush)
        {
            let other = tariff.day_types.last().or(tariff.day_types.first());
            self.brush = other.map(|day| day.id.clone()).unwrap_or_default();
        }
        let import = self.toolbar(ui, editing, *which, year);
        self.calendar(ui, editing, *which, year, today);
        section(ui, "All special days");
        list(ui, editing, *which, today);
        import
    }

    fn toolbar(&mut self, ui: &mut Ui, editing: &mut Editing<'_>, which: Which, year: i16) -> bool {
        let Some(tariff) = which.of(editing.document) else { return false };
        let mut import = false;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(4.0);
            if ui.add(Act::icon_only(Icon::ChevronLeft, "Special days of the year before")).clicked() {
                self.year = Some((year - 1).max(1970));
                self.cursor = None;
            }
            ui.label(strong(year.to_string()).size(15.0));
            if ui.add(Act::icon_only(Icon::ChevronRight, "Special days of the year after")).clicked() {
                self.year = Some((year + 1).min(2199));
                self.cursor = None;
            }
            ui.add_space(8.0);
            ui.label("A click makes it");
            combo(ui, "special brush", "Day type of a new special day", 110.0, self.brush.clone(), |ui| {
                for day in &tariff.day_types {
                    let text = format!("{} {}", day.id, day.title);
                    if ui.selectable_label(day.id == self.brush, text).clicked() {
                        self.brush.clone_from(&day.id);
                    }
                }
            });
            segmented(ui, "how often", &mut self.once, &[(false, "every year"), (true, "once")]);
            ui.add_space(8.0);
            import = ui
                .add(Act::plain("Import holidays…").icon(Icon::Import).hint("From CSV or iCalendar"))
                .clicked();
        });
        import
    }

    fn calendar(&mut self, ui: &mut Ui, editing: &mut Editing<'_>, which: Which, year: i16, today: Date) {
        let t = tokens(ui);
        let gap = 14.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few columns")]
        let columns = (((ui.available_width() + gap) / (MONTH.x + gap)) as usize).clamp(1, 6);
        let rows = 12usize.div_ceil(columns);
        #[allow(clippy::cast_precision_loss, reason = "a few rows")]
        let size = Vec2::new(columns as f32 * (MONTH.x + gap) - gap, rows as f32 * (MONTH.y + 10.0));
        let (whole, response) = ui.allocate_exact_size(size, Sense::click());
        let mut cursor = self.cursor.filter(|day| day.year() == year);
        let mut toggled = None;
        if response.has_focus() {
            let filter =
                EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            let at = cursor.unwrap_or_else(|| if today.year() == year { today } else { date(year, 1, 1) });
            let (moved, toggle) = keys(ui, at);
            cursor = Some(moved);
            if moved.year() != year {
                self.year = Some(moved.year());
            }
            toggled = toggle.then_some(moved);
        }
        let pointed = response.hover_pos();
        let clicked =
            ui.input(|input| input.pointer.any_click()).then(|| response.interact_pointer_pos()).flatten();
        let Some(tariff) = which.of(editing.document) else { return };
        let mut hint = None;
        for month in 1..=12i8 {
            let at = usize::try_from(month - 1).unwrap_or_default();
            #[allow(clippy::cast_precision_loss, reason = "a few rows")]
            let corner = whole.min
                + Vec2::new(
                    (at % columns) as f32 * (MONTH.x + gap),
                    (at / columns) as f32 * (MONTH.y + 10.0),
                );
            let first = date(year, month, 1);
            ui.painter().text(
                corner,
                Align2::LEFT_TOP,
                first.strftime("%B").to_string(),
                FontId::new(SIZES[0], egui::FontFamily::Name(crate::gui::theme::STRONG.into())),
                t.text.0,
            );
            for day in (1..=first.days_in_month()).filter_map(|day| Date::new(year, month, day).ok()) {
                let cell = cell_of(corner, first, day);
                if pointed.is_some_and(|pos| cell.contains(pos)) {
                    hint = Some(day);
                }
                if clicked.is_some_and(|pos| cell.contains(pos)) {
                    toggled = Some(day);
                    cursor = Some(day);
                }
                draw_day(ui, tariff, day, cell, day == today, cursor == Some(day) && response.has_focus());
            }
        }
        let spoken = cursor.map(|day| words(tariff, day)).unwrap_or_default();
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(spoken.clone()),
            ..WidgetInfo::labeled(Role::Grid, true, format!("Special days of {year}"))
        });
        let hint = hint.map(|day| words(tariff, day));
        if toggled.is_some() && clicked.is_some() {
            response.request_focus();
        }
        self.cursor = cursor;
        if let Some(text) = hint {
            response.on_hover_text_at_pointer(text);
        }
        if let Some(day) = toggled {
            self.toggle(ui, editing, which, day);
        }
    }

    /// Takes the special day of a date away, or makes the date one.
    fn toggle(&self, ui: &Ui, editing: &mut Editing<'_>, which: Which, day: Date) {
        let room = has_room(
            which.of(editing.document).map_or(0, |one| one.special_days.len()),
            editing.limits.special_days,
        );
        let Some(tariff) = which.of_mut(editing.document) else { return };
        // The one that rules: a dated one goes before one of every year.
        let ruling = ruling(tariff, day);
        if let Some(index) = ruling {
            let gone = tariff.special_days.remove(index);
            name_step(ui, format!("take away special day {}", gone.date));
            return;
        }
        if !room {
            return;
        }
        let every_year = DatePattern::new(None, Some(day.month()), Some(day.day()));
        let Some(date) = (if self.once { DatePattern::dated(day) } else { every_year }) else { return };
        name_step(ui, format!("add special day {date}"));
        tariff.special_days.push(SpecialDay { date, day_type: self.brush.clone() });
    }
}

fn ruling(tariff: &Tariff, day: Date) -> Option<usize> {
    let matching = || tariff.special_days.iter().enumerate().filter(|(_, special)| special.date.matches(day));
    let dated = matching().find(|(_, special)| special.date.year().is_some());
    dated.or_else(|| matching().next()).map(|(index, _)| index)
}

fn keys(ui: &Ui, at: Date) -> (Date, bool) {
    let pressed = |key: Key| ui.input(|input| input.key_pressed(key));
    let days = [(Key::ArrowLeft, -1), (Key::ArrowRight, 1), (Key::ArrowUp, -7), (Key::ArrowDown, 7)];
    let mut to = at;
    for (key, days) in days {
        if pressed(key) {
            to = to.checked_add(i64::from(days).days()).unwrap_or(to);
        }
    }
    for (key, months) in [(Key::PageUp, -1i64), (Key::PageDown, 1)] {
        if pressed(key) {
            to = to.checked_add(months.months()).unwrap_or(to);
        }
    }
    if pressed(Key::Home) {
        to = to.first_of_month();
    }
    if pressed(Key::End) {
        to = to.last_of_month();
    }
    let to = if (1970..=2199).contains(&to.year()) { to } else { at };
    (to, pressed(Key::Space) || pressed(Key::Enter) || pressed(Key::Delete))
}

#[allow(clippy::cast_precision_loss, reason = "a day of the month")]
fn cell_of(corner: egui::Pos2, first: Date, day: Date) -> Rect {
    let before = i32::from(first.weekday().to_monday_zero_offset());
    let at = before + i32::from(day.day()) - 1;
    let place = Vec2::new((at % 7) as f32 * CELL, 18.0 + (at / 7) as f32 * 18.0);
    Rect::from_min_size(corner + place, Vec2::new(CELL, 18.0))
}

fn draw_day(ui: &Ui, tariff: &Tariff, day: Date, cell: Rect, is_today: bool, is_cursor: bool) {
    let t = tokens(ui);
    let special = ruling(tariff, day).and_then(|index| tariff.special_days.get(index));
    let inner = cell.shrink(1.0);
    let mut ink = if day.weekday().to_monday_zero_offset() > 4 { t.text_secondary.0 } else { t.text.0 };
    if let Some(special) = special {
        // Every year: filled. Once: an edge.
        if special.date.year().is_some() {
            ui.painter().rect(inner, 3.0, t.accent_soft.0, Stroke::new(1.5, t.accent.0), StrokeKind::Inside);
            ink = t.accent.0;
        } else {
            ui.painter().rect_filled(inner, 3.0, t.accent.0);
            ink = t.on_accent.0;
        }
    }
    let font = FontId::proportional(SIZES[0]);
    ui.painter().text(cell.center(), Align2::CENTER_CENTER, day.day().to_string(), font, ink);
    if is_today {
        ui.painter().hline(inner.x_range().shrink(4.0), inner.bottom() - 1.0, Stroke::new(1.5, ink));
    }
    if is_cursor {
        ui.painter().rect_stroke(cell, 4.0, Stroke::new(2.0, t.text.0), StrokeKind::Outside);
    }
}

fn words(tariff: &Tariff, day: Date) -> String {
    let shown = day.strftime("%A %-d %B %Y").to_string();
    match ruling(tariff, day).and_then(|index| tariff.special_days.get(index)) {
        Some(special) => format!("{shown}: {} (special day {})", special.day_type, special.date),
        None => format!("{shown}: no special day"),
    }
}

fn list(ui: &mut Ui, editing: &mut Editing<'_>, which: Which, today: Date) {
    let place = format!("{}.special_days", which.place());
    let sought = editing.go_to.and_then(|go_to| index_after(go_to, &place));
    let count = which.of(editing.document).map_or(0, |tariff| tariff.special_days.len());
    let most = editing.limits.special_days;
    let problems: Vec<Option<String>> = (0..count)
        .map(|index| editing.problems_at(&format!("{place}[{index}]")).next().map(|one| one.message.clone()))
        .collect();
    let document = &mut *editing.document;
    let look = document.clone();
    let Some(tariff) = which.of_mut(document) else { return };
    let mut remove = None;
    ui.spacing_mut().item_spacing.y = 4.0;
    for (index, wrong) in problems.iter().enumerate() {
        ui.push_id(("special", index), |ui| {
            ui.horizontal(|ui| {
                if row(ui, &look, tariff, index, sought == Some(index)) {
                    remove = Some(index);
                }
                if let Some(message) = wrong {
                    let text = egui::RichText::new(message).size(SIZES[0]).color(tokens(ui).warn.0);
                    ui.add(egui::Label::new(text).truncate());
                }
            });
        });
    }
    if let Some(index) = remove {
        let gone = tariff.special_days.remove(index);
        name_step(ui, format!("take away special day {}", gone.date));
    }
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let room = has_room(count, most);
        if ui.add(Act::plain("Add a special day").icon(Icon::Plus).enabled(room)).clicked()
            && let Some(date) = DatePattern::dated(today)
        {
            let day_type = tariff.day_types.last().map(|day| day.id.clone()).unwrap_or_default();
            tariff.special_days.push(SpecialDay { date, day_type });
            name_step(ui, "add a special day");
        }
        let gone = |special: &SpecialDay| special.date.last().is_some_and(|last| last < today);
        let past = tariff.special_days.iter().filter(|special| gone(special)).count();
        let clear = format!(
            "Take away {} that {} gone by",
            counted(past, "day"),
            if past == 1 { "has" } else { "have" }
        );
        if past > 0 && ui.add(Act::quiet(&clear)).clicked() {
            tariff.special_days.retain(|special| !gone(special));
            name_step(ui, "take away special days that have gone by");
        }
        if ui.add(Act::quiet("Sort").hint("Every year first, then by date").enabled(count > 1)).clicked() {
            tariff
                .special_days
                .sort_by_key(|special| (special.date.year(), special.date.month(), special.date.day()));
            name_step(ui, "sort special days");
        }
        limit_note(ui, count, most, "special days");
    });
}

/// A special day of the list; true where it is to go.
fn row(ui: &mut Ui, document: &Document, tariff: &mut Tariff, index: usize, sought: bool) -> bool {
    let Some(special) = tariff.special_days.get(index).cloned() else { return false };
    ui.spacing_mut().item_spacing.x = 4.0;
    let is_date = |text: &str| text.trim().parse::<DatePattern>().is_ok();
    let number = index + 1;
    let (given, response) =
        committed(ui, &format!("Date of special day {number}"), &special.date.to_string(), 104.0, is_date);
    if sought {
        response.request_focus();
        response.scroll_to_me(Some(Align::Center));
    }
    let mut changed = special.clone();
    if let Some(date) = given.and_then(|text| text.trim().parse().ok()) {
        changed.date = date;
        name_step(ui, format!("date of special day {date}"));
    }
    let name = format!("Day type of special day {number}");
    combo(ui, ("special type", index), &name, 76.0, special.day_type.clone(), |ui| {
        for day in &tariff.day_types {
            let text = format!("{} {}", day.id, day.title);
            if ui.selectable_label(day.id == special.day_type, text).clicked() && day.id != special.day_type {
                changed.day_type.clone_from(&day.id);
                name_step(ui, format!("day type of special day {}", special.date));
            }
        }
    });
    let (bar, _) = ui.allocate_exact_size(Vec2::new(96.0, 10.0), Sense::hover());
    if let Some(day) = tariff.day_types.iter().find(|day| day.id == special.day_type) {
        mini(ui, document, day, bar);
    }
    let often = if special.date.year().is_some() { "once" } else { "every year" };
    ui.label(small(ui, often));
    if let Some(slot) = tariff.special_days.get_mut(index)
        && *slot != changed
    {
        *slot = changed;
    }
    let delete = format!("Take away special day {number}");
    ui.add(Act::icon_only(Icon::Trash, &delete).small()).clicked()
}
