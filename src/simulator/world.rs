//! The world around a fleet: its time, its zone, its population.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::model::{Catalogue, Security};

use super::faults::Faults;
use super::load::Premises;
use super::noise::Noise;
use super::settings::Settings;

/// How time goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SimulationClock {
    /// As on this computer.
    #[default]
    Real,
    /// It stands, until [`Fleet::set_time`](super::Fleet::set_time).
    Fixed(Timestamp),
    /// It runs from a start, so many times as fast as this computer's; inside a runtime whose time is let fly, as
    /// that time.
    Running {
        /// The start.
        start: Timestamp,
        /// How many times as fast.
        speed: u32,
    },
}

/// What a fleet lives in, beyond its options.
#[derive(Clone, Debug)]
pub struct World {
    /// IANA time zone of every meter's clock.
    pub time_zone: String,
    /// How time goes.
    pub clock: SimulationClock,
    /// Capture period of the load profiles, in seconds (60 to 3600, a divisor of an hour).
    pub period: u32,
    /// All meters are of this kind; a mixture where it is `None`.
    pub premises: Option<Premises>,
    /// Some meters had supply failures.
    pub outages: bool,
    /// About one in so many days, where they had any.
    pub outage_days: u32,
    /// The meters' clocks drift.
    pub drift: bool,
    /// The public client reads every object.
    pub public_reads_all: bool,
    /// The least protection that ciphered associations must use.
    pub least_security: Security,
    /// Largest APDU that the meters take.
    pub max_pdu: u16,
    /// Load profiles capture the status of each interval.
    pub captures_status: bool,
    /// When all meters were installed; months before the simulation began, each at another time, where it is `None`.
    pub installed: Option<Timestamp>,
    /// The templates that there are.
    pub templates: Catalogue,
}

impl Default for World {
    fn default() -> Self {
        Self {
            time_zone: "Europe/London".to_owned(),
            clock: SimulationClock::Real,
            period: 1800,
            premises: None,
            outages: true,
            outage_days: 60,
            drift: true,
            public_reads_all: true,
            least_security: Security::None,
            max_pdu: 4096,
            captures_status: true,
            installed: None,
            templates: Catalogue::default(),
        }
    }
}

/// A clock that all meters of a fleet share: true time.
#[derive(Clone, Debug)]
pub(crate) struct TrueTime {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Real,
    Fixed(Arc<AtomicI64>),
    Running { start_ms: i64, since: Instant, speed: u32 },
}

impl TrueTime {
    /// The clock that a world asks for, from now on.
    #[must_use]
    pub(crate) fn new(clock: SimulationClock) -> Self {
        let source = match clock {
            SimulationClock::Real => Source::Real,
            SimulationClock::Fixed(at) => Source::Fixed(Arc::new(AtomicI64::new(at.as_millisecond()))),
            SimulationClock::Running { start, speed } => {
                Source::Running { start_ms: start.as_millisecond(), since: Instant::now(), speed }
            }
        };
        Self { source }
    }

    /// Milliseconds of Unix time.
    #[must_use]
    pub(crate) fn now_ms(&self) -> i64 {
        match &self.source {
            Source::Real => Timestamp::now().as_millisecond(),
            Source::Fixed(ms) => ms.load(Ordering::Relaxed),
            Source::Running { start_ms, since, speed } => {
                let gone = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
                start_ms.saturating_add(gone.saturating_mul(i64::from(*speed)))
            }
        }
    }

    /// Puts a standing clock to an instant; the others go as they go.
    pub(crate) fn set(&self, at: Timestamp) {
        if let Source::Fixed(ms) = &self.source {
            ms.store(at.as_millisecond(), Ordering::Relaxed);
        }
    }
}

impl World {
    /// The settings of the meter with this number (from 1).
    #[must_use]
    pub fn settings(
        &self,
        number: u32,
        seed: u64,
        zone: &TimeZone,
        began: Timestamp,
        faults: Faults,
    ) -> Settings {
        let fleet = Noise::new(seed);
        let place = i64::from(number);
        let premises = self.premises.unwrap_or(match number % 10 {
            0 => Premises::Factory,
            7..=9 => Premises::Shop,
            _ => Premises::Household,
        });
        // Installed in the first half of 2025, or a hundred days before a simulation that begins earlier.
        let installed = 1_735_689_600 + fleet.below(70, place, 180) * 86_400;
        let latest = began.as_second() - 100 * 86_400;
        let usual = Timestamp::from_second(installed.min(latest)).unwrap_or(Timestamp::UNIX_EPOCH);
        let installed = self.installed.unwrap_or(usual);
        let has_outages = self.outages && number > 1 && fleet.below(71, place, 3) == 0;
        Settings {
            number,
            seed: fleet.bits(72, place),
            premises,
            solar: premises == Premises::Household && fleet.below(73, place, 4) == 0,
            zone: zone.clone(),
            installed,
            began,
            period: self.period,
            outage_days: if has_outages { self.outage_days } else { 0 },
            drift_ppb: if self.drift { (fleet.below(74, place, 11) - 5) * 1000 } else { 0 },
            public_reads_all: self.public_reads_all,
            least_security: self.least_security,
            max_pdu: self.max_pdu,
            captures_status: self.captures_status,
            faults,
        }
    }
}
