//! Above the page: which scheme it is, undo and redo, saving, and what else can be done with it.

use egui::{Align, Frame, Label, Layout, Margin, Panel, Popup, Ui};

use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::rights::entry;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{Act, Entry, Tone, badge, small};

use super::dialogs::Dialog;
use super::opened::Opened;
use super::tab::Tab;
use super::{Draft, SchemeManager, proposed_name};

impl SchemeManager {
    /// Draws it.
    pub(super) fn toolbar(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 10 });
        Panel::top("scheme toolbar").show_separator_line(false).frame(frame).show(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                self.more(ui, cx);
                self.acts(ui, cx);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.title(ui));
            });
        });
    }

    fn title(&self, ui: &mut Ui) {
        let Some(opened) = self.open.get(self.chosen) else { return };
        let Some(draft) = opened.draft() else {
            ui.add(Label::new(strong(opened.name()).size(15.0)).truncate());
            return;
        };
        ui.spacing_mut().item_spacing.x = 8.0;
        if draft.is_dirty() {
            badge(ui, "Unsaved", Tone::Accent).on_hover_text("It is kept aside until it is saved");
        }
        ui.label(small(ui, &draft.document.identity));
        ui.add(Label::new(strong(&draft.document.title).size(15.0)).truncate());
    }

    fn acts(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let Some(draft) = self.open.get(self.chosen).and_then(Opened::draft) else { return };
        let (dirty, key) = (draft.is_dirty(), self.open.get(self.chosen).map_or(0, |one| one.key));
        let save = Act::primary("Save").icon(Icon::Save).shortcut("Ctrl+S").enabled(dirty);
        let hint = |verb: &str, name: Option<&str>| match name {
            Some(name) => format!("{verb} {name}"),
            None => format!("Nothing to {}", verb.to_lowercase()),
        };
        let (undo, redo) = (draft.history.undo_name(), draft.history.redo_name());
        let redo = Act::icon_only(Icon::Redo, "Redo")
            .hint(hint("Redo", redo))
            .shortcut("Ctrl+Shift+Z")
            .enabled(redo.is_some());
        let undo = Act::icon_only(Icon::Undo, "Undo")
            .hint(hint("Undo", undo))
            .shortcut("Ctrl+Z")
            .enabled(undo.is_some());
        if ui.add(save).clicked() {
            self.save(cx, key);
        }
        ui.add_space(4.0);
        let on = self.tab == Tab::Year;
        let year = Act::icon_only(Icon::Heat, "Show the year")
            .hint("The whole year at a glance, and back")
            .shortcut("F8")
            .selected(on);
        if ui.add(year).clicked() {
            self.show_year();
        }
        if ui.add(redo).clicked() {
            self.redo(ui);
        }
        if ui.add(undo).clicked() {
            self.undo(ui);
        }
    }

    /// Asks where to print the chosen scheme to.
    pub(super) fn print(&self, cx: &mut AppCtx) {
        let Some(draft) = self.open.get(self.chosen).and_then(Opened::draft) else { return };
        let name = format!("{}.pdf", draft.document.identity);
        cx.command(Command::PrintScheme(Box::new(draft.document.clone()), name));
    }

    fn more(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let Some(opened) = self.open.get(self.chosen) else { return };
        let (key, path) = (opened.key, opened.path.clone());
        let document = opened.draft().map(|draft: &Draft| draft.document.clone());
        let more = ui.add(Act::icon_only(Icon::More, "More"));
        Popup::menu(&more).show(|ui| {
            ui.set_min_width(220.0);
            if let Some(document) = document {
                if ui.add(Entry::new("Save as…").shortcut("Ctrl+Shift+S")).clicked() {
                    cx.command(Command::ChooseSchemeTarget(key, proposed_name(&document)));
                }
                if ui.add(Entry::new("Print…").shortcut("Ctrl+P")).clicked() {
                    self.print(cx);
                }
                if ui.add(Entry::new("Duplicate")).clicked() {
                    let title = format!("{} (copy)", document.title);
                    self.begin(crate::scheme::Document { title, ..document });
                }
            }
            if let Some(path) = path {
                ui.separator();
                if ui.add(Entry::new("Rename file…")).clicked() {
                    self.dialog = Some(Dialog::rename(key, &path));
                }
                if ui.add(Entry::new("Delete file…")).clicked() {
                    self.dialog = Some(Dialog::delete(key, path));
                }
            }
            ui.separator();
            if ui.add(Entry::new("Close").shortcut("Ctrl+W")).clicked() {
                self.ask_close(cx, key);
            }
            entry(ui, cx, "Open in its own window", "", Command::Detach(Page::Schemes));
        });
    }
}
