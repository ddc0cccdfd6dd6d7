//! Times as this program prints them.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Unit};

use crate::model::MeterStamp;

/// `2026-07-01T12:00:00+02:00`.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}

/// `2026-07-01 12:00:00 +02:00`, for eyes.
pub(super) fn for_eyes(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.round(Unit::Second).unwrap_or(at);
    local(at, zone).replacen('T', " ", 1)
}

/// `12:00:00.123`, for traffic.
pub(super) fn to_the_millisecond(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.round(Unit::Millisecond).unwrap_or(at);
    format!("{:.3}", zone.to_datetime(at).time())
}

/// A meter's own stamp with the offset that makes it the instant which it was taken for.
pub(super) fn meter_stamp(stamp: &MeterStamp, at: Timestamp) -> String {
    let as_if_utc = Offset::UTC.to_timestamp(stamp.local).ok();
    let offset = as_if_utc
        .and_then(|as_if_utc| i32::try_from(as_if_utc.as_second() - at.as_second()).ok())
        .and_then(|seconds| Offset::from_seconds(seconds / 60 * 60).ok());
    match offset {
        Some(offset) => at.display_with_offset(offset).to_string(),
        None => stamp.local.to_string(),
    }
}
