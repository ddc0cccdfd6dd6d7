//! How soon one connection may begin after another.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::Limits;

/// The longest gap for the sake of an even load.
const LONGEST_SPREAD: Duration = Duration::from_millis(1);
/// The gap until a session has ended and shows how long one takes.
const FIRST_SPREAD: Duration = Duration::from_micros(500);
/// The gap, in quarters of the one with which as many sessions as the limit says are under way all the time.
const SPREAD_QUARTERS: u32 = 3;
/// An ended session moves what is usual by this part of the difference.
const LEARN: u32 = 16;
/// Connections that may begin together after a pause, where there is a limit.
const TOGETHER: u32 = 4;
/// The same where there is none: what the thread was late with is made good.
const TOGETHER_UNLIMITED: u32 = 64;

/// Lets so many connections begin in a second, one after another and not in a heap: what stands between here and the
/// meters (a modem, a firewall, a concentrator) takes no more at once.
///
/// Without such a limit, too, sessions begin with a gap, for as many as may be under way are spread over the time that
/// one usually takes. Those that began together would have all their answers at once, wait for each other with every
/// step, and end together with all that is to be stored, while between times nothing is done.
#[derive(Debug)]
pub(super) struct Turnstile {
    /// Between two connections, by the limit; nought without one.
    gap: Duration,
    /// Sessions that may be under way.
    sessions: u32,
    /// How long a session takes.
    usual: Option<Duration>,
    next: Option<Instant>,
}

impl Turnstile {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            gap: Duration::from_secs(1).checked_div(limits.new_a_second).unwrap_or_default(),
            sessions: u32::try_from(limits.sessions).unwrap_or(u32::MAX).max(1),
            usual: None,
            next: None,
        }
    }

    /// Between two connections, for an even load.
    fn spread(&self) -> Duration {
        let even = |usual: Duration| (usual / self.sessions * SPREAD_QUARTERS / 4).min(LONGEST_SPREAD);
        self.usual.map_or(FIRST_SPREAD, even)
    }

    /// Between two connections.
    fn pace(&self) -> Duration {
        self.gap.max(self.spread())
    }

    /// When the next one may begin; nothing where it may now.
    pub(super) fn opens(&self, now: Instant) -> Option<Instant> {
        let together = if self.gap.is_zero() { TOGETHER_UNLIMITED } else { TOGETHER };
        let early = self.pace() * (together - 1);
        self.next.filter(|next| *next > now + early).map(|next| next - early)
    }

    pub(super) fn pass(&mut self, now: Instant) {
        self.next = Some(self.next.map_or(now, |next| next.max(now)) + self.pace());
    }

    /// A session has ended that took so long.
    pub(super) fn learn(&mut self, took: Duration) {
        let usual = self.usual.map_or(took, |usual| (usual * (LEARN - 1) + took) / LEARN);
        self.usual = Some(usual);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections that begin within a time where nothing else holds them.
    fn begin_within(turnstile: &mut Turnstile, time: Duration) -> usize {
        let start = Instant::now();
        let mut now = start;
        let mut begun = 0;
        loop {
            now = turnstile.opens(now).unwrap_or(now);
            if now - start >= time {
                return begun;
            }
            turnstile.pass(now);
            begun += 1;
        }
    }

    fn turnstile(new_a_second: u32, took: &[Duration]) -> Turnstile {
        let mut turnstile = Turnstile::new(&Limits { sessions: 1000, new_a_second });
        took.iter().for_each(|took| turnstile.learn(*took));
        turnstile
    }

    #[test]
    fn without_a_limit_sessions_begin_evenly_over_three_quarters_of_the_time_that_one_takes() {
        let usual = Duration::from_millis(800);
        let begun = begin_within(&mut turnstile(0, &[usual]), Duration::from_millis(300));
        assert!((500..570).contains(&begun), "{begun}");
        let slow = begin_within(&mut turnstile(0, &[Duration::from_secs(60)]), Duration::from_secs(1));
        assert!((1000..1070).contains(&slow), "{slow}: at least one a millisecond");
        let unknown = begin_within(&mut turnstile(0, &[]), Duration::from_millis(100));
        assert!((200..270).contains(&unknown), "{unknown}");
    }

    #[test]
    fn sessions_that_take_no_time_begin_at_once() {
        let mut turnstile = turnstile(0, &[Duration::ZERO]);
        let now = Instant::now();
        for _ in 0..10_000 {
            assert_eq!(turnstile.opens(now), None);
            turnstile.pass(now);
        }
    }

    #[test]
    fn the_limit_holds_whatever_sessions_take() {
        for took in [Duration::ZERO, Duration::from_secs(60)] {
            let begun = begin_within(&mut turnstile(30, &[took]), Duration::from_secs(10));
            assert!((300..=304).contains(&begun), "{begun}");
        }
    }

    #[test]
    fn under_a_limit_four_begin_together_whatever_sessions_take() {
        for (new_a_second, took) in [(100, 60_000), (500, 800), (5000, 60_000)] {
            let mut turnstile = turnstile(new_a_second, &[Duration::from_millis(took)]);
            let together = begin_within(&mut turnstile, Duration::from_micros(1));
            assert_eq!(together, 4, "{new_a_second} a second");
        }
    }

    #[test]
    fn one_session_that_hangs_moves_what_is_usual_a_little() {
        let fast = [Duration::from_millis(100); 50];
        let begun = |took: &[Duration]| begin_within(&mut turnstile(0, took), Duration::from_millis(300));
        let hung: Vec<Duration> = fast.into_iter().chain([Duration::from_millis(900)]).collect();
        assert!(begun(&hung) > begun(&fast) / 2, "{} {}", begun(&hung), begun(&fast));
    }
}
