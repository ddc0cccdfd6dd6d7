//! Whether the disk takes writes.
//!
//! A full disk shows in whatever write happens to meet it. The store remembers that the last one was turned away, and
//! can try whether there is room again: with a write of some size, so that work which begins anew does not stop again
//! at once.

use super::{Store, StoreError};

/// Octets that are written to see whether there is room.
const TRIAL: u32 = 256 * 1024;
/// Where; it is taken away at once.
const KEY: &str = "store.trial";

impl Store {
    /// Why the disk took none of the last write; nothing where it did.
    #[must_use]
    pub fn turned_away(&self) -> Option<&str> {
        self.turned_away.as_deref()
    }

    /// Keeps in mind whether the disk takes writes.
    pub(super) fn note_write<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        match &outcome {
            Err(StoreError::NoRoom { reason, .. }) => self.turned_away = Some(reason.clone()),
            // What has only gathered says nothing: the disk sees it later.
            Ok(_) if !self.is_unsettled() => self.turned_away = None,
            _ => {}
        }
        outcome
    }

    /// Tries whether the disk takes writes again.
    ///
    /// # Errors
    /// It does not, or what was written could not be taken away again, which the next try does.
    pub fn try_room(&mut self) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?1, hex(zeroblob(?2)))", (KEY, TRIAL / 2))?;
            Ok(())
        })?;
        self.write(|connection, _| {
            connection.execute("DELETE FROM setting WHERE key = ?1", [KEY])?;
            Ok(())
        })
    }

    /// Lets the file have so many pages at most, as on a disk that is full; for tests.
    #[cfg(test)]
    pub(crate) fn allow_pages(&self, most: u32) {
        let connection = &self.reader.connection;
        let set = connection.pragma_update_and_check(None, "max_page_count", most, |row| row.get::<_, u32>(0));
        assert!(set.is_ok(), "{set:?}");
    }
}
