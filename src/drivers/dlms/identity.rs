//! Plate data: which objects hold it, what they say, and whether this is the meter that was meant.

use crate::model::{Fault, Identity, Knowledge, Obis, ReadingValue, Template, plain_name};
use crate::protocol::dlms::Data;

use super::values::{plate_text, reading_value, text};

/// What a piece of plate data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Serial number.
    Serial,
    /// COSEM logical device name.
    LogicalDeviceName,
    /// Firmware version.
    Firmware,
    /// Model or type.
    Model,
    /// Maker.
    Maker,
    /// Something else, under this title.
    Other(String),
}

/// One piece of plate data: attribute 2 of a Data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlateObject {
    /// The object.
    pub(super) obis: Obis,
    /// What it is.
    pub(super) role: Role,
}

/// COSEM class of plate data.
pub(super) const DATA: u16 = 1;
/// Count of configuration changes.
pub(super) const CONFIGURATION: Obis = Obis::new(0, 0, 96, 2, 0, 255);
const LOGICAL_DEVICE_NAME: Obis = Obis::new(0, 0, 42, 0, 0, 255);

fn role(word: &str) -> Role {
    match word {
        "serial" => Role::Serial,
        "logical device name" => Role::LogicalDeviceName,
        "firmware" => Role::Firmware,
        "model" => Role::Model,
        "maker" => Role::Maker,
        title => Role::Other(title.to_owned()),
    }
}

/// All plate data worth asking for: what the template names, else the usual objects, and in both cases further
/// identities that the object list shows.
pub(super) fn plate_objects(knowledge: &Knowledge, template: &Template) -> Vec<PlateObject> {
    let known = |obis: Obis| knowledge.objects.iter().any(|entry| entry.obis == obis);
    let named = &template.objects.identity;
    let mut objects: Vec<PlateObject> = if named.is_empty() {
        vec![
            PlateObject { obis: Obis::new(0, 0, 96, 1, 0, 255), role: Role::Serial },
            PlateObject { obis: LOGICAL_DEVICE_NAME, role: Role::LogicalDeviceName },
            PlateObject { obis: Obis::new(1, 0, 0, 2, 0, 255), role: Role::Firmware },
        ]
    } else {
        named.iter().map(|one| PlateObject { obis: one.obis, role: role(&one.role) }).collect()
    };
    // The usual names are tried where the list lacks them: some lists leave out what the meter does answer.
    let has_serial = objects
        .iter()
        .any(|one| one.role == Role::Serial && (knowledge.objects.is_empty() || known(one.obis)));
    for entry in knowledge.objects.iter().filter(|entry| entry.class_id == DATA) {
        let [a, b, c, d, e, f] = entry.obis.0;
        let is_identity = matches!((a, b, c, d, f), (0, 0, 96, 1, 255) | (1, 0, 0, 0, 255)) && e < 10;
        if is_identity && !objects.iter().any(|one| one.obis == entry.obis) {
            let is_serial = !has_serial && (c, e) == (0, 0);
            let role = if is_serial { Role::Serial } else { Role::Other(plain_name(entry.obis)) };
            objects.push(PlateObject { obis: entry.obis, role });
        }
    }
    objects.retain(|one| !knowledge.refused.contains(&(DATA, one.obis, 2)));
    objects
}

/// The few of them that tell whether this is still the same meter with the same firmware: asked for in every session.
pub(super) fn guard_objects(knowledge: &Knowledge, template: &Template) -> Vec<PlateObject> {
    let wanted = |one: &PlateObject| match one.role {
        Role::Serial => knowledge.identity.serial.is_some(),
        Role::Firmware => knowledge.identity.firmware.is_some(),
        Role::LogicalDeviceName => knowledge.identity.serial.is_none(),
        Role::Model | Role::Maker | Role::Other(_) => false,
    };
    plate_objects(knowledge, template).into_iter().filter(wanted).collect()
}

/// Puts one answer in its place. What a meter leaves empty stays empty.
pub(super) fn fill(identity: &mut Identity, role: &Role, data: &Data) {
    let Some(value) = plate_text(data) else { return };
    match role {
        Role::Serial => {
            identity.serial.get_or_insert(value);
        }
        Role::LogicalDeviceName => {
            let bytes = data.bytes().unwrap_or_default();
            if let Some(maker) = bytes.get(..3).filter(|maker| maker.iter().all(u8::is_ascii_alphabetic)) {
                identity.maker = text(maker);
            }
            identity.logical_device_name = Some(logical_device_name(bytes).unwrap_or(value));
        }
        Role::Firmware => identity.firmware = Some(value),
        Role::Model => identity.model = Some(value),
        Role::Maker => identity.maker = Some(value),
        Role::Other(title) => identity.more.push((title.clone(), value)),
    }
}

/// Three letters and then text, or three letters and then bytes, which some makers put there.
fn logical_device_name(bytes: &[u8]) -> Option<String> {
    if let Some(whole) = text(bytes) {
        return Some(whole);
    }
    let (maker, rest) = bytes.split_at_checked(3)?;
    let maker = text(maker).filter(|_| maker.is_ascii())?;
    match reading_value(&Data::Octets(rest.to_vec()), 0) {
        ReadingValue::Text(rest) => Some(format!("{maker}{rest}")),
        _ => Some(rest.iter().fold(maker, |name, byte| format!("{name}{byte:02X}"))),
    }
}

fn bare(serial: &str) -> String {
    let kept: String = serial.chars().filter(char::is_ascii_alphanumeric).collect();
    let upper = kept.to_ascii_uppercase();
    let digits = upper.trim_start_matches('0');
    if digits.is_empty() { upper } else { digits.to_owned() }
}

/// Whether a serial number that a person wrote is one that the meter gives: case, leading noughts, blanks and dashes
/// do not count, and either may be the other's end, since plates and objects differ in what they put in front.
fn is_same_number(written: &str, given: &str) -> bool {
    const ENOUGH: usize = 4;
    let (written, given) = (bare(written), bare(given));
    let ends = |long: &str, short: &str| short.len() >= ENOUGH && long.ends_with(short);
    written == given || ends(&written, &given) || ends(&given, &written)
}

/// Whether the meter that answered is the one that was meant.
///
/// # Errors
/// It is another one: nothing that it says belongs in this meter's history.
pub(super) fn check(written: Option<&str>, before: &Identity, now: &Identity) -> Result<(), Fault> {
    let others = now.more.iter().map(|(_, value)| value);
    let given: Vec<&String> = now.serial.iter().chain(&now.logical_device_name).chain(others).collect();
    let expected = written.filter(|serial| !bare(serial).is_empty()).or(before.serial.as_deref());
    if let Some(expected) = expected {
        let is_expected = given.iter().any(|one| is_same_number(expected, one));
        if let (false, Some(found)) = (is_expected, given.first()) {
            return Err(another(expected, found));
        }
    } else if let (Some(expected), Some(found)) = (&before.logical_device_name, &now.logical_device_name)
        && expected != found
    {
        return Err(another(expected, found));
    }
    Ok(())
}

fn another(expected: &str, found: &str) -> Fault {
    Fault::meter(
        format!("another meter answered: it says that it is {found}, expected was {expected}"),
        "nothing was stored; check the line and the address, or, if the meter was exchanged, enter the new one \
         with its serial number",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(text: &[u8]) -> Data {
        Data::Octets(text.to_vec())
    }

    #[test]
    fn a_logical_device_name_of_letters_and_bytes_is_readable() {
        let mut identity = Identity::default();
        fill(&mut identity, &Role::LogicalDeviceName, &octets(b"KFM\x10\x20\x00\x03\xC4"));
        assert_eq!(identity.logical_device_name.as_deref(), Some("KFM10200003C4"));
        assert_eq!(identity.maker.as_deref(), Some("KFM"));
        fill(&mut identity, &Role::LogicalDeviceName, &octets(b"ISK1030775213859"));
        assert_eq!(identity.logical_device_name.as_deref(), Some("ISK1030775213859"));
    }

    #[test]
    fn a_serial_number_may_be_a_number_or_text() {
        let mut identity = Identity::default();
        fill(&mut identity, &Role::Serial, &Data::U32(4_711_001));
        assert_eq!(identity.serial.as_deref(), Some("4711001"));
        fill(&mut identity, &Role::Firmware, &Data::Null);
        assert_eq!(identity.firmware, None);
    }

    #[test]
    fn another_meter_is_refused_before_anything_is_stored() {
        let now = Identity { serial: Some("87654321".into()), ..Identity::default() };
        let fault = check(Some("12345678"), &Identity::default(), &now).unwrap_err();
        assert!(fault.message.contains("87654321") && fault.message.contains("12345678"), "{fault}");
        let before = Identity { serial: Some("12345678".into()), ..Identity::default() };
        assert!(check(None, &before, &now).is_err());
    }

    #[test]
    fn spellings_of_one_serial_number_are_the_same() {
        let says = |serial: &str, name: Option<&str>| Identity {
            serial: Some(serial.into()),
            logical_device_name: name.map(str::to_owned),
            ..Identity::default()
        };
        for (written, now) in [
            ("12345678", says("0012345678", None)),
            ("12 345 678", says("12345678", None)),
            ("iskra-12345678", says("12345678", None)),
            ("103077521", says("ME1", Some("ISK0000103077521"))),
            ("", says("12345678", None)),
        ] {
            assert!(check(Some(written), &Identity::default(), &now).is_ok(), "{written}");
        }
        assert!(check(Some("12345678"), &Identity::default(), &says("678", None)).is_err());
    }

    #[test]
    fn a_meter_that_says_nothing_of_itself_is_not_refused() {
        assert!(check(Some("12345678"), &Identity::default(), &Identity::default()).is_ok());
    }

    #[test]
    fn an_exchanged_meter_whose_new_serial_was_entered_is_welcome() {
        let before = Identity { serial: Some("11111111".into()), ..Identity::default() };
        let now = Identity { serial: Some("22222222".into()), ..Identity::default() };
        assert!(check(Some("22222222"), &before, &now).is_ok());
    }

    #[test]
    fn identities_that_only_the_object_list_shows_are_asked_for_too() {
        let entry = |obis| crate::model::ObjectEntry {
            class_id: 1,
            version: 0,
            obis,
            attributes: Vec::new(),
            methods: Vec::new(),
        };
        let knowledge = Knowledge {
            objects: vec![entry(Obis::new(1, 0, 0, 0, 0, 255)), entry(Obis::new(0, 0, 96, 1, 5, 255))],
            ..Knowledge::default()
        };
        let template = Template::named("dlms-generic").unwrap();
        let objects = plate_objects(&knowledge, &template);
        let serial = objects.iter().find(|one| one.obis == Obis::new(1, 0, 0, 0, 0, 255)).unwrap();
        assert_eq!(serial.role, Role::Serial);
        assert!(objects.iter().any(|one| one.obis == Obis::new(0, 0, 96, 1, 5, 255)));
    }
}
