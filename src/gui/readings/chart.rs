//! The chart: bars of each interval, exact values under the pointer, flags and gaps that nobody can overlook.
//!
//! The stretch that is seen is this module's own ([`View`]); egui_plot draws axes and bars of it. Bars are folded to
//! pixel columns before they are drawn (`facts/desktop-stack.md`, section 2).

use egui::{Color32, FontId, Rect, Response, Sense, Stroke, Ui, Vec2};
use egui_plot::{AxisHints, Bar as PlotBar, BarChart, GridMark, Line, PlotBounds, PlotPoints, PlotTransform};
use jiff::Timestamp;

use crate::gui::context::AppCtx;
use crate::gui::theme::{SIZES, strong, tokens};
use crate::gui::widgets::{secondary, small};
use crate::model::Quality;

use super::Subject;
use super::axis::{Mark, interval_end, still_plot, time_marks, value_marks};
use super::decimate::{Bar, decimate};
use super::figures::{Figures, Shown, symbol, text};
use super::intervals::words;
use super::legend::colour;
use super::overlay::{crosshair, overlays};

/// The stretch that is seen, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
struct View {
    from: f64,
    to: f64,
}

impl View {
    /// Zooms about a point by a factor; below 1 is nearer.
    fn zoom(self, limits: Self, factor: f64, about: f64) -> Self {
        let width = ((self.to - self.from) * factor)
            .clamp(3_600.0_f64.min(limits.to - limits.from), limits.to - limits.from);
        let share = ((about - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        let from = about - width * share;
        Self { from, to: from + width }.within(limits)
    }

    fn pan(self, limits: Self, by: f64) -> Self {
        Self { from: self.from + by, to: self.to + by }.within(limits)
    }

    fn within(self, limits: Self) -> Self {
        let width = (self.to - self.from).min(limits.to - limits.from);
        let from = self.from.clamp(limits.from, (limits.to - width).max(limits.from));
        Self { from, to: from + width }
    }
}

/// The chart's own state.
#[derive(Debug, Default)]
pub(super) struct Chart {
    limits: Option<View>,
    view: Option<View>,
}

impl Chart {
    /// Whether less than the whole stretch is seen.
    #[must_use]
    pub(super) fn is_zoomed(&self) -> bool {
        self.view != self.limits
    }

    /// Shows the whole stretch.
    pub(super) fn reset(&mut self) {
        self.view = self.limits;
    }

    /// Draws it.
    #[allow(clippy::cast_precision_loss, reason = "pixels")]
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &AppCtx,
        subject: &Subject<'_>,
        figures: &Figures,
        (from, to): (Timestamp, Timestamp),
        height: f32,
    ) {
        let limits = View { from: from.as_second() as f64, to: to.as_second() as f64 };
        if self.limits != Some(limits) {
            self.limits = Some(limits);
            self.view = Some(limits);
        }
        let view = self.view.unwrap_or(limits);
        let readout_height = 20.0;
        let (readout, _) =
            ui.allocate_exact_size(Vec2::new(ui.available_width(), readout_height), Sense::hover());
        let (low, high) = value_range(figures, (view.from, view.to));
        let size = Vec2::new(
            ui.available_width(),
            (height - readout_height - ui.spacing().item_spacing.y).max(80.0),
        );
        let pixels = f64::from(size.x - 52.0);
        let mut marks = time_marks(view.from, view.to, pixels, subject.zone);
        // A label at the right edge would stand in the summary.
        let edge = view.to - (view.to - view.from) * 28.0 / pixels;
        marks.retain(|(second, _)| *second < edge);
        let levels = value_marks(low, high, f64::from(size.y - 32.0));
        let colours = colours(ui, cx, figures);
        let (response, transform) = plot(ui, figures, view, (low, high), size, &marks, &levels, &colours);
        overlays(ui, figures, &transform);
        self.pointer(ui, &response, &transform, view, limits);
        let hovered = response.hover_pos().and_then(|pos| figures.at(transform.value_from_position(pos).x));
        if let Some(at) = hovered {
            crosshair(ui, figures, &transform, at);
        }
        let missing = response.hover_pos().filter(|_| hovered.is_none()).and_then(|pos| {
            let second = transform.value_from_position(pos).x;
            figures
                .gaps
                .iter()
                .position(|gap| (gap.from.as_second() as f64) <= second && second < gap.to.as_second() as f64)
        });
        readout_line(ui, readout, subject, figures, (hovered, missing));
        let name = format!("Load profile of {}, {}", subject.meter.config.name, subject.period.words());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Figure, true, &name));
    }

    fn pointer(&mut self, ui: &Ui, response: &Response, transform: &PlotTransform, view: View, limits: View) {
        let mut next = view;
        let pixels = f64::from(transform.frame().width().max(1.0));
        if response.dragged() {
            next = next.pan(limits, -f64::from(response.drag_delta().x) / pixels * (view.to - view.from));
        }
        if let Some(pos) = response.hover_pos() {
            let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
            let about = transform.value_from_position(pos).x;
            if scroll.y != 0.0 || pinch != 1.0 {
                let factor = (f64::from(-scroll.y) / 240.0).exp() / f64::from(pinch);
                next = next.zoom(limits, factor, about);
            }
            if scroll.x != 0.0 {
                next = next.pan(limits, -f64::from(scroll.x) / pixels * (view.to - view.from));
            }
        }
        if response.double_clicked() {
            next = limits;
        }
        if next != view {
            self.view = Some(next);
            ui.ctx().request_repaint_after(std::time::Duration::ZERO);
        }
    }
}

fn colours(ui: &Ui, cx: &AppCtx, figures: &Figures) -> Vec<Color32> {
    let t = tokens(ui);
    let of = |shown: &Shown| colour(&t, cx.prefs.phases, &shown.channel, shown.series.channel);
    figures.shown.iter().map(of).collect()
}

/// What the value axis spans: from nought for bars, closely around the values for lines.
pub(super) fn value_range(figures: &Figures, (from, to): (f64, f64)) -> (f64, f64) {
    let seen = figures.shown.iter().flat_map(|shown| {
        let begin = shown.bars.partition_point(|bar| bar.end <= from);
        let end = shown.bars.partition_point(|bar| bar.start < to);
        shown.bars.get(begin..end).unwrap_or_default()
    });
    let (low, high) = seen
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), bar| (low.min(bar.low), high.max(bar.high)));
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    if figures.shown.iter().all(|shown| shown.line) {
        let margin = ((high - low) * 0.15).max(high.abs() * 0.002).max(1e-6);
        return (low - margin, high + margin);
    }
    // Room above the bars for the lane of flags and their letters.
    let high = if high > 0.0 { high * 1.16 } else { 1.0 };
    // A little room below nought keeps its label off those of the time axis.
    (low.min(high * -0.02), high)
}

#[allow(clippy::too_many_arguments, reason = "what one drawing needs")]
fn plot(
    ui: &mut Ui,
    figures: &Figures,
    view: View,
    (low, high): (f64, f64),
    size: Vec2,
    marks: &[Mark],
    levels: &[Mark],
    colours: &[Color32],
) -> (Response, PlotTransform) {
    let t = tokens(ui);
    let lookup = |marks: &[Mark], value: f64| {
        let near = marks.iter().min_by(|a, b| (a.0 - value).abs().total_cmp(&(b.0 - value).abs()));
        near.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let grid = |marks: &[Mark]| -> Vec<GridMark> {
        let step = marks.first().zip(marks.get(1)).map_or(1.0, |(a, b)| b.0 - a.0);
        marks.iter().map(|(value, _)| GridMark { value: *value, step_size: step }).collect()
    };
    let font = FontId::proportional(SIZES[0]);
    let x_axis = AxisHints::new_x()
        .formatter(|mark, _| lookup(marks, mark.value))
        .label_spacing(1.0..=2.0)
        .tick_label_color(t.text_secondary.0)
        .tick_label_font(font.clone());
    let y_axis = AxisHints::new_y()
        .formatter(|mark, _| lookup(levels, mark.value))
        .label_spacing(1.0..=2.0)
        .min_thickness(44.0)
        .tick_label_color(t.text_secondary.0)
        .tick_label_font(font);
    let answer = still_plot("load profile", size, t.plot_grid.0)
        .custom_x_axes(vec![x_axis])
        .custom_y_axes(vec![y_axis])
        .x_grid_spacer(|_| grid(marks))
        .y_grid_spacer(|_| grid(levels))
        .sense(Sense::click_and_drag())
        .show(ui, |plot| {
            plot.set_plot_bounds(PlotBounds::from_min_max([view.from, low], [view.to, high]));
            draw(plot, figures, view, f64::from(size.x - 52.0), colours);
        });
    (answer.response, answer.transform)
}

fn draw(plot: &mut egui_plot::PlotUi<'_>, figures: &Figures, view: View, pixels: f64, colours: &[Color32]) {
    let several = figures.shown.iter().filter(|shown| !shown.line).count();
    for (number, (shown, colour)) in figures.shown.iter().zip(colours).enumerate() {
        let bars = decimate(&shown.bars, view.from, view.to, pixels);
        let folded = bars.iter().any(|bar| bar.low != bar.high);
        if shown.line || several > 1 && folded {
            for run in runs(&bars) {
                plot.line(
                    Line::new(shown.series.name.clone(), PlotPoints::from(run))
                        .color(*colour)
                        .width(1.5)
                        .allow_hover(false),
                );
            }
            continue;
        }
        let bar_pixels = (view.to - view.from) / pixels;
        #[allow(clippy::cast_precision_loss, reason = "a few channels")]
        let (slots, slot) = (several.max(1) as f64, number as f64);
        let shape = |bar: &Bar, height: f64, ink: Color32| {
            let whole = bar.end - bar.start;
            let gap = if whole / bar_pixels > 5.0 { whole * 0.14 } else { 0.0 };
            let width = (whole - gap) / slots;
            let middle = bar.start + gap / 2.0 + width * (slot + 0.5);
            PlotBar::new(middle, height).width(width).fill(ink).stroke(Stroke::NONE)
        };
        // Where a column holds many intervals its highest is drawn light and its lowest full.
        if folded {
            let light = colour.gamma_multiply(0.45);
            let highest = bars.iter().map(|bar| shape(bar, bar.high, light)).collect();
            plot.bar_chart(BarChart::new(shown.series.name.clone(), highest).allow_hover(false));
        }
        let lowest = bars.iter().map(|bar| shape(bar, bar.low, *colour)).collect();
        plot.bar_chart(BarChart::new(shown.series.name.clone(), lowest).allow_hover(false));
    }
}

/// Lines of levels, broken where intervals are missing.
fn runs(bars: &[Bar]) -> Vec<Vec<[f64; 2]>> {
    let mut runs: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for bar in bars {
        if runs.is_empty() || bar.start - last > 1.0 {
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut() {
            let middle = f64::midpoint(bar.start, bar.end);
            run.push([middle, bar.high]);
            if bar.low != bar.high {
                run.push([middle, bar.low]);
            }
        }
        last = bar.end;
    }
    runs
}

/// The exact values of the interval under the pointer, always in one place: nothing jumps.
fn readout_line(
    ui: &mut Ui,
    rect: Rect,
    subject: &Subject<'_>,
    figures: &Figures,
    (at, missing): (Option<usize>, Option<usize>),
) {
    let mut line = ui.new_child(
        egui::UiBuilder::new().max_rect(rect).layout(egui::Layout::left_to_right(egui::Align::Center)),
    );
    line.spacing_mut().item_spacing.x = 12.0;
    line.add_space(4.0);
    let missing = missing.and_then(|at| figures.gaps.get(at).zip(figures.why.get(at)));
    if let Some((gap, why)) = missing {
        let (from, to) = (interval_end(gap.from, subject.zone), interval_end(gap.to, subject.zone));
        line.label(secondary(&line, format!("From {from} to {to}")));
        let words = format!("{} {} missing: {}", why.sort.sign(), gap.intervals, why.words);
        line.add(egui::Label::new(strong(words).color(tokens(&line).bad.0)).truncate());
        return;
    }
    let Some((at, row)) = at.and_then(|at| figures.slice.rows.get(at).map(|row| (at, row))) else {
        let units: Vec<String> = units(figures);
        line.label(small(&line, units.join(", ")));
        let hint = "Point at an interval for its exact values. Scroll zooms, drag moves, double click shows the whole stretch.";
        line.add(egui::Label::new(small(&line, hint)).truncate());
        return;
    };
    let zone = row.end.to_zoned(subject.zone.clone()).strftime("%Z").to_string();
    line.label(secondary(&line, format!("Interval ending {} {zone}", interval_end(row.end, subject.zone))));
    for shown in &figures.shown {
        let value = shown.series.values.get(at).copied().flatten();
        let words = value.map_or_else(
            || "no value".to_owned(),
            |value| format!("{} {}", text(value, shown.series.unit), symbol(shown.series.unit)),
        );
        if figures.shown.len() > 1 {
            line.label(small(&line, &shown.series.name));
        }
        line.label(strong(words));
    }
    if row.status.is_flagged() {
        let ink = if row.quality == Quality::Suspect { tokens(&line).bad.0 } else { tokens(&line).warn.0 };
        let flags = words(row)
            .lines()
            .filter(|line| !line.starts_with("Daylight") && !line.starts_with("Status"))
            .collect::<Vec<_>>()
            .join(", ");
        line.add(egui::Label::new(egui::RichText::new(flags).color(ink)).truncate());
    }
}

fn units(figures: &Figures) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for Shown { series, .. } in &figures.shown {
        let unit = symbol(series.unit);
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: View = View { from: 0.0, to: 86_400.0 };

    #[test]
    fn zooming_keeps_what_is_under_the_pointer_there() {
        let near = DAY.zoom(DAY, 0.5, 21_600.0);
        assert_eq!(near, View { from: 10_800.0, to: 54_000.0 });
        assert_eq!(near.zoom(DAY, 100.0, 50_000.0), DAY, "never wider than the stretch");
    }

    #[test]
    fn moving_stops_at_the_ends_of_the_stretch() {
        let near = View { from: 10_000.0, to: 20_000.0 };
        assert_eq!(near.pan(DAY, -50_000.0), View { from: 0.0, to: 10_000.0 });
        assert_eq!(near.pan(DAY, 90_000.0), View { from: 76_400.0, to: 86_400.0 });
    }

    #[test]
    fn lines_are_broken_where_intervals_are_missing() {
        let bar = |start: f64| Bar { start, end: start + 10.0, low: 1.0, high: 1.0 };
        let found = runs(&[bar(0.0), bar(10.0), bar(40.0)]);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }
}
