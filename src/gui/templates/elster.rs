//! The tables of an Elster meter: plate data, sources, layouts, tables of registers and the registers of each.

use egui::{Label, Ui};
use serde_json::{Map, Value, json};

use crate::gui::widgets::{combo, small};
use crate::model::Unit;
use crate::model::template::is_device;

use super::forms::{Editing, row};
use super::grid::{Column, change_list, change_map, column, grid, shown};
use super::tables::{Tables, is_object, is_words, list_at, map_at, name_of, obis, text_of, unit_of};

const PLATE: &str = "/flag/identity";
const SOURCES: &str = "/flag/sources";
const LAYOUTS: &str = "/flag/layouts";
const TABLES: &str = "/flag/tables";

/// Which list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum List {
    #[default]
    Tables,
    /// Of the table at a place.
    Registers(usize),
    Sources,
    Layouts,
    Plate,
}

/// What may stand in a cell.
#[derive(Clone, Copy)]
enum Form {
    Id,
    MaybeId,
    Number,
    MaybeNumber,
    Octet,
    MaybeOctet,
    Words,
    Object,
    Unit,
    MaybeUnit,
    Yes,
    Devices,
    Holds,
}

const HOLDS: [&str; 4] = ["registers", "tou", "cumulative-demand", "maximum-demand"];
/// How the unit of a pulse input is written, for which there is no symbol.
const COUNT: &str = "count";

fn number(text: &str, most: u16) -> Option<u16> {
    text.trim().parse().ok().filter(|number| *number <= most)
}

fn unit(text: &str) -> Option<u8> {
    match text.trim() {
        "" => None,
        COUNT => Some(Unit::NONE.0),
        symbol => unit_of(symbol),
    }
}

fn is_id(text: &str) -> bool {
    number(text, 999).is_some()
}

fn is_none_or_id(text: &str) -> bool {
    text.trim().is_empty() || is_id(text)
}

fn is_number(text: &str) -> bool {
    number(text, u16::MAX).is_some()
}

fn is_none_or_number(text: &str) -> bool {
    text.trim().is_empty() || is_number(text)
}

fn is_octet(text: &str) -> bool {
    number(text, 255).is_some()
}

fn is_none_or_octet(text: &str) -> bool {
    text.trim().is_empty() || is_octet(text)
}

fn is_unit(text: &str) -> bool {
    unit(text).is_some()
}

fn is_none_or_unit(text: &str) -> bool {
    text.trim().is_empty() || is_unit(text)
}

fn is_yes_or_no(text: &str) -> bool {
    matches!(text.trim(), "" | "yes" | "no")
}

fn devices(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|device| !device.is_empty())
}

fn are_devices(text: &str) -> bool {
    devices(text).next().is_some() && devices(text).all(is_device)
}

fn is_content(text: &str) -> bool {
    HOLDS.contains(&text.trim())
}

impl Form {
    const fn is_right(self) -> fn(&str) -> bool {
        match self {
            Self::Id => is_id,
            Self::MaybeId => is_none_or_id,
            Self::Number => is_number,
            Self::MaybeNumber => is_none_or_number,
            Self::Octet => is_octet,
            Self::MaybeOctet => is_none_or_octet,
            Self::Words => is_words,
            Self::Object => is_object,
            Self::Unit => is_unit,
            Self::MaybeUnit => is_none_or_unit,
            Self::Yes => is_yes_or_no,
            Self::Devices => are_devices,
            Self::Holds => is_content,
        }
    }

    /// The value of a text; nothing leaves the key out.
    fn value(self, text: &str) -> Option<Value> {
        let text = text.trim();
        match self {
            _ if text.is_empty() => None,
            Self::Id | Self::MaybeId | Self::Number | Self::MaybeNumber | Self::Octet | Self::MaybeOctet => {
                number(text, u16::MAX).map(|number| json!(number))
            }
            Self::Words | Self::Holds => Some(json!(text)),
            Self::Object => Some(obis(text)),
            Self::Unit | Self::MaybeUnit => unit(text).map(|unit| json!(unit)),
            Self::Yes => (text == "yes").then_some(Value::Bool(true)),
            Self::Devices => Some(json!(devices(text).collect::<Vec<_>>())),
        }
    }

    fn text(self, value: Option<&Value>) -> String {
        match (self, value) {
            (_, None | Some(Value::Null)) => String::new(),
            (Self::Yes, Some(value)) => if *value == Value::Bool(true) { "yes" } else { "no" }.to_owned(),
            (Self::Unit | Self::MaybeUnit, Some(value)) => {
                let number = value.as_u64().and_then(|number| u8::try_from(number).ok());
                match number.map(Unit) {
                    Some(Unit::NONE) => COUNT.to_owned(),
                    Some(unit) if Unit::from_symbol(&unit.symbol()) == Some(unit) => unit.symbol(),
                    _ => text_of(value),
                }
            }
            // Nought is what the layout says.
            (Self::MaybeNumber, Some(value)) if value.as_u64() == Some(0) => String::new(),
            (Self::Devices, Some(Value::Array(items))) => {
                items.iter().map(text_of).collect::<Vec<_>>().join(", ")
            }
            (_, Some(value)) => text_of(value),
        }
    }
}

/// A column: key, title, width, what may stand in it.
type Cell = (&'static str, &'static str, f32, Form);

const PLATE_CELLS: [Cell; 3] = [
    ("id", "Identity", 96.0, Form::Id),
    ("bytes", "Octets", 96.0, Form::Number),
    ("as", "As", 0.0, Form::Words),
];
const SOURCE_CELLS: [Cell; 3] = [
    ("", "Code", 96.0, Form::Octet),
    ("c", "Group C of its OBIS codes", 200.0, Form::Octet),
    ("unit", "Unit", 0.0, Form::Unit),
];
const LAYOUT_CELLS: [Cell; 4] = [
    ("name", "Name", 96.0, Form::Words),
    ("tou", "Time-of-use registers", 160.0, Form::Number),
    ("sums", "Sources of a sum", 128.0, Form::Number),
    ("devices", "Device numbers", 0.0, Form::Devices),
];
const TABLE_CELLS: [Cell; 7] = [
    ("id", "Identity", 72.0, Form::Id),
    ("holds", "Holds", 148.0, Form::Holds),
    ("bytes", "Octets", 64.0, Form::MaybeNumber),
    ("count", "Registers", 76.0, Form::MaybeNumber),
    ("highest", "Highest", 68.0, Form::MaybeNumber),
    ("sources", "Sources in", 84.0, Form::MaybeId),
    ("big_endian", "High octet first", 0.0, Form::Yes),
];
const REGISTER_CELLS: [Cell; 5] = [
    ("at", "At octet", 80.0, Form::Number),
    ("obis", "OBIS code", 160.0, Form::Object),
    ("unit", "Unit", 72.0, Form::MaybeUnit),
    ("customer", "Customer-defined", 128.0, Form::MaybeOctet),
    ("signed", "Signed", 72.0, Form::Yes),
];

fn columns(cells: &[Cell]) -> Vec<Column> {
    cells.iter().map(|(_, title, width, form)| column(title, *width, form.is_right())).collect()
}

fn texts(item: &Value, cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|(key, _, _, form)| form.text(item.get(key))).collect()
}

/// Says what a cell of an element says; a key that says nothing is left out.
fn set(item: &mut Value, cell: Option<&Cell>, text: &str) {
    if let (Value::Object(members), Some((key, _, _, form))) = (item, cell) {
        match form.value(text) {
            Some(value) => drop(members.insert((*key).to_owned(), value)),
            None => drop(members.shift_remove(*key)),
        }
    }
}

fn make(cells: &[Cell], typed: &[String]) -> Value {
    let told = cells.iter().zip(typed);
    let told = told.filter_map(|((key, _, _, form), text)| Some(((*key).to_owned(), form.value(text)?)));
    Value::Object(told.collect::<Map<String, Value>>())
}

/// The lists that there are, each with what it is called.
fn lists(editing: &Editing<'_>) -> Vec<(List, String)> {
    let tables = list_at(editing, TABLES);
    let mut all = vec![(List::Tables, format!("Tables of registers ({})", tables.len()))];
    for (place, table) in tables.iter().enumerate() {
        if table.get("holds").and_then(Value::as_str) == Some("registers") {
            let count = table.get("registers").and_then(Value::as_array).map_or(0, Vec::len);
            let id = table.get("id").map(text_of).unwrap_or_default();
            all.push((List::Registers(place), format!("Registers of table {id} ({count})")));
        }
    }
    all.push((List::Sources, format!("Sources ({})", map_at(editing, SOURCES).len())));
    all.push((List::Layouts, format!("Layouts ({})", list_at(editing, LAYOUTS).len())));
    all.push((List::Plate, format!("Plate ({})", list_at(editing, PLATE).len())));
    all
}

/// The list that a place lies in.
fn list_of(pointer: &str) -> Option<List> {
    let mut steps = pointer.split('/').skip(2);
    match (steps.next()?, steps.next(), steps.next()) {
        ("tables", Some(place), Some("registers")) => place.parse().ok().map(List::Registers),
        ("tables", ..) => Some(List::Tables),
        ("sources", ..) => Some(List::Sources),
        ("layouts", ..) => Some(List::Layouts),
        ("identity", ..) => Some(List::Plate),
        _ => None,
    }
}

/// Draws one of the lists.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables) {
    let before = tables.elster;
    if let Some(list) = editing.sought.and_then(list_of) {
        tables.elster = list;
    }
    let all = lists(editing);
    if !all.iter().any(|(list, _)| *list == tables.elster) {
        tables.elster = List::Tables;
    }
    ui.add_space(8.0);
    row(ui, "List", "", |ui| {
        let current = all.iter().find(|(list, _)| *list == tables.elster).map_or("", |(_, words)| words);
        combo(ui, "elster list", "List", 260.0, current, |ui| {
            for (list, words) in &all {
                if ui.selectable_label(*list == tables.elster, words).clicked() {
                    tables.elster = *list;
                }
            }
        });
    });
    if tables.elster != before {
        tables.typed.begin_anew();
    }
    match tables.elster {
        List::Tables => {
            let words = "Holds: registers (eight octets each, at places that are named), tou, cumulative-demand, \
                         maximum-demand; what is left empty comes from the layout";
            ui.add(Label::new(small(ui, words)).wrap());
            list(ui, "elster tables", TABLES, &TABLE_CELLS, editing, tables);
        }
        List::Registers(place) => registers(ui, place, editing, tables),
        List::Sources => sources(ui, editing, tables),
        List::Layouts => {
            let words =
                "Device numbers such as 012, or 020/04 where one issue is meant; * stands for all others";
            ui.add(Label::new(small(ui, words)).wrap());
            list(ui, "elster layouts", LAYOUTS, &LAYOUT_CELLS, editing, tables);
        }
        List::Plate => {
            ui.label(small(ui, "As: serial, firmware, or a title"));
            list(ui, "elster plate", PLATE, &PLATE_CELLS, editing, tables);
        }
    }
}

fn list(
    ui: &mut Ui,
    what: &str,
    pointer: &str,
    cells: &[Cell],
    editing: &mut Editing<'_>,
    tables: &mut Tables,
) {
    let mut items = list_at(editing, pointer);
    let rows: Vec<Vec<String>> = items.iter().map(|item| texts(item, cells)).collect();
    let marks = editing.marks(pointer, &rows);
    if let Some(change) = grid(ui, what, &columns(cells), &rows, &marks, &mut tables.typed, true) {
        let set = |item: &mut Value, place: usize, text: String| set(item, cells.get(place), &text);
        change_list(&mut items, change, set, |typed| make(cells, typed));
        editing.say(pointer, Value::Array(items));
    }
}

fn registers(ui: &mut Ui, place: usize, editing: &mut Editing<'_>, tables: &mut Tables) {
    let mut all = list_at(editing, TABLES);
    let Some(Value::Object(table)) = all.get_mut(place) else { return };
    ui.label(small(ui, "Unit: empty for a customer-defined register, count for pulses"));
    let mut items = table.get("registers").and_then(Value::as_array).cloned().unwrap_or_default();
    let cells = &REGISTER_CELLS;
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let mut row = texts(item, cells);
            row.push(item.get("obis").and_then(Value::as_str).map(name_of).unwrap_or_default());
            row
        })
        .collect();
    let mut shown_too = columns(cells);
    shown_too.push(shown("Name"));
    let marks = editing.marks(&format!("{TABLES}/{place}/registers"), &rows);
    let change = grid(ui, "elster registers", &shown_too, &rows, &marks, &mut tables.typed, true);
    if let Some(change) = change {
        let set = |item: &mut Value, place: usize, text: String| set(item, cells.get(place), &text);
        change_list(&mut items, change, set, |typed| make(cells, typed));
        table.insert("registers".to_owned(), Value::Array(items));
        editing.say(TABLES, Value::Array(all));
    }
}

fn sources(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables) {
    let mut map = map_at(editing, SOURCES);
    let told = SOURCE_CELLS.get(1..).unwrap_or_default();
    let rows: Vec<Vec<String>> =
        map.iter().map(|(code, source)| [vec![code.clone()], texts(source, told)].concat()).collect();
    let marks = editing.marks(SOURCES, &rows);
    ui.label(small(ui, "What the code of a source stands for; unit: count for pulses"));
    let change = grid(ui, "elster sources", &columns(&SOURCE_CELLS), &rows, &marks, &mut tables.typed, false);
    if let Some(change) = change {
        let key = |text: &str| text.trim().to_owned();
        let set = |source: &mut Value, place: usize, text: &str| set(source, SOURCE_CELLS.get(place), text);
        change_map(&mut map, change, key, set, |typed| make(told, typed));
        editing.say(SOURCES, Value::Object(map));
    }
}
