//! The scheme document: everything that is programmed into a meter, in types.
//!
//! Two documents are equal when they mean the same. References (`on`, `days`, `week`, `day_type`) are ids in text,
//! because a document under the hands of an editor may name what does not exist yet; `scheme::check` says so.
//! Numbers are as wide as a file may write them, and checked there too.

mod dates;
mod words;

use crate::model::WordError;
pub use dates::{
    BillingDate, DateError, DatePattern, FIRST_YEAR, LAST_YEAR, MonthDay, SeasonStart, SwitchTime,
};
pub(in crate::scheme) use words::weekday;
pub use words::{ClockFailureResponse, Keep, Measurand, Phase, Source, WeekOfMonth, weekday_word};

pub use crate::model::{Ratio, Transformers};

use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, Weekday};

use crate::model::{Obis, Side, Unit};

/// The format tag that every scheme file begins with.
pub const FORMAT: &str = "meterwright.scheme/1";

/// A scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// 1 to 8 of A–Z and 0–9: what the meter stores and shows.
    pub identity: String,
    /// For people.
    pub title: String,
    /// For whom, since when, why.
    pub note: String,
    /// Name of the template whose limits apply.
    pub template: String,
    /// IANA name of the zone for dry runs and previews.
    pub time_zone: String,
    /// The registers.
    pub registers: Registers,
    /// The tariff in force.
    pub tariff: Tariff,
    /// The tariff that follows it.
    pub latent: Option<Latent>,
    /// Integration period of demand.
    pub demand: DemandPeriod,
    /// When billing periods end.
    pub billing: Billing,
    /// Load profile.
    pub profile: LoadProfile,
    /// Instrumentation profile.
    pub instrumentation: Instrumentation,
    /// Display lists.
    pub display: Display,
    /// Daylight saving as the meter's own clock does it; nothing where it stays in standard time.
    pub dst: Option<DaylightSaving>,
    /// What the meter does when its clock was lost.
    pub clock_failure: ClockFailureResponse,
    /// Instrument transformers.
    pub transformers: Transformers,
    /// Pulse and relay outputs.
    pub outputs: Vec<Output>,
}

/// The registers of a scheme. Their ids share one space of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// Time-of-use registers: count up while switched on.
    pub energy: Vec<EnergyRegister>,
    /// Maximum-demand registers: compete while switched on.
    pub demand: Vec<DemandRegister>,
    /// Sums of sources, which count always.
    pub customer_defined: Vec<CustomerDefined>,
}

/// A time-of-use register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnergyRegister {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it counts.
    pub source: Source,
    /// Its object in the meter.
    pub obis: Obis,
    /// Its colour on screen.
    pub colour: Colour,
}

/// A maximum-demand register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemandRegister {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it measures.
    pub source: Source,
    /// Its object in the meter.
    pub obis: Obis,
    /// How many highest values it keeps with their times.
    pub highest: u32,
}

/// A customer-defined register; the first in the list is the source `customer_defined_1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerDefined {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it adds up.
    pub sources: Vec<Source>,
}

/// A colour, `#2b6cb0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Colour(pub [u8; 3]);

/// A tariff: day types make weeks, weeks make seasons, special days go before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tariff {
    /// Day types.
    pub day_types: Vec<DayType>,
    /// Weeks.
    pub weeks: Vec<Week>,
    /// Seasons.
    pub seasons: Vec<Season>,
    /// Days that follow a day type of their own.
    pub special_days: Vec<SpecialDay>,
}

/// A day type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayType {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// Switching times in rising order, the first at 00:00.
    pub switches: Vec<Switch>,
}

/// A switching time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// When.
    pub at: SwitchTime,
    /// Ids of the energy and demand registers that are on from then; replaces the set before it.
    pub on: Vec<String>,
}

/// A week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// Its id.
    pub id: String,
    /// Ids of day types, Monday first.
    pub days: [String; 7],
}

/// A season, which lasts until the next one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Season {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// When it starts.
    pub starts: SeasonStart,
    /// Id of its week.
    pub week: String,
}

/// A day that follows a day type of its own, whatever its weekday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialDay {
    /// Which days.
    pub date: DatePattern,
    /// Id of the day type.
    pub day_type: String,
}

/// A second tariff that takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latent {
    /// When, in local time.
    pub activate_at: DateTime,
    /// The tariff from then on.
    pub tariff: Tariff,
}

/// Integration period of demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemandPeriod {
    /// Its length in minutes.
    pub period_minutes: u32,
    /// 1: block demand. More: the period slides on by one such part of it at a time.
    pub sub_intervals: u32,
}

/// When billing periods end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Billing {
    /// Points in local time.
    pub dates: Vec<BillingDate>,
    /// Whether a change of season ends a billing period.
    pub on_season_change: bool,
    /// Whether the change to the latent tariff ends a billing period.
    pub on_tariff_change: bool,
    /// How long after a reset manual resets are refused; 0: never.
    pub manual_lockout_minutes: u32,
    /// Whether the meter's button ends a billing period.
    pub button: bool,
}

/// Load profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadProfile {
    /// Its period in minutes.
    pub period_minutes: u32,
    /// What it records.
    pub channels: Vec<Source>,
    /// Whether its stamps follow daylight saving, or stay in standard time.
    pub follows_dst: bool,
}

/// Instrumentation profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrumentation {
    /// Its period in minutes.
    pub period_minutes: u32,
    /// What it records.
    pub channels: Vec<InstrumentationChannel>,
}

/// A channel of the instrumentation profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InstrumentationChannel {
    /// Of what.
    pub quantity: Measurand,
    /// Where.
    pub phase: Phase,
    /// Which value of the period is kept.
    pub keep: Keep,
}

/// Display lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    /// How long each item of the automatic list stands, in seconds.
    pub seconds: u32,
    /// Items that follow each other by themselves.
    pub auto: Vec<Obis>,
    /// Items that the button steps through.
    pub manual: Vec<Obis>,
}

/// Daylight saving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaylightSaving {
    /// By how much the clock is put forward: 1 or 2 hours.
    pub shift_hours: u32,
    /// When it goes forward, by the clock of standard time.
    pub starts: DstRule,
    /// When it goes back, by the clock of daylight-saving time.
    pub ends: DstRule,
}

/// A point in every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DstRule {
    /// Month, 1 to 12.
    pub month: u32,
    /// Which of the month's such weekdays.
    pub week: WeekOfMonth,
    /// The weekday.
    pub weekday: Weekday,
    /// The hour, 0 to 23, by the clock before the change.
    pub hour: u32,
}

/// An output of the meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it does.
    pub function: OutputFunction,
}

/// What an output does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputFunction {
    /// `pulse`: so many pulses for each kWh, kvarh or kVAh.
    Pulse {
        /// Of what.
        source: Source,
        /// Pulses for a thousand of the source's unit.
        pulses_per_kilo: u32,
    },
    /// `follow`: closed while a register is on.
    Follow {
        /// The register's id.
        register: String,
    },
}

impl Document {
    /// An empty scheme for a template, to begin drawing on: one rate all day, every day.
    #[must_use]
    pub fn blank(template: &str, time_zone: &str) -> Self {
        let source = Source::ActiveImport;
        Self {
            identity: "NEW00001".to_owned(),
            title: "New scheme".to_owned(),
            note: String::new(),
            template: template.to_owned(),
            time_zone: time_zone.to_owned(),
            registers: Registers {
                energy: vec![EnergyRegister {
                    id: "R1".to_owned(),
                    title: "All day".to_owned(),
                    source,
                    obis: Obis::new(1, 0, 1, 8, 1, 255),
                    colour: Colour([0x00, 0x72, 0xb2]),
                }],
                ..Registers::default()
            },
            tariff: Tariff::single("R1"),
            latent: None,
            demand: DemandPeriod { period_minutes: 30, sub_intervals: 1 },
            billing: Billing { on_tariff_change: true, button: true, ..Billing::default() },
            profile: LoadProfile { period_minutes: 30, channels: vec![source], follows_dst: false },
            instrumentation: Instrumentation { period_minutes: 30, channels: Vec::new() },
            display: Display { seconds: 6, auto: vec![Obis::new(1, 0, 1, 8, 0, 255)], manual: Vec::new() },
            dst: None,
            clock_failure: ClockFailureResponse::Continue,
            transformers: Transformers { ct: Ratio::ONE, vt: Ratio::ONE, registers_in: Side::Primary },
            outputs: Vec::new(),
        }
    }

    /// The unit that a source counts in. A customer-defined register has that of its sources.
    #[must_use]
    pub fn unit(&self, source: Source) -> Unit {
        let Source::CustomerDefined(number) = source else { return source.unit() };
        let sum = usize::from(number).checked_sub(1).and_then(|at| self.registers.customer_defined.get(at));
        let mut units = sum.into_iter().flat_map(|sum| &sum.sources).map(|source| source.unit());
        units.find(|unit| *unit != Unit::NONE).unwrap_or(Unit::NONE)
    }
}

impl Tariff {
    /// One register on at all times.
    #[must_use]
    pub fn single(register: &str) -> Self {
        let every_day = || "D1".to_owned();
        Self {
            day_types: vec![DayType {
                id: every_day(),
                title: "Every day".to_owned(),
                switches: vec![Switch { at: SwitchTime::MIDNIGHT, on: vec![register.to_owned()] }],
            }],
            weeks: vec![Week { id: "W1".to_owned(), days: std::array::from_fn(|_| every_day()) }],
            seasons: vec![Season {
                id: "S1".to_owned(),
                title: "All year".to_owned(),
                starts: SeasonStart::Yearly(MonthDay::NEW_YEAR),
                week: "W1".to_owned(),
            }],
            special_days: Vec::new(),
        }
    }
}

impl DstRule {
    /// Stands for a rule that could not be read.
    pub(in crate::scheme) const STAND_IN: Self =
        Self { month: 1, week: WeekOfMonth::Last, weekday: Weekday::Sunday, hour: 0 };
}

impl fmt::Display for Colour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(out, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Colour {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let fail = || WordError::new(text, "a colour: write # and six hexadecimal digits, such as #2b6cb0");
        let digits = text.strip_prefix('#').ok_or_else(fail)?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(fail());
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| fail())?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}
