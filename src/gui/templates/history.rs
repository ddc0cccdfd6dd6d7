//! Undo and redo of an editor's text. Typing into one place is one step until a pause.

/// Typing that goes on after a pause of this many seconds is a step of its own.
const PAUSE_S: f64 = 1.0;
/// Steps that are kept.
const KEPT: usize = 200;

#[derive(Debug, Default)]
pub(super) struct History {
    done: Vec<String>,
    undone: Vec<String>,
    /// Where the last change was typed, and when.
    typing: Option<(String, f64)>,
}

impl History {
    /// Notes a change that has been made: the text before it, where it was made, and when.
    pub(super) fn note(&mut self, before: String, place: &str, now: f64) {
        let goes_on = self.typing.as_ref().is_some_and(|(typed, at)| typed == place && now - at < PAUSE_S);
        self.undone.clear();
        if !goes_on || self.done.is_empty() {
            self.done.push(before);
            if self.done.len() > KEPT {
                self.done.remove(0);
            }
        }
        self.typing = Some((place.to_owned(), now));
    }

    /// The text as it was before the last step.
    pub(super) fn undo(&mut self, text: &str) -> Option<String> {
        self.typing = None;
        let before = self.done.pop()?;
        self.undone.push(text.to_owned());
        Some(before)
    }

    /// The text as it was before the last undo.
    pub(super) fn redo(&mut self, text: &str) -> Option<String> {
        self.typing = None;
        let after = self.undone.pop()?;
        self.done.push(text.to_owned());
        Some(after)
    }

    pub(super) const fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub(super) const fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_one_step_and_a_pause_or_another_place_begins_a_new_one() {
        let mut history = History::default();
        history.note("a".to_owned(), "json", 0.0);
        history.note("ab".to_owned(), "json", 0.3);
        history.note("abc".to_owned(), "json", 5.0);
        history.note("abcd".to_owned(), "/name", 5.1);
        assert_eq!(history.undo("abcde").as_deref(), Some("abcd"));
        assert_eq!(history.undo("abcd").as_deref(), Some("abc"));
        assert_eq!(history.undo("abc").as_deref(), Some("a"));
        assert_eq!(history.undo("a"), None);
        assert_eq!(history.redo("a").as_deref(), Some("abc"));
        assert!(history.can_redo() && history.can_undo());
        history.note("abc".to_owned(), "json", 9.0);
        assert!(!history.can_redo());
    }
}
