//! The ladder of schema versions, and what tells a store from any other file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::error::Trouble;
use super::upkeep::{Existing, Pace, copy};
use super::{StoreError, columns};

/// `MTWR`, in the file's header where `file` and SQLite look.
const APPLICATION_ID: i32 = 0x4D54_5752;

/// Step by step from an empty file; the number of steps is the version. A step, once shipped, is never edited.
pub(super) const LADDER: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
    include_str!("schema/9.sql"),
];

/// What a file is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Nothing yet.
    Empty,
    /// A store of this version.
    Store(usize),
    /// Another program's data base.
    Foreign,
}

/// Within a transaction, so that a store that another program is setting up is seen before or after, not in between.
fn content(connection: &Connection) -> rusqlite::Result<Content> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    Ok(match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) if version > 0 => Content::Store(version),
        (0, Ok(0)) if tables == 0 => Content::Empty,
        _ => Content::Foreign,
    })
}

fn snapshot(connection: &Connection, path: &str) -> Result<Content, StoreError> {
    let look = || content(&*connection.unchecked_transaction()?);
    look().map_err(|error| Trouble::from(error).at(path))
}

fn unusable(path: &str, reason: String) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), reason }
}

fn foreign(path: &str) -> StoreError {
    unusable(path, "the file is another program's data base: choose another file".to_owned())
}

fn newer(path: &str, version: usize, known: usize) -> StoreError {
    let reason = format!(
        "a newer version of this program made it (store version {version}; this program knows up to {known}): update this program"
    );
    unusable(path, reason)
}

/// Refuses a file that is no store, before anything in it is touched.
pub(super) fn refuse_foreign(connection: &Connection, path: &str, ladder: &[&str]) -> Result<(), StoreError> {
    match snapshot(connection, path)? {
        Content::Foreign => Err(foreign(path)),
        Content::Store(version) if version > ladder.len() => Err(newer(path, version, ladder.len())),
        Content::Empty | Content::Store(_) => Ok(()),
    }
}

/// Refuses a file that is not a store of the present version: a reader cannot bring it up to date.
pub(super) fn refuse_unready(connection: &Connection, path: &str, ladder: &[&str]) -> Result<(), StoreError> {
    refuse_foreign(connection, path, ladder)?;
    match snapshot(connection, path)? {
        Content::Store(version) if version == ladder.len() => Ok(()),
        Content::Store(_) => Err(unusable(
            path,
            "an older version of this program made it: open it once for writing, which brings it up to date"
                .to_owned(),
        )),
        Content::Empty | Content::Foreign => {
            Err(unusable(path, "it is empty: open it once for writing, which sets it up".to_owned()))
        }
    }
}

/// Is called with the version of an old store, while nobody else can write to it.
type Before<'a> = dyn FnMut(&Connection, usize) -> Result<(), StoreError> + 'a;

/// Takes a store up the ladder, all steps or none. Of several programs that open a store at once, one does it.
fn climb(
    connection: &mut Connection,
    path: &str,
    ladder: &[&str],
    before: &mut Before<'_>,
) -> Result<(), StoreError> {
    let fail = |error: rusqlite::Error| Trouble::from(error).at(path);
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let version = match content(&step).map_err(fail)? {
        Content::Empty => 0,
        Content::Store(version) if version > ladder.len() => return Err(newer(path, version, ladder.len())),
        Content::Store(version) => version,
        Content::Foreign => return Err(foreign(path)),
    };
    if version == ladder.len() {
        return Ok(());
    }
    if version > 0 {
        before(&step, version)?;
    }
    for rung in ladder.iter().skip(version) {
        step.execute_batch(rung).map_err(fail)?;
    }
    step.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
    step.pragma_update(None, "user_version", columns::count(ladder.len() as u64)).map_err(fail)?;
    step.commit().map_err(fail)
}

/// Takes a store up the ladder without a copy.
#[cfg(test)]
pub(super) fn bring_up_to_date(
    connection: &mut Connection,
    path: &str,
    ladder: &[&str],
) -> Result<(), StoreError> {
    climb(connection, path, ladder, &mut |_, _| Ok(()))
}

/// How an old store is brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// It is copied, so many bytes of so many.
    Copying(Pace),
    /// It is taken from a version to another.
    Changing {
        /// From.
        from: u64,
        /// To.
        to: u64,
    },
    /// It is up to date.
    Done,
}

/// The copy that is kept of a store of an old version.
fn copy_name(path: &Path, version: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".version-{version}"));
    PathBuf::from(name)
}

/// Brings a store up to date. One of an older version is copied first, for this program's older version does not read
/// the new one; nobody writes between the copy and the change. Of a store that is up to date or new nothing is told.
pub(super) fn upgrade(
    connection: &mut Connection,
    path: &Path,
    ladder: &[&str],
    tell: &mut dyn FnMut(Upgrade),
) -> Result<(), StoreError> {
    let name = path.display().to_string();
    let mut is_old = false;
    climb(connection, &name, ladder, &mut |connection, version| {
        let mut told = |pace| {
            tell(Upgrade::Copying(pace));
            true
        };
        copy(path, connection, &copy_name(path, version), Existing::Replace, &mut told).map_err(|error| {
            unusable(&name, format!("it is of an older version and cannot be copied first: {error}"))
        })?;
        is_old = true;
        tell(Upgrade::Changing { from: version as u64, to: ladder.len() as u64 });
        Ok(())
    })?;
    if is_old {
        tell(Upgrade::Done);
    }
    Ok(())
}
