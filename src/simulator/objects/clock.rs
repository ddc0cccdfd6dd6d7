//! The clock (class 8).

use crate::model::{Obis, ObjectEntry};
use crate::protocol::dlms::tariff::date_time;
use crate::protocol::dlms::{CosemDateTime, Data, DataAccessResult, Selective};
use crate::scheme::cosem::read_daylight_saving;

use super::super::quirks::Quirk;
use super::{Context, Object, entry, refusal};

/// Class 8.
#[derive(Debug)]
pub(crate) struct Clock {
    entry: ObjectEntry,
    /// What preset_adjusting_time left, in milliseconds of meter time: the time, and between which ones it may be taken.
    preset: Option<(i64, i64, i64)>,
}

/// Programmed daylight saving: begin, end, deviation, whether it is on.
const DAYLIGHT_SAVING: std::ops::RangeInclusive<i8> = 5..=8;

impl Clock {
    /// The name of every meter's clock.
    pub(crate) const NAME: Obis = Obis::new(0, 0, 1, 0, 0, 255);

    /// 0-0:1.0.0, its time settable.
    #[must_use]
    pub(crate) fn new() -> Self {
        let attributes = [1, 3, 1, 1, 3, 3, 3, 3, 1];
        Self { entry: entry(8, 0, Self::NAME, &attributes, 6), preset: None }
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
        if let Some(written) = context.record.tariff().value((8, self.entry.obis, attribute)) {
            return Ok(written.clone());
        }
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
        if DAYLIGHT_SAVING.contains(&attribute) {
            return self.program(attribute, value, context);
        }
        if attribute != 2 {
            return Err(refusal::DENIED);
        }
        let meter_ms = meter_time(value, context)?;
        context.record.set_clock(context.now_ms, meter_ms);
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
            2 => to_multiple(i64::from(context.record.averaging().part_seconds)),
            3 => to_multiple(60),
            4 => {
                let (to, from, until) = self.preset.ok_or(refusal::OTHER)?;
                if !(from..=until).contains(&meter_ms) {
                    return Err(refusal::OTHER);
                }
                self.preset = None;
                to
            }
            5 => {
                let Some([to, from, until]) = parameter.and_then(Data::elements) else {
                    return Err(refusal::TYPE_UNMATCHED);
                };
                let time = |value| meter_time(value, context);
                self.preset = Some((time(to)?, time(from)?, time(until)?));
                return Ok(None);
            }
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

impl Clock {
    /// Takes a part of the daylight saving; the clock goes by it as soon as the parts make a rule.
    fn program(
        &self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        let fits = match attribute {
            5 | 6 => date_time(value).is_some(),
            7 => matches!(value, Data::I8(_)),
            _ => matches!(value, Data::Bool(_)),
        };
        if !fits {
            return Err(refusal::TYPE_UNMATCHED);
        }
        let second = context.now();
        context.record.program((8, self.entry.obis, attribute), value.clone(), second);
        let mut part = |number| self.get(number, None, context);
        let (begin, end, minutes, is_on) = (part(5)?, part(6)?, part(7)?, part(8)?);
        if is_on != Data::Bool(true) {
            context.record.set_daylight_saving(None, second);
        } else if let (Some(begin), Some(end), Some(minutes)) =
            (date_time(&begin), date_time(&end), minutes.integer())
            && let Some(dst) = read_daylight_saving(begin, end, minutes)
        {
            context.record.set_daylight_saving(Some(&dst), second);
        }
        Ok(())
    }
}

/// A time that a client gives, in milliseconds of meter time.
fn meter_time(value: &Data, context: &Context<'_>) -> Result<i64, DataAccessResult> {
    let stamp = value.date_time().and_then(|bytes| bytes.stamp()).ok_or(refusal::TYPE_UNMATCHED)?;
    let second = context.record.clock().second_of(&stamp).ok_or(refusal::TYPE_UNMATCHED)?;
    Ok(second * 1000 + i64::from(stamp.local.subsec_nanosecond()) / 1_000_000)
}
