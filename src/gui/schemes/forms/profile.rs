//! Load profile.

use egui::Ui;

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{secondary, section, small};
use crate::scheme::{Source, say};

use super::parts::{Named, Spot, list_head, minutes, periods, pick, tick};
use super::references::source_choices;
use super::rows::{Row, apply, rows};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of(editing, "profile.period_minutes");
    let choices = periods(&editing.limits.profile_periods_minutes);
    let profile = &mut editing.document.profile;
    pick(ui, Named::Above("Period"), &spot, 240.0, &mut profile.period_minutes, &choices, minutes);
    if let Some(a_day) = 1440_u32.checked_div(profile.period_minutes) {
        ui.label(small(ui, format!("{a_day} records a day, stamped with the end of their interval")));
    }
    section(ui, "Stamps");
    let spot = Spot::of(editing, "profile.follows_dst");
    let meaning = "Otherwise they stay in standard time, and every day has 24 hours";
    let profile = &mut editing.document.profile;
    tick(ui, &spot, "Stamps follow daylight saving", meaning, &mut profile.follows_dst);
    channels(ui, editing);
}

fn channels(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of_list(editing, "profile.channels");
    let (used, limit) = (editing.document.profile.channels.len(), editing.limits.profile_channels);
    let choices = source_choices(editing.document);
    let channels = &mut editing.document.profile.channels;
    if list_head(ui, "Channels", &spot, used, limit, "Add channel", "profile channels") {
        let free = choices.iter().map(|(source, _)| *source).find(|source| !channels.contains(source));
        channels.push(free.unwrap_or(Source::ActiveImport));
    }
    if channels.is_empty() {
        ui.label(secondary(ui, "None: nothing is recorded"));
    }
    let lines: Vec<Row> = channels.iter().map(|source| Row::named(say::word(source))).collect();
    let act = rows(ui, "profile channels", &lines, |ui, index, _| {
        let spot = Spot::of(editing, format!("profile.channels[{index}]"));
        let name = format!("Channel {}", index + 1);
        if let Some(channel) = editing.document.profile.channels.get_mut(index) {
            pick(ui, Named::Hidden(&name), &spot, 280.0, channel, &choices, say::word);
        }
    });
    if let Some(act) = act {
        apply(&mut editing.document.profile.channels, act, |source| *source);
    }
}
