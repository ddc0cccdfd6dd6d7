//! Values without codes, in the order of a push setup's object list.

use crate::model::{CaptureObject, Obis};
use crate::protocol::dlms::Data;

use super::super::objects::class;
use super::super::profile::columns::value_attribute;
use super::super::registers::scaler_attribute;
use super::super::values::scaler_unit;
use super::{Lists, MOST, PushedValue};

/// The values of a message by the only list that explains it; nothing where none does, or more than one with other
/// objects: a figure in another register's place would be worse than none.
pub(super) fn values(body: &Data, lists: &Lists) -> Option<Vec<PushedValue>> {
    let elements = body.elements().filter(|elements| elements.len() <= MOST)?;
    let mut fitting = lists.iter().filter(|(setup, list)| fits(**setup, list, elements));
    let (_, list) = fitting.next()?;
    if fitting.any(|(_, other)| other != list) {
        return None;
    }
    let mut values: Vec<PushedValue> = list
        .iter()
        .zip(elements)
        .filter(|(one, _)| one.attribute != 1)
        .map(|(one, value)| PushedValue {
            obis: one.obis,
            class_id: Some(one.class_id),
            attribute: value_attribute(one),
            value: value.clone(),
            scaler: None,
        })
        .collect();
    let is_scaler = |one: &PushedValue| {
        one.class_id.and_then(scaler_attribute).is_some_and(|number| number == one.attribute)
    };
    let (scalers, mut figures): (Vec<_>, Vec<_>) = values.drain(..).partition(is_scaler);
    for figure in &mut figures {
        let own = scalers.iter().find(|one| (one.obis, one.class_id) == (figure.obis, figure.class_id));
        figure.scaler = own.and_then(|one| scaler_unit(&one.value));
    }
    Some(figures)
}

/// Whether values can be those of a list: as many, names where it has names, clocks where it has clocks, rows where it
/// has profiles, and no name of another push setup in its own place.
fn fits(setup: Obis, list: &[CaptureObject], elements: &[Data]) -> bool {
    let can_be = |(one, value): (&CaptureObject, &Data)| {
        let name = value.obis().filter(|_| matches!(value, Data::Octets(_)));
        match (one.class_id, one.attribute) {
            (super::SETUP, 1) => name == Some(one.obis) && one.obis == setup,
            (_, 1) => name == Some(one.obis),
            (class::CLOCK, 2) => matches!(value, Data::Null) || value.date_time().is_some(),
            (class::PROFILE, 2) => matches!(value, Data::Null) || value.elements().is_some(),
            (class::REGISTER | class::EXTENDED | class::DEMAND, 2) => {
                value.elements().is_none() && name.is_none()
            }
            _ => true,
        }
    };
    !list.is_empty() && list.len() == elements.len() && list.iter().zip(elements).all(can_be)
}
