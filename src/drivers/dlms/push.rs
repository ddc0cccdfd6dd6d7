//! What a meter pushes, where the message says itself what it holds: each value stands behind its OBIS code, alone or
//! with its scaler and unit (`facts/dlms-quirks.md`, 84 and 85). A list without codes is told as it is and read as
//! nothing.

use jiff::Timestamp;

use crate::drivers::MeterAccess;
use crate::model::{Fault, Knowledge, MeterStamp, Obis, ReadingValue, RegisterReading, ScalerUnit, Unit};
use crate::protocol::dlms::association::Notification;
use crate::protocol::dlms::{CosemDateTime, Data};

use super::{clock, registers, values};

/// Nesting beyond which nobody pushes anything.
const DEEPEST: usize = 8;
/// Values of one message that are taken.
const MOST: usize = 1000;

/// One value of a push.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedValue {
    /// Whose.
    pub obis: Obis,
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
    /// Values that stand behind their codes.
    pub values: Vec<PushedValue>,
}

/// Takes a notification apart.
#[must_use]
pub fn take_apart(notification: &Notification) -> Push {
    let mut push = Push::default();
    let stamp = |stamp: &Option<CosemDateTime>| stamp.as_ref().and_then(CosemDateTime::stamp);
    match notification {
        Notification::Data(told) => {
            push.invoke = Some(told.invoke);
            walk(&told.body, 0, &mut push.values);
            push.stamp = stamp(&told.stamp);
        }
        Notification::Event(told) => {
            push.stamp = stamp(&told.stamp);
            let (obis, value) = (told.attribute.obis, told.value.clone());
            let attribute = u8::try_from(told.attribute.attribute).unwrap_or(2);
            push.values.push(PushedValue { obis, attribute, value, scaler: None });
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
        found.push(PushedValue { obis, attribute: 2, value: value.clone(), scaler });
    }
}

/// The registers of a push, as readings of a meter; a value whose scaler nobody told is left out, and counted.
///
/// # Errors
/// The meter's settings name a zone that does not exist.
pub fn readings(
    push: &Push,
    access: &MeterAccess,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Result<(Vec<RegisterReading>, usize), Fault> {
    let rule = clock::rule(&access.config, &access.template)?;
    let rule = if knowledge.sign_looks_inverted { clock::with_other_sign(&rule) } else { rule };
    let stamp = push.stamp.and_then(|stamp| Some((stamp, rule.to_utc(&stamp, None).ok()?)));
    let mut without_scaler = 0;
    let mut readings = Vec::new();
    for one in &push.values {
        // The clock and the name are about the message; codes of group A 1 are electricity.
        if one.obis == CLOCK || DEVICE.contains(&one.obis) {
            continue;
        }
        let replaced = access.template.objects.scalers.get(&one.obis).copied();
        let scaler = replaced.or(one.scaler).or_else(|| knowledge.scalers.get(&one.obis).copied());
        let is_number = values::number(&one.value).is_some();
        if is_number && scaler.is_none() {
            without_scaler += 1;
            continue;
        }
        let scaler = scaler.unwrap_or(ScalerUnit { scaler: 0, unit: Unit(255) });
        let value = values::reading_value(&one.value, scaler.scaler);
        if value == ReadingValue::Absent {
            continue;
        }
        readings.push(RegisterReading {
            obis: one.obis,
            attribute: one.attribute,
            name: registers::name(&access.template, one.obis),
            value,
            unit: scaler.unit,
            side: access.config.registers_in,
            read_at: now,
            stamp,
        });
    }
    Ok((readings, without_scaler))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::dlms::apdu::DataNotification;

    fn code(obis: Obis) -> Data {
        Data::Octets(obis.0.to_vec())
    }

    fn pushed(body: Data) -> Push {
        take_apart(&Notification::Data(DataNotification { invoke: 7, stamp: None, body }))
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
}
