//! Schemes there and back, alone and beside another one.

use jiff::civil::date;
use proptest::prelude::*;

use super::layout::special_rows;
use super::{Ground, Layout, Meaning, Means, Seen, dates};
use crate::model::Obis;
use crate::model::tariff::{CalendarTables, TariffTables};
use crate::model::template::SchemeObjects;
use crate::scheme::document::{Document, WeekOfMonth};
use crate::scheme::{compare, testing};

fn objects() -> SchemeObjects {
    SchemeObjects::default()
}

fn lay_out(document: &Document, standing: &TariffTables, kept: &[&CalendarTables], means: Means) -> Layout {
    let objects = objects();
    let ground = Ground { standing, kept, means, objects: &objects, classes: &[], today: date(2026, 11, 22) };
    ground.lay_out(document, &document.tariff).unwrap()
}

/// What stands in a meter while a new calendar waits beside the one in force.
fn beside(standing: &TariffTables, layout: &Layout) -> TariffTables {
    let objects = objects();
    let ground = Ground {
        standing,
        kept: &[&standing.active],
        means: Means::Masks,
        objects: &objects,
        classes: &[],
        today: date(2026, 11, 22),
    };
    let mut days = ground.kept_special_days();
    days.extend(&layout.special_days);
    TariffTables {
        active: standing.active.clone(),
        passive: layout.calendar.clone(),
        special_days: special_rows(&days),
        scripts: layout.scripts.clone(),
        activation: layout.activation.clone(),
        ..TariffTables::default()
    }
}

fn activated(tables: &TariffTables) -> TariffTables {
    TariffTables { active: tables.passive.clone(), ..tables.clone() }
}

fn written(document: &Document) -> TariffTables {
    let nothing = TariffTables::default();
    activated(&beside(&nothing, &lay_out(document, &nothing, &[], Means::Masks)))
}

fn read(tables: &TariffTables, reference: Option<&Document>) -> (Document, Vec<String>) {
    let objects = objects();
    let seen = Seen {
        tables,
        objects: &objects,
        registers: &[],
        reference,
        template: "dlms-generic",
        time_zone: "Europe/London",
    };
    let found = seen.read();
    (found.document, found.oddities)
}

fn meaning(document: &Document) -> Meaning {
    Meaning::of(&document.tariff, &document.registers)
}

/// Special days of the past are dropped from a tariff that goes on to hold.
fn without_past(document: &Document) -> Document {
    let mut document = document.clone();
    document
        .tariff
        .special_days
        .retain(|special| special.date.last().is_none_or(|last| last >= date(2026, 11, 22)));
    document
}

proptest! {
    #[test]
    fn what_is_read_back_means_what_was_written(document in testing::document()) {
        let (found, oddities) = read(&written(&document), None);
        prop_assert_eq!(oddities, Vec::<String>::new());
        prop_assert_eq!(meaning(&found), meaning(&document));
        prop_assert_eq!(found.identity, document.identity);
    }

    #[test]
    fn what_is_read_back_beside_its_own_file_is_the_file(document in testing::document()) {
        let document = Document { latent: None, ..document };
        let (found, _) = read(&written(&document), Some(&document));
        prop_assert_eq!(compare(&document, &found), []);
    }

    #[test]
    fn a_calendar_that_waits_changes_nothing_and_one_that_takes_over_changes_everything(
        old in testing::document(), new in testing::document(), next in testing::document(),
    ) {
        let mut standing = written(&old);
        let mut before = old;
        for new in [new, next] {
            let layout = lay_out(&new, &standing, &[&standing.active], Means::Masks);
            let waiting = beside(&standing, &layout);
            prop_assert_eq!(meaning(&read(&waiting, None).0), meaning(&without_past(&before)));
            let done = activated(&waiting);
            prop_assert_eq!(meaning(&read(&done, None).0), meaning(&new));
            // Nothing is cleared away here: the next one has to find its place all the same.
            standing = done;
            before = new;
        }
    }

    #[test]
    fn scripts_that_cannot_be_changed_are_found_by_what_they_do(document in testing::document()) {
        let standing = written(&document);
        let layout = lay_out(&document, &standing, &[], Means::Scripts);
        prop_assert_eq!((&layout.scripts, &layout.activation), (&None, &None));
        prop_assert_eq!(&layout.calendar.days, &standing.active.days);
    }

    #[test]
    fn any_octets_are_read_without_panic(bytes: [u8; 12], time: [u8; 4], date: [u8; 5]) {
        let _ = (dates::read_date(date), dates::read_season_start(bytes), dates::read_switch_time(time));
        let _ = (dates::read_execution_time((time, date)), dates::read_daylight_rule(bytes));
    }
}

#[test]
fn a_meter_with_rates_gets_the_rates_numbers() {
    let document = Document::blank("dlms-generic", "Europe/London");
    let layout = lay_out(&document, &TariffTables::default(), &[], Means::Rates);
    assert_eq!(layout.calendar.days[0].actions[0].script, 1);
    assert_eq!((layout.scripts, layout.activation), (None, None));
}

#[test]
fn two_rates_at_once_are_said_to_be_too_many_for_a_meter_with_rates() {
    let mut document = Document::blank("dlms-generic", "Europe/London");
    let mut second = document.registers.energy[0].clone();
    second.id = "R2".to_owned();
    second.obis = Obis::new(1, 0, 1, 8, 2, 255);
    document.registers.energy.push(second);
    document.tariff.day_types[0].switches[0].on.push("R2".to_owned());
    let (standing, objects) = (TariffTables::default(), objects());
    let ground = Ground {
        standing: &standing,
        kept: &[],
        means: Means::Rates,
        objects: &objects,
        classes: &[],
        today: date(2026, 11, 22),
    };
    let problems = ground.lay_out(&document, &document.tariff).unwrap_err();
    assert!(problems[0].contains("R1, R2 cannot be on together"), "{problems:?}");
}

#[test]
fn dates_are_written_as_the_blue_book_writes_them() {
    assert_eq!(dates::date("*-12-25".parse().unwrap()), [0xFF, 0xFF, 12, 25, 0xFF]);
    assert_eq!(dates::date("2027-03-26".parse().unwrap()), [0x07, 0xEB, 3, 26, 0xFF]);
    let start = dates::season_start("10-01".parse().unwrap());
    assert_eq!(start, [0xFF, 0xFF, 10, 1, 0xFF, 0, 0, 0, 0, 0x80, 0, 0xFF]);
    // A whole date may bear its own weekday, and no other.
    assert_eq!(
        dates::read_date([0x07, 0xEB, 3, 26, 5]).map(|date| date.to_string()).as_deref(),
        Some("2027-03-26")
    );
    assert_eq!(dates::read_date([0x07, 0xEB, 3, 26, 4]), None);
    assert_eq!(dates::read_date([0xFF, 0xFF, 3, 0xFE, 0xFF]), None);
}

#[test]
fn the_last_sunday_of_march_goes_there_and_back() {
    let rule = crate::scheme::DstRule {
        month: 3,
        week: WeekOfMonth::Last,
        weekday: jiff::civil::Weekday::Sunday,
        hour: 1,
    };
    let bytes = dates::daylight_rule(rule);
    assert_eq!(bytes, [0xFF, 0xFF, 3, 0xFE, 7, 1, 0, 0, 0, 0x80, 0, 0xFF]);
    assert_eq!(dates::read_daylight_rule(bytes), Some(rule));
    for week in WeekOfMonth::ALL {
        let rule = crate::scheme::DstRule { week: *week, ..rule };
        assert_eq!(dates::read_daylight_rule(dates::daylight_rule(rule)), Some(rule));
    }
}

#[test]
fn a_clock_that_shows_its_next_change_alone_tells_its_rule_all_the_same() {
    // 28 March 2027 and 31 October 2027, as London changes.
    for (bytes, month) in [
        ([0x07, 0xEB, 3, 28, 7, 1, 0, 0, 0, 0x80, 0, 0xFF], 3),
        ([0x07, 0xEB, 10, 31, 0xFF, 2, 0, 0, 0, 0xFF, 0xC4, 0x80], 10),
    ] {
        let rule = dates::read_daylight_rule(bytes).unwrap();
        assert_eq!(
            (rule.month, rule.week, rule.weekday),
            (month, WeekOfMonth::Last, jiff::civil::Weekday::Sunday)
        );
    }
}

#[test]
fn a_billing_date_goes_there_and_back() {
    for text in ["*-*-01T00:00:00", "2027-04-05T23:59:59", "*-06-*T06:00:00"] {
        let billing = text.parse().unwrap();
        assert_eq!(dates::read_execution_time(dates::execution_time(billing)), Some(billing));
    }
}
