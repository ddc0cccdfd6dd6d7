//! Waiting for a meter, and for its line, while another program on the same store has them.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use crate::model::{Fault, MeterConfig, MeterId, Step};

use super::held::Held;
use super::link::Cancel;
use super::queue::LineKey;
use super::reporter::Reporter;
use super::session::cancelled_fault;

/// How often a session looks whether another program is done.
const LOOK: Duration = Duration::from_millis(200);

/// What a session waits for.
struct Wanted {
    /// In words.
    what: &'static str,
    /// How long it waits.
    longest: Duration,
}

const METER: Wanted = Wanted { what: "the meter", longest: Duration::from_secs(60) };
/// Each meter of the other program takes its time, and who waits is next: only one session is waited for.
const LINE: Wanted = Wanted { what: "the line", longest: Duration::from_secs(600) };

/// A session before it begins.
pub(super) struct Holding<'a> {
    /// Told where it has to wait.
    pub(super) reporter: &'a Reporter,
    /// Ends the wait.
    pub(super) cancel: &'a Cancel,
    /// Whether it is to write to a meter.
    pub(super) writes: bool,
}

impl Holding<'_> {
    /// Holds a meter against other programs on the same store, waiting for one that does.
    ///
    /// # Errors
    /// The other program keeps it; cancelled; or it cannot be held and something is to be written to it. What only
    /// reads goes ahead, without holding, where the store's folder takes no such files, as on a disk that is full.
    pub(super) async fn meter(&self, meter: MeterId) -> Result<Option<Held>, Fault> {
        self.until_held(&METER, || self.reporter.shared.holds.hold(meter)).await
    }

    /// Holds a place on a meter's line in the same way; nothing where the line is the meter's own. To be called once
    /// the meter is held, never before.
    ///
    /// # Errors
    /// As of [`Holding::meter`].
    pub(super) async fn line(&self, config: &MeterConfig) -> Result<Option<Held>, Fault> {
        let key = LineKey::of(config);
        let Some(line) = key.shared() else { return Ok(None) };
        let mut turn = None;
        self.until_held(&LINE, || self.reporter.shared.holds.hold_line(&line, &mut turn)).await
    }

    async fn until_held(
        &self,
        wanted: &Wanted,
        mut hold: impl FnMut() -> io::Result<Option<Held>>,
    ) -> Result<Option<Held>, Fault> {
        let mut tries = wanted.longest.as_millis() / LOOK.as_millis();
        loop {
            match hold() {
                Ok(Some(held)) => return Ok(Some(held)),
                Ok(None) if tries == 0 => return Err(in_use(wanted)),
                Ok(None) => {}
                Err(error) if self.writes => {
                    return Err(Fault::user(
                        format!("{} cannot be held against other programs: {error}", wanted.what),
                        "check the free space and the permissions of the store's folder",
                    ));
                }
                Err(error) => {
                    tracing::debug!("{} is used without being held: {error}", wanted.what);
                    return Ok(None);
                }
            }
            self.reporter.step(Step::WaitingForLine);
            tries = tries.saturating_sub(1);
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(cancelled_fault()),
                () = sleep(LOOK) => {}
            }
        }
    }
}

/// The fault of a session for which another program on the same store does not make room.
fn in_use(wanted: &Wanted) -> Fault {
    Fault::line(
        format!("another program on this store is busy with {}; nothing was sent to the meter", wanted.what),
        "wait until that one has ended, then try again",
    )
}
