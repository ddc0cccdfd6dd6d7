//! Lists: meter lists in a table, and at the right one of them: its next runs, how its meters ended, its history.

mod action;
mod detail;
mod editor;
mod holidays;
mod table;

use egui::{Align, Frame, Key, Layout, Margin, Panel, ScrollArea, Ui};

use crate::comms::{Edit, Job};
use crate::model::{ListId, MeterList, Right};

use super::context::AppCtx;
use super::data::{ListSummary, Load, Query};
use super::theme::{Icon, strong, tokens};
use super::widgets::{Act, Problem, Tone, dialog_window, empty, heading, loading, problem, secondary, small};

use detail::Tab;
use editor::Editor;

/// The page.
pub(super) struct Lists {
    chosen: Option<ListId>,
    tab: Tab,
    editor: Option<Editor>,
    removal: Option<(ListId, String)>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { chosen: None, tab: Tab::Next, editor: None, removal: None }
    }
}

/// What is done with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Run,
    Stop(i64),
    Pause(bool),
    Edit,
    Remove,
}

impl Lists {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let t = tokens(ui);
        let lists = match cx.data.lists(cx.backend.as_ref(), &Query::Lists) {
            Load::Ready(lists) => lists,
            Load::Loading => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| loading(ui, "meter lists"));
                return;
            }
            Load::Failed(reason) => {
                let title = format!("The meter lists cannot be read: {reason}");
                let text = "What to try: see that the store's file exists and that you may read it";
                let problem_of = Problem { title: &title, text, details: reason, tone: Tone::Bad };
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| problem(ui, &problem_of));
                return;
            }
        };
        if lists.is_empty() {
            let text = "A list says which meters to read or to program, what to do with them, and when. It runs by itself while this window is open, or under “meterwright run” without one.";
            empty(ui, Icon::Lists, "There is no meter list yet", text, |ui| {
                if ui
                    .add(Act::primary("New list…").icon(Icon::Plus).unless(cx.why_not(Right::KeepLists)))
                    .clicked()
                {
                    self.editor = Some(Editor::new(cx));
                }
            });
            self.dialogs(ui, cx);
            return;
        }
        if !lists.iter().any(|list| Some(list.row.id) == self.chosen) {
            self.chosen = lists.first().map(|list| list.row.id);
        }
        let chosen = lists.iter().find(|list| Some(list.row.id) == self.chosen).cloned();
        if let Some(chosen) = &chosen {
            let frame = Frame::new().fill(t.surface.0).inner_margin(Margin::same(16));
            let width = if ui.available_width() < 860.0 { 360.0 } else { 440.0 };
            let panel = Panel::right("list").resizable(true).default_size(width).size_range(360.0..=640.0);
            let wish = panel.frame(frame).show(ui, |ui| detail::ui(ui, cx, chosen, &mut self.tab)).inner;
            if let Some(wish) = wish {
                self.grant(cx, chosen, wish);
            }
        }
        let toolbar = Frame::new().fill(t.canvas.0).inner_margin(Margin::symmetric(16, 12));
        Panel::top("list toolbar").show_separator_line(false).frame(toolbar).show(ui, |ui| {
            ui.horizontal(|ui| {
                heading(ui, "Lists");
                ui.label(small(ui, super::widgets::counted(lists.len(), "meter list")));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui
                        .add(Act::plain("New list…").icon(Icon::Plus).unless(cx.why_not(Right::KeepLists)))
                        .clicked()
                    {
                        self.editor = Some(Editor::new(cx));
                    }
                });
            });
        });
        let inner = ui.available_rect_before_wrap();
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        let table = ScrollArea::horizontal().auto_shrink(false);
        if let Some(id) = table.show(ui, |ui| table::ui(ui, cx, &lists, self.chosen)).inner {
            self.chosen = Some(id);
        }
        self.dialogs(ui, cx);
    }

    fn grant(&mut self, cx: &mut AppCtx, list: &ListSummary, wish: Wish) {
        let (id, name) = (list.row.id, &list.row.list.name);
        match wish {
            Wish::Run => cx.submit(Job::RunList(id)),
            Wish::Stop(run) => cx.edit(Edit::StopRun(run), format!("{name} is being stopped")),
            Wish::Pause(paused) => {
                let list = MeterList { paused, ..list.row.list.clone() };
                let done = if paused { format!("{name} is paused") } else { format!("{name} goes on") };
                cx.edit(Edit::PutList { id: Some(id), list: Box::new(list) }, done);
            }
            Wish::Edit => self.editor = Some(Editor::edit(cx, list)),
            Wish::Remove => self.removal = Some((id, name.clone())),
        }
    }

    fn dialogs(&mut self, ui: &Ui, cx: &mut AppCtx) {
        if self.editor.as_mut().is_some_and(|editor| editor.ui(ui, cx)) {
            self.editor = None;
        }
        if let Some((id, name)) = self.removal.clone()
            && removal(ui, cx, id, &name)
        {
            self.removal = None;
        }
    }
}

/// The question before a list is removed; true when it is answered.
fn removal(ui: &Ui, cx: &mut AppCtx, id: ListId, name: &str) -> bool {
    let mut answered = false;
    let modal = dialog_window(ui, "list removal", 420.0, |ui| {
        ui.label(strong(format!("Remove the list {name}?")).size(15.0));
        ui.label(secondary(ui, "It runs no more. Its meters stay, and its history stays in the store."));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if ui.add(Act::danger(&format!("Remove {name}"))).clicked() {
                cx.edit(Edit::RemoveList(id), format!("Removed {name}"));
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
