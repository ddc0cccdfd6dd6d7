//! Schemes of meters: what was read, what stood there before a write, what was written.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::model::MeterId;
use crate::model::text::words;

use super::columns::{instant, micros, require_meter};
use super::{Store, StoreError, StoreReader};

words! {
    /// How a scheme came into the store.
    SchemeKind: "a kind of scheme" {
        /// It was read from the meter.
        Read = "read",
        /// It stood in the meter before another one was written.
        Stood = "stood",
        /// It stood in the meter when the same was written once more.
        Again = "again",
        /// It was written to the meter, to the end.
        Written = "written",
    }
}

/// A scheme of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterScheme {
    /// When.
    pub at: Timestamp,
    /// The scheme file; empty where no scheme can say what stood there.
    pub scheme: String,
    /// JSON: notes of a scheme that was read, the attributes as they stood of one that was there before.
    pub detail: String,
}

impl StoreReader {
    /// The last scheme of a kind; nothing where there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_scheme(&self, meter: MeterId, kind: SchemeKind) -> Result<Option<MeterScheme>, StoreError> {
        self.read(|connection| {
            let row: Option<(i64, String, String)> = connection
                .prepare_cached(
                    "SELECT at, scheme, detail FROM meter_scheme WHERE meter_id = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 1",
                )?
                .query_row(params![meter.0, kind.word()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            row.map(|(at, scheme, detail)| Ok(MeterScheme { at: instant(at)?, scheme, detail })).transpose()
        })
    }
}

impl Store {
    /// Keeps a scheme of a meter.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_scheme(
        &mut self,
        meter: MeterId,
        kind: SchemeKind,
        scheme: &MeterScheme,
    ) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_meter(connection, meter)?;
            connection
                .prepare_cached(
                    "INSERT INTO meter_scheme (meter_id, at, kind, scheme, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![meter.0, micros(scheme.at), kind.word(), scheme.scheme, scheme.detail])?;
            Ok(())
        })
    }

    /// Appends to the audit chain what the person at this computer did.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn audit_own(&mut self, now: Timestamp, what: &str, detail: &str) -> Result<(), StoreError> {
        self.write(|connection, actor| super::audit::append(connection, now, actor, what, detail))
    }
}
