//! Events on the time axis: placed, dragged and removed, with the pointer and with the keyboard.

use egui::{Align2, CornerRadius, FontId, Key, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::gui::theme::{SIZES, STRONG, tokens};
use crate::scheme::engine::Event;
use crate::scheme::{TimedEvent, WallClock};

const HEIGHT: f32 = 64.0;
const MARK: f32 = 20.0;
/// Events are placed on quarters of an hour; a finer time can be typed.
const STEP: SignedDuration = SignedDuration::from_mins(15);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What can be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SupplyFail,
    SupplyReturn,
    BatteryFail,
    BatteryReplaced,
    BillingReset,
    ClockSet,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::SupplyFail,
        Self::SupplyReturn,
        Self::BatteryFail,
        Self::BatteryReplaced,
        Self::BillingReset,
        Self::ClockSet,
    ];

    /// In words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::SupplyFail => "Supply fails",
            Self::SupplyReturn => "Supply returns",
            Self::BatteryFail => "Battery fails",
            Self::BatteryReplaced => "Battery replaced",
            Self::BillingReset => "Billing reset",
            Self::ClockSet => "Clock set",
        }
    }

    /// The word in a file of events.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::SupplyFail => "supply_fail",
            Self::SupplyReturn => "supply_return",
            Self::BatteryFail => "battery_fail",
            Self::BatteryReplaced => "battery_replaced",
            Self::BillingReset => "billing_reset",
            Self::ClockSet => "clock_set",
        }
    }

    /// Two letters for a mark.
    const fn letters(self) -> &'static str {
        match self {
            Self::SupplyFail => "S−",
            Self::SupplyReturn => "S+",
            Self::BatteryFail => "B−",
            Self::BatteryReplaced => "B+",
            Self::BillingReset => "R",
            Self::ClockSet => "C",
        }
    }

    /// The row of its mark, so that what belongs together stands on one line.
    const fn lane(self) -> u8 {
        match self {
            Self::SupplyFail | Self::SupplyReturn => 0,
            Self::BatteryFail | Self::BatteryReplaced => 1,
            Self::BillingReset | Self::ClockSet => 2,
        }
    }
}

/// An event that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Never given twice.
    pub(super) id: u64,
    /// What.
    pub(super) kind: Kind,
    /// When.
    pub(super) at: Timestamp,
    /// When, as it is typed; nothing while nobody types.
    pub(super) typed: Option<String>,
    /// What the clock is set to.
    pub(super) set_to: Timestamp,
    /// That, as it is typed.
    pub(super) set_to_typed: Option<String>,
}

impl Placed {
    /// An event of this kind.
    pub(super) const fn new(id: u64, kind: Kind, at: Timestamp) -> Self {
        Self { id, kind, at, typed: None, set_to: at, set_to_typed: None }
    }

    /// One that stood in a file; nothing for what no file says.
    pub(super) const fn of(id: u64, event: TimedEvent) -> Option<Self> {
        let (kind, set_to) = match event.event {
            Event::SupplyFail => (Kind::SupplyFail, event.at),
            Event::SupplyReturn => (Kind::SupplyReturn, event.at),
            Event::BatteryFail => (Kind::BatteryFail, event.at),
            Event::BatteryReplaced => (Kind::BatteryReplaced, event.at),
            Event::BillingReset => (Kind::BillingReset, event.at),
            Event::ClockSet(to) => (Kind::ClockSet, to),
            Event::Button => return None,
        };
        Some(Self { id, kind, at: event.at, typed: None, set_to, set_to_typed: None })
    }

    /// What the engine is told.
    pub(super) const fn timed(&self) -> TimedEvent {
        let event = match self.kind {
            Kind::SupplyFail => Event::SupplyFail,
            Kind::SupplyReturn => Event::SupplyReturn,
            Kind::BatteryFail => Event::BatteryFail,
            Kind::BatteryReplaced => Event::BatteryReplaced,
            Kind::BillingReset => Event::BillingReset,
            Kind::ClockSet => Event::ClockSet(self.set_to),
        };
        TimedEvent { at: self.at, event }
    }

    /// Moves it; a clock that is set keeps by how much it is set forward or back.
    fn move_to(&mut self, at: Timestamp) {
        let shift = self.set_to.duration_since(self.at);
        self.at = at;
        self.set_to = at.saturating_add(shift).unwrap_or(at);
        (self.typed, self.set_to_typed) = (None, None);
    }
}

/// `2026-11-03 14:00` by a clock.
pub(super) fn local_text(at: Timestamp, clock: &WallClock) -> String {
    let local = clock.local(at);
    let form = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.strftime(form).to_string()
}

/// The axis: where an instant stands, and which instant stands at a place.
struct Axis {
    rect: Rect,
    from: Timestamp,
    to: Timestamp,
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "pixels")]
impl Axis {
    fn x(&self, at: Timestamp) -> f32 {
        let whole = self.to.duration_since(self.from).as_secs_f64().max(1.0);
        let part = at.duration_since(self.from).as_secs_f64() / whole;
        self.rect.left() + (part.clamp(0.0, 1.0) as f32) * self.rect.width()
    }

    /// On a quarter of an hour.
    fn at(&self, x: f32) -> Timestamp {
        let part = f64::from(((x - self.rect.left()) / self.rect.width().max(1.0)).clamp(0.0, 1.0));
        let second = self.from.as_second() + (self.to.duration_since(self.from).as_secs_f64() * part) as i64;
        let step = STEP.as_secs();
        let snapped = (second + step / 2).div_euclid(step) * step;
        self.within(Timestamp::from_second(snapped).unwrap_or(self.from))
    }

    fn within(&self, at: Timestamp) -> Timestamp {
        at.clamp(self.from, self.to)
    }
}

/// Draws the strip and lets events be moved; a click on a free place gives where `tool` is wanted.
pub(super) fn ui(
    ui: &mut Ui,
    events: &mut Vec<Placed>,
    (from, to): (Timestamp, Timestamp),
    clock: &WallClock,
    tool: Kind,
) -> Option<Timestamp> {
    let t = tokens(ui);
    let (whole, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width(), HEIGHT + 18.0), Sense::click());
    let name = format!(
        "Events from {} to {}: click to place “{}”",
        local_text(from, clock),
        local_text(to, clock),
        tool.words()
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    let rect =
        Rect::from_min_size(whole.min, Vec2::new(whole.width(), HEIGHT)).shrink2(Vec2::new(MARK / 2.0, 0.0));
    let axis = Axis { rect, from, to };
    ui.painter().rect_filled(
        Rect::from_min_size(whole.min, Vec2::new(whole.width(), HEIGHT)),
        4.0,
        t.sunken.0,
    );
    ticks(ui, &axis, clock);
    outages(ui, &axis, events);
    let mut removed = None;
    for event in events.iter_mut() {
        if mark(ui, &axis, event, clock) {
            removed = Some(event.id);
        }
    }
    events.retain(|event| Some(event.id) != removed);
    if response.has_focus() {
        ui.painter().rect_stroke(whole, 4.0, Stroke::new(2.0, t.accent.0), StrokeKind::Inside);
    }
    if let Some(pos) = response.hover_pos() {
        ui.painter().vline(pos.x, rect.y_range(), Stroke::new(1.0, t.text_secondary.0));
        let text = local_text(axis.at(pos.x), clock);
        response.clone().on_hover_text_at_pointer(format!("{text}: click to place “{}”", tool.words()));
    }
    if !response.clicked() {
        return None;
    }
    let place = response.interact_pointer_pos().map(|pos| axis.at(pos.x));
    // Enter on the strip has no place: the middle.
    Some(place.unwrap_or_else(|| axis.at(rect.center().x)))
}

/// Where supply is down, the ground is marked.
fn outages(ui: &Ui, axis: &Axis, events: &[Placed]) {
    let t = tokens(ui);
    let mut sorted: Vec<&Placed> =
        events.iter().filter(|event| matches!(event.kind, Kind::SupplyFail | Kind::SupplyReturn)).collect();
    sorted.sort_by_key(|event| event.at);
    let mut since = None;
    let mut stretches = Vec::new();
    for event in sorted {
        match (event.kind, since) {
            (Kind::SupplyFail, None) => since = Some(event.at),
            (Kind::SupplyReturn, Some(began)) => {
                stretches.push((began, event.at));
                since = None;
            }
            _ => {}
        }
    }
    stretches.extend(since.map(|began| (began, axis.to)));
    for (began, ended) in stretches {
        let part = Rect::from_x_y_ranges(
            axis.x(began)..=axis.x(ended).max(axis.x(began) + 2.0),
            axis.rect.y_range(),
        );
        ui.painter().rect_filled(part, 0.0, t.warn_soft.0);
        ui.painter().rect_stroke(part, 0.0, Stroke::new(1.0, t.warn_mark.0), StrokeKind::Inside);
    }
}

fn ticks(ui: &Ui, axis: &Axis, clock: &WallClock) {
    let t = tokens(ui);
    let days = axis.to.duration_since(axis.from).as_hours() / 24;
    let step = match days {
        0..=2 => 6.hours(),
        3..=16 => 1.day(),
        17..=70 => 7.days(),
        71..=800 => 1.month(),
        _ => 1.year(),
    };
    let first = clock.local(axis.from).date();
    let first = if days > 70 { first.first_of_month() } else { first };
    let mut local = first.at(0, 0, 0, 0);
    let mut free_from = f32::NEG_INFINITY;
    // A strip is never wide enough for more.
    for _ in 0..200 {
        let at = clock.first_instant(local);
        if at > axis.to {
            break;
        }
        if at >= axis.from {
            let x = axis.x(at);
            ui.painter().vline(x, axis.rect.y_range(), Stroke::new(1.0, t.border.0));
            let form = match days {
                0..=2 => "%H:%M",
                3..=70 => "%-d %b",
                71..=800 => "%b %Y",
                _ => "%Y",
            };
            let galley = ui.painter().layout_no_wrap(
                local.strftime(form).to_string(),
                FontId::proportional(SIZES[0]),
                t.text_secondary.0,
            );
            let width = galley.size().x;
            if x > free_from && x + width < axis.rect.right() + MARK / 2.0 {
                ui.painter().galley(egui::pos2(x, axis.rect.bottom() + 2.0), galley, t.text_secondary.0);
                free_from = x + width + 12.0;
            }
        }
        match local.checked_add(step) {
            Ok(next) => local = next,
            Err(_) => break,
        }
    }
}

/// One event; gives true where it is to go.
fn mark(ui: &Ui, axis: &Axis, event: &mut Placed, clock: &WallClock) -> bool {
    let t = tokens(ui);
    let x = axis.x(event.at);
    let top = axis.rect.top() + 1.0 + f32::from(event.kind.lane()) * (MARK + 1.0);
    let rect = Rect::from_min_size(egui::pos2(x - MARK / 2.0, top), Vec2::splat(MARK));
    let id = ui.scope_id().with(("event", event.id));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let name = format!("{}, {}", event.kind.words(), local_text(event.at, clock));
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &name));
    if response.clicked() || response.dragged() {
        response.request_focus();
    }
    if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        event.move_to(axis.at(pos.x));
    }
    let is_on = response.has_focus();
    let mut removed = false;
    if is_on {
        ui.memory_mut(|memory| {
            let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
            memory.set_focus_lock_filter(id, filter);
        });
        let (by, delete) = ui.input(|input| {
            let step = if input.modifiers.shift { DAY } else { STEP };
            let by = match (input.key_pressed(Key::ArrowLeft), input.key_pressed(Key::ArrowRight)) {
                (true, false) => Some(-step),
                (false, true) => Some(step),
                _ => None,
            };
            (by, input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace))
        });
        if let Some(by) = by {
            let moved = event.at.saturating_add(by).unwrap_or(event.at);
            event.move_to(axis.within(moved));
        }
        removed = delete;
    }
    let fill = if is_on || response.hovered() { t.accent_soft.0 } else { t.surface.0 };
    let edge = if is_on { Stroke::new(2.0, t.accent.0) } else { Stroke::new(1.0, t.border_strong.0) };
    let painter = ui.painter();
    painter.vline(x, axis.rect.y_range(), Stroke::new(1.0, edge.color));
    painter.rect(rect, CornerRadius::same(4), fill, edge, StrokeKind::Inside);
    let font = FontId::new(SIZES[0], egui::FontFamily::Name(STRONG.into()));
    painter.text(rect.center(), Align2::CENTER_CENTER, event.kind.letters(), font, t.text.0);
    response.on_hover_text(format!("{name}. Drag it, or move it with the arrow keys; Delete removes it."));
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_quarters_of_an_hour_within_the_stretch() {
        let from: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let to: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let axis =
            Axis { rect: Rect::from_min_size(egui::pos2(10.0, 0.0), Vec2::new(960.0, 10.0)), from, to };
        assert_eq!(axis.at(10.0 + 480.0).to_string(), "2026-03-01T12:00:00Z");
        assert_eq!(axis.at(10.0 + 484.0).to_string(), "2026-03-01T12:00:00Z");
        assert_eq!(axis.at(10.0 + 486.0).to_string(), "2026-03-01T12:15:00Z");
        assert_eq!((axis.at(-50.0), axis.at(5000.0)), (from, to));
        assert!((axis.x("2026-03-01T12:00:00Z".parse().unwrap()) - 490.0).abs() < 0.01);
    }

    #[test]
    fn a_clock_that_is_set_keeps_its_shift_when_it_is_moved() {
        let at: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let mut event = Placed::new(1, Kind::ClockSet, at);
        event.set_to = at + SignedDuration::from_mins(7);
        event.move_to(at + SignedDuration::from_hours(2));
        assert_eq!(event.set_to.to_string(), "2026-03-01T02:07:00Z");
    }
}
