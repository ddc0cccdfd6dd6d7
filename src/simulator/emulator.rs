//! The line in front of a virtual meter, sans-IO: what becomes of each message on its way, and when it arrives.
//!
//! Everything follows from the seed and the order of the messages. Losses are of two kinds: each message by itself,
//! and in bursts (Gilbert: a good and a bad state, whose lengths are by chance).

use std::time::{Duration, Instant};

use super::faults::Faults;
use super::noise::Noise;
use super::port::Outgoing;

/// What runs over the line decides what can befall it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// A connection: in order, once, repaired by TCP.
    Stream,
    /// HDLC frames on a wire.
    Frames,
    /// Datagrams.
    Datagrams,
}

/// Purposes of the noise.
mod purpose {
    pub(super) const LOSS: u32 = 60;
    pub(super) const PLACE: u32 = 61;
    pub(super) const MASK: u32 = 62;
    pub(super) const LOSS_IN: u32 = 63;
    pub(super) const BURST: u32 = 64;
    pub(super) const JITTER: u32 = 65;
    pub(super) const DOUBLE: u32 = 66;
    pub(super) const OVERTAKEN: u32 = 67;
    pub(super) const HALF_OPEN: u32 = 68;
}

/// A message that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// When it goes on the line.
    pub(crate) at: Instant,
    /// What.
    pub(crate) what: Outgoing,
}

/// The line of one connection.
#[derive(Clone, Debug)]
pub(crate) struct LineEmulator {
    faults: Faults,
    carrier: Carrier,
    noise: Noise,
    sent: i64,
    heard: i64,
    /// In a burst of errors.
    is_bad: bool,
    steps: i64,
    /// Answers after which the line is silent for good.
    silent_after: Option<i64>,
    /// When the line is free again, where it carries so many octets a second.
    free: Option<Instant>,
    /// Nothing on a stream overtakes what went before.
    last: Option<Instant>,
}

impl LineEmulator {
    /// A line with its faults.
    #[must_use]
    pub(crate) fn new(faults: Faults, carrier: Carrier, seed: u64) -> Self {
        let noise = Noise::new(seed);
        let falls_silent = noise.below(purpose::HALF_OPEN, 0, 1000) < i64::from(faults.half_open);
        let silent_after = falls_silent.then(|| 1 + noise.below(purpose::HALF_OPEN, 1, 4));
        Self {
            faults,
            carrier,
            noise,
            sent: 0,
            heard: 0,
            is_bad: false,
            steps: 0,
            silent_after,
            free: None,
            last: None,
        }
    }

    fn chance(&self, purpose: u32, place: i64, of_a_thousand: u16) -> bool {
        self.noise.below(purpose, place, 1000) < i64::from(of_a_thousand)
    }

    /// One step of the bursts; whether this message falls into one.
    fn falls_into_burst(&mut self) -> bool {
        if self.faults.burst == 0 {
            return false;
        }
        self.steps += 1;
        // In millionths: out of the bad state once in its mean length, into it so that the share comes out.
        let leave = 1_000_000 / u32::from(self.faults.burst_length.max(1));
        let share = u32::from(self.faults.burst.min(999));
        let enter = u64::from(leave) * u64::from(share) / u64::from(1000 - share);
        let dice = self.noise.below(purpose::BURST, self.steps, 1_000_000);
        let limit = if self.is_bad { u64::from(leave) } else { enter };
        if dice < i64::try_from(limit).unwrap_or(i64::MAX) {
            self.is_bad = !self.is_bad;
        }
        self.is_bad
    }

    /// Whether the next thing that comes from the client is lost, where the way there loses anything.
    pub(crate) fn loses(&mut self) -> bool {
        if self.carrier == Carrier::Stream {
            return false;
        }
        self.heard += 1;
        self.falls_into_burst() || self.chance(purpose::LOSS_IN, self.heard, self.faults.loss)
    }

    /// What arrives of an answer of the meter to `asked` octets, and when.
    pub(crate) fn answer(&mut self, mut octets: Vec<u8>, asked: usize, now: Instant) -> Vec<Due> {
        self.sent += 1;
        let place = self.sent;
        let mut at = self.arrival(octets.len() + asked, now);
        if self.silent_after.is_some_and(|after| place > after) {
            return Vec::new();
        }
        let every = i64::from(self.faults.reset_every);
        if every > 0 && place % every == 0 {
            return vec![self.in_order(at, Outgoing::Close)];
        }
        // Both are asked, so that a burst goes on as it would.
        let in_burst = self.falls_into_burst();
        let is_lost = self.chance(purpose::LOSS, place, self.faults.loss) || in_burst;
        if is_lost && self.carrier == Carrier::Stream && self.faults.is_mix {
            at += Duration::from_millis(u64::from(self.faults.latency_ms) * 2 + 200);
        } else if is_lost {
            return Vec::new();
        } else if self.noise.below(purpose::LOSS, place, 1000)
            >= i64::from(1000 - self.faults.garbage.min(1000))
        {
            let spoilt = usize::try_from(self.noise.below(purpose::PLACE, place, 1 << 16)).unwrap_or(0);
            let mask = u8::try_from(1 + self.noise.below(purpose::MASK, place, 255)).unwrap_or(0xFF);
            let length = octets.len().max(1);
            if let Some(octet) = octets.get_mut(spoilt % length) {
                *octet ^= mask;
            }
        }
        let is_double =
            self.carrier != Carrier::Stream && self.chance(purpose::DOUBLE, place, self.faults.duplicate);
        let is_overtaken =
            self.carrier == Carrier::Datagrams && self.chance(purpose::OVERTAKEN, place, self.faults.reorder);
        let behind = Duration::from_millis(u64::from(self.faults.latency_ms).max(300));
        let mut arrived = Vec::new();
        if is_double {
            let again = if self.carrier == Carrier::Frames { at } else { at + behind / 3 };
            arrived.push(Due { at: again, what: Outgoing::Octets(octets.clone()) });
        }
        if is_overtaken {
            arrived.push(Due { at: at + behind, what: Outgoing::Octets(octets) });
        } else {
            arrived.push(self.in_order(at, Outgoing::Octets(octets)));
        }
        arrived
    }

    /// The same without faults: noise on the line and echoes, which are faults themselves.
    pub(crate) fn plain(&mut self, what: Outgoing, now: Instant) -> Due {
        self.in_order(now, what)
    }

    fn in_order(&mut self, at: Instant, what: Outgoing) -> Due {
        let at =
            if self.carrier == Carrier::Datagrams { at } else { self.last.map_or(at, |last| last.max(at)) };
        self.last = Some(at);
        Due { at, what }
    }

    fn arrival(&mut self, octets: usize, now: Instant) -> Instant {
        let jitter = match self.faults.jitter_ms {
            0 => 0,
            most => self.noise.below(purpose::JITTER, self.sent, most.saturating_add(1)),
        };
        let travel = u64::from(self.faults.latency_ms)
            + u64::from(self.faults.late_ms)
            + u64::try_from(jitter).unwrap_or(0);
        let mut leaves = now;
        if self.faults.rate > 0 {
            let octets = u64::try_from(octets).unwrap_or(u64::MAX);
            let takes = octets.saturating_mul(1_000_000) / u64::from(self.faults.rate);
            leaves = self.free.map_or(now, |free| free.max(now)) + Duration::from_micros(takes);
            self.free = Some(leaves);
        }
        leaves + Duration::from_millis(travel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(specs: &[&str], carrier: Carrier, seed: u64) -> LineEmulator {
        LineEmulator::new(Faults::parse(specs).unwrap(), carrier, seed)
    }

    /// Which of so many answers arrive, and how late each is, in milliseconds.
    fn fates(line: &mut LineEmulator, count: u8, now: Instant) -> Vec<Vec<(u128, Vec<u8>)>> {
        let told = |due: Due| match due.what {
            Outgoing::Octets(octets) => ((due.at - now).as_millis(), octets),
            Outgoing::Close => ((due.at - now).as_millis(), Vec::new()),
        };
        (0..count).map(|one| line.answer(vec![one; 10], 10, now).into_iter().map(told).collect()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        let now = Instant::now();
        let specs = ["loss=20,garbage=20,burst=5,jitter=100,duplicate=10,reorder=10"];
        let run = |seed| fates(&mut line(&specs, Carrier::Datagrams, seed), 200, now);
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let lost = run(1).iter().filter(|fate| fate.is_empty()).count();
        assert!((30..80).contains(&lost), "{lost} of 200 lost");
    }

    #[test]
    fn losses_in_bursts_come_in_rows_and_make_the_share_asked_for() {
        let now = Instant::now();
        let mut line = line(&["burst=10/8"], Carrier::Datagrams, 3);
        let lost: Vec<bool> = (0..20_000).map(|_| line.answer(vec![1], 0, now).is_empty()).collect();
        let count = lost.iter().filter(|lost| **lost).count();
        let rows = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        assert!((1400..2700).contains(&count), "{count} of 20000 lost");
        assert!((5..12).contains(&(count / rows)), "{count} lost in {rows} rows");
    }

    #[test]
    fn a_slow_line_takes_its_time_for_every_octet_and_then_the_round_trip() {
        let now = Instant::now();
        let all = fates(&mut line(&["rate=100,latency=1000,late=50"], Carrier::Stream, 1), 3, now);
        let at: Vec<u128> = all.into_iter().map(|fate| fate[0].0).collect();
        assert_eq!(at, [1250, 1450, 1650]);
    }

    #[test]
    fn on_a_stream_nothing_overtakes_nothing_doubles_and_what_a_medium_loses_comes_late() {
        let now = Instant::now();
        let all = fates(&mut line(&["mesh-far,loss=50"], Carrier::Stream, 4), 100, now);
        assert!(all.iter().all(|fate| fate.len() == 1));
        assert!(all.iter().map(|fate| fate[0].0).is_sorted());
        assert!(!line(&["loss=100"], Carrier::Stream, 4).loses());
        assert!(line(&["loss=100"], Carrier::Datagrams, 4).loses());
    }

    #[test]
    fn datagrams_are_doubled_and_overtaken() {
        let now = Instant::now();
        let all = fates(&mut line(&["duplicate=100"], Carrier::Datagrams, 4), 2, now);
        assert!(all.iter().all(|fate| fate.len() == 2 && fate[0].1 == fate[1].1));
        let all = fates(&mut line(&["reorder=50"], Carrier::Datagrams, 4), 50, now);
        assert!(!all.iter().map(|fate| fate[0].0).is_sorted());
    }

    #[test]
    fn a_half_open_connection_falls_silent_and_a_reset_cuts() {
        let now = Instant::now();
        let all = fates(&mut line(&["half-open=100"], Carrier::Stream, 4), 9, now);
        assert!(!all[0].is_empty() && all[5..].iter().all(Vec::is_empty));
        let all = fates(&mut line(&["reset=2"], Carrier::Stream, 4), 2, now);
        assert_eq!(all[1][0].1, [0u8; 0]);
    }
}
