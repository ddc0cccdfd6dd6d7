//! Whether the disk takes writes.
//!
//! A full disk shows in whatever write happens to meet it, and smaller ones may still find room. The store remembers
//! that one was turned away until a trial has shown that there is room again: a write of some size, so that work which
//! begins anew does not stop again at once.

use super::{Store, StoreError};

/// Octets that are written to see whether there is room.
const TRIAL: u32 = 256 * 1024;
/// Where; it is taken away at once.
const KEY: &str = "store.trial";

impl Store {
    /// Why the disk turned a write away; nothing since the last good [`Store::try_room`].
    #[must_use]
    pub fn turned_away(&self) -> Option<&str> {
        self.turned_away.as_deref()
    }

    /// As [`Store::turned_away`], and forgets it.
    pub fn take_turned_away(&mut self) -> Option<String> {
        self.turned_away.take()
    }

    /// Keeps in mind whether the disk turned a write away.
    pub(super) fn note_write<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::NoRoom { reason, .. }) = &outcome {
            self.turned_away = Some(reason.clone());
        }
        outcome
    }

    /// Tries whether the disk takes writes again.
    ///
    /// # Errors
    /// It does not, or what was written could not be taken away again, which the next try does.
    pub fn try_room(&mut self) -> Result<(), StoreError> {
        self.write(|connection, _| {
            connection
                .execute("INSERT OR REPLACE INTO setting VALUES (?1, hex(zeroblob(?2)))", (KEY, TRIAL / 2))?;
            Ok(())
        })?;
        self.write(|connection, _| {
            connection.execute("DELETE FROM setting WHERE key = ?1", [KEY])?;
            Ok(())
        })?;
        self.turned_away = None;
        Ok(())
    }

    /// Lets the file have so many pages at most, as on a disk that is full; for tests.
    #[cfg(test)]
    pub(crate) fn allow_pages(&self, most: u32) {
        let connection = &self.reader.connection;
        let set =
            connection.pragma_update_and_check(None, "max_page_count", most, |row| row.get::<_, u32>(0));
        assert!(set.is_ok(), "{set:?}");
    }
}
