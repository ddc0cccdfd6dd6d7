//! `meter list`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::stamps;
use crate::cli::table::Table;
use crate::store::MeterRow;
use jiff::tz::TimeZone;

/// Lists the meters.
#[derive(Args, Debug)]
pub(in crate::cli) struct List {
    /// A group with all groups under it
    #[arg(long, value_name = "G")]
    group: Option<String>,
}

impl List {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let wanted = self.group.as_deref().map(|group| group.trim_end_matches('/'));
        let inside = |row: &MeterRow| match (wanted, row.config.group.as_deref()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(own)) => {
                own.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        };
        let store = app.reader()?;
        let rows: Vec<MeterRow> = store.meters()?.into_iter().filter(inside).collect();
        let points = store.point_names()?;
        let point = |row: &MeterRow| points.get(&row.id).map(String::as_str);
        app.print(
            || json!({ "meters": rows.iter().map(|row| document(row, point(row))).collect::<Vec<_>>() }),
            |out| {
                let zone = TimeZone::system();
                let mut table = Table::new(&[
                    "name",
                    "serial",
                    "line",
                    "template",
                    "point",
                    "group",
                    "last read",
                    "result",
                ]);
                for row in &rows {
                    let config = &row.config;
                    table.row(vec![
                        config.name.clone(),
                        config.serial.clone().unwrap_or_default(),
                        config.line.to_string(),
                        config.template.clone(),
                        point(row).unwrap_or_default().to_owned(),
                        config.group.clone().unwrap_or_default(),
                        row.last_read.map(|at| stamps::for_eyes(at, &zone)).unwrap_or_default(),
                        row.last_result.clone().unwrap_or_default(),
                    ]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }
}

/// One meter in `meter list --json`.
fn document(row: &MeterRow, point: Option<&str>) -> Value {
    let config = &row.config;
    json!({
        "name": config.name,
        "serial": config.serial,
        "line": config.line,
        "template": config.template,
        "group": config.group,
        "last_read": row.last_read.map(|at| at.to_string()),
        "last_result": row.last_result,
        "point": point,
    })
}
