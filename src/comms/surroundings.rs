//! What the thread finds outside of itself: the time of day, and who opens lines.
//!
//! The program takes this computer's clock and lets the system open lines. Who lets days fly (the runs of thousands of
//! virtual meters, tests) takes a clock that goes with the runtime's own, which a paused runtime winds on whenever
//! nobody has anything to do, and a [`Dialer`] that leads to meters in memory: sockets would not keep up with it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::transport::Dialer;

/// What time it is.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// By this computer's clock.
    #[default]
    Computer,
    /// It goes with the runtime's time.
    Runtime {
        /// An instant of the runtime.
        since: Instant,
        /// What time it was then.
        then: Timestamp,
    },
}

impl Clock {
    /// A clock that goes with the runtime's time and shows `then` now.
    #[must_use]
    pub fn runtime(then: Timestamp) -> Self {
        Self::Runtime { since: Instant::now(), then }
    }

    /// What time it is.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::Computer => Timestamp::now(),
            Self::Runtime { since, then } => then.checked_add(since.elapsed()).unwrap_or(then),
        }
    }
}

/// What is outside of the thread.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// What time it is.
    pub clock: Clock,
    /// Who opens lines in the system's place.
    pub dialer: Option<Arc<dyn Dialer>>,
}
