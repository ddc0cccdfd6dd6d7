//! The ready-made schemes in `schemes/`.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests, which may")]

use std::path::PathBuf;

use jiff::civil::{Date, date};
use meterwright::scheme::{self, Document};

/// Every ready-made scheme: file name without its ending, text.
fn library() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemes");
    let files = std::fs::read_dir(&folder).expect("the folder of ready-made schemes");
    let mut library: Vec<(String, String)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let name = name.strip_suffix(".scheme.json").expect("NAME.scheme.json").to_owned();
            (name, std::fs::read_to_string(&path).expect("UTF-8"))
        })
        .collect();
    library.sort();
    library
}

fn documents() -> Vec<(String, Document)> {
    let read = |(name, text): (String, String)| {
        let document =
            scheme::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        (name, document)
    };
    library().into_iter().map(read).collect()
}

#[test]
fn there_are_schemes_for_the_usual_kinds_of_contract() {
    let names: Vec<String> = library().into_iter().map(|(name, _)| name).collect();
    for name in [
        "agricultural-pumping",
        "day-night",
        "evenings-and-weekends",
        "export",
        "four-seasons",
        "industrial-three-rate",
        "single-rate",
        "time-of-use-changeover",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn no_scheme_has_a_problem_for_years_to_come() {
    let days: [Date; 4] = [date(2025, 1, 1), date(2026, 11, 22), date(2028, 2, 29), date(2031, 12, 31)];
    for (name, text) in library() {
        for today in days {
            let problems = scheme::check_file(text.as_bytes(), today).problems;
            assert_eq!(problems, [], "{name} on {today}");
        }
    }
}

#[test]
fn every_scheme_is_written_as_the_program_writes_it() {
    for ((name, text), (_, document)) in library().into_iter().zip(documents()) {
        assert_eq!(scheme::write(&document), text, "{name}");
    }
}

#[test]
fn every_scheme_says_whom_it_is_for_under_an_identity_of_its_own() {
    let documents = documents();
    let mut identities: Vec<&str> = Vec::new();
    for (name, document) in &documents {
        assert!(document.note.starts_with("For "), "{name}: {}", document.note);
        assert!(!document.title.is_empty(), "{name}");
        assert!(!identities.contains(&document.identity.as_str()), "{name}: {}", document.identity);
        identities.push(&document.identity);
    }
}

#[test]
fn the_meter_s_clock_keeps_the_customer_s_time_in_every_scheme() {
    for (name, document) in documents() {
        assert_eq!(scheme::disagreement(&document, date(2026, 1, 1)), None, "{name}");
    }
}

#[test]
fn a_year_through_every_scheme_loses_nothing() {
    let mut csv = String::from("end,active_import,active_export,reactive_import,reactive_export\n");
    let mut at: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    for index in 0..17_520 {
        at += jiff::SignedDuration::from_mins(30);
        csv.push_str(&format!("{at},{}.{},{},7,0.125\n", 1000 + index % 977, index % 10, index % 31));
    }
    let profile = scheme::read_profile(csv.as_bytes()).expect("a profile");
    for (name, document) in documents() {
        let run = scheme::dry_run(&document, &profile, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
        for total in &run.totals {
            let values = run.registers.iter().zip(&document.registers.energy);
            let of_source = values.filter(|(_, register)| register.source == total.source);
            let sum = of_source
                .map(|(value, _)| value.value.expect("it is measured"))
                .reduce(|sum, value| sum.checked_add(value).expect("few digits"));
            assert!(sum.is_none_or(|sum| sum == total.value), "{name}: {}", total.source);
        }
        assert!(run.billing_sets.len() >= 12, "{name}");
    }
}
