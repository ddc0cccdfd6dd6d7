//! Whether a text keeps to the format: known keys, right types, allowed words. What is wrong is looked for by offering
//! ever smaller parts of the text to the sections' own readers, so that a section that is added needs nothing here.

use serde_json::{Map, Number, Value as Json, json};

use super::MOST;
use crate::model::close_to;
use crate::model::json::{Node, Value};
use crate::model::template::problem::{Code, Problem, step};
use crate::model::template::{FORMAT, Template};

/// Elements of one list, or members of one object, that are tried one by one; a longer one is told of as a whole.
const MOST_TRIED: usize = 5000;
/// Keys that every template has.
const REQUIRED: [(&str, &str); 4] = [
    ("format", "write \"format\": \"meterwright.template/1\""),
    ("name", "write the name that meters refer to, such as \"name\": \"acme-x100\""),
    ("title", "write what people read in lists, such as \"title\": \"ACME X100\""),
    ("family", "write \"family\": \"dlms\""),
];

/// A text as far as it keeps to the format.
pub(super) struct Read {
    /// The template without its broken parts; nothing where too little is left.
    pub(super) template: Option<Template>,
    /// Places that were left out or are stand-ins: nothing is to be concluded from them.
    pub(super) broken: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// What a reader says of a part.
type Verdict = Result<(), String>;

/// Reads the tree of a text.
pub(super) fn read(root: &Node) -> Read {
    let Value::Object(members) = &root.value else {
        let message = format!("{} stands here: a template is an object in braces", root.value.describe());
        let problem = Problem { position: Some(root.at), ..Problem::new(Code::WrongType, "", message) };
        return Read { template: None, broken: Vec::new(), problems: vec![problem] };
    };
    let mut search = Search { problems: Vec::new(), broken: Vec::new() };
    for (key, advice) in REQUIRED {
        if !members.iter().any(|member| member.key == key) {
            let message = format!("`{key}` is missing");
            search.problems.push(Problem::new(Code::MissingKey, "", message).advise(advice));
            search.broken.push(step("", key));
        }
    }
    // The whole is read at once where it is sound, which it mostly is.
    if search.problems.is_empty()
        && let Ok(template) = serde_json::from_value(json_of(root, "", &[]))
    {
        return Read { template: Some(template), broken: Vec::new(), problems: Vec::new() };
    }
    for member in members {
        let offer = |value: Json| template_with(&member.key, value).map(drop);
        search.member(&member.key, &member.node, &step("", &member.key), &offer);
    }
    let template = salvage(root, &search.broken);
    Read { template, broken: search.broken, problems: search.problems }
}

/// The least that is a template.
fn least() -> Map<String, Json> {
    let least = json!({ "format": FORMAT, "name": "x", "title": "X", "family": "dlms" });
    if let Json::Object(map) = least { map } else { Map::new() }
}

fn template_with(key: &str, value: Json) -> Result<Template, String> {
    let mut map = least();
    map.insert(key.to_owned(), value);
    serde_json::from_value(Json::Object(map)).map_err(|error| error.to_string())
}

/// The template of all that is not broken; a section that still does not read is left out.
fn salvage(root: &Node, broken: &[String]) -> Option<Template> {
    let Json::Object(sound) = json_of(root, "", broken) else { return None };
    let mut map = least();
    map.extend(sound.into_iter().filter(|(key, value)| template_with(key, value.clone()).is_ok()));
    serde_json::from_value(Json::Object(map)).ok()
}

/// The tree as `serde_json` has it, without some places.
fn json_of(node: &Node, pointer: &str, without: &[String]) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(text) => text.parse::<Number>().map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => {
            let kept = items.iter().enumerate().filter_map(|(place, item)| {
                let pointer = step(pointer, &place.to_string());
                (!without.contains(&pointer)).then(|| json_of(item, &pointer, without))
            });
            Json::Array(kept.collect())
        }
        Value::Object(members) => {
            let kept = members.iter().filter_map(|member| {
                let pointer = step(pointer, &member.key);
                let value = || json_of(&member.node, &pointer, without);
                (!without.contains(&pointer)).then(|| (member.key.clone(), value()))
            });
            Json::Object(kept.collect())
        }
    }
}

struct Search {
    problems: Vec<Problem>,
    broken: Vec<String>,
}

impl Search {
    fn note(&mut self, node: &Node, pointer: &str, problem: Problem) {
        if self.problems.len() < MOST {
            self.problems.push(Problem { position: Some(node.at), ..problem });
        }
        self.broken.push(pointer.to_owned());
    }

    /// Looks at one member of an object, which `offer` puts into an object that is otherwise sound.
    fn member(&mut self, key: &str, node: &Node, pointer: &str, offer: &dyn Fn(Json) -> Verdict) {
        let Err(message) = offer(json_of(node, pointer, &[])) else { return };
        if let Some(known) = known_keys(&message, key) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("`{}` is no key that belongs here", clipped(key));
            let advice = match close_to(key, &known).first() {
                Some(meant) => format!("write `{meant}` if that was meant"),
                None => format!("those that belong here are {}", known.join(", ")),
            };
            self.note(node, pointer, Problem::new(Code::UnknownKey, pointer, message).advise(advice));
        } else if !is_of_the_rest(&message) {
            self.narrow(node, pointer, offer, &message);
        }
    }

    /// Finds the smallest part that is refused.
    fn narrow(&mut self, node: &Node, pointer: &str, offer: &dyn Fn(Json) -> Verdict, message: &str) {
        let before = self.problems.len();
        match &node.value {
            Value::Object(members) if members.len() <= MOST_TRIED => {
                for member in members {
                    let inner = |value: Json| offer(json!({ member.key.as_str(): value }));
                    self.member(&member.key, &member.node, &step(pointer, &member.key), &inner);
                }
            }
            Value::List(items) if items.len() <= MOST_TRIED => {
                let inner = |value: Json| offer(Json::Array(vec![value]));
                for (place, item) in items.iter().enumerate() {
                    let at = step(pointer, &place.to_string());
                    if let Err(message) = inner(json_of(item, &at, &[]))
                        && !is_of_the_rest(&message)
                    {
                        self.narrow(item, &at, &inner, &message);
                    }
                }
            }
            _ => {}
        }
        if self.problems.len() == before {
            self.note(node, pointer, in_words(node, pointer, message));
        }
    }
}

/// The keys that are known where one is not; nothing where the message says something else, or of another key.
fn known_keys(message: &str, key: &str) -> Option<Vec<String>> {
    let rest = message.strip_prefix("unknown field `")?.strip_prefix(key)?.strip_prefix('`')?;
    Some(rest.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Whether a part is refused only because it stands alone.
fn is_of_the_rest(message: &str) -> bool {
    message.starts_with("missing field") || message.starts_with("invalid length")
}

fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

/// What a reader refused, as a person would say it.
fn in_words(node: &Node, pointer: &str, message: &str) -> Problem {
    let described = node.value.describe();
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| wanted(expected));
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
        let problem = Problem::new(
            Code::BadValue,
            pointer,
            format!("{described} stands here: allowed is {}", known.join(", ")),
        );
        let Value::Text(word) = &node.value else { return problem };
        return match close_to(word, &known).first() {
            Some(meant) => problem.advise(format!("write `{meant}` if that was meant")),
            None => problem,
        };
    }
    if let Some(field) = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        let problem = Problem::new(Code::MissingKey, pointer, format!("`{field}` is missing here"));
        return problem.advise(format!("write \"{field}\": …"));
    }
    match expected {
        Some(expected) => {
            let is_type = message.starts_with("invalid type");
            let code = if is_type { Code::WrongType } else { Code::BadValue };
            Problem::new(code, pointer, format!("{described} stands here: allowed is {expected}"))
        }
        None => Problem::new(Code::BadValue, pointer, message.to_owned()),
    }
}

/// A type as a person would name it.
fn wanted(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number that is not below 0",
        "i8" => "a whole number from -128 to 127",
        "i16" | "i32" | "i64" => "a whole number",
        "a string" | "a borrowed string" | "string or map" => "a text in double quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "a map" => "an object in braces",
        other if other.starts_with("struct ") => "an object in braces",
        other => other,
    };
    words.to_owned()
}
