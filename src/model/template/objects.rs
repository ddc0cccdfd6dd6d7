//! Which objects to read, and what they are called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Obis, ScalerUnit, What};

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
