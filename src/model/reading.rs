//! What one read of a register, an event log or a meter's plate gives.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decimal, MeterStamp, Obis, Unit, hex};

/// Which side of the instrument transformers a figure stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What flows in the customer's conductors.
    Primary,
    /// What the meter's own terminals see.
    #[default]
    Secondary,
}

impl Side {
    /// `primary` or `secondary`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

/// A register's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingValue {
    /// A number, exact, multiplied by the object's scaler.
    Number(Decimal),
    /// Text.
    Text(String),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
    /// A date and time.
    Stamp(MeterStamp),
    /// Yes or no.
    Flag(bool),
    /// The meter holds nothing.
    Absent,
}

impl ReadingValue {
    /// The value as one string, for tables, files and JSON; nothing where it is absent.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            // `12` would be read as a number.
            Self::Bytes(bytes) => Some(format!("0x{}", hex(bytes))),
            Self::Stamp(stamp) => Some(stamp.local.to_string()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Absent => None,
        }
    }
}

/// One reading of one register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterReading {
    /// The object's logical name; group F tells a billing period in a billing set.
    pub obis: Obis,
    /// The attribute that was read (2 value, 5 a demand register's capture time, …).
    pub attribute: u8,
    /// Plain name.
    pub name: String,
    /// The content.
    pub value: ReadingValue,
    /// The unit.
    pub unit: Unit,
    /// Which side of the transformers.
    pub side: Side,
    /// When it was read, by this computer's clock.
    pub read_at: Timestamp,
    /// The stamp that the meter gave with it (time of a maximum, of a capture), and its instant.
    pub stamp: Option<(MeterStamp, Timestamp)>,
}

/// One billing period as the meter closed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingSet {
    /// The billing profile's logical name.
    pub profile: Obis,
    /// End of the period in UTC.
    pub at: Timestamp,
    /// The meter's own stamp of it.
    pub stamp: Option<MeterStamp>,
    /// The registers of the period.
    pub registers: Vec<RegisterReading>,
}

/// One entry of an event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEvent {
    /// The log's logical name.
    pub log: Obis,
    /// The code as received; `None` where the log has no code column.
    pub code: Option<u32>,
    /// What the template says that the code means; the code in words where it says nothing.
    pub text: String,
    /// When, in UTC.
    pub at: Timestamp,
    /// The meter's own stamp.
    pub stamp: Option<MeterStamp>,
    /// When it ended, where the log tells.
    pub until: Option<Timestamp>,
    /// Other columns of the row, each as `name: value`.
    pub detail: Vec<String>,
}

/// What a meter says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Serial number.
    pub serial: Option<String>,
    /// COSEM logical device name.
    pub logical_device_name: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// Model or type.
    pub model: Option<String>,
    /// Maker's three letters.
    pub maker: Option<String>,
    /// Other plate data: name and value.
    pub more: Vec<(String, String)>,
}

/// A meter's clock beside this computer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// What the meter said.
    pub stamp: MeterStamp,
    /// What that is in UTC.
    pub meter_utc: Timestamp,
    /// This computer's clock in the middle of the exchange.
    pub read_at: Timestamp,
    /// Half of the round trip in milliseconds: how far the comparison can be off.
    pub uncertainty_ms: u32,
    /// The meter writes its deviation with the other sign than its template says: only so it agrees with this
    /// computer, and `meter_utc` is reckoned so.
    pub sign_looks_inverted: bool,
}

impl ClockReading {
    /// Meter minus computer, in milliseconds: positive is fast.
    #[must_use]
    pub fn drift_ms(&self) -> i64 {
        self.meter_utc.as_millisecond() - self.read_at.as_millisecond()
    }
}

/// One entry of an association's object list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectEntry {
    /// COSEM class.
    pub class_id: u16,
    /// Version of the class.
    pub version: u8,
    /// Logical name.
    pub obis: Obis,
    /// Attributes with their access mode as received (0 none, 1 read, 2 write, 3 both, 4 and up authenticated).
    pub attributes: Vec<(i8, u8)>,
    /// Methods with their access mode as received.
    pub methods: Vec<(i8, u8)>,
}

impl ObjectEntry {
    /// Whether the list says that an attribute may be read. A list without access rights says yes.
    #[must_use]
    pub fn readable(&self, attribute: u8) -> bool {
        let wanted = i8::try_from(attribute).unwrap_or(i8::MAX);
        self.attributes
            .iter()
            .find(|(number, _)| *number == wanted)
            .is_none_or(|(_, mode)| matches!(mode, 1 | 3 | 4 | 6) || *mode >= 7 && mode & 1 == 1)
    }

    /// Whether the list says that an attribute may be written. A list without access rights says yes.
    #[must_use]
    pub fn writable(&self, attribute: i8) -> bool {
        let mode = self.attributes.iter().find(|(number, _)| *number == attribute).map(|(_, mode)| *mode);
        mode.is_none_or(|mode| match mode {
            0..7 => matches!(mode, 2 | 3 | 5 | 6),
            bits => bits & 2 != 0,
        })
    }
}
