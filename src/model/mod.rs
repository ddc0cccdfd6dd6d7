//! The words of the trade (floor 1): nothing here knows a socket, a file or a window.

mod address;
mod decimal;
mod fault;
mod flash;
mod interval;
mod knowledge;
mod line;
mod meter;
mod names;
mod obis;
mod progress;
mod reading;
mod secret;
mod stamp;
pub mod tariff;
pub mod template;
mod text;
mod unit;

pub use address::{AddressBytes, AddressError, ServerAddress};
pub use decimal::{Decimal, DecimalError};
pub use fault::{Blame, Fault};
pub use flash::{CampaignPlan, CampaignState, FlashActivation, FlashOutcome, FlashPhase, Window};
pub use interval::{Channel, IntervalStatus, ProfileLayout, ProfileRow, Quality};
pub use knowledge::{CaptureObject, ColumnRole, Knowledge, ProfileColumns};
pub use line::{DLMS_PORT, Gateway, HostPort, Line, LineError, LinePath, Medium, SerialFormat, SerialLine};
pub use meter::{Auth, MeterConfig, MeterId, Security, SystemTitle};
pub use names::plain_name;
pub use obis::{Obis, ObisError};
pub use progress::{Step, What};
pub use reading::{
    BillingSet, ClockReading, Identity, MeterEvent, ObjectEntry, ReadingValue, RegisterReading, Side,
};
pub use secret::{MeterSecrets, Secret, SecretError, SecretKind};
pub use stamp::{ClockRule, DeviationSign, MeterStamp, StampError, ZonePolicy, clock_status};
pub use template::{Template, TemplateError};
pub use unit::{ScalerUnit, Unit};
