use jiff::ToSpan;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::scheme::document::{DatePattern, DayType, Season, SpecialDay, Switch};
use crate::scheme::testing;

/// The rules of the module, followed to the letter with nothing but the document and the time-zone database.
fn slow(document: &Document, at: Timestamp) -> (bool, Option<String>, Option<String>, bool, Vec<String>) {
    let zone = TimeZone::get(&document.time_zone).unwrap();
    let local = zone.to_datetime(at);
    // A tariff that took over stays: the wall has shown its time at some earlier instant of this or the last day.
    let latent = document.latent.as_ref().filter(|latent| {
        (0..=180).any(|minutes| zone.to_datetime(at - minutes.minutes()) >= latent.activate_at)
    });
    let tariff = latent.map_or(&document.tariff, |latent| &latent.tariff);
    let today = local.date();
    let season = (0..800).find_map(|back| {
        let day = today.checked_sub(back.days()).unwrap();
        let starts = |dated: bool| {
            move |season: &&Season| match season.starts {
                SeasonStart::Once(start) => dated && start == day,
                SeasonStart::Yearly(start) => {
                    !dated && (start.month(), start.day()) == (day.month(), day.day())
                }
            }
        };
        tariff.seasons.iter().find(starts(true)).or_else(|| tariff.seasons.iter().find(starts(false)))
    });
    let matching = |dated: bool| {
        tariff
            .special_days
            .iter()
            .find(move |day| day.date.year().is_some() == dated && day.date.matches(today))
    };
    let special = matching(true).or_else(|| matching(false));
    let day_type = match special {
        Some(special) => Some(special.day_type.clone()),
        None => season.and_then(|season| {
            let week = tariff.weeks.iter().find(|week| week.id == season.week)?;
            week.days.get(usize::from(today.weekday().to_monday_zero_offset().unsigned_abs())).cloned()
        }),
    };
    let day = day_type.as_ref().and_then(|id| tariff.day_types.iter().find(|day| day.id == *id));
    let minutes = u16::try_from(local.hour()).unwrap() * 60 + u16::try_from(local.minute()).unwrap();
    let mut on = Vec::new();
    for switch in day.map_or(&[][..], |day| &day.switches) {
        if switch.at.minutes() <= minutes {
            on.clone_from(&switch.on);
        }
    }
    (latent.is_some(), season.map(|season| season.id.clone()), day_type, special.is_some(), on)
}

fn fast(calendar: &Calendar, at: Timestamp) -> (bool, Option<String>, Option<String>, bool, Vec<String>) {
    let rate = calendar.rate(at);
    let owned = |id: Option<&str>| id.map(str::to_owned);
    (rate.latent, owned(rate.season), owned(rate.day_type), rate.special_day, rate.on.to_vec())
}

fn london() -> Document {
    let mut document = Document::blank("dlms-generic", "Europe/London");
    let switch = |at: &str, on: &str| Switch { at: at.parse().unwrap(), on: vec![on.to_owned()] };
    document.tariff.day_types[0].switches = vec![switch("00:00", "R1"), switch("01:30", "R2")];
    document
}

fn on(document: &Document, at: &str) -> String {
    Calendar::new(document).unwrap().rate(at.parse().unwrap()).on.join(" ")
}

#[test]
fn a_switch_in_the_skipped_hour_takes_effect_at_its_end() {
    let document = london();
    assert_eq!(on(&document, "2026-03-29T00:59:59.999Z"), "R1");
    assert_eq!(on(&document, "2026-03-29T01:00:00Z"), "R2");
}

#[test]
fn a_switch_in_the_doubled_hour_takes_effect_twice() {
    let document = london();
    for (at, register) in [
        ("2026-10-25T00:29:59Z", "R1"),
        ("2026-10-25T00:30:00Z", "R2"),
        ("2026-10-25T00:59:59Z", "R2"),
        ("2026-10-25T01:00:00Z", "R1"),
        ("2026-10-25T01:30:00Z", "R2"),
    ] {
        assert_eq!(on(&document, at), register, "{at}");
    }
}

#[test]
fn a_dated_special_day_goes_before_one_of_every_year() {
    let mut document = london();
    let day = |id: &str, on: &str| DayType {
        id: id.to_owned(),
        title: String::new(),
        switches: vec![Switch { at: "00:00".parse().unwrap(), on: vec![on.to_owned()] }],
    };
    document.tariff.day_types.extend([day("D2", "R2"), day("D3", "R3")]);
    let special = |date: &str, day_type: &str| SpecialDay {
        date: date.parse::<DatePattern>().unwrap(),
        day_type: day_type.to_owned(),
    };
    document.tariff.special_days = vec![special("*-12-25", "D2"), special("2026-12-25", "D3")];
    assert_eq!(on(&document, "2026-12-25T00:10:00Z"), "R3");
    assert_eq!(on(&document, "2027-12-25T00:10:00Z"), "R2");
    let calendar = Calendar::new(&document).unwrap();
    assert!(calendar.rate("2027-12-25T12:00:00Z".parse().unwrap()).special_day);
    assert!(!calendar.rate("2027-12-26T12:00:00Z".parse().unwrap()).special_day);
}

#[test]
fn a_season_of_one_year_lasts_until_the_next_one_starts() {
    let mut document = london();
    let season = |id: &str, starts: &str| Season {
        id: id.to_owned(),
        title: String::new(),
        starts: starts.parse().unwrap(),
        week: "W1".to_owned(),
    };
    document.tariff.seasons =
        vec![season("winter", "10-01"), season("summer", "04-01"), season("trial", "2026-06-01")];
    let calendar = Calendar::new(&document).unwrap();
    for (at, id) in [
        ("2026-01-15T12:00:00Z", "winter"),
        ("2026-05-31T22:59:59Z", "summer"),
        ("2026-05-31T23:00:00Z", "trial"),
        ("2026-09-30T22:59:59Z", "trial"),
        ("2026-10-01T12:00:00Z", "winter"),
        ("2027-06-15T12:00:00Z", "summer"),
    ] {
        assert_eq!(calendar.rate(at.parse().unwrap()).season, Some(id), "{at}");
    }
}

#[test]
fn the_latent_tariff_stays_when_the_clock_goes_back_over_its_activation() {
    let mut document = london();
    document.latent = Some(crate::scheme::Latent {
        activate_at: date(2026, 10, 25).at(1, 15, 0, 0),
        tariff: Tariff::single("R9"),
    });
    assert_eq!(on(&document, "2026-10-25T00:14:59Z"), "R1");
    assert_eq!(on(&document, "2026-10-25T00:15:00Z"), "R9");
    assert_eq!(on(&document, "2026-10-25T01:05:00Z"), "R9");
}

#[test]
fn a_document_with_errors_has_nothing_on() {
    let mut document = london();
    document.tariff.weeks.clear();
    document.tariff.seasons[0].week = "nowhere".to_owned();
    let calendar = Calendar::new(&document).unwrap();
    let rate = calendar.rate("2026-06-01T12:00:00Z".parse().unwrap());
    assert_eq!((rate.day_type, rate.on.len()), (None, 0));
    document.tariff.seasons.clear();
    assert_eq!(Calendar::new(&document).unwrap().rate(Timestamp::UNIX_EPOCH).season, None);
}

#[test]
fn the_next_change_skips_switches_that_change_nothing() {
    let mut document = london();
    let calendar = Calendar::new(&document).unwrap();
    let (at, rate) = calendar.next_change("2026-06-01T12:00:00Z".parse().unwrap()).unwrap();
    assert_eq!((at.to_string().as_str(), rate.on), ("2026-06-01T23:00:00Z", &["R1".to_owned()][..]));
    document.tariff.day_types[0].switches[1].on = vec!["R1".to_owned()];
    assert_eq!(Calendar::new(&document).unwrap().next_change(at), None);
}

#[test]
fn the_edges_of_time_make_no_panic() {
    let calendar = Calendar::new(&london()).unwrap();
    for at in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(calendar.rate(at).on.len(), 1);
        assert!(calendar.next_change(at).is_some() || at == Timestamp::MAX);
    }
}

proptest! {
    #[test]
    fn the_fast_way_and_the_slow_way_agree(
        document in testing::document(),
        seconds in proptest::collection::vec(1_735_000_000i64..1_840_000_000, 20),
        locals in proptest::collection::vec(testing::near_time(), 4),
    ) {
        let calendar = Calendar::new(&document).unwrap();
        let zone = TimeZone::get(&document.time_zone).unwrap();
        let mut instants: Vec<Timestamp> = seconds.into_iter().map(instant_of).collect();
        instants.extend(locals.into_iter().map(|local| zone.to_timestamp(local).unwrap()));
        // Around each clock change, where mistakes live.
        let first = instants[0];
        instants.extend(zone.following(first).take(2).flat_map(|change| {
            [-3600i64, -1800, -1, 0, 1, 1799, 3599].map(|off| instant_of(change.timestamp().as_second() + off))
        }));
        instants.extend(calendar.activation().into_iter().flat_map(|at| [at, at - 1.second(), at + 1.hour()]));
        for at in instants {
            prop_assert_eq!(fast(&calendar, at), slow(&document, at), "{}", at);
        }
    }

    #[test]
    fn between_two_stretches_nothing_changes(document in testing::document(), start in 1_735_000_000i64..1_830_000_000) {
        let calendar = Calendar::new(&document).unwrap();
        let (from, to) = (instant_of(start), instant_of(start + 10 * DAY_S));
        let stretches: Vec<(Timestamp, State)> = calendar.stretches(from, to).collect();
        prop_assert_eq!(stretches[0].0, from);
        let mut index = 0;
        for minute in 0..10 * 24 * 60 / 7 {
            let at = instant_of(start + minute * 7 * 60);
            while stretches.get(index + 1).is_some_and(|next| next.0 <= at) {
                index += 1;
            }
            prop_assert_eq!(calendar.state(at), stretches[index].1, "{}", at);
        }
    }
}
