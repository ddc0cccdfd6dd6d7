//! The meter's clock beside this computer's, and the check of its deviation's sign.

use jiff::{SignedDuration, Timestamp};

use crate::model::template::Template;
use crate::model::{ClockReading, ClockRule, DeviationSign, Fault, MeterConfig, MeterStamp, ZonePolicy};
use crate::protocol::dlms::Data;

use super::timed_link::Middle;

/// A clock that agrees within this is not off by a whole deviation.
const AGREEMENT: SignedDuration = SignedDuration::from_mins(10);

/// How to read this meter's stamps: the template's policy and sign, the meter's zone.
///
/// # Errors
/// The meter's settings name a zone that does not exist.
pub(super) fn rule(config: &MeterConfig, template: &Template) -> Result<ClockRule, Fault> {
    let zone = match &config.time_zone {
        None => jiff::tz::TimeZone::system(),
        Some(name) => jiff::tz::TimeZone::get(name).map_err(|_| {
            Fault::user(
                format!("there is no time zone `{name}`"),
                "edit the meter's time zone: Europe/London, Asia/Kolkata, …",
            )
        })?,
    };
    Ok(ClockRule { sign: template.clock.deviation_sign, policy: template.clock.zone_policy, zone })
}

/// The same rule with the deviation's other sign.
pub(super) fn with_other_sign(rule: &ClockRule) -> ClockRule {
    let sign = match rule.sign {
        DeviationSign::Standard => DeviationSign::Inverted,
        DeviationSign::Inverted => DeviationSign::Standard,
    };
    ClockRule { sign, ..rule.clone() }
}

/// What the comparison of the two clocks says of the deviation's sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// As the template says.
    Confirmed,
    /// The clocks agree only with the other sign.
    Inverted,
    /// Nothing: there is no deviation, or the clock agrees with neither.
    Unknown,
}

/// Compares a stamp with this computer's clock under both signs. A deviation that is the zone's own under the
/// template's sign is not inverted, however well the other sign would suit a clock that is wrong by twice as much;
/// it may be the zone's of this moment, or of the one that the clock shows.
pub(super) fn judge_sign(template_rule: &ClockRule, stamp: &MeterStamp, now: Timestamp) -> Sign {
    let has_sign = template_rule.policy == ZonePolicy::Deviation
        && stamp.deviation_minutes.is_some_and(|minutes| minutes != 0);
    let agrees = |rule: &ClockRule| {
        rule.to_utc(stamp, None).is_ok_and(|meter| meter.duration_since(now).abs() <= AGREEMENT)
    };
    let shown = template_rule.to_utc(stamp, None).unwrap_or(now);
    let is_the_zones = [now, shown]
        .iter()
        .any(|at| template_rule.to_stamp(*at).deviation_minutes == stamp.deviation_minutes);
    match (has_sign, agrees(template_rule), agrees(&with_other_sign(template_rule))) {
        (true, true, _) => Sign::Confirmed,
        (true, false, true) if !is_the_zones => Sign::Inverted,
        _ => Sign::Unknown,
    }
}

/// The stamp in a clock's answer, whatever type carries it; nothing where its fields make no time.
pub(super) fn stamp(data: &Data) -> Option<MeterStamp> {
    data.date_time()?.stamp()
}

/// The comparison of the clocks. `now` is this computer's clock at this moment, `middle` when the exchange was.
///
/// # Errors
/// The stamp lies outside the years that a clock can show.
pub(super) fn reading(
    rule: &ClockRule,
    stamp: MeterStamp,
    now: Timestamp,
    middle: Option<Middle>,
    sign_looks_inverted: bool,
) -> Result<ClockReading, Fault> {
    let meter_utc = rule
        .to_utc(&stamp, None)
        .map_err(|error| Fault::meter(error.to_string(), "set the meter's clock, or check its time zone"))?;
    let ago = middle.map_or(SignedDuration::ZERO, |middle| {
        SignedDuration::try_from(middle.ago).unwrap_or(SignedDuration::ZERO)
    });
    Ok(ClockReading {
        stamp,
        meter_utc,
        read_at: now.checked_sub(ago).unwrap_or(now),
        uncertainty_ms: middle.map_or(0, |middle| u32::try_from(middle.half.as_millis()).unwrap_or(u32::MAX)),
        sign_looks_inverted,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::civil::datetime;
    use jiff::tz::TimeZone;

    use super::*;

    fn berlin() -> ClockRule {
        ClockRule::standard(TimeZone::get("Europe/Berlin").unwrap())
    }

    fn noon(deviation: Option<i16>) -> MeterStamp {
        MeterStamp {
            local: datetime(2026, 7, 1, 12, 0, 0, 0),
            deviation_minutes: deviation,
            clock_status: Some(0x80),
        }
    }

    #[test]
    fn an_inverted_deviation_is_noticed_by_the_computers_clock() {
        // facts/dlms-quirks.md, 62.
        let now: Timestamp = "2026-07-01T10:00:03Z".parse().unwrap();
        assert_eq!(judge_sign(&berlin(), &noon(Some(-120)), now), Sign::Confirmed);
        assert_eq!(judge_sign(&berlin(), &noon(Some(120)), now), Sign::Inverted);
        let inverted = with_other_sign(&berlin());
        assert_eq!(judge_sign(&inverted, &noon(Some(120)), now), Sign::Confirmed);
    }

    #[test]
    fn a_clock_that_is_merely_wrong_says_nothing_of_its_sign() {
        let now: Timestamp = "2026-07-01T07:30:00Z".parse().unwrap();
        for deviation in [Some(-120), Some(120), Some(0), None] {
            assert_eq!(judge_sign(&berlin(), &noon(deviation), now), Sign::Unknown, "{deviation:?}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_by_twice_its_deviation_is_not_taken_for_an_inverted_one() {
        let now: Timestamp = "2026-07-01T14:00:03Z".parse().unwrap();
        assert_eq!(judge_sign(&berlin(), &noon(Some(-120)), now), Sign::Unknown);
    }

    #[test]
    fn a_slow_clock_that_is_still_in_summer_time_on_the_night_of_25_hours_is_not_taken_for_an_inverted_one() {
        let london = ClockRule::standard(TimeZone::get("Europe/London").unwrap());
        let now: Timestamp = "2026-10-25T02:15:00Z".parse().unwrap();
        let slow = london.to_stamp("2026-10-25T00:14:17Z".parse().unwrap());
        assert_eq!(slow.deviation_minutes, Some(-60));
        assert_eq!(judge_sign(&london, &slow, now), Sign::Unknown);
    }

    #[test]
    fn the_comparison_is_made_in_the_middle_of_the_exchange() {
        let now: Timestamp = "2026-07-01T10:00:30Z".parse().unwrap();
        let middle = Middle { ago: Duration::from_secs(29), half: Duration::from_millis(1500) };
        let reading = reading(&berlin(), noon(Some(-120)), now, Some(middle), false).unwrap();
        assert_eq!(reading.read_at.to_string(), "2026-07-01T10:00:01Z");
        assert_eq!((reading.drift_ms(), reading.uncertainty_ms), (-1000, 1500));
    }

    #[test]
    fn a_zone_that_does_not_exist_is_the_users_to_mend() {
        let template = Template::named("dlms-generic").unwrap();
        let mut config = MeterConfig::new("m", "tcp://localhost:4059".parse().unwrap());
        config.time_zone = Some("Europe/Atlantis".into());
        assert_eq!(rule(&config, &template).unwrap_err().blame, crate::model::Blame::User);
    }
}
