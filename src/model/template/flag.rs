//! The `flag` section of a template: the tables of an Elster meter (`facts/elster-flag.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Obis, Unit};

/// The tables of an Elster model, and how it wants to be spoken to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FlagTuning {
    /// The model that this template is for.
    pub model: String,
    /// Product ranges of the sign-on (three digits) that are this model; empty takes any, for models whose range
    /// nobody has published.
    pub ranges: Vec<String>,
    /// Pause between the end of an answer and the next command, in milliseconds.
    pub pause_ms: u32,
    /// Seconds after which the password is sent again, before the meter forgets it.
    pub authenticate_every_seconds: u32,
    /// Plate data; the first that is a serial number also says which meter answered.
    pub identity: Vec<FlagText>,
    /// Identity of the clock (seven octets).
    pub clock: u16,
    /// Demand period, for telling whether a clock that is set crosses the end of an interval.
    pub period: Option<FlagPeriod>,
    /// What a source's code stands for: the energy of it.
    pub sources: BTreeMap<u8, FlagSource>,
    /// Where the sums of the customer-defined registers are told.
    pub customer_defined: Option<FlagSums>,
    /// Registers, in the order in which they are read.
    pub tables: Vec<FlagTable>,
    /// Layouts by device number; tables that name none of their sizes take them from here.
    pub layouts: Vec<FlagLayout>,
    /// Current transformer ratio.
    pub ct: Option<FlagRatio>,
    /// Voltage transformer ratio.
    pub vt: Option<FlagRatio>,
    /// What is written to end a billing period, in hexadecimal digits; `None` where it is not known.
    pub billing_reset: Option<String>,
    /// The firmware can be loaded by a vendor's own file, as section 12.4 of the fact sheet has it.
    pub vendor_firmware: bool,
}

impl Default for FlagTuning {
    fn default() -> Self {
        Self {
            model: String::new(),
            ranges: Vec::new(),
            pause_ms: 100,
            authenticate_every_seconds: 270,
            identity: Vec::new(),
            clock: 861,
            period: None,
            sources: BTreeMap::new(),
            customer_defined: None,
            tables: Vec::new(),
            layouts: Vec::new(),
            ct: None,
            vt: None,
            billing_reset: None,
            vendor_firmware: false,
        }
    }
}

/// A text in the meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagText {
    /// Identity.
    pub id: u16,
    /// Octets.
    pub bytes: u16,
    /// What it is: serial, firmware, or a title.
    #[serde(rename = "as")]
    pub role: String,
}

/// Where the demand period stands: the first octet of this identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagPeriod {
    /// Identity.
    pub id: u16,
    /// Octets of the identity.
    pub bytes: u16,
    /// It is a code and not minutes.
    #[serde(default)]
    pub code: bool,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagSource {
    /// Group C of its OBIS codes.
    pub c: u8,
    /// Unit of its energy; the standard's "count" for pulse inputs.
    pub unit: Unit,
}

/// Where the sums of the customer-defined registers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagSums {
    /// Identity.
    pub id: u16,
    /// How they are told.
    pub form: FlagSumForm,
}

/// How the sums of customer-defined registers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagSumForm {
    /// Three registers, each a row of source codes, as long as the layout says.
    Codes,
    /// Two registers, each two octets of bits, one for a source.
    Bits,
}

/// A table of registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagTable {
    /// Identity.
    pub id: u16,
    /// What it holds.
    pub holds: FlagContent,
    /// Octets, for a table with named registers.
    #[serde(default)]
    pub bytes: u16,
    /// Named registers.
    #[serde(default)]
    pub registers: Vec<FlagRegister>,
    /// How many registers, where they are not named; 0 takes the layout's number of time-of-use registers.
    #[serde(default)]
    pub count: u16,
    /// How many of the highest values each maximum demand keeps.
    #[serde(default = "three")]
    pub highest: u16,
    /// Identity that tells the source of each register.
    #[serde(default)]
    pub sources: Option<u16>,
    /// Stamps have their most significant octet first.
    #[serde(default)]
    pub big_endian: bool,
}

const fn three() -> u16 {
    3
}

/// What a table of registers holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagContent {
    /// Registers of eight octets at places that are named.
    Registers,
    /// Time-of-use registers of eight octets, each with a source.
    Tou,
    /// Cumulative demands of nine octets.
    CumulativeDemand,
    /// Maximum demands of twelve octets, the three highest of each register.
    MaximumDemand,
}

/// A named register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagRegister {
    /// Where in the table, in octets.
    pub at: u16,
    /// Its code.
    pub obis: Obis,
    /// Its unit; that of its sources where it is customer-defined, and a plain count for pulses.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// Which customer-defined register it is, from 1.
    #[serde(default)]
    pub customer: Option<u8>,
    /// It may be negative.
    #[serde(default)]
    pub signed: bool,
}

/// A layout by device number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagLayout {
    /// Its name.
    pub name: String,
    /// Time-of-use registers.
    pub tou: u16,
    /// Sources of a customer-defined register.
    pub sums: u16,
    /// Device numbers (`012`), with an issue where only that one is meant (`020/04`); `*` is all others.
    pub devices: Vec<String>,
}

/// Where a transformer ratio stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagRatio {
    /// Identity.
    pub id: u16,
    /// How it lies there.
    pub form: FlagRatioForm,
    /// Nobody has confirmed that it lies so: what is read is compared with the plate before it is believed.
    #[serde(default)]
    pub unverified: bool,
}

/// How a transformer ratio lies in its table (section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagRatioForm {
    /// BCD, four octets and two.
    #[serde(rename = "bcd-4-2")]
    Bcd42,
    /// BCD, four octets and three.
    #[serde(rename = "bcd-4-3")]
    Bcd43,
    /// Binary, four octets and four.
    Binary,
}

impl FlagTuning {
    /// The layout of a device, by its number and issue.
    #[must_use]
    pub fn layout(&self, device: &str, issue: &str) -> Option<&FlagLayout> {
        let exact = format!("{device}/{issue}");
        let named =
            |name: &str| self.layouts.iter().find(|layout| layout.devices.iter().any(|one| one == name));
        named(&exact).or_else(|| named(device)).or_else(|| named("*"))
    }

    /// What cannot be: where, and in words.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.identities(&mut found);
        for (place, range) in self.ranges.iter().enumerate() {
            if !is_range(range) {
                let words = format!("`{range}` is no product range: write three digits");
                found.push((format!("/flag/ranges/{place}"), words));
            }
        }
        for (place, table) in self.tables.iter().enumerate() {
            let at = format!("/flag/tables/{place}");
            for (register, one) in table.registers.iter().enumerate() {
                if u32::from(one.at) + REGISTER_OCTETS > u32::from(table.bytes) {
                    let words = format!("it lies beyond the {} octets of table {}", table.bytes, table.id);
                    found.push((format!("{at}/registers/{register}"), words));
                }
            }
            if table.holds == FlagContent::Tou && table.count == 0 && self.layouts.is_empty() {
                let words = "time-of-use registers without a count need layouts".to_owned();
                found.push((at, words));
            }
        }
        for (place, layout) in self.layouts.iter().enumerate() {
            if let Some(device) = layout.devices.iter().find(|device| !is_device(device)) {
                let words = format!("`{device}` is no device number: write 012, 020/04 or *");
                found.push((format!("/flag/layouts/{place}"), words));
            }
        }
        if self.billing_reset.as_ref().is_some_and(|digits| !is_octets(digits)) {
            let words = "it is not octets in hexadecimal, two digits each".to_owned();
            found.push(("/flag/billing_reset".to_owned(), words));
        }
        found
    }

    /// Identities in lists; those of single settings have their bounds in the table of settings.
    fn identities(&self, found: &mut Vec<(String, String)>) {
        let plate = self.identity.iter().map(|one| one.id).enumerate().map(|one| ("identity", one));
        let tables = self.tables.iter().map(|one| one.id).enumerate().map(|one| ("tables", one));
        for (list, (place, id)) in plate.chain(tables) {
            if id > HIGHEST_ID {
                let words = format!("the identity {id} has more than three digits");
                found.push((format!("/flag/{list}/{place}"), words));
            }
        }
        for (place, sources) in
            self.tables.iter().enumerate().filter_map(|(at, one)| Some((at, one.sources?)))
        {
            if sources > HIGHEST_ID {
                let words = format!("the identity {sources} of its sources has more than three digits");
                found.push((format!("/flag/tables/{place}"), words));
            }
        }
    }
}

/// An identity has three digits.
const HIGHEST_ID: u16 = 999;
/// Octets of a register.
const REGISTER_OCTETS: u32 = 8;

/// Whether a text is a product range of the sign-on.
#[must_use]
pub fn is_range(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// Whether a text is a device number with or without an issue, or stands for all others.
#[must_use]
pub fn is_device(text: &str) -> bool {
    let (number, issue) = text.split_once('/').unwrap_or((text, "00"));
    let is_digits = |part: &str, count| part.len() == count && part.bytes().all(|o| o.is_ascii_digit());
    text == "*" || is_digits(number, 3) && is_digits(issue, 2)
}

/// Whether a text is octets in hexadecimal digits; nothing is none.
#[must_use]
pub fn is_octets(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|octet| octet.is_ascii_hexdigit())
}
