//! `template show NAME`

use clap::Args;
use serde_json::{Value, json};

use super::list::document;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::model::template::{Difference, Template, describe, differences};

/// Shows what a template says, section by section.
#[derive(Args, Debug)]
pub(in crate::cli) struct Show {
    /// The template
    name: String,
    /// Settings that are as usual too
    #[arg(long)]
    all: bool,
    /// Show what it says differently from another template, or, with an empty text, from the one it was copied from
    #[arg(long, value_name = "OTHER")]
    against: Option<String>,
}

fn difference_document(one: &Difference) -> Value {
    json!({ "pointer": one.pointer, "label": one.label, "before": one.before, "after": one.after })
}

impl Show {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let templates = app.catalogue()?;
        let entry = super::entry(&templates, &self.name)?;
        let template = entry.template.clone().map_err(|error| Failure::usage(error.to_string()))?;
        if let Some(other) = &self.against {
            let before = if other.is_empty() {
                let origin = entry.own.and_then(|own| own.origin.as_ref());
                let origin = origin.ok_or_else(|| {
                    Failure::usage(format!(
                        "{} was not copied from another: name one after --against",
                        self.name
                    ))
                })?;
                Template::parse(&self.name, &origin.text)
            } else {
                templates.named(other)
            };
            let before = before.map_err(|error| Failure::usage(error.to_string()))?;
            let found = differences(&before, &template);
            app.print(
                || json!({ "differences": found.iter().map(difference_document).collect::<Vec<_>>() }),
                |out| {
                    if found.is_empty() {
                        return writeln!(out, "Both say the same");
                    }
                    found.iter().try_for_each(|one| {
                        let said = |words: &Option<String>| words.clone().unwrap_or_else(|| "–".to_owned());
                        writeln!(out, "{}: {} → {}", one.label, said(&one.before), said(&one.after))
                    })
                },
            )?;
            return Ok(DONE);
        }
        let used = match app.reader() {
            Ok(store) => store.template_users(&self.name)?,
            Err(_) => Vec::new(),
        };
        app.print(
            || {
                let mut shown = document(&entry, used.len());
                if let Value::Object(fields) = &mut shown {
                    fields.insert("used_by".to_owned(), json!(used));
                    fields
                        .insert("template".to_owned(), serde_json::from_str(entry.text).unwrap_or_default());
                }
                shown
            },
            |out| {
                for section in describe(&template) {
                    let rows = section.rows.iter().filter(|row| self.all || !row.is_usual);
                    let rows: Vec<_> = rows.collect();
                    if rows.is_empty() {
                        continue;
                    }
                    writeln!(out, "{}", section.title)?;
                    for row in rows {
                        writeln!(out, "  {}: {}", row.label, row.value)?;
                    }
                }
                match used.len() {
                    0 => writeln!(out, "No meter uses it"),
                    1 => writeln!(out, "1 meter uses it: {}", used.join(", ")),
                    count => writeln!(out, "{count} meters use it"),
                }
            },
        )?;
        Ok(DONE)
    }
}
