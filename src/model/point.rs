//! Metering points: where energy is measured, by which meters one after the other, through which transformers.
//!
//! A meter is a thing that is exchanged; the point stays. Ratios belong to the point and hold from an instant until
//! the next one begins; what was measured is kept as the meter gave it and is turned into the other side's figure
//! only when it is shown, by the ratio that held at that instant.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Channel, Decimal, Factor, Obis, Ratio, Side, Transformers, Unit};

/// A metering point's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointId(pub i64);

/// What a person enters about a metering point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PointDetails {
    /// Where it is: an address, a substation, a cubicle.
    pub location: String,
    /// The customer's reference: a contract, a customer number.
    pub customer: String,
    /// Free text.
    pub notes: String,
    /// Links to photos: files or addresses in the web.
    pub photos: Vec<String>,
    /// Whatever else, by name.
    pub fields: BTreeMap<String, String>,
    /// What the plates of the transformers say; nothing where nobody has looked.
    pub plate: Option<PlateRatios>,
}

/// Ratios as somebody read them off the plates, or as a meter told them; each where it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlateRatios {
    /// Current.
    pub ct: Option<Ratio>,
    /// Voltage.
    pub vt: Option<Ratio>,
}

/// The ratios that a meter told, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterRatios {
    /// What it said.
    pub said: PlateRatios,
    /// When, by this computer's clock.
    pub read_at: Timestamp,
}

/// Accuracy classes: `0.2S`, `0.5`, `1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(default)]
pub struct AccuracyClasses {
    /// Of the current transformers.
    pub ct: Option<String>,
    /// Of the voltage transformers.
    pub vt: Option<String>,
    /// Of the meter.
    pub meter: Option<String>,
}

/// One reading at the moment of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeReading {
    /// Which register.
    pub obis: Obis,
    /// What it showed.
    pub value: Decimal,
    /// In which unit.
    pub unit: Unit,
}

/// Ratios that hold from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub struct RatioPeriod {
    /// From this instant on.
    pub from: Timestamp,
    /// Up to, and without, this instant: where the next ones begin. Nothing where they hold on.
    pub until: Option<Timestamp>,
    /// The ratios, and whether the meter applies them.
    pub transformers: Transformers,
    /// Accuracy classes.
    pub classes: AccuracyClasses,
}

impl RatioPeriod {
    fn holds_at(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// When a figure was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// At one instant: a voltage, a power.
    At(Timestamp),
    /// Within an interval: after `start`, up to and with `end`.
    Interval {
        /// Start.
        start: Timestamp,
        /// End.
        end: Timestamp,
    },
    /// Ever since the meter began to count: a register's standing.
    Since {
        /// When it was read.
        until: Timestamp,
    },
}

impl Span {
    const fn end(self) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Interval { end, .. } => end,
            Self::Since { until } => until,
        }
    }
}

/// What a register's figure stands for, by its code (IEC 62056-61, group D): a count since ever, a value of the
/// moment that `stamp` names, or of the moment of reading.
#[must_use]
pub fn span_of(obis: Obis, unit: Unit, read_at: Timestamp, stamp: Option<Timestamp>) -> Span {
    // A cumulative maximum (D = 2) adds up demands of many billing periods.
    let counts = unit.is_energy() && matches!(obis.d(), 8 | 9 | 17 | 18 | 20)
        || matches!(unit, Unit::A2H | Unit::V2H)
        || obis.a() == 1 && matches!(obis.d(), 2 | 12 | 22);
    if counts { Span::Since { until: read_at } } else { Span::At(stamp.unwrap_or(read_at)) }
}

/// What one of a profile's figures stands for: as [`span_of`], or the interval that ends then.
#[must_use]
pub fn span_of_channel(channel: &Channel, end: Timestamp, period_seconds: u32) -> Span {
    match span_of(channel.obis, channel.scaler_unit.unit, end, None) {
        // Group D 7 is a value of the moment.
        Span::At(_) if period_seconds > 0 && channel.obis.d() != 7 => {
            let length = jiff::SignedDuration::from_secs(period_seconds.into());
            Span::Interval { start: end.checked_sub(length).unwrap_or(Timestamp::MIN), end }
        }
        span => span,
    }
}

/// Why a figure cannot be shown on the side that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotConverted {
    /// No ratio is known for this instant.
    Unknown(Timestamp),
    /// The ratio changed at this instant, while the figure was counted.
    Changed(Timestamp),
    /// The figure would leave 38 digits.
    TooLarge,
}

impl fmt::Display for NotConverted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(at) => write!(out, "no transformer ratio is known for {at}"),
            Self::Changed(at) => write!(out, "the ratio changed at {at}, while it was counted"),
            Self::TooLarge => out.write_str("the figure would have more than 38 digits"),
        }
    }
}

/// The ratios through which one meter measured: those of its points while it was there, in order of time, without
/// overlaps. There may be gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RatioHistory(Vec<RatioPeriod>);

impl RatioHistory {
    /// Puts periods in order. Where two overlap, the earlier one ends where the later begins.
    #[must_use]
    pub fn new(mut periods: Vec<RatioPeriod>) -> Self {
        periods.sort_by_key(|period| period.from);
        let starts: Vec<Timestamp> = periods.iter().skip(1).map(|period| period.from).collect();
        for (period, next) in periods.iter_mut().zip(starts) {
            period.until = Some(period.until.map_or(next, |until| until.min(next)));
        }
        periods.retain(|period| period.until.is_none_or(|until| period.from < until));
        Self(periods)
    }

    /// All periods, oldest first.
    #[must_use]
    pub fn periods(&self) -> &[RatioPeriod] {
        &self.0
    }

    /// The period that holds at an instant.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<&RatioPeriod> {
        self.0.iter().find(|period| period.holds_at(at))
    }

    /// As it would be with another period: one that begins at the same instant is replaced; the period before it
    /// ends there; it lasts until the next one begins.
    #[must_use]
    pub fn with(&self, period: RatioPeriod) -> Self {
        let mut all: Vec<RatioPeriod> =
            self.0.iter().filter(|other| other.from != period.from).cloned().collect();
        all.push(RatioPeriod { until: None, ..period });
        Self::new(all)
    }

    /// As it would be without the period that begins at an instant: the one before it lasts until the next begins.
    #[must_use]
    pub fn without(&self, from: Timestamp) -> Self {
        let Some(gone) = self.0.iter().find(|period| period.from == from) else { return self.clone() };
        let mut all: Vec<RatioPeriod> = self.0.iter().filter(|period| period.from != from).cloned().collect();
        if let Some(before) = all.iter_mut().find(|period| period.until == Some(from)) {
            before.until = gone.until;
        }
        Self::new(all)
    }

    /// The instants within a span of time at which figures begin to be converted otherwise.
    #[must_use]
    pub fn changes(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        let changed = pairs.filter(|(one, next)| !one.transformers.convert_alike(&next.transformers));
        changed.map(|(_, next)| next.from).filter(|at| from < *at && *at < to).collect()
    }

    /// The periods that a span of time touches. An interval that ends where a period begins is of the one before.
    fn touched(&self, span: Span) -> Vec<&RatioPeriod> {
        let touches = |period: &&RatioPeriod| match span {
            Span::At(at) => period.holds_at(at),
            Span::Interval { start, end } => {
                period.from < end && period.until.is_none_or(|until| start < until)
            }
            Span::Since { until } => period.from <= until,
        };
        self.0.iter().filter(touches).collect()
    }

    /// On which side a figure stands that was stored as `stored`: where ratios are known, they say it.
    #[must_use]
    pub fn side(&self, stored: Side, span: Span) -> Side {
        self.touched(span).last().map_or(stored, |period| period.transformers.registers_in)
    }

    /// What a figure is multiplied by to stand on the side that is wanted. `stored` is the side that it was stored
    /// with, which holds where no ratio is known. What stands on that side already is multiplied by one, so that
    /// nothing is multiplied twice. A register that began to count before the first ratio was entered is taken to
    /// have counted by that one all along.
    ///
    /// # Errors
    /// There is no ratio for all of its time, or there are two.
    pub fn factor(&self, unit: Unit, stored: Side, span: Span, wanted: Side) -> Result<Factor, NotConverted> {
        let touched = self.touched(span);
        let is_there_already = match touched[..] {
            [] => stored == wanted,
            _ => touched.iter().all(|period| period.transformers.registers_in == wanted),
        };
        if is_there_already || !Transformers::change(unit) {
            return Ok(Factor::ONE);
        }
        let transformers = through(&touched, span)?;
        let factor = transformers.factor(unit);
        match wanted {
            Side::Primary => factor,
            Side::Secondary => factor.and_then(Factor::inverse),
        }
        .ok_or(NotConverted::TooLarge)
    }

    /// A figure on the side that is wanted, as [`RatioHistory::factor`] says.
    ///
    /// # Errors
    /// There is no ratio for all of its time, or there are two, or the figure leaves 38 digits.
    pub fn convert(
        &self,
        value: Decimal,
        unit: Unit,
        stored: Side,
        span: Span,
        wanted: Side,
    ) -> Result<Decimal, NotConverted> {
        self.factor(unit, stored, span, wanted)?.apply(value).ok_or(NotConverted::TooLarge)
    }
}

/// The ratios by which the whole of a span was counted, if they are the same all the time.
fn through<'a>(touched: &[&'a RatioPeriod], span: Span) -> Result<&'a Transformers, NotConverted> {
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else {
        return Err(NotConverted::Unknown(span.end()));
    };
    if let Span::Interval { start, .. } = span
        && start < first.from
    {
        return Err(NotConverted::Unknown(start));
    }
    let ends = |until: Timestamp| match span {
        Span::Since { until: at } => until <= at,
        Span::At(_) | Span::Interval { .. } => until < span.end(),
    };
    if let Some(until) = last.until.filter(|until| ends(*until)) {
        return Err(NotConverted::Unknown(until));
    }
    for (one, next) in touched.iter().zip(touched.iter().skip(1)) {
        if let Some(until) = one.until.filter(|until| *until < next.from) {
            return Err(NotConverted::Unknown(until));
        }
        if !one.transformers.convert_alike(&next.transformers) {
            return Err(NotConverted::Changed(next.from));
        }
    }
    Ok(&last.transformers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn period(from: &str, ct: &str, registers_in: Side) -> RatioPeriod {
        let transformers = Transformers { ct: ct.parse().unwrap(), vt: Ratio::ONE, registers_in };
        RatioPeriod { from: at(from), until: None, transformers, classes: AccuracyClasses::default() }
    }

    const JAN: &str = "2026-01-01T00:00:00Z";
    const JULY: &str = "2026-07-01T00:00:00Z";

    fn interval(end: &str) -> Span {
        let end = at(end);
        Span::Interval { start: end - jiff::SignedDuration::from_mins(30), end }
    }

    #[test]
    fn without_a_period_the_one_before_it_holds_on() {
        let history = changed();
        let without = history.without(at(JULY));
        assert_eq!(without.periods().len(), 1);
        assert_eq!(without.at(at("2026-08-01T00:00:00Z")).unwrap().transformers.ct.to_string(), "400/5");
        let later = history.without(at(JAN));
        assert!(later.at(at("2026-02-01T00:00:00Z")).is_none(), "nothing stood before it");
        assert_eq!(history.without(at("2026-03-01T00:00:00Z")), history);
    }

    fn changed() -> RatioHistory {
        RatioHistory::new(vec![period(JULY, "600/5", Side::Secondary), period(JAN, "400/5", Side::Secondary)])
    }

    fn primary(history: &RatioHistory, span: Span) -> Result<String, NotConverted> {
        let value = Decimal::new(100, 0);
        history.convert(value, Unit::WH, Side::Secondary, span, Side::Primary).map(|value| value.to_string())
    }

    #[test]
    fn each_interval_is_converted_by_the_ratio_of_its_own_time() {
        let history = changed();
        assert_eq!(primary(&history, interval("2026-06-30T12:00:00Z")), Ok("8000".to_owned()));
        // The interval that ends at the change was counted before it.
        assert_eq!(primary(&history, interval(JULY)), Ok("8000".to_owned()));
        assert_eq!(primary(&history, interval("2026-07-01T00:30:00Z")), Ok("12000".to_owned()));
        assert_eq!(primary(&history, Span::At(at(JULY))), Ok("12000".to_owned()));
    }

    #[test]
    fn an_interval_that_spans_a_change_is_not_converted() {
        let refused = primary(&changed(), interval("2026-07-01T00:10:00Z"));
        assert_eq!(refused, Err(NotConverted::Changed(at(JULY))));
    }

    #[test]
    fn what_was_counted_before_any_ratio_is_known_is_not_converted() {
        let history = changed();
        assert_eq!(
            primary(&history, interval("2025-12-31T12:00:00Z")),
            Err(NotConverted::Unknown(at("2025-12-31T12:00:00Z")))
        );
        let straddles = primary(&history, interval("2026-01-01T00:10:00Z"));
        assert!(matches!(straddles, Err(NotConverted::Unknown(_))));
        assert!(matches!(primary(&RatioHistory::default(), interval(JULY)), Err(NotConverted::Unknown(_))));
    }

    #[test]
    fn a_register_that_counted_over_a_change_is_not_converted_as_a_whole() {
        let history = changed();
        let since = |until: &str| Span::Since { until: at(until) };
        assert_eq!(primary(&history, since("2026-03-01T00:00:00Z")), Ok("8000".to_owned()));
        assert_eq!(primary(&history, since("2026-08-01T00:00:00Z")), Err(NotConverted::Changed(at(JULY))));
        // The same ratio on another plate is no change.
        let same = changed().with(period(JULY, "80/1", Side::Secondary));
        assert_eq!(primary(&same, since("2026-08-01T00:00:00Z")), Ok("8000".to_owned()));
        assert!(same.changes(Timestamp::MIN, Timestamp::MAX).is_empty());
    }

    #[test]
    fn nothing_is_multiplied_twice() {
        let applied = RatioHistory::new(vec![
            period(JAN, "400/5", Side::Primary),
            period(JULY, "600/5", Side::Primary),
        ]);
        // Stored as secondary by mistake: the ratio's own word counts.
        for span in [
            interval("2026-03-01T00:00:00Z"),
            interval("2026-07-01T00:10:00Z"),
            Span::Since { until: at(JULY) },
        ] {
            assert_eq!(primary(&applied, span), Ok("100".to_owned()));
        }
        let back =
            |span| applied.convert(Decimal::new(8000, 0), Unit::WH, Side::Primary, span, Side::Secondary);
        assert_eq!(back(interval("2026-03-01T00:00:00Z")), Ok(Decimal::new(100, 0)));
        assert!(back(interval("2026-07-01T00:10:00Z")).is_err());
        let none = RatioHistory::default();
        let kept = none.convert(Decimal::new(7, 0), Unit::WH, Side::Primary, interval(JULY), Side::Primary);
        assert_eq!(kept, Ok(Decimal::new(7, 0)));
    }

    #[test]
    fn what_no_transformer_changes_is_left_alone() {
        let value = Decimal::new(5001, -2);
        let none = RatioHistory::default();
        assert_eq!(
            none.convert(value, Unit::HZ, Side::Secondary, Span::At(at(JAN)), Side::Primary),
            Ok(value)
        );
    }

    #[test]
    fn a_new_period_lasts_until_the_next_one() {
        let history = changed().with(period("2026-03-01T00:00:00Z", "500/5", Side::Secondary));
        let froms: Vec<_> = history.periods().iter().map(|one| (one.from, one.until)).collect();
        assert_eq!(froms.len(), 3);
        assert_eq!(froms[0].1, Some(froms[1].0));
        assert_eq!(froms[1].1, Some(at(JULY)));
        assert_eq!(froms[2].1, None);
        let replaced = history.with(period(JULY, "700/5", Side::Secondary));
        assert_eq!(replaced.periods().len(), 3);
    }

    #[test]
    fn registers_count_since_ever_and_maxima_at_their_stamp() {
        let read = at(JULY);
        let stamp = Some(at(JAN));
        let of = |text: &str, unit| span_of(text.parse().unwrap(), unit, read, stamp);
        assert_eq!(of("1.8.0", Unit::WH), Span::Since { until: read });
        assert_eq!(of("1.6.0", Unit::W), Span::At(at(JAN)));
        assert_eq!(of("1.2.0", Unit::W), Span::Since { until: read });
        assert_eq!(span_of("32.7.0".parse().unwrap(), Unit::V, read, None), Span::At(read));
    }
}
