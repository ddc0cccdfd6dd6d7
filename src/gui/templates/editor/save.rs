//! Saving: what keeps from it, how it is asked for, how it ended.

use std::sync::mpsc::TryRecvError;

use crate::comms::Edit;
use crate::gui::context::{AppCtx, stopped};
use crate::model::Right;
use crate::model::template::Problem;

use super::{Editor, Subject};

impl Editor {
    /// The name of the template once it is saved.
    pub(in crate::gui::templates) fn take_saved(&mut self, cx: &mut AppCtx) -> Option<String> {
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

    /// Why it cannot be saved now.
    pub(super) fn hindrance(&self) -> Option<&'static str> {
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

    /// Asks for it to be saved, where nothing keeps from it.
    pub(super) fn save(&mut self, cx: &AppCtx) {
        if self.hindrance().is_some() || cx.why_not(Right::KeepTemplates).is_some() {
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
}
