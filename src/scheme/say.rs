//! What stands in a scheme, as a person says it: for windows and for paper.

use std::fmt::Display;

use jiff::civil::Time;

use super::document::{
    BillingDate, ClockFailureResponse, DemandPeriod, Document, DstRule, InstrumentationChannel, MonthDay,
    OutputFunction, Phase, SeasonStart, weekday_word,
};
use crate::model::{Obis, plain_name};

/// Months in the order of the year.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn month<N>(number: N) -> &'static str
where
    usize: TryFrom<N>,
{
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| MONTHS.get(index)).copied().unwrap_or("?")
}

/// A word of the file: `active_import` is `Active import`.
#[must_use]
pub fn word(word: &impl Display) -> String {
    let mut text = word.to_string().replace('_', " ").replace(" q", " Q");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// `1 minute`, `30 minutes`.
#[must_use]
pub fn minutes(minutes: u32) -> String {
    if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") }
}

/// `1st`, `22nd`.
#[must_use]
pub fn ordinal(day: i8) -> String {
    let ending = match (day % 10, day) {
        (1, day) if day != 11 => "st",
        (2, day) if day != 12 => "nd",
        (3, day) if day != 13 => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

/// A time of day: `00:00`, `23:59:59`.
#[must_use]
pub fn time(time: Time) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.strftime(format).to_string()
}

/// `Every month on the 1st at 00:00`.
#[must_use]
pub fn billing_date(date: BillingDate) -> String {
    let pattern = date.date;
    let days = match (pattern.year(), pattern.month(), pattern.day()) {
        (None, None, None) => "Every day".to_owned(),
        (None, None, Some(day)) => format!("Every month on the {}", ordinal(day)),
        (None, Some(m), None) => format!("Every day of {} in every year", month(m)),
        (None, Some(m), Some(day)) => format!("Every year on {day} {}", month(m)),
        (Some(year), None, None) => format!("Every day of {year}"),
        (Some(year), None, Some(day)) => format!("Every month of {year} on the {}", ordinal(day)),
        (Some(year), Some(m), None) => format!("Every day of {} {year}", month(m)),
        (Some(year), Some(m), Some(day)) => format!("Once, on {day} {} {year}", month(m)),
    };
    format!("{days} at {}", time(date.time))
}

/// `1 April every year`, `1 April 2027`.
#[must_use]
pub fn season_start(start: SeasonStart) -> String {
    let yearly = |day: MonthDay| format!("{} {} every year", day.day(), month(day.month()));
    match start {
        SeasonStart::Yearly(day) => yearly(day),
        SeasonStart::Once(date) => format!("{} {} {}", date.day(), month(date.month()), date.year()),
    }
}

/// `Last Sunday of March at 01:00`.
#[must_use]
pub fn dst_rule(rule: DstRule) -> String {
    let (week, weekday) = (word(&rule.week), word(&weekday_word(rule.weekday)));
    format!("{week} {weekday} of {} at {:02}:00", month(rule.month), rule.hour)
}

/// `L1`, `All phases together`.
#[must_use]
pub fn phase(phase: Phase) -> String {
    match phase {
        Phase::L1 | Phase::L2 | Phase::L3 => phase.word().to_uppercase(),
        Phase::Neutral => "Neutral".to_owned(),
        Phase::Total => "All phases together".to_owned(),
    }
}

/// `Voltage L1, average`, `Power factor of all phases, average`.
#[must_use]
pub fn channel(channel: InstrumentationChannel) -> String {
    let at = match channel.phase {
        Phase::Neutral => "of the neutral".to_owned(),
        Phase::Total => "of all phases".to_owned(),
        one => phase(one),
    };
    format!("{} {at}, {}", word(&channel.quantity), channel.keep)
}

/// `30 minutes, sliding on every 5 minutes`.
#[must_use]
pub fn demand(demand: &DemandPeriod) -> String {
    let period = minutes(demand.period_minutes);
    match demand.period_minutes.checked_div(demand.sub_intervals) {
        Some(step) if demand.sub_intervals > 1 => format!("{period}, sliding on every {}", minutes(step)),
        _ => format!("{period}, one block after another"),
    }
}

/// What a response to a lost clock is called.
#[must_use]
pub const fn response(response: ClockFailureResponse) -> &'static str {
    match response {
        ClockFailureResponse::Continue => "Go on, late",
        ClockFailureResponse::BillThenContinue => "End the billing period, then go on, late",
        ClockFailureResponse::BillThenFreeze => "End the billing period, then freeze the tariff",
    }
}

/// What a response to a lost clock means for time, bill and tariff.
#[must_use]
pub const fn response_meaning(response: ClockFailureResponse) -> &'static str {
    match response {
        ClockFailureResponse::Continue => {
            "The clock goes on from when supply failed, so that every switching time comes late by the length of the \
             failure until the clock is set. No billing period ends."
        }
        ClockFailureResponse::BillThenContinue => {
            "A billing set is stored when supply returns, so that what was counted by a right clock stands apart. \
             Then the clock goes on, late, until it is set."
        }
        ClockFailureResponse::BillThenFreeze => {
            "A billing set is stored when supply returns. Then what was on stays on, with no switching at all, until \
             the clock is set."
        }
    }
}

/// `1000 pulses a kWh of active import`, `Closed while R1 is on`.
#[must_use]
pub fn output(document: &Document, function: &OutputFunction) -> String {
    match function {
        OutputFunction::Pulse { source, pulses_per_kilo } => {
            let unit = document.unit(*source).symbol();
            let per = if unit.is_empty() { "thousand".to_owned() } else { format!("k{unit}") };
            let pulses = if *pulses_per_kilo == 1 { "pulse" } else { "pulses" };
            format!("{pulses_per_kilo} {pulses} a {per} of {}", word(source).to_lowercase())
        }
        OutputFunction::Follow { register } => format!("Closed while {register} is on"),
    }
}

/// What an object is called on the display: the scheme's title of its register, or the plain name of the code.
#[must_use]
pub fn display_item(document: &Document, obis: Obis) -> String {
    let registers = &document.registers;
    let energy = registers.energy.iter().map(|one| (one.obis, &one.id, &one.title));
    let demand = registers.demand.iter().map(|one| (one.obis, &one.id, &one.title));
    match energy.chain(demand).find(|(code, ..)| *code == obis) {
        Some((_, id, title)) if title.is_empty() => id.clone(),
        Some((_, id, title)) => format!("{id}: {title}"),
        None => plain_name(obis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_dates_are_said_as_a_contract_says_them() {
        let said = |text: &str| billing_date(text.parse().unwrap());
        assert_eq!(said("*-*-01T00:00:00"), "Every month on the 1st at 00:00");
        assert_eq!(said("*-04-05T23:59:59"), "Every year on 5 April at 23:59:59");
        assert_eq!(said("2027-03-22T06:00:00"), "Once, on 22 March 2027 at 06:00");
        assert_eq!(said("*-*-*T00:00:00"), "Every day at 00:00");
        assert_eq!(said("2027-*-12T00:00:00"), "Every month of 2027 on the 12th at 00:00");
    }

    #[test]
    fn seasons_start_on_a_day_of_every_year_or_once() {
        assert_eq!(season_start("04-01".parse().unwrap()), "1 April every year");
        assert_eq!(season_start("2027-10-31".parse().unwrap()), "31 October 2027");
    }
}
