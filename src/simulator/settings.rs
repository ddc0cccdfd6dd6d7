//! What one virtual meter is: its plate, its place, its habits.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{ClockRule, DeviationSign, Security, SystemTitle, ZonePolicy};

use super::faults::Faults;
use super::load::Premises;
use super::quirks::Quirk;

/// Maker's letters of every virtual meter.
pub(crate) const MAKER: &str = "MTW";

/// The settings of one meter.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number in the fleet, from 1.
    pub number: u32,
    /// Seed of this meter.
    pub seed: u64,
    /// What it measures.
    pub premises: Premises,
    /// Solar panels behind it.
    pub solar: bool,
    /// Where its clock stands.
    pub zone: TimeZone,
    /// When it was installed.
    pub installed: Timestamp,
    /// When the simulation began: no supply fails after it.
    pub began: Timestamp,
    /// Capture period of the load profile, in seconds.
    pub period: u32,
    /// About one supply failure in so many days; 0 is none.
    pub outage_days: u32,
    /// How much too fast the clock goes, in parts a thousand million.
    pub drift_ppb: i64,
    /// The public client reads every object, not only the clock, the plate and the counter.
    pub public_reads_all: bool,
    /// The least protection that ciphered associations must use.
    pub least_security: Security,
    /// Largest APDU that the meter takes.
    pub max_pdu: u16,
    /// The load profile captures the status of each interval.
    pub captures_status: bool,
    /// Faults.
    pub faults: Faults,
}

impl Settings {
    /// A household that was installed at the beginning of 2025, without supply failures, in a zone.
    #[must_use]
    pub fn household(seed: u64, zone: TimeZone, began: Timestamp) -> Self {
        Self {
            number: 1,
            seed,
            premises: Premises::Household,
            solar: false,
            zone,
            // 1 January 2025.
            installed: Timestamp::constant(1_735_689_600, 0),
            began,
            period: 1800,
            outage_days: 0,
            drift_ppb: 0,
            public_reads_all: true,
            least_security: Security::None,
            max_pdu: 1024,
            captures_status: true,
            faults: Faults::default(),
        }
    }

    /// The number on the plate: eight digits.
    #[must_use]
    pub fn serial(&self) -> String {
        (26_000_000u64 + u64::from(self.number)).to_string()
    }

    /// COSEM logical device name: sixteen characters.
    #[must_use]
    pub fn logical_device_name(&self) -> String {
        format!("{MAKER}{:0>13}", self.serial())
    }

    /// System title: the maker's letters and the meter's number.
    #[must_use]
    pub fn system_title(&self) -> SystemTitle {
        let [a, b, c, d] = self.number.to_be_bytes();
        let [m, t, w] = *b"MTW";
        SystemTitle([m, t, w, 0x26, a, b, c, d])
    }

    /// How the meter's clock turns instants into stamps.
    #[must_use]
    pub fn clock_rule(&self) -> ClockRule {
        let quirks = self.faults.quirks;
        let inverted = quirks.has(Quirk::DeviationInverted);
        let policy =
            if quirks.has(Quirk::StandardTime) { ZonePolicy::StandardTime } else { ZonePolicy::Deviation };
        ClockRule {
            sign: if inverted { DeviationSign::Inverted } else { DeviationSign::Standard },
            policy,
            zone: self.zone.clone(),
        }
    }
}
