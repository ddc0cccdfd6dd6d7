//! A look at the text, on a thread of its own: what is wrong with it, its tree, what was changed.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;

use serde_json::Value;

use crate::gui::context::AppCtx;
use crate::model::Catalogue;
use crate::model::template::{Difference, Origin, Problem, Template, check, differences};

use super::{Editor, Subject};

/// What a look at the text found.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) problems: Vec<Problem>,
    /// The tree, where the text is JSON.
    pub(super) tree: Option<Value>,
    pub(super) changes: Vec<Difference>,
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
    /// Takes what a look found, and begins the next where the text is another.
    pub(super) fn look(&mut self, cx: &AppCtx) {
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

    pub(super) fn is_looking(&self) -> bool {
        self.looked != Some(self.version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::template::written_value;

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
