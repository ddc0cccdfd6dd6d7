//! Settings of the program.

use rusqlite::{Connection, OptionalExtension};

use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

pub(super) fn get(connection: &Connection, key: &str) -> Result<Option<String>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

pub(super) fn put(connection: &Connection, key: &str, value: &str) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute([key, value])?;
    Ok(())
}

impl StoreReader {
    /// A setting of the program.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| get(connection, key))
    }
}

impl Store {
    /// Keeps a setting.
    ///
    /// # Errors
    /// The store cannot be written, or the setting is changed another way, which the audit chain records.
    pub fn put_setting(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write(|connection, _| {
            if key == super::maker_keys::SETTING {
                let reason = format!("the setting `{key}` is not set: keys are trusted one by one");
                return Err(Trouble::Request(reason));
            }
            put(connection, key, value)
        })
    }
}
