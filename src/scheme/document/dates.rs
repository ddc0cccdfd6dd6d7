//! Dates and times of a scheme file: with wildcards, every year, or once. What cannot be is not representable.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};

/// First year that a scheme, a profile or a virtual meter's clock may name.
pub const FIRST_YEAR: i16 = 1970;
/// Last such year.
pub const LAST_YEAR: i16 = 2199;

/// Why a text is no date or time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct DateError {
    /// What was given.
    pub text: String,
    /// What it should have been, and what is allowed.
    pub what: &'static str,
}

impl DateError {
    fn new(text: &str, what: &'static str) -> Self {
        Self { text: text.chars().take(60).collect(), what }
    }
}

fn digits(text: &str, width: usize) -> Option<i16> {
    let all = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn year(text: &str) -> Option<i16> {
    digits(text, 4).filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year))
}

/// Two digits within a range.
fn pair(text: &str, low: i8, high: i8) -> Option<i8> {
    digits(text, 2).and_then(|value| i8::try_from(value).ok()).filter(|value| (low..=high).contains(value))
}

/// A point of the day to the minute, 00:00 to 23:59.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwitchTime(u16);

impl SwitchTime {
    /// 00:00.
    pub const MIDNIGHT: Self = Self(0);

    /// From minutes after midnight, 0 to 1439.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes < 1440 { Some(Self(minutes)) } else { None }
    }

    /// Minutes after midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for SwitchTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for SwitchTime {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let minutes = text.split_once(':').and_then(|(hour, minute)| {
            let (hour, minute) = (pair(hour, 0, 23)?, pair(minute, 0, 59)?);
            u16::try_from(i16::from(hour) * 60 + i16::from(minute)).ok()
        });
        let what = if text == "24:00" {
            "a time of day: the day ends by itself; write HH:MM from 00:00 to 23:59"
        } else {
            "a time of day: write HH:MM from 00:00 to 23:59"
        };
        minutes.map(Self).ok_or_else(|| DateError::new(text, what))
    }
}

/// A day of every year. 29 February is none: it is missing in most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthDay {
    month: i8,
    day: i8,
}

impl MonthDay {
    /// 1 January.
    pub const NEW_YEAR: Self = Self { month: 1, day: 1 };

    /// From a month and a day that are in every year.
    #[must_use]
    pub fn new(month: i8, day: i8) -> Option<Self> {
        // 2023 is a common year.
        Date::new(2023, month, day).ok().map(|_| Self { month, day })
    }

    /// Month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> i8 {
        self.month
    }

    /// Day, from 1.
    #[must_use]
    pub const fn day(self) -> i8 {
        self.day
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}-{:02}", self.month, self.day)
    }
}

/// When a season starts, at local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeasonStart {
    /// On this day of each year.
    Yearly(MonthDay),
    /// On this day alone.
    Once(Date),
}

impl fmt::Display for SeasonStart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yearly(day) => day.fmt(out),
            Self::Once(date) => date.fmt(out),
        }
    }
}

impl FromStr for SeasonStart {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        if text == "02-29" {
            return Err(DateError::new(text, "a start that every year has: write 02-28 or 03-01"));
        }
        let what =
            "the start of a season: write MM-DD for each year, or YYYY-MM-DD for once, from 1970 to 2199";
        let parts: Vec<&str> = text.split('-').collect();
        let start = match parts[..] {
            [month, day] => pair(month, 1, 12)
                .zip(pair(day, 1, 31))
                .and_then(|(m, d)| MonthDay::new(m, d))
                .map(Self::Yearly),
            [y, month, day] => year(y)
                .zip(pair(month, 1, 12).zip(pair(day, 1, 31)))
                .and_then(|(y, (m, d))| Date::new(y, m, d).ok())
                .map(Self::Once),
            _ => None,
        };
        start.ok_or_else(|| DateError::new(text, what))
    }
}

/// A date in which year, month and day may each be any: `2027-03-26`, `*-12-25`, `*-*-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatePattern {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
}

impl DatePattern {
    /// Every date.
    pub const ANY: Self = Self { year: None, month: None, day: None };

    /// A pattern that at least one date matches, in the years of a scheme.
    #[must_use]
    pub fn new(year: Option<i16>, month: Option<i8>, day: Option<i8>) -> Option<Self> {
        let in_range = year.is_none_or(|year| (FIRST_YEAR..=LAST_YEAR).contains(&year));
        // 2024 is a leap year, January has all days: what these do not have, no date has.
        let exists = Date::new(year.unwrap_or(2024), month.unwrap_or(1), day.unwrap_or(1)).is_ok();
        (in_range && exists).then_some(Self { year, month, day })
    }

    /// One date.
    #[must_use]
    pub fn dated(date: Date) -> Option<Self> {
        Self::new(Some(date.year()), Some(date.month()), Some(date.day()))
    }

    /// The year, where it is one.
    #[must_use]
    pub const fn year(self) -> Option<i16> {
        self.year
    }

    /// The month, where it is one.
    #[must_use]
    pub const fn month(self) -> Option<i8> {
        self.month
    }

    /// The day, where it is one.
    #[must_use]
    pub const fn day(self) -> Option<i8> {
        self.day
    }

    /// Whether a date is among those meant.
    #[must_use]
    pub fn matches(self, date: Date) -> bool {
        self.year.is_none_or(|year| year == date.year())
            && self.month.is_none_or(|month| month == date.month())
            && self.day.is_none_or(|day| day == date.day())
    }

    /// The dates that both mean, as a pattern; nothing where there is none.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        fn both<T: Copy + PartialEq>(left: Option<T>, right: Option<T>) -> Option<Option<T>> {
            match (left, right) {
                (Some(left), Some(right)) => (left == right).then_some(Some(left)),
                (one, None) | (None, one) => Some(one),
            }
        }
        Self::new(both(self.year, other.year)?, both(self.month, other.month)?, both(self.day, other.day)?)
    }

    /// The last date meant, where there is one: a pattern with a year.
    #[must_use]
    pub fn last(self) -> Option<Date> {
        let year = self.year?;
        let months = self.month.map_or(1..=12, |month| month..=month);
        months.rev().find_map(|month| {
            let first = Date::new(year, month, 1).ok()?;
            Date::new(year, month, self.day.unwrap_or(first.days_in_month())).ok()
        })
    }
}

impl fmt::Display for DatePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year {
            Some(year) => write!(out, "{year:04}")?,
            None => out.write_str("*")?,
        }
        for part in [self.month, self.day] {
            match part {
                Some(part) => write!(out, "-{part:02}")?,
                None => out.write_str("-*")?,
            }
        }
        Ok(())
    }
}

impl FromStr for DatePattern {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        fn any<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
            if text == "*" { Some(None) } else { read(text).map(Some) }
        }
        let what = "a date that exists: write YYYY-MM-DD from 1970 to 2199, with * for any year, month or day, \
                    such as *-12-25";
        let parts: Vec<&str> = text.split('-').collect();
        let pattern = match parts[..] {
            [y, month, day] => any(y, year)
                .zip(any(month, |text| pair(text, 1, 12)))
                .zip(any(day, |text| pair(text, 1, 31)))
                .and_then(|((year, month), day)| Self::new(year, month, day)),
            _ => None,
        };
        pattern.ok_or_else(|| DateError::new(text, what))
    }
}

/// Points in local time at which a billing period ends: `*-*-01T00:00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BillingDate {
    /// On which days.
    pub date: DatePattern,
    /// When, to the second.
    pub time: Time,
}

impl fmt::Display for BillingDate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time;
        write!(out, "{}T{:02}:{:02}:{:02}", self.date, time.hour(), time.minute(), time.second())
    }
}

impl FromStr for BillingDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let what = "a billing date: write YYYY-MM-DDTHH:MM:SS, with * for any year, month or day, such as \
                    *-*-01T00:00:00";
        let fail = || DateError::new(text, what);
        let (date, time) = text.split_once('T').ok_or_else(fail)?;
        let parts: Vec<&str> = time.split(':').collect();
        let time = match parts[..] {
            [hour, minute, second] => pair(hour, 0, 23)
                .zip(pair(minute, 0, 59))
                .zip(pair(second, 0, 59))
                .and_then(|((hour, minute), second)| Time::new(hour, minute, second, 0).ok()),
            _ => None,
        };
        Ok(Self { date: date.parse().map_err(|_| fail())?, time: time.ok_or_else(fail)? })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn what_the_format_shows_is_read_and_written_back() {
        for text in ["00:00", "07:30", "23:59"] {
            assert_eq!(text.parse::<SwitchTime>().unwrap().to_string(), text);
        }
        for text in ["10-01", "2027-10-01", "2028-02-29"] {
            assert_eq!(text.parse::<SeasonStart>().unwrap().to_string(), text);
        }
        for text in ["*-12-25", "2027-03-26", "*-*-13", "2027-*-01", "*-02-29", "*-*-31", "2027-12-*"] {
            assert_eq!(text.parse::<DatePattern>().unwrap().to_string(), text);
        }
        for text in ["*-*-01T00:00:00", "2027-04-05T23:59:59", "*-*-*T06:00:00"] {
            assert_eq!(text.parse::<BillingDate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in ["24:00", "7:30", "07:60", "07:3", "07:30:00", "", "+7:00"] {
            assert!(text.parse::<SwitchTime>().is_err(), "{text}");
        }
        for text in ["02-29", "02-30", "13-01", "10-1", "*-10-01", "2027-02-29", "1969-01-01", "10-01-2027"] {
            assert!(text.parse::<SeasonStart>().is_err(), "{text}");
        }
        for text in ["2027-02-29", "*-02-30", "*-13-01", "12-25", "27-03-26", "2027-3-26", "*-*-32", "*-*-00"]
        {
            assert!(text.parse::<DatePattern>().is_err(), "{text}");
        }
        for text in ["*-*-01", "*-*-01T24:00:00", "*-*-01T00:00", "*-*-01T*:00:00", "*-*-01 00:00:00"] {
            assert!(text.parse::<BillingDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn two_patterns_clash_where_a_date_matches_both() {
        let common = |left: &str, right: &str| {
            let both = left.parse::<DatePattern>().unwrap().common(right.parse().unwrap());
            both.map(|both| both.to_string())
        };
        assert_eq!(common("*-12-25", "2027-12-25").as_deref(), Some("2027-12-25"));
        assert_eq!(common("2027-*-01", "*-05-*").as_deref(), Some("2027-05-01"));
        assert_eq!(common("*-12-25", "*-12-26"), None);
        assert_eq!(common("*-02-*", "*-*-31"), None);
        assert_eq!(common("*-02-29", "2027-*-*"), None);
    }

    #[test]
    fn the_last_date_of_a_pattern_is_found() {
        let last = |text: &str| text.parse::<DatePattern>().unwrap().last();
        assert_eq!(last("2027-03-26"), Some(date(2027, 3, 26)));
        assert_eq!(last("2027-*-31"), Some(date(2027, 12, 31)));
        assert_eq!(last("2027-02-*"), Some(date(2027, 2, 28)));
        assert_eq!(last("*-12-25"), None);
    }
}
