//! The meters of a campaign as a table: which, in which phase, with what result.

use egui::{Align, Label, Layout, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::gui::data::CampaignLine;
use crate::gui::theme::{Icon, ROW, SIZES, strong, tokens};
use crate::gui::widgets::{Tone, empty, progress_bar, secondary, segmented};

use super::campaign::CampaignPage;
use super::lines::{Kind, Line, count};

/// Where there is less room, columns stand closer.
const NARROW: f32 = 760.0;

impl CampaignPage {
    /// What the table can be narrowed to, with how many there are of each.
    pub(super) fn filters(&mut self, ui: &mut Ui, all: &[Line]) {
        let words = |kind, name: &str| (Some(kind), format!("{name} {}", count(all, kind)));
        let choices = [
            (None, format!("All {}", all.len())),
            words(Kind::Failed, "Failed"),
            words(Kind::Unreachable, "Not reached"),
            words(Kind::Running, "Running"),
            words(Kind::Waiting, "Waiting"),
            words(Kind::Done, "Done"),
        ];
        let choices: Vec<_> = choices.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
        segmented(ui, "which meters", &mut self.filter, &choices);
    }

    /// Draws the table.
    pub(super) fn table(&mut self, ui: &mut Ui, meters: &[CampaignLine], all: &[Line]) {
        let each = meters.iter().zip(all);
        let shown: Vec<_> =
            each.filter(|(_, line)| self.filter.is_none_or(|kind| line.kind == kind)).collect();
        if shown.is_empty() {
            let text = "No meter of this campaign stands so at present.";
            empty(ui, Icon::Firmware, "None", text, |_| {});
            return;
        }
        let is_timed = shown.iter().any(|(_, line)| line.seconds_left.is_some());
        let is_narrow = ui.available_width() < NARROW;
        ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            ui.visuals_mut().selection.bg_fill = tokens(ui).accent_soft.0;
            self.rows(ui, &shown, is_timed, is_narrow);
        });
    }

    fn rows(&mut self, ui: &mut Ui, shown: &[(&CampaignLine, &Line)], is_timed: bool, is_narrow: bool) {
        let t = tokens(ui);
        let mut table = TableBuilder::new(ui)
            .id_salt("meters of the campaign")
            .sense(Sense::CLICK)
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center));
        let widths = if is_narrow { [136.0, 64.0, 120.0] } else { [160.0, 64.0, 180.0] };
        for width in widths {
            table = table.column(Column::initial(width).at_least(48.0).clip(true));
        }
        table = table.column(Column::remainder().at_least(200.0).clip(true)).column(Column::exact(176.0));
        let mut titles = vec!["Meter", "Wave", "Phase", "Result", "Blocks"];
        if is_timed {
            table = table.column(Column::exact(88.0));
            titles.push("Left");
        }
        let table = table.header(ROW + 4.0, |mut header| {
            for title in &titles {
                header.col(|ui| {
                    ui.painter().rect_filled(ui.max_rect(), 0.0, t.sunken.0);
                    ui.add_space(12.0);
                    ui.add(Label::new(strong(*title).size(SIZES[0]).color(t.text_secondary.0)).truncate());
                });
            }
        });
        table.body(|body| {
            body.rows(ROW, shown.len(), |mut row| {
                if let Some((meter, line)) = shown.get(row.index()) {
                    self.row(&mut row, meter, line, is_timed);
                }
            });
        });
    }

    fn row(&mut self, row: &mut TableRow<'_, '_>, meter: &CampaignLine, line: &Line, is_timed: bool) {
        let on = self.chosen == Some(meter.meter.meter);
        row.set_selected(on);
        let mut text = |text: String, tone: Tone| {
            row.col(|ui| {
                ui.add_space(12.0);
                let ink = if tone == Tone::Plain { tokens(ui).text.0 } else { tone.colours(ui).0 };
                ui.add(Label::new(egui::RichText::new(&text).color(ink)).truncate());
            });
        };
        let wave = meter.meter.wave;
        text(meter.meter.name.clone(), Tone::Plain);
        text(if wave == 0 { "Canary".to_owned() } else { wave.to_string() }, Tone::Plain);
        text(line.phase.in_words().to_owned(), Tone::Plain);
        let tone = match line.kind {
            Kind::Failed => Tone::Bad,
            Kind::Unreachable => Tone::Warn,
            Kind::Done => Tone::Good,
            Kind::Running => Tone::Accent,
            Kind::Waiting => Tone::Plain,
        };
        text(line.result.clone(), tone);
        row.col(|ui| {
            ui.add_space(12.0);
            blocks(ui, line.blocks);
        });
        if is_timed {
            row.col(|ui| {
                ui.add_space(12.0);
                ui.label(line.seconds_left.map(minutes).unwrap_or_default());
            });
        }
        let response = row.response();
        let name = format!("{}: {}, {}", meter.meter.name, line.phase.in_words(), line.result);
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, on, &name));
        if response.clicked() {
            self.chosen = if on { None } else { Some(meter.meter.meter) };
        }
    }
}

/// How long, in minutes and seconds.
pub(super) fn minutes(seconds: u64) -> String {
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

/// How many blocks a meter has, as a bar and in figures.
fn blocks(ui: &mut Ui, (done, of): (u32, u32)) {
    if of == 0 {
        return;
    }
    #[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
    let part = done as f32 / of as f32;
    progress_bar(ui, Some(part), 72.0, &format!("{done} of {of} blocks"));
    ui.add_space(8.0);
    ui.add(Label::new(secondary(ui, format!("{done} of {of}"))).truncate());
}
