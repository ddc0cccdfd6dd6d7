//! The ladder of schema versions, and what tells a store from any other file.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Trouble;
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

/// Takes a store up the ladder, all steps or none. Of several programs that open a store at once, one does it.
pub(super) fn bring_up_to_date(
    connection: &mut Connection,
    path: &str,
    ladder: &[&str],
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
    for rung in ladder.iter().skip(version) {
        step.execute_batch(rung).map_err(fail)?;
    }
    step.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
    step.pragma_update(None, "user_version", columns::count(ladder.len() as u64)).map_err(fail)?;
    step.commit().map_err(fail)
}
