//! The figures of the stretch that is shown, reckoned once and kept until something changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::gui::data::Slice;
use crate::gui::widgets::{decimal, kilo};
use crate::model::{Channel, Decimal, Unit};
use crate::store::StoredProfile;

use super::decimate::Bar;
use super::series::{Gap, Kind, Measure, Series, Summary, gaps, series, summary};

/// A channel as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// The channel.
    pub channel: Channel,
    /// Its figures.
    pub series: Series,
    /// Bars for drawing.
    pub bars: Vec<Bar>,
    /// Whether it is drawn as a line: levels have no nought to stand on.
    pub line: bool,
    /// What stands at the side.
    pub summary: Summary,
}

/// All that is shown of a stretch.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// The rows.
    pub slice: Arc<Slice>,
    /// Channels that are switched on.
    pub shown: Vec<Shown>,
    /// Stretches in which intervals are missing.
    pub gaps: Vec<Gap>,
    /// Seconds of an interval; 0 where there is no period.
    pub period_seconds: u32,
    key: (usize, Vec<usize>, Measure, Timestamp, Timestamp),
}

/// A figure as it is shown, in the kilo unit where that is usual.
#[must_use]
pub(super) fn text(value: Decimal, unit: Unit) -> String {
    let (power, _) = kilo(unit);
    decimal(value.scaled(power).unwrap_or(value))
}

/// A figure for drawing.
#[must_use]
pub(super) fn drawn(value: Decimal, unit: Unit) -> f64 {
    let (power, _) = kilo(unit);
    value.scaled(power).unwrap_or(value).to_f64_for_drawing()
}

/// The unit as it is shown.
#[must_use]
pub(super) fn symbol(unit: Unit) -> String {
    kilo(unit).1
}

impl Figures {
    /// Reckons anew where something has changed.
    pub(super) fn update(
        kept: &mut Option<Self>,
        slice: &Arc<Slice>,
        profile: &StoredProfile,
        on: &BTreeSet<usize>,
        measure: Measure,
        (from, to, now): (Timestamp, Timestamp, Timestamp),
    ) {
        let key = (Arc::as_ptr(slice) as usize, on.iter().copied().collect::<Vec<_>>(), measure, from, to);
        if kept.as_ref().is_some_and(|kept| kept.key == key) {
            return;
        }
        let layout = &profile.layout;
        let period = i64::from(layout.period_seconds);
        let stored_from = profile
            .span
            .map_or(from, |(first, _)| Timestamp::from_second(first.as_second() - period).unwrap_or(first));
        // The interval that runs now is not missing yet.
        let until = Timestamp::from_second(to.min(now).as_second() - if to > now { period } else { 0 });
        let gaps = match until {
            Ok(until) if until > from => {
                gaps(slice, layout.period_seconds, from.max(stored_from), until.max(stored_from))
            }
            _ => Vec::new(),
        };
        let shown = on.iter().filter_map(|channel| {
            let series = series(slice, layout, *channel, measure)?;
            let described = layout.channels.get(*channel)?.clone();
            let line = Kind::of(&described) == Kind::Level;
            let bars = bars(slice, &series, layout.period_seconds);
            let summary = summary(slice, &series);
            Some(Shown { channel: described, series, bars, line, summary })
        });
        *kept = Some(Self {
            slice: Arc::clone(slice),
            shown: shown.collect(),
            gaps,
            period_seconds: layout.period_seconds,
            key,
        });
    }

    /// The interval in which a second lies.
    #[must_use]
    pub(super) fn at(&self, second: f64) -> Option<usize> {
        #[allow(clippy::cast_possible_truncation, reason = "seconds of a calendar's years")]
        let second = second.floor() as i64;
        let place = self.slice.rows.partition_point(|row| row.end.as_second() <= second);
        let row = self.slice.rows.get(place)?;
        (row.end.as_second() - i64::from(self.period_seconds.max(60)) <= second).then_some(place)
    }

    /// How many intervals are missing.
    #[must_use]
    pub(super) fn missing(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.intervals).sum()
    }
}

#[allow(clippy::cast_precision_loss, reason = "drawing")]
fn bars(slice: &Slice, series: &Series, period_seconds: u32) -> Vec<Bar> {
    let width = f64::from(period_seconds.max(60));
    let rows = slice.rows.iter().zip(&series.values);
    rows.filter_map(|(row, value)| {
        let end = row.end.as_second() as f64;
        let height = drawn((*value)?, series.unit);
        Some(Bar { start: end - width, end, low: height, high: height })
    })
    .collect()
}
