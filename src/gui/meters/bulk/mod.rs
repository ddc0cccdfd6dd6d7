//! Changing many meters at once: what is the same in all of them stands in its field, what differs says so, and only
//! what is touched is changed, after a look at each meter that it changes.

mod fields;
mod review;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;

use egui::{Align, Key, Layout, ScrollArea, Ui, Vec2};

use crate::comms::{Edit, Edited};
use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::{Later, Load, Query};
use crate::gui::theme::strong;
use crate::gui::widgets::{
    Act, counted, dialog_window, fault_panel, field, loading, room_in_dialog, secondary, section, text_field,
};
use crate::model::{Fault, MeterId, Right};
use crate::store::ListedMeter;

use super::saving::Saving;
use fields::{SECTIONS, Slot};
use review::{Review, review};

/// Width of the dialog's contents, and of a field in it.
const WIDTH: f32 = 640.0;
const HALF: f32 = 304.0;

/// A page of the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Enter,
    Review,
}

/// The dialog.
pub(super) struct BulkDialog {
    ids: BTreeSet<MeterId>,
    /// The meters as they stood when the fields were filled in.
    meters: Option<Arc<Vec<ListedMeter>>>,
    slots: Vec<Slot>,
    /// The name of a field of one's own that is to be added.
    new_field: String,
    page: Page,
    looking: Option<Later<Review>>,
    review: Option<Review>,
    failed: Option<Fault>,
    saving: Saving,
}

impl BulkDialog {
    /// For these meters.
    #[must_use]
    pub(super) fn new(ids: &[MeterId]) -> Self {
        Self {
            ids: ids.iter().copied().collect(),
            meters: None,
            slots: Vec::new(),
            new_field: String::new(),
            page: Page::Enter,
            looking: None,
            review: None,
            failed: None,
            saving: Saving::default(),
        }
    }

    /// Whether it waits for the meters or the store.
    #[must_use]
    pub(super) const fn is_waiting(&self) -> bool {
        let is_loading = self.meters.is_none() && self.failed.is_none();
        is_loading || self.looking.is_some() || self.saving.is_waiting()
    }

    fn load(&mut self, cx: &mut AppCtx) {
        if self.meters.is_some() {
            return;
        }
        match cx.data.roster(cx.backend.as_ref(), &Query::Roster) {
            Load::Loading => {}
            Load::Failed(reason) => {
                self.failed = Some(Fault::user(reason, "see that you may read the store"));
            }
            Load::Ready(all) => {
                let meters: Vec<ListedMeter> =
                    all.iter().filter(|meter| self.ids.contains(&meter.id)).cloned().collect();
                self.slots = fields::slots(&meters, &cx.templates);
                self.meters = Some(Arc::new(meters));
            }
        }
    }

    fn looked(&mut self) {
        let Some(answer) = &self.looking else { return };
        match answer.try_recv() {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => self.failed = Some(stopped()),
            Ok(Err(fault)) => self.failed = Some(fault),
            Ok(Ok(review)) => self.review = Some(review),
        }
        self.looking = None;
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if let Some(Edited::Changed { changed, .. }) = self.saving.take(cx) {
            cx.notices.done(format!("Changed {}", counted(changed, "meter")));
            return true;
        }
        self.load(cx);
        self.looked();
        let mut close = false;
        let faults = self.failed.iter().chain(&self.saving.refused).count();
        let height = room_in_dialog(ui, 220.0, faults).min(620.0);
        let modal = dialog_window(ui, "bulk edit", WIDTH, |ui| {
            ui.label(strong(format!("Change {}", counted(self.ids.len(), "meter"))).size(18.0));
            let words = match self.page {
                Page::Enter => "Only what you touch is changed; all else stays as it is in each meter.",
                Page::Review => "Nothing is changed yet.",
            };
            ui.label(secondary(ui, words));
            ui.add_space(8.0);
            for fault in self.failed.iter().chain(&self.saving.refused) {
                fault_panel(ui, fault);
            }
            match (self.page, &self.meters) {
                (_, None) if self.failed.is_none() => loading(ui, "the meters"),
                (_, None) => {}
                (Page::Enter, Some(_)) => self.enter(ui, height),
                (Page::Review, Some(_)) => match &self.review {
                    None => loading(ui, "the changes"),
                    Some(found) => review::ui(ui, found, height),
                },
            }
            ui.add_space(8.0);
            close = self.buttons(ui, cx);
        });
        close || modal.should_close() && !self.saving.is_waiting()
    }

    fn enter(&mut self, ui: &mut Ui, height: f32) {
        ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = Vec2::new(12.0, 8.0);
                for (number, title) in SECTIONS.iter().enumerate() {
                    let mut own: Vec<&mut Slot> =
                        self.slots.iter_mut().filter(|slot| slot.section() == number).collect();
                    if own.is_empty() {
                        continue;
                    }
                    section(ui, title);
                    for pair in own.chunks_mut(2) {
                        ui.horizontal_top(|ui| {
                            for slot in pair {
                                slot.ui(ui, HALF);
                            }
                        });
                    }
                }
                self.add_field(ui);
            });
    }

    fn add_field(&mut self, ui: &mut Ui) {
        let name = self.new_field.trim().to_owned();
        let is_there = self.slots.iter().any(|slot| slot.is_field(&name));
        ui.horizontal_top(|ui| {
            let remark = is_there.then_some(("This field is there already", true));
            field(ui, "A field of your own", remark, |ui| {
                text_field(ui, &mut self.new_field, "Its name", HALF - 64.0, is_there)
            });
            ui.vertical(|ui| {
                ui.add_space(18.0);
                let ready = !name.is_empty() && !is_there;
                if ui.add(Act::plain("Add field").enabled(ready)).clicked() {
                    self.slots.push(Slot::own(&name));
                    self.new_field.clear();
                }
            });
        });
    }

    fn buttons(&mut self, ui: &mut Ui, cx: &mut AppCtx) -> bool {
        let mut close = false;
        let touched = self.slots.iter().filter(|slot| slot.is_touched()).count();
        let is_wrong = self.slots.iter().any(|slot| slot.problem().is_some());
        let changes = self.review.as_ref().map_or(0, |review| review.changes.change.len());
        ui.horizontal(|ui| {
            let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
            match self.page {
                Page::Enter => {
                    let ready = touched > 0 && !is_wrong && self.meters.is_some();
                    let next =
                        ui.add(Act::primary("Look at the changes").enabled(ready).shortcut("Ctrl+Enter"));
                    if ready && (next.clicked() || enter) {
                        self.look(cx);
                    }
                }
                Page::Review => {
                    let words = match (self.saving.is_waiting(), changes) {
                        (true, _) => "Changing".to_owned(),
                        (_, 0) => "Nothing changes".to_owned(),
                        (_, many) => format!("Change {}", counted(many, "meter")),
                    };
                    let why_not = cx.why_not(Right::KeepMeters);
                    let ready = changes > 0 && !self.is_waiting() && why_not.is_none();
                    let act = Act::primary(&words).enabled(ready).shortcut("Ctrl+Enter");
                    let go = ui.add(act.unless(why_not));
                    if ready
                        && (go.clicked() || enter)
                        && let Some(review) = &self.review
                    {
                        self.saving.begin(cx, Edit::ChangeMeters(Box::new(review.changes.clone())));
                    }
                    if ui.add(Act::plain("Back").enabled(!self.saving.is_waiting())).clicked() {
                        self.page = Page::Enter;
                        self.saving.refused = None;
                    }
                }
            }
            close = ui.add(Act::plain("Cancel").shortcut("Esc").enabled(!self.saving.is_waiting())).clicked();
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let words = match (self.page, touched) {
                    (Page::Review, _) => String::new(),
                    (Page::Enter, 0) => "Nothing is touched yet".to_owned(),
                    (Page::Enter, many) => format!("{} touched", counted(many, "field")),
                };
                ui.label(secondary(ui, words));
            });
        });
        close
    }

    /// Lays the changes out for a look.
    fn look(&mut self, cx: &AppCtx) {
        let Some(meters) = self.meters.clone() else { return };
        let slots = self.slots.clone();
        (self.page, self.review, self.failed) = (Page::Review, None, None);
        self.looking = Some(cx.aside("look at changes", move || Ok(review(&meters, &slots))));
    }
}
