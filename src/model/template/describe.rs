//! What a template says, in words, section by section.

use std::collections::HashSet;

use serde_json::Value;

use super::Template;
use super::fields::{self, FIELDS, SECTIONS};
use super::problem::step;
use crate::model::{Obis, plain_name};

/// One section in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its key; empty for what stands above all sections.
    pub key: String,
    /// For people.
    pub title: String,
    /// What it says.
    pub rows: Vec<Row>,
}

/// One line of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
    /// What it is.
    pub label: String,
    /// What the template says.
    pub value: String,
    /// It says the same as the default.
    pub is_usual: bool,
}

/// What a template says.
#[must_use]
pub fn describe(template: &Template) -> Vec<Section> {
    // What is written out has no shape that could fail.
    let [whole, usual] =
        [template, &Template::least()].map(|one| serde_json::to_value(one).unwrap_or_default());
    let Value::Object(members) = &whole else { return Vec::new() };
    let mut sections = Vec::new();
    let known = SECTIONS.iter().map(|(key, title)| ((*key).to_owned(), (*title).to_owned()));
    let new = members.iter().filter(|(key, value)| value.is_object() && !fields::is_section(key));
    let all: Vec<(String, String)> =
        known.chain(new.map(|(key, _)| (key.clone(), fields::from_key(key)))).collect();
    for (key, title) in all {
        let base = if key.is_empty() { String::new() } else { step("", &key) };
        let mut rows = Vec::new();
        let mut told: HashSet<&str> = HashSet::new();
        for field in FIELDS.iter().filter(|field| field.section() == key) {
            told.insert(field.pointer);
            let value = whole.pointer(field.pointer).unwrap_or(&Value::Null);
            let is_usual = usual.pointer(field.pointer) == Some(value);
            rows_of(field.pointer, field.label, value, is_usual, &mut rows);
        }
        let inside = if base.is_empty() { None } else { whole.pointer(&base).and_then(Value::as_object) };
        if key == "event_texts" {
            event_rows(inside.into_iter().flatten(), &mut rows);
        } else {
            for (member, value) in inside.into_iter().flatten() {
                let pointer = step(&base, member);
                if !told.contains(pointer.as_str()) {
                    let is_usual = usual.pointer(&pointer) == Some(value);
                    rows_of(&pointer, &fields::from_key(member), value, is_usual, &mut rows);
                }
            }
        }
        sections.push(Section { key, title, rows });
    }
    sections
}

fn event_rows<'v>(logs: impl Iterator<Item = (&'v String, &'v Value)>, rows: &mut Vec<Row>) {
    for (log, texts) in logs {
        let name = if log == "*" { "All other logs".to_owned() } else { object_words(log) };
        for (code, text) in texts.as_object().into_iter().flatten() {
            rows.push(Row {
                pointer: step(&step("/event_texts", log), code),
                label: format!("{name}, code {code}"),
                value: text.as_str().unwrap_or_default().to_owned(),
                is_usual: false,
            });
        }
    }
}

/// An OBIS code with its plain name, other text as it is.
fn object_words(text: &str) -> String {
    match text.parse::<Obis>() {
        Ok(obis) => format!("{} ({})", plain_name(obis), obis.short()),
        Err(_) => text.to_owned(),
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "Not named".to_owned(),
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::String(text) => object_words(text),
        Value::Array(items) if items.is_empty() => "None named".to_owned(),
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(key, value)| format!("{key} {}", said(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Number(number) => number.to_string(),
    }
}

fn rows_of(pointer: &str, label: &str, value: &Value, is_usual: bool, rows: &mut Vec<Row>) {
    let mut push = |pointer: String, label: String, value: String| {
        rows.push(Row { pointer, label, value, is_usual });
    };
    match value {
        Value::Array(items) if items.len() > 3 || items.iter().any(Value::is_object) => {
            for (place, item) in items.iter().enumerate() {
                push(step(pointer, &place.to_string()), format!("{label} {}", place + 1), said(item));
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let at = step(pointer, key);
                match fields::at(&at) {
                    Some(field) => {
                        let words = field.said(value).unwrap_or_else(|| said(value));
                        push(at, field.label.to_owned(), words);
                    }
                    None => push(at, format!("{label}: {}", object_words(key)), said(value)),
                }
            }
        }
        Value::Object(_) => push(pointer.to_owned(), label.to_owned(), "None".to_owned()),
        other => {
            let words = fields::at(pointer).map(|field| field.said(other));
            push(pointer.to_owned(), label.to_owned(), words.flatten().unwrap_or_else(|| said(other)));
        }
    }
}
