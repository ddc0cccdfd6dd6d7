//! Remarks at the window's edge: what was done, what failed.

use egui::{Align2, Area, CornerRadius, Frame, Id, Margin, Order, Stroke, Ui, Vec2};

use crate::gui::theme::{Icon, tokens};
use crate::gui::widgets::{Act, fault_panel};
use crate::model::Fault;

/// How long a success stays, in seconds.
const STAYS: f64 = 6.0;
const MOST: usize = 4;

#[derive(Debug)]
enum Notice {
    Done(String, Option<f64>),
    Failed(Fault),
}

/// Remarks that are shown now.
#[derive(Debug, Default)]
pub struct Notices {
    shown: Vec<Notice>,
}

impl Notices {
    /// Something is done.
    pub fn done(&mut self, text: impl Into<String>) {
        self.push(Notice::Done(text.into(), None));
    }

    /// Something failed; it stays until it is closed.
    pub fn failed(&mut self, fault: Fault) {
        self.push(Notice::Failed(fault));
    }

    fn push(&mut self, notice: Notice) {
        if self.shown.len() >= MOST {
            self.shown.remove(0);
        }
        self.shown.push(notice);
    }

    /// Closes the newest.
    pub fn close_newest(&mut self) -> bool {
        self.shown.pop().is_some()
    }

    /// Draws them above the bottom bar.
    pub fn ui(&mut self, ui: &Ui) {
        let now = ui.input(|input| input.time);
        self.shown.retain_mut(|notice| match notice {
            Notice::Done(_, since) => now - *since.get_or_insert(now) < STAYS,
            Notice::Failed(_) => true,
        });
        if self.shown.is_empty() {
            return;
        }
        ui.ctx().request_repaint_after(std::time::Duration::from_secs(1));
        let mut closed = None;
        Area::new(Id::unique("notices"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, Vec2::new(-16.0, -44.0))
            .show(ui.ctx(), |ui| {
                ui.set_width(380.0);
                for (number, notice) in self.shown.iter().enumerate() {
                    if card(ui, notice) {
                        closed = Some(number);
                    }
                }
            });
        if let Some(number) = closed {
            self.shown.remove(number);
        }
    }
}

fn card(ui: &mut Ui, notice: &Notice) -> bool {
    let t = tokens(ui);
    let mut closed = false;
    Frame::new()
        .fill(t.surface.0)
        .stroke(Stroke::new(1.0, t.border_strong.0))
        .corner_radius(CornerRadius::same(6))
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(8))
        .show(ui, |ui| match notice {
            Notice::Done(text, _) => {
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(Vec2::splat(20.0), egui::Sense::hover());
                    Icon::Check.paint(ui.painter(), rect, 14.0, t.good.0);
                    ui.label(text);
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        closed = ui.add(Act::icon_only(Icon::Cross, "Close this remark").small()).clicked();
                    });
                });
            }
            Notice::Failed(fault) => {
                fault_panel(ui, fault);
                closed = ui.add(Act::quiet("Close").small()).clicked();
            }
        });
    closed
}
