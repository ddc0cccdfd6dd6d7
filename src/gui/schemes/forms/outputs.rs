//! Pulse and relay outputs.

use egui::{Ui, Vec2};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::secondary;
use crate::scheme::{Document, Output, OutputFunction, Source, say};

use super::parts::{Named, Spot, beside, list_head, number, pick, text};
use super::references::source_choices;
use super::registers::id_field;
use super::rows::{Leave, Row, apply, rows};

const MOST_PULSES: u32 = 1_000_000;
const USUAL: OutputFunction = OutputFunction::Pulse { source: Source::ActiveImport, pulses_per_kilo: 1000 };

fn free_id(document: &Document) -> String {
    let taken = |id: &String| document.outputs.iter().any(|output| output.id == *id);
    let mut ids = (1_u32..).map(|number| format!("O{number}")).filter(|id| !taken(id));
    ids.next().unwrap_or_default()
}

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of_list(editing, "outputs");
    let used = editing.document.outputs.len();
    if list_head(ui, "Outputs", &spot, used, None, "Add output", "outputs") {
        let id = free_id(editing.document);
        editing.document.outputs.push(Output { id, title: String::new(), function: USUAL });
    }
    if editing.document.outputs.is_empty() {
        ui.label(secondary(ui, "None: no pulses are given and no relay follows a register"));
    }
    let outputs = editing.document.outputs.iter();
    let row_of = |output: &Output| Row { duplicate: Leave::Free(String::new()), ..Row::named(&output.id) };
    let lines: Vec<Row> = outputs.map(row_of).collect();
    let act = rows(ui, "outputs", &lines, |ui, index, width| row(ui, editing, index, width));
    if let Some(act) = act {
        let id = free_id(editing.document);
        apply(&mut editing.document.outputs, act, |output| Output { id, ..output.clone() });
    }
}

fn row(ui: &mut Ui, editing: &mut Editing<'_>, index: usize, width: f32) {
    let at = |editing: &Editing<'_>, key: &str| Spot::of(editing, format!("outputs[{index}].{key}"));
    let spots = ["id", "title", "function", "source", "pulses_per_kilo", "register"];
    let [id_spot, title_spot, function_spot, source_spot, pulses_spot, register_spot] =
        spots.map(|key| at(editing, key));
    let document = &mut *editing.document;
    let Some(output) = document.outputs.get(index) else { return };
    let mut new = output.clone();
    let id = new.id.clone();
    ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
    beside(ui, 190.0, |ui| {
        let taken: Vec<&str> = document.outputs.iter().map(|output| output.id.as_str()).collect();
        if let Some(renamed) = id_field(ui, &id_spot, 80.0, &id, &taken).1 {
            new.id = renamed;
        }
        let rest = (width - 88.0).max(96.0);
        text(
            ui,
            Named::Hidden(&format!("Title of {id}")),
            &title_spot,
            "Pulses to the building",
            rest,
            &mut new.title,
        );
    });
    beside(ui, 420.0, |ui| {
        function(ui, document, &function_spot, &id, &mut new.function);
        match &mut new.function {
            OutputFunction::Pulse { source, pulses_per_kilo } => {
                let choices = source_choices(document);
                let name = format!("Source of {id}");
                pick(ui, Named::Hidden(&name), &source_spot, 176.0, source, &choices, say::word);
                let name = format!("Pulses of {id}");
                number(ui, Named::Hidden(&name), &pulses_spot, 80.0, 1..=MOST_PULSES, pulses_per_kilo);
                let unit = document.unit(*source).symbol();
                ui.vertical(|ui| {
                    ui.add_space(5.0);
                    let per = if unit.is_empty() {
                        "pulses a thousand".to_owned()
                    } else {
                        format!("pulses a k{unit}")
                    };
                    ui.label(secondary(ui, per));
                });
            }
            OutputFunction::Follow { register } => {
                let choices = registers(document);
                let name = format!("Register that {id} follows");
                pick(ui, Named::Hidden(&name), &register_spot, 264.0, register, &choices, Clone::clone);
            }
        }
    });
    ui.add_space(8.0);
    if let Some(output) = document.outputs.get_mut(index) {
        *output = new;
    }
}

fn registers(document: &Document) -> Vec<(String, String)> {
    let registers = &document.registers;
    let energy = registers.energy.iter().map(|register| (&register.id, &register.title));
    let demand = registers.demand.iter().map(|register| (&register.id, &register.title));
    energy.chain(demand).map(|(id, title)| (id.clone(), format!("{id}: {title}"))).collect()
}

fn function(ui: &mut Ui, document: &Document, spot: &Spot, id: &str, function: &mut OutputFunction) {
    let mut follows = matches!(function, OutputFunction::Follow { .. });
    let choices = [(false, "Gives pulses for".to_owned()), (true, "Is closed while on:".to_owned())];
    let name = format!("What {id} does");
    if pick(ui, Named::Hidden(&name), spot, 152.0, &mut follows, &choices, |_| String::new()) {
        let first = registers(document).into_iter().next().map(|(id, _)| id).unwrap_or_default();
        *function = if follows { OutputFunction::Follow { register: first } } else { USUAL };
    }
}
