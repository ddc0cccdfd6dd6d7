//! Readings: what and when on top, the chart, under it the table, at the side the summary.

pub(super) mod axis;
mod billing;
mod chart;
mod decimate;
mod events;
mod figures;
mod gaps;
mod intervals;
mod legend;
mod overlay;
mod period;
mod picture;
mod profile;
mod registers;
pub(super) mod series;
mod strip;
mod summary;
mod toolbar;

use egui::{Frame, Margin, Panel, Stroke, Ui};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::export::SideView;
use crate::model::{MeterId, Right, Side, Transformers, Unit};
use crate::store::MeterRow;

use super::context::{AppCtx, Command};
use super::data::Query;
use super::data::reader::zone_named;
use super::theme::{Icon, tokens};
use super::widgets::{Act, empty};

pub(super) use intervals::title;
use period::{Period, Span};
use profile::ProfilePage;

/// A page of the readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// The load profile.
    Profile,
    /// Registers.
    Registers,
    /// Instantaneous values.
    Instantaneous,
    /// Billing sets.
    Billing,
    /// Events.
    Events,
    /// What is missing.
    Gaps,
}

/// The Readings window.
pub(super) struct Readings {
    tab: Tab,
    period: Option<Period>,
    typed: Option<(String, String)>,
    profile: ProfilePage,
    meter: Option<MeterId>,
    /// On which side figures are shown; as the meter gave them where nothing was chosen.
    side: Option<Side>,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            tab: Tab::Profile,
            period: None,
            typed: None,
            profile: ProfilePage::default(),
            meter: None,
            side: None,
        }
    }
}

/// What every page of the readings is about.
pub(super) struct Subject<'a> {
    /// The meter.
    pub meter: &'a MeterRow,
    /// Its time zone.
    pub zone: &'a TimeZone,
    /// The zone's name for people.
    pub zone_name: &'a str,
    /// The stretch that is shown.
    pub period: Period,
    /// On which side of the transformers figures are shown, by which ratios.
    pub view: &'a SideView,
}

impl Subject<'_> {
    /// On which side a figure is shown that was stored with a side and ends at an instant.
    #[must_use]
    pub(super) fn side(&self, unit: Unit, stored: Side, at: Timestamp) -> Side {
        match self.view.wanted {
            Some(wanted) if Transformers::change(unit) => wanted,
            _ => self.view.history.side(stored, crate::model::Span::At(at)),
        }
    }
}

/// Where there is less room, tables keep their columns closer.
const NARROW_TABLE: f32 = 960.0;

impl Readings {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let Some(meter) = cx.selection.focus().and_then(|id| cx.meter(id)) else {
            let text = "Choose a meter in the Meter Manager, or find one with Ctrl+K.";
            empty(ui, Icon::Readings, "No meter is selected", text, |ui| {
                if ui.add(Act::primary("Go to the Meter Manager").shortcut("Ctrl+2")).clicked() {
                    cx.command(Command::Go(super::context::Page::Meters));
                }
            });
            return;
        };
        if self.meter != Some(meter.id) {
            self.meter = Some(meter.id);
            self.profile.forget();
        }
        let zone =
            meter.config.time_zone.as_deref().map_or_else(|| cx.zone.clone(), |name| zone_named(Some(name)));
        let zone_name = zone.iana_name().unwrap_or("computer's zone").to_owned();
        let today = (cx.now)().to_zoned(zone.clone()).date();
        let period = *self.period.get_or_insert_with(|| Period::of(Span::Day, today));

        let point = cx.data.point(cx.backend.as_ref(), &Query::Point(meter.id)).ready();
        // Until the ratios are there, figures stand as the meter gave them.
        let is_known = point.is_some();
        let history = point.map(|point| point.history.clone()).unwrap_or_default();
        let view = SideView { history, wanted: self.side.filter(|_| is_known) };

        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 10 });
        Panel::top("readings toolbar").show_separator_line(false).frame(frame).show(ui, |ui| {
            let subject = Subject { meter: &meter, zone: &zone, zone_name: &zone_name, period, view: &view };
            self.toolbar(ui, cx, &subject, today);
        });
        let top = ui.available_rect_before_wrap();
        ui.painter().rect_filled(top, 0.0, t.surface.0);
        ui.painter().hline(top.x_range(), top.top(), Stroke::new(1.0, t.border.0));
        let period = self.period.unwrap_or(period);
        let view = SideView { wanted: self.side.filter(|_| is_known), ..view };
        let subject = Subject { meter: &meter, zone: &zone, zone_name: &zone_name, period, view: &view };
        match self.tab {
            Tab::Profile => {
                if let Some(moved) = self.profile.ui(ui, cx, &subject) {
                    self.period = Some(moved);
                }
            }
            Tab::Registers => registers::ui(ui, cx, &subject, false),
            Tab::Instantaneous => registers::ui(ui, cx, &subject, true),
            Tab::Billing => billing::ui(ui, cx, &subject),
            Tab::Events => events::ui(ui, cx, &subject),
            Tab::Gaps => gaps::ui(ui, cx, &subject),
        }
    }
}

/// A page on which nothing is stored yet.
pub(super) fn nothing(ui: &mut Ui, cx: &mut AppCtx, meter: MeterId, title: &str, text: &str) {
    empty(ui, Icon::Readings, title, text, |ui| {
        if let Some(doing) = cx.jobs.doing(meter) {
            ui.label(doing);
            return;
        }
        let read = Act::primary("Read now").icon(Icon::Play).shortcut("F5");
        if ui.add(read.unless(cx.why_not(Right::ReadMeters))).clicked() {
            cx.command(Command::Read(vec![meter], std::collections::BTreeSet::new()));
        }
    });
}
