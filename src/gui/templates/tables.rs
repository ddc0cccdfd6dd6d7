//! The register map, event texts and status bits as tables with rows to change, move, add and remove.

use egui::{Label, Ui};
use serde_json::{Map, Value, json};

use crate::gui::theme::Icon;
use crate::gui::widgets::{Act, combo, committed, secondary, section, small, text_field};
use crate::model::{IntervalStatus, Obis, Unit, plain_name};

use super::elster;
use super::forms::{Editing, row};
use super::grid::{Typed, change_list, change_map, column, grid, shown};

/// What tables keep from frame to frame.
#[derive(Default)]
pub(super) struct Tables {
    list: List,
    log: String,
    pub(super) elster: elster::List,
    pub(super) typed: Typed,
    new_log: String,
}

impl Tables {
    /// How high the form is that is seen.
    pub(super) const fn has_room(&mut self, height: f32) {
        self.typed.room = height;
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum List {
    #[default]
    Registers,
    Instantaneous,
    LoadProfiles,
    Instrumentation,
    Billing,
    Logs,
    Plate,
    Names,
    Scalers,
    Ratios,
}

const LISTS: [(List, &str, &str); 10] = [
    (List::Registers, "Registers", "/objects/registers"),
    (List::Instantaneous, "Instantaneous values", "/objects/instantaneous"),
    (List::LoadProfiles, "Load profiles", "/objects/load_profiles"),
    (List::Instrumentation, "Instrumentation profiles", "/objects/instrumentation"),
    (List::Billing, "Billing profiles", "/objects/billing"),
    (List::Logs, "Event logs", "/objects/logs"),
    (List::Plate, "Plate", "/objects/identity"),
    (List::Names, "Plain names", "/objects/names"),
    (List::Scalers, "Scalers and units", "/objects/scalers"),
    (List::Ratios, "Transformer ratios", "/objects/ratios"),
];

pub(super) fn is_object(text: &str) -> bool {
    text.parse::<Obis>().is_ok()
}

pub(super) fn is_words(text: &str) -> bool {
    !text.trim().is_empty()
}

fn is_code(text: &str) -> bool {
    text.trim().parse::<u32>().is_ok()
}

fn is_scaler(text: &str) -> bool {
    text.trim().parse::<i8>().is_ok()
}

pub(super) fn unit_of(text: &str) -> Option<u8> {
    let text = text.trim();
    Unit::from_symbol(text).map(|unit| unit.0).or_else(|| text.parse().ok())
}

fn is_unit(text: &str) -> bool {
    unit_of(text).is_some()
}

fn is_bit(text: &str) -> bool {
    text.trim().parse::<u8>().is_ok_and(|bit| bit < 64)
}

fn is_flag(text: &str) -> bool {
    IntervalStatus::from_word(text.trim()).is_some()
}

pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn name_of(text: &str) -> String {
    text.parse::<Obis>().map(plain_name).unwrap_or_default()
}

/// An OBIS code as it is written out.
pub(super) fn obis(text: &str) -> Value {
    json!(text.parse::<Obis>().map_or_else(|_| text.trim().to_owned(), |obis| obis.to_string()))
}

pub(super) fn list_at(editing: &Editing<'_>, pointer: &str) -> Vec<Value> {
    editing.at(pointer).as_array().cloned().unwrap_or_default()
}

pub(super) fn map_at(editing: &Editing<'_>, pointer: &str) -> Map<String, Value> {
    editing.at(pointer).as_object().cloned().unwrap_or_default()
}

/// The register map: one of its lists at a time.
pub(super) fn objects(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables) {
    if let Some(sought) = editing.sought
        && let Some((list, ..)) = LISTS.iter().find(|(_, _, pointer)| sought.starts_with(pointer))
    {
        tables.list = *list;
    }
    ui.add_space(8.0);
    let before = tables.list;
    row(ui, "List", "In this order; what else the object list shows follows", |ui| {
        let current = LISTS.iter().find(|(list, ..)| *list == tables.list).map_or("", |(_, words, _)| words);
        combo(ui, "register map list", "List", 200.0, current, |ui| {
            for (list, words, pointer) in LISTS {
                let value = editing.at(pointer);
                let count =
                    value.as_array().map(Vec::len).or_else(|| value.as_object().map(Map::len)).unwrap_or(0);
                if ui.selectable_label(list == tables.list, format!("{words} ({count})")).clicked() {
                    tables.list = list;
                }
            }
        });
    });
    if tables.list != before {
        tables.typed.begin_anew();
    }
    let Some((list, what, pointer)) = LISTS.iter().find(|(list, ..)| *list == tables.list).copied() else {
        return;
    };
    match list {
        List::Plate => plate(ui, editing, tables, pointer),
        List::Names => names(ui, editing, tables, pointer),
        List::Scalers => scalers(ui, editing, tables, pointer),
        List::Ratios => ratios(ui, editing, pointer),
        _ => {
            let mut items = list_at(editing, pointer);
            let rows: Vec<Vec<String>> = items
                .iter()
                .map(text_of)
                .map(|text| {
                    let name = name_of(&text);
                    vec![text, name]
                })
                .collect();
            let columns = [column("OBIS code", 176.0, is_object), shown("Name")];
            let marks = editing.marks(pointer, &rows);
            if let Some(change) = grid(ui, what, &columns, &rows, &marks, &mut tables.typed, true) {
                change_list(
                    &mut items,
                    change,
                    |item, _, text| *item = obis(&text),
                    |cells| cells.first().map(|text| obis(text)).unwrap_or_default(),
                );
                editing.say(pointer, Value::Array(items));
            }
        }
    }
}

fn plate(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables, pointer: &str) {
    let mut items = list_at(editing, pointer);
    let cell = |item: &Value, key: &str| item.get(key).map(text_of).unwrap_or_default();
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| vec![cell(item, "obis"), cell(item, "as")]).collect();
    ui.label(small(ui, "As: serial, logical device name, firmware, model, maker, or a title"));
    let columns = [column("OBIS code", 176.0, is_object), column("As", 0.0, is_words)];
    let marks = editing.marks(pointer, &rows);
    if let Some(change) = grid(ui, "plate", &columns, &rows, &marks, &mut tables.typed, true) {
        let set = |item: &mut Value, place: usize, text: String| {
            let (key, value) = if place == 0 { ("obis", obis(&text)) } else { ("as", json!(text)) };
            if let Value::Object(members) = item {
                members.insert(key.to_owned(), value);
            }
        };
        change_list(
            &mut items,
            change,
            set,
            |cells| json!({ "obis": cells.first().map(|text| obis(text)), "as": cells.get(1) }),
        );
        editing.say(pointer, Value::Array(items));
    }
}

fn names(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables, pointer: &str) {
    let mut map = map_at(editing, pointer);
    let rows: Vec<Vec<String>> = map.iter().map(|(key, value)| vec![key.clone(), text_of(value)]).collect();
    let columns = [column("OBIS code", 176.0, is_object), column("Name", 0.0, is_words)];
    let marks = editing.marks(pointer, &rows);
    if let Some(change) = grid(ui, "names", &columns, &rows, &marks, &mut tables.typed, false) {
        let words = |cells: &[String]| json!(cells.first());
        change_map(
            &mut map,
            change,
            |text| text_of(&obis(text)),
            |value, _, text| *value = json!(text),
            words,
        );
        editing.say(pointer, Value::Object(map));
    }
}

fn scalers(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables, pointer: &str) {
    let mut map = map_at(editing, pointer);
    let symbol = |value: &Value| {
        let number = value.get("unit").and_then(Value::as_u64).and_then(|number| u8::try_from(number).ok());
        number.map(|number| Unit(number).symbol()).unwrap_or_default()
    };
    let rows: Vec<Vec<String>> = map
        .iter()
        .map(|(key, value)| {
            vec![key.clone(), value.get("scaler").map(text_of).unwrap_or_default(), symbol(value)]
        })
        .collect();
    let columns = [
        column("OBIS code", 176.0, is_object),
        column("Power of ten", 112.0, is_scaler),
        column("Unit", 0.0, is_unit),
    ];
    let marks = editing.marks(pointer, &rows);
    if let Some(change) = grid(ui, "scalers", &columns, &rows, &marks, &mut tables.typed, false) {
        let scaler = |text: &str| json!(text.trim().parse::<i8>().unwrap_or(0));
        let set = |value: &mut Value, place: usize, text: &str| {
            let (key, new) =
                if place == 1 { ("scaler", scaler(text)) } else { ("unit", json!(unit_of(text))) };
            if let Value::Object(members) = value {
                members.insert(key.to_owned(), new);
            }
        };
        let make = |cells: &[String]| {
            let [scaler_text, unit] = [0, 1].map(|at| cells.get(at).cloned().unwrap_or_default());
            json!({ "scaler": scaler(&scaler_text), "unit": unit_of(&unit) })
        };
        change_map(&mut map, change, |text| text_of(&obis(text)), set, make);
        editing.say(pointer, Value::Object(map));
    }
}

fn ratios(ui: &mut Ui, editing: &mut Editing<'_>, pointer: &str) {
    for (key, label) in [("ct", "Current"), ("vt", "Voltage")] {
        let at = format!("{pointer}/{key}");
        let mut pair = list_at(editing, &at);
        pair.resize(2, Value::Null);
        let mut changed = false;
        row(ui, label, "", |ui| {
            for (part, item) in ["numerator", "denominator"].into_iter().zip(&mut pair) {
                let name = format!("{label}, {part}");
                let (given, _) = committed(ui, &name, &text_of(item), 160.0, is_object);
                if let Some(text) = given {
                    *item = obis(&text);
                    changed = true;
                }
            }
        });
        if changed {
            editing.say(&at, Value::Array(pair));
        }
    }
}

/// Bits of a status.
pub(super) fn status_bits(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables) {
    let pointer = "/profiles/status_bits";
    section(ui, "What the bits of a status mean");
    let words: Vec<&str> = IntervalStatus::all_names().map(|(name, _)| name).collect();
    ui.add(Label::new(small(ui, format!("Flags: {}", words.join(", ")))).wrap());
    let mut map = map_at(editing, pointer);
    let rows: Vec<Vec<String>> = map.iter().map(|(key, value)| vec![key.clone(), text_of(value)]).collect();
    let columns = [column("Bit", 80.0, is_bit), column("Flag", 0.0, is_flag)];
    let marks = editing.marks(pointer, &rows);
    if let Some(change) = grid(ui, "status bits", &columns, &rows, &marks, &mut tables.typed, false) {
        let flag = |cells: &[String]| json!(cells.first().map(|text| text.trim()));
        change_map(
            &mut map,
            change,
            |text| text.trim().to_owned(),
            |value, _, text| *value = json!(text.trim()),
            flag,
        );
        editing.say(pointer, Value::Object(map));
    }
}

/// Texts of event codes: one log at a time.
pub(super) fn event_texts(ui: &mut Ui, editing: &mut Editing<'_>, tables: &mut Tables) {
    let logs: Vec<String> = map_at(editing, "/event_texts").keys().cloned().collect();
    let words = |log: &str| match log {
        "*" => "All other logs".to_owned(),
        log => format!("{} {log}", name_of(log)).trim().to_owned(),
    };
    if let Some(log) = editing.sought.and_then(|sought| sought.split('/').nth(2)) {
        tables.log = log.to_owned();
    }
    if !logs.contains(&tables.log) {
        tables.log = logs.first().cloned().unwrap_or_default();
    }
    row(ui, "Log", "", |ui| {
        combo(ui, "event log", "Log", 300.0, words(&tables.log), |ui| {
            for log in &logs {
                if ui.selectable_label(*log == tables.log, words(log)).clicked() {
                    tables.log.clone_from(log);
                }
            }
        });
    });
    let mut added = None;
    row(ui, "Another log", "", |ui| {
        let is_log = |text: &str| text.trim() == "*" || is_object(text);
        let text = &mut tables.new_log;
        let wrong = !text.is_empty() && !is_log(text);
        text_field(ui, text, "0-0:99.98.0*255, or *", 176.0, wrong)
            .accessible_name("OBIS code of another log");
        if ui.add(Act::plain("Add log").icon(Icon::Plus).enabled(is_log(text))).clicked() {
            added = Some(if text.trim() == "*" { "*".to_owned() } else { text_of(&obis(text)) });
            text.clear();
        }
    });
    if let Some(log) = added {
        let mut all = map_at(editing, "/event_texts");
        all.entry(log.clone()).or_insert_with(|| Value::Object(Map::new()));
        editing.say("/event_texts", Value::Object(all));
        tables.log = log;
        return;
    }
    if tables.log.is_empty() {
        ui.label(secondary(ui, "No log has texts: events are shown by their code."));
        return;
    }
    let pointer = crate::model::template::problem::step("/event_texts", &tables.log);
    let mut map = map_at(editing, &pointer);
    let rows: Vec<Vec<String>> = map.iter().map(|(key, value)| vec![key.clone(), text_of(value)]).collect();
    let columns = [column("Code", 96.0, is_code), column("Text", 0.0, is_words)];
    let marks = editing.marks(&pointer, &rows);
    if let Some(change) = grid(ui, "event texts", &columns, &rows, &marks, &mut tables.typed, false) {
        let words = |cells: &[String]| json!(cells.first());
        change_map(
            &mut map,
            change,
            |text| text.trim().to_owned(),
            |value, _, text| *value = json!(text),
            words,
        );
        if map.is_empty() {
            super::editor::put(editing.tree, &pointer, None);
        } else {
            editing.say(&pointer, Value::Object(map));
        }
    }
}
