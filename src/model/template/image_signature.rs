//! Where a maker's own signature lies within a firmware image, and what it covers: ECDSA over P-256 with SHA-256, as
//! DLMS suite 1 names it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Bytes of a signature as two plain numbers.
const RAW_BYTES: u16 = 64;
/// Longest field that a signature may lie in.
const LONGEST_FIELD: u16 = 512;

/// A signature within an image, as a template describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSignature {
    /// Which end of the image the offset counts from.
    #[serde(default)]
    pub from: ImageEnd,
    /// Bytes between that end and the first byte of the signature's field: 64 from the end is a trailer of 64 bytes.
    pub offset: u64,
    /// Bytes of the field: 64 for raw signatures; a DER signature may be followed by noughts or FFh to fill it.
    #[serde(default = "raw_bytes")]
    pub length: u16,
    /// How it is written.
    #[serde(default)]
    pub form: SignatureForm,
    /// What is signed.
    #[serde(default)]
    pub signed: SignedPart,
    /// Bytes at the image's start that are not signed.
    #[serde(default)]
    pub skip: u64,
    /// Id of the maker's key (16 hexadecimal digits); any key that is trusted for images where it is not named.
    #[serde(default)]
    pub key: Option<String>,
}

const fn raw_bytes() -> u16 {
    RAW_BYTES
}

/// An end of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageEnd {
    /// The first byte.
    Start,
    /// Behind the last byte.
    #[default]
    End,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureForm {
    /// r and s, 32 bytes each, the highest first.
    #[default]
    Raw,
    /// An ASN.1 sequence of r and s.
    Der,
}

/// What is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedPart {
    /// All that stands before the signature.
    #[default]
    Before,
    /// All that stands behind it.
    After,
    /// All but the signature itself.
    Around,
}

/// The bytes of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBytes {
    /// The signature's field.
    pub field: Range<u64>,
    /// What is signed, in order; never empty.
    pub signed: Vec<Range<u64>>,
}

impl ImageSignature {
    /// What is wrong with the description: the setting, and in words; nothing where it is sound.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        match self.form {
            SignatureForm::Raw if self.length != RAW_BYTES => {
                let words = format!("a raw signature has {RAW_BYTES} bytes, and `length` is {}", self.length);
                return Some(("length", words));
            }
            SignatureForm::Der if !(8..=LONGEST_FIELD).contains(&self.length) => {
                let words = format!("`length` is {}: allowed is 8 to {LONGEST_FIELD}", self.length);
                return Some(("length", words));
            }
            SignatureForm::Raw | SignatureForm::Der => {}
        }
        if self.from == ImageEnd::End && self.offset < u64::from(self.length) {
            let words = format!(
                "the signature would go beyond the end: `offset` is {}, and it has {} bytes",
                self.offset, self.length
            );
            return Some(("offset", words));
        }
        let is_id = |id: &String| id.len() == 16 && id.chars().all(|c| c.is_ascii_hexdigit());
        if self.key.as_ref().is_some_and(|id| !is_id(id)) {
            return Some(("key", "`key` is no key's id: write its 16 hexadecimal digits".to_owned()));
        }
        None
    }

    /// Where signature and signed bytes lie in an image of so many bytes.
    ///
    /// # Errors
    /// It has no room for them; in words.
    pub fn place(&self, size: u64) -> Result<SignedBytes, String> {
        let short =
            || format!("it has {size} bytes, and no room for the signature that the template describes");
        let start = match self.from {
            ImageEnd::Start => self.offset,
            ImageEnd::End => size.checked_sub(self.offset).ok_or_else(short)?,
        };
        let end = start.checked_add(self.length.into()).filter(|end| *end <= size).ok_or_else(short)?;
        let parts = match self.signed {
            SignedPart::Before => [0..start, end..end],
            SignedPart::After => [0..0, end..size],
            SignedPart::Around => [0..start, end..size],
        };
        let cut = parts.into_iter().map(|part| part.start.max(self.skip)..part.end);
        let signed: Vec<Range<u64>> = cut.filter(|part| part.start < part.end).collect();
        if signed.is_empty() {
            return Err("nothing of it is signed as the template describes it".to_owned());
        }
        Ok(SignedBytes { field: start..end, signed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ImageSignature {
        serde_json::from_str(text).unwrap()
    }

    /// Where each signed part begins and ends.
    fn ends(found: &SignedBytes) -> Vec<(u64, u64)> {
        found.signed.iter().map(|part| (part.start, part.end)).collect()
    }

    #[test]
    fn a_trailer_and_a_header_are_found() {
        let trailer = read(r#"{"offset": 64}"#);
        assert_eq!(trailer.problem(), None);
        let found = trailer.place(1000).unwrap();
        assert_eq!((found.field.clone(), ends(&found)), (936..1000, vec![(0, 936)]));
        let header =
            read(r#"{"from": "start", "offset": 16, "length": 72, "form": "der", "signed": "after"}"#);
        assert_eq!(header.problem(), None);
        let found = header.place(1000).unwrap();
        assert_eq!((found.field.clone(), ends(&found)), (16..88, vec![(88, 1000)]));
        let around = read(r#"{"from": "start", "offset": 16, "signed": "around", "skip": 4}"#);
        assert_eq!(around.place(100).unwrap().signed, [4..16, 80..100]);
    }

    #[test]
    fn an_image_without_room_or_without_signed_bytes_is_told() {
        let trailer = read(r#"{"offset": 64}"#);
        for size in [0, 1, 63] {
            assert!(trailer.place(size).unwrap_err().contains("no room"), "{size}");
        }
        assert!(trailer.place(64).unwrap_err().contains("nothing of it is signed"));
        let far = read(r#"{"from": "start", "offset": 18446744073709551615}"#);
        assert!(far.place(u64::MAX).is_err());
    }

    #[test]
    fn a_description_that_makes_no_sense_is_told() {
        for (text, key) in [
            (r#"{"offset": 64, "length": 65}"#, "length"),
            (r#"{"offset": 63}"#, "offset"),
            (r#"{"offset": 72, "length": 7, "form": "der"}"#, "length"),
            (r#"{"offset": 64, "key": "release"}"#, "key"),
        ] {
            assert_eq!(read(text).problem().map(|(key, _)| key), Some(key), "{text}");
        }
        assert!(serde_json::from_str::<ImageSignature>(r#"{"offset": 64, "hash": "md5"}"#).is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_signed_lies_within_the_image_and_never_overlaps_the_signature(
            offset in 0u64..300, length in 8u16..80, skip in 0u64..300, size in 0u64..400, at_end: bool, part in 0..3,
        ) {
            let description = ImageSignature {
                from: if at_end { ImageEnd::End } else { ImageEnd::Start },
                offset,
                length,
                form: SignatureForm::Der,
                signed: [SignedPart::Before, SignedPart::After, SignedPart::Around][part as usize],
                skip,
                key: None,
            };
            if let Ok(found) = description.place(size) {
                proptest::prop_assert!(found.field.end <= size);
                for part in found.signed {
                    proptest::prop_assert!(part.start < part.end && part.end <= size);
                    proptest::prop_assert!(part.end <= found.field.start || part.start >= found.field.end);
                }
            }
        }
    }
}
