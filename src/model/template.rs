//! Templates: what differs between meter models, as data (`assets/templates/NAME.json`).
//!
//! A template never says what a meter's data *are*: scalers, units, capture objects and object lists are read from
//! the meter. It says how the meter wants to be spoken to, what its numbers mean, and what it cannot hold.

mod flag;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use flag::{
    FlagContent, FlagLayout, FlagPeriod, FlagRatio, FlagRatioForm, FlagRegister, FlagSource, FlagSumForm,
    FlagSums, FlagTable, FlagText, FlagTuning,
};

use super::{DeviationSign, IntervalStatus, Obis, ScalerUnit, ServerAddress, What, ZonePolicy};

/// The format tag that every template file begins with.
pub const FORMAT: &str = "meterwright.template/1";

/// One meter model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Always `meterwright.template/1`.
    pub format: String,
    /// The file's name without `.json`.
    pub name: String,
    /// For people.
    pub title: String,
    /// For whom, and where the settings come from.
    #[serde(default)]
    pub note: String,
    /// The protocol family, which picks the driver.
    pub family: Family,
    /// Addresses.
    #[serde(default)]
    pub addressing: Addressing,
    /// HDLC link.
    #[serde(default)]
    pub hdlc: HdlcTuning,
    /// Waits and retries.
    #[serde(default)]
    pub timing: Timing,
    /// Association.
    #[serde(default)]
    pub association: AssociationTuning,
    /// Requests.
    #[serde(default)]
    pub requests: RequestTuning,
    /// Clock.
    #[serde(default)]
    pub clock: ClockTuning,
    /// Profiles.
    #[serde(default)]
    pub profiles: ProfileTuning,
    /// Which objects to read, in addition to or in place of what the object list shows.
    #[serde(default)]
    pub objects: ObjectMap,
    /// Event texts: log → code → text; `*` as the log holds for all others.
    #[serde(default)]
    pub event_texts: BTreeMap<String, BTreeMap<u32, String>>,
    /// What a scheme may ask of this model.
    #[serde(default)]
    pub limits: SchemeLimits,
    /// Where this model keeps what a scheme says.
    #[serde(default)]
    pub scheme: SchemeObjects,
    /// How firmware comes into this model.
    #[serde(default)]
    pub firmware: FirmwareTuning,
    /// The tables of an Elster meter; of no meaning to other families.
    #[serde(default)]
    pub flag: FlagTuning,
}

/// Protocol family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// DLMS/COSEM.
    Dlms,
    /// Elster, ABB and GEC meters in the programming mode of IEC 62056-21.
    Elster,
}

/// Addresses where the meter's own settings leave them out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addressing {
    /// Client SAP of an association without authentication.
    pub public_client: u16,
    /// Client SAP of every other association.
    pub client: u16,
    /// Server address.
    pub server: ServerAddress,
}

impl Default for Addressing {
    fn default() -> Self {
        Self { public_client: 16, client: 1, server: ServerAddress::MANAGEMENT }
    }
}

/// HDLC link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HdlcTuning {
    /// Largest information field proposed, both ways, in octets (128 to 2030).
    pub info: u16,
    /// Window proposed, both ways (1 to 7).
    pub window: u8,
    /// Whether SNRM carries parameters: some meters demand them, some refuse them.
    pub parameters: HdlcParameters,
    /// Whether a DISC goes ahead of the SNRM, for meters that stay connected after an aborted session.
    pub disconnect_first: bool,
    /// Silence between octets of a frame that ends it, in milliseconds.
    pub inter_octet_ms: u32,
    /// Pause between the end of an answer and the next frame, in milliseconds, for two-wire buses whose converters
    /// are slow to turn round.
    pub turnaround_ms: u32,
}

impl Default for HdlcTuning {
    fn default() -> Self {
        Self {
            info: 2030,
            window: 7,
            parameters: HdlcParameters::Propose,
            disconnect_first: false,
            inter_octet_ms: 1500,
            turnaround_ms: 0,
        }
    }
}

/// Whether SNRM carries parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HdlcParameters {
    /// Propose `info` and `window`; after a failure once more without.
    Propose,
    /// Never: 128 octets, window 1.
    Omit,
    /// Always, also when they are the defaults.
    Force,
}

/// Waits and retries. Each `--fault` of a line has its answer here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Longest wait for the first octet of an answer, in milliseconds.
    pub response_ms: u32,
    /// Longest gap between the frames of one message, in milliseconds (at least 4000: `facts/dlms-quirks.md`, 15).
    pub inter_frame_ms: u32,
    /// Longest wait for opening a connection, in milliseconds.
    pub connect_ms: u32,
    /// Times a frame is sent again before the link is given up.
    pub frame_retries: u32,
    /// Attempts of the whole session.
    pub attempts: u32,
    /// Pause the meter wants between two sessions, in milliseconds.
    pub reconnect_pause_ms: u32,
    /// Least pause before another attempt of the session, in milliseconds; it doubles from there.
    pub retry_pause_ms: u32,
    /// Longest wait for a release, whose failure never fails a job, in milliseconds.
    pub release_ms: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            response_ms: 6000,
            inter_frame_ms: 4000,
            connect_ms: 10_000,
            frame_retries: 2,
            attempts: 3,
            reconnect_pause_ms: 0,
            retry_pause_ms: 0,
            release_ms: 1500,
        }
    }
}

/// Association.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssociationTuning {
    /// Largest APDU proposed (client-max-receive-pdu-size); 65535 is the most that can be said.
    pub max_pdu: u16,
    /// Length of our challenge in octets, 8 to 64.
    pub challenge_bytes: u8,
    /// Form of ciphered APDUs.
    pub ciphering: CipheringForm,
    /// Whether a dedicated key is made for each association.
    pub dedicated_key: bool,
    /// Leave the system title out of general ciphering although it enters the nonce.
    pub omit_title_in_general: bool,
    /// No AARQ and no RLRQ: the association is always there.
    pub pre_established: bool,
    /// Current association object: method 1 takes the answer to the challenge.
    pub object: Obis,
    /// Where the public client reads the invocation counter that the meter expects.
    pub counter_objects: Vec<Obis>,
    /// Added to a counter that was read from the meter.
    pub counter_margin: u32,
    /// Whether the GMAC over the challenge takes a counter of its own from the same row as APDUs.
    pub gmac_takes_counter: bool,
    /// The meter gives no proof of its own in the last pass of high-level authentication: accept that.
    pub accept_missing_proof: bool,
    /// How an association ends.
    pub release: Release,
    /// Conformance bits never proposed, by name (`general-block-transfer`, `multiple-references`, …).
    pub without: Vec<String>,
}

impl Default for AssociationTuning {
    fn default() -> Self {
        Self {
            max_pdu: 65535,
            challenge_bytes: 16,
            ciphering: CipheringForm::ServiceSpecific,
            dedicated_key: false,
            omit_title_in_general: false,
            pre_established: false,
            object: Obis::new(0, 0, 40, 0, 0, 255),
            counter_objects: vec![Obis::new(0, 0, 43, 1, 0, 255), Obis::new(0, 0, 43, 1, 1, 255)],
            counter_margin: 1,
            gmac_takes_counter: true,
            accept_missing_proof: false,
            release: Release::Request,
            without: Vec::new(),
        }
    }
}

/// Form of ciphered APDUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CipheringForm {
    /// glo-get-request, ded-get-request, …
    ServiceSpecific,
    /// general-glo-ciphering, general-ded-ciphering.
    General,
}

/// How an association ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// RLRQ, then the link is closed.
    Request,
    /// The link is closed, nothing is said.
    Close,
}

/// Requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestTuning {
    /// Most attributes in one GET-with-list; 1 is none.
    pub list_max: u16,
    /// Window of general block transfer, where negotiated.
    pub block_window: u8,
    /// Forms of selective access to profiles, best first; what fails is not tried again.
    pub selective_access: Vec<Selection>,
}

impl Default for RequestTuning {
    fn default() -> Self {
        Self { list_max: 32, block_window: 10, selective_access: vec![Selection::Range, Selection::Entry] }
    }
}

/// A form of selective access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// By a range of the clock column.
    Range,
    /// By entry number.
    Entry,
}

/// Clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockTuning {
    /// Which way round the deviation is written.
    pub deviation_sign: DeviationSign,
    /// What to make of wall time.
    pub zone_policy: ZonePolicy,
    /// How the clock is adjusted rather than set.
    pub adjust: ClockAdjust,
    /// The clock status in a time that is set.
    pub set_status: SetStatus,
}

/// How a clock is adjusted rather than set (COSEM class 8). The methods that go to the nearest quarter of an hour or
/// measuring period are not among them: they always move the end of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockAdjust {
    /// shift_time, up to 900 seconds either way.
    #[default]
    ShiftTime,
    /// preset_adjusting_time, then adjust_to_preset_time when it has come.
    Preset,
    /// adjust_to_minute, invoked at a whole minute: less than half a minute either way.
    Minute,
    /// Not at all: it is set.
    Set,
}

/// The clock status in a time that is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetStatus {
    /// Whether daylight saving is on; "not specified" where the meter itself leaves it so.
    #[default]
    DaylightSaving,
    /// Always "not specified" (FFh).
    Unspecified,
}

/// Profiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileTuning {
    /// Status bit → flag, by the flags' stable names (`power-down`, …). Bits that are not named set `unnamed`.
    pub status_bits: BTreeMap<u8, String>,
    /// Captured objects that hold a row's status, best first; empty takes the standard's names
    /// (0-x:96.10.x, then x-x:96.5.x).
    pub status_objects: Vec<Obis>,
    /// The row's stamp is the start of its interval, not its end.
    pub stamp_is_start: bool,
    /// Days asked for in one request: what a cut of the line can lose. 0 asks for all at once.
    pub days_per_request: u16,
    /// What null-data in a value or status column means.
    pub null_value: NullValue,
}

impl Default for ProfileTuning {
    fn default() -> Self {
        Self {
            status_bits: BTreeMap::new(),
            status_objects: Vec::new(),
            stamp_is_start: false,
            days_per_request: 31,
            null_value: NullValue::Absent,
        }
    }
}

/// What null-data in a value or status column of a profile means. The standard lets a meter leave out a value that
/// equals the one before; other meters write null-data where they captured nothing. Taken the wrong way, the one
/// leaves a gap that everybody sees, the other makes up energy that nobody measured: so a gap it is, unless the
/// template says that the model compresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullValue {
    /// Nothing was captured.
    #[default]
    Absent,
    /// The same as in the row before.
    Repeat,
}

impl ProfileTuning {
    /// The flags of a raw status.
    #[must_use]
    pub fn status(&self, raw: u64) -> IntervalStatus {
        let mut flags = IntervalStatus::empty();
        for bit in (0..64u8).filter(|bit| raw >> bit & 1 == 1) {
            let known = self.status_bits.get(&bit).and_then(|name| IntervalStatus::from_word(name));
            flags |= known.unwrap_or(IntervalStatus::UNNAMED);
        }
        flags
    }
}

/// Where a meter holds its transformer ratios: numerator and denominator of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatioObjects {
    /// Current.
    pub ct: [Obis; 2],
    /// Voltage.
    pub vt: [Obis; 2],
}

impl Default for RatioObjects {
    /// The standard's (IEC 62056-61).
    fn default() -> Self {
        let of = |d: u8| Obis::new(1, 0, 0, 4, d, 255);
        Self { ct: [of(2), of(5)], vt: [of(3), of(6)] }
    }
}

/// Objects by role. An empty list leaves it to the object list of the association.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectMap {
    /// Plate data in the order to show; `as` is serial, firmware, model, maker or a title.
    pub identity: Vec<IdentityObject>,
    /// The clock.
    pub clock: Option<Obis>,
    /// Registers to read; the object list's registers where empty.
    pub registers: Vec<Obis>,
    /// Instantaneous values to read.
    pub instantaneous: Vec<Obis>,
    /// Load profiles.
    pub load_profiles: Vec<Obis>,
    /// Instrumentation profiles.
    pub instrumentation: Vec<Obis>,
    /// Billing profiles.
    pub billing: Vec<Obis>,
    /// Event logs.
    pub logs: Vec<Obis>,
    /// The contactor (class 70); the object list's, else 0-0:96.3.10, where it is not named.
    pub contactor: Option<Obis>,
    /// The meter's own transformer ratios.
    pub ratios: RatioObjects,
    /// Where a list above names objects, they are all that is read: what else the object list shows is listed and
    /// left alone. For slow lines; otherwise it is read after those that are named.
    pub complete: bool,
    /// Plain names that replace the usual ones.
    pub names: BTreeMap<Obis, String>,
    /// Scalers and units that replace what the meter says, for models whose figures need a factor that they do not
    /// tell (`facts/dlms-quirks.md`, 69).
    pub scalers: BTreeMap<Obis, ScalerUnit>,
}

impl ObjectMap {
    /// The objects of a role; empty for those that are no list.
    #[must_use]
    pub fn of(&self, what: What) -> &[Obis] {
        match what {
            What::Registers => &self.registers,
            What::Instantaneous => &self.instantaneous,
            What::Profile => &self.load_profiles,
            What::Instrumentation => &self.instrumentation,
            What::Billing => &self.billing,
            What::Events => &self.logs,
            What::Identity | What::Clock | What::Objects => &[],
        }
    }
}

/// One piece of plate data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityObject {
    /// The object; attribute 2 is read.
    pub obis: Obis,
    /// What it is.
    #[serde(rename = "as")]
    pub role: String,
}

/// What a scheme may ask of a model: the `limit`, `period` and `ratio` checks of `scheme-format.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemeLimits {
    /// Time-of-use energy registers.
    pub energy_registers: u32,
    /// Maximum-demand registers.
    pub demand_registers: u32,
    /// Highest values kept by a demand register.
    pub highest: u32,
    /// Customer-defined registers.
    pub customer_defined: u32,
    /// Sources in a customer-defined register.
    pub customer_defined_sources: u32,
    /// Day types.
    pub day_types: u32,
    /// Switching times in a day type.
    pub switches_per_day: u32,
    /// Grid of switching times in minutes.
    pub switching_grid_minutes: u32,
    /// Week types.
    pub weeks: u32,
    /// Seasons.
    pub seasons: u32,
    /// Special days.
    pub special_days: u32,
    /// Billing dates.
    pub billing_dates: u32,
    /// Demand integration periods in minutes.
    pub demand_periods_minutes: Vec<u32>,
    /// Load-profile periods in minutes.
    pub profile_periods_minutes: Vec<u32>,
    /// Load-profile channels.
    pub profile_channels: u32,
    /// Instrumentation channels.
    pub instrumentation_channels: u32,
    /// Items in each display list.
    pub display_items: u32,
    /// Digits of each side of a ratio.
    pub ratio_digits: u32,
    /// Whether a secondary may be above its primary.
    pub secondary_above_primary: bool,
    /// Whether the model has a latent tariff.
    pub latent: bool,
}

impl Default for SchemeLimits {
    /// The design values of `facts/pmu-features.md`, section 11: no meter's limits.
    fn default() -> Self {
        let periods = vec![1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60];
        Self {
            energy_registers: 32,
            demand_registers: 16,
            highest: 10,
            customer_defined: 4,
            customer_defined_sources: 8,
            day_types: 16,
            switches_per_day: 96,
            switching_grid_minutes: 1,
            weeks: 12,
            seasons: 12,
            special_days: 64,
            billing_dates: 24,
            demand_periods_minutes: periods.clone(),
            profile_periods_minutes: periods,
            profile_channels: 32,
            instrumentation_channels: 8,
            display_items: 64,
            ratio_digits: 9,
            secondary_above_primary: false,
            latent: true,
        }
    }
}

/// Where a model keeps what a scheme says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemeObjects {
    /// Activity calendar (class 20).
    pub calendar: Obis,
    /// Special days table (class 11).
    pub special_days: Obis,
    /// Tariffication script table (class 9).
    pub scripts: Obis,
    /// Register activation (class 6).
    pub register_activation: Obis,
    /// How seasons and weeks are named in the calendar.
    pub names: CalendarNames,
    /// Schedule of the ends of billing periods (class 22).
    pub billing_schedule: Obis,
    /// Script table whose script ends a billing period.
    pub billing_script_table: Obis,
    /// That script's number.
    pub billing_script: u16,
    /// Load profile (class 7); the first of `objects.load_profiles` where it is not named, else 1-0:99.1.0.
    pub load_profile: Option<Obis>,
    /// Instrumentation profile (class 7); the first of `objects.instrumentation` where it is not named, else
    /// 1-0:99.14.0.
    pub instrumentation: Option<Obis>,
    /// Data object (class 1) with the automatic display list, an array of logical names.
    pub display_auto: Option<Obis>,
    /// Data object with the manual display list.
    pub display_manual: Option<Obis>,
    /// Data object with the seconds that each item of the automatic list stands.
    pub display_seconds: Option<Obis>,
    /// Data object with the response to a lost clock: 0 goes on, 1 ends the billing period and goes on, 2 ends it
    /// and freezes the tariff.
    pub clock_failure: Option<Obis>,
}

impl Default for SchemeObjects {
    /// The standard's names (IEC 62056-61).
    fn default() -> Self {
        Self {
            calendar: Obis::new(0, 0, 13, 0, 0, 255),
            special_days: Obis::new(0, 0, 11, 0, 0, 255),
            scripts: Obis::new(0, 0, 10, 0, 100, 255),
            register_activation: Obis::new(0, 0, 14, 0, 0, 255),
            names: CalendarNames::Short,
            billing_schedule: Obis::new(0, 0, 15, 0, 0, 255),
            billing_script_table: Obis::new(0, 0, 10, 0, 1, 255),
            billing_script: 1,
            load_profile: None,
            instrumentation: None,
            display_auto: None,
            display_manual: None,
            display_seconds: None,
            clock_failure: None,
        }
    }
}

/// How firmware comes into a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirmwareTuning {
    /// Image transfer (class 18); the first in the object list where that lacks this one.
    pub image: Obis,
    /// Data object with the firmware version; the plate's `firmware` where it is not named, else 1-0:0.2.0.
    pub version: Option<Obis>,
    /// Data object with the model; any plate text counts where it is not named.
    pub model: Option<Obis>,
    /// Data object with the hardware revision; any plate text counts where it is not named.
    pub hardware: Option<Obis>,
    /// Schedule of the activation (class 22).
    pub schedule: Obis,
    /// Longest verification, in seconds.
    pub verify_seconds: u32,
    /// Longest wait for the meter's restart, in seconds.
    pub restart_seconds: u32,
    /// Pause between two looks at a meter that verifies, in milliseconds.
    pub poll_ms: u32,
}

impl Default for FirmwareTuning {
    /// The standard's names (IEC 62056-61).
    fn default() -> Self {
        Self {
            image: Obis::new(0, 0, 44, 0, 0, 255),
            version: None,
            model: None,
            hardware: None,
            schedule: Obis::new(0, 0, 15, 0, 2, 255),
            verify_seconds: 600,
            restart_seconds: 300,
            poll_ms: 2000,
        }
    }
}

/// How seasons and weeks are named in a calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarNames {
    /// By one digit or letter, which every meter takes.
    #[default]
    Short,
    /// By their ids in the scheme.
    Id,
}

/// Why a template was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// No template of this name ships with the program.
    #[error("there is no template `{name}`: choose one of {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The text is not a template.
    #[error("template {name}, line {line}, column {column}: {message}")]
    Syntax {
        /// The template's name or file.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found and what is allowed.
        message: String,
    },
    /// It reads well but says something impossible.
    #[error("template {name}: {message}")]
    Value {
        /// The template's name or file.
        name: String,
        /// What, and what is allowed.
        message: String,
    },
}

const SHIPPED: &[(&str, &str)] = &[
    ("dlms-generic", include_str!("../../assets/templates/dlms-generic.json")),
    ("dlms-idis", include_str!("../../assets/templates/dlms-idis.json")),
    ("dlms-meterwright", include_str!("../../assets/templates/dlms-meterwright.json")),
    ("elster-a1140", include_str!("../../assets/templates/elster-a1140.json")),
    ("elster-a1700", include_str!("../../assets/templates/elster-a1700.json")),
    ("elster-as230", include_str!("../../assets/templates/elster-as230.json")),
];

impl Template {
    /// Names of the templates that ship with the program.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// A template that ships with the program.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn named(name: &str) -> Result<Self, TemplateError> {
        let found = SHIPPED.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| TemplateError::Unknown {
            name: name.to_owned(),
            known: Self::shipped().collect::<Vec<_>>().join(", "),
        })?;
        Self::parse(name, text)
    }

    /// Reads a template.
    ///
    /// # Errors
    /// It is not JSON, has a key that is not known, or a value that is not allowed; the error names the place.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        let template: Self = serde_json::from_str(text).map_err(|error| TemplateError::Syntax {
            name: name.to_owned(),
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        })?;
        template.check().map_err(|message| TemplateError::Value { name: name.to_owned(), message })?;
        Ok(template)
    }

    fn check(&self) -> Result<(), String> {
        let within = |what: &str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("{what} is {value}: allowed is {low} to {high}"))
            }
        };
        if self.format != FORMAT {
            return Err(format!("format is `{}`: this program reads `{FORMAT}`", self.format));
        }
        within("hdlc.info", self.hdlc.info.into(), 32, 2030)?;
        within("hdlc.window", self.hdlc.window.into(), 1, 7)?;
        within("timing.attempts", self.timing.attempts, 1, 20)?;
        within("timing.inter_frame_ms", self.timing.inter_frame_ms, 100, 600_000)?;
        within("timing.response_ms", self.timing.response_ms, 100, 600_000)?;
        within("association.max_pdu", self.association.max_pdu.into(), 64, 65535)?;
        within("association.challenge_bytes", self.association.challenge_bytes.into(), 8, 64)?;
        within("requests.list_max", self.requests.list_max.into(), 1, 1000)?;
        within("firmware.verify_seconds", self.firmware.verify_seconds, 1, 86_400)?;
        within("firmware.restart_seconds", self.firmware.restart_seconds, 1, 86_400)?;
        within("firmware.poll_ms", self.firmware.poll_ms, 100, 600_000)?;
        within("requests.block_window", self.requests.block_window.into(), 1, 63)?;
        for (bit, flag) in &self.profiles.status_bits {
            if *bit > 63 || IntervalStatus::from_word(flag).is_none() {
                return Err(format!("profiles.status_bits: bit {bit}, flag `{flag}` is not known"));
            }
        }
        self.flag.check()?;
        for log in self.event_texts.keys() {
            if log != "*" && log.parse::<Obis>().is_err() {
                return Err(format!("event_texts: `{log}` is neither an OBIS code nor `*`"));
            }
        }
        Ok(())
    }

    /// The words for an event code in a log.
    #[must_use]
    pub fn event_text(&self, log: Obis, code: u32) -> Option<&str> {
        [log.to_string(), "*".to_owned()]
            .iter()
            .find_map(|key| self.event_texts.get(key)?.get(&code))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_template_reads_and_bears_its_own_name() {
        for name in Template::shipped() {
            assert_eq!(Template::named(name).unwrap().name, name);
        }
    }

    #[test]
    fn what_a_template_leaves_out_of_its_profiles_is_as_careful_as_can_be() {
        let text = r#"{"format": "meterwright.template/1", "name": "x", "title": "X", "family": "dlms",
            "profiles": {"null_value": "repeat", "status_objects": ["0-0:96.10.7"]},
            "objects": {"scalers": {"1-0:31.7.0": {"scaler": -4, "unit": 33}}}}"#;
        let template = Template::parse("x", text).unwrap();
        let current = template.objects.scalers[&Obis::new(1, 0, 31, 7, 0, 255)];
        assert_eq!((current.scaler, current.unit), (-4, crate::model::Unit::A));
        let profiles = template.profiles;
        assert_eq!(profiles.null_value, NullValue::Repeat);
        assert_eq!(profiles.status_objects, [Obis::new(0, 0, 96, 10, 7, 255)]);
        assert_eq!(profiles.days_per_request, 31);
        assert_eq!(ProfileTuning::default().null_value, NullValue::Absent);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let text = "{\n \"format\": \"meterwright.template/1\",\n \"colour\": 1\n}";
        let error = Template::parse("x", text).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("colour"), "{error}");
    }

    #[test]
    fn an_unknown_template_names_those_that_exist() {
        let error = Template::named("a1700").unwrap_err().to_string();
        assert!(error.contains("dlms-generic"), "{error}");
    }

    #[test]
    fn status_bits_become_flags_and_unnamed_bits_are_not_lost() {
        let template = Template::named("dlms-generic").unwrap();
        assert_eq!(template.profiles.status(0x80), IntervalStatus::POWER_DOWN);
        assert!(template.profiles.status(1 << 40).contains(IntervalStatus::UNNAMED));
    }
}
