//! Where a model keeps what a scheme says.

use serde::{Deserialize, Serialize};

use crate::model::Obis;

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
