//! Readings: what and when on top, the chart, under it the table, at the side the summary.

pub(super) mod axis;
mod billing;
mod chart;
mod decimate;
mod events;
mod figures;
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
use jiff::tz::TimeZone;

use crate::model::MeterId;
use crate::store::MeterRow;

use super::context::{AppCtx, Command};
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
}

/// The Readings window.
pub(super) struct Readings {
    tab: Tab,
    period: Option<Period>,
    typed: Option<(String, String)>,
    profile: ProfilePage,
    meter: Option<MeterId>,
}

impl Default for Readings {
    fn default() -> Self {
        Self { tab: Tab::Profile, period: None, typed: None, profile: ProfilePage::default(), meter: None }
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
}

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

        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 10 });
        Panel::top("readings toolbar").show_separator_line(false).frame(frame).show(ui, |ui| {
            let subject = Subject { meter: &meter, zone: &zone, zone_name: &zone_name, period };
            self.toolbar(ui, cx, &subject, today);
        });
        let top = ui.available_rect_before_wrap();
        ui.painter().rect_filled(top, 0.0, t.surface.0);
        ui.painter().hline(top.x_range(), top.top(), Stroke::new(1.0, t.border.0));
        let period = self.period.unwrap_or(period);
        let subject = Subject { meter: &meter, zone: &zone, zone_name: &zone_name, period };
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
        }
    }
}

/// A page on which nothing is stored yet.
pub(super) fn nothing(ui: &mut Ui, cx: &mut AppCtx, meter: MeterId, title: &str, text: &str) {
    empty(ui, Icon::Readings, title, text, |ui| {
        if let Some(doing) = cx.jobs.doing(meter) {
            ui.label(doing);
        } else if ui.add(Act::primary("Read now").icon(Icon::Play).shortcut("F5")).clicked() {
            cx.command(Command::Read(vec![meter], std::collections::BTreeSet::new()));
        }
    });
}
