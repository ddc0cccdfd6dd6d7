//! How a command ends when it does not end well: the exit codes of the contract.

use std::fmt;
use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::export::ExportError;
use crate::model::{Blame, Fault};
use crate::store::StoreError;

/// All is done.
pub(super) const DONE: u8 = 0;
/// Some meters failed.
pub(super) const SOME_FAILED: u8 = 1;
/// Wrong usage, or a bad file.
pub(super) const USAGE: u8 = 2;
/// Refused: rights, a signature, or safety.
pub(super) const REFUSED: u8 = 3;
/// This program's own fault.
pub(super) const INTERNAL: u8 = 4;

/// Why a command stopped.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    blame: Blame,
    message: String,
}

impl Failure {
    /// Wrong usage, or a bad file.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, blame: Blame::User, message: message.into() }
    }

    /// Refused: rights, a signature, or safety.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { code: REFUSED, blame: Blame::User, message: message.into() }
    }

    /// This program's own fault.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self { code: INTERNAL, blame: Blame::Internal, message: message.into() }
    }

    /// The exit code.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// The document of a command that stopped: `error` as in the results of `read`.
    pub(super) fn document(&self) -> Value {
        json!({ "error": { "fault": self.blame.name(), "message": self.message } })
    }

    /// Whether there is anything to tell.
    pub(super) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let code = match fault.blame {
            Blame::User if fault.refused => REFUSED,
            Blame::User => USAGE,
            Blame::Line | Blame::Meter => SOME_FAILED,
            Blame::Internal => INTERNAL,
        };
        Self { code, blame: fault.blame, message: fault.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unusable { .. }
            | StoreError::NoRoom { .. }
            | StoreError::Damaged { .. }
            | StoreError::Request(_) => Self::usage(error.to_string()),
            StoreError::Sqlite { .. } => Self::internal(error.to_string()),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Io(_) | ExportError::Csv(_) => Self::usage(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // Whoever read our output has enough of it: `meterwright … | head`.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: DONE, blame: Blame::User, message: String::new() };
        }
        Self::usage(format!("the output cannot be written: {error}"))
    }
}
