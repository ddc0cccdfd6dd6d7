//! Customer-defined registers: sums of sources, which count always.

use egui::{Ui, Vec2};

use crate::gui::schemes::editing::Editing;
use crate::gui::theme::Icon;
use crate::gui::widgets::{Act, combo, secondary};
use crate::model::Unit;
use crate::scheme::{CustomerDefined, Document, Source, say};

use super::parts::{Named, Spot, beside, list_head, text};
use super::references::{self, free_id, rename, renumber_sums, users_of_sum};
use super::registers::id_field;
use super::rows::{Leave, Row, RowAct, apply, rows};

/// Draws them.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let count = editing.document.registers.customer_defined.len();
    let spot = Spot::of_list(editing, "registers.customer_defined");
    let limit = editing.limits.customer_defined;
    let title = "Customer-defined registers";
    if list_head(ui, title, &spot, count, limit, "Add sum", "customer-defined registers") {
        let sum = CustomerDefined {
            id: free_id(editing.document, 'C'),
            title: String::new(),
            sources: vec![Source::ActiveImport],
        };
        editing.document.registers.customer_defined.push(sum);
    }
    if editing.document.registers.customer_defined.is_empty() {
        ui.label(secondary(ui, "None: no sum of sources is counted"));
    }
    let names: Vec<String> =
        editing.document.registers.customer_defined.iter().map(|sum| sum.id.clone()).collect();
    let lines: Vec<Row> = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let users = users_of_sum(editing.document, index);
            let remove = if users.is_empty() {
                Leave::Free(String::new())
            } else {
                Leave::Refused(format!("Counted by {}: choose another source there first", users.join(", ")))
            };
            Row { name, duplicate: Leave::Absent, remove }
        })
        .collect();
    let act = rows(ui, "sums", &lines, |ui, index, width| row(ui, editing, index, width));
    if let Some(act) = act {
        change(editing.document, act);
    }
}

fn change(document: &mut Document, act: RowAct) {
    apply(&mut document.registers.customer_defined, act, Clone::clone);
    renumber_sums(document, |old| match act {
        RowAct::Move(from, to) if old == from => to,
        RowAct::Move(from, to) if from < old && old <= to => old - 1,
        RowAct::Move(from, to) if to <= old && old < from => old + 1,
        RowAct::Remove(gone) if old > gone => old - 1,
        _ => old,
    });
}

fn row(ui: &mut Ui, editing: &mut Editing<'_>, index: usize, width: f32) {
    let at = |editing: &Editing<'_>, key: &str| {
        Spot::of(editing, format!("registers.customer_defined[{index}].{key}"))
    };
    let (id_spot, title_spot, sources_spot) =
        (at(editing, "id"), at(editing, "title"), at(editing, "sources"));
    let most = usize::try_from(editing.limits.customer_defined_sources).unwrap_or(usize::MAX);
    let document = &mut *editing.document;
    let Some(sum) = document.registers.customer_defined.get(index) else { return };
    let old = sum.clone();
    let mut new = old.clone();
    let mut renamed = None;
    ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
    beside(ui, 190.0, |ui| {
        renamed = id_field(ui, &id_spot, 80.0, &old.id, &references::ids(document)).1;
        let rest = (width - 88.0).max(96.0);
        let name = format!("Title of {}", old.id);
        text(ui, Named::Hidden(&name), &title_spot, "Import plus export", rest, &mut new.title);
    });
    ui.horizontal_wrapped(|ui| {
        sources(ui, &sources_spot, &old.id, most, &mut new.sources);
    });
    sources_spot.remarks(ui, None);
    ui.add_space(8.0);
    if let Some(id) = renamed {
        rename(document, &old.id, &id);
        new.id = id;
    }
    if let Some(sum) = document.registers.customer_defined.get_mut(index) {
        *sum = new;
    }
}

/// What is added up: each with a button to take it out, and a list of what can be added in the same unit.
fn sources(ui: &mut Ui, spot: &Spot, id: &str, most: usize, sources: &mut Vec<Source>) {
    let mut gone = None;
    for (at, source) in sources.iter().enumerate() {
        if at > 0 {
            ui.label(secondary(ui, "+"));
        }
        ui.label(say::word(source));
        let name = format!("Take {} out of {id}", say::word(source).to_lowercase());
        let act = Act::icon_only(Icon::Cross, &name).small().enabled(sources.len() > 1);
        let act = if sources.len() > 1 { act } else { act.hint("A sum needs at least one source") };
        if ui.add(act).clicked() {
            gone = Some(at);
        }
    }
    if let Some(at) = gone {
        sources.remove(at);
    }
    if sources.len() >= most {
        ui.label(secondary(ui, format!("{most} of {most} sources")));
        return;
    }
    let unit = sources.iter().map(|source| source.unit()).find(|unit| *unit != Unit::NONE);
    let fits = |source: &Source| unit.is_none_or(|unit| source.unit() == unit || source.unit() == Unit::NONE);
    let inputs = (1..=4).map(Source::Input);
    let choices: Vec<Source> =
        Source::measured().chain(inputs).filter(|one| fits(one) && !sources.contains(one)).collect();
    let name = format!("Add a source to {id}");
    let mut added = None;
    let response = combo(ui, spot.place(), &name, 144.0, "Add a source", |ui| {
        for source in choices {
            if ui.selectable_label(false, say::word(&source)).clicked() {
                added = Some(source);
            }
        }
    });
    spot.show(response);
    sources.extend(added);
}
