//! What must be known of a meter before its figures can be read, asked once and kept: plate, scalers, columns.

use crate::model::{CaptureObject, Fault, Identity, Obis, What};
use crate::protocol::dlms::{AttributeRef, Data, DataAccessResult};
use crate::protocol::link::Link;

use super::faults::TEMPORARY_FAILURE;
use super::identity::{self, CONFIGURATION, DATA, PlateObject};
use super::objects::{self, Named, class};
use super::profile::columns::{Described, capture_objects, describe, scalers_wanted};
use super::registers::scaler_attribute;
use super::session::{Answers, Session};
use super::{clock, faults, push};

/// Kinds of readings that are registers.
pub(super) const REGISTERS: [What; 2] = [What::Registers, What::Instantaneous];
/// Kinds of readings that are profiles, in the order in which they are read.
pub(super) const PROFILES: [What; 4] = [What::Billing, What::Profile, What::Instrumentation, What::Events];

/// Attributes of a profile that describe its rows.
const DESCRIPTION: [u8; 4] = [3, 4, 5, 6];

fn attribute(class_id: u16, obis: Obis, number: u8) -> Option<AttributeRef> {
    i8::try_from(number).ok().map(|number| AttributeRef::new(class_id, obis, number))
}

impl<L: Link> Session<'_, '_, L> {
    /// Asks for all that is not known yet and that the request needs.
    ///
    /// # Errors
    /// The session broke off, or another meter answered.
    pub(super) async fn learn(&mut self) -> Result<(), Fault> {
        self.read_object_list().await?;
        self.knowledge.scalers.extend(&self.access.template.objects.scalers);
        let is_new = !self.is_known();
        let plate =
            if is_new { identity::plate_objects(self.knowledge, self.template()) } else { Vec::new() };
        let mut wanted: Vec<AttributeRef> = self.plate_attributes(&plate);
        let registers = self.registers_without_scaler();
        wanted.extend(
            registers
                .iter()
                .filter_map(|(class_id, obis)| attribute(*class_id, *obis, scaler_attribute(*class_id)?)),
        );
        let profiles = self.profiles_without_columns();
        for (_, obis) in &profiles {
            wanted.extend(DESCRIPTION.iter().filter_map(|number| attribute(class::PROFILE, *obis, *number)));
        }
        let setups = self.push_setups_without_list();
        wanted.extend(setups.iter().map(|obis| AttributeRef::new(push::SETUP, *obis, 2)));
        if is_new && !wanted.is_empty() {
            wanted.extend(self.configuration_attribute());
            let clock = objects::clock(self.knowledge, self.template());
            wanted.insert(0, AttributeRef::new(class::CLOCK, clock, 2));
        }
        let answers = self.ask(wanted).await?;
        if is_new {
            self.take_identity(&plate, &answers)?;
            self.take_configuration(&answers);
            self.learn_sign(&answers);
        }
        self.take_scalers(&registers, &answers);
        self.take_push_lists(&setups, &answers);
        self.take_profiles(&profiles, &answers).await
    }

    /// Attribute 2 of each piece of plate data.
    pub(super) fn plate_attributes(&self, plate: &[PlateObject]) -> Vec<AttributeRef> {
        plate.iter().map(|one| AttributeRef::new(DATA, one.obis, 2)).collect()
    }

    /// The count of configuration changes, where the meter keeps one.
    pub(super) fn configuration_attribute(&self) -> Option<AttributeRef> {
        let is_listed =
            self.knowledge.objects.iter().any(|one| one.obis == CONFIGURATION && one.class_id == DATA);
        is_listed.then(|| AttributeRef::new(DATA, CONFIGURATION, 2))
    }

    /// Puts plate data together, checks that this is the meter that was meant, and hands it over.
    ///
    /// # Errors
    /// Another meter answered, or the sink failed.
    pub(super) fn take_identity(&mut self, plate: &[PlateObject], answers: &Answers) -> Result<(), Fault> {
        let mut now = Identity::default();
        for one in plate {
            match answers.get(DATA, one.obis, 2) {
                Some(Ok(data)) => identity::fill(&mut now, &one.role, data),
                Some(Err(result)) if result.0 != TEMPORARY_FAILURE.0 => {
                    self.remember_refusal((DATA, one.obis, 2), *result, false);
                }
                Some(Err(_)) | None => {}
            }
        }
        identity::check(self.access.config.serial.as_deref(), &self.knowledge.identity, &now)?;
        if now != Identity::default() {
            self.sink.identity(&now)?;
        } else if self.wants(What::Identity) {
            self.sink.remark("the meter says nothing of its identity".to_owned());
        }
        self.knowledge.identity = now;
        self.identified = true;
        Ok(())
    }

    fn take_configuration(&mut self, answers: &Answers) {
        let given = answers.data(DATA, CONFIGURATION, 2);
        self.knowledge.configuration = given.map(super::values::in_words);
    }

    /// Judges the deviation's sign before any range is asked for and any stamp is read.
    pub(super) fn learn_sign(&mut self, answers: &Answers) {
        let obis = objects::clock(self.knowledge, self.template());
        if let Some(stamp) = answers.data(class::CLOCK, obis, 2).and_then(clock::stamp) {
            self.judge_sign(&stamp);
        }
    }

    fn registers_without_scaler(&self) -> Vec<Named> {
        let asked = REGISTERS.into_iter().filter(|what| self.wants(*what));
        asked
            .flat_map(|what| objects::of_kind(what, self.knowledge, self.template()))
            .filter(|(class_id, obis)| {
                scaler_attribute(*class_id).is_some()
                    && !self.knowledge.scalers.contains_key(obis)
                    && self.may_read(*class_id, *obis, 2)
            })
            .collect()
    }

    fn take_scalers(&mut self, registers: &[Named], answers: &Answers) {
        let is_guessing = self.is_guessing();
        for (class_id, obis) in registers {
            let Some(number) = scaler_attribute(*class_id) else { continue };
            match answers.get(*class_id, *obis, number) {
                Some(Ok(data)) => self.take_scaler((*class_id, *obis), data),
                // An object that was merely tried is not there.
                Some(Err(result)) if is_guessing && result.0 != TEMPORARY_FAILURE.0 => {
                    self.remember_refusal((*class_id, *obis, 0), *result, false);
                }
                Some(Err(result)) if result.0 != TEMPORARY_FAILURE.0 => {
                    self.scaler_refused((*class_id, *obis, number), *result);
                }
                Some(Err(_)) | None => {}
            }
        }
    }

    fn take_scaler(&mut self, (class_id, obis): Named, data: &Data) {
        if let Some(scaler_unit) = super::values::scaler_unit(data) {
            self.knowledge.scalers.insert(obis, scaler_unit);
        } else if let Some(number) = scaler_attribute(class_id) {
            self.scaler_refused((class_id, obis, number), faults::OTHER_REASON);
        }
    }

    fn scaler_refused(&mut self, refused: (u16, Obis, u8), result: DataAccessResult) {
        self.remember_refusal(refused, result, false);
        self.without_scaler.push(format!("{} ({})", refused.1.short(), faults::words(result)));
    }

    fn push_setups_without_list(&self) -> Vec<Obis> {
        let listed = self.knowledge.objects.iter().filter(|entry| entry.class_id == push::SETUP);
        listed
            .map(|entry| entry.obis)
            .filter(|obis| {
                !self.knowledge.push_lists.contains_key(obis) && self.may_read(push::SETUP, *obis, 2)
            })
            .collect()
    }

    fn take_push_lists(&mut self, setups: &[Obis], answers: &Answers) {
        for obis in setups {
            match answers.get(push::SETUP, *obis, 2) {
                // A list that makes no sense is kept as empty: it explains no message, and asking again would not help.
                Some(Ok(data)) => {
                    let list = capture_objects(data).unwrap_or_default();
                    self.knowledge.push_lists.insert(*obis, list);
                }
                Some(Err(result)) if result.0 != TEMPORARY_FAILURE.0 => {
                    self.remember_refusal((push::SETUP, *obis, 2), *result, false);
                }
                Some(Err(_)) | None => {}
            }
        }
    }

    fn profiles_without_columns(&self) -> Vec<(What, Obis)> {
        let asked = PROFILES.into_iter().filter(|what| self.wants(*what));
        asked
            .flat_map(|what| {
                let found = objects::of_kind(what, self.knowledge, self.template());
                found.into_iter().map(move |(_, obis)| (what, obis))
            })
            .filter(|(_, obis)| !self.knowledge.profiles.contains_key(obis))
            .collect()
    }

    async fn take_profiles(&mut self, profiles: &[(What, Obis)], answers: &Answers) -> Result<(), Fault> {
        let mut found = Vec::new();
        for (what, obis) in profiles {
            match answers.get(class::PROFILE, *obis, 3) {
                Some(Ok(data)) => match capture_objects(data) {
                    Some(captured) if !captured.is_empty() => found.push((*what, *obis, captured)),
                    _ => self.sink.partial(Fault::meter(
                        format!("the columns of the profile {obis} make no sense or are empty"),
                        "look at its capture objects in the job's trace; the profile may not be set up",
                    )),
                },
                Some(Err(result)) if self.is_guessing() && result.0 != TEMPORARY_FAILURE.0 => {
                    self.remember_refusal((class::PROFILE, *obis, 0), *result, false);
                }
                Some(Err(result)) => {
                    let what = format!("the columns of the profile {obis}");
                    self.sink.partial(faults::refusal(&what, *result));
                    if faults::is_lasting(*result) {
                        self.remember_refusal((class::PROFILE, *obis, 3), *result, true);
                    }
                }
                None => {}
            }
        }
        self.learn_channel_scalers(&found).await?;
        for (what, obis, captured) in found {
            let described = Described {
                captured,
                period: answers.data(class::PROFILE, obis, 4),
                sort_method: answers.data(class::PROFILE, obis, 5),
                sort_object: answers.data(class::PROFILE, obis, 6),
            };
            let side = self.access.config.registers_in;
            let columns = describe((what, obis), described, self.knowledge, self.template(), side);
            self.knowledge.profiles.insert(obis, columns);
        }
        Ok(())
    }

    async fn learn_channel_scalers(
        &mut self,
        found: &[(What, Obis, Vec<CaptureObject>)],
    ) -> Result<(), Fault> {
        let mut wanted: Vec<(u16, Obis, u8)> = Vec::new();
        for (what, _, captured) in found {
            for one in scalers_wanted(*what, captured) {
                if !self.knowledge.scalers.contains_key(&one.1) && !wanted.contains(&one) {
                    wanted.push(one);
                }
            }
        }
        let asked = wanted.iter().filter_map(|(class_id, obis, number)| attribute(*class_id, *obis, *number));
        let answers = self.ask(asked.collect()).await?;
        for (class_id, obis, number) in wanted {
            match answers.get(class_id, obis, number) {
                Some(Ok(data)) => self.take_scaler((class_id, obis), data),
                // A wrong power of ten would be worse than a profile that is read a little later.
                Some(Err(result)) if result.0 == TEMPORARY_FAILURE.0 => {
                    return Err(faults::refusal(&format!("the scaler of {obis}"), *result));
                }
                Some(Err(result)) => self.scaler_refused((class_id, obis, number), *result),
                None => {}
            }
        }
        Ok(())
    }
}
