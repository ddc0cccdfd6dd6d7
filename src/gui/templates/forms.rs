//! The sections of a template as forms: one line a setting, from the table of settings that the checks use too.

use std::sync::LazyLock;

use egui::{Align, Label, Layout, RichText, TextEdit, Ui, Vec2};
use serde_json::{Value, json};

use crate::gui::theme::{CONTROL, SIZES, tokens};
use crate::gui::widgets::{combo, committed, secondary, small};
use crate::model::template::fields::{FIELDS, Field, Kind, from_key};
use crate::model::template::{Problem, SERVICES, Template};
use crate::model::{Obis, ServerAddress, plain_name};

use super::editor::put;
use super::tables::{self, Tables};

/// What holds where nothing is said.
static USUAL: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(Template::least()).unwrap_or_default());

/// Width of labels.
const LABEL: f32 = 232.0;

/// A template under a form's hands.
pub(super) struct Editing<'a> {
    /// The tree of its text.
    pub(super) tree: &'a mut Value,
    /// What is wrong with it.
    pub(super) problems: &'a [Problem],
    /// A place that was clicked: it is shown once.
    pub(super) sought: Option<&'a str>,
}

impl Editing<'_> {
    /// What is said at a place, or holds there.
    pub(super) fn at(&self, pointer: &str) -> Value {
        self.tree.pointer(pointer).or_else(|| USUAL.pointer(pointer)).cloned().unwrap_or_default()
    }

    /// Says something at a place; what is as usual is left out.
    pub(super) fn say(&mut self, pointer: &str, value: Value) {
        let is_heading = pointer.matches('/').count() == 1 && !value.is_object();
        let is_usual = !is_heading && USUAL.pointer(pointer) == Some(&value);
        put(self.tree, pointer, (!is_usual).then_some(value));
    }

    fn problems_at<'p>(&'p self, pointer: &'p str) -> impl Iterator<Item = &'p Problem> {
        self.problems.iter().filter(move |problem| {
            problem.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn is_sought(&self, pointer: &str) -> bool {
        self.sought.is_some_and(|sought| {
            sought.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Draws a section.
pub(super) fn ui(ui: &mut Ui, key: &str, editing: &mut Editing<'_>, tables: &mut Tables) {
    ui.spacing_mut().item_spacing.y = 4.0;
    for field in FIELDS.iter().filter(|field| field.section() == key) {
        // Long lists are tables of their own.
        let is_list = key == "objects" && matches!(field.kind, Kind::Objects);
        if !is_list && field.kind != Kind::Table {
            line(ui, field, editing);
        }
    }
    unknown(ui, key, editing);
    match key {
        "objects" => tables::objects(ui, editing, tables),
        "event_texts" => tables::event_texts(ui, editing, tables),
        "profiles" => tables::status_bits(ui, editing, tables),
        _ => {}
    }
}

/// Settings of a section that have no form: what they say is shown, and changed in the text.
fn unknown(ui: &mut Ui, key: &str, editing: &Editing<'_>) {
    let pointer = format!("/{key}");
    let Some(Value::Object(members)) = editing.tree.pointer(&pointer).filter(|_| !key.is_empty()) else {
        return;
    };
    for (member, value) in members {
        let at = format!("{pointer}/{member}");
        if key != "event_texts" && !FIELDS.iter().any(|field| field.pointer == at) {
            row(ui, &from_key(member), "", |ui| {
                ui.add(Label::new(value.to_string()).truncate());
                ui.label(small(ui, "changed in the JSON"));
            });
        }
    }
}

/// A label and what stands beside it.
pub(super) fn row(ui: &mut Ui, label: &str, help: &str, control: impl FnOnce(&mut Ui)) {
    // Where both do not fit side by side, the label stands above.
    let is_narrow = ui.available_width() < LABEL + 320.0;
    if is_narrow {
        ui.add(Label::new(secondary(ui, label)).truncate());
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let cell = Vec2::new(LABEL, CONTROL);
        if !is_narrow {
            ui.allocate_ui_with_layout(cell, Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(LABEL);
                ui.add(Label::new(secondary(ui, label)).truncate());
            });
        }
        control(ui);
        if !help.is_empty() {
            ui.add(Label::new(small(ui, help)).truncate());
        }
    });
}

fn line(ui: &mut Ui, field: &Field, editing: &mut Editing<'_>) {
    let value = editing.at(field.pointer);
    let is_sought = editing.is_sought(field.pointer);
    let mut said = None;
    if field.pointer == "/note" {
        note(ui, &value, &mut said);
    } else {
        row(ui, field.label, field.help, |ui| said = control(ui, field, &value));
    }
    let problems: Vec<String> = editing
        .problems_at(field.pointer)
        .map(|problem| match problem.advice.as_str() {
            "" => problem.message.clone(),
            advice => format!("{}; {advice}", problem.message),
        })
        .collect();
    for problem in problems {
        ui.horizontal(|ui| {
            ui.add_space(LABEL + 8.0);
            let ink = tokens(ui).bad.0;
            ui.add(Label::new(RichText::new(problem).size(SIZES[0]).color(ink)).wrap());
        });
    }
    if is_sought {
        ui.scroll_to_cursor(Some(Align::Center));
    }
    if let Some(said) = said {
        editing.say(field.pointer, said);
    }
}

fn note(ui: &mut Ui, value: &Value, said: &mut Option<Value>) {
    let mut text = value.as_str().unwrap_or_default().to_owned();
    row(ui, "Note", "", |ui| {
        let edit = TextEdit::multiline(&mut text)
            .hint_text("For whom, and where the settings come from")
            .desired_width((ui.available_width() - 16.0).min(560.0))
            .desired_rows(3)
            .margin(egui::Margin::symmetric(8, 5));
        let response = ui.add(edit);
        let changed = response.changed();
        response.accessible_name("Note");
        if changed {
            *said = Some(Value::String(text.clone()));
        }
    });
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A control for a setting; gives what is to be said.
fn control(ui: &mut Ui, field: &Field, value: &Value) -> Option<Value> {
    let text = words(value);
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
            combo(ui, ("choice", field.pointer), field.label, 300.0, current, |ui| {
                for (word, meaning) in choices {
                    if ui.selectable_label(*word == text, *meaning).clicked() && *word != text {
                        said = Some(Value::String((*word).to_owned()));
                    }
                }
            });
            said
        }
        Kind::Text => {
            let (given, _) = committed(ui, field.label, &text, 300.0, |text| !text.trim().is_empty());
            given.map(Value::String)
        }
        Kind::Address => {
            let (given, _) =
                committed(ui, field.label, &text, 120.0, |text| text.parse::<ServerAddress>().is_ok());
            given.map(Value::String)
        }
        Kind::Object => object(ui, field.label, &text, false),
        Kind::MaybeObject => object(ui, field.label, &text, true),
        Kind::Objects => {
            let (given, _) = committed(ui, field.label, &text, 380.0, |text| several(text).is_some());
            given.and_then(|text| several(&text))
        }
        Kind::Numbers => {
            let numbers = |text: &str| {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<u32>>>()
            };
            let (given, _) = committed(ui, field.label, &text, 300.0, |text| numbers(text).is_some());
            given.and_then(|text| numbers(&text)).map(|numbers| json!(numbers))
        }
        Kind::Words(known) => {
            let known = if known.is_empty() { &SERVICES[..] } else { known };
            let chosen = |text: &str| {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts
                    .map(|part| known.contains(&part).then(|| part.to_owned()))
                    .collect::<Option<Vec<String>>>()
            };
            let (given, response) = committed(ui, field.label, &text, 380.0, |text| chosen(text).is_some());
            response.on_hover_text(format!("Joined by commas: {}", known.join(", ")));
            given.and_then(|text| chosen(&text)).map(|words| json!(words))
        }
        Kind::Table => None,
    }
}

/// Objects joined by commas.
fn several(text: &str) -> Option<Value> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let all = parts.map(|part| part.parse::<Obis>().ok().map(|obis| obis.to_string()));
    all.collect::<Option<Vec<String>>>().map(|all| json!(all))
}

fn object(ui: &mut Ui, label: &str, text: &str, may_be_none: bool) -> Option<Value> {
    let is_right = |text: &str| may_be_none && text.trim().is_empty() || text.parse::<Obis>().is_ok();
    let (given, _) = committed(ui, label, text, 160.0, is_right);
    if let Ok(obis) = text.parse::<Obis>() {
        ui.add(Label::new(secondary(ui, plain_name(obis))).truncate());
    }
    given.map(|text| text.parse::<Obis>().map_or(Value::Null, |obis| Value::String(obis.to_string())))
}
