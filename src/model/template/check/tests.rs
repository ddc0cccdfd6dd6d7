//! What a check finds, and where.

use proptest::prelude::*;

use super::*;
use crate::model::template::{describe, differences, fields, written};

/// A template with some more members.
fn with(members: &str) -> String {
    format!(
        "{{\n  \"format\": \"meterwright.template/1\",\n  \"name\": \"acme\",\n  \"title\": \"ACME\",\n  \
         \"family\": \"dlms\",\n  \"limits\": {{ \"seasons\": 2 }}{members}\n}}"
    )
}

/// The problems of a text, as they are printed.
fn told(text: &str) -> Vec<String> {
    check(text).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn shipped_templates_have_no_error() {
    for name in Template::shipped() {
        let entry = crate::model::Catalogue::default();
        let text = entry.entry(name).unwrap().text.to_owned();
        assert!(!check(&text).has_errors(), "{name}: {:?}", told(&text));
    }
}

#[test]
fn a_sound_template_has_no_problem() {
    assert_eq!(told(&with("")), [""; 0]);
    assert!(check(&with("")).template.is_some());
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    let text = with(",\n  \"association\": { \"max_pud\": 1024 }");
    let problem = &check(&text).problems[0];
    assert_eq!(problem.pointer, "/association/max_pud");
    assert_eq!(problem.position, Some(Position { line: 7, column: 31 }));
    assert_eq!(problem.code.word(), "unknown-key");
    assert!(problem.advice.contains("`max_pdu`"), "{problem}");
    let text = with(",\n  \"colour\": 1");
    assert!(told(&text)[0].contains("/colour: `colour` is no key"), "{:?}", told(&text));
}

#[test]
fn everything_wrong_is_told_in_one_pass_in_the_order_of_the_text() {
    let text = with(
        r#",
  "hdlc": { "window": 9, "info": "much" },
  "association": { "without": ["general-block-tranfer", "get", "get"] },
  "profiles": { "status_bits": { "64": "power-down", "1": "power-dwon" } },
  "objects": { "registers": ["1-0:1.8.0*255", "1-0:1.8.x"], "logs": ["0-0:99.98.0*255", "0-0:99.98.0*255"],
    "identity": [{ "obsi": "0-0:96.1.0*255", "as": "serial" }, { "obis": "0-0:96.1.1*255" }] },
  "event_texts": { "0-0:99.98.0": { "1": "Supply failed" }, "log": { "2": "" } }"#,
    );
    let checked = check(&text);
    let pointers: Vec<&str> = checked.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    for wanted in [
        "/hdlc/window",
        "/hdlc/info",
        "/association/without/0",
        "/association/without/2",
        "/profiles/status_bits/64",
        "/profiles/status_bits/1",
        "/objects/registers/1",
        "/objects/logs/1",
        "/objects/identity/0/obsi",
        "/objects/identity/1",
        "/event_texts/0-0:99.98.0",
        "/event_texts/log",
    ] {
        assert!(pointers.contains(&wanted), "{wanted} is not among {pointers:?}");
    }
    assert!(checked.problems.windows(2).all(|two| two[0].position <= two[1].position));
    assert!(checked.template.is_none());
}

#[test]
fn a_wrong_type_says_what_stands_there_and_what_is_allowed() {
    let text =
        with(",\n  \"hdlc\": { \"info\": \"much\", \"parameters\": \"propse\", \"disconnect_first\": 1 }");
    let all = told(&text).join("\n");
    assert!(all.contains("the text `much` stands here: allowed is a whole number from 0 to 65535"), "{all}");
    assert!(all.contains("allowed is propose, omit, force; write `propose` if that was meant"), "{all}");
    assert!(all.contains("the number 1 stands here: allowed is true or false"), "{all}");
}

#[test]
fn what_is_missing_or_of_another_format_is_told() {
    let all = told("{ \"format\": \"meterwright.template/2\", \"name\": \"a b\" }").join("\n");
    assert!(all.contains("`title` is missing") && all.contains("`family` is missing"), "{all}");
    assert!(all.contains("/format: `meterwright.template/2` stands here"), "{all}");
    assert!(all.contains("/name: a name has letters"), "{all}");
    assert!(told("[]")[0].contains("a template is an object"), "{:?}", told("[]"));
    assert!(told("{ // no\n}").iter().any(|one| one.contains("comment")), "{:?}", told("{ // no\n}"));
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    let text = with(
        r#",
  "association": { "pre_established": true, "dedicated_key": true },
  "objects": { "load_profiles": ["1-0:99.1.0*255"], "billing": ["1-0:99.1.0*255"] },
  "scheme": { "calendar": "0-0:11.0.0*255" }"#,
    );
    let all = told(&text).join("\n");
    assert!(all.contains("contradiction: /association/dedicated_key"), "{all}");
    assert!(all.contains("contradiction: /objects/billing/0"), "{all}");
    assert!(all.contains("contradiction: /scheme/special_days"), "{all}");
}

#[test]
fn a_template_without_limits_is_warned_of_before_it_programs_anything() {
    let text = with("").replace(",\n  \"limits\": { \"seasons\": 2 }", "");
    let checked = check(&text);
    assert_eq!(checked.problems[0].code.word(), "no-limits");
    assert!(!checked.has_errors() && checked.template.is_some());
    let empty = with("").replace("\"seasons\": 2", "\"profile_periods_minutes\": []");
    assert!(told(&empty)[0].contains("no period is allowed"), "{:?}", told(&empty));
}

#[test]
fn settings_without_effect_are_warnings() {
    let text = with(",\n  \"hdlc\": { \"parameters\": \"omit\", \"info\": 512 }");
    let checked = check(&text);
    assert_eq!(checked.problems[0].pointer, "/hdlc/info");
    assert!(!checked.has_errors());
}

#[test]
fn octets_that_are_no_utf8_are_told_with_their_place() {
    let checked = check_bytes(b"{\n \"title\": \"Caf\xE9\"}");
    assert_eq!(checked.problems[0].position, Some(Position { line: 2, column: 15 }));
    let large = vec![b' '; LARGEST + 1];
    assert!(check_bytes(&large).has_errors());
}

#[test]
fn every_field_of_the_table_is_one_of_the_format() {
    let whole = serde_json::to_value(Template::least()).unwrap();
    for field in fields::FIELDS {
        assert!(whole.pointer(field.pointer).is_some(), "{}", field.pointer);
    }
    assert_eq!(Template::least(), serde_json::from_value(whole).unwrap());
}

#[test]
fn every_group_begins_with_all_its_fields_and_reads() {
    for group in fields::FIELDS {
        let fields::Kind::Group { fields, .. } = group.kind else { continue };
        let first = group.first();
        let members = first.as_object().unwrap();
        assert_eq!(members.len(), fields.len(), "{}", group.pointer);
        let keys = fields.iter().map(|field| field.pointer.strip_prefix(group.pointer).unwrap());
        assert!(
            keys.clone().all(|key| members.contains_key(key.trim_start_matches('/'))),
            "{}",
            group.pointer
        );
        let (_, key) = group.pointer.rsplit_once('/').unwrap();
        let text = with(&format!(",\n  \"{}\": {{ \"{key}\": {first} }}", group.section()));
        assert!(!check(&text).has_errors(), "{:?}", told(&text));
    }
}

#[test]
fn what_is_wrong_with_elster_tables_and_image_signatures_is_told_where_it_stands() {
    let text = with(
        r#",
  "firmware": { "image_signature": { "offset": 63 } },
  "flag": {
    "ranges": ["050", "51"], "clock": 1000, "billing_reset": "012",
    "identity": [{ "id": 1798, "bytes": 16, "as": "serial" }],
    "ct": { "id": 6160, "form": "binary" },
    "layouts": [{ "name": "L", "tou": 8, "sums": 2, "devices": ["12"] }],
    "tables": [
      { "id": 507, "holds": "registers", "bytes": 65535,
        "registers": [{ "at": 0, "obis": "1.8.0" }, { "at": 65535, "obis": "2.8.0" }] }
    ]
  }"#,
    );
    let problems = check(&text).problems;
    let mut places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    places.sort_unstable();
    let wanted = [
        "/firmware/image_signature/offset",
        "/flag/billing_reset",
        "/flag/clock",
        "/flag/ct/id",
        "/flag/identity/0",
        "/flag/layouts/0",
        "/flag/ranges/1",
        "/flag/tables/0/registers/1",
    ];
    assert_eq!(places, wanted, "{problems:?}");
}

#[test]
fn what_is_written_reads_the_same_and_leaves_defaults_out() {
    for name in Template::shipped() {
        let template = Template::named(name).unwrap();
        let text = written(&template);
        assert_eq!(Template::parse(name, &text).unwrap(), template, "{text}");
        assert!(!text.contains("inter_octet_ms"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 240), "{text}");
    }
}

#[test]
fn words_say_everything_a_template_names() {
    let template = Template::named("dlms-idis").unwrap();
    let sections = describe(&template);
    let find = |label: &str| {
        let rows = sections.iter().flat_map(|section| &section.rows);
        rows.into_iter().find(|row| row.label == label).map(|row| row.value.clone())
    };
    assert_eq!(find("Register 1").as_deref(), Some("Active import energy (1-0:1.8.0)"));
    assert_eq!(find("Seasons").as_deref(), Some("4"));
    assert_eq!(find("Largest information field").as_deref(), Some("2030 octets"));
    assert!(sections.iter().any(|section| section.title == "Event texts" && section.rows.len() > 40));
}

#[test]
fn a_copy_differs_in_what_was_changed_and_nothing_else() {
    let before = Template::named("dlms-idis").unwrap();
    let mut after = before.clone();
    after.name = "acme".to_owned();
    after.association.max_pdu = 1024;
    after.objects.registers.remove(0);
    let log = after.event_texts.get_mut("0-0:99.98.0*255").unwrap();
    log.insert(200, "Cover opened".to_owned());
    let found = differences(&before, &after);
    let told: Vec<(&str, Option<&str>, Option<&str>)> =
        found.iter().map(|one| (one.pointer.as_str(), one.before.as_deref(), one.after.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("/association/max_pdu", Some("65535"), Some("1024")),
            ("/objects/registers", Some("1-0:1.8.0*255"), None),
            ("/event_texts/0-0:99.98.0*255/200", None, Some("Cover opened")),
        ]
    );
    assert_eq!(found[0].label, "Association: Largest message proposed");
    assert_eq!(differences(&before, &before), []);
}

#[test]
fn a_large_list_of_nonsense_is_told_of_in_reasonable_time() {
    let registers = vec!["\"x\""; 20_000].join(",");
    let checked = check(&with(&format!(",\n \"objects\": {{ \"registers\": [{registers}] }}")));
    assert_eq!(checked.problems[0].pointer, "/objects/registers");
}

proptest! {
    #[test]
    fn no_text_makes_the_check_panic(text in ".{0,200}") {
        let _ = check(&text);
    }

    #[test]
    fn no_change_of_a_template_makes_the_check_panic_or_pass_what_does_not_read(
        place in 0usize..4000,
        put in "[\\[\\]{}\",:a-z0-9 -]{0,4}",
    ) {
        let text = crate::model::Catalogue::default().entry("dlms-idis").unwrap().text.to_owned();
        let place = place % text.len();
        prop_assume!(text.is_char_boundary(place) && text.is_char_boundary(place + 1));
        let changed = format!("{}{put}{}", &text[..place], &text[place + 1..]);
        let checked = check(&changed);
        prop_assert_eq!(checked.template.is_some(), !checked.has_errors());
        if let Some(template) = &checked.template {
            prop_assert_eq!(&Template::parse("x", &written(template)).unwrap(), template);
        }
    }

    #[test]
    fn a_problem_lies_within_the_text(
        key in "[a-z_]{1,12}",
        value in prop_oneof!["[0-9]{1,12}", "\"[ -~&&[^\"\\\\]]{0,12}\"", Just("null".to_owned()), Just("[{}]".to_owned())],
    ) {
        let text = with(&format!(",\n  \"{key}\": {value}"));
        for problem in check(&text).problems {
            let position = problem.position.unwrap();
            prop_assert!(usize::try_from(position.line).unwrap() <= text.lines().count());
        }
    }
}
