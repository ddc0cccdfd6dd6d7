//! Firmware: a package and what it is worth, the plan of a flash, campaigns meter by meter, the keys that are trusted.

mod campaign;
mod confirm;
mod keys;
mod lines;
mod meters;
mod package;
mod plan;
mod runs;
mod targets;
mod vendor;

use std::path::PathBuf;

use egui::{Frame, Label, Margin, Panel, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};

use super::context::AppCtx;
use super::data::{Load, Query};
use super::theme::{strong, tokens};
use super::widgets::{Problem, Tone, heading, instant, loading, problem, secondary, section, small};
use crate::model::CampaignState;
use crate::store::CampaignRow;

use campaign::CampaignPage;
use keys::KeysPage;
use plan::PlanPage;
use runs::Runs;
use vendor::VendorPage;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Plan,
    Keys,
    Vendor,
    Campaign(i64),
}

/// What a person wants to see next.
enum Wish {
    /// The keys that are trusted.
    Keys,
}

/// The firmware page.
#[derive(Default)]
pub(super) struct FirmwarePage {
    place: Place,
    plan: PlanPage,
    keys: KeysPage,
    vendor: VendorPage,
    campaign: CampaignPage,
    runs: Runs,
}

impl FirmwarePage {
    /// Plans a flash of the selected meters.
    pub(super) fn plan(&mut self) {
        self.place = Place::Plan;
        self.plan.take_selection();
    }

    /// Takes a package that was chosen: for the campaign that misses its own, or for a new one.
    pub(super) fn open(&mut self, path: PathBuf) {
        match self.place {
            Place::Campaign(_) => self.campaign.file = Some(path),
            Place::Plan | Place::Keys | Place::Vendor => {
                self.place = Place::Plan;
                self.plan.file = Some(path);
            }
        }
    }

    /// Takes a public key that was chosen: whether it is to be trusted is asked.
    pub(super) fn offer_key(&mut self, path: PathBuf) {
        self.place = Place::Keys;
        self.keys.offered = Some(path);
    }

    /// Takes a vendor's own file that was chosen.
    pub(super) fn open_vendor(&mut self, path: PathBuf) {
        self.place = Place::Vendor;
        self.vendor.file = Some(path);
    }

    /// Whether a dialog is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.plan.has_dialog()
            || self.keys.has_dialog()
            || self.vendor.has_dialog()
            || self.campaign.has_dialog()
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        self.runs.take_numbers(ui);
        let campaigns = cx.data.campaigns(cx.backend.as_ref(), &Query::Campaigns);
        if let (Load::Ready(campaigns), false) = (&campaigns, cx.data.is_waiting())
            && let Some(id) = self.runs.begun(campaigns)
        {
            self.show(id);
        }
        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 8, right: 8, top: 12, bottom: 8 });
        Panel::left("campaigns")
            .resizable(true)
            .default_size(248.0)
            .size_range(180.0..=420.0)
            .frame(frame)
            .show(ui, |ui| self.list(ui, cx, &campaigns));
        let inner = ui.available_rect_before_wrap();
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        let wish = match self.place {
            Place::Plan => self.plan.ui(ui, cx, &mut self.runs),
            Place::Keys => {
                self.keys.ui(ui, cx);
                None
            }
            Place::Vendor => {
                self.vendor.ui(ui, cx);
                None
            }
            Place::Campaign(id) => {
                self.campaign.ui(ui, cx, &mut self.runs, id);
                None
            }
        };
        match wish {
            Some(Wish::Keys) => self.place = Place::Keys,
            None => {}
        }
    }

    fn show(&mut self, id: i64) {
        if self.place != Place::Campaign(id) {
            self.place = Place::Campaign(id);
            self.campaign = CampaignPage::default();
        }
    }

    fn list(&mut self, ui: &mut Ui, cx: &mut AppCtx, campaigns: &Load<std::sync::Arc<Vec<CampaignRow>>>) {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.horizontal(|ui| {
            ui.add_space(8.0);
            heading(ui, "Firmware");
        });
        ui.add_space(4.0);
        let here = self.place;
        if entry(ui, "Plan a flash", "Package, meters, waves", here == Place::Plan, None) {
            self.place = Place::Plan;
        }
        if entry(ui, "Trusted keys", "Whose packages may be flashed", here == Place::Keys, None) {
            self.place = Place::Keys;
        }
        if entry(ui, "Vendor's own file", "Elster AS230, at your own risk", here == Place::Vendor, None) {
            self.place = Place::Vendor;
        }
        let below_entries = Margin { left: 8, right: 8, top: 0, bottom: 4 };
        Frame::new().inner_margin(below_entries).show(ui, |ui| section(ui, "Campaigns, newest first"));
        match campaigns {
            Load::Loading => loading(ui, "campaigns"),
            Load::Failed(reason) => {
                let title = "The campaigns cannot be read";
                problem(ui, &Problem { title, text: reason, details: reason.clone(), tone: Tone::Bad });
            }
            Load::Ready(rows) if rows.is_empty() => {
                ui.horizontal(|ui| {
                    ui.add_space(8.0);
                    ui.label(secondary(ui, "No meter was flashed yet"));
                });
            }
            Load::Ready(rows) => {
                ScrollArea::vertical().auto_shrink(false).show_rows(ui, 40.0, rows.len(), |ui, shown| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    for row in rows.get(shown).unwrap_or_default() {
                        let (word, tone) = self.standing(cx, row);
                        let title = format!("Version {}", row.version);
                        let line = format!("No. {} · {}", row.id, instant(row.began, &cx.zone));
                        if entry(ui, &title, &line, here == Place::Campaign(row.id), Some((word, tone))) {
                            self.show(row.id);
                        }
                    }
                });
            }
        }
    }

    /// How a campaign stands, in a word.
    fn standing(&self, cx: &AppCtx, row: &CampaignRow) -> (&'static str, Tone) {
        match row.state {
            CampaignState::Done if row.reason.is_empty() => ("done", Tone::Plain),
            CampaignState::Done => ("called off", Tone::Plain),
            CampaignState::Stopped => ("stopped", Tone::Bad),
            CampaignState::Open if self.runs.is_running(cx, &row.package) => ("under way", Tone::Accent),
            CampaignState::Open => ("not finished", Tone::Warn),
        }
    }
}

/// An entry of the list at the left; true when it was chosen.
fn entry(ui: &mut Ui, title: &str, line: &str, on: bool, standing: Option<(&str, Tone)>) -> bool {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 40.0), Sense::click());
    let name = match standing {
        Some((word, _)) => format!("{title}, {line}, {word}"),
        None => title.to_owned(),
    };
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &name));
    if on || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, if on { t.accent_soft.0 } else { t.hover.0 });
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 4.0, Stroke::new(2.0, t.accent.0), egui::StrokeKind::Inside);
    }
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(Vec2::new(8.0, 3.0))));
    child.spacing_mut().item_spacing.y = 0.0;
    child.spacing_mut().interact_size.y = 16.0;
    let ink = if on { t.accent.0 } else { t.text.0 };
    child.add(Label::new(strong(title).color(ink)).truncate());
    child.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if let Some((word, tone)) = standing {
            ui.label(small(ui, word).color(tone.colours(ui).0));
            ui.label(small(ui, "·"));
        }
        ui.add(Label::new(small(ui, line)).truncate());
    });
    response.clicked()
}
