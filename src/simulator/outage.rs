//! Supply failures of the past, from a seed.

use jiff::Timestamp;

use super::noise::Noise;

const DAY_SECONDS: i64 = 86_400;

/// One supply failure, in seconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When supply failed.
    pub from: i64,
    /// When it returned.
    pub until: i64,
}

impl Outage {
    /// Failures from this many seconds on are long: they enter the supply-failure log.
    pub const LONG_SECONDS: i64 = 180;

    /// How long it lasted.
    #[must_use]
    pub const fn seconds(&self) -> i64 {
        self.until - self.from
    }

    /// How much of a stretch it covers.
    #[must_use]
    pub fn seconds_within(&self, from: i64, until: i64) -> i64 {
        (self.until.min(until) - self.from.max(from)).max(0)
    }
}

/// All supply failures of a meter: at most one a UTC day, none before it was installed or after the simulation began.
#[derive(Clone, Copy, Debug)]
pub struct Outages {
    noise: Noise,
    one_in_days: u32,
    first_day: i64,
    end: i64,
}

impl Outages {
    /// About one failure in `one_in_days` days (0: none) between two instants.
    #[must_use]
    pub fn new(seed: u64, one_in_days: u32, from: Timestamp, until: Timestamp) -> Self {
        Self {
            noise: Noise::new(seed),
            one_in_days,
            first_day: from.as_second().div_euclid(DAY_SECONDS) + 1,
            end: until.as_second(),
        }
    }

    /// The failure of a UTC day (days since 1970).
    #[must_use]
    pub fn of_day(&self, day: i64) -> Option<Outage> {
        if self.one_in_days == 0
            || day < self.first_day
            || day * DAY_SECONDS >= self.end
            || self.noise.below(30, day, self.one_in_days) != 0
        {
            return None;
        }
        let minutes = match self.noise.below(31, day, 10) {
            0..5 => 1 + self.noise.below(32, day, 3),
            5..9 => 4 + self.noise.below(32, day, 40),
            _ => 60 + self.noise.below(32, day, 150),
        };
        let start = self.noise.below(33, day, 1200);
        let from = day * DAY_SECONDS + start * 60;
        let outage = Outage { from, until: from + minutes * 60 };
        (outage.until < self.end).then_some(outage)
    }

    /// The failures that touch a stretch, in order.
    pub fn touching(&self, from: i64, until: i64) -> impl Iterator<Item = Outage> + '_ {
        let days =
            from.div_euclid(DAY_SECONDS).max(self.first_day)..=until.min(self.end).div_euclid(DAY_SECONDS);
        days.filter_map(|day| self.of_day(day)).filter(move |one| one.seconds_within(from, until) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outages() -> Outages {
        let from = "2025-01-01T00:00:00Z".parse().unwrap();
        Outages::new(5, 20, from, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn failures_lie_within_their_own_day_and_before_the_end() {
        let all: Vec<Outage> = outages().touching(0, i64::from(u32::MAX)).collect();
        assert!(all.len() > 5, "{} failures", all.len());
        for outage in all {
            assert_eq!(outage.from / DAY_SECONDS, (outage.until - 1) / DAY_SECONDS);
            assert!(outage.seconds() >= 60 && outage.until < outages().end);
        }
    }

    #[test]
    fn a_meter_without_failures_has_none() {
        let from = "2025-01-01T00:00:00Z".parse().unwrap();
        let none = Outages::new(5, 0, from, "2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(none.touching(0, i64::from(u32::MAX)).count(), 0);
    }
}
