//! Plots that stand still, and marks of their axes: at whole local hours and days, far enough apart to be read.

use egui::{Color32, Vec2};
use egui_plot::Plot;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};

/// Fewest pixels from one mark of the time axis to the next.
const APART: f64 = 76.0;

/// Where a mark stands, and what it says.
pub(in crate::gui) type Mark = (f64, String);

/// A plot of a size that stands still: its bounds are set by whoever draws it, and nothing shows at the pointer by
/// itself.
pub(in crate::gui) fn still_plot<'a>(name: &str, size: Vec2, grid: Color32) -> Plot<'a> {
    Plot::new(name)
        .width(size.x)
        .height(size.y)
        .grid_color(grid)
        .grid_fade(0.0)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .auto_bounds(false)
}

enum Step {
    Minutes(i64),
    Days(i64),
    Months(i64),
}

/// Marks of the time axis between two instants (seconds since 1970), for a chart of so many pixels.
#[must_use]
pub(in crate::gui) fn time_marks(from: f64, to: f64, pixels: f64, zone: &TimeZone) -> Vec<Mark> {
    let most = (pixels / APART).max(1.0);
    let needed = (to - from) / most;
    let minutes = [5, 10, 15, 30, 60, 120, 180, 240, 360, 720].into_iter();
    let step = minutes
        .map(|n| (f64::from(n) * 60.0, Step::Minutes(i64::from(n))))
        .chain([1, 2, 7, 14].into_iter().map(|n| (f64::from(n) * 86_400.0, Step::Days(i64::from(n)))))
        .chain(
            [1, 3, 6, 12].into_iter().map(|n| (f64::from(n) * 30.0 * 86_400.0, Step::Months(i64::from(n)))),
        )
        .find(|(seconds, _)| *seconds >= needed)
        .map_or(Step::Months(12), |(_, step)| step);
    #[allow(clippy::cast_possible_truncation, reason = "seconds of a calendar's years")]
    let start = Timestamp::from_second(from as i64).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    let Ok(mut at) = start.start_of_day() else { return Vec::new() };
    if matches!(step, Step::Months(_)) {
        at = at.first_of_month().unwrap_or(at);
    }
    let mut marks = Vec::new();
    // Marks are counted from each local midnight, so that a day of 23 or 25 hours has them at the usual hours.
    while marks.len() < 200 {
        #[allow(clippy::cast_precision_loss, reason = "pixels")]
        let second = at.timestamp().as_second() as f64;
        if second > to {
            break;
        }
        if second >= from {
            let midnight = at.hour() == 0 && at.minute() == 0;
            let format = match step {
                Step::Minutes(_) if !midnight => "%H:%M",
                Step::Minutes(_) | Step::Days(_) => "%a %-d %b",
                Step::Months(_) => "%b %Y",
            };
            marks.push((second, at.strftime(format).to_string()));
        }
        let next = match step {
            Step::Minutes(n) => next_wall(&at, n),
            Step::Days(n) => at.checked_add(n.days()).ok(),
            Step::Months(n) => at.checked_add(n.months()).ok(),
        };
        match next {
            Some(next) if next.timestamp() > at.timestamp() => at = next,
            _ => break,
        }
    }
    marks
}

/// The next wall time that is a multiple of so many minutes after midnight.
fn next_wall(at: &jiff::Zoned, minutes: i64) -> Option<jiff::Zoned> {
    let wall = at.datetime().checked_add(minutes.minutes()).ok()?;
    let next = wall.to_zoned(at.time_zone().clone()).ok()?;
    if next.timestamp() > at.timestamp() { Some(next) } else { at.checked_add(minutes.minutes()).ok() }
}

/// Marks of the value axis from 0 or `low` to `high`: at 1, 2 or 5 times a power of ten.
#[must_use]
pub(in crate::gui) fn value_marks(low: f64, high: f64, pixels: f64) -> Vec<Mark> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return Vec::new();
    }
    let rough = span / (pixels / 40.0).max(1.0);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|step| *step >= rough)
        .unwrap_or(power * 10.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few decimals")]
    let places = (-step.log10().floor()).max(0.0) as usize;
    let mut marks = Vec::new();
    let mut at = (low / step).ceil() * step;
    while at <= high + step * 1e-6 && marks.len() < 50 {
        // −0 is no number on an axis.
        marks.push((at, format!("{:.places$}", at + 0.0)));
        at += step;
    }
    marks
}

/// A local time with its date, as the end of an interval: midnight is 24:00 of the day that it ends.
#[must_use]
pub(super) fn interval_end(end: Timestamp, zone: &TimeZone) -> String {
    let local = end.to_zoned(zone.clone());
    let whole = local.round(Unit::Minute).unwrap_or_else(|_| local.clone());
    if whole.hour() == 0
        && whole.minute() == 0
        && let Ok(before) = local.checked_sub(1.minute())
    {
        return format!("{} 24:00", before.strftime("%Y-%m-%d"));
    }
    local.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn second(text: &str) -> f64 {
        text.parse::<Timestamp>().unwrap().as_second() as f64
    }

    #[test]
    fn marks_stand_at_the_usual_hours_on_a_day_of_25_hours() {
        let marks =
            time_marks(second("2026-10-24T23:00:00Z"), second("2026-10-26T00:00:00Z"), 700.0, &london());
        let texts: Vec<&str> = marks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            ["Sun 25 Oct", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "Mon 26 Oct"]
        );
    }

    #[test]
    fn marks_stand_at_the_usual_hours_on_a_day_of_23_hours() {
        let marks =
            time_marks(second("2026-03-29T00:00:00Z"), second("2026-03-29T23:00:00Z"), 700.0, &london());
        let texts: Vec<&str> = marks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            ["Sun 29 Mar", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "Mon 30 Mar"]
        );
    }

    #[test]
    fn marks_are_never_nearer_than_a_label_is_wide() {
        for days in [1, 3, 7, 31, 92, 366] {
            let from = second("2026-01-01T00:00:00Z");
            let to = from + f64::from(days) * 86_400.0;
            let marks = time_marks(from, to, 600.0, &london());
            assert!(!marks.is_empty());
            for pair in marks.windows(2) {
                let pixels = (pair[1].0 - pair[0].0) / (to - from) * 600.0;
                assert!(pixels > 64.0, "{days} days: {pixels}");
            }
        }
    }

    #[test]
    fn midnight_ends_the_day_before() {
        let end = "2026-11-23T00:00:00Z".parse().unwrap();
        assert_eq!(interval_end(end, &london()), "2026-11-22 24:00");
        let end = "2026-11-22T00:30:00Z".parse().unwrap();
        assert_eq!(interval_end(end, &london()), "2026-11-22 00:30");
    }

    #[test]
    fn values_are_marked_at_round_numbers() {
        let texts: Vec<String> = value_marks(0.0, 4.3, 240.0).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["0", "1", "2", "3", "4"]);
        let texts: Vec<String> = value_marks(0.0, 0.043, 240.0).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["0.00", "0.01", "0.02", "0.03", "0.04"]);
        assert!(value_marks(0.0, f64::NAN, 100.0).is_empty());
    }
}
