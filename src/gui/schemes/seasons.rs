//! The year as a bar of seasons, whose beginnings are dragged.

use egui::{
    Align2, CursorIcon, EventFilter, FontId, Key, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};
use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::Act;
use crate::scheme::{MonthDay, SeasonStart, Tariff};

use super::editing::Editing;
use super::name_step;
use super::strip::note;
use super::which::Which;

const HEIGHT: f32 = 30.0;
const AXIS: f32 = 18.0;

/// The bar's own state.
#[derive(Debug, Default)]
pub(super) struct YearBar {
    year: Option<i16>,
}

/// The season of a date: the one whose start was last.
fn season_on(tariff: &Tariff, day: Date) -> Option<usize> {
    let started = |start: SeasonStart| match start {
        SeasonStart::Once(date) => (date <= day).then_some(date),
        SeasonStart::Yearly(start) => {
            let this = Date::new(day.year(), start.month(), start.day()).ok()?;
            let before = || Date::new(day.year().checked_sub(1)?, start.month(), start.day()).ok();
            if this <= day { Some(this) } else { before() }
        }
    };
    let seasons = tariff.seasons.iter().enumerate();
    let begun = seasons.filter_map(|(index, season)| Some((started(season.starts)?, index)));
    begun.max_by_key(|(date, _)| *date).map(|(_, index)| index)
}

/// When a season starts in a year.
fn start_in(start: SeasonStart, year: i16) -> Option<Date> {
    match start {
        SeasonStart::Yearly(day) => Date::new(year, day.month(), day.day()).ok(),
        SeasonStart::Once(date) => Some(date).filter(|date| date.year() == year),
    }
}

/// The start with another day.
fn moved(start: SeasonStart, to: Date) -> Option<SeasonStart> {
    match start {
        SeasonStart::Once(_) => Some(SeasonStart::Once(to)),
        SeasonStart::Yearly(_) => MonthDay::new(to.month(), to.day()).map(SeasonStart::Yearly),
    }
}

impl YearBar {
    /// Draws the bar and moves starts.
    pub(super) fn ui(&mut self, ui: &mut Ui, editing: &mut Editing<'_>, which: Which, today: Date) {
        let year = *self.year.get_or_insert(today.year());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            if ui.add(Act::icon_only(Icon::ChevronLeft, "Seasons of the year before").small()).clicked() {
                self.year = Some((year - 1).max(1970));
            }
            ui.label(strong(year.to_string()));
            if ui.add(Act::icon_only(Icon::ChevronRight, "Seasons of the year after").small()).clicked() {
                self.year = Some((year + 1).min(2199));
            }
        });
        let Some(tariff) = which.of_mut(editing.document) else { return };
        let size = Vec2::new(ui.available_width(), HEIGHT + AXIS);
        let (whole, _) = ui.allocate_exact_size(size, Sense::hover());
        let rect = Rect::from_min_size(whole.min, Vec2::new(whole.width(), HEIGHT));
        bands(ui, tariff, year, rect);
        for index in 0..tariff.seasons.len() {
            handle(ui, tariff, index, year, rect);
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a day of the year")]
fn x_of(rect: Rect, day: Date) -> f32 {
    let days = if day.in_leap_year() { 366.0 } else { 365.0 };
    rect.left() + (f32::from(day.day_of_year()) - 1.0) / days * rect.width()
}

fn bands(ui: &Ui, tariff: &Tariff, year: i16, rect: Rect) {
    let t = tokens(ui);
    let mut starts: Vec<Date> = tariff.seasons.iter().filter_map(|one| start_in(one.starts, year)).collect();
    starts.push(date(year, 1, 1));
    starts.sort_unstable();
    starts.dedup();
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).map_or(rect.right(), |next| x_of(rect, *next));
        let band = Rect::from_x_y_ranges(x_of(rect, *start)..=end, rect.y_range());
        let season =
            season_on(tariff, *start).and_then(|index| tariff.seasons.get(index).map(|one| (index, one)));
        // Neighbours differ by their ground, and by their words.
        let ground = match season {
            Some((index, _)) if index.is_multiple_of(2) => t.accent_soft.0,
            Some(_) => t.sunken.0,
            None => t.bad_soft.0,
        };
        ui.painter().rect(band, 3.0, ground, Stroke::new(1.0, t.border.0), StrokeKind::Inside);
        let words = season.map_or_else(
            || "no season".to_owned(),
            |(_, one)| format!("{} · {}", if one.title.is_empty() { &one.id } else { &one.title }, one.week),
        );
        let painter = ui.painter_at(band.shrink(4.0));
        let align = Align2::CENTER_CENTER;
        painter.text(band.center(), align, words, FontId::proportional(SIZES[0]), t.text.0);
    }
    for month in 1..=12 {
        let first = date(year, month, 1);
        let at = x_of(rect, first);
        ui.painter().vline(at, rect.bottom()..=rect.bottom() + 4.0, Stroke::new(1.0, t.border_strong.0));
        ui.painter().text(
            egui::pos2(at + 3.0, rect.bottom() + AXIS / 2.0),
            Align2::LEFT_CENTER,
            first.strftime("%b").to_string(),
            FontId::proportional(SIZES[0]),
            t.text_secondary.0,
        );
    }
}

/// The beginning of a season, to take hold of.
fn handle(ui: &mut Ui, tariff: &mut Tariff, index: usize, year: i16, rect: Rect) {
    let t = tokens(ui);
    let Some(season) = tariff.seasons.get_mut(index) else { return };
    let Some(start) = start_in(season.starts, year) else { return };
    let at = x_of(rect, start);
    let grip = Rect::from_center_size(egui::pos2(at, rect.center().y), Vec2::new(12.0, HEIGHT));
    let response = ui.interact(grip, ui.scope_id().with(("season start", index)), Sense::click_and_drag());
    let name = format!("Drag the start of season {}", season.id);
    let value = season.starts.to_string();
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(value.clone()),
        ..WidgetInfo::labeled(Role::Slider, true, &name)
    });
    let mut to = None;
    if response.clicked() {
        response.request_focus();
    }
    if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        #[allow(clippy::cast_possible_truncation, reason = "a day of the year")]
        let days = ((pos.x - rect.left()) / rect.width() * 365.0).round().clamp(0.0, 364.0) as i64;
        to = date(year, 1, 1).checked_add(days.days()).ok();
        let words = to.map(|day| day.strftime("%-d %B").to_string()).unwrap_or_default();
        note(ui, egui::pos2(pos.x, rect.top() - 4.0), &words);
    }
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let step = ui.input(|input| {
            let days = if input.modifiers.shift { 7 } else { 1 };
            i64::from(input.key_pressed(Key::ArrowRight)) * days
                - i64::from(input.key_pressed(Key::ArrowLeft)) * days
        });
        if step != 0 {
            // Past the year's end it goes on at its beginning.
            let next = start.checked_add(step.days()).ok();
            to = next.and_then(|day| Date::new(year, day.month(), day.day()).ok());
        }
    }
    if let Some(start) = to.and_then(|to| moved(season.starts, to)).filter(|start| *start != season.starts) {
        season.starts = start;
        name_step(ui, format!("move the start of season {}", season.id));
    }
    let hot = response.hovered() || response.dragged() || response.has_focus();
    let ink = if hot { t.accent.0 } else { t.text_secondary.0 };
    ui.painter().vline(at, rect.y_range(), Stroke::new(if hot { 3.0 } else { 2.0 }, ink));
    if hot {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    if response.hovered() && !response.dragged() {
        note(ui, egui::pos2(at, rect.top() - 4.0), &start.strftime("%-d %B").to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Season;

    fn tariff(starts: &[&str]) -> Tariff {
        let seasons = starts.iter().enumerate().map(|(at, start)| Season {
            id: format!("S{at}"),
            title: String::new(),
            starts: start.parse().unwrap(),
            week: "W1".to_owned(),
        });
        Tariff { seasons: seasons.collect(), ..Tariff::default() }
    }

    #[test]
    fn a_date_belongs_to_the_season_that_started_last() {
        let tariff = tariff(&["10-01", "04-01", "2027-06-01"]);
        let on = |text: &str| season_on(&tariff, text.parse().unwrap());
        assert_eq!(on("2026-12-31"), Some(0));
        assert_eq!(on("2027-01-01"), Some(0));
        assert_eq!(on("2027-04-01"), Some(1));
        assert_eq!(on("2027-06-01"), Some(2));
        assert_eq!(on("2027-10-01"), Some(0));
        assert_eq!(on("2028-06-01"), Some(1));
        assert_eq!(season_on(&self::tariff(&["2027-06-01"]), date(2027, 5, 31)), None);
    }
}
