//! The objects by which a tariff is programmed (classes 6, 9, 11, 20, 22), and the registers that it switches.

use crate::model::tariff::{DayRow, MaskRow, NO_TIME, ScriptRow, SeasonRow, SpecialDayRow, WeekRow};
use crate::model::template::SchemeObjects;
use crate::model::{Decimal, Obis, ObjectEntry, ScalerUnit, Unit};
use crate::protocol::dlms::tariff::{Row, date_time, rows, script};
use crate::protocol::dlms::{CosemDateTime, Data, DataAccessResult, Selective};

use super::{Context, Object, entry, refusal, scaler_unit};

/// An object that holds tables.
#[derive(Debug)]
pub(crate) struct TariffObject {
    entry: ObjectEntry,
}

impl TariffObject {
    /// All of them, at the standard's names.
    pub(crate) fn all() -> [Self; 5] {
        let objects = SchemeObjects::default();
        let of = |class_id, obis, attributes: &[u8], methods| Self {
            entry: entry(class_id, 0, obis, attributes, methods),
        };
        [
            of(20, objects.calendar, &[1, 1, 1, 1, 1, 3, 3, 3, 3, 3], 1),
            of(11, objects.special_days, &[1, 3], 0),
            of(9, objects.scripts, &[1, 3], 0),
            of(6, objects.register_activation, &[1, 3, 3, 1], 0),
            of(22, objects.billing_schedule, &[1, 3, 3, 3], 0),
        ]
    }

    /// What stands in an attribute that nobody has written.
    fn fresh(&self, attribute: i8) -> Data {
        let objects = SchemeObjects::default();
        match (self.entry.class_id, attribute) {
            (20, 2 | 6) | (6, 4) => Data::Octets(Vec::new()),
            (20, 10) => Data::Octets(NO_TIME.to_vec()),
            (22, 2) => Data::Structure(vec![
                super::name(objects.billing_script_table),
                Data::U16(objects.billing_script),
            ]),
            // Times may differ, and have wildcards.
            (22, 3) => Data::Enum(5),
            (22, 4) => super::super::tariff::every_month(),
            _ => Data::Array(Vec::new()),
        }
    }

    /// Whether a value is what an attribute holds.
    fn fits(&self, attribute: i8, value: &Data) -> bool {
        fn table<R: Row>(value: &Data) -> bool {
            rows::<R>(value).is_ok()
        }
        match (self.entry.class_id, attribute) {
            (20, 6) => value.bytes().is_some(),
            (20, 7) => table::<SeasonRow>(value),
            (20, 8) => table::<WeekRow>(value),
            (20, 9) => table::<DayRow>(value),
            (20, 10) => {
                date_time(value).is_some_and(|time| time == NO_TIME || CosemDateTime(time).stamp().is_some())
            }
            (11, 2) => table::<SpecialDayRow>(value),
            (9, 2) => table::<ScriptRow>(value),
            (6, 2) => table::<(u16, Obis)>(value),
            (6, 3) => table::<MaskRow>(value),
            (22, 2) => script(value).is_some(),
            (22, 3) => value.integer().is_some_and(|kind| (1..=5).contains(&kind)),
            (22, 4) => table::<([u8; 4], [u8; 5])>(value),
            _ => false,
        }
    }
}

impl Object for TariffObject {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let at = (self.entry.class_id, self.entry.obis, attribute);
        Ok(context.record.tariff().value(at).cloned().unwrap_or_else(|| self.fresh(attribute)))
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        if !self.fits(attribute, value) {
            return Err(refusal::TYPE_UNMATCHED);
        }
        let at = (self.entry.class_id, self.entry.obis, attribute);
        context.record.program(at, value.clone(), context.now_ms.div_euclid(1000));
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        _parameter: Option<&Data>,
        context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        if (self.entry.class_id, method) != (20, 1) {
            return Err(refusal::OBJECT_UNDEFINED);
        }
        let second = context.now();
        if context.record.activate_calendar(second) { Ok(None) } else { Err(refusal::OTHER) }
    }
}

/// A register that the tariff switches: class 3 for energy, class 4 for demand.
#[derive(Debug)]
pub(crate) struct TariffRegister {
    entry: ObjectEntry,
}

impl TariffRegister {
    /// A register.
    pub(crate) fn new(obis: Obis, is_demand: bool) -> Self {
        let entry =
            if is_demand { entry(4, 0, obis, &[1, 1, 1, 1, 1], 0) } else { entry(3, 0, obis, &[1, 1, 1], 0) };
        Self { entry }
    }

    fn unit(&self) -> Unit {
        let is_active = matches!(self.entry.obis.c(), 1 | 2);
        match (self.entry.class_id, is_active) {
            (3, true) => Unit::WH,
            (3, false) => Unit::VARH,
            (_, true) => Unit::W,
            (_, false) => Unit::VAR,
        }
    }
}

/// A number in units of a scaler, what is below its last digit cut off.
pub(super) fn raw(value: Decimal, scaler: i8) -> u32 {
    let exact = value.normalized();
    let places = i32::from(scaler) - i32::from(exact.exponent());
    let power = 10i128.checked_pow(places.unsigned_abs());
    let scaled = match (power, places > 0) {
        (Some(power), true) => exact.mantissa() / power,
        (Some(power), false) => exact.mantissa().saturating_mul(power),
        (None, _) => 0,
    };
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

impl Object for TariffRegister {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let scaler = context.settings.premises.scaler();
        let obis = self.entry.obis;
        let tariff = context.record.tariff();
        let peak = tariff.demand(obis).flatten();
        match (self.entry.class_id, attribute) {
            (3, 2) => Ok(Data::U32(raw(tariff.energy(obis).unwrap_or(Decimal::ZERO), scaler))),
            (4, 2) => Ok(Data::U32(peak.map_or(0, |peak| raw(peak.value, scaler)))),
            (_, 3) => Ok(scaler_unit(ScalerUnit { scaler, unit: self.unit() })),
            (4, 4) => Ok(Data::U8(0)),
            (4, 5) => Ok(match peak {
                Some(peak) => context.stamp(peak.meter_at.as_second()),
                None => Data::Octets(CosemDateTime::UNSPECIFIED.0.to_vec()),
            }),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }
}
