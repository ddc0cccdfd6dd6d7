//! What lies over the bars: flags, gaps, the crosshair. Each has a pattern or a letter beside its colour.

use egui::{Align2, Color32, FontId, Pos2, Rect, Stroke, Ui, Vec2};
use egui_plot::PlotTransform;

use crate::gui::theme::{SIZES, tokens};
use crate::model::Quality;

use super::figures::Figures;
use super::series::letters;

/// Diagonal lines in a rectangle: a pattern, so that nothing hangs on colour alone.
fn hatch(painter: &egui::Painter, rect: Rect, ink: Color32) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let stroke = Stroke::new(1.0, ink);
    let mut x = rect.left() - rect.height();
    x -= x.rem_euclid(6.0);
    while x < rect.right() {
        painter.line_segment([Pos2::new(x, rect.bottom()), Pos2::new(x + rect.height(), rect.top())], stroke);
        x += 6.0;
    }
}

/// Marks of what is missing and of what is flagged.
#[allow(clippy::cast_precision_loss, reason = "pixels")]
pub(super) fn overlays(ui: &Ui, figures: &Figures, transform: &PlotTransform) {
    let t = tokens(ui);
    let frame = *transform.frame();
    let painter = ui.painter_at(frame);
    let x = |second: f64| transform.position_from_point_x(second);
    for (gap, why) in figures.gaps.iter().zip(&figures.why) {
        let left = x(gap.from.as_second() as f64).max(frame.left());
        let right = x(gap.to.as_second() as f64).min(frame.right());
        if right < frame.left() || left > frame.right() {
            continue;
        }
        let rect = Rect::from_min_max(
            Pos2::new(left, frame.top()),
            Pos2::new(right.max(left + 2.0), frame.bottom()),
        );
        painter.rect_filled(rect, 0.0, t.bad_soft.0.gamma_multiply(0.6));
        why.sort.pattern(&painter, rect, t.bad_mark.0.gamma_multiply(0.35));
        painter.rect_filled(Rect::from_min_size(rect.min, Vec2::new(rect.width(), 4.0)), 0.0, t.bad_mark.0);
        if rect.width() > 64.0 {
            let words = format!("{} {} missing", why.sort.sign(), gap.intervals);
            painter.text(
                rect.center_top() + Vec2::new(0.0, 18.0),
                Align2::CENTER_CENTER,
                words,
                FontId::proportional(SIZES[0]),
                t.bad.0,
            );
        }
    }
    for change in &figures.changes {
        let at = x(change.as_second() as f64);
        if at < frame.left() || at > frame.right() {
            continue;
        }
        let line = [Pos2::new(at, frame.top()), Pos2::new(at, frame.bottom())];
        painter.extend(egui::Shape::dashed_line(&line, Stroke::new(1.5, t.accent.0), 6.0, 4.0));
        let is_room = at + 96.0 < frame.right();
        let (anchor, side) = if is_room { (Align2::LEFT_CENTER, 6.0) } else { (Align2::RIGHT_CENTER, -6.0) };
        let place = Pos2::new(at + side, frame.top() + 28.0);
        let font = FontId::proportional(SIZES[0]);
        let words = painter.layout_no_wrap("Ratio changes".to_owned(), font, t.accent.0);
        let rect = anchor.anchor_size(place, words.size());
        // Bars stand behind it.
        painter.rect_filled(rect.expand2(Vec2::new(4.0, 2.0)), 3.0, t.plot.0);
        painter.galley(rect.min, words, t.accent.0);
    }
    let width = f64::from(figures.period_seconds.max(60));
    let begin =
        figures.slice.rows.partition_point(|row| (row.end.as_second() as f64) < transform.bounds().min()[0]);
    let mut drawn = f32::NEG_INFINITY;
    for row in figures.slice.rows.iter().skip(begin) {
        let end = row.end.as_second() as f64;
        if end - width > transform.bounds().max()[0] {
            break;
        }
        if !row.status.is_flagged() {
            continue;
        }
        let (left, right) = (x(end - width), x(end));
        if right < drawn + 1.0 {
            continue;
        }
        drawn = right;
        let suspect = row.quality == Quality::Suspect;
        let ink = if suspect { t.bad_mark.0 } else { t.warn_mark.0 };
        let lane = Rect::from_min_max(
            Pos2::new(left, frame.top()),
            Pos2::new(right.max(left + 2.0), frame.top() + 4.0),
        );
        painter.rect_filled(lane, 0.0, ink);
        if right - left >= 5.0 {
            let column =
                Rect::from_min_max(Pos2::new(left, frame.top() + 4.0), Pos2::new(right, frame.bottom()));
            hatch(&painter, column, ink.gamma_multiply(0.55));
        }
        if right - left >= 9.0 {
            let ink = if suspect { t.bad.0 } else { t.warn.0 };
            let at = Pos2::new(f32::midpoint(left, right), frame.top() + 13.0);
            painter.text(at, Align2::CENTER_CENTER, letters(row.status), FontId::proportional(SIZES[0]), ink);
        }
    }
}

/// The interval under the pointer, and the heights of its values.
#[allow(clippy::cast_precision_loss, reason = "pixels")]
pub(super) fn crosshair(ui: &Ui, figures: &Figures, transform: &PlotTransform, at: usize) {
    let t = tokens(ui);
    let Some(row) = figures.slice.rows.get(at) else { return };
    let frame = *transform.frame();
    let painter = ui.painter_at(frame);
    let end = row.end.as_second() as f64;
    let start = end - f64::from(figures.period_seconds.max(60));
    let column = Rect::from_x_y_ranges(
        transform.position_from_point_x(start)..=transform.position_from_point_x(end),
        frame.y_range(),
    );
    painter.rect_filled(column.expand2(Vec2::new(0.5, 0.0)), 0.0, t.text.0.gamma_multiply(0.08));
    painter.vline(column.center().x, frame.y_range(), Stroke::new(1.0, t.text_secondary.0));
    for shown in &figures.shown {
        if let Some(value) = shown.series.values.get(at).copied().flatten() {
            let height = super::figures::drawn(value, shown.series.unit);
            let y = transform.position_from_point_y(height);
            painter.hline(frame.x_range(), y, Stroke::new(1.0, t.text_secondary.0.gamma_multiply(0.5)));
            painter.circle(Pos2::new(column.center().x, y), 3.0, t.plot.0, Stroke::new(1.5, t.text.0));
        }
    }
}
