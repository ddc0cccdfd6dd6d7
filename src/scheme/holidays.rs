//! Lists of holidays, for special days and for meter lists that rest on them: CSV of dates and names, or dates with a
//! remark a line, and iCalendar (RFC 5545).
//!
//! Of a calendar file the whole-day events count: a date, several days in a row, or a day of every year
//! (`RRULE:FREQ=YEARLY` without an end). Everything else is named by its line and left out; nothing is guessed.

use std::collections::{BTreeSet, HashMap};

use jiff::ToSpan;
use jiff::civil::Date;

use super::document::{DatePattern, SpecialDay};
use super::json::quoted;

/// The largest file of holidays that is read, in octets.
pub const LARGEST_HOLIDAYS: u64 = 4 << 20;
/// For so many years beyond this one a holiday of every year is written out, where dates are wanted one by one.
const YEARS_AHEAD: i16 = 9;
/// Days taken from one file; more is no list of holidays.
const MOST_DAYS: usize = 4096;
/// Lines that are left out and named one by one.
const MOST_SKIPPED: usize = 200;
/// Days that one event may last.
const LONGEST_EVENT_DAYS: i32 = 31;

/// A holiday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// The line where it stands, from 1.
    pub line: usize,
    /// Once, or every year.
    pub date: DatePattern,
    /// What the file calls it.
    pub name: String,
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The line, from 1.
    pub line: usize,
    /// What stood there and what is taken.
    pub message: String,
    /// It says only what another line says.
    pub is_twice: bool,
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "line {}: {}", self.line, self.message)
    }
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    /// What was understood, in the order of the file, each date once.
    pub days: Vec<Holiday>,
    /// What was not.
    pub skipped: Vec<Skipped>,
    seen: HashMap<DatePattern, usize>,
}

impl Holidays {
    fn skip(&mut self, line: usize, message: impl Into<String>) {
        if self.skipped.len() < MOST_SKIPPED {
            self.skipped.push(Skipped { line, message: message.into(), is_twice: false });
        }
    }

    fn take(&mut self, line: usize, date: DatePattern, name: &str) {
        if let Some(first) = self.seen.get(&date) {
            let message = format!("{date} stands on line {first} already");
            if self.skipped.len() < MOST_SKIPPED {
                self.skipped.push(Skipped { line, message, is_twice: true });
            }
        } else if self.days.len() >= MOST_DAYS {
            self.skip(line, format!("more than {MOST_DAYS} days are no list of holidays"));
        } else {
            self.seen.insert(date, line);
            let name = name.chars().filter(|letter| !letter.is_control()).take(120).collect();
            self.days.push(Holiday { line, date, name });
        }
    }

    /// Their dates, one by one; those that come again and again, for ten years from this one on.
    #[must_use]
    pub fn dates_from(&self, year: i16) -> BTreeSet<Date> {
        let years = year..=year.saturating_add(YEARS_AHEAD);
        let mut all = BTreeSet::new();
        for pattern in self.days.iter().map(|day| day.date) {
            let own = pattern.year().map_or_else(|| years.clone(), |year| year..=year);
            for year in own {
                let months = pattern.month().map_or(1..=12, |month| month..=month);
                let days = || pattern.day().map_or(1..=31, |day| day..=day);
                let dates =
                    months.flat_map(|month| days().filter_map(move |day| Date::new(year, month, day).ok()));
                all.extend(dates.filter(|date| pattern.matches(*date)));
            }
        }
        all
    }

    /// The holidays, each with the special day that rules one of its dates already.
    pub fn against<'a, 's>(
        &'a self,
        special_days: &'s [SpecialDay],
    ) -> impl Iterator<Item = (&'a Holiday, Option<DatePattern>)> + use<'a, 's> {
        self.days.iter().map(move |holiday| {
            let clash = special_days.iter().find(|special| special.date.common(holiday.date).is_some());
            (holiday, clash.map(|special| special.date))
        })
    }
}

/// Reads a list of holidays: iCalendar where the text begins as such, else CSV.
#[must_use]
pub fn read_holidays(bytes: &[u8]) -> Holidays {
    // Names in another encoding are no reason to refuse the dates beside them.
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let begins = text.trim_start().get(..15).is_some_and(|head| head.eq_ignore_ascii_case("BEGIN:VCALENDAR"));
    let mut found = Holidays::default();
    if begins {
        calendar(text, &mut found);
    } else {
        table(text, &mut found);
    }
    found
}

/// A date as lists write it without leaving open which number is the month.
fn date(text: &str) -> Option<DatePattern> {
    let text = text.trim();
    if let Ok(pattern) = text.parse::<DatePattern>() {
        return Some(pattern);
    }
    if let Some(date) = compact(text) {
        return DatePattern::dated(date);
    }
    // What stands behind a date and a blank is its name.
    if let Some((first, _)) = text.split_once([' ', '\t'])
        && let Some(date) = date(first)
    {
        return Some(date);
    }
    let parts: Vec<&str> = text.split('.').map(str::trim).collect();
    let [day, month, year] = parts[..] else { return None };
    let number = |text: &str, most: usize| {
        let digits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i16>().ok()).flatten()
    };
    let (day, month) = (i8::try_from(number(day, 2)?).ok()?, i8::try_from(number(month, 2)?).ok()?);
    let year = number(year, 4).filter(|_| year.len() == 4)?;
    DatePattern::new(Some(year), Some(month), Some(day))
}

/// `20271225`.
fn compact(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    Date::new(part(0..4)?, i8::try_from(part(4..6)?).ok()?, i8::try_from(part(6..8)?).ok()?).ok()
}

fn table(text: &str, found: &mut Holidays) {
    let is_said = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let first = text.lines().find(is_said).unwrap_or_default();
    let delimiter = [b';', b'\t', b','].into_iter().find(|byte| first.as_bytes().contains(byte));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .delimiter(delimiter.unwrap_or(b','))
        .from_reader(text.as_bytes());
    for (row, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                found.skip(usize::try_from(line).unwrap_or(0), format!("this is no CSV: {error}"));
                return;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let line = usize::try_from(line).unwrap_or(0);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let dated = record.iter().enumerate().find_map(|(at, cell)| date(cell).map(|date| (at, date)));
        let Some((at, date)) = dated else {
            // A row of titles is no slip.
            let is_titles =
                row == 0 && !record.iter().any(|cell| cell.bytes().any(|byte| byte.is_ascii_digit()));
            if !is_titles {
                let cell = quoted(record.get(0).unwrap_or_default());
                found.skip(
                    line,
                    format!("{cell} is no date: write 2027-12-25, *-12-25 for every year, or 25.12.2027"),
                );
            }
            continue;
        };
        let beside = record.iter().enumerate().find(|(other, cell)| *other != at && !cell.is_empty());
        let behind = || record.get(at).and_then(|cell| cell.split_once([' ', '\t'])).map(|(_, name)| name);
        // A date may have blanks between its parts: what is no word is no name.
        let behind = || behind().filter(|name| name.chars().any(char::is_alphabetic));
        let name = beside.map(|(_, cell)| cell).or_else(behind).unwrap_or_default();
        found.take(line, date, name.trim_start_matches(['#', ' ']));
    }
}

/// What is known of an event while its lines are read.
#[derive(Debug, Default)]
struct Event {
    line: usize,
    name: String,
    starts: Option<(usize, Date)>,
    ends: Option<Date>,
    days: Option<i32>,
    rule: Option<(usize, String)>,
    refused: Option<(usize, String)>,
}

/// Lines with those that go on joined to them (RFC 5545, 3.1), and where they began.
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ => lines.push((at + 1, line.to_owned())),
        }
    }
    lines
}

/// Name, parameters and value of a content line; quoted parameters may hold a colon.
fn property(line: &str) -> Option<(String, &str, &str)> {
    let mut is_quoted = false;
    let colon = line.char_indices().find_map(|(at, letter)| {
        is_quoted ^= letter == '"';
        (letter == ':' && !is_quoted).then_some(at)
    })?;
    let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((name.to_ascii_uppercase(), parameters, value.trim()))
}

fn calendar(text: &str, found: &mut Holidays) {
    let mut event: Option<Event> = None;
    // Alarms and the like inside an event have lines of the same names.
    let mut inner = 0usize;
    for (line, content) in unfolded(text) {
        if content.trim().is_empty() {
            continue;
        }
        let Some((name, _, value)) = property(&content) else {
            found.skip(line, format!("{} is no line of a calendar", quoted(&content)));
            continue;
        };
        match (name.as_str(), &mut event) {
            ("BEGIN", None) if value.eq_ignore_ascii_case("VEVENT") => {
                event = Some(Event { line, ..Event::default() });
            }
            ("BEGIN", Some(_)) => inner += 1,
            ("END", Some(_)) if inner > 0 => inner -= 1,
            ("END", Some(_)) => {
                if let Some(event) = event.take() {
                    finish(event, found);
                }
            }
            (name, Some(event)) if inner == 0 => note(event, line, name, value),
            _ => {}
        }
    }
    if let Some(event) = event {
        found.skip(event.line, "the event that begins here has no end");
    }
}

fn note(event: &mut Event, line: usize, name: &str, value: &str) {
    let mut refuse = |message: String| {
        event.refused.get_or_insert((line, message));
    };
    match name {
        "SUMMARY" => event.name = unescaped(value),
        "DTSTART" => match compact(value) {
            Some(date) => event.starts = Some((line, date)),
            None => refuse(format!("{} is no whole day: events with a time are left out", quoted(value))),
        },
        "DTEND" => match compact(value) {
            Some(date) => event.ends = Some(date),
            None => refuse(format!("{} is no whole day: events with a time are left out", quoted(value))),
        },
        "DURATION" => match duration_days(value) {
            Some(days) => event.days = Some(days),
            None => refuse(format!("the duration {} is no number of days", quoted(value))),
        },
        "RRULE" => event.rule = Some((line, value.to_owned())),
        "STATUS" if value.eq_ignore_ascii_case("CANCELLED") => refuse("the event is cancelled".to_owned()),
        "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID" => {
            refuse(format!("{name} makes an exception, which is not understood here"));
        }
        _ => {}
    }
}

/// Why a rule is not “this day every year”.
fn rule_slip(rule: &str, start: Date) -> Option<String> {
    let mut yearly = false;
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let plain = match key.to_ascii_uppercase().as_str() {
            "FREQ" => {
                yearly = value.eq_ignore_ascii_case("YEARLY");
                yearly
            }
            "INTERVAL" => value == "1",
            "BYMONTH" => value.parse() == Ok(start.month()),
            "BYMONTHDAY" => value.parse() == Ok(start.day()),
            "WKST" => true,
            _ => false,
        };
        if !plain {
            return Some(format!("the rule {} is not “every year” without an end", quoted(rule)));
        }
    }
    (!yearly).then(|| format!("the rule {} is not “every year” without an end", quoted(rule)))
}

fn duration_days(text: &str) -> Option<i32> {
    let rest = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (number, each) =
        rest.strip_suffix('D').map(|days| (days, 1)).or_else(|| Some((rest.strip_suffix('W')?, 7)))?;
    let number: i32 = number.parse().ok().filter(|number| (1..=LONGEST_EVENT_DAYS).contains(number))?;
    Some(number * each)
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n' | 'N') => out.push(' '),
                Some(other) => out.push(other),
                None => {}
            },
            (letter, false) => out.push(letter),
        }
    }
    out
}

fn finish(event: Event, found: &mut Holidays) {
    let title = if event.name.is_empty() { String::new() } else { format!(" ({})", quoted(&event.name)) };
    if let Some((line, message)) = event.refused {
        found.skip(line, format!("{message}{title}"));
        return;
    }
    let Some((line, start)) = event.starts else {
        found.skip(event.line, format!("the event that begins here has no DTSTART{title}"));
        return;
    };
    if let Some((line, message)) =
        event.rule.as_ref().and_then(|(line, rule)| rule_slip(rule, start).map(|message| (*line, message)))
    {
        found.skip(line, format!("{message}{title}"));
        return;
    }
    let days = match (event.ends, event.days) {
        (Some(end), _) => start.until(end).map_or(0, |span| span.get_days()).max(1),
        (None, days) => days.unwrap_or(1),
    };
    if days > LONGEST_EVENT_DAYS {
        found.skip(line, format!("an event of {days} days is no holiday{title}"));
        return;
    }
    for day in (0..days).map_while(|day| start.checked_add(day.days()).ok()) {
        let pattern = if event.rule.is_some() {
            DatePattern::new(None, Some(day.month()), Some(day.day()))
        } else {
            DatePattern::dated(day)
        };
        match pattern {
            Some(pattern) => found.take(line, pattern, &event.name),
            None => found.skip(line, format!("{day} is in no year of a scheme{title}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(found: &Holidays) -> Vec<String> {
        found.days.iter().map(|day| format!("{} {}", day.date, day.name)).collect()
    }

    fn skipped(found: &Holidays) -> Vec<String> {
        found.skipped.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_of_dates_and_names_is_read() {
        let found = read_holidays(
            b"\xEF\xBB\xBFDate,Name\n2027-03-26,Good Friday\n*-12-25,\"Christmas, first day\"\n01.05.2027,Labour Day\n\n20270503,Bank holiday\n",
        );
        let days = [
            "2027-03-26 Good Friday",
            "*-12-25 Christmas, first day",
            "2027-05-01 Labour Day",
            "2027-05-03 Bank holiday",
        ];
        assert_eq!(shown(&found), days);
        assert!(found.skipped.is_empty());
        let found = read_holidays(b"Tag;Datum\nNeujahr;2027-01-01\n");
        assert_eq!(shown(&found), ["2027-01-01 Neujahr"]);
    }

    #[test]
    fn what_a_table_leaves_open_is_named_by_its_line() {
        let found = read_holidays(
            b"2027-12-25,Christmas\n03/04/2027,Easter?\nsoon,never\n2027-02-29,no\n2027-12-25,again\n",
        );
        assert_eq!(shown(&found), ["2027-12-25 Christmas"]);
        let lines: Vec<usize> = found.skipped.iter().map(|skipped| skipped.line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        assert!(skipped(&found)[0].contains("03/04/2027"), "{:?}", found.skipped);
        assert!(skipped(&found)[3].contains("stands on line 1 already"));
    }

    const ICS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270326\r\n\
DTEND;VALUE=DATE:20270327\r\nSUMMARY:Good\r\n  Friday\\, England\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:Christmas\r\nDTSTART;VALUE=DATE:20201225\r\nDURATION:P2D\r\n\
RRULE:FREQ=YEARLY\r\nBEGIN:VALARM\r\nSUMMARY:wake\r\nDTSTART:x\r\nEND:VALARM\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART;TZID=\"Europe/London:x\":20270501T090000\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART:20270501\r\nRRULE:FREQ=MONTHLY\r\nSUMMARY:Rent\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nDTSTART:20270501\r\nRRULE:FREQ=YEARLY;COUNT=3\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nSUMMARY:Dateless\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn a_calendar_of_whole_days_is_read_and_the_rest_is_named() {
        let found = read_holidays(ICS.as_bytes());
        let days = ["2027-03-26 Good Friday, England", "*-12-25 Christmas", "*-12-26 Christmas"];
        assert_eq!(shown(&found), days);
        let said = skipped(&found);
        assert_eq!(said.len(), 4, "{said:#?}");
        assert!(said[0].starts_with("line 20: `20270501T090000` is no whole day"), "{}", said[0]);
        assert!(said[1].contains("FREQ=MONTHLY") && said[2].contains("COUNT=3"), "{said:?}");
        assert!(said[3].contains("has no DTSTART"));
    }

    #[test]
    fn an_event_that_is_cut_off_or_too_long_is_said() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270101\nDTEND:20280101\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20270601\n";
        let found = read_holidays(text.as_bytes());
        assert!(found.days.is_empty());
        assert!(skipped(&found)[0].contains("365 days") && skipped(&found)[1].contains("no end"));
    }

    #[test]
    fn a_holiday_that_is_ruled_already_says_by_what() {
        let found = read_holidays(b"2027-12-25,a\n2027-12-26,b\n");
        let there = [SpecialDay { date: "*-12-25".parse().unwrap(), day_type: "D2".to_owned() }];
        let clashes: Vec<bool> = found.against(&there).map(|(_, clash)| clash.is_some()).collect();
        assert_eq!(clashes, [true, false]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_holidays(&bytes);
        }

        #[test]
        fn no_table_makes_the_reader_panic(text in "([0-9*.;,/\"é -]{0,16}\n){0,8}") {
            let _ = read_holidays(text.as_bytes());
        }

        #[test]
        fn no_calendar_makes_the_reader_panic(
            text in "BEGIN:VCALENDAR\n((BEGIN:VEVENT|END:VEVENT|BEGIN:VALARM|END:VALARM|DTSTART:[0-9T]{0,9}|DTEND;VALUE=DATE:[0-9]{7,9}|DURATION:P[0-9]{0,11}[DW]?|RRULE:[A-Z=;0-9]{0,24}|SUMMARY:[\\\\a-zé\":;]{0,12}| [a-z]{0,5})\r?\n){0,20}"
        ) {
            let _ = read_holidays(text.as_bytes());
        }

        #[test]
        fn a_date_that_is_written_is_read_back(year in 1970i16..2199, month in 1i8..=12, day in 1i8..=28) {
            let text = format!("{year:04}-{month:02}-{day:02},x\n*-{month:02}-{day:02},y\n");
            let found = read_holidays(text.as_bytes());
            prop_assert_eq!(shown(&found), text.lines().map(|line| line.replace(',', " ")).collect::<Vec<_>>());
        }
    }
}
