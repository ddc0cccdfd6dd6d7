//! Bars for drawing: one an interval where there is room, else lowest and highest of each pixel column.

/// One bar for drawing. Times are seconds since 1970, values are already in the unit of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bar {
    /// Left edge.
    pub start: f64,
    /// Right edge.
    pub end: f64,
    /// Lowest value in it.
    pub low: f64,
    /// Highest value in it.
    pub high: f64,
}

/// Bars between `from` and `to` for a chart of so many pixels. A raw bar is kept as it is where at least two pixels
/// are there for each.
#[must_use]
pub(super) fn decimate(bars: &[Bar], from: f64, to: f64, pixels: f64) -> Vec<Bar> {
    let begin = bars.partition_point(|bar| bar.end <= from);
    let end = bars.partition_point(|bar| bar.start < to);
    let seen = bars.get(begin..end).unwrap_or_default();
    let columns = pixels.max(1.0);
    #[allow(clippy::cast_precision_loss, reason = "a count of bars on a screen")]
    let few = seen.len() as f64 * 2.0 <= columns;
    if few || to <= from {
        return seen.to_vec();
    }
    let width = (to - from) / columns;
    let mut out: Vec<Bar> = Vec::new();
    let mut column = f64::NEG_INFINITY;
    for bar in seen {
        let mine = ((bar.start - from) / width).floor();
        match out.last_mut() {
            Some(last) if mine <= column => {
                last.low = last.low.min(bar.low);
                last.high = last.high.max(bar.high);
                last.end = last.end.max(bar.end);
            }
            _ => {
                column = mine;
                out.push(*bar);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn year() -> Vec<Bar> {
        (0..17_520)
            .map(|n| {
                let start = f64::from(n) * 1800.0;
                let value = f64::from(n * 7919 % 1000);
                Bar { start, end: start + 1800.0, low: value, high: value }
            })
            .collect()
    }

    #[test]
    fn a_day_is_drawn_bar_by_bar() {
        let shown = decimate(&year(), 0.0, 86_400.0, 900.0);
        assert_eq!(shown, year()[..48]);
    }

    #[test]
    fn a_year_needs_no_more_bars_than_pixels_and_keeps_its_peak() {
        let shown = decimate(&year(), 0.0, 17_520.0 * 1800.0, 900.0);
        assert!(shown.len() <= 901, "{}", shown.len());
        assert!(shown.iter().any(|bar| bar.high == 999.0));
        assert!(shown.iter().any(|bar| bar.low == 0.0));
    }

    proptest! {
        #[test]
        fn the_highest_that_is_seen_is_never_lost(from in 0.0..30e6f64, length in 1.0..30e6f64, pixels in 1.0..3000.0f64) {
            let bars = year();
            let to = from + length;
            let highest = |bars: &[Bar]| bars.iter().map(|bar| bar.high).fold(f64::NEG_INFINITY, f64::max);
            let seen: Vec<Bar> = bars.iter().copied().filter(|bar| bar.end > from && bar.start < to).collect();
            prop_assert_eq!(highest(&decimate(&bars, from, to, pixels)), highest(&seen));
        }
    }
}
