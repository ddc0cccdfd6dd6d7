//! What other programs write into the store: `meterwright run` as a service beside the windows, an import.

use std::time::Duration;

use tokio::time::Instant;

use super::shared::Shared;

/// How often it is looked while somebody watches.
const LOOK: Duration = Duration::from_secs(1);

/// Whether others have written since the last look. Nobody looks where nobody watches.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    wake_at: Option<Instant>,
    seen: Option<i64>,
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
        match shared.store.borrow().changes_elsewhere() {
            Ok(Some(now)) => self.seen.replace(now).is_some_and(|before| before != now),
            // The next look finds it.
            Ok(None) => false,
            Err(error) => {
                tracing::warn!("whether other programs have written cannot be told: {error}");
                false
            }
        }
    }
}
