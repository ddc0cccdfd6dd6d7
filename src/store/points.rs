//! Metering points, and the meters that hang there one after the other.
//!
//! Every meter that is listed hangs at a point: the one that its settings name, or one of its own, which bears the
//! meter's name. Naming another point in the settings renames the point where this meter is the only one that ever
//! hung there and the name is free; else the meter moves, from now on.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::model::{ExchangeReading, MeterConfig, MeterId, PointDetails, PointId, PointPatch, SecretKind};

use super::columns::{from_json, get, maybe_instant, micros, now, to_json};
use super::counters::Retired;
use super::error::Trouble;
use super::{Placement, PointRow, Store, StoreError, StoreReader, audit, meters, ratios, secrets};

/// The meter that takes another's place.
#[derive(Clone, Debug)]
pub enum NewMeter {
    /// One that is listed already.
    Listed(MeterId),
    /// One that is added.
    Added(Box<MeterConfig>),
}

/// A meter is exchanged for another at its point.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The meter that goes; it stays on the list.
    pub old: MeterId,
    /// The meter that comes.
    pub new: NewMeter,
    /// When.
    pub at: Timestamp,
    /// What the old one showed last.
    pub last: Vec<ExchangeReading>,
    /// What the new one showed first.
    pub first: Vec<ExchangeReading>,
}

/// Where a meter hangs now.
pub(super) struct Place {
    placement: i64,
    pub(super) point: PointId,
    from: Option<i64>,
}

pub(super) fn place_of(connection: &Connection, id: MeterId) -> Result<Option<Place>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT id, point_id, from_at FROM placement WHERE meter_id = ?1 AND until_at IS NULL",
    )?;
    let place =
        |row: &Row<'_>| Ok(Place { placement: row.get(0)?, point: PointId(row.get(1)?), from: row.get(2)? });
    Ok(statement.query_row([id.0], place).optional()?)
}

fn point_id(connection: &Connection, name: &str) -> Result<Option<PointId>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT id FROM point WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0).map(PointId)).optional()?)
}

pub(super) fn point_name(connection: &Connection, id: PointId) -> Result<String, Trouble> {
    let mut statement = connection.prepare_cached("SELECT name FROM point WHERE id = ?1")?;
    let name = statement.query_row([id.0], |row| row.get(0)).optional()?;
    name.ok_or_else(|| Trouble::Request(format!("there is no metering point with the number {}", id.0)))
}

/// The name, or the name with the first number behind it that is free.
fn free_name(connection: &Connection, wanted: &str) -> Result<String, Trouble> {
    let mut name = wanted.to_owned();
    for number in 2u32.. {
        if point_id(connection, &name)?.is_none() {
            break;
        }
        name = format!("{wanted} ({number})");
    }
    Ok(name)
}

fn make(connection: &Connection, name: &str, own: Option<MeterId>) -> Result<PointId, Trouble> {
    connection
        .prepare_cached("INSERT INTO point (name, details, own_meter) VALUES (?1, '{}', ?2)")?
        .execute(params![name, own.map(|id| id.0)])?;
    Ok(PointId(connection.last_insert_rowid()))
}

fn open(connection: &Connection, point: PointId, id: MeterId, from: Option<i64>) -> Result<(), Trouble> {
    connection
        .prepare_cached("INSERT INTO placement (point_id, meter_id, from_at) VALUES (?1, ?2, ?3)")?
        .execute(params![point.0, id.0, from])?;
    Ok(())
}

fn wanted(config: &MeterConfig) -> Option<&str> {
    config.point.as_deref().map(str::trim).filter(|name| !name.is_empty())
}

/// Gives a meter that was added its place.
pub(super) fn place_new(connection: &Connection, id: MeterId, config: &MeterConfig) -> Result<(), Trouble> {
    let point = match wanted(config) {
        Some(name) => match point_id(connection, name)? {
            Some(point) => point,
            None => make(connection, name, None)?,
        },
        None => make(connection, &free_name(connection, &config.name)?, Some(id))?,
    };
    open(connection, point, id, None)
}

/// Ends a meter's time where it hangs.
pub(super) fn close(connection: &Connection, id: MeterId, at: Timestamp) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "UPDATE placement SET until_at = max(?2, ifnull(from_at, ?2)) WHERE meter_id = ?1 AND until_at IS NULL",
        )?
        .execute([id.0, micros(at)])?;
    Ok(())
}

/// Follows a change of a meter's settings.
pub(super) fn place_again(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    before: &MeterConfig,
    after: &MeterConfig,
) -> Result<(), Trouble> {
    let is_renamed = before.name != after.name && wanted(after).is_none();
    if wanted(before) == wanted(after) && !is_renamed {
        return Ok(());
    }
    let place = place_of(connection, id)?;
    let Some(place) = place else {
        // It was exchanged: only a point that is named takes it back.
        return match wanted(after) {
            Some(_) => place_new(connection, id, after),
            None => Ok(()),
        };
    };
    let name = point_name(connection, place.point)?;
    let others: i64 = connection
        .prepare_cached("SELECT count(*) FROM placement WHERE point_id = ?1 AND meter_id <> ?2")?
        .query_row([place.point.0, id.0], |row| row.get(0))?;
    let other = wanted(after).filter(|wanted| *wanted != name);
    let taken = other.map(|name| point_id(connection, name)).transpose()?.flatten();
    match (wanted(after), taken) {
        (Some(same), None) if same == name => set_own(connection, place.point, None),
        (Some(new), None) if others == 0 => rename(connection, actor, place.point, new, None),
        (None, _) if others == 0 && after.name == name => set_own(connection, place.point, Some(id)),
        (None, _) if others == 0 => {
            rename(connection, actor, place.point, &free_name(connection, &after.name)?, Some(id))
        }
        // Its own name changed, but the point is not its own any more.
        (None, _) if wanted(before).is_none() => Ok(()),
        _ => {
            let at = now();
            close(connection, id, at)?;
            let point = match (taken, wanted(after)) {
                (Some(point), _) => point,
                (None, Some(name)) => make(connection, name, None)?,
                (None, None) => make(connection, &free_name(connection, &after.name)?, Some(id))?,
            };
            open(connection, point, id, Some(micros(at)))?;
            let detail = json!({
                "meter": after.name, "from": name, "to": point_name(connection, point)?, "at": at.to_string(),
            });
            audit::append(connection, at, actor, "meter moved to another point", &detail.to_string())
        }
    }
}

fn set_own(connection: &Connection, point: PointId, own: Option<MeterId>) -> Result<(), Trouble> {
    connection
        .prepare_cached("UPDATE point SET own_meter = ?2 WHERE id = ?1")?
        .execute(params![point.0, own.map(|id| id.0)])?;
    Ok(())
}

fn rename(
    connection: &Connection,
    actor: &str,
    point: PointId,
    name: &str,
    own: Option<MeterId>,
) -> Result<(), Trouble> {
    let before = point_name(connection, point)?;
    connection
        .prepare_cached("UPDATE point SET name = ?2, own_meter = ?3 WHERE id = ?1")?
        .execute(params![point.0, name, own.map(|id| id.0)])?;
    let detail = json!({ "point": point.0, "changes": { "name": [before, name] } });
    audit::append(connection, now(), actor, "metering point changed", &detail.to_string())
}

/// Refuses to say in a meter's settings which side its registers are on where a ratio in force says it.
pub(super) fn refuse_other_side(connection: &Connection, id: MeterId) -> Result<(), Trouble> {
    let Some(place) = place_of(connection, id)? else { return Ok(()) };
    match ratios::of_point(connection, place.point)?.at(now()) {
        None => Ok(()),
        Some(_) => Err(Trouble::Request(
            "which side the meter's registers are on is said by its point's ratio: change it there (`ratio set … \
             --applied-by-meter`)"
                .to_owned(),
        )),
    }
}

fn placements(connection: &Connection, point: PointId) -> Result<Vec<Placement>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT meter_id, name, json_extract(config, '$.serial'), removed_at IS NOT NULL, from_at, until_at, first, last
         FROM placement JOIN meter ON meter.id = meter_id
         WHERE point_id = ?1 ORDER BY ifnull(from_at, -9223372036854775808), placement.id",
    )?;
    let mut rows = statement.query([point.0])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(Placement {
            meter: MeterId(get(row, 0)?),
            name: get(row, 1)?,
            serial: get(row, 2)?,
            removed: get(row, 3)?,
            from: maybe_instant(get(row, 4)?)?,
            until: maybe_instant(get(row, 5)?)?,
            first: from_json(&get::<String>(row, 6)?, "a meter's first readings")?,
            last: from_json(&get::<String>(row, 7)?, "a meter's last readings")?,
        });
    }
    Ok(list)
}

fn details_of(connection: &Connection, id: PointId) -> Result<PointDetails, Trouble> {
    let mut statement = connection.prepare_cached("SELECT details FROM point WHERE id = ?1")?;
    let text: String = statement.query_row([id.0], |row| row.get(0))?;
    from_json(&text, &format!("the entry of metering point {}", id.0))
}

/// Keeps what is known of a point, and tells what differs.
fn put_details(
    connection: &Connection,
    actor: &str,
    id: PointId,
    old: &PointDetails,
    details: &PointDetails,
) -> Result<(), Trouble> {
    if details == old {
        return Ok(());
    }
    connection
        .prepare_cached("UPDATE point SET details = ?2 WHERE id = ?1")?
        .execute(params![id.0, to_json(details)?])?;
    // Free text is not repeated: people write anything there.
    let changes = json!({
        "location": [old.location, details.location],
        "customer": [old.customer, details.customer],
        "notes": if old.notes == details.notes { "unchanged" } else { "changed" },
        "photos": [old.photos, details.photos],
        "fields": [old.fields, details.fields],
        "plate": [old.plate, details.plate],
    });
    let changes = changes.as_object().into_iter().flatten().filter(|(_, change)| match change.as_array() {
        Some(pair) => pair.first() != pair.get(1),
        None => *change != "unchanged",
    });
    let changes: serde_json::Map<_, _> = changes.map(|(key, value)| (key.clone(), value.clone())).collect();
    let detail = json!({ "point": id.0, "name": point_name(connection, id)?, "changes": changes });
    audit::append(connection, now(), actor, "metering point changed", &detail.to_string())
}

/// Puts what is known of the point where a meter hangs in its place; gives whether something differs.
pub(super) fn describe(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    patch: &PointPatch,
) -> Result<bool, Trouble> {
    if patch.is_empty() {
        return Ok(false);
    }
    let place = place_of(connection, id)?.ok_or_else(|| {
        Trouble::Request("it hangs at no metering point, of which something could be noted".to_owned())
    })?;
    let old = details_of(connection, place.point)?;
    let mut details = old.clone();
    patch.apply(&mut details);
    put_details(connection, actor, place.point, &old, &details)?;
    Ok(details != old)
}

fn point(connection: &Connection, id: PointId) -> Result<PointRow, Trouble> {
    Ok(PointRow {
        id,
        name: point_name(connection, id)?,
        details: details_of(connection, id)?,
        meters: placements(connection, id)?,
        ratios: ratios::of_point(connection, id)?,
    })
}

impl StoreReader {
    /// All metering points by name.
    ///
    /// # Errors
    /// A point's entry does not read.
    pub fn points(&self) -> Result<Vec<PointRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT id FROM point ORDER BY name")?;
            let ids = statement.query_map((), |row| row.get(0).map(PointId))?;
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            ids.into_iter().map(|id| point(connection, id)).collect()
        })
    }

    /// A metering point by its name.
    ///
    /// # Errors
    /// Its entry does not read.
    pub fn point_named(&self, name: &str) -> Result<Option<PointRow>, StoreError> {
        self.read(|connection| point_id(connection, name)?.map(|id| point(connection, id)).transpose())
    }

    /// The point where a meter hangs, or hung last.
    ///
    /// # Errors
    /// Its entry does not read.
    pub fn point_of(&self, id: MeterId) -> Result<Option<PointRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT point_id FROM placement WHERE meter_id = ?1
                 ORDER BY until_at IS NOT NULL, until_at DESC LIMIT 1",
            )?;
            let found = statement.query_row([id.0], |row| row.get(0).map(PointId)).optional()?;
            found.map(|id| point(connection, id)).transpose()
        })
    }

    /// The name of each listed meter's point, for lists.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn point_names(&self) -> Result<std::collections::HashMap<MeterId, String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT meter_id, point.name FROM placement JOIN point ON point.id = point_id
                 WHERE until_at IS NULL",
            )?;
            let rows = statement.query_map((), |row| Ok((MeterId(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl Store {
    /// Changes a metering point's name and details. Meters that hang there are told its new name.
    ///
    /// # Errors
    /// There is no such point, or the name is empty or taken.
    pub fn update_point(
        &mut self,
        id: PointId,
        name: &str,
        details: &PointDetails,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let (old_name, old) = (point_name(connection, id)?, details_of(connection, id)?);
            let name = name.trim();
            if name.is_empty() {
                return Err(Trouble::Request("a metering point needs a name".to_owned()));
            }
            if point_id(connection, name)?.is_some_and(|other| other != id) {
                return Err(Trouble::Request(format!(
                    "there is a metering point `{name}` already: give this one another name"
                )));
            }
            if name != old_name {
                rename(connection, actor, id, name, None)?;
                for placed in placements(connection, id)?.iter().filter(|placed| placed.until.is_none()) {
                    let mut config = meters::config_of(connection, placed.meter)?;
                    config.point = Some(name.to_owned());
                    meters::put(connection, actor, placed.meter, &config)?;
                }
            }
            put_details(connection, actor, id, &old, details)
        })
    }

    /// Exchanges a meter for another at its point; gives the new one's number. `seal` is given that number and seals
    /// the secrets of a meter that is added. The old meter stays on the list.
    ///
    /// # Errors
    /// The old meter hangs nowhere or came only later, the new one is the same, or its name is taken.
    pub fn exchange(
        &mut self,
        exchange: &Exchange,
        seal: impl FnOnce(MeterId) -> Vec<(SecretKind, Vec<u8>)>,
    ) -> Result<MeterId, StoreError> {
        self.write(|connection, actor| {
            let mut old = meters::config_of(connection, exchange.old)?;
            let place = place_of(connection, exchange.old)?.ok_or_else(|| {
                Trouble::Request(format!("{} hangs at no metering point: it was exchanged already", old.name))
            })?;
            let at = micros(exchange.at);
            if place.from.is_some_and(|from| from >= at) {
                return Err(Trouble::Request(format!(
                    "{} has been at its point only since later than {}: give a later time",
                    old.name, exchange.at
                )));
            }
            let name = point_name(connection, place.point)?;
            let new = match &exchange.new {
                NewMeter::Listed(id) if *id == exchange.old => {
                    return Err(Trouble::Request("a meter cannot take its own place".to_owned()));
                }
                NewMeter::Listed(id) => *id,
                NewMeter::Added(config) => {
                    let config = MeterConfig { point: None, ..config.as_ref().clone() };
                    let id = meters::add(connection, actor, &config, &Retired::load(connection)?)?;
                    for (kind, sealed) in seal(id) {
                        secrets::put(connection, actor, id, kind, Some(&sealed))?;
                    }
                    id
                }
            };
            leave(connection, new, at)?;
            connection
                .prepare_cached("UPDATE placement SET until_at = ?2, last = ?3 WHERE id = ?1")?
                .execute(params![place.placement, at, to_json(&exchange.last)?])?;
            connection
                .prepare_cached(
                    "INSERT INTO placement (point_id, meter_id, from_at, first) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![place.point.0, new.0, at, to_json(&exchange.first)?])?;
            set_own(connection, place.point, None)?;
            old.point = None;
            meters::put(connection, actor, exchange.old, &old)?;
            let mut config = meters::config_of(connection, new)?;
            config.point = Some(name.clone());
            meters::put(connection, actor, new, &config)?;
            ratios::follow_side(connection, actor, place.point, exchange.at, config.registers_in)?;
            let readings = |list: &[ExchangeReading]| {
                let one = |reading: &ExchangeReading| {
                    format!("{} = {} {}", reading.obis, reading.value, reading.unit)
                };
                list.iter().map(one).collect::<Vec<_>>()
            };
            let detail = json!({
                "point": name, "at": exchange.at.to_string(), "meter": [old.name, config.name],
                "last": readings(&exchange.last), "first": readings(&exchange.first),
            });
            audit::append(connection, now(), actor, "meter exchanged", &detail.to_string())?;
            Ok(new)
        })
    }
}

/// Takes a meter from where it hangs, at an instant. A point of its own that nobody wrote anything about goes.
fn leave(connection: &Connection, id: MeterId, at: i64) -> Result<(), Trouble> {
    let Some(place) = place_of(connection, id)? else { return Ok(()) };
    let is_blank: bool = connection
        .prepare_cached(
            "SELECT own_meter = ?2 AND details = '{}' AND NOT EXISTS (SELECT 1 FROM ratio WHERE point_id = point.id)
             AND (SELECT count(*) FROM placement WHERE point_id = point.id) = 1 FROM point WHERE id = ?1",
        )?
        .query_row([place.point.0, id.0], |row| row.get::<_, Option<bool>>(0))?
        .unwrap_or(false);
    if is_blank {
        connection.prepare_cached("DELETE FROM placement WHERE id = ?1")?.execute([place.placement])?;
        connection.prepare_cached("DELETE FROM point WHERE id = ?1")?.execute([place.point.0])?;
        return Ok(());
    }
    if place.from.is_some_and(|from| from >= at) {
        return Err(Trouble::Request(
            "the new meter hangs at another point since later than that".to_owned(),
        ));
    }
    connection
        .prepare_cached("UPDATE placement SET until_at = ?2 WHERE id = ?1")?
        .execute([place.placement, at])?;
    Ok(())
}
