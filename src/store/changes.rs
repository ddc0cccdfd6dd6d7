//! Changes of many meters at once, all or none: imports, and what a person changes of a selection.

use rusqlite::Connection;
use serde_json::json;

use crate::model::{MeterConfig, MeterId, MeterPatch, PointDetails, PointId, PointPatch};

use super::columns::{from_json, get, micros, now};
use super::counters::Retired;
use super::error::Trouble;
use super::{ListedMeter, Store, StoreError, StoreReader, audit, meters, points, ratios};

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

impl MeterChanges {
    /// Whether some of them are changes of ratios.
    #[must_use]
    pub fn touches_ratios(&self) -> bool {
        let added = self.add.iter().map(|(_, about)| about);
        added.chain(self.change.iter().map(|(_, patch)| &patch.about)).any(|about| about.ratios.is_some())
    }
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
    /// Meters whose registers stand for another side now, since a ratio says so.
    pub sided: Vec<MeterId>,
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
    if describe(connection, actor, *id, &patch.about, done).map_err(fail)? {
        done.described.push(*id);
    }
    if after != before {
        done.changed.push((*id, before, after));
    }
    Ok(())
}

/// Puts what is known of a meter's point in its place, with its ratios; gives whether something differs.
fn describe(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    patch: &PointPatch,
    done: &mut ChangedMeters,
) -> Result<bool, Trouble> {
    let is_described = points::describe(connection, actor, id, patch)?;
    let Some(change) = &patch.ratios else { return Ok(is_described) };
    let (differs, sided) = ratios::change(connection, actor, id, change)?;
    done.sided.extend(sided);
    Ok(is_described || differs)
}

impl StoreReader {
    /// All meters by name, each with what is known of the point where it hangs, and its ratios.
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
            let histories = ratios::of_all_points(connection)?;
            let mut rows = statement.query([micros(now())])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let id = MeterId(get(row, 0)?);
                let details: Option<String> = get(row, 2)?;
                let point = get::<Option<i64>>(row, 3)?.map(PointId);
                list.push(ListedMeter {
                    id,
                    config: from_json(&get::<String>(row, 1)?, &format!("the entry of meter {}", id.0))?,
                    point,
                    details: match details {
                        Some(text) => from_json(&text, &format!("the point of meter {}", id.0))?,
                        None => PointDetails::default(),
                    },
                    has_ratio: get(row, 4)?,
                    // Meters that hang at one point have the same.
                    ratios: point.and_then(|point| histories.get(&point).cloned()).unwrap_or_default(),
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
                describe(connection, actor, id, point, &mut done).map_err(fail)?;
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
