//! Objects without much inside: data, SAP assignment, script table.

use crate::model::{Obis, ObjectEntry};
use crate::protocol::dlms::{Data, DataAccessResult, Selective};

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
    /// What a client wrote; this before.
    Settable(Data),
}

/// Elements of a list that a client may write.
const MOST_ELEMENTS: usize = 64;

/// Whether a value may stand in the place of another: of the same type, a list of names.
fn may_replace(old: &Data, new: &Data) -> bool {
    let is_list = |data: &Data| {
        data.elements()
            .is_some_and(|all| all.len() <= MOST_ELEMENTS && all.iter().all(|one| one.obis().is_some()))
    };
    match (old, new) {
        (Data::Array(_), Data::Array(_)) => is_list(new),
        (Data::Array(_) | Data::Structure(_) | Data::Octets(_), _) => false,
        _ => std::mem::discriminant(old) == std::mem::discriminant(new),
    }
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
        let mode = if matches!(source, DataSource::Settable(_)) { 3 } else { 1 };
        Self { entry: entry(1, 0, obis, &[1, mode], 0), source }
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
                let count = context.record.billing_count(context.now());
                Ok(Data::U16(u16::try_from(count).unwrap_or(u16::MAX)))
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
            DataSource::Settable(fresh) => {
                let written = context.record.tariff().value((1, self.entry.obis, 2));
                Ok(written.unwrap_or(fresh).clone())
            }
        }
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        match &self.source {
            DataSource::Settable(fresh) if may_replace(fresh, value) => {
                context.record.program((1, self.entry.obis, 2), value.clone(), context.now());
                Ok(())
            }
            DataSource::Settable(_) => Err(refusal::TYPE_UNMATCHED),
            _ => Err(refusal::DENIED),
        }
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
