//! `store keep`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::table::Table;
use crate::comms::Edit;
use crate::store::{Age, Kind, Retention};

/// Says what is kept for how long; without arguments, shows it. Readings go only when somebody says so
/// (`store retain`); traffic, jobs and outcomes go by themselves at night.
#[derive(Args, Debug)]
pub(in crate::cli) struct Keep {
    /// KIND=AGE: intervals, registers, billing, events, instantaneous, traces, jobs or outcomes; 30d, 13m, 7y or ever
    #[arg(value_name = "KIND=AGE")]
    ages: Vec<String>,
}

fn parsed(text: &str) -> Result<(Kind, Option<Age>), String> {
    let (kind, age) = text.split_once('=').ok_or_else(|| format!("`{text}`: write KIND=AGE"))?;
    let kinds = || Kind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    let kind = kind.parse().map_err(|_| format!("there is no kind `{kind}`: write {}", kinds()))?;
    let age = if age == "ever" { None } else { Some(age.parse()?) };
    Ok((kind, age))
}

/// `for ever`, `30 days`.
pub(super) fn in_words(age: Option<Age>) -> String {
    age.map_or_else(|| "for ever".to_owned(), |age| age.to_string())
}

fn document(retention: &Retention) -> Value {
    let one = |kind: &Kind| {
        let age = retention.age(*kind);
        json!({
            "kind": kind.word(),
            "name": kind.name(),
            "age": age.map(|age| age.to_string()),
            "by_itself": !kind.is_reading(),
        })
    };
    json!({ "keep": Kind::ALL.iter().map(one).collect::<Vec<_>>() })
}

impl Keep {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let mut retention = app.reader()?.retention()?;
        for text in &self.ages {
            let set = parsed(text).and_then(|(kind, age)| retention.set(kind, age));
            set.map_err(Failure::usage)?;
        }
        if !self.ages.is_empty() {
            app.edit(Edit::Retention(Box::new(retention.clone())))?;
        }
        app.print(
            || document(&retention),
            |out| {
                let mut table = Table::new(&["kind", "kept", "goes"]);
                for kind in Kind::ALL {
                    let age = retention.age(*kind);
                    let goes = match (age, kind.is_reading()) {
                        (None, _) => "",
                        (_, true) => "when somebody says so",
                        (_, false) => "by itself at night",
                    };
                    table.row(vec![kind.word().to_owned(), in_words(age), goes.to_owned()]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }
}
