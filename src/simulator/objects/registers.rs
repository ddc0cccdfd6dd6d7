//! Registers: classes 3, 4 and 5.

use crate::model::{Obis, ObjectEntry, ScalerUnit, Unit};
use crate::protocol::dlms::{Data, DataAccessResult, Selective};

use super::super::quirks::Quirk;
use super::super::record::{Log, Moment};
use super::super::tariff::DEMAND;
use super::quantity::average_demand;
use super::{Context, Object, Quantity, entry, refusal, scaler_unit};

/// Class 3.
#[derive(Debug)]
pub(crate) struct Register {
    entry: ObjectEntry,
    quantity: Quantity,
    period: u32,
}

impl Register {
    /// A register of a quantity; averages and interval energies are those of the last whole period (seconds).
    #[must_use]
    pub(crate) fn new(quantity: Quantity, period: u32) -> Self {
        Self { entry: entry(3, 0, quantity.obis(), &[1, 1, 1], 1), quantity, period }
    }
}

impl Object for Register {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let quirks = context.quirks();
        match attribute {
            2 => {
                let moment = last_period(self.period, context);
                let now = Moment { end: context.now(), ..moment };
                let moment = if is_of_interval(self.quantity) { moment } else { now };
                Ok(self.quantity.write(self.quantity.raw(context.record, moment, quirks)))
            }
            3 => Ok(scaler_unit(self.quantity.scaler_unit(context.settings.premises, quirks))),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }
}

const fn is_of_interval(quantity: Quantity) -> bool {
    matches!(
        quantity,
        Quantity::IntervalImport
            | Quantity::IntervalExport
            | Quantity::IntervalReactiveImport
            | Quantity::IntervalReactiveExport
            | Quantity::AverageVoltage(_)
            | Quantity::AverageCurrent(_)
    )
}

fn last_period(seconds: u32, context: &mut Context<'_>) -> Moment {
    let (installed, now) = (context.record.load().installed(), context.now());
    let grid = super::super::clock::Grid::Period(seconds);
    let last = context.record.clock().captures(grid, 1, installed, now);
    last.first().map_or(Moment { from: installed, end: installed }, |capture| Moment {
        from: capture.true_from,
        end: capture.true_end,
    })
}

/// Class 4: a maximum of the billing period, with the time of its capture.
#[derive(Debug)]
pub(crate) struct ExtendedRegister {
    entry: ObjectEntry,
    quantity: Quantity,
}

impl ExtendedRegister {
    /// A maximum.
    #[must_use]
    pub(crate) fn new(quantity: Quantity) -> Self {
        Self { entry: entry(4, 0, quantity.obis(), &[1, 1, 1, 1, 1], 1), quantity }
    }
}

impl Object for ExtendedRegister {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let (now, quirks) = (context.now(), context.quirks());
        let from = context.record.billing_start(now);
        match attribute {
            2 => {
                let raw = self.quantity.raw(context.record, Moment { from, end: now }, quirks);
                Ok(self.quantity.write(raw))
            }
            3 => Ok(scaler_unit(self.quantity.scaler_unit(context.settings.premises, quirks))),
            4 if quirks.has(Quirk::HardwareFaults) => Err(refusal::OTHER),
            4 => Ok(Data::U8(0)),
            5 => Ok(capture_time(self.quantity, Moment { from, end: now }, context)),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }
}

/// When the maximum of a moment's interval was captured; an empty stamp where nothing was.
pub(super) fn capture_time(quantity: Quantity, moment: Moment, context: &mut Context<'_>) -> Data {
    let maxima = context.record.maxima(moment.from, moment.end);
    let maximum = if quantity == Quantity::MaximumExport { maxima.export } else { maxima.import };
    match maximum.meter_end {
        Some(second) => context.stamp(second),
        None if context.quirks().has(Quirk::EmptyStructures) => Data::Octets(Vec::new()),
        None => Data::Octets(crate::protocol::dlms::CosemDateTime::UNSPECIFIED.0.to_vec()),
    }
}

/// Class 5: the demand of active import.
#[derive(Debug)]
pub(crate) struct DemandRegister {
    entry: ObjectEntry,
}

impl DemandRegister {
    /// 1-0:1.4.0.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(5, 0, DEMAND, &[1, 1, 1, 1, 1, 1, 1, 3, 3], 2) }
    }
}

impl Object for DemandRegister {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let quantity = Quantity::MaximumImport;
        let (last, running) = context.record.demand_periods(context.now());
        match attribute {
            2 => Ok(quantity.write(average_demand(context.record, running))),
            3 => Ok(quantity.write(average_demand(context.record, last))),
            4 => Ok(scaler_unit(quantity.scaler_unit(context.settings.premises, context.quirks()))),
            5 => Ok(Data::U8(0)),
            6 | 7 => {
                let second = context.record.clock().meter_second(last.end);
                Ok(context.stamp(second))
            }
            8 => Ok(Data::U32(context.record.averaging().part_seconds)),
            9 => Ok(Data::U16(u16::try_from(context.record.averaging().parts).unwrap_or(u16::MAX))),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        let averaging = context.record.averaging();
        let (seconds, parts) = match (attribute, value) {
            (8, Data::U32(seconds @ 60..=3600)) if 3600 % *seconds == 0 => (*seconds, averaging.parts),
            (9, Data::U16(parts @ 1..=15)) => (averaging.part_seconds, u32::from(*parts)),
            _ => return Err(refusal::TYPE_UNMATCHED),
        };
        let second = context.now();
        context.record.set_averaging(seconds, parts, second);
        context.record.program((5, DEMAND, attribute), value.clone(), second);
        Ok(())
    }
}

/// Class 3: how long the last long supply failure lasted.
#[derive(Debug)]
pub(crate) struct LastFailure {
    entry: ObjectEntry,
}

impl LastFailure {
    /// 0-0:96.7.19.
    pub(crate) fn new() -> Self {
        Self { entry: entry(3, 0, Self::NAME, &[1, 1, 1], 0) }
    }

    /// 0-0:96.7.19.
    pub(crate) const NAME: Obis = Obis::new(0, 0, 96, 7, 19, 255);
}

impl Object for LastFailure {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        match attribute {
            2 => {
                let failures = context.record.log(Log::SupplyFailures, context.now());
                Ok(Data::U32(failures.last().map_or(0, |failure| failure.seconds)))
            }
            // Seconds.
            3 => Ok(scaler_unit(ScalerUnit { scaler: 0, unit: Unit(7) })),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }
}
