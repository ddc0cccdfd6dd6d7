//! The records of one job: a table, and the chosen record in full.

use std::collections::BTreeSet;

use egui::{
    Align, Event, Frame, Key, Label, Layout, Margin, Panel, RichText, Role, ScrollArea, Sense, Ui, Vec2,
    WidgetInfo,
};
use egui_extras::{Column, TableBuilder};
use jiff::Timestamp;

use crate::comms::JobId;
use crate::comms::trace::hex;
use crate::gui::context::AppCtx;
use crate::gui::data::Traffic;
use crate::gui::theme::{Icon, ROW, SIZES, mono, strong, tokens};
use crate::gui::widgets::{Act, combo, empty, section, segmented, small};
use crate::model::MeterId;

/// Octets a line of the dump.
const LINE: usize = 16;

/// What stands in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Show {
    #[default]
    Decoded,
    Octets,
}

/// The records' own state.
#[derive(Debug, Default)]
pub(super) struct Records {
    chosen: usize,
    show: Show,
    scroll: bool,
}

impl Records {
    /// Draws them.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        job: i64,
        traffic: &[Traffic],
        meter: &mut Option<MeterId>,
    ) {
        if traffic.is_empty() {
            let running = cx.jobs.get(JobId(job)).is_some_and(|job| job.ended.is_none());
            let text = if running {
                "The job runs: the traffic of each session is stored when it ends."
            } else {
                "Its sessions sent and received nothing, or its traffic was not kept."
            };
            empty(ui, Icon::Trace, "No traffic is stored of this job", text, |_| {});
            return;
        }
        let seen: Vec<&Traffic> =
            traffic.iter().filter(|one| meter.is_none_or(|id| one.meter == id)).collect();
        self.chosen = self.chosen.min(seen.len().saturating_sub(1));
        let t = tokens(ui);
        let frame = Frame::new().fill(t.canvas.0).inner_margin(Margin::symmetric(16, 12));
        Panel::top("trace toolbar").show_separator_line(false).frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(strong(format!("Job {job}")));
                chooser(ui, cx, traffic, meter);
                segmented(
                    ui,
                    "show",
                    &mut self.show,
                    &[(Show::Decoded, "Decoded"), (Show::Octets, "Octets")],
                );
                ui.label(small(ui, format!("{} records", seen.len())));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui
                        .add(
                            Act::plain("Copy all")
                                .icon(Icon::Copy)
                                .hint("Copy these records with octets and layers; secrets are masked"),
                        )
                        .clicked()
                    {
                        ui.copy_text(seen.iter().map(|one| as_text(one)).collect::<Vec<_>>().join("\n"));
                        cx.notices.done(format!("Copied {} records", seen.len()));
                    }
                });
            });
        });
        let frame = Frame::new().fill(t.surface.0).inner_margin(Margin::symmetric(16, 8));
        Panel::bottom("record")
            .resizable(true)
            .default_size((ui.available_height() * 0.45).clamp(120.0, 280.0))
            .size_range(120.0..=560.0)
            .frame(frame)
            .show(ui, |ui| {
                if let Some(one) = seen.get(self.chosen) {
                    record(ui, one);
                }
            });
        self.keys(ui, seen.len());
        self.table(ui, &seen);
    }

    fn keys(&mut self, ui: &Ui, count: usize) {
        if ui.memory(|memory| memory.focused().is_some()) {
            return;
        }
        for event in ui.input(|input| input.events.clone()) {
            let Event::Key { key, pressed: true, .. } = event else { continue };
            let next = match key {
                Key::ArrowDown => (self.chosen + 1).min(count.saturating_sub(1)),
                Key::ArrowUp => self.chosen.saturating_sub(1),
                _ => continue,
            };
            self.scroll = next != self.chosen;
            self.chosen = next;
        }
    }

    fn table(&mut self, ui: &mut Ui, seen: &[&Traffic]) {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let start = seen.first().map(|one| one.record.at);
        let mut table = TableBuilder::new(ui)
            .id_salt("records")
            .sense(Sense::CLICK)
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(104.0))
            .column(Column::exact(72.0))
            .column(Column::exact(72.0))
            .column(Column::remainder().at_least(200.0).clip(true));
        if std::mem::take(&mut self.scroll) {
            table = table.scroll_to_row(self.chosen, None);
        }
        let titles = [
            "Time, s",
            "Direction",
            "Octets",
            if self.show == Show::Decoded { "What" } else { "Octets in hex" },
        ];
        let table = table.header(ROW + 4.0, |mut header| {
            for (number, text) in titles.into_iter().enumerate() {
                header.col(|ui| title(ui, text, number == 0 || number == 2));
            }
        });
        table.body(|body| {
            body.rows(ROW, seen.len(), |mut row| {
                let at = row.index();
                let Some(one) = seen.get(at) else { return };
                row.set_selected(at == self.chosen);
                row.col(|ui| right(ui, &elapsed(start, one.record.at)));
                row.col(|ui| direction(ui, one));
                let octets = one.record.note.is_none().then(|| one.record.bytes.len().to_string());
                row.col(|ui| right(ui, &octets.unwrap_or_default()));
                row.col(|ui| what(ui, one, self.show));
                let response = row.response();
                let name = format!("Record {}", at + 1);
                response.widget_info(|| WidgetInfo::selected(Role::Row, true, at == self.chosen, &name));
                if response.clicked() {
                    self.chosen = at;
                }
            });
        });
    }
}

fn title(ui: &mut Ui, text: &str, right: bool) {
    let t = tokens(ui);
    let rect = ui.max_rect();
    ui.painter().rect_filled(rect, 0.0, t.sunken.0);
    let layout =
        if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    ui.with_layout(layout, |ui| {
        ui.add_space(12.0);
        ui.add(Label::new(strong(text).size(SIZES[0]).color(t.text_secondary.0)).truncate());
    });
}

fn right(ui: &mut Ui, text: &str) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(12.0);
        ui.label(text);
    });
}

/// Seconds since the first record, to the millisecond.
fn elapsed(start: Option<Timestamp>, at: Timestamp) -> String {
    let ms = start.map_or(0, |start| at.as_millisecond() - start.as_millisecond()).max(0);
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn direction(ui: &mut Ui, one: &Traffic) {
    let t = tokens(ui);
    ui.add_space(12.0);
    if one.record.note.is_some() {
        return;
    }
    let (icon, ink, word) = if one.record.sent {
        (Icon::ChevronRight, t.accent.0, "sent")
    } else {
        (Icon::ChevronLeft, t.good.0, "got")
    };
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
    icon.paint(ui.painter(), rect, 10.0, ink);
    ui.add_space(4.0);
    ui.label(RichText::new(word).color(ink));
}

fn what(ui: &mut Ui, one: &Traffic, show: Show) {
    let t = tokens(ui);
    ui.add_space(12.0);
    if let Some(note) = &one.record.note {
        ui.add(Label::new(RichText::new(note).color(t.text_secondary.0)).truncate());
        return;
    }
    if show == Show::Octets {
        ui.add(Label::new(mono(hex(&one.record.bytes, &one.record.masked))).truncate());
        return;
    }
    let summaries: Vec<String> =
        one.layers.iter().map(|layer| format!("{}: {}", layer.name, layer.summary)).collect();
    let text = if summaries.is_empty() { "part of a message".to_owned() } else { summaries.join("  ·  ") };
    let ink = if one.layers.is_empty() { t.text_secondary.0 } else { t.text.0 };
    ui.add(Label::new(RichText::new(text).color(ink)).truncate());
}

fn chooser(ui: &mut Ui, cx: &mut AppCtx, traffic: &[Traffic], meter: &mut Option<MeterId>) {
    let meters: BTreeSet<MeterId> = traffic.iter().map(|one| one.meter).collect();
    let rows = cx.meters().ready().unwrap_or_default();
    let name = |id: MeterId| {
        rows.iter()
            .find(|row| row.id == id)
            .map_or_else(|| format!("Meter {}", id.0), |row| row.config.name.clone())
    };
    let current = meter.map_or_else(|| "All meters".to_owned(), name);
    combo(ui, "meter of the trace", "Meter of the trace", 200.0, current, |ui| {
        ui.selectable_value(meter, None, "All meters");
        for id in meters {
            ui.selectable_value(meter, Some(id), name(id));
        }
    });
}

fn record(ui: &mut Ui, one: &Traffic) {
    ScrollArea::both().id_salt("record").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let t = tokens(ui);
        ui.label(small(ui, one.record.at.to_string()));
        if let Some(note) = &one.record.note {
            ui.label(note);
            return;
        }
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                section(ui, "Layers");
                if one.layers.is_empty() {
                    ui.label(small(
                        ui,
                        "Nothing became whole with this record: its message goes on in the next.",
                    ));
                }
                for layer in &one.layers {
                    ui.horizontal(|ui| {
                        ui.label(strong(layer.name));
                        ui.add(Label::new(&layer.summary).selectable(true).extend());
                    });
                    for detail in &layer.details {
                        ui.add(
                            Label::new(mono(format!("  {detail}")).color(t.text_secondary.0))
                                .selectable(true)
                                .extend(),
                        );
                    }
                }
            });
            ui.add_space(24.0);
            ui.vertical(|ui| {
                section(ui, "Octets");
                for line in dump(&one.record.bytes, &one.record.masked) {
                    ui.add(Label::new(mono(line)).selectable(true).extend());
                }
            });
        });
    });
}

/// `0010  7E A0 …  ~.`: offset, octets, characters; what is masked stays masked in all of them.
fn dump(bytes: &[u8], masked: &[(u32, u32)]) -> Vec<String> {
    let all = hex(bytes, masked);
    let octets: Vec<&str> = all.split(' ').filter(|octet| !octet.is_empty()).collect();
    let line = |(number, pairs): (usize, &[&str])| {
        let character = |(at, pair): (usize, &&str)| {
            let byte = bytes
                .get(number * LINE + at)
                .copied()
                .filter(|byte| byte.is_ascii_graphic() || *byte == b' ');
            if *pair == "**" { '*' } else { byte.map_or('.', char::from) }
        };
        let text: String = pairs.iter().enumerate().map(character).collect();
        format!("{:04X}  {:<width$}  {text}", number * LINE, pairs.join(" "), width = LINE * 3 - 1)
    };
    octets.chunks(LINE).enumerate().map(line).collect()
}

fn as_text(one: &Traffic) -> String {
    let direction = if one.record.sent { ">" } else { "<" };
    if let Some(note) = &one.record.note {
        return format!("{} # {note}", one.record.at);
    }
    let mut lines =
        vec![format!("{} {direction} {}", one.record.at, hex(&one.record.bytes, &one.record.masked))];
    lines.extend(one.layers.iter().flat_map(|layer| layer.lines()).map(|line| format!("    {line}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_octets_stay_masked_in_hex_and_characters() {
        let lines = dump(b"7E user MARKED 7E", &[(8, 6)]);
        assert_eq!(
            lines,
            [
                "0000  37 45 20 75 73 65 72 20 ** ** ** ** ** ** 20 37  7E user ****** 7",
                "0010  45                                               E",
            ]
        );
    }

    #[test]
    fn times_are_told_from_the_first_record() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        assert_eq!(elapsed(Some(at(1_000)), at(3_042)), "2.042");
        assert_eq!(elapsed(None, at(3_042)), "0.000");
    }
}
