//! What each setting of a template is called, what it may be, and what it does: one table for the checks, for what a
//! template says in words, and for the forms of the window. A key that is not in it is shown by its own name.

mod groups;
mod table;

use serde_json::Value;

pub use table::{FIELDS, SECTIONS};

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number with its unit.
    Number {
        /// The least.
        low: u32,
        /// The most.
        high: u32,
        /// Its unit; empty for a count.
        unit: &'static str,
    },
    /// One of some words, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any text.
    Text,
    /// Any text, or none.
    MaybeText,
    /// A server address.
    Address,
    /// An object by its OBIS code.
    Object,
    /// An object, or none.
    MaybeObject,
    /// Objects in an order.
    Objects,
    /// Numbers in an order.
    Numbers,
    /// Some of these words in an order, or of the services where it is empty.
    Words(&'static [&'static str]),
    /// Three digits each, in an order.
    Ranges,
    /// Hexadecimal digits, or none.
    MaybeHex {
        /// How many; 0 for any even number of them.
        digits: usize,
    },
    /// Settings that are told together, or not at all.
    Group {
        /// All of them, by their whole pointers.
        fields: &'static [Field],
        /// What they say at first, every one of them, as JSON.
        first: &'static str,
    },
    /// A table of its own: plate data, names, scalers, status bits, event texts, ratios.
    Table,
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Where it stands, as a JSON pointer.
    pub pointer: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it does; empty where the label says it.
    pub help: &'static str,
}

impl Field {
    /// What a group says at first; null for a setting that is none.
    #[must_use]
    pub fn first(&self) -> Value {
        match self.kind {
            // The table is checked by a test: each of these reads.
            Kind::Group { first, .. } => serde_json::from_str(first).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// The key of its section; empty for what stands above all sections.
    #[must_use]
    pub fn section(&self) -> &'static str {
        let mut steps = self.pointer.split('/').skip(1);
        match (steps.next(), steps.next()) {
            (Some(section), Some(_)) => section,
            _ => "",
        }
    }

    /// A value in words, where its kind says more than the value itself.
    #[must_use]
    pub fn said(&self, value: &Value) -> Option<String> {
        match (self.kind, value) {
            (Kind::Choice(words), Value::String(word)) => {
                let meaning = words.iter().find(|(known, _)| known == word);
                meaning.map(|(_, meaning)| (*meaning).to_owned())
            }
            (Kind::Number { unit, .. }, Value::Number(number)) if !unit.is_empty() => {
                Some(format!("{number} {unit}"))
            }
            (Kind::Text | Kind::MaybeText | Kind::Address, Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The setting at a place.
#[must_use]
pub fn at(pointer: &str) -> Option<&'static Field> {
    all().find(|field| field.pointer == pointer)
}

/// All settings, each group followed by what is told within it.
pub fn all() -> impl Iterator<Item = &'static Field> {
    let within = |field: &'static Field| match field.kind {
        Kind::Group { fields, .. } => fields,
        _ => &[],
    };
    FIELDS.iter().flat_map(move |field| std::iter::once(field).chain(within(field)))
}

/// Whether a key names a section.
#[must_use]
pub fn is_section(key: &str) -> bool {
    SECTIONS.iter().any(|(known, _)| *known == key)
}

/// A key as a person would read it.
#[must_use]
pub fn from_key(key: &str) -> String {
    let spaced = key.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// What a place is called: its setting with what follows below it.
#[must_use]
pub fn label(pointer: &str) -> String {
    let mut outer = pointer;
    loop {
        if let Some(field) = at(outer) {
            let rest = pointer.get(outer.len()..).unwrap_or_default().trim_start_matches('/');
            let section =
                SECTIONS.iter().find(|(key, _)| *key == field.section()).map_or("", |(_, title)| title);
            let label = if section == "General" {
                field.label.to_owned()
            } else {
                format!("{section}: {}", field.label)
            };
            let rest = rest.replace("~1", "/").replace("~0", "~").replace('/', ", ");
            return if rest.is_empty() { label } else { format!("{label} {rest}") };
        }
        match outer.rfind('/') {
            Some(end) => outer = outer.get(..end).unwrap_or_default(),
            None => break,
        }
    }
    let keys: Vec<String> = pointer
        .split('/')
        .skip(1)
        .enumerate()
        .map(|(place, key)| {
            let key = key.replace("~1", "/").replace("~0", "~");
            let title = SECTIONS.iter().find(|(known, _)| place == 0 && *known == key);
            title.map_or(key, |(_, title)| (*title).to_owned())
        })
        .collect();
    keys.join(", ")
}
