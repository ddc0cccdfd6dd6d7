//! The figures of the stretch that is shown, reckoned once and kept until something changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::export::SideView;
use crate::gui::data::Slice;
use crate::gui::widgets::{decimal, kilo};
use crate::model::{
    Channel, Decimal, IntervalStatus, NotConverted, Span, Transformers, Unit, span_of_channel,
};
use crate::store::StoredProfile;

use super::decimate::Bar;
use super::gaps::{Why, why};
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
    /// Where the ratio changes in the stretch, the sum of each part, where figures add up: from, to, sum.
    pub parts: Vec<(Timestamp, Timestamp, Option<Decimal>)>,
    /// Intervals that have no figure on the side that is wanted, and why the first has none.
    pub not_converted: Option<(u64, NotConverted)>,
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
    /// Why, one for each.
    pub why: Vec<Why>,
    /// Rows and gaps as a table has them.
    pub lines: Vec<Line>,
    /// Seconds of an interval; 0 where there is no period.
    pub period_seconds: u32,
    /// When the transformer ratio changes in the stretch.
    pub changes: Vec<Timestamp>,
    key: (usize, usize, Vec<usize>, Measure, Timestamp, Timestamp),
    view: SideView,
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
        (slice, known): (&Arc<Slice>, &Arc<Vec<crate::model::Gap>>),
        profile: &StoredProfile,
        on: &BTreeSet<usize>,
        measure: Measure,
        (from, to, now): (Timestamp, Timestamp, Timestamp),
        view: &SideView,
    ) {
        let (rows_at, gaps_at) = (Arc::as_ptr(slice) as usize, Arc::as_ptr(known) as usize);
        let key = (rows_at, gaps_at, on.iter().copied().collect::<Vec<_>>(), measure, from, to);
        if kept.as_ref().is_some_and(|kept| kept.key == key && kept.view == *view) {
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
        let why = gaps.iter().map(|gap| why(known, layout.obis, gap)).collect();
        let lines = lines(slice, &gaps);
        let changes = view.history.changes(from, to);
        let mut flagged = Arc::clone(slice);
        let mut shown = Vec::new();
        for channel in on {
            let Some(mut series) = series(slice, layout, *channel, measure) else { continue };
            let Some(mut described) = layout.channels.get(*channel).cloned() else { continue };
            let not_converted =
                convert(&mut series, &mut described, &mut flagged, layout.period_seconds, view);
            let line = Kind::of(&described) == Kind::Level;
            let bars = bars(slice, &series, layout.period_seconds);
            let summary = summary(&flagged, &series);
            let parts = parts(slice, &series, (from, to), &changes);
            shown.push(Shown { channel: described, series, bars, line, summary, parts, not_converted });
        }
        *kept = Some(Self {
            slice: flagged,
            shown,
            changes,
            view: view.clone(),
            gaps,
            why,
            lines,
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

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// An interval, by its place in the rows.
    Row(usize),
    /// What is missing, by its place in the gaps.
    Gap(usize),
}

/// Rows and gaps in the order of time.
fn lines(slice: &Slice, gaps: &[Gap]) -> Vec<Line> {
    let mut all = Vec::with_capacity(slice.rows.len() + gaps.len());
    let mut gaps = gaps.iter().enumerate().peekable();
    for (at, row) in slice.rows.iter().enumerate() {
        while let Some((gap, _)) = gaps.next_if(|(_, gap)| gap.from < row.end) {
            all.push(Line::Gap(gap));
        }
        all.push(Line::Row(at));
    }
    all.extend(gaps.map(|(gap, _)| Line::Gap(gap)));
    all
}

/// Turns a series into figures of the side that is wanted, each by the ratio of its own interval. Intervals in which
/// the ratio changes are flagged. The channel says on which side its figures are then.
fn convert(
    series: &mut Series,
    channel: &mut Channel,
    slice: &mut Arc<Slice>,
    period_seconds: u32,
    view: &SideView,
) -> Option<(u64, NotConverted)> {
    let is_level = Kind::of(channel) == Kind::Level;
    let stored = channel.side;
    let ends: Vec<Timestamp> = slice.rows.iter().map(|row| row.end).collect();
    let span = |end: Timestamp| {
        let length = jiff::SignedDuration::from_secs(period_seconds.into());
        match end.checked_sub(length) {
            Ok(start) if !is_level && period_seconds > 0 => Span::Interval { start, end },
            _ => span_of_channel(channel, end, period_seconds),
        }
    };
    let Some(wanted) = view.wanted.filter(|_| Transformers::change(series.unit)) else {
        let side = ends.last().map_or(stored, |end| view.history.side(stored, span(*end)));
        channel.side = side;
        return None;
    };
    let mut missing: Option<(u64, NotConverted)> = None;
    let mut flagged = Vec::new();
    for (at, (value, end)) in series.values.iter_mut().zip(&ends).enumerate() {
        let Some(figure) = *value else { continue };
        match view.history.convert(figure, series.unit, stored, span(*end), wanted) {
            Ok(figure) => *value = Some(figure),
            Err(reason) => {
                *value = None;
                missing = Some(missing.map_or((1, reason), |(count, first)| (count + 1, first)));
                if matches!(reason, NotConverted::Changed(_)) {
                    flagged.push(at);
                }
            }
        }
    }
    if !flagged.is_empty() {
        let slice = Arc::make_mut(slice);
        for at in flagged {
            if let Some(row) = slice.rows.get_mut(at) {
                row.status |= IntervalStatus::RATIO_CHANGE;
            }
        }
    }
    channel.side = wanted;
    missing
}

/// The sums between changes of the ratio; none where it does not change, or figures do not add up.
fn parts(
    slice: &Slice,
    series: &Series,
    (from, to): (Timestamp, Timestamp),
    changes: &[Timestamp],
) -> Vec<(Timestamp, Timestamp, Option<Decimal>)> {
    if changes.is_empty() || !series.adds_up {
        return Vec::new();
    }
    let starts = std::iter::once(from).chain(changes.iter().copied());
    let ends = changes.iter().copied().chain([to]);
    let rows = || slice.rows.iter().zip(&series.values);
    let sum = |start: Timestamp, end: Timestamp| {
        let inside = rows().filter(|(row, _)| start < row.end && row.end <= end);
        inside.filter_map(|(_, value)| *value).try_fold(Decimal::ZERO, Decimal::checked_add)
    };
    starts.zip(ends).map(|(start, end)| (start, end, sum(start, end))).collect()
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
