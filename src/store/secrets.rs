//! Sealed secrets of meters. What is in them only the vault knows.

use rusqlite::{Connection, params};

use crate::model::{MeterId, SecretKind};

use super::columns::{get, now};
use super::error::Trouble;
use super::meters::live_name;
use super::{Store, StoreError, StoreReader, audit, people};

/// The number of the key that bytes were sealed with, where they begin with one: the vault's second format.
fn key_number(sealed: &[u8]) -> Option<&[u8]> {
    match sealed.split_first()? {
        (2, rest) => rest.get(..8),
        _ => None,
    }
}

fn kind_of(id: MeterId, word: &str) -> Result<SecretKind, Trouble> {
    word.parse().map_err(|_| Trouble::Damaged(format!("meter {} has a secret of kind `{word}`", id.0)))
}

/// Keeps or takes away one secret, with its audit row.
pub(super) fn put(
    connection: &Connection,
    actor: &str,
    id: MeterId,
    kind: SecretKind,
    sealed: Option<&[u8]>,
) -> Result<(), Trouble> {
    let name = live_name(connection, id)?;
    people::refuse_other_key(connection, sealed.and_then(key_number))?;
    let changed = match sealed {
        Some(sealed) => connection
            .prepare_cached(
                "INSERT INTO secret VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
            )?
            .execute(params![id.0, kind.word(), sealed])?,
        None => connection
            .prepare_cached("DELETE FROM secret WHERE meter_id = ?1 AND kind = ?2")?
            .execute(params![id.0, kind.word()])?,
    };
    if changed == 0 {
        return Ok(());
    }
    let what = if sealed.is_some() { "secret set" } else { "secret removed" };
    let detail = serde_json::json!({ "meter": id.0, "name": name, "kind": kind.word() });
    audit::append(connection, now(), actor, what, &detail.to_string())
}

impl StoreReader {
    /// Kinds of secrets that a meter has.
    ///
    /// # Errors
    /// The store holds a kind that this program does not know.
    pub fn secret_kinds(&self, id: MeterId) -> Result<Vec<SecretKind>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT kind FROM secret WHERE meter_id = ?1")?;
            let words: Vec<String> =
                statement.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut kinds: Vec<SecretKind> =
                words.iter().map(|word| kind_of(id, word)).collect::<Result<_, Trouble>>()?;
            kinds.sort();
            Ok(kinds)
        })
    }

    /// Sealed bytes of all secrets of a meter.
    ///
    /// # Errors
    /// The store holds a kind that this program does not know.
    pub fn sealed_secrets(&self, id: MeterId) -> Result<Vec<(SecretKind, Vec<u8>)>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT kind, sealed FROM secret WHERE meter_id = ?1")?;
            let mut rows = statement.query([id.0])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push((kind_of(id, &get::<String>(row, 0)?)?, get(row, 1)?));
            }
            Ok(all)
        })
    }

    /// Whether any secret is sealed here: then the vault's key must not be made anew, because a new one opens none
    /// of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_secrets(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM secret)", (), |row| row.get(0))?)
        })
    }
}

impl Store {
    /// Keeps sealed bytes as a meter's secret; nothing takes it away.
    ///
    /// # Errors
    /// No such meter is listed.
    pub fn put_secret(
        &mut self,
        id: MeterId,
        kind: SecretKind,
        sealed: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| put(connection, actor, id, kind, sealed))
    }
}
