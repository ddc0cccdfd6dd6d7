//! Which meters: names, a group, or all.

use clap::Args;

use crate::model::close_to;
use crate::store::{MeterRow, StoreReader};

use super::failure::Failure;

/// Which meters.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Select {
    /// Meters by name
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// A group with all groups under it
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// All meters
    #[arg(long)]
    all: bool,
}

impl Select {
    /// The meters, in the order in which they were named, else by name.
    pub(super) fn meters(&self, store: &StoreReader) -> Result<Vec<MeterRow>, Failure> {
        let all = store.meters()?;
        if let Some(group) = &self.group {
            let group = group.trim_end_matches('/');
            let inside = |row: &MeterRow| {
                let rest = row.config.group.as_deref().and_then(|own| own.strip_prefix(group));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let found: Vec<MeterRow> = all.into_iter().filter(inside).collect();
            return if found.is_empty() {
                Err(Failure::usage(format!("there is no meter in the group `{group}`")))
            } else {
                Ok(found)
            };
        }
        if self.all {
            return if all.is_empty() {
                Err(Failure::usage("the store has no meter: `meterwright meter add` adds one"))
            } else {
                Ok(all)
            };
        }
        let mut found: Vec<MeterRow> = Vec::new();
        for name in &self.names {
            let row = named(&all, name)?;
            if !found.iter().any(|other| other.id == row.id) {
                found.push(row);
            }
        }
        Ok(found)
    }
}

/// The meter of a name.
pub(super) fn one(store: &StoreReader, name: &str) -> Result<MeterRow, Failure> {
    match store.meter_named(name)? {
        Some(row) => Ok(row),
        None => named(&store.meters()?, name),
    }
}

fn named(all: &[MeterRow], name: &str) -> Result<MeterRow, Failure> {
    if let Some(row) = all.iter().find(|row| row.config.name == name) {
        return Ok(row.clone());
    }
    let names: Vec<&str> = all.iter().map(|row| row.config.name.as_str()).collect();
    let close = close_to(name, &names);
    Err(Failure::usage(if close.is_empty() {
        format!("there is no meter `{name}` in the store: `meterwright meter list` shows those that are")
    } else {
        format!("there is no meter `{name}` in the store; close to it: {}", close.join(", "))
    }))
}
