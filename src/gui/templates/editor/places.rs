//! The places of the editor: its sections, the text, what was changed, what was learnt.

use std::sync::Arc;

use egui::{Label, ScrollArea, Ui};

use crate::gui::templates::{forms, json_tab, view};
use crate::gui::widgets::{Act, Tone, badge, secondary};
use crate::model::template::fields::SECTIONS;
use crate::model::template::{Basis, Problem, written_value};

use super::{Editor, Place};

impl Editor {
    /// Goes where a problem is.
    pub(super) fn show_problem(&mut self, problem: &Problem) {
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

    /// The list of places.
    pub(super) fn sections(&mut self, ui: &mut Ui) {
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

    /// The place that is chosen.
    pub(super) fn body(&mut self, ui: &mut Ui) {
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
