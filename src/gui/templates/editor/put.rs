//! How a form changes the tree of a text.

use serde_json::{Map, Value};

/// Puts a value at a place; nothing takes it away, and with it a section that is empty then.
pub(in crate::gui::templates) fn put(tree: &mut Value, pointer: &str, value: Option<Value>) {
    let keys: Vec<String> =
        pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let Some((last, outer)) = keys.split_last() else { return };
    let mut here = &mut *tree;
    for key in outer {
        if value.is_none() && here.get(key).is_none() {
            return;
        }
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        let Value::Object(members) = here else { return };
        here = members.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    if !here.is_object() {
        *here = Value::Object(Map::new());
    }
    let Value::Object(members) = here else { return };
    match value {
        Some(value) => {
            members.insert(last.clone(), value);
        }
        None => {
            members.shift_remove(last);
            let is_empty = members.is_empty();
            if let ([section], true, Value::Object(sections)) = (outer, is_empty, tree) {
                sections.shift_remove(section);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_put_into_a_section_that_is_made_for_it_and_goes_away_with_it() {
        let mut tree = json!({ "name": "x" });
        put(&mut tree, "/hdlc/info", Some(json!(512)));
        assert_eq!(tree, json!({ "name": "x", "hdlc": { "info": 512 } }));
        put(&mut tree, "/hdlc/window", None);
        put(&mut tree, "/hdlc/info", None);
        put(&mut tree, "/timing/attempts", None);
        assert_eq!(tree, json!({ "name": "x" }));
    }
}
