//! COSEM dates and times with every field that can be "not specified" (IEC 62056-62, 4.1.6.1).

use crate::model::MeterStamp;

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
        unimplemented!()
    }

    /// A stamp as the wire has it, weekday filled in.
    #[must_use]
    pub fn from_stamp(stamp: &MeterStamp) -> Self {
        let _ = stamp;
        unimplemented!()
    }
}
