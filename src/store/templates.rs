//! The store's own templates, each with all its versions.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::Catalogue;
use crate::model::template::{Origin, OwnTemplate};

use super::columns::{from_json, get, instant, micros, to_json};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader, audit};

/// Meters that are named where a template cannot be removed.
const NAMED: usize = 5;

const LATEST: &str = "SELECT t.name, v.text, v.version, v.changed_at, v.changed_by, t.origin FROM template t
    JOIN template_version v ON v.template_id = t.id
    WHERE t.removed_at IS NULL
    AND v.version = (SELECT max(version) FROM template_version WHERE template_id = t.id)";

fn own(row: &Row<'_>) -> Result<OwnTemplate, Trouble> {
    let name: String = get(row, 0)?;
    let origin: Option<String> = get(row, 5)?;
    let origin = origin.map(|text| from_json::<Origin>(&text, &format!("the origin of template {name}")));
    Ok(OwnTemplate {
        text: get(row, 1)?,
        version: get(row, 2)?,
        changed_at: instant(get(row, 3)?)?,
        changed_by: get(row, 4)?,
        origin: origin.transpose()?,
        name,
    })
}

/// The number of a template and that of its latest version.
fn latest(connection: &Connection, name: &str) -> Result<Option<(i64, u32)>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT t.id, max(v.version) FROM template t JOIN template_version v ON v.template_id = t.id
         WHERE t.name = ?1 AND t.removed_at IS NULL GROUP BY t.id",
    )?;
    Ok(statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn users(connection: &Connection, name: &str) -> Result<Vec<String>, Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT name FROM meter WHERE removed_at IS NULL AND json_extract(config, '$.template') = ?1 ORDER BY name",
    )?;
    let mut rows = statement.query([name])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        names.push(get(row, 0)?);
    }
    Ok(names)
}

impl StoreReader {
    /// All templates: those that ship with the program and the store's own.
    ///
    /// # Errors
    /// The store cannot be read. A template that does not read is an error only for whoever asks for it.
    pub fn catalogue(&self) -> Result<Catalogue, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LATEST)?;
            let mut rows = statement.query(())?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(own(row)?);
            }
            Ok(Catalogue::of(all))
        })
    }

    /// The names of the meters that a template is set for.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn template_users(&self, name: &str) -> Result<Vec<String>, StoreError> {
        self.read(|connection| users(connection, name))
    }
}

impl Store {
    /// Keeps a template, which has been checked: a new one, or with `replaces` another version of one that is there.
    ///
    /// # Errors
    /// A new one bears a name that is taken; or the latest version is not the one that was to be replaced, since
    /// somebody else has changed it.
    pub fn put_template(
        &mut self,
        now: Timestamp,
        name: &str,
        text: &str,
        origin: Option<&Origin>,
        replaces: Option<u32>,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let (id, version) = match (latest(connection, name)?, replaces) {
                (None, None) => {
                    let origin = origin.map(to_json).transpose()?;
                    connection
                        .prepare_cached("INSERT INTO template (name, origin) VALUES (?1, ?2)")?
                        .execute(params![name, origin])?;
                    (connection.last_insert_rowid(), 1)
                }
                (Some((id, last)), Some(replaced)) if last == replaced => (id, last.saturating_add(1)),
                (Some(_), None) => {
                    return Err(Trouble::Request(format!(
                        "there is a template `{name}` in this store already: give this one another name"
                    )));
                }
                (Some((_, last)), Some(replaced)) => {
                    return Err(Trouble::Request(format!(
                        "somebody has changed the template `{name}` meanwhile: version {last} stands in the store, version {replaced} was to be changed"
                    )));
                }
                (None, Some(_)) => {
                    return Err(Trouble::Request(format!("the template `{name}` was removed meanwhile")));
                }
            };
            connection
                .prepare_cached("INSERT INTO template_version VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![id, version, text, micros(now), actor])?;
            let what = if version == 1 { "template added" } else { "template changed" };
            audit::append(connection, now, actor, what, &format!("{name}, version {version}"))
        })
    }

    /// Removes a template.
    ///
    /// # Errors
    /// There is none of that name, or meters use it, which are named.
    pub fn remove_template(&mut self, now: Timestamp, name: &str) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let Some((id, version)) = latest(connection, name)? else {
                return Err(Trouble::Request(format!("the store has no template `{name}` of its own")));
            };
            let used_by = users(connection, name)?;
            // A template that ships under the same name takes over.
            if !used_by.is_empty() && !Catalogue::is_shipped(name) {
                return Err(Trouble::Request(format!(
                    "the template `{name}` is in use: {}; set another template for them first",
                    some_of(&used_by)
                )));
            }
            connection
                .prepare_cached("UPDATE template SET removed_at = ?2 WHERE id = ?1")?
                .execute(params![id, micros(now)])?;
            audit::append(connection, now, actor, "template removed", &format!("{name}, version {version}"))
        })
    }
}

/// `5 meters (A, B, C, D, E)`, with a count of the rest.
fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let word = if names.len() == 1 { "meter" } else { "meters" };
    match names.len().saturating_sub(NAMED) {
        0 => format!("{} {word} ({shown})", names.len()),
        more => format!("{} {word} ({shown} and {more} more)", names.len()),
    }
}
