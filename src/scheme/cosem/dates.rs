//! Dates and times of a scheme as COSEM writes them (IEC 62056-62, 4.1.6.1): FFh is "any", FEh and FDh are the last
//! days of a month, and a weekday beside a day of the month is the first such weekday on or after it.

use jiff::civil::{Date, Time, Weekday};

use crate::model::tariff::NO_TIME;
use crate::scheme::document::{
    BillingDate, DatePattern, DaylightSaving, DstRule, MonthDay, SeasonStart, SwitchTime, WeekOfMonth,
};

const ANY: u8 = 0xFF;
const LAST: u8 = 0xFE;

fn byte(value: i8) -> u8 {
    u8::try_from(value).unwrap_or(ANY)
}

fn year_bytes(year: Option<i16>) -> [u8; 2] {
    year.map_or([ANY, ANY], i16::to_be_bytes)
}

/// A date in five octets.
pub(super) fn date(pattern: DatePattern) -> [u8; 5] {
    let [high, low] = year_bytes(pattern.year());
    [high, low, pattern.month().map_or(ANY, byte), pattern.day().map_or(ANY, byte), ANY]
}

/// A date as a scheme has it; nothing where it says what a scheme cannot (a weekday, the last of a month).
pub(super) fn read_date([high, low, month, day, weekday]: [u8; 5]) -> Option<DatePattern> {
    let some = |value: u8| i8::try_from(value).ok().filter(|value| *value > 0);
    let part = |value: u8| if value == ANY { Some(None) } else { some(value).map(Some) };
    let year = match [high, low] {
        [ANY, ANY] => None,
        bytes => Some(i16::from_be_bytes(bytes)),
    };
    let pattern = DatePattern::new(year, part(month)?, part(day)?)?;
    if weekday == ANY {
        return Some(pattern);
    }
    // A whole date may name its own weekday.
    let whole = Date::new(pattern.year()?, pattern.month()?, pattern.day()?).ok()?;
    (byte(whole.weekday().to_monday_one_offset()) == weekday).then_some(pattern)
}

/// A season's start as date-time.
pub(super) fn season_start(start: SeasonStart) -> [u8; 12] {
    let (year, month, day) = match start {
        SeasonStart::Yearly(day) => (None, day.month(), day.day()),
        SeasonStart::Once(date) => (Some(date.year()), date.month(), date.day()),
    };
    let [high, low] = year_bytes(year);
    [high, low, byte(month), byte(day), ANY, 0, 0, 0, 0, 0x80, 0, ANY]
}

/// A season's start as a scheme has it; nothing where it is none at midnight of a day.
pub(super) fn read_season_start(bytes: [u8; 12]) -> Option<SeasonStart> {
    let [high, low, month, day, weekday, hour, minute, second, ..] = bytes;
    if [hour, minute, second].iter().any(|part| *part != 0 && *part != ANY) {
        return None;
    }
    let pattern = read_date([high, low, month, day, weekday])?;
    let (month, day) = (pattern.month()?, pattern.day()?);
    match pattern.year() {
        None => MonthDay::new(month, day).map(SeasonStart::Yearly),
        Some(year) => Date::new(year, month, day).ok().map(SeasonStart::Once),
    }
}

/// A switching time.
pub(super) fn switch_time(at: SwitchTime) -> [u8; 4] {
    let minutes = at.minutes();
    [u8::try_from(minutes / 60).unwrap_or(0), u8::try_from(minutes % 60).unwrap_or(0), 0, 0]
}

/// A switching time; nothing where it is no whole minute.
pub(super) fn read_switch_time([hour, minute, second, hundredths]: [u8; 4]) -> Option<SwitchTime> {
    let is_whole = [second, hundredths].iter().all(|part| matches!(part, 0 | &ANY));
    let minutes = u16::from(hour) * 60 + u16::from(minute);
    SwitchTime::from_minutes(minutes).filter(|_| is_whole && minute < 60)
}

/// A billing date as time and date.
#[must_use]
pub fn execution_time(billing: BillingDate) -> ([u8; 4], [u8; 5]) {
    let time = billing.time;
    ([byte(time.hour()), byte(time.minute()), byte(time.second()), 0], date(billing.date))
}

/// A billing date; nothing where a scheme cannot say it.
#[must_use]
pub fn read_execution_time((time, on): ([u8; 4], [u8; 5])) -> Option<BillingDate> {
    let [hour, minute, second, hundredths] = time;
    let part = |value: u8| i8::try_from(if value == ANY { 0 } else { value }).ok();
    if hour == ANY || minute == ANY || !matches!(hundredths, 0 | ANY) {
        return None;
    }
    let time = Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?;
    Some(BillingDate { date: read_date(on)?, time })
}

/// When daylight saving begins or ends, as date-time.
#[must_use]
pub fn daylight_rule(rule: DstRule) -> [u8; 12] {
    let day = match rule.week {
        WeekOfMonth::First => 1,
        WeekOfMonth::Second => 8,
        WeekOfMonth::Third => 15,
        WeekOfMonth::Fourth => 22,
        WeekOfMonth::Last => LAST,
    };
    let part = |value: u32| u8::try_from(value).unwrap_or(ANY);
    let weekday = byte(rule.weekday.to_monday_one_offset());
    [ANY, ANY, part(rule.month), day, weekday, part(rule.hour), 0, 0, 0, 0x80, 0, ANY]
}

/// The rule that a date of one year alone follows: many clocks show the next change in place of their rule. The last
/// week goes before the fourth, since nearly all zones change in it.
fn rule_of_date(bytes: [u8; 12]) -> Option<DstRule> {
    let [high, low, month, day, _, hour, ..] = bytes;
    let part = |value: u8| i8::try_from(value).ok();
    let date = Date::new(i16::from_be_bytes([high, low]), part(month)?, part(day)?).ok()?;
    let week = match date.day() {
        day if day > date.days_in_month() - 7 => WeekOfMonth::Last,
        1..=7 => WeekOfMonth::First,
        8..=14 => WeekOfMonth::Second,
        15..=21 => WeekOfMonth::Third,
        _ => WeekOfMonth::Fourth,
    };
    let rule = DstRule { month: month.into(), week, weekday: date.weekday(), hour: hour.into() };
    is_by_rule(bytes, rule).then_some(rule)
}

/// A rule of every year; nothing where a scheme cannot say it.
#[must_use]
pub fn read_daylight_rule(bytes: [u8; 12]) -> Option<DstRule> {
    let [high, low, month, day, weekday, hour, minute, second, ..] = bytes;
    if [high, low] != [ANY, ANY] {
        return rule_of_date(bytes);
    }
    let week = match day {
        1 => WeekOfMonth::First,
        8 => WeekOfMonth::Second,
        15 => WeekOfMonth::Third,
        22 => WeekOfMonth::Fourth,
        LAST => WeekOfMonth::Last,
        _ => return None,
    };
    let on_the_hour = matches!(minute, 0 | ANY) && matches!(second, 0 | ANY);
    let sound = on_the_hour && (1..=12).contains(&month) && hour < 24;
    let weekday = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
    sound.then_some(DstRule { month: month.into(), week, weekday, hour: hour.into() })
}

/// Whether a date-time, of every year or of one alone, is when a rule says.
#[must_use]
pub fn is_by_rule(bytes: [u8; 12], rule: DstRule) -> bool {
    let [high, low, month, day, _, hour, minute, second, ..] = bytes;
    if [high, low] == [ANY, ANY] {
        return read_daylight_rule(bytes) == Some(rule);
    }
    let on_the_hour = matches!(minute, 0 | ANY) && matches!(second, 0 | ANY);
    let due = rule.in_year(i16::from_be_bytes([high, low]));
    on_the_hour
        && due.is_some_and(|due| (byte(due.month()), byte(due.day()), byte(due.hour())) == (month, day, hour))
}

/// A year of daylight saving from the clock's attributes: begin, end, deviation in minutes; nothing where a scheme
/// cannot say it.
#[must_use]
pub fn read_daylight_saving(begin: [u8; 12], end: [u8; 12], minutes: i128) -> Option<DaylightSaving> {
    let shift_hours = u32::try_from(minutes).ok().filter(|minutes| minutes % 60 == 0)? / 60;
    Some(DaylightSaving { shift_hours, starts: read_daylight_rule(begin)?, ends: read_daylight_rule(end)? })
}

/// Whether a date-time says nothing at all: no activation is due.
#[must_use]
pub fn is_unspecified(bytes: [u8; 12]) -> bool {
    bytes.iter().zip(NO_TIME).take(8).all(|(one, none)| *one == none)
}
