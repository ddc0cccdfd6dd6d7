//! A-XDR data (IEC 62056-62, `Data`).

use crate::model::Obis;

use super::time::{CosemDate, CosemDateTime, CosemTime};

/// One COSEM value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Tag 0.
    Null,
    /// Tag 1.
    Array(Vec<Data>),
    /// Tag 2.
    Structure(Vec<Data>),
    /// Tag 3.
    Bool(bool),
    /// Tag 4.
    BitString(BitString),
    /// Tag 5, double-long.
    I32(i32),
    /// Tag 6, double-long-unsigned.
    U32(u32),
    /// Tag 9.
    Octets(Vec<u8>),
    /// Tag 10, visible-string, as bytes.
    Visible(Vec<u8>),
    /// Tag 12, utf8-string, as bytes.
    Utf8(Vec<u8>),
    /// Tag 13.
    Bcd(u8),
    /// Tag 15, integer.
    I8(i8),
    /// Tag 16, long.
    I16(i16),
    /// Tag 17, unsigned.
    U8(u8),
    /// Tag 18, long-unsigned.
    U16(u16),
    /// Tag 19: elements of one type, written without their tags.
    CompactArray {
        /// The type of each element.
        element: TypeDescription,
        /// The elements.
        values: Vec<Data>,
    },
    /// Tag 20, long64.
    I64(i64),
    /// Tag 21, long64-unsigned.
    U64(u64),
    /// Tag 22.
    Enum(u8),
    /// Tag 23.
    F32(f32),
    /// Tag 24.
    F64(f64),
    /// Tag 25.
    DateTime(CosemDateTime),
    /// Tag 26.
    Date(CosemDate),
    /// Tag 27.
    Time(CosemTime),
    /// Tags 28 to 30: delta to the value before, signed 8, 16, 32 bits (the number of bits is kept).
    DeltaSigned(u8, i32),
    /// Tags 31 to 33: delta to the value before, unsigned 8, 16, 32 bits.
    DeltaUnsigned(u8, u32),
    /// Tag 255.
    DontCare,
}

/// Bits, the first in the highest place of the first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitString {
    /// How many bits.
    pub len: usize,
    /// The bytes that hold them.
    pub bytes: Vec<u8>,
}

/// The type of a compact array's elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeDescription {
    /// A simple type by its tag.
    Simple(u8),
    /// An array of so many elements.
    Array(u16, Box<TypeDescription>),
    /// A structure.
    Structure(Vec<TypeDescription>),
}

/// Why bytes are neither data nor an APDU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset}: {reason}")]
pub struct DataError {
    /// Where, from the first byte given.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

impl DataError {
    /// The same error where the bytes given began `start` bytes into something larger.
    #[must_use]
    pub(crate) fn after(mut self, start: usize) -> Self {
        self.offset += start;
        self
    }
}

/// Why a meter refused an attribute (IEC 62056-53, Data-Access-Result).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataAccessResult(pub u8);

impl DataAccessResult {
    /// It was done.
    pub const SUCCESS: Self = Self(0);
    /// None of the named reasons.
    pub const OTHER_REASON: Self = Self(250);

    /// The standard's name in plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self.0 {
            0 => "success",
            1 => "hardware fault",
            2 => "temporary failure",
            3 => "read or write denied",
            4 => "object undefined",
            9 => "object class inconsistent",
            11 => "object unavailable",
            12 => "type unmatched",
            13 => "scope of access violated",
            14 => "data block unavailable",
            15 => "long get aborted",
            16 => "no long get in progress",
            17 => "long set aborted",
            18 => "no long set in progress",
            19 => "data block number invalid",
            250 => "other reason",
            _ => "a reason that the standard does not name",
        }
    }
}

impl Data {
    /// The elements of an array, structure or compact array.
    #[must_use]
    pub fn elements(&self) -> Option<&[Data]> {
        match self {
            Self::Array(values) | Self::Structure(values) | Self::CompactArray { values, .. } => Some(values),
            _ => None,
        }
    }

    /// Any whole number, enum and bool included.
    #[must_use]
    pub fn integer(&self) -> Option<i128> {
        Some(match *self {
            Self::I8(n) => n.into(),
            Self::I16(n) => n.into(),
            Self::I32(n) => n.into(),
            Self::I64(n) => n.into(),
            Self::U8(n) | Self::Enum(n) => n.into(),
            Self::U16(n) => n.into(),
            Self::U32(n) => n.into(),
            Self::U64(n) => n.into(),
            Self::Bool(flag) => flag.into(),
            _ => return None,
        })
    }

    /// Octet, visible and UTF-8 strings as bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(bytes) | Self::Visible(bytes) | Self::Utf8(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A six-byte octet string as a logical name.
    #[must_use]
    pub fn obis(&self) -> Option<Obis> {
        self.bytes().and_then(|bytes| bytes.try_into().ok()).map(Obis)
    }

    /// A date-time, as itself or as a 12-byte octet string.
    #[must_use]
    pub fn date_time(&self) -> Option<CosemDateTime> {
        match self {
            Self::DateTime(stamp) => Some(*stamp),
            Self::Octets(bytes) => <[u8; 12]>::try_from(bytes.as_slice()).ok().map(CosemDateTime),
            _ => None,
        }
    }
}
