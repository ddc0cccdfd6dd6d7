//! Why a template was not taken.

/// Why a template was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// No template of this name ships with the program.
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
