//! The load profile: overview strip, chart, table, summary.

use std::collections::BTreeSet;

use egui::{Frame, Margin, Panel, ScrollArea, Stroke, Ui, Vec2};

use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, tokens};
use crate::gui::widgets::{Act, Problem, Tone, combo, counted, loading, problem, segmented};
use crate::model::Unit;
use crate::store::StoredProfile;

use super::chart::Chart;
use super::figures::Figures;
use super::period::Period;
use super::series::{Kind, Measure};
use super::{Subject, gaps, intervals, legend, nothing, picture, strip, summary};

/// Where the page is lower, it scrolls as a whole, and chart and table get this height.
const LOW: f32 = 460.0;
const LOW_BODY: f32 = 360.0;

/// What is shown of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Chart,
    Both,
    Table,
}

/// The page's own state.
#[derive(Debug)]
pub(super) struct ProfilePage {
    profile: Option<i64>,
    on: BTreeSet<usize>,
    measure: Measure,
    layout: Layout,
    figures: Option<Figures>,
    chart: Chart,
}

impl Default for ProfilePage {
    fn default() -> Self {
        Self {
            profile: None,
            on: BTreeSet::new(),
            measure: Measure::Energy,
            layout: Layout::Both,
            figures: None,
            chart: Chart::default(),
        }
    }
}

impl ProfilePage {
    /// Another meter is shown.
    pub(super) fn forget(&mut self) {
        self.profile = None;
        self.on.clear();
        self.figures = None;
    }

    /// Draws the page; gives another stretch of time where one was chosen.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) -> Option<Period> {
        let id = subject.meter.id;
        let profiles = match cx.data.profiles(cx.backend.as_ref(), &Query::Profiles(id)) {
            Load::Ready(profiles) => profiles,
            Load::Loading => {
                framed(ui, |ui| loading(ui, "the load profiles"));
                return None;
            }
            Load::Failed(reason) => {
                framed(ui, |ui| failed(ui, &reason));
                return None;
            }
        };
        let profile =
            profiles.iter().find(|one| Some(one.id) == self.profile).or_else(|| best(&profiles)).cloned();
        let Some(profile) = profile else {
            let text = "Its intervals are read from where the store ends; the first time that is all the meter holds.";
            nothing(ui, cx, id, "No load profile is stored of this meter", text);
            return None;
        };
        if self.profile != Some(profile.id) {
            self.profile = Some(profile.id);
            self.on = BTreeSet::from([first_channel(&profile)]);
            self.figures = None;
        }
        let mut moved = None;
        let (from, to) = subject.period.bounds(subject.zone);
        let query =
            Query::Rows { profile: profile.id, from, to, period_seconds: profile.layout.period_seconds };
        match cx.data.rows(cx.backend.as_ref(), &query) {
            Load::Ready(slice) => {
                let times = (from, to, (cx.now)());
                let known = gaps::known(cx, id);
                Figures::update(
                    &mut self.figures,
                    (&slice, &known),
                    &profile,
                    &self.on,
                    self.measure,
                    times,
                    subject.view,
                );
            }
            Load::Loading => self.figures = None,
            Load::Failed(reason) => {
                framed(ui, |ui| failed(ui, &reason));
                return None;
            }
        }
        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.surface.0).inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 12 });
        let side = Panel::right("summary").resizable(true).default_size(232.0).size_range(180.0..=360.0);
        side.frame(frame).show(ui, |ui| summary::ui(ui, subject, &profile, self.figures.as_ref()));
        let frame =
            Frame::new().fill(t.surface.0).inner_margin(Margin { left: 16, right: 16, top: 10, bottom: 0 });
        let mut page = |ui: &mut Ui, is_low: bool| {
            Frame::show(frame, ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 6.0;
                moved = strip::ui(ui, cx, subject, &profile);
                self.controls(ui, cx, subject, &profiles, &profile);
                legend::ui(ui, cx, subject, &profile, &mut self.on);
                if let Some(figures) = &self.figures {
                    gaps::legend(ui, figures);
                }
            });
            let height = if is_low { LOW_BODY } else { ui.available_height() };
            ui.allocate_ui(Vec2::new(ui.available_width(), height), |ui| {
                self.body(ui, cx, subject, &profile);
            });
        };
        if ui.available_height() < LOW {
            ScrollArea::vertical().id_salt("low profile").auto_shrink(false).show(ui, |ui| page(ui, true));
        } else {
            page(ui, false);
        }
        moved
    }

    fn controls(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        subject: &Subject<'_>,
        profiles: &[StoredProfile],
        profile: &StoredProfile,
    ) {
        ui.horizontal(|ui| {
            let energy = profile.layout.channels.iter().any(|channel| Kind::of(channel) != Kind::Level);
            if energy {
                let measures = [(Measure::Energy, "Energy"), (Measure::Demand, "Demand")];
                segmented(ui, "measure", &mut self.measure, &measures);
            }
            let layouts =
                [(Layout::Chart, "Chart"), (Layout::Both, "Both"), (Layout::Table, "Show as table")];
            segmented(ui, "layout", &mut self.layout, &layouts);
            if profiles.len() > 1 {
                let mut chosen = profile.id;
                combo(ui, "profile", "Profile", 180.0, &profile.layout.name, |ui| {
                    for one in profiles {
                        ui.selectable_value(&mut chosen, one.id, &one.layout.name);
                    }
                });
                if chosen != profile.id {
                    self.profile = Some(chosen);
                    self.on =
                        profiles.iter().find(|one| one.id == chosen).map(first_channel).into_iter().collect();
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let Some(figures) = &self.figures else { return };
                let picture = Act::icon_only(Icon::Save, "Save the chart as a picture…");
                if ui.add(picture).clicked() {
                    let (name, svg) = picture::picture(subject, figures);
                    cx.command(crate::gui::context::Command::SaveText(
                        "Save the chart as a picture".to_owned(),
                        name,
                        svg,
                    ));
                }
                let copy =
                    Act::icon_only(Icon::Copy, "Copy the table").hint("Copy the table, for a spreadsheet");
                if ui.add(copy).clicked() {
                    ui.copy_text(intervals::copied(subject, figures));
                    cx.notices.done(format!("Copied {}", counted(figures.slice.rows.len(), "interval")));
                }
                if self.chart.is_zoomed() && ui.add(Act::plain("Whole stretch").small()).clicked() {
                    self.chart.reset();
                }
            });
        });
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>, profile: &StoredProfile) {
        let Some(figures) = &self.figures else {
            framed(ui, |ui| loading(ui, "the intervals"));
            return;
        };
        if figures.slice.rows.is_empty() {
            let span = profile.span.map_or_else(String::new, |(first, last)| {
                format!(
                    "The store holds this profile from {} to {}.",
                    super::axis::interval_end(first, subject.zone),
                    super::axis::interval_end(last, subject.zone)
                )
            });
            nothing(ui, cx, subject.meter.id, "Nothing is stored of this stretch", &span);
            return;
        }
        let (from, to) = subject.period.bounds(subject.zone);
        let height = ui.available_height();
        let share = match self.layout {
            Layout::Chart => height,
            Layout::Both => (height * 0.56).max(180.0),
            Layout::Table => 0.0,
        };
        if share > 0.0 {
            let frame = Frame::new().inner_margin(Margin { left: 12, right: 16, top: 4, bottom: 4 });
            frame.show(ui, |ui| self.chart.ui(ui, cx, subject, figures, (from, to), share - 8.0));
        }
        if self.layout != Layout::Chart {
            let top = ui.available_rect_before_wrap();
            ui.painter().hline(top.x_range(), top.top(), Stroke::new(1.0, tokens(ui).border.0));
            intervals::ui(ui, subject, figures);
        }
    }
}

/// The load profile that reaches furthest.
fn best(profiles: &[StoredProfile]) -> Option<&StoredProfile> {
    let energy = |profile: &&StoredProfile| {
        profile.layout.channels.iter().any(|channel| Kind::of(channel) != Kind::Level)
    };
    let last = |profile: &&StoredProfile| profile.span.map(|(_, last)| last);
    profiles.iter().filter(energy).max_by_key(last).or_else(|| profiles.iter().max_by_key(last))
}

/// Active import where there is one.
fn first_channel(profile: &StoredProfile) -> usize {
    let channels = &profile.layout.channels;
    let active =
        channels.iter().position(|channel| channel.obis.c() == 1 && channel.scaler_unit.unit == Unit::WH);
    active.unwrap_or(0)
}

pub(super) fn framed(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| contents(ui));
}

pub(super) fn failed(ui: &mut Ui, reason: &str) {
    let text = "What to try: close other programs that use the store, then come back to this page";
    let title = format!("The readings cannot be shown: {reason}");
    problem(ui, &Problem { title: &title, text, details: reason.to_owned(), tone: Tone::Bad });
}
