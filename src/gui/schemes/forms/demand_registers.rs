//! Maximum-demand registers.

use egui::{Ui, Vec2};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{secondary, small};
use crate::scheme::{DemandRegister, Document, Source, say};

use super::parts::{Named, Spot, beside, list_head, number, pick, text};
use super::references::{self, free_id, rename, source_choices};
use super::registers::{follow_source, id_field, obis_field, usage, usual_obis};
use super::rows::{Leave, Row, RowAct, apply, rows};

const MAXIMUM: u8 = 6;

/// Draws them.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let count = editing.document.registers.demand.len();
    let spot = Spot::of_list(editing, "registers.demand");
    let limit = editing.limits.demand_registers;
    if list_head(ui, "Demand registers", &spot, count, limit, "Add demand register", "demand registers") {
        add(editing.document);
    }
    if editing.document.registers.demand.is_empty() {
        ui.label(secondary(ui, "None: no maximum demand is kept"));
    }
    let full = count >= usize::try_from(limit).unwrap_or(usize::MAX);
    let demand = editing.document.registers.demand.iter();
    let lines: Vec<Row> = demand
        .map(|register| {
            let duplicate = if full {
                Leave::Refused(format!("This meter model holds {limit} demand registers"))
            } else {
                Leave::Free(String::new())
            };
            let used = !references::uses(editing.document, &register.id).is_empty();
            let also = if used { "also takes it out of the switching times" } else { "" };
            Row { name: register.id.clone(), duplicate, remove: Leave::Free(also.to_owned()) }
        })
        .collect();
    let act = rows(ui, "demand", &lines, |ui, index, width| row(ui, editing, index, width));
    if let Some(act) = act {
        change(editing.document, act);
    }
}

fn add(document: &mut Document) {
    let source = document.registers.demand.last().map_or(Source::ActiveImport, |register| register.source);
    let register = DemandRegister {
        id: free_id(document, 'M'),
        title: String::new(),
        source,
        obis: usual_obis(document, source, MAXIMUM),
        highest: 1,
    };
    document.registers.demand.push(register);
}

fn change(document: &mut Document, act: RowAct) {
    if let RowAct::Remove(index) = act
        && let Some(register) = document.registers.demand.get(index)
    {
        let id = register.id.clone();
        references::switch_off(document, &id);
    }
    let id = free_id(document, 'M');
    let source = match act {
        RowAct::Duplicate(index) => document.registers.demand.get(index).map(|register| register.source),
        _ => None,
    };
    let obis = usual_obis(document, source.unwrap_or(Source::ActiveImport), MAXIMUM);
    apply(&mut document.registers.demand, act, |register| DemandRegister { id, obis, ..register.clone() });
}

fn row(ui: &mut Ui, editing: &mut Editing<'_>, index: usize, width: f32) {
    let at = |editing: &Editing<'_>, key: &str| Spot::of(editing, format!("registers.demand[{index}].{key}"));
    let (id_spot, title_spot) = (at(editing, "id"), at(editing, "title"));
    let (source_spot, obis_spot, highest_spot) =
        (at(editing, "source"), at(editing, "obis"), at(editing, "highest"));
    let most = editing.limits.highest.max(1);
    let document = &mut *editing.document;
    let Some(register) = document.registers.demand.get(index) else { return };
    let old = register.clone();
    let mut new = old.clone();
    let mut renamed = None;
    ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
    beside(ui, 190.0, |ui| {
        renamed = id_field(ui, &id_spot, 80.0, &old.id, &references::ids(document)).1;
        let rest = (width - 88.0).max(96.0);
        let name = format!("Title of {}", old.id);
        text(ui, Named::Hidden(&name), &title_spot, "Winter peak", rest, &mut new.title);
    });
    beside(ui, 336.0, |ui| {
        let choices = source_choices(document);
        let name = format!("Source of {}", old.id);
        if pick(ui, Named::Hidden(&name), &source_spot, 208.0, &mut new.source, &choices, say::word) {
            new.obis = follow_source(document, old.obis, old.source, new.source, MAXIMUM);
        }
        obis_field(ui, &obis_spot, &format!("OBIS code of {}", old.id), &mut new.obis);
    });
    ui.horizontal_top(|ui| {
        let name = format!("Highest values kept by {}", old.id);
        number(ui, Named::Hidden(&name), &highest_spot, 48.0, 1..=most, &mut new.highest);
        ui.vertical(|ui| {
            ui.add_space(6.0);
            let word = if new.highest == 1 { "highest value kept" } else { "highest values kept" };
            ui.label(small(ui, word));
        });
    });
    usage(ui, document, &old.id, new.obis);
    ui.add_space(8.0);
    if let Some(id) = renamed {
        rename(document, &old.id, &id);
        new.id = id;
    }
    if let Some(register) = document.registers.demand.get_mut(index) {
        *register = new;
    }
}
