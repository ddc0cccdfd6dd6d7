//! Registers: what counts, in which colour, under which object; and the fields that the three kinds share.

use egui::{Response, Ui};

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::small;
use crate::model::{Obis, plain_name};
use crate::scheme::{Document, Source};

use super::parts::{Named, Reading, Spot, typed};
use super::{demand_registers, energy_registers, references, sums};

const ID_LENGTH: usize = 16;

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    energy_registers::ui(ui, editing);
    ui.add_space(16.0);
    demand_registers::ui(ui, editing);
    ui.add_space(16.0);
    sums::ui(ui, editing);
}

/// A register's id, which no other has.
pub(super) fn read_id(text: &str, taken: &[String]) -> Result<String, String> {
    let text = text.trim();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.is_empty() || text.chars().count() > ID_LENGTH || !text.chars().all(allowed) {
        return Err(format!("write 1 to {ID_LENGTH} letters, digits, _, - or ."));
    }
    if taken.iter().any(|one| one == text) {
        return Err(format!("{text} is taken: every id stands once"));
    }
    Ok(text.to_owned())
}

/// The field of an id; gives the new one when it was changed.
pub(super) fn id_field(
    ui: &mut Ui,
    spot: &Spot,
    width: f32,
    id: &str,
    taken: &[&str],
) -> (Response, Option<String>) {
    let mut others: Vec<String> = taken.iter().map(|one| (*one).to_owned()).collect();
    if let Some(own) = others.iter().position(|one| one == id) {
        others.remove(own);
    }
    let mut value = id.to_owned();
    let name = format!("Id of {id}");
    let reading =
        Reading { hint: "R1", width, show: &Clone::clone, read: &|text: &str| read_id(text, &others) };
    let response = typed(ui, Named::Hidden(&name), spot, &reading, &mut value);
    let changed = (value != id).then_some(value);
    (response, changed)
}

/// An OBIS code from what was typed.
pub(super) fn read_obis(text: &str) -> Result<Obis, String> {
    text.trim().parse::<Obis>().map_err(|_| "write an OBIS code such as 1-0:1.8.1".to_owned())
}

/// The field of an object.
pub(super) fn obis_field(ui: &mut Ui, spot: &Spot, name: &str, obis: &mut Obis) {
    let show = |obis: &Obis| obis.short();
    let reading = Reading { hint: "1-0:1.8.1", width: 120.0, show: &show, read: &read_obis };
    typed(ui, Named::Hidden(name), spot, &reading, obis);
}

/// What its object is called, and where it is used, in small letters.
pub(super) fn usage(ui: &mut Ui, document: &Document, id: &str, obis: Obis) {
    let uses = references::uses(document, id);
    let uses = if uses.is_empty() { "not switched on anywhere".to_owned() } else { uses };
    ui.add(egui::Label::new(small(ui, format!("{}; {uses}", plain_name(obis)))).wrap());
}

/// The object that a register of this source usually has: the first whose group E is free.
pub(super) fn usual_obis(document: &Document, source: Source, d: u8) -> Obis {
    let registers = &document.registers;
    let energy = registers.energy.iter().map(|register| register.obis);
    let taken: Vec<Obis> = energy.chain(registers.demand.iter().map(|register| register.obis)).collect();
    let c = source.obis_c().unwrap_or(82);
    let mut rates = (1..=63).map(|rate| Obis::new(1, 0, c, d, rate, 255));
    rates.find(|obis| !taken.contains(obis)).unwrap_or(Obis::new(1, 0, c, d, 1, 255))
}

/// The object after a change of source: one of the usual pattern follows, any other stays.
pub(super) fn follow_source(document: &Document, obis: Obis, old: Source, new: Source, d: u8) -> Obis {
    let usual = old.obis_c().is_some_and(|c| (obis.a(), obis.b(), obis.c(), obis.d()) == (1, 0, c, d));
    let Some(c) = new.obis_c().filter(|_| usual) else { return obis };
    let same_rate = Obis::new(1, 0, c, d, obis.e(), obis.f());
    let registers = &document.registers;
    let energy = registers.energy.iter().map(|register| register.obis);
    let taken =
        energy.chain(registers.demand.iter().map(|register| register.obis)).any(|one| one == same_rate);
    if taken { usual_obis(document, new, d) } else { same_rate }
}
