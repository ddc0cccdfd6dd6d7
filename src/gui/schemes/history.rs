//! Undo and redo without end: whole documents, so that no step can be undone halfway.

use crate::scheme::Document;

/// Changes of one run are one step: a drag, or the typing into one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// One press of the pointer, by its number.
    Press(u64),
    /// The typing into one field, by its number.
    Typing(egui::Id),
}

#[derive(Debug)]
struct Step {
    name: String,
    /// The other side of the step: before it in the list to undo, after it in the list to redo.
    other: Document,
}

/// What was done, and what was undone of it.
#[derive(Debug, Default)]
pub(super) struct History {
    done: Vec<Step>,
    undone: Vec<Step>,
    run: Option<Run>,
}

impl History {
    /// Notes a change that has been made; `before` is the document as it stood. True where it began a new step.
    pub(super) fn note(&mut self, before: Document, name: &str, run: Option<Run>) -> bool {
        let goes_on = run.is_some() && run == self.run && !self.done.is_empty();
        self.run = run;
        self.undone.clear();
        if !goes_on {
            self.done.push(Step { name: name.to_owned(), other: before });
        }
        !goes_on
    }

    /// Ends a run: what follows is a step of its own.
    pub(super) fn pause(&mut self) {
        self.run = None;
    }

    /// Takes the last step back; gives its name.
    pub(super) fn undo(&mut self, document: &mut Document) -> Option<String> {
        self.run = None;
        turn(&mut self.done, &mut self.undone, document)
    }

    /// Does again what was undone last; gives its name.
    pub(super) fn redo(&mut self, document: &mut Document) -> Option<String> {
        self.run = None;
        turn(&mut self.undone, &mut self.done, document)
    }

    /// Name of the step that would be undone.
    pub(super) fn undo_name(&self) -> Option<&str> {
        self.done.last().map(|step| step.name.as_str())
    }

    /// Name of the step that would be done again.
    pub(super) fn redo_name(&self) -> Option<&str> {
        self.undone.last().map(|step| step.name.as_str())
    }
}

fn turn(from: &mut Vec<Step>, to: &mut Vec<Step>, document: &mut Document) -> Option<String> {
    let Step { name, mut other } = from.pop()?;
    std::mem::swap(document, &mut other);
    to.push(Step { name: name.clone(), other });
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(title: &str) -> Document {
        Document { title: title.to_owned(), ..Document::blank("dlms-generic", "Europe/London") }
    }

    #[test]
    fn every_step_is_undone_and_done_again() {
        let (mut history, mut document) = (History::default(), titled("0"));
        for n in 1..=200 {
            let before = std::mem::replace(&mut document, titled(&n.to_string()));
            history.note(before, &format!("step {n}"), None);
        }
        for n in (0..200).rev() {
            assert_eq!(history.undo(&mut document), Some(format!("step {}", n + 1)));
            assert_eq!(document.title, n.to_string());
        }
        assert_eq!(history.undo(&mut document), None);
        while history.redo(&mut document).is_some() {}
        assert_eq!(document.title, "200");
    }

    #[test]
    fn a_run_is_one_step_and_a_new_change_forgets_what_was_undone() {
        let mut history = History::default();
        let run = Some(Run::Press(1));
        assert!(history.note(titled("a"), "drag", run));
        assert!(!history.note(titled("b"), "drag", run));
        assert!(history.note(titled("c"), "drag", Some(Run::Press(2))));
        let mut document = titled("d");
        history.undo(&mut document);
        assert_eq!(document.title, "c");
        history.undo(&mut document);
        assert_eq!(document.title, "a");
        assert_eq!(history.redo_name(), Some("drag"));
        history.note(titled("a"), "other", None);
        assert_eq!(history.redo_name(), None);
    }
}
