//! The page of weeks and seasons: which day type on which weekday, and which week in which part of the year.

use egui::{Align2, FontId, Key, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};
use jiff::civil::Date;

use crate::gui::theme::{CONTROL, Icon, SIZES, tokens};
use crate::gui::widgets::{Act, combo, secondary, section, small, text_field};
use crate::scheme::{DayType, Document, MonthDay, Season, SeasonStart, Tariff, Week};

use super::day;
use super::editing::{Editing, committed, free_id, has_room, is_id, limit_note};
use super::name_step;
use super::pattern::Look;
use super::seasons;
use super::which::{self, Which};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct Weeks {
    /// Day type that a click or a drag puts into a week.
    brush: String,
    /// A press that began in the grid goes on.
    painting: bool,
    activation: Option<String>,
    year: seasons::YearBar,
}

impl Weeks {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, editing: &mut Editing<'_>, which: &mut Which, today: Date) {
        if !which::switch(ui, editing, which, today) {
            return;
        }
        if *which == Which::Latent {
            which::activation(ui, editing, &mut self.activation);
        }
        section(ui, "Weeks");
        self.palette(ui, editing.document, *which);
        self.grid(ui, editing, *which);
        section(ui, "Seasons");
        self.year.ui(ui, editing, *which, today);
        season_list(ui, editing, *which);
    }

    fn palette(&mut self, ui: &mut Ui, document: &Document, which: Which) {
        let Some(tariff) = which.of(document) else { return };
        if !tariff.day_types.iter().any(|day| day.id == self.brush) {
            self.brush = tariff.day_types.first().map(|day| day.id.clone()).unwrap_or_default();
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(4.0);
            ui.label(secondary(ui, "Paint with"));
            for (at, day) in tariff.day_types.iter().enumerate() {
                let key = super::strip::key_of(at).map(String::from).unwrap_or_default();
                let text = format!("{key} {} {}", day.id, day.title);
                let name = format!("Paint with day type {}", day.id);
                let chip = Act::plain(&text).small().selected(day.id == self.brush);
                let response = ui.add(chip);
                response.clone().accessible_name(name);
                if response.clicked() {
                    self.brush.clone_from(&day.id);
                }
            }
        });
        ui.label(small(
            ui,
            "Click or drag over the days; by keyboard Tab to a day, then its digit or Space.",
        ));
    }

    fn grid(&mut self, ui: &mut Ui, editing: &mut Editing<'_>, which: Which) {
        let place = which.place();
        let count = which.of(editing.document).map_or(0, |tariff| tariff.weeks.len());
        let mut remove = None;
        ui.spacing_mut().item_spacing.y = 4.0;
        let gutter = 72.0;
        let cell = ((ui.available_width() - gutter - 40.0) / 7.0 - 4.0).clamp(40.0, 96.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.add_space(gutter);
            for day in WEEKDAYS {
                let (rect, _) = ui.allocate_exact_size(Vec2::new(cell, 16.0), Sense::hover());
                let ink = tokens(ui).text_secondary.0;
                let word = day.get(..3).unwrap_or(day);
                ui.painter().text(
                    rect.center(),
                    Align2::CENTER_CENTER,
                    word,
                    FontId::proportional(SIZES[0]),
                    ink,
                );
            }
        });
        for index in 0..count {
            let sought = editing.is_sought(&format!("{place}.weeks[{index}]"));
            let bad: Vec<bool> = (0..7)
                .map(|day| {
                    editing.problems_at(&format!("{place}.weeks[{index}].days[{day}]")).next().is_some()
                })
                .collect();
            let document = &mut *editing.document;
            let look = document.clone();
            let Some(tariff) = which.of_mut(document) else { return };
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                ui.set_min_height(34.0);
                if let Some(removed) = self.week(ui, &look, tariff, index, cell, sought, &bad) {
                    remove = Some(removed);
                }
            });
        }
        if let (Some(index), Some(tariff)) = (remove, which.of_mut(editing.document)) {
            let week = tariff.weeks.remove(index);
            name_step(ui, format!("delete week {}", week.id));
        }
        ui.horizontal(|ui| {
            let room = has_room(count, editing.limits.weeks);
            if ui.add(Act::plain("Add a week").icon(Icon::Plus).enabled(room)).clicked()
                && let Some(tariff) = which.of_mut(editing.document)
            {
                let id = free_id('W', tariff.weeks.iter().map(|week| &week.id));
                let days = tariff
                    .weeks
                    .last()
                    .map_or_else(|| std::array::from_fn(|_| self.brush.clone()), |week| week.days.clone());
                name_step(ui, format!("add week {id}"));
                tariff.weeks.push(Week { id, days });
            }
            limit_note(ui, count, editing.limits.weeks, "weeks");
        });
    }

    /// A week; gives its place where it is to be deleted.
    #[allow(clippy::too_many_arguments, reason = "what a row of the grid is made of")]
    fn week(
        &mut self,
        ui: &mut Ui,
        document: &Document,
        tariff: &mut Tariff,
        index: usize,
        cell: f32,
        sought: bool,
        bad: &[bool],
    ) -> Option<usize> {
        let id = tariff.weeks.get(index)?.id.clone();
        let (given, response) = committed(ui, &format!("Id of week {id}"), &id, 68.0, is_id);
        if sought {
            response.scroll_to_me(None);
        }
        if let Some(new) = given {
            for season in tariff.seasons.iter_mut().filter(|season| season.week == id) {
                season.week.clone_from(&new);
            }
            name_step(ui, format!("rename week {id}"));
            tariff.weeks.get_mut(index)?.id = new;
        }
        for (day, weekday) in WEEKDAYS.iter().enumerate() {
            let now = tariff.weeks.get(index)?.days.get(day)?.clone();
            let is_bad = bad.get(day).copied().unwrap_or_default();
            let chosen = self.weekday(ui, document, tariff, &now, (&id, weekday), cell, sought && is_bad);
            if let Some(new) = chosen.filter(|new| *new != now) {
                name_step(ui, format!("paint week {id}"));
                if let Some(slot) = tariff.weeks.get_mut(index).and_then(|week| week.days.get_mut(day)) {
                    *slot = new;
                }
            }
        }
        let users = tariff.seasons.iter().filter(|season| season.week == id).count();
        let delete = format!("Delete week {id}");
        let mut act = Act::icon_only(Icon::Trash, &delete).enabled(users == 0);
        if users > 0 {
            act = act.hint("A season has this week: give it another first");
        }
        ui.add(act).clicked().then_some(index)
    }

    /// A day of a week; gives the day type that was put into it.
    #[allow(clippy::too_many_arguments, reason = "what a cell of the grid is made of")]
    fn weekday(
        &mut self,
        ui: &mut Ui,
        document: &Document,
        tariff: &Tariff,
        now: &str,
        (week, weekday): (&str, &str),
        width: f32,
        sought: bool,
    ) -> Option<String> {
        let t = tokens(ui);
        let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 34.0), Sense::click_and_drag());
        let name = format!("{weekday} of {week}: {now}");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if sought {
            response.request_focus();
        }
        let found = tariff.day_types.iter().find(|day| day.id == now);
        let edge = if found.is_none() { t.bad.0 } else { t.border_strong.0 };
        ui.painter().rect(rect, 4.0, t.surface.0, Stroke::new(1.0, edge), StrokeKind::Inside);
        if response.hovered() || response.has_focus() {
            let width = if response.has_focus() { 2.0 } else { 1.0 };
            ui.painter().rect_stroke(rect, 4.0, Stroke::new(width, t.accent.0), StrokeKind::Inside);
        }
        let ink = if found.is_none() { t.bad.0 } else { t.text.0 };
        let at = egui::pos2(rect.center().x, rect.top() + 11.0);
        ui.painter().text(at, Align2::CENTER_CENTER, now, FontId::proportional(SIZES[1]), ink);
        if let Some(day) = found {
            let bar = Rect::from_min_max(rect.min + Vec2::new(5.0, 21.0), rect.max - Vec2::new(5.0, 5.0));
            mini(ui, document, day, bar);
        }
        // A press that began in the grid paints whatever it passes.
        let (down, over) = ui.input(|input| {
            let over = input.pointer.latest_pos().is_some_and(|pos| rect.contains(pos));
            (input.pointer.primary_down(), over)
        });
        self.painting = (self.painting || response.drag_started()) && down;
        let painting = self.painting && over;
        let digit = response.has_focus().then(|| digit(ui)).flatten();
        if let Some(day) = digit.and_then(|at| tariff.day_types.get(at)) {
            return Some(day.id.clone());
        }
        let title = found.map(|day| day.title.clone()).unwrap_or_default();
        let painted = response.clicked() || painting;
        response.on_hover_text(title);
        painted.then(|| self.brush.clone())
    }
}

fn digit(ui: &Ui) -> Option<usize> {
    const DIGITS: [Key; 9] =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    ui.input(|input| DIGITS.iter().position(|key| input.key_pressed(*key) && !input.modifiers.any()))
}

/// A day type's energy registers as a thin bar.
pub(super) fn mini(ui: &Ui, document: &Document, day: &DayType, bar: Rect) {
    let x = |minute: u16| bar.left() + f32::from(minute) / f32::from(day::DAY) * bar.width();
    for (part, switch) in day.switches.iter().enumerate() {
        let (start, end) = day::bounds(day, part);
        let energy = document.registers.energy.iter().map(|register| &register.id);
        let shown = energy.clone().find(|id| switch.on.contains(id));
        let look = shown.map_or_else(|| Look::nothing(ui), |id| Look::of(ui, document, id));
        look.paint(ui.painter(), Rect::from_x_y_ranges(x(start)..=x(end), bar.y_range()));
    }
}

fn season_list(ui: &mut Ui, editing: &mut Editing<'_>, which: Which) {
    let place = which.place();
    let count = which.of(editing.document).map_or(0, |tariff| tariff.seasons.len());
    let mut remove = None;
    for index in 0..count {
        let own = format!("{place}.seasons[{index}]");
        let sought = editing.is_sought(&own);
        let wrong: Vec<String> = editing.problems_at(&own).map(|problem| problem.message.clone()).collect();
        let Some(tariff) = which.of_mut(editing.document) else { return };
        let weeks: Vec<String> = tariff.weeks.iter().map(|week| week.id.clone()).collect();
        let Some(season) = tariff.seasons.get_mut(index) else { continue };
        ui.push_id(("season", index), |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                if season_row(ui, season, &weeks, sought, count > 1) {
                    remove = Some(index);
                }
            });
        });
        for message in wrong {
            ui.label(egui::RichText::new(message).size(SIZES[0]).color(tokens(ui).bad.0));
        }
    }
    if let (Some(index), Some(tariff)) = (remove, which.of_mut(editing.document)) {
        let season = tariff.seasons.remove(index);
        name_step(ui, format!("delete season {}", season.id));
    }
    ui.horizontal(|ui| {
        let room = has_room(count, editing.limits.seasons);
        if ui.add(Act::plain("Add a season").icon(Icon::Plus).enabled(room)).clicked()
            && let Some(tariff) = which.of_mut(editing.document)
        {
            add_season(tariff);
            name_step(ui, "add a season");
        }
        limit_note(ui, count, editing.limits.seasons, "seasons");
    });
}

/// Fields of a season; true where it is to be deleted.
fn season_row(ui: &mut Ui, season: &mut Season, weeks: &[String], sought: bool, can_go: bool) -> bool {
    let id = season.id.clone();
    let (given, _) = committed(ui, &format!("Id of season {id}"), &id, 60.0, is_id);
    if let Some(new) = given {
        season.id = new;
        name_step(ui, format!("rename season {id}"));
    }
    let title = text_field(ui, &mut season.title, "Title", 150.0, false);
    title.clone().accessible_name(format!("Title of season {id}"));
    if title.changed() {
        name_step(ui, format!("title of season {id}"));
    }
    ui.label(secondary(ui, "from"));
    let is_start = |text: &str| text.trim().parse::<SeasonStart>().is_ok();
    let (given, starts) =
        committed(ui, &format!("Start of season {id}"), &season.starts.to_string(), 100.0, is_start);
    if sought {
        starts.request_focus();
        starts.scroll_to_me(None);
    }
    if let Some(start) = given.and_then(|text| text.trim().parse().ok()) {
        season.starts = start;
        name_step(ui, format!("start of season {id}"));
    }
    starts.on_hover_text("MM-DD for each year, YYYY-MM-DD for once");
    ui.label(secondary(ui, "week"));
    combo(ui, ("week of", id.as_str()), &format!("Week of season {id}"), 68.0, season.week.clone(), |ui| {
        for week in weeks {
            if ui.selectable_label(*week == season.week, week).clicked() && *week != season.week {
                season.week.clone_from(week);
                name_step(ui, format!("week of season {id}"));
            }
        }
    });
    let delete = format!("Delete season {id}");
    ui.add_space(2.0);
    ui.set_min_height(CONTROL);
    ui.add(Act::icon_only(Icon::Trash, &delete).enabled(can_go)).clicked()
}

/// A season that begins half a year after the last one, on the first of a month.
fn add_season(tariff: &mut Tariff) {
    let id = free_id('S', tariff.seasons.iter().map(|season| &season.id));
    let week = tariff.seasons.last().map(|season| season.week.clone());
    let week = week.or_else(|| tariff.weeks.first().map(|week| week.id.clone())).unwrap_or_default();
    let taken: Vec<SeasonStart> = tariff.seasons.iter().map(|season| season.starts).collect();
    let last = tariff.seasons.last().map_or(7, |season| match season.starts {
        SeasonStart::Yearly(day) => day.month(),
        SeasonStart::Once(date) => date.month(),
    });
    let months = (0..12).map(|ahead| (last - 1 + 6 + ahead) % 12 + 1);
    let starts = months.filter_map(|month| MonthDay::new(month, 1)).map(SeasonStart::Yearly);
    let mut free = starts.filter(|start| !taken.contains(start));
    let starts = free.next().unwrap_or(SeasonStart::Yearly(MonthDay::NEW_YEAR));
    tariff.seasons.push(Season { id, title: "New season".to_owned(), starts, week });
}
