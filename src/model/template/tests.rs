//! Templates that are read, and those that are refused.

use super::*;
use crate::model::IntervalStatus;

#[test]
fn every_shipped_template_reads_and_bears_its_own_name() {
    for name in Template::shipped() {
        assert_eq!(Template::named(name).unwrap().name, name);
    }
}

#[test]
fn what_a_template_leaves_out_of_its_profiles_is_as_careful_as_can_be() {
    let text = r#"{"format": "meterwright.template/1", "name": "x", "title": "X", "family": "dlms",
        "profiles": {"null_value": "repeat", "status_objects": ["0-0:96.10.7"]},
        "objects": {"scalers": {"1-0:31.7.0": {"scaler": -4, "unit": 33}}}}"#;
    let template = Template::parse("x", text).unwrap();
    let current = template.objects.scalers[&Obis::new(1, 0, 31, 7, 0, 255)];
    assert_eq!((current.scaler, current.unit), (-4, crate::model::Unit::A));
    let profiles = template.profiles;
    assert_eq!(profiles.null_value, NullValue::Repeat);
    assert_eq!(profiles.status_objects, [Obis::new(0, 0, 96, 10, 7, 255)]);
    assert_eq!(profiles.days_per_request, 31);
    assert_eq!(ProfileTuning::default().null_value, NullValue::Absent);
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    let text = "{\n \"format\": \"meterwright.template/1\",\n \"colour\": 1\n}";
    let error = Template::parse("x", text).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("colour"), "{error}");
}

#[test]
fn an_unknown_template_names_those_that_exist() {
    let error = Template::named("x9000").unwrap_err().to_string();
    assert!(error.contains("dlms-generic"), "{error}");
}

#[test]
fn status_bits_become_flags_and_unnamed_bits_are_not_lost() {
    let template = Template::named("dlms-generic").unwrap();
    assert_eq!(template.profiles.status(0x80), IntervalStatus::POWER_DOWN);
    assert!(template.profiles.status(1 << 40).contains(IntervalStatus::UNNAMED));
}
