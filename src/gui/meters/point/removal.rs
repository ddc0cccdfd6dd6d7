//! The question before a ratio is taken away, with what that does to last month's energy.

use egui::{Frame, Key, Label, Margin, Ui};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::comms::{Edit, Edited};
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{strong, tokens};
use crate::gui::widgets::{Act, dialog_window, fault_panel, instant, loading, secondary};
use crate::model::{MeterId, PointId, RatioPeriod, Right, Transformers};
use crate::store::{MeterRow, PointRow};

use super::ratio::month;
use super::saving::Saving;

/// Width of the dialog's contents.
const WIDTH: f32 = 560.0;

/// The question.
pub(in crate::gui::meters) struct RatioRemoval {
    meter: MeterId,
    point: PointId,
    point_name: String,
    gone: RatioPeriod,
    /// What holds in its stead.
    instead: Option<Transformers>,
    zone: TimeZone,
    zone_name: Option<String>,
    saving: Saving,
}

fn in_words(transformers: &Transformers) -> String {
    format!("CT {}, VT {}", transformers.ct, transformers.vt)
}

impl RatioRemoval {
    /// About the ratio of a point that begins at an instant; nothing where none does.
    pub(super) fn new(row: &MeterRow, point: &PointRow, from: Timestamp, zone: &TimeZone) -> Option<Self> {
        let gone = point.ratios.periods().iter().find(|period| period.from == from)?.clone();
        let instead = point.ratios.without(from).at(from).map(|period| period.transformers.clone());
        Some(Self {
            meter: row.id,
            point: point.id,
            point_name: point.name.clone(),
            gone,
            instead,
            zone: zone.clone(),
            zone_name: row.config.time_zone.clone(),
            saving: Saving::default(),
        })
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.saving.is_waiting()
    }

    /// Draws it; true when it is answered.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        let from = instant(self.gone.from, &self.zone);
        if self.saving.take(cx) == Some(Edited::Done) {
            cx.notices.done(format!("The ratio of {} from {from} is taken away", self.point_name));
            return true;
        }
        let mut close = false;
        let modal = dialog_window(ui, "ratio removal", WIDTH, |ui| {
            let what = in_words(&self.gone.transformers);
            ui.label(strong(format!("Take away {what} of {}?", self.point_name)).size(15.0));
            let until = self.gone.until.map_or_else(
                || "from then on".to_owned(),
                |until| format!("until {}", instant(until, &self.zone)),
            );
            ui.label(secondary(ui, format!("It holds from {from} {until}.")));
            let words = match &self.instead {
                Some(before) => format!("In its stead the one before it holds on: {}.", in_words(before)),
                None => "No ratio is known for that time then: figures are shown as the meter gives them."
                    .to_owned(),
            };
            ui.add(Label::new(words).wrap());
            ui.label(secondary(ui, "What the meter itself holds is not changed."));
            ui.add_space(4.0);
            self.preview(ui, cx);
            if let Some(fault) = &self.saving.refused {
                fault_panel(ui, fault);
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let act = Act::danger("Take this ratio away").enabled(!self.saving.is_waiting());
                let act = act.unless(cx.why_not(Right::Ratios));
                if ui.add(act).clicked() {
                    self.saving.begin(cx, Edit::RemoveRatio { point: self.point, from: self.gone.from });
                }
                let keep = ui.add(Act::plain("Keep").shortcut("Esc"));
                // Enter keeps: taking away takes a deliberate move.
                if ui.memory(|memory| memory.focused().is_none()) {
                    keep.request_focus();
                }
                close = keep.clicked() || ui.input(|input| input.key_pressed(Key::Escape));
            });
        });
        (close || modal.should_close()) && !self.saving.is_waiting()
    }

    fn preview(&self, ui: &mut Ui, cx: &mut AppCtx) {
        let query = Query::PreviewWithout(self.meter, self.gone.from, self.zone_name.clone());
        let t = tokens(ui);
        Frame::new().fill(t.canvas.0).corner_radius(6).inner_margin(Margin::same(12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(strong("Last month's energy, primary"));
            match cx.data.preview(cx.backend.as_ref(), &query) {
                Load::Loading => loading(ui, "the preview"),
                Load::Failed(reason) => drop(ui.label(secondary(ui, reason))),
                Load::Ready(found) => match found.as_ref() {
                    None => drop(ui.label(secondary(ui, "Nothing of last month is stored of this meter."))),
                    Some(found) => month(ui, found, &self.zone, &["As it stands", "Without it"]),
                },
            }
        });
    }
}
