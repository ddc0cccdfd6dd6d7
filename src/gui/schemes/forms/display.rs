//! Display lists.

use egui::{Label, Ui};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{combo, secondary, small};
use crate::model::Obis;
use crate::scheme::{Document, Source, say};

use super::parts::{Named, Reading, Spot, forget, list_head, number, typed};
use super::registers::read_obis;
use super::rows::{Row, apply, rows};

/// What meters usually show besides registers: date and time, serial number, tests of the display, voltages, currents,
/// powers (IEC 62056-61).
const USUAL: [[u8; 6]; 17] = [
    [0, 0, 1, 0, 0, 255],
    [0, 0, 96, 1, 0, 255],
    [0, 0, 96, 14, 0, 255],
    [1, 0, 0, 2, 2, 255],
    [1, 0, 0, 4, 2, 255],
    [1, 0, 0, 4, 3, 255],
    [1, 0, 32, 7, 0, 255],
    [1, 0, 52, 7, 0, 255],
    [1, 0, 72, 7, 0, 255],
    [1, 0, 31, 7, 0, 255],
    [1, 0, 51, 7, 0, 255],
    [1, 0, 71, 7, 0, 255],
    [1, 0, 1, 7, 0, 255],
    [1, 0, 2, 7, 0, 255],
    [1, 0, 3, 7, 0, 255],
    [1, 0, 13, 7, 0, 255],
    [1, 0, 14, 7, 0, 255],
];

/// What can be put on the display: the scheme's registers, the totals of its sources, and what meters usually show.
fn offered(document: &Document) -> Vec<Obis> {
    let registers = &document.registers;
    let mut all: Vec<Obis> = registers.energy.iter().map(|register| register.obis).collect();
    all.extend(registers.demand.iter().map(|register| register.obis));
    let sources = registers.energy.iter().map(|register| register.source);
    let totals = sources.filter_map(Source::obis_c).map(|c| Obis::new(1, 0, c, 8, 0, 255));
    all.extend(totals);
    all.extend(USUAL.iter().map(|[a, b, c, d, e, f]| Obis::new(*a, *b, *c, *d, *e, *f)));
    let mut seen = std::collections::HashSet::new();
    all.retain(|obis| seen.insert(*obis));
    all
}

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of(editing, "display.seconds");
    let named = Named::Above("Seconds that each item stands");
    number(ui, named, &spot, 96.0, 1..=255, &mut editing.document.display.seconds);
    let words = "These follow each other by themselves";
    list(ui, editing, "display.auto", "Automatic list", words, |document| &mut document.display.auto);
    ui.add_space(8.0);
    let words = "The button steps through these";
    list(ui, editing, "display.manual", "Button list", words, |document| &mut document.display.manual);
}

fn list(
    ui: &mut Ui,
    editing: &mut Editing<'_>,
    place: &str,
    title: &str,
    words: &str,
    items: fn(&mut Document) -> &mut Vec<Obis>,
) {
    let spot = Spot::of_list(editing, place);
    let limit = editing.limits.display_items;
    let used = items(editing.document).len();
    let full = used >= usize::try_from(limit).unwrap_or(usize::MAX);
    if list_head(
        ui,
        title,
        &spot,
        used,
        limit,
        &format!("Add code to {}", title.to_lowercase()),
        "display items",
    ) {
        let free = offered(editing.document).into_iter().find(|one| !items(editing.document).contains(one));
        items(editing.document).push(free.unwrap_or(Obis::new(1, 0, 1, 8, 0, 255)));
    }
    ui.label(small(ui, words));
    let there = items(editing.document).clone();
    let lines: Vec<Row> =
        there.iter().map(|obis| Row::named(say::display_item(editing.document, *obis))).collect();
    let act = rows(ui, place, &lines, |ui, index, width| {
        let spot = Spot::of(editing, format!("{place}[{index}]"));
        let name =
            there.get(index).map(|obis| say::display_item(editing.document, *obis)).unwrap_or_default();
        let Some(obis) = items(editing.document).get_mut(index) else { return };
        ui.horizontal_top(|ui| {
            let reading = Reading {
                hint: "1-0:1.8.0",
                width: 120.0,
                show: &|obis: &Obis| obis.short(),
                read: &read_obis,
            };
            let label = format!("OBIS code {} of {}", index + 1, title.to_lowercase());
            typed(ui, Named::Hidden(&label), &spot, &reading, obis);
            ui.vertical(|ui| {
                ui.set_max_width((width - 136.0).max(80.0));
                ui.add_space(5.0);
                ui.add(Label::new(&name).truncate());
            });
        });
    });
    if there.is_empty() {
        ui.label(secondary(ui, "Nothing is shown"));
    }
    if let Some(act) = act {
        for index in 0..there.len() {
            forget(ui, &format!("{place}[{index}]"));
        }
        apply(items(editing.document), act, |obis| *obis);
    }
    if !full {
        chooser(ui, editing, place, title, items);
    }
}

/// A list of what can be shown, by plain name.
fn chooser(
    ui: &mut Ui,
    editing: &mut Editing<'_>,
    place: &str,
    title: &str,
    items: fn(&mut Document) -> &mut Vec<Obis>,
) {
    let there = items(editing.document).clone();
    let document = &mut *editing.document;
    let choices: Vec<Obis> = offered(document).into_iter().filter(|obis| !there.contains(obis)).collect();
    let name = format!("Add an item to {}", title.to_lowercase());
    let mut added = None;
    combo(ui, place, &name, 320.0, "Add a register or a usual item", |ui| {
        for obis in choices {
            let text = format!("{}  {}", say::display_item(document, obis), obis.short());
            if ui.selectable_label(false, text).clicked() {
                added = Some(obis);
            }
        }
    });
    items(document).extend(added);
}
