//! Image transfer (class 18) and the schedule of its activation (class 22).

use crate::model::{MeterStamp, Obis, ObjectEntry};
use crate::protocol::dlms::{BitString, CosemDateTime, Data, DataAccessResult, Selective};

use super::super::firmware::{BLOCK_BYTES, Denial, Ready};
use super::{Context, Object, entry, refusal};

/// 0-0:44.0.0.
const IMAGE: Obis = Obis::new(0, 0, 44, 0, 0, 255);
/// 0-0:15.0.2, image transfer activation scheduler.
const SCHEDULE: Obis = Obis::new(0, 0, 15, 0, 2, 255);
/// 0-0:10.0.107, image activation script table.
const SCRIPTS: Obis = Obis::new(0, 0, 10, 0, 107, 255);

impl From<Denial> for DataAccessResult {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::NotNow => refusal::DENIED,
            Denial::NoRoom => refusal::HARDWARE_FAULT,
            Denial::Senseless => refusal::OTHER,
            Denial::Busy => refusal::TEMPORARY_FAILURE,
        }
    }
}

/// Class 18.
#[derive(Debug)]
pub(crate) struct ImageTransfer {
    entry: ObjectEntry,
}

impl ImageTransfer {
    /// 0-0:44.0.0, not enabled.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(18, 0, IMAGE, &[1, 1, 1, 1, 3, 1, 1], 4) }
    }
}

fn info(ready: &Ready) -> Data {
    Data::Structure(vec![
        Data::U32(ready.size),
        Data::Octets(ready.identification.clone()),
        Data::Octets(ready.signature.clone()),
    ])
}

impl Object for ImageTransfer {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let firmware = context.record.firmware();
        let faults = firmware.faults();
        match attribute {
            2 => Ok(Data::U32(u32::try_from(BLOCK_BYTES).unwrap_or(u32::MAX))),
            3 if faults.no_bitmap => Err(refusal::OTHER),
            3 => {
                let (len, bytes) = firmware.bitmap();
                Ok(Data::BitString(BitString { len, bytes }))
            }
            4 => Ok(Data::U32(firmware.first_missing())),
            5 => Ok(Data::Bool(firmware.enabled)),
            6 if faults.no_status => Err(refusal::OTHER),
            6 => Ok(Data::Enum(firmware.look_at_status())),
            7 if faults.no_info => Err(refusal::HARDWARE_FAULT),
            7 => Ok(Data::Array(firmware.ready().map(info).into_iter().collect())),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        match (attribute, value) {
            (5, Data::Bool(enabled)) => {
                context.record.firmware().enable(*enabled);
                Ok(())
            }
            (5, _) => Err(refusal::TYPE_UNMATCHED),
            _ => Err(refusal::DENIED),
        }
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: Option<&Data>,
        context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        let now_ms = context.now_ms;
        let firmware = context.record.firmware();
        let pair = parameter.and_then(Data::elements);
        let number = |data: &Data| data.integer().and_then(|number| u32::try_from(number).ok());
        let done = match (method, pair) {
            (1, Some([identification, size])) => {
                let identification = identification.bytes().ok_or(refusal::TYPE_UNMATCHED)?;
                firmware.initiate(identification, number(size).ok_or(refusal::TYPE_UNMATCHED)?)
            }
            (2, Some([place, bytes])) => {
                let bytes = bytes.bytes().ok_or(refusal::TYPE_UNMATCHED)?;
                firmware.block(number(place).ok_or(refusal::TYPE_UNMATCHED)?, bytes)
            }
            (1 | 2, _) => return Err(refusal::TYPE_UNMATCHED),
            (3, _) => firmware.verify(),
            (4, _) => firmware.activate(now_ms),
            _ => return Err(refusal::OBJECT_UNDEFINED),
        };
        done.map(|()| None).map_err(DataAccessResult::from)
    }
}

/// Class 22.
#[derive(Debug)]
pub(crate) struct ImageSchedule {
    entry: ObjectEntry,
    times: Data,
}

impl ImageSchedule {
    /// 0-0:15.0.2, without a time.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(22, 0, SCHEDULE, &[1, 1, 1, 3], 0), times: Data::Array(Vec::new()) }
    }
}

/// The one time of a schedule, by the meter's clock.
fn time_of(value: &Data) -> Option<MeterStamp> {
    let [entry] = value.elements()? else { return None };
    let [time, date] = entry.elements()? else { return None };
    let (Some([hour, minute, second, _]), Some([y1, y2, month, day, weekday])) = (time.bytes(), date.bytes())
    else {
        return None;
    };
    CosemDateTime([*y1, *y2, *month, *day, *weekday, *hour, *minute, *second, 0, 0x80, 0, 0]).stamp()
}

impl Object for ImageSchedule {
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
            2 => Ok(Data::Structure(vec![super::name(SCRIPTS), Data::U16(1)])),
            // One time, without wildcards.
            3 => Ok(Data::Enum(1)),
            4 => Ok(self.times.clone()),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        if attribute != 4 {
            return Err(refusal::DENIED);
        }
        let due = match value.elements() {
            Some([]) => None,
            _ => {
                let stamp = time_of(value).ok_or(refusal::TYPE_UNMATCHED)?;
                Some(context.record.clock().second_of(&stamp).ok_or(refusal::TYPE_UNMATCHED)?)
            }
        };
        context.record.firmware().due = due;
        self.times = value.clone();
        Ok(())
    }
}
