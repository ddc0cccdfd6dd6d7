//! The text of a template: what differs from the defaults, in the order of the format, short lists on one line.

use serde_json::{Map, Value};

use super::Template;

/// The longest line.
const WIDTH: usize = 110;
/// Keys that are written whatever they say.
const ALWAYS: [&str; 4] = ["format", "name", "title", "family"];

/// The text of a template. What equals the default is left out.
#[must_use]
pub fn written(template: &Template) -> String {
    // What is written out has no shape that could fail; without defaults nothing is left out.
    let whole = serde_json::to_value(template).unwrap_or_default();
    let least = Template::least();
    let usual = serde_json::to_value(least).unwrap_or_default();
    let Value::Object(mut sections) = whole else { return String::new() };
    sections.retain(|key, section| {
        let usual = usual.get(key);
        if let (Value::Object(members), Some(Value::Object(usual))) = (&mut *section, usual) {
            members.retain(|key, value| usual.get(key) != Some(value));
        }
        ALWAYS.contains(&key.as_str()) || Some(&*section) != usual && *section != Value::Object(Map::new())
    });
    written_value(&Value::Object(sections))
}

/// The text of a JSON document, as templates are written.
#[must_use]
pub fn written_value(value: &Value) -> String {
    let mut out = String::new();
    put(&mut out, value, 0, 0);
    out.push('\n');
    out
}

fn put(out: &mut String, value: &Value, depth: usize, before: usize) {
    let flat = flat(value);
    let is_section = depth < 1 && value.is_object();
    if !is_section && before + flat.len() <= WIDTH && (depth > 1 || !is_table(value)) {
        out.push_str(&flat);
        return;
    }
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push_str("{\n");
            for (place, (key, inner)) in members.iter().enumerate() {
                let key = format!("{}{}: ", "  ".repeat(depth + 1), Value::String(key.clone()));
                out.push_str(&key);
                put(out, inner, depth + 1, key.chars().count() + 1);
                out.push_str(if place + 1 < members.len() { ",\n" } else { "\n" });
            }
            out.push_str(&"  ".repeat(depth));
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            out.push_str("[\n");
            fill(out, items, depth + 1);
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
            out.push(']');
        }
        _ => out.push_str(&flat),
    }
}

/// Puts as many items on a line as it has room for; an object has a line of its own.
fn fill(out: &mut String, items: &[Value], depth: usize) {
    let margin = "  ".repeat(depth);
    let mut column = 0;
    for (place, item) in items.iter().enumerate() {
        let text = flat(item);
        if item.is_object() && margin.len() + text.chars().count() > WIDTH {
            out.push_str(if place > 0 { "\n" } else { "" });
            out.push_str(&margin);
            put(out, item, depth, margin.len());
            out.push_str(if place + 1 < items.len() { "," } else { "" });
            // What follows begins a line of its own.
            column = WIDTH;
            continue;
        }
        let is_new = column == 0 || item.is_object() || column + text.len() + 2 > WIDTH;
        if is_new {
            if place > 0 {
                out.push('\n');
            }
            out.push_str(&margin);
            column = margin.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(&text);
        column += text.len();
        if place + 1 < items.len() {
            out.push(',');
            column += 1;
        }
    }
}

/// Whether an object holds objects, or is so large that it reads better line by line.
fn is_table(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.len() > 4 || members.values().any(Value::is_object))
}

/// On one line, with blanks where a person would put them.
fn flat(value: &Value) -> String {
    match value {
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let inner =
                members.iter().map(|(key, value)| format!("{}: {}", Value::String(key.clone()), flat(value)));
            format!("{{ {} }}", inner.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
