//! What a meter pushes. Either the message says itself what it holds, each value behind its OBIS code, alone or with its
//! scaler and unit (`facts/dlms-quirks.md`, 84 and 85); or it is the bare values of a push setup's object list
//! (class 40, attribute 2), which is read once with the rest of what must be known of a meter. A list without codes
//! that no push setup of the meter explains is told as it is and read as nothing.

mod brought;
mod listed;

use std::collections::BTreeMap;

use crate::model::{CaptureObject, MeterStamp, Obis, ScalerUnit};
use crate::protocol::dlms::association::Notification;
use crate::protocol::dlms::{CosemDateTime, Data};

use super::{clock, values};

pub use brought::{Brought, Rows, brought};

/// Class 40, push setup.
pub(super) const SETUP: u16 = 40;

/// Push setups with their object lists, in the order of their values.
pub type Lists = BTreeMap<Obis, Vec<CaptureObject>>;

/// Nesting beyond which nobody pushes anything.
const DEEPEST: usize = 8;
/// Values of one message that are taken.
const MOST: usize = 1000;

/// One value of a push.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedValue {
    /// Whose.
    pub obis: Obis,
    /// Its class, where a push setup names it.
    pub class_id: Option<u16>,
    /// Which attribute.
    pub attribute: u8,
    /// The value.
    pub value: Data,
    /// Scaler and unit, where the message tells them.
    pub scaler: Option<ScalerUnit>,
}

/// A push, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Push {
    /// long-invoke-id-and-priority; `None` in an event notification.
    pub invoke: Option<u32>,
    /// When it was made, by the meter's clock.
    pub stamp: Option<MeterStamp>,
    /// Serial number or logical device name, where the message tells it.
    pub device: Option<String>,
    /// What it says.
    pub values: Vec<PushedValue>,
}

/// Takes a notification apart; `lists` are the push setups of the meter that sent it, as far as they are known.
#[must_use]
pub fn take_apart(notification: &Notification, lists: &Lists) -> Push {
    let mut push = Push::default();
    let stamp = |stamp: &Option<CosemDateTime>| stamp.as_ref().and_then(CosemDateTime::stamp);
    match notification {
        Notification::Data(told) => {
            push.invoke = Some(told.invoke);
            match listed::values(&told.body, lists) {
                Some(values) => push.values = values,
                None => walk(&told.body, 0, &mut push.values),
            }
            push.stamp = stamp(&told.stamp);
        }
        Notification::Event(told) => {
            push.stamp = stamp(&told.stamp);
            push.values.push(PushedValue {
                obis: told.attribute.obis,
                class_id: Some(told.attribute.class_id),
                attribute: u8::try_from(told.attribute.attribute).unwrap_or(2),
                value: told.value.clone(),
                scaler: None,
            });
        }
    }
    let clock = push.values.iter().find(|one| one.obis == CLOCK).and_then(|one| clock::stamp(&one.value));
    push.stamp = clock.or(push.stamp);
    let named = DEVICE.iter().find_map(|name| push.values.iter().find(|one| one.obis == *name));
    push.device = named.and_then(|one| one.value.bytes()).and_then(values::text);
    push
}

const CLOCK: Obis = Obis::new(0, 0, 1, 0, 0, 255);
/// Serial number, logical device name, the electricity id.
const DEVICE: [Obis; 3] =
    [Obis::new(0, 0, 96, 1, 0, 255), Obis::new(0, 0, 42, 0, 0, 255), Obis::new(1, 1, 0, 0, 5, 255)];

fn walk(data: &Data, depth: usize, found: &mut Vec<PushedValue>) {
    let Some(elements) = data.elements().filter(|_| depth < DEEPEST) else { return };
    let mut rest = elements;
    while let Some((first, behind)) = rest.split_first() {
        if found.len() >= MOST {
            return;
        }
        rest = behind;
        // A text of six characters is no code.
        let obis = first.obis().filter(|_| matches!(first, Data::Octets(_)));
        let (Some(obis), Some((value, behind))) = (obis, behind.split_first()) else {
            walk(first, depth + 1, found);
            continue;
        };
        rest = behind;
        let scaler = rest.first().and_then(values::scaler_unit);
        if scaler.is_some() {
            rest = rest.get(1..).unwrap_or_default();
        }
        found.push(PushedValue { obis, class_id: None, attribute: 2, value: value.clone(), scaler });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Unit;
    use crate::protocol::dlms::apdu::DataNotification;

    fn code(obis: Obis) -> Data {
        Data::Octets(obis.0.to_vec())
    }

    fn pushed(body: Data) -> Push {
        take_apart(&Notification::Data(DataNotification { invoke: 7, stamp: None, body }), &Lists::new())
    }

    const IMPORT: Obis = Obis::new(1, 0, 1, 8, 0, 255);

    #[test]
    fn values_stand_behind_their_codes_in_lists_of_their_own_or_in_one() {
        let scaler = Data::Structure(vec![Data::I8(-1), Data::Enum(30)]);
        let name = vec![code(DEVICE[1]), Data::Visible(b"MTW0000026000001".to_vec())];
        let value = vec![code(IMPORT), Data::U32(1234), scaler];
        let nested = pushed(Data::Array(vec![Data::Structure(name.clone()), Data::Structure(value.clone())]));
        let flat = pushed(Data::Structure([vec![Data::Visible(b"LIST_V1".to_vec())], name, value].concat()));
        for push in [nested, flat] {
            assert_eq!(push.device.as_deref(), Some("MTW0000026000001"));
            assert_eq!(push.values[1].scaler, Some(ScalerUnit { scaler: -1, unit: Unit(30) }));
            assert_eq!((push.values[1].obis, &push.values[1].value), (IMPORT, &Data::U32(1234)));
        }
    }

    #[test]
    fn a_list_without_codes_is_read_as_nothing_and_depth_has_an_end() {
        assert!(pushed(Data::Structure(vec![Data::U32(1), Data::U32(2)])).values.is_empty());
        let mut deep = Data::Structure(vec![code(IMPORT), Data::U32(1)]);
        for _ in 0..40 {
            deep = Data::Structure(vec![deep]);
        }
        assert!(pushed(deep).values.is_empty());
    }

    fn setup(e: u8, objects: &[(u16, Obis, i8)]) -> (Obis, Vec<CaptureObject>) {
        let setup = Obis::new(0, e, 25, 9, 0, 255);
        let object = |(class_id, obis, attribute): &(u16, Obis, i8)| CaptureObject {
            class_id: *class_id,
            obis: *obis,
            attribute: *attribute,
            data_index: 0,
        };
        let own = CaptureObject { class_id: SETUP, obis: setup, attribute: 1, data_index: 0 };
        (setup, std::iter::once(own).chain(objects.iter().map(object)).collect())
    }

    fn by_lists(body: Data, lists: &Lists) -> Push {
        take_apart(&Notification::Data(DataNotification { invoke: 7, stamp: None, body }), lists)
    }

    const EXPORT: Obis = Obis::new(1, 0, 2, 8, 0, 255);

    #[test]
    fn bare_values_stand_in_the_order_of_the_push_setup_whose_name_they_begin_with() {
        let first = setup(0, &[(3, IMPORT, 2), (3, EXPORT, 2)]);
        let second = setup(1, &[(3, EXPORT, 2), (3, EXPORT, 3)]);
        let lists: Lists = [first.clone(), second.clone()].into();
        let push = by_lists(Data::Structure(vec![code(first.0), Data::U32(5), Data::U32(6)]), &lists);
        let found: Vec<_> = push.values.iter().map(|one| (one.obis, one.value.clone(), one.scaler)).collect();
        assert_eq!(found, [(IMPORT, Data::U32(5), None), (EXPORT, Data::U32(6), None)]);
        let unit = Data::Structure(vec![Data::I8(2), Data::Enum(30)]);
        let push = by_lists(Data::Structure(vec![code(second.0), Data::U32(6), unit]), &lists);
        assert_eq!(push.values.len(), 1);
        assert_eq!(push.values[0].scaler, Some(ScalerUnit { scaler: 2, unit: Unit(30) }));
    }

    #[test]
    fn a_message_that_two_setups_explain_with_other_objects_is_read_as_nothing() {
        let bare = |e, objects: &[(u16, Obis, i8)]| {
            let (setup, list) = setup(e, objects);
            (setup, list[1..].to_vec())
        };
        let body = || Data::Structure(vec![Data::U32(5), Data::U32(6)]);
        let one = bare(0, &[(3, IMPORT, 2), (3, EXPORT, 2)]);
        assert_eq!(by_lists(body(), &[one.clone()].into()).values.len(), 2);
        let other = bare(1, &[(3, EXPORT, 2), (3, IMPORT, 2)]);
        assert!(by_lists(body(), &[one.clone(), other].into()).values.is_empty());
        let shorter = bare(1, &[(3, IMPORT, 2)]);
        assert_eq!(by_lists(body(), &[one, shorter].into()).values.len(), 2);
    }
}
