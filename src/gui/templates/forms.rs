//! The sections of a template as forms: one line a setting, from the table of settings that the checks use too.

use std::sync::LazyLock;

use egui::{Align, Frame, Label, Layout, Margin, RichText, TextEdit, Ui, Vec2};
use serde_json::Value;

use crate::gui::theme::{CONTROL, SIZES, tokens};
use crate::gui::widgets::{secondary, small};
use crate::model::template::fields::{self, FIELDS, Field, Kind, from_key};
use crate::model::template::{Problem, Template};

use super::controls::control;
use super::editor::put;
use super::elster;
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
        let said = self.tree.pointer(pointer).or_else(|| USUAL.pointer(pointer)).cloned();
        said.or_else(|| usual_in_group(pointer)).unwrap_or_default()
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

    /// What is wrong with rows of a list, or of a map by their first cells.
    pub(super) fn marks(&self, pointer: &str, rows: &[Vec<String>]) -> Vec<(usize, String)> {
        let is_map = self.at(pointer).is_object();
        let row_of = |problem: &Problem| {
            let key = problem.pointer.get(pointer.len() + 1..)?.split('/').next()?;
            let key = key.replace("~1", "/").replace("~0", "~");
            let named = |row: &Vec<String>| row.first() == Some(&key);
            if is_map { rows.iter().position(named) } else { key.parse().ok().filter(|at| *at < rows.len()) }
        };
        let within = self.problems_at(pointer);
        within.filter_map(|problem| Some((row_of(problem)?, in_words(problem)))).collect()
    }

    fn is_sought(&self, pointer: &str) -> bool {
        self.sought.is_some_and(|sought| {
            sought.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// What holds within a group that is told, where it says nothing of a setting: flags are off.
fn usual_in_group(pointer: &str) -> Option<Value> {
    let group = fields::at(pointer.get(..pointer.rfind('/')?)?)?;
    let field = fields::at(pointer).filter(|field| field.kind != Kind::Flag)?;
    group.first().get(field.pointer.rsplit('/').next()?).cloned()
}

fn in_words(problem: &Problem) -> String {
    match problem.advice.as_str() {
        "" => problem.message.clone(),
        advice => format!("{}; {advice}", problem.message),
    }
}

/// What is wrong, under the control that it is wrong with.
fn wrongs(ui: &mut Ui, problems: &[String]) {
    for problem in problems {
        ui.horizontal(|ui| {
            ui.add_space(LABEL + 8.0);
            let ink = tokens(ui).bad.0;
            ui.add(Label::new(RichText::new(problem).size(SIZES[0]).color(ink)).wrap());
        });
    }
}

/// Draws a section.
pub(super) fn ui(ui: &mut Ui, key: &str, editing: &mut Editing<'_>, tables: &mut Tables) {
    ui.spacing_mut().item_spacing.y = 4.0;
    if key == "flag" && editing.at("/family") != "elster" {
        ui.label(small(
            ui,
            "The protocol family of this template is another: what stands here has no effect",
        ));
    }
    for field in FIELDS.iter().filter(|field| field.section() == key) {
        // Long lists are tables of their own.
        let is_list = key == "objects" && matches!(field.kind, Kind::Objects);
        match field.kind {
            Kind::Group { fields, .. } => group(ui, field, fields, editing),
            Kind::Table => {}
            _ if is_list => {}
            _ => line(ui, field, editing),
        }
    }
    unknown(ui, key, editing);
    match key {
        "objects" => tables::objects(ui, editing, tables),
        "event_texts" => tables::event_texts(ui, editing, tables),
        "profiles" => tables::status_bits(ui, editing, tables),
        "flag" => elster::ui(ui, editing, tables),
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
        if !is_narrow && !help.is_empty() {
            ui.add(Label::new(small(ui, help)).truncate());
        }
    });
    if is_narrow && !help.is_empty() {
        ui.add(Label::new(small(ui, help)).wrap());
    }
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
    let problems: Vec<String> = editing.problems_at(field.pointer).map(in_words).collect();
    wrongs(ui, &problems);
    if is_sought {
        ui.scroll_to_cursor(Some(Align::Center));
    }
    if let Some(said) = said {
        editing.say(field.pointer, said);
    }
}

/// Settings that are told together: whether they are, and then each of them.
fn group(ui: &mut Ui, field: &Field, fields: &[Field], editing: &mut Editing<'_>) {
    let mut is_told = !editing.at(field.pointer).is_null();
    let mut said = None;
    row(ui, field.label, field.help, |ui| {
        let response = ui.checkbox(&mut is_told, "");
        if response.changed() {
            said = Some(if is_told { field.first() } else { Value::Null });
        }
        response.accessible_name(field.label);
    });
    let of_all = editing.problems_at(field.pointer).filter(|problem| problem.pointer == field.pointer);
    let problems: Vec<String> = of_all.map(in_words).collect();
    wrongs(ui, &problems);
    if let Some(said) = said {
        editing.say(field.pointer, said);
    }
    if is_told {
        Frame::new().inner_margin(Margin { left: 16, ..Margin::ZERO }).show(ui, |ui| {
            for field in fields {
                line(ui, field, editing);
            }
        });
    }
}

fn note(ui: &mut Ui, value: &Value, said: &mut Option<Value>) {
    let mut text = value.as_str().unwrap_or_default().to_owned();
    row(ui, "Note", "", |ui| {
        let edit = TextEdit::multiline(&mut text)
            .hint_text("For whom, and where the settings come from")
            .desired_width((ui.available_width() - 16.0).min(560.0))
            .desired_rows(3)
            .margin(Margin::symmetric(8, 5));
        let response = ui.add(edit);
        let changed = response.changed();
        response.accessible_name("Note");
        if changed {
            *said = Some(Value::String(text.clone()));
        }
    });
}
