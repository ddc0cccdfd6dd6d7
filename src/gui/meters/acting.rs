//! The inspector's page of what can be done to a meter: its clock with the drift over time, its billing period, its
//! contactor.

use egui::{FontId, RichText, Sense, Ui, Vec2};
use egui_plot::{AxisHints, GridMark, HLine, Line, PlotBounds, PlotPoints, Points};
use jiff::tz::TimeZone;

use crate::drivers::{ClockWay, Contactor, Order};
use crate::gui::context::{AppCtx, Command};
use crate::gui::data::Details;
use crate::gui::readings::axis::{Mark, still_plot, time_marks, value_marks};
use crate::gui::theme::{SIZES, tokens};
use crate::gui::widgets::{Act, badge, instant, secondary, section, small};
use crate::model::ClockReading;
use crate::store::MeterRow;

use super::clock::{drift_tone, drift_words};
use super::control::Deed;

/// Height of the plot.
const HEIGHT: f32 = 132.0;

/// Draws the page.
pub(super) fn acting(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow, details: &Details) {
    section(ui, "Clock");
    clock_now(ui, cx, details);
    if details.clock.len() > 1 {
        plot(ui, &details.clock, &cx.zone);
    } else if !details.clock.is_empty() {
        ui.label(small(ui, "The drift over time shows once the clock was compared twice."));
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ask(ui, cx, row, "Set clock…", Deed::Clock(ClockWay::Set));
        ask(ui, cx, row, "Adjust clock…", Deed::Clock(ClockWay::Adjust));
    });
    section(ui, "Billing period");
    let text = "Ends it now: the registers become a billing set, maxima begin anew.";
    ui.add(egui::Label::new(secondary(ui, text)).wrap());
    ui.add_space(4.0);
    ask(ui, cx, row, "Billing reset…", Deed::Order(Order::BillingReset));
    section(ui, "Contactor");
    let text = "Its state is read before it is moved and after, and what its control mode does not allow is said beforehand.";
    ui.add(egui::Label::new(secondary(ui, text)).wrap());
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(4.0);
        for (words, wanted) in [
            ("Open contactor…", Contactor::Open),
            ("Arm…", Contactor::Arm),
            ("Close contactor…", Contactor::Close),
        ] {
            ask(ui, cx, row, words, Deed::Order(Order::Contactor(wanted)));
        }
    });
}

fn ask(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow, words: &str, deed: Deed) {
    if ui.add(Act::plain(words).unless(cx.why_not(deed.right()))).clicked() {
        cx.command(Command::Ask(vec![row.id], deed));
    }
}

/// How far the clock is off, with how sure that is.
pub(super) fn clock_now(ui: &mut Ui, cx: &AppCtx, details: &Details) {
    let Some(reading) = details.clock.first() else {
        ui.label(secondary(ui, "Not compared yet"));
        return;
    };
    let drift = reading.drift_ms();
    ui.horizontal(|ui| {
        badge(ui, &drift_words(drift), drift_tone(drift));
        let words = match drift {
            -99..=99 => "in time",
            ..=-100 => "slow",
            _ => "fast",
        };
        ui.label(secondary(ui, words));
    });
    let compared = instant(reading.read_at, &cx.zone);
    ui.label(small(ui, format!("± {} ms, compared {compared}", reading.uncertainty_ms)));
    if reading.sign_looks_inverted {
        let text = "The deviation looks inverted: its sign is a setting of the template";
        ui.label(RichText::new(text).color(tokens(ui).warn.0));
    }
}

/// Instants and seconds fast, oldest first.
#[allow(clippy::cast_precision_loss, reason = "a drawing")]
fn points(clock: &[ClockReading]) -> Vec<[f64; 2]> {
    let point =
        |one: &ClockReading| [one.read_at.as_millisecond() as f64 / 1000.0, one.drift_ms() as f64 / 1000.0];
    clock.iter().rev().map(point).collect()
}

/// A range with some room around it.
fn roomy(values: impl Iterator<Item = f64>, least: f64) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(one), high.max(one)));
    let margin = ((high - low) * 0.08).max(least);
    (low - margin, high + margin)
}

/// The drift over time.
fn plot(ui: &mut Ui, clock: &[ClockReading], zone: &TimeZone) {
    let t = tokens(ui);
    let points = points(clock);
    let (from, to) = roomy(points.iter().map(|point| point[0]), 600.0);
    let (low, high) = roomy(points.iter().map(|point| point[1]).chain([0.0]), 0.5);
    ui.add_space(4.0);
    ui.label(small(ui, "Drift in seconds, up is fast"));
    let size = Vec2::new(ui.available_width(), HEIGHT);
    let mut times = time_marks(from, to, f64::from(size.x - 40.0), zone);
    let edge = to - (to - from) * 32.0 / f64::from(size.x - 40.0);
    times.retain(|(second, _)| *second < edge);
    let levels = value_marks(low, high, f64::from(size.y - 24.0));
    let grid = |marks: &[Mark]| -> Vec<GridMark> {
        let step = marks.first().zip(marks.get(1)).map_or(1.0, |(a, b)| b.0 - a.0);
        marks.iter().map(|(value, _)| GridMark { value: *value, step_size: step }).collect()
    };
    let (time_grid, level_grid) = (grid(&times), grid(&levels));
    let axis = |hints: AxisHints<'static>, marks: Vec<Mark>| {
        hints
            .formatter(move |mark, _| {
                let near =
                    marks.iter().min_by(|a, b| (a.0 - mark.value).abs().total_cmp(&(b.0 - mark.value).abs()));
                near.map(|(_, text)| text.clone()).unwrap_or_default()
            })
            .label_spacing(1.0..=2.0)
            .tick_label_color(t.text_secondary.0)
            .tick_label_font(FontId::proportional(SIZES[0]))
    };
    let ink = t.accent.0;
    let response = still_plot("drift", size, t.plot_grid.0)
        .custom_x_axes(vec![axis(AxisHints::new_x(), times)])
        .custom_y_axes(vec![axis(AxisHints::new_y(), levels).min_thickness(36.0)])
        .x_grid_spacer(move |_| time_grid.clone())
        .y_grid_spacer(move |_| level_grid.clone())
        .sense(Sense::hover())
        .show(ui, |plot| {
            plot.set_plot_bounds(PlotBounds::from_min_max([from, low], [to, high]));
            plot.hline(HLine::new("in time", 0.0).color(t.border_strong.0).width(1.0).allow_hover(false));
            plot.line(
                Line::new("drift", PlotPoints::from(points.clone())).color(ink).width(1.5).allow_hover(false),
            );
            plot.points(Points::new("compared", points).color(ink).radius(3.0).allow_hover(false));
        })
        .response;
    let (first, last) = (clock.last(), clock.first());
    let words = |one: Option<&ClockReading>| one.map(|one| drift_words(one.drift_ms())).unwrap_or_default();
    let name = format!("Drift over {} comparisons, from {} to {}", clock.len(), words(first), words(last));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Figure, true, &name));
}
