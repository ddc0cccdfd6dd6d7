//! What a shared medium asks of those who use it, as data (`assets/media.json`), and how long a meter takes.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::template::Release;
use super::{Line, LinePath, Medium, Template};

/// The habits of one medium. Nought leaves a value to the meter's template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumHabits {
    /// Where the figures come from.
    pub note: String,
    /// Sessions at a time with one host on this medium; nought is no limit.
    pub sessions: u16,
    /// Sessions at a time through one gateway.
    pub gateway_sessions: u16,
    /// Wait for an answer by datagram before the round trip is known, in milliseconds.
    pub first_wait_ms: u32,
    /// Shortest wait for an answer by datagram, in milliseconds.
    pub least_wait_ms: u32,
    /// Longest wait, however slow the meter was before, in milliseconds.
    pub most_wait_ms: u32,
    /// Times that an unanswered datagram is sent again.
    pub resends: u32,
    /// Least wait for an answer over a connection, in milliseconds.
    pub response_ms: u32,
    /// Least wait for a connection, in milliseconds.
    pub connect_ms: u32,
    /// Least gap allowed inside a message, in milliseconds.
    pub inter_frame_ms: u32,
    /// Least number of times that a frame is sent again.
    pub frame_retries: u32,
    /// Least number of attempts of a session.
    pub attempts: u32,
    /// Pause before the second attempt of a session, in milliseconds; it doubles from there.
    pub retry_pause_ms: u32,
    /// Largest APDU proposed where it has to fit a datagram, in octets.
    pub datagram_pdu: u16,
    /// Most attributes in one list, where the template allows as many.
    pub list_max: u16,
    /// Most days of a profile in one request.
    pub days_per_request: u16,
    /// Whether a session says goodbye before the connection is closed.
    pub says_release: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: String,
    direct: MediumHabits,
    plc: MediumHabits,
    mesh: MediumHabits,
}

impl Medium {
    /// The habits of this medium.
    #[must_use]
    pub fn habits(self) -> &'static MediumHabits {
        static ALL: OnceLock<[MediumHabits; 3]> = OnceLock::new();
        let [direct, plc, mesh] = ALL.get_or_init(|| {
            // The file is part of the program and a test reads it; without it every template stands as it is.
            serde_json::from_str::<File>(include_str!("../../assets/media.json"))
                .map(|file| [file.direct, file.plc, file.mesh])
                .unwrap_or_default()
        });
        match self {
            Self::Direct => direct,
            Self::Plc => plc,
            Self::Mesh => mesh,
        }
    }
}

impl Template {
    /// The template as a line's medium wants it: more patience, fuller messages, no word too many.
    pub fn fit(&mut self, line: &Line) {
        let habits = line.medium.habits();
        let at_least = |value: &mut u32, least: u32| *value = (*value).max(least);
        at_least(&mut self.timing.response_ms, habits.response_ms);
        at_least(&mut self.timing.connect_ms, habits.connect_ms);
        at_least(&mut self.timing.inter_frame_ms, habits.inter_frame_ms);
        at_least(&mut self.timing.frame_retries, habits.frame_retries);
        at_least(&mut self.timing.attempts, habits.attempts);
        at_least(&mut self.timing.retry_pause_ms, habits.retry_pause_ms);
        // A list of one is none: a model that takes none does not learn it from the medium.
        if self.requests.list_max > 1 {
            self.requests.list_max = self.requests.list_max.max(habits.list_max);
        }
        if habits.days_per_request > 0 {
            let days = &mut self.profiles.days_per_request;
            *days = if *days == 0 { habits.days_per_request } else { (*days).min(habits.days_per_request) };
        }
        match line.path {
            LinePath::Udp(_) if habits.datagram_pdu > 0 => {
                self.association.max_pdu = self.association.max_pdu.min(habits.datagram_pdu);
            }
            // A connection that is closed says the same, one round trip earlier.
            LinePath::Tcp(_) if !habits.says_release => self.association.release = Release::Close,
            _ => {}
        }
    }
}

/// No medium waits less than this for an answer that is overdue.
const PROMPT_US: u64 = 1_000_000;

/// How long a meter takes to answer, smoothed over its answers (RFC 6298).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundTrip {
    /// The smoothed round trip, in microseconds.
    pub smoothed_us: u64,
    /// How much it varies, in microseconds.
    pub variation_us: u64,
    /// Answers that went in, as far as 255.
    pub answers: u8,
}

impl RoundTrip {
    /// An answer came after so many microseconds.
    pub fn measured(&mut self, took_us: u64) {
        // Longer than a day is no round trip but a computer that slept.
        let took_us = took_us.min(86_400_000_000);
        if self.answers == 0 {
            (self.smoothed_us, self.variation_us) = (took_us, took_us / 2);
        } else {
            self.variation_us = (3 * self.variation_us + self.smoothed_us.abs_diff(took_us)) / 4;
            self.smoothed_us = (7 * self.smoothed_us + took_us) / 8;
        }
        self.answers = self.answers.saturating_add(1);
    }

    /// The wait after which an answer is overdue, in milliseconds; nothing where no answer was measured.
    #[must_use]
    pub fn overdue_ms(&self) -> Option<u64> {
        (self.answers > 0).then(|| (self.smoothed_us + 4 * self.variation_us).div_ceil(1000))
    }

    /// Whether it differs from another by more than an eighth: less is not worth keeping. Nor are differences between
    /// meters that answer sooner than anybody would wait.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> bool {
        let far = |one: u64, other: u64| one.abs_diff(other) > one.max(other) / 8;
        let wait_us = |trip: &Self| (trip.smoothed_us + 4 * trip.variation_us).max(PROMPT_US);
        (self.answers == 0) != (other.answers == 0) || far(wait_us(self), wait_us(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(line: &str) -> Template {
        let mut template = Template::named("dlms-generic").unwrap();
        template.fit(&line.parse().unwrap());
        template
    }

    #[test]
    fn the_file_of_media_is_read_whole() {
        let file: File = serde_json::from_str(include_str!("../../assets/media.json")).unwrap();
        assert_eq!(file._format, "meterwright.media/1");
        assert_eq!(Medium::Mesh.habits(), &file.mesh);
        for habits in [&file.direct, &file.plc, &file.mesh] {
            assert!(
                habits.least_wait_ms <= habits.first_wait_ms && habits.first_wait_ms <= habits.most_wait_ms
            );
        }
    }

    #[test]
    fn a_slow_medium_gets_patience_and_full_messages_and_a_direct_line_stays_as_it_is() {
        assert_eq!(fitted("tcp://h:1"), Template::named("dlms-generic").unwrap());
        let plc = fitted("tcp://h:1?medium=plc");
        assert!(plc.timing.response_ms >= 30_000 && plc.requests.list_max >= 64);
        assert_eq!(plc.association.max_pdu, 65_535, "a connection carries long messages");
        assert_eq!(plc.association.release, Release::Close);
        assert_eq!(plc.profiles.days_per_request, 7);
        let mesh = fitted("udp://[fd00::1]:4059?medium=mesh");
        assert_eq!((mesh.association.max_pdu, mesh.association.release), (1216, Release::Request));
    }

    #[test]
    fn a_round_trip_is_smoothed_and_its_variation_makes_the_wait() {
        let mut trip = RoundTrip::default();
        assert_eq!(trip.overdue_ms(), None);
        trip.measured(2_000_000);
        assert_eq!(trip.overdue_ms(), Some(6000), "RFC 6298, 2.2");
        for _ in 0..50 {
            trip.measured(2_000_000);
        }
        assert_eq!(trip.overdue_ms(), Some(2000));
        let steady = trip;
        trip.measured(4_000_000);
        assert!(trip.overdue_ms() > Some(4000) && trip.differs_from(&steady));
        trip.measured(u64::MAX);
    }

    #[test]
    fn meters_that_answer_sooner_than_anybody_waits_do_not_differ() {
        let trip = |smoothed_us, variation_us| RoundTrip { smoothed_us, variation_us, answers: 9 };
        assert!(!trip(2_000, 500).differs_from(&trip(90_000, 60_000)));
        assert!(trip(2_000, 500).differs_from(&trip(900_000, 100_000)));
        assert!(trip(2_000, 500).differs_from(&RoundTrip::default()));
        let least = [Medium::Direct, Medium::Plc, Medium::Mesh].map(|medium| medium.habits().least_wait_ms);
        assert!(least.iter().all(|least| u64::from(*least) * 1000 >= PROMPT_US));
    }
}
