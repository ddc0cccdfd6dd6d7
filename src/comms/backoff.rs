//! How long to wait before a session is tried again.

use std::time::Duration;

/// The first pause.
const FIRST_MS: u64 = 1000;
/// The longest pause.
const LONGEST_MS: u64 = 30_000;

/// The pause before an attempt (2 is the first repeat): doubling from what the medium wants, capped, up to a quarter
/// longer by chance so that meters that failed together do not come back together; never shorter than the pause that
/// the meter wants.
pub(super) fn pause(attempt: u32, first_ms: u32, wanted_ms: u32, chance: u8) -> Duration {
    let doublings = attempt.saturating_sub(2).min(20);
    let first = FIRST_MS.max(first_ms.into());
    let plain = (first << doublings).min(LONGEST_MS.max(4 * first));
    let jitter = plain / 4 * u64::from(chance) / 255;
    Duration::from_millis((plain + jitter).max(u64::from(wanted_ms)))
}

/// A number by chance. Without a source of chance there is no jitter, which harms nobody.
pub(super) fn chance() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).map_or(0, |()| byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let seconds: Vec<u64> = (2..=8).map(|attempt| pause(attempt, 0, 0, 0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pause(u32::MAX, 0, 0, 0).as_secs(), 30);
    }

    #[test]
    fn a_slow_medium_begins_with_a_longer_pause() {
        let seconds: Vec<u64> = (2..=6).map(|attempt| pause(attempt, 15_000, 0, 0).as_secs()).collect();
        assert_eq!(seconds, [15, 30, 60, 60, 60]);
    }

    #[test]
    fn chance_makes_a_pause_at_most_a_quarter_longer() {
        assert_eq!(pause(3, 0, 0, 255).as_millis(), 2500);
    }

    #[test]
    fn a_meter_gets_the_pause_it_wants() {
        assert_eq!(pause(2, 0, 60_000, 255).as_secs(), 60);
    }
}
