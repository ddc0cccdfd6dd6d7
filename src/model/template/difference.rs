//! What two templates disagree on.

use serde_json::Value;

use super::problem::step;
use super::{Template, fields};

/// One thing that two templates say differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What it is called.
    pub label: String,
    /// What the first says; nothing where it says nothing.
    pub before: Option<String>,
    /// What the second says; nothing where it says nothing.
    pub after: Option<String>,
}

/// Everything that two templates disagree on, in the order of the format; their names are left out.
#[must_use]
pub fn differences(before: &Template, after: &Template) -> Vec<Difference> {
    // What is written out has no shape that could fail.
    let [one, other] = [before, after].map(|template| serde_json::to_value(template).unwrap_or_default());
    let mut found = Vec::new();
    compare("", Some(&one), Some(&other), &mut found);
    found.retain(|difference| difference.pointer != "/name");
    found
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn compare(pointer: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let new = other.keys().filter(|key| !one.contains_key(*key));
            for key in one.keys().chain(new) {
                compare(&step(pointer, key), one.get(key), other.get(key), found);
            }
        }
        (None, Some(Value::Object(other))) => {
            other.iter().for_each(|(key, value)| compare(&step(pointer, key), None, Some(value), found));
        }
        (Some(Value::Object(one)), None) => {
            one.iter().for_each(|(key, value)| compare(&step(pointer, key), Some(value), None, found));
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            let missing = |list: &[Value], item: &&Value| !list.contains(item);
            let gone = one.iter().filter(|item| missing(other, item)).map(|item| (Some(words(item)), None));
            let new = other.iter().filter(|item| missing(one, item)).map(|item| (None, Some(words(item))));
            let mut changes: Vec<(Option<String>, Option<String>)> = gone.chain(new).collect();
            if changes.is_empty() {
                let order = |list: &[Value]| list.iter().map(words).collect::<Vec<_>>().join(", ");
                changes.push((Some(order(one)), Some(order(other))));
            }
            for (before, after) in changes {
                found.push(Difference {
                    pointer: pointer.to_owned(),
                    label: fields::label(pointer),
                    before,
                    after,
                });
            }
        }
        _ => {
            let said = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(words);
            found.push(Difference {
                pointer: pointer.to_owned(),
                label: fields::label(pointer),
                before: said(before),
                after: said(after),
            });
        }
    }
}
