//! When a meter list runs: calendar rules in a time zone.
//!
//! A wall time that the zone skips is taken at the offset before the change (RFC 5545): 02:30 on the night when 02:00
//! becomes 03:00 is 03:30, as long after the last run as on every other night. In a doubled hour the first pass is
//! meant. Periods count real time from each local midnight, so that *every hour* is 23 or 25 runs on those days.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::text::{serde_as_text, words};

/// Days that are looked through for a run: four years and a little, for the 29th of February.
const MOST_DAYS: usize = 1500;
/// Holidays in a row over which a run moves.
const MOST_HOLIDAYS: usize = 60;
const DAY_MINUTES: u32 = 24 * 60;

/// At which times of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// Every so many minutes from midnight, 1 to 1,440.
    Every(u32),
    /// At this wall time.
    At(Time),
}

/// On which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Days {
    /// On all.
    All,
    /// On these days of the week.
    Weekdays(Weekdays),
    /// On this day of the month, 1 to 31; on the last where the month has fewer.
    Monthly(i8),
}

/// Days of the week, written `mon,wed,fri`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

const WEEK: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "mon", "Mon"),
    (Weekday::Tuesday, "tue", "Tue"),
    (Weekday::Wednesday, "wed", "Wed"),
    (Weekday::Thursday, "thu", "Thu"),
    (Weekday::Friday, "fri", "Fri"),
    (Weekday::Saturday, "sat", "Sat"),
    (Weekday::Sunday, "sun", "Sun"),
];

impl Weekdays {
    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }

    /// Whether a day is among them.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// The same with a day taken in or out; nothing where none would be left.
    #[must_use]
    pub fn toggled(self, day: Weekday) -> Option<Self> {
        let days = self.0 ^ Self::bit(day);
        (days != 0).then_some(Self(days))
    }

    /// Monday to Friday.
    pub const WORKING: Self = Self(0b1_1111);

    fn in_words(self) -> String {
        let days = WEEK.iter().filter(|(day, ..)| self.contains(*day)).map(|(_, _, word)| *word);
        days.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = WEEK.iter().filter(|(day, ..)| self.contains(*day)).map(|(_, word, _)| *word);
        out.write_str(&days.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Weekdays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut days = 0;
        for word in text.split(',').map(|word| word.trim().to_ascii_lowercase()) {
            let found = WEEK.iter().find(|(_, short, _)| *short == word);
            let (day, ..) = found.ok_or_else(|| {
                format!("`{word}` is no day of the week: write mon, tue, wed, thu, fri, sat, sun")
            })?;
            days |= Self::bit(*day);
        }
        Ok(Self(days))
    }
}

serde_as_text!(Weekdays);

words! {
    /// What becomes of a run that was due while the program did not run.
    Missed: "a rule for missed runs" {
        /// Nothing.
        Skip = "skip",
        /// It runs once at the next start.
        Once = "once",
        /// It runs at the same hour of the next day.
        NextWindow = "next-window",
    }
}

serde_as_text!(Missed);

words! {
    /// What becomes of a run on a holiday.
    OnHoliday: "a rule for holidays" {
        /// It does not run.
        Skip = "skip",
        /// It moves to the next day that is none.
        Move = "move",
    }
}

serde_as_text!(OnHoliday);

/// Dates on which a list does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holidays {
    /// The dates.
    pub dates: BTreeSet<Date>,
    /// What becomes of a run on one of them.
    pub then: OnHoliday,
}

impl Default for Holidays {
    fn default() -> Self {
        Self { dates: BTreeSet::new(), then: OnHoliday::Skip }
    }
}

/// When a list runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// At which times.
    pub times: Times,
    /// On which days.
    pub days: Days,
    /// IANA time zone.
    pub zone: String,
    /// How long after its beginning a run may retry; it ends before the next run in any case.
    pub window_minutes: u32,
    /// 1 to 9; lists of a higher one go ahead.
    pub priority: u8,
    /// Missed runs.
    pub missed: Missed,
    /// Holidays.
    pub holidays: Holidays,
    /// How often a meter that failed is tried again within the window.
    pub retries: u8,
}

impl Schedule {
    /// The usual priority.
    pub const USUAL_PRIORITY: u8 = 5;
    /// The usual window.
    pub const USUAL_WINDOW_MINUTES: u32 = 4 * 60;
    /// The usual number of retries.
    pub const USUAL_RETRIES: u8 = 5;

    /// A schedule with the usual window, retries and priority.
    #[must_use]
    pub fn new(times: Times, days: Days, zone: impl Into<String>) -> Self {
        Self {
            times,
            days,
            zone: zone.into(),
            window_minutes: Self::USUAL_WINDOW_MINUTES,
            priority: Self::USUAL_PRIORITY,
            missed: Missed::Once,
            holidays: Holidays::default(),
            retries: Self::USUAL_RETRIES,
        }
    }

    /// The schedule with its zone, ready to reckon with.
    ///
    /// # Errors
    /// Why it cannot be: no such zone, a number out of range.
    pub fn calendar(&self) -> Result<Calendar, String> {
        if let Times::Every(minutes) = self.times
            && !(1..=DAY_MINUTES).contains(&minutes)
        {
            return Err("a period is 1 minute to 24 hours: for longer ones name a time and days".to_owned());
        }
        if let Days::Monthly(day) = self.days
            && !(1..=31).contains(&day)
        {
            return Err("a day of the month is 1 to 31".to_owned());
        }
        if !(1..=9).contains(&self.priority) {
            return Err("a priority is 1 to 9".to_owned());
        }
        if !(1..=7 * DAY_MINUTES).contains(&self.window_minutes) {
            return Err("a window is 1 minute to 7 days".to_owned());
        }
        let zone = TimeZone::get(&self.zone)
            .map_err(|_| format!("there is no time zone `{}`: write one such as Europe/London", self.zone))?;
        Ok(Calendar { schedule: self.clone(), zone })
    }

    /// In words: `at 02:00 on Mon, Tue (Europe/London), retries for 4 h`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let times = match self.times {
            Times::Every(minutes) => format!("every {}", minutes_words(minutes)),
            Times::At(time) => format!("at {}", time.strftime("%H:%M")),
        };
        let days = match (self.days, self.times) {
            (Days::All, Times::At(_)) => " every day".to_owned(),
            (Days::All, Times::Every(_)) => String::new(),
            (Days::Weekdays(days), _) => format!(" on {}", days.in_words()),
            (Days::Monthly(day), _) => format!(" on day {day} of the month"),
        };
        let holidays = match (self.holidays.dates.len(), self.holidays.then) {
            (0, _) => String::new(),
            (many, OnHoliday::Skip) => format!(", not on {many} holidays"),
            (many, OnHoliday::Move) => format!(", moved past {many} holidays"),
        };
        let window = minutes_words(self.window_minutes);
        format!("{times}{days} ({}), retries for {window}{holidays}", self.zone)
    }
}

/// Minutes from `90`, `90m`, `4h` or `1d`.
///
/// # Errors
/// The text is none of these.
pub fn minutes_from(text: &str) -> Result<u32, String> {
    let fail = || format!("`{text}` is no length of time: write one such as 15m, 4h or 1d");
    let (digits, each) = match text.trim().split_at_checked(text.trim().len().saturating_sub(1)) {
        Some((digits, "m")) => (digits, 1),
        Some((digits, "h")) => (digits, 60),
        Some((digits, "d")) => (digits, DAY_MINUTES),
        _ => (text.trim(), 1),
    };
    let minutes = digits.trim_end().parse::<u32>().ok().and_then(|number| number.checked_mul(each));
    minutes.filter(|minutes| *minutes > 0).ok_or_else(fail)
}

/// `15 minutes`, `4 h`, `1 h 30 min`.
#[must_use]
pub fn minutes_words(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, 1) => "1 minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// A schedule with its zone: tells the instants of its runs.
#[derive(Clone, Debug)]
pub struct Calendar {
    schedule: Schedule,
    zone: TimeZone,
}

impl Calendar {
    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn is_holiday(&self, date: Date) -> bool {
        self.schedule.holidays.dates.contains(&date)
    }

    /// Whether the rule names a day, holidays aside.
    fn names(&self, date: Date) -> bool {
        match self.schedule.days {
            Days::All => true,
            Days::Weekdays(days) => days.contains(date.weekday()),
            Days::Monthly(day) => date.day() == day.min(date.days_in_month()),
        }
    }

    /// Whether it runs on a day, with what moved there from the holidays before.
    fn runs_on(&self, date: Date) -> bool {
        if self.is_holiday(date) {
            return false;
        }
        if self.names(date) {
            return true;
        }
        if self.schedule.holidays.then == OnHoliday::Skip {
            return false;
        }
        let before = std::iter::successors(date.yesterday().ok(), |day| day.yesterday().ok());
        before.take(MOST_HOLIDAYS).take_while(|day| self.is_holiday(*day)).any(|day| self.names(day))
    }

    /// The beginnings of the runs of a day, oldest first.
    fn on(&self, date: Date) -> Vec<Timestamp> {
        if !self.runs_on(date) {
            return Vec::new();
        }
        match self.schedule.times {
            Times::At(time) => {
                let at = date.to_datetime(time).to_zoned(self.zone.clone());
                at.map(|at| vec![at.timestamp()]).unwrap_or_default()
            }
            Times::Every(minutes) => {
                let midnight = |date: Date| date.to_zoned(self.zone.clone()).ok().map(|at| at.timestamp());
                let end = date.tomorrow().ok().and_then(midnight);
                let (Some(begin), Some(end)) = (midnight(date), end) else { return Vec::new() };
                let step = SignedDuration::from_mins(i64::from(minutes.max(1)));
                let runs = std::iter::successors(Some(begin), |at| at.checked_add(step).ok());
                runs.take_while(|at| *at < end).collect()
            }
        }
    }

    fn date_of(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The first run after an instant; nothing where the holidays leave none within four years.
    #[must_use]
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let first = self.date_of(at).checked_sub(1.day()).unwrap_or(Date::MIN);
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(MOST_DAYS);
        days.flat_map(|day| self.on(day)).find(|run| *run > at)
    }

    /// The last run that was due at an instant or before it.
    #[must_use]
    pub fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        let first = self.date_of(at).checked_add(1.day()).unwrap_or(Date::MAX);
        let days = std::iter::successors(Some(first), |day| day.yesterday().ok()).take(MOST_DAYS);
        days.flat_map(|day| self.on(day).into_iter().rev()).find(|run| *run <= at)
    }

    /// The next few runs.
    #[must_use]
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        let next = self.next_after(after);
        std::iter::successors(next, |at| self.next_after(*at)).take(count).collect()
    }

    /// Until when a run that begins at an instant may retry: the window's end, or the next run where that is sooner.
    #[must_use]
    pub fn window_end(&self, begin: Timestamp) -> Timestamp {
        let window = SignedDuration::from_mins(i64::from(self.schedule.window_minutes));
        let end = begin.checked_add(window).unwrap_or(Timestamp::MAX);
        self.next_after(begin).map_or(end, |next| next.min(end))
    }

    /// When a run that was missed is made up for in the same hours: at the time of day of `due`, on the first day
    /// after `now` that is no holiday; never later than the next regular run.
    #[must_use]
    pub fn next_window(&self, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let time = self.zone.to_datetime(due).time();
        let today = self.date_of(now);
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok()).take(MOST_HOLIDAYS);
        let same_hour = days
            .filter(|day| !self.is_holiday(*day))
            .filter_map(|day| day.to_datetime(time).to_zoned(self.zone.clone()).ok())
            .map(|at| at.timestamp())
            .find(|at| *at > now);
        match (same_hour, self.next_after(now)) {
            (Some(at), Some(next)) => Some(at.min(next)),
            (at, next) => at.or(next),
        }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
