//! Objects without much inside: data, clock, SAP assignment, script table, contactor.

use crate::model::{Obis, ObjectEntry};
use crate::protocol::dlms::{CosemDateTime, Data, DataAccessResult, Selective};

use super::super::quirks::Quirk;
use super::super::record::{Log, status};
use super::{Context, Object, entry, refusal};

/// Where a data object's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DataSource {
    /// It never changes.
    Fixed(Data),
    /// The last invocation counter that came from a ciphering client.
    LastCounter,
    /// How many billing periods were closed.
    BillingCount,
    /// The rate in force: 1 by day, 2 by night.
    Rate,
    /// The code of the event that a log took last; 0 where it is empty.
    LastEvent(Log),
    /// How many supply failures there were.
    FailureCount,
    /// The status of the present moment, as the next interval would have it.
    ProfileStatus,
    /// It answers hardware-fault.
    Broken,
    /// The firmware version that runs.
    Firmware,
}

/// Class 1.
#[derive(Debug)]
pub(crate) struct DataObject {
    entry: ObjectEntry,
    source: DataSource,
}

impl DataObject {
    /// A data object.
    #[must_use]
    pub(crate) fn new(obis: Obis, source: DataSource) -> Self {
        Self { entry: entry(1, 0, obis, &[1, 1], 0), source }
    }

    /// Text as an octet string, as most meters keep it.
    #[must_use]
    pub(crate) fn text(obis: Obis, text: &str) -> Self {
        Self::new(obis, DataSource::Fixed(Data::Octets(text.as_bytes().to_vec())))
    }
}

impl Object for DataObject {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        if attribute != 2 {
            return Err(refusal::OBJECT_UNDEFINED);
        }
        match &self.source {
            DataSource::Fixed(value) => Ok(value.clone()),
            DataSource::LastCounter => Ok(Data::U32(context.association.last_counter)),
            DataSource::BillingCount => {
                let periods = context.record.billing_periods(context.now()).len();
                Ok(Data::U16(u16::try_from(periods).unwrap_or(u16::MAX)))
            }
            DataSource::Rate => {
                if let Some(rate) = context.record.tariff().rate() {
                    return Ok(Data::U8(rate));
                }
                let second = context.record.clock().meter_second(context.now());
                let hour = context.record.clock().stamp(second).map_or(0, |stamp| stamp.local.hour());
                Ok(Data::U8(if (7..22).contains(&hour) { 1 } else { 2 }))
            }
            DataSource::LastEvent(log) => {
                let last = context.record.log(*log, context.now()).last().map_or(0, |entry| entry.code);
                Ok(Data::U8(last))
            }
            DataSource::FailureCount => {
                let (installed, now) = (context.record.load().installed(), context.now());
                let failures = context.record.load().outages().touching(installed, now).count();
                Ok(Data::U16(u16::try_from(failures).unwrap_or(u16::MAX)))
            }
            DataSource::ProfileStatus => {
                let clock = context.record.clock();
                let summer = clock.daylight_saving(clock.meter_second(context.now()));
                Ok(Data::U8(if summer { status::DAYLIGHT_SAVING } else { 0 }))
            }
            DataSource::Broken => Err(refusal::HARDWARE_FAULT),
            DataSource::Firmware => Ok(Data::Octets(context.record.firmware().version().as_bytes().to_vec())),
        }
    }
}

/// Class 8.
#[derive(Debug)]
pub(crate) struct Clock {
    entry: ObjectEntry,
}

impl Clock {
    /// The name of every meter's clock.
    pub(crate) const NAME: Obis = Obis::new(0, 0, 1, 0, 0, 255);

    /// 0-0:1.0.0, its time settable.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(8, 0, Self::NAME, &[1, 3, 1, 1, 1, 1, 1, 1, 1], 6) }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Object for Clock {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let meter_ms = context.record.clock().meter_ms(context.now_ms);
        let meter_second = meter_ms.div_euclid(1000);
        let clock = context.record.clock();
        let stamp = clock.stamp(meter_second).ok_or(refusal::UNAVAILABLE)?;
        let transitions = clock.transitions(meter_second);
        match attribute {
            2 => {
                let mut bytes = context.stamp_bytes(&stamp);
                if !context.quirks().has(Quirk::StampGaps) {
                    bytes.0[8] = u8::try_from(meter_ms.rem_euclid(1000) / 10).unwrap_or(0);
                }
                Ok(Data::Octets(bytes.0.to_vec()))
            }
            3 => Ok(Data::I16(transitions.standard_minutes)),
            4 => Ok(Data::U8(stamp.clock_status.unwrap_or(0))),
            5 | 6 => {
                let at = if attribute == 5 { transitions.summer_begins } else { transitions.summer_ends };
                let bytes = at.map_or(CosemDateTime::UNSPECIFIED, |stamp| CosemDateTime::from_stamp(&stamp));
                Ok(Data::Octets(bytes.0.to_vec()))
            }
            7 => Ok(Data::I8(transitions.summer_minutes)),
            8 => Ok(Data::Bool(transitions.summer_begins.is_some())),
            // Internal crystal.
            9 => Ok(Data::Enum(1)),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        if attribute != 2 {
            return Err(refusal::DENIED);
        }
        let stamp = value.date_time().and_then(|bytes| bytes.stamp()).ok_or(refusal::TYPE_UNMATCHED)?;
        let second = context.record.clock().second_of(&stamp).ok_or(refusal::TYPE_UNMATCHED)?;
        let milliseconds = i64::from(stamp.local.subsec_nanosecond()) / 1_000_000;
        context.record.set_clock(context.now_ms, second * 1000 + milliseconds);
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: Option<&Data>,
        context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        let meter_ms = context.record.clock().meter_ms(context.now_ms);
        let to_multiple = |seconds: i64| {
            let step = seconds * 1000;
            (meter_ms + step / 2).div_euclid(step) * step
        };
        let target = match method {
            1 => to_multiple(900),
            // No averaging period of its own: as demand's.
            2 => to_multiple(i64::from(super::super::record::DEMAND_SECONDS)),
            3 => to_multiple(60),
            6 => {
                let seconds = parameter.and_then(Data::integer).ok_or(refusal::TYPE_UNMATCHED)?;
                let seconds = i64::try_from(seconds).map_err(|_| refusal::TYPE_UNMATCHED)?;
                if !(-900..=900).contains(&seconds) {
                    return Err(refusal::TYPE_UNMATCHED);
                }
                meter_ms + seconds * 1000
            }
            _ => return Err(refusal::OBJECT_UNDEFINED),
        };
        context.record.set_clock(context.now_ms, target);
        Ok(None)
    }
}

/// Class 17: the one logical device.
#[derive(Debug)]
pub(crate) struct SapAssignment {
    entry: ObjectEntry,
}

impl SapAssignment {
    /// 0-0:41.0.0.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(17, 0, Obis::new(0, 0, 41, 0, 0, 255), &[1, 1], 0) }
    }
}

impl Default for SapAssignment {
    fn default() -> Self {
        Self::new()
    }
}

impl Object for SapAssignment {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        if attribute != 2 {
            return Err(refusal::OBJECT_UNDEFINED);
        }
        let device = context.settings.logical_device_name().into_bytes();
        Ok(Data::Array(vec![Data::Structure(vec![Data::U16(1), Data::Octets(device)])]))
    }
}

/// Class 9: script 1 ends the billing period.
#[derive(Debug)]
pub(crate) struct ScriptTable {
    entry: ObjectEntry,
}

impl ScriptTable {
    /// 0-0:10.0.1, end of billing.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(9, 0, Obis::new(0, 0, 10, 0, 1, 255), &[1, 1], 1) }
    }
}

impl Default for ScriptTable {
    fn default() -> Self {
        Self::new()
    }
}

impl Object for ScriptTable {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        _context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        if attribute != 2 {
            return Err(refusal::OBJECT_UNDEFINED);
        }
        // Script 1: capture the billing profile.
        let action = Data::Structure(vec![
            Data::Enum(2),
            Data::U16(7),
            super::name(super::profile::BILLING),
            Data::I8(2),
            Data::I8(0),
        ]);
        Ok(Data::Array(vec![Data::Structure(vec![Data::U16(1), Data::Array(vec![action])])]))
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: Option<&Data>,
        context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        match (method, parameter.and_then(Data::integer)) {
            (1, Some(1)) => {
                context.record.reset_billing(context.now());
                Ok(None)
            }
            (1, _) => Err(refusal::OBJECT_UNDEFINED),
            _ => Err(refusal::DENIED),
        }
    }
}

/// Class 70.
#[derive(Debug)]
pub(crate) struct Contactor {
    entry: ObjectEntry,
    connected: bool,
}

impl Contactor {
    /// 0-0:96.3.10, connected.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(70, 0, Obis::new(0, 0, 96, 3, 10, 255), &[1, 1, 1, 1], 2), connected: true }
    }
}

impl Default for Contactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Object for Contactor {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        _context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        match attribute {
            2 => Ok(Data::Bool(self.connected)),
            3 => Ok(Data::Enum(u8::from(self.connected))),
            // Remote disconnection and reconnection.
            4 => Ok(Data::Enum(4)),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn invoke(
        &mut self,
        method: i8,
        _parameter: Option<&Data>,
        _context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        self.connected = match method {
            1 => false,
            2 => true,
            _ => return Err(refusal::OBJECT_UNDEFINED),
        };
        Ok(None)
    }
}
