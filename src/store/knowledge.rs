//! What was learnt of a meter: one document a meter.

use rusqlite::{OptionalExtension, params};

use crate::model::{Knowledge, MeterId};

use super::columns::{from_json, require_meter, to_json};
use super::{Store, StoreError, StoreReader};

impl StoreReader {
    /// What was learnt of a meter; nothing yet where it was never read.
    ///
    /// # Errors
    /// The document does not read.
    pub fn knowledge(&self, id: MeterId) -> Result<Knowledge, StoreError> {
        self.read(|connection| {
            let document: Option<String> = connection
                .prepare_cached("SELECT document FROM knowledge WHERE meter_id = ?1")?
                .query_row([id.0], |row| row.get(0))
                .optional()?;
            document.map_or_else(
                || Ok(Knowledge::default()),
                |text| from_json(&text, &format!("what was learnt of meter {}", id.0)),
            )
        })
    }
}

impl Store {
    /// Keeps what was learnt of a meter.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_knowledge(&mut self, id: MeterId, knowledge: &Knowledge) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_meter(connection, id)?;
            connection
                .prepare_cached(
                    "INSERT INTO knowledge VALUES (?1, ?2) ON CONFLICT DO UPDATE SET document = excluded.document",
                )?
                .execute(params![id.0, to_json(knowledge)?])?;
            Ok(())
        })
    }
}
