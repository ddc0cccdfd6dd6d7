//! The overview strip: thirteen weeks, a bar a day; drag the window or click a day.

use egui::{Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::gui::context::AppCtx;
use crate::gui::data::{DayTotal, Query};
use crate::gui::theme::{SIZES, tokens};
use crate::gui::widgets::{counted, number};
use crate::model::Gap;
use crate::store::StoredProfile;

use super::period::{Period, Span, days_between};
use super::series::Kind;
use super::{Subject, gaps};

const DAYS: i64 = 91;
const HEIGHT: f32 = 36.0;

/// Draws it; gives another stretch where one was chosen.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "pixels")]
pub(super) fn ui(
    ui: &mut Ui,
    cx: &mut AppCtx,
    subject: &Subject<'_>,
    profile: &StoredProfile,
) -> Option<Period> {
    let t = tokens(ui);
    let (first, last) = range(subject, profile);
    let span = Period::between(first, last)?;
    let (from, to) = span.bounds(subject.zone);
    let cumulative =
        profile.layout.channels.first().is_some_and(|channel| Kind::of(channel) == Kind::Cumulative);
    let zone = subject.meter.config.time_zone.clone();
    let query = Query::Days { profile: profile.id, from, to, zone, cumulative };
    let days = cx.data.days(cx.backend.as_ref(), &query).ready().unwrap_or_default();

    let (rect, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width(), HEIGHT), Sense::click_and_drag());
    let count = days_between(first, last) + 1;
    let width = rect.width() / count as f32;
    let left = |day: Date| rect.left() + days_between(first, day) as f32 * width;
    ui.painter().rect_filled(rect, CornerRadius::same(4), t.canvas.0);
    let highest = days.iter().filter_map(|day| day.total).max();
    for day in days.iter() {
        bar(ui, rect, day, highest, left(day.day), width, (t.border_strong.0, t.warn_mark.0));
    }
    months(ui, rect, first, last, &left);
    let known = gaps::known(cx, subject.meter.id);
    let holes: Vec<&Gap> = known
        .iter()
        .filter(|gap| gap.profile == profile.layout.obis && gap.after < to && from < gap.before)
        .collect();
    for gap in &holes {
        hole(ui, rect, subject, gap, (first, last), &|day| left(day), width);
    }
    let window = Rect::from_min_max(
        egui::pos2(left(subject.period.first).max(rect.left()), rect.top()),
        egui::pos2((left(subject.period.last) + width).min(rect.right()), rect.bottom()),
    );
    if window.width() > 0.0 {
        ui.painter().rect(
            window,
            CornerRadius::same(2),
            t.accent.0.gamma_multiply(0.14),
            Stroke::new(1.5, t.accent.0),
            StrokeKind::Inside,
        );
    }
    let name = format!("Overview from {first} to {last}");
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &name));
    let at = |x: f32| {
        first.checked_add(((((x - rect.left()) / width).floor() as i64).clamp(0, count - 1)).days()).ok()
    };
    if let Some(day) = response.hover_pos().and_then(|pos| at(pos.x)) {
        let found = days.iter().find(|one| one.day == day);
        response.clone().on_hover_ui_at_pointer(|ui| {
            ui.label(day.strftime("%A %-d %B %Y").to_string());
            ui.label(found.map_or_else(
                || "Nothing stored".to_owned(),
                |one| format!("{}, {} flagged", counted(one.intervals, "interval"), number(one.flagged)),
            ));
            for gap in holes.iter().filter(|gap| days_of(subject, gap).contains(&day)) {
                let sign = gaps::Sort::of(Some(&gap.reason)).sign();
                ui.label(format!("{sign} {} missing: {}", gap.intervals, gap.reason));
            }
        });
    }
    let pointed = response.interact_pointer_pos().and_then(|pos| at(pos.x))?;
    if response.clicked() {
        let span = if subject.period.span == Span::Custom { Span::Day } else { subject.period.span };
        return Some(Period::of(span, pointed));
    }
    if response.dragged() {
        let middle = (days_between(subject.period.first, subject.period.last)) / 2;
        let by = days_between(subject.period.first, pointed) - middle;
        let moved = subject.period.moved(by);
        return (moved != subject.period).then_some(moved);
    }
    None
}

/// Thirteen weeks in which the stretch lies, ending where the store ends where that is possible.
fn range(subject: &Subject<'_>, profile: &StoredProfile) -> (Date, Date) {
    let stored = profile.span.map(|(_, last)| last.to_zoned(subject.zone.clone()).date());
    let mut last = stored.unwrap_or(subject.period.last).max(subject.period.last);
    let back = |day: Date| day.checked_sub((DAYS - 1).days()).unwrap_or(day);
    if back(last) > subject.period.first {
        last = subject.period.last.checked_add(30.days()).unwrap_or(subject.period.last);
    }
    (back(last).min(subject.period.first), last)
}

#[allow(clippy::cast_possible_truncation, reason = "pixels")]
fn bar(
    ui: &Ui,
    rect: Rect,
    day: &DayTotal,
    highest: Option<crate::model::Decimal>,
    left: f32,
    width: f32,
    (ink, flag): (Color32, Color32),
) {
    let share = match (day.total, highest) {
        (Some(total), Some(highest)) if highest > crate::model::Decimal::ZERO => {
            (total.to_f64_for_drawing() / highest.to_f64_for_drawing()) as f32
        }
        _ => 0.0,
    };
    let height = (share.clamp(0.0, 1.0) * (rect.height() - 14.0)).max(1.5);
    let gap = if width > 4.0 { 1.0 } else { 0.0 };
    let bar = Rect::from_min_max(
        egui::pos2(left + gap, rect.bottom() - height),
        egui::pos2(left + width - gap, rect.bottom()),
    );
    ui.painter().rect_filled(bar, 0.0, ink);
    if day.flagged > 0 {
        let mark = Rect::from_min_size(egui::pos2(bar.left(), bar.top() - 3.0), Vec2::new(bar.width(), 2.0));
        ui.painter().rect_filled(mark, 0.0, flag);
    }
}

/// The days in which intervals of a gap lie.
fn days_of(subject: &Subject<'_>, gap: &Gap) -> std::ops::RangeInclusive<Date> {
    let day = |at: jiff::Timestamp| at.to_zoned(subject.zone.clone()).date();
    let last = gap.before.checked_sub(1.nanosecond()).unwrap_or(gap.before);
    day(gap.after)..=day(last)
}

/// A mark at the foot of the days of a gap: a full lane where it is final, a broken one where it may still be filled.
#[allow(clippy::cast_precision_loss, reason = "pixels")]
fn hole(
    ui: &Ui,
    rect: Rect,
    subject: &Subject<'_>,
    gap: &Gap,
    (first, last): (Date, Date),
    left: &dyn Fn(Date) -> f32,
    width: f32,
) {
    let t = tokens(ui);
    let days = days_of(subject, gap);
    let (begin, end) = ((*days.start()).max(first), (*days.end()).min(last));
    let (from, to) = (left(begin), (left(end) + width).max(left(begin) + 3.0));
    let lane = Rect::from_min_max(egui::pos2(from, rect.bottom() - 4.0), egui::pos2(to, rect.bottom()));
    ui.painter().rect_filled(lane, 0.0, t.canvas.0);
    if gap.reason.is_final() {
        ui.painter().rect_filled(lane, 0.0, t.bad_mark.0);
    } else {
        let line = [lane.left_center(), lane.right_center()];
        ui.painter().extend(egui::Shape::dashed_line(&line, Stroke::new(3.0, t.bad_mark.0), 3.0, 2.0));
    }
}

fn months(ui: &Ui, rect: Rect, first: Date, last: Date, left: &dyn Fn(Date) -> f32) {
    let t = tokens(ui);
    let mut month = first.first_of_month();
    while month <= last {
        let at = left(month.max(first));
        if month >= first {
            ui.painter().vline(at, rect.y_range(), Stroke::new(1.0, t.border.0));
        }
        let next = month.checked_add(1.month()).unwrap_or(last);
        if left(next.min(last)) - at > 56.0 {
            let text = month.strftime("%b %Y").to_string();
            let font = egui::FontId::proportional(SIZES[0] - 1.0);
            ui.painter().text(
                egui::pos2(at + 4.0, rect.top() + 7.0),
                egui::Align2::LEFT_CENTER,
                text,
                font,
                t.text_secondary.0,
            );
        }
        if next <= month {
            break;
        }
        month = next;
    }
}
