//! Why a template was not taken.

use super::Problem;
use crate::model::Position;

/// Why a template was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// No template has this name.
    #[error("there is no template `{name}`: choose one of {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The text is not a template.
    #[error("template {name}, line {line}, column {column}: {message}")]
    Syntax {
        /// The template's name or file.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found and what is allowed.
        message: String,
    },
    /// It reads well but says something impossible.
    #[error("template {name}: {message}")]
    Value {
        /// The template's name or file.
        name: String,
        /// What, and what is allowed.
        message: String,
    },
}

impl TemplateError {
    /// Of the first problem that a check found.
    pub(super) fn of(name: &str, problem: &Problem) -> Self {
        let mut message = problem.message.clone();
        if !problem.pointer.is_empty() {
            message = format!("{}: {message}", problem.pointer);
        }
        if !problem.advice.is_empty() {
            message = format!("{message}; {}", problem.advice);
        }
        let name = name.to_owned();
        match problem.position {
            Some(Position { line, column }) => {
                let [line, column] =
                    [line, column].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
                Self::Syntax { name, line, column, message }
            }
            None => Self::Value { name, message },
        }
    }
}
