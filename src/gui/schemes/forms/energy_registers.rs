//! Time-of-use registers.

use egui::{Color32, Rect, Ui, Vec2};

use crate::gui::schemes::editing::Editing;
use crate::gui::schemes::pattern;
use crate::gui::theme::CONTROL;
use crate::gui::widgets::{combo, secondary};
use crate::scheme::{Colour, Document, EnergyRegister, Source, say};

use super::parts::{Named, Spot, beside, list_head, pick, text};
use super::references::{self, free_id, rename, source_choices};
use super::registers::{follow_source, id_field, obis_field, usage, usual_obis};
use super::rows::{Leave, Row, RowAct, apply, rows};

const ENERGY: u8 = 8;

/// Colours that stay apart for the colour-blind (Okabe and Ito, with Tol's for the ninth to twelfth).
const PALETTE: [(&str, [u8; 3]); 12] = [
    ("Blue", [0x00, 0x72, 0xb2]),
    ("Orange", [0xe6, 0x9f, 0x00]),
    ("Green", [0x00, 0x9e, 0x73]),
    ("Vermilion", [0xd5, 0x5e, 0x00]),
    ("Sky blue", [0x56, 0xb4, 0xe9]),
    ("Purple", [0xcc, 0x79, 0xa7]),
    ("Yellow", [0xf0, 0xe4, 0x42]),
    ("Indigo", [0x33, 0x22, 0x88]),
    ("Wine", [0x88, 0x22, 0x55]),
    ("Olive", [0x99, 0x99, 0x33]),
    ("Teal", [0x44, 0xaa, 0x99]),
    ("Grey", [0x7f, 0x7f, 0x7f]),
];

/// A palette colour that no register has yet.
fn free_colour(document: &Document) -> Colour {
    let taken =
        |colour: &[u8; 3]| document.registers.energy.iter().any(|register| register.colour.0 == *colour);
    let free = PALETTE.iter().map(|(_, colour)| colour).find(|colour| !taken(colour));
    Colour(free.copied().unwrap_or([0x7f, 0x7f, 0x7f]))
}

/// Draws them.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let count = editing.document.registers.energy.len();
    let spot = Spot::of_list(editing, "registers.energy");
    let limit = editing.limits.energy_registers;
    if list_head(ui, "Energy registers", &spot, count, limit, "Add energy register", "energy registers") {
        add(editing.document);
    }
    if editing.document.registers.energy.is_empty() {
        ui.label(secondary(ui, "None: nothing is counted by time of use"));
    }
    let full = count >= usize::try_from(limit).unwrap_or(usize::MAX);
    let lines: Vec<Row> = editing
        .document
        .registers
        .energy
        .iter()
        .map(|register| {
            let uses = references::uses(editing.document, &register.id);
            let also = if uses.is_empty() {
                String::new()
            } else {
                "also takes it out of the switching times".to_owned()
            };
            let duplicate = if full {
                Leave::Refused(format!("This meter model holds {limit} energy registers"))
            } else {
                Leave::Free(String::new())
            };
            Row { name: register.id.clone(), duplicate, remove: Leave::Free(also) }
        })
        .collect();
    let act = rows(ui, "energy", &lines, |ui, index, width| row(ui, editing, index, width));
    if let Some(act) = act {
        change(editing.document, act);
    }
}

fn add(document: &mut Document) {
    let source = document.registers.energy.last().map_or(Source::ActiveImport, |register| register.source);
    let register = EnergyRegister {
        id: free_id(document, 'R'),
        title: String::new(),
        source,
        obis: usual_obis(document, source, ENERGY),
        colour: free_colour(document),
    };
    document.registers.energy.push(register);
}

fn change(document: &mut Document, act: RowAct) {
    if let RowAct::Remove(index) = act
        && let Some(register) = document.registers.energy.get(index)
    {
        let id = register.id.clone();
        references::switch_off(document, &id);
    }
    let (id, colour) = (free_id(document, 'R'), free_colour(document));
    let source = match act {
        RowAct::Duplicate(index) => document.registers.energy.get(index).map(|register| register.source),
        _ => None,
    };
    let obis = usual_obis(document, source.unwrap_or(Source::ActiveImport), ENERGY);
    apply(&mut document.registers.energy, act, |register| EnergyRegister {
        id,
        colour,
        obis,
        ..register.clone()
    });
}

fn row(ui: &mut Ui, editing: &mut Editing<'_>, index: usize, width: f32) {
    let at = |editing: &Editing<'_>, key: &str| Spot::of(editing, format!("registers.energy[{index}].{key}"));
    let (id_spot, title_spot) = (at(editing, "id"), at(editing, "title"));
    let (source_spot, obis_spot, colour_spot) =
        (at(editing, "source"), at(editing, "obis"), at(editing, "colour"));
    let document = &mut *editing.document;
    let Some(register) = document.registers.energy.get(index) else { return };
    let old = register.clone();
    let mut new = old.clone();
    let mut renamed = None;
    ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
    beside(ui, 340.0, |ui| {
        colour_field(ui, document, &colour_spot, &old.id, &mut new.colour);
        renamed = id_field(ui, &id_spot, 80.0, &old.id, &references::ids(document)).1;
        let rest = (width - 80.0 - 136.0 - 24.0).max(96.0);
        text(ui, Named::Hidden(&format!("Title of {}", old.id)), &title_spot, "Night", rest, &mut new.title);
    });
    beside(ui, 336.0, |ui| {
        let choices = source_choices(document);
        let name = format!("Source of {}", old.id);
        if pick(ui, Named::Hidden(&name), &source_spot, 208.0, &mut new.source, &choices, say::word) {
            new.obis = follow_source(document, old.obis, old.source, new.source, ENERGY);
        }
        obis_field(ui, &obis_spot, &format!("OBIS code of {}", old.id), &mut new.obis);
    });
    usage(ui, document, &old.id, new.obis);
    ui.add_space(8.0);
    if let Some(id) = renamed {
        rename(document, &old.id, &id);
        new.id = id;
    }
    if let Some(register) = document.registers.energy.get_mut(index) {
        *register = new;
    }
}

fn colour_field(ui: &mut Ui, document: &Document, spot: &Spot, id: &str, colour: &mut Colour) {
    let shown = |colour: Colour| {
        let known = PALETTE.iter().find(|(_, one)| *one == colour.0);
        known.map_or_else(|| colour.to_string(), |(name, _)| (*name).to_owned())
    };
    ui.allocate_ui_with_layout(
        Vec2::new(136.0, CONTROL),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            pattern::swatch(ui, document, id);
            let name = format!("Colour of {id}");
            let response = combo(ui, spot.place(), &name, 112.0, shown(*colour), |ui| {
                for (word, one) in PALETTE {
                    let on = colour.0 == one;
                    let text = format!("      {word}");
                    let response = ui.selectable_label(on, text).accessible_name(word);
                    let place =
                        Rect::from_min_size(response.rect.min, Vec2::new(22.0, response.rect.height()));
                    swatch(ui, place, Colour(one));
                    if response.clicked() {
                        *colour = Colour(one);
                    }
                }
            });
            spot.show(response);
        },
    );
}

fn swatch(ui: &Ui, rect: Rect, colour: Colour) {
    let [red, green, blue] = colour.0;
    let square = Rect::from_center_size(rect.center(), Vec2::splat(14.0));
    ui.painter().rect_filled(square, 3.0, Color32::from_rgb(red, green, blue));
}
