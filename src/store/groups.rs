//! The tree of groups. A group is there while a meter is in it, or because somebody made it; `/` makes a branch.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::json;

use crate::model::{Member, MeterId};

use super::columns::{from_json, now, to_json};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader, audit, lists, meters, settings};

/// The setting that holds the groups that somebody made, as a JSON list: they stay when no meter is in them.
pub const GROUPS_SETTING: &str = "groups";

/// A group's path, with its parts trimmed.
///
/// # Errors
/// A part is empty, or has characters that cannot be shown.
fn path(text: &str) -> Result<String, Trouble> {
    let parts: Vec<&str> = text.split('/').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Trouble::Request(format!("`{text}` is no group: a part of its name is empty")));
    }
    if text.chars().any(char::is_control) {
        return Err(Trouble::Request("the group's name has a character that cannot be shown".to_owned()));
    }
    Ok(parts.join("/"))
}

/// The path that a group or one below it has once `from` is `to`; nothing where it is neither.
fn moved(own: &str, from: &str, to: Option<&str>) -> Option<Option<String>> {
    let rest = own.strip_prefix(from)?;
    match (rest.strip_prefix('/'), to) {
        (Some(below), Some(to)) => Some(Some(format!("{to}/{below}"))),
        (Some(below), None) => Some(Some(below.to_owned())),
        (None, to) if rest.is_empty() => Some(to.map(str::to_owned)),
        (None, _) => None,
    }
}

fn made(connection: &Connection) -> Result<BTreeSet<String>, Trouble> {
    match settings::get(connection, GROUPS_SETTING)? {
        Some(text) => from_json(&text, "the list of groups"),
        None => Ok(BTreeSet::new()),
    }
}

fn keep(connection: &Connection, groups: &BTreeSet<String>) -> Result<(), Trouble> {
    settings::put(connection, GROUPS_SETTING, &to_json(groups)?)
}

/// Meter lists that name a group follow it.
fn move_members(connection: &Connection, actor: &str, from: &str, to: Option<&str>) -> Result<(), Trouble> {
    for mut row in lists::all(connection)? {
        let before = row.list.members.clone();
        row.list.members = before
            .iter()
            .filter_map(|member| match member {
                Member::Group(own) => match moved(own, from, to) {
                    Some(new) => new.map(Member::Group),
                    None => Some(member.clone()),
                },
                other => Some(other.clone()),
            })
            .collect();
        // Its meters would be read no more, and nobody would have said so.
        if row.list.members.len() < before.len() && to.is_none() {
            return Err(Trouble::Request(format!(
                "the meter list {} takes its meters from the group {from}: change the list first",
                row.list.name
            )));
        }
        if row.list.members != before {
            lists::put_document(connection, row.id, &row.list)?;
            let detail = json!({ "list": row.id.0, "name": row.list.name, "group": [from, to] });
            audit::append(connection, now(), actor, "list changed", &detail.to_string())?;
        }
    }
    Ok(())
}

impl StoreReader {
    /// The groups that somebody made; those that meters are in stand in the meters' settings.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn made_groups(&self) -> Result<BTreeSet<String>, StoreError> {
        self.read(made)
    }
}

impl Store {
    /// Makes a group in which no meter is yet.
    ///
    /// # Errors
    /// A part of its name is empty.
    pub fn add_group(&mut self, name: &str) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let path = path(name)?;
            let mut groups = made(connection)?;
            if !groups.insert(path.clone()) {
                return Ok(());
            }
            keep(connection, &groups)?;
            audit::append(connection, now(), actor, "group added", &json!({ "group": path }).to_string())
        })
    }

    /// Renames a group, or moves it below another, with all groups below it and all their meters; lists that name it
    /// follow. Without a new name its meters are in no group and what is below it moves to the top. Gives the meters
    /// whose group is another now.
    ///
    /// # Errors
    /// The new place is within the group itself, or a part of the new name is empty.
    pub fn move_group(&mut self, from: &str, to: Option<&str>) -> Result<Vec<MeterId>, StoreError> {
        self.write(|connection, actor| {
            let to = to.map(path).transpose()?;
            let to = to.as_deref();
            if to == Some(from) {
                return Ok(Vec::new());
            }
            if to.is_some_and(|to| to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'))) {
                return Err(Trouble::Request(format!("the group {from} cannot be moved into itself")));
            }
            let mut statement = connection.prepare_cached(
                "SELECT id FROM meter WHERE removed_at IS NULL
                 AND substr(json_extract(config, '$.group') || '/', 1, length(?1)) = ?1",
            )?;
            let below = statement.query_map([format!("{from}/")], |row| row.get(0).map(MeterId))?;
            let below = below.collect::<Result<Vec<_>, _>>()?;
            for id in &below {
                let mut config = meters::config_of(connection, *id)?;
                if let Some(new) = config.group.as_deref().and_then(|own| moved(own, from, to)) {
                    config.group = new;
                    meters::put(connection, actor, *id, &config)?;
                }
            }
            let groups = made(connection)?;
            let after: BTreeSet<String> = groups
                .iter()
                .filter_map(|own| moved(own, from, to).unwrap_or_else(|| Some(own.clone())))
                .collect();
            if after != groups {
                keep(connection, &after)?;
            }
            move_members(connection, actor, from, to)?;
            let detail = json!({ "group": [from, to], "meters": below.len() });
            audit::append(connection, now(), actor, "group moved", &detail.to_string())?;
            Ok(below)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_and_what_is_below_it_move_and_a_namesake_does_not() {
        let to = |own: &str, to: Option<&str>| moved(own, "North/Mill", to);
        assert_eq!(to("North/Mill", Some("South/M")), Some(Some("South/M".to_owned())));
        assert_eq!(to("North/Mill/1", Some("South/M")), Some(Some("South/M/1".to_owned())));
        assert_eq!(to("North/Mill/1", None), Some(Some("1".to_owned())));
        assert_eq!(
            (to("North/Mill", None), to("North/Miller", Some("x")), to("North", None)),
            (Some(None), None, None)
        );
    }

    #[test]
    fn parts_of_a_path_are_trimmed_and_none_is_empty() {
        assert_eq!(path(" North / Mill ").unwrap(), "North/Mill");
        assert!(path("North//Mill").is_err() && path("").is_err() && path("a\n").is_err());
    }
}
