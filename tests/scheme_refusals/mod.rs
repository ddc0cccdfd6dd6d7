//! Meters that refuse a part of the sequence, or keep something else than was written: after each the message says
//! what now stands, one tariff is in force whole, and the next run finishes.

use std::cell::Cell;
use std::rc::Rc;

use meterwright::drivers::Activation;
use meterwright::model::{Blame, Fault, Obis};
use meterwright::scheme::{self, Document};
use meterwright::simulator::SharedMeter;

use crate::driver_support::{Line, NOW, Tamper, Way, instant, meter};
use crate::{evenings, meaning, read, winter_and_summer, write, write_over};

const CALENDAR: &str = "0-0:13.0.0*255";
const SPECIAL_DAYS: &str = "0-0:11.0.0*255";
const SCRIPTS: &str = "0-0:10.0.100*255";
const ACTIVATION: &str = "0-0:14.0.0*255";
const SCHEDULE: &str = "0-0:15.0.0*255";

/// Data-access-result 3, read-write-denied, to a set request.
fn refused(request: &[u8]) -> Vec<u8> {
    vec![0xC5, 0x01, request[2], 0x03]
}

/// Whether a request sets an attribute, or begins to.
fn sets(request: &[u8], class_id: u16, obis: &str, attribute: u8) -> bool {
    let obis: Obis = obis.parse().unwrap();
    let descriptor = [&class_id.to_be_bytes()[..], &obis.0, &[attribute]].concat();
    request.first() == Some(&0xC1) && request.get(3..12) == Some(&descriptor[..])
}

/// A request of the activation of the passive calendar.
fn activates(request: &[u8]) -> bool {
    request.first() == Some(&0xC3)
}

/// Writes the second scheme over the first one, with somebody on the line.
fn tampered(old: &Document, new: &Document, tamper: Tamper) -> (SharedMeter, Result<(), Fault>, usize) {
    let meter = meter();
    write(&meter, old, Activation::Now);
    let mut line = Line::new(&meter, instant(NOW), None);
    line.tamper = Some(tamper);
    let (done, sink, _) = write_over(line, new, Activation::Now);
    (meter, done, sink.wrote.len())
}

fn is_in_force(meter: &SharedMeter, document: &Document) -> bool {
    let stands = read(meter, None);
    meaning(&stands) == meaning(document) && stands.identity == document.identity
}

/// The next run, with nobody on the line, finishes.
fn finishes(meter: &SharedMeter, document: &Document) {
    write(meter, document, Activation::Now);
    assert_eq!(scheme::compare(document, &read(meter, Some(document))), []);
}

/// The meter refuses to have one attribute set.
fn refuses_beside(class_id: u16, obis: &str, attribute: u8) {
    let (old, mut new) = (winter_and_summer(), evenings());
    // Another set of registers at once, so that scripts and masks are written too.
    new.tariff.day_types[1].switches[0].on = vec!["R2".to_owned(), "M1".to_owned()];
    let times = Rc::new(Cell::new(0));
    let (counted, name) = (Rc::clone(&times), obis.to_owned());
    let tamper = move |request: &[u8]| {
        if sets(request, class_id, &name, attribute) {
            counted.set(counted.get() + 1);
            return Way::Answered(refused(request));
        }
        Way::Through
    };
    let (meter, done, _) = tampered(&old, &new, Box::new(tamper));
    let fault = done.unwrap_err();
    assert_eq!((times.get(), fault.blame), (1, Blame::Meter), "{fault}");
    assert!(fault.message.contains("the tariff in force is unchanged"), "{fault}");
    assert!(fault.message.contains(obis.trim_end_matches("*255")), "{fault}");
    assert!(is_in_force(&meter, &old), "attribute {attribute} of {obis}");
    finishes(&meter, &new);
}

#[test]
fn a_meter_that_refuses_a_table_beside_the_tariff_keeps_the_old_one() {
    for attribute in [6, 9] {
        refuses_beside(20, CALENDAR, attribute);
    }
    refuses_beside(11, SPECIAL_DAYS, 2);
    refuses_beside(9, SCRIPTS, 2);
    refuses_beside(6, ACTIVATION, 3);
}

/// The octets of a set request with one bit of a start time turned over.
fn one_bit_off(request: &[u8]) -> Vec<u8> {
    let mut other = request.to_vec();
    let start = other.windows(2).rposition(|pair| pair == [0x09, 0x04]).unwrap();
    other[start + 3] ^= 0x01;
    other
}

#[test]
fn a_meter_that_keeps_a_day_profile_with_one_bit_off_is_found_out_and_keeps_the_old_tariff() {
    let (old, new) = (winter_and_summer(), evenings());
    let tamper = |request: &[u8]| {
        if sets(request, 20, CALENDAR, 9) { Way::Instead(one_bit_off(request)) } else { Way::Through }
    };
    let (meter, done, _) = tampered(&old, &new, Box::new(tamper));
    let fault = done.unwrap_err();
    assert!(
        fault.message.contains("the passive day profiles") && fault.message.contains("does not read back"),
        "{fault}"
    );
    assert!(fault.message.contains("the tariff in force is unchanged"), "{fault}");
    assert!(is_in_force(&meter, &old));
    finishes(&meter, &new);
}

#[test]
fn a_meter_that_refuses_the_activation_keeps_the_old_tariff() {
    let (old, new) = (winter_and_summer(), evenings());
    let tamper = |request: &[u8]| {
        // Action-result 3, read-write-denied.
        if activates(request) {
            Way::Answered(vec![0xC7, 0x01, request[2], 0x03, 0x00])
        } else {
            Way::Through
        }
    };
    let (meter, done, _) = tampered(&old, &new, Box::new(tamper));
    let fault = done.unwrap_err();
    assert!(fault.message.contains("activating the passive calendar"), "{fault}");
    assert!(fault.message.contains("either the old tariff or the new one is in force, whole"), "{fault}");
    assert!(is_in_force(&meter, &old));
    finishes(&meter, &new);
}

#[test]
fn a_meter_that_says_it_has_activated_and_has_not_is_found_out() {
    let (old, new) = (winter_and_summer(), evenings());
    let tamper = |request: &[u8]| {
        if activates(request) {
            Way::Answered(vec![0xC7, 0x01, request[2], 0x00, 0x00])
        } else {
            Way::Through
        }
    };
    let (meter, done, _) = tampered(&old, &new, Box::new(tamper));
    let fault = done.unwrap_err();
    assert!(fault.message.contains("another one is in force"), "{fault}");
    assert!(is_in_force(&meter, &old));
    finishes(&meter, &new);
}

#[test]
fn a_meter_that_refuses_the_activation_and_does_it_has_done_it() {
    let (old, new) = (winter_and_summer(), evenings());
    let tamper = |request: &[u8]| {
        if activates(request) { Way::Done(vec![0xC7, 0x01, request[2], 0x03, 0x00]) } else { Way::Through }
    };
    let (meter, done, _) = tampered(&old, &new, Box::new(tamper));
    done.unwrap();
    assert!(is_in_force(&meter, &new));
    assert_eq!(scheme::compare(&new, &read(&meter, Some(&new))), []);
}

/// Another billing date beside another tariff.
fn evenings_at_noon() -> Document {
    let mut document = evenings();
    document.billing.dates = vec!["*-*-15T12:00:00".parse().unwrap()];
    document
}

#[test]
fn a_setting_that_is_refused_leaves_the_new_tariff_in_force_and_says_so() {
    let (old, new) = (winter_and_summer(), evenings_at_noon());
    let tamper = |request: &[u8]| {
        if sets(request, 22, SCHEDULE, 4) { Way::Answered(refused(request)) } else { Way::Through }
    };
    let (meter, done, wrote) = tampered(&old, &new, Box::new(tamper));
    let fault = done.unwrap_err();
    assert!(fault.message.contains("writing billing.dates"), "{fault}");
    assert!(fault.message.contains("the new tariff is in force"), "{fault}");
    assert!(fault.advice.contains("restore what stood there before"), "{fault}");
    assert!(wrote > 0 && is_in_force(&meter, &new));
    assert_eq!(read(&meter, None).billing.dates, old.billing.dates);
    finishes(&meter, &new);
}

#[test]
fn a_setting_that_reads_back_otherwise_leaves_the_new_tariff_in_force_and_says_so() {
    let (old, new) = (winter_and_summer(), evenings_at_noon());
    let tamper = |request: &[u8]| {
        if sets(request, 22, SCHEDULE, 4) { Way::Instead(one_bit_off(request)) } else { Way::Through }
    };
    let (meter, done, _) = tampered(&old, &new, Box::new(tamper));
    let fault = done.unwrap_err();
    assert!(
        fault.message.contains("billing.dates") && fault.message.contains("does not read back"),
        "{fault}"
    );
    assert!(fault.message.contains("the new tariff is in force"), "{fault}");
    assert!(is_in_force(&meter, &new));
    finishes(&meter, &new);
}

#[test]
fn what_was_kept_before_a_failure_is_what_stood_there() {
    let meter = meter();
    let (old, new) = (winter_and_summer(), evenings());
    write(&meter, &old, Activation::Now);
    let tamper = |request: &[u8]| {
        if activates(request) {
            Way::Answered(vec![0xC7, 0x01, request[2], 0x00, 0x00])
        } else {
            Way::Through
        }
    };
    let mut line = Line::new(&meter, instant(NOW), None);
    line.tamper = Some(Box::new(tamper));
    let (done, sink, _) = write_over(line, &new, Activation::Now);
    assert!(done.is_err() && sink.kept);
    write(&meter, &sink.stood.unwrap(), Activation::Now);
    assert_eq!(meaning(&read(&meter, None)), meaning(&old));
}
