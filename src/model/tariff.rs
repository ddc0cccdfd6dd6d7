//! The tables by which a COSEM meter keeps its tariff (IEC 62056-62, classes 6, 9, 11, 20 and 22), as values.
//!
//! Names, dates and times are as on the wire; what they mean is for `scheme::cosem` to say.

use super::Obis;

/// date-time in twelve octets, each part "not specified".
pub const NO_TIME: [u8; 12] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0xFF];

/// A season of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeasonRow {
    /// Its name.
    pub name: Vec<u8>,
    /// When it starts: date-time.
    pub start: [u8; 12],
    /// Name of its week.
    pub week: Vec<u8>,
}

/// A week of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeekRow {
    /// Its name.
    pub name: Vec<u8>,
    /// Day types, Monday first.
    pub days: [u8; 7],
}

/// A day type of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayRow {
    /// Its number.
    pub id: u8,
    /// What is run when.
    pub actions: Vec<DayAction>,
}

/// A script that is run at a time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayAction {
    /// time: hour, minute, second, hundredths.
    pub time: [u8; 4],
    /// The script table.
    pub table: Obis,
    /// The script.
    pub script: u16,
}

/// One side, active or passive, of an activity calendar (class 20).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalendarTables {
    /// Its name.
    pub name: Vec<u8>,
    /// Seasons.
    pub seasons: Vec<SeasonRow>,
    /// Weeks.
    pub weeks: Vec<WeekRow>,
    /// Day types.
    pub days: Vec<DayRow>,
}

/// An entry of a special days table (class 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialDayRow {
    /// Its number.
    pub index: u16,
    /// date: year, month, day of month, day of week.
    pub date: [u8; 5],
    /// The day type.
    pub day: u8,
}

/// A script of a script table (class 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRow {
    /// Its number.
    pub id: u16,
    /// What it does.
    pub actions: Vec<ScriptAction>,
}

/// What a script does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptAction {
    /// Writes a mask's name into a register activation.
    Mask {
        /// The register activation.
        activation: Obis,
        /// The mask.
        mask: Vec<u8>,
    },
    /// Anything else.
    Other {
        /// 1 writes an attribute, 2 invokes a method.
        service: u8,
        /// Class of the object.
        class_id: u16,
        /// The object.
        obis: Obis,
        /// The attribute or method.
        index: i8,
        /// The parameter in A-XDR.
        parameter: Vec<u8>,
    },
}

/// A register activation (class 6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivationTables {
    /// The registers that it rules: class and name.
    pub registers: Vec<(u16, Obis)>,
    /// Its masks.
    pub masks: Vec<MaskRow>,
}

/// A mask of a register activation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskRow {
    /// Its name.
    pub name: Vec<u8>,
    /// The registers that are on: positions in the assignment, from 1.
    pub registers: Vec<u8>,
}

/// A single action schedule (class 22).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleTables {
    /// The script: table and number.
    pub script: (Obis, u16),
    /// Which patterns of times are allowed.
    pub kind: u8,
    /// When: time and date.
    pub times: Vec<([u8; 4], [u8; 5])>,
}

/// All that decides what is on when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffTables {
    /// The calendar in force.
    pub active: CalendarTables,
    /// The calendar that can take over.
    pub passive: CalendarTables,
    /// When it does: date-time.
    pub activate_at: [u8; 12],
    /// Special days.
    pub special_days: Vec<SpecialDayRow>,
    /// The script table that the calendar runs; nothing where the meter has none that can be read.
    pub scripts: Option<Vec<ScriptRow>>,
    /// The register activation that the scripts write to; nothing where the meter has none that can be read.
    pub activation: Option<ActivationTables>,
}

impl Default for TariffTables {
    /// A meter without a tariff.
    fn default() -> Self {
        Self {
            active: CalendarTables::default(),
            passive: CalendarTables::default(),
            activate_at: NO_TIME,
            special_days: Vec::new(),
            scripts: None,
            activation: None,
        }
    }
}
