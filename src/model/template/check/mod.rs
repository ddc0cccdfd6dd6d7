//! The checks of a template: the same for a file, for the store and for the editor of the window.
//!
//! [`check`] looks at a text. Slips against the format come first; the rules about what the values mean still run on
//! all that is sound, so that one pass names everything that is wrong.

mod rules;
mod structure;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::Template;
use super::problem::{Code, Problem, is_within, step};
use crate::model::Position;
use crate::model::json::{self, Node, Value};

pub(super) use rules::errors;
pub use rules::valid_name;

/// The longest text that is looked at, in octets.
pub const LARGEST: usize = 1 << 20;
/// Problems beyond this are not listed any more.
const MOST: usize = 100;

/// What a text turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The template, where no check found an error.
    pub template: Option<Template>,
    /// Everything found, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// Whether no meter can be read with it.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    fn failed(problem: Problem) -> Self {
        Self { template: None, problems: vec![problem] }
    }
}

/// Checks octets, as they stand in a file.
#[must_use]
pub fn check_bytes(octets: &[u8]) -> Checked {
    match std::str::from_utf8(octets) {
        Ok(text) => check(text),
        Err(error) => {
            let (sound, rest) = octets.split_at(error.valid_up_to());
            let byte = rest.first().copied().unwrap_or_default();
            let message = format!("the byte {byte:02X} stands here: a template is UTF-8");
            let problem = Problem::new(Code::Syntax, "", message).advise("save the file as UTF-8");
            let position = Some(end_of(&String::from_utf8_lossy(sound)));
            Checked::failed(Problem { position, ..problem })
        }
    }
}

/// Where the next character after a text would stand.
fn end_of(text: &str) -> Position {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position { line: count(text.matches('\n').count()), column: count(last.chars().count()) }
}

/// Checks a text. Pure: no file, no clock, and no work beyond what [`LARGEST`] allows.
#[must_use]
pub fn check(text: &str) -> Checked {
    if text.len() > LARGEST {
        let message = format!("it has {} octets: a template has at most {LARGEST}", text.len());
        return Checked::failed(Problem::new(Code::Syntax, "", message));
    }
    let (root, slips) = json::parse(text);
    let mut problems: Vec<Problem> = slips
        .into_iter()
        .map(|slip| {
            let problem = Problem::new(Code::Syntax, pointer_of(&slip.place), slip.message);
            Problem { position: Some(slip.at), ..problem }
        })
        .collect();
    let Some(root) = root else { return Checked { template: None, problems } };
    let mut positions = HashMap::new();
    remember(&root, String::new(), &mut positions);
    let read = structure::read(&root);
    problems.extend(read.problems);
    if let Some(template) = &read.template {
        let found = rules::all(template, &|pointer| positions.contains_key(pointer));
        let is_sound = |problem: &Problem| !read.broken.iter().any(|at| is_within(&problem.pointer, at));
        problems.extend(found.into_iter().filter(is_sound));
    }
    for problem in &mut problems {
        problem.position = problem.position.or_else(|| locate(&problem.pointer, &positions));
    }
    problems.sort_by_key(|problem| problem.position);
    problems.truncate(MOST);
    let is_good = !problems.iter().any(Problem::is_error);
    Checked { template: read.template.filter(|_| is_good), problems }
}

/// Where every value stands, by its pointer.
fn remember(node: &Node, pointer: String, positions: &mut HashMap<String, Position>) {
    match &node.value {
        Value::Object(members) => {
            for member in members {
                remember(&member.node, step(&pointer, &member.key), positions);
            }
        }
        Value::List(items) => {
            for (place, item) in items.iter().enumerate() {
                remember(item, step(&pointer, &place.to_string()), positions);
            }
        }
        _ => {}
    }
    positions.insert(pointer, node.at);
}

/// Where a pointer, or what is left of it, stands in the text.
fn locate(pointer: &str, positions: &HashMap<String, Position>) -> Option<Position> {
    let mut pointer = pointer;
    loop {
        if let Some(position) = positions.get(pointer) {
            return Some(*position);
        }
        pointer = pointer.get(..pointer.rfind('/')?)?;
    }
}

/// A place as the JSON reader writes it (`a.b[2]`, odd keys in back-quotes) as a pointer.
fn pointer_of(place: &str) -> String {
    let mut pointer = String::new();
    let mut key = String::new();
    let mut is_quoted = false;
    let mut end = |key: &mut String| {
        if !key.is_empty() {
            pointer = step(&pointer, key);
            key.clear();
        }
    };
    for letter in place.chars() {
        match letter {
            '`' => is_quoted = !is_quoted,
            '.' | '[' | ']' if !is_quoted => end(&mut key),
            letter => key.push(letter),
        }
    }
    end(&mut key);
    pointer
}
