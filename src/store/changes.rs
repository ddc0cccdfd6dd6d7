//! Changes of many meters at once, all or none: imports, and what a person changes of a selection.

use rusqlite::Connection;
use serde_json::json;

use crate::model::{MeterConfig, MeterId, MeterPatch, PointDetails, PointId, PointPatch};

use super::columns::{from_json, get, micros, now};
use super::counters::Retired;
use super::error::Trouble;
use super::{ListedMeter, Store, StoreError, StoreReader, audit, meters, points};

/// Meters to add and meters to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterChanges {
    /// What they come from, for the audit: `import of meters.csv`.
    pub cause: String,
    /// Meters to add, and what is known of their points.
    pub add: Vec<(MeterConfig, PointPatch)>,
    /// Meters to change.
    pub change: Vec<(MeterId, MeterPatch)>,
}

/// What came of [`MeterChanges`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedMeters {
    /// The new meters' numbers, in the order given.
    pub added: Vec<MeterId>,
    /// Meters whose settings differ now: as they were, as they are.
    pub changed: Vec<(MeterId, MeterConfig, MeterConfig)>,
    /// Meters of whose points something else is known now.
    pub described: Vec<MeterId>,
}

fn about(name: &str, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Request(reason) => Trouble::Request(format!("{name}: {reason}")),
        other => other,
    }
}

fn change_one(
    connection: &Connection,
    actor: &str,
    (id, patch): &(MeterId, MeterPatch),
    done: &mut ChangedMeters,
) -> Result<(), Trouble> {
    let before = meters::config_of(connection, *id)?;
    let mut after = before.clone();
    let fail = |trouble| about(&before.name, trouble);
    patch.apply(&mut after).map_err(Trouble::Request).map_err(fail)?;
    if after != before {
        meters::update(connection, actor, *id, &after).map_err(fail)?;
    }
    if points::describe(connection, actor, *id, &patch.about).map_err(fail)? {
        done.described.push(*id);
    }
    if after != before {
        done.changed.push((*id, before, after));
    }
    Ok(())
}

impl StoreReader {
    /// All meters by name, each with what is known of the point where it hangs.
    ///
    /// # Errors
    /// An entry does not read.
    pub fn listed_meters(&self) -> Result<Vec<ListedMeter>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT meter.id, meter.config, point.details, point.id,
                 EXISTS (SELECT 1 FROM ratio WHERE point_id = point.id AND from_at <= ?1) FROM meter
                 LEFT JOIN placement ON placement.meter_id = meter.id AND placement.until_at IS NULL
                 LEFT JOIN point ON point.id = placement.point_id
                 WHERE meter.removed_at IS NULL ORDER BY meter.name",
            )?;
            let mut rows = statement.query([micros(now())])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let id = MeterId(get(row, 0)?);
                let details: Option<String> = get(row, 2)?;
                list.push(ListedMeter {
                    id,
                    config: from_json(&get::<String>(row, 1)?, &format!("the entry of meter {}", id.0))?,
                    point: get::<Option<i64>>(row, 3)?.map(PointId),
                    details: match details {
                        Some(text) => from_json(&text, &format!("the point of meter {}", id.0))?,
                        None => PointDetails::default(),
                    },
                    has_ratio: get(row, 4)?,
                });
            }
            Ok(list)
        })
    }
}

impl Store {
    /// Adds and changes meters, all or none. Meters that are changed to what they are already are left alone.
    ///
    /// # Errors
    /// A name is empty or taken, a meter is no longer listed, or its line has not the part that is to be changed.
    pub fn change_meters(&mut self, changes: &MeterChanges) -> Result<ChangedMeters, StoreError> {
        self.write(|connection, actor| {
            let retired = Retired::load(connection)?;
            let mut done = ChangedMeters::default();
            for (config, point) in &changes.add {
                let fail = |trouble| about(&config.name, trouble);
                let id = meters::add(connection, actor, config, &retired).map_err(fail)?;
                points::describe(connection, actor, id, point).map_err(fail)?;
                done.added.push(id);
            }
            for one in &changes.change {
                change_one(connection, actor, one, &mut done)?;
            }
            let detail = json!({
                "cause": changes.cause, "added": done.added.len(), "changed": done.changed.len(),
                "points_described": done.described.len(),
            });
            audit::append(connection, now(), actor, "meters changed together", &detail.to_string())?;
            Ok(done)
        })
    }
}
