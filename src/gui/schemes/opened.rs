//! A scheme in the list: on its way from its file, unreadable, or under the hands.

use std::path::{Path, PathBuf};
use std::sync::mpsc::TryRecvError;

use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::{Later, SchemeFile, reader};
use crate::model::Fault;
use crate::scheme::Document;

use super::draft::Draft;
use super::keep::{self, Keeper, Saved, Unsaved};

/// Seconds without a change after which unsaved work is kept.
const QUIET_S: f64 = 1.0;
/// Seconds after which it is kept even while changes go on.
const LONGEST_S: f64 = 5.0;

/// What is known of it.
#[derive(Debug)]
pub(super) enum State {
    /// The file is being read.
    Opening(Later<SchemeFile>),
    /// The file cannot be read.
    Failed(Fault),
    /// The file is no scheme that can be shown.
    Broken(Box<SchemeFile>),
    /// Under the hands.
    Open(Box<Draft>),
}

/// A scheme in the list.
#[derive(Debug)]
pub(super) struct Opened {
    /// Its number in this run of the program.
    pub(super) key: u64,
    /// Its file.
    pub(super) path: Option<PathBuf>,
    /// What is known of it.
    pub(super) state: State,
    saving: Option<Saving>,
    renaming: Option<(Later<()>, PathBuf)>,
    kept: Kept,
}

#[derive(Debug)]
struct Saving {
    answer: Later<Saved>,
    path: PathBuf,
    document: Document,
}

/// Which version is kept as unsaved work.
#[derive(Debug, Default)]
struct Kept {
    version: Option<u64>,
    /// Since when something has not been kept.
    since: Option<f64>,
    working: Option<(Option<u64>, Later<()>)>,
    failed: bool,
}

/// What came of saving, for the one who asked.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is in this file.
    Saved(PathBuf),
    /// The file held something else than was thought.
    Changed(PathBuf),
    /// It failed.
    Failed(Fault),
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn read_file(cx: &AppCtx, path: &Path) -> Later<SchemeFile> {
    let templates = cx.templates.clone();
    let path = path.to_path_buf();
    cx.aside("open scheme", move || {
        reader::scheme(&path, &templates)
            .map_err(|reason| Fault::user(reason, "check that the file exists and that you may read it"))
    })
}

impl Opened {
    /// Begins to read a file.
    pub(super) fn read(cx: &AppCtx, key: u64, path: PathBuf) -> Self {
        let state = State::Opening(read_file(cx, &path));
        Self { key, path: Some(path), state, saving: None, renaming: None, kept: Kept::default() }
    }

    /// A scheme that is nowhere yet, or as a crash left it.
    pub(super) fn with(key: u64, path: Option<PathBuf>, draft: Draft) -> Self {
        let state = State::Open(Box::new(draft));
        Self { key, path, state, saving: None, renaming: None, kept: Kept::default() }
    }

    /// Reads the file again after it could not be read.
    pub(super) fn retry(&mut self, cx: &AppCtx) {
        if let Some(path) = &self.path {
            self.state = State::Opening(read_file(cx, path));
        }
    }

    /// What the list calls it.
    pub(super) fn name(&self) -> String {
        match (&self.path, &self.state) {
            (Some(path), _) => file_name(path),
            (None, State::Open(draft)) if !draft.document.title.is_empty() => draft.document.title.clone(),
            (None, _) => "New scheme".to_owned(),
        }
    }

    /// The working copy.
    pub(super) fn draft(&self) -> Option<&Draft> {
        match &self.state {
            State::Open(draft) => Some(draft),
            _ => None,
        }
    }

    /// The working copy, to change.
    pub(super) fn draft_mut(&mut self) -> Option<&mut Draft> {
        match &mut self.state {
            State::Open(draft) => Some(draft),
            _ => None,
        }
    }

    /// Whether there is something to save.
    pub(super) fn is_dirty(&self) -> bool {
        self.draft().is_some_and(Draft::is_dirty)
    }

    /// Whether a file is being read or written.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Opening(_)) || self.saving.is_some() || self.renaming.is_some()
    }

    /// Begins to write it to a file.
    pub(super) fn save(&mut self, cx: &AppCtx, path: PathBuf, replace: bool) {
        let Some(draft) = self.draft() else { return };
        // What was expected of one file says nothing of another.
        let expected = draft.saved.clone().filter(|_| self.path.as_deref() == Some(path.as_path()));
        let document = draft.document.clone();
        let (target, text) = (path.clone(), document.clone());
        let answer = cx.aside("save scheme", move || keep::save(&target, &text, expected.as_ref(), replace));
        self.saving = Some(Saving { answer, path, document });
    }

    /// Takes what has come: the file that was read, the end of saving.
    pub(super) fn begin_frame(&mut self, cx: &AppCtx) -> Option<Outcome> {
        if let State::Opening(answer) = &self.state {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(Ok(file)) => {
                    self.state = match file.document {
                        Some(document) => State::Open(Box::new(Draft::new(document.clone(), Some(document)))),
                        None => State::Broken(Box::new(file)),
                    };
                }
                Ok(Err(fault)) => self.state = State::Failed(fault),
                Err(TryRecvError::Disconnected) => self.state = State::Failed(stopped()),
            }
        }
        if let Some(draft) = self.draft_mut() {
            draft.check(cx);
        }
        self.end_of_renaming().or_else(|| self.end_of_saving())
    }

    fn end_of_saving(&mut self) -> Option<Outcome> {
        let result = match self.saving.as_ref()?.answer.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Ok(result) => result,
            Err(TryRecvError::Disconnected) => Err(stopped()),
        };
        let Saving { path, document, .. } = self.saving.take()?;
        Some(match result {
            Ok(Saved::Done) => {
                self.path = Some(path.clone());
                if let Some(draft) = self.draft_mut() {
                    draft.saved = Some(document);
                    draft.history.pause();
                }
                Outcome::Saved(path)
            }
            Ok(Saved::Changed) => Outcome::Changed(path),
            Err(fault) => Outcome::Failed(fault),
        })
    }

    /// Takes it off its file, which is another's now.
    pub(super) fn detach(&mut self) {
        self.path = None;
        if let Some(draft) = self.draft_mut() {
            draft.saved = None;
        }
    }

    /// Gives its file another name.
    pub(super) fn rename(&mut self, cx: &AppCtx, from: PathBuf, to: PathBuf) {
        let target = to.clone();
        let answer = cx.aside("rename scheme", move || keep::rename(&from, &target));
        self.renaming = Some((answer, to));
    }

    fn end_of_renaming(&mut self) -> Option<Outcome> {
        let result = match self.renaming.as_ref()?.0.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Ok(result) => result,
            Err(TryRecvError::Disconnected) => Err(stopped()),
        };
        let (_, to) = self.renaming.take()?;
        match result {
            Ok(()) => {
                self.path = Some(to);
                None
            }
            Err(fault) => Some(Outcome::Failed(fault)),
        }
    }

    /// What is to be kept of it, where something is.
    pub(super) fn unsaved(&self, cx: &AppCtx) -> Option<Unsaved> {
        let draft = self.draft().filter(|draft| draft.is_dirty())?;
        Some(Unsaved {
            at: (cx.now)(),
            path: self.path.clone(),
            base: draft.saved.clone(),
            document: draft.document.clone(),
        })
    }

    /// Keeps unsaved work aside where it is due; gives the seconds until it will be, and a failure once.
    pub(super) fn keep_aside(
        &mut self,
        cx: &AppCtx,
        keeper: &Keeper,
        number: &mut u64,
        now: f64,
    ) -> (Option<f64>, Option<Fault>) {
        let mut fault = None;
        if let Some((version, answer)) = &self.kept.working {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return (None, None),
                Ok(Ok(())) => {
                    self.kept.version = *version;
                    self.kept.failed = false;
                }
                Ok(Err(why)) => {
                    // Said once; tried again with the next change.
                    fault = (!self.kept.failed).then_some(why);
                    self.kept.version = *version;
                    self.kept.failed = true;
                }
                Err(TryRecvError::Disconnected) => self.kept.version = *version,
            }
            self.kept.working = None;
        }
        let Some(draft) = self.draft() else { return (None, fault) };
        let wanted = draft.is_dirty().then_some(draft.version);
        if wanted == self.kept.version {
            self.kept.since = None;
            return (None, fault);
        }
        let changed_at = draft.changed_at;
        let since = *self.kept.since.get_or_insert(now);
        let due = (changed_at + QUIET_S).min(since + LONGEST_S);
        if wanted.is_some() && now < due {
            return (Some(due - now), fault);
        }
        *number += 1;
        let (keeper, key, number, unsaved) = (keeper.clone(), self.key, *number, self.unsaved(cx));
        let answer = cx.aside("keep draft", move || keeper.keep(key, number, unsaved.as_ref()));
        self.kept.working = Some((wanted, answer));
        self.kept.since = None;
        (None, fault)
    }

    /// Keeps unsaved work aside now, before the program ends.
    pub(super) fn keep_now(&self, cx: &AppCtx, keeper: &Keeper, number: u64) -> Result<(), Fault> {
        let unsaved = self.unsaved(cx);
        if unsaved.is_none() && self.kept.version.is_none() && self.kept.working.is_none() {
            return Ok(());
        }
        keeper.keep(self.key, number, unsaved.as_ref())
    }
}
