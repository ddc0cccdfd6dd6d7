//! Days as a wall clock at the meter shows them, through reading, showing and exporting.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli_support;

use std::net::{Ipv4Addr, SocketAddr};

use cli_support::Program;
use meterwright::simulator::{Fleet, FleetOptions, Framing, SimulationClock, World};
use serde_json::{Value, json};

/// A meter in London whose time stands still a week after a clock change.
fn standing_still(at: &str) -> Fleet {
    let options = FleetOptions {
        meters: 1,
        template: "dlms-generic".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        framing: Framing::Wrapper,
        seed: 7,
        faults: Vec::new(),
    };
    let world = World { clock: SimulationClock::Fixed(at.parse().unwrap()), ..World::default() };
    Fleet::start_in(&options, &world).unwrap()
}

#[test]
fn a_day_has_as_many_half_hours_as_the_wall_clock_makes_it() {
    for (now, day, next, half_hours) in [
        ("2026-04-05T10:00:00Z", "2026-03-29", "2026-03-30", 46),
        ("2026-11-01T10:00:00Z", "2026-10-25", "2026-10-26", 50),
        ("2026-11-01T10:00:00Z", "2026-10-27", "2026-10-28", 48),
    ] {
        let fleet = standing_still(now);
        let mut program = Program::new();
        let meter = &fleet.meters()[0];
        program.add(&meter.config, &meter.secrets);
        let name = meter.config.name.as_str();
        program.ok(&["read", name, "--what", "profile", "--from", day, "--to", next]);
        let shown = program.json(&["show", "profile", name, "--from", day, "--to", next], 0);
        let rows = shown["rows"].as_array().unwrap();
        assert_eq!(rows.len(), half_hours, "{day}");
        assert_eq!(shown["stamp"], "interval-end");
        // The first interval ends half an hour into the day, the last one at its midnight; no stamp comes twice.
        assert!(rows[0]["local"].as_str().unwrap().starts_with(&format!("{day}T00:30:00")));
        assert!(rows[half_hours - 1]["local"].as_str().unwrap().starts_with(&format!("{next}T00:00:00")));
        let mut stamps: Vec<&str> = rows.iter().map(|row| row["local"].as_str().unwrap()).collect();
        stamps.dedup();
        assert_eq!(stamps.len(), half_hours);
        assert!(rows.iter().all(|row| row["values"][0].is_string()), "{day}");
    }
}

#[test]
fn a_second_read_of_a_meter_that_stands_still_stores_nothing() {
    let fleet = standing_still("2026-11-01T10:00:00Z");
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    let from = "2026-10-24T23:00:00Z";
    let first = program.json(&["read", "--all", "--what", "profile", "--from", from], 0);
    assert!(first["results"][0]["stored"]["intervals"].as_u64().unwrap() > 48 * 7);
    let second = program.json(&["read", "--all", "--what", "profile"], 0);
    assert_eq!(second["results"][0]["stored"]["intervals"], 0);
    assert!(second["results"][0]["bytes_received"].as_u64() < first["results"][0]["bytes_received"].as_u64());
}

#[test]
fn the_sheet_for_excel_has_a_mark_semicolons_and_decimal_commas_and_the_same_figures() {
    let fleet = standing_still("2026-11-01T10:00:00Z");
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    let period = ["--from", "2026-10-30", "--to", "2026-10-31"];
    program.ok(&[&["read", "--all", "--what", "profile"], &period[..]].concat());
    let export =
        |format| program.ok(&[&["export", "profile", "--all", "--format", format], &period[..]].concat());
    let (wide, excel) = (export("csv-wide"), export("csv-excel"));
    let excel = excel.strip_prefix('\u{FEFF}').unwrap();
    let rows = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("2026-")).map(str::to_owned).collect()
    };
    let (wide, excel) = (rows(&wide), rows(excel));
    assert_eq!((wide.len(), excel.len()), (48, 48));
    for (plain, local) in wide.iter().zip(&excel) {
        let figures = |row: &str, between: char| -> Vec<String> {
            row.split(between).skip(5).map(|cell| cell.replace(',', ".")).collect()
        };
        assert_eq!(figures(plain, ','), figures(local, ';'));
        assert!(local.split(';').skip(5).any(|cell| cell.contains(',')), "{local}");
    }
}

#[test]
fn missing_intervals_of_a_day_of_25_hours_are_shown_and_exported_with_their_reason() {
    let fleet = standing_still("2026-11-01T10:00:00Z");
    let mut program = Program::new();
    let meter = &fleet.meters()[0];
    program.add(&meter.config, &meter.secrets);
    let name = meter.config.name.as_str();
    // Midnight to one, and what ends after four: the doubled hour is missing.
    for (from, to) in
        [("2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z"), ("2026-10-25T04:00:00Z", "2026-10-26T00:00:00Z")]
    {
        program.ok(&["read", name, "--what", "profile", "--from", from, "--to", to]);
    }
    let day = ["--from", "2026-10-25", "--to", "2026-10-26"];
    let show = |more: &[&str]| program.json(&[&["show", "profile", name], &day[..], more].concat(), 0);
    let plain = show(&[]);
    assert_eq!((plain["rows"].as_array().unwrap().len(), &plain["missing"]), (42, &json!(8)));
    assert_eq!(
        (&plain["gaps"][0]["intervals"], &plain["gaps"][0]["reason"]),
        (&json!(8), &json!("not-asked"))
    );
    let whole = show(&["--gaps"]);
    let rows = whole["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 50);
    let missing: Vec<&Value> = rows.iter().filter(|row| row["gap"] == "not-asked").collect();
    assert_eq!(missing.len(), 8);
    assert_eq!(missing[0]["utc"], "2026-10-25T00:30:00Z");
    assert!(missing.iter().all(|row| row["quality"] == "missing" && row["values"][0].is_null()));
    let ended = program.run(&[&["export", "profile", name, "--format", "csv-wide"], &day[..]].concat());
    assert!(ended.err.contains("8 intervals missing have no row"), "{}", ended.err);
    let rows = |text: &str| text.lines().filter(|line| line.starts_with("2026-")).count();
    assert_eq!(rows(&ended.out), 42);
    let named =
        program.ok(&[&["export", "profile", name, "--format", "csv-wide", "--gaps"], &day[..]].concat());
    assert_eq!(rows(&named), 50);
    assert_eq!(named.lines().filter(|line| line.ends_with(",missing,not-asked")).count(), 8);
}
