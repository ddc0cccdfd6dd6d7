//! Ends of billing periods that are to come, for somebody who draws a scheme.

use jiff::{Timestamp, ToSpan};

use super::Cause;
use super::billing::Dates;
use crate::scheme::calendar::Calendar;
use crate::scheme::clock::{instant_of, second_of};
use crate::scheme::document::Document;

/// How far is looked ahead, in days.
const HORIZON_DAYS: i32 = 3653;

/// The next ends of a billing period after an instant, with their causes, by the customer's clock: at most so many,
/// and none that is more than ten years away. Resets by hand cannot be foreseen. Nothing where the time zone is none.
#[must_use]
pub fn next_billing_ends(document: &Document, from: Timestamp, most: usize) -> Vec<(Timestamp, Cause)> {
    let Ok(calendar) = Calendar::new(document) else { return Vec::new() };
    let clock = calendar.clock();
    let start = second_of(from);
    let end = start.saturating_add(i64::from(HORIZON_DAYS) * 86_400);
    let mut found: Vec<(i64, Cause)> = Vec::new();
    let mut dates = Dates::new(&document.billing.dates);
    dates.aim(clock, start);
    while let Some(at) = dates.next().filter(|at| *at <= end && found.len() < most) {
        found.push((at, Cause::BillingDate));
        dates.observe(clock);
    }
    found.extend(changes(document, &calendar, from, most));
    // At one instant one period ends: of a date and a change, the date gives the cause.
    found.sort_by_key(|(at, cause)| (*at, *cause));
    found.dedup_by_key(|(at, _)| *at);
    found.truncate(most);
    found.into_iter().map(|(at, cause)| (instant_of(at), cause)).collect()
}

/// Changes of season and tariff that end a billing period. Seasons change at midnight.
fn changes(document: &Document, calendar: &Calendar, from: Timestamp, most: usize) -> Vec<(i64, Cause)> {
    let billing = &document.billing;
    let activation = calendar.activation().filter(|at| *at > from);
    let mut found = Vec::new();
    if let Some(at) = activation
        && billing.on_tariff_change
    {
        found.push((second_of(at), Cause::TariffChange));
    }
    if !billing.on_season_change {
        return found;
    }
    let today = calendar.clock().local(from).date();
    let mut before = calendar.state(from);
    for day in 1..=HORIZON_DAYS {
        let Ok(date) = today.checked_add(day.days()) else { break };
        let at = calendar.clock().first_instant(date.at(0, 0, 0, 0));
        let state = calendar.state(at);
        if state.latent == before.latent && state.season != before.season {
            found.push((second_of(at), Cause::SeasonChange));
            if found.len() > most {
                break;
            }
        }
        before = state;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{Season, SeasonStart};

    fn ends(document: &Document, from: &str, most: usize) -> Vec<String> {
        let ends = next_billing_ends(document, from.parse().unwrap(), most);
        ends.iter().map(|(at, cause)| format!("{at} {}", cause.word())).collect()
    }

    #[test]
    fn the_next_dates_follow_the_customers_clock_through_summer_time() {
        let mut document = Document::blank("dlms-generic", "Europe/London");
        document.billing.dates = vec!["*-*-01T00:00:00".parse().unwrap()];
        let expected = [
            "2027-03-01T00:00:00Z billing_date",
            "2027-03-31T23:00:00Z billing_date",
            "2027-04-30T23:00:00Z billing_date",
        ];
        assert_eq!(ends(&document, "2027-02-10T12:00:00Z", 3), expected);
    }

    #[test]
    fn a_change_of_season_ends_a_period_only_where_the_scheme_says_so() {
        let mut document = Document::blank("dlms-generic", "Europe/London");
        let summer: SeasonStart = "04-01".parse().unwrap();
        let week = "W1".to_owned();
        document.tariff.seasons.push(Season {
            id: "S2".to_owned(),
            title: String::new(),
            starts: summer,
            week,
        });
        assert!(ends(&document, "2026-11-22T12:00:00Z", 5).is_empty());
        document.billing.on_season_change = true;
        let expected = ["2027-01-01T00:00:00Z season_change", "2027-03-31T23:00:00Z season_change"];
        assert_eq!(ends(&document, "2026-11-22T12:00:00Z", 2), expected);
    }

    #[test]
    fn a_date_at_the_instant_of_a_change_counts_once() {
        let mut document = Document::blank("dlms-generic", "Europe/London");
        document.billing.dates = vec!["*-01-01T00:00:00".parse().unwrap()];
        let latent = crate::scheme::Latent {
            activate_at: "2027-01-01T00:00:00".parse().unwrap(),
            tariff: document.tariff.clone(),
        };
        document.latent = Some(latent);
        let expected = ["2027-01-01T00:00:00Z billing_date", "2028-01-01T00:00:00Z billing_date"];
        assert_eq!(ends(&document, "2026-11-22T12:00:00Z", 2), expected);
    }
}
