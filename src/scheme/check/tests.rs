use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::scheme::document::{
    Billing, ClockFailureResponse, CustomerDefined, DatePattern, Latent, OutputFunction, Ratio, Source,
    SpecialDay,
};
use crate::scheme::{Output, Severity, testing, write};

const TODAY: Date = date(2026, 11, 22);

fn generic() -> Template {
    Template::named("dlms-generic").unwrap()
}

fn found(document: &Document) -> Vec<String> {
    let problems = check(document, &generic(), TODAY);
    problems.iter().map(|problem| format!("{} {}", problem.code, problem.place)).collect()
}

fn blank() -> Document {
    Document::blank("dlms-generic", "Europe/London")
}

#[test]
fn a_blank_scheme_has_no_problem() {
    assert_eq!(check(&blank(), &generic(), TODAY), []);
}

#[test]
fn times_off_the_meter_s_grid_are_over_its_limit() {
    let mut template = generic();
    template.limits.switching_grid_minutes = 15;
    let mut document = blank();
    let day = &mut document.tariff.day_types[0];
    for at in ["06:45", "07:40"] {
        let mut switch = day.switches[0].clone();
        switch.at = at.parse().unwrap();
        day.switches.push(switch);
    }
    let problems = check(&document, &template, TODAY);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].place, "tariff.day_types[0].switches[2].at");
    assert!(problems[0].message.contains("every 15 minutes"), "{}", problems[0].message);
}

#[test]
fn a_latent_tariff_is_checked_like_the_first_and_refused_where_the_meter_has_none() {
    let mut document = blank();
    document.latent =
        Some(Latent { activate_at: date(2028, 1, 1).at(0, 0, 0, 0), tariff: Tariff::single("R7") });
    assert_eq!(
        found(&document),
        [
            "undefined-reference latent.tariff.day_types[0].switches[0].on[0]",
            "no-energy-register latent.tariff.day_types[0].switches[0].on"
        ]
    );
    let mut template = generic();
    template.limits.latent = false;
    assert!(check(&document, &template, TODAY).iter().any(|problem| problem.place == "latent"));
}

#[test]
fn a_season_of_the_first_tariff_that_the_change_forestalls_is_never_used() {
    let mut document = blank();
    let mut summer = document.tariff.seasons[0].clone();
    summer.id = "S2".to_owned();
    summer.starts = "04-01".parse().unwrap();
    document.tariff.seasons[0].starts = "09-01".parse().unwrap();
    document.tariff.seasons.push(summer);
    document.latent =
        Some(Latent { activate_at: date(2027, 4, 1).at(0, 0, 0, 0), tariff: Tariff::single("R1") });
    assert_eq!(found(&document), ["never-used tariff.seasons[1]"]);
    document.latent.as_mut().unwrap().activate_at = date(2027, 4, 1).at(0, 1, 0, 0);
    assert_eq!(found(&document), [""; 0]);
}

#[test]
fn a_latent_tariff_ten_years_off_is_never_used() {
    let mut document = blank();
    document.latent =
        Some(Latent { activate_at: date(2099, 4, 1).at(0, 0, 0, 0), tariff: Tariff::single("R1") });
    assert_eq!(
        found(&document),
        [
            "never-used latent.tariff.day_types[0]",
            "never-used latent.tariff.weeks[0]",
            "never-used latent.tariff.seasons[0]"
        ]
    );
}

#[test]
fn seasons_that_each_start_once_leave_the_days_before_them_uncovered() {
    let mut document = blank();
    document.tariff.seasons[0].starts = "2020-01-01".parse().unwrap();
    assert_eq!(found(&document), ["season-cover tariff.seasons"]);
    document.tariff.seasons.clear();
    assert_eq!(found(&document), ["season-cover tariff.seasons"]);
}

#[test]
fn a_once_only_start_on_the_day_of_a_yearly_one_covers_that_day_twice() {
    let mut document = blank();
    let mut trial = document.tariff.seasons[0].clone();
    trial.id = "S2".to_owned();
    trial.starts = "2027-01-01".parse().unwrap();
    document.tariff.seasons.push(trial);
    assert_eq!(found(&document), ["season-cover tariff.seasons[1].starts"]);
}

#[test]
fn a_scheme_without_energy_registers_bills_nothing() {
    let mut document = blank();
    document.registers.energy.clear();
    document.tariff.day_types[0].switches[0].on.clear();
    assert_eq!(found(&document), ["no-energy-register registers.energy"]);
}

#[test]
fn values_that_only_an_editor_can_make_are_found_too() {
    let mut document = blank();
    document.identity = String::new();
    document.registers.energy[0].id = "R 1".to_owned();
    document.tariff.day_types[0].switches[0].on = vec!["R 1".to_owned()];
    document.demand.sub_intervals = 0;
    document.display.seconds = 0;
    document.billing = Billing { manual_lockout_minutes: 70_000, ..document.billing };
    document.clock_failure = ClockFailureResponse::BillThenFreeze;
    document.outputs = vec![Output {
        id: "O1".to_owned(),
        title: String::new(),
        function: OutputFunction::Pulse { source: Source::ActiveImport, pulses_per_kilo: 0 },
    }];
    assert_eq!(
        found(&document),
        [
            "bad-value identity",
            "bad-value registers.energy[0].id",
            "bad-value demand.sub_intervals",
            "bad-value billing.manual_lockout_minutes",
            "bad-value display.seconds",
            "bad-value outputs[0].pulses_per_kilo"
        ]
    );
}

#[test]
fn a_sum_adds_measured_sources_of_one_unit_once_each() {
    let mut document = blank();
    document.registers.customer_defined = vec![CustomerDefined {
        id: "C1".to_owned(),
        title: String::new(),
        sources: vec![
            Source::ActiveImport,
            Source::ReactiveQ1,
            Source::CustomerDefined(1),
            Source::ActiveImport,
            Source::Input(1),
        ],
    }];
    assert_eq!(
        found(&document),
        [
            "bad-value registers.customer_defined[0].sources[1]",
            "bad-value registers.customer_defined[0].sources[2]",
            "duplicate-id registers.customer_defined[0].sources[3]"
        ]
    );
}

#[test]
fn two_registers_cannot_be_one_object() {
    let mut document = blank();
    let mut twin = document.registers.energy[0].clone();
    twin.id = "R2".to_owned();
    twin.source = Source::ActiveExport;
    document.registers.energy.push(twin);
    document.tariff.day_types[0].switches[0].on.push("R2".to_owned());
    assert_eq!(found(&document), ["duplicate-id registers.energy[1].obis"]);
}

#[test]
fn naming_a_sum_in_a_switch_says_that_it_counts_always() {
    let mut document = blank();
    document.registers.customer_defined = vec![CustomerDefined {
        id: "C1".to_owned(),
        title: String::new(),
        sources: vec![Source::ActiveImport],
    }];
    document.tariff.day_types[0].switches[0].on.push("C1".to_owned());
    let problems = check(&document, &generic(), TODAY);
    assert!(problems[0].message.contains("counts always"), "{problems:?}");
}

#[test]
fn a_ratio_that_leaves_the_plate_blank_or_is_the_wrong_way_round_is_refused() {
    let mut document = blank();
    let ratio =
        |primary: &str, secondary: &str| Ratio::new(primary.parse().unwrap(), secondary.parse().unwrap());
    document.transformers.ct = ratio("0", "5");
    document.transformers.vt = ratio("110", "11000");
    assert_eq!(found(&document), ["ratio transformers.ct.primary", "ratio transformers.vt.secondary"]);
    document.transformers.ct = ratio("0.05", "0.01");
    document.transformers.vt = ratio("123456789", "1234567890");
    assert_eq!(found(&document), ["ratio transformers.vt.secondary", "ratio transformers.vt.secondary"]);
}

#[test]
fn thousands_of_special_days_are_refused_without_being_compared() {
    let mut document = blank();
    let date: DatePattern = "*-12-25".parse().unwrap();
    document.tariff.special_days = vec![SpecialDay { date, day_type: "D1".to_owned() }; 20_000];
    let problems = check(&document, &generic(), TODAY);
    assert!(problems.iter().any(|problem| problem.code == Code::Limit));
}

#[test]
fn a_file_that_is_not_utf_8_names_the_byte() {
    let checked = check_file(b"{\n \"title\": \"Caf\xE9\"}", TODAY);
    assert_eq!(checked.document, None);
    let problem = &checked.problems[0];
    assert_eq!(problem.position, Some(Position { line: 2, column: 15 }));
    assert!(problem.to_string().starts_with("2:15: error: syntax: the byte E9"), "{problem}");
}

#[test]
fn a_slip_does_not_hide_what_else_is_wrong_and_raises_no_false_alarm() {
    let mut document = blank();
    document.identity = "too long an identity".to_owned();
    document.tariff.seasons[0].week = "W9".to_owned();
    let text = write(&document)
        .replace("\"colour\": \"#0072b2\"", "\"colour\": 7")
        .replace("\"at\": \"00:00\"", "\"at\": 0")
        .replace("\"seconds\": 6", "\"second\": 6");
    let checked = check_file(text.as_bytes(), TODAY);
    let found: Vec<String> =
        checked.problems.iter().map(|problem| format!("{} {}", problem.code, problem.place)).collect();
    assert_eq!(
        found,
        [
            "bad-value identity",
            "wrong-type registers.energy[0].colour",
            "wrong-type tariff.day_types[0].switches[0].at",
            "undefined-reference tariff.seasons[0].week",
            "missing-key display.seconds",
            "unknown-key display.second",
        ]
    );
}

#[test]
fn an_unreadable_register_id_accuses_nobody_else() {
    let text = write(&blank()).replace("\"id\": \"R1\"", "\"id\": 1");
    let checked = check_file(text.as_bytes(), TODAY);
    let found: Vec<&str> = checked.problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(found, ["registers.energy[0].id"]);
}

/// Takes the member at a place out of a parsed file; a place that ends in an index is left alone.
fn without(value: &mut serde_json::Value, place: &str) -> bool {
    let pointer = format!("/{}", place.replace(['.', '['], "/").replace(']', ""));
    let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
    let parent = if parent.is_empty() { Some(value) } else { value.pointer_mut(parent) };
    parent.and_then(|parent| parent.as_object_mut()).and_then(|members| members.shift_remove(key)).is_some()
}

#[test]
fn every_key_but_latent_is_missed_at_its_own_place() {
    let mut document = blank();
    document.latent =
        Some(Latent { activate_at: date(2028, 1, 1).at(0, 0, 0, 0), tariff: Tariff::single("R1") });
    let text = write(&document);
    let places: Vec<String> = read_text(&text).positions.into_keys().collect();
    let mut keys = 0;
    for place in places.iter().filter(|place| *place != "latent") {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        if !without(&mut value, place) {
            continue;
        }
        keys += 1;
        let checked = check_file(value.to_string().as_bytes(), TODAY);
        let missing = |problem: &Problem| problem.code == Code::MissingKey && problem.place == *place;
        assert!(checked.problems.iter().any(missing), "{place}: {:?}", checked.problems);
        assert!(checked.problems.len() == 1, "{place}: {:?}", checked.problems);
    }
    assert!(keys > 60, "{keys}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_written_the_same(document in testing::any_document()) {
        let text = write(&document);
        let back = read(text.as_bytes());
        prop_assert_eq!(back.as_ref(), Ok(&document));
        prop_assert_eq!(write(&back.unwrap()), text);
    }

    #[test]
    fn a_sound_scheme_has_no_errors(document in testing::document()) {
        let problems = check(&document, &generic(), date(2025, 1, 1));
        let errors: Vec<_> = problems.iter().filter(|problem| problem.severity() == Severity::Error).collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn no_scribble_over_a_file_makes_the_checks_panic(
        document in testing::any_document(),
        scribbles in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..3), 1..6),
    ) {
        let mut bytes = write(&document).into_bytes();
        for (at, byte, cut) in scribbles {
            let at = at.index(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, [byte]);
        }
        let _ = check_file(&bytes, TODAY);
    }

    #[test]
    fn every_problem_of_a_file_has_a_position(document in testing::any_document()) {
        for problem in check_file(write(&document).as_bytes(), TODAY).problems {
            prop_assert!(problem.position.is_some(), "{problem}");
        }
    }
}

#[test]
fn a_root_on_one_side_of_a_plate_is_kept_exactly_and_comes_back_from_the_file() {
    let mut document = blank();
    for text in ["110000/√3:110", "20000/√3:100/3", "110000:100/√3"] {
        document.transformers.vt = text.parse().unwrap();
        let file = write(&document);
        let back = crate::scheme::check_file(file.as_bytes(), TODAY).document.unwrap();
        assert_eq!(back.transformers.vt, document.transformers.vt, "{file}");
        assert_eq!(write(&back), file, "the same bytes");
        assert_eq!(found(&document), Vec::<String>::new());
    }
    // 1.2/√3 is less than 1.
    document.transformers.vt = "1.2/√3:1".parse().unwrap();
    let mut template = generic();
    template.limits.secondary_above_primary = false;
    let problems = check(&document, &template, TODAY);
    assert!(problems.iter().any(|problem| problem.code == Code::Ratio), "{problems:?}");
    let odd = write(&blank()).replacen("\"primary\": \"1\"", "\"primary\": \"1/√2\"", 1);
    let problems = crate::scheme::check_file(odd.as_bytes(), TODAY).problems;
    assert!(problems.iter().any(|problem| problem.message.contains("√3 or 3")), "{problems:?}");
}
