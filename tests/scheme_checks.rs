//! Each code of the format page has a good and a bad file in `tests/schemes/`.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests, which may")]

use jiff::civil::{Date, date};
use meterwright::scheme::{self, Code, Severity};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const TODAY: Date = date(2026, 11, 22);

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/schemes/{name}.scheme.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a file's checks say, `line:column code place` each.
fn problems(name: &str) -> Vec<String> {
    let checked = scheme::check_file(&bytes(name), TODAY);
    let lines = checked.problems.iter().map(|problem| {
        let position = problem.position.expect("a problem of a file stands somewhere in it");
        format!("{}:{} {} {}", position.line, position.column, problem.code, problem.place)
    });
    lines.collect()
}

/// What is found in each bad file, in the order of the file, and nothing else.
const BAD: &[(Code, &[&str])] = &[
    (Code::Syntax, &["5:15 syntax "]),
    (Code::UnknownKey, &["33:9 unknown-key tariff.day_types[0].color"]),
    (
        Code::MissingKey,
        &["39:11 missing-key tariff.day_types[1].switches[1].on", "69:14 missing-key billing.button"],
    ),
    (
        Code::WrongType,
        &[
            "66:23 wrong-type demand.period_minutes",
            "84:20 wrong-type profile.follows_dst",
            "112:24 wrong-type transformers.ct.primary",
        ],
    ),
    (
        Code::BadValue,
        &[
            "3:15 bad-value identity",
            "7:16 bad-value time_zone",
            "10:101 bad-value registers.energy[0].colour",
            "39:19 bad-value tariff.day_types[1].switches[1].at",
            "71:7 bad-value billing.dates[0]",
        ],
    ),
    (
        Code::UndefinedReference,
        &[
            "6:15 undefined-reference template",
            "29:41 undefined-reference tariff.day_types[0].switches[1].on[1]",
            "52:66 undefined-reference tariff.weeks[0].days[6]",
            "57:67 undefined-reference tariff.seasons[1].week",
            "61:43 undefined-reference tariff.special_days[1].day_type",
            "81:7 undefined-reference profile.channels[0]",
        ],
    ),
    (
        Code::DuplicateId,
        &[
            "16:15 duplicate-id registers.demand[0].id",
            "30:41 undefined-reference tariff.day_types[0].switches[2].on[1]",
            "43:15 duplicate-id tariff.day_types[2].id",
            "53:15 duplicate-id tariff.weeks[1].id",
            "53:30 undefined-reference tariff.weeks[1].days[0]",
            "53:36 undefined-reference tariff.weeks[1].days[1]",
            "53:42 undefined-reference tariff.weeks[1].days[2]",
            "53:48 undefined-reference tariff.weeks[1].days[3]",
            "53:54 undefined-reference tariff.weeks[1].days[4]",
            "57:15 duplicate-id tariff.seasons[1].id",
            "57:67 undefined-reference tariff.seasons[1].week",
        ],
    ),
    (
        Code::DayStart,
        &[
            "13:7 never-used registers.energy[3]",
            "28:19 day-start tariff.day_types[0].switches[0].at",
            "37:21 day-start tariff.day_types[1].switches",
        ],
    ),
    (
        Code::SwitchOrder,
        &[
            "30:19 switch-order tariff.day_types[0].switches[2].at",
            "31:19 switch-order tariff.day_types[0].switches[3].at",
        ],
    ),
    (
        Code::NoEnergyRegister,
        &[
            "13:7 never-used registers.energy[3]",
            "39:34 no-energy-register tariff.day_types[1].switches[1].on",
        ],
    ),
    (Code::DoubleCount, &["39:34 double-count tariff.day_types[1].switches[1].on"]),
    (
        Code::NeverUsed,
        &[
            "14:7 never-used registers.energy[4]",
            "51:7 never-used tariff.day_types[3]",
            "62:7 never-used tariff.weeks[2]",
            "67:7 never-used tariff.seasons[2]",
        ],
    ),
    (Code::SeasonCover, &["58:49 season-cover tariff.seasons[2].starts"]),
    (Code::SpecialDayClash, &["63:17 special-day-clash tariff.special_days[3].date"]),
    (Code::SpecialDayPast, &["61:17 special-day-past tariff.special_days[1].date"]),
    (Code::SpecialDaysRunOut, &["59:21 special-days-run-out tariff.special_days"]),
    (
        Code::Limit,
        &[
            "9:15 limit registers.energy",
            "21:108 limit registers.demand[0].highest",
            "40:21 limit tariff.day_types[1].switches",
            "83:14 limit billing.dates",
        ],
    ),
    (
        Code::Period,
        &[
            "67:22 period demand.sub_intervals",
            "79:23 period profile.period_minutes",
            "87:23 period instrumentation.period_minutes",
        ],
    ),
    (Code::Dst, &["105:15 dst clock.dst.ends"]),
    (
        Code::Ratio,
        &[
            "112:42 ratio transformers.ct.secondary",
            "113:24 ratio transformers.vt.primary",
            "113:42 ratio transformers.vt.secondary",
        ],
    ),
    (Code::LatentPast, &["66:20 latent-past latent.activate_at"]),
];

#[test]
fn every_code_has_its_bad_file_in_the_table() {
    let codes: Vec<Code> = BAD.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, Code::ALL);
}

#[test]
fn a_bad_file_shows_all_that_is_wrong_with_it_and_where() {
    for (code, expected) in BAD {
        assert_eq!(problems(&format!("{code}.bad")), *expected, "{code}");
    }
}

#[test]
fn a_good_file_that_comes_close_shows_nothing() {
    for code in Code::ALL {
        assert_eq!(problems(&format!("{code}.good")), [""; 0], "{code}");
    }
}

#[test]
fn a_good_file_is_written_as_it_was_read() {
    for code in Code::ALL {
        let file = bytes(&format!("{code}.good"));
        let document = scheme::read(&file).unwrap_or_else(|problems| panic!("{code}: {problems:?}"));
        assert_eq!(scheme::write(&document), String::from_utf8(file).expect("UTF-8"), "{code}");
    }
}

#[test]
fn the_severities_are_those_of_the_format_page() {
    let warnings: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| code.severity() == Severity::Warning)
        .map(|code| code.word())
        .collect();
    assert_eq!(
        warnings,
        ["double-count", "never-used", "special-day-past", "special-days-run-out", "latent-past"]
    );
}

/// What the fuzz target does with octets: nothing here may panic, and what is written must be read again.
fn tried(octets: &[u8]) {
    const LOAD: &[u8] = b"end,active_import\n2026-11-22T00:30:00Z,500\n2026-11-22T01:00:00Z,700\n";
    let checked = scheme::check_file(octets, date(2026, 11, 22));
    if let Some(document) = &checked.document {
        let again = scheme::read(scheme::write(document).as_bytes()).expect("what was written is read");
        assert_eq!(&again, document);
        if !checked.has_errors() {
            let load = scheme::read_profile(LOAD).expect("a load profile");
            let _ = scheme::dry_run(document, &load, &[]);
        }
    }
    if let Ok(prices) = scheme::read_prices(octets) {
        assert_eq!(scheme::read_prices(scheme::write_prices(&prices).as_bytes()), Ok(prices));
    }
    let _ = scheme::read_profile(octets);
    let _ = scheme::read_events(octets);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_a_good_file_makes_anything_panic(
        code in select(Code::ALL.to_vec()),
        changes in proptest::collection::vec((any::<Index>(), select(b"\"{}[],:0123456789-*TR.e\\n ".to_vec())), 1..4),
        (cut, paste) in (any::<Index>(), any::<Index>()),
    ) {
        let mut octets = bytes(&format!("{code}.good"));
        for (place, octet) in changes {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        tried(&octets);
        // A line that stands somewhere else.
        let mut lines: Vec<&[u8]> = octets.split_inclusive(|octet| *octet == b'\n').collect();
        let line = lines.remove(cut.index(lines.len()));
        lines.insert(paste.index(lines.len() + 1), line);
        tried(&lines.concat());
    }
}
