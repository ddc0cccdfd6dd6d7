//! Registers and instantaneous values: plain names, exact figures, OBIS codes beside them.

use egui::{Align, Frame, Label, Layout, Margin, RichText, ScrollArea, Ui, Vec2};
use egui_extras::{Column, TableBuilder};

use crate::export::SidedReading;
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, ROW, SIZES, tokens};
use crate::gui::widgets::{Act, counted, instant, loading, small};
use crate::model::{ReadingValue, RegisterReading, Transformers};

use super::figures::{symbol, text};
use super::intervals::{number, places, title};
use super::profile::{failed, framed};
use super::{NARROW_TABLE, Subject, nothing};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>, instantaneous: bool) {
    let set = match cx.data.registers(cx.backend.as_ref(), &Query::Registers(subject.meter.id)) {
        Load::Ready(set) => set,
        Load::Loading => return framed(ui, |ui| loading(ui, "the registers")),
        Load::Failed(reason) => return framed(ui, |ui| failed(ui, &reason)),
    };
    let readings = if instantaneous { &set.instantaneous } else { &set.registers };
    if readings.is_empty() {
        let title = if instantaneous {
            "No instantaneous values are stored"
        } else {
            "No registers are stored of this meter"
        };
        return nothing(
            ui,
            cx,
            subject.meter.id,
            title,
            "They are kept with the time at which they were read.",
        );
    }
    let sided: Vec<SidedReading> = readings.iter().map(|one| subject.view.register(one)).collect();
    Frame::new().inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
        ui.horizontal(|ui| {
            let newest = readings.iter().map(|reading| reading.read_at).max();
            let words = newest.map_or_else(String::new, |at| {
                format!("{}, the newest read {}", counted(readings.len(), "value"), instant(at, subject.zone))
            });
            ui.label(small(ui, words));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui
                    .add(
                        Act::quiet("Copy").icon(Icon::Copy).small().hint("Copy the table, for a spreadsheet"),
                    )
                    .clicked()
                {
                    ui.copy_text(copied(&sided));
                    cx.notices.done(format!("Copied {}", counted(readings.len(), "register")));
                }
            });
        });
    });
    table(ui, subject, &sided);
}

/// A register's value as it is shown, and its unit.
fn shown(reading: &RegisterReading) -> (String, String) {
    match &reading.value {
        ReadingValue::Number(value) => (text(*value, reading.unit), symbol(reading.unit)),
        other => (other.text().unwrap_or_else(|| "–".to_owned()), String::new()),
    }
}

pub(super) fn table(ui: &mut Ui, subject: &Subject<'_>, readings: &[SidedReading]) {
    let values: Vec<(String, String)> = readings.iter().map(|sided| shown(&sided.reading)).collect();
    let numeric = |at: usize| {
        readings.get(at).is_some_and(|sided| matches!(sided.reading.value, ReadingValue::Number(_)))
    };
    let most = values
        .iter()
        .enumerate()
        .filter(|(at, _)| numeric(*at))
        .map(|(_, (text, _))| places(text))
        .max()
        .unwrap_or(0);
    let name_width = if ui.available_width() < NARROW_TABLE { 224.0 } else { 320.0 };
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        let t = tokens(ui);
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let table = TableBuilder::new(ui)
            .id_salt("registers")
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::initial(name_width).at_least(160.0).resizable(true).clip(true))
            .column(Column::exact(132.0))
            .column(Column::initial(180.0).at_least(120.0).resizable(true).clip(true))
            .column(Column::exact(72.0))
            .column(Column::exact(96.0))
            .column(Column::initial(168.0).clip(true))
            .column(Column::remainder().at_least(140.0).clip(true));
        let titles = ["Register", "OBIS", "Value", "Unit", "Side", "Meter's own stamp", "Read"];
        let table = table.header(ROW + 4.0, |mut header| {
            for (at, text) in titles.into_iter().enumerate() {
                header.col(|ui| title(ui, text, at == 2));
            }
        });
        table.body(|body| {
            body.rows(ROW, readings.len(), |mut row| {
                let at = row.index();
                let (Some(sided), Some((value, unit))) = (readings.get(at), values.get(at)) else { return };
                let SidedReading { reading, missing } = sided;
                let mut cell = |text: &str, ink: egui::Color32| {
                    row.col(|ui| {
                        ui.add_space(12.0);
                        ui.add(Label::new(RichText::new(text).color(ink)).truncate());
                    });
                };
                cell(&reading.name, t.text.0);
                cell(&reading.obis.short(), t.text_secondary.0);
                row.col(|ui| match missing {
                    None => number(ui, value, if numeric(at) { most } else { places(value) }, t.text.0),
                    Some(reason) => {
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            ui.add_space(12.0);
                            let words = RichText::new("Not converted").color(t.warn.0);
                            ui.add(Label::new(words).truncate()).on_hover_text(format!("{reason}"));
                        });
                    }
                });
                let side = if Transformers::change(reading.unit) { reading.side.name() } else { "" };
                let stamp = reading.stamp.map(|(_, at)| instant(at, subject.zone)).unwrap_or_default();
                let read = instant(reading.read_at, subject.zone);
                for (text, size) in [
                    (unit.as_str(), SIZES[1]),
                    (side, SIZES[1]),
                    (stamp.as_str(), SIZES[1]),
                    (read.as_str(), SIZES[1]),
                ] {
                    row.col(|ui| {
                        ui.add_space(12.0);
                        ui.add(
                            Label::new(RichText::new(text).size(size).color(t.text_secondary.0)).truncate(),
                        );
                    });
                }
            });
        });
    });
}

/// Plain digits in the meter's own unit, tab-separated.
fn copied(readings: &[SidedReading]) -> String {
    let mut out = "OBIS\tRegister\tValue\tUnit\tSide\tRead at\n".to_owned();
    for SidedReading { reading, .. } in readings {
        let value = reading.value.text().unwrap_or_default();
        out.push_str(&format!(
            "{}\t{}\t{value}\t{}\t{}\t{}\n",
            reading.obis,
            reading.name,
            reading.unit,
            reading.side.name(),
            reading.read_at
        ));
    }
    out
}
