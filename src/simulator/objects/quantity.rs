//! What a virtual meter measures, and how it writes each quantity down.

use crate::model::{Obis, ScalerUnit, Unit};
use crate::protocol::dlms::Data;

use super::super::load::Premises;
use super::super::quirks::{Quirk, Quirks};
use super::super::record::{Moment, Record, demand};

/// One measured quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Active import since installation: total (0), rate 1 (day), rate 2 (night).
    Import(u8),
    /// Active export since installation, by rate as above.
    Export(u8),
    /// Reactive import (QI and QII) since installation.
    ReactiveImport,
    /// Reactive export (QIII and QIV) since installation.
    ReactiveExport,
    /// Reactive energy of a quadrant, 1 to 4, since installation.
    Quadrant(u8),
    /// Active import of the interval.
    IntervalImport,
    /// Active export of the interval.
    IntervalExport,
    /// Reactive import of the interval.
    IntervalReactiveImport,
    /// Reactive export of the interval.
    IntervalReactiveExport,
    /// Highest demand of active import in the billing period.
    MaximumImport,
    /// Highest demand of active export in the billing period.
    MaximumExport,
    /// Active import, present.
    ImportPower,
    /// Active export, present.
    ExportPower,
    /// Reactive import, present.
    ImportVars,
    /// Reactive export, present.
    ExportVars,
    /// Apparent power, present.
    ApparentPower,
    /// Power factor, present.
    PowerFactor,
    /// Frequency, present.
    Frequency,
    /// Voltage of a phase (0 to 2), present.
    Voltage(u8),
    /// Current of a phase, present.
    Current(u8),
    /// Voltage of a phase, average of the interval.
    AverageVoltage(u8),
    /// Current of a phase, average of the interval.
    AverageCurrent(u8),
}

impl Quantity {
    /// Logical name.
    #[must_use]
    pub const fn obis(self) -> Obis {
        let (c, d, e) = match self {
            Self::Import(rate) => (1, 8, rate),
            Self::Export(rate) => (2, 8, rate),
            Self::ReactiveImport => (3, 8, 0),
            Self::ReactiveExport => (4, 8, 0),
            Self::Quadrant(number) => (4 + number, 8, 0),
            Self::IntervalImport => (1, 29, 0),
            Self::IntervalExport => (2, 29, 0),
            Self::IntervalReactiveImport => (3, 29, 0),
            Self::IntervalReactiveExport => (4, 29, 0),
            Self::MaximumImport => (1, 6, 0),
            Self::MaximumExport => (2, 6, 0),
            Self::ImportPower => (1, 7, 0),
            Self::ExportPower => (2, 7, 0),
            Self::ImportVars => (3, 7, 0),
            Self::ExportVars => (4, 7, 0),
            Self::ApparentPower => (9, 7, 0),
            Self::PowerFactor => (13, 7, 0),
            Self::Frequency => (14, 7, 0),
            Self::Voltage(phase) => (32 + 20 * phase, 7, 0),
            Self::Current(phase) => (31 + 20 * phase, 7, 0),
            Self::AverageVoltage(phase) => (32 + 20 * phase, 24, 0),
            Self::AverageCurrent(phase) => (31 + 20 * phase, 24, 0),
        };
        Obis::new(1, 0, c, d, e, 255)
    }

    /// Scaler and unit by the book; see [`Quantity::scaler_unit`].
    const fn book_scaler_unit(self, premises: Premises) -> ScalerUnit {
        let energy = premises.scaler();
        let (scaler, unit) = match self {
            Self::Import(_) | Self::Export(_) | Self::IntervalImport | Self::IntervalExport => {
                (energy, Unit::WH)
            }
            Self::ReactiveImport
            | Self::ReactiveExport
            | Self::Quadrant(_)
            | Self::IntervalReactiveImport
            | Self::IntervalReactiveExport => (energy, Unit::VARH),
            Self::MaximumImport | Self::MaximumExport => (energy, Unit::W),
            Self::ImportPower | Self::ExportPower => (0, Unit::W),
            Self::ImportVars | Self::ExportVars => (0, Unit::VAR),
            Self::ApparentPower => (0, Unit::VA),
            Self::PowerFactor => (-3, Unit::NONE),
            Self::Frequency => (-2, Unit::HZ),
            Self::Voltage(_) | Self::AverageVoltage(_) => (-1, Unit::V),
            Self::Current(_) | Self::AverageCurrent(_) => (-2, Unit::A),
        };
        ScalerUnit { scaler, unit }
    }

    const fn is_counted(self) -> bool {
        self.book_scaler_unit(Premises::Household).unit.is_energy()
    }

    /// Scaler and unit as this meter has them.
    #[must_use]
    pub const fn scaler_unit(self, premises: Premises, quirks: Quirks) -> ScalerUnit {
        let mut book = self.book_scaler_unit(premises);
        if quirks.has(Quirk::OtherScaler) && self.is_counted() {
            book.scaler -= 1;
        }
        if quirks.has(Quirk::UnknownUnit) {
            book.unit = Unit(99);
        }
        book
    }

    /// The raw value over a moment's interval.
    pub fn raw(self, record: &mut Record, moment: Moment, quirks: Quirks) -> i64 {
        let value = self.book_raw(record, moment);
        if quirks.has(Quirk::OtherScaler) && self.is_counted() { value.saturating_mul(10) } else { value }
    }

    fn book_raw(self, record: &mut Record, moment: Moment) -> i64 {
        let signed = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
        match self {
            Self::Import(rate) => {
                let counted = record.counted(moment.end);
                signed(by_rate(rate, counted.import, counted.import_night))
            }
            Self::Export(rate) => {
                let counted = record.counted(moment.end);
                signed(by_rate(rate, counted.export, counted.export_night))
            }
            Self::ReactiveImport => signed(record.counted(moment.end).reactive_import()),
            Self::ReactiveExport => signed(record.counted(moment.end).reactive_export()),
            Self::Quadrant(number) => {
                let quadrants = record.counted(moment.end).quadrants;
                quadrants.get(usize::from(number).wrapping_sub(1)).copied().map_or(0, signed)
            }
            Self::IntervalImport => signed(record.within(moment).import),
            Self::IntervalExport => signed(record.within(moment).export),
            Self::IntervalReactiveImport => signed(record.within(moment).reactive_import()),
            Self::IntervalReactiveExport => signed(record.within(moment).reactive_export()),
            Self::MaximumImport => record.maxima(moment.from, moment.end).import.raw,
            Self::MaximumExport => record.maxima(moment.from, moment.end).export.raw,
            Self::ImportPower => record.electrical(moment.end).import_watts,
            Self::ExportPower => record.electrical(moment.end).export_watts,
            Self::ImportVars => record.electrical(moment.end).import_vars,
            Self::ExportVars => record.electrical(moment.end).export_vars,
            Self::ApparentPower => record.electrical(moment.end).volt_amperes,
            Self::PowerFactor => record.electrical(moment.end).power_factor,
            Self::Frequency => record.electrical(moment.end).centihertz,
            Self::Voltage(phase) => at(record.electrical(moment.end).decivolts, phase),
            Self::Current(phase) => at(record.electrical(moment.end).centiamperes, phase),
            Self::AverageVoltage(phase) => at(record.average(moment).decivolts, phase),
            Self::AverageCurrent(phase) => at(record.average(moment).centiamperes, phase),
        }
    }

    /// A raw value as the meter writes it. What exceeds its type stands at the type's end.
    #[must_use]
    pub fn write(self, raw: i64) -> Data {
        match self {
            Self::PowerFactor => Data::I16(i16::try_from(raw).unwrap_or(i16::MAX)),
            Self::Frequency
            | Self::Voltage(_)
            | Self::Current(_)
            | Self::AverageVoltage(_)
            | Self::AverageCurrent(_) => Data::U16(u16::try_from(raw).unwrap_or(u16::MAX)),
            _ => Data::U32(u32::try_from(raw).unwrap_or(u32::MAX)),
        }
    }
}

const fn by_rate(rate: u8, total: u64, night: u64) -> u64 {
    match rate {
        0 => total,
        1 => total - night,
        _ => night,
    }
}

fn at(phases: [i64; 3], phase: u8) -> i64 {
    phases.get(usize::from(phase)).copied().unwrap_or(0)
}

/// The demand of what a moment's interval holds so far, or held: active import and export.
pub(crate) fn average_demand(record: &mut Record, moment: Moment) -> i64 {
    let seconds = record.averaging().seconds();
    demand(record.within(moment).import, seconds)
}
