//! What stands in a meter of all that a scheme says.

use std::collections::BTreeMap;

use crate::drivers::StoodThere;
use crate::model::tariff::{ActivationTables, CalendarTables, TariffTables};
use crate::model::template::{RatioObjects, SchemeObjects};
use crate::model::{Fault, MeterStamp, Obis, ObjectEntry, Template, hex};
use crate::protocol::dlms::tariff::{Row, date_time, rows};
use crate::protocol::dlms::{AttributeRef, CosemDateTime, Data};
use crate::protocol::link::Link;

use super::super::faults::{self, TEMPORARY_FAILURE};
use super::super::objects;
use super::super::session::Session;

/// COSEM classes of a tariff.
pub(super) mod class {
    pub(crate) use crate::drivers::dlms::objects::class::{CLOCK, DATA, DEMAND, PROFILE, SCRIPTS};
    /// Register activation.
    pub(crate) const ACTIVATION: u16 = 6;
    /// Special days table.
    pub(crate) const SPECIAL_DAYS: u16 = 11;
    /// Activity calendar.
    pub(crate) const CALENDAR: u16 = 20;
    /// Single action schedule.
    pub(crate) const SCHEDULE: u16 = 22;
}

/// An attribute.
pub(super) type At = (u16, Obis, i8);

/// What was read.
#[derive(Debug)]
pub(super) struct Standing {
    /// Values as they came.
    pub(super) values: BTreeMap<At, Data>,
    /// The tariff in them.
    pub(super) tables: TariffTables,
    /// The meter's object list; empty where it gives none.
    pub(super) listed: Vec<ObjectEntry>,
    /// Registers in the list.
    pub(super) registers: Vec<(u16, Obis)>,
    pub(super) clock: Obis,
    pub(super) profile: Obis,
    pub(super) instrumentation: Obis,
    /// Demand registers that measure, by group C.
    pub(super) demands: Vec<Obis>,
    pub(super) objects: SchemeObjects,
    pub(super) ratios: RatioObjects,
}

impl Standing {
    /// What attributes are asked for.
    fn wanted(&self) -> Vec<At> {
        let objects = &self.objects;
        let mut all: Vec<At> = (2..=10).map(|number| (class::CALENDAR, objects.calendar, number)).collect();
        all.extend([
            (class::SPECIAL_DAYS, objects.special_days, 2),
            (class::SCRIPTS, objects.scripts, 2),
            (class::ACTIVATION, objects.register_activation, 2),
            (class::ACTIVATION, objects.register_activation, 3),
        ]);
        all.extend((2..=4).map(|number| (class::SCHEDULE, objects.billing_schedule, number)));
        all.push((class::CLOCK, self.clock, 2));
        all.extend((5..=8).map(|number| (class::CLOCK, self.clock, number)));
        all.extend(self.demands.iter().flat_map(|obis| [8, 9].map(|number| (class::DEMAND, *obis, number))));
        all.extend([3, 4].map(|number| (class::PROFILE, self.profile, number)));
        all.push((class::PROFILE, self.instrumentation, 4));
        all.extend(self.ratios.ct.into_iter().chain(self.ratios.vt).map(|obis| (class::DATA, obis, 2)));
        let named =
            [objects.display_auto, objects.display_manual, objects.display_seconds, objects.clock_failure];
        all.extend(named.into_iter().flatten().map(|obis| (class::DATA, obis, 2)));
        all.retain(|(class_id, obis, _)| self.listed.is_empty() || self.entry(*class_id, *obis).is_some());
        all
    }

    fn entry(&self, class_id: u16, obis: Obis) -> Option<&ObjectEntry> {
        self.listed.iter().find(|entry| entry.class_id == class_id && entry.obis == obis)
    }

    /// Whether this client may write an attribute, as far as the meter says.
    pub(super) fn may_write(&self, (class_id, obis, attribute): At) -> bool {
        self.entry(class_id, obis).is_none_or(|entry| entry.writable(attribute))
    }

    /// What was read of an attribute.
    pub(super) fn value(&self, at: At) -> Option<&Data> {
        self.values.get(&at)
    }

    /// What is kept of it all.
    pub(super) fn kept(&self) -> Vec<StoodThere> {
        let each = self.values.iter();
        each.map(|(&(class_id, obis, attribute), value)| StoodThere {
            class_id,
            obis,
            attribute,
            value: hex(&value.to_bytes()),
        })
        .collect()
    }

    /// The rows of a table; none where the meter has none.
    fn rows<R: Row>(&self, at: At) -> Result<Vec<R>, Fault> {
        let Some(data) = self.value(at) else { return Ok(Vec::new()) };
        rows(data).map_err(|error| {
            Fault::meter(
                format!("attribute {} of {}: {error}", at.2, at.1),
                "look at the answer in the job's trace; nothing was written",
            )
        })
    }

    fn name(&self, at: At) -> Vec<u8> {
        self.value(at).and_then(Data::bytes).unwrap_or_default().to_vec()
    }

    /// One side of the calendar, from its first attribute on.
    pub(super) fn calendar(&self, first: i8) -> Result<CalendarTables, Fault> {
        let at = |number: i8| (class::CALENDAR, self.objects.calendar, first + number);
        Ok(CalendarTables {
            name: self.name(at(0)),
            seasons: self.rows(at(1))?,
            weeks: self.rows(at(2))?,
            days: self.rows(at(3))?,
        })
    }

    /// What the clock said when it was read.
    pub(super) fn clock_stamp(&self) -> Option<MeterStamp> {
        self.value((class::CLOCK, self.clock, 2)).and_then(super::super::clock::stamp)
    }

    /// Whether a time of activation has gone by: many meters keep it standing.
    fn has_passed(&self, time: [u8; 12]) -> bool {
        let (due, now) = (CosemDateTime(time).stamp(), self.clock_stamp());
        due.zip(now).is_some_and(|(due, now)| due.local < now.local)
    }

    /// Makes tables of the values.
    ///
    /// # Errors
    /// A table makes no sense.
    pub(super) fn understand(&mut self) -> Result<(), Fault> {
        let objects = self.objects.clone();
        let active = self.calendar(2)?;
        let passive = self.calendar(6)?;
        let time = self.value((class::CALENDAR, objects.calendar, 10)).and_then(date_time);
        let time = time.filter(|time| !self.has_passed(*time));
        let scripts = (class::SCRIPTS, objects.scripts, 2);
        let assignment = (class::ACTIVATION, objects.register_activation, 2);
        let masks = (class::ACTIVATION, objects.register_activation, 3);
        let has = |at: At| self.values.contains_key(&at);
        let activation = if has(assignment) && has(masks) {
            Some(ActivationTables { registers: self.rows(assignment)?, masks: self.rows(masks)? })
        } else {
            None
        };
        self.tables = TariffTables {
            active,
            passive,
            activate_at: time.unwrap_or(crate::model::tariff::NO_TIME),
            special_days: self.rows((class::SPECIAL_DAYS, objects.special_days, 2))?,
            scripts: if has(scripts) { Some(self.rows(scripts)?) } else { None },
            activation,
        };
        Ok(())
    }
}

fn first(named: &[Obis], usual: Obis) -> Obis {
    named.first().copied().unwrap_or(usual)
}

fn blank(template: &Template, listed: Vec<ObjectEntry>, clock: Obis) -> Standing {
    let objects = template.scheme.clone();
    let of_class = |wanted: &[u16]| {
        let entries = listed.iter().filter(|entry| wanted.contains(&entry.class_id));
        entries.map(|entry| (entry.class_id, entry.obis)).collect::<Vec<_>>()
    };
    let registers = of_class(&[3, 4, 5]).into_iter().filter(|(_, obis)| obis.a() == 1).collect();
    let mut demands: Vec<Obis> =
        of_class(&[class::DEMAND]).into_iter().map(|(_, obis)| obis).filter(|obis| obis.d() == 4).collect();
    if listed.is_empty() {
        demands.push(Obis::new(1, 0, 1, 4, 0, 255));
    }
    let profile = first(&template.objects.load_profiles, Obis::new(1, 0, 99, 1, 0, 255));
    let instrumentation = first(&template.objects.instrumentation, Obis::new(1, 0, 99, 14, 0, 255));
    Standing {
        values: BTreeMap::new(),
        tables: TariffTables::default(),
        registers,
        clock,
        profile: objects.load_profile.unwrap_or(profile),
        instrumentation: objects.instrumentation.unwrap_or(instrumentation),
        demands,
        objects,
        ratios: template.objects.ratios.clone(),
        listed,
    }
}

impl<L: Link> Session<'_, '_, L> {
    /// Reads all that a scheme says of this meter.
    ///
    /// # Errors
    /// The session broke off, the meter has no activity calendar, or what it gives makes no sense.
    pub(super) async fn standing(&mut self) -> Result<Standing, Fault> {
        let clock = objects::clock(self.knowledge, self.template());
        let mut standing = blank(self.template(), self.knowledge.objects.clone(), clock);
        let wanted = standing.wanted();
        let values = self.values(&wanted).await?;
        standing.values = values;
        if standing.value((class::CALENDAR, standing.objects.calendar, 2)).is_none() {
            return Err(Fault::meter(
                format!("the meter gives no activity calendar ({})", standing.objects.calendar.short()),
                "read its object list to see what it has; this client may lack the right to read it",
            ));
        }
        standing.understand()?;
        Ok(standing)
    }

    /// The values of attributes, without those that the meter does not have.
    ///
    /// # Errors
    /// The session broke off, or the meter is busy.
    pub(super) async fn values(&mut self, wanted: &[At]) -> Result<BTreeMap<At, Data>, Fault> {
        let asked: Vec<AttributeRef> = wanted
            .iter()
            .map(|(class_id, obis, number)| AttributeRef::new(*class_id, *obis, *number))
            .collect();
        let mut values = BTreeMap::new();
        for (asked, answer) in self.ask(asked).await?.into_values() {
            match answer {
                Ok(data) => {
                    values.insert((asked.class_id, asked.obis, asked.attribute), data);
                }
                Err(result) if result.0 == TEMPORARY_FAILURE.0 => {
                    return Err(faults::refusal(&asked.to_string(), result));
                }
                Err(_) => {}
            }
        }
        Ok(values)
    }
}
