//! What a package says of its image, and for which meters it is.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest text of a manifest, in bytes.
const LONGEST_TEXT: usize = 4096;
/// Most models, hardware revisions or versions.
const MOST_ENTRIES: usize = 256;
/// Longest image identifier: an octet string that every meter takes in one piece.
const LONGEST_IDENTIFIER: usize = 128;

/// Whether a character does not show as itself: it moves the cursor, or turns the direction of the text round. In a
/// terminal or a window it could make one thing look like another.
pub(super) fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Bytes that files keep as hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl fmt::Display for Hex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02X}"))
    }
}

impl FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let wrong = || format!("`{text}` is not hexadecimal: write two hex digits a byte");
        if !digits.len().is_multiple_of(2) {
            return Err(wrong());
        }
        let nibble = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[char]| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        };
        digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(Self).ok_or_else(wrong)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a package says. Its form in the package is this JSON, in this order, without blanks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The maker: its three letters as in logical device names, or its name.
    pub maker: String,
    /// Models that the image is for, with `*` for anything; any where there is none.
    pub models: Vec<String>,
    /// Hardware revisions that the image is for, with `*` for anything; any where there is none.
    pub hardware_revisions: Vec<String>,
    /// Versions that it may replace, with `*` for anything; any earlier one where there is none.
    pub replaces: Vec<String>,
    /// The version that the meter says when it runs the image.
    pub version: String,
    /// Image identifier of image_transfer_initiate.
    pub image_identifier: Hex,
    /// Bytes of the image.
    pub size: u64,
    /// SHA-256 of the image.
    pub sha256: Hex,
    /// Image signature that the meter names before activation, where it is known beforehand.
    pub image_signature: Option<Hex>,
    /// Not to be flashed before.
    pub not_before: Option<Timestamp>,
    /// Not to be flashed from then on.
    pub expires: Option<Timestamp>,
    /// For people.
    pub notes: String,
}

impl Manifest {
    /// What is wrong with it; nothing where it is sound.
    pub(super) fn problem(&self) -> Option<String> {
        let lists = [
            ("models", &self.models),
            ("hardware_revisions", &self.hardware_revisions),
            ("replaces", &self.replaces),
        ];
        for (name, list) in lists {
            if list.len() > MOST_ENTRIES {
                return Some(format!("{name} has more than {MOST_ENTRIES} entries"));
            }
            if list.iter().any(|one| one.trim().is_empty() || one.len() > LONGEST_TEXT) {
                return Some(format!("{name} has an entry that is empty or too long"));
            }
            if list.iter().any(|one| one.chars().any(hides)) {
                return Some(format!("{name} has an entry with characters that do not show"));
            }
        }
        let texts = [("maker", &self.maker), ("version", &self.version), ("notes", &self.notes)];
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.len() > LONGEST_TEXT) {
            return Some(format!("{name} is too long"));
        }
        // Notes may have lines.
        let hidden = |name: &str, c: char| hides(c) && !(name == "notes" && matches!(c, '\n' | '\r' | '\t'));
        if let Some((name, _)) = texts.iter().find(|(name, text)| text.chars().any(|c| hidden(name, c))) {
            return Some(format!("{name} has characters that do not show"));
        }
        if self.version.trim().is_empty() {
            return Some("there is no version".to_owned());
        }
        if !(1..=LONGEST_IDENTIFIER).contains(&self.image_identifier.0.len()) {
            return Some(format!("the image identifier has not 1 to {LONGEST_IDENTIFIER} bytes"));
        }
        if self.size == 0 || self.size > u64::from(u32::MAX) {
            return Some("the image is empty, or longer than image transfer can say".to_owned());
        }
        if self.sha256.0.len() != 32 {
            return Some("sha256 has not 32 bytes".to_owned());
        }
        if self.not_before.zip(self.expires).is_some_and(|(from, to)| from >= to) {
            return Some("it expires before it may be used".to_owned());
        }
        None
    }
}

/// One text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// A manifest as a person writes it: size and digest are reckoned where they are left out, and checked where not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    /// See [`Manifest`].
    #[serde(alias = "manufacturer")]
    pub maker: String,
    /// See [`Manifest`].
    #[serde(deserialize_with = "one_or_many", alias = "model")]
    pub models: Vec<String>,
    /// See [`Manifest`].
    #[serde(deserialize_with = "one_or_many", alias = "hardware", alias = "hardware_revision")]
    pub hardware_revisions: Vec<String>,
    /// See [`Manifest`].
    #[serde(deserialize_with = "one_or_many", alias = "may_replace", alias = "replaces_versions")]
    pub replaces: Vec<String>,
    /// See [`Manifest`].
    pub version: String,
    /// See [`Manifest`].
    #[serde(alias = "identifier", alias = "image_id")]
    pub image_identifier: Hex,
    /// See [`Manifest`].
    pub size: Option<u64>,
    /// See [`Manifest`].
    #[serde(alias = "sha_256")]
    pub sha256: Option<Hex>,
    /// See [`Manifest`].
    pub image_signature: Option<Hex>,
    /// See [`Manifest`].
    pub not_before: Option<Timestamp>,
    /// See [`Manifest`].
    #[serde(alias = "not_after")]
    pub expires: Option<Timestamp>,
    /// See [`Manifest`].
    pub notes: String,
}

impl Draft {
    /// The manifest of an image with this size and digest.
    ///
    /// # Errors
    /// The draft says otherwise of the image, or is not sound; in words.
    pub fn finish(self, size: u64, sha256: [u8; 32]) -> Result<Manifest, String> {
        if let Some(said) = self.size.filter(|said| *said != size) {
            return Err(format!("the manifest says {said} bytes, but the image has {size}"));
        }
        let found = Hex(sha256.to_vec());
        if let Some(said) = self.sha256.filter(|said| *said != found) {
            return Err(format!("the manifest says SHA-256 {said}, but the image has {found}"));
        }
        let manifest = Manifest {
            maker: self.maker,
            models: self.models,
            hardware_revisions: self.hardware_revisions,
            replaces: self.replaces,
            version: self.version,
            image_identifier: self.image_identifier,
            size,
            sha256: found,
            image_signature: self.image_signature,
            not_before: self.not_before,
            expires: self.expires,
            notes: self.notes,
        };
        manifest.problem().map_or(Ok(manifest), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let text = r#"{"maker":"MTW","model":"MTW-101","version":"1.5.0","identifier":"4D 54 57"}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_draft_takes_size_and_digest_from_the_image() {
        let manifest = draft().finish(3, [7; 32]).unwrap();
        assert_eq!((manifest.size, manifest.models.as_slice()), (3, ["MTW-101".to_owned()].as_slice()));
        assert_eq!(manifest.image_identifier, Hex(b"MTW".to_vec()));
    }

    #[test]
    fn a_draft_that_says_otherwise_of_the_image_is_refused() {
        let wrong = Draft { size: Some(4), ..draft() };
        assert!(wrong.finish(3, [7; 32]).unwrap_err().contains("4 bytes"));
        let wrong = Draft { sha256: Some(Hex(vec![8; 32])), ..draft() };
        assert!(wrong.finish(3, [7; 32]).is_err());
        assert!(Draft { version: String::new(), ..draft() }.finish(3, [7; 32]).is_err());
        assert!(Draft { image_identifier: Hex(Vec::new()), ..draft() }.finish(3, [7; 32]).is_err());
    }

    #[test]
    fn a_text_that_could_pass_for_another_is_refused() {
        let refused = |draft: Draft| draft.finish(3, [7; 32]).unwrap_err();
        for text in ["1.5\u{1B}[2K\rverified", "1.5\u{202E}0.5", "1.5\n1.6", "\u{9B}2J1.5", "1.5\0"] {
            assert!(
                refused(Draft { version: text.to_owned(), ..draft() }).contains("do not show"),
                "{text:?}"
            );
            assert!(refused(Draft { models: vec![text.to_owned()], ..draft() }).contains("do not show"));
        }
        assert!(refused(Draft { notes: "\u{7}bell".to_owned(), ..draft() }).contains("notes"));
        assert!(Draft { notes: "One line\nand\tmore: é ©".to_owned(), ..draft() }.finish(3, [7; 32]).is_ok());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        let twice = r#"{"maker":"MTW","version":"1.5.0","version":"9.9.9","identifier":"4D"}"#;
        assert!(serde_json::from_str::<Draft>(twice).unwrap_err().to_string().contains("duplicate"));
        let other_name = r#"{"model":"A","models":["B"],"version":"1","identifier":"4D"}"#;
        assert!(serde_json::from_str::<Draft>(other_name).unwrap_err().to_string().contains("duplicate"));
    }

    #[test]
    fn hexadecimal_reads_back() {
        assert_eq!("00 ff".parse::<Hex>().unwrap().to_string(), "00FF");
        for wrong in ["0", "zz", "é0"] {
            assert!(wrong.parse::<Hex>().is_err(), "{wrong}");
        }
    }
}
