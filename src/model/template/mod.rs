//! Templates: what differs between meter models, as data (`assets/templates/NAME.json`).
//!
//! A template never says what a meter's data *are*: scalers, units, capture objects and object lists are read from
//! the meter. It says how the meter wants to be spoken to, what its numbers mean, and what it cannot hold.

mod addressing;
mod association;
mod clock;
mod error;
mod firmware;
mod flag;
mod limits;
mod link;
mod objects;
mod profiles;
mod scheme;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{IntervalStatus, Obis};

pub use addressing::Addressing;
pub use association::{AssociationTuning, CipheringForm, Release, RequestTuning, Selection};
pub use clock::{ClockAdjust, ClockTuning, SetStatus};
pub use error::TemplateError;
pub use firmware::FirmwareTuning;
pub use flag::{
    FlagContent, FlagLayout, FlagPeriod, FlagRatio, FlagRatioForm, FlagRegister, FlagSource, FlagSumForm,
    FlagSums, FlagTable, FlagText, FlagTuning,
};
pub use limits::SchemeLimits;
pub use link::{HdlcParameters, HdlcTuning, Timing};
pub use objects::{IdentityObject, ObjectMap, RatioObjects};
pub use profiles::{NullValue, ProfileTuning};
pub use scheme::{CalendarNames, SchemeObjects};

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

const SHIPPED: &[(&str, &str)] = &[
    ("dlms-generic", include_str!("../../../assets/templates/dlms-generic.json")),
    ("dlms-idis", include_str!("../../../assets/templates/dlms-idis.json")),
    ("dlms-meterwright", include_str!("../../../assets/templates/dlms-meterwright.json")),
    ("elster-a1140", include_str!("../../../assets/templates/elster-a1140.json")),
    ("elster-a1700", include_str!("../../../assets/templates/elster-a1700.json")),
    ("elster-as230", include_str!("../../../assets/templates/elster-as230.json")),
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
