//! The words of the trade (floor 1): nothing here knows a socket, a file or a window.

mod address;
mod decimal;
mod factor;
mod fault;
mod flash;
mod gap;
mod interval;
pub(crate) mod json;
mod knowledge;
mod line;
mod list;
mod medium;
mod meter;
mod names;
mod obis;
mod patch;
mod people;
mod point;
mod progress;
mod ratio;
mod reading;
mod schedule;
mod secret;
mod severity;
mod spelling;
mod stamp;
pub mod tariff;
pub mod template;
pub(crate) mod text;
mod unit;

pub use address::{AddressBytes, AddressError, ServerAddress};
pub use decimal::{Decimal, DecimalError};
pub use factor::{Factor, GUARD_PLACES};
pub use fault::{Blame, Fault};
pub use flash::{CampaignPlan, CampaignState, FlashActivation, FlashOutcome, FlashPhase, Window};
pub use gap::{Asked, Gap, GapReason};
pub use interval::{Channel, ChannelKind, IntervalStatus, ProfileLayout, ProfileRow, Quality};
pub use json::Position;
pub use knowledge::{CaptureObject, ColumnRole, Knowledge, ProfileColumns};
pub use line::{DLMS_PORT, Gateway, HostPort, Line, LineError, LinePath, Medium, SerialFormat, SerialLine};
pub use list::{Action, Activate, ListId, Member, MeterList, Since};
pub use medium::{MediumHabits, RoundTrip};
pub use meter::{Auth, MeterConfig, MeterId, Security, SystemTitle};
pub use names::plain_name;
pub use obis::{Obis, ObisError};
pub use patch::{LinePatch, MeterPatch, PointPatch, RatioPatch, ip_end, serial_end};
pub use people::{Person, Right, Role, Standing};
pub use point::{
    AccuracyClasses, ExchangeReading, MeterRatios, NotConverted, PlateRatios, PointDetails, PointId,
    RatioHistory, RatioPeriod, Span, span_of, span_of_channel,
};
pub use progress::{ProgramPhase, Step, What};
pub use ratio::{Divisor, Ratio, RatioError, Transformers, differences_of_ratios};
pub use reading::{
    BillingSet, ClockReading, Identity, MeterEvent, ObjectEntry, ReadingValue, RegisterReading, Side,
};
pub use schedule::{
    Calendar, Days, Holidays, Missed, OnHoliday, Schedule, Times, Weekdays, minutes_from, minutes_words,
};
pub use secret::{MeterSecrets, Secret, SecretError, SecretKind};
pub use severity::Severity;
pub use spelling::close_to;
pub use stamp::{ClockRule, DeviationSign, MeterStamp, StampError, ZonePolicy, clock_status};
pub use template::{
    Catalogue, ImageEnd, ImageSignature, SignatureForm, SignedBytes, SignedPart, Template, TemplateError,
};
pub use text::{WordError, counted, hex, lower_hex};
pub use unit::{ScalerUnit, Unit};
