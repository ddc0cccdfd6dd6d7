//! Templates: what differs between meter models. All of them at the left, what one says at the right, and an editor
//! for the store's own.

mod controls;
mod editor;
mod elster;
mod forms;
mod grid;
mod history;
mod json_tab;
mod keep;
mod learning;
mod lines;
mod list;
mod problems;
mod tables;
mod view;

use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;

use egui::{Frame, Key, Margin, Panel, Ui};

use super::context::{AppCtx, Command, stopped};
use super::data::Later;
use super::theme::{strong, tokens};
use super::widgets::{Act, dialog_window, secondary};
use crate::comms::Edit;
use crate::model::template::{Origin, written};

use editor::{Editor, Subject};
use keep::Keeper;
use learning::Learning;
use list::Row;
use view::View;

/// What a person wants to see or do next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    /// Copy a template and change the copy.
    Copy(String),
    /// Change an own template.
    Change(String),
    /// Write a template to a file.
    Write(String),
    /// Remove an own template.
    Remove(String),
    /// Choose a template file.
    Import,
    /// Learn a template from a meter.
    Learn,
    /// Leave the editor.
    Close,
}

/// The page of templates.
#[derive(Default)]
pub(super) struct TemplatesPage {
    chosen: Option<String>,
    /// A template that was saved, and whose row is on its way.
    adopted: Option<String>,
    sought: String,
    view: View,
    editor: Option<Editor>,
    learning: Option<Learning>,
    removal: Option<String>,
    /// What waits until it is known what becomes of unsaved work.
    leaving: Option<Wish>,
    opening: Option<Later<String>>,
    keeper: Option<Keeper>,
    looked_for_drafts: bool,
    left: Option<Later<Option<keep::Unsaved>>>,
    /// The write that is under way: the next one waits for its end.
    keeping: Option<Later<()>>,
}

impl TemplatesPage {
    /// Whether a dialog is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.learning.is_some() || self.removal.is_some() || self.leaving.is_some()
    }

    /// Reads a template file that was chosen; it is looked at in the editor before it is saved.
    pub(super) fn open(&mut self, cx: &AppCtx, path: PathBuf) {
        self.opening = Some(cx.aside("open template", move || keep::read_file(&path)));
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        self.take_answers(cx);
        let t = tokens(ui);
        let rows = list::rows(cx);
        if let Some(name) = self.adopted.take_if(|name| rows.iter().any(|row| row.name == *name)) {
            self.chosen = Some(name);
        }
        if !rows.iter().any(|row| Some(&row.name) == self.chosen.as_ref()) {
            self.chosen = rows.first().map(|row| row.name.clone());
        }
        let mut wish = None;
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 8, right: 8, top: 12, bottom: 8 });
        Panel::left("templates")
            .resizable(true)
            .default_size(248.0)
            .size_range(180.0..=420.0)
            .frame(frame)
            .show(ui, |ui| wish = self.list(ui, cx, &rows));
        let inner = ui.available_rect_before_wrap();
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        let asked = match (&mut self.editor, self.chosen.clone()) {
            (Some(editor), _) => editor.ui(ui, cx),
            (None, Some(chosen)) => self.view.ui(ui, cx, &chosen, &rows),
            (None, None) => None,
        };
        if let Some(wish) = wish.or(asked) {
            self.grant(cx, wish);
        }
        self.dialogs(ui, cx);
        self.keep(ui, cx);
    }

    fn list(&mut self, ui: &mut Ui, cx: &AppCtx, rows: &[Row]) -> Option<Wish> {
        let edited = self.editor.as_ref().map(Editor::title);
        let choice = list::ui(ui, rows, self.chosen.as_deref(), edited.as_deref(), &mut self.sought, cx)?;
        match choice {
            list::Choice::Wish(wish) => Some(wish),
            list::Choice::Show(name) => {
                self.chosen = Some(name);
                self.editor.is_some().then_some(Wish::Close)
            }
        }
    }

    fn grant(&mut self, cx: &mut AppCtx, wish: Wish) {
        let is_unsaved = self.editor.as_ref().is_some_and(Editor::is_dirty);
        let leaves =
            matches!(wish, Wish::Copy(_) | Wish::Change(_) | Wish::Close | Wish::Import | Wish::Learn);
        if is_unsaved && leaves {
            self.leaving = Some(wish);
            return;
        }
        match wish {
            Wish::Copy(name) => self.copy(cx, &name),
            Wish::Change(name) => self.change(cx, &name),
            Wish::Write(name) => {
                if let Some(entry) = cx.templates.entry(&name) {
                    let (title, file) = ("Write the template as JSON".to_owned(), format!("{name}.json"));
                    let text = entry.text.to_owned();
                    cx.command(Command::SaveText(title, file, text));
                }
            }
            Wish::Remove(name) => self.removal = Some(name),
            Wish::Import => cx.command(Command::ChooseTemplate),
            Wish::Learn => self.learning = Some(Learning::new(cx)),
            Wish::Close => self.editor = None,
        }
    }

    fn copy(&mut self, cx: &AppCtx, name: &str) {
        let Some(entry) = cx.templates.entry(name) else { return };
        let Ok(template) = &entry.template else { return };
        let mut template = template.as_ref().clone();
        template.name = cx.templates.free_name(&format!("{name}-copy"));
        let text = entry.text.to_owned();
        let origin = Origin { copied_from: Some(name.to_owned()), text, ..Origin::default() };
        self.editor = Some(Editor::new(Subject::New, written(&template), Some(origin)));
    }

    fn change(&mut self, cx: &AppCtx, name: &str) {
        let Some(own) = cx.templates.entry(name).and_then(|entry| entry.own) else { return };
        let subject = Subject::Own { name: own.name.clone(), version: own.version };
        let mut editor = Editor::new(subject, own.text.clone(), own.origin.clone());
        editor.is_saved();
        self.editor = Some(editor);
    }

    fn take_answers(&mut self, cx: &mut AppCtx) {
        if let Some(answer) = &self.opening {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(Ok(text)) => {
                    self.opening = None;
                    self.editor = Some(Editor::new(Subject::New, text, None));
                }
                Ok(Err(fault)) => {
                    self.opening = None;
                    cx.notices.failed(fault);
                }
                Err(TryRecvError::Disconnected) => {
                    self.opening = None;
                    cx.notices.failed(stopped());
                }
            }
        }
        if let Some(name) = self.editor.as_mut().and_then(|editor| editor.take_saved(cx)) {
            self.adopted = Some(name);
            self.editor = None;
        }
    }

    fn dialogs(&mut self, ui: &Ui, cx: &mut AppCtx) {
        if let Some(learning) = &mut self.learning {
            match learning.ui(ui, cx) {
                learning::Answer::Open => {}
                learning::Answer::Closed => self.learning = None,
                learning::Answer::Learnt(proposal) => {
                    self.learning = None;
                    self.editor = Some(Editor::proposed(*proposal));
                }
            }
        }
        if let Some(name) = self.removal.clone()
            && removal(ui, cx, &name)
        {
            self.removal = None;
        }
        if let Some(wish) = self.leaving.clone() {
            match leaving(ui, self.editor.as_ref().map(Editor::title).unwrap_or_default().as_str()) {
                Some(true) => {
                    (self.leaving, self.editor) = (None, None);
                    self.grant(cx, wish);
                }
                Some(false) => self.leaving = None,
                None => {}
            }
        }
    }

    /// Keeps unsaved work on the disk, and offers what a crash left behind.
    fn keep(&mut self, ui: &Ui, cx: &mut AppCtx) {
        if !self.looked_for_drafts {
            self.looked_for_drafts = true;
            self.keeper = cx.backend.drafts_folder().map(|folder| Keeper::new(&folder, (cx.now)()));
            self.left =
                self.keeper.clone().map(|keeper| cx.aside("find drafts", move || Ok(keeper.left_behind())));
        }
        if let Some(answer) = &self.left {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(Ok(Some(unsaved))) if self.editor.is_none() => {
                    self.left = None;
                    self.editor = Some(Editor::left_behind(unsaved));
                    cx.notices.done("Unsaved work on a template was left behind and is open again.");
                    ui.ctx().request_repaint_after(std::time::Duration::ZERO);
                }
                _ => self.left = None,
            }
        }
        if let Some(answer) = &self.keeping
            && matches!(answer.try_recv(), Err(TryRecvError::Empty))
        {
            return;
        }
        self.keeping = self.keeper.as_ref().and_then(|keeper| {
            let unsaved = self.editor.as_ref().filter(|editor| editor.is_dirty()).map(Editor::unsaved);
            keeper.keep(cx, unsaved)
        });
    }
}

/// The question before a template is removed; true when it is answered.
fn removal(ui: &Ui, cx: &mut AppCtx, name: &str) -> bool {
    let mut answered = false;
    let modal = dialog_window(ui, "template removal", 420.0, |ui| {
        ui.label(strong(format!("Remove the template {name}?")).size(15.0));
        ui.label(secondary(
            ui,
            "No meter uses it. Its versions stay in the store, and its name is free again.",
        ));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if ui.add(Act::danger(&format!("Remove {name}"))).clicked() {
                cx.edit(Edit::RemoveTemplate(name.to_owned()), format!("Removed {name}"));
                answered = true;
            }
            let keep = ui.add(Act::plain("Keep").shortcut("Esc"));
            if ui.memory(|memory| memory.focused().is_none()) {
                keep.request_focus();
            }
            answered |= keep.clicked() || ui.input(|input| input.key_pressed(Key::Escape));
        });
    });
    answered || modal.should_close()
}

/// The question before unsaved work is thrown away: whether it is, once it is answered.
fn leaving(ui: &Ui, title: &str) -> Option<bool> {
    let mut answer = None;
    let modal = dialog_window(ui, "unsaved template", 420.0, |ui| {
        ui.label(strong(format!("Throw away the changes of {title}?")).size(15.0));
        ui.label(secondary(ui, "They are not in the store yet."));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if ui.add(Act::danger("Throw them away")).clicked() {
                answer = Some(true);
            }
            let keep = ui.add(Act::plain("Go on editing").shortcut("Esc"));
            if ui.memory(|memory| memory.focused().is_none()) {
                keep.request_focus();
            }
            if keep.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                answer = Some(false);
            }
        });
    });
    answer.or(modal.should_close().then_some(false))
}
