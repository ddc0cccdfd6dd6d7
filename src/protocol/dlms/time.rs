//! COSEM dates and times with every field that can be "not specified" (IEC 62056-62, 4.1.6.1).

use jiff::civil::DateTime;

use crate::model::MeterStamp;

/// "Not specified", in every field of one byte.
const UNSPECIFIED: u8 = 0xFF;
const NANOSECONDS_PER_HUNDREDTH: i32 = 10_000_000;

/// date-time: twelve bytes as on the wire (year hi, lo, month, day of month, day of week, hour, minute, second,
/// hundredths, deviation hi, lo, clock status).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CosemDateTime(pub [u8; 12]);

/// date: five bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CosemDate(pub [u8; 5]);

/// time: four bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CosemTime(pub [u8; 4]);

impl CosemDateTime {
    /// Every field "not specified".
    pub const UNSPECIFIED: Self =
        Self([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0xFF]);

    /// The stamp, where year, month, day, hour and minute are given and make a real wall time; second and
    /// hundredths that are not specified count as nought; the weekday is not believed.
    #[must_use]
    pub fn stamp(&self) -> Option<MeterStamp> {
        let [year_high, year_low, month, day, _, hour, minute, second, hundredths, high, low, status] =
            self.0;
        let year = u16::from_be_bytes([year_high, year_low]);
        let second = if second == UNSPECIFIED { 0 } else { second };
        // FFh is "not specified"; anything else above 99 is a meter's slip below what any reading needs.
        let hundredths = if hundredths > 99 { 0 } else { hundredths };
        let signed = |n: u8| i8::try_from(n).ok();
        let local = DateTime::new(
            i16::try_from(year).ok()?,
            signed(month)?,
            signed(day)?,
            signed(hour)?,
            signed(minute)?,
            signed(second)?,
            i32::from(hundredths) * NANOSECONDS_PER_HUNDREDTH,
        );
        let deviation = i16::from_be_bytes([high, low]);
        Some(MeterStamp {
            local: local.ok()?,
            deviation_minutes: (deviation != i16::MIN).then_some(deviation),
            clock_status: (status != UNSPECIFIED).then_some(status),
        })
    }

    /// A stamp as the wire has it, weekday filled in.
    #[must_use]
    pub fn from_stamp(stamp: &MeterStamp) -> Self {
        let local = stamp.local;
        let [year_high, year_low] = local.year().max(0).to_be_bytes();
        let [high, low] = stamp.deviation_minutes.unwrap_or(i16::MIN).to_be_bytes();
        Self([
            year_high,
            year_low,
            unsigned(local.month()),
            unsigned(local.day()),
            unsigned(local.weekday().to_monday_one_offset()),
            unsigned(local.hour()),
            unsigned(local.minute()),
            unsigned(local.second()),
            u8::try_from(local.subsec_nanosecond() / NANOSECONDS_PER_HUNDREDTH).unwrap_or(UNSPECIFIED),
            high,
            low,
            stamp.clock_status.unwrap_or(UNSPECIFIED),
        ])
    }
}

fn unsigned(field: i8) -> u8 {
    u8::try_from(field).unwrap_or(UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> CosemDateTime {
        let bytes: Vec<u8> =
            (0..24).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
        CosemDateTime(bytes.try_into().unwrap())
    }

    #[test]
    fn a_summer_stamp_of_central_europe_is_read_field_by_field() {
        let stamp = hex("07EA0701030C1E0F32FF8880").stamp().unwrap();
        assert_eq!(stamp.local, datetime(2026, 7, 1, 12, 30, 15, 500_000_000));
        assert_eq!(stamp.deviation_minutes, Some(-120));
        assert_eq!(stamp.clock_status, Some(0x80));
    }

    #[test]
    fn a_wrong_or_missing_weekday_second_and_hundredth_do_not_spoil_a_stamp() {
        // facts/dlms-quirks.md, line 65.
        for text in ["07EA0701FF0C1EFFFF8000FF", "07EA0701070C1E00FF8000FF"] {
            let stamp = hex(text).stamp().unwrap();
            assert_eq!(stamp.local, datetime(2026, 7, 1, 12, 30, 0, 0));
            assert_eq!((stamp.deviation_minutes, stamp.clock_status), (None, None));
        }
    }

    #[test]
    fn a_stamp_that_leaves_the_day_open_is_no_point_in_time() {
        // The year, the day (last of the month), the minute; an hour that no day has.
        let open = ["FFFF0701FF0C1E00008000FF", "07EA07FEFF0C1E00008000FF", "07EA0701FF0CFF00008000FF"];
        for text in open.into_iter().chain(["07EA0701FF181E00008000FF"]) {
            assert_eq!(hex(text).stamp(), None, "{text}");
        }
        assert_eq!(CosemDateTime::UNSPECIFIED.stamp(), None);
    }

    proptest! {
        #[test]
        fn twelve_bytes_of_anything_never_panic_and_a_stamp_survives_the_way_back(bytes: [u8; 12]) {
            if let Some(stamp) = CosemDateTime(bytes).stamp() {
                prop_assert_eq!(CosemDateTime::from_stamp(&stamp).stamp(), Some(stamp));
            }
        }
    }
}
