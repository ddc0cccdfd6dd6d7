//! The stretch of time that is shown: local days, from midnight to midnight, however many hours they have.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span as Step, Timestamp, ToSpan};

/// How long the stretch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Span {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A calendar month.
    Month,
    /// From a day to a day.
    Custom,
}

/// A stretch of whole local days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Period {
    /// How long.
    pub span: Span,
    /// First day.
    pub first: Date,
    /// Last day, inclusive.
    pub last: Date,
}

fn add(day: Date, step: Step) -> Date {
    // Only at the ends of the years that a calendar has.
    day.checked_add(step).unwrap_or(day)
}

impl Period {
    /// The day, week or month in which a day lies.
    #[must_use]
    pub(crate) fn of(span: Span, day: Date) -> Self {
        let (first, last) = match span {
            Span::Day | Span::Custom => (day, day),
            Span::Week => {
                let back = i64::from(day.weekday().since(Weekday::Monday));
                let first = add(day, (-back).days());
                (first, add(first, 6.days()))
            }
            Span::Month => (day.first_of_month(), day.last_of_month()),
        };
        Self { span, first, last }
    }

    /// From a day to a day; nothing where they come the wrong way round or are more than three years apart.
    #[must_use]
    pub(crate) fn between(first: Date, last: Date) -> Option<Self> {
        let days = days_between(first, last);
        (0..1100).contains(&days).then_some(Self { span: Span::Custom, first, last })
    }

    /// The stretch before (−1) or after (+1).
    #[must_use]
    pub(crate) fn step(self, by: i64) -> Self {
        match self.span {
            Span::Day => Self::of(Span::Day, add(self.first, by.days())),
            Span::Week => Self::of(Span::Week, add(self.first, by.weeks())),
            Span::Month => Self::of(Span::Month, add(self.first, by.months())),
            Span::Custom => {
                let length = (days_between(self.first, self.last) + 1) * by;
                Self { first: add(self.first, length.days()), last: add(self.last, length.days()), ..self }
            }
        }
    }

    /// The same stretch moved by so many days.
    #[must_use]
    pub(crate) fn moved(self, days: i64) -> Self {
        match self.span {
            Span::Day | Span::Week | Span::Month => Self::of(self.span, add(self.first, days.days())),
            Span::Custom => {
                Self { first: add(self.first, days.days()), last: add(self.last, days.days()), ..self }
            }
        }
    }

    /// From the first midnight to the one after the last day, as instants.
    #[must_use]
    pub(crate) fn bounds(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let midnight =
            |day: Date, other: Timestamp| day.to_zoned(zone.clone()).map_or(other, |zoned| zoned.timestamp());
        (midnight(self.first, Timestamp::MIN), midnight(add(self.last, 1.day()), Timestamp::MAX))
    }

    /// How many hours it has where that is not 24 a day.
    #[must_use]
    pub(crate) fn odd_hours(self, zone: &TimeZone) -> Option<i64> {
        let (from, to) = self.bounds(zone);
        let hours = (to.as_second() - from.as_second()) / 3600;
        (hours != (days_between(self.first, self.last) + 1) * 24).then_some(hours)
    }

    /// In words: `Sunday 22 November 2026`, `16 – 22 November 2026`, `November 2026`.
    #[must_use]
    pub(crate) fn words(self) -> String {
        let (first, last) = (self.first, self.last);
        let text = |day: Date, format: &str| day.strftime(format).to_string();
        match self.span {
            Span::Day => text(first, "%A %-d %B %Y"),
            Span::Month => text(first, "%B %Y"),
            Span::Week | Span::Custom if first == last => text(first, "%A %-d %B %Y"),
            Span::Week | Span::Custom => {
                let from = match (first.year() == last.year(), first.month() == last.month()) {
                    (true, true) => text(first, "%-d"),
                    (true, false) => text(first, "%-d %B"),
                    _ => text(first, "%-d %B %Y"),
                };
                format!("{from} – {}", text(last, "%-d %B %Y"))
            }
        }
    }
}

/// Days from one to the other.
#[must_use]
pub(super) fn days_between(first: Date, last: Date) -> i64 {
    first.until(last).map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    #[test]
    fn days_of_23_and_25_hours_are_ordinary_days() {
        let zone = london();
        let spring = Period::of(Span::Day, date(2026, 3, 29));
        assert_eq!((spring.odd_hours(&zone), spring.step(1).odd_hours(&zone)), (Some(23), None));
        let autumn = Period::of(Span::Day, date(2026, 10, 25));
        assert_eq!(autumn.odd_hours(&zone), Some(25));
        assert_eq!(autumn.step(1).bounds(&zone).0, autumn.bounds(&zone).1, "no hour falls between two days");
        assert_eq!(Period::of(Span::Week, date(2026, 10, 25)).odd_hours(&zone), Some(169));
    }

    #[test]
    fn months_are_stepped_by_the_calendar() {
        let january = Period::of(Span::Month, date(2026, 1, 31));
        let february = january.step(1);
        assert_eq!((february.first, february.last), (date(2026, 2, 1), date(2026, 2, 28)));
        assert_eq!(february.step(-1), january);
    }

    #[test]
    fn a_week_begins_on_monday() {
        let week = Period::of(Span::Week, date(2026, 11, 22));
        assert_eq!((week.first, week.last), (date(2026, 11, 16), date(2026, 11, 22)));
        assert_eq!(week.words(), "16 – 22 November 2026");
    }

    #[test]
    fn a_stretch_of_ones_own_is_stepped_by_its_length() {
        let own = Period::between(date(2026, 12, 30), date(2027, 1, 3)).unwrap();
        assert_eq!(own.words(), "30 December 2026 – 3 January 2027");
        assert_eq!(own.step(-1).first, date(2026, 12, 25));
        assert!(Period::between(date(2027, 1, 3), date(2026, 1, 3)).is_none());
    }
}
