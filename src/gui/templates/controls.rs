//! The control of one setting, by what the setting may be.

use egui::{Label, Ui};
use serde_json::{Value, json};

use crate::gui::widgets::{combo, committed, secondary};
use crate::model::template::fields::{Field, Kind};
use crate::model::template::{SERVICES, is_octets, is_range};
use crate::model::{Obis, ServerAddress, plain_name};

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A control for a setting; gives what is to be said.
pub(super) fn control(ui: &mut Ui, field: &Field, value: &Value) -> Option<Value> {
    let text = words(value);
    // What stands in a narrow window is cut at its edge otherwise.
    let room = ui.available_width().max(96.0);
    let [middling, wide] = [300.0, 380.0].map(|width: f32| width.min(room));
    match field.kind {
        Kind::Flag => {
            let mut on = value.as_bool().unwrap_or(false);
            let response = ui.checkbox(&mut on, "");
            let changed = response.changed();
            response.accessible_name(field.label);
            changed.then_some(Value::Bool(on))
        }
        Kind::Number { low, high, unit } => {
            let number =
                |text: &str| text.trim().parse::<u32>().ok().filter(|one| (low..=high).contains(one));
            let (given, response) = committed(ui, field.label, &text, 96.0, |text| number(text).is_some());
            response.on_hover_text(format!("{low} to {high}"));
            if !unit.is_empty() {
                ui.label(secondary(ui, unit));
            }
            given.and_then(|text| number(&text)).map(|one| json!(one))
        }
        Kind::Choice(choices) => {
            let current =
                choices.iter().find(|(word, _)| *word == text).map_or(text.as_str(), |(_, words)| words);
            let mut said = None;
            combo(ui, ("choice", field.pointer), field.label, middling, current, |ui| {
                for (word, meaning) in choices {
                    if ui.selectable_label(*word == text, *meaning).clicked() && *word != text {
                        said = Some(Value::String((*word).to_owned()));
                    }
                }
            });
            said
        }
        Kind::Text => {
            let (given, _) = committed(ui, field.label, &text, middling, |text| !text.trim().is_empty());
            given.map(Value::String)
        }
        Kind::MaybeText => committed(ui, field.label, &text, middling, |_| true).0.map(Value::String),
        Kind::Address => {
            let (given, _) =
                committed(ui, field.label, &text, 120.0, |text| text.parse::<ServerAddress>().is_ok());
            given.map(Value::String)
        }
        Kind::Object => object(ui, field.label, &text, false),
        Kind::MaybeObject => object(ui, field.label, &text, true),
        Kind::Objects => {
            let (given, _) = committed(ui, field.label, &text, wide, |text| several(text).is_some());
            given.and_then(|text| several(&text))
        }
        Kind::Numbers => {
            let numbers = |text: &str| parts(text, |part| part.parse::<u32>().ok());
            let (given, _) = committed(ui, field.label, &text, middling, |text| numbers(text).is_some());
            given.and_then(|text| numbers(&text)).map(|numbers| json!(numbers))
        }
        Kind::Words(known) => {
            let known = if known.is_empty() { &SERVICES[..] } else { known };
            let chosen = |text: &str| parts(text, |part| known.contains(&part).then(|| part.to_owned()));
            let (given, response) = committed(ui, field.label, &text, wide, |text| chosen(text).is_some());
            response.on_hover_text(format!("Joined by commas: {}", known.join(", ")));
            given.and_then(|text| chosen(&text)).map(|words| json!(words))
        }
        Kind::Ranges => {
            let ranges = |text: &str| parts(text, |part| is_range(part).then(|| part.to_owned()));
            let (given, _) = committed(ui, field.label, &text, middling, |text| ranges(text).is_some());
            given.and_then(|text| ranges(&text)).map(|ranges| json!(ranges))
        }
        Kind::MaybeHex { digits } => {
            let is_right = |text: &str| {
                let text = text.trim();
                is_octets(text) && (digits == 0 || text.is_empty() || text.len() == digits)
            };
            let (given, _) = committed(ui, field.label, &text, 176.0, is_right);
            given.map(|text| match text.trim() {
                "" => Value::Null,
                text => json!(text),
            })
        }
        Kind::Group { .. } | Kind::Table => None,
    }
}

/// Objects joined by commas.
fn several(text: &str) -> Option<Value> {
    parts(text, |part| part.parse::<Obis>().ok().map(|obis| obis.to_string())).map(|all| json!(all))
}

/// What is joined by commas, each read by itself; nothing where one does not read.
fn parts<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(read).collect()
}

fn object(ui: &mut Ui, label: &str, text: &str, may_be_none: bool) -> Option<Value> {
    let is_right = |text: &str| may_be_none && text.trim().is_empty() || text.parse::<Obis>().is_ok();
    let (given, _) = committed(ui, label, text, 160.0, is_right);
    if let Ok(obis) = text.parse::<Obis>() {
        ui.add(Label::new(secondary(ui, plain_name(obis))).truncate());
    }
    given.map(|text| text.parse::<Obis>().map_or(Value::Null, |obis| Value::String(obis.to_string())))
}
