//! The dialogs of groups: make one, rename or move it, take it away, move meters between them.

use egui::{Key, ScrollArea, Ui};

use crate::comms::Edit;
use crate::gui::context::AppCtx;
use crate::gui::theme::strong;
use crate::gui::widgets::{Act, counted, dialog_window, fault_panel, field, secondary, text_field};
use crate::model::{MeterId, MeterPatch, Right};
use crate::store::MeterChanges;

use super::saving::Saving;

/// Width of the dialog's contents.
const WIDTH: f32 = 420.0;

/// What is to be done with groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupDeed {
    /// Make one, below this one.
    Add(Option<String>),
    /// Give one another name.
    Rename(String),
    /// Move one below another; with the new parent where it is known, the top where that is empty.
    Move(String, Option<String>),
    /// Take one away: its meters are in none.
    Remove(String),
    /// Move meters into a group; with its path where it is known.
    Meters(Vec<MeterId>, Option<String>),
}

/// The dialog.
pub(super) struct GroupDialog {
    deed: GroupDeed,
    text: String,
    first: bool,
    saving: Saving,
}

/// A group's own name, and the path of the one above it.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').map_or((path, ""), |(above, own)| (own, above))
}

fn joined(above: &str, own: &str) -> String {
    if above.is_empty() { own.to_owned() } else { format!("{above}/{own}") }
}

impl GroupDialog {
    pub(super) fn new(deed: GroupDeed) -> Self {
        let text = match &deed {
            GroupDeed::Add(above) => above.as_ref().map(|above| format!("{above}/")).unwrap_or_default(),
            GroupDeed::Rename(path) => split(path).0.to_owned(),
            GroupDeed::Move(path, above) => above.clone().unwrap_or_else(|| split(path).1.to_owned()),
            GroupDeed::Meters(_, group) => group.clone().unwrap_or_default(),
            GroupDeed::Remove(_) => String::new(),
        };
        Self { deed, text, first: true, saving: Saving::default() }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.saving.is_waiting()
    }

    fn title(&self) -> String {
        match &self.deed {
            GroupDeed::Add(_) => "Make a group".to_owned(),
            GroupDeed::Rename(path) => format!("Rename the group {path}"),
            GroupDeed::Move(path, _) => format!("Move the group {path}"),
            GroupDeed::Remove(path) => format!("Take away the group {path}?"),
            GroupDeed::Meters(ids, _) => format!("Move {} to a group", counted(ids.len(), "meter")),
        }
    }

    const fn label(&self) -> (&'static str, &'static str, &'static str) {
        match self.deed {
            GroupDeed::Add(_) => ("Name", "North/Mill Lane", "A / makes a branch"),
            GroupDeed::Rename(_) => ("Name", "", "Groups and meters in it go along, and lists that name it"),
            GroupDeed::Move(..) => ("Below", "The top", "Empty is the top; groups and meters in it go along"),
            GroupDeed::Meters(..) => ("Group", "None", "Empty is none; a name that is new makes the group"),
            GroupDeed::Remove(_) => ("", "", ""),
        }
    }

    /// The edit, or why there is none yet.
    fn edit(&self) -> Result<Edit, &'static str> {
        let text = self.text.trim().trim_end_matches('/').trim();
        let is_whole = || text.split('/').all(|part| !part.trim().is_empty());
        match &self.deed {
            GroupDeed::Add(_) if text.is_empty() => Err("Write a name"),
            _ if !text.is_empty() && !is_whole() => Err("A part of the name is empty"),
            GroupDeed::Add(_) => Ok(Edit::AddGroup(text.to_owned())),
            GroupDeed::Rename(_) if text.is_empty() => Err("Write a name"),
            GroupDeed::Rename(_) if text.contains('/') => Err("A name has no /: move the group instead"),
            GroupDeed::Rename(path) => {
                let (_, above) = split(path);
                Ok(Edit::MoveGroup { from: path.clone(), to: Some(joined(above, text)) })
            }
            GroupDeed::Move(path, _) if text == path || text.starts_with(&format!("{path}/")) => {
                Err("A group cannot be below itself")
            }
            GroupDeed::Move(path, _) => {
                Ok(Edit::MoveGroup { from: path.clone(), to: Some(joined(text, split(path).0)) })
            }
            GroupDeed::Remove(path) => Ok(Edit::MoveGroup { from: path.clone(), to: None }),
            GroupDeed::Meters(ids, _) => {
                let group = Some(text.to_owned()).filter(|text| !text.is_empty());
                let patch = MeterPatch { group: Some(group), ..MeterPatch::default() };
                let change = ids.iter().map(|id| (*id, patch.clone())).collect();
                let cause = format!("{} moved to a group", crate::model::counted(ids.len(), "meter"));
                Ok(Edit::ChangeMeters(Box::new(MeterChanges { cause, add: Vec::new(), change })))
            }
        }
    }

    fn verb(&self) -> String {
        let text = self.text.trim();
        match &self.deed {
            GroupDeed::Add(_) => "Make group".to_owned(),
            GroupDeed::Rename(_) => "Rename group".to_owned(),
            GroupDeed::Move(..) => "Move group".to_owned(),
            GroupDeed::Remove(path) => format!("Take away {path}"),
            GroupDeed::Meters(ids, _) if text.is_empty() => {
                format!("Take {} out of groups", counted(ids.len(), "meter"))
            }
            GroupDeed::Meters(ids, _) => format!("Move {}", counted(ids.len(), "meter")),
        }
    }

    /// Draws it; true when it is done with. `groups` are those that there are.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx, groups: &[String]) -> bool {
        if self.saving.take(cx).is_some() {
            let done = match &self.deed {
                GroupDeed::Add(_) => format!("Made the group {}", self.text.trim()),
                GroupDeed::Rename(path) | GroupDeed::Move(path, _) => format!("Moved {path}"),
                GroupDeed::Remove(path) => format!("Took away {path}"),
                GroupDeed::Meters(ids, _) => format!("Moved {}", counted(ids.len(), "meter")),
            };
            cx.notices.done(done);
            return true;
        }
        let mut close = false;
        let modal = dialog_window(ui, "group", WIDTH, |ui| {
            ui.label(strong(self.title()).size(15.0));
            let edit = self.edit();
            let mut go = false;
            if let GroupDeed::Remove(_) = self.deed {
                let words =
                    "Its meters stay on the list and are in no group; groups below it move to the top.";
                ui.label(secondary(ui, words));
            } else {
                go = self.entry(ui, groups, edit.as_ref().err().copied());
            }
            if let Some(fault) = &self.saving.refused {
                fault_panel(ui, fault);
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let words = self.verb();
                let why_not = cx.why_not(Right::KeepMeters);
                let ready = edit.is_ok() && !self.saving.is_waiting() && why_not.is_none();
                let act = match self.deed {
                    GroupDeed::Remove(_) => Act::danger(&words),
                    _ => Act::primary(&words),
                };
                go |= ui.add(act.enabled(ready).unless(why_not)).clicked();
                let cancel = ui.add(Act::plain("Cancel").shortcut("Esc"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    cancel.request_focus();
                }
                close = cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape));
                if go
                    && ready
                    && let Ok(edit) = edit
                {
                    self.saving.begin(cx, edit);
                }
            });
        });
        (close || modal.should_close()) && !self.saving.is_waiting()
    }

    /// The field with the groups that there are; true when Enter was pressed in it.
    fn entry(&mut self, ui: &mut Ui, groups: &[String], wrong: Option<&str>) -> bool {
        let (name, hint, remark) = self.label();
        let remark = wrong.map_or((remark, false), |wrong| (wrong, !self.text.trim().is_empty()));
        let response =
            field(ui, name, Some(remark), |ui| text_field(ui, &mut self.text, hint, WIDTH, remark.1));
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if std::mem::take(&mut self.first) {
            response.request_focus();
        }
        if !matches!(self.deed, GroupDeed::Move(..) | GroupDeed::Meters(..)) || groups.is_empty() {
            return entered;
        }
        ui.add_space(4.0);
        ui.label(secondary(ui, "Groups"));
        ScrollArea::vertical().max_height(200.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for group in groups {
                let on = *group == self.text.trim();
                if ui.selectable_label(on, group).clicked() {
                    self.text.clone_from(group);
                }
            }
        });
        entered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(deed: GroupDeed, text: &str) -> Result<(String, Option<String>), &'static str> {
        let mut dialog = GroupDialog::new(deed);
        dialog.text = text.to_owned();
        dialog.edit().map(|edit| match edit {
            Edit::MoveGroup { from, to } => (from, to),
            Edit::AddGroup(name) => (name, None),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_group_is_renamed_where_it_stands_and_moved_with_its_name() {
        let moved = |to: &str| Ok(("North/Mill".to_owned(), Some(to.to_owned())));
        assert_eq!(edit(GroupDeed::Rename("North/Mill".into()), " Kiln "), moved("North/Kiln"));
        assert_eq!(edit(GroupDeed::Move("North/Mill".into(), None), "South"), moved("South/Mill"));
        assert_eq!(edit(GroupDeed::Move("North/Mill".into(), None), ""), moved("Mill"));
        assert!(edit(GroupDeed::Move("North".into(), None), "North/Mill").is_err());
        assert!(edit(GroupDeed::Rename("North".into()), "a/b").is_err());
        assert!(edit(GroupDeed::Add(None), "a//b").is_err());
        assert_eq!(edit(GroupDeed::Add(Some("North".into())), "North/").unwrap().0, "North");
    }
}
