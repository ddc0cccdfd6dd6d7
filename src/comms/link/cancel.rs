//! A flag that ends all waits of a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Clones share one flag; it is set once and for all.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    set: AtomicBool,
    waiters: Notify,
}

impl Cancel {
    /// Sets the flag; every wait that watches it ends.
    pub fn cancel(&self) {
        self.shared.set.store(true, Ordering::SeqCst);
        self.shared.waiters.notify_waiters();
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.set.load(Ordering::SeqCst)
    }

    /// Ends when it is set.
    pub async fn cancelled(&self) {
        // Made before the flag is looked at, so that a setting in between is not missed.
        let notified = self.shared.waiters.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_wait_ends_whether_the_flag_is_set_before_or_during_it() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        tokio::join!(cancel.cancelled(), async { other.cancel() });
        assert!(cancel.is_cancelled());
        cancel.cancelled().await;
    }
}
