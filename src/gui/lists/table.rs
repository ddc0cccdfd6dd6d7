//! The table of lists.

use egui::{Align, Key, Label, Layout, RichText, Role, Sense, Ui, Vec2, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::gui::context::AppCtx;
use crate::gui::data::ListSummary;
use crate::gui::theme::{ROW, SIZES, strong, tokens};
use crate::gui::widgets::{Tone, badge, instant, number, progress_bar};
use crate::model::{ListId, MeterList};
use crate::store::{RunRow, RunState};

const COLUMNS: [(&str, f32); 5] =
    [("Name", 150.0), ("Meters", 60.0), ("Next run", 130.0), ("Last run", 110.0), ("Went well", 170.0)];

/// The next runs of a list; none where it does not run by itself.
pub(super) fn next_runs(list: &MeterList, now: Timestamp, count: usize) -> Vec<Timestamp> {
    let schedule = list.schedule.as_ref().filter(|_| !list.paused);
    let calendar = schedule.and_then(|schedule| schedule.calendar().ok());
    calendar.map(|calendar| calendar.upcoming(now, count)).unwrap_or_default()
}

/// A run's state: a word and what it means.
pub(super) fn state(run: &RunRow) -> (&'static str, Tone) {
    match run.state {
        RunState::Running => ("Running", Tone::Accent),
        RunState::Done if run.ok == run.meters => ("Done", Tone::Good),
        RunState::Done => ("Some failed", Tone::Warn),
        RunState::Cancelled => ("Cancelled", Tone::Plain),
        RunState::Interrupted => ("Broken off", Tone::Warn),
        RunState::Missed => ("Missed", Tone::Warn),
    }
}

/// `199 of 200`.
pub(super) fn share(ok: u64, of: u64) -> String {
    format!("{} of {}", number(ok), number(of))
}

/// How much of something went well, as a bar with its figures.
#[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
pub(super) fn bar(ui: &mut Ui, ok: u64, of: u64, width: f32, name: &str) {
    ui.spacing_mut().item_spacing.x = 8.0;
    let words = share(ok, of);
    let part = if of == 0 { None } else { Some(ok as f32 / of as f32) };
    progress_bar(ui, part, width, &format!("{name}: {words} went well"));
    ui.add(Label::new(words).truncate());
}

fn next_words(list: &MeterList, now: Timestamp, zone: &TimeZone) -> String {
    match next_runs(list, now, 1).first() {
        Some(at) => instant(*at, zone),
        None if list.paused => "Paused".to_owned(),
        None if list.schedule.is_some() => "Never".to_owned(),
        None => "By hand".to_owned(),
    }
}

/// Draws the table; gives the list that was chosen.
pub(super) fn ui(ui: &mut Ui, cx: &AppCtx, lists: &[ListSummary], chosen: Option<ListId>) -> Option<ListId> {
    let t = tokens(ui);
    let mut choice = moved(ui, lists, chosen);
    let now = (cx.now)();
    ui.spacing_mut().item_spacing = Vec2::ZERO;
    ui.visuals_mut().selection.bg_fill = t.accent_soft.0;
    let mut table = TableBuilder::new(ui)
        .id_salt("meter lists")
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .cell_layout(Layout::left_to_right(Align::Center));
    for (title, width) in COLUMNS {
        let column = if title == "Name" {
            Column::remainder().at_least(width)
        } else {
            Column::initial(width).at_least(48.0)
        };
        table = table.column(column.clip(true));
    }
    let table = table.header(ROW + 4.0, |mut header| {
        for (title, _) in COLUMNS {
            header.col(|ui| {
                ui.painter().rect_filled(ui.max_rect(), 0.0, t.sunken.0);
                ui.add_space(12.0);
                ui.label(strong(title).size(SIZES[0]).color(t.text_secondary.0));
            });
        }
    });
    table.body(|body| {
        body.rows(ROW + 8.0, lists.len(), |mut row| {
            let Some(list) = lists.get(row.index()) else { return };
            let selected = Some(list.row.id) == chosen;
            row.set_selected(selected);
            let text = |ui: &mut Ui, words: String, ink: egui::Color32| {
                ui.add_space(12.0);
                ui.add(Label::new(RichText::new(words).color(ink)).truncate());
            };
            row.col(|ui| text(ui, list.row.list.name.clone(), t.text.0));
            row.col(|ui| text(ui, number(list.meters), t.text_secondary.0));
            row.col(|ui| text(ui, next_words(&list.row.list, now, &cx.zone), t.text.0));
            row.col(|ui| {
                ui.add_space(12.0);
                if let Some(last) = &list.last {
                    let (word, tone) = state(last);
                    badge(ui, word, tone).on_hover_text(instant(last.started, &cx.zone));
                }
            });
            row.col(|ui| {
                ui.add_space(12.0);
                if let Some(last) = list.last.as_ref().filter(|last| last.meters > 0) {
                    bar(ui, last.ok, last.meters, 64.0, &list.row.list.name);
                }
            });
            let response = row.response();
            let name = format!("List {}", list.row.list.name);
            response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, &name));
            if response.clicked() {
                choice = Some(list.row.id);
            }
        });
    });
    choice
}

/// The list that the arrow keys move to.
fn moved(ui: &Ui, lists: &[ListSummary], chosen: Option<ListId>) -> Option<ListId> {
    let is_free = ui.memory(|memory| memory.focused().is_none() && memory.top_modal_layer().is_none());
    if !is_free {
        return None;
    }
    let at = lists.iter().position(|list| Some(list.row.id) == chosen)?;
    let by = ui.input(|input| {
        i32::from(input.key_pressed(Key::ArrowDown)) - i32::from(input.key_pressed(Key::ArrowUp))
    });
    let next = match by {
        1 => at.checked_add(1)?,
        -1 => at.checked_sub(1)?,
        _ => return None,
    };
    lists.get(next).map(|list| list.row.id)
}
