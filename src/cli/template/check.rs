//! `template check FILE`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, USAGE};
use crate::cli::scheme::octets;
use crate::model::template::Problem;
use crate::model::template::check::{LARGEST, check_bytes};

/// Checks a template file: every slip, every value that cannot be, and what is worth a look.
#[derive(Args, Debug)]
pub(in crate::cli) struct Check {
    /// The file
    file: PathBuf,
}

/// A problem as JSON.
pub(super) fn problem_document(problem: &Problem) -> Value {
    json!({
        "code": problem.code.word(),
        "severity": problem.severity().word(),
        "pointer": problem.pointer,
        "line": problem.position.map(|position| position.line),
        "column": problem.position.map(|position| position.column),
        "message": problem.message,
        "advice": problem.advice,
    })
}

impl Check {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let largest = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        let checked = check_bytes(&octets(&self.file, largest)?);
        let file = self.file.display().to_string();
        let errors = checked.problems.iter().filter(|problem| problem.is_error()).count();
        app.print(
            || {
                json!({
                    "file": file,
                    "problems": checked.problems.iter().map(problem_document).collect::<Vec<_>>(),
                    "errors": errors,
                    "warnings": checked.problems.len() - errors,
                })
            },
            |out| {
                if checked.problems.is_empty() {
                    return writeln!(out, "{file}: no problems");
                }
                checked.problems.iter().try_for_each(|problem| writeln!(out, "{file}:{problem}"))
            },
        )?;
        Ok(if errors > 0 { USAGE } else { DONE })
    }
}
