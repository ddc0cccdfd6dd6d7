//! Runs on ordinary days, on days of 23 and 25 hours, on holidays.

use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn daily(hour: i8, minute: i8) -> Schedule {
    Schedule::new(Times::At(time(hour, minute, 0, 0)), Days::All, "Europe/Berlin")
}

fn runs(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let found = schedule.calendar().unwrap().upcoming(at(after), count);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_time_that_the_night_of_23_hours_skips_runs_once_and_as_long_after_the_last_run_as_ever() {
    // Europe/Berlin: 2026-03-29 02:00 becomes 03:00.
    let found = runs(&daily(2, 30), "2026-03-27T12:00:00Z", 3);
    assert_eq!(found, ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
}

#[test]
fn a_time_that_the_day_of_25_hours_doubles_runs_once_in_its_first_pass() {
    // Europe/Berlin: 2026-10-25 03:00 becomes 02:00.
    let found = runs(&daily(2, 30), "2026-10-24T12:00:00Z", 2);
    assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
}

#[test]
fn a_period_counts_real_time_through_days_of_23_and_25_hours() {
    let hourly = Schedule::new(Times::Every(60), Days::All, "Europe/Berlin");
    let calendar = hourly.calendar().unwrap();
    let of_day = |from: &str, to: &str| {
        let all = calendar.upcoming(at(from), 30);
        all.into_iter().take_while(|run| *run <= at(to)).count()
    };
    // After local midnight up to and with the next one.
    assert_eq!(of_day("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), 23);
    assert_eq!(of_day("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"), 25);
    assert_eq!(of_day("2026-06-01T22:00:00Z", "2026-06-02T22:00:00Z"), 24);
}

#[test]
fn a_period_that_does_not_divide_the_day_begins_anew_at_midnight() {
    let odd = Schedule::new(Times::Every(7 * 60), Days::All, "UTC");
    let found = runs(&odd, "2026-11-22T20:00:00Z", 3);
    assert_eq!(found, ["2026-11-22T21:00:00Z", "2026-11-23T00:00:00Z", "2026-11-23T07:00:00Z"]);
}

#[test]
fn days_of_the_week_and_of_the_month_are_kept() {
    let working = Schedule { days: Days::Weekdays("mon,fri".parse().unwrap()), ..daily(2, 0) };
    // 2026-11-22 is a Sunday.
    let found = runs(&working, "2026-11-22T12:00:00Z", 3);
    assert_eq!(found, ["2026-11-23T01:00:00Z", "2026-11-27T01:00:00Z", "2026-11-30T01:00:00Z"]);
    let monthly = Schedule { days: Days::Monthly(31), zone: "UTC".to_owned(), ..daily(0, 30) };
    let found = runs(&monthly, "2026-01-31T12:00:00Z", 3);
    assert_eq!(found, ["2026-02-28T00:30:00Z", "2026-03-31T00:30:00Z", "2026-04-30T00:30:00Z"]);
}

#[test]
fn a_run_on_a_holiday_is_left_out_or_moves_to_the_next_day_that_is_none() {
    let dates = BTreeSet::from([date(2026, 12, 25), date(2026, 12, 26)]);
    let monthly = Schedule {
        days: Days::Monthly(25),
        holidays: Holidays { dates, then: OnHoliday::Skip },
        ..daily(2, 0)
    };
    assert_eq!(runs(&monthly, "2026-12-01T00:00:00Z", 1), ["2027-01-25T01:00:00Z"]);
    let mut moved = monthly;
    moved.holidays.then = OnHoliday::Move;
    let found = runs(&moved, "2026-12-01T00:00:00Z", 2);
    assert_eq!(found, ["2026-12-27T01:00:00Z", "2027-01-25T01:00:00Z"]);
}

#[test]
fn a_list_that_never_runs_says_so_instead_of_searching_for_ever() {
    let mut never = Schedule { days: Days::Monthly(1), ..daily(2, 0) };
    let first = date(2026, 1, 1);
    let firsts = (0..72).map(|months| first.checked_add(months.months()).unwrap());
    never.holidays.dates = firsts.collect();
    assert_eq!(never.calendar().unwrap().next_after(at("2026-01-01T00:00:00Z")), None);
}

#[test]
fn a_window_ends_before_the_next_run() {
    let often = Schedule::new(Times::Every(15), Days::All, "UTC");
    let calendar = often.calendar().unwrap();
    assert_eq!(calendar.window_end(at("2026-11-22T10:00:00Z")), at("2026-11-22T10:15:00Z"));
    let calendar = daily(2, 0).calendar().unwrap();
    assert_eq!(calendar.window_end(at("2026-11-22T01:00:00Z")), at("2026-11-22T05:00:00Z"));
}

#[test]
fn what_was_missed_is_made_up_for_in_the_same_hours_of_the_next_day() {
    let monthly = Schedule { days: Days::Monthly(1), ..daily(2, 0) };
    let calendar = monthly.calendar().unwrap();
    let (due, now) = (at("2026-11-01T01:00:00Z"), at("2026-11-03T13:00:00Z"));
    assert_eq!(calendar.next_window(due, now), Some(at("2026-11-04T01:00:00Z")));
}

#[test]
fn schedules_that_cannot_be_are_refused_in_words() {
    let bad = |schedule: Schedule| schedule.calendar().unwrap_err();
    assert!(bad(Schedule { zone: "Berlin".to_owned(), ..daily(2, 0) }).contains("Europe/London"));
    assert!(bad(Schedule { times: Times::Every(3000), ..daily(2, 0) }).contains("24 hours"));
    assert!(bad(Schedule { days: Days::Monthly(32), ..daily(2, 0) }).contains("1 to 31"));
    assert!("mon,someday".parse::<Weekdays>().unwrap_err().contains("someday"));
}

#[test]
fn a_schedule_is_told_in_words() {
    let working = Schedule { days: Days::Weekdays(Weekdays::WORKING), ..daily(2, 0) };
    let words = "at 02:00 on Mon, Tue, Wed, Thu, Fri (Europe/Berlin), retries for 4 h";
    assert_eq!(working.in_words(), words);
    let text = serde_json::to_string(&working).unwrap();
    assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), working);
}

#[test]
fn lengths_of_time_are_read_as_people_write_them() {
    assert_eq!(["15m", "4h", "1d", "90"].map(|text| minutes_from(text).unwrap()), [15, 240, 1440, 90]);
    for wrong in ["", "h", "-1h", "0m", "4 hours", "99999999d", "é"] {
        assert!(minutes_from(wrong).is_err(), "{wrong}");
    }
    assert_eq!(minutes_words(90), "1 h 30 min");
}

proptest! {
    #[test]
    fn the_last_run_until_and_the_next_run_after_meet(second in 1_700_000_000i64..2_000_000_000, minutes in 1u32..1440, hour in 0i8..24) {
        let now = Timestamp::from_second(second).unwrap();
        for times in [Times::Every(minutes), Times::At(time(hour, 30, 0, 0))] {
            let schedule = Schedule::new(times, Days::All, "America/New_York");
            let calendar = schedule.calendar().unwrap();
            let last = calendar.last_until(now).unwrap();
            let next = calendar.next_after(now).unwrap();
            prop_assert!(last <= now && now < next);
            prop_assert_eq!(calendar.next_after(last), Some(next));
        }
    }
}
