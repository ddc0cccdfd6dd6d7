//! `meter show NAME`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::select;
use crate::model::Identity;

/// Shows a meter.
#[derive(Args, Debug)]
pub(in crate::cli) struct Show {
    /// The meter
    name: String,
}

/// Plate data as JSON; absent is null.
fn identity_document(identity: &Identity) -> Value {
    json!({
        "serial": identity.serial,
        "logical_device_name": identity.logical_device_name,
        "firmware": identity.firmware,
        "model": identity.model,
        "maker": identity.maker,
        "more": identity.more.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
    })
}

impl Show {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        let store = app.reader()?;
        let row = select::one(&store, &self.name)?;
        let kinds: Vec<&str> = store.secret_kinds(row.id)?.into_iter().map(|kind| kind.word()).collect();
        let identity = store.knowledge(row.id)?.identity;
        let mut document = serde_json::to_value(&row.config)
            .map_err(|error| Failure::internal(format!("the meter's settings cannot be written: {error}")))?;
        if let Value::Object(fields) = &mut document {
            fields.insert("secrets".to_owned(), json!(kinds));
            let point = store.point_of(row.id)?;
            let ratio = point.as_ref().and_then(|point| point.ratios.at(jiff::Timestamp::now()));
            fields.insert("metering_point".to_owned(), json!(point.as_ref().map(|point| &point.name)));
            fields.insert(
                "ratio".to_owned(),
                json!(ratio.map(|period| {
                    format!("CT {} VT {}", period.transformers.ct, period.transformers.vt)
                })),
            );
            fields.insert("identity".to_owned(), identity_document(&identity));
            fields.insert("last_read".to_owned(), json!(row.last_read.map(|at| at.to_string())));
            fields.insert("last_result".to_owned(), json!(row.last_result));
            fields.insert("last_ok".to_owned(), json!(row.last_ok));
            fields.insert("drift_ms".to_owned(), json!(row.drift_ms));
        }
        app.print(
            || document.clone(),
            |out| {
                let Value::Object(fields) = &document else { return Ok(()) };
                for (name, value) in fields {
                    let name = name.replace('_', " ");
                    match value {
                        Value::Null => {}
                        Value::String(text) if text.is_empty() => {}
                        Value::String(text) => writeln!(out, "{name:<16} {text}")?,
                        Value::Array(items) => {
                            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                            writeln!(out, "{name:<16} {}", items.join(", "))?;
                        }
                        Value::Object(plate) => {
                            for (name, value) in plate {
                                if let Some(text) = value.as_str() {
                                    writeln!(
                                        out,
                                        "{:<16} {text}",
                                        format!("plate: {}", name.replace('_', " "))
                                    )?;
                                }
                            }
                        }
                        other => writeln!(out, "{name:<16} {other}")?,
                    }
                }
                Ok(())
            },
        )?;
        Ok(DONE)
    }
}
