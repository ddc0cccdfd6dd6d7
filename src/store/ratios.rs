//! Transformer ratios of metering points, and what meters said of theirs.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use crate::model::{
    MeterId, MeterRatios, PointId, RatioHistory, RatioPatch, RatioPeriod, Side, Transformers,
};

use super::columns::{from_json, get, instant, maybe_instant, micros, now, require_meter, to_json};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader, audit, meters, points};

/// A period of a row of `from_at, transformers, classes`.
fn period(row: &Row<'_>) -> Result<RatioPeriod, Trouble> {
    Ok(RatioPeriod {
        from: instant(get(row, 0)?)?,
        until: None,
        transformers: from_json(&get::<String>(row, 1)?, "a transformer ratio")?,
        classes: from_json(&get::<String>(row, 2)?, "accuracy classes")?,
    })
}

/// The ratios of a point.
pub(super) fn of_point(connection: &Connection, point: PointId) -> Result<RatioHistory, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT from_at, transformers, classes FROM ratio WHERE point_id = ?1 ORDER BY from_at",
    )?;
    let mut rows = statement.query([point.0])?;
    let mut periods = Vec::new();
    while let Some(row) = rows.next()? {
        periods.push(period(row)?);
    }
    Ok(RatioHistory::new(periods))
}

/// The ratios of all points that have some.
pub(super) fn of_all_points(connection: &Connection) -> Result<HashMap<PointId, RatioHistory>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT from_at, transformers, classes, point_id FROM ratio")?;
    let mut rows = statement.query(())?;
    let mut all: HashMap<PointId, Vec<RatioPeriod>> = HashMap::new();
    while let Some(row) = rows.next()? {
        all.entry(PointId(get(row, 3)?)).or_default().push(period(row)?);
    }
    Ok(all.into_iter().map(|(point, periods)| (point, RatioHistory::new(periods))).collect())
}

/// The ratios through which a meter measured: those of each of its points, while it hung there; without the one of a
/// point that begins at an instant, where that is wanted.
fn of_meter(
    connection: &Connection,
    id: MeterId,
    without: Option<(PointId, Timestamp)>,
) -> Result<RatioHistory, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT point_id, from_at, until_at FROM placement WHERE meter_id = ?1")?;
    let mut rows = statement.query([id.0])?;
    let mut periods = Vec::new();
    while let Some(row) = rows.next()? {
        let from = maybe_instant(get(row, 1)?)?.unwrap_or(Timestamp::MIN);
        let until = maybe_instant(get(row, 2)?)?;
        let point = PointId(get(row, 0)?);
        let mut history = of_point(connection, point)?;
        if let Some((_, gone)) = without.filter(|(where_gone, _)| *where_gone == point) {
            history = history.without(gone);
        }
        for period in history.periods() {
            let ends = [period.until, until].into_iter().flatten().min();
            let clipped = RatioPeriod { from: period.from.max(from), until: ends, ..period.clone() };
            if clipped.until.is_none_or(|until| clipped.from < until) {
                periods.push(clipped);
            }
        }
    }
    Ok(RatioHistory::new(periods))
}

fn in_words(period: &RatioPeriod) -> Value {
    let Transformers { ct, vt, registers_in } = &period.transformers;
    json!({
        "ct": ct.to_string(),
        "vt": vt.to_string(),
        "applied_by_meter": *registers_in == Side::Primary,
        "classes": [period.classes.ct, period.classes.vt, period.classes.meter],
    })
}

fn put(connection: &Connection, actor: &str, point: PointId, period: &RatioPeriod) -> Result<(), Trouble> {
    let name = points::point_name(connection, point)?;
    if period.transformers.ct.factor().is_none() || period.transformers.vt.factor().is_none() {
        return Err(Trouble::Request("a side of a ratio is 0: write what the plate says".to_owned()));
    }
    let history = of_point(connection, point)?;
    let stood = history.at(period.from);
    if stood.is_some_and(|stood| {
        stood.from == period.from
            && stood.transformers == period.transformers
            && stood.classes == period.classes
    }) {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO ratio VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET transformers = excluded.transformers, classes = excluded.classes",
        )?
        .execute(params![
            point.0,
            micros(period.from),
            to_json(&period.transformers)?,
            to_json(&period.classes)?
        ])?;
    let detail = json!({
        "point": name, "from": period.from.to_string(),
        "changes": { "ratio": [stood.map(in_words), in_words(period)] },
    });
    audit::append(connection, now(), actor, "ratio changed", &detail.to_string())
}

/// Lets the settings of the meters that hang at a point say what the ratio in force says; gives those that changed.
fn tell_meters(connection: &Connection, actor: &str, point: PointId) -> Result<Vec<MeterId>, Trouble> {
    let history = of_point(connection, point)?;
    let Some(period) = history.at(now()) else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(
        "SELECT meter_id FROM placement JOIN meter ON meter.id = meter_id
         WHERE point_id = ?1 AND until_at IS NULL AND removed_at IS NULL",
    )?;
    let placed = statement.query_map([point.0], |row| row.get(0).map(MeterId))?;
    let mut changed = Vec::new();
    for id in placed.collect::<Result<Vec<_>, _>>()? {
        let mut config = meters::config_of(connection, id)?;
        if config.registers_in != period.transformers.registers_in {
            config.registers_in = period.transformers.registers_in;
            meters::put(connection, actor, id, &config)?;
            changed.push(id);
        }
    }
    Ok(changed)
}

/// A meter that came at an instant counts on a side: where the ratio says another one, the same ratio begins anew.
pub(super) fn follow_side(
    connection: &Connection,
    actor: &str,
    point: PointId,
    at: Timestamp,
    side: Side,
) -> Result<(), Trouble> {
    let history = of_point(connection, point)?;
    let other = history.periods().iter().filter(|period| {
        period.transformers.registers_in != side && period.until.is_none_or(|until| at < until)
    });
    for period in other.cloned().collect::<Vec<_>>() {
        let transformers = Transformers { registers_in: side, ..period.transformers };
        put(connection, actor, point, &RatioPeriod { from: period.from.max(at), transformers, ..period })?;
    }
    Ok(())
}

/// Takes the ratio of a point away that begins at an instant.
fn take_away(
    connection: &Connection,
    actor: &str,
    point: PointId,
    gone: &RatioPeriod,
) -> Result<(), Trouble> {
    let name = points::point_name(connection, point)?;
    connection
        .prepare_cached("DELETE FROM ratio WHERE point_id = ?1 AND from_at = ?2")?
        .execute([point.0, micros(gone.from)])?;
    let detail = json!({
        "point": name, "from": gone.from.to_string(), "changes": { "ratio": [in_words(gone), Value::Null] },
    });
    audit::append(connection, now(), actor, "ratio removed", &detail.to_string())
}

/// Changes the ratios of the point where a meter hangs; gives whether they differ then, and the meters whose settings
/// changed with them.
pub(super) fn change(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    change: &RatioPatch,
) -> Result<(bool, Vec<MeterId>), Trouble> {
    let place = points::place_of(connection, id)?.ok_or_else(|| {
        Trouble::Request("it hangs at no metering point, whose ratios could be set".to_owned())
    })?;
    let before = of_point(connection, place.point)?;
    match change {
        RatioPatch::Put(periods) => {
            periods.iter().try_for_each(|period| put(connection, actor, place.point, period))?;
        }
        RatioPatch::Clear => {
            before.periods().iter().try_for_each(|gone| take_away(connection, actor, place.point, gone))?;
        }
    }
    let differs = of_point(connection, place.point)? != before;
    Ok((differs, tell_meters(connection, actor, place.point)?))
}

impl StoreReader {
    /// The ratios through which a meter measured.
    ///
    /// # Errors
    /// One does not read.
    pub fn ratio_history(&self, id: MeterId) -> Result<RatioHistory, StoreError> {
        self.read(|connection| of_meter(connection, id, None))
    }

    /// The ratios through which a meter measured, as they would be without the one of a point that begins at an
    /// instant.
    ///
    /// # Errors
    /// One does not read.
    pub fn ratio_history_without(
        &self,
        id: MeterId,
        point: PointId,
        from: Timestamp,
    ) -> Result<RatioHistory, StoreError> {
        self.read(|connection| of_meter(connection, id, Some((point, from))))
    }

    /// What a meter said last of its ratios.
    ///
    /// # Errors
    /// It does not read.
    pub fn meter_ratios(&self, id: MeterId) -> Result<Option<MeterRatios>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT said, read_at FROM meter_ratio WHERE meter_id = ?1 ORDER BY id DESC LIMIT 1",
            )?;
            let found = statement
                .query_row([id.0], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                .optional()?;
            let read = |(said, read_at): (String, i64)| {
                Ok(MeterRatios {
                    said: from_json(&said, "what a meter said of its ratios")?,
                    read_at: instant(read_at)?,
                })
            };
            found.map(read).transpose()
        })
    }
}

impl Store {
    /// Lets ratios hold from an instant on, until the next ones begin; gives the meters whose settings changed with
    /// them.
    ///
    /// # Errors
    /// There is no such point, or a side of a ratio is nought.
    pub fn set_ratio(&mut self, point: PointId, period: &RatioPeriod) -> Result<Vec<MeterId>, StoreError> {
        self.write(|connection, actor| {
            put(connection, actor, point, period)?;
            tell_meters(connection, actor, point)
        })
    }

    /// Takes the ratios away that begin at an instant: those before them hold on. Gives the meters whose settings
    /// changed with them.
    ///
    /// # Errors
    /// None begin then.
    pub fn remove_ratio(&mut self, point: PointId, from: Timestamp) -> Result<Vec<MeterId>, StoreError> {
        self.write(|connection, actor| {
            let name = points::point_name(connection, point)?;
            let history = of_point(connection, point)?;
            let gone = history.periods().iter().find(|period| period.from == from).ok_or_else(|| {
                Trouble::Request(format!("no ratio of {name} begins at {from}: look at the list of them"))
            })?;
            take_away(connection, actor, point, gone)?;
            tell_meters(connection, actor, point)
        })
    }

    /// Keeps what a meter said of its ratios.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_meter_ratios(&mut self, id: MeterId, ratios: &MeterRatios) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            connection
                .prepare_cached("INSERT INTO meter_ratio (meter_id, read_at, said) VALUES (?1, ?2, ?3)")?
                .execute(params![id.0, micros(ratios.read_at), to_json(&ratios.said)?])?;
            Ok(())
        })
    }
}
