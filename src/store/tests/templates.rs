//! The store's own templates.

use crate::model::MeterConfig;
use crate::model::template::Origin;

use super::{Scratch, at};

const NOW: &str = "2026-11-22T12:00:00Z";

fn text(name: &str, title: &str) -> String {
    format!(
        r#"{{ "format": "meterwright.template/1", "name": "{name}", "title": "{title}", "family": "dlms" }}"#
    )
}

#[test]
fn an_own_template_stands_beside_those_that_ship_and_counts_its_versions() {
    let mut scratch = Scratch::new();
    let store = &mut scratch.store;
    store.set_actor("Ada");
    let origin = Origin { copied_from: Some("dlms-idis".to_owned()), ..Origin::default() };
    store.put_template(at(NOW), "acme", &text("acme", "One"), Some(&origin), None).unwrap();
    store.put_template(at(NOW), "acme", &text("acme", "Two"), None, Some(1)).unwrap();
    let catalogue = store.catalogue().unwrap();
    assert_eq!(catalogue.named("acme").unwrap().title, "Two");
    assert_eq!(catalogue.named("dlms-idis").unwrap().name, "dlms-idis");
    let own = catalogue.entry("acme").unwrap().own.unwrap().clone();
    assert_eq!((own.version, own.changed_by.as_str(), own.origin), (2, "Ada", Some(origin)));
    let audit = store.audit_rows(2).unwrap();
    assert_eq!((audit[0].what.as_str(), audit[0].detail.as_str()), ("template changed", "acme, version 2"));
    assert_eq!(store.verify_audit().unwrap(), 2);
}

#[test]
fn two_people_do_not_write_over_each_other() {
    let mut scratch = Scratch::new();
    let store = &mut scratch.store;
    store.put_template(at(NOW), "acme", &text("acme", "One"), None, None).unwrap();
    store.put_template(at(NOW), "acme", &text("acme", "Two"), None, Some(1)).unwrap();
    let late = store.put_template(at(NOW), "acme", &text("acme", "Late"), None, Some(1)).unwrap_err();
    assert!(late.to_string().contains("meanwhile"), "{late}");
    let twin = store.put_template(at(NOW), "acme", &text("acme", "Twin"), None, None).unwrap_err();
    assert!(twin.to_string().contains("another name"), "{twin}");
    assert_eq!(store.catalogue().unwrap().named("acme").unwrap().title, "Two");
}

#[test]
fn a_template_in_use_is_not_removed_and_the_meters_are_named() {
    let mut scratch = Scratch::new();
    let store = &mut scratch.store;
    store.put_template(at(NOW), "acme", &text("acme", "One"), None, None).unwrap();
    let mut config = MeterConfig::new("Kiln", "tcp://h:1".parse().unwrap());
    config.template = "acme".to_owned();
    let id = store.add_meter(&config).unwrap();
    let refused = store.remove_template(at(NOW), "acme").unwrap_err();
    assert!(refused.to_string().contains("1 meter (Kiln)"), "{refused}");
    config.template = "dlms-generic".to_owned();
    store.update_meter(id, &config).unwrap();
    store.remove_template(at(NOW), "acme").unwrap();
    assert!(store.catalogue().unwrap().named("acme").is_err());
    assert!(store.remove_template(at(NOW), "acme").is_err());
    store.put_template(at(NOW), "acme", &text("acme", "New"), None, None).unwrap();
    assert_eq!(store.catalogue().unwrap().entry("acme").unwrap().own.unwrap().version, 1);
}

#[test]
fn a_template_that_does_not_read_is_an_error_only_for_whoever_asks_for_it() {
    let mut scratch = Scratch::new();
    scratch.store.put_template(at(NOW), "odd", "{ \"newer\": 1 }", None, None).unwrap();
    let catalogue = scratch.store.catalogue().unwrap();
    assert!(catalogue.named("odd").unwrap_err().to_string().contains("odd"));
    assert!(catalogue.named("dlms-generic").is_ok());
    assert!(catalogue.entries().any(|entry| entry.name == "odd" && entry.template.is_err()));
}
