//! The flash that was last tried on a meter.

use jiff::Timestamp;

use crate::model::{FlashOutcome, FlashPhase, MeterId};

use super::columns::{get, instant, word};
use super::{StoreError, StoreReader};

/// How the last flash of a meter stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFlash {
    /// The version that it brings; nothing where its campaign is gone.
    pub version: Option<String>,
    /// The phase that it was in last.
    pub phase: FlashPhase,
    /// How it stands.
    pub outcome: FlashOutcome,
    /// Blocks that the meter has, and all of them.
    pub blocks: (u32, u32),
    /// Why it does not go on, or what there is to know; in words.
    pub message: String,
    /// When this was written.
    pub updated: Timestamp,
}

impl StoreReader {
    /// The flash of a meter that was written to last, of whatever package; nothing where there was none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_flash(&self, meter: MeterId) -> Result<Option<LastFlash>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT (SELECT version FROM campaign c WHERE c.package = f.package ORDER BY id DESC LIMIT 1), phase, outcome, blocks_done, blocks, message, updated FROM flash f WHERE meter_id = ?1 ORDER BY updated DESC LIMIT 1",
            )?;
            let mut rows = statement.query([meter.0])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let small = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
            Ok(Some(LastFlash {
                version: get(row, 0)?,
                phase: word(row, 1)?,
                outcome: word(row, 2)?,
                blocks: (small(get(row, 3)?), small(get(row, 4)?)),
                message: get(row, 5)?,
                updated: instant(get(row, 6)?)?,
            }))
        })
    }
}
