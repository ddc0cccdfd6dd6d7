//! The summary at the side.

use egui::{ScrollArea, Ui};

use crate::gui::theme::{SIZES, strong, tokens};
use crate::gui::widgets::{Tone, badge, instant, key_value, loading, number, secondary, section, small};
use crate::model::Transformers;
use crate::store::StoredProfile;

use super::Subject;
use super::axis::interval_end;
use super::figures::{Figures, Shown, symbol, text};

/// Draws it.
pub(super) fn ui(ui: &mut Ui, subject: &Subject<'_>, profile: &StoredProfile, figures: Option<&Figures>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let Some(figures) = figures else {
            loading(ui, "the summary");
            return;
        };
        for (number, shown) in figures.shown.iter().enumerate() {
            if number > 0 {
                ui.add_space(12.0);
            }
            channel(ui, subject, shown);
        }
        section(ui, "Quality");
        let missing = figures.missing();
        let stored = figures.slice.rows.len();
        key_value(ui, "Intervals", number(stored));
        if missing > 0 {
            ui.horizontal(|ui| badge(ui, &format!("{missing} missing"), Tone::Bad));
        }
        let flagged = figures.shown.first().map_or(0, |shown| shown.summary.flagged);
        if flagged > 0 {
            ui.horizontal(|ui| badge(ui, &format!("{flagged} flagged"), Tone::Warn));
        }
        if missing == 0 && flagged == 0 && stored > 0 {
            ui.horizontal(|ui| badge(ui, "Complete, no flags", Tone::Good));
        }
        if let Some(first) = figures.shown.first() {
            for (quality, count) in &first.summary.quality {
                key_value(ui, quality.name(), number(*count));
            }
        }
        let replaced = figures.slice.superseded.len();
        if replaced > 0 {
            key_value(ui, "Replaced", number(replaced));
            ui.label(small(ui, "Older versions of these intervals are kept beside the new ones."));
        }
        section(ui, "About the figures");
        let minutes = profile.layout.period_seconds / 60;
        let period = if minutes > 0 { format!("{minutes} min") } else { "By event".to_owned() };
        key_value(ui, "Interval", period);
        key_value(ui, "Stamp", "Interval end");
        key_value(ui, "Time zone", subject.zone_name.to_owned());
        key_value(ui, "Profile", profile.layout.obis.short());
    });
}

fn channel(ui: &mut Ui, subject: &Subject<'_>, shown: &Shown) {
    let t = tokens(ui);
    let unit = shown.series.unit;
    let summary = &shown.summary;
    ui.label(strong(&shown.series.name));
    let side = if Transformers::change(unit) { shown.channel.side.name() } else { "untransformed" };
    let mut words = format!("{side} figures");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    ui.label(small(ui, words));
    if let Some((count, reason)) = &shown.not_converted {
        ui.horizontal(|ui| {
            badge(ui, &format!("{} not converted", number(*count)), Tone::Warn)
                .on_hover_text(reason.to_string());
        });
        ui.add(egui::Label::new(small(ui, format!("{reason}."))).wrap());
    }
    ui.add_space(2.0);
    let big = |ui: &mut Ui, title: &str, value: String, unit: &str| {
        ui.label(secondary(ui, title).size(SIZES[0]));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.add(egui::Label::new(strong(value).size(SIZES[2]).color(t.text.0)).selectable(true));
            ui.label(secondary(ui, unit));
        });
    };
    if let Some(total) = summary.total {
        let title = if shown.not_converted.is_some() { "Total of what is converted" } else { "Total" };
        big(ui, title, text(total, unit), &symbol(unit));
    }
    if !shown.parts.is_empty() {
        ui.label(secondary(ui, "By ratio").size(SIZES[0]));
        for (from, _, sum) in &shown.parts {
            let sum =
                sum.map_or_else(|| "–".to_owned(), |sum| format!("{} {}", text(sum, unit), symbol(unit)));
            ui.label(small(ui, format!("from {}", instant(*from, subject.zone))));
            ui.label(sum);
        }
    }
    if let Some((highest, at)) = summary.highest {
        let title = if shown.series.adds_up { "Highest interval" } else { "Highest" };
        big(ui, title, text(highest, unit), &symbol(unit));
        ui.label(small(ui, format!("interval ending {}", interval_end(at, subject.zone))));
    }
    if let Some((lowest, at)) = summary.lowest.filter(|_| !shown.series.adds_up) {
        key_value(ui, "Lowest", format!("{} {}", text(lowest, unit), symbol(unit)));
        ui.label(small(ui, format!("interval ending {}", interval_end(at, subject.zone))));
    }
    if let Some(tenths) = summary.load_factor {
        ui.add_space(4.0);
        key_value(ui, "Load factor", format!("{}.{} %", tenths / 10, tenths % 10));
    }
    if summary.intervals == 0 {
        ui.label(secondary(ui, "No figures in this stretch"));
    }
}
