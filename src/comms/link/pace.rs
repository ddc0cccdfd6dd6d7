//! How long to wait for an answer: what the medium asks for, and what the meter took so far (RFC 6298).

use std::time::Duration;

use tokio::time::Instant;

use super::millis;
use crate::model::{MediumHabits, RoundTrip};
use crate::protocol::dlms::apdu::tag;

/// The clock of one session.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    trip: RoundTrip,
    habits: &'static MediumHabits,
    /// What a plain wait is, without the medium.
    usual: Duration,
    /// When the request that waits for its answer left.
    asked: Option<Instant>,
    /// It was sent more than once: which sending its answer belongs to, nobody knows.
    is_ambiguous: bool,
    /// Waits in a row that ended with nothing.
    silences: u32,
}

impl Pace {
    pub(super) fn new(trip: RoundTrip, habits: &'static MediumHabits, usual_ms: u32) -> Self {
        let usual = millis(usual_ms);
        Self { trip, habits, usual, asked: None, is_ambiguous: false, silences: 0 }
    }

    /// The same, which knows a round trip of before.
    pub(super) const fn knowing(mut self, trip: RoundTrip) -> Self {
        self.trip = trip;
        self
    }

    /// A plain wait.
    pub(super) const fn usual(&self) -> Duration {
        self.usual
    }

    /// The round trip with all answers of this session.
    pub(super) const fn trip(&self) -> RoundTrip {
        self.trip
    }

    /// Something leaves.
    pub(super) fn sent(&mut self, now: Instant) {
        self.is_ambiguous = self.asked.is_some();
        self.asked = Some(now);
    }

    /// Something came; a notification is no answer.
    pub(super) fn heard(&mut self, apdu: &[u8], now: Instant) {
        if matches!(apdu.first(), Some(&(tag::DATA_NOTIFICATION | tag::EVENT_NOTIFICATION))) {
            return;
        }
        self.silences = 0;
        if let Some(asked) = self.asked.take().filter(|_| !self.is_ambiguous) {
            let took = now.saturating_duration_since(asked).as_micros();
            self.trip.measured(u64::try_from(took).unwrap_or(u64::MAX));
        }
    }

    /// A wait ended with nothing.
    pub(super) const fn silent(&mut self) {
        self.silences = self.silences.saturating_add(1);
    }

    /// The wait for an answer by datagram, of which the sender thinks that it may take `wait`: doubled for each
    /// silence before it. A shorter wait than usual is wanted so.
    pub(super) fn datagram_wait(&self, wait: Duration) -> Duration {
        let base = self.trip.overdue_ms().unwrap_or(self.habits.first_wait_ms.into());
        let base = base.max(self.habits.least_wait_ms.into());
        let doubled = base.saturating_mul(1 << self.silences.min(16));
        let overdue = Duration::from_millis(doubled.min(self.habits.most_wait_ms.into()));
        if wait < self.usual { overdue.min(wait) } else { overdue }
    }

    /// The wait for an answer over a connection, where nothing is lost but may be late: never shorter than asked for.
    pub(super) fn patience(&self, wait: Duration) -> Duration {
        if wait < self.usual {
            return wait;
        }
        let slow = self.trip.overdue_ms().unwrap_or(0).saturating_mul(2);
        wait.max(Duration::from_millis(slow.min(self.habits.most_wait_ms.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Medium;

    const USUAL: Duration = Duration::from_secs(6);

    fn pace(medium: Medium) -> Pace {
        Pace::new(RoundTrip::default(), medium.habits(), 6000)
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_silence_doubles_the_wait_and_an_answer_to_a_repeated_request_teaches_nothing() {
        let mut pace = pace(Medium::Direct);
        assert_eq!(pace.datagram_wait(USUAL), Duration::from_secs(2));
        pace.sent(Instant::now());
        pace.silent();
        assert_eq!(pace.datagram_wait(USUAL), Duration::from_secs(4));
        pace.sent(Instant::now());
        pace.heard(&[0xC4], Instant::now());
        assert_eq!(pace.trip(), RoundTrip::default(), "Karn");
        pace.sent(Instant::now());
        tokio::time::advance(Duration::from_millis(500)).await;
        pace.heard(&[tag::DATA_NOTIFICATION], Instant::now());
        assert_eq!(pace.trip().answers, 0);
        pace.heard(&[0xC4], Instant::now());
        assert_eq!(pace.datagram_wait(USUAL), Duration::from_millis(1500));
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_slow_meter_is_waited_for_and_a_short_goodbye_stays_short() {
        let mut pace = pace(Medium::Plc);
        pace.sent(Instant::now());
        tokio::time::advance(Duration::from_secs(20)).await;
        pace.heard(&[0xC4], Instant::now());
        assert_eq!(pace.patience(USUAL), Duration::from_secs(120));
        let goodbye = Duration::from_millis(1500);
        assert_eq!((pace.patience(goodbye), pace.datagram_wait(goodbye)), (goodbye, goodbye));
    }
}
