//! From a file to a [`Document`]: every slip against the format is named, and what is left is still checked.
//!
//! What the page calls a missing key is an error, so every key that it shows must be there, an empty list or text
//! included; `latent` alone may be left out. Two things that the page leaves open: `clock.dst` is `null` for a clock
//! that stays in standard time, and an output is either
//! `{ "id", "title", "function": "pulse", "source", "pulses_per_kilo" }` or
//! `{ "id", "title", "function": "follow", "register" }`.

mod prices;
mod sections;

use std::collections::HashMap;
use std::str::FromStr;

use super::document::{Document, Source};
use super::json::{self, Member, Node, Position, Value, push_index, push_key, quoted};
use super::problem::{Code, Problem};

pub(super) use prices::prices;

/// What reading a file gives.
#[derive(Debug)]
pub(super) struct Reading {
    /// The document, with stand-ins where `broken` says so; nothing where the file is no JSON object.
    pub(super) document: Option<Document>,
    /// Slips against syntax and format.
    pub(super) problems: Vec<Problem>,
    /// Places whose value is a stand-in.
    pub(super) broken: Vec<String>,
    /// Where everything stands.
    pub(super) positions: HashMap<String, Position>,
}

/// Reads a file's text.
pub(super) fn read(text: &str) -> Reading {
    let (node, slips) = json::parse(text);
    let problems = slips.into_iter().map(Problem::from).collect();
    let mut reader = Reader { problems, broken: Vec::new() };
    let mut positions = HashMap::new();
    let document = node.and_then(|node| {
        note_positions(&node, &mut String::new(), &mut positions);
        reader.document(&Spot { node: &node, place: String::new() })
    });
    Reading { document, problems: reader.problems, broken: reader.broken, positions }
}

fn note_positions(node: &Node, place: &mut String, into: &mut HashMap<String, Position>) {
    into.insert(place.clone(), node.at);
    let length = place.len();
    match &node.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                push_index(place, index);
                note_positions(item, place, into);
                place.truncate(length);
            }
        }
        Value::Object(members) => {
            for member in members {
                push_key(place, &member.key);
                note_positions(&member.node, place, into);
                place.truncate(length);
            }
        }
        _ => {}
    }
}

impl From<json::Slip> for Problem {
    fn from(slip: json::Slip) -> Self {
        Self { position: Some(slip.at), ..Self::new(Code::Syntax, slip.place, slip.message) }
    }
}

/// A value and its place.
struct Spot<'a> {
    node: &'a Node,
    place: String,
}

/// The members of an object whose keys were held against the format.
struct Fields<'a> {
    members: &'a [Member],
    place: String,
    at: Position,
}

impl<'a> Fields<'a> {
    fn place_of(&self, key: &str) -> String {
        let mut place = self.place.clone();
        push_key(&mut place, key);
        place
    }

    fn find(&self, key: &str) -> Option<Spot<'a>> {
        let member = self.members.iter().find(|member| member.key == key)?;
        Some(Spot { node: &member.node, place: self.place_of(key) })
    }
}

struct Reader {
    problems: Vec<Problem>,
    broken: Vec<String>,
}

impl Reader {
    fn note(&mut self, code: Code, at: Position, place: String, message: String) {
        self.problems.push(Problem { position: Some(at), ..Problem::new(code, place, message) });
    }

    /// Notes a problem with a value, which will have a stand-in.
    fn refuse<T>(&mut self, code: Code, spot: &Spot<'_>, message: String) -> Option<T> {
        self.broken.push(spot.place.clone());
        self.note(code, spot.node.at, spot.place.clone(), message);
        None
    }

    fn wrong_type<T>(&mut self, spot: &Spot<'_>, allowed: &str) -> Option<T> {
        let message = format!("{} stands here: allowed is {allowed}", spot.node.value.describe());
        self.refuse(Code::WrongType, spot, message)
    }

    /// An object with these keys, of which the first `required` must be there.
    fn object<'a>(&mut self, spot: &Spot<'a>, keys: &[&str], required: usize) -> Option<Fields<'a>> {
        let Value::Object(members) = &spot.node.value else {
            return self.wrong_type(spot, &format!("an object with the keys {}", keys.join(", ")));
        };
        let fields = Fields { members, place: spot.place.clone(), at: spot.node.at };
        for member in members.iter().filter(|member| !keys.contains(&member.key.as_str())) {
            let message =
                format!("the key {} is not known here: allowed are {}", quoted(&member.key), keys.join(", "));
            self.note(Code::UnknownKey, member.at, fields.place_of(&member.key), message);
        }
        for key in keys.iter().take(required) {
            if fields.find(key).is_none() {
                let place = fields.place_of(key);
                self.broken.push(place.clone());
                let message = format!("the key `{key}` is missing: keys here are {}", keys.join(", "));
                self.note(Code::MissingKey, fields.at, place, message);
            }
        }
        Some(fields)
    }

    fn whole<'a>(&mut self, spot: &Spot<'a>, keys: &[&str]) -> Option<Fields<'a>> {
        self.object(spot, keys, keys.len())
    }

    /// Reads a member; its absence is noted already.
    fn get<'a, T>(
        &mut self,
        fields: &Fields<'a>,
        key: &str,
        read: impl FnOnce(&mut Self, &Spot<'a>) -> Option<T>,
    ) -> Option<T> {
        fields.find(key).and_then(|spot| read(self, &spot))
    }

    fn text(&mut self, spot: &Spot<'_>) -> Option<String> {
        match &spot.node.value {
            Value::Text(text) => Some(text.clone()),
            _ => self.wrong_type(spot, "a text in double quotes"),
        }
    }

    fn flag(&mut self, spot: &Spot<'_>) -> Option<bool> {
        match spot.node.value {
            Value::Bool(flag) => Some(flag),
            _ => self.wrong_type(spot, "true or false"),
        }
    }

    fn count(&mut self, spot: &Spot<'_>) -> Option<u32> {
        let Value::Number(text) = &spot.node.value else {
            return self.wrong_type(spot, "a whole number without quotes");
        };
        text.parse().ok().or_else(|| {
            let message = format!("{text} is not a whole number from 0 to {}", u32::MAX);
            self.refuse(Code::BadValue, spot, message)
        })
    }

    /// The format tag, which names what the file is.
    fn format(&mut self, spot: &Spot<'_>, tag: &str) -> Option<()> {
        self.parsed_by(spot, |text| {
            if text == tag {
                Ok(())
            } else {
                Err(format!("{} is not a format that this program reads: write `{tag}`", quoted(text)))
            }
        })
    }

    /// A text that a type reads; its error says what is allowed.
    fn parsed<T>(&mut self, spot: &Spot<'_>) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.parsed_by(spot, str::parse)
    }

    fn parsed_by<T, E: std::fmt::Display>(
        &mut self,
        spot: &Spot<'_>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(spot)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(Code::BadValue, spot, error.to_string()),
        }
    }

    /// A list. An element that is refused keeps its place as a stand-in, so that those after it keep their indices.
    fn list<'a, T>(
        &mut self,
        spot: &Spot<'a>,
        stand_in: impl Fn() -> T,
        read: impl Fn(&mut Self, &Spot<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = &spot.node.value else {
            return self.wrong_type(spot, "a list in [ ]");
        };
        let mut list = Vec::new();
        for (index, node) in items.iter().enumerate() {
            let mut place = spot.place.clone();
            push_index(&mut place, index);
            list.push(read(self, &Spot { node, place }).unwrap_or_else(&stand_in));
        }
        Some(list)
    }

    fn texts(&mut self, spot: &Spot<'_>) -> Option<Vec<String>> {
        self.list(spot, String::new, Self::text)
    }

    fn sources(&mut self, spot: &Spot<'_>) -> Option<Vec<Source>> {
        self.list(spot, || Source::ActiveImport, Self::parsed)
    }
}
