//! An open scheme as a working copy: the document under the hands, what stands in the file, and what is wrong.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;

use egui::Ui;

use crate::gui::context::AppCtx;
use crate::gui::data::Later;
use crate::model::Catalogue;
use crate::model::template::SchemeLimits;
use crate::scheme::{Document, Problem, check_file_among, write};

use super::history::{History, Run};

/// Seconds without a key after which typing goes on as a new step.
const TYPING_PAUSE_S: f64 = 2.0;

/// A working copy.
#[derive(Debug)]
pub(super) struct Draft {
    /// The scheme.
    pub(super) document: Document,
    /// As it stands in its file; nothing where it was never saved.
    pub(super) saved: Option<Document>,
    /// What was done.
    pub(super) history: History,
    /// Counts the changes.
    pub(super) version: u64,
    /// When the last change came, in seconds of the window's clock.
    pub(super) changed_at: f64,
    problems: Arc<Vec<Problem>>,
    checked: Option<u64>,
    checking: Option<(u64, Later<Vec<Problem>>)>,
}

impl Draft {
    /// Of a scheme, and of what stands in its file.
    pub(super) fn new(document: Document, saved: Option<Document>) -> Self {
        Self {
            document,
            saved,
            history: History::default(),
            version: 0,
            changed_at: 0.0,
            problems: Arc::default(),
            checked: None,
            checking: None,
        }
    }

    /// Whether there is something to save.
    pub(super) fn is_dirty(&self) -> bool {
        self.saved.as_ref() != Some(&self.document)
    }

    /// What is wrong, as far as it has been looked at.
    pub(super) fn problems(&self) -> Arc<Vec<Problem>> {
        Arc::clone(&self.problems)
    }

    /// What the meter model can hold; the format's own limits where the model is not known.
    pub(super) fn limits(&self, templates: &Catalogue) -> SchemeLimits {
        let template = templates.shared(&self.document.template);
        template.map(|template| template.limits.clone()).unwrap_or_default()
    }

    /// Whether the checks have not come to the last change yet.
    pub(super) fn is_checking(&self) -> bool {
        self.checked != Some(self.version)
    }

    /// Takes what the checks found, and has them look again where something changed.
    pub(super) fn check(&mut self, cx: &AppCtx) {
        if let Some((version, answer)) = &self.checking {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return,
                Ok(Ok(problems)) => {
                    self.problems = Arc::new(problems);
                    self.checked = Some(*version);
                }
                // No thread could be started: asked for again with the next change.
                Ok(Err(_)) | Err(TryRecvError::Disconnected) => self.checked = Some(*version),
            }
            self.checking = None;
        }
        if self.checked != Some(self.version) {
            let document = self.document.clone();
            let (today, templates) = (super::today(cx), cx.templates.clone());
            // Through the text of the file, so that problems have their line and column.
            let work = move || Ok(check_file_among(write(&document).as_bytes(), today, &templates).problems);
            self.checking = Some((self.version, cx.aside("check scheme", work)));
        }
    }

    /// Notes what a frame has changed, as an undo step or a part of one.
    pub(super) fn changed(&mut self, before: Document, name: &str, run: Option<Run>, now: f64) {
        if matches!(run, Some(Run::Typing(_))) && now - self.changed_at > TYPING_PAUSE_S {
            self.history.pause();
        }
        self.history.note(before, name, run);
        self.version += 1;
        self.changed_at = now;
    }

    /// Makes a change that is a step of its own.
    pub(super) fn change(&mut self, ui: &Ui, name: &str, change: impl FnOnce(&mut Document)) {
        let before = self.document.clone();
        change(&mut self.document);
        if self.document != before {
            self.changed(before, name, None, ui.input(|input| input.time));
        }
    }

    /// Takes the last step back.
    pub(super) fn undo(&mut self, now: f64) -> Option<String> {
        let name = self.history.undo(&mut self.document)?;
        self.version += 1;
        self.changed_at = now;
        Some(name)
    }

    /// Does again what was undone last.
    pub(super) fn redo(&mut self, now: f64) -> Option<String> {
        let name = self.history.redo(&mut self.document)?;
        self.version += 1;
        self.changed_at = now;
        Some(name)
    }
}
