//! Events of the stretch that is shown, from all logs, newest first.

use egui::{Align, Label, Layout, RichText, ScrollArea, Ui, Vec2};
use egui_extras::{Column, TableBuilder};
use jiff::Timestamp;

use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, ROW, tokens};
use crate::gui::widgets::{empty, loading};
use crate::model::MeterEvent;

use super::intervals::title;
use super::profile::{failed, framed};
use super::{NARROW_TABLE, Subject};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
    let (from, to) = subject.period.bounds(subject.zone);
    let events = match cx.data.events(cx.backend.as_ref(), &Query::Events(subject.meter.id, from, to)) {
        Load::Ready(events) => events,
        Load::Loading => return framed(ui, |ui| loading(ui, "the events")),
        Load::Failed(reason) => return framed(ui, |ui| failed(ui, &reason)),
    };
    if events.is_empty() {
        let text = format!(
            "The logs that are stored hold nothing between the beginning and the end of {}.",
            subject.period.words()
        );
        empty(ui, Icon::Clock, "No events in this stretch", &text, |_| {});
        return;
    }
    let is_narrow = ui.available_width() < NARROW_TABLE;
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let table = TableBuilder::new(ui)
            .id_salt("events")
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(176.0))
            .column(
                Column::initial(if is_narrow { 208.0 } else { 320.0 })
                    .at_least(120.0)
                    .resizable(true)
                    .clip(true),
            )
            .column(Column::exact(64.0))
            .column(Column::exact(if is_narrow { 96.0 } else { 120.0 }))
            .column(Column::exact(if is_narrow { 112.0 } else { 132.0 }))
            .column(Column::remainder().at_least(if is_narrow { 64.0 } else { 120.0 }).clip(true));
        let table = table.header(ROW + 4.0, |mut header| {
            let when = format!("When, {}", subject.zone_name);
            for (at, text) in [when.as_str(), "What", "Code", "Lasted", "Log", "More"].into_iter().enumerate()
            {
                header.col(|ui| title(ui, text, at == 2));
            }
        });
        table.body(|body| {
            body.rows(ROW, events.len(), |mut row| {
                let Some(event) = events.len().checked_sub(row.index() + 1).and_then(|at| events.get(at))
                else {
                    return;
                };
                cells(&mut row, subject, event);
            });
        });
    });
}

fn cells(row: &mut egui_extras::TableRow<'_, '_>, subject: &Subject<'_>, event: &MeterEvent) {
    let when = event.at.to_zoned(subject.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let lasted = event.until.map(|until| duration(event.at, until)).unwrap_or_default();
    let code = event.code.map(|code| code.to_string()).unwrap_or_default();
    let doubtful = event.stamp.is_some_and(|stamp| stamp.is_doubtful());
    let more = event.detail.join(", ");
    let texts = [
        when.as_str(),
        event.text.as_str(),
        code.as_str(),
        lasted.as_str(),
        &event.log.short(),
        more.as_str(),
    ];
    for (at, text) in texts.into_iter().enumerate() {
        row.col(|ui| {
            let t = tokens(ui);
            let ink = match at {
                0 if doubtful => t.warn.0,
                0 | 1 => t.text.0,
                _ => t.text_secondary.0,
            };
            let right = at == 2;
            let layout = if right {
                Layout::right_to_left(Align::Center)
            } else {
                Layout::left_to_right(Align::Center)
            };
            ui.with_layout(layout, |ui| {
                ui.add_space(12.0);
                let label = ui.add(Label::new(RichText::new(text).color(ink)).truncate());
                if at == 0 && doubtful {
                    label.on_hover_text("The meter itself doubts this time");
                }
            });
        });
    }
}

/// How long something lasted: `4 min 20 s`, `31 h 5 min`.
fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = (to.as_second() - from.as_second()).max(0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}
