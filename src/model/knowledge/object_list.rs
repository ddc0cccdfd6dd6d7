//! An object list in one text, as it is kept: `3 0 1-0:1.8.0*255 1:1,2:1,3:1 1:0`, an entry a semicolon. What is known
//! of a meter is read before every session, and most of it is this list: written out in JSON it is three times as long
//! and takes four times as long to read. Lists that were kept so before are read all the same.

use std::fmt::{self, Write};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

use super::super::ObjectEntry;

/// Attributes or methods with their access modes.
type Rights = [(i8, u8)];

fn put_rights(text: &mut String, rights: &Rights) -> fmt::Result {
    for (place, (number, mode)) in rights.iter().enumerate() {
        write!(text, "{}{number}:{mode}", if place == 0 { "" } else { "," })?;
    }
    Ok(())
}

fn written(objects: &[ObjectEntry]) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(objects.len() * 64);
    for (place, ObjectEntry { class_id, version, obis, attributes, methods }) in objects.iter().enumerate() {
        write!(text, "{}{class_id} {version} {obis} ", if place == 0 { "" } else { ";" })?;
        put_rights(&mut text, attributes)?;
        text.push(' ');
        put_rights(&mut text, methods)?;
    }
    Ok(text)
}

fn rights(text: &str) -> Option<Vec<(i8, u8)>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut all = Vec::with_capacity(text.len() / 4 + 1);
    for one in text.split(',') {
        let (number, mode) = one.split_once(':')?;
        all.push((number.parse().ok()?, mode.parse().ok()?));
    }
    Some(all)
}

fn entry(text: &str) -> Option<ObjectEntry> {
    let mut parts = text.split(' ');
    let entry = ObjectEntry {
        class_id: parts.next()?.parse().ok()?,
        version: parts.next()?.parse().ok()?,
        obis: parts.next()?.parse().ok()?,
        attributes: rights(parts.next()?)?,
        methods: rights(parts.next()?)?,
    };
    parts.next().is_none().then_some(entry)
}

pub(super) fn serialize<S: Serializer>(objects: &[ObjectEntry], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&written(objects).map_err(serde::ser::Error::custom)?)
}

struct Objects;

impl<'de> Visitor<'de> for Objects {
    type Value = Vec<ObjectEntry>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let read =
            |one| entry(one).ok_or_else(|| E::custom(format!("`{one}` is no entry of an object list")));
        text.split(';').map(read).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_element()? {
            all.push(entry);
        }
        Ok(all)
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ObjectEntry>, D::Error> {
    deserializer.deserialize_any(Objects)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Knowledge;
    use super::*;
    use crate::model::Obis;

    fn entries() -> impl Strategy<Value = Vec<ObjectEntry>> {
        let rights = || proptest::collection::vec(any::<(i8, u8)>(), 0..6);
        let entry = (any::<u16>(), any::<u8>(), any::<[u8; 6]>(), rights(), rights()).prop_map(
            |(class_id, version, obis, attributes, methods)| ObjectEntry {
                class_id,
                version,
                obis: Obis(obis),
                attributes,
                methods,
            },
        );
        proptest::collection::vec(entry, 0..8)
    }

    proptest! {
        #[test]
        fn an_object_list_is_read_back_as_it_was(objects in entries()) {
            let known = Knowledge { objects, ..Knowledge::default() };
            let text = serde_json::to_string(&known).unwrap();
            prop_assert_eq!(serde_json::from_str::<Knowledge>(&text).unwrap(), known);
        }

        #[test]
        fn a_list_that_was_kept_entry_by_entry_is_read(objects in entries()) {
            let text = serde_json::json!({ "objects": objects }).to_string();
            prop_assert_eq!(serde_json::from_str::<Knowledge>(&text).unwrap().objects, objects);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9 :;,.*-]{0,60}") {
            let document = serde_json::json!({ "objects": text }).to_string();
            let _ = serde_json::from_str::<Knowledge>(&document);
        }
    }

    #[test]
    fn an_entry_that_does_not_read_is_named() {
        let error =
            serde_json::from_str::<Knowledge>(r#"{"objects":"3 0 1-0:1.8.0*255 1:1 ;8 x"}"#).unwrap_err();
        assert!(error.to_string().contains("`8 x`"), "{error}");
    }
}
