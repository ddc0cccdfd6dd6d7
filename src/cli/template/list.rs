//! `template list`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::table::Table;
use crate::model::template::Entry;

/// Shows all templates.
#[derive(Args, Debug)]
pub(in crate::cli) struct List {}

/// Where a template comes from, in words.
pub(super) fn origin_words(entry: &Entry<'_>) -> String {
    let Some(own) = entry.own else { return "ships with the program".to_owned() };
    let origin = own.origin.as_ref();
    let from = match origin.map(|origin| (&origin.copied_from, &origin.learnt_from)) {
        Some((Some(name), _)) => format!("copied from {name}"),
        Some((_, Some(meter))) => format!("learnt from {meter}"),
        _ => "imported".to_owned(),
    };
    if entry.is_doubled { format!("{from}; hides one that ships: rename it") } else { from }
}

/// An entry as JSON.
pub(super) fn document(entry: &Entry<'_>, meters: usize) -> Value {
    let own = entry.own;
    let origin = own.and_then(|own| own.origin.as_ref());
    json!({
        "name": entry.name,
        "title": entry.template.as_ref().ok().map(|template| &template.title),
        "own": own.is_some(),
        "hides_shipped": entry.is_doubled,
        "meters": meters,
        "version": own.map(|own| own.version),
        "changed_at": own.map(|own| own.changed_at.to_string()),
        "changed_by": own.map(|own| &own.changed_by),
        "copied_from": origin.and_then(|origin| origin.copied_from.as_ref()),
        "learnt_from": origin.and_then(|origin| origin.learnt_from.as_ref()),
        "error": entry.template.as_ref().err().map(ToString::to_string),
    })
}

impl List {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let templates = app.catalogue()?;
        let used = used(app)?;
        let count = |name: &str| used.iter().filter(|used| *used == name).count();
        app.print(
            || {
                let all = templates.entries().map(|entry| document(&entry, count(entry.name)));
                json!({ "templates": all.collect::<Vec<_>>() })
            },
            |out| {
                let mut table = Table::new(&["name", "meters", "title", "from"]).numbers(&[1]);
                for entry in templates.entries() {
                    let title = match &entry.template {
                        Ok(template) => template.title.clone(),
                        Err(error) => error.to_string(),
                    };
                    let (name, meters) = (entry.name.to_owned(), count(entry.name).to_string());
                    table.row(vec![name, meters, title, origin_words(&entry)]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }
}

/// The template of each meter.
fn used(app: &App) -> Result<Vec<String>, Failure> {
    let path = app.store_path()?;
    if std::fs::metadata(&path).map_or(0, |file| file.len()) == 0 {
        return Ok(Vec::new());
    }
    Ok(app.reader()?.meters()?.into_iter().map(|row| row.config.template).collect())
}
