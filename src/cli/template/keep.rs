//! `template copy`, `template import`, `template export`, `template remove`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::write_file;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::scheme::octets;
use crate::comms::Edit;
use crate::model::template::check::{LARGEST, check_bytes};
use crate::model::template::{Origin, written};

/// Copies a template into the store under another name.
#[derive(Args, Debug)]
pub(in crate::cli) struct Copy {
    /// The template
    name: String,
    /// The copy's name
    new: String,
    /// What people read in lists [default: the same]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// Takes a template file into the store, under the name that it bears.
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {
    /// The file
    file: PathBuf,
    /// Put it in the place of the store's own template of that name
    #[arg(long)]
    replace: bool,
}

/// Writes a template to a file.
#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    /// The template
    name: String,
    /// The file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Removes a template of the store.
#[derive(Args, Debug)]
pub(in crate::cli) struct Remove {
    /// The template
    name: String,
}

impl Copy {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let templates = app.catalogue()?;
        let entry = super::entry(&templates, &self.name)?;
        let mut template = templates.named(&self.name).map_err(|error| Failure::usage(error.to_string()))?;
        template.name.clone_from(&self.new);
        if let Some(title) = &self.title {
            template.title.clone_from(title);
        }
        let origin =
            Origin { copied_from: Some(self.name.clone()), text: entry.text.to_owned(), ..Origin::default() };
        let text = written(&template);
        app.edit(Edit::PutTemplate { text, origin: Some(origin), replaces: None })?;
        app.print(
            || json!({ "added": self.new, "copied_from": self.name }),
            |out| writeln!(out, "Copied {} to {}", self.name, self.new),
        )?;
        Ok(DONE)
    }
}

impl Import {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let file = self.file.display();
        let largest = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        let octets = octets(&self.file, largest)?;
        let checked = check_bytes(&octets);
        let Some(template) = checked.template else {
            let errors = checked.problems.iter().filter(|problem| problem.is_error());
            let lines: Vec<String> = errors.map(|problem| format!("{file}:{problem}")).collect();
            return Err(Failure::usage(format!("the template has errors\n{}", lines.join("\n"))));
        };
        let templates = app.catalogue()?;
        let there = templates.entry(&template.name).and_then(|entry| entry.own);
        let replaces = match (there, self.replace) {
            (Some(own), true) => Some(own.version),
            (Some(_), false) => {
                return Err(Failure::usage(format!(
                    "there is a template `{}` in this store already: --replace puts this one in its place",
                    template.name
                )));
            }
            (None, _) => None,
        };
        let text = String::from_utf8_lossy(&octets).trim_start_matches('\u{feff}').to_owned();
        app.edit(Edit::PutTemplate { text, origin: None, replaces })?;
        for problem in checked.problems {
            app.tell(&format!("{file}:{problem}"));
        }
        let word = if replaces.is_some() { "changed" } else { "added" };
        app.print(
            || json!({ word: template.name }),
            |out| writeln!(out, "{} {}", if replaces.is_some() { "Changed" } else { "Added" }, template.name),
        )?;
        Ok(DONE)
    }
}

impl Export {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let templates = app.catalogue()?;
        let entry = super::entry(&templates, &self.name)?;
        write_file(&self.output, entry.text, true)?;
        let output = self.output.display().to_string();
        app.print(
            || json!({ "exported": self.name, "output": output }),
            |out| writeln!(out, "Wrote {} to {output}", self.name),
        )?;
        Ok(DONE)
    }
}

impl Remove {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let templates = app.catalogue()?;
        if super::entry(&templates, &self.name)?.own.is_none() {
            return Err(Failure::usage(format!(
                "{} ships with the program and cannot be removed",
                self.name
            )));
        }
        app.edit(Edit::RemoveTemplate(self.name.clone()))?;
        app.print(|| json!({ "removed": self.name }), |out| writeln!(out, "Removed {}", self.name))?;
        Ok(DONE)
    }
}
