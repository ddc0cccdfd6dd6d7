//! Points in time as a meter gives them, and what they mean in UTC.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A meter's own stamp, as received: local wall time with the deviation and the clock status that came with it.
///
/// `deviation_minutes` is as on the wire (IEC 62056-62: local time to GMT, so that `UTC = local + deviation`
/// where the meter keeps the standard's sign); `None` is the wire's 8000h, "not specified".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MeterStamp {
    /// Wall time at the meter, to the hundredth of a second.
    pub local: DateTime,
    /// Minutes from local time to UTC, as received.
    pub deviation_minutes: Option<i16>,
    /// The clock status byte; `None` is FFh, "not specified".
    pub clock_status: Option<u8>,
}

/// Bits of the COSEM clock status byte (IEC 62056-62, class 8 attribute 4).
pub mod clock_status {
    /// The time could not be recovered after a failure of supply and battery.
    pub const INVALID: u8 = 0x01;
    /// The time could be recovered but may be wrong.
    pub const DOUBTFUL: u8 = 0x02;
    /// The clock runs on another base.
    pub const DIFFERENT_BASE: u8 = 0x04;
    /// The status itself is invalid.
    pub const INVALID_STATUS: u8 = 0x08;
    /// Daylight saving is active.
    pub const DAYLIGHT_SAVING: u8 = 0x80;
}

/// Which way round a meter writes its deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviationSign {
    /// As the standard says: CEST is −120.
    #[default]
    Standard,
    /// The other way round: CEST is +120.
    Inverted,
}

/// What to make of a meter's wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZonePolicy {
    /// The stamp's own deviation where it is given, else the meter's time zone.
    #[default]
    Deviation,
    /// Always the meter's time zone, whatever deviation it claims.
    MeterZone,
    /// The meter's time zone without daylight saving: clocks that stay in standard time all year.
    StandardTime,
}

/// How to turn a meter's stamps into UTC and back.
#[derive(Clone, Debug)]
pub struct ClockRule {
    /// Sign of the deviation.
    pub sign: DeviationSign,
    /// Where the offset comes from.
    pub policy: ZonePolicy,
    /// The meter's time zone.
    pub zone: TimeZone,
}

/// Why a stamp has no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the meter's stamp {local} lies outside the years that a clock can show")]
pub struct StampError {
    /// The wall time.
    pub local: DateTime,
}

impl MeterStamp {
    /// Whether the meter says that daylight saving is on; nothing where it does not say.
    #[must_use]
    pub fn daylight_saving(&self) -> Option<bool> {
        self.clock_status.map(|status| status & clock_status::DAYLIGHT_SAVING != 0)
    }

    /// Whether the meter itself doubts this stamp.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.clock_status.is_some_and(|status| status & (clock_status::INVALID | clock_status::DOUBTFUL) != 0)
    }
}

impl ClockRule {
    /// The standard's rule in a zone.
    #[must_use]
    pub const fn standard(zone: TimeZone) -> Self {
        Self { sign: DeviationSign::Standard, policy: ZonePolicy::Deviation, zone }
    }

    fn signed(&self, deviation_minutes: i16) -> i64 {
        match self.sign {
            DeviationSign::Standard => i64::from(deviation_minutes),
            DeviationSign::Inverted => -i64::from(deviation_minutes),
        }
    }

    fn standard_offset(&self, at: Timestamp) -> Offset {
        let info = self.zone.to_offset_info(at);
        if !info.dst().is_dst() {
            return info.offset();
        }
        let other = self.zone.following(at).next().map(|transition| transition.offset());
        other.unwrap_or_else(|| info.offset())
    }

    /// The instant of a stamp.
    ///
    /// In a doubled hour without a deviation the daylight-saving bit decides; without that, the instant that is
    /// not before `not_before` (rows of a profile come in order); without either, the earlier one. A wall time that
    /// the zone skips is read with the offset in force before the gap.
    ///
    /// # Errors
    /// The stamp lies outside the years −9999 to 9999.
    pub fn to_utc(&self, stamp: &MeterStamp, not_before: Option<Timestamp>) -> Result<Timestamp, StampError> {
        let fail = StampError { local: stamp.local };
        let as_utc = Offset::UTC.to_timestamp(stamp.local).map_err(|_| fail.clone())?;
        if let (ZonePolicy::Deviation, Some(deviation)) = (self.policy, stamp.deviation_minutes) {
            return as_utc.checked_add(self.signed(deviation).minutes()).map_err(|_| fail);
        }
        if self.policy == ZonePolicy::StandardTime {
            return self.standard_offset(as_utc).to_timestamp(stamp.local).map_err(|_| fail);
        }
        let offset = match self.zone.to_ambiguous_timestamp(stamp.local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } => before,
            AmbiguousOffset::Fold { before, after } => {
                let first = before.to_timestamp(stamp.local).map_err(|_| fail.clone())?;
                let second_wanted = match (stamp.daylight_saving(), not_before) {
                    (Some(summer), _) => !summer,
                    (None, Some(limit)) => first < limit,
                    (None, None) => false,
                };
                if second_wanted { after } else { before }
            }
        };
        offset.to_timestamp(stamp.local).map_err(|_| fail)
    }

    /// The stamp that this meter would give an instant: for range requests and clock sets.
    ///
    /// With the `Deviation` policy the deviation is filled in; with the others it stays unspecified.
    #[must_use]
    pub fn to_stamp(&self, at: Timestamp) -> MeterStamp {
        let offset = match self.policy {
            ZonePolicy::StandardTime => self.standard_offset(at),
            ZonePolicy::Deviation | ZonePolicy::MeterZone => self.zone.to_offset(at),
        };
        let minutes = i16::try_from(-offset.seconds() / 60).ok();
        let deviation_minutes = match (self.policy, self.sign) {
            (ZonePolicy::Deviation, DeviationSign::Standard) => minutes,
            (ZonePolicy::Deviation, DeviationSign::Inverted) => minutes.map(|m| -m),
            (ZonePolicy::MeterZone | ZonePolicy::StandardTime, _) => None,
        };
        let summer = self.zone.to_offset_info(at).dst().is_dst() && self.policy != ZonePolicy::StandardTime;
        let status = if summer { clock_status::DAYLIGHT_SAVING } else { 0 };
        MeterStamp { local: offset.to_datetime(at), deviation_minutes, clock_status: Some(status) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn stamp(local: DateTime, deviation: Option<i16>, status: Option<u8>) -> MeterStamp {
        MeterStamp { local, deviation_minutes: deviation, clock_status: status }
    }

    #[test]
    fn summer_time_in_berlin_has_a_deviation_of_minus_120() {
        // facts/dlms-quirks.md, line 62.
        let rule = ClockRule::standard(zone("Europe/Berlin"));
        let got =
            rule.to_utc(&stamp(datetime(2026, 7, 1, 12, 0, 0, 0), Some(-120), Some(0x80)), None).unwrap();
        assert_eq!(got.to_string(), "2026-07-01T10:00:00Z");
        assert_eq!(rule.to_stamp(got).deviation_minutes, Some(-120));
    }

    #[test]
    fn a_meter_with_the_sign_inverted_gives_the_same_instant() {
        let rule = ClockRule { sign: DeviationSign::Inverted, ..ClockRule::standard(zone("Europe/Berlin")) };
        let got =
            rule.to_utc(&stamp(datetime(2026, 7, 1, 12, 0, 0, 0), Some(120), Some(0x80)), None).unwrap();
        assert_eq!(got.to_string(), "2026-07-01T10:00:00Z");
    }

    #[test]
    fn without_a_deviation_the_doubled_hour_is_told_apart_by_the_daylight_saving_bit() {
        let rule = ClockRule::standard(zone("Europe/Berlin"));
        let local = datetime(2026, 10, 25, 2, 30, 0, 0);
        let first = rule.to_utc(&stamp(local, None, Some(0x80)), None).unwrap();
        let second = rule.to_utc(&stamp(local, None, Some(0)), None).unwrap();
        assert_eq!(first.to_string(), "2026-10-25T00:30:00Z");
        assert_eq!(second.to_string(), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn without_a_status_the_doubled_hour_is_told_apart_by_the_order_of_rows() {
        let rule = ClockRule::standard(zone("Europe/Berlin"));
        let local = datetime(2026, 10, 25, 2, 0, 0, 0);
        let before: Timestamp = "2026-10-25T00:30:00Z".parse().unwrap();
        let got = rule.to_utc(&stamp(local, None, None), Some(before)).unwrap();
        assert_eq!(got.to_string(), "2026-10-25T01:00:00Z");
    }

    #[test]
    fn a_clock_in_standard_time_all_year_is_an_hour_behind_in_summer() {
        let rule =
            ClockRule { policy: ZonePolicy::StandardTime, ..ClockRule::standard(zone("Europe/Berlin")) };
        let got =
            rule.to_utc(&stamp(datetime(2026, 7, 1, 11, 0, 0, 0), Some(-120), Some(0x80)), None).unwrap();
        assert_eq!(got.to_string(), "2026-07-01T10:00:00Z");
        assert_eq!(rule.to_stamp(got).local, datetime(2026, 7, 1, 11, 0, 0, 0));
    }

    #[test]
    fn days_of_23_and_25_hours_map_every_interval_to_one_instant_and_back() {
        let rule = ClockRule::standard(zone("Europe/London"));
        for (day, intervals) in [("2026-03-29T00:00:00Z", 46), ("2026-10-24T23:00:00Z", 50)] {
            let start: Timestamp = day.parse().unwrap();
            for step in 1..=intervals {
                let at = start + (step * 30i64).minutes();
                let there = rule.to_stamp(at);
                assert_eq!(rule.to_utc(&there, None).unwrap(), at);
                let bare = MeterStamp { deviation_minutes: None, ..there };
                assert_eq!(rule.to_utc(&bare, None).unwrap(), at, "by the daylight-saving bit");
            }
        }
    }

    proptest! {
        #[test]
        fn every_instant_survives_the_way_to_a_stamp_and_back(
            seconds in 0i64..4_000_000_000, sign: bool, policy in 0..2,
        ) {
            let rule = ClockRule {
                sign: if sign { DeviationSign::Standard } else { DeviationSign::Inverted },
                policy: if policy == 0 { ZonePolicy::Deviation } else { ZonePolicy::StandardTime },
                zone: zone("Europe/London"),
            };
            let at = Timestamp::from_second(seconds).unwrap();
            if policy == 0 || seconds > 100_000_000 {
                prop_assert_eq!(rule.to_utc(&rule.to_stamp(at), None).unwrap(), at);
            }
        }
    }
}
