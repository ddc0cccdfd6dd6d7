//! The editor of an own template: its sections as forms and tables, its text, what was changed, what is wrong with it.
//!
//! The text is the one truth. A form changes the tree of it and writes the text anew; what is typed into the text is
//! read again by the checks, on a thread of their own, one look at a time.

mod head;
mod look;
mod places;
mod put;
mod save;

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use egui::{CentralPanel, Frame, Key, Margin, Modifiers, Panel, Ui};
use serde_json::Value;

use crate::comms::Edited;
use crate::gui::context::AppCtx;
use crate::gui::data::Later;
use crate::gui::theme::tokens;
use crate::model::template::{Origin, Proposal, Remark};
use crate::model::{Fault, Position};

use super::history::History;
use super::keep::Unsaved;
use super::tables::Tables;
use super::{Wish, problems};

use look::Looked;
pub(super) use put::put;

/// What is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A template that is nowhere yet.
    New,
    /// A template of the store.
    Own {
        /// Its name there.
        name: String,
        /// The version that is changed.
        version: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Section(&'static str),
    Text,
    Changes,
    Learnt,
}

/// An editor.
pub(super) struct Editor {
    subject: Subject,
    origin: Option<Origin>,
    remarks: Vec<Remark>,
    text: String,
    saved: String,
    /// The tree of the text; nothing while the text is not JSON or was not looked at since it was typed.
    tree: Option<Value>,
    version: u64,
    found: Arc<Looked>,
    looked: Option<u64>,
    looking: Option<(u64, Later<Looked>)>,
    history: History,
    place: Place,
    go_to: Option<Position>,
    sought: Option<String>,
    saving: Option<(Receiver<Result<Edited, Fault>>, String)>,
    refused: Option<Fault>,
    tables: Tables,
}

impl Editor {
    /// Of a text.
    pub(super) fn new(subject: Subject, text: String, origin: Option<Origin>) -> Self {
        let tree = serde_json::from_str::<Value>(&text).ok().filter(Value::is_object);
        let place = if tree.is_some() { Place::Section("") } else { Place::Text };
        Self {
            subject,
            origin,
            remarks: Vec::new(),
            text,
            saved: String::new(),
            tree,
            version: 0,
            found: Arc::default(),
            looked: None,
            looking: None,
            history: History::default(),
            place,
            go_to: None,
            sought: None,
            saving: None,
            refused: None,
            tables: Tables::default(),
        }
    }

    /// Of what was learnt of a meter.
    pub(super) fn proposed(proposal: Proposal) -> Self {
        let Proposal { meter, text, remarks } = proposal;
        let origin = Origin { learnt_from: Some(meter), text: text.clone(), ..Origin::default() };
        let mut editor = Self::new(Subject::New, text, Some(origin));
        editor.remarks = remarks;
        editor.place = Place::Learnt;
        editor
    }

    /// Of what a crash left behind.
    pub(super) fn left_behind(unsaved: Unsaved) -> Self {
        let subject = unsaved.of.map_or(Subject::New, |(name, version)| Subject::Own { name, version });
        let mut editor = Self::new(subject, unsaved.text, unsaved.origin);
        editor.saved = unsaved.saved;
        editor
    }

    /// The text is what stands in the store.
    pub(super) fn is_saved(&mut self) {
        self.saved.clone_from(&self.text);
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.text != self.saved
    }

    /// What is kept of it until it is saved.
    pub(super) fn unsaved(&self) -> Unsaved {
        let of = match &self.subject {
            Subject::New => None,
            Subject::Own { name, version } => Some((name.clone(), *version)),
        };
        Unsaved::new(of, self.origin.clone(), self.saved.clone(), self.text.clone())
    }

    /// What it is called.
    pub(super) fn title(&self) -> String {
        let named = self.tree.as_ref().and_then(|tree| tree.get("name")).and_then(Value::as_str);
        match (named, &self.subject) {
            (Some(name), _) if !name.is_empty() => name.to_owned(),
            (_, Subject::Own { name, .. }) => name.clone(),
            (_, Subject::New) => "a new template".to_owned(),
        }
    }

    /// The text was changed at a place.
    fn changed(&mut self, ui: &Ui, before: String, place: &str) {
        self.history.note(before, place, ui.input(|input| input.time));
        self.version += 1;
        self.refused = None;
        ui.ctx().request_repaint_after(std::time::Duration::ZERO);
    }

    fn turned(&mut self, ui: &Ui, text: String) {
        self.text = text;
        self.tree = serde_json::from_str::<Value>(&self.text).ok().filter(Value::is_object);
        self.version += 1;
        ui.ctx().request_repaint_after(std::time::Duration::ZERO);
    }

    fn undo(&mut self, ui: &Ui) {
        if let Some(text) = self.history.undo(&self.text) {
            self.turned(ui, text);
        }
    }

    fn redo(&mut self, ui: &Ui) {
        if let Some(text) = self.history.redo(&self.text) {
            self.turned(ui, text);
        }
    }

    /// Draws it; gives what is to be done.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) -> Option<Wish> {
        self.look(cx);
        self.keys(ui, cx);
        let t = tokens(ui);
        let frame = |fill: crate::gui::theme::Colour| {
            Frame::new().fill(fill.0).inner_margin(Margin::symmetric(16, 8))
        };
        let mut wish = None;
        Panel::top("template editor").show_separator_line(false).frame(frame(t.surface)).show(ui, |ui| {
            ui.add_space(4.0);
            wish = self.head(ui, cx);
        });
        let nav =
            Frame::new().fill(t.surface.0).inner_margin(Margin { left: 8, right: 8, top: 4, bottom: 8 });
        Panel::left("template sections").resizable(false).exact_size(184.0).frame(nav).show(ui, |ui| {
            self.sections(ui);
        });
        let found = Arc::clone(&self.found);
        let height = if found.problems.is_empty() { 32.0 } else { 128.0 };
        let bottom = Panel::bottom("template problems").resizable(false).exact_size(height);
        let clicked =
            bottom.frame(frame(t.canvas)).show(ui, |ui| problems::ui(ui, &found.problems, self.is_looking()));
        if let Some(problem) = clicked.inner {
            self.show_problem(&problem);
        }
        let rest = Frame::new().inner_margin(Margin::symmetric(16, 4));
        CentralPanel::no_frame().frame(rest).show(ui, |ui| self.body(ui));
        wish
    }

    fn keys(&mut self, ui: &Ui, cx: &mut AppCtx) {
        // A field that has the focus undoes what was typed into it itself.
        let is_typing = ui.memory(|memory| memory.focused().is_some()) && self.place == Place::Text;
        let redo = Modifiers { shift: true, ..Modifiers::COMMAND };
        if !is_typing && ui.input_mut(|input| input.consume_key(redo, Key::Z)) {
            self.redo(ui);
        }
        if !is_typing && ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Z)) {
            self.undo(ui);
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::S)) {
            self.save(cx);
        }
    }
}
