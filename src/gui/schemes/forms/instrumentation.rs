//! Instrumentation profile: quantities by phase, and which value of a period is kept.

use egui::Ui;

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::secondary;
use crate::scheme::{InstrumentationChannel, Keep, Measurand, Phase, say};

use super::parts::{Named, Spot, beside, list_head, minutes, periods, pick};
use super::rows::{Leave, Row, apply, rows};

fn words<T: Copy>(all: &[T], word: impl Fn(&T) -> String) -> Vec<(T, String)> {
    all.iter().map(|one| (*one, word(one))).collect()
}

/// A channel that is not there yet, beginning with what is beside the last one.
fn free_channel(channels: &[InstrumentationChannel]) -> InstrumentationChannel {
    let last = channels.last().copied();
    let usual =
        InstrumentationChannel { quantity: Measurand::Voltage, phase: Phase::L1, keep: Keep::Average };
    let start = last.unwrap_or(usual);
    let quantities = Measurand::ALL.iter().copied();
    let all = std::iter::once(start.quantity).chain(quantities).flat_map(|quantity| {
        let phases = Phase::ALL.iter().copied();
        phases.map(move |phase| InstrumentationChannel { quantity, phase, keep: start.keep })
    });
    let mut all = all.filter(|channel| !channels.contains(channel));
    all.next().unwrap_or(usual)
}

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of(editing, "instrumentation.period_minutes");
    let choices = periods(&editing.limits.profile_periods_minutes);
    let period = &mut editing.document.instrumentation.period_minutes;
    pick(ui, Named::Above("Period"), &spot, 240.0, period, &choices, minutes);
    let spot = Spot::of_list(editing, "instrumentation.channels");
    let limit = editing.limits.instrumentation_channels;
    let channels = &mut editing.document.instrumentation.channels;
    let used = channels.len();
    if list_head(ui, "Channels", &spot, used, limit, "Add channel", "instrumentation channels") {
        channels.push(free_channel(channels));
    }
    if channels.is_empty() {
        ui.label(secondary(ui, "None: no voltages, currents or powers are recorded"));
    }
    let full = used >= usize::try_from(limit).unwrap_or(usize::MAX);
    let again = if full {
        Leave::Refused(format!("This meter model holds {limit} instrumentation channels"))
    } else {
        Leave::Free("with the next value to keep".to_owned())
    };
    let row = |channel: &InstrumentationChannel| Row {
        duplicate: again.clone(),
        ..Row::named(say::channel(*channel))
    };
    let lines: Vec<Row> = channels.iter().map(row).collect();
    let act = rows(ui, "instrumentation channels", &lines, |ui, index, _| one(ui, editing, index));
    if let Some(act) = act {
        let channels = &mut editing.document.instrumentation.channels;
        let there = channels.clone();
        apply(channels, act, |channel| {
            let others = Keep::ALL.iter().map(|keep| InstrumentationChannel { keep: *keep, ..*channel });
            let mut free = others.filter(|other| !there.contains(other));
            free.next().unwrap_or_else(|| free_channel(&there))
        });
    }
}

fn one(ui: &mut Ui, editing: &mut Editing<'_>, index: usize) {
    let spot = Spot::of(editing, format!("instrumentation.channels[{index}]"));
    let Some(channel) = editing.document.instrumentation.channels.get_mut(index) else { return };
    let nth = index + 1;
    beside(ui, 448.0, |ui| {
        let quantities = words(Measurand::ALL, say::word);
        let name = format!("Quantity of channel {nth}");
        let at = spot.part("quantity");
        pick(ui, Named::Hidden(&name), &at, 144.0, &mut channel.quantity, &quantities, say::word);
        let phases = words(Phase::ALL, |phase| say::phase(*phase));
        let name = format!("Phase of channel {nth}");
        pick(ui, Named::Hidden(&name), &spot.part("phase"), 176.0, &mut channel.phase, &phases, |phase| {
            say::phase(*phase)
        });
        let keeps = words(Keep::ALL, say::word);
        let name = format!("Value kept of channel {nth}");
        pick(ui, Named::Hidden(&name), &spot.part("keep"), 112.0, &mut channel.keep, &keeps, say::word);
    });
    spot.remarks(ui, None);
}
