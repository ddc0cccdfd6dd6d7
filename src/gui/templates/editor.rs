//! The editor of an own template: its sections as forms and tables, its text, what was changed, what is wrong with it.
//!
//! The text is the one truth. A form changes the tree of it and writes the text anew; what is typed into the text is
//! read again by the checks, on a thread of their own, one look at a time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use egui::{Frame, Key, Label, Margin, Modifiers, Panel, ScrollArea, Ui};
use serde_json::{Map, Value};

use crate::comms::{Edit, Edited};
use crate::gui::context::{AppCtx, Command, stopped};
use crate::gui::data::Later;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{Act, Tone, badge, fault_panel, secondary, small};
use crate::model::template::fields::SECTIONS;
use crate::model::template::{
    Basis, Difference, Origin, Problem, Proposal, Remark, Template, check, differences, written_value,
};
use crate::model::{Catalogue, Fault, Position};

use super::history::History;
use super::keep::Unsaved;
use super::tables::Tables;
use super::{Wish, forms, json_tab, problems, view};

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

/// What a look at the text found.
#[derive(Debug, Default)]
struct Looked {
    problems: Vec<Problem>,
    /// The tree, where the text is JSON.
    tree: Option<Value>,
    changes: Vec<Difference>,
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

fn look(text: &str, origin: Option<&Origin>, templates: &Catalogue, subject: &Subject) -> Looked {
    let checked = check(text);
    let mut problems = checked.problems;
    let tree = serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    let name = tree.as_ref().and_then(|tree| tree.get("name")).and_then(Value::as_str).unwrap_or_default();
    let is_itself = matches!(subject, Subject::Own { name: own, .. } if own == name);
    if !is_itself && templates.names().any(|known| known == name) {
        problems.insert(0, Problem::taken(name));
    }
    let before = origin.and_then(|origin| Template::parse("", &origin.text).ok());
    let changes = before.zip(checked.template).map(|(before, after)| differences(&before, &after));
    Looked { problems, tree, changes: changes.unwrap_or_default() }
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

    /// The name of the template once it is saved.
    pub(super) fn take_saved(&mut self, cx: &mut AppCtx) -> Option<String> {
        let (answer, name) = self.saving.as_ref()?;
        let answer = match answer.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err(stopped()),
            Ok(answer) => answer,
        };
        let name = name.clone();
        self.saving = None;
        match answer {
            Ok(_) => {
                cx.notices.done(format!("Saved {name}"));
                Some(name)
            }
            Err(fault) => {
                self.refused = Some(fault);
                None
            }
        }
    }

    fn look(&mut self, cx: &AppCtx) {
        if let Some((version, answer)) = &self.looking {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return,
                Ok(Ok(found)) => {
                    if *version == self.version {
                        self.tree.clone_from(&found.tree);
                    }
                    self.found = Arc::new(found);
                    self.looked = Some(*version);
                }
                // No thread could be started: asked for again with the next change.
                Ok(Err(_)) | Err(TryRecvError::Disconnected) => self.looked = Some(*version),
            }
            self.looking = None;
        }
        if self.looked != Some(self.version) {
            let (text, origin, templates) = (self.text.clone(), self.origin.clone(), cx.templates.clone());
            let subject = self.subject.clone();
            let work = move || Ok(look(&text, origin.as_ref(), &templates, &subject));
            self.looking = Some((self.version, cx.aside("check template", work)));
        }
    }

    fn is_looking(&self) -> bool {
        self.looked != Some(self.version)
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
        let found = Arc::clone(&self.found);
        let height = if found.problems.is_empty() { 32.0 } else { 128.0 };
        let bottom = Panel::bottom("template problems").resizable(false).exact_size(height);
        let clicked =
            bottom.frame(frame(t.canvas)).show(ui, |ui| problems::ui(ui, &found.problems, self.is_looking()));
        if let Some(problem) = clicked.inner {
            self.show_problem(&problem);
        }
        let nav =
            Frame::new().fill(t.surface.0).inner_margin(Margin { left: 8, right: 8, top: 4, bottom: 8 });
        Panel::left("template sections").resizable(false).exact_size(184.0).frame(nav).show(ui, |ui| {
            self.sections(ui);
        });
        Frame::new().inner_margin(Margin::symmetric(16, 4)).show(ui, |ui| self.body(ui));
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

    fn hindrance(&self) -> Option<&'static str> {
        if self.saving.is_some() {
            Some("It is being saved")
        } else if self.is_looking() {
            Some("It is being checked")
        } else if self.found.problems.iter().any(Problem::is_error) {
            Some("Put right what is wrong first: it stands below")
        } else if !self.is_dirty() {
            Some("Nothing was changed")
        } else {
            None
        }
    }

    fn save(&mut self, cx: &AppCtx) {
        if self.hindrance().is_some() {
            return;
        }
        let name = self.title();
        let replaces = match &self.subject {
            Subject::Own { name: own, version } if *own == name => Some(*version),
            _ => None,
        };
        let origin = self.origin.clone().filter(|_| replaces.is_none());
        let edit = Edit::PutTemplate { text: self.text.clone(), origin, replaces };
        self.saving = Some((cx.backend.edit(edit), name));
    }

    fn head(&mut self, ui: &mut Ui, cx: &mut AppCtx) -> Option<Wish> {
        let mut wish = None;
        ui.spacing_mut().item_spacing.y = 8.0;
        ui.horizontal(|ui| {
            ui.add(Label::new(strong(self.title()).size(15.0)).truncate());
            if self.is_dirty() {
                badge(ui, "Not saved", Tone::Warn);
            }
            let from = self.origin.as_ref().and_then(|origin| {
                let copied = origin.copied_from.as_ref().map(|name| format!("copied from {name}"));
                copied.or_else(|| origin.learnt_from.as_ref().map(|meter| format!("learnt from {meter}")))
            });
            if let Some(from) = from {
                ui.label(small(ui, from));
            }
        });
        ui.horizontal(|ui| {
            let hindrance = self.hindrance();
            let save = Act::primary("Save").icon(Icon::Save).shortcut("Ctrl+S").enabled(hindrance.is_none());
            if ui
                .add(save.hint(hindrance.unwrap_or("Keeps it in the store, beside the templates that ship")))
                .clicked()
            {
                self.save(cx);
            }
            if ui.add(Act::plain("Write as JSON…").icon(Icon::Export)).clicked() {
                let file = format!("{}.json", self.title());
                let title = "Write the template as JSON".to_owned();
                cx.command(Command::SaveText(title, file, self.text.clone()));
            }
            let undo = Act::icon_only(Icon::Undo, "Undo").shortcut("Ctrl+Z").enabled(self.history.can_undo());
            if ui.add(undo).clicked() {
                self.undo(ui);
            }
            let redo = Act::icon_only(Icon::Redo, "Do it again").shortcut("Ctrl+Shift+Z");
            if ui.add(redo.enabled(self.history.can_redo())).clicked() {
                self.redo(ui);
            }
            if ui.add(Act::quiet("Close")).clicked() {
                wish = Some(Wish::Close);
            }
        });
        if let Some(fault) = &self.refused {
            fault_panel(ui, fault);
        }
        wish
    }

    fn show_problem(&mut self, problem: &Problem) {
        let key = problem.pointer.split('/').nth(1).unwrap_or_default();
        let section = SECTIONS.iter().find(|(known, _)| *known == key).map_or("", |(known, _)| known);
        if self.place == Place::Text || self.tree.is_none() || problem.pointer.is_empty() {
            self.place = Place::Text;
            self.go_to = problem.position;
        } else {
            self.place = Place::Section(section);
            self.sought = Some(problem.pointer.clone());
        }
    }

    fn sections(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 2.0;
        let mut choose = None;
        ScrollArea::vertical().id_salt("template nav").auto_shrink(false).show(ui, |ui| {
            let mut entry = |ui: &mut Ui, words: &str, place: Place, here: &Place| {
                if ui.add(Act::quiet(words).small().selected(*here == place)).clicked() {
                    choose = Some(place);
                }
            };
            if !self.remarks.is_empty() {
                entry(ui, "What was learnt", Place::Learnt, &self.place);
            }
            for (key, title) in SECTIONS {
                let count =
                    self.found.problems.iter().filter(|problem| section_of(&problem.pointer) == key).count();
                let words = if count > 0 { format!("{title} ({count})") } else { title.to_owned() };
                entry(ui, &words, Place::Section(key), &self.place);
            }
            ui.add_space(8.0);
            entry(ui, "JSON", Place::Text, &self.place);
            if self.origin.is_some() {
                entry(ui, "What was changed", Place::Changes, &self.place);
            }
        });
        if let Some(place) = choose {
            self.place = place;
        }
    }

    fn body(&mut self, ui: &mut Ui) {
        match self.place.clone() {
            Place::Text => {
                let before = self.text.clone();
                if json_tab::ui(ui, &mut self.text, self.go_to.take()) {
                    self.tree = None;
                    self.changed(ui, before, "text");
                }
            }
            Place::Changes => view::changes(ui, &self.found.changes),
            Place::Learnt => self.learnt(ui),
            Place::Section(key) => {
                let Some(tree) = &mut self.tree else {
                    let words = if self.looked == Some(self.version) {
                        "The text is not JSON at the moment: what is wrong stands below."
                    } else {
                        "The text is being looked at…"
                    };
                    ui.label(secondary(ui, words));
                    if ui.add(Act::plain("Show the JSON")).clicked() {
                        self.place = Place::Text;
                    }
                    return;
                };
                let before = tree.clone();
                let sought = self.sought.take();
                self.tables.has_room(ui.available_height());
                let found = Arc::clone(&self.found);
                let mut editing =
                    forms::Editing { tree, problems: &found.problems, sought: sought.as_deref() };
                ScrollArea::vertical().id_salt(("template form", key)).auto_shrink(false).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    forms::ui(ui, key, &mut editing, &mut self.tables);
                });
                if *tree != before {
                    let text = written_value(tree);
                    let old = std::mem::replace(&mut self.text, text);
                    self.changed(ui, old, key);
                }
            }
        }
    }

    fn learnt(&mut self, ui: &mut Ui) {
        ui.label(secondary(ui, "What stands in this proposal, and how it is known. Look up what no meter tells before you program with it."));
        ui.add_space(4.0);
        let mut go = None;
        ScrollArea::vertical().id_salt("template remarks").auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            for basis in [Basis::ByHand, Basis::Guessed, Basis::Observed] {
                for remark in self.remarks.iter().filter(|remark| remark.basis == basis) {
                    ui.horizontal_top(|ui| {
                        let (word, tone) = match basis {
                            Basis::Observed => ("Observed", Tone::Good),
                            Basis::Guessed => ("Guessed", Tone::Warn),
                            Basis::ByHand => ("By hand", Tone::Bad),
                        };
                        badge(ui, word, tone);
                        let section = section_of(&remark.pointer);
                        if !remark.pointer.is_empty()
                            && ui.add(Act::quiet(title_of(section)).small()).clicked()
                        {
                            go = Some((section, remark.pointer.clone()));
                        }
                        ui.add(Label::new(&remark.text).wrap());
                    });
                }
            }
        });
        if let Some((section, pointer)) = go {
            self.place = Place::Section(section);
            self.sought = Some(pointer);
        }
    }
}

/// The section that a place lies in.
fn section_of(pointer: &str) -> &'static str {
    let key = pointer.split('/').nth(1).unwrap_or_default();
    SECTIONS.iter().find(|(known, _)| *known == key).map_or("", |(known, _)| known)
}

fn title_of(section: &str) -> &'static str {
    SECTIONS.iter().find(|(known, _)| *known == section).map_or("", |(_, title)| title)
}

/// Puts a value at a place; nothing takes it away, and with it a section that is empty then.
pub(super) fn put(tree: &mut Value, pointer: &str, value: Option<Value>) {
    let keys: Vec<String> =
        pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let Some((last, outer)) = keys.split_last() else { return };
    let mut here = &mut *tree;
    for key in outer {
        if value.is_none() && here.get(key).is_none() {
            return;
        }
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Value::Object(members) = here else { return };
        here = members.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    if !here.is_object() {
        *here = Value::Object(Map::new());
    }
    let Value::Object(members) = here else { return };
    match value {
        Some(value) => {
            members.insert(last.clone(), value);
        }
        None => {
            members.shift_remove(last);
            let is_empty = members.is_empty();
            if let ([section], true, Value::Object(sections)) = (outer, is_empty, tree) {
                sections.shift_remove(section);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_put_into_a_section_that_is_made_for_it_and_goes_away_with_it() {
        let mut tree = json!({ "name": "x" });
        put(&mut tree, "/hdlc/info", Some(json!(512)));
        assert_eq!(tree, json!({ "name": "x", "hdlc": { "info": 512 } }));
        put(&mut tree, "/hdlc/window", None);
        put(&mut tree, "/hdlc/info", None);
        put(&mut tree, "/timing/attempts", None);
        assert_eq!(tree, json!({ "name": "x" }));
    }

    #[test]
    fn a_name_that_is_taken_is_a_problem_unless_it_is_its_own() {
        let text = written_value(&json!({ "format": "meterwright.template/1", "name": "dlms-idis",
            "title": "X", "family": "dlms", "limits": { "seasons": 2 } }));
        let templates = Catalogue::default();
        assert_eq!(look(&text, None, &templates, &Subject::New).problems.len(), 1);
        let own = Subject::Own { name: "dlms-idis".to_owned(), version: 1 };
        assert_eq!(look(&text, None, &templates, &own).problems, []);
    }
}
