//! People, their roles, and changes of the vault's key. What opens the vault comes here sealed.
//!
//! Each change is one transaction with its audit row. Whoever is the last administrator who may sign in cannot be
//! lowered or shut out.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use crate::model::{MeterId, Role, SecretKind};

use super::columns::{get, instant, micros};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader, audit};

/// Longest name of a person, in characters.
const LONGEST_NAME: usize = 64;

/// A person as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Number; never used again.
    pub id: i64,
    /// Name; case does not tell two people apart.
    pub name: String,
    /// Role.
    pub role: Role,
    /// When this person was added.
    pub added: Timestamp,
    /// When this person signed in last.
    pub signed_in: Option<Timestamp>,
    /// Attempts to sign in that failed since.
    pub failures: u32,
    /// When the last of them was.
    pub failed_at: Option<Timestamp>,
    /// Opens with the passphrase.
    pub lock: Vec<u8>,
    /// The vault's key for this person; nothing where the person may not sign in.
    pub share: Option<Vec<u8>>,
}

impl PersonRow {
    /// Whether this person may sign in.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.share.is_some()
    }
}

/// A person to be added, or a person's new entry.
#[derive(Clone, Copy, Debug)]
pub struct PersonEntry<'a> {
    /// Name.
    pub name: &'a str,
    /// Role.
    pub role: Role,
    /// Opens with the passphrase.
    pub lock: &'a [u8],
    /// The vault's key for this person; nothing where the person may not sign in.
    pub share: Option<&'a [u8]>,
}

/// A new vault key, as far as the store knows it.
pub struct NewKey<'a> {
    /// The number of the key that holds until now; nothing where none was ever told.
    pub old: Option<&'a [u8]>,
    /// The new one's.
    pub number: &'a [u8],
    /// Opens a sealed secret with the old key and seals it with the new one; or says why it cannot.
    pub reseal: &'a dyn Fn(MeterId, SecretKind, &[u8]) -> Result<Vec<u8>, String>,
    /// The new key for a person.
    pub share: &'a dyn Fn(&PersonRow) -> Result<Vec<u8>, String>,
}

impl std::fmt::Debug for NewKey<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NewKey").field("number", &self.number).finish_non_exhaustive()
    }
}

fn request(text: impl Into<String>) -> Trouble {
    Trouble::Request(text.into())
}

const COLUMNS: &str = "id, name, role, added, signed_in, failures, failed_at, lock, share";

fn person_row(row: &Row<'_>) -> Result<PersonRow, Trouble> {
    let name: String = get(row, 1)?;
    let word: String = get(row, 2)?;
    let role =
        word.parse().map_err(|_| Trouble::Damaged(format!("the person {name} has the role `{word}`")))?;
    let at = |column: usize| get::<Option<i64>>(row, column)?.map(instant).transpose();
    Ok(PersonRow {
        id: get(row, 0)?,
        role,
        added: instant(get(row, 3)?)?,
        signed_in: at(4)?,
        failures: get(row, 5)?,
        failed_at: at(6)?,
        lock: get(row, 7)?,
        share: get(row, 8)?,
        name,
    })
}

fn people(connection: &Connection) -> Result<Vec<PersonRow>, Trouble> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM person ORDER BY name"))?;
    let mut rows = statement.query(())?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(person_row(row)?);
    }
    Ok(list)
}

fn vault_key(connection: &Connection) -> Result<Option<Vec<u8>>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT number FROM vault_key")?;
    Ok(statement.query_row((), |row| row.get(0)).optional()?)
}

/// Refuses bytes that were sealed with a key that is the store's no more: nobody could open them.
pub(super) fn refuse_other_key(connection: &Connection, number: Option<&[u8]>) -> Result<(), Trouble> {
    match (vault_key(connection)?, number) {
        (Some(known), Some(number)) if known != number => Err(request(
            "the vault was given another key by somebody else: nothing was kept; sign in again, or start this program again",
        )),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Trouble> {
    if name.trim().is_empty() || name.trim() != name {
        return Err(request("a person's name has no blanks before or after it, and is not empty"));
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(request(format!("a person's name is a line of at most {LONGEST_NAME} characters")));
    }
    Ok(())
}

/// Refuses a store whose people have no administrator who may sign in.
fn demand_administrator(connection: &Connection) -> Result<(), Trouble> {
    let all = people(connection)?;
    if all.iter().any(|person| person.role == Role::Administrator && person.is_active()) {
        return Ok(());
    }
    Err(request("this is the last administrator who may sign in: make somebody else administrator first"))
}

fn insert(
    connection: &Connection,
    now: Timestamp,
    actor: &str,
    new: &PersonEntry<'_>,
) -> Result<i64, Trouble> {
    check_name(new.name)?;
    if people(connection)?.iter().any(|person| person.name.eq_ignore_ascii_case(new.name)) {
        return Err(request(format!("there is a person named {} already", new.name)));
    }
    connection
        .prepare_cached("INSERT INTO person (name, role, added, lock, share) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![new.name, new.role.word(), micros(now), new.lock, new.share])?;
    let id = connection.last_insert_rowid();
    let detail = json!({ "person": new.name, "role": new.role.word() });
    audit::append(connection, now, actor, "person added", &detail.to_string())?;
    Ok(id)
}

/// Seals everything with a new key, and gives it to everybody who may sign in.
fn change_key(connection: &Connection, key: &NewKey<'_>) -> Result<usize, Trouble> {
    if vault_key(connection)?.as_deref() != key.old {
        return Err(request("the vault was given another key by somebody else meanwhile: start again"));
    }
    let mut statement = connection.prepare("SELECT meter_id, kind, sealed FROM secret")?;
    let sealed: Vec<(i64, String, Vec<u8>)> = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (meter, word, bytes) in &sealed {
        let kind: SecretKind = word
            .parse()
            .map_err(|_| Trouble::Damaged(format!("meter {meter} has a secret of kind `{word}`")))?;
        let again = (key.reseal)(MeterId(*meter), kind, bytes).map_err(request)?;
        connection
            .prepare_cached("UPDATE secret SET sealed = ?3 WHERE meter_id = ?1 AND kind = ?2")?
            .execute(params![meter, word, again])?;
    }
    for person in people(connection)?.iter().filter(|person| person.is_active()) {
        let share = (key.share)(person).map_err(request)?;
        connection
            .prepare_cached("UPDATE person SET share = ?2 WHERE id = ?1")?
            .execute(params![person.id, share])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO vault_key VALUES (1, ?1) ON CONFLICT DO UPDATE SET number = excluded.number",
        )?
        .execute([key.number])?;
    Ok(sealed.len())
}

impl StoreReader {
    /// All people, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn people(&self) -> Result<Vec<PersonRow>, StoreError> {
        self.read(people)
    }

    /// Whether the store has people: then nobody acts who is not signed in.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_people(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM person)")?;
            Ok(statement.query_row((), |row| row.get(0))?)
        })
    }

    /// The number of the key that secrets are sealed with; nothing where it was never changed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn vault_key(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(vault_key)
    }

    /// How many secrets are sealed here.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn count_secrets(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let count: i64 = connection.query_row("SELECT count(*) FROM secret", (), |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }
}

impl Store {
    /// Adds the first person, an administrator, and seals everything with a key that is in no file.
    ///
    /// # Errors
    /// There are people already, or a secret cannot be opened.
    pub fn begin_people(
        &mut self,
        now: Timestamp,
        first: &PersonEntry<'_>,
        key: &NewKey<'_>,
    ) -> Result<i64, StoreError> {
        let added = self.write(|connection, actor| {
            if !people(connection)?.is_empty() {
                return Err(request("this store has people already"));
            }
            if first.role != Role::Administrator {
                return Err(request("the first person has to be an administrator, who can add the others"));
            }
            let secrets = change_key(connection, key)?;
            let id = insert(connection, now, actor, first)?;
            let detail = json!({ "secrets": secrets });
            audit::append(connection, now, actor, "vault key changed", &detail.to_string())?;
            Ok(id)
        })?;
        self.forget_deleted();
        Ok(added)
    }

    /// Adds a person.
    ///
    /// # Errors
    /// The name is taken or none, or there are no people at all.
    pub fn add_person(&mut self, now: Timestamp, new: &PersonEntry<'_>) -> Result<i64, StoreError> {
        self.write(|connection, actor| {
            if people(connection)?.is_empty() {
                return Err(request("this store has no people: the first one is added with a new vault key"));
            }
            insert(connection, now, actor, new)
        })
    }

    /// Replaces a person's entry; `what` says for the audit chain what is new about it.
    ///
    /// # Errors
    /// There is no such person, or no administrator would be left.
    pub fn put_person(
        &mut self,
        now: Timestamp,
        entry: &PersonEntry<'_>,
        what: &[&str],
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let changed = connection
                .prepare_cached(
                    "UPDATE person SET role = ?2, lock = ?3, share = ?4, failures = 0, failed_at = NULL WHERE name = ?1",
                )?
                .execute(params![entry.name, entry.role.word(), entry.lock, entry.share])?;
            if changed == 0 {
                return Err(request(format!("there is no person named {}", entry.name)));
            }
            demand_administrator(connection)?;
            let detail = json!({
                "person": entry.name, "role": entry.role.word(),
                "may_sign_in": entry.share.is_some(), "changed": what,
            });
            audit::append(connection, now, actor, "person changed", &detail.to_string())
        })
    }

    /// Seals everything with a new key.
    ///
    /// # Errors
    /// A secret cannot be opened with the old key: nothing was changed then.
    pub fn change_vault_key(&mut self, now: Timestamp, key: &NewKey<'_>) -> Result<usize, StoreError> {
        let resealed = self.write(|connection, actor| {
            let secrets = change_key(connection, key)?;
            let detail = json!({ "secrets": secrets });
            audit::append(connection, now, actor, "vault key changed", &detail.to_string())?;
            Ok(secrets)
        })?;
        self.forget_deleted();
        Ok(resealed)
    }

    /// Takes all people off: the store has one user again, whose key file is in place by now.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn end_people(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let names: Vec<String> = people(connection)?.into_iter().map(|person| person.name).collect();
            connection.execute("DELETE FROM person", ())?;
            let detail = json!({ "people": names });
            audit::append(connection, now, actor, "people removed, one user again", &detail.to_string())
        })
    }

    /// Notes that a person signed in; `account` is the user of this computer.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note_sign_in(&mut self, now: Timestamp, name: &str, account: &str) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection
                .prepare_cached(
                    "UPDATE person SET signed_in = ?2, failures = 0, failed_at = NULL WHERE name = ?1",
                )?
                .execute(params![name, micros(now)])?;
            let detail = json!({ "account": account });
            audit::append(connection, now, name, "signed in", &detail.to_string())
        })
    }

    /// Notes that an attempt to sign in failed; `person` is nothing where no such person exists, and what was given
    /// as a name is not written down: it may have been a passphrase.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note_failed_sign_in(
        &mut self,
        now: Timestamp,
        person: Option<&str>,
        why: &str,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            if let Some(name) = person {
                connection
                    .prepare_cached(
                        "UPDATE person SET failures = failures + 1, failed_at = ?2 WHERE name = ?1",
                    )?
                    .execute(params![name, micros(now)])?;
            }
            let detail = json!({ "person": person, "why": why });
            audit::append(connection, now, actor, "sign-in failed", &detail.to_string())
        })
    }
}
