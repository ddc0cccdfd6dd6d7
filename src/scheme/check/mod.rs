//! The checks of a scheme, by the codes of the format page.
//!
//! [`check`] looks at a document, [`check_file`] at a file: there slips against the format come first, and the checks
//! that do not depend on a slip still run, so that one pass names everything that is wrong.
//!
//! Decisions where the page is silent: ids are 1 to 16 letters, digits, `_`, `-` or `.`; the ids of all registers share
//! one space, those of day types, weeks and seasons have one each in each tariff. A source that is counted twice in
//! one list, and an OBIS code that two registers claim, is a `duplicate-id`. At least one season must start every year,
//! or there would be days before the first. What is named by no season's week and no special day is `never-used`, and
//! not held against `no-energy-register`. After the latent tariff's date has gone by, the first tariff is not said to
//! be `never-used`: `latent-past` says it all.

mod limits;
mod references;
mod tariff;
mod values;

use std::collections::HashMap;

use jiff::civil::Date;

use super::document::{Document, Tariff};
use super::problem::{Code, Position, Problem};
use super::read::read as read_text;
use crate::model::template::SchemeLimits;
use crate::model::{Catalogue, Template};

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The document, where the file keeps to the format.
    pub document: Option<Document>,
    /// Everything found, in the order of the file.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// Whether the scheme must not go into a meter.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

/// Checks a document against the limits of a meter model, as of a day.
#[must_use]
pub fn check(document: &Document, template: &Template, today: Date) -> Vec<Problem> {
    let mut checker =
        Checker { document, limits: Some(&template.limits), today, broken: &[], problems: Vec::new() };
    checker.run();
    checker.problems
}

/// Reads a scheme file and checks it against the limits of the template that it names, as of a day, where that is one
/// that ships with the program.
#[must_use]
pub fn check_file(bytes: &[u8], today: Date) -> Checked {
    check_file_among(bytes, today, &Catalogue::default())
}

/// Reads a scheme file and checks it against the limits of the template that it names, as of a day.
#[must_use]
pub fn check_file_among(bytes: &[u8], today: Date, templates: &Catalogue) -> Checked {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Checked { document: None, problems: vec![not_utf8(bytes, &error)] },
    };
    let reading = read_text(text);
    let keeps_format = reading.problems.is_empty();
    let mut problems = reading.problems;
    if let Some(document) = &reading.document {
        let template = templates.shared(&document.template);
        let limits = template.as_ref().ok().map(|template| &template.limits);
        let mut checker = Checker { document, limits, today, broken: &reading.broken, problems: Vec::new() };
        if let Err(error) = &template {
            checker.note(Code::UndefinedReference, "template", error.to_string());
        }
        checker.run();
        problems.extend(checker.problems.into_iter().map(|problem| locate(problem, &reading.positions)));
    }
    problems.sort_by_key(|problem| problem.position);
    Checked { document: reading.document.filter(|_| keeps_format), problems }
}

/// Reads a scheme file without looking at what it means.
///
/// # Errors
/// Every slip against the format.
pub fn read(bytes: &[u8]) -> Result<Document, Vec<Problem>> {
    let text = std::str::from_utf8(bytes).map_err(|error| vec![not_utf8(bytes, &error)])?;
    let reading = read_text(text);
    match reading.document {
        Some(document) if reading.problems.is_empty() => Ok(document),
        _ => Err(reading.problems),
    }
}

pub(super) fn not_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> Problem {
    let (sound, rest) = bytes.split_at(error.valid_up_to());
    let text = String::from_utf8_lossy(sound);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let line = count(text.matches('\n').count()).saturating_add(1);
    let column = count(text.rsplit('\n').next().map_or(0, |last| last.chars().count())).saturating_add(1);
    let byte = rest.first().copied().unwrap_or_default();
    let message = format!("the byte {byte:02X} stands here: these files are UTF-8; save it as such");
    Problem { position: Some(Position { line, column }), ..Problem::new(Code::Syntax, "", message) }
}

/// Finds where a place, or what is left of it, stands in the file.
fn locate(problem: Problem, positions: &HashMap<String, Position>) -> Problem {
    let mut place = problem.place.as_str();
    loop {
        if let Some(position) = positions.get(place) {
            return Problem { position: Some(*position), ..problem };
        }
        match place.rfind(['.', '[']) {
            Some(end) => place = place.get(..end).unwrap_or_default(),
            None if place.is_empty() => return problem,
            None => place = "",
        }
    }
}

struct Checker<'a> {
    document: &'a Document,
    /// Nothing where the template is not known.
    limits: Option<&'a SchemeLimits>,
    today: Date,
    /// Places that hold stand-ins: nothing is to be concluded from them.
    broken: &'a [String],
    problems: Vec<Problem>,
}

/// Whether a place is another one, or lies in it.
fn is_within(place: &str, outer: &str) -> bool {
    place.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl<'a> Checker<'a> {
    fn note(&mut self, code: Code, place: impl Into<String>, message: impl Into<String>) {
        let problem = Problem::new(code, place, message);
        if !self.broken.iter().any(|broken| is_within(&problem.place, broken)) {
            self.problems.push(problem);
        }
    }

    /// Whether all of a section is as it was written, but for members that do not bear on the check.
    fn is_sound(&self, section: &str, regardless_of: &[&str]) -> bool {
        self.broken.iter().all(|broken| {
            let leaf = broken.rsplit('.').next().unwrap_or_default();
            let bears = is_within(broken, section) || is_within(section, broken);
            !bears || regardless_of.contains(&leaf)
        })
    }

    /// The tariffs and their places.
    fn tariffs(&self) -> impl Iterator<Item = (&'static str, &'a Tariff)> + use<'a> {
        let latent = self.document.latent.as_ref().map(|latent| ("latent.tariff", &latent.tariff));
        std::iter::once(("tariff", &self.document.tariff)).chain(latent)
    }

    fn run(&mut self) {
        self.values();
        self.references();
        self.tariff_rules();
        self.limit_rules();
    }
}

#[cfg(test)]
mod tests;
