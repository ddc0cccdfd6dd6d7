//! Plate data: texts padded with blanks or noughts.

use crate::model::Identity;
use crate::model::template::FlagText;

/// A text as it stands on the plate; nothing where there is none.
fn text(octets: &[u8]) -> Option<String> {
    let letters = octets.iter().filter(|octet| **octet != 0).map(|octet| char::from(*octet));
    let text: String = letters.map(|letter| if letter.is_ascii_graphic() { letter } else { ' ' }).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Puts a text in its place.
pub(super) fn fill(identity: &mut Identity, what: &FlagText, octets: &[u8]) {
    let Some(value) = text(octets) else { return };
    match what.role.as_str() {
        "serial" => identity.serial = Some(value),
        "firmware" => identity.firmware = Some(value),
        title => identity.more.push((title.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_no_part_of_a_text() {
        let what = |role: &str| FlagText { id: 798, bytes: 16, role: role.to_owned() };
        let mut identity = Identity::default();
        fill(&mut identity, &what("serial"), b"  A1140 12345678");
        fill(&mut identity, &what("firmware"), b"AB12\0\0\0\0");
        fill(&mut identity, &what("Scheme"), b"        ");
        assert_eq!(identity.serial.as_deref(), Some("A1140 12345678"));
        assert_eq!((identity.firmware.as_deref(), identity.more.len()), (Some("AB12"), 0));
    }
}
