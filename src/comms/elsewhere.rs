//! What other programs write into the store: `meterwright run` as a service beside the windows, an import.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::StoreError;

use super::shared::Shared;

/// How often it is looked while somebody watches.
const LOOK: Duration = Duration::from_secs(1);

/// What this program's two connections see, each of which takes the other's writes for those of somebody else.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// What moves with all writes but those of the thread's own connection.
    by_thread: i64,
    /// What moves with all writes but those of batches; nothing before the first batch.
    by_batches: Option<i64>,
}

impl Seen {
    fn look(shared: &Shared) -> Result<Option<Self>, StoreError> {
        let Some(by_batches) = shared.settling.changes_elsewhere()? else { return Ok(None) };
        let by_thread = shared.store.borrow().changes_elsewhere()?;
        Ok(by_thread.map(|by_thread| Self { by_thread, by_batches }))
    }

    /// Whether others have written since. Where both connections have, others may have too, and are thought to.
    fn differs_by_others(&self, before: &Self) -> bool {
        let have_batches_seen = match (self.by_batches, before.by_batches) {
            (Some(now), Some(then)) => now != then,
            _ => true,
        };
        self.by_thread != before.by_thread && have_batches_seen
    }
}

/// Whether others have written since the last look. Nobody looks where nobody watches.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    wake_at: Option<Instant>,
    seen: Option<Seen>,
}

impl Elsewhere {
    /// Begins or ends to look; what was written meanwhile is found at the first look.
    pub(super) fn watch(&mut self, is_watched: bool) {
        self.wake_at = is_watched.then(Instant::now);
    }

    /// When to look next.
    pub(super) const fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Looks.
    pub(super) fn has_changed(&mut self, shared: &Shared) -> bool {
        self.wake_at = self.wake_at.map(|_| Instant::now() + LOOK);
        match Seen::look(shared) {
            Ok(Some(now)) => self.seen.replace(now).is_some_and(|before| now.differs_by_others(&before)),
            // The next look finds it.
            Ok(None) => false,
            Err(error) => {
                tracing::warn!("whether other programs have written cannot be told: {error}");
                false
            }
        }
    }
}
