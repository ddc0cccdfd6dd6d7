//! Templates: what differs between meter models, as data (`assets/templates/NAME.json`).
//!
//! A template never says what a meter's data *are*: scalers, units, capture objects and object lists are read from
//! the meter. It says how the meter wants to be spoken to, what its numbers mean, and what it cannot hold.
//!
//! Each section has a file; `catalogue` knows all templates, those that ship and those of a store; `check` says what is
//! wrong with a text, `fields` what each setting is called and may be, `describe` what a template says in words,
//! `difference` what two of them disagree on, `write` makes the text of one.

mod addressing;
mod association;
mod catalogue;
pub mod check;
mod clock;
mod describe;
mod difference;
mod error;
pub mod fields;
mod firmware;
mod flag;
mod image_signature;
mod limits;
mod link;
mod objects;
pub mod problem;
mod profiles;
mod proposal;
mod scheme;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Obis;

pub use addressing::Addressing;
pub use association::{AssociationTuning, CipheringForm, Release, RequestTuning, SERVICES, Selection};
pub use catalogue::{Catalogue, Entry, Origin, OwnTemplate};
pub use check::{Checked, check, valid_name};
pub use clock::{ClockAdjust, ClockTuning, SetStatus};
pub use describe::{Row, Section, describe};
pub use difference::{Difference, differences};
pub use error::TemplateError;
pub use firmware::FirmwareTuning;
pub use flag::{
    FlagContent, FlagLayout, FlagPeriod, FlagRatio, FlagRatioForm, FlagRegister, FlagSource, FlagSumForm,
    FlagSums, FlagTable, FlagText, FlagTuning, is_device, is_octets, is_range,
};
pub use image_signature::{ImageEnd, ImageSignature, SignatureForm, SignedBytes, SignedPart};
pub use limits::SchemeLimits;
pub use link::{HdlcParameters, HdlcTuning, Timing};
pub use objects::{IdentityObject, ObjectMap, RatioObjects};
pub use problem::Problem;
pub use profiles::{NullValue, ProfileTuning};
pub use proposal::{Basis, Proposal, Remark};
pub use scheme::{CalendarNames, SchemeObjects};
pub use write::{written, written_value};

/// The format tag that every template file begins with.
pub const FORMAT: &str = "meterwright.template/1";

/// One meter model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// DLMS/COSEM.
    #[default]
    Dlms,
    /// Elster, ABB and GEC meters in the programming mode of IEC 62056-21.
    Elster,
}

impl Template {
    /// A template that says no more than it must.
    #[must_use]
    pub fn least() -> Self {
        let (format, name, title) = (FORMAT.to_owned(), "x".to_owned(), "X".to_owned());
        Self { format, name, title, ..Self::default() }
    }

    /// Names of the templates that ship with the program.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        catalogue::SHIPPED.iter().map(|(name, _)| *name)
    }

    /// A template that ships with the program. Where meters of a store are concerned, its [`Catalogue`] is asked,
    /// which knows the store's own templates too.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn named(name: &str) -> Result<Self, TemplateError> {
        Catalogue::default().named(name)
    }

    /// Reads a template.
    ///
    /// # Errors
    /// It is not JSON, has a key that is not known, or a value that is not allowed; the error names the place.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        if let Ok(template) = serde_json::from_str::<Self>(text)
            && check::errors(&template).is_empty()
        {
            return Ok(template);
        }
        let checked = check(text);
        let problem = checked.problems.into_iter().find(Problem::is_error);
        match (checked.template, problem) {
            (Some(template), None) => Ok(template),
            (_, Some(problem)) => Err(TemplateError::of(name, &problem)),
            (None, None) => {
                Err(TemplateError::Value { name: name.to_owned(), message: "it does not read".to_owned() })
            }
        }
    }

    /// A mark of all that decides how objects, scalers and columns of a meter are learnt: where it differs, what was
    /// learnt under another template does not hold.
    #[must_use]
    pub fn learning_mark(&self) -> u32 {
        let parts = (&self.association.object, &self.profiles, &self.objects, &self.clock);
        // What is written out has no shape that could fail.
        crc32fast::hash(&serde_json::to_vec(&parts).unwrap_or_default())
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
